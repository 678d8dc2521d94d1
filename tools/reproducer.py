"""Reproducers: the IR before a pass that failed, with the pipeline from that pass on, in one file.

// reproducer: run it with `stepwell-opt --run-reproducer FILE`
// error: …
// pipeline: builtin.module(…)
builtin.module { … }
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.printer import Printer

from ..errors import StepwellError
from ..passes.common.transform_interpreter import TransformInterpreterPass, read_script
from ..passes.pass_manager import Instrumentation, PassManager, Step

_HEADER = "// reproducer: run it with `stepwell-opt --run-reproducer FILE`"
_ERROR = "// error: "
_PIPELINE = "// pipeline: "


class FailureRecorder(Instrumentation):
    """Remembers which pass failed, and after how many others."""

    def __init__(self) -> None:
        self.failed: ModulePass | None = None
        self.completed = 0
        self._depth = 0

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        self._depth += 1

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        self._depth -= 1
        self.completed += self._depth == 0

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        self._depth -= 1
        self.failed = self.failed or pass_


def write_reproducer(
    directory: Path, manager: PassManager, recorder: FailureRecorder, ctx: Context, module: ModuleOp, message: str
) -> Path:
    """Write the reproducer for the failure of `manager` on `module` that `recorder` saw.

    Nothing is kept while a pipeline runs, so `module` is the input once more; what precedes the failing step runs on
    it again. A script that does more than to apply passes is reproduced from its start.
    """
    assert recorder.failed is not None
    first = next((index for index, step in enumerate(manager.steps) if step.quiet), len(manager.steps))
    index = min(first, recorder.completed)
    replace(manager, steps=manager.steps[:index]).run(ctx, module)
    rest = replace(manager, steps=tuple(_self_contained(each) for each in manager.steps[index:]))
    text = StringIO()
    text.write(f"{_HEADER}\n{_ERROR}{message.partition(chr(10))[0]}\n{_PIPELINE}{rest.pipeline()}\n")
    printer = Printer(stream=text)
    printer.print_op(module)
    printer.print_metadata(ctx.loaded_dialects)
    text.write("\n")
    content = text.getvalue()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{recorder.failed.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.mlir"
    path.write_text(content, "utf-8")
    return path


def _self_contained(step: Step) -> Step:
    """The same step without the need of any other file."""
    pass_ = step.pass_
    if isinstance(pass_, TransformInterpreterPass) and pass_.script is not None and pass_.script_text is None:
        pass_ = replace(pass_, script_text=read_script(pass_.script))
    return replace(step, pass_=pass_)


def read_pipeline(lines: Sequence[str], path: str) -> str:
    """The pipeline that a reproducer's header names."""
    for line in lines:
        if line.startswith(_PIPELINE):
            return line.removeprefix(_PIPELINE)
    raise StepwellError(f"expected a reproducer with a line '{_PIPELINE}…', got '{path}'")
