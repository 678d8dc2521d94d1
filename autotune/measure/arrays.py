"""Memory that candidates are called with: what they must not write can't be written, and what lies beside a buffer's
pages ends the process that touches it."""

# libc has no types.

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ALIGNMENT = 64
"""What arrays start at multiples of: a cache line, and the widest vector."""

_NONE, _READ, _WRITE = 0, 1, 2


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _protect(address: int, size: int, mode: int) -> None:
    if size and _libc().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(mode)):
        raise OSError(ctypes.get_errno(), "mprotect")


class Pages:
    """Arrays of some types in pages of their own, between two that must not be touched."""

    def __init__(self, types: Sequence[tuple[np.dtype[Any], tuple[int, ...]]]):
        page = mmap.PAGESIZE
        starts: list[int] = []
        end = 0
        for dtype, shape in types:
            starts.append(end)
            end += -(-prod(shape) * dtype.itemsize // ALIGNMENT) * ALIGNMENT
        self._size = max(-(-end // page), 1) * page
        self._map = mmap.mmap(-1, self._size + 2 * page)
        whole = np.frombuffer(self._map, np.uint8)
        self._start: int = whole.__array_interface__["data"][0] + page
        _protect(self._start - page, page, _NONE)
        _protect(self._start + self._size, page, _NONE)
        # The last array ends where the pages do.
        first = page + (self._size - end)
        self.bytes = whole[first : first + end]
        self.arrays: tuple[Array, ...] = tuple(
            self.bytes[start : start + prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
            for start, (dtype, shape) in zip(starts, types, strict=True)
        )

    @staticmethod
    def of(arrays: Sequence[Array]) -> Pages:
        """Copies of arrays, which nobody can write."""
        pages = Pages([(array.dtype, array.shape) for array in arrays])
        for copy, array in zip(pages.arrays, arrays, strict=True):
            copy[...] = array
        pages.freeze()
        return pages

    def freeze(self) -> None:
        """Lets nothing be written any more."""
        _protect(self._start, self._size, _READ)
        for array in self.arrays:
            array.flags.writeable = False

    def spoil(self) -> None:
        """Writes garbage: NaN, where elements are floats."""
        self.bytes[:] = 0xFF
