"""Emission of rung 4a: ops at one place, constants and buffers at the entry of the function or the parallel body."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import prod
from typing import cast

from xdsl.dialects import affine, arith, memref, vector
from xdsl.dialects.builtin import (
    AffineMapAttr,
    AffineSetAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    VectorType,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineConstraintExpr,
    AffineConstraintKind,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSet,
)

from ....dialects import cpu
from ....dialects.loop import BUFFER_ALIGNMENT, AllocOp, ViewOp, byte_count, byte_size, memref_type
from ....dialects.quasi_affine import Bounds, Digit, Lin, to_affine_map
from ....errors import CompileError
from .plan import Storage
from .straight_line import Place, StraightLine

INDEX = IndexType()
ALIGNMENT = IntegerAttr(64, i64)
"""Alignment of emitted buffers: a cache line, and the widest vector."""
COPIED_BYTES = 64 * 1024
"""How much of the stack the buffers of further copies of code may take."""
CLEARED_BYTES = 64
"""How much is filled with zeros at once."""
MOST_STORES = 32
"""How many stores of zeros follow one another: LLVM sees through these where they turn out to be for registers."""
NO_OVERFLOW = {"overflowFlags": arith.IntegerOverflowAttr("none")}


@cache
def vector_type(element: Attribute, width: int) -> VectorType:
    """A vector type, shared between its users."""
    return VectorType(element, [width])


@cache
def index_attr(value: int) -> IntegerAttr:
    """An index constant, shared between its users."""
    return IntegerAttr(value, INDEX)


@lru_cache(maxsize=4096)
def _linear_map(num_dims: int, key: tuple[int, ...]) -> AffineMapAttr:
    """The map whose results a key lists: for each a count of terms, then dimensions and coefficients, then the
    constant."""
    results: list[AffineExpr] = []
    entries = iter(key)
    for count in entries:
        expr: AffineExpr | None = None
        for _ in range(count):
            term: AffineExpr = AffineDimExpr(next(entries))
            coefficient = next(entries)
            if coefficient != 1:
                term = AffineBinaryOpExpr(AffineBinaryOpKind.Mul, term, AffineConstantExpr(coefficient))
            expr = term if expr is None else AffineBinaryOpExpr(AffineBinaryOpKind.Add, expr, term)
        constant = AffineConstantExpr(next(entries))
        if expr is None:
            expr = constant
        elif constant.value:
            expr = AffineBinaryOpExpr(AffineBinaryOpKind.Add, expr, constant)
        results.append(expr)
    return AffineMapAttr(AffineMap(num_dims, 0, tuple(results)))


def affine_map(forms: Sequence[Lin]) -> tuple[AffineMapAttr, list[SSAValue]]:
    """The map whose results are `forms`, and its operands."""
    positions: dict[SSAValue, int] = {}
    key: list[int] = []
    for form in forms:
        terms = form.terms
        key.append(len(terms))
        for atom, coefficient in terms.items():
            if isinstance(atom, Digit):
                map, operands = to_affine_map(forms)
                return AffineMapAttr(map), operands
            key.append(positions.setdefault(atom, len(positions)))
            key.append(coefficient)
        key.append(form.const)
    return _linear_map(len(positions), tuple(key)), list(positions)


@dataclass
class Scope:
    """A function, or the body of a parallel loop, which becomes a function: what stands at its entry and its exit."""

    prologue: list[Operation] = field(default_factory=list[Operation])
    epilogue: list[Operation] = field(default_factory=list[Operation])
    constants: dict[Attribute, SSAValue] = field(default_factory=dict[Attribute, SSAValue])
    buffers: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    outer: Scope | None = None
    block: Block | None = None
    """The body of the parallel loop."""
    copied_bytes: int = 0
    """How large the buffers are of which there is one already."""
    slots: int | None = None
    """How many threads may run it, and that they are told apart."""


class Emitter:
    """Appends ops to a block. Values are shared by what comes after them; loads until a store makes them stale."""

    def __init__(self, block: Block, on_stack: Collection[SSAValue]) -> None:
        self.block = block
        self.scope = Scope()
        self._values: dict[object, SSAValue] = {}
        self.memory = StraightLine()
        self.count = 0
        self._on_stack = on_stack
        self._views: dict[SSAValue, SSAValue] = {}
        self._slots: dict[Block, int] = {}

    # ops

    def add(self, op: Operation) -> None:
        """Appends an op."""
        self.count += 1
        self.memory.added(op)
        self.block.add_op(op)

    def emit(
        self,
        op_type: type[Operation],
        operands: Sequence[SSAValue],
        result_type: Attribute,
        properties: Mapping[str, Attribute] = {},
    ) -> SSAValue:
        """Appends an op with one result."""
        op = op_type.create(operands=operands, result_types=(result_type,), properties=properties)
        self.add(op)
        return op.results[0]

    def shared(self, key: object, make: Callable[[], SSAValue]) -> SSAValue:
        """A value that depends on nothing but its key, made once in this straight line, or around it."""
        known = self._values.get(key)
        if known is None:
            known = self._values[key] = make()
        return known

    @contextmanager
    def inside(self, block: Block, *, apart: bool = False) -> Generator[None]:
        """Emits to a nested block, which sees the values around it unless it becomes a function. What it stored makes
        what was known of memory stale."""
        saved = self.block, self._values, self.memory
        self.block, self._values, self.memory = block, {} if apart else self._values, StraightLine()
        around = len(self._values)
        yield
        # What was made inside came last.
        while len(self._values) > around:
            self._values.popitem()
        self.block, self._values, self.memory = saved
        self.memory.clear()

    @contextmanager
    def new_scope(self, block: Block) -> Generator[None]:
        """Emits to a block that becomes a function."""
        self.scope = Scope(outer=self.scope, block=block)
        with self.inside(block, apart=True):
            yield
        self.close_scope(block, None)
        if self.scope.slots is not None:
            self._slots[block] = self.scope.slots
        assert self.scope.outer is not None
        self.scope = self.scope.outer

    def close_scope(self, block: Block, terminator: Operation | None) -> None:
        """Puts what stands at the entry and at the exit of the current scope around the code of `block`."""
        first = block.first_op
        if first is None:
            block.add_ops(self.scope.prologue)
        else:
            block.insert_ops_before(self.scope.prologue, first)
        if terminator is None:
            block.add_ops(self.scope.epilogue)
        else:
            block.insert_ops_before(self.scope.epilogue, terminator)

    # constants

    def constant(self, value: Attribute, type: Attribute) -> SSAValue:
        """A constant, one for each scope."""
        known = self.scope.constants.get(value)
        if known is None:
            op = arith.ConstantOp.create(result_types=(type,), properties={"value": value})
            self.scope.prologue.append(op)
            known = self.scope.constants[value] = op.result
        return known

    def index_constant(self, value: int) -> SSAValue:
        """An index constant."""
        return self.constant(index_attr(value), INDEX)

    def splat(self, value: int, type: Attribute) -> SSAValue:
        """An integer or floating-point constant of a scalar or vector type."""
        if isinstance(type, VectorType):
            dense = _dense(cast("VectorType[Attribute]", type), (value,))
            return self.constant(dense, dense.type)
        attr = IntegerAttr(value, type) if _is_integer(type) else FloatAttr(value, type)  # pyright: ignore
        return self.constant(attr, type)

    def broadcast(self, value: SSAValue, width: int) -> SSAValue:
        """A scalar in every lane; vectors as they are."""
        if isinstance(value.type, VectorType):
            return value
        key = ("broadcast", value, width)
        known = self._values.get(key)
        if known is None:
            type = vector_type(value.type, width)
            owner = value.owner
            if isinstance(owner, arith.ConstantOp):
                scalar = owner.value
                assert isinstance(scalar, IntegerAttr | FloatAttr)
                known = self.constant(_splat_of(type, scalar), type)
            else:
                known = self.emit(vector.BroadcastOp, (value,), type)
            self._values[key] = known
        return known

    # index arithmetic

    def index(self, form: Lin) -> SSAValue:
        """A form that all lanes share as a value."""
        if not form.terms:
            return self.index_constant(form.const)
        if form.const == 0 and len(form.terms) == 1:
            ((atom, coefficient),) = form.terms.items()
            if coefficient == 1 and isinstance(atom, SSAValue):
                return atom
        known = self._values.get(form)
        if known is None:
            map, operands = affine_map((form,))
            known = self._values[form] = self.emit(affine.ApplyOp, operands, INDEX, {"map": map})
        return known

    def lane_index(self, form: Lin, lane: SSAValue, width: int, bounds: Bounds) -> SSAValue:
        """A form that differs between lanes as a vector of indices."""
        key = ("lanes", form, width)
        known = self._values.get(key)
        if known is None:
            known = self._values[key] = self._lane_index(form, lane, width, bounds)
        return known

    def _lane_index(self, form: Lin, lane: SSAValue, width: int, bounds: Bounds) -> SSAValue:
        type = vector_type(INDEX, width)
        varying: list[tuple[Digit, int]] = []
        rest = Lin(form.const)
        step = 0
        for atom, coefficient in form.terms.items():
            if atom is lane:
                step = coefficient
            elif isinstance(atom, Digit) and lane in atom.inner.values():
                varying.append((atom, coefficient))
            else:
                rest = rest + Lin(0, {atom: coefficient})
        offset = rest.const if rest.is_const else 0
        total = self.constant(_dense(type, tuple(offset + step * i for i in range(width))), type)
        if not rest.is_const:
            total = self.emit(arith.AddiOp, (self.broadcast(self.index(rest), width), total), type, NO_OVERFLOW)
        for digit, coefficient in varying:
            part = self._lane_digit(digit, lane, width, bounds)
            if coefficient != 1:
                part = self.emit(arith.MuliOp, (part, self.splat(coefficient, type)), type, NO_OVERFLOW)
            total = self.emit(arith.AddiOp, (total, part), type, NO_OVERFLOW)
        return total

    def _lane_digit(self, digit: Digit, lane: SSAValue, width: int, bounds: Bounds) -> SSAValue:
        type = vector_type(INDEX, width)
        inner = self.lane_index(digit.inner, lane, width, bounds)
        interval = digit.inner.range(bounds)
        if interval is None or interval[0] < 0:
            # Multiples of what the digit repeats with make it non-negative and vanish in it.
            assert interval is not None, "expected bounded values"
            period = digit.divisor * (digit.modulus or 1)
            lift = -(interval[0] // period)
            inner = self.emit(arith.AddiOp, (inner, self.splat(lift * period, type)), type, NO_OVERFLOW)
        else:
            lift = 0
        if digit.divisor != 1:
            inner = self.emit(arith.DivUIOp, (inner, self.splat(digit.divisor, type)), type)
        if digit.modulus is not None:
            return self.emit(arith.RemUIOp, (inner, self.splat(digit.modulus, type)), type)
        if lift:
            inner = self.emit(arith.SubiOp, (inner, self.splat(lift, type)), type, NO_OVERFLOW)
        return inner

    # control flow

    def add_if(self, forms: Sequence[Lin], then: Block, otherwise: Block | None = None) -> None:
        """Runs a finished block where every form is at least 0, else the other one. Empty blocks need no code."""
        if then.first_op is None and (otherwise is None or otherwise.first_op is None):
            return
        condition, operands = self._condition_set(forms)
        regions = [self.region_of(then, affine.YieldOp)]
        regions.append(Region() if otherwise is None else self.region_of(otherwise, affine.YieldOp))
        self.add(affine.IfOp.create(operands=operands, properties={"condition": condition}, regions=regions))

    def add_for(self, upper: AffineMapAttr, operands: Sequence[SSAValue], body: Block) -> None:
        """Runs a finished block, whose argument is the induction variable, from 0 to the least of the bounds."""
        properties: dict[str, Attribute] = {
            "lowerBoundMap": _linear_map(0, (0, 0)),
            "upperBoundMap": upper,
            "step": index_attr(1),
            "operandSegmentSizes": _segments(0, len(operands), 0),
        }
        regions = [self.region_of(body, affine.YieldOp)]
        self.add(affine.ForOp.create(operands=operands, properties=properties, regions=regions))

    def add_parallel(self, extent: int, grain: IntegerAttr | None, body: Block) -> None:
        """Runs a finished block, whose argument is the induction variable, on several threads."""
        slots = self._slots.pop(body, None)
        self.add(cpu.ParallelOp(extent, Region(body), None if grain is None else grain.value.data, slots))

    def _condition_set(self, forms: Sequence[Lin]) -> tuple[AffineSetAttr, list[SSAValue]]:
        """The set in which every form is at least 0, and its operands."""
        map, operands = affine_map(forms)
        zero = AffineConstantExpr(0)
        constraints = tuple(
            AffineConstraintExpr(AffineConstraintKind.ge, expr, zero, canonicalize=False) for expr in map.data.results
        )
        return AffineSetAttr(AffineSet(map.data.num_dims, 0, constraints)), operands

    # memory

    def add_stores(self, buffer: SSAValue, place: Place, value: SSAValue, stores: Iterable[Operation]) -> None:
        """Appends the stores of a value to a place. Earlier ones to the same place that nobody has read are erased."""
        added: list[Operation] = []
        for op in stores:
            self.add(op)
            added.append(op)
        for op in self.memory.stored(buffer, place, value, added):
            self.block.erase_op(op)
            self.count -= 1

    def allocate(self, buffer: SSAValue, storage: Storage) -> None:
        """Makes room for a buffer at the entry of the current scope.

        Each copy of code that fills a small buffer gets one of its own, which then is registers of that code alone.
        """
        known = self.scope.buffers.get(buffer)
        if known is not None:
            again = buffer in self._on_stack and self.scope.copied_bytes + storage.byte_size <= COPIED_BYTES
            if not again:
                return
            self.scope.copied_bytes += storage.byte_size
        owner = buffer.owner
        if isinstance(owner, AllocOp) and owner.workspace is not None:
            self.scope.buffers[buffer] = self._place(owner, owner.workspace, storage)
            return
        on_stack = buffer in self._on_stack
        properties: dict[str, Attribute] = {"alignment": ALIGNMENT, "operandSegmentSizes": _segments(0, 0)}
        op_type = memref.AllocaOp if on_stack else memref.AllocOp
        op = op_type.create(result_types=(storage.type,), properties=properties)
        op.results[0].name_hint = buffer.name_hint
        if not on_stack:
            self.scope.epilogue.append(memref.DeallocOp.create(operands=op.results))
        self.scope.prologue.append(op)
        self.scope.buffers[buffer] = op.results[0]
        if on_stack and storage.has_gaps:
            self._clear(op.results[0], storage)

    def _clear(self, buffer: SSAValue, storage: Storage) -> None:
        """Fills a buffer with zeros at the entry of the current scope.

        The last tile of a dimension has places that nobody fills, and vectors go over them all the same. What is
        computed there is not used. But what happens to be on the stack may be numbers below the smallest normal one,
        and each instruction that meets one takes some hundred cycles.
        """
        *outer, row = storage.shape
        element = storage.type.element_type
        lanes = min(row, max(1, CLEARED_BYTES // byte_size(element)))
        zeros = self.splat(0, vector_type(element, lanes))
        places = row // lanes
        rest = [Lin(row - lanes)] if row % lanes else []
        few = prod(outer) * (places + len(rest)) <= MOST_STORES
        saved, self.block = self.block, Block()

        def store(indices: Sequence[Lin]) -> None:
            map, operands = affine_map(indices)
            self.add(affine.VectorStoreOp.create(operands=(zeros, buffer, *operands), properties={"map": map}))

        def repeat(extent: int, step: int, body: Callable[[Lin], None]) -> None:
            if few or extent == 1:
                for number in range(extent):
                    body(Lin(number * step))
                return
            around, self.block = self.block, Block(arg_types=(INDEX,))
            inner = self.block
            body(Lin.of(inner.args[0]) * step)
            self.block = around
            self.add_for(_linear_map(0, (0, extent)), (), inner)

        def rows(indices: Sequence[Lin]) -> None:
            if len(indices) < len(outer):
                repeat(outer[len(indices)], 1, lambda index: rows((*indices, index)))
                return
            repeat(places, lanes, lambda index: store((*indices, index)))
            for place in rest:
                store((*indices, place))

        rows(())
        cleared, self.block = self.block, saved
        for op in tuple(cleared.ops):
            op.detach()
            self.scope.prologue.append(op)

    def _place(self, alloc: AllocOp, workspace: SSAValue, storage: Storage) -> SSAValue:
        """The memory that a planned buffer has in the current scope."""
        memory = self.buffer(workspace)
        size = -(-storage.byte_size // BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT
        slots = 1 if alloc.slots is None else alloc.slots.value.data
        first = 0 if alloc.offset is None else alloc.offset.value.data
        room = byte_count(memref_type(workspace))
        if room < (needed := first + size * (slots - 1) + storage.byte_size):
            raise CompileError(f"buffer '{alloc.sym_name.data}': expected a workspace of {needed} bytes, got {room}")
        if self.scope.block is None:
            offset = self.index_constant(first)
        else:
            # One thread uses one slot; where there is one slot, there is one thread.
            self.scope.slots = slots if self.scope.slots is None else min(slots, self.scope.slots)
            map, operands = affine_map((Lin(first, {self._slot(self.scope.block): size}),))
            apply = affine.ApplyOp.create(operands=operands, result_types=(INDEX,), properties={"map": map})
            self.scope.prologue.append(apply)
            offset = apply.result
        view = memref.ViewOp.create(operands=(memory, offset), result_types=(storage.type,))
        view.result.name_hint = alloc.buffer.name_hint
        self.scope.prologue.append(view)
        return view.result

    def _slot(self, block: Block) -> SSAValue:
        """The thread that runs the body of a parallel loop."""
        if len(block.args) == 1:
            block.insert_arg(INDEX, 1).name_hint = "slot"
        return block.args[-1]

    def view(self, view: ViewOp) -> None:
        """Emits a view into bytes."""
        offset = self.index_constant(view.offset)
        new = self.emit(memref.ViewOp, (self.buffer(view.source), offset), view.buffer.type)
        new.name_hint = view.buffer.name_hint
        self._views[view.buffer] = new

    def buffer(self, buffer: SSAValue) -> SSAValue:
        """The memref that holds a buffer."""
        view = self._views.get(buffer)
        if view is not None:
            return view
        scope: Scope | None = self.scope
        while scope is not None:
            known = scope.buffers.get(buffer)
            if known is not None:
                return known
            scope = scope.outer
        assert not isinstance(buffer.owner, Operation) or isinstance(buffer.type, MemRefType)
        return buffer

    def is_private(self, buffer: SSAValue) -> bool:
        """Whether only the thread that runs the current scope sees a buffer."""
        return buffer in self.scope.buffers

    def is_on_stack(self, buffer: SSAValue) -> bool:
        """Whether a buffer is on the stack, or in registers."""
        return buffer in self._on_stack

    def region_of(self, block: Block, terminator: type[Operation]) -> Region:
        """A region of one finished block."""
        block.add_op(terminator.create())
        return Region(block)


@cache
def _segments(*sizes: int) -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, sizes)


@lru_cache(maxsize=1024)
def _dense(type: VectorType, values: tuple[int, ...]) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr.from_list(type, values)  # pyright: ignore


@lru_cache(maxsize=1024)
def _splat_of(type: VectorType, value: IntegerAttr | FloatAttr) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr.from_list(type, (value.value.data,))  # pyright: ignore


def _is_integer(type: Attribute) -> bool:
    return isinstance(type, IntegerType | IndexType)


def is_vector(value: SSAValue) -> bool:
    """Whether a value differs between lanes."""
    return isinstance(value.type, VectorType)


def element_of(vector: SSAValue) -> Attribute:
    """The type of one lane of a vector."""
    assert is_vector(vector)
    return cast("VectorType[Attribute]", vector.type).element_type


def mask_type(width: int) -> VectorType:
    """The type of a mask."""
    return vector_type(i1, width)
