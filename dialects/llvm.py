"""Upstream's `llvm` dialect with the operations that xDSL's lacks or types too narrowly, in MLIR's own syntax.

Nothing here is ours: `mlir-opt` reads and verifies all of it. It takes the place of xDSL's `llvm` in our contexts.
"""

from __future__ import annotations

from abc import ABC
from typing import ClassVar, cast

from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import (
    I1,
    I32,
    I64,
    AnyFloatConstr,
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    SignlessIntegerConstraint,
    VectorType,
    i1,
    i32,
    i64,
)
from xdsl.dialects.utils import parse_dynamic_index_list_without_types, print_dynamic_index_list
from xdsl.ir import Attribute, Dialect, Operation, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

DYNAMIC_INDEX = upstream.GEP_USE_SSA_VAL
"""Stands for an SSA value among the constant indices of `llvm.getelementptr`."""

MAY_WRAP = IntegerAttr(0, i32)
"""`noWrapFlags` of a `getelementptr` that promises nothing."""

_WRAP_KEYWORDS = (("inbounds", 3), ("nusw", 2), ("nuw", 4))


@irdl_attr_definition
class X86AMXType(ParametrizedAttribute, TypeAttribute):
    """A tile of Intel's AMX: a register of up to 1 KiB, rows of bytes. `!llvm.x86_amx`"""

    name = "llvm.x86_amx"


@irdl_op_definition
class GEPOp(IRDLOperation):
    """Pointer arithmetic. Unlike xDSL's, the custom form keeps the no-wrap flags."""

    name = "llvm.getelementptr"

    ptr = operand_def(upstream.LLVMPointerType)
    ssa_indices = var_operand_def(IntegerType)
    elem_type = prop_def()
    noWrapFlags = prop_def(IntegerAttr[I32], default_value=IntegerAttr(0, i32))
    rawConstantIndices = prop_def()
    result = result_def(upstream.LLVMPointerType)

    traits = traits_def(Pure())

    def verify_(self) -> None:
        indices = self.constant_indices
        dynamic = indices.count(DYNAMIC_INDEX)
        if dynamic != len(self.ssa_indices):
            raise VerifyException(f"expected {dynamic} dynamic indices, got {len(self.ssa_indices)}")

    @property
    def constant_indices(self) -> tuple[int, ...]:
        """The constant indices, with `DYNAMIC_INDEX` for those that are operands."""
        raw = self.rawConstantIndices
        if not isinstance(raw, DenseArrayBase):
            raise VerifyException(f"expected a dense array of indices, got {raw}")
        return tuple(int(value) for value in raw.iter_values())

    def print(self, printer: Printer) -> None:
        flags = self.noWrapFlags.value.data
        keywords: list[str] = []
        for keyword, bits in _WRAP_KEYWORDS:
            if flags & bits == bits and not (keyword == "nusw" and "inbounds" in keywords):
                keywords.append(keyword)
        printer.print_string(" ")
        if keywords:
            printer.print_string("|".join(keywords) + " ")
        printer.print_ssa_value(self.ptr)
        print_dynamic_index_list(printer, DYNAMIC_INDEX, self.ssa_indices, self.constant_indices)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_function_type([operand.type for operand in self.operands], [self.result.type])
        printer.print_string(", ")
        printer.print_attribute(self.elem_type)

    @classmethod
    def parse(cls, parser: Parser) -> GEPOp:
        flags = 0
        while True:
            for keyword, bits in _WRAP_KEYWORDS:
                if parser.parse_optional_keyword(keyword) is not None:
                    flags |= bits
            if parser.parse_optional_punctuation("|") is None:
                break
        ptr = parser.parse_unresolved_operand()
        dynamic, indices = parse_dynamic_index_list_without_types(parser, DYNAMIC_INDEX)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pos = parser.pos
        types = parser.parse_function_type()
        parser.parse_punctuation(",")
        elem_type = parser.parse_type()
        return cls.create(
            operands=parser.resolve_operands([ptr, *dynamic], types.inputs.data, pos),
            result_types=types.outputs.data,
            properties={
                "elem_type": elem_type,
                "noWrapFlags": IntegerAttr(flags, i32),
                "rawConstantIndices": DenseArrayBase.from_list(i32, indices),
            },
            attributes=attributes,
        )


@irdl_op_definition
class FCmpOp(IRDLOperation):
    """Comparison of floats, or of vectors of them."""

    name = "llvm.fcmp"

    T: ClassVar = VarConstraint("T", AnyFloatConstr | VectorType.constr(AnyFloatConstr))

    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(I1 | VectorType[I1])
    predicate = prop_def(IntegerAttr[I64])
    fastmathFlags = prop_def(upstream.FastMathAttr, default_value=upstream.FastMathAttr(None))

    traits = traits_def(Pure())

    def print(self, printer: Printer) -> None:
        flag = upstream.FCmpPredicateFlag.from_int(self.predicate.value.data)
        printer.print_string(f' "{flag}" ')
        printer.print_ssa_value(self.lhs)
        printer.print_string(", ")
        printer.print_ssa_value(self.rhs)
        flags = {"fastmathFlags": self.fastmathFlags} if self.fastmathFlags.data else {}
        printer.print_op_attributes(flags | self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.lhs.type)

    @classmethod
    def parse(cls, parser: Parser) -> FCmpOp:
        pos = parser.pos
        keyword = parser.parse_str_literal()
        if keyword not in upstream.FCMP_INDEX_BY_FLAG:
            parser.raise_error(f"expected a predicate, got '{keyword}'", pos)
        predicate = upstream.FCmpPredicateFlag(keyword).to_int()
        lhs = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        rhs = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pos = parser.pos
        type = parser.parse_type()
        lanes = cast("VectorType[Attribute]", type).get_shape() if isinstance(type, VectorType) else None
        result = i1 if lanes is None else VectorType(i1, lanes)
        flags = attributes.pop("fastmathFlags", upstream.FastMathAttr(None))
        return cls.create(
            operands=parser.resolve_operands([lhs, rhs], cast("list[Attribute]", [type, type]), pos),
            result_types=[result],
            properties={"predicate": IntegerAttr(predicate, i64), "fastmathFlags": flags},
            attributes=attributes,
        )


@irdl_op_definition
class SelectOp(IRDLOperation):
    """`cond ? lhs : rhs`, by lane where the condition is a vector."""

    name = "llvm.select"

    T: ClassVar = VarConstraint("T", AnyAttr())

    cond = operand_def(I1 | VectorType[I1])
    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(T)
    fastmathFlags = prop_def(upstream.FastMathAttr, default_value=upstream.FastMathAttr(None))

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$cond `,` $lhs `,` $rhs attr-dict `:` type($cond) `,` type($res)"


class FloatIntegerCastOp(IRDLOperation, ABC):
    """A conversion between floats and integers, or vectors of them."""

    arg = operand_def()
    result = result_def()

    traits = traits_def(Pure())
    assembly_format = "$arg attr-dict `:` type($arg) `to` type($result)"


@irdl_op_definition
class FPToSIOp(FloatIntegerCastOp):
    """Float to signed integer, truncating; poison where it does not fit."""

    name = "llvm.fptosi"


@irdl_op_definition
class FPToUIOp(FloatIntegerCastOp):
    """Float to unsigned integer, truncating; poison where it does not fit."""

    name = "llvm.fptoui"


@irdl_op_definition
class UIToFPOp(FloatIntegerCastOp):
    """Unsigned integer to float."""

    name = "llvm.uitofp"


@irdl_op_definition
class ExtractElementOp(IRDLOperation):
    """One lane of a vector."""

    name = "llvm.extractelement"

    T: ClassVar = VarConstraint("T", AnyAttr())

    vector = operand_def(VectorType.constr(T))
    position = operand_def(SignlessIntegerConstraint)
    res = result_def(T)

    traits = traits_def(Pure())
    assembly_format = "$vector `[` $position `:` type($position) `]` attr-dict `:` type($vector)"


@irdl_op_definition
class PoisonOp(IRDLOperation):
    """A value that must not be relied on."""

    name = "llvm.mlir.poison"

    res = result_def()

    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($res)"


@irdl_op_definition
class MaskedLoadOp(IRDLOperation):
    """Loads the lanes whose mask bit is set, the others are those of `pass_thru`; memory of unset lanes is not read."""

    name = "llvm.intr.masked.load"

    T: ClassVar = VarConstraint("T", AnyAttr())

    data = operand_def(upstream.LLVMPointerType)
    mask = operand_def(VectorType[I1])
    pass_thru = operand_def(T)
    res = result_def(T)
    alignment = prop_def(IntegerAttr[I32])
    nontemporal = opt_prop_def()

    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = (
        "$data `,` $mask `,` $pass_thru attr-dict `:` `(` type($data) `,` type($mask) `,` type($pass_thru) `)`"
        " `->` type($res)"
    )


@irdl_op_definition
class MaskedStoreOp(IRDLOperation):
    """Stores the lanes whose mask bit is set; memory of unset lanes is not touched."""

    name = "llvm.intr.masked.store"

    value = operand_def(VectorType)
    data = operand_def(upstream.LLVMPointerType)
    mask = operand_def(VectorType[I1])
    alignment = prop_def(IntegerAttr[I32])

    traits = traits_def()
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `,` $data `,` $mask attr-dict `:` type($value) `,` type($mask) `into` type($data)"


_OURS: list[type[Operation]] = [
    ExtractElementOp,
    FCmpOp,
    FPToSIOp,
    FPToUIOp,
    GEPOp,
    MaskedLoadOp,
    MaskedStoreOp,
    PoisonOp,
    SelectOp,
    UIToFPOp,
]
_NAMES = frozenset(op.name for op in _OURS)

LLVM = Dialect(
    "llvm",
    [*(op for op in upstream.LLVM.operations if op.name not in _NAMES), *_OURS],
    [*upstream.LLVM.attributes, X86AMXType],
)
