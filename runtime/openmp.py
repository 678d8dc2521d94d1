"""The OpenMP runtime: found, loaded and described; no thread pool of our own."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SYMBOLS = ("GOMP_parallel", "omp_get_max_threads", "omp_get_num_threads", "omp_get_thread_num")
"""What compiled parallel loops call."""


@dataclass(frozen=True)
class OpenMP:
    """Where the functions of an OpenMP runtime are in this process."""

    addresses: Mapping[str, int]
    note: str = ""
    """Why loops run serially, empty where they do not."""
    _keep: tuple[object, ...] = field(default=(), repr=False)

    @property
    def available(self) -> bool:
        """Whether there are threads to use."""
        return not self.note


@cache
def openmp() -> OpenMP:
    """The runtime that scikit-learn bundles, which is in the process anyway where it is used; else the system's."""
    for candidate in _candidates():
        try:
            library = ctypes.CDLL(candidate, mode=ctypes.RTLD_GLOBAL)
            addresses = {name: _address(getattr(library, name)) for name in SYMBOLS}
        except (OSError, AttributeError):
            continue
        return OpenMP(addresses, _keep=(library,))
    return _serial()


def _address(function: object) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value  # pyright: ignore[reportArgumentType]
    assert address is not None
    return address


def _candidates() -> Iterator[str]:
    spec = importlib.util.find_spec("sklearn")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for folder in (package.parent / "scikit_learn.libs", package / ".dylibs"):
            yield from (str(path) for path in sorted(folder.glob("lib*omp*")))
    if sys.platform == "darwin":
        yield "libomp.dylib"
    else:
        yield from ("libgomp.so.1", "libomp.so.5", "libomp.so", "libiomp5.so")


def _serial() -> OpenMP:
    """Functions with which a parallel region is run by the thread that meets it."""
    body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

    def run(function: int, data: int, threads: int, flags: int) -> None:
        body(function)(data)

    number = ctypes.CFUNCTYPE(ctypes.c_int32)
    fork = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)(run)
    one, zero = number(lambda: 1), number(lambda: 0)
    functions = dict(zip(SYMBOLS, (fork, one, one, zero), strict=True))
    return OpenMP(
        {name: _address(function) for name, function in functions.items()},
        "no OpenMP runtime found: parallel loops run serially",
        tuple(functions.values()),
    )
