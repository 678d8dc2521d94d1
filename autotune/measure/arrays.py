"""Memory that candidates are called with: what they must not write can't be written, and what lies beside a buffer's
pages ends the process that touches it.

It is like memory that users have. numpy takes arrays from `malloc`, which puts large ones 16 bytes behind the start of
a page: vectors that are loaded from there as they lie cross cache lines, so that what is fastest on aligned arrays may
be slow on theirs. Those of some megabytes it asks the system to give large pages to.
"""

# libc has no types.

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ALIGNMENT = 64
"""What arrays of our own start at multiples of: a cache line, and the widest vector."""

BEHIND = 16
"""How many bytes behind such a multiple numpy's arrays start."""

LARGE = 4 << 20
"""For arrays of so many bytes numpy asks for large pages."""

_NONE, _READ, _WRITE = 0, 1, 2


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _protect(address: int, size: int, mode: int) -> None:
    if size and _libc().mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(mode)):
        raise OSError(ctypes.get_errno(), "mprotect")


class Pages:
    """Arrays of some types in pages of their own, between two that must not be touched."""

    def __init__(self, types: Sequence[tuple[np.dtype[Any], tuple[int, ...]]], of_users: Sequence[bool] | None = None):
        """`of_users` says which arrays start where numpy's do; the others start at multiples of `ALIGNMENT`."""
        page = mmap.PAGESIZE
        sizes = [prod(shape) * dtype.itemsize for dtype, shape in types]
        starts: list[int] = []
        end = 0
        for size, is_of_user in zip(sizes, of_users or [False] * len(sizes), strict=True):
            starts.append(end + BEHIND * is_of_user)
            end += -(-(size + BEHIND * is_of_user) // ALIGNMENT) * ALIGNMENT
        self._size = max(-(-end // page), 1) * page
        self._map = mmap.mmap(-1, self._size + 2 * page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        whole = np.frombuffer(self._map, np.uint8)
        self._start: int = whole.__array_interface__["data"][0] + page
        _protect(self._start - page, page, _NONE)
        _protect(self._start + self._size, page, _NONE)
        # The last array ends where the pages do.
        first = page + (self._size - end)
        if sys.platform == "linux":
            for start, size in zip(starts, sizes, strict=True):
                if size >= LARGE:
                    begin = (first + start) // page * page
                    # Nothing but time depends on it.
                    with suppress(OSError):
                        self._map.madvise(mmap.MADV_HUGEPAGE, begin, first + start + size - begin)
        self.bytes = whole[first : first + end]
        self.arrays: tuple[Array, ...] = tuple(
            self.bytes[start : start + size].view(dtype).reshape(shape)
            for start, size, (dtype, shape) in zip(starts, sizes, types, strict=True)
        )

    @staticmethod
    def of(arrays: Sequence[Array], of_users: Sequence[bool] | None = None) -> Pages:
        """Copies of arrays, which nobody can write."""
        pages = Pages([(array.dtype, array.shape) for array in arrays], of_users)
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
