"""What every primitive promises beside the meaning of the kernel: what lives in a memory scope fits there, and what is
one statement of a nest stays as it is."""

# pyright: reportPrivateUsage=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar, cast

from xdsl.dialects.builtin import MemRefType, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...dialects.loop import LOCAL, AllocOp, ForOp
from ...dialects.scopes import overflow_in, scopes_of
from .common import describe, refuse
from .scopes import expect_scope
from .statements import STATEMENTS, statements_in
from .trial import kernel_among, tried

_SCOPES = ("memory_space", "scope")
"""Parameters of primitives that name the memory scope of a buffer."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def keeps_promises(
    primitive: Callable[Arguments, Result], *, makes_statements: bool = False
) -> Callable[Arguments, Result]:
    """Makes a primitive refuse what would break a promise. Where there is something to keep, it is tried on a copy of
    the kernel first."""

    places = [(at, name) for at, name in enumerate(signature(primitive).parameters) if name in _SCOPES]

    @wraps(primitive)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        given = (*args, *kwargs.values()) if kwargs else args
        function = kernel_among(given)
        asked = [scope for scope in (_asked(at, name, args, kwargs) for at, name in places) if scope is not None]
        if function is not None and asked and (scopes := scopes_of(function)) is not None:
            for scope in asked:
                expect_scope(scope, scopes, _place_of(args, function))
        if function is not None and (asked or _has_promises(function.regions[0].block)):
            _check(cast("Callable[..., object]", primitive), function, args, kwargs, makes_statements)
        return primitive(*args, **kwargs)

    return checked


def _asked(at: int, name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
    """The memory scope that is asked for, if it is one of the target's."""
    scope = args[at] if at < len(args) else kwargs.get(name)
    return scope if isinstance(scope, str) and scope not in ("", LOCAL.data) else None


def _place_of(args: Sequence[object], function: FuncOp) -> Operation:
    """What a primitive was asked to change: the block, or the buffer."""
    first = args[0] if args else None
    owner = cast("SSAValue[Attribute]", first).owner if isinstance(first, SSAValue) else first
    return owner if isinstance(owner, Operation) else function


def _has_promises(block: Block) -> bool:
    """Whether there are buffers in scopes, or nests that are one statement. It comes before each primitive, so it goes
    through the lists themselves."""
    op = block._first_op
    while op is not None:
        kind = type(op)
        if kind is ForOp:
            body = op.regions[0]._first_block
            if op.properties["kind"].data in STATEMENTS or (body is not None and _has_promises(body)):
                return True
        elif kind is AllocOp:
            (result,) = op.results
            space = cast("MemRefType[Attribute]", result.type).memory_space
            if type(space) is StringAttr and space.data != LOCAL.data:
                return True
        op = op._next_op
    return False


def _check(
    primitive: Callable[..., object],
    function: FuncOp,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    makes_statements: bool,
) -> None:
    scopes = scopes_of(function)
    before = {} if makes_statements else statements_in(function)
    if scopes is None and not before:
        return
    changed = tried(primitive, function, args, kwargs)
    if changed is None:
        return  # the real one is refused, too, and says where
    if scopes is not None and (overflow := overflow_in(changed, scopes)) is not None:
        refuse(str(overflow), function)
    new = statements_in(changed) if before else {}
    if new.keys() - before.keys():
        gone = next((loop for content, loop in before.items() if content not in new), None)
        loop = gone or next(iter(before.values()))
        refuse(f"expected the nest below {loop.kind} {describe(loop)} to stay as it is", loop)


__all__ = ["keeps_promises"]
