"""Which parts of a pipelined loop run iterations ahead of the others, and the proof that this changes nothing.

What a pipelined loop holds runs in the order of times, and at one time in program order: iteration `i` of a part that
runs `d` iterations ahead has the time `i - d`. Such a part writes nothing but buffers that live in the loop and have
several copies, of which iteration `i` uses copy `i mod n`; one of them is computed with, so that `d` is `n - 1`.
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Operation, SSAValue

from .loop import AllocOp, BlockOp, ForOp, ReadOp, blocks_in, enclosing_loops, loop_bounds
from .regions import Access, alloc_of, block_of, index_forms
from .separation import agreeing


def parts_of(loop: ForOp) -> list[tuple[Operation, int]]:
    """The parts of a loop, each with how many iterations it runs ahead if the loop is pipelined."""
    return [(op, _distance(op)) for op in loop.body.block.ops if not isinstance(op, AllocOp)]


def _distance(part: Operation) -> int:
    copies: list[int] = []
    for block in blocks_in(part):
        for buffer in block.written_buffers():
            alloc = alloc_of(buffer)
            if alloc is not None and part.is_ancestor(alloc):
                continue
            if alloc is None or alloc.parent is not part.parent:
                return 0
            copies.append(alloc.copies)
    return min(copies, default=1) - 1


def pipeline_failure(loop: ForOp) -> tuple[BlockOp, str] | None:
    """Why the order of a pipelined loop is not proven to give what the sequential one does, with the block that is in
    the way; None if it is proven."""
    parts = parts_of(loop)
    if all(distance == parts[0][1] for _, distance in parts):
        return None
    outer = {each.induction_variable for each in enclosing_loops(loop)}
    touched = [(_accesses(part), distance) for part, distance in parts]
    for buffer in dict.fromkeys(buffer for accesses, _ in touched for buffer in accesses):
        users = [(accesses[buffer], distance) for accesses, distance in touched if buffer in accesses]
        if all(isinstance(access, ReadOp) for accesses, _ in users for access in accesses):
            continue
        alloc = alloc_of(buffer)
        own = alloc is not None and alloc.parent is loop.body.block
        if alloc is not None and not own and loop.is_ancestor(alloc):
            continue
        name = alloc.sym_name.data if alloc is not None else _name_of(buffer)
        if own and alloc is not None:
            distances = [distance for _, distance in users]
            if alloc.copies <= max(distances) - min(distances):
                needed = max(distances) - min(distances) + 1
                return block_of(users[0][0][0]), f"expected {needed} copies of '{name}', got {alloc.copies}"
        for i, (first, ahead) in enumerate(users):
            for second, behind in users[i + 1 :]:
                if ahead == behind:
                    continue
                if ahead > behind and own:
                    continue
                for a, b in _conflicts(first, second):
                    block = block_of(b)
                    if ahead < behind:
                        return block, (
                            f"expected '{block.block_name}', which runs iterations ahead, not to touch '{name}' after "
                            f"'{block_of(a).block_name}'"
                        )
                    rows = [
                        (x, y)
                        for x, y in zip(index_forms(a), index_forms(b), strict=True)
                        if x is not None and y is not None
                    ]
                    if loop.extent > 1 and loop.induction_variable not in agreeing(rows, outer, loop_bounds):
                        return block, (
                            f"expected '{block_of(a).block_name}', which runs iterations ahead, and "
                            f"'{block.block_name}' to touch the same elements of '{name}' only in one iteration"
                        )
    return None


def _accesses(part: Operation) -> dict[SSAValue, list[Access]]:
    found: dict[SSAValue, list[Access]] = {}
    for block in blocks_in(part):
        for access in block.accesses():
            for buffer in access.buffers:
                found.setdefault(buffer, []).append(access)
    return found


def _conflicts(first: list[Access], second: list[Access]) -> Iterator[tuple[Access, Access]]:
    for a in first:
        for b in second:
            if not (isinstance(a, ReadOp) and isinstance(b, ReadOp)):
                yield a, b


def _name_of(buffer: SSAValue) -> str:
    return buffer.name_hint or "an argument"


__all__ = ["parts_of", "pipeline_failure"]
