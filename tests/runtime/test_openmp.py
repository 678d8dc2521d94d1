"""The OpenMP runtime, and what stands in for it."""

from __future__ import annotations

import ctypes

import pytest
from stepwell.runtime import openmp as module
from stepwell.runtime.openmp import SYMBOLS, openmp


def test_a_runtime_is_found() -> None:
    """scikit-learn is a dependency, and brings one."""
    found = openmp()
    assert found.available
    assert set(found.addresses) == set(SYMBOLS)


def test_without_a_runtime_regions_run_serially(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_candidates", lambda: iter(["/nowhere/libgomp.so"]))
    serial = openmp.__wrapped__()
    assert not serial.available
    assert serial.note == "no OpenMP runtime found: parallel loops run serially"
    seen: list[int] = []
    body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda data: seen.append(data))
    fork = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
    fork(serial.addresses["GOMP_parallel"])(ctypes.cast(body, ctypes.c_void_p), 42, 8, 0)
    assert seen == [42]
    number = ctypes.CFUNCTYPE(ctypes.c_int32)
    counts = [number(serial.addresses[name])() for name in SYMBOLS[1:]]
    assert counts == [1, 1, 0]
