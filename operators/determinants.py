"""Determinants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.graph import AnyTensor, FusionClass, format_shape, shape_of, tensor_of, tensor_operand, verify_float
from ..te.dtypes import INDEX
from ..te.expressions import Expr, ExprLike, IterVar, Reduction, as_expr
from ..te.tensors import Tensor
from .operator import Operator, known_extents


@irdl_op_definition
class DetOp(Operator):
    """The determinants of the matrices in the last two dimensions.

    Example: `graph.det %x : (tensor<4x3x3xf32>) -> tensor<4xf32>`.
    """

    name = "graph.det"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    operand = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$operand attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue):
        super().__init__(operands=[operand], result_types=[_det_type(operand)])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_det_type(self.operand)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """Gaussian elimination, a column a step: the row with the largest element in it becomes the next one, and
        is subtracted from those below."""
        (operand,) = operands
        dtype = operand.dtype
        batch, size = operand.shape[:-2], operand.extents[-1].constant
        matrices = te.compute([1, *operand.shape], lambda *at: operand.read(*at[1:]), name="matrices")
        one = te.compute([1, *batch], lambda *_: te.const(1, dtype), name="one")

        def step(t: IterVar, rows: Tensor, product: Tensor) -> Sequence[Tensor]:
            k = te.reduce_axis(size, name="k")

            def largest(*b: ExprLike) -> Reduction:
                magnitude = te.select(k >= t, te.abs(rows.read(t, *b, k, t)), te.const(-1, dtype))
                return te.argmax(magnitude, k)

            pivot, _ = cast("tuple[Tensor, Tensor]", te.compute(batch, largest, name="pivot"))

            def eliminated(*at: ExprLike) -> Expr:
                *b, i, j = at
                row, place = as_expr(i), te.cast(pivot.read(*b), INDEX)
                swapped = te.select(row == t, place, te.select(row == place, t, row))
                top = rows.read(t, *b, place, t)
                factor = te.select((row > t) & (top != 0), rows.read(t, *b, swapped, t) / top, te.const(0, dtype))
                return rows.read(t, *b, swapped, j) - factor * rows.read(t, *b, place, j)

            def multiplied(*b: ExprLike) -> Expr:
                place = te.cast(pivot.read(*b), INDEX)
                top = rows.read(t, *b, place, t)
                return product.read(t, *b) * te.select(place == t, top, -top)

            return [
                te.compute(operand.shape, eliminated, name="eliminated"),
                te.compute(batch, multiplied, name="product"),
            ]

        _, products = te.scan(size, [matrices, one], step, name="det")
        return te.compute(known_extents(self.result), lambda *b: products.read(size, *b), name="last")


def _det_type(operand: SSAValue) -> AnyTensor:
    type = tensor_operand(operand)
    verify_float(type)
    shape = shape_of(type)
    sizes = shape[-2:]
    if len(sizes) < 2 or any(size is not None and not size.is_constant for size in sizes) or sizes[0] != sizes[1]:
        raise VerifyException(f"expected square matrices of static extents, got {format_shape(shape)}")
    return tensor_of(type.element_type, shape[:-2])


OPERATORS: tuple[type[Operation], ...] = (DetOp,)
