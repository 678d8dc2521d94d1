"""`apply-schedules`: schedule the kernels that no script was given for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from ...dialects.loop import blocks_in
from ...errors import ScheduleError
from ...transform.interpreter import DEFAULT_ENTRY, apply_script
from ...transform.layouts import pack_operands
from ...transform.library import ScriptFile
from ...transform.script import shipped_schedules
from ...transform.state import SCHEDULED
from ..function_pass import FunctionPass
from ..pass_manager import PassManager


def split_at_schedules(manager: PassManager) -> tuple[PassManager, PassManager] | None:
    """A pipeline's steps on the whole program, and those on kernels one by one; None if it does not schedule."""
    for position, step in enumerate(manager.steps):
        if step.pass_.name == SCHEDULING:
            return replace(manager, steps=manager.steps[:position]), replace(manager, steps=manager.steps[position:])
    return None


@cache
def shipped_libraries() -> tuple[ScriptFile, ...]:
    """The scripts that we ship, which are read once."""
    return shipped_schedules()


def apply_shipped_schedules(ctx: Context, func: FuncOp, entry: str = DEFAULT_ENTRY) -> None:
    """Schedules a kernel by its structure and its target. It computes what it did.

    `entry` is the sequence to start at: one that we ship, or one of a library that the context was made with.
    """
    if SCHEDULED in func.attributes or not blocks_in(func):
        return
    libraries = shipped_libraries()
    # What ran before a refusal stays: each step of a script keeps the meaning of the kernel.
    with suppress(ScheduleError):
        apply_script(libraries[0].module, func, entry=entry, ctx=ctx, libraries=libraries)


@dataclass(frozen=True)
class ApplySchedulesPass(FunctionPass):
    """Schedule each kernel of the loop rung that is not scheduled yet by the first shipped script that fits it."""

    name = "apply-schedules"

    entry_point: str = DEFAULT_ENTRY
    """The named sequence to start at: the shipped one, or one of a plugin's."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        super().apply(ctx, op)
        pack_operands(op)

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        apply_shipped_schedules(ctx, func, self.entry_point)


SCHEDULING = ApplySchedulesPass.name
"""The first pass that kernels go through one by one."""
