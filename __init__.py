"""Stepwell: an MLIR-style, multi-dialect tensor compiler.

import stepwell as sw
exe = sw.compile("model.onnx", target="llvm-cpu", threads=2)
y = exe(x)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import te as te
    from .autotune.database.store import Database as Database
    from .runtime.executable import load as load
    from .tools.driver import list_kernels as list_kernels
    from .tools.front import compile as compile
    from .tools.schedule import Schedule as Schedule
    from .tools.tuning import tune as tune

__all__ = ["Database", "Schedule", "compile", "list_kernels", "load", "te", "tune"]

_HOME = {
    "Database": ".autotune.database.store",
    "Schedule": ".tools.schedule",
    "compile": ".tools.front",
    "list_kernels": ".tools.driver",
    "load": ".runtime.executable",
    "tune": ".tools.tuning",
}


def __getattr__(name: str) -> object:
    # What takes time to import is imported when it is first asked for.
    if name == "te":
        return import_module(".te", __name__)
    if name in _HOME:
        return getattr(import_module(_HOME[name], __name__), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
