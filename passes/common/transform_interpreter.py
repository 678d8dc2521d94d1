"""`transform-interpreter`: run a transform script on the module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ...dialects.source import parse_module, verify_module
from ...errors import PipelineError
from ..pass_manager import PassRunner, PassRunningPass
from ..registry import PassRegistry


@dataclass(frozen=True)
class TransformInterpreterPass(PassRunningPass):
    """Run the named sequence `entry-point` on the module: that of a script if one is given, else the module's own, else
    a plugin's."""

    name = "transform-interpreter"

    entry_point: str = "__transform_main"
    script: str | None = None
    """The file of the script."""
    script_text: str | None = None
    """The script itself, which wins over a file."""

    def source(self) -> tuple[str, str] | None:
        """The text of the script and its name, or `None` if it is inside of the payload."""
        if self.script_text is not None:
            return self.script_text, self.script or "<script>"
        return None if self.script is None else (read_script(self.script), self.script)

    def load_script(self, ctx: Context) -> ModuleOp | None:
        """The script as IR, not verified, or `None` if it is inside of the payload."""
        source = self.source()
        return None if source is None else parse_module(ctx, *source)

    def apply_with(self, runner: PassRunner, op: ModuleOp) -> None:
        from ...transform.interpreter import apply_script, find_entry
        from ...transform.library import libraries_of
        from ..loop.apply_schedules import shipped_libraries

        source = self.source()
        script = None if source is None else parse_module(runner.ctx, *source)
        if script is not None and source is not None:
            verify_module(script, *source)
            # It may go on with our schedules, but not begin with them.
            find_entry(script, self.entry_point, libraries_of(runner.ctx))
        apply_script(
            op if script is None else script,
            op,
            entry=self.entry_point,
            ctx=runner.ctx,
            passes=runner,
            libraries=() if script is None else shipped_libraries(),
        )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self.apply_with(PassRunner(ctx, PassRegistry()), op)


def read_script(path: str) -> str:
    """The text of a script's file."""
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise PipelineError(f"cannot read script '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PipelineError(f"cannot read script '{path}': it is no UTF-8 text") from error
