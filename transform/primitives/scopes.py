"""Primitives on memory scopes: set_memory_space. That what lives in one fits there, all primitives promise."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import MemRefType, NoneAttr, StringAttr
from xdsl.ir import Operation, SSAValue

from ...dialects.loop import LOCAL, AllocOp, memref_type
from ...dialects.scopes import overflow_in, scopes_of
from ...errors import ScheduleError, did_you_mean
from .common import buffer_name, kernel, refuse
from .layout import set_type


def expect_scope(scope: str, scopes: Mapping[str, int | None], op: Operation) -> None:
    """Refuses, because of an op, a memory scope that is none of a target's; global memory and `local` all have."""
    if scope not in ("", LOCAL.data) and scope not in scopes:
        listed = ", ".join(scopes)
        refuse(f"expected a memory scope of the target ({listed}), got '{scope}'{did_you_mean(scope, scopes)}", op)


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
    if scopes is not None:
        expect_scope(scope, scopes, owner)
    elif scope not in ("", LOCAL.data):
        refuse(f"expected a module with a target that has memory scope '{scope}', got none", owner)
    old = memref_type(buffer)
    space = StringAttr(scope) if scope else NoneAttr()
    set_type(buffer, MemRefType(old.element_type, old.shape, old.layout, space))
    if scopes is not None and (overflow := overflow_in(kernel(owner), scopes)) is not None:
        set_type(buffer, old)
        refuse(str(overflow), owner, *(("lives at the same time", a) for a, _ in overflow.buffers if a is not owner))


__all__ = ["expect_scope", "set_memory_space"]
