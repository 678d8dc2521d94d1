"""Convolutions."""

from __future__ import annotations

from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ....operators.convolution import ConvOp
from ....operators.elementwise import AddOp
from ..node import Converter, Node, rank_of, static_shape
from .windows import WINDOW_ATTRIBUTES, check_spatial, read_window


def _convert_conv(node: Node) -> SSAValue:
    input, weight, bias = node.optional_tensors(2, 3)
    assert input is not None and weight is not None
    kernel = kernel_of(node, weight)
    check_spatial(input, len(kernel))
    window = read_window(node, input, kernel)
    result = node.add(ConvOp(input, weight, window, node.attribute("group", 1)))
    return result if bias is None else add_bias(node, result, bias)


def kernel_of(node: Node, weight: SSAValue) -> list[int]:
    """The window's extents, which are the weight's after the second."""
    shape = static_shape(weight, "of weights")
    kernel = list(shape[2:])
    if len(shape) < 3:
        raise ImportModelError(f"expected weights of rank 3 or more, got {len(shape)}")
    given = node.attribute("kernel_shape", kernel)
    if given != kernel:
        raise ImportModelError(f"expected a kernel_shape of {kernel}, as the weights have, got {given}")
    return kernel


def add_bias(node: Node, value: SSAValue, bias: SSAValue) -> SSAValue:
    """`value` plus a number for each channel."""
    return node.add(AddOp(value, per_channel(node, bias, rank_of(value))))


def per_channel(node: Node, vector: SSAValue, rank: int) -> SSAValue:
    """A vector over channels, so that it broadcasts over tensors of a rank."""
    if rank_of(vector) != 1:
        raise ImportModelError(f"expected a number for each channel, got a tensor of rank {rank_of(vector)}")
    array = node.builder.constant(vector)
    if array is None:
        raise ImportModelError("expected numbers for channels that are constant")
    return node.weight(array.reshape(-1, *[1] * (rank - 2)), vector.name_hint or "constant")


CONVERTERS = (Converter("Conv", 1, _convert_conv, (*WINDOW_ATTRIBUTES, "group")),)
