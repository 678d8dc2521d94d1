"""Primitives tried on a copy of their kernel, to look at what comes out before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...dialects.loop import kernel_of
from ...errors import ScheduleError


def kernel_among(arguments: Sequence[object]) -> FuncOp | None:
    """The kernel that the arguments of a primitive are in."""
    for argument in arguments:
        if isinstance(argument, Operation):
            return kernel_of(argument)
        if isinstance(argument, SSAValue):
            owner = argument.owner
            operation = owner.parent_op() if isinstance(owner, Block) else owner
            return None if operation is None else kernel_of(operation)
        if isinstance(argument, list | tuple):
            found = kernel_among(cast("Sequence[object]", argument))
            if found is not None:
                return found
    return None


def tried(
    primitive: Callable[..., object], function: FuncOp, args: Sequence[object], kwargs: Mapping[str, object]
) -> FuncOp | None:
    """What a primitive makes of a copy of the kernel; None if it is refused: so is the real one, which says where."""
    values: dict[SSAValue, SSAValue] = {}
    copy = function.clone(values)
    module = function.parent_op()
    attributes = dict(module.attributes) if isinstance(module, ModuleOp) else {}
    home = ModuleOp([copy], attributes)
    ops: dict[Operation, Operation] = dict(zip(function.walk(), copy.walk(), strict=True))

    def mapped(argument: object) -> object:
        if isinstance(argument, Operation):
            return ops.get(argument, argument)
        if isinstance(argument, SSAValue):
            value = cast("SSAValue[Attribute]", argument)
            return values.get(value, value)
        if isinstance(argument, list | tuple):
            return [mapped(each) for each in cast("Sequence[object]", argument)]
        return argument

    try:
        primitive(*map(mapped, args), **{name: mapped(value) for name, value in kwargs.items()})
    except ScheduleError:
        return None
    (changed,) = home.body.block.ops
    assert isinstance(changed, FuncOp)
    return changed


__all__ = ["kernel_among", "tried"]
