"""The promise of every primitive that what `blockize` and `tensorize` made one statement stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation

from ...dialects.loop import BlockOp, ForOp, LoopKind
from ...dialects.regions import Access
from .common import describe, refuse
from .trial import kernel_among, tried

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_STATEMENTS = (LoopKind.OPAQUE, LoopKind.TENSORIZED)


def keeps_statements(primitive: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Makes a primitive refuse what would change the inside of a nest that is one statement. Where there are such
    nests, it is tried on a copy of the kernel first."""

    @wraps(primitive)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        function = kernel_among((*args, *kwargs.values()))
        if function is not None and (before := _statements(function)):
            changed = tried(cast("Callable[..., object]", primitive), function, args, kwargs)
            new = {} if changed is None else _statements(changed)
            if new.keys() - before.keys():
                gone = next((loop for content, loop in before.items() if content not in new), None)
                loop = gone or next(iter(before.values()))
                refuse(f"expected the nest below {loop.kind} {describe(loop)} to stay as it is", loop)
        return primitive(*args, **kwargs)

    return checked


def _statements(function: FuncOp) -> dict[tuple[object, ...], ForOp]:
    """The nests that are one statement, by what they do."""
    return {tuple(_content(op) for op in loop.walk()): loop for loop in _nests(function.body.block)}


def _nests(block: Block) -> Iterator[ForOp]:
    op = block.first_op
    while op is not None:
        if type(op) is ForOp:
            if op.kind in _STATEMENTS:
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


__all__ = ["keeps_statements"]
