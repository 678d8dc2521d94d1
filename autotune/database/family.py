"""Families of kernels: those of one structure, for one kind of target, lowered one way, whatever their extents are.

A script that was found for one member is worth a try on another.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import cast

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineSymExpr,
)

from ...dialects.cpu import TargetAttr
from ...dialects.loop import CONSTANT, OUTPUT, BlockOp, ForOp, lowering_marks

_NAMES = frozenset({"sym_name", "sym_visibility", "alias", "te.name", "function_type", "arg_attrs"})


def family_of(kernel: FuncOp, target: Attribute) -> tuple[str, tuple[int, ...]]:
    """The family of a kernel for a target, and its extents in the order of the family."""
    walk = _Walk()
    walk.write(_target_family(target))
    for name, mark in lowering_marks(kernel.parent_op()).items():
        walk.write(f"{name} {mark}")
    for type, marks in zip(kernel.function_type.inputs, kernel.arg_attrs or (), strict=False):
        walk.type(type)
        walk.write("".join(name for name in (OUTPUT, CONSTANT) if name in marks.data))
    for argument in kernel.body.block.args:
        walk.value(argument)
    walk.region(kernel.body)
    return walk.digest.hexdigest(), tuple(walk.extents)


def _target_family(target: Attribute) -> str:
    """What targets have in common that the same scripts are good for: instructions, and the size of registers."""
    if not isinstance(target, TargetAttr):
        return str(target)
    architecture = target.triple.data.partition("-")[0]
    return f"{architecture} {target.vector_bytes.data} {target.vector_registers.data} {target.fma.data}"


def distance(one: Sequence[int], other: Sequence[int]) -> float:
    """How far the extents of two members of a family are from each other: twice as many is as far as half as many."""
    return math.sqrt(sum(math.log2(a / b) ** 2 for a, b in zip(one, other, strict=True)))


class _Walk:
    """A walk over a kernel that writes down its structure, and its extents apart from it."""

    def __init__(self) -> None:
        self.digest = blake2b(digest_size=16)
        self.extents: list[int] = []
        self.values: dict[SSAValue, int] = {}

    def write(self, text: str) -> None:
        self.digest.update(struct.pack("<I", len(text)) + text.encode())

    def value(self, value: SSAValue) -> None:
        self.digest.update(struct.pack("<I", self.values.setdefault(value, len(self.values))))

    def type(self, type: Attribute) -> None:
        """The shapes of buffers follow from loops and from how they are accessed."""
        if isinstance(type, MemRefType):
            buffer = cast("MemRefType[Attribute]", type)
            self.write(f"{len(buffer.get_shape())} {buffer.element_type} {buffer.memory_space}")
        else:
            self.write(str(type))

    def region(self, region: Region) -> None:
        for block in region.blocks:
            self.write(f"{len(block.args)}")
            for argument in block.args:
                self.value(argument)
            for op in block.ops:
                self.operation(op)
            self.write("end")

    def operation(self, op: Operation) -> None:
        self.write(f"{op.name} {len(op.operands)} {len(op.results)} {len(op.regions)}")
        for operand in op.operands:
            self.value(operand)
        for result in op.results:
            self.value(result)
            self.type(result.type)
        # Bounds of a window and the number of what is averaged are constants, too.
        if not isinstance(op, ConstantOp):
            for name, attribute in sorted({**op.properties, **op.attributes}.items()):
                if name == "extents" and isinstance(op, BlockOp):
                    self.extents += op.extents
                elif name == "extent" and isinstance(op, ForOp):
                    pass  # those of the blocks that it binds
                elif name not in _NAMES or (name == "sym_name" and isinstance(op, BlockOp)):
                    self.write(name)
                    self.attribute(attribute)
        for region in op.regions:
            self.region(region)

    def attribute(self, attribute: Attribute) -> None:
        match attribute:
            case ArrayAttr():
                for each in attribute:
                    self.attribute(each)
            case AffineMapAttr():
                self.write(" ".join(_structure(result) for result in attribute.data.results))
            case _:
                self.type(attribute)


def _structure(expr: AffineExpr) -> str:
    """An index without its offset, and without what extents it is split by."""
    match expr:
        case AffineDimExpr():
            return f"d{expr.position}"
        case AffineSymExpr():
            return f"s{expr.position}"
        case AffineConstantExpr():
            return "c"
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Add, lhs=lhs, rhs=AffineConstantExpr()):
            return _structure(lhs)
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mul, lhs=lhs, rhs=AffineConstantExpr(value=value)):
            return f"({_structure(lhs)} * {value})"
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            return f"({_structure(lhs)} {kind.name} {_structure(rhs)})"
        case _:
            return str(expr)
