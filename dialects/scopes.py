"""Memory scopes: where the buffers of a kernel are, and how much there is room for at one time.

A scope is a buffer's memory space. What scopes there are, and how many bytes each has room for, the target of the
module says (`scopes()` of its attribute): of a CPU `registers`, `l1` and `l2`, of an accelerator its scratchpads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol, cast

from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from .layout import aligned_shape, packed_shape
from .loop import AllocOp, ForOp, LoopKind, byte_size, enclosing_loops, kernel_of, memref_type
from .regions import footprint

TARGET_SUFFIX = ".target"
"""A module names its target in an attribute `<dialect>.target`, such as `cpu.target`."""


class TargetScopes(Protocol):
    """A target attribute with memory scopes."""

    def scopes(self) -> Mapping[str, int | None]:
        """How many bytes each scope has room for, by name; None where there is no limit."""
        ...


def scopes_of(op: Operation) -> Mapping[str, int | None] | None:
    """The memory scopes of the target that an operation is compiled for; None without a target that has scopes."""
    current: Operation | None = op
    while current is not None:
        for name, attr in current.attributes.items():
            if name.endswith(TARGET_SUFFIX) and hasattr(attr, "scopes"):
                return cast(TargetScopes, attr).scopes()
        current = current.parent_op()
    return None


def scope_of(buffer: SSAValue) -> str:
    """The memory scope of a buffer; empty for global memory."""
    space: Attribute = memref_type(buffer).memory_space
    return space.data if isinstance(space, StringAttr) else ""


def allocs_in(block: Block) -> Iterator[AllocOp]:
    """The buffers of a kernel's own in a block, in program order."""
    op = block.first_op
    while op is not None:
        if type(op) is AllocOp:
            yield op
        elif type(op) is ForOp:
            yield from allocs_in(op.regions[0].block)
        op = op.next_op


def staged_bytes(alloc: AllocOp) -> int:
    """How many bytes the copies of a buffer take, of which one lifetime touches one."""
    shape: Sequence[int] = footprint(alloc).shape
    dimensions = list(alloc.order)
    if alloc.tiling is not None:
        shape = packed_shape(alloc.tiling, shape)
        dimensions = list(range(len(shape)))
    kept = [d for d in dimensions if shape[d] > 1]
    shape = aligned_shape([shape[d] for d in kept], kept, alloc.alignments) or shape
    lanes = [loop.extent for loop in enclosing_loops(alloc) if loop.kind is LoopKind.VECTORIZED]
    return alloc.copies * prod(shape) * prod(lanes) * byte_size(memref_type(alloc.buffer).element_type)


@dataclass(frozen=True)
class Overflow:
    """Buffers that live at one time, and take more than their scope has."""

    scope: str
    capacity: int
    buffers: tuple[tuple[AllocOp, int], ...]

    def __str__(self) -> str:
        total = sum(size for _, size in self.buffers)
        listed = ", ".join(f"'{alloc.sym_name.data}' ({size})" for alloc, size in self.buffers)
        return (
            f"scope overflow: expected at most {self.capacity} bytes in scope '{self.scope}' at one time, got {total}: "
            f"{listed}"
        )


def overflow_in(kernel: FuncOp, scopes: Mapping[str, int | None], only: str | None = None) -> Overflow | None:
    """The first scope of some whose buffers in a kernel do not all fit at a time, in one of its threads."""
    found: dict[str, dict[AllocOp, int]] = {}
    for alloc in allocs_in(kernel.body.block):
        scope = scope_of(alloc.buffer)
        if scopes.get(scope) is not None and only in (None, scope):
            found.setdefault(scope, {})[alloc] = staged_bytes(alloc)
    for scope, sizes in found.items():
        capacity = scopes[scope]
        assert capacity is not None
        live = _most_alive(kernel.body.block, sizes)
        if sum(sizes[alloc] for alloc in live) > capacity:
            return Overflow(scope, capacity, tuple((alloc, sizes[alloc]) for alloc in live))
    return None


def _most_alive(block: Block, sizes: Mapping[AllocOp, int]) -> list[AllocOp]:
    """The buffers that live together when they take the most bytes; each lives from its first use to its last one."""
    places = {op: place for place, op in enumerate(block.ops)}
    spans: list[tuple[int, int, AllocOp]] = []
    for alloc in (op for op in places if isinstance(op, AllocOp) and op in sizes):
        used = [places[_child_of(block, use.operation)] for use in alloc.buffer.uses]
        if used and alloc.copies > 1:  # other iterations use other copies
            spans.append((0, len(places), alloc))
        elif used:
            spans.append((min(used), max(used), alloc))
    best: list[AllocOp] = []
    most = 0
    for op, place in places.items():
        inside = _most_alive(op.body.block, sizes) if isinstance(op, ForOp) else []
        if not inside and not any(first == place for first, _, _ in spans):
            continue  # nothing begins to live here
        live = [*(alloc for first, last, alloc in spans if first <= place <= last), *inside]
        total = sum(sizes[alloc] for alloc in live)
        if total > most:
            best, most = live, total
    return best


def _child_of(block: Block, op: Operation) -> Operation:
    current = op
    while current.parent is not block:
        above = current.parent_op()
        assert above is not None, "expected the uses of a buffer where it lives"
        current = above
    return current


def overflow_at(alloc: AllocOp) -> Overflow | None:
    """What does not fit in the scope of a buffer, told of the first buffer in it only."""
    scope = scope_of(alloc.buffer)
    kernel = kernel_of(alloc)
    scopes = scopes_of(alloc) if kernel is not None and scope else None
    if kernel is None or scopes is None or scopes.get(scope) is None:
        return None
    first = next(each for each in allocs_in(kernel.body.block) if scope_of(each.buffer) == scope)
    return overflow_in(kernel, scopes, scope) if first is alloc else None


__all__ = ["Overflow", "allocs_in", "overflow_at", "overflow_in", "scope_of", "scopes_of", "staged_bytes"]
