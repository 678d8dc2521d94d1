"""From when to when the buffers of a function are needed.

A time is the position of an operation of the function's body: a kernel's nest of loops, or `@main`'s call of a kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, NoneAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.traits import IsTerminator

from ....dialects.loop import AllocOp, BlockOp, ForOp, ViewOp, byte_count
from .packing import ALIGNMENT, Request

Alloc: TypeAlias = AllocOp | memref.AllocOp

_VIEWS = (
    ViewOp,
    memref.CastOp,
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.ReinterpretCastOp,
    memref.SubviewOp,
    memref.ViewOp,
)
"""What gives other names to the elements of its operand, which it keeps alive."""


@dataclass(frozen=True)
class Buffer:
    """A buffer of a function, and the times of its first and last use."""

    alloc: Alloc
    start: int
    end: int
    size: int
    """In bytes."""

    @property
    def value(self) -> SSAValue:
        return self.alloc.results[0]

    @property
    def type(self) -> MemRefType[Attribute]:
        return cast("MemRefType[Attribute]", self.value.type)

    @property
    def request(self) -> Request:
        """What it needs."""
        return Request(self.start, self.end, self.size)


def positions(func: FuncOp) -> dict[Operation, int]:
    """The time of each operation of a function's body."""
    return {op: time for time, op in enumerate(func.body.block.ops)}


def time_of(op: Operation, times: dict[Operation, int]) -> int:
    """The time of the operation that `op` is, or is in."""
    current: Operation | None = op
    while current is not None and current not in times:
        current = current.parent_op()
    assert current is not None, "expected an operation of the function"
    return times[current]


def calls_in(function: FuncOp) -> list[CallOp]:
    """The calls in a function; there are none in loops and blocks."""
    found: list[CallOp] = []
    for block in function.body.blocks:
        for op in block.ops:
            if isinstance(op, CallOp):
                found.append(op)
            elif op.regions and not isinstance(op, ForOp | BlockOp):
                found.extend(inner for inner in op.walk() if isinstance(inner, CallOp))
    return found


def function_buffers(func: FuncOp, times: dict[Operation, int]) -> list[Buffer]:
    """The buffers that a function allocates for itself, once, in ordinary memory, with static shapes, in order."""
    found: list[Buffer] = []
    for op in func.body.block.ops:
        if isinstance(op, Alloc) and _is_ordinary(op):
            uses = list(_uses(op.results[0]))
            if all(use is not None for use in uses):
                lived = [time_of(use, times) for use in uses if use is not None]
                first, last = min(lived, default=times[op]), max(lived, default=times[op])
                found.append(Buffer(op, first, last, byte_count(cast("MemRefType[Attribute]", op.results[0].type))))
    return found


def kernel_buffers(func: FuncOp, times: dict[Operation, int], sizes: Mapping[AllocOp, int]) -> list[Buffer]:
    """Buffers of a kernel, of so many bytes. One that lives inside of loops is needed as long as the outermost runs."""
    found: list[Buffer] = []
    for alloc, size in sizes.items():
        lived = [time_of(use.operation, times) for use in alloc.buffer.uses] or [time_of(alloc, times)]
        found.append(Buffer(alloc, min(lived), max(lived), size))
    return found


def _is_ordinary(op: Alloc) -> bool:
    type = op.results[0].type
    if not isinstance(type, MemRefType) or op.operands:
        return False
    given = op.alignment if isinstance(op, memref.AllocOp) else None
    return (
        isinstance(type.layout, NoneAttr)
        and isinstance(type.memory_space, NoneAttr)
        and all(extent > 0 for extent in type.get_shape())
        and (given is None or given.value.data <= ALIGNMENT)
    )


def _uses(value: SSAValue) -> Iterator[Operation | None]:
    """The operations that use a buffer or a view of it; None for one that may make it known elsewhere."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, memref.DeallocOp):
            continue
        if isinstance(op, _VIEWS):
            yield from _uses(op.results[0])
        elif any(isinstance(result.type, MemRefType) for result in op.results) or op.has_trait(IsTerminator):
            yield None
        else:
            yield op


def deallocs_of(buffer: Buffer) -> Sequence[memref.DeallocOp]:
    """What frees a buffer."""
    return [use.operation for use in buffer.value.uses if isinstance(use.operation, memref.DeallocOp)]
