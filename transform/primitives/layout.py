"""Primitives that change where the elements of buffers lie: transform_layout, storage_align."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

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

from ...dialects.layout import LayoutAttr, aligned_shape, layout_failure, packed_shape, passes_through
from ...dialects.loop import (
    CONSTANT,
    LAYOUT,
    AllocOp,
    PrefetchOp,
    ReadOp,
    is_iterator,
    loop_bounds,
    memref_type,
    verify_bounds,
)
from ...dialects.quasi_affine import Lin, from_affine, to_affine_map
from ...dialects.regions import accesses_of, block_of, buffer_shape, footprint, iterator_forms
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
        owner.layout, owner.align = _order(layout) or AffineMapAttr(layout), None
        return
    function = _kernel_with_constant(buffer)
    for use in buffer.uses:
        if isinstance(use.operation, PrefetchOp):
            refuse(f"expected '{buffer_name(buffer)}' to be prefetched after its layout is chosen", use.operation)
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


def storage_align(buffer: SSAValue, dimension: int, factor: int, offset: int = 0) -> None:
    """Pads a buffer of the kernel's own such that neighbours in a dimension are `offset` elements more than a multiple
    of `factor` apart, so that what is read together does not fall on the same lines of a cache.

    before                                      after `storage_align(B, 0, 32, 8)`
    %B = loop.alloc "B" : memref<8x64xf32>      %B = loop.alloc "B" {align = array<i64: 0, 32, 8>} : memref<8x64xf32>

    The dimensions are those of the layout, if the buffer is tiled. Emitted addresses change (rows of 72 elements here),
    indices do not. TVM has the same name for it.

    Raises:
        ScheduleError: if the buffer is an argument, the dimension has no other one inside, or no padding does it.
    """
    owner, name = buffer.owner, buffer_name(buffer)
    if not isinstance(owner, AllocOp):
        raise ScheduleError(f"expected a buffer of the kernel's own, got argument '{name}'")
    rank = len(buffer_shape(buffer)) if owner.tiling is None else len(owner.tiling.results)
    order = list(owner.order) if owner.tiling is None else list(range(rank))
    if not 0 <= dimension < rank:
        refuse(f"expected a dimension below {rank} of '{name}', got {dimension}", owner)
    if order[-1] == dimension:
        refuse(f"expected a dimension of '{name}' with others inside of it, got {dimension}", owner)
    if not 1 <= factor <= FREE_ELEMENTS or not 0 <= offset < factor:
        refuse(f"expected a factor in 1..{FREE_ELEMENTS} and a smaller offset, got {factor} and {offset}", owner)
    alignments = {**owner.alignments, dimension: (factor, offset)}
    whole = footprint(owner).shape
    shape = whole if owner.tiling is None else packed_shape(owner.tiling, whole)
    kept = [d for d in order if shape[d] > 1]
    padded = aligned_shape([shape[d] for d in kept], kept, alignments)
    if padded is None:
        refuse(
            f"expected strides of '{name}' that are {offset} more than a multiple of {factor} in dimension "
            f"{dimension}, which no padding of {list(shape)} gives",
            owner,
        )
    if prod(padded) > max(MOST_GROWTH * prod(shape), FREE_ELEMENTS):
        refuse(f"expected at most {MOST_GROWTH} times as many elements as in {list(shape)}, got {padded}", owner)
    owner.align = DenseArrayBase.from_list(i64, [n for d, (f, o) in sorted(alignments.items()) for n in (d, f, o)])


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
    marks: Mapping[str, Attribute] = function.arg_attrs.data[buffer.index].data if function.arg_attrs else {}
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
        count, before = prod(packed), prod(shape)
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


__all__ = ["set_type", "storage_align", "transform_layout"]
