"""Numbers of candidates: one that all of them have in common, or an array with one for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Value: TypeAlias = float | Array
Test: TypeAlias = bool | NDArray[np.bool_]

_POWERS = np.asarray([1.0, *(float(1 << (n - 1).bit_length()) for n in range(1, 4097))])


def maximum(left: Value, right: Value) -> Value:
    """The larger one."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return np.maximum(left, right)
    return max(left, right)


def minimum(left: Value, right: Value) -> Value:
    """The smaller one."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return np.minimum(left, right)
    return min(left, right)


def choose(test: Test, then: Value, other: Value) -> Value:
    """One of two, as a test says."""
    if isinstance(test, np.ndarray):
        return np.where(test, then, other)
    return then if test else other


def ceildiv(value: Value, divisor: Value) -> Value:
    """The quotient, rounded up."""
    return -(-value // divisor)


def power_of_two(value: Value) -> Value:
    """The least power of two that is no less, of numbers up to 4096."""
    if isinstance(value, np.ndarray):
        return _POWERS[np.minimum(value, 4096.0).astype(np.intp)]
    return float(_POWERS[min(int(value), 4096)])


_ONES = np.asarray([float(n.bit_count()) for n in range(4097)])


def ones(value: Value) -> Value:
    """How many powers of two a number up to 4096 is the sum of."""
    if isinstance(value, np.ndarray):
        return _ONES[np.minimum(value, 4096.0).astype(np.intp)]
    return float(_ONES[min(int(value), 4096)])


def both(left: Test, right: Test) -> Test:
    """Whether both hold."""
    if isinstance(left, np.ndarray):
        return left & right
    return right if left else False


def product(values: Iterable[Value]) -> Value:
    """The product of some numbers, 1 of none."""
    result: Value = 1.0
    for value in values:
        result = result * value
    return result


def is_zero(value: Value) -> bool:
    """Whether it is 0 for all candidates."""
    return not isinstance(value, np.ndarray) and value == 0.0


def simplified(value: Value) -> Value:
    """One number if all candidates have the same one."""
    if isinstance(value, np.ndarray) and (first := value[0]) == value[-1] and (value == first).all():
        return float(first)
    return value
