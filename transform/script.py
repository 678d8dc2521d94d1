"""Reading scripts: text to a module of named sequences, in a context that knows the transform dialects."""

from __future__ import annotations

from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.math import Math
from xdsl.dialects.vector import Vector
from xdsl.ir import Dialect

from ..dialects.arith import Arith
from ..dialects.llvm import LLVM
from ..dialects.loop import Loop
from ..dialects.source import parse_module, verify_module
from .dialect import Transform
from .library import ScriptFile
from .sched import Sched


def script_context() -> Context:
    """A context with the dialects that a script is written in."""
    context = Context()
    for dialect in (Builtin, Transform, Sched, Loop, Func, Arith, Math, Vector, LLVM):
        context.load_dialect(dialect)
    context.register_dialect("gpu", _gpu)
    return context


def _gpu() -> Dialect:
    """What mappings to a GPU are written in; few scripts need it."""
    from ..dialects.gpu import GPU

    return GPU


def parse_script(text: str, name: str = "<script>", context: Context | None = None) -> ModuleOp:
    """The verified module that the text of a script spells."""
    script = parse_module(context or script_context(), text, name)
    verify_module(script, text, name)
    return script


def load_script(path: Path, context: Context | None = None) -> ModuleOp:
    """The verified module in a file."""
    return parse_script(path.read_text("utf-8"), path.name, context)


SCHEDULES = Path(__file__).parent / "schedules"
"""The folder of the scripts that we ship."""


def shipped_schedules() -> tuple[ScriptFile, ...]:
    """The scripts that we ship: the one to run, then those that it includes. They are parsed when they are needed."""
    entry = SCHEDULES / "default.mlir"
    others = sorted(path for path in SCHEDULES.glob("*.mlir") if path != entry)
    context = script_context()
    return tuple(ScriptFile(path, lambda path: load_script(path, context)) for path in (entry, *others))
