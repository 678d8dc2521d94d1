"""Memory scopes: set_memory_space, and the promise of every primitive that what lives in a scope fits there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from xdsl.dialects.builtin import MemRefType, NoneAttr, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from ...dialects.loop import AllocOp, memref_type
from ...dialects.scopes import allocs_in, overflow_in, scope_of, scopes_of
from ...errors import ScheduleError, did_you_mean
from .common import buffer_name, kernel, refuse
from .layout import set_type
from .trial import kernel_among, tried

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def set_memory_space(buffer: SSAValue, scope: str) -> None:
    """Puts a buffer of the kernel's own into a memory scope of the target.

    before                                          after `set_memory_space(B, "l1")`
    %B = loop.alloc "B" : memref<8x64xf32>          %B = loop.alloc "B" : memref<8x64xf32, "l1">

    On a CPU, buffers in `registers` and `l1` are on the stack, those in `l2` never are, and `local` ones where there is
    room. TVM calls it `set_scope`.

    Args:
        scope: its name; `""` for global memory.

    Raises:
        ScheduleError: if the buffer is an argument, the target has no such scope, or not enough room in it.
    """
    owner = buffer.owner
    if not isinstance(owner, AllocOp):
        raise ScheduleError(f"expected a buffer of the kernel's own, got argument '{buffer_name(buffer)}'")
    scopes = scopes_of(owner)
    if scope and scope != "local" and (scopes is None or scope not in scopes):
        if scopes is None:
            refuse(f"expected a module with a target that has memory scope '{scope}', got none", owner)
        listed = ", ".join(scopes)
        refuse(f"expected a memory scope of the target ({listed}), got '{scope}'{did_you_mean(scope, scopes)}", owner)
    old = memref_type(buffer)
    space = StringAttr(scope) if scope else NoneAttr()
    set_type(buffer, MemRefType(old.element_type, old.shape, old.layout, space))
    if scopes is not None and (overflow := overflow_in(kernel(owner), scopes)) is not None:
        set_type(buffer, old)
        refuse(str(overflow), owner, *(("lives at the same time", a) for a, _ in overflow.buffers if a is not owner))


def within_scopes(primitive: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Makes a primitive refuse what would let the buffers in a scope outgrow it. Where there are such buffers, it is
    tried on a copy of the kernel first."""

    @wraps(primitive)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        function = kernel_among((*args, *kwargs.values()))
        scopes = scopes_of(function) if function is not None else None
        if function is not None and scopes is not None and _is_limited(function, (*args, *kwargs.values()), scopes):
            changed = tried(cast("Callable[..., object]", primitive), function, args, kwargs)
            if changed is not None and (overflow := overflow_in(changed, scopes)) is not None:
                refuse(str(overflow), function)
        return primitive(*args, **kwargs)

    return checked


def _is_limited(function: FuncOp, arguments: Sequence[object], scopes: Mapping[str, int | None]) -> bool:
    """Whether there are buffers in a scope with a limit, or a call may make one."""
    if any(isinstance(argument, str) and scopes.get(argument) is not None for argument in arguments):
        return True
    return any(scopes.get(scope_of(alloc.buffer)) is not None for alloc in allocs_in(function.body.block))


__all__ = ["set_memory_space", "within_scopes"]
