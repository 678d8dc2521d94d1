"""What a kernel has to do at least, whatever its schedule: arithmetic, and bytes that pass once.

A workload's bound is the longer of two times: its operations at the rate of fused multiply-adds on registers, and its
bytes at the rate of the level of memory that all of them fit (`autotune/machine.py` measures both rates).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import cast

from xdsl.dialects import scf
from xdsl.dialects.builtin import AnyFloat, IndexType, IntegerType, MemRefType
from xdsl.ir import Attribute, Operation

from ..dialects.loop import OUTPUT, WORKSPACE, BlockOp, InitOp, byte_count
from .workload import Workload

_TWO = frozenset({"math.fma"})
_FREE = frozenset({"arith.constant", "arith.bitcast", "arith.index_cast"})


def operations(workload: Workload) -> int:
    """How many additions, multiplications and other functions of numbers a workload computes at least; a fused one
    counts as two. Of a choice that is made element by element the cheaper side counts, and the work of starting a
    reduction does not."""
    blocks = (op for op in workload.kernel.walk() if isinstance(op, BlockOp))
    return sum(prod(block.extents) * _operations_in(block.body.block.ops) for block in blocks)


def _operations_in(ops: Iterable[Operation]) -> int:
    return sum(map(_operations_of, ops))


def _operations_of(op: Operation) -> int:
    if isinstance(op, InitOp):
        return 0
    if isinstance(op, scf.IfOp):
        sides = [_operations_in(region.block.ops) if region.blocks else 0 for region in op.regions]
        return min(sides, default=0)
    if op.regions:
        return sum(_operations_in(region.block.ops) for region in op.regions if region.blocks)
    if op.name in _FREE or not op.name.startswith(("arith.", "math.")):
        return 0
    if not all(_is_number(result.type) for result in op.results):
        return 0
    return 2 if op.name in _TWO else 1


def _is_number(type: Attribute) -> bool:
    if isinstance(type, IndexType):
        return False
    if isinstance(type, IntegerType):
        return cast("IntegerType[int]", type).width.data > 1
    return isinstance(type, AnyFloat)


def argument_bytes(workload: Workload) -> tuple[int, int]:
    """How many bytes a workload's inputs and constants have, and how many its outputs."""
    read = written = 0
    attributes = workload.kernel.arg_attrs
    for position, type in enumerate(workload.kernel.function_type.inputs):
        marks = frozenset(attributes.data[position].data if attributes is not None else ())
        if WORKSPACE in marks:
            continue
        size = byte_count(cast("MemRefType[Attribute]", type))
        if OUTPUT in marks:
            written += size
        else:
            read += size
    return read, written
