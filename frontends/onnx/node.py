"""What a converter is told of an ONNX node, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

import numpy as np
from xdsl.dialects.builtin import BytesAttr, DenseIntOrFPElementsAttr, TensorType
from xdsl.ir import Operation, SSAValue

from ...dialects import graph
from ...errors import ImportModelError
from ...operators.reference.arrays import numpy_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import NodeProto

T = TypeVar("T")

Array: TypeAlias = "NDArray[Any]"


class UnknownValueError(ImportModelError):
    """An operand decides shapes, and its value is not known: it depends on inputs, or on sizes of inputs."""

    def __init__(self, message: str, inputs: Sequence[str]):
        super().__init__(message)
        self.inputs = tuple(inputs)
        """The model's inputs that it depends on."""


class Builder(Protocol):
    """What a converter may ask of the importer."""

    def add(self, op: Operation) -> Sequence[SSAValue]:
        """Add an operation; gives its results."""
        ...

    def weight(self, array: Array, name: str = "constant") -> SSAValue:
        """A tensor of known data."""
        ...

    def constant(self, value: SSAValue) -> Array | None:
        """What a value is in every run; None if it depends on inputs."""
        ...

    def unknown(self, value: SSAValue, why: str) -> UnknownValueError:
        """The error for a value that has to be known."""
        ...


@dataclass(frozen=True)
class Node:
    """A node to convert: its operands (None where an optional one is left out) and its attributes."""

    proto: NodeProto
    opset: int
    operands: Sequence[SSAValue | None]
    attributes: Mapping[str, Any]
    builder: Builder

    # operands

    def tensors(self, least: int, most: int | None = None) -> list[SSAValue]:
        """The operands, checked to be that many (`most` is -1 for any number), none before the last left out."""
        operands = self.optional_tensors(least, most)
        while operands and operands[-1] is None:
            operands.pop()
        given = [operand for operand in operands if operand is not None]
        if len(operands) < least or len(given) != len(operands):
            raise ImportModelError(f"expected {_expected(least, most)} inputs, got {len(given)}")
        return given

    def optional_tensors(self, least: int, most: int | None = None) -> list[SSAValue | None]:
        """The operands, None for those left out, as many as there may be (`most`; -1 for any number). The first
        `least` are there."""
        most = least if most is None else most
        operands = list(self.operands)
        while operands and operands[-1] is None:
            operands.pop()
        missing = None in operands[:least] or len(operands) < least
        if missing or (most >= 0 and len(operands) > most):
            given = sum(operand is not None for operand in operands)
            raise ImportModelError(f"expected {_expected(least, most)} inputs, got {given}")
        return operands + [None] * (most - len(operands))

    def constant(self, index: int) -> Array | None:
        """What operand `index` is in every run; None if it is left out.

        Raises:
            UnknownValueError: if it depends on the model's inputs.
        """
        operand = self.operands[index] if index < len(self.operands) else None
        if operand is None:
            return None
        array = self.builder.constant(operand)
        if array is None:
            raise self.builder.unknown(operand, f"expected input {index} of {self.proto.op_type} to be a constant")
        return array

    def integers(self, index: int) -> list[int] | None:
        """The numbers of operand `index`, which has to be known; None if it is left out."""
        array = self.constant(index)
        if array is None:
            return None
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise ImportModelError(f"expected integers as input {index}, got {array.dtype} of shape {array.shape}")
        return [int(number) for number in array.reshape(-1)]

    # attributes

    def attribute(self, name: str, default: T) -> T:
        """An attribute of the type of `default`, or `default` if it is left out. Strings are text, lists are lists."""
        value = self.attributes.get(name)
        if value is None:
            return default
        if isinstance(value, bytes):
            try:
                value = value.decode()
            except UnicodeDecodeError:
                raise ImportModelError(f"expected attribute '{name}' in UTF-8, got {value!r}") from None
        if not isinstance(value, type(default)):
            raise ImportModelError(f"expected attribute '{name}' of type {type(default).__name__}, got {value!r}")
        return value

    def required(self, name: str, type: type[T]) -> T:
        """An attribute that has to be there, of this type."""
        if name not in self.attributes:
            raise ImportModelError(f"expected attribute '{name}', got none")
        return self.attribute(name, type())

    def optional(self, name: str, type: type[T]) -> T | None:
        """An attribute of this type; None if it is left out."""
        return self.attribute(name, type()) if name in self.attributes else None

    def int_list(self, name: str) -> list[int] | None:
        """An attribute that is a list of integers; None if it is left out."""
        values = cast("list[object] | None", self.optional(name, list))
        numbers = [value for value in values or () if isinstance(value, int)]
        if values is not None and len(numbers) != len(values):
            raise ImportModelError(f"expected integers as attribute '{name}', got {values}")
        return None if values is None else numbers

    def required_int_list(self, name: str) -> list[int]:
        """An attribute that has to be there, a list of integers."""
        values = self.int_list(name)
        if values is None:
            raise ImportModelError(f"expected attribute '{name}', got none")
        return values

    def flag(self, name: str, default: bool = False) -> bool:
        """A number attribute that stands for a truth."""
        return bool(self.attribute(name, int(default)))

    def axis(self, default: int, rank: int, name: str = "axis") -> int:
        """The attribute `axis`, counted from the front."""
        return normalized_axis(self.attribute(name, default), rank)

    # building

    def add(self, op: Operation) -> SSAValue:
        """Add an operation of one result; gives that."""
        (result,) = self.builder.add(op)
        return result

    def add_all(self, op: Operation) -> Sequence[SSAValue]:
        """Add an operation; gives its results."""
        return self.builder.add(op)

    def weight(self, array: Array, name: str = "constant") -> SSAValue:
        """A tensor of known data."""
        return self.builder.weight(array, name)

    def splat(self, number: float, like: SSAValue, shape: Sequence[int] = ()) -> SSAValue:
        """A tensor of one number, of the element type of `like`."""
        type: graph.AnyTensor = TensorType(type_of(like).element_type, list(shape))
        array = np.full(shape, number, numpy_dtype(type.element_type))
        dense = DenseIntOrFPElementsAttr(cast(Any, type), BytesAttr(array.tobytes()))
        return self.add(graph.ConstantOp(cast(graph.AnyDense, dense)))

    @property
    def output_count(self) -> int:
        """How many outputs the node has, up to the last that has a name."""
        names = list(self.proto.output)
        while names and not names[-1]:
            names.pop()
        return len(names)


def _expected(least: int, most: int | None) -> str:
    if most is None or least == most:
        return str(least)
    return f"{least} or more" if most < 0 else f"{least} to {most}"


def normalized_axis(axis: int, rank: int) -> int:
    """`axis` counted from the front."""
    if not -rank <= axis < rank:
        raise ImportModelError(f"expected an axis from {-rank} to {rank - 1}, got {axis}")
    return axis % rank


def type_of(value: SSAValue) -> graph.AnyTensor:
    """The type of a tensor value."""
    return cast(graph.AnyTensor, value.type)


def rank_of(value: SSAValue) -> int:
    """The number of dimensions of a tensor value."""
    return type_of(value).get_num_dims()


def static_shape(value: SSAValue, why: str) -> tuple[int, ...]:
    """The extents of a tensor value, all known numbers.

    Raises:
        UnknownValueError: if one is symbolic; `why` says what needs them.
    """
    dims = graph.shape_of(type_of(value))
    sizes = tuple(dim.constant for dim in dims if dim is not None and dim.is_constant)
    if len(sizes) != len(dims):
        raise UnknownValueError(f"expected a static shape {why}, got {graph.format_shape(dims)}", ())
    return sizes


Convert: TypeAlias = Callable[[Node], "SSAValue | Operation | Sequence[SSAValue]"]
"""Builds a node's outputs: values, or an operation that is added and whose results they are."""


@dataclass(frozen=True)
class Converter:
    """What an ONNX operator is in graph IR, from an opset version on, up to the next converter's."""

    op_type: str
    since: int
    convert: Convert
    attributes: tuple[str, ...] = ()
    domain: str = ""
