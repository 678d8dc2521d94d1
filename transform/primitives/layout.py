"""Primitives that change where the elements of buffers lie: transform_layout."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    I64,
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    FunctionType,
    MemRefType,
    NoneAttr,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap
from xdsl.utils.exceptions import VerifyException

from ...dialects.layout import LayoutAttr, layout_failure, packed_shape, passes_through
from ...dialects.loop import CONSTANT, LAYOUT, AllocOp, ReadOp, is_iterator, loop_bounds, memref_type, verify_bounds
from ...dialects.quasi_affine import Lin, from_affine, to_affine_map
from ...dialects.regions import accesses_of, block_of, buffer_shape, iterator_forms
from ...errors import ScheduleError
from .common import buffer_name, refuse

MOST_GROWTH = 4
"""How many times as many elements as before a packed buffer may have, if it has more than `FREE_ELEMENTS`."""
FREE_ELEMENTS = 1 << 16


def transform_layout(buffer: SSAValue, layout: AffineMap) -> None:
    """Lets the elements of a buffer lie where an affine map says.

    before                                          after `transform_layout(W, (o, c) -> (o floordiv 16, c, o mod 16))`
    @k(%W: memref<40x9xf32> {loop.constant}, …)     @k(%W: memref<3x9x16xf32> {loop.constant, loop.layout = …}, …)
    … W[vo, vc]                                     … W[vo floordiv 16, vc, vo mod 16]

    %b = loop.alloc "b" : memref<40x9xf32>          %b = loop.alloc "b" {layout = affine_map<…>} : memref<40x9xf32>
    … b[vo, vc]                                     … b[vo, vc]

    The callers of a kernel give the packed constant, whose padding is zeros. A buffer of the kernel's own keeps its
    logical coordinates, and accesses of it are emitted at packed addresses. TVM calls it `transform_layout`.

    Raises:
        ScheduleError: if the buffer is an input that is no constant, or an output, whose callers say how it lies; if
            the map is not proven to keep its elements apart; if data says where it is read in a dimension that the map
            takes apart.
    """
    owner = buffer.owner
    if isinstance(owner, AllocOp):
        _require_elements_apart(buffer, layout)
        _require_affine(buffer, layout)
        owner.layout = _order(layout) or AffineMapAttr(layout)
        return
    function = _kernel_with_constant(buffer)
    _require_elements_apart(buffer, layout)
    _require_affine(buffer, layout)
    type = memref_type(buffer)
    assert isinstance(buffer, BlockArgument)
    marks = list(function.arg_attrs.data) if function.arg_attrs is not None else []
    before = marks[buffer.index].data.get(LAYOUT)
    shape, whole = type.get_shape(), layout
    if isinstance(before, LayoutAttr):
        shape, whole = before.extents, layout.compose(before.map.data)
    new = packed_shape(layout, type.get_shape())
    if (failure := layout_failure(whole, shape, new)) is not None:
        raise ScheduleError(f"'{buffer_name(buffer)}': {failure}", function)
    reads = [access for access in accesses_of(buffer) if isinstance(access, ReadOp)]
    old = [(read.map, tuple(read.operands)) for read in reads]
    for read in reads:
        _pack_indices(read, layout)
    set_type(buffer, MemRefType(type.element_type, new, type.layout, type.memory_space))
    for read in reads:
        try:
            verify_bounds(read)
        except VerifyException as error:
            set_type(buffer, type)
            for each, (map, operands) in zip(reads, old, strict=True):
                each.map, each.operands = map, operands
            refuse(f"{error}, once '{buffer_name(buffer)}' is packed", read, ("in this block", block_of(read)))
    marks[buffer.index] = DictionaryAttr({**marks[buffer.index].data, LAYOUT: LayoutAttr.of(shape, whole)})
    function.arg_attrs = ArrayAttr(marks)
    function.function_type = FunctionType.from_lists(function.body.block.arg_types, function.function_type.outputs.data)


def _order(layout: AffineMap) -> DenseArrayBase[I64] | None:
    """The order of the dimensions, if a layout is nothing more."""
    order = [expr.position for expr in layout.results if isinstance(expr, AffineDimExpr)]
    whole = len(order) == len(layout.results) and sorted(order) == list(range(layout.num_dims))
    return DenseArrayBase.from_list(i64, order) if whole else None


def _kernel_with_constant(buffer: SSAValue) -> FuncOp:
    """The kernel whose constant a buffer is; anything else is refused."""
    name = buffer_name(buffer)
    function = buffer.owner.parent_op()
    if not isinstance(function, FuncOp) or not isinstance(buffer, BlockArgument):
        raise ScheduleError(f"expected a buffer of a kernel, got '{name}'")
    marks = function.arg_attrs.data[buffer.index].data if function.arg_attrs is not None else {}
    if CONSTANT not in marks:
        refuse(
            f"expected a constant ('{CONSTANT}') or a buffer of the kernel's own to pack, got argument '{name}', which "
            "lies as its callers say: copy it with sched.cache_read or sched.cache_write, and pack the copy",
            function,
        )
    if not isinstance(memref_type(buffer).layout, NoneAttr):
        refuse(f"expected a constant without a layout of its type, got '{name}' of {buffer.type}", function)
    return function


def _require_elements_apart(buffer: SSAValue, layout: AffineMap) -> None:
    shape = buffer_shape(buffer)
    failure = layout_failure(layout, shape)
    if failure is None:
        packed = packed_shape(layout, shape)
        count, before = _product(packed), _product(shape)
        if count <= max(MOST_GROWTH * before, FREE_ELEMENTS):
            return
        failure = f"expected at most {MOST_GROWTH} times as many elements as in {list(shape)}, got {list(packed)}"
    raise ScheduleError(f"'{buffer_name(buffer)}': {failure}", _owner(buffer))


def _require_affine(buffer: SSAValue, layout: AffineMap) -> None:
    """Refuses to take a dimension apart whose index is data somewhere: reads say what happens out of its range."""
    split = [d for d in range(layout.num_dims) if not passes_through(layout, d)]
    for access in accesses_of(buffer):
        forms = iterator_forms(access)
        for d in split:
            if forms[d] is None:
                refuse(
                    f"expected affine indices in dimension {d} of '{buffer_name(buffer)}', which the layout takes "
                    f"apart, got data in block '{block_of(access).block_name}'",
                    access,
                )


def _pack_indices(read: ReadOp, layout: AffineMap) -> None:
    map = layout.compose(read.map.data)
    if all(is_iterator(index) for index in read.indices):
        operands = [Lin.of(index) for index in read.indices]
        map, values = to_affine_map([from_affine(expr, operands, loop_bounds) for expr in map.results])
        read.operands = [read.buffer, *values]
    read.map = AffineMapAttr(map)


def set_type(value: SSAValue, type: Attribute) -> None:
    """Gives a value another type in place, so that handles to it live on."""
    value._type = type  # pyright: ignore[reportPrivateUsage]


def _owner(buffer: SSAValue) -> AllocOp | FuncOp | None:
    owner = buffer.owner
    if isinstance(owner, AllocOp):
        return owner
    function = owner.parent_op()
    return function if isinstance(function, FuncOp) else None


def _product(extents: Sequence[int]) -> int:
    count = 1
    for extent in extents:
        count *= extent
    return count


__all__ = ["set_type", "transform_layout"]
