"""What the `graph` dialect is made of: shapes, the interface of operators, and data.

A model is operators on tensors, with weights by name. A shape is static, symbolic (`#te.shape<n, 64>`), or not known
yet (`?` without an encoding), until `graph-infer-shapes` fills it in. A weight's data stands in `graph.data` ops at the
module's level, beside the functions that name it. The operators are in `operators/`, each with its tensor expression.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar, TypeAlias, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyDenseElement,
    AnyFloat,
    DenseIntOrFPElementsAttr,
    FixedBitwidthType,
    IntegerType,
    ModuleOp,
    NoneAttr,
    Signedness,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    i1,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    base,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    ConstantLike,
    HasParent,
    Pure,
    SymbolOpInterface,
    SymbolUserOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from .extents import Extent
from .resources import ResourceAttr
from .scalar import is_element_type
from .te import ShapeAttr, tensor_type, verify_tensor_extents

AnyTensor: TypeAlias = TensorType[Attribute]
AnyDense: TypeAlias = DenseIntOrFPElementsAttr[AnyDenseElement]

Dim: TypeAlias = Extent | None
"""The extent of one dimension, or None where it is not known yet."""

Shape: TypeAlias = tuple[Dim, ...]

_ONE = Extent.of(1)


# Shapes


def shape_of(type: AnyTensor) -> Shape:
    """The extents of a tensor type, None where unknown."""
    if isinstance(type.encoding, ShapeAttr):
        return type.encoding.data
    return tuple(None if size == DYNAMIC_INDEX else Extent.of(size) for size in type.get_shape())


def tensor_of(element_type: Attribute, shape: Shape) -> AnyTensor:
    """The tensor type of this shape; one unknown extent leaves the symbolic ones unknown too."""
    if all(dim is not None for dim in shape):
        return tensor_type(element_type, cast(tuple[Extent, ...], shape))
    sizes = [dim.constant if dim is not None and dim.is_constant else DYNAMIC_INDEX for dim in shape]
    return TensorType(element_type, sizes)


def has_known_shape(type: AnyTensor) -> bool:
    """Whether every extent is static or symbolic."""
    return isinstance(type.encoding, ShapeAttr) or DYNAMIC_INDEX not in type.get_shape()


def format_shape(shape: Shape) -> str:
    """A shape as `4x?xn`; `scalar` for rank 0."""
    return "x".join("?" if dim is None else str(dim) for dim in shape) or "scalar"


def broadcast_dims(lhs: Dim, rhs: Dim) -> Dim:
    """The extent that two extents broadcast to by numpy's rule.

    Raises:
        VerifyException: if they do not broadcast.
    """
    if lhs == rhs or rhs == _ONE:
        return lhs
    if lhs == _ONE:
        return rhs
    if lhs is None or rhs is None:
        known = rhs if lhs is None else lhs
        return known if known is not None and known.is_constant else None
    raise VerifyException(f"expected extents that broadcast, got {lhs} and {rhs}")


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that shapes broadcast to, dimensions aligned at the end.

    Raises:
        VerifyException: if they do not broadcast.
    """
    result: Shape = ()
    for shape in shapes:
        rank = max(len(result), len(shape))
        left = (_ONE,) * (rank - len(result)) + result
        right = (_ONE,) * (rank - len(shape)) + shape
        try:
            result = tuple(map(broadcast_dims, left, right))
        except VerifyException:
            raise VerifyException(
                f"expected shapes that broadcast, got {' and '.join(map(format_shape, shapes))}"
            ) from None
    return result


def unify_dims(lhs: Dim, rhs: Dim) -> Dim:
    """The extent that both are.

    Raises:
        VerifyException: if they differ.
    """
    if lhs is None or lhs == rhs:
        return rhs
    if rhs is None:
        return lhs
    raise VerifyException(f"expected equal extents, got {lhs} and {rhs}")


def refines(inferred: AnyTensor, given: AnyTensor) -> bool:
    """Whether `given` may stand where `inferred` was computed: equal, wherever both are known."""
    if inferred.element_type != given.element_type or inferred.get_num_dims() != given.get_num_dims():
        return False
    pairs = zip(shape_of(inferred), shape_of(given), strict=True)
    return all(a is None or b is None or a == b for a, b in pairs)


# Interfaces


class FusionClass(StrEnum):
    """What may be fused with an operator."""

    INJECTIVE = "injective"
    """Each element comes of one element of each operand: fuses with whatever is beside it."""
    REDUCTION = "reduction"
    """Reduces rows: takes injective producers in, and an injective epilogue."""
    COMPLEX_OUT_FUSABLE = "complex-out-fusable"
    """Reuses its operands (matmul): takes an injective epilogue, not producers."""
    OPAQUE = "opaque"
    """Stays alone."""


class TensorOp(IRDLOperation, ABC):
    """The interface of an operator: what it gives for operands of known types, and how it fuses.

    A plugin's operator implements it too, and is then inferred, verified and fused like those here.
    """

    FUSION_CLASS: ClassVar[FusionClass]

    @abstractmethod
    def infer_result_types(self) -> Sequence[AnyTensor]:
        """The types of the results, as far as the operands' types say.

        Raises:
            VerifyException: if the operands do not fit together.
        """

    def verify_(self) -> None:
        for index, (inferred, given) in enumerate(zip(self.infer_result_types(), self.result_types, strict=True)):
            if not isinstance(given, TensorType) or not refines(inferred, cast(AnyTensor, given)):
                raise VerifyException(f"expected result {index} of type {inferred}, got {given}")


def tensor_operand(value: SSAValue) -> AnyTensor:
    """The type of a value that an op definition says is a tensor.

    Raises:
        VerifyException: for a tensor whose encoding or element type is not one of ours, or one that is empty.
    """
    type = cast(AnyTensor, value.type)
    verify_element_type(type.element_type)
    if 0 in type.get_shape():
        raise VerifyException(f"expected positive extents, got {type}")
    if type.encoding != NoneAttr():
        verify_tensor_extents(type)
    return type


_UNSIGNED = frozenset(IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64))


def is_unsigned(type: Attribute) -> bool:
    """Whether an element type is one of integers without a sign; `i1` is not."""
    return type in _UNSIGNED


def verify_element_type(type: Attribute) -> None:
    """Checks that tensors of this dialect may hold elements of this type: below it, integers have no sign.

    Raises:
        VerifyException: if they may not.
    """
    if not is_element_type(type) and not is_unsigned(type):
        expected = "bf16, f16, f32, f64, i1, i8 to i64 or ui8 to ui64"
        raise VerifyException(f"expected an element type of {expected}, got {type}")


def common_element_type(types: Iterable[AnyTensor]) -> Attribute:
    """The element type that all share.

    Raises:
        VerifyException: if they differ.
    """
    elements = list(dict.fromkeys(type.element_type for type in types))
    if len(elements) != 1:
        raise VerifyException(f"expected operands of one element type, got {' and '.join(map(str, elements))}")
    return elements[0]


# Data


def _num_bytes(type: AnyTensor) -> int:
    return math.prod(type.get_shape()) * cast(FixedBitwidthType, type.element_type).size


def _verify_static(type: Attribute) -> AnyTensor:
    if not isinstance(type, TensorType):
        raise VerifyException(f"expected a ranked tensor, got {type}")
    tensor = cast(AnyTensor, type)
    verify_element_type(tensor.element_type)
    verify_tensor_extents(tensor)
    if DYNAMIC_INDEX in tensor.get_shape():
        raise VerifyException(f"expected data of a static shape, got {tensor}")
    return tensor


@irdl_op_definition
class DataOp(IRDLOperation):
    """The data of a weight: inline (`dense<…>`), beside the text (`#graph.resource<…>`), or given when the model is
    loaded (no value).

    Example: `graph.data @fc1.bias = dense<[0.0, 1.0]> : tensor<2xf32>`.
    """

    name = "graph.data"

    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(base(TensorType[Attribute]))
    value = opt_prop_def(base(DenseIntOrFPElementsAttr) | base(ResourceAttr))

    traits = traits_def(SymbolOpInterface(), HasParent(ModuleOp))

    def __init__(
        self,
        name: str,
        type: AnyTensor,
        value: AnyDense | ResourceAttr | None = None,
    ):
        super().__init__(properties={"sym_name": StringAttr(name), "type": type, "value": value})

    @property
    def data(self) -> bytes | None:
        """The little-endian, row-major bytes; None if they are not here."""
        if isinstance(self.value, DenseIntOrFPElementsAttr):
            return self.value.data.data
        return None if self.value is None else self.value.data.data

    def verify_(self) -> None:
        type = _verify_static(self.type)
        if isinstance(self.value, DenseIntOrFPElementsAttr) and self.value.type != type:
            raise VerifyException(f"expected data of type {type}, got {self.value.type}")
        if self.data is not None and len(self.data) != _num_bytes(type):
            raise VerifyException(f"expected {_num_bytes(type)} bytes for {type}, got {len(self.data)}")

    @classmethod
    def parse(cls, parser: Parser) -> DataOp:
        name = parser.parse_symbol_name()
        value = parser.parse_attribute() if parser.parse_optional_punctuation("=") else None
        properties: dict[str, Attribute] = {"sym_name": name}
        if value is not None:
            properties["value"] = value
        if isinstance(value, DenseIntOrFPElementsAttr):
            properties["type"] = cast(AnyDense, value).type
        else:
            parser.parse_punctuation(":")
            properties["type"] = parser.parse_type()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        return cls.create(properties=properties, attributes=attributes.data if attributes else {})

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        if self.value is not None:
            printer.print_string(" = ")
            printer.print_attribute(self.value)
        if not isinstance(self.value, DenseIntOrFPElementsAttr):
            printer.print_string(" : ")
            printer.print_attribute(self.type)
        printer.print_op_attributes(self.attributes, print_keyword=True)


def _symbol_named(op: Operation, name: str) -> Operation | None:
    """The symbol `name` of the module that `op` is in. A model names many: this looks at nothing but names."""
    module = op.parent_op()
    while module is not None and not isinstance(module, ModuleOp):
        module = module.parent_op()
    for symbol in module.body.block.ops if module is not None else ():
        symbol_name = symbol.properties.get("sym_name")
        if isinstance(symbol_name, StringAttr) and symbol_name.data == name:
            return symbol
    return None


class _WeightSymbolUse(SymbolUserOpInterface):
    def verify(self, op: Operation) -> None:
        assert isinstance(op, WeightOp)
        data = _symbol_named(op, op.data.root_reference.data)
        if data is None:
            raise VerifyException(f"expected a graph.data named {op.data}, got none")
        if not isinstance(data, DataOp):
            raise VerifyException(f"expected {op.data} to name a graph.data, got {data.name}")
        if data.type != op.result.type:
            raise VerifyException(f"expected {op.data} of type {data.type}, got {op.result.type}")


@irdl_op_definition
class WeightOp(IRDLOperation):
    """The tensor whose data a `graph.data` holds: `%w = graph.weight @fc1.weight : tensor<64x32xf32>`."""

    name = "graph.weight"

    data = prop_def(SymbolRefAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure(), _WeightSymbolUse())

    assembly_format = "$data attr-dict `:` type($result)"

    def __init__(self, name: str, type: AnyTensor):
        super().__init__(properties={"data": SymbolRefAttr(name)}, result_types=[type])


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A tensor of one number: `%c = graph.constant dense<2.0> : tensor<4xf32>`. Other data is a weight."""

    name = "graph.constant"

    value = prop_def(base(DenseIntOrFPElementsAttr))
    result = result_def(TensorType)

    traits = traits_def(Pure(), ConstantLike())

    def __init__(self, value: AnyDense):
        super().__init__(properties={"value": value}, result_types=[value.type])

    def verify_(self) -> None:
        type = _verify_static(self.result.type)
        if self.value.type != type:
            raise VerifyException(f"expected a value of type {type}, got {self.value.type}")
        data = self.value.data.data
        if data != data[: _num_bytes(type) // len(self.value)] * len(self.value):
            raise VerifyException("expected one number in all elements, got several: use graph.weight")

    @property
    def number(self) -> float | int:
        """What each element is."""
        return cast(float | int, next(self.value.iter_values()))

    @classmethod
    def parse(cls, parser: Parser) -> ConstantOp:
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        value = parser.parse_attribute()
        if not isinstance(value, DenseIntOrFPElementsAttr):
            parser.raise_error("expected a dense attribute", pos)
        op = cls(cast(AnyDense, value))
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_op_attributes(self.attributes)
        printer.print_string(" ")
        printer.print_attribute(self.value)


def verify_float(type: AnyTensor) -> None:
    """Checks that elements are floating-point numbers.

    Raises:
        VerifyException: if they are not.
    """
    if not isinstance(type.element_type, AnyFloat):
        raise VerifyException(f"expected floating-point elements, got {type.element_type}")


def verify_number(type: AnyTensor) -> None:
    """Checks that elements are floating-point numbers or integers.

    Raises:
        VerifyException: if they are not.
    """
    if type.element_type == i1:
        raise VerifyException(f"expected numbers as elements, got {type.element_type}")


def verify_integer(type: AnyTensor) -> None:
    """Checks that elements are integers; `i1` is a truth value.

    Raises:
        VerifyException: if they are not.
    """
    if isinstance(type.element_type, AnyFloat) or type.element_type == i1:
        raise VerifyException(f"expected integers as elements, got {type.element_type}")


def verify_bits(type: AnyTensor) -> None:
    """Checks that elements are integers or truth values.

    Raises:
        VerifyException: if they are not.
    """
    if isinstance(type.element_type, AnyFloat):
        raise VerifyException(f"expected integers or truth values as elements, got {type.element_type}")


OPERATIONS: tuple[type[Operation], ...] = (ConstantOp, DataOp, WeightOp)
"""The operations of the dialect that are not operators."""
