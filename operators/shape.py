"""Operators that move elements, or repeat them: no element is computed."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, StringAttr, TensorType, UnitAttr, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import (
    AnyTensor,
    Dim,
    FusionClass,
    Shape,
    broadcast_shapes,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
    unify_dims,
)
from ..errors import CompileError
from ..te.dtypes import BOOL
from ..te.expressions import Expr, ExprLike, as_expr
from ..te.tensors import Size, Tensor
from .broadcasting import read_broadcast
from .operator import Operator, known_extents

AnyDim: TypeAlias = Dim | int
"""An extent, or the number that it is."""


def dims_of_shape(sizes: Iterable[AnyDim]) -> Shape:
    """A shape of extents and numbers."""
    return tuple(None if size is None else Extent.of(size) for size in sizes)


def _integers(values: Iterable[int]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, list(values))


class MovementOp(Operator, ABC):
    """An operator on one tensor whose result type says what is moved where."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operand = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand attr-dict `:` type($operand) `->` type($result)"

    def result_of_shape(self, shape: Shape) -> AnyTensor:
        """The operand's element type in a shape."""
        return tensor_of(tensor_operand(self.operand).element_type, shape)

    def given_shape(self) -> Shape:
        """The shape that the result type says."""
        return shape_of(tensor_operand(self.result))


# Reshape


@dataclass(frozen=True)
class Count:
    """A number of elements: a product of a constant and symbolic extents."""

    factor: int
    symbols: tuple[Extent, ...] = ()

    @staticmethod
    def of(shape: Iterable[Extent]) -> Count:
        """How many elements a shape has."""
        factor, symbols = 1, list[Extent]()
        for extent in shape:
            if extent.is_constant:
                factor *= extent.constant
                continue
            content = math.gcd(extent.constant, *(coefficient for _, coefficient in extent.terms))
            factor *= content
            symbols.append(extent // content)
        return Count(factor, tuple(sorted(symbols, key=str)))

    def divides(self, other: Count) -> bool:
        """Whether `other` is a multiple of this."""
        rest = list(other.symbols)
        for symbol in self.symbols:
            if symbol not in rest:
                return False
            rest.remove(symbol)
        return other.factor % self.factor == 0

    def __str__(self) -> str:
        factor = [] if self.symbols and self.factor == 1 else [self.factor]
        return " * ".join(map(str, (*factor, *self.symbols)))


@irdl_op_definition
class ReshapeOp(MovementOp):
    """The elements in the same order in another shape: `graph.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>`."""

    name = "graph.reshape"

    def __init__(self, operand: SSAValue, shape: Iterable[AnyDim]):
        element_type = tensor_operand(operand).element_type
        super().__init__(operands=[operand], result_types=[tensor_of(element_type, dims_of_shape(shape))])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        source, target = shape_of(tensor_operand(self.operand)), self.given_shape()
        known = [dim for dim in (*source, *target) if dim is not None]
        if len(known) == len(source) + len(target):
            counts = [Count.of(known[: len(source)]), Count.of(known[len(source) :])]
            if counts[0] != counts[1]:
                raise VerifyException(f"expected a shape of {counts[0]} elements, got {format_shape(target)}")
        return [self.result_of_shape(target)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        source, target = operand.extents, known_extents(self.result)
        groups = reshape_groups(source, target)

        def element(*indices: ExprLike) -> Expr:
            inner: list[ExprLike] = [0] * len(source)
            for own, full in groups:
                place = _linear_index([indices[dim] for dim in full], [target[dim] for dim in full])
                for dim, index in zip(own, _digits(place, [source[dim] for dim in own]), strict=True):
                    inner[dim] = index
            return operand.read(*inner)

        return te.compute(target, element, name="reshape")


def reshape_groups(source: Sequence[Extent], target: Sequence[Extent]) -> list[tuple[list[int], list[int]]]:
    """The dimensions of two shapes of equally many elements in groups, as small as can be, of equally many elements.
    Dimensions of extent 1 are in none."""
    one = Extent.of(1)
    own = [dim for dim, extent in enumerate(source) if extent != one]
    full = [dim for dim, extent in enumerate(target) if extent != one]
    groups: list[tuple[list[int], list[int]]] = []
    while own and full:
        left, right = [own.pop(0)], [full.pop(0)]
        while (lhs := Count.of(source[dim] for dim in left)) != (rhs := Count.of(target[dim] for dim in right)):
            if own and (not full or lhs.divides(rhs) or not rhs.divides(lhs)):
                left.append(own.pop(0))
            elif full:
                right.append(full.pop(0))
            else:
                break
        groups.append((left, right))
    return groups


def _strides(shape: Sequence[Extent]) -> list[int]:
    strides = [1]
    for extent in reversed(shape[1:]):
        if not extent.is_constant:
            raise CompileError(f"expected a static extent inside of a group of dimensions to reshape, got {extent}")
        strides.insert(0, strides[0] * extent.constant)
    return strides


def _linear_index(indices: Sequence[ExprLike], shape: Sequence[Extent]) -> Expr:
    """The place of an element in row-major order."""
    first, *rest = zip(indices, _strides(shape), strict=True)
    place = as_expr(first[0]) * first[1] if first[1] != 1 else as_expr(first[0])
    for index, stride in rest:
        place += as_expr(index) * stride if stride != 1 else index
    return place


def _digits(place: Expr, shape: Sequence[Extent]) -> list[Expr]:
    """The indices of the element at a place in row-major order."""
    digits: list[Expr] = []
    for position, (extent, stride) in enumerate(zip(shape, _strides(shape), strict=True)):
        digit = place if stride == 1 else place // stride
        digits.append(digit if position == 0 else digit % extent.constant)
    return digits


# Other shapes


@irdl_op_definition
class TransposeOp(MovementOp):
    """The dimensions in another order: dimension `i` of the result is the operand's `permutation[i]`.

    Example: `graph.transpose %x permutation [1, 0] : tensor<2x6xf32> -> tensor<6x2xf32>`.
    """

    name = "graph.transpose"

    permutation = prop_def(DenseArrayBase.constr(i64))

    assembly_format = "$operand `permutation` $permutation attr-dict `:` type($operand) `->` type($result)"

    def __init__(self, operand: SSAValue, permutation: Sequence[int]):
        super().__init__(
            operands=[operand],
            properties={"permutation": _integers(permutation)},
            result_types=[_transposed(tensor_operand(operand), permutation)],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_transposed(tensor_operand(self.operand), self.permutation.get_values())]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        permutation = self.permutation.get_values()
        shape = [operand.shape[dim] for dim in permutation]

        def element(*indices: ExprLike) -> Expr:
            return operand.read(*(index for _, index in sorted(zip(permutation, indices, strict=True), key=_first)))

        return te.compute(shape, element, name="transpose")


def _first(pair: tuple[int, object]) -> int:
    return pair[0]


def _transposed(type: AnyTensor, permutation: Sequence[int]) -> AnyTensor:
    shape = shape_of(type)
    if sorted(permutation) != list(range(len(shape))):
        raise VerifyException(f"expected a permutation of {len(shape)} dimensions, got {list(permutation)}")
    return tensor_of(type.element_type, tuple(shape[dim] for dim in permutation))


@irdl_op_definition
class BroadcastOp(MovementOp):
    """The operand, repeated where its extent is 1 and along dimensions in front, by numpy's rule.

    Example: `graph.broadcast %x : tensor<4x1xf32> -> tensor<2x4x3xf32>`.
    """

    name = "graph.broadcast"

    def __init__(self, operand: SSAValue, shape: Iterable[AnyDim]):
        element_type = tensor_operand(operand).element_type
        super().__init__(operands=[operand], result_types=[tensor_of(element_type, dims_of_shape(shape))])

    def infer_result_types(self) -> Sequence[AnyTensor]:
        shape, target = shape_of(tensor_operand(self.operand)), self.given_shape()
        broadcast = broadcast_shapes(shape, target)
        if len(broadcast) != len(target) or any(
            a is not None and a != b for a, b in zip(target, broadcast, strict=True)
        ):
            raise VerifyException(
                f"expected an operand that broadcasts to {format_shape(target)}, got {format_shape(shape)}"
            )
        return [self.result_of_shape(broadcast)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        shape = known_extents(self.result)
        return te.compute(shape, lambda *indices: read_broadcast(operand, indices, shape), name="broadcast")


@irdl_op_definition
class TileOp(MovementOp):
    """The operand `repeats[i]` times along dimension `i`.

    Example: `graph.tile %x repeats [2, 1] : tensor<4x3xf32> -> tensor<8x3xf32>`.
    """

    name = "graph.tile"

    repeats = prop_def(DenseArrayBase.constr(i64))

    assembly_format = "$operand `repeats` $repeats attr-dict `:` type($operand) `->` type($result)"

    def __init__(self, operand: SSAValue, repeats: Sequence[int]):
        super().__init__(
            operands=[operand],
            properties={"repeats": _integers(repeats)},
            result_types=[_tiled(tensor_operand(operand), repeats)],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_tiled(tensor_operand(self.operand), self.repeats.get_values())]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        repeats = self.repeats.get_values()

        def element(*indices: ExprLike) -> Expr:
            places = zip(indices, repeats, operand.shape, strict=True)
            return operand.read(*(index if times == 1 else as_expr(index) % size for index, times, size in places))

        return te.compute(known_extents(self.result), element, name="tile")


def _tiled(type: AnyTensor, repeats: Sequence[int]) -> AnyTensor:
    shape = shape_of(type)
    if len(repeats) != len(shape) or any(times < 1 for times in repeats):
        raise VerifyException(f"expected {len(shape)} positive repeats, got {list(repeats)}")
    return tensor_of(
        type.element_type,
        tuple(None if dim is None else dim * times for dim, times in zip(shape, repeats, strict=True)),
    )


@irdl_op_definition
class SliceOp(MovementOp):
    """Elements `starts[i], starts[i] + steps[i], …` of dimension `i`, as many as the result has.

    Example: `graph.slice %x starts [9, 0] steps [-2, 1] : tensor<10x3xf32> -> tensor<5x3xf32>`.
    """

    name = "graph.slice"

    starts = prop_def(DenseArrayBase.constr(i64))
    steps = prop_def(DenseArrayBase.constr(i64))

    assembly_format = "$operand `starts` $starts `steps` $steps attr-dict `:` type($operand) `->` type($result)"

    def __init__(
        self, operand: SSAValue, starts: Sequence[int], sizes: Iterable[AnyDim], steps: Sequence[int] | None = None
    ):
        super().__init__(
            operands=[operand],
            properties={"starts": _integers(starts), "steps": _integers([1] * len(starts) if steps is None else steps)},
            result_types=[tensor_of(tensor_operand(operand).element_type, dims_of_shape(sizes))],
        )

    @property
    def start_list(self) -> tuple[int, ...]:
        """The first element of each dimension."""
        return self.starts.get_values()

    @property
    def step_list(self) -> tuple[int, ...]:
        """The distance from one element to the next in each dimension."""
        return self.steps.get_values()

    def infer_result_types(self) -> Sequence[AnyTensor]:
        shape, target = shape_of(tensor_operand(self.operand)), self.given_shape()
        starts, steps = self.start_list, self.step_list
        if not len(shape) == len(target) == len(starts) == len(steps):
            raise VerifyException(f"expected {len(shape)} starts, steps and extents")
        for dim, size, start, step in zip(shape, target, starts, steps, strict=True):
            last = None if size is None else (size - 1) * step + start
            ends = [Extent.of(start)] if last is None else [Extent.of(start), last]
            if dim is not None and not all(dim.is_at_least(end + 1) and end.is_at_least(0) for end in ends):
                raise VerifyException(f"expected a slice of {format_shape(shape)}, got one that leaves it")
        return [self.result_of_shape(target)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        starts, steps = self.start_list, self.step_list

        def element(*indices: ExprLike) -> Expr:
            return operand.read(
                *(as_expr(i) * step + start for i, step, start in zip(indices, steps, starts, strict=True))
            )

        return te.compute(known_extents(self.result), element, name="slice")


@irdl_op_definition
class ConcatOp(Operator):
    """The operands one after the other along dimension `axis`.

    Example: `graph.concat %x, %y axis 1 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>`.
    """

    name = "graph.concat"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operands_ = var_operand_def(TensorType)
    axis = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$operands_ `axis` $axis attr-dict `:` functional-type(operands, results)"

    def __init__(self, operands: Sequence[SSAValue], axis: int):
        super().__init__(
            operands=[operands],
            properties={"axis": IntegerAttr(axis, i64)},
            result_types=[_concatenated([tensor_operand(operand) for operand in operands], axis)],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        return [_concatenated([tensor_operand(operand) for operand in self.operands], self.axis.value.data)]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        axis = self.axis.value.data
        offsets = [Extent.of(0)]
        for operand in operands:
            offsets.append(offsets[-1] + operand.extents[axis])

        def element(*indices: ExprLike) -> Expr:
            place = as_expr(indices[axis])

            def read(number: int) -> Expr:
                inner = [*indices[:axis], place - offsets[number] if number else place, *indices[axis + 1 :]]
                return operands[number].read(*inner)

            def choose(first: int, last: int) -> Expr:
                if first == last:
                    return read(first)
                middle = (first + last + 1) // 2
                return te.if_then_else(place < offsets[middle], choose(first, middle - 1), choose(middle, last))

            return choose(0, len(operands) - 1)

        return te.compute(known_extents(self.result), element, name="concat")


def _concatenated(types: Sequence[AnyTensor], axis: int) -> AnyTensor:
    if not types:
        raise VerifyException("expected at least one operand, got none")
    shapes = [shape_of(type) for type in types]
    first = shapes[0]
    if not 0 <= axis < len(first):
        raise VerifyException(f"expected an axis from 0 to {len(first) - 1}, got {axis}")
    if any(len(shape) != len(first) for shape in shapes):
        raise VerifyException(f"expected operands of one rank, got {' and '.join(map(format_shape, shapes))}")
    dims: list[Dim] = []
    for position, column in enumerate(zip(*shapes, strict=True)):
        if position == axis:
            known = [dim for dim in column if dim is not None]
            dims.append(sum(known, Extent.of(0)) if len(known) == len(column) else None)
            continue
        size = column[0]
        for other in column[1:]:
            size = unify_dims(size, other)
        dims.append(size)
    return tensor_of(common_element_type(types), tuple(dims))


# Pads

PAD_MODES = ("constant", "edge", "reflect", "wrap")


@irdl_op_definition
class PadOp(Operator):
    """The operand with `low[i]` elements in front of dimension `i` and `high[i]` behind it: `value` (0 if left out), or
    by the `mode` those of the operand, as numpy's `pad` takes them.

    Example: `graph.pad %x low [1, 0] high [0, 2] {mode = "edge"} : (tensor<2x3xf32>) -> tensor<3x5xf32>`.
    """

    name = "graph.pad"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operand = operand_def(TensorType)
    value = opt_operand_def(TensorType)
    low = prop_def(DenseArrayBase.constr(i64))
    high = prop_def(DenseArrayBase.constr(i64))
    mode = opt_prop_def(StringAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand (`,` $value^)? `low` $low `high` $high attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        operand: SSAValue,
        low: Sequence[int],
        high: Sequence[int],
        *,
        value: SSAValue | None = None,
        mode: str = "constant",
    ):
        super().__init__(
            operands=[operand, value],
            properties={
                "low": _integers(low),
                "high": _integers(high),
                "mode": None if mode == "constant" else StringAttr(mode),
            },
            result_types=[_padded(tensor_operand(operand), low, high)],
        )

    @property
    def mode_name(self) -> str:
        """What pads are: one of `PAD_MODES`."""
        return "constant" if self.mode is None else self.mode.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = tensor_operand(self.operand)
        if self.mode_name not in PAD_MODES:
            raise VerifyException(f"expected a mode of {', '.join(PAD_MODES)}, got '{self.mode_name}'")
        if self.value is not None:
            common_element_type([type, tensor_operand(self.value)])
            if shape_of(tensor_operand(self.value)) or self.mode_name != "constant":
                raise VerifyException("expected a scalar as value, in mode constant")
        return [_padded(type, self.low.get_values(), self.high.get_values())]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, *value = operands
        shape = known_extents(self.result)
        pads = list(zip(self.low.get_values(), self.high.get_values(), strict=True))
        if self.mode_name != "constant":
            return te.compute(shape, lambda *indices: _mirrored(operand, indices, pads, self.mode_name), name="pad")
        zero = te.const(False if operand.dtype == BOOL else 0, operand.dtype)

        def element(*indices: ExprLike) -> Expr:
            places = [as_expr(index) for index in indices]
            inside: list[Expr] = []
            for place, (low, high), size in zip(places, pads, operand.shape, strict=True):
                inside += [place >= low] if low else []
                inside += [place < size + low] if high else []
            inner = operand.read(*(place - low if low else place for place, (low, _) in zip(places, pads, strict=True)))
            outer = value[0].read() if value else zero
            return te.if_then_else(te.all(*inside), inner, outer) if inside else inner

        return te.compute(shape, element, name="pad")


def _padded(type: AnyTensor, low: Sequence[int], high: Sequence[int]) -> AnyTensor:
    shape = shape_of(type)
    if not len(low) == len(high) == len(shape) or any(size < 0 for size in (*low, *high)):
        raise VerifyException(f"expected {len(shape)} pads of 0 or more, got {list(low)} and {list(high)}")
    dims = (None if dim is None else dim + a + b for dim, a, b in zip(shape, low, high, strict=True))
    return tensor_of(type.element_type, tuple(dims))


def _mirrored(tensor: Tensor, indices: Sequence[ExprLike], pads: Sequence[tuple[int, int]], mode: str) -> Expr:
    """The element of a tensor that is padded with its own elements."""

    def read(inner: list[ExprLike]) -> Expr:
        dim = len(inner)
        if dim == tensor.ndim:
            return tensor.read(*inner)
        (low, high), size, place = pads[dim], tensor.shape[dim], as_expr(indices[dim])
        if not low and not high:
            return read([*inner, place])
        if mode == "edge" or size == 1:
            return _edges(place, low, high, size, lambda index: read([*inner, index]))
        period = size * (1 if mode == "wrap" else 2) - (0 if mode == "wrap" else 2)
        if not isinstance(period, int):
            raise CompileError(f"expected a static extent to pad, got {size}")
        phase = (place + -low % period) % period
        if mode == "wrap":
            return read([*inner, phase])
        return te.if_then_else(phase < size, read([*inner, phase]), read([*inner, period - phase]))

    return read([])


def _edges(place: Expr, low: int, high: int, size: Size, read: Callable[[ExprLike], Expr]) -> Expr:
    value = read(place - low) if low else read(place)
    if high:
        value = te.if_then_else(place < size + low, value, read(as_expr(size) - 1))
    return te.if_then_else(place < low, read(0), value) if low else value


@irdl_op_definition
class TriluOp(MovementOp):
    """Matrices with zeros above diagonal `k`, or with `upper` below it.

    Example: `graph.trilu %x k 1 {upper} : tensor<4x4xf32> -> tensor<4x4xf32>`.
    """

    name = "graph.trilu"

    k = prop_def(IntegerAttr.constr(i64))
    upper = opt_prop_def(UnitAttr)

    assembly_format = "$operand `k` $k attr-dict `:` type($operand) `->` type($result)"

    def __init__(self, operand: SSAValue, k: int = 0, *, upper: bool = False):
        super().__init__(
            operands=[operand],
            properties={"k": IntegerAttr(k, i64), "upper": UnitAttr() if upper else None},
            result_types=[operand.type],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type = tensor_operand(self.operand)
        if type.get_num_dims() < 2:
            raise VerifyException(f"expected matrices, got {type}")
        return [type]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (operand,) = operands
        k = self.k.value.data
        zero = te.const(False if operand.dtype == BOOL else 0, operand.dtype)

        def element(*indices: ExprLike) -> Expr:
            row, column = map(as_expr, indices[-2:])
            kept = column >= row + k if self.upper else column <= row + k
            return te.select(kept, operand.read(*indices), zero)

        return te.compute(operand.shape, element, name="trilu")


OPERATORS: tuple[type[Operation], ...] = (
    ReshapeOp,
    TransposeOp,
    BroadcastOp,
    TileOp,
    SliceOp,
    ConcatOp,
    PadOp,
    TriluOp,
)
