"""Element types and tensor data of ONNX models. Data beside the model is read from the model's own folder only."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from xdsl.dialects.builtin import (
    BytesAttr,
    DenseIntOrFPElementsAttr,
    IntegerType,
    Signedness,
    TensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute

from ...dialects import graph
from ...dialects.resources import ResourceAttr
from ...errors import ImportModelError
from ...operators.reference.arrays import array_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import TensorProto

_INLINE_ELEMENTS = 16  # smaller weights are written in the program


def _element_types() -> dict[int, Attribute]:
    from onnx import TensorProto

    return {
        TensorProto.FLOAT16: f16,
        TensorProto.FLOAT: f32,
        TensorProto.DOUBLE: f64,
        TensorProto.BOOL: i1,
        TensorProto.INT8: i8,
        TensorProto.INT16: i16,
        TensorProto.INT32: i32,
        TensorProto.INT64: i64,
        TensorProto.BFLOAT16: bf16,
        TensorProto.UINT8: IntegerType(8, Signedness.UNSIGNED),
        TensorProto.UINT16: IntegerType(16, Signedness.UNSIGNED),
        TensorProto.UINT32: IntegerType(32, Signedness.UNSIGNED),
        TensorProto.UINT64: IntegerType(64, Signedness.UNSIGNED),
    }


def element_type(elem_type: int) -> Attribute:
    from onnx import TensorProto

    element = _element_types().get(elem_type)
    if element is None:
        names = TensorProto.DataType.items()
        got = next((name for name, value in names if value == elem_type), str(elem_type))
        expected = ", ".join(name for name, value in names if value in _element_types())
        raise ImportModelError(f"expected an element type of {expected}, got {got}")
    return element


def onnx_element_type(element: Attribute) -> int:
    """ONNX's number of an element type."""
    return next(number for number, known in _element_types().items() if known == element)


def tensor_data(tensor: TensorProto, folder: Path | None) -> tuple[graph.AnyTensor, bytes]:
    """The type of a tensor and its row-major, little-endian bytes."""
    from onnx import TensorProto, numpy_helper

    element = element_type(tensor.data_type)
    if any(size < 0 for size in tensor.dims):
        raise ImportModelError(f"expected positive extents, got {list(tensor.dims)}")
    type: graph.AnyTensor = TensorType(element, list(tensor.dims))
    if tensor.data_location == TensorProto.EXTERNAL:
        data = _external_data(tensor, folder)
    else:
        try:
            data = numpy_helper.to_array(tensor).tobytes()
        except (ValueError, TypeError) as error:
            raise ImportModelError(f"expected data of type {type}: {error}") from None
    expected = math.prod(tensor.dims) * cast(Any, element).size
    if len(data) != expected:
        raise ImportModelError(f"expected {expected} bytes of data for {type}, got {len(data)}")
    return type, data


def tensor_array(tensor: TensorProto, folder: Path | None = None) -> NDArray[Any]:
    """A tensor as an array."""
    type, data = tensor_data(tensor, folder)
    return array_of(type, data)


def tensor_type_of(array: NDArray[Any]) -> graph.AnyTensor:
    """The type of an array."""
    from onnx import helper

    try:
        elem_type = helper.np_dtype_to_tensor_dtype(array.dtype)
    except (KeyError, ValueError):
        raise ImportModelError(f"expected an array of numbers, got {array.dtype}") from None
    return TensorType(element_type(elem_type), list(array.shape))


def _external_data(tensor: TensorProto, folder: Path | None) -> bytes:
    """The bytes of a tensor that are in a file beside the model's, which lies in the model's folder for certain."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise ImportModelError(f"expected data in the model, got file '{location}': import the model by its path")
    path = _inside(folder, location)
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries["length"]) if "length" in entries else -1
        if offset < 0 or length < -1:
            raise ValueError
    except ValueError:
        raise ImportModelError(f"expected an offset and a length into file '{location}', got {entries}") from None
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        raise ImportModelError(f"cannot read weight file '{location}': {error.strerror}") from None
    except (OverflowError, ValueError):
        raise ImportModelError(f"expected an offset and a length into file '{location}', got {entries}") from None


def _inside(folder: Path, location: object) -> Path:
    """The file at `location`, which does not leave `folder`, by links neither."""
    if isinstance(location, str) and location and "\0" not in location and not os.path.isabs(location):
        path = (folder / location).resolve()
        if path.is_relative_to(folder.resolve()):
            return path
    raise ImportModelError(f"expected a file in the model's folder, got '{location}'")


def data_attribute(name: str, type: graph.AnyTensor, data: bytes) -> graph.AnyDense | ResourceAttr:
    if math.prod(type.get_shape()) > _INLINE_ELEMENTS:
        return ResourceAttr.of(name, data)
    return DenseIntOrFPElementsAttr(cast(Any, type), BytesAttr(data))
