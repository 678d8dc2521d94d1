"""Convolution. Its transpose is one too, with as many results for each element as the stride has phases, which
reshapes and transposes put in their places: see the converter of ONNX's ConvTranspose.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, cast

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
)
from ..te.expressions import Expr, ExprLike, Reduction
from ..te.tensors import Tensor
from .operator import known_extents, reduce_to
from .windows import Window, WindowOp, offset_by, scaled, taps, window_properties

LARGE_GROUP = 8
"""From how many results on the groups of a convolution are a dimension of their own."""


@irdl_op_definition
class ConvOp(WindowOp):
    """ONNX's Conv, without its bias: `input` is `N×C×…`, `weight` `M×(C/groups)×…`, the result `N×M×…`.

    Result channel `m` sums over the input channels of its group, and over the window. `pads` are zeros: first those
    before each spatial dimension, then those after it; a negative number crops. With `algorithm "gemm"`, what the
    windows hold is a matrix of its own, with a column for each window; else windows slide.

    Example: `graph.conv %x, %w strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1] groups 1 : (…) -> …`.
    """

    name = "graph.conv"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.COMPLEX_OUT_FUSABLE

    input = operand_def(TensorType)
    weight = operand_def(TensorType)
    groups = prop_def(IntegerAttr.constr(i64))
    algorithm = opt_prop_def(StringAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$input `,` $weight `strides` $strides `pads` $pads `dilations` $dilations `groups` $groups"
        " (`algorithm` $algorithm^)? attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, input: SSAValue, weight: SSAValue, window: Window, groups: int = 1):
        super().__init__(
            operands=[input, weight],
            properties={**window_properties(window), "groups": IntegerAttr(groups, i64)},
            result_types=[_conv_type(input, weight, window, groups)],
        )

    @property
    def group_count(self) -> int:
        """Into how many groups the channels are divided."""
        return self.groups.value.data

    @property
    def window(self) -> Window:
        """The window, as large as the weight."""
        return self.window_of(extent.constant for extent in known_extents(self.weight)[2:])

    def verify_(self) -> None:
        super().verify_()
        if self.algorithm is not None and self.algorithm.data != "gemm":
            raise VerifyException(f'expected algorithm "gemm" or none, got "{self.algorithm.data}"')

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_conv_type(self.input, self.weight, self.window_of(_kernel(self.weight)), self.group_count)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        """`sum(padded[n, c, i * stride + k * dilation…] * weight[m, c, k…])` over the channels of a group and `k…`."""
        input, weight = operands
        window = self.window
        padded = window.pad(input, te.const(0, input.dtype))
        shape = known_extents(self.result)
        results_each = shape[1].constant // self.group_count
        channels_each = weight.extents[1].constant
        if self.algorithm is not None and all(extent.is_constant for extent in shape[2:]):
            return self._product(padded, weight)
        axes, (channel, *tap) = taps([channels_each, *window.kernel])
        if self.group_count > 1 and results_each >= LARGE_GROUP:
            return self._grouped(padded, weight)

        def element(*indices: ExprLike) -> Reduction:
            n, m, *position = indices
            group = 0 if self.group_count == 1 else m if results_each == 1 else cast(Expr, m) // results_each
            from_channel = offset_by(scaled(group, channels_each), channel)
            read = padded.read(n, from_channel, *window.element(position, tap))
            return te.sum(read * weight.read(m, channel, *tap), axis=axes)

        return reduce_to(shape, element, "conv")

    def _grouped(self, padded: Tensor, weight: Tensor) -> Tensor:
        """The same with a dimension for groups: what is computed of a group is a convolution of its own."""
        window, shape, groups = self.window, known_extents(self.result), self.group_count
        results_each, channels_each = shape[1].constant // groups, weight.extents[1].constant
        axes, (channel, *tap) = taps([channels_each, *window.kernel])

        def element(*indices: ExprLike) -> Reduction:
            n, group, m, *position = indices
            read = padded.read(n, offset_by(scaled(group, channels_each), channel), *window.element(position, tap))
            return te.sum(read * weight.read(offset_by(scaled(group, results_each), m), channel, *tap), axis=axes)

        sums = reduce_to((shape[0], groups, results_each, *shape[2:]), element, "groups")

        def result(n: Expr, m: Expr, *position: Expr) -> Expr:
            return sums.read(n, m // results_each, m % results_each, *position)

        return te.compute(shape, result, name="conv")

    def _product(self, padded: Tensor, weight: Tensor) -> Tensor:
        """The same as a product of matrices: the weights, and a column for each window."""
        window, shape = self.window, known_extents(self.result)
        positions = [extent.constant for extent in shape[2:]]
        strides = [prod(positions[axis + 1 :]) for axis in range(window.rank)]
        results_each = shape[1].constant // self.group_count
        channels_each = weight.extents[1].constant

        def held(*indices: ExprLike) -> Expr:
            n, channel, *tap = indices[:-1]
            column = cast(Expr, indices[-1])
            position = [
                column // stride % size if axis else column // stride
                for axis, (stride, size) in enumerate(zip(strides, positions, strict=True))
            ]
            return padded.read(n, channel, *window.element(position, tap))

        columns = te.compute((*padded.extents[:2], *window.kernel, prod(positions)), held, name="columns")
        axes, (channel, *tap) = taps([channels_each, *window.kernel])

        def product(n: ExprLike, m: ExprLike, column: ExprLike) -> Reduction:
            group = 0 if self.group_count == 1 else m if results_each == 1 else cast(Expr, m) // results_each
            from_channel = offset_by(scaled(group, channels_each), channel)
            return te.sum(columns.read(n, from_channel, *tap, column) * weight.read(m, channel, *tap), axis=axes)

        sums = reduce_to((*shape[:2], prod(positions)), product, "products")

        def result(*indices: ExprLike) -> Expr:
            n, m, *position = indices
            column: ExprLike = 0
            for index, stride in zip(position, strides, strict=True):
                column = offset_by(column, scaled(index, stride))
            return sums.read(n, m, column)

        return te.compute(shape, result, name="conv")


def _kernel(weight: SSAValue) -> list[int]:
    """The extents of the window; 1 for those that are not known yet."""
    dims = shape_of(tensor_operand(weight))
    if any(dim is not None and not dim.is_constant for dim in dims):
        raise VerifyException(f"expected weights of a static shape, got {format_shape(dims)}")
    return [1 if dim is None else dim.constant for dim in dims[2:]]


def _conv_type(input: SSAValue, weight: SSAValue, window: Window, groups: int) -> AnyTensor:
    types = [tensor_operand(input), tensor_operand(weight)]
    element_type = common_element_type(types)
    if element_type == i1:
        raise VerifyException("expected numbers to convolve, got i1")
    data, kernel = map(shape_of, types)
    if len(data) != len(kernel) or len(data) != window.rank + 2:
        shapes = f"{format_shape(data)} and {format_shape(kernel)}"
        raise VerifyException(f"expected an input and weights of rank {window.rank + 2}, got {shapes}")
    window.verify()
    if groups < 1:
        raise VerifyException(f"expected one group or more, got {groups}")
    results, channels_each = kernel[0], kernel[1]
    if results is not None and results.constant % groups:
        raise VerifyException(f"expected a multiple of {groups} result channels, got {results}")
    if channels_each is not None and data[1] is not None and data[1] != channels_each * groups:
        raise VerifyException(
            f"expected {channels_each * groups} input channels for {groups} groups of {channels_each}, got {data[1]}"
        )
    sizes = [size if extent is not None else None for size, extent in zip(data[2:], kernel[2:], strict=True)]
    return tensor_of(element_type, (data[0], results, *window.count(sizes)))


OPERATORS: tuple[type[Operation], ...] = (ConvOp,)
