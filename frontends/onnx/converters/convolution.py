"""Convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.ir import SSAValue

from ....dialects.extents import Extent
from ....errors import ImportModelError
from ....operators.convolution import ConvOp
from ....operators.elementwise import AddOp
from ....operators.shape import PadOp, SliceOp
from ....operators.windows import Window
from ..layout import dims_of, reshape, transpose
from ..node import Converter, Node, static_shape
from .windows import (
    WINDOW_ATTRIBUTES,
    check_auto_pad,
    check_spatial,
    numbers,
    per_channel,
    read_window,
    spatial_sizes,
    static_sizes,
)


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
    return node.add(AddOp(value, per_channel(node, bias, value)))


# The transpose of a convolution


def _convert_conv_transpose(node: Node) -> SSAValue:
    """A convolution with a channel for each phase of the stride, whose results then lie side by side.

    With stride `s` in a dimension, result `t` before cropping is `sum(x[t // s - j] * w[t % s + s * j], j)`: the phases
    `t % s` are channels that all slide over the same `x`.
    """
    input, weight, bias = node.optional_tensors(2, 3)
    assert input is not None and weight is not None
    kernel = kernel_of(node, weight)
    rank, groups = len(kernel), node.attribute("group", 1)
    check_spatial(input, rank)
    weight, kernel = _spread(node, weight, kernel, numbers(node, "dilations", [1] * rank))
    sizes = spatial_sizes(input)
    begin, outputs = _transpose_shape(node, sizes, kernel)
    # one element is in every phase alone, whatever the stride is
    steps = [
        max(span, low + output) if size == 1 else step
        for size, step, span, low, output in zip(
            sizes, numbers(node, "strides", [1] * rank), kernel, begin, outputs, strict=True
        )
    ]
    taps = [-(-span // step) for span, step in zip(kernel, steps, strict=True)]
    first = [low // step for low, step in zip(begin, steps, strict=True)]
    last = [(low + output - 1) // step for low, output, step in zip(begin, outputs, steps, strict=True)]
    window = Window(
        tuple(taps),
        (1,) * rank,
        (
            *(count - 1 - start for count, start in zip(taps, first, strict=True)),
            *(end - (size - 1) for end, size in zip(last, sizes, strict=True)),
        ),
        (1,) * rank,
    )
    phases = node.add(ConvOp(input, _phase_weights(node, weight, groups, steps, taps), window, groups))
    starts = [low - start * step for low, start, step in zip(begin, first, steps, strict=True)]
    result = _interleaved(node, phases, steps, starts, outputs)
    return result if bias is None else add_bias(node, result, bias)


def _transpose_shape(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> tuple[list[int], list[int]]:
    """How many results are cropped in front, and how many there are then, in each dimension."""
    rank = len(kernel)
    steps, more = numbers(node, "strides", [1] * rank), numbers(node, "output_padding", [0] * rank)
    pads = numbers(node, "pads", [0] * (2 * rank))
    auto_pad = node.attribute("auto_pad", "NOTSET")
    check_auto_pad(auto_pad)
    if min(*steps, *kernel) < 1 or min(*more, *pads) < 0:
        raise ImportModelError(f"expected strides of 1 or more and pads of 0 or more, got {steps} and {[*pads, *more]}")
    full = [step * (size - 1) + span for size, step, span in zip(sizes, steps, kernel, strict=True)]
    wanted: list[int] = node.attribute("output_shape", list[int]())
    if not wanted and auto_pad.startswith("SAME"):
        wanted = [size * step for size, step in zip(sizes, steps, strict=True)]
    if not wanted:
        pads = [0] * (2 * rank) if auto_pad == "VALID" else pads
        outputs = [
            size + extra - low - high
            for size, extra, low, high in zip(full, more, pads[:rank], pads[rank:], strict=True)
        ]
        begin = pads[:rank]
    else:
        outputs = wanted[-rank:]
        if len(outputs) != rank:
            raise ImportModelError(f"expected an output_shape of {rank} extents, got {wanted}")
        totals = [max(size + extra - out, 0) for size, extra, out in zip(full, more, outputs, strict=True)]
        begin = [total // 2 if auto_pad == "SAME_UPPER" else total - total // 2 for total in totals]
    if min(outputs) < 1:
        raise ImportModelError(f"expected positive extents of the result, got {outputs}")
    return begin, outputs


def _spread(
    node: Node, weight: SSAValue, kernel: Sequence[int], dilations: Sequence[int]
) -> tuple[SSAValue, list[int]]:
    """Weights with zeros in between, as a dilation puts them, and their window's extents."""
    if min(dilations) < 1:
        raise ImportModelError(f"expected dilations of 1 or more, got {dilations}")
    if max(dilations) == 1:
        return weight, list(kernel)
    leading = dims_of(weight)[:2]
    pairs = list(zip(kernel, dilations, strict=True))
    apart = reshape(node, weight, [*leading, *(size for span, _ in pairs for size in (span, 1))])
    high = [0, 0, *(pad for _, dilation in pairs for pad in (0, dilation - 1))]
    apart = node.add(PadOp(apart, [0] * len(high), high))
    together = reshape(node, apart, [*leading, *(span * dilation for span, dilation in pairs)])
    spread = [(span - 1) * dilation + 1 for span, dilation in pairs]
    return node.add(SliceOp(together, [0] * (len(pairs) + 2), [*leading, *spread])), spread


def _phase_weights(node: Node, weight: SSAValue, groups: int, steps: Sequence[int], taps: Sequence[int]) -> SSAValue:
    """Weights `C×M×…` of a transposed convolution as those of one with a result channel for each phase."""
    (channels, results, *kernel), rank = static_sizes(weight, range(len(steps) + 2)), len(steps)
    if groups < 1 or channels % groups:
        raise ImportModelError(f"expected a multiple of {groups} channels, got {channels}")
    high = [0, 0, *(count * step - span for count, step, span in zip(taps, steps, kernel, strict=True))]
    if any(high):
        weight = node.add(PadOp(weight, [0] * len(high), high))
    split = [size for count, step in zip(taps, steps, strict=True) for size in (count, step)]
    shape = [groups, channels // groups, results, *split]
    weight = reshape(node, weight, shape)
    if max(taps) > 1:  # the last tap meets the first element
        starts = [0, 0, 0, *(start for count in taps for start in (count - 1, 0))]
        weight = node.add(SliceOp(weight, starts, shape, [1, 1, 1, *[-1, 1] * rank]))
    order = [0, 2, *range(4, 4 + 2 * rank, 2), 1, *range(3, 3 + 2 * rank, 2)]
    weight = transpose(node, weight, order)
    return reshape(node, weight, [groups * results * math.prod(steps), channels // groups, *taps])


def _interleaved(
    node: Node, phases: SSAValue, steps: Sequence[int], starts: Sequence[int], outputs: Sequence[int]
) -> SSAValue:
    """Channels that are phases side by side, cropped."""
    rank = len(steps)
    batch, channels, *counts = dims_of(phases)
    results = channels // math.prod(steps)
    value = reshape(node, phases, [batch, results, *steps, *counts])
    value = transpose(node, value, [0, 1, *(dim for axis in range(rank) for dim in (2 + rank + axis, 2 + axis))])
    sizes = [count * step for count, step in zip(counts, steps, strict=True)]
    value = reshape(node, value, [batch, results, *sizes])
    if list(map(Extent.of, outputs)) == sizes:
        return value
    return node.add(SliceOp(value, [0, 0, *starts], [batch, results, *outputs]))


CONVERTERS = (
    Converter("Conv", 1, _convert_conv, (*WINDOW_ATTRIBUTES, "group")),
    Converter(
        "ConvTranspose",
        1,
        _convert_conv_transpose,
        (*WINDOW_ATTRIBUTES, "group", "output_padding", "output_shape"),
    ),
)
