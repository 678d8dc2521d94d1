"""`stepwell.Schedule`: schedules as Python programs, which write transform scripts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from ..backends.registry import pass_registry
from ..errors import ArgumentError, PipelineError, did_you_mean
from ..passes.loop.apply_schedules import SCHEDULING, split_at_schedules
from ..passes.pass_manager import PassRunner
from ..transform import recorder
from ..transform.dialect import Transform
from ..transform.recorder import Handle, Recorder, method_of, recordable_ops, stub_of
from ..transform.sched import Sched
from . import driver

if TYPE_CHECKING:
    from ..runtime.executable import Executable
    from ..runtime.symbolic import SymbolicExecutable
    from ..transform.schedule_methods import ScheduleMethods
    from .driver import Source

if not TYPE_CHECKING:

    class ScheduleMethods:
        """What type checkers see of the methods is written down in `transform/schedule_methods.py`."""


class Schedule(Recorder, ScheduleMethods):
    """A kernel on the loop rung, and what is done to it: each method applies a transform operation, and records it.

        sch = sw.Schedule([A, B, C])
        c = sch.match_block("C")
        i, j, k = sch.get_loops(c)
        io, ii = sch.tile(i, sch.knob("rows", [4, 8], 8))
        print(sch.script())
        exe = sch.compile()

    The methods are the operations of `sched`, and those of `transform` without regions: `loop_unroll` is
    `transform.loop.unroll`. Handles come first, then constants in the order of the operation's definition; all can be
    given by name. An operation with a list of results gives a tuple of handles, `results=` says how many where that is
    open. What is refused raises `ScheduleError`, what is wrong `ScriptError`; both leave everything as it was.
    """

    def __init__(
        self,
        kernel: Source | FuncOp,
        *,
        target: str | Attribute = "llvm-cpu",
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        """Starts with what tensors, a module, a function or a file say, lowered to the loop rung and unscheduled."""
        source: Any = ModuleOp([kernel.clone()]) if isinstance(kernel, FuncOp) else kernel
        ctx, module, manager = driver.prepare(source, target=target, sizes=sizes)
        parts = split_at_schedules(manager)
        if parts is None:
            raise PipelineError(f"expected a pipeline with pass '{SCHEDULING}' to schedule before it")
        parts[0].run(ctx, module)
        super().__init__(module, ctx, PassRunner(ctx, pass_registry()))
        self.target = target

    def compile(self, *, threads: int = 0, **options: Any) -> Executable | SymbolicExecutable:
        """Compiles the kernel as it is now; options are those of `stepwell.compile`."""
        for name in ("source", "target"):
            if name in options:
                raise ArgumentError(
                    f"expected '{name}' where the schedule is made, got it to compile: {options[name]!r}"
                )
        from .front import compile

        return compile(self.root, target=self.target, threads=threads, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the script to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.script())

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            hint = "" if name.startswith("_") else did_you_mean(name, METHODS)
            raise AttributeError(f"expected a method of a schedule, got '{name}'{hint}")


METHODS = {name: op for name, op in recordable_ops([Sched, Transform]).items() if not hasattr(Recorder, name)}
"""The operations that are methods, by their names in Python."""

for _name, _op in METHODS.items():
    setattr(Schedule, _name, method_of(_op))


def methods_text() -> str:
    """The text of `transform/schedule_methods.py`, up to its formatting."""
    lines = [
        '"""What type checkers see of the methods of schedules. Written by `python -m stepwell.tools.schedule`."""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Sequence",
        "",
        "from .recorder import Argument, Handle",
        "",
        "",
        "class ScheduleMethods:",
        '    """A method for each operation."""',
        "",
        *(stub_of(METHODS[name]) for name in sorted(METHODS)),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    Path(recorder.__file__).with_name("schedule_methods.py").write_text(methods_text(), "utf-8")

__all__ = ["METHODS", "Handle", "Schedule", "methods_text"]
