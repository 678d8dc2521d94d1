"""What this machine is."""

# llvmlite has no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_FOR_CODE = re.compile(
    r"(amx|sse|ssse|avx|fma|f16c|xop|bmi|lzcnt|popcnt|movbe|gfni|egpr|ndd|ccmp|nf|push2|ppx|zu|prfchw)"
)
"""The features of x86 that LLVM uses unasked, or schedules. Whatever else there is only serves who writes it."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@cache
def host_facts() -> dict[str, Any]:
    """The facts of this machine as a target for code, by the names of the target's parameters."""
    features = host_features()
    enabled: set[str] = {name for name, on in features.items() if on}
    triple = llvm.get_process_triple()
    vector_bytes, registers = vector_facts(triple, enabled)
    return {
        "triple": triple,
        "cpu": llvm.get_host_cpu_name(),
        "features": describe_features(triple, features),
        "vector_bytes": vector_bytes,
        "vector_registers": registers,
        "threads": usable_threads(),
        "fma": "fma" in enabled or triple.startswith(("aarch64", "arm64")),
        **cache_sizes(_CACHES),
    }


@cache
def host_features() -> dict[str, bool]:
    """The features of this machine's CPU that this process may use."""
    features: dict[str, bool] = dict(llvm.get_host_cpu_features())
    if features.get("amx-tile") and not allow_tiles():
        features.update({name: False for name in features if name.startswith("amx")})
    return features


_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18


def allow_tiles() -> bool:
    """Asks Linux for the tile registers of AMX, which a process has to do once; whether it may use them."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    return ctypes.CDLL(None).syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0


def describe_features(triple: str, features: Mapping[str, bool]) -> str:
    """The features that code may use, and those that it must not use though the CPU's name promises them."""
    everything = not triple.startswith("x86")
    named = sorted(name for name in features if everything or _FOR_CODE.match(name))
    return ",".join(f"{'+' if features[name] else '-'}{name}" for name in named)


def vector_facts(triple: str, features: set[str]) -> tuple[int, int]:
    """The bytes of a vector register, and how many there are."""
    if triple.startswith(("aarch64", "arm64")):
        return 16, 32
    if "avx512f" in features:
        return 64, 32
    return (32, 16) if "avx" in features else (16, 16)


def cache_sizes(folder: Path) -> dict[str, int]:
    """The data caches that one core sees, as Linux tells; what is not known is left out."""
    sizes: dict[str, int] = {}
    for entry in sorted(folder.glob("index*")):
        try:
            level, kind, size = ((entry / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        match = re.fullmatch(r"(\d+)([KMG]?)", size)
        if kind in ("Data", "Unified") and level in "123" and match is not None:
            sizes[f"l{level}_bytes"] = int(match[1]) * _UNITS[match[2]]
    return sizes


def usable_threads() -> int:
    """How many threads the scheduler lets this process run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
