"""`convert-cpu-to-llvm`: what is left of the `cpu` dialect and of our attributes, in upstream's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, func, llvm
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    UnitAttr,
    UnrealizedConversionCastOp,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation
from xdsl.ir.affine import AffineConstantExpr, AffineExpr, AffineMap
from xdsl.passes import ModulePass

from ...dialects import cpu
from ...dialects.loop import BACKEND, OUTPUT, PIPELINE, WORKSPACE
from ...dialects.walk import operations_in

_POINTER = llvm.LLVMPointerType()
_OUR_DIALECTS = ("graph", "te", "loop", "cpu", "sched")


def is_ours(attribute: str) -> bool:
    """Whether a discardable attribute belongs to a dialect of ours."""
    return attribute.partition(".")[0] in _OUR_DIALECTS


def convert_cpu_to_llvm(module: ModuleOp) -> None:
    """Lowers prefetches, free registers, the target and the marks on arguments, in place."""
    clobbered = _clobbers(cpu.target_of(module))
    for op in operations_in(module):
        if isinstance(op, cpu.PrefetchOp):
            lower_prefetch(op)
        elif isinstance(op, cpu.FreeRegistersOp):
            lower_free_registers(op, clobbered)
        elif isinstance(op, func.FuncOp):
            lower_marks(op)
    lower_target(module)
    _drop_ours(module)


def lower_prefetch(op: cpu.PrefetchOp) -> None:
    """A prefetch becomes LLVM's, on the address of the element."""
    type = cast("MemRefType[Attribute]", op.memref.type)
    map = op.map.data
    offset: AffineExpr = AffineConstantExpr(0)
    stride = 1
    for index, extent in reversed(tuple(zip(map.results, type.get_shape(), strict=True))):
        offset = offset + index * stride
        stride *= extent
    linear = AffineMapAttr(AffineMap(map.num_dims, map.num_symbols, (offset,)))
    apply = affine.ApplyOp(op.indices, linear)
    index = arith.IndexCastOp(apply.result, i64)
    base = UnrealizedConversionCastOp.get((op.memref,), (_POINTER,))
    element = type.element_type
    address = llvm.GEPOp(base.results[0], (llvm.GEP_USE_SSA_VAL,), element, (index.result,))
    flags = [
        llvm.ConstantOp(IntegerAttr(value, i32), i32)
        for value in (int(bool(op.write.value.data)), op.locality.value.data, 1)
    ]
    call = llvm.CallIntrinsicOp("llvm.prefetch.p0", (address.result, *(flag.result for flag in flags)), ())
    block = op.parent
    assert block is not None
    block.insert_ops_before((apply, index, base, address, *flags, call), op)
    block.erase_op(op)


def _clobbers(target: cpu.TargetAttr | None) -> str:
    """The vector registers of a target as LLVM's constraints name them; none if they are not known."""
    if target is None:
        return ""
    architecture = target.triple.data.partition("-")[0]
    features = target.features.data.split(",")
    if architecture == "aarch64":
        name, count = "v", 32
    elif architecture != "x86_64":
        return ""
    elif "+avx512f" in features:
        name, count = "zmm", 32
    else:
        name, count = "ymm" if "+avx" in features else "xmm", 16
    return ",".join(f"~{{{name}{number}}}" for number in range(count))


def lower_free_registers(op: cpu.FreeRegistersOp, clobbered: str) -> None:
    """Assembly that is empty, and said to write all vector registers."""
    block = op.parent
    assert block is not None
    if clobbered:
        block.insert_op_before(llvm.InlineAsmOp("", clobbered, (), has_side_effects=True), op)
    block.erase_op(op)


def _drop_ours(op: Operation) -> None:
    for name in [name for name in op.attributes if is_ours(name)]:
        del op.attributes[name]


def lower_marks(op: func.FuncOp) -> None:
    """A kernel's inputs are read only, what it works in is writable; of outputs, constants and the user's names nothing
    else is to say."""
    _drop_ours(op)
    if op.arg_attrs is None:
        return
    has_outputs = any(OUTPUT in attrs.data for attrs in op.arg_attrs)
    lowered: list[DictionaryAttr] = []
    for type, attrs in zip(op.function_type.inputs.data, op.arg_attrs, strict=True):
        kept: dict[str, Attribute] = {key: value for key, value in attrs.data.items() if not is_ours(key)}
        if WORKSPACE in attrs.data:
            kept["llvm.writable"] = UnitAttr()
        elif has_outputs and OUTPUT not in attrs.data and isinstance(type, MemRefType):
            kept["llvm.readonly"] = UnitAttr()
        lowered.append(DictionaryAttr(kept))
    op.arg_attrs = ArrayAttr(lowered)


def lower_target(module: ModuleOp) -> None:
    """The facts that LLVM is told; those that only schedules use end here."""
    for name in (BACKEND, PIPELINE):
        module.attributes.pop(name, None)
    target = cpu.target_of(module)
    if target is None:
        return
    del module.attributes[cpu.TARGET]
    facts = {
        "llvm.target_triple": target.triple,
        "llvm.target_cpu": target.cpu,
        "llvm.target_features": target.features,
    }
    module.attributes.update({key: StringAttr(value.data) for key, value in facts.items() if value.data})


@dataclass(frozen=True)
class ConvertCpuToLLVMPass(ModulePass):
    """Lowers prefetches to LLVM's intrinsic, free registers to empty assembly and the target to LLVM's attributes."""

    name = "convert-cpu-to-llvm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        convert_cpu_to_llvm(op)
