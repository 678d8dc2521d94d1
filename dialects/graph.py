"""The `graph` dialect: a model as operators on tensors, with weights by name.

Operators follow ONNX's meaning and numpy's broadcasting. A shape is static, symbolic (`#te.shape<n, 64>`), or not known
yet (`?` without an encoding), until `graph-infer-shapes` fills it in. A weight's data stands in `graph.data` ops at the
module's level, beside the functions that name it.
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
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FixedBitwidthType,
    FloatAttr,
    ModuleOp,
    NoneAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
    f32,
    i64,
)
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    Commutative,
    ConstantLike,
    HasParent,
    Pure,
    SymbolOpInterface,
    SymbolUserOpInterface,
)
from xdsl.utils.exceptions import VerifyException

from .extents import Extent
from .resources import ResourceAttr
from .scalar import verify_element_type
from .te import ShapeAttr, tensor_type, verify_tensor_type

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
        VerifyException: for a tensor whose encoding or element type is not one of ours.
    """
    type = cast(AnyTensor, value.type)
    verify_element_type(type.element_type)
    if type.encoding != NoneAttr():
        verify_tensor_type(type)
    return type


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
    tensor = verify_tensor_type(type)
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


# Elementwise operators


class BinaryOp(TensorOp, ABC):
    """An operator on two tensors, element by element, that broadcasts."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue, result_type: Attribute | None = None):
        types = [tensor_operand(lhs), tensor_operand(rhs)]
        super().__init__(operands=[lhs, rhs], result_types=[result_type or _broadcast_type(types)])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_broadcast_type([tensor_operand(operand) for operand in self.operands])]


def _broadcast_type(types: Sequence[AnyTensor]) -> AnyTensor:
    return tensor_of(common_element_type(types), broadcast_shapes(*map(shape_of, types)))


@irdl_op_definition
class AddOp(BinaryOp):
    """`lhs + rhs`."""

    name = "graph.add"
    traits = traits_def(Commutative())


@irdl_op_definition
class SubOp(BinaryOp):
    """`lhs - rhs`."""

    name = "graph.sub"


@irdl_op_definition
class MulOp(BinaryOp):
    """`lhs * rhs`."""

    name = "graph.mul"
    traits = traits_def(Commutative())


@irdl_op_definition
class DivOp(BinaryOp):
    """`lhs / rhs`, on floats."""

    name = "graph.div"

    def infer_result_types(self) -> Sequence[AnyTensor]:
        types = super().infer_result_types()
        _verify_float(types[0])
        return types


def _verify_float(type: AnyTensor) -> None:
    if not isinstance(type.element_type, AnyFloat):
        raise VerifyException(f"expected floating-point elements, got {type.element_type}")


class UnaryOp(TensorOp, ABC):
    """An operator on one tensor that keeps its type."""

    T: ClassVar = VarConstraint("T", base(TensorType[Attribute]))

    operand = operand_def(T)
    result = result_def(T)

    traits = traits_def(Pure())

    assembly_format = "$operand attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue):
        super().__init__(operands=[operand], result_types=[operand.type])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [tensor_operand(self.operand)]


@irdl_op_definition
class ReluOp(UnaryOp):
    """`max(operand, 0)`."""

    name = "graph.relu"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE


# Linear algebra


def matmul_shape(lhs: Shape, rhs: Shape) -> Shape:
    """The shape of numpy's `lhs @ rhs`.

    Raises:
        VerifyException: if the operands do not fit together.
    """
    if not lhs or not rhs:
        raise VerifyException(f"expected operands of rank 1 or more, got {format_shape(lhs)} and {format_shape(rhs)}")
    rows, columns = lhs[-2:-1], rhs[-1:] if len(rhs) > 1 else ()
    inner = rhs[-min(len(rhs), 2)]
    if lhs[-1] is not None and inner is not None and lhs[-1] != inner:
        raise VerifyException(
            f"expected operands that agree on what is summed over, got {format_shape(lhs)} and {format_shape(rhs)}"
        )
    return broadcast_shapes(lhs[:-2], rhs[:-2]) + rows + columns


@irdl_op_definition
class MatmulOp(TensorOp):
    """The matrix product of numpy's `matmul`: leading dimensions are batches, and broadcast."""

    name = "graph.matmul"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.COMPLEX_OUT_FUSABLE

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue):
        super().__init__(operands=[lhs, rhs], result_types=[_matmul_type(lhs, rhs)])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_matmul_type(self.lhs, self.rhs)]


def _matmul_type(lhs: SSAValue, rhs: SSAValue) -> AnyTensor:
    types = [tensor_operand(lhs), tensor_operand(rhs)]
    return tensor_of(common_element_type(types), matmul_shape(*map(shape_of, types)))


@irdl_op_definition
class GemmOp(TensorOp):
    """ONNX's Gemm: `alpha * A' * B' + beta * C`, where `A'` is `A`, or its transpose with `trans_a`.

    Example: `graph.gemm %a, %b, %c {trans_b, alpha = 0.5 : f32} : (tensor<4x8xf32>, …) -> tensor<4x2xf32>`.
    """

    name = "graph.gemm"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.COMPLEX_OUT_FUSABLE

    a = operand_def(TensorType)
    b = operand_def(TensorType)
    c = opt_operand_def(TensorType)
    alpha = opt_prop_def(FloatAttr)
    beta = opt_prop_def(FloatAttr)
    trans_a = opt_prop_def(UnitAttr)
    trans_b = opt_prop_def(UnitAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$a `,` $b (`,` $c^)? attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        a: SSAValue,
        b: SSAValue,
        c: SSAValue | None = None,
        *,
        alpha: float = 1.0,
        beta: float = 1.0,
        trans_a: bool = False,
        trans_b: bool = False,
    ):
        super().__init__(
            operands=[a, b, c],
            properties={
                "alpha": None if alpha == 1.0 else FloatAttr(alpha, f32),
                "beta": None if beta == 1.0 else FloatAttr(beta, f32),
                "trans_a": UnitAttr() if trans_a else None,
                "trans_b": UnitAttr() if trans_b else None,
            },
            result_types=[_gemm_type(a, b, c, trans_a, trans_b)],
        )

    @property
    def alpha_value(self) -> float:
        """What the product is multiplied with."""
        return 1.0 if self.alpha is None else self.alpha.value.data

    @property
    def beta_value(self) -> float:
        """What `C` is multiplied with."""
        return 1.0 if self.beta is None else self.beta.value.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = _gemm_type(self.a, self.b, self.c, self.trans_a is not None, self.trans_b is not None)
        if not isinstance(type.element_type, AnyFloat) and (self.alpha or self.beta):
            raise VerifyException(f"expected no alpha or beta on elements of type {type.element_type}")
        return [type]


def _gemm_type(a: SSAValue, b: SSAValue, c: SSAValue | None, trans_a: bool, trans_b: bool) -> AnyTensor:
    types = [tensor_operand(value) for value in (a, b, c) if value is not None]
    lhs, rhs = shape_of(types[0]), shape_of(types[1])
    if len(lhs) != 2 or len(rhs) != 2:
        raise VerifyException(f"expected matrices, got {format_shape(lhs)} and {format_shape(rhs)}")
    shape = matmul_shape(lhs[::-1] if trans_a else lhs, rhs[::-1] if trans_b else rhs)
    if c is not None:
        bias = shape_of(types[2])
        if len(bias) > 2 or not _broadcasts_to(bias, shape):
            raise VerifyException(
                f"expected a third operand that broadcasts to {format_shape(shape)}, got {format_shape(bias)}"
            )
    return tensor_of(common_element_type(types), shape)


def _broadcasts_to(shape: Shape, target: Shape) -> bool:
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return all(dim is None or full is None or dim in (_ONE, full) for dim, full in pairs)


# Reductions


@irdl_op_definition
class SoftmaxOp(UnaryOp):
    """`exp(x) / sum(exp(x))`, where the sum runs over `axes`: `graph.softmax %x axes [1] : tensor<4x10xf32>`."""

    name = "graph.softmax"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.REDUCTION

    axes = prop_def(DenseArrayBase.constr(i64))

    assembly_format = "$operand `axes` $axes attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue, axes: Iterable[int]):
        IRDLOperation.__init__(
            self,
            operands=[operand],
            properties={"axes": DenseArrayBase.from_list(i64, sorted(axes))},
            result_types=[operand.type],
        )

    @property
    def axis_list(self) -> tuple[int, ...]:
        """The dimensions that the sum runs over, in order."""
        return self.axes.get_values()

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = tensor_operand(self.operand)
        _verify_float(type)
        axes, rank = self.axis_list, type.get_num_dims()
        if not axes or list(axes) != sorted(set(axes)) or axes[0] < 0 or axes[-1] >= rank:
            raise VerifyException(f"expected increasing axes from 0 to {rank - 1}, got {list(axes)}")
        return [type]


Graph = Dialect(
    "graph",
    [AddOp, ConstantOp, DataOp, DivOp, GemmOp, MatmulOp, MulOp, ReluOp, SoftmaxOp, SubOp, WeightOp],
    [ResourceAttr],
    [ResourceAttr.table],
)
