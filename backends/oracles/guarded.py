"""Calls of compiled kernels whose buffers are islands: an access outside of one ends the process with SIGSEGV.

Each buffer lies in pages of its own between two that must not be touched, at their end or at their beginning, and no
better aligned than elements have to be. Inputs can't be written. What lies beside a buffer in its pages is looked at
after the call; what is in outputs and workspaces before it is garbage.
"""

# llvmlite and libc have no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, cast

import numpy as np

from ...runtime.loader import LoadedObject
from ...runtime.memory import ALIGNMENT
from ...runtime.signature import Signature

Array = np.ndarray[Any, Any]
Side = Literal["end", "begin"]
"""Where buffers lie in their pages: the guard behind them, or the one before, is one byte away."""

_PAGE = mmap.PAGESIZE
_NONE, _READ, _WRITE = 0, 1, 2
_GARBAGE = np.frombuffer(bytes((0xFD, 0x7B, 0xE1, 0xFF, 0x9C, 0x5A, 0xC3)), np.uint8)
"""Of a length that no element's size divides, so that no two elements begin alike."""

THREADS = "stepwell_threads"


class StrayWrite(Exception):
    """Compiled code wrote beside a buffer."""


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _protect(address: int, size: int, mode: int) -> None:
    if _libc().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(mode)):
        raise OSError(ctypes.get_errno(), "mprotect")


class Island:
    """Pages between two that must not be touched."""

    def __init__(self, pages: int):
        self.size = pages * _PAGE
        self._map = mmap.mmap(-1, self.size + 2 * _PAGE)
        whole = np.frombuffer(self._map, np.uint8)
        start = whole.__array_interface__["data"][0]
        self.address: int = start + _PAGE
        self.bytes = whole[_PAGE : _PAGE + self.size]
        self._garbage = np.resize(_GARBAGE, self.size)
        _protect(start, _PAGE, _NONE)
        _protect(self.address + self.size, _PAGE, _NONE)

    def place(self, size: int, alignment: int, side: Side) -> int:
        """Where a buffer of a size starts, counted from the first page."""
        return 0 if side == "begin" else (self.size - size) // alignment * alignment

    def fill(self) -> None:
        """Writes garbage."""
        _protect(self.address, self.size, _READ | _WRITE)
        self.bytes[:] = self._garbage

    def freeze(self) -> None:
        """Lets nothing be written any more."""
        _protect(self.address, self.size, _READ)

    def check_beside(self, start: int, size: int, name: str) -> None:
        """Raises if what is beside a buffer is no garbage any more."""
        changed = self.bytes != self._garbage
        changed[start : start + size] = False
        if changed.any():
            first = int(np.argmax(changed)) - start
            raise StrayWrite(f"'{name}' of {size} bytes: a write at byte {first}")


@cache
def _island(position: int, pages: int) -> Island:
    """The pages of an argument, kept for later calls."""
    return Island(pages)


class GuardedKernel:
    """Object code that is loaded, and whose entry is called with buffers that have guards."""

    def __init__(self, code: bytes, signature: Signature, *, parallel: bool = False, threads: int = 1):
        self.signature = signature
        self._loaded = LoadedObject((code,), [signature.entry, *([THREADS] if parallel else [])])
        if parallel:
            ctypes.c_int32.from_address(self._loaded.address(THREADS)).value = threads
        types = [ctypes.c_void_p] * len(signature.parameters)
        self._function = ctypes.CFUNCTYPE(None, *types)(self._loaded.address(signature.entry))

    def __call__(self, inputs: Sequence[Array], side: Side) -> tuple[Array, ...]:
        """The outputs, from buffers that lie at one side of their pages.

        Raises:
            StrayWrite: if the code wrote beside a buffer. An access further away ends the process.
        """
        given = iter(inputs)
        islands: list[tuple[Island, int]] = []
        for position, parameter in enumerate(self.signature.parameters):
            size = parameter.byte_size
            pages = 1
            while pages * _PAGE < size:
                pages *= 2
            island = _island(position, pages)
            alignment = ALIGNMENT if parameter.role == "workspace" else parameter.numpy_dtype.itemsize
            start = island.place(size, alignment, side)
            island.fill()
            if parameter.role in ("input", "constant"):
                island.bytes[start : start + size] = np.ascontiguousarray(next(given)).reshape(-1).view(np.uint8)
                island.freeze()
            islands.append((island, start))
        self._function(*(island.address + start for island, start in islands))
        results: list[Array] = []
        for (island, start), parameter in zip(islands, self.signature.parameters, strict=True):
            island.check_beside(start, parameter.byte_size, parameter.name)
            if parameter.role == "output":
                written = island.bytes[start : start + parameter.byte_size].copy()
                results.append(cast(Array, written.view(parameter.numpy_dtype)).reshape(parameter.shape))
        return tuple(results)


def quiet_threads() -> None:
    """Lets the threads of parallel loops sleep while they wait: calls are short, and many workers share the cores."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
