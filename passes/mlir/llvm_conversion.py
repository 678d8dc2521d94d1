"""What the conversions to the `llvm` dialect share: one walk over a module that rewrites each operation once.

A conversion is a table of patterns, one for each operation type. A pattern looks at one operation, emits its
replacement and says what became of its results (`LLVMConversion.map`). Operations that have no pattern stay as they
are, with casts around them where types differ, so that the IR is legal wherever a conversion stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import copysign
from typing import Any, TypeAlias, cast

from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import (
    AffineMapAttr,
    AnyFloat,
    BFloat16Type,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FixedBitwidthType,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    NoneAttr,
    StridedLayoutAttr,
    StringAttr,
    UnrealizedConversionCastOp,
    VectorType,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineMap

from ...dialects import llvm
from ...dialects.quasi_affine import Atom, Digit, Interval, Lin
from ...errors import CompileError

POINTER = upstream.LLVMPointerType()
_MAX_GEP_INDEX = 2**31 - 1
_NOT_ATOMIC = IntegerAttr(0, i64)

Pattern = Callable[["LLVMConversion", Any], None]
"""Replaces one operation: emits operations and maps its results."""

AnyVector: TypeAlias = VectorType[Attribute]
AnyMemRef: TypeAlias = MemRefType[Attribute]

PatternTable = Mapping[type[Operation], Pattern]


def integer_attr(value: int, type: IntegerType) -> IntegerAttr:
    """An integer attribute, shared between its users."""
    return _integer_attr(value, type.width.data)


@cache
def _integer_attr(value: int, width: int) -> IntegerAttr:
    return IntegerAttr(value, width, truncate_bits=True)


@cache
def vector_type(lanes: int, element: Attribute) -> AnyVector:
    """A one-dimensional vector type, shared between its users."""
    return VectorType(element, (lanes,))


def integers(array: DenseArrayBase[Any]) -> tuple[int, ...]:
    """The elements of a dense array of integers."""
    return cast("DenseArrayBase[IntegerType]", array).get_values()


def as_vector(type: Attribute) -> AnyVector | None:
    """The type, if it is that of a vector."""
    return cast(AnyVector, type) if isinstance(type, VectorType) else None


def vector_of(value: SSAValue) -> AnyVector:
    """The type of a value that is a vector."""
    vector = as_vector(value.type)
    assert vector is not None
    return vector


def memref_of(value: SSAValue) -> AnyMemRef:
    """The type of a value that is a memref."""
    type = value.type
    assert isinstance(type, MemRefType)
    return cast(AnyMemRef, type)


def element_type(type: Attribute) -> Attribute:
    """The element type of a vector, or the type itself."""
    vector = as_vector(type)
    return type if vector is None else vector.element_type


def row_major_strides(type: AnyMemRef) -> tuple[int, ...]:
    """The strides of a memref with static shape and identity layout."""
    strides: list[int] = []
    size = 1
    for extent in reversed(type.get_shape()):
        strides.append(size)
        size *= extent
    return tuple(reversed(strides))


def check_memref(type: AnyMemRef) -> None:
    """Raises unless a bare pointer says all about such a memref."""
    if any(extent < 0 for extent in type.get_shape()):
        raise CompileError(f"expected a memref with static shape, got {type}")
    layout = type.layout
    identity = (
        isinstance(layout, NoneAttr)
        or (isinstance(layout, AffineMapAttr) and layout.data == AffineMap.identity(type.get_num_dims()))
        or (isinstance(layout, StridedLayoutAttr) and layout.get_strides() == row_major_strides(type))
    )
    if not identity:
        raise CompileError(f"expected a memref with identity layout, got {type}")


def convert_type(type: Attribute) -> Attribute:
    """The type of the `llvm` dialect that stands for `type`; itself where it is one already.

    That of bf16 is i16: what is left of it is loads, stores and choices, of which LLVM would make more.
    """
    if isinstance(type, IndexType):
        return i64
    if isinstance(type, BFloat16Type):
        return i16
    if isinstance(type, MemRefType):
        check_memref(cast(AnyMemRef, type))
        return POINTER
    vector = as_vector(type)
    if vector is None:
        return type
    if vector.get_num_dims() != 1:
        raise CompileError(f"expected a vector with one dimension, got {vector}")
    element = convert_type(vector.element_type)
    return vector if element is vector.element_type else vector_type(vector.get_shape()[0], element)


def memory_type(type: Attribute) -> Attribute:
    """The type that values of the converted type `type` have in memory: a boolean takes a byte."""
    if type == i1:
        return i8
    vector = as_vector(type)
    return vector_type(vector.get_shape()[0], i8) if vector is not None and vector.element_type == i1 else type


def dense(type: Attribute, values: Sequence[int] | Sequence[float]) -> DenseIntOrFPElementsAttr[Any]:
    """Elements of a vector: one for all lanes, or one for each."""
    # Masks and steps are the same few again and again. Of floats, 0.0 and -0.0 would be one.
    if all(isinstance(value, int) for value in values):
        return _dense_integers(type, tuple(cast("Sequence[int]", values)))
    return DenseIntOrFPElementsAttr.from_list(cast("VectorType[Any]", type), cast("Sequence[Any]", values))


@lru_cache(maxsize=1024)
def _dense_integers(type: Attribute, values: tuple[int, ...]) -> DenseIntOrFPElementsAttr[Any]:
    return DenseIntOrFPElementsAttr.from_list(cast("VectorType[Any]", type), values)


@cache
def byte_size(type: Attribute) -> int:
    """How many bytes an element of a memref takes."""
    type = memory_type(convert_type(type))
    if isinstance(type, FixedBitwidthType):
        return type.size
    if type == POINTER:
        return 8
    raise CompileError(f"expected an element type of fixed width, got {type}")


def _is_negative(value: Attribute) -> bool:
    """What tells -0.0 from 0.0, which are equal attributes."""
    return isinstance(value, FloatAttr) and copysign(1.0, cast("FloatAttr[AnyFloat]", value).value.data) < 0


@dataclass(eq=False)
class Scope:
    """A stretch of code that everything nested in it is dominated by, and what has been computed there."""

    depth: int
    block: Block
    """Where code of this scope goes: before the terminator if there is one, else at the end."""
    constants: dict[Any, SSAValue] = field(default_factory=dict[Any, SSAValue])
    pointers: dict[Any, SSAValue] = field(default_factory=dict[Any, SSAValue])
    terms: dict[Any, SSAValue] = field(default_factory=dict[Any, SSAValue])

    def add(self, op: Operation) -> None:
        block = self.block
        last = block.last_op
        if last is not None and isinstance(last, (upstream.BrOp, upstream.CondBrOp)):
            block.insert_op_before(op, last)
        else:
            block.add_op(op)


class LLVMConversion:
    """One run of a conversion over a module."""

    def __init__(self, table: PatternTable) -> None:
        self.table = table
        self.values: dict[SSAValue, SSAValue] = {}
        self.intervals: dict[SSAValue, Interval] = {}
        self.integers: dict[SSAValue, int] = {}
        self.blocks: dict[Block, Block] = {}
        self.block_depth: dict[Block, int] = {}
        self.scopes: list[Scope] = []
        self.types: dict[int, tuple[Attribute, Attribute]] = {}
        self.stored_types: dict[int, tuple[Attribute, Attribute]] = {}
        self.memref_strides: dict[int, tuple[Attribute, tuple[int, ...]]] = {}
        self.symbols: dict[str, Operation] = {}

    # types and values

    def type(self, type: Attribute) -> Attribute:
        """`convert_type`, remembered by identity: hashing a type costs more than converting it."""
        key = id(type)
        known = self.types.get(key)
        if known is None:
            known = self.types[key] = (type, convert_type(type))
        return known[1]

    def stored_type(self, type: Attribute) -> Attribute:
        """`memory_type`, remembered by identity."""
        known = self.stored_types.get(id(type))
        if known is None:
            known = self.stored_types[id(type)] = (type, memory_type(type))
        return known[1]

    def strides(self, type: AnyMemRef) -> tuple[int, ...]:
        """`row_major_strides`, remembered by identity."""
        known = self.memref_strides.get(id(type))
        if known is None:
            known = self.memref_strides[id(type)] = (type, row_major_strides(type))
        return known[1]

    def get(self, value: SSAValue) -> SSAValue:
        """What `value` became, in its converted type."""
        new = self.values.get(value)
        if new is None:
            raise CompileError(f"expected a value that the conversion knows, got one of type {value.type}")
        target = self.type(value.type)
        if new.type is target or new.type == target:
            return new
        return self.cast(new, target)

    def original(self, value: SSAValue) -> SSAValue:
        """What `value` became, in its original type: for operations that stay."""
        new = self.values.get(value, value)
        return new if new.type == value.type else self.cast(new, value.type)

    def cast(self, value: SSAValue, type: Attribute) -> SSAValue:
        """An unrealized cast, or what the value was cast from."""
        owner = value.owner
        if isinstance(owner, UnrealizedConversionCastOp) and len(owner.inputs) == 1 and owner.inputs[0].type == type:
            return owner.inputs[0]
        return self.emit(UnrealizedConversionCastOp, (value,), type)

    def map(self, old: SSAValue, new: SSAValue) -> None:
        """Says that `new` stands for `old` from here on."""
        self.values[old] = new
        if new.name_hint is None and old.name_hint is not None:
            new.name_hint = old.name_hint

    def bounds(self, value: SSAValue) -> Interval | None:
        """The interval that an index of the program is known to lie in."""
        return self.intervals.get(value)

    # emission

    @property
    def scope(self) -> Scope:
        return self.scopes[-1]

    def emit(
        self,
        op_type: type[Operation],
        operands: Sequence[SSAValue],
        result_type: Attribute,
        properties: Mapping[str, Attribute] = {},
    ) -> SSAValue:
        """Appends an operation with one result at the current place."""
        op = op_type.create(operands=operands, result_types=(result_type,), properties=properties)
        self.scopes[-1].block.add_op(op)
        return op.results[0]

    def emit_op(self, op: Operation) -> Operation:
        """Appends an operation at the current place."""
        self.scopes[-1].block.add_op(op)
        return op

    def constant(self, value: Attribute, type: Attribute) -> SSAValue:
        """An `llvm.mlir.constant`, one for each function."""
        constants = self.scopes[0].constants
        key = (value, type, _is_negative(value))
        known = constants.get(key)
        if known is None:
            op = upstream.ConstantOp.create(result_types=(type,), properties={"value": value})
            self.at_entry(op)
            known = constants[key] = op.results[0]
        return known

    def integer(self, value: int, type: IntegerType = i64) -> SSAValue:
        """An integer constant."""
        return self.constant(integer_attr(value, type), type)

    def poison(self, type: Attribute) -> SSAValue:
        """A poison value, one for each type and function."""
        constants = self.scopes[0].constants
        known = constants.get((type,))
        if known is None:
            op = llvm.PoisonOp.create(result_types=(type,))
            self.at_entry(op)
            known = constants[(type,)] = op.results[0]
        return known

    def at_entry(self, op: Operation) -> None:
        entry = self.entry
        if self._last_constant is None:
            if entry.first_op is None:
                entry.add_op(op)
            else:
                entry.insert_op_before(op, entry.first_op)
        else:
            entry.insert_op_after(op, self._last_constant)
        self._last_constant = op

    # blocks and scopes

    def enter_function(self, entry: Block) -> None:
        """Starts code of a function; `entry` is where its constants go."""
        assert not self.scopes, "functions do not nest"
        self.entry = entry
        self._last_constant: Operation | None = None
        self.push(entry)

    def leave_function(self) -> None:
        self.scopes.clear()
        self.block_depth.clear()

    def push(self, block: Block) -> Scope:
        """Starts a scope nested in the current one, at `block`."""
        scope = Scope(len(self.scopes), block)
        self.scopes.append(scope)
        self.block_depth[block] = scope.depth
        return scope

    def pop(self) -> None:
        self.scopes.pop()

    def new_block(self, arg_types: Sequence[Attribute] = ()) -> Block:
        """A block at the end of the current function."""
        block = Block(arg_types=arg_types)
        region = self.entry.parent
        assert region is not None
        region.add_block(block)
        return block

    def go_on_at(self, block: Block) -> None:
        """What follows in the current scope goes to `block`, which the code so far dominates."""
        scope = self.scopes[-1]
        scope.block = block
        self.block_depth[block] = scope.depth

    def branch(self, target: Block, operands: Sequence[SSAValue] = ()) -> None:
        self.emit_op(upstream.BrOp.create(operands=operands, successors=(target,)))

    def cond_branch(
        self,
        condition: SSAValue,
        then_block: Block,
        then_operands: Sequence[SSAValue],
        else_block: Block,
        else_operands: Sequence[SSAValue],
    ) -> None:
        self.emit_op(
            upstream.CondBrOp.create(
                operands=(condition, *then_operands, *else_operands),
                successors=(then_block, else_block),
                properties={
                    "operandSegmentSizes": _segments(1, len(then_operands), len(else_operands)),
                },
            )
        )

    # the walk

    def run(self, module: ModuleOp) -> None:
        """Converts a module in place."""
        old = list(module.body.block.ops)
        for op in old:
            op.detach()
        self.module = module.body.block
        self.symbols = {op.sym_name.data: op for op in old if isinstance(op, upstream.FuncOp)}
        for op in old:
            pattern = self.table.get(type(op))
            if pattern is not None:
                pattern(self, op)
            elif op.regions and op.regions[0].blocks:
                self.add_to_module(self._kept(op))
            else:
                self.add_to_module(op)

    def add_to_module(self, op: Operation) -> None:
        """Appends an operation at the top level."""
        self.module.add_op(op)

    def declare(self, name: str, arguments: Sequence[Attribute], result: Attribute | None) -> None:
        """Declares an external function, once."""
        if name not in self.symbols:
            self.symbols[name] = op = upstream.FuncOp(
                name, upstream.LLVMFunctionType(arguments, result), upstream.LinkageAttr("external")
            )
            first = self.module.first_op
            if first is None:
                self.module.add_op(op)
            else:
                self.module.insert_op_before(op, first)

    def run_block(self, block: Block) -> None:
        """Converts the operations of `block` in order, at the current place."""
        table = self.table
        for op in block.ops:
            pattern = table.get(type(op))
            if pattern is None:
                self.keep(op)
            else:
                pattern(self, op)

    def keep(self, op: Operation) -> None:
        """Leaves an operation as it is, but for what its operands and regions became."""
        new = self._kept(op)
        self.emit_op(new)
        for old_result, new_result in zip(op.results, new.results, strict=True):
            self.map(old_result, new_result)

    def _kept(self, op: Operation) -> Operation:
        original = self.original
        return type(op).create(
            operands=[original(operand) for operand in op.operands],
            result_types=[result.type for result in op.results],
            properties=op.properties,
            attributes=op.attributes,
            successors=[self.blocks.get(successor, successor) for successor in op.successors],
            regions=[self._keep_region(region) for region in op.regions],
            location=op.location,
        )

    def _keep_region(self, region: Region) -> Region:
        for block in region.blocks:
            self.blocks[block] = new = Block(arg_types=block.arg_types)
            for old_arg, new_arg in zip(block.args, new.args, strict=True):
                self.map(old_arg, new_arg)
        kept = Region([self.blocks[block] for block in region.blocks])
        outermost = not self.scopes
        for block in region.blocks:
            if outermost:
                self.enter_function(self.blocks[block])
            else:
                self.push(self.blocks[block])
            self.run_block(block)
            if outermost:
                self.leave_function()
            else:
                self.pop()
        return kept

    # index arithmetic

    def depth_of(self, value: SSAValue) -> int:
        """The scope that a converted value belongs to."""
        owner = value.owner
        block = owner if isinstance(owner, Block) else owner.parent
        assert block is not None
        return self.block_depth.get(block, len(self.scopes) - 1)

    def emit_at(self, scope: Scope, op_type: type[Operation], operands: Sequence[SSAValue]) -> SSAValue:
        """Appends integer arithmetic to the code of an enclosing scope."""
        op = op_type.create(operands=operands, result_types=(operands[0].type,))
        scope.add(op)
        return op.results[0]

    def term(self, atom: Atom, coefficient: int) -> tuple[SSAValue, int]:
        """`atom * coefficient` as a value, and the depth of the scope where it is computed."""
        if isinstance(atom, Digit):
            value, depth = self.digit(atom)
        else:
            value = self.get(atom)
            depth = self.depth_of(value)
        if coefficient == 1:
            return value, depth
        scope = self.scopes[depth]
        key = (value, coefficient)
        known = scope.terms.get(key)
        if known is None:
            known = self.emit_at(scope, upstream.MulOp, (value, self.integer(coefficient)))
            scope.terms[key] = known
        return known, depth

    def digit(self, digit: Digit) -> tuple[SSAValue, int]:
        """A floor division and remainder as a value, and the depth of the scope where it is computed."""
        inner, depth = self.form_at(digit.inner)
        scope = self.scopes[depth]
        known = scope.terms.get(digit)
        if known is None:
            interval = digit.inner.range(self.bounds)
            negative = interval is None or interval[0] < 0
            known = inner
            if digit.divisor != 1:
                known = self._floordiv(scope, known, digit.divisor, negative)
            if digit.modulus is not None:
                known = self._mod(scope, known, digit.modulus, negative)
            scope.terms[digit] = known
        return known, depth

    def _floordiv(self, scope: Scope, value: SSAValue, divisor: int, negative: bool) -> SSAValue:
        by = self.integer(divisor)
        if not negative:
            return self.emit_at(scope, upstream.UDivOp, (value, by))
        # floor(x / d) is ~(~x / d) for x < 0
        sign = self.emit_at(scope, upstream.AShrOp, (value, self.integer(63)))
        folded = self.emit_at(scope, upstream.XOrOp, (value, sign))
        quotient = self.emit_at(scope, upstream.SDivOp, (folded, by))
        return self.emit_at(scope, upstream.XOrOp, (quotient, sign))

    def _mod(self, scope: Scope, value: SSAValue, modulus: int, negative: bool) -> SSAValue:
        by = self.integer(modulus)
        if not negative:
            return self.emit_at(scope, upstream.URemOp, (value, by))
        quotient = self._floordiv(scope, value, modulus, True)
        whole = self.emit_at(scope, upstream.MulOp, (quotient, by))
        return self.emit_at(scope, upstream.SubOp, (value, whole))

    def form_at(self, form: Lin) -> tuple[SSAValue, int]:
        """A form as a value, and the depth of the scope where it is computed."""
        if form.is_const:
            return self.integer(form.const), 0
        parts = sorted((self.term(atom, factor) for atom, factor in form.terms.items()), key=_by_depth)
        value, depth = parts[0]
        for part, depth in parts[1:]:
            value = self._sum(self.scopes[depth], value, part)
        if form.const:
            value = self._sum(self.scopes[depth], value, self.integer(form.const))
        return value, depth

    def _sum(self, scope: Scope, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        key = ("+", lhs, rhs)
        known = scope.terms.get(key)
        if known is None:
            known = scope.terms[key] = self.emit_at(scope, upstream.AddOp, (lhs, rhs))
        return known

    def form(self, form: Lin) -> SSAValue:
        """A form as a value."""
        return self.form_at(form)[0]

    # memory

    def address(self, memref: SSAValue, offset: Lin) -> SSAValue:
        """A pointer to the element of `memref` at a linear offset.

        What varies least is added first, each part where its values come to be; constants come last. Partial sums may
        lie outside of the buffer, so that no step may claim to be in bounds.
        """
        element = self.stored_type(self.type(memref_of(memref).element_type))
        base = self.get(memref)
        if offset.terms:
            base = self._moving_base(memref, base, element, offset)
        if offset.const == 0:
            return base
        scope = self.scopes[self.depth_of(base)]
        key = (base, offset.const)
        known = scope.pointers.get(key)
        if known is None:
            known = scope.pointers[key] = self._gep(scope, base, element, offset.const)
        return known

    def _moving_base(self, memref: SSAValue, base: SSAValue, element: Attribute, offset: Lin) -> SSAValue:
        key = (memref, frozenset(offset.terms.items()))
        for scope in reversed(self.scopes):
            known = scope.pointers.get(key)
            if known is not None:
                return known
        by_depth: dict[int, SSAValue] = {}
        for atom, coefficient in offset.terms.items():
            value, depth = self.term(atom, coefficient)
            known = by_depth.get(depth)
            by_depth[depth] = value if known is None else self._sum(self.scopes[depth], known, value)
        scope = self.scopes[self.depth_of(base)]
        for depth in sorted(by_depth):
            scope = self.scopes[max(depth, scope.depth)]
            index = by_depth[depth]
            step_key = (base, index)
            known = scope.pointers.get(step_key)
            if known is None:
                known = scope.pointers[step_key] = self._gep(scope, base, element, index)
            base = known
        scope.pointers[key] = base
        return base

    def _gep(self, scope: Scope, base: SSAValue, element: Attribute, index: SSAValue | int) -> SSAValue:
        if isinstance(index, int) and not -_MAX_GEP_INDEX <= index <= _MAX_GEP_INDEX:
            index = self.integer(index)
        constant = isinstance(index, int)
        op = llvm.GEPOp.create(
            operands=(base,) if constant else (base, index),
            result_types=(POINTER,),
            properties={
                "elem_type": element,
                "noWrapFlags": llvm.MAY_WRAP,
                "rawConstantIndices": _gep_index(index if constant else llvm.DYNAMIC_INDEX),
            },
        )
        scope.add(op)
        return op.results[0]

    def load(self, pointer: SSAValue, type: Attribute, alignment: int) -> SSAValue:
        """Loads a value of the converted type `type`."""
        stored = self.stored_type(type)
        value = self.emit(upstream.LoadOp, (pointer,), stored, _memory_properties(alignment))
        return value if stored is type or stored == type else self.to_boolean(value, type)

    def store(self, value: SSAValue, pointer: SSAValue, alignment: int) -> None:
        """Stores a value of a converted type."""
        stored = self.stored_type(value.type)
        if stored is not value.type and stored != value.type:
            value = self.emit(upstream.ZExtOp, (value,), stored)
        self.emit_op(upstream.StoreOp.create(operands=(value, pointer), properties=_memory_properties(alignment)))

    def to_boolean(self, value: SSAValue, type: Attribute) -> SSAValue:
        """Bytes in memory as booleans: whatever is not zero is true."""
        zero = self.zero(value.type)
        return self.emit(upstream.ICmpOp, (value, zero), type, {"predicate": integer_attr(1, i64)})

    def zero(self, type: Attribute) -> SSAValue:
        """The integer zero, or a vector of it."""
        return self.splat_integer(0, type)

    def splat_integer(self, value: int, type: Attribute) -> SSAValue:
        """An integer constant, or a vector of it."""
        vector = as_vector(type)
        if vector is not None:
            return self.constant(dense(vector, [value]), vector)
        return self.integer(value, cast(IntegerType, type))

    # calls

    def intrinsic(
        self,
        name: str,
        operands: Sequence[SSAValue],
        result_type: Attribute,
        fastmath: Attribute | None = None,
    ) -> SSAValue:
        """Calls an LLVM intrinsic by its mangled name."""
        properties = _intrinsic_properties(name, len(operands), fastmath)
        return self.emit(upstream.CallIntrinsicOp, operands, result_type, properties)

    def intrinsic_without_result(self, name: str, operands: Sequence[SSAValue]) -> None:
        """Calls an LLVM intrinsic for its effect."""
        properties = _intrinsic_properties(name, len(operands), None)
        self.emit_op(upstream.CallIntrinsicOp.create(operands=operands, properties=properties))


NO_FASTMATH = upstream.FastMathAttr(None)


def _intrinsic_properties(name: str, operands: int, fastmath: Attribute | None) -> dict[str, Attribute]:
    return {
        "intrin": _string_attr(name),
        "fastmathFlags": fastmath or NO_FASTMATH,
        "op_bundle_sizes": _empty_array(),
        "operandSegmentSizes": _segments(operands, 0),
    }


@cache
def _memory_properties(alignment: int) -> Mapping[str, Attribute]:
    return {"ordering": _NOT_ATOMIC, "alignment": integer_attr(alignment, i64)}


@cache
def _string_attr(text: str) -> StringAttr:
    return StringAttr(text)


@cache
def _empty_array() -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, ())


@cache
def _segments(*sizes: int) -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, sizes)


@cache
def _gep_index(index: int) -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, (index,))


def _by_depth(part: tuple[SSAValue, int]) -> int:
    return part[1]


@cache
def mangle(type: Attribute) -> str:
    """How LLVM spells a type in the name of an overloaded intrinsic."""
    vector = as_vector(type)
    if vector is not None:
        return f"v{vector.get_shape()[0]}{mangle(vector.element_type)}"
    if type == POINTER:
        return "p0"
    return str(type)
