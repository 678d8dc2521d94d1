"""Windows that slide over the last dimensions of a tensor: what convolutions and pools have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.irdl import prop_def
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import Dim
from ..te.expressions import Expr, ExprLike, as_expr
from ..te.tensors import Tensor
from .operator import Operator


@dataclass(frozen=True)
class Window:
    """A window of `kernel` elements for each of the last dimensions, `dilations` apart, that moves by `strides` over a
    tensor with `pads` elements added: first those before each dimension, then those after. A negative number crops."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]

    @property
    def rank(self) -> int:
        """How many dimensions it slides over."""
        return len(self.kernel)

    @property
    def begin(self) -> tuple[int, ...]:
        """How many elements are added before each dimension."""
        return self.pads[: self.rank]

    @property
    def end(self) -> tuple[int, ...]:
        """How many elements are added after each dimension."""
        return self.pads[self.rank :]

    @property
    def span(self) -> tuple[int, ...]:
        """How many elements there are from the first to the last of a window."""
        return tuple((size - 1) * step + 1 for size, step in zip(self.kernel, self.dilations, strict=True))

    def verify(self) -> None:
        """Checks that the numbers make a window.

        Raises:
            VerifyException: if they do not.
        """
        if not self.kernel:
            raise VerifyException("expected a window over one dimension or more, got none")
        for name, numbers in (("extents", self.kernel), ("strides", self.strides), ("dilations", self.dilations)):
            if len(numbers) != self.rank or min(numbers) < 1:
                raise VerifyException(f"expected {self.rank} positive {name} of the window, got {list(numbers)}")
        if len(self.pads) != 2 * self.rank:
            raise VerifyException(f"expected {2 * self.rank} pads of the window, got {list(self.pads)}")

    def count(self, sizes: Sequence[Dim]) -> tuple[Dim, ...]:
        """How many windows there are in each dimension of a tensor whose last dimensions are `sizes`.

        Raises:
            VerifyException: if there is none.
        """
        counts: list[Dim] = []
        for axis, size in enumerate(sizes):
            if size is None:
                counts.append(None)
                continue
            padded = size + (self.begin[axis] + self.end[axis])
            count = (padded - self.span[axis]) // self.strides[axis] + 1
            if count.is_constant and count.constant < 1:
                raise VerifyException(f"expected {self.span[axis]} elements or more for a window, got {padded}")
            counts.append(count)
        return tuple(counts)

    def element(self, position: Sequence[ExprLike], tap: Sequence[ExprLike]) -> list[ExprLike]:
        """The indices of element `tap` of the window at `position`."""
        return [
            offset_by(scaled(index, stride), scaled(offset, dilation))
            for index, stride, offset, dilation in zip(position, self.strides, tap, self.dilations, strict=True)
        ]

    def pad(self, tensor: Tensor, value: Expr) -> Tensor:
        """`tensor` with `value` around it."""
        if not any(self.pads):
            return tensor
        leading = tensor.ndim - self.rank
        sizes = [Extent.of(size) for size in tensor.shape[leading:]]
        padded = [size + (low + high) for size, low, high in zip(sizes, self.begin, self.end, strict=True)]

        def element(*indices: ExprLike) -> Expr:
            inner = indices[leading:]
            inside: list[ExprLike] = []
            for index, size, low, high in zip(inner, sizes, self.begin, self.end, strict=True):
                assert isinstance(index, Expr)
                if low > 0:
                    inside.append(index >= low)
                if high > 0:
                    inside.append(index < size + low)
            moved = [index - low if low else index for index, low in zip(inner, self.begin, strict=True)]
            read = tensor.read(*indices[:leading], *moved)
            return te.if_then_else(te.all(*inside), read, value) if inside else read

        return te.compute([*tensor.shape[:leading], *padded], element, name="pad")


def scaled(index: ExprLike, factor: int) -> ExprLike:
    """`index * factor`, where that is not `index` or 0 itself."""
    return index if factor == 1 or _is_zero(index) else as_expr(index) * factor


def offset_by(index: ExprLike, offset: ExprLike) -> ExprLike:
    """`index + offset`, where that is not one of them itself."""
    if _is_zero(offset):
        return index
    return offset if _is_zero(index) else as_expr(index) + offset


def _is_zero(index: ExprLike) -> bool:
    return isinstance(index, int) and index == 0


def taps(kernel: Sequence[int]) -> tuple[list[te.IterVar], list[ExprLike]]:
    """Axes to reduce a window over, at least one, and its index in each dimension: 0 where there is one element."""
    axes: list[te.IterVar] = []
    indices: list[ExprLike] = []
    for dim, size in enumerate(kernel):
        if size == 1 and (axes or dim + 1 < len(kernel)):
            indices.append(0)
            continue
        axes.append(te.reduce_axis(size, name=f"k{dim}"))
        indices.append(axes[-1])
    return axes, indices


class WindowOp(Operator, ABC):
    """An operator that slides a window over the last dimensions of its first operand."""

    strides = prop_def(DenseArrayBase.constr(i64))
    pads = prop_def(DenseArrayBase.constr(i64))
    dilations = prop_def(DenseArrayBase.constr(i64))

    def window_of(self, kernel: Iterable[int]) -> Window:
        """The window of these extents."""
        return Window(tuple(kernel), self.strides.get_values(), self.pads.get_values(), self.dilations.get_values())


def window_properties(window: Window) -> dict[str, DenseArrayBase]:
    """The properties of a `WindowOp`."""
    return {
        "strides": DenseArrayBase.from_list(i64, window.strides),
        "pads": DenseArrayBase.from_list(i64, window.pads),
        "dilations": DenseArrayBase.from_list(i64, window.dilations),
    }
