"""Numbers as small integers: a scale and a zero point for all of them, for each index of an axis, or for blocks of it.

Products of quantized tensors are sums of 32-bit integers.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from xdsl.dialects.builtin import AnyFloat, f32, i32
from xdsl.ir import Attribute, SSAValue

from ....dialects.extents import Extent
from ....errors import ImportModelError
from ....operators.convolution import ConvOp
from ....operators.elementwise import RoundOp
from ....operators.linear_algebra import MatmulIntegerOp, MatmulOp
from ....operators.reductions import ReduceSumOp
from ....operators.shape import BroadcastOp
from ..layout import dims_of, reshape, take
from ..node import Converter, Node, normalized_axis, rank_of, type_of
from ..tensors import element_type
from ..terms import Term
from .convolution import kernel_of
from .windows import WINDOW_ATTRIBUTES, check_kept, check_spatial, per_channel, read_window, static_sizes


def _quantized_types() -> list[Attribute]:
    from onnx import TensorProto

    return [element_type(type) for type in (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16)]


def _quantized(value: Term, zero_point: Term | None, result: Attribute) -> Term:
    """Floats as integers: rounded, half to even, and moved by the zero point; the conversion saturates."""
    if result not in _quantized_types():
        raise ImportModelError(f"expected a result of int8, uint8, int16 or uint16, got {result}")
    rounded = value.apply(RoundOp).cast(f32)
    return (rounded if zero_point is None else rounded + zero_point.cast(f32)).cast(result)


def _fitted(node: Node, value: SSAValue | None, operand: SSAValue, axis: int, block: int) -> Term | None:
    """A scale or zero point so that it broadcasts over an operand: it has one element, one for each index of `axis`,
    or as many for each as there are blocks of `block` elements."""
    if value is None:
        return None
    dims, own = dims_of(operand), dims_of(value)
    rank = len(dims)
    if all(dim == Extent.of(1) for dim in own) and len(own) <= 1:
        return Term(node, reshape(node, value, ()))
    axis = normalized_axis(axis, rank)
    if not block:
        if len(own) != 1 or own[0] != dims[axis]:
            raise ImportModelError(f"expected {dims[axis]} scales or zero points for axis {axis}, got {own}")
        return Term(node, reshape(node, value, [1] * axis + own + [1] * (rank - axis - 1)))
    (size,), (blocks,) = static_sizes(operand, [axis]), static_sizes(value, [axis])
    if len(own) != rank or blocks != -(-size // block) or any(own[i] != dims[i] for i in range(rank) if i != axis):
        raise ImportModelError(f"expected a scale or zero point for {block} elements of axis {axis}, got {own}")
    apart = reshape(node, value, [*own[: axis + 1], 1, *own[axis + 1 :]])
    repeated = node.add(BroadcastOp(apart, [*own[: axis + 1], block, *own[axis + 1 :]]))
    together = reshape(node, repeated, [*own[:axis], blocks * block, *own[axis + 1 :]])
    return Term(node, take(node, together, axis, 0, size))


def _convert_quantize(node: Node) -> SSAValue:
    operand, scale, zero_point = node.optional_tensors(2, 3)
    assert operand is not None and scale is not None
    axis, block = node.attribute("axis", 1), node.attribute("block_size", 0)
    given = node.attribute("output_dtype", 0)
    result = element_type(given) if given else _quantized_types()[1]
    if zero_point is not None:
        result = Term(node, zero_point).element_type
    precision = node.attribute("precision", 0)
    by = _known(_fitted(node, scale, operand, axis, block))
    x = Term(node, operand)
    computed = element_type(precision) if precision else by.element_type if x.is_float else f32
    value = x.cast(computed) / by.cast(computed)
    return _quantized(value, _fitted(node, zero_point, operand, axis, block), result).value


def _known(term: Term | None) -> Term:
    assert term is not None
    return term


def _convert_dequantize(node: Node) -> SSAValue:
    operand, scale, zero_point = node.optional_tensors(2, 3)
    assert operand is not None and scale is not None
    axis, block = node.attribute("axis", 1), node.attribute("block_size", 0)
    x = Term(node, operand)
    by = _known(_fitted(node, scale, operand, axis, block))
    given = node.attribute("output_dtype", 0)
    result = element_type(given) if given else by.element_type
    if x.is_float or not isinstance(result, AnyFloat):
        raise ImportModelError(f"expected integers to make floats of, got {x.element_type} and {result}")
    offset = _fitted(node, zero_point, operand, axis, block)
    wide = x.cast(i32)
    wide = wide if offset is None else wide - offset.cast(i32)
    return (wide.cast(by.element_type) * by).cast(result).value


# Products


def _centered(value: SSAValue, zero_point: Term | None, node: Node) -> Term:
    """32-bit integers less their zero point."""
    wide = Term(node, value).cast(i32)
    result = wide if zero_point is None else wide - zero_point.cast(i32)
    check_kept(result.value, value)
    return result


def _of_rows(node: Node, vector: SSAValue | None) -> Term | None:
    """A vector with a number for each row of matrices."""
    if vector is None:
        return None
    return Term(node, reshape(node, vector, [*dims_of(vector), 1]) if rank_of(vector) == 1 else vector)


def _of_columns(node: Node, vector: SSAValue | None) -> Term | None:
    return None if vector is None else Term(node, vector)


def _convert_matmul_integer(node: Node) -> SSAValue:
    a, b, a_zero, b_zero = node.optional_tensors(2, 4)
    assert a is not None and b is not None
    return _product(node, a, b, a_zero, b_zero).value


def _product(node: Node, a: SSAValue, b: SSAValue, a_zero: SSAValue | None, b_zero: SSAValue | None) -> Term:
    """The sums of products of what is left after the zero points are subtracted.

    Machines have instructions for products of unsigned and signed bytes. So those of 8-bit matrices are summed as they
    are, but for a move by 128 to the other kind, and zero points, which move with them, come afterwards:
    `sum((a - p) * (b - q)) = sum(a * b) - p * sum(b) - sum(a - p) * q`.
    """
    centered = _centered(a, _of_rows(node, a_zero), node), _centered(b, _of_columns(node, b_zero), node)
    signed, unsigned = _quantized_types()[:2]
    if min(rank_of(a), rank_of(b)) < 2 or not {type_of(a).element_type, type_of(b).element_type} <= {signed, unsigned}:
        return Term(node, node.add(MatmulOp(*(term.value for term in centered))))
    lhs, rhs = Term(node, a), Term(node, b)
    p, q = _zero(node, a_zero, _of_rows(node, a_zero), 0), _zero(node, b_zero, _of_columns(node, b_zero), 0)
    if lhs.element_type == signed:
        lhs, p = lhs.cast(unsigned) + 128, _zero(node, a_zero, _of_rows(node, a_zero), 128)
    if rhs.element_type == unsigned:
        rhs, q = rhs.cast(signed) + -128, _zero(node, b_zero, _of_columns(node, b_zero), -128)
    product = Term(node, node.add(MatmulIntegerOp(lhs.value, rhs.value)))
    if p is not None:
        product = product - _sums(node, rhs.cast(i32), -2) * p
    if q is not None:
        product = product - _sums(node, centered[0], -1) * q
    return product


def _zero(node: Node, value: SSAValue | None, fitted: Term | None, moved: int) -> Term | int | None:
    """A zero point that is moved, in 32 bits; None if it is known to be 0."""
    if value is None or fitted is None:
        return moved or None
    known = node.builder.constant(value)
    if known is not None and not (known.astype(np.int32) + moved).any():
        return None
    return fitted.cast(i32) + moved if moved else fitted.cast(i32)


def _sums(node: Node, term: Term, axis: int) -> Term:
    """Sums over an axis, which stays as an extent of 1."""
    return Term(node, node.add(ReduceSumOp(term.value, [rank_of(term.value) + axis], keepdims=True)))


def _convert_qlinear_matmul(node: Node) -> SSAValue:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = node.tensors(8)
    product = _product(node, a, b, a_zero, b_zero)
    by = _scale(_known(_of_rows(node, a_scale)), Term(node, b_scale), _known(_of_rows(node, y_scale)))
    zero_point = _known(_of_rows(node, y_zero))
    result = _quantized(product.cast(f32) * by, zero_point, zero_point.element_type).value
    check_kept(result, product.value)
    return result


def _scale(lhs: Term, rhs: Term, result: Term) -> Term:
    return lhs.cast(f32) * rhs.cast(f32) / result.cast(f32)


def _integer_convolution(
    node: Node, x: SSAValue, x_zero: SSAValue | None, w: SSAValue, w_zero: SSAValue | None
) -> Term:
    """Pads are 0 after the zero point is subtracted."""
    kernel = kernel_of(node, w)
    check_spatial(x, len(kernel))
    input = _centered(x, _single(node, x_zero), node)
    weight = _centered(w, _fitted(node, w_zero, w, 0, 0), node)
    window = read_window(node, x, kernel)
    return Term(node, node.add(ConvOp(input.value, weight.value, window, node.attribute("group", 1))))


def _single(node: Node, value: SSAValue | None) -> Term | None:
    """A tensor of one element."""
    if value is None:
        return None
    if any(dim != Extent.of(1) for dim in dims_of(value)):
        raise ImportModelError(f"expected one scale or zero point, got shape {dims_of(value)}")
    return Term(node, reshape(node, value, ()))


def _convert_conv_integer(node: Node) -> SSAValue:
    x, w, x_zero, w_zero = node.optional_tensors(2, 4)
    return _integer_convolution(node, cast(SSAValue, x), x_zero, cast(SSAValue, w), w_zero).value


def _convert_qlinear_conv(node: Node) -> SSAValue:
    operands = node.tensors(8, 9)
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero = operands[:8]
    result = _integer_convolution(node, x, x_zero, w, w_zero)
    if len(operands) > 8:
        result = result + Term(node, per_channel(node, operands[8], result.value))
    scale_of_weights = _known(_fitted(node, w_scale, result.value, 1, 0))
    by = _scale(_known(_single(node, x_scale)), scale_of_weights, _known(_single(node, y_scale)))
    zero_point = _known(_single(node, y_zero))
    return _quantized(result.cast(f32) * by, zero_point, zero_point.element_type).value


_CONV = (*WINDOW_ATTRIBUTES, "group")

CONVERTERS = (
    Converter("QuantizeLinear", 10, _convert_quantize, ("axis", "block_size", "output_dtype", "precision", "saturate")),
    Converter("DequantizeLinear", 10, _convert_dequantize, ("axis", "block_size", "output_dtype")),
    Converter("MatMulInteger", 10, _convert_matmul_integer),
    Converter("QLinearMatMul", 10, _convert_qlinear_matmul),
    Converter("ConvInteger", 10, _convert_conv_integer, _CONV),
    Converter("QLinearConv", 10, _convert_qlinear_conv, _CONV),
)
