"""`arith-emulate-unsupported-floats`: arithmetic on floats that the machine only stores, in f32."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    FloatAttr,
    ModuleOp,
    VectorType,
    f32,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.passes import ModulePass

from ...dialects.walk import operations_in
from ...errors import CompileError, did_you_mean
from .llvm_conversion import as_vector, dense, element_type
from .targets import lacks_f16_conversions

_FORMATS: dict[str, type[Attribute]] = {"bf16": BFloat16Type, "f16": Float16Type}
_KEPT = (arith.BitcastOp, arith.ConstantOp, arith.ExtFOp, arith.SelectOp, arith.TruncFOp)
"""What does not look at numbers, or changes their type and nothing else."""


def with_element(type: Attribute, element: Attribute) -> Attribute:
    """The type with another element type."""
    vector_type = as_vector(type)
    return element if vector_type is None else VectorType(element, vector_type.shape, vector_type.scalable_dims)


def formats_to_emulate(module: ModuleOp) -> tuple[type[Attribute], ...]:
    """bf16 everywhere, and f16 where the target has no instructions that convert it."""
    return (BFloat16Type, Float16Type) if lacks_f16_conversions(module) else (BFloat16Type,)


def emulate_unsupported_floats(module: ModuleOp, formats: tuple[type[Attribute], ...]) -> None:
    """Rewrites the arithmetic on floats of some formats, in place."""
    emulation = _Emulation(formats)
    for op in operations_in(module):
        if op.name.startswith(("arith.", "math.")) or isinstance(op, vector.FMAOp | vector.ReductionOp):
            values: Iterable[SSAValue] = (*op.operands, *op.results)
            if not isinstance(op, _KEPT) and any(emulation.is_narrow(value.type) for value in values):
                emulation.rewrite(op)


class _Emulation:
    def __init__(self, formats: tuple[type[Attribute], ...]) -> None:
        self.formats = formats
        self.wide: dict[tuple[Block, SSAValue], SSAValue] = {}

    def is_narrow(self, type: Attribute) -> bool:
        return isinstance(element_type(type), self.formats)

    def widened(self, type: Attribute) -> Attribute:
        return with_element(type, f32) if self.is_narrow(type) else type

    def rewrite(self, op: Operation) -> None:
        """The op on f32, between conversions."""
        block = op.parent
        assert block is not None
        operands = [self.operand(value, op, block) for value in op.operands]
        types = [self.widened(result.type) for result in op.results]
        new = type(op).create(operands=operands, result_types=types, properties=op.properties, attributes=op.attributes)
        block.insert_op_before(new, op)
        for old, result in zip(op.results, new.results, strict=True):
            if old.type != result.type:
                back = arith.TruncFOp.create(operands=(result,), result_types=(old.type,))
                block.insert_op_before(back, op)
                result = back.results[0]
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
        block.erase_op(op)

    def operand(self, value: SSAValue, op: Operation, block: Block) -> SSAValue:
        """An operand in f32: a constant as one, another value converted once in a block."""
        if not self.is_narrow(value.type):
            return value
        known = self.wide.get((block, value))
        if known is None:
            type = with_element(value.type, f32)
            owner = value.owner
            if isinstance(owner, arith.ConstantOp):
                new: Operation = arith.ConstantOp.create(
                    result_types=(type,), properties={"value": _in_f32(owner.value, type)}
                )
            else:
                new = arith.ExtFOp.create(operands=(value,), result_types=(type,))
            block.insert_op_before(new, op)
            known = self.wide[block, value] = new.results[0]
        return known


def _in_f32(value: Attribute, type: Attribute) -> Attribute:
    if isinstance(value, FloatAttr):
        return FloatAttr(value.value.data, f32)
    assert isinstance(value, DenseIntOrFPElementsAttr)
    numbers: Sequence[float] = value.get_values()  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return dense(type, numbers[:1] if value.is_splat() else numbers)


@dataclass(frozen=True)
class ArithEmulateUnsupportedFloatsPass(ModulePass):
    """Computes in f32 what is stored as bf16, or as f16 where the target does not convert that: each op rounds once.

    Before → after: `arith.addf %a, %b : bf16` → `arith.extf` of both, `arith.addf : f32`, `arith.truncf`.
    """

    name = "arith-emulate-unsupported-floats"

    source_types: tuple[str, ...] = ()
    """The types to emulate, `bf16` or `f16`; by default those that the target needs."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for name in self.source_types:
            if name not in _FORMATS:
                raise CompileError(
                    f"expected a type to emulate of bf16 or f16, got '{name}'{did_you_mean(name, _FORMATS)}"
                )
        formats = tuple(_FORMATS[name] for name in self.source_types) or formats_to_emulate(op)
        emulate_unsupported_floats(op, formats)
