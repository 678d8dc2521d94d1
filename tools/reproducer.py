"""Reproducers: the IR before a pass that failed, with the pipeline from that pass on, in one file.

// reproducer: run it with `stepwell-opt --run-reproducer FILE`
// error: …
// pipeline: builtin.module(…)
builtin.module { … }
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from ..errors import StepwellError
from ..passes.common.transform_interpreter import TransformInterpreterPass, read_script
from ..passes.pass_manager import Instrumentation, PassManager, Step, VerifyEach
from .printing import module_text

_HEADER = "// reproducer: run it with `stepwell-opt --run-reproducer FILE`"
_ERROR = "// error: "
_PIPELINE = "// pipeline: "


def default_directory() -> Path:
    """Where reproducers go unless a folder is given."""
    return Path(tempfile.gettempdir()) / "stepwell-reproducers"


class FailureRecorder(Instrumentation):
    """Remembers the pass that failed: of those inside of one another the innermost."""

    failed: ModulePass | None = None

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        self.failed = self.failed or pass_


def write_reproducer(directory: Path, manager: PassManager, ctx: Context, module: ModuleOp, message: str) -> Path:
    """Write the reproducer for the failure of `manager` on `module`, the input, with `message`.

    Nothing is kept while a pipeline runs, so that a failure is what pays: the steps run again, on a copy each. A
    script that does more than to apply passes is one step.
    """
    index, before = _fail_again(manager, ctx, module)
    rest = replace(manager, steps=tuple(_self_contained(each) for each in manager.steps[index:]))
    content = f"{_HEADER}\n{_ERROR}{message.partition(chr(10))[0]}\n{_PIPELINE}{rest.pipeline()}\n"
    content += module_text(before, str(directory))
    directory.mkdir(parents=True, exist_ok=True)
    failed = manager.steps[index].pass_.name
    path = directory / f"{failed}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.mlir"
    path.write_text(content, "utf-8")
    return path


def _fail_again(manager: PassManager, ctx: Context, module: ModuleOp) -> tuple[int, ModuleOp]:
    """The step that fails, and the IR before it."""
    verify = (VerifyEach(),)
    for index, step in enumerate(manager.steps):
        before = module.clone()
        try:
            replace(manager, steps=(step,)).run(ctx, module, verify)
        # How it fails is known; that it does is what counts.
        except Exception:
            return index, before
    raise StepwellError("the pipeline did not fail again")


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
