"""Whether a candidate computes what the kernel does: results beside those of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

from ...runtime.signature import Parameter
from .arrays import Array


def tolerance(dtype: np.dtype[Any], length: int) -> float:
    """How far elements that sum up so many others may be off, relative to the largest."""
    if dtype.kind in "iub":
        return 0.0
    own = 2.0**-7 if dtype.name == "bfloat16" else float(np.finfo(dtype).eps)
    accumulated = min(own, float(np.finfo(np.float32).eps))
    return 4 * own + accumulated * (64 + 8 * sqrt(length))


def difference(parameter: Parameter, found: Array, expected: Array, tolerance: float) -> str:
    """What is wrong with a result; empty if nothing."""
    if parameter.dtype == "bool":  # which are the bytes 0 and 1
        found, expected = found.view(np.uint8), expected.view(np.uint8)
    if np.array_equal(found, expected):  # mostly
        return ""
    if not tolerance or parameter.dtype == "bool":
        wrong = found != expected
    else:
        wide = np.float64 if found.dtype == np.float64 else np.float32
        got, want = found.astype(wide, copy=False), expected.astype(wide, copy=False)
        finite = np.isfinite(want)
        scale = float(np.abs(want[finite]).max(initial=0.0))
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(got - want) <= tolerance * scale
        wrong = ~np.where(finite, near, (got == want) | (np.isnan(got) & np.isnan(want)))
    count = int(np.count_nonzero(wrong))
    if not count:
        return ""
    first = tuple(int(index) for index in np.unravel_index(int(np.argmax(wrong)), found.shape))
    where = ", ".join(map(str, first))
    return (
        f"expected {expected[first]} at {parameter.name}[{where}], got {found[first]}; "
        f"{count} of {found.size} elements are wrong"
    )


def check_results(
    outputs: Sequence[Parameter], found: Sequence[Array], expected: Sequence[Array], tolerances: Sequence[float]
) -> str:
    """What is wrong with results; empty if nothing."""
    for parameter, got, want, allowed in zip(outputs, found, expected, tolerances, strict=True):
        message = difference(parameter, got, want, allowed)
        if message:
            return message
    return ""
