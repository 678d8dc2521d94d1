"""What a compiled program takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError

Role = Literal["input", "output", "constant", "workspace"]


@dataclass(frozen=True)
class Parameter:
    """A buffer that the entry function is given: its name, element type and extents, and who provides it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    role: Role = "input"

    def __str__(self) -> str:
        return describe_array(self.dtype, self.shape)

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype of arrays that fit."""
        return numpy_dtype(self.dtype)

    @property
    def byte_size(self) -> int:
        """How many bytes the buffer takes."""
        return prod(self.shape) * self.numpy_dtype.itemsize


def numpy_dtype(name: str) -> np.dtype[Any]:
    """numpy's dtype of an element type, which for bfloat16 is that of the package `ml_dtypes`.

    Raises:
        ArgumentError: if that is not installed.
    """
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        raise ArgumentError("expected the package ml_dtypes for arrays of bfloat16, which is not installed") from None
    return np.dtype(ml_dtypes.bfloat16)


@dataclass(frozen=True)
class Signature:
    """The parameters of the entry function, in its order."""

    parameters: tuple[Parameter, ...]
    entry: str = "main"
    live_bytes: int = 0
    """The most bytes that live at one time in the workspaces."""

    def role(self, role: Role) -> tuple[Parameter, ...]:
        """The parameters of one role, in order."""
        return tuple(parameter for parameter in self.parameters if parameter.role == role)


def describe_array(dtype: object, shape: Sequence[object]) -> str:
    """`float32[512,512]`."""
    return f"{dtype}[{','.join(map(str, shape))}]"
