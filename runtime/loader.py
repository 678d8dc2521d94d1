"""Object code into this process."""

# llvmlite has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from ..errors import CompileError
from .openmp import openmp

_lock = threading.Lock()
_numbers = itertools.count()


@cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


class LoadedObject:
    """An object file in memory. What it defines stays as long as this does."""

    def __init__(self, code: bytes, exports: Sequence[str]):
        with _lock:
            _initialize()
            self._jit: Any = llvm.create_lljit_compiler()
            builder: Any = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
            for name, address in openmp().addresses.items():
                builder.import_symbol(name, address)
            for name in exports:
                builder.export_symbol(name)
            try:
                self._library: Any = builder.link(self._jit, f"kernel{next(_numbers)}")
            except RuntimeError as error:
                raise CompileError(f"the object file does not load: {error}") from None

    def address(self, name: str) -> int:
        """Where an exported function or variable is."""
        return self._library[name]
