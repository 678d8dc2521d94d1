"""Nests that `blockize` and `tensorize` made one statement: primitives leave what they do as it is."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation

from ...dialects.loop import BlockOp, ForOp, LoopKind
from ...dialects.regions import Access

STATEMENTS = (LoopKind.OPAQUE, LoopKind.TENSORIZED)
"""The kinds of loops below which all is one statement."""


def statements_in(function: FuncOp) -> dict[tuple[object, ...], ForOp]:
    """The nests that are one statement, by what they do."""
    return {tuple(_content(op) for op in loop.walk()): loop for loop in _nests(function.body.block)}


def _nests(block: Block) -> Iterator[ForOp]:
    op = block.first_op
    while op is not None:
        if type(op) is ForOp:
            if op.kind in STATEMENTS:
                yield op
            else:
                yield from _nests(op.regions[0].block)
        op = op.next_op


def _content(op: Operation) -> object:
    """What may not change of an op in a statement: all but where it is in the kernel, and what its buffers are."""
    if isinstance(op, ForOp):
        return op.name, op.extent, op.kind, op.peel, op.intrinsic, op.tensors, len(op.body.block.ops)
    if isinstance(op, BlockOp):
        return op.name, tuple(op.kinds), len(op.body.block.ops)
    if isinstance(op, Access):
        return op.name, len(op.buffers)
    return op.name, frozenset(op.properties.items()), tuple(result.type for result in op.results)


__all__ = ["STATEMENTS", "statements_in"]
