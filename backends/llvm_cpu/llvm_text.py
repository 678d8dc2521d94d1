"""From the `llvm` dialect to the text of LLVM IR, in one walk.

Values are numbered in order of appearance, constants are written in place, block arguments become phis. What it does
not know it refuses by name.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, cast

import numpy as np
from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FixedBitwidthType,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
    UnitAttr,
    VectorType,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ...dialects.llvm import DYNAMIC_INDEX, X86AMXType
from ...errors import CompileError

_FLOATS = {Float16Type: "half", BFloat16Type: "bfloat", Float32Type: "float", Float64Type: "double"}
_GEP_FLAGS = {0: "", 1: "inbounds ", 2: "nusw ", 3: "inbounds ", 4: "nuw ", 6: "nusw nuw ", 7: "inbounds nuw "}
_ICMP = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_FCMP = [
    "false",
    "oeq",
    "ogt",
    "oge",
    "olt",
    "ole",
    "one",
    "ord",
    "ueq",
    "ugt",
    "uge",
    "ult",
    "ule",
    "une",
    "uno",
    "true",
]
_OVERFLOW = ("", "nsw ", "nuw ", "nuw nsw ")
_LINKAGE = {"external": ""}
_BYTES = [chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in range(256)]


def write_llvm_ir(module: ModuleOp) -> str:
    """The LLVM IR of a module on rung 5."""
    return _Writer(module).run()


class _Writer:
    def __init__(self, module: ModuleOp) -> None:
        self.module = module
        self.out: list[str] = []
        self.types: dict[int, tuple[Attribute, str]] = {}
        self.flags: dict[int, tuple[Attribute, str]] = {}
        self.names: dict[SSAValue, str] = {}
        self.labels: dict[Block, str] = {}
        self.declarations: dict[str, str] = {}
        self.phis: dict[Block, list[tuple[str, Sequence[SSAValue]]]] = {}
        self.symbols: dict[str, upstream.FuncOp | upstream.GlobalOp] = {}
        self.next = 0

    def run(self) -> str:
        attributes = self.module.attributes
        head: list[str] = []
        for key, keyword in (("llvm.data_layout", "datalayout"), ("llvm.target_triple", "triple")):
            value = attributes.get(key)
            if isinstance(value, StringAttr):
                head.append(f'target {keyword} = "{value.data}"\n')
        for op in self.module.ops:
            if isinstance(op, upstream.FuncOp | upstream.GlobalOp):
                self.symbols[op.sym_name.data] = op
        for op in self.module.ops:
            if isinstance(op, upstream.FuncOp):
                self.function(op)
            elif isinstance(op, upstream.GlobalOp):
                self.variable(op)
            else:
                raise CompileError(f"expected only operations of the llvm dialect, got '{op.name}'")
        tail = [f"{text}\n" for text in self.declarations.values()]
        return "".join(head + self.out + tail + [self.function_attributes()])

    def function_attributes(self) -> str:
        """The attributes that every function has."""
        parts = ["nounwind"]
        for key in ("target_cpu", "target_features"):
            value = self.module.attributes.get(f"llvm.{key}")
            if isinstance(value, StringAttr) and value.data:
                parts.append(f'"{key.replace("_", "-")}"="{value.data}"')
                if key == "target_features" and "+avx512f" in value.data.split(","):
                    # Vectors are as wide as the schedule says, whatever width a CPU is said to prefer.
                    parts.append('"prefer-vector-width"="512"')
                if key == "target_features" and "+avx" in value.data.split(","):
                    # What does not fit the registers lies in whole cache lines.
                    parts.append('"stackrealign"')
        return f"attributes #0 = {{ {' '.join(parts)} }}\nattributes #1 = {{ {' '.join(['noinline', *parts])} }}\n"

    # types, constants and names

    def type(self, type: Attribute) -> str:
        known = self.types.get(id(type))
        if known is None:
            known = self.types[id(type)] = (type, self._type(type))
        return known[1]

    def _type(self, type: Attribute) -> str:
        match type:
            case IntegerType(width=width):
                return f"i{width.data}"
            case VectorType():
                if type.get_num_dims() == 1:
                    return f"<{type.get_shape()[0]} x {self.type(type.element_type)}>"
            case upstream.LLVMPointerType():
                return "ptr"
            case upstream.LLVMArrayType(size=size, type=element):
                return f"[{size.data} x {self.type(element)}]"
            case upstream.LLVMStructType(types=types):
                return "{ " + ", ".join(self.type(each) for each in types.data) + " }"
            case upstream.LLVMVoidType():
                return "void"
            case X86AMXType():
                return "x86_amx"
            case _:
                pass
        for kind, name in _FLOATS.items():
            if isinstance(type, kind):
                return name
        raise CompileError(f"expected a type of the llvm dialect, got {type}")

    def name(self, value: SSAValue) -> str:
        known = self.names.get(value)
        if known is None:
            known = self.names[value] = f"%v{self.next}"
            self.next += 1
        return known

    def typed(self, value: SSAValue) -> str:
        return f"{self.type(value.type)} {self.name(value)}"

    def constant(self, value: Attribute, type: Attribute) -> str:
        match value:
            case IntegerAttr():
                return _number(int(value.value.data), type)
            case FloatAttr():
                return _number(value.value.data, type)
            case DenseIntOrFPElementsAttr() if isinstance(type, VectorType):
                element = cast("VectorType[Attribute]", type).element_type
                name = self.type(element)
                numbers = cast("DenseIntOrFPElementsAttr[Any]", value).get_values()
                if value.is_splat():
                    return f"splat ({name} {_number(numbers[0], element)})"
                return "<" + ", ".join(f"{name} {_number(number, element)}" for number in numbers) + ">"
            case _:
                raise CompileError(f"expected a number or dense elements as a constant of type {type}, got {value}")

    def fastmath(self, op: Operation) -> str:
        attr = op.properties.get("fastmathFlags")
        if attr is None:
            return ""
        known = self.flags.get(id(attr))
        if known is None:
            known = self.flags[id(attr)] = (attr, _fastmath(attr))
        return known[1]

    # the top level

    def variable(self, op: upstream.GlobalOp) -> None:
        linkage = op.linkage.linkage.data
        kind = "constant" if op.constant is not None else "global"
        if op.body.blocks:
            raise CompileError(f"global '{op.sym_name.data}': expected a value, got an initializer region")
        text = self.type(op.global_type)
        if op.value is None:
            initial = f" {text}" if linkage == "external" and op.constant is None else f" {text} zeroinitializer"
            if linkage == "external":
                kind = f"external {kind}"
        elif isinstance(op.value, DenseIntOrFPElementsAttr):
            initial = " " + _data(cast("DenseIntOrFPElementsAttr[Any]", op.properties["value"]))
        else:
            initial = f" {text} {self.constant(op.value, op.global_type)}"
        words = [_LINKAGE.get(linkage, linkage), "thread_local" if op.thread_local_ is not None else "", kind]
        align = f", align {op.alignment.value.data}" if op.alignment is not None else ""
        prefix = " ".join(word for word in words if word)
        self.out.append(f"@{_symbol(op.sym_name.data)} = {prefix}{initial}{align}\n")

    def function(self, op: upstream.FuncOp) -> None:
        inputs = op.function_type.inputs.data
        given = op.arg_attrs.data if op.arg_attrs is not None else (None,) * len(inputs)
        result = self.type(op.function_type.output)
        name = _symbol(op.sym_name.data)
        if not op.body.blocks:
            types = ", ".join(map(self.type, inputs))
            self.out.append(f"declare {result} @{name}({types})\n")
            return
        self.names, self.labels, self.phis, self.next = {}, {}, {}, 0
        entry = op.body.blocks[0]
        args = ", ".join(
            f"{self.type(arg.type)}{_parameter_attributes(attrs)} {self.name(arg)}"
            for arg, attrs in zip(entry.args, given, strict=True)
        )
        linkage = op.linkage.linkage.data
        linkage = f"{linkage} " if linkage != "external" else ""
        group = "#1" if op.get_attr_or_prop("no_inline") is not None else "#0"
        self.out.append(f"define {linkage}{result} @{name}({args}) {group} {{\n")
        self.body(op.body)
        self.out.append("}\n")

    def body(self, region: Region) -> None:
        for i, block in enumerate(region.blocks):
            self.labels[block] = f"b{i}"
        for block in region.blocks:
            self.collect_edges(block)
        out = self.out
        writers = _WRITERS
        for block in region.blocks:
            out.append(f"{self.labels[block]}:\n")
            edges = self.phis.get(block)
            if edges:
                for i, arg in enumerate(block.args):
                    incoming = ", ".join(f"[ {self.operand(values[i])}, %{label} ]" for label, values in edges)
                    out.append(f"  {self.name(arg)} = phi {self.type(arg.type)} {incoming}\n")
            for op in block.ops:
                write = writers.get(op.name)
                if write is None:
                    raise CompileError(f"expected an operation that has LLVM IR, got '{op.name}'")
                write(self, op)

    def operand(self, value: SSAValue) -> str:
        """The name of a value that may be defined further down: constants are looked up."""
        if value not in self.names:
            owner = value.owner
            if isinstance(owner, Operation):
                write = _IN_PLACE.get(owner.name)
                if write is not None:
                    write(self, owner)
        return self.name(value)

    def collect_edges(self, block: Block) -> None:
        terminator = block.last_op
        if isinstance(terminator, upstream.BrOp):
            self.edge(block, terminator.successor, terminator.operands)
        elif isinstance(terminator, upstream.CondBrOp):
            if terminator.then_block is terminator.else_block and terminator.then_block.args:
                raise CompileError("'llvm.cond_br': expected different successors, or none with arguments")
            self.edge(block, terminator.then_block, terminator.then_arguments)
            self.edge(block, terminator.else_block, terminator.else_arguments)

    def edge(self, source: Block, target: Block, values: Sequence[SSAValue]) -> None:
        if target.args:
            self.phis.setdefault(target, []).append((self.labels[source], tuple(values)))

    # operations

    def define(self, op: Operation, text: str) -> None:
        self.out.append(f"  {self.name(op.results[0])} = {text}\n")

    def declare(self, name: str, result: str, arguments: Sequence[str]) -> None:
        if name not in self.symbols and name not in self.declarations:
            self.declarations[name] = f"declare {result} @{_symbol(name)}({', '.join(arguments)})"

    def call(self, op: Operation, name: str, arguments: Sequence[SSAValue], flags: str = "") -> None:
        """Calls a function that LLVM knows by name."""
        result = self.type(op.results[0].type) if op.results else "void"
        self.declare(name, result, [self.type(argument.type) for argument in arguments])
        text = f"call {flags}{result} @{_symbol(name)}({', '.join(map(self.typed, arguments))})"
        if op.results:
            self.define(op, text)
        else:
            self.out.append(f"  {text}\n")


def _symbol(name: str) -> str:
    if name.replace(".", "_").replace("$", "_").replace("-", "_").isidentifier():
        return name
    return '"' + "".join(_BYTES[b] for b in name.encode()) + '"'


def _number(value: float, type: Attribute) -> str:
    if isinstance(type, IntegerType):
        if cast(IntegerType, type).width.data == 1:
            return "true" if value else "false"
        return str(int(value))
    value = float(value)
    if isinstance(type, Float16Type):
        return f"0xH{struct.unpack('<H', struct.pack('<e', value))[0]:04X}"
    if isinstance(type, BFloat16Type):
        return f"0xR{_bf16_bits(value):04X}"
    if isinstance(type, Float32Type):
        value = _round_to_f32(value)
    elif not isinstance(type, Float64Type):
        raise CompileError(f"expected a constant of bf16, f16, f32 or f64, got {type}")
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _bf16_bits(value: float) -> int:
    """The nearest bfloat16, ties to even."""
    (bits,) = struct.unpack("<I", struct.pack("<f", _round_to_f32(value)))
    if math.isnan(value):
        return (bits >> 16) | 0x40
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def _round_to_f32(value: float) -> float:
    return float(np.float32(value))


def _fastmath(attr: Attribute) -> str:
    assert isinstance(attr, upstream.FastMathAttr)
    flags = [str(flag) for flag in attr.data]
    if len(flags) == 7:
        return "fast "
    return "".join(f"{flag} " for flag in sorted(flags))


def _data(value: DenseIntOrFPElementsAttr[Any]) -> str:
    """The elements of a global as bytes, which parse faster than numbers."""
    element = value.get_element_type()
    count = prod(value.get_shape())
    width = element.size if isinstance(element, FixedBitwidthType) else 8
    data = value.data.data
    if value.is_splat():
        data = data[:width] * count
    if element == i1:
        data = bytes(byte & 1 for byte in data)
    assert len(data) == width * count, "expected as many bytes as elements take"
    return f'[{len(data)} x i8] c"{"".join([_BYTES[b] for b in data])}"'


def _parameter_attributes(attrs: DictionaryAttr | None) -> str:
    if attrs is None:
        return ""
    words: list[str] = []
    for key, value in attrs.data.items():
        word = key.removeprefix("llvm.")
        if word in ("noalias", "nonnull", "noundef", "readonly", "writeonly", "readnone", "nofree"):
            if isinstance(value, UnitAttr):
                words.append(f" {word}")
        elif word == "align" and isinstance(value, IntegerAttr):
            words.append(f" align {value.value.data}")
        elif word == "dereferenceable" and isinstance(value, IntegerAttr):
            words.append(f" dereferenceable({value.value.data})")
    return "".join(sorted(words))


_Writers = Callable[[_Writer, Any], None]


def _binary(instruction: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        lhs, rhs = op.operands
        w.out.append(f"  {w.name(op.results[0])} = {instruction} {w.fastmath(op)}{w.typed(lhs)}, {w.name(rhs)}\n")

    return write


def _overflowing(instruction: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        lhs, rhs = op.operands
        flags: IntegerAttr[IntegerType] | None = op.overflowFlags
        text = "" if flags is None else _OVERFLOW[flags.value.data & 3]
        w.define(op, f"{instruction} {text}{w.typed(lhs)}, {w.name(rhs)}")

    return write


def _exact(instruction: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        lhs, rhs = op.operands
        exact = "exact " if op.is_exact is not None else ""
        w.define(op, f"{instruction} {exact}{w.typed(lhs)}, {w.name(rhs)}")

    return write


def _disjoint(instruction: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        lhs, rhs = op.operands
        disjoint = "disjoint " if op.is_disjoint is not None else ""
        w.define(op, f"{instruction} {disjoint}{w.typed(lhs)}, {w.name(rhs)}")

    return write


def _cast(instruction: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        flags = "nneg " if op.properties.get("nonNeg") is not None else ""
        w.define(op, f"{instruction} {flags}{w.typed(op.operands[0])} to {w.type(op.results[0].type)}")

    return write


def _constant(w: _Writer, op: Any) -> None:
    result = op.results[0]
    w.names[result] = w.constant(op.properties["value"], result.type)


def _literal(text: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        w.names[op.results[0]] = text

    return write


def _zero(w: _Writer, op: Any) -> None:
    result = op.results[0]
    w.names[result] = "null" if isinstance(result.type, upstream.LLVMPointerType) else "zeroinitializer"


def _address_of(w: _Writer, op: upstream.AddressOfOp) -> None:
    w.names[op.result] = f"@{_symbol(op.global_name.string_value())}"


def _icmp(w: _Writer, op: upstream.ICmpOp) -> None:
    w.define(op, f"icmp {_ICMP[op.predicate.value.data]} {w.typed(op.lhs)}, {w.name(op.rhs)}")


def _fcmp(w: _Writer, op: Any) -> None:
    w.define(op, f"fcmp {w.fastmath(op)}{_FCMP[op.predicate.value.data]} {w.typed(op.lhs)}, {w.name(op.rhs)}")


def _gep(w: _Writer, op: Any) -> None:
    base, *dynamic = op.operands
    position = 0
    indices: list[str] = []
    for value in op.properties["rawConstantIndices"].iter_values():
        if value == DYNAMIC_INDEX:
            indices.append(f", {w.typed(dynamic[position])}")
            position += 1
        else:
            indices.append(f", i32 {value}")
    flags = op.properties.get("noWrapFlags")
    text = "" if flags is None else _GEP_FLAGS[flags.value.data]
    element = w.type(op.properties["elem_type"])
    w.out.append(f"  {w.name(op.results[0])} = getelementptr {text}{element}, ptr {w.name(base)}{''.join(indices)}\n")


def _alloca(w: _Writer, op: upstream.AllocaOp) -> None:
    align = f", align {op.alignment.value.data}" if op.alignment is not None else ""
    w.define(op, f"alloca {w.type(op.elem_type)}, {w.typed(op.size)}{align}")


def _load(w: _Writer, op: upstream.LoadOp) -> None:
    if op.ordering.value.data:
        raise CompileError("'llvm.load': expected a load that is not atomic")
    align = f", align {op.alignment.value.data}" if op.alignment is not None else ""
    w.define(op, f"load {w.type(op.results[0].type)}, {w.typed(op.ptr)}{align}")


def _store(w: _Writer, op: upstream.StoreOp) -> None:
    if op.ordering is not None and op.ordering.value.data:
        raise CompileError("'llvm.store': expected a store that is not atomic")
    volatile = "volatile " if op.volatile_ is not None else ""
    align = f", align {op.alignment.value.data}" if op.alignment is not None else ""
    if op.nontemporal is not None:
        raise CompileError("'llvm.store': expected a temporal store")
    w.out.append(f"  store {volatile}{w.typed(op.value)}, {w.typed(op.ptr)}{align}\n")


def _align_argument(op: Any) -> int:
    return op.alignment.value.data


def _masked_load(w: _Writer, op: Any) -> None:
    data, mask, pass_thru = op.operands
    type = w.type(op.results[0].type)
    name = f"llvm.masked.load.{_mangled(type)}.p0"
    w.declare(name, type, ["ptr", w.type(mask.type), type])
    pointer = f"ptr align {_align_argument(op)} {w.name(data)}"
    w.define(op, f"call {type} @{name}({pointer}, {w.typed(mask)}, {w.typed(pass_thru)})")


def _masked_store(w: _Writer, op: Any) -> None:
    value, data, mask = op.operands
    type = w.type(value.type)
    name = f"llvm.masked.store.{_mangled(type)}.p0"
    w.declare(name, "void", [type, "ptr", w.type(mask.type)])
    pointer = f"ptr align {_align_argument(op)} {w.name(data)}"
    w.out.append(f"  call void @{name}({w.typed(value)}, {pointer}, {w.typed(mask)})\n")


_MANGLED = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64", "ptr": "p0"}


def _mangled(type: str) -> str:
    if type.startswith("<"):
        count, _, element = type[1:-1].partition(" x ")
        return f"v{count}{_mangled(element)}"
    return _MANGLED.get(type, type)


def _intrinsic(name: str) -> _Writers:
    """An operation that stands for an intrinsic overloaded on its result."""

    def write(w: _Writer, op: Any) -> None:
        mangled = f"llvm.{name}.{_mangled(w.type(op.results[0].type))}"
        w.call(op, mangled, op.operands, w.fastmath(op))

    return write


def _vector_reduction(name: str) -> _Writers:
    def write(w: _Writer, op: Any) -> None:
        mangled = f"llvm.vector.reduce.{name}.{_mangled(w.type(op.operands[1].type))}"
        w.call(op, mangled, op.operands, w.fastmath(op))

    return write


def _call_intrinsic(w: _Writer, op: upstream.CallIntrinsicOp) -> None:
    if op.op_bundle_operands:
        raise CompileError(f"'{op.name}': expected no operand bundles")
    w.call(op, op.intrin.data, op.args, w.fastmath(op) if op.results else "")


def _inline_asm(w: _Writer, op: upstream.InlineAsmOp) -> None:
    if op.operands or op.results or op.asm_string.data:
        raise CompileError(f"'{op.name}': expected assembly that is empty, and only says what is written")
    effect = "sideeffect " if op.has_side_effects is not None else ""
    w.out.append(f'  call void asm {effect}"", "{op.constraints.data}"()\n')


def _call(w: _Writer, op: upstream.CallOp) -> None:
    result = w.type(op.results[0].type) if op.results else "void"
    if op.callee is None:
        callee, arguments = w.name(op.args[0]), op.args[1:]
    else:
        name, arguments = op.callee.string_value(), op.args
        callee = f"@{_symbol(name)}"
        if name not in w.symbols:
            raise CompileError(f"call of '{name}': expected a function of this module")
    text = f"call {w.fastmath(op) if op.results else ''}{result} {callee}({', '.join(map(w.typed, arguments))})"
    if op.results:
        w.define(op, text)
    else:
        w.out.append(f"  {text}\n")


def _br(w: _Writer, op: upstream.BrOp) -> None:
    w.out.append(f"  br label %{w.labels[op.successor]}\n")


def _cond_br(w: _Writer, op: upstream.CondBrOp) -> None:
    targets = f"label %{w.labels[op.then_block]}, label %{w.labels[op.else_block]}"
    w.out.append(f"  br {w.typed(op.cond)}, {targets}\n")


def _return(w: _Writer, op: upstream.ReturnOp) -> None:
    w.out.append("  ret void\n" if op.arg is None else f"  ret {w.typed(op.arg)}\n")


def _unreachable(w: _Writer, op: Operation) -> None:
    w.out.append("  unreachable\n")


def _select(w: _Writer, op: Any) -> None:
    cond, lhs, rhs = op.operands
    w.define(op, f"select {w.fastmath(op)}{w.typed(cond)}, {w.typed(lhs)}, {w.typed(rhs)}")


def _fneg(w: _Writer, op: Any) -> None:
    w.define(op, f"fneg {w.fastmath(op)}{w.typed(op.operands[0])}")


def _insert_element(w: _Writer, op: upstream.InsertElementOp) -> None:
    w.define(op, f"insertelement {w.typed(op.vector)}, {w.typed(op.value)}, {w.typed(op.index)}")


def _extract_element(w: _Writer, op: Any) -> None:
    w.define(op, f"extractelement {w.typed(op.operands[0])}, {w.typed(op.operands[1])}")


def _shuffle(w: _Writer, op: upstream.ShuffleVectorOp) -> None:
    lanes = _integers(op.mask)
    if any(lanes):
        mask = "<" + ", ".join("i32 poison" if lane < 0 else f"i32 {lane}" for lane in lanes) + ">"
    else:
        mask = "zeroinitializer"
    w.define(op, f"shufflevector {w.typed(op.v1)}, {w.typed(op.v2)}, <{len(lanes)} x i32> {mask}")


def _integers(array: DenseArrayBase[Any]) -> tuple[int, ...]:
    return cast("DenseArrayBase[IntegerType]", array).get_values()


def _position(position: DenseArrayBase[Any]) -> str:
    return "".join(f", {index}" for index in _integers(position))


def _extract_value(w: _Writer, op: upstream.ExtractValueOp) -> None:
    w.define(op, f"extractvalue {w.typed(op.container)}{_position(op.position)}")


def _insert_value(w: _Writer, op: upstream.InsertValueOp) -> None:
    w.define(op, f"insertvalue {w.typed(op.container)}, {w.typed(op.value)}{_position(op.position)}")


_IN_PLACE: dict[str, _Writers] = {
    "llvm.mlir.addressof": _address_of,
    "llvm.mlir.constant": _constant,
    "llvm.mlir.poison": _literal("poison"),
    "llvm.mlir.undef": _literal("undef"),
    "llvm.mlir.zero": _zero,
}

_WRITERS: dict[str, _Writers] = _IN_PLACE | {
    "llvm.add": _overflowing("add"),
    "llvm.alloca": _alloca,
    "llvm.and": _binary("and"),
    "llvm.ashr": _exact("ashr"),
    "llvm.bitcast": _cast("bitcast"),
    "llvm.br": _br,
    "llvm.call": _call,
    "llvm.call_intrinsic": _call_intrinsic,
    "llvm.cond_br": _cond_br,
    "llvm.extractelement": _extract_element,
    "llvm.extractvalue": _extract_value,
    "llvm.fadd": _binary("fadd"),
    "llvm.fcmp": _fcmp,
    "llvm.fdiv": _binary("fdiv"),
    "llvm.fmul": _binary("fmul"),
    "llvm.fneg": _fneg,
    "llvm.fpext": _cast("fpext"),
    "llvm.fptosi": _cast("fptosi"),
    "llvm.fptoui": _cast("fptoui"),
    "llvm.fptrunc": _cast("fptrunc"),
    "llvm.frem": _binary("frem"),
    "llvm.fsub": _binary("fsub"),
    "llvm.getelementptr": _gep,
    "llvm.icmp": _icmp,
    "llvm.inline_asm": _inline_asm,
    "llvm.insertelement": _insert_element,
    "llvm.insertvalue": _insert_value,
    "llvm.intr.ceil": _intrinsic("ceil"),
    "llvm.intr.copysign": _intrinsic("copysign"),
    "llvm.intr.cos": _intrinsic("cos"),
    "llvm.intr.exp": _intrinsic("exp"),
    "llvm.intr.exp2": _intrinsic("exp2"),
    "llvm.intr.fabs": _intrinsic("fabs"),
    "llvm.intr.floor": _intrinsic("floor"),
    "llvm.intr.fma": _intrinsic("fma"),
    "llvm.intr.log": _intrinsic("log"),
    "llvm.intr.log2": _intrinsic("log2"),
    "llvm.intr.masked.load": _masked_load,
    "llvm.intr.masked.store": _masked_store,
    "llvm.intr.maxnum": _intrinsic("maxnum"),
    "llvm.intr.minnum": _intrinsic("minnum"),
    "llvm.intr.pow": _intrinsic("pow"),
    "llvm.intr.sin": _intrinsic("sin"),
    "llvm.intr.sqrt": _intrinsic("sqrt"),
    "llvm.intr.vector.reduce.fadd": _vector_reduction("fadd"),
    "llvm.intr.vector.reduce.fmul": _vector_reduction("fmul"),
    "llvm.inttoptr": _cast("inttoptr"),
    "llvm.load": _load,
    "llvm.lshr": _exact("lshr"),
    "llvm.mul": _overflowing("mul"),
    "llvm.or": _disjoint("or"),
    "llvm.ptrtoint": _cast("ptrtoint"),
    "llvm.return": _return,
    "llvm.sdiv": _exact("sdiv"),
    "llvm.select": _select,
    "llvm.sext": _cast("sext"),
    "llvm.shl": _overflowing("shl"),
    "llvm.shufflevector": _shuffle,
    "llvm.sitofp": _cast("sitofp"),
    "llvm.srem": _binary("srem"),
    "llvm.store": _store,
    "llvm.sub": _overflowing("sub"),
    "llvm.trunc": _cast("trunc"),
    "llvm.udiv": _exact("udiv"),
    "llvm.uitofp": _cast("uitofp"),
    "llvm.unreachable": _unreachable,
    "llvm.urem": _binary("urem"),
    "llvm.xor": _binary("xor"),
    "llvm.zext": _cast("zext"),
}
