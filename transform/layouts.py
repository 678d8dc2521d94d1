"""Calls of kernels whose constants are packed: what stands between a caller and the layout that a schedule chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, MemRefType, ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue

from ..dialects.layout import LayoutAttr
from ..dialects.loop import CONSTANT, LAYOUT, BlockOp, ForOp, PackOp

PACKED = "loop.packed"
"""Attribute of a call that passes buffers which its caller has packed at run time."""

Known: TypeAlias = dict[tuple[SSAValue, LayoutAttr, Block], PackOp]
"""What packs a constant in some layout in a block."""


def pack_operands(module: ModuleOp) -> None:
    """Packs what calls of kernels with packed arguments pass, if they do not yet.

    `func.call @k(%w)` → `%p = loop.pack %w by affine_map<…> : …`, `func.call @k(%p)`. Calls that pass the same constant
    share one.
    """
    packed: dict[str, FuncOp] = {}
    for op in module.ops:
        if isinstance(op, FuncOp) and any(LAYOUT in marks.data for marks in op.arg_attrs or ()):
            packed[op.sym_name.data] = op
    if not packed:
        return
    for op in module.ops:
        if isinstance(op, FuncOp):
            known: Known = {}
            for call in list(_calls(op)):
                callee = packed.get(call.callee.root_reference.data)
                if callee is not None:
                    _pack(call, callee, known)


def _calls(op: Operation) -> Iterator[CallOp]:
    for region in op.regions:
        for block in region.blocks:
            for inner in block.ops:
                if isinstance(inner, CallOp):
                    yield inner
                elif inner.regions and not isinstance(inner, ForOp | BlockOp):
                    yield from _calls(inner)


def _pack(call: CallOp, callee: FuncOp, known: Known) -> None:
    if PACKED in call.attributes:
        return
    block = cast(Block, call.parent)
    attributes = cast("ArrayAttr[DictionaryAttr]", callee.arg_attrs)
    types = callee.function_type.inputs
    for position, (operand, type, marks) in enumerate(zip(call.arguments, types, attributes, strict=False)):
        layout = marks.data.get(LAYOUT)
        if not isinstance(layout, LayoutAttr) or not isinstance(type, MemRefType):
            continue
        before = operand.owner if isinstance(operand.owner, PackOp) else None
        if before is not None and before.layout == layout.map and before.packed.type == type:
            continue
        source = operand if before is None else before.source
        if _shape(source.type) != layout.extents or layout_of(source) == layout:
            continue  # who made this call has packed it, or made a mistake that the verifier finds
        pack = known.get((source, layout, block)) if (shared := is_constant(source)) else None
        if pack is None:
            pack = PackOp(source, layout.map.data, cast("MemRefType[Attribute]", type))
            pack.packed.name_hint = f"{source.name_hint}_packed" if source.name_hint else None
            block.insert_op_before(pack, call)
            if shared:
                known[source, layout, block] = pack
        call.operands[position] = pack.packed
        if before is not None and not before.packed.uses:
            before.detach()
            before.erase()


def _shape(type: Attribute) -> tuple[int, ...] | None:
    return type.get_shape() if isinstance(type, MemRefType) else None


def layout_of(value: SSAValue) -> LayoutAttr | None:
    """How an argument of a caller is packed."""
    layout = _marks(value).get(LAYOUT) if isinstance(value, BlockArgument) else None
    return layout if isinstance(layout, LayoutAttr) else None


def is_constant(value: SSAValue) -> bool:
    """Whether a buffer of a caller is a constant, or another view of one."""
    return isinstance(root := root_of(value), BlockArgument) and CONSTANT in _marks(root)


def root_of(value: SSAValue) -> SSAValue:
    """The buffer that a value is a view of, whole."""
    while isinstance(value.owner, memref.ReinterpretCastOp):
        value = value.owner.source
    return value


def _marks(argument: BlockArgument) -> Mapping[str, Attribute]:
    function = argument.owner.parent_op()
    if not isinstance(function, FuncOp) or function.arg_attrs is None:
        return {}
    return function.arg_attrs.data[argument.index].data


__all__ = ["PACKED", "is_constant", "layout_of", "pack_operands", "root_of"]
