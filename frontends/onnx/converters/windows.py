"""ONNX's ways to say where windows lie: pads, automatic ones, and rounding up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.ir import SSAValue

from ....dialects import graph
from ....errors import ImportModelError
from ....operators.windows import Window
from ..layout import dims_of, reshape
from ..node import Node, UnknownValueError, rank_of, type_of

_MAX_SPAN = 2**24  # in one dimension, pads included

WINDOW_ATTRIBUTES = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")


def read_window(node: Node, operand: SSAValue, kernel: Sequence[int], *, ceil: bool = False) -> Window:
    """The window of a convolution or pool over all dimensions of `operand` after the second.

    With `ceil`, a last window that is not full counts, too, if it starts before the padding after the operand: the
    window's pads then reach as far as it does.
    """
    rank = len(kernel)
    strides = numbers(node, "strides", [1] * rank)
    dilations = numbers(node, "dilations", [1] * rank)
    pads = numbers(node, "pads", [0] * (2 * rank))
    auto_pad = node.attribute("auto_pad", "NOTSET")
    check_auto_pad(auto_pad)
    if auto_pad == "VALID":
        pads = [0] * (2 * rank)
    if min(pads, default=0) < 0:
        raise ImportModelError(f"expected pads of 0 or more, got {pads}")
    window = Window(tuple(kernel), tuple(strides), tuple(pads), tuple(dilations))
    window.verify()
    if max(*window.span, *pads, *strides, 1) > _MAX_SPAN:
        raise ImportModelError(f"expected windows over at most {_MAX_SPAN} elements, got {list(kernel)} and {strides}")
    if auto_pad.startswith("SAME"):
        return _padded_to_same(window, operand, upper=auto_pad == "SAME_UPPER")
    return _rounded_up(window, operand) if ceil and max(strides) > 1 else window


def check_auto_pad(auto_pad: str) -> None:
    """Checks that it is a value of the attribute `auto_pad`."""
    if auto_pad not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise ImportModelError(f"expected auto_pad NOTSET, SAME_UPPER, SAME_LOWER or VALID, got '{auto_pad}'")


def numbers(node: Node, name: str, default: list[int]) -> list[int]:
    """An attribute of as many integers as `default` has."""
    values = node.attribute(name, default)
    if len(values) != len(default) or not all(isinstance(value, int) for value in values):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ImportModelError(f"expected {len(default)} integers as attribute '{name}', got {values}")
    return values


def spatial_sizes(operand: SSAValue) -> tuple[int, ...]:
    """The extents of the dimensions after the second, all known numbers."""
    return static_sizes(operand, range(2, rank_of(operand)))


def static_sizes(operand: SSAValue, axes: Iterable[int]) -> tuple[int, ...]:
    """The extents of some dimensions, all known numbers.

    Raises:
        UnknownValueError: if one is symbolic.
    """
    dims, axes = graph.shape_of(type_of(operand)), list(axes)
    if max(axes, default=-1) >= len(dims):
        raise ImportModelError(f"expected an input of rank {max(axes) + 1} or more, got {graph.format_shape(dims)}")
    sizes = [dims[axis] for axis in axes]
    known = tuple(size.constant for size in sizes if size is not None and size.is_constant)
    if len(known) != len(sizes):
        raise UnknownValueError(f"expected static extents, got {graph.format_shape(dims)}", ())
    return known


def per_channel(node: Node, vector: SSAValue, like: SSAValue) -> SSAValue:
    """A vector with a number for each channel of `like`, so that it broadcasts."""
    dims, full = dims_of(vector), dims_of(like)
    if len(full) < 2 or dims != full[1:2]:
        shapes = f"{graph.format_shape(tuple(full))}, got {graph.format_shape(tuple(dims))}"
        raise ImportModelError(f"expected a number for each channel of {shapes}")
    return reshape(node, vector, (dims[0], *[1] * (len(full) - 2)))


def check_kept(result: SSAValue, like: SSAValue) -> None:
    """Checks that what was broadcast to a value has not made it larger."""
    if dims_of(result) != dims_of(like):
        shapes = f"{graph.format_shape(tuple(dims_of(like)))}, got {graph.format_shape(tuple(dims_of(result)))}"
        raise ImportModelError(f"expected operands that broadcast to {shapes}")


def _padded_to_same(window: Window, operand: SSAValue, *, upper: bool) -> Window:
    """As many windows as strides fit, rounded up, the rest being pads on both sides; the odd one after or before."""
    if max(window.strides) == 1:
        totals = [span - 1 for span in window.span]
    else:
        sizes = spatial_sizes(operand)
        totals = [
            max((-(-size // stride) - 1) * stride + span - size, 0)
            for size, stride, span in zip(sizes, window.strides, window.span, strict=True)
        ]
    less = [total // 2 for total in totals]
    more = [total - half for total, half in zip(totals, less, strict=True)]
    return Window(window.kernel, window.strides, (*less, *more) if upper else (*more, *less), window.dilations)


def _rounded_up(window: Window, operand: SSAValue) -> Window:
    ends: list[int] = []
    for axis, size in enumerate(spatial_sizes(operand)):
        low, high, stride, span = window.begin[axis], window.end[axis], window.strides[axis], window.span[axis]
        count = -(-(size + low + high - span) // stride) + 1
        if (count - 1) * stride >= size + low:
            count -= 1
        ends.append((count - 1) * stride + span - size - low)
    return Window(window.kernel, window.strides, (*window.begin, *ends), window.dilations)


def check_spatial(operand: SSAValue, rank: int) -> None:
    """Checks that an operand has a batch, channels, and `rank` dimensions more."""
    dims = graph.shape_of(type_of(operand))
    if len(dims) != rank + 2:
        raise ImportModelError(f"expected an input of rank {rank + 2}, got {graph.format_shape(dims)}")
