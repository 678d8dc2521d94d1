"""Matrix products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerType, Signedness, TensorType, UnitAttr, f32, i8, i32
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    Shape,
    broadcast_shapes,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
)
from ..te.expressions import Expr, ExprLike, Reduction
from ..te.tensors import Size, Tensor
from .broadcasting import read_broadcast
from .operator import Operator, known_extents, reduce_to


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


_BYTES = (i8, IntegerType(8, Signedness.UNSIGNED))


@irdl_op_definition
class MatmulOp(Operator):
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

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """`sum(lhs[batch…, i, k] * rhs[batch…, k, j], k)`; an operand of rank 1 has no `i`, or no `j`."""
        lhs, rhs = operands
        return _product(known_extents(self.result), lhs, rhs, lambda value: value)


@irdl_op_definition
class MatmulIntegerOp(Operator):
    """The matrix product of numpy's `matmul` of 8-bit integers, signed or not, in 32 bits."""

    name = "graph.matmul_integer"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.COMPLEX_OUT_FUSABLE

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: SSAValue, rhs: SSAValue):
        super().__init__(operands=[lhs, rhs], result_types=[_integer_matmul_type(lhs, rhs)])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_integer_matmul_type(self.lhs, self.rhs)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """`sum(i32(lhs[batch…, i, k]) * i32(rhs[batch…, k, j]), k)`."""
        lhs, rhs = operands
        return _product(known_extents(self.result), lhs, rhs, lambda value: te.cast(value, "int32"))


def _product(shape: Sequence[Size], lhs: Tensor, rhs: Tensor, convert: Callable[[Expr], Expr]) -> Tensor:
    rows, columns = int(lhs.ndim > 1), int(rhs.ndim > 1)
    batch = shape[: len(shape) - rows - columns]
    k = te.reduce_axis(lhs.shape[-1], name="k")

    def element(*indices: ExprLike) -> Reduction:
        outer, inner = indices[: len(batch)], indices[len(batch) :]
        left = _read_matrix(lhs, outer, [*inner[:rows], k], batch)
        right = _read_matrix(rhs, outer, [k, *inner[rows:]], batch)
        return te.sum(convert(left) * convert(right), axis=k)

    return reduce_to(shape, element, "matmul")


def _integer_matmul_type(lhs: SSAValue, rhs: SSAValue) -> AnyTensor:
    types = [tensor_operand(lhs), tensor_operand(rhs)]
    for type in types:
        if type.element_type not in _BYTES:
            raise VerifyException(f"expected 8-bit integers as elements, got {type.element_type}")
    return tensor_of(i32, matmul_shape(*map(shape_of, types)))


def _matmul_type(lhs: SSAValue, rhs: SSAValue) -> AnyTensor:
    types = [tensor_operand(lhs), tensor_operand(rhs)]
    return tensor_of(common_element_type(types), matmul_shape(*map(shape_of, types)))


@irdl_op_definition
class GemmOp(Operator):
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

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """`alpha * A' * B' + beta * C`: a matrix product, then what is left of the rest."""
        a, b, *rest = operands
        c = rest[0] if rest else None
        shape = known_extents(self.result)
        k = te.reduce_axis(a.shape[0 if self.trans_a else 1], name="k")

        def product(i: ExprLike, j: ExprLike) -> Reduction:
            left = a[k, i] if self.trans_a else a[i, k]
            right = b[j, k] if self.trans_b else b[k, j]
            return te.sum(left * right, axis=k)

        result = reduce_to(shape, product, "gemm")
        scale_bias = c is not None and self.beta_value != 0
        if self.alpha_value == 1 and not scale_bias:
            return result

        def epilogue(i: ExprLike, j: ExprLike) -> Expr:
            element = _scaled(result[i, j], self.alpha_value)
            if c is None or not scale_bias:
                return element
            return element + _scaled(read_broadcast(c, [i, j], shape), self.beta_value)

        return te.compute(shape, epilogue, name="gemm_epilogue")


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
    return all(dim is None or full is None or dim in (Extent.of(1), full) for dim, full in pairs)


def _read_matrix(tensor: Tensor, outer: Sequence[ExprLike], inner: Sequence[ExprLike], batch: Sequence[Size]) -> Expr:
    """The element at `inner` of the matrix at `outer`, where the dimensions before the matrix broadcast to `batch`."""
    full = [*batch, *tensor.shape[tensor.ndim - len(inner) :]]
    return read_broadcast(tensor, [*outer, *inner], full)


def _scaled(value: Expr, factor: float) -> Expr:
    return value if factor == 1 else value * factor


OPERATORS: tuple[type[Operation], ...] = (MatmulOp, MatmulIntegerOp, GemmOp)
