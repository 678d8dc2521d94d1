"""numpy's names of the element types of buffers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type, Float64Type, IntegerType, Signedness
from xdsl.ir import Attribute

from ..dialects.te import UNSIGNED
from ..errors import CompileError

_INTEGERS = {8: "int8", 16: "int16", 32: "int32", 64: "int64", 1: "bool"}
_FLOATS: dict[type[Attribute], str] = {
    BFloat16Type: "bfloat16",
    Float16Type: "float16",
    Float32Type: "float32",
    Float64Type: "float64",
}


def dtype_name(type: Attribute, attributes: Mapping[str, Attribute] = {}) -> str:
    """numpy's name of an element type, of an argument with these attributes."""
    for kind, name in _FLOATS.items():
        if isinstance(type, kind):
            return name
    if isinstance(type, IntegerType) and (width := cast(IntegerType, type).width.data) in _INTEGERS:
        unsigned = UNSIGNED in attributes or cast(IntegerType, type).signedness.data is Signedness.UNSIGNED
        return f"u{_INTEGERS[width]}" if unsigned else _INTEGERS[width]
    raise CompileError(f"expected an element type that numpy has, got {type}")
