"""Element types by their numpy names."""

from __future__ import annotations

import math

from ..errors import CompileError, did_you_mean

BOOL = "bool"
INDEX = "index"

FLOATS = ("float16", "bfloat16", "float32", "float64")
NARROW_FLOATS = ("float16", "bfloat16")
"""Those whose reductions are computed in float32, and rounded once."""
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = (*SIGNED, *UNSIGNED)
DTYPES = (*FLOATS, *INTEGERS, BOOL)

_LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}


def dtype_name(dtype: object) -> str:
    """The name of an element type, given as its name or as something that numpy takes for a dtype.

    Raises:
        CompileError: if tensors cannot have it.
    """
    if isinstance(dtype, str):
        name = dtype
    else:
        import numpy as np

        try:
            name = np.dtype(dtype).name  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownMemberType]
        except TypeError:
            raise CompileError(f"expected a dtype, got {dtype!r}") from None
    if name not in DTYPES:
        raise CompileError(f"expected a dtype of {', '.join(DTYPES)}, got '{name}'{did_you_mean(name, DTYPES)}")
    return name


def is_float(dtype: str) -> bool:
    """Whether the dtype is a floating-point one."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Whether the dtype is an integer one, signed or not; `bool` and `index` are not."""
    return dtype in INTEGERS


def is_unsigned(dtype: str) -> bool:
    """Whether the dtype is an integer one without a sign; `bool` is not."""
    return dtype in UNSIGNED


def bit_width(dtype: str) -> int:
    """How many bits tell the values of a dtype apart."""
    if dtype == BOOL:
        return 1
    return 64 if dtype == INDEX else int("".join(filter(str.isdigit, dtype)))


def integer_range(dtype: str) -> tuple[int, int]:
    """The least and the greatest value of an integer dtype."""
    bits = bit_width(dtype)
    return (0, 2**bits - 1) if is_unsigned(dtype) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def lowest(dtype: str) -> int | float:
    """What is less than or equal to every value of the dtype."""
    return -math.inf if is_float(dtype) else integer_range(dtype)[0]


def highest(dtype: str) -> int | float:
    """What is greater than or equal to every value of the dtype."""
    return math.inf if is_float(dtype) else integer_range(dtype)[1]


def check_constant(value: float | bool, dtype: str) -> int | float | bool:
    """`value` as a constant of the dtype.

    Raises:
        CompileError: if the dtype does not have it.
    """
    if is_float(dtype):
        if isinstance(value, bool) or (math.isfinite(value) and abs(value) > _LARGEST[dtype]):
            raise CompileError(f"expected a {dtype} constant, got {value}")
        return float(value)
    if dtype == BOOL:
        if not isinstance(value, bool):
            raise CompileError(f"expected a bool constant, got {value}")
        return value
    low, high = integer_range(dtype)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise CompileError(f"expected a constant of dtype {dtype}, got {value}")
    return value
