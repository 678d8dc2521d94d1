"""The oracle of the loop rung: executes kernels slowly and exactly, as `docs/architecture.md` says what they mean.

A kernel becomes Python source that runs its loops one after the other. It shares no analysis with the compiler: a block
runs iff its iterators are in their domains and its predicates hold, checked at every iteration that does not obviously
pass; buffers are dictionaries, so that an element is missing until it is written; each index that may leave its
dimension is checked. Loop kinds change nothing in the order `sequential`. In the order `adversarial`, parallel loops
run in a random order and vectorized ones backwards, and an iteration that touches what another one wrote is an error;
parts of pipelined loops run at times of their own, with so many copies of the loop's buffers.
Views share memory: an element is missing, too, where another view was written over it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np
from xdsl.dialects import affine, arith, func, memref, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

from ...dialects.layout import LayoutAttr
from ...dialects.loop import (
    LAYOUT,
    OUTPUT,
    WORKSPACE,
    AllocOp,
    BlockOp,
    ForOp,
    InitOp,
    IteratorKind,
    LoopKind,
    OutOfRange,
    PackOp,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    ViewOp,
    WriteOp,
    byte_size,
    memref_type,
)
from ...dialects.pipelining import parts_of
from ...dialects.te import UNSIGNED
from ...errors import ArgumentError, CompileError
from ...passes.loop.pack_constants import pack_array
from .scalars import EMIT, SCALAR_NAMES, ExecutionError, constant, dtype_of
from .semantics import Semantics

Order = Literal["sequential", "adversarial"]
Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

_MAX_NESTING = 12
"""Python nests 20 loops at most; deeper ones go into functions of their own."""


class Buffer(dict[int, Any]):
    """The elements of a buffer that were written, by flat index."""

    __slots__ = ("name", "shape")

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.name = name
        self.shape = shape

    def __missing__(self, index: int) -> object:
        position = ", ".join(str(i) for i in np.unravel_index(index, self.shape))
        raise ExecutionError(f"expected {self.name}[{position}] to be written before it is read")


class View:
    """A buffer in memory that it may share with others: an element is missing, too, where another one was written over
    it. `owners` says which element of which buffer was the last to be written to each byte."""

    __slots__ = ("elements", "name", "offset", "owners", "shape", "size")

    def __init__(self, source: View | None, name: str, offset: int, shape: tuple[int, ...], size: int) -> None:
        self.elements: dict[int, object] = {}
        self.owners: dict[int, tuple[View, int]] = {} if source is None else source.owners
        self.offset = offset if source is None else source.offset + offset
        self.name, self.shape, self.size = name, shape, size

    def __getitem__(self, index: int) -> object:
        if any(self.owners.get(byte, (None, 0)) != (self, index) for byte in self.bytes(index)):
            position = ", ".join(str(i) for i in np.unravel_index(index, self.shape))
            raise ExecutionError(
                f"expected {self.name}[{position}] to be written, and nothing over it, before it is read"
            )
        return self.elements[index]

    def __setitem__(self, index: int, value: object) -> None:
        self.owners.update(dict.fromkeys(self.bytes(index), (self, index)))
        self.elements[index] = value

    def bytes(self, index: int) -> range:
        """Where an element is."""
        start = self.offset + index * self.size
        return range(start, start + self.size)


@dataclass
class _Tracker:
    """What the iterations of one parallel or vectorized loop touch outside of their own buffers."""

    loop: str
    written: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    combined: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    seen: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    def read(self, buffer: object, index: int, iteration: int) -> None:
        key = id(buffer), index
        for other in (self.written.get(key, iteration), self.combined.get(key, iteration)):
            self._expect_same(other, iteration, "read", "written", buffer)
        if self.seen.setdefault(key, iteration) != iteration:
            self.seen[key] = -1

    def write(self, buffer: object, index: int, iteration: int) -> None:
        key = id(buffer), index
        for other in (self.written.get(key, iteration), self.combined.get(key, iteration)):
            self._expect_same(other, iteration, "written", "written", buffer)
        self._expect_same(self.seen.get(key, iteration), iteration, "written", "read", buffer)
        self.written[key] = iteration

    def combine(self, buffer: object, index: int, iteration: int) -> None:
        """A reduction whose order may change: lanes may combine into one element."""
        key = id(buffer), index
        self._expect_same(self.written.get(key, iteration), iteration, "combined", "written", buffer)
        self._expect_same(self.seen.get(key, iteration), iteration, "combined", "read", buffer)
        if self.combined.setdefault(key, iteration) != iteration:
            self.combined[key] = -1

    def _expect_same(self, other: int, iteration: int, now: str, before: str, buffer: object) -> None:
        if other != iteration:
            name = buffer.name if isinstance(buffer, Buffer | View) else "an argument"
            raise ExecutionError(
                f"expected the iterations of {self.loop} to be independent, got an element of {name} {now} in "
                f"iteration {iteration} and {before} in another"
            )


@dataclass
class _Scope:
    """A loop whose iterations are tracked."""

    variable: str
    tracker: str
    outside: frozenset[SSAValue]
    lanes: bool


@dataclass
class _Program:
    """Python source under construction, and what it refers to."""

    lines: list[str] = field(default_factory=list[str])
    names: dict[str, object] = field(default_factory=lambda: dict(SCALAR_NAMES))
    count: int = 0

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def bind(self, prefix: str, value: object) -> str:
        name = self.fresh(prefix)
        self.names[name] = value
        return name


@dataclass
class _Emitter:
    """Writes the source of one function."""

    program: _Program
    adversarial: bool
    semantics: Mapping[str, Semantics]
    indent: int = 1
    nesting: int = 0
    values: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    intervals: dict[SSAValue, tuple[int, int]] = field(default_factory=dict[SSAValue, tuple[int, int]])
    scopes: list[_Scope] = field(default_factory=list[_Scope])
    guarded: bool = False

    def line(self, text: str) -> None:
        self.program.lines.append(" " * self.indent + text)

    def body(self, emit: Callable[[], None]) -> None:
        self.indent += 1
        before = len(self.program.lines)
        emit()
        if len(self.program.lines) == before:
            self.line("pass")
        self.indent -= 1

    def name(self, value: SSAValue) -> str:
        return self.values[value]

    # Loops

    def ops(self, block: Block) -> None:
        for op in block.ops:
            self.op(op)

    def op(self, op: Operation) -> None:
        match op:
            case ForOp():
                self.loop(op)
            case BlockOp():
                self.block(op)
            case AllocOp():
                self.alloc(op.buffer, op.sym_name.data)
            case memref.AllocOp() | memref.AllocaOp():
                self.alloc(op.results[0], self.program.fresh("buffer"))
            case ViewOp():
                self.view(op)
            case PackOp():
                self.pack(op)
            case memref.ReinterpretCastOp():
                self.values[op.result] = self.name(op.source)
            case memref.CopyOp():
                size = math.prod(memref_type(op.source).get_shape())
                self.line(f"for k in range({size}): {self.name(op.destination)}[k] = {self.name(op.source)}[k]")
            case func.CallOp():
                self.line(f"f_{op.callee.root_reference.data}({', '.join(self.name(v) for v in op.operands)})")
            case func.ReturnOp() | memref.DeallocOp():
                if op.operands and isinstance(op, func.ReturnOp):
                    raise CompileError("expected a kernel without results, got func.return with operands")
            case _:
                raise CompileError(f"expected an op of the loop rung, got {op.name}")

    def alloc(self, buffer: SSAValue, name: str) -> None:
        self.values[buffer] = variable = self.program.fresh("b")
        self.line(f"{variable} = _Buffer({name!r}, {memref_type(buffer).get_shape()})")

    def pack(self, op: PackOp) -> None:
        """Zeros, and then each element where the layout says."""
        source, packed = memref_type(op.source).get_shape(), memref_type(op.packed).get_shape()
        self.values[op.packed] = variable = self.program.fresh("b")
        zero = self.program.bind("c", dtype_of(memref_type(op.packed).element_type).type(0))
        places = self.program.bind("p", [_flat(op.layout.data.eval(i, []), packed) for i in np.ndindex(*source)])
        self.line(f"{variable} = [{zero}] * {math.prod(packed)}")
        self.line(f"for k, p in enumerate({places}): {variable}[p] = {self.name(op.source)}[k]")

    def view(self, op: ViewOp) -> None:
        self.values[op.buffer] = variable = self.program.fresh("b")
        type = memref_type(op.buffer)
        arguments = f"{op.sym_name.data!r}, {op.offset}, {type.get_shape()}, {byte_size(type.element_type)}"
        self.line(f"{variable} = _View({self.name(op.source)}, {arguments})")

    def loop(self, op: ForOp) -> None:
        if self.nesting and self.nesting % _MAX_NESTING == 0:
            function = self.program.fresh("nest")
            self.line(f"def {function}():")
            self.body(lambda: self.loop_here(op))
            self.line(f"{function}()")
        else:
            self.loop_here(op)

    def loop_here(self, op: ForOp) -> None:
        if self.adversarial and op.kind is LoopKind.PIPELINED:
            self.pipelined(op)
            return
        variable = self.program.fresh("i")
        self.values[op.induction_variable] = variable
        self.intervals[op.induction_variable] = (0, op.extent - 1)
        iterations = f"range({op.extent})"
        tracked = self.adversarial and op.kind in (LoopKind.PARALLEL, LoopKind.VECTORIZED)
        if tracked:
            lanes = op.kind is LoopKind.VECTORIZED
            iterations = f"reversed({iterations})" if lanes else f"_shuffled({op.extent})"
            tracker = self.program.fresh("t")
            self.line(f"{tracker} = _Tracker({f'the {op.kind} loop of extent {op.extent}'!r})")
            self.scopes.append(_Scope(variable, tracker, frozenset(self.values), lanes))
        self.line(f"for {variable} in {iterations}:")
        self.nesting += 1
        self.body(lambda: self.ops(op.body.block))
        self.nesting -= 1
        if tracked:
            self.scopes.pop()

    def pipelined(self, op: ForOp) -> None:
        """Runs the parts of a loop at their times, with as many copies of its buffers as there are."""
        parts = parts_of(op)
        most = max((distance for _, distance in parts), default=0)
        copies: dict[AllocOp, str] = {}
        first: dict[AllocOp, Operation] = {}
        for alloc in (each for each in op.body.block.ops if isinstance(each, AllocOp)):
            copies[alloc] = self.program.fresh("c")
            self.line(f"{copies[alloc]} = [None] * {alloc.copies}")
            users = [(part, d) for part, d in parts if any(part.is_ancestor(u.operation) for u in alloc.buffer.uses)]
            if users:
                # The earliest in time, and of these in program order, starts with an empty copy.
                first[alloc] = max(users, key=lambda user: user[1])[0]
        time, variable = self.program.fresh("t"), self.program.fresh("i")
        self.values[op.induction_variable] = variable
        self.intervals[op.induction_variable] = (0, op.extent - 1)
        self.line(f"for {time} in range({-most}, {op.extent}):")
        self.nesting += 1
        self.body(lambda: self.parts(op, parts, copies, first, time, variable))
        self.nesting -= 1

    def parts(
        self,
        op: ForOp,
        parts: Sequence[tuple[Operation, int]],
        copies: Mapping[AllocOp, str],
        first: Mapping[AllocOp, Operation],
        time: str,
        variable: str,
    ) -> None:
        """What a pipelined loop does at one time."""
        for part, distance in parts:
            self.line(f"{variable} = {time} + {distance}")
            self.line(f"if 0 <= {variable} < {op.extent}:")

            def run(part: Operation = part) -> None:
                for alloc, name in copies.items():
                    copy = f"{name}[{variable} % {alloc.copies}]"
                    if first.get(alloc) is part:
                        shape = memref_type(alloc.buffer).get_shape()
                        self.line(f"{copy} = _Buffer({alloc.sym_name.data!r}, {shape})")
                    self.values[alloc.buffer] = self.program.fresh("b")
                    self.line(f"{self.values[alloc.buffer]} = {copy}")
                self.op(part)

            self.body(run)

    # Blocks

    def block(self, op: BlockOp) -> None:
        conditions: list[str] = []
        operands = [self.name(v) for v in op.operands]
        intervals = [self.intervals[v] for v in op.operands]
        for iterator, extent, expr in zip(op.iterators, op.extents, op.bindings.data.results, strict=True):
            variable = operands[expr.position] if isinstance(expr, AffineDimExpr) else self.program.fresh("v")
            if not isinstance(expr, AffineDimExpr):
                self.line(f"{variable} = {_source(expr, operands)}")
            self.values[iterator] = variable
            self.intervals[iterator] = (0, extent - 1)
            lower, upper = _interval(expr, intervals)
            if lower < 0:
                conditions.append(f"0 <= {variable}")
            if upper >= extent:
                conditions.append(f"{variable} < {extent}")
        if op.predicates is not None and op.limits is not None:
            for expr, limit in zip(op.predicates.data.results, op.limits.get_values(), strict=True):
                conditions.append(f"{_source(expr, operands)} < {limit}")
        if conditions:
            self.line(f"if {' and '.join(conditions)}:")
            self.body(lambda: self.statements(op))
        else:
            self.statements(op)

    def statements(self, op: BlockOp) -> None:
        for inner in op.body.block.ops:
            if isinstance(inner, InitOp):
                self.init(op, inner)
            else:
                self.scalar(inner)

    def init(self, block: BlockOp, op: InitOp) -> None:
        reduce = [self.name(v) for v, k in zip(block.iterators, block.kinds, strict=True) if k is IteratorKind.REDUCE]
        self.line(f"if {' == '.join([*reduce, '0'])}:")

        def emit() -> None:
            for inner in op.body.block.ops:
                self.scalar(inner)

        self.body(emit)

    # Scalar code

    def scalar(self, op: Operation) -> None:
        match op:
            case ReadOp():
                self.read(op)
            case WriteOp():
                index = self.index(op.buffer, op.map.data, op.indices)
                self.track("write", op.buffer, index)
                self.line(f"{self.name(op.buffer)}[{index}] = {self.name(op.value)}")
            case ReduceOp():
                self.reduce(op)
            case PrefetchOp():
                pass
            case scf.IfOp():
                self.branch(op)
            case arith.ConstantOp():
                self.values[op.result] = self.program.bind("c", constant(op))
            case affine.ApplyOp():
                expr = op.map.data.results[0]
                operands = list(op.mapOperands)
                source = _source(expr, [self.name(v) for v in operands], op.map.data.num_dims)
                self.assign(op.result, source)
                known = [self.intervals.get(v) for v in operands]
                if all(interval is not None for interval in known):
                    bounds = [interval for interval in known if interval is not None]
                    self.intervals[op.result] = _interval(expr, bounds, op.map.data.num_dims)
            case _:
                emit, foreign = EMIT.get(op.name), self.semantics.get(op.name)
                if (emit is None and foreign is None) or len(op.results) != 1:
                    raise CompileError(f"expected scalar code that the oracle executes, got {op.name}")
                operands = [self.name(v) for v in op.operands]
                if foreign is not None:
                    function = self.program.bind("f", _on_scalars(foreign, op))
                    self.assign(op.results[0], f"{function}({', '.join(operands)})")
                elif emit is not None:
                    self.assign(op.results[0], emit(op, operands))

    def assign(self, value: SSAValue, expr: str) -> None:
        self.values[value] = variable = self.program.fresh("x")
        self.line(f"{variable} = {expr}")

    def read(self, op: ReadOp) -> None:
        index = self.index(op.buffer, op.map.data, op.indices, op.out_of_range.data)
        if self.tracking(op.buffer):
            index = self.hold(index)
            self.track("read", op.buffer, index)
        self.assign(op.result, f"{self.name(op.buffer)}[{index}]")

    def reduce(self, op: ReduceOp) -> None:
        index = self.hold(self.index(op.buffers[0], op.map.data, op.indices))
        arguments = op.combiner.block.args
        count = len(op.buffers)
        for buffer, accumulator in zip(op.buffers, arguments[:count], strict=True):
            if buffer.type != op.buffers[0].type:
                index = self.hold(self.index(buffer, op.map.data, op.indices))
            self.track("combine" if op.may_reorder else "write", buffer, index)
            self.assign(accumulator, f"{self.name(buffer)}[{index}]")
        for value, argument in zip(op.values, arguments[count:], strict=True):
            self.values[argument] = self.name(value)
        for inner in op.combiner.block.ops:
            if inner is not op.combiner.block.last_op:
                self.scalar(inner)
        last = op.combiner.block.last_op
        assert last is not None
        for buffer, value in zip(op.buffers, last.operands, strict=True):
            index = self.index(buffer, op.map.data, op.indices)
            self.line(f"{self.name(buffer)}[{index}] = {self.name(value)}")

    def branch(self, op: scf.IfOp) -> None:
        results = [self.program.fresh("x") for _ in op.results]
        self.line(f"if {self.name(op.cond)}:")
        guarded, self.guarded = self.guarded, True
        for position, region in enumerate(op.regions):
            if position:
                self.line("else:")

            def emit(block: Block = region.block) -> None:
                for inner in block.ops:
                    if isinstance(inner, scf.YieldOp):
                        for variable, value in zip(results, inner.operands, strict=True):
                            self.line(f"{variable} = {self.name(value)}")
                    else:
                        self.scalar(inner)

            self.body(emit)
        self.guarded = guarded
        for result, variable in zip(op.results, results, strict=True):
            self.values[result] = variable

    # Accesses

    def index(
        self,
        buffer: SSAValue,
        map: AffineMap,
        indices: Sequence[SSAValue],
        out_of_range: OutOfRange = OutOfRange.CLAMP,
    ) -> str:
        """The flat index of an access; checks the dimensions that may be left."""
        shape = memref_type(buffer).get_shape()
        names = [self.name(v) for v in indices]
        parts: list[str] = []
        for dimension, (expr, extent) in enumerate(zip(map.results, shape, strict=True)):
            stride = math.prod(shape[dimension + 1 :])
            used = [indices[d] for d in expr.used_dims()]
            if any(_is_data(value) for value in used):
                part = names[expr.position] if isinstance(expr, AffineDimExpr) else _source(expr, names)
                wrapped = out_of_range is OutOfRange.WRAP
                part = f"{part} % {extent}" if wrapped else f"min(max({part}, 0), {extent - 1})"
            else:
                part = _source(expr, names)
                lower, upper = _interval(expr, [self.intervals.get(v, (0, 0)) for v in indices])
                if lower < 0 or upper >= extent:
                    part = self.hold(part)
                    self.line(f"if not 0 <= {part} < {extent}: _out_of_bounds({part}, {dimension}, {extent})")
            if part != "0":
                parts.append(part if stride == 1 else f"({part}) * {stride}")
        return " + ".join(parts) or "0"

    def hold(self, expr: str) -> str:
        variable = self.program.fresh("k")
        self.line(f"{variable} = {expr}")
        return variable

    def tracking(self, buffer: SSAValue) -> bool:
        return any(buffer in scope.outside for scope in self.scopes)

    def track(self, access: str, buffer: SSAValue, index: str) -> None:
        for scope in self.scopes:
            if buffer in scope.outside:
                method = "write" if access == "combine" and not scope.lanes else access
                self.line(f"{scope.tracker}.{method}({self.name(buffer)}, {index}, {scope.variable})")


def _is_data(value: SSAValue) -> bool:
    owner = value.owner
    return not (isinstance(owner, Block) and isinstance(owner.parent_op(), BlockOp))


def _flat(indices: Sequence[int], shape: Sequence[int]) -> int:
    return int(np.ravel_multi_index(tuple(indices), tuple(shape)))


def _out_of_bounds(index: int, dimension: int, extent: int) -> None:
    raise ExecutionError(f"expected an index in 0..{extent - 1} in dimension {dimension}, got {index}")


_SYMBOLS = {
    AffineBinaryOpKind.Add: "+",
    AffineBinaryOpKind.Mul: "*",
    AffineBinaryOpKind.FloorDiv: "//",
    AffineBinaryOpKind.Mod: "%",
}


def _source(expr: AffineExpr, names: Sequence[str], num_dims: int = 0) -> str:
    """An affine expression as Python, whose division and remainder are the floored ones too."""
    match expr:
        case AffineConstantExpr(value=value):
            return str(value)
        case AffineDimExpr(position=position):
            return names[position]
        case AffineSymExpr(position=position):
            return names[num_dims + position]
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            left, right = _source(lhs, names, num_dims), _source(rhs, names, num_dims)
            if kind is AffineBinaryOpKind.CeilDiv:
                return f"-(-{left} // {right})"
            return f"({left} {_SYMBOLS[kind]} {right})"
        case _:
            raise CompileError(f"expected an affine expression, got {expr}")


def _interval(expr: AffineExpr, intervals: Sequence[tuple[int, int]], num_dims: int = 0) -> tuple[int, int]:
    """Bounds of an affine expression."""
    match expr:
        case AffineConstantExpr(value=value):
            return value, value
        case AffineDimExpr(position=position):
            return intervals[position]
        case AffineSymExpr(position=position):
            return intervals[num_dims + position]
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            (a, b), (c, d) = _interval(lhs, intervals, num_dims), _interval(rhs, intervals, num_dims)
            match kind:
                case AffineBinaryOpKind.Add:
                    return a + c, b + d
                case AffineBinaryOpKind.Mul:
                    corners = a * c, a * d, b * c, b * d
                    return min(corners), max(corners)
                case AffineBinaryOpKind.FloorDiv:
                    return a // c, b // c
                case AffineBinaryOpKind.CeilDiv:
                    return -(-a // c), -(-b // c)
                case AffineBinaryOpKind.Mod:
                    return (a, b) if a >= 0 and b < c else (0, c - 1)
        case _:
            pass
    raise CompileError(f"expected an affine expression, got {expr}")


# Running


@dataclass(frozen=True)
class Argument:
    """A buffer that a program is given."""

    name: str
    type: MemRefType[Attribute]
    is_output: bool
    is_workspace: bool
    is_unsigned: bool
    layout: LayoutAttr | None = None
    """How it is packed; it is given as it was before that."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """numpy's element type of arrays that fit."""
        dtype = dtype_of(self.type.element_type)
        return np.dtype(f"u{dtype}") if self.is_unsigned else dtype


@dataclass(frozen=True)
class LoopProgram:
    """A kernel, or a `main` that calls kernels, ready to run on arrays."""

    name: str
    source: str
    arguments: tuple[Argument, ...]
    names: Mapping[str, object]

    def __call__(self, *inputs: Array, seed: int = 0) -> tuple[Array, ...]:
        """Runs the program on its inputs, in order; gives its outputs."""
        count = sum(not (argument.is_output or argument.is_workspace) for argument in self.arguments)
        if len(inputs) != count:
            raise ArgumentError(f"expected {count} inputs of @{self.name}, got {len(inputs)}")
        given = iter(inputs)
        buffers: list[list[Any] | Buffer | View] = []
        for argument in self.arguments:
            if argument.is_output:
                buffers.append(Buffer(argument.name, argument.type.get_shape()))
            elif argument.is_workspace:
                size = byte_size(argument.type.element_type)
                buffers.append(View(None, argument.name, 0, argument.type.get_shape(), size))
            else:
                buffers.append(_elements(next(given), argument))
        namespace = {**self.names, "_shuffled": _shuffler(seed)}
        exec(compile(self.source, f"<@{self.name}>", "exec"), namespace)
        function = cast("Callable[..., None]", namespace[f"f_{self.name}"])
        with np.errstate(all="ignore"):
            function(*buffers)
        return tuple(
            _array(buffer, argument)
            for buffer, argument in zip(buffers, self.arguments, strict=True)
            if argument.is_output and isinstance(buffer, Buffer)
        )


def _shuffler(seed: int) -> Callable[[int], Iterable[int]]:
    generator = random.Random(seed)

    def shuffled(extent: int) -> list[int]:
        order = list(range(extent))
        generator.shuffle(order)
        return order

    return shuffled


def _elements(array: Array, argument: Argument) -> list[Any]:
    dtype, shape = argument.dtype, argument.type.get_shape()
    if argument.layout is not None and array.shape == argument.layout.extents:
        array = pack_array(array, argument.layout, shape)
    if array.dtype != dtype or array.shape != shape:
        expected = f"{argument.name} to be {dtype}{list(shape)}"
        raise ArgumentError(f"expected {expected}, got {array.dtype}{list(array.shape)}")
    flat = array.ravel()
    if dtype.kind in "fV":
        return list(flat)
    return flat.view(np.int8 if dtype.kind == "b" else f"i{dtype.itemsize}").tolist()


def _array(buffer: Buffer, argument: Argument) -> Array:
    size = math.prod(buffer.shape)
    result = np.empty(size, dtype_of(argument.type.element_type))
    for index in range(size):
        result[index] = buffer[index]
    return result.view(argument.dtype).reshape(buffer.shape)


def compile_loop(
    program: func.FuncOp | ModuleOp, *, order: Order = "sequential", semantics: Mapping[str, Semantics] | None = None
) -> LoopProgram:
    """Makes Python of a kernel, or of a module: of its `main`, or of its only function.

    `semantics` says what elementwise ops of other dialects compute, by name.
    """
    functions = [program] if isinstance(program, func.FuncOp) else list(_functions(program))
    entry = next((f for f in functions if f.sym_name.data == "main"), functions[0] if len(functions) == 1 else None)
    if entry is None:
        raise CompileError(f"expected one kernel or a function @main, got {len(functions)} functions")
    source = _Program()
    source.names |= {"_Buffer": Buffer, "_View": View, "_Tracker": _Tracker, "_out_of_bounds": _out_of_bounds}
    for function in functions:
        _emit_function(source, function, order == "adversarial", semantics or {})
    arguments = tuple(_arguments(entry))
    return LoopProgram(entry.sym_name.data, "\n".join(source.lines) + "\n", arguments, source.names)


def _functions(module: ModuleOp) -> Iterable[func.FuncOp]:
    for op in module.body.block.ops:
        if isinstance(op, func.FuncOp) and not op.is_declaration:
            yield op


def _on_scalars(semantics: Semantics, op: Operation) -> Callable[..., object]:
    """The semantics of an op on elements as they are represented here."""
    dtypes, result = [dtype_of(operand.type) for operand in op.operands], dtype_of(op.results[0].type)

    def evaluate(*operands: object) -> object:
        arrays = [np.asarray(operand, dtype) for operand, dtype in zip(operands, dtypes, strict=True)]
        element = np.asarray(semantics(op, *arrays), result)[()]
        return element if result.kind in "fV" else int(element)

    return evaluate


def _emit_function(
    program: _Program, function: func.FuncOp, adversarial: bool, semantics: Mapping[str, Semantics]
) -> None:
    emitter = _Emitter(program, adversarial, semantics)
    for argument in function.body.block.args:
        emitter.values[argument] = program.fresh("b")
    parameters = ", ".join(emitter.values.values())
    program.lines.append(f"def f_{function.sym_name.data}({parameters}):")
    emitter.line("pass")
    emitter.ops(function.body.block)


def _arguments(function: func.FuncOp) -> Iterable[Argument]:
    attributes = function.arg_attrs.data if function.arg_attrs is not None else ()
    for position, argument in enumerate(function.body.block.args):
        if not isinstance(argument.type, MemRefType):
            raise CompileError(f"expected arguments of memref types, got {argument.type}")
        marks: Mapping[str, Attribute] = attributes[position].data if position < len(attributes) else {}
        name = argument.name_hint or f"argument {position}"
        layout = marks.get(LAYOUT)
        yield Argument(
            name,
            memref_type(argument),
            OUTPUT in marks,
            WORKSPACE in marks,
            UNSIGNED in marks,
            layout if isinstance(layout, LayoutAttr) else None,
        )


def run_loop(
    program: func.FuncOp | ModuleOp,
    *inputs: Array,
    order: Order = "sequential",
    seed: int = 0,
    semantics: Mapping[str, Semantics] | None = None,
) -> tuple[Array, ...]:
    """Executes a kernel, or a module's `main`, on its inputs; gives the arguments marked `loop.output`.

    With `order="adversarial"`, loops that are marked parallel run in a random order and vectorized ones backwards, and
    their iterations must be independent. `semantics` says what elementwise ops of other dialects compute, by name.

    Raises:
        ArgumentError: if the inputs do not fit.
        CompileError: if the program is not of the loop rung.
        ExecutionError: if the program does what has no meaning, such as reading what was never written.
    """
    return compile_loop(program, order=order, semantics=semantics)(*inputs, seed=seed)


__all__ = ["Buffer", "ExecutionError", "LoopProgram", "Order", "compile_loop", "run_loop"]
