"""Kernels at a glance: their loops and blocks, without what the blocks compute."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block

from ...dialects.loop import AllocOp, BlockOp, ForOp, LoopKind


def outline(kernel: FuncOp) -> str:
    """The nests of a kernel, a loop or a block a line."""
    return "\n".join(_lines(kernel.body.block, ""))


def _lines(block: Block, indent: str) -> Iterator[str]:
    for op in block.ops:
        if isinstance(op, ForOp):
            yield f"{indent}{_loop(op)}"
            yield from _lines(op.body.block, indent + "  ")
        elif isinstance(op, BlockOp):
            alias = f" ({op.alias.data})" if op.alias is not None else ""
            yield f"{indent}{op.sym_name.data}{alias}"
        elif isinstance(op, AllocOp):
            yield f"{indent}alloc {op.sym_name.data} : {op.buffer.type}"


def _loop(loop: ForOp) -> str:
    name = loop.induction_variable.name_hint or "i"
    kind = "" if loop.kind is LoopKind.SERIAL else f" {loop.kind.value}"
    peel = " peel" if loop.peel is not None else ""
    return f"for {name} : {loop.extent}{kind}{peel}"
