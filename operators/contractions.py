"""Sums of products over named dimensions."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import StringAttr, TensorType, i1
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, prop_def, result_def, traits_def, var_operand_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import (
    AnyTensor,
    Dim,
    FusionClass,
    broadcast_dims,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
)
from ..te.expressions import Expr, Reduction
from ..te.tensors import Size, Tensor, compute
from .operator import Operator, known_extents, reduce_to


@irdl_op_definition
class EinsumOp(Operator):
    """Einstein's sum of one or two operands: a letter is a dimension, and what the result lacks is summed over.

    Example: `graph.einsum %a, %b {equation = "bij,kj->bik"} : (tensor<2x3x4xf32>, tensor<5x4xf32>) -> …`.
    A letter twice in an operand reads its diagonal; an extent of 1 broadcasts.
    """

    name = "graph.einsum"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.COMPLEX_OUT_FUSABLE

    inputs = var_operand_def(TensorType)
    equation = prop_def(StringAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$inputs attr-dict `:` functional-type(operands, results)"

    def __init__(self, inputs: Sequence[SSAValue], equation: str):
        super().__init__(
            operands=[inputs],
            properties={"equation": StringAttr(equation)},
            result_types=[_result_type(inputs, *split_equation(equation))],
        )

    @property
    def terms(self) -> tuple[list[str], str]:
        """The letters of each operand, and of the result."""
        return split_equation(self.equation.data)

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_result_type(self.inputs, *self.terms)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        inputs, output = self.terms
        sizes: dict[str, Size] = dict(zip(output, known_extents(self.result), strict=True))
        axes: dict[str, Expr] = {}
        for letters, operand in zip(inputs, operands, strict=True):
            for letter, size in zip(letters, operand.shape, strict=True):
                if letter not in sizes or sizes[letter] == 1:
                    sizes[letter] = size
        summed = [letter for letter in sizes if letter not in output]
        reduced = [te.reduce_axis(sizes[letter], name=letter) for letter in summed]
        axes.update(zip(summed, reduced, strict=True))

        def product(*indices: Expr) -> Expr:
            at = axes | dict(zip(output, indices, strict=True))
            factors: list[Expr] = []
            for letters, operand in zip(inputs, operands, strict=True):
                dims = zip(letters, operand.shape, strict=True)
                factors.append(
                    operand.read(*(0 if size == 1 and sizes[letter] != 1 else at[letter] for letter, size in dims))
                )
            return factors[0] if len(factors) == 1 else factors[0] * factors[1]

        if not reduced:
            return compute(known_extents(self.result), product, name="einsum")

        def element(*indices: Expr) -> Reduction:
            return te.sum(product(*indices), axis=reduced)

        return reduce_to(known_extents(self.result), element, "einsum")


def split_equation(equation: str) -> tuple[list[str], str]:
    """The letters of each operand, and of the result.

    Raises:
        VerifyException: if the equation is not of the form `ij,jk->ik`.
    """
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    letters = set(left) - {","}
    valid = arrow and letters <= set(string.ascii_letters) and len(inputs) in (1, 2)
    if not valid or len(set(output)) != len(output) or not set(output) <= letters:
        raise VerifyException(f"expected an equation of one or two operands such as 'ij,jk->ik', got '{equation}'")
    return inputs, output


def _result_type(operands: Sequence[SSAValue], inputs: Sequence[str], output: str) -> AnyTensor:
    types = [tensor_operand(operand) for operand in operands]
    if len(types) != len(inputs):
        raise VerifyException(f"expected {len(inputs)} operands as in the equation, got {len(types)}")
    element = common_element_type(types)
    if element == i1:
        raise VerifyException("expected numbers, got i1")
    dims: dict[str, Dim] = {}
    for letters, type in zip(inputs, types, strict=True):
        shape = shape_of(type)
        if len(letters) != len(shape):
            raise VerifyException(
                f"expected an operand of rank {len(letters)} for '{letters}', got {format_shape(shape)}"
            )
        for letter, dim in zip(letters, shape, strict=True):
            try:
                dims[letter] = broadcast_dims(dims.get(letter, Extent.of(1)), dim)
            except VerifyException:
                raise VerifyException(f"expected one extent of '{letter}', got {dims[letter]} and {dim}") from None
    return tensor_of(element, tuple(dims[letter] for letter in output))


OPERATORS: tuple[type[Operation], ...] = (EinsumOp,)
