"""Kernels scheduled by scripts that were found for them, each on a copy: what is refused leaves nothing behind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import DictionaryAttr, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from ..backends.lowering import schedule_entry
from ..backends.registry import pass_registry
from ..errors import ScheduleError
from ..passes.loop.apply_schedules import apply_shipped_schedules, shipped_libraries
from ..passes.loop.name_kernels import kernel_hash, lone_kernels
from ..passes.pass_manager import PassRunner
from ..transform.interpreter import apply_script, find_entry
from ..transform.layouts import pack_operands
from ..transform.script import parse_script
from ..transform.state import SCHEDULED

if TYPE_CHECKING:
    from ..autotune.database.lookup import FoundScript

T = TypeVar("T")

SHIPPED = "shipped"
"""What is said of a kernel that no script was found for, or none that applies."""
GIVEN = "given"
"""What is said of a kernel that the user's own schedule has scheduled."""


class ScriptSource(Protocol):
    """Who knows scripts for kernels."""

    def scripts(self, kernel: FuncOp, digest: str) -> Sequence[FoundScript]:
        """Scripts for a kernel that nobody has scheduled, those to try first first; `digest` is its hash."""
        ...


class Refused(Exception):
    """A script is known not to apply: who tried it first was warned."""


class TunedScriptWarning(UserWarning):
    """The best script of a database does not apply to its kernel any more."""


def scheduled(function: FuncOp, attributes: DictionaryAttr, script: str, ctx: Context) -> ModuleOp:
    """A module with a copy of a kernel, scheduled by a script.

    Raises:
        StepwellError, ParseError, VerifyException: if the script does not fit.
    """
    copy = function.clone()
    module = ModuleOp([copy], dict(attributes.data))
    parsed = parse_script(script, context=ctx)
    find_entry(parsed)  # it may go on with our schedules, but not begin with them
    apply_script(parsed, module, ctx=ctx, passes=PassRunner(ctx, pass_registry()), libraries=shipped_libraries())
    name, count = function.sym_name.data, len(function.function_type.inputs)
    for op in module.ops:
        if isinstance(op, FuncOp) and op.sym_name.data == name and len(op.function_type.inputs) == count:
            return module
    raise ScheduleError(f"expected a script that keeps '{name}', got one that replaces it")


WORSE = 1.25
"""A script that was found for another kernel is used if the roofline does not estimate it to take so many times as long
as what we ship. It tells no more: it is not right to some percent, nor about what is just a little slower."""
CALL = 1e-7
"""Seconds of a call by itself: what a kernel takes that does hardly anything makes no difference."""


def _is_clearly_worse(module: ModuleOp, function: FuncOp, attributes: DictionaryAttr, ctx: Context) -> bool:
    """Whether a kernel, scheduled by a script in `module`, is estimated to be clearly slower than by what we ship."""
    from ..autotune.features.roofline import seconds_of

    ours = ModuleOp([copy := function.clone()], dict(attributes.data))
    name = function.sym_name.data
    theirs = next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == name)
    try:
        apply_shipped_schedules(ctx, copy, schedule_entry(ours))
        return seconds_of(theirs) + CALL > WORSE * (seconds_of(copy) + CALL)
    # There is no estimate of operations that it does not know.
    except Exception:
        return False


@dataclass
class Choices:
    """Tries scripts, and knows what was used for each kernel."""

    source: ScriptSource
    used: dict[str, str] = field(default_factory=dict[str, str])
    """Of each kernel, by name: what it was scheduled by."""
    given: set[str] = field(default_factory=set[str])
    """The kernels that were scheduled before."""

    def scripts(self, kernel: FuncOp, digest: str) -> Sequence[FoundScript]:
        """The scripts for a kernel; none if it is scheduled."""
        if SCHEDULED in kernel.attributes:
            self.given.add(kernel.sym_name.data)
            return ()
        return self.source.scripts(kernel, digest)

    def otherwise(self, name: str) -> str:
        """What a kernel is scheduled by if no script was found."""
        return GIVEN if name in self.given else SHIPPED

    def scheduled(self, function: FuncOp, attributes: DictionaryAttr, found: FoundScript, ctx: Context) -> ModuleOp:
        """A module with a copy of a kernel, scheduled by a script that was found.

        Raises:
            StepwellError, ParseError, VerifyException: if it does not fit, or is another kernel's and not worth it.
        """
        from ..autotune.database.lookup import Origin

        module = scheduled(function, attributes, found.text, ctx)
        if found.origin is Origin.NEAREST and _is_clearly_worse(module, function, attributes, ctx):
            raise ScheduleError("expected a script that suits this kernel, got one that is estimated to be slower")
        return module

    def first(self, name: str, scripts: Sequence[FoundScript], attempt: Callable[[FoundScript], T]) -> T | None:
        """What `attempt` gives for the first script that it does not fail on."""
        for found in scripts:
            try:
                result = attempt(found)
            except Refused:
                continue
            # A script of another version, or of another kernel, may be refused by whatever comes after it.
            except Exception as error:
                self._failed(found, error)
            else:
                self.used[name] = str(found)
                return result
        self.used[name] = self.otherwise(name)
        return None

    @staticmethod
    def _failed(found: FoundScript, error: Exception) -> None:
        from ..autotune.database.lookup import Origin

        if found.origin is Origin.TUNED:
            warn_of(f"kernel {found.workload}", error)


def warn_of(what: str, error: Exception) -> None:
    """Warns that a script which was right when it was measured is not used."""
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    warnings.warn(
        f"the script that the database has for {what} does not apply: {reason}", TunedScriptWarning, stacklevel=2
    )


def schedule_in_place(module: ModuleOp, choices: Choices, ctx: Context) -> None:
    """Schedules the kernels of a module by the scripts that are found for them."""
    attributes = DictionaryAttr(module.attributes)
    for function in lone_kernels(module):
        scripts = choices.scripts(function, kernel_hash(function))

        def attempt(found: FoundScript, function: FuncOp = function) -> ModuleOp:
            return choices.scheduled(function, attributes, found, ctx)

        new = choices.first(function.sym_name.data, scripts, attempt)
        if new is not None:
            _replace(function, new)
    pack_operands(module)


def _replace(function: FuncOp, module: ModuleOp) -> None:
    ops: list[Operation] = list(module.ops)
    block = function.parent
    assert block is not None
    for op in ops:
        op.detach()
    block.insert_ops_before(ops, function)
    function.detach()
    function.erase()


@dataclass(frozen=True)
class ApplyTunedPass(ModulePass):
    """Schedule the kernels that scripts are found for. It stands in front of `apply-schedules`, which has the rest."""

    name = "apply-tuned-schedules"

    choices: Choices

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        schedule_in_place(op, self.choices, ctx)
