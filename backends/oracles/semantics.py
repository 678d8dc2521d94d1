"""What the oracles are told about operations of other dialects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

Semantics: TypeAlias = Callable[..., Array]
"""From an operation and an array for each of its operands to the array of its result.

For a tensor operator these are its tensors. For an `ElementwiseMappable` op the arrays broadcast against each other:
the te oracle gives it a whole grid at a time, the loop oracle one element.
"""
