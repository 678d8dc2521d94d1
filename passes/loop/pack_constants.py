"""`loop-pack-constants`: constants that kernels take in another layout are packed when the program is compiled.

Before:

    func.func @main(%x: …, %w: memref<40x9xf32> {graph.weight = "w", loop.constant}, …) {
      %p = loop.pack %w by affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : memref<40x9xf32> to memref<3x9x16xf32>
      func.call @k(%x, %p, %y) : …

After: whoever loads the program packs the data of weight `w` once, as `loop.layout` says.

    func.func @main(%x: …, %p: memref<3x9x16xf32> {graph.weight = "w", loop.constant, loop.layout = …}, …) {
      func.call @k(%x, %p, %y) : …

What is no weight is packed by a kernel each time that the function runs. The inputs of a program stay what its users
know: a public kernel that takes them packed becomes a private one, in front of which they are packed.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DictionaryAttr,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    UnitAttr,
)
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)
from xdsl.passes import ModulePass

from ...dialects.layout import LayoutAttr
from ...dialects.loop import (
    LAYOUT,
    OUTPUT,
    BlockOp,
    ForOp,
    IteratorKind,
    PackOp,
    ReadOp,
    WriteOp,
    memref_type,
)
from ...transform.layouts import PACKED, root_of
from ..function_pass import functions
from ..graph.convert_graph_to_te import WEIGHT
from .apply_schedules import apply_shipped_schedules
from .memory.liveness import calls_in
from .name_kernels import DIGITS, kernel_hash

Array = np.ndarray[Any, Any]

APART = "loop.apart"
"""Attribute of a module that holds a kernel of a program, whose callers are elsewhere and pack what it takes."""


def pack_constants(module: ModuleOp, ctx: Context) -> None:
    """Replaces every `loop.pack`: of a weight by a packed weight, of anything else by a kernel that packs it."""
    called = {call.callee.root_reference.data for function in functions(module) for call in calls_in(function)}
    if module.attributes.pop(APART, None) is None:
        _take_inputs_as_they_are(module, called)
    found = {function: _packs_in(function) for function in functions(module)}
    if not any(found.values()):
        return
    kernels: dict[str, FuncOp] = {}
    for function, packs in found.items():
        if function.sym_name.data in called:  # its callers know what it takes
            for pack in packs:
                _pack_at_run_time(pack, kernels)
        elif packs:
            _pack_in(function, packs, kernels)
    for kernel in kernels.values():
        module.body.block.add_op(kernel)
        apply_shipped_schedules(ctx, kernel)


def _take_inputs_as_they_are(module: ModuleOp, called: Collection[str]) -> None:
    """Lets public functions that nothing calls, and that take packed inputs, be kernels that a function calls which
    packs them."""
    names = {name.data for op in module.ops if isinstance(name := op.get_attr_or_prop("sym_name"), StringAttr)}
    for function in functions(module):
        public = function.sym_visibility is None or function.sym_visibility.data == "public"
        if not public or function.sym_name.data in called:
            continue
        marks = function.arg_attrs.data if function.arg_attrs is not None else ()
        given = {
            index: layout
            for index, own in enumerate(marks)
            if isinstance(layout := own.data.get(LAYOUT), LayoutAttr) and WEIGHT not in own.data
        }
        if given:
            kernel = f"{function.sym_name.data}_packed"
            while kernel in names:
                kernel += "_"
            names.add(kernel)
            _wrap(function, kernel, given)


def _wrap(function: FuncOp, kernel: str, given: Mapping[int, LayoutAttr]) -> None:
    marks = list(cast("ArrayAttr[DictionaryAttr]", function.arg_attrs))
    types = list(function.function_type.inputs)
    for index, layout in given.items():
        marks[index] = DictionaryAttr({name: each for name, each in marks[index].data.items() if name != LAYOUT})
        types[index] = MemRefType(cast("MemRefType[Attribute]", types[index]).element_type, layout.extents)
    caller = FuncOp(function.sym_name.data, (types, []), visibility=function.sym_visibility)
    caller.arg_attrs = ArrayAttr(marks)
    block = caller.body.block
    operands: list[SSAValue] = list(block.args)
    for index, argument in enumerate(block.args):
        inner = function.args[index]
        argument.name_hint = inner.name_hint
        if index in given:
            pack = PackOp(argument, given[index].map.data, memref_type(inner))
            pack.packed.name_hint = f"{inner.name_hint}_packed" if inner.name_hint else None
            block.add_op(pack)
            operands[index] = pack.packed
    block.add_ops([CallOp(kernel, operands, []), ReturnOp()])
    parent = function.parent
    assert parent is not None
    parent.insert_op_before(caller, function)
    function.sym_name, function.sym_visibility = StringAttr(kernel), StringAttr("private")


def _packs_in(function: FuncOp) -> list[PackOp]:
    found: list[PackOp] = []
    for block in function.body.blocks:
        for op in block.ops:
            if isinstance(op, PackOp):
                found.append(op)
            elif op.regions and not isinstance(op, ForOp | BlockOp):
                found.extend(inner for inner in op.walk() if isinstance(inner, PackOp))
    return found


def _pack_in(function: FuncOp, packs: Sequence[PackOp], kernels: dict[str, FuncOp]) -> None:
    marks = [*function.arg_attrs.data] if function.arg_attrs else [DictionaryAttr({})] * len(function.args)
    known: dict[tuple[BlockArgument, LayoutAttr], SSAValue] = {}
    roots: dict[BlockArgument, None] = {}
    for pack in packs:
        root = root_of(pack.source)
        own: Mapping[str, Attribute] = marks[root.index].data if isinstance(root, BlockArgument) else {}
        whole = memref_type(root).element_count() == memref_type(pack.source).element_count()
        if not isinstance(root, BlockArgument) or WEIGHT not in own or LAYOUT in own or not whole:
            _pack_at_run_time(pack, kernels)
            continue
        layout = LayoutAttr.of(memref_type(pack.source).get_shape(), pack.layout.data)
        packed = known.get((root, layout))
        if packed is None:
            packed = known[root, layout] = function.body.block.insert_arg(pack.packed.type, root.index + 1)
            packed.name_hint = pack.packed.name_hint
            marks.insert(root.index + 1, DictionaryAttr({**own, LAYOUT: layout}))
        roots[root] = None
        pack.packed.replace_all_uses_with(packed)
        _erase_with_views(pack, pack.source)
    unused = {root.index for root in roots if not root.uses}
    block = function.body.block
    for index in sorted(unused, reverse=True):
        block.erase_arg(block.args[index])
    function.arg_attrs = ArrayAttr(mark for index, mark in enumerate(marks) if index not in unused)
    function.function_type = FunctionType.from_lists(block.arg_types, function.function_type.outputs.data)


def _erase_with_views(op: Operation, source: SSAValue) -> None:
    """Erases an operation, and the views that it took its source from, if nothing else uses them."""
    op.detach()
    op.erase()
    while isinstance(view := source.owner, memref.ReinterpretCastOp) and not source.uses:
        source = view.source
        view.detach()
        view.erase()


# What is no weight


def _pack_at_run_time(pack: PackOp, kernels: dict[str, FuncOp]) -> None:
    """Replaces the operation by a buffer and a call of a kernel that packs into it."""
    kernel = packing_kernel(memref_type(pack.source), pack.layout.data, memref_type(pack.packed))
    kernel = kernels.setdefault(kernel.sym_name.data, kernel)
    block = cast(Block, pack.parent)
    type = memref_type(pack.packed)
    alloc = memref.AllocOp.get(type.element_type, None, type.get_shape())
    alloc.memref.name_hint = pack.packed.name_hint
    block.insert_op_before(alloc, pack)
    call = CallOp(kernel.sym_name.data, [pack.source, alloc.memref], [])
    block.insert_op_before(call, pack)
    for use in list(pack.packed.uses):
        use.operation.attributes[PACKED] = UnitAttr()
    pack.packed.replace_all_uses_with(alloc.memref)
    end = block.last_op
    assert end is not None
    block.insert_op_before(memref.DeallocOp.get(alloc.memref), end)
    pack.detach()
    pack.erase()


def packing_kernel(source: MemRefType[Attribute], layout: AffineMap, packed: MemRefType[Attribute]) -> FuncOp:
    """A kernel that packs its first argument into its second one, whose other elements become zeros."""
    function = FuncOp("pack", ([source, packed], []), visibility="private")
    function.arg_attrs = ArrayAttr([DictionaryAttr({}), DictionaryAttr({OUTPUT: UnitAttr()})])
    argument, result = function.body.block.args
    rank = len(packed.get_shape())
    if prod(source.get_shape()) < prod(packed.get_shape()):
        body = Block(arg_types=[IndexType()] * rank)
        zero = ConstantOp(_zero(packed.element_type))
        body.add_ops([zero, WriteOp(zero.result, result, AffineMap.identity(rank), body.args)])
        function.body.block.add_op(_nest("map0", packed.get_shape(), body))
    body = Block(arg_types=[IndexType()] * layout.num_dims)
    read = ReadOp(argument, AffineMap.identity(layout.num_dims), body.args)
    body.add_ops([read, WriteOp(read.result, result, layout, body.args)])
    function.body.block.add_op(_nest("map1", source.get_shape(), body))
    function.body.block.add_op(ReturnOp())
    function.sym_name = StringAttr(f"pack_{kernel_hash(function)[:DIGITS]}")
    return function


def _zero(type: Attribute) -> FloatAttr[Any] | IntegerAttr[Any]:
    return FloatAttr(0.0, cast(Any, type)) if isinstance(type, AnyFloat) else IntegerAttr(0, cast(Any, type))


def _nest(name: str, shape: Sequence[int], body: Block) -> Operation:
    loops = [ForOp(extent) for extent in shape]
    rank = len(shape)
    block = BlockOp(
        name,
        [IteratorKind.SPATIAL] * rank,
        shape,
        AffineMap.identity(rank),
        [loop.induction_variable for loop in loops],
        Region(body),
    )
    inner: Operation = block
    for loop in reversed(loops):
        loop.body.block.add_op(inner)
        inner = loop
    return inner


# Data


def pack_array(array: Array, layout: LayoutAttr, shape: Sequence[int]) -> Array:
    """The elements of an array in a layout, in a buffer of some shape, whose other elements are zeros."""
    array = array.reshape(layout.extents)
    split = _digits_of(layout.map.data)
    if split is None or any(m is not None and m != extent for (_, _, m), extent in zip(split, shape, strict=True)):
        packed = np.zeros(tuple(shape), array.dtype)
        packed[_places(layout.map.data, layout.extents)] = array
        return packed
    return _regrouped(array, split, tuple(shape))


Digits = list[tuple[int, int, int | None]]
"""For each dimension of the packed array: which one of the array it comes from, a divisor and a modulus."""


def _digits_of(map: AffineMap) -> Digits | None:
    """What a layout that only splits and permutes dimensions takes each dimension from; None if it does more."""
    found: Digits = []
    for expr in map.results:
        digit = _digit_of(expr)
        if digit is None:
            return None
        found.append(digit)
    for dimension in range(map.num_dims):
        # from the innermost digit on, each begins where the one before ends
        reached: int | None = 1
        for divisor, modulus in sorted((v, m or 0) for d, v, m in found if d == dimension):
            if divisor != reached:
                return None
            reached = divisor * modulus if modulus else None
        if reached == 1:
            return None
    return found


def _digit_of(expr: AffineExpr) -> tuple[int, int, int | None] | None:
    match expr:
        case AffineDimExpr(position=position):
            return position, 1, None
        case AffineBinaryOpExpr(
            kind=AffineBinaryOpKind.FloorDiv, lhs=AffineDimExpr(position=position), rhs=AffineConstantExpr(value=value)
        ):
            return position, value, None
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mod, lhs=lhs, rhs=AffineConstantExpr(value=value)):
            inner = _digit_of(lhs)
            return (inner[0], inner[1], value) if inner is not None and inner[2] is None else None
        case _:
            return None


def _regrouped(array: Array, digits: Digits, shape: tuple[int, ...]) -> Array:
    """Splits dimensions in digits, the outermost first, and brings them in the order of the packed array."""
    axes: list[int] = []
    sizes: list[int] = []
    padded: list[int] = []
    groups: list[list[int]] = []
    for dimension in range(array.ndim):
        own = sorted((i for i, digit in enumerate(digits) if digit[0] == dimension), key=lambda i: -digits[i][1])
        axes += own
        groups.append(own)
        sizes += [shape[i] for i in own]
        padded.append(prod(shape[i] for i in own))
    order = [axes.index(i) for i in range(len(digits))]
    if tuple(padded) == array.shape:
        return np.ascontiguousarray(array.reshape(sizes).transpose(order))
    packed = np.zeros(shape, array.dtype)
    pieces = [_pieces(extent, [(i, shape[i]) for i in own]) for extent, own in zip(array.shape, groups, strict=True)]
    for piece in itertools.product(*pieces):
        part = array[tuple(each.source for each in piece)]
        places = {axis: place for each in piece for axis, place in each.target.items()}
        lengths = [places[axis].stop - places[axis].start for axis in axes]
        packed[tuple(places[axis] for axis in range(len(digits)))] = part.reshape(lengths).transpose(order)
    return packed


@dataclass(frozen=True)
class _Piece:
    """A part of a dimension that is a box of its digits: which elements, and where, by axes of the packed array."""

    source: slice
    target: dict[int, slice]


def _pieces(extent: int, digits: Sequence[tuple[int, int]]) -> list[_Piece]:
    """What a dimension of some extent consists of, in digits that have room for more; the outermost digit is first."""
    if not digits:
        return [_Piece(slice(0, extent), {})]
    (axis, _), inner = digits[0], digits[1:]
    step = prod(size for _, size in inner)
    count, rest = divmod(extent, step)
    found: list[_Piece] = []
    if count:
        whole = {each: slice(0, size) for each, size in inner}
        found.append(_Piece(slice(0, count * step), {axis: slice(0, count), **whole}))
    if rest:
        for piece in _pieces(rest, inner):
            source = slice(count * step + piece.source.start, count * step + piece.source.stop)
            found.append(_Piece(source, {axis: slice(count, count + 1), **piece.target}))
    return found


def _places(map: AffineMap, shape: Sequence[int]) -> tuple[Array, ...]:
    """Where each element of an array goes, dimension by dimension."""
    grids = [
        np.arange(extent).reshape([-1 if e == d else 1 for e in range(len(shape))]) for d, extent in enumerate(shape)
    ]
    return tuple(_evaluated(expr, grids) for expr in map.results)


def _evaluated(expr: AffineExpr, grids: Sequence[Array]) -> Any:
    match expr:
        case AffineConstantExpr(value=value):
            return value
        case AffineDimExpr(position=position):
            return grids[position]
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            left, right = _evaluated(lhs, grids), _evaluated(rhs, grids)
            match kind:
                case AffineBinaryOpKind.Add:
                    return left + right
                case AffineBinaryOpKind.Mul:
                    return left * right
                case AffineBinaryOpKind.FloorDiv:
                    return left // right
                case AffineBinaryOpKind.CeilDiv:
                    return -(-left // right)
                case AffineBinaryOpKind.Mod:
                    return left % right
        case _:
            pass
    raise ValueError(f"expected an affine expression over dimensions, got {expr}")


@dataclass(frozen=True)
class LoopPackConstantsPass(ModulePass):
    """Pack the constants that kernels take in another layout: weights once, when the program is loaded, and what is no
    weight by a kernel.

    Before → after: `%p = loop.pack %w by affine_map<…> : …` → an argument `%p {graph.weight = "w", loop.layout = …}`.
    """

    name = "loop-pack-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        pack_constants(op, ctx)
