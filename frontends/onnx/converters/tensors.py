"""Constants, and what is known of a tensor without looking at its elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ..node import Converter, Node, static_shape
from ..tensors import tensor_array

_NUMBERS: dict[str, type[Any]] = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}


def _convert_constant(node: Node) -> SSAValue:
    if len(node.attributes) != 1:
        raise ImportModelError(f"expected one attribute, got {', '.join(node.attributes) or 'none'}")
    ((name, value),) = node.attributes.items()
    if name in _NUMBERS:
        try:
            return node.weight(np.asarray(value, _NUMBERS[name]))
        except (ValueError, TypeError, OverflowError):
            raise ImportModelError(f"expected numbers as attribute '{name}', got {value!r}") from None
    if name != "value":
        raise ImportModelError(f"expected a tensor of numbers, got attribute '{name}'")
    return node.weight(tensor_array(value))


def _convert_identity(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    return operand


def _convert_shape(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    shape = static_shape(operand, "for Shape")
    end = node.optional("end", int)
    return node.weight(np.asarray(shape[slice(node.attribute("start", 0), end)], np.int64))


def _convert_size(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    return node.weight(np.asarray(np.prod(static_shape(operand, "for Size"), dtype=np.int64)))


CONVERTERS = (
    Converter("Constant", 1, _convert_constant, ("value", *_NUMBERS, "value_string", "value_strings", "sparse_value")),
    Converter("Identity", 1, _convert_identity),
    Converter("Shape", 1, _convert_shape, ("start", "end")),
    Converter("Size", 1, _convert_size),
)
