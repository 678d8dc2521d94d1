"""Tensors of the graph rung as numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1
from xdsl.ir import Attribute, Operation

from ...dialects import graph
from ...errors import CompileError

Array: TypeAlias = NDArray[Any]

Semantics: TypeAlias = Callable[..., Array | Sequence[Array]]
"""From an operator and an array for each of its operands to the array of its result, or one of each result. Results
are rounded to their types afterwards: sums may be made in float64."""

SemanticsTable: TypeAlias = Mapping[type[Operation], Semantics]

_FLOATS: dict[Attribute, np.dtype[Any]] = {
    f16: np.dtype(np.float16),
    f32: np.dtype(np.float32),
    f64: np.dtype(np.float64),
    i1: np.dtype(np.bool_),
}


def numpy_dtype(element_type: Attribute) -> np.dtype[Any]:
    """The numpy dtype of an element type.

    Raises:
        CompileError: if numpy has none.
    """
    if element_type in _FLOATS:
        return _FLOATS[element_type]
    if isinstance(element_type, IntegerType):
        integer = cast("IntegerType", element_type)
        if integer.width.data in (8, 16, 32, 64):
            prefix = "u" if integer.signedness.data is Signedness.UNSIGNED else ""
            return np.dtype(f"{prefix}int{integer.width.data}")
    if element_type == bf16:
        try:
            import ml_dtypes
        except ModuleNotFoundError:
            raise CompileError("expected the package ml_dtypes for bfloat16: pip install ml_dtypes") from None
        return np.dtype(ml_dtypes.bfloat16)
    raise CompileError(f"expected an element type that numpy has, got {element_type}")


def array_of(type: graph.AnyTensor, data: bytes) -> Array:
    """The array whose row-major bytes are `data`."""
    return np.frombuffer(data, numpy_dtype(type.element_type)).reshape(type.get_shape())


def wide(array: Array) -> Array:
    """`array` in float64 if its elements are floats."""
    return array.astype(np.float64) if array.dtype.kind in "fV" else array
