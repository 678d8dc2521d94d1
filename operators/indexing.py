"""Operators that take elements from where, or put them to where, other tensors say.

An index from `-d` on counts from the end of a dimension of extent `d`. One that lies outside of it is undefined in
ONNX: a gather takes the nearest element, a scatter leaves the update out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.graph import (
    AnyTensor,
    FusionClass,
    Shape,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
    verify_integer,
)
from ..te.dtypes import BOOL, INDEX, highest, lowest
from ..te.expressions import Expr, ExprLike, IterVar, Reduction, as_expr
from ..te.tensors import Size, Tensor
from .operator import Operator, known_extents, mnemonic


def _integer(value: int) -> IntegerAttr:
    return IntegerAttr(value, i64)


def _place(index: Expr, size: Size) -> Expr:
    """An index that is data, counted from the front."""
    place = te.cast(index, INDEX)
    return te.select(place < 0, place + size, place)


def _verify_axis(axis: int, shape: Shape) -> None:
    if not 0 <= axis < len(shape):
        raise VerifyException(f"expected an axis from 0 to {len(shape) - 1}, got {axis}")


# Taking elements


class GatherBase(Operator, ABC):
    """An operator that takes elements of a tensor."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operand = operand_def(TensorType)
    indices = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type, indices = tensor_operand(self.operand), tensor_operand(self.indices)
        verify_integer(indices)
        return [tensor_of(type.element_type, self.result_shape(shape_of(type), shape_of(indices)))]

    @abstractmethod
    def result_shape(self, shape: Shape, indices: Shape) -> Shape:
        """The result's shape for those of the operands.

        Raises:
            VerifyException: if they do not fit together.
        """

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, indices = operands

        def element(*places: ExprLike) -> Expr:
            return self.element(operand, indices, places)

        return te.compute(known_extents(self.result), element, name=mnemonic(self))

    @abstractmethod
    def element(self, operand: Tensor, indices: Tensor, places: Sequence[ExprLike]) -> Expr:
        """The result's element at `places`."""


@irdl_op_definition
class GatherOp(GatherBase):
    """Slices of the operand along `axis`, one for each index, as numpy's `take`.

    Example: `graph.gather %x, %i axis 0 : (tensor<9x4xf32>, tensor<2x3xi64>) -> tensor<2x3x4xf32>`.
    """

    name = "graph.gather"

    axis = prop_def(IntegerAttr.constr(i64))

    assembly_format = "$operand `,` $indices `axis` $axis attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, indices: SSAValue, axis: int = 0):
        type, places = tensor_operand(operand), tensor_operand(indices)
        _verify_axis(axis, shape_of(type))
        shape = _taken(shape_of(type), shape_of(places), axis)
        super().__init__(
            operands=[operand, indices],
            properties={"axis": _integer(axis)},
            result_types=[tensor_of(type.element_type, shape)],
        )

    @property
    def dim(self) -> int:
        """The dimension that is indexed."""
        return self.axis.value.data

    def result_shape(self, shape: Shape, indices: Shape) -> Shape:
        _verify_axis(self.dim, shape)
        return _taken(shape, indices, self.dim)

    def element(self, operand: Tensor, indices: Tensor, places: Sequence[ExprLike]) -> Expr:
        axis = self.dim
        index = indices.read(*places[axis : axis + indices.ndim])
        place = _place(index, operand.shape[axis])
        return operand.read(*places[:axis], place, *places[axis + indices.ndim :])


def _taken(shape: Shape, indices: Shape, axis: int) -> Shape:
    return (*shape[:axis], *indices, *shape[axis + 1 :])


@irdl_op_definition
class GatherElementsOp(GatherBase):
    """For each index, the element at the same place but for `axis`, where the index says: numpy's `take_along_axis`.

    Example: `graph.gather_elements %x, %i axis 1 : (tensor<9x4xf32>, tensor<9x2xi64>) -> tensor<9x2xf32>`.
    """

    name = "graph.gather_elements"

    axis = prop_def(IntegerAttr.constr(i64))

    assembly_format = "$operand `,` $indices `axis` $axis attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, indices: SSAValue, axis: int = 0):
        super().__init__(
            operands=[operand, indices],
            properties={"axis": _integer(axis)},
            result_types=[tensor_of(tensor_operand(operand).element_type, shape_of(tensor_operand(indices)))],
        )

    @property
    def dim(self) -> int:
        """The dimension that is indexed."""
        return self.axis.value.data

    def result_shape(self, shape: Shape, indices: Shape) -> Shape:
        _verify_axis(self.dim, shape)
        _verify_inside(indices, shape, self.dim)
        return indices

    def element(self, operand: Tensor, indices: Tensor, places: Sequence[ExprLike]) -> Expr:
        axis = self.dim
        place = _place(indices.read(*places), operand.shape[axis])
        return operand.read(*places[:axis], place, *places[axis + 1 :])


def _verify_inside(indices: Shape, shape: Shape, axis: int) -> None:
    """Checks that indices have places of the operand, but for `axis`."""
    fits = len(indices) == len(shape) and all(
        dim is None or size is None or i == axis or size.is_at_least(dim)
        for i, (dim, size) in enumerate(zip(indices, shape, strict=True))
    )
    if not fits:
        raise VerifyException(f"expected indices inside of {format_shape(shape)}, got {format_shape(indices)}")


@irdl_op_definition
class GatherNDOp(GatherBase):
    """The slices whose leading indices are the rows of `indices`; the first `batch` dimensions go together.

    Example: `graph.gather_nd %x, %i batch 0 : (tensor<9x4x5xf32>, tensor<7x2xi64>) -> tensor<7x5xf32>`.
    """

    name = "graph.gather_nd"

    batch = prop_def(IntegerAttr.constr(i64))

    assembly_format = "$operand `,` $indices `batch` $batch attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, indices: SSAValue, batch: int = 0):
        type = tensor_operand(operand)
        shape = _taken_rows(shape_of(type), shape_of(tensor_operand(indices)), batch)
        super().__init__(
            operands=[operand, indices],
            properties={"batch": _integer(batch)},
            result_types=[tensor_of(type.element_type, shape)],
        )

    @property
    def batch_dims(self) -> int:
        """How many dimensions go together."""
        return self.batch.value.data

    def result_shape(self, shape: Shape, indices: Shape) -> Shape:
        return _taken_rows(shape, indices, self.batch_dims)

    def element(self, operand: Tensor, indices: Tensor, places: Sequence[ExprLike]) -> Expr:
        rows, batch = indices.ndim - 1, self.batch_dims
        depth = indices.shape[-1]
        assert isinstance(depth, int)
        found = [
            _place(indices.read(*places[:rows], position), operand.shape[batch + position]) for position in range(depth)
        ]
        return operand.read(*places[:batch], *found, *places[rows:])


def _row_depth(indices: Shape) -> int:
    """How many dimensions a row of indices indexes."""
    if not indices or indices[-1] is None or not indices[-1].is_constant:
        raise VerifyException(f"expected rows of indices of a static length, got {format_shape(indices)}")
    return indices[-1].constant


def _taken_rows(shape: Shape, indices: Shape, batch: int) -> Shape:
    depth = _row_depth(indices)
    if not 0 <= batch < len(indices) or batch + depth > len(shape):
        raise VerifyException(
            f"expected indices of {format_shape(shape)}, got {format_shape(indices)} with {batch} batch dimensions"
        )
    if any(a is not None and b is not None and a != b for a, b in zip(shape[:batch], indices[:batch], strict=True)):
        raise VerifyException(
            f"expected equal batch dimensions, got {format_shape(shape[:batch])} and {format_shape(indices[:batch])}"
        )
    return (*indices[:-1], *shape[batch + depth :])


@irdl_op_definition
class ReverseSequenceOp(Operator):
    """The first `lengths[b]` elements of row `b` in reverse order: rows lie along `time`, and `batch` counts them.

    Example: `graph.reverse_sequence %x, %n time 0 batch 1 : (tensor<9x4xf32>, tensor<4xi64>) -> tensor<9x4xf32>`.
    """

    name = "graph.reverse_sequence"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    operand = operand_def(TensorType)
    lengths = operand_def(TensorType)
    time = prop_def(IntegerAttr.constr(i64))
    batch = prop_def(IntegerAttr.constr(i64))
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = (
        "$operand `,` $lengths `time` $time `batch` $batch attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, operand: SSAValue, lengths: SSAValue, *, time: int, batch: int):
        super().__init__(
            operands=[operand, lengths],
            properties={"time": _integer(time), "batch": _integer(batch)},
            result_types=[operand.type],
        )

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type, lengths = tensor_operand(self.operand), tensor_operand(self.lengths)
        verify_integer(lengths)
        time, batch = self.time.value.data, self.batch.value.data
        if sorted((time, batch)) != [0, 1] or type.get_num_dims() < 2:
            raise VerifyException(f"expected axes 0 and 1 of {type}, got {time} and {batch}")
        if shape_of(lengths) != (shape_of(type)[batch],):
            raise VerifyException(f"expected a length for each row of {type}, got {lengths}")
        return [type]

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, lengths = operands
        time, batch = self.time.value.data, self.batch.value.data

        def element(*indices: ExprLike) -> Expr:
            index, length = as_expr(indices[time]), te.cast(lengths[indices[batch]], INDEX)
            place = te.select(index < length, length - 1 - index, index)
            return operand.read(*indices[:time], place, *indices[time + 1 :])

        return te.compute(operand.shape, element, name="reverse_sequence")


# Putting elements

REDUCTIONS = ("none", "add", "mul", "max", "min")
"""What an update does to the element that is there: `none` replaces it, and the last one wins."""


class ScatterBase(Operator, ABC):
    """An operator that gives a tensor with some elements updated."""

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE

    operand = operand_def(TensorType)
    indices = operand_def(TensorType)
    updates = operand_def(TensorType)
    reduction = opt_prop_def(StringAttr)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    irdl_options = (ParsePropInAttrDict(),)

    @property
    def reduction_name(self) -> str:
        """One of `REDUCTIONS`."""
        return "none" if self.reduction is None else self.reduction.data

    def infer_result_types(self) -> Sequence[AnyTensor]:
        type, indices, updates = map(tensor_operand, self.operands)
        verify_integer(indices)
        common_element_type([type, updates])
        if self.reduction_name not in REDUCTIONS:
            raise VerifyException(f"expected a reduction of {', '.join(REDUCTIONS)}, got '{self.reduction_name}'")
        self.verify_shapes(shape_of(type), shape_of(indices), shape_of(updates))
        return [type]

    @abstractmethod
    def verify_shapes(self, shape: Shape, indices: Shape, updates: Shape) -> None:
        """Checks that the operands fit together.

        Raises:
            VerifyException: if they do not.
        """

    @abstractmethod
    def update(
        self,
        shape: Sequence[Size],
        indices: Tensor,
        updates: Tensor,
        places: Sequence[ExprLike],
        axes: Sequence[IterVar],
    ) -> tuple[Expr, Expr]:
        """Whether the update at `axes` is of the element at `places`, and its value."""

    @abstractmethod
    def update_extents(self, indices: Tensor) -> Sequence[Size]:
        """How many updates there are for each element, in some dimensions."""

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        operand, indices, updates = operands
        axes = [te.reduce_axis(size, name=f"u{i}") for i, size in enumerate(self.update_extents(indices))]

        def update(*places: ExprLike) -> Reduction:
            hit, value = self.update(operand.shape, indices, updates, places, axes)
            return _reduced(self.reduction_name, hit, value, axes)

        computed = te.compute(operand.shape, update, name=mnemonic(self))
        if self.reduction_name == "none":
            hits, values = cast("tuple[Tensor, Tensor]", computed)
            return te.compute(
                operand.shape,
                lambda *places: te.select(hits.read(*places), values.read(*places), operand.read(*places)),
                name="updated",
            )
        total = cast(Tensor, computed)
        return te.compute(
            operand.shape,
            lambda *places: _combined(self.reduction_name, operand.read(*places), total.read(*places)),
            name="updated",
        )


def _reduced(reduction: str, hit: Expr, value: Expr, axes: Sequence[IterVar]) -> Reduction:
    """The updates of an element as one."""
    match reduction:
        case "add":
            return te.sum(te.select(hit, value, 0), axes, fastmath=())
        case "mul":
            return te.prod(te.select(hit, value, 1), axes, fastmath=())
        case "max":
            return te.max(te.select(hit, value, lowest(value.dtype)), axes)
        case "min":
            return te.min(te.select(hit, value, highest(value.dtype)), axes)
        case _:
            zero = False if value.dtype == BOOL else 0
            return te.reduce(_last, (False, zero), (hit, value), axes, associative=True)


def _last(earlier: Sequence[Expr], later: Sequence[Expr]) -> tuple[Expr, Expr]:
    """The later of two updates, each of which may be none."""
    return earlier[0] | later[0], te.select(later[0], later[1], earlier[1])


def _combined(reduction: str, value: Expr, total: Expr) -> Expr:
    match reduction:
        case "add":
            return value + total
        case "mul":
            return value * total
        case "max":
            return te.maximum(value, total)
        case _:
            return te.minimum(value, total)


@irdl_op_definition
class ScatterElementsOp(ScatterBase):
    """Each update at its own place but for `axis`, where its index says.

    Example: `graph.scatter_elements %x, %i, %u axis 0 {reduction = "add"} : (…) -> tensor<9x4xf32>`.
    """

    name = "graph.scatter_elements"

    axis = prop_def(IntegerAttr.constr(i64))

    assembly_format = "$operand `,` $indices `,` $updates `axis` $axis attr-dict `:` functional-type(operands, results)"

    def __init__(
        self, operand: SSAValue, indices: SSAValue, updates: SSAValue, axis: int = 0, *, reduction: str = "none"
    ):
        super().__init__(
            operands=[operand, indices, updates],
            properties={"axis": _integer(axis), "reduction": None if reduction == "none" else StringAttr(reduction)},
            result_types=[operand.type],
        )

    @property
    def dim(self) -> int:
        """The dimension that is indexed."""
        return self.axis.value.data

    def verify_shapes(self, shape: Shape, indices: Shape, updates: Shape) -> None:
        _verify_axis(self.dim, shape)
        _verify_inside(indices, shape, self.dim)
        if indices != updates:
            raise VerifyException(
                f"expected an index for each update, got {format_shape(indices)} and {format_shape(updates)}"
            )

    def update_extents(self, indices: Tensor) -> Sequence[Size]:
        return [indices.shape[self.dim]]

    def update(
        self,
        shape: Sequence[Size],
        indices: Tensor,
        updates: Tensor,
        places: Sequence[ExprLike],
        axes: Sequence[IterVar],
    ) -> tuple[Expr, Expr]:
        axis, (k,) = self.dim, axes
        own = [*places[:axis], k, *places[axis + 1 :]]
        found = _place(indices.read(*own), shape[axis]) == places[axis]
        value = updates.read(*own)
        smaller = [
            as_expr(places[dim]) < indices.shape[dim]
            for dim in range(len(shape))
            if dim != axis and indices.shape[dim] != shape[dim]
        ]
        if not smaller:
            return found, value
        # indices have places for the first elements only
        inside = te.all(*smaller)
        zero = te.const(False if value.dtype == BOOL else 0, value.dtype)
        return te.if_then_else(inside, found, False), te.if_then_else(inside, value, zero)


@irdl_op_definition
class ScatterNDOp(ScatterBase):
    """Slices at the leading indices that the rows of `indices` say.

    Example: `graph.scatter_nd %x, %i, %u {reduction = "max"} : (…) -> tensor<9x4xf32>`.
    """

    name = "graph.scatter_nd"

    assembly_format = "$operand `,` $indices `,` $updates attr-dict `:` functional-type(operands, results)"

    def __init__(self, operand: SSAValue, indices: SSAValue, updates: SSAValue, *, reduction: str = "none"):
        super().__init__(
            operands=[operand, indices, updates],
            properties={"reduction": None if reduction == "none" else StringAttr(reduction)},
            result_types=[operand.type],
        )

    def verify_shapes(self, shape: Shape, indices: Shape, updates: Shape) -> None:
        depth = _row_depth(indices)
        expected = (*indices[:-1], *shape[depth:])
        if depth > len(shape) or updates != expected:
            raise VerifyException(f"expected updates of shape {format_shape(expected)}, got {format_shape(updates)}")

    def update_extents(self, indices: Tensor) -> Sequence[Size]:
        return indices.shape[:-1] or [1]

    def update(
        self,
        shape: Sequence[Size],
        indices: Tensor,
        updates: Tensor,
        places: Sequence[ExprLike],
        axes: Sequence[IterVar],
    ) -> tuple[Expr, Expr]:
        row: Sequence[ExprLike] = axes if indices.ndim > 1 else []
        depth = indices.shape[-1]
        assert isinstance(depth, int)
        found = [_place(indices.read(*row, dim), shape[dim]) == places[dim] for dim in range(depth)]
        return te.all(*found), updates.read(*row, *places[depth:])


OPERATORS: tuple[type[Operation], ...] = (
    GatherOp,
    GatherElementsOp,
    GatherNDOp,
    ReverseSequenceOp,
    ScatterElementsOp,
    ScatterNDOp,
)
