"""Object code into this process."""

# llvmlite has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from ..errors import CompileError, TargetError
from .host import host_features
from .openmp import openmp

_lock = threading.Lock()
_numbers = itertools.count()


@cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    host_features()  # asks for the registers that code may need


def check_host(target: Mapping[str, str]) -> None:
    """Raises unless this machine runs code for a target that is given by its triple, CPU and features."""
    architecture, here = (triple.partition("-")[0] for triple in (target["triple"], llvm.get_process_triple()))
    if architecture and architecture != here:
        raise TargetError(f"expected a machine with architecture {architecture}, got {here}")
    host = host_features()
    needed = [feature[1:] for feature in target["features"].split(",") if feature.startswith("+")]
    missing = [feature for feature in needed if not host.get(feature, False)]
    if missing:
        raise TargetError(f"expected a CPU with {', '.join(missing)}, got {llvm.get_host_cpu_name()}")


class LoadedObject:
    """Object files in memory, linked with each other. What they define stays as long as this does."""

    def __init__(self, code: bytes | Sequence[bytes], exports: Sequence[str]):
        with _lock:
            _initialize()
            self._jit: Any = llvm.create_lljit_compiler()
            builder: Any = llvm.JITLibraryBuilder()
            for each in (code,) if isinstance(code, bytes) else code:
                builder.add_object_img(each)
            builder.add_current_process()
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
