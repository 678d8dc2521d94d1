"""What a scheduled kernel looks like: its structure, which many candidates share, and numbers, which they do not.

The structure says which loops, buffers, blocks and accesses there are, and how they are nested. The numbers, *slots*,
are extents, sizes of buffers as they will lie in memory, how far accesses move along loops, and how much of a domain is
guarded off. Both come from what `loop-expand` plans to emit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue

from ...dialects.layout import aligned_shape
from ...dialects.loop import (
    CONSTANT,
    OUTPUT,
    AllocOp,
    BlockOp,
    ForOp,
    InitOp,
    IteratorKind,
    LoopKind,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    WriteOp,
    blocks_in,
    byte_size,
    element_type,
    enclosing_loops,
    is_float,
    loop_bounds,
    memref_type,
)
from ...dialects.quasi_affine import Digit, Lin, atom_range
from ...dialects.regions import multiple_of
from ...dialects.scopes import scope_of
from ...passes.loop.expansion.plan import AccessPlan, KernelPlan, Storage

OPERATIONS = ("add", "multiply", "divide", "special", "choose", "convert", "integer", "integer_multiply")
"""The kinds of arithmetic that are counted apart."""

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("addf", "subf", "negf", "absf", "maximumf", "minimumf", "maxnumf", "minnumf"), "add"),
    **dict.fromkeys(("mulf",), "multiply"),
    **dict.fromkeys(("divf", "remf", "sqrt", "rsqrt", "divsi", "divui", "remsi", "remui", "floordivsi"), "divide"),
    **dict.fromkeys(("ceildivsi", "ceildivui"), "divide"),
    **dict.fromkeys(("cmpf", "cmpi", "select"), "choose"),
    **dict.fromkeys(("extf", "truncf", "extsi", "extui", "trunci", "sitofp", "uitofp", "fptosi", "fptoui"), "convert"),
    **dict.fromkeys(("muli",), "integer_multiply"),
    **dict.fromkeys(("floor", "ceil", "round", "roundeven", "trunc", "copysign", "fma"), "add"),
}

_TIMES: Mapping[str, int] = {**dict.fromkeys(("tanh", "erf", "sinh", "asinh", "atan", "atan2"), 2), "powf": 3}
"""How many exponentials a function is like, where that is more than one."""
_FREE = frozenset({"constant", "bitcast", "index_cast"})

VECTORS = (LoopKind.VECTORIZED, LoopKind.TENSORIZED)
"""The kinds of loops whose iterations one instruction runs."""


@dataclass(frozen=True)
class Loop:
    """A loop of a nest."""

    parent: int
    """The loop around it, or -1."""
    kind: LoopKind


@dataclass(frozen=True)
class Buffer:
    """A buffer, with one extent for each dimension of its memory, the one with neighbours last."""

    role: str
    """`input`, `constant`, `output`, or `local` if the kernel allocates it."""
    scope: str
    bytes: int
    """Of an element."""
    home: int
    """The loop that it lives in, or -1."""
    rank: int
    is_float: bool
    alignments: tuple[tuple[int, int], ...]
    """What strides are modulo factors: factors and what is left."""


@dataclass(frozen=True)
class Access:
    """A read, a write, or both, of one element of a buffer."""

    buffer: int
    kind: str
    """`read`, `write`, `reduce` or `prefetch`."""
    init: bool
    lazy: bool
    """Whether it is in a branch."""
    data: tuple[bool, ...]
    """The dimensions whose index is data."""


@dataclass(frozen=True)
class Statement:
    """A block of a nest, inside of `loops`, outermost first."""

    loops: tuple[int, ...]
    reduces: tuple[bool, ...]
    """Which of its loops bind reduce iterators."""
    iterators: int
    lane: int
    """Where its vectorized loop is among its loops, or -1."""
    operations: tuple[int, ...]
    """How many of each of `OPERATIONS` a point takes."""
    depth: tuple[int, ...]
    """The same of a chain of them in which each needs the one before, one of the longest."""
    branches: int
    accesses: tuple[Access, ...]
    bytes: int
    """Of an element that it computes."""
    is_float: bool
    contracted: bool
    """Whether products become parts of fused multiply-adds."""
    intrinsic: int
    """How many instructions run a tensorized nest; 0 if there is none."""


@dataclass(frozen=True)
class Structure:
    """What candidates of one structure have in common."""

    loops: tuple[Loop, ...]
    buffers: tuple[Buffer, ...]
    statements: tuple[Statement, ...]
    prefetches: int
    """How many blocks only ask for what is read soon. Their loops do not count."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.loops, self.buffers, self.statements, self.prefetches))

    @cached_property
    def layout(self) -> Layout:
        """Where its numbers are among the slots."""
        return Layout(self)


class Layout:
    """Where each number of a structure is among its slots."""

    def __init__(self, structure: Structure) -> None:
        self.size = 0
        self.needs: list[tuple[tuple[int, int], ...]] = []
        """For each slot, others, and how large these are at least where it means something; elsewhere it is 0."""
        self.extent = [self._slot() for _ in structure.loops]
        self.peeled = [self._slot((at, 2)) for at in self.extent]
        self.shape = [tuple(self._slot() for _ in range(buffer.rank)) for buffer in structure.buffers]
        self.waste: list[tuple[int, ...]] = []
        """For each statement and loop: how many of `span` points a predicate that ends with the loop cuts off."""
        self.span: list[tuple[int, ...]] = []
        self.in_lanes: list[tuple[int, ...]] = []
        """Whether such a guard is about lanes."""
        self.in_branches: list[tuple[int, ...]] = []
        """Whether unrolled iterations ask about it one by one, unless the tail is peeled."""
        self.domain: list[tuple[int, ...]] = []
        """For each statement and iterator: the extent of its domain."""
        self.below: list[tuple[int, ...]] = []
        """How far below 0 it begins."""
        self.width: list[tuple[int, ...]] = []
        """How far what is divided by constants goes, of what it is bound to."""
        self.cut: list[tuple[int, ...]] = []
        """How much predicates keep it from."""
        self.reach: list[list[tuple[int, ...]]] = []
        """How far it moves in an iteration of each loop."""
        self.moves: list[list[list[tuple[int, ...]]]] = []
        """For each statement, access and dimension: how far each loop moves."""
        for statement in structure.statements:
            self.waste.append(tuple(self._slot() for _ in statement.loops))
            self.span.append(tuple(self._slot((at, 1)) for at in self.waste[-1]))
            self.in_lanes.append(tuple(self._slot((at, 1)) for at in self.waste[-1]))
            self.in_branches.append(tuple(self._slot((at, 1)) for at in self.waste[-1]))
            iterators = range(statement.iterators)
            for numbers in (self.domain, self.below, self.width, self.cut):
                numbers.append(tuple(self._slot() for _ in iterators))
            loops = statement.loops
            self.reach.append([tuple(self._slot((self.extent[loop], 2)) for loop in loops) for _ in iterators])
            self.moves.append([self._access(structure, statement, access) for access in statement.accesses])

    def _access(self, structure: Structure, statement: Statement, access: Access) -> list[tuple[int, ...]]:
        return [
            tuple(self._slot((self.extent[loop], 2), (self.shape[access.buffer][d], 2)) for loop in statement.loops)
            for d in range(structure.buffers[access.buffer].rank)
        ]

    def _slot(self, *needs: tuple[int, int]) -> int:
        self.size += 1
        self.needs.append(needs)
        return self.size - 1


@dataclass(frozen=True, eq=False)
class Nest:
    """A scheduled kernel."""

    structure: Structure
    slots: NDArray[np.int64]


def describe(func: FuncOp) -> Nest:
    """What a scheduled kernel on the loop rung looks like."""
    return _Describer(func).nest()


class _Describer:
    def __init__(self, func: FuncOp) -> None:
        self.func = func
        self.plan = KernelPlan(func, fma=True)
        self.loops: dict[ForOp, int] = {}
        self.buffers: dict[SSAValue, int] = {}
        self.blocks: list[BlockOp] = []
        self.prefetches = 0
        self.loop_shapes: list[Loop] = []
        self.buffer_shapes: list[Buffer] = []
        self.dimensions: list[tuple[int, ...]] = []
        for argument in func.body.block.args:
            if isinstance(argument.type, MemRefType):
                self._buffer(argument, -1)
        self._collect(func.body.block.ops, -1)

    def _collect(self, ops: Iterable[Operation], parent: int) -> None:
        for op in ops:
            if isinstance(op, ForOp | BlockOp) and all(_only_prefetches(block) for block in blocks_in(op)):
                self.prefetches += len(blocks_in(op))
            elif isinstance(op, ForOp):
                number = self.loops[op] = len(self.loops)
                self.loop_shapes.append(Loop(parent, op.kind))
                self._collect(op.body.block.ops, number)
            elif isinstance(op, BlockOp):
                self.blocks.append(op)
            elif isinstance(op, AllocOp):
                self._buffer(op.buffer, parent)

    def _buffer(self, value: SSAValue, home: int) -> None:
        shape = _full_shape(value, self.plan.storage_of(value))
        self.buffers[value] = len(self.buffers)
        self.dimensions.append(shape)
        self.buffer_shapes.append(
            Buffer(
                self._role(value),
                scope_of(value),
                byte_size(element_type(value)),
                home,
                len(shape),
                is_float(element_type(value)),
                tuple(_alignments(value).values()),
            )
        )

    def _role(self, value: SSAValue) -> str:
        if isinstance(value.owner, Operation):
            return "local"
        attributes = self.func.arg_attrs
        marks = attributes.data[value.index].data if attributes is not None else {}  # pyright: ignore
        return "output" if OUTPUT in marks else "constant" if CONSTANT in marks else "input"

    def nest(self) -> Nest:
        statements = tuple(self._statement(block) for block in self.blocks)
        structure = Structure(tuple(self.loop_shapes), tuple(self.buffer_shapes), statements, self.prefetches)
        layout = structure.layout
        slots = np.zeros(layout.size, np.int64)
        for loop, number in self.loops.items():
            slots[layout.extent[number]] = loop.extent
            slots[layout.peeled[number]] = int(loop.peel is not None)
        for number, shape in enumerate(self.dimensions):
            slots[list(layout.shape[number])] = shape
        for number, block in enumerate(self.blocks):
            self._guards(number, block, layout, slots)
            self._moves(number, block, layout, slots)
        for slot, needs in enumerate(layout.needs):
            if needs and slots[slot] and any(slots[need] < least for need, least in needs):
                slots[slot] = 0
        return Nest(structure, slots)

    def _statement(self, block: BlockOp) -> Statement:
        around = enclosing_loops(block)
        reducing = [
            set(form.values())
            for kind, form in zip(block.kinds, block.binding_forms(), strict=True)
            if kind is IteratorKind.REDUCE
        ]
        counts: dict[str, int] = dict.fromkeys(OPERATIONS, 0)
        branches = _count(block, counts)
        lanes = [position for position, loop in enumerate(around) if loop.kind in VECTORS]
        tensorized = next((loop for loop in around if loop.kind is LoopKind.TENSORIZED), None)
        computed = next((buffer for buffer in block.written_buffers()), None)
        return Statement(
            tuple(self.loops[loop] for loop in around),
            tuple(any(loop.induction_variable in values for values in reducing) for loop in around),
            len(block.kinds),
            lanes[0] if lanes else -1,
            tuple(counts.values()),
            _longest(block.body.block),
            branches,
            tuple(self._access(op, buffer) for op in _accesses(block) for buffer in op.buffers),
            byte_size(element_type(computed)) if computed is not None else 1,
            is_float(element_type(computed)) if computed is not None else False,
            bool(self.plan.blocks[block].fused),
            0 if tensorized is None else _instructions(tensorized),
        )

    def _access(self, op: _Access, buffer: SSAValue) -> Access:
        kind = op.name.removeprefix("loop.")
        parent = op.parent_op()
        lazy = not isinstance(parent, BlockOp | InitOp)
        indices = self._indices(op, buffer)
        data = tuple(not isinstance(index, Lin) for index in indices)
        return Access(self.buffers[buffer], kind, isinstance(parent, InitOp), lazy, data)

    def _indices(self, op: _Access, buffer: SSAValue) -> list[Lin | SSAValue]:
        """Where an access goes in each dimension of the memory, those of one element included."""
        block = _block_around(op)
        found = next(plan for plan in self.plan.blocks[block].accesses[op] if plan.buffer is buffer)
        return _full_indices(buffer, self.plan.storage_of(buffer), found)

    def _moves(self, number: int, block: BlockOp, layout: Layout, slots: NDArray[np.int64]) -> None:
        around = enclosing_loops(block)
        position = {loop.induction_variable: at for at, loop in enumerate(around)}
        accesses = ((op, buffer) for op in _accesses(block) for buffer in op.buffers)
        for (op, buffer), places in zip(accesses, layout.moves[number], strict=True):
            for index, row in zip(self._indices(op, buffer), places, strict=True):
                if isinstance(index, Lin):
                    for value, distance in _distances(index).items():
                        if value in position:
                            slots[row[position[value]]] = distance

    def _guards(self, number: int, block: BlockOp, layout: Layout, slots: NDArray[np.int64]) -> None:
        around = enclosing_loops(block)
        position = {loop.induction_variable: at for at, loop in enumerate(around)}
        lane = around[lane_at] if (lane_at := _lane_of(around)) is not None else None
        predicates = [(form, limit) for form, limit in block.predicate_forms() if form.terms]
        for form, limit in predicates:
            spread = form.range(loop_bounds)
            moving = [value for value in form.values() if _extent(value) > 1]
            if spread is None or spread[1] < limit or not moving:
                continue
            waste, span = spread[1] + 1 - limit, spread[1] + 1 - min(spread[0], 0)
            head = max(moving, key=lambda value: (_distances(form)[value] * (_extent(value) - 1), -position[value]))
            at = position[head]
            if waste > slots[layout.waste[number][at]]:
                inner = [around[position[value]] for value in moving if value is not head]
                slots[layout.waste[number][at]], slots[layout.span[number][at]] = waste, span
                slots[layout.in_lanes[number][at]] = int(lane is not None and lane.induction_variable in moving)
                slots[layout.in_branches[number][at]] = int(any(loop.kind is LoopKind.UNROLLED for loop in inner))
        for at, (form, extent) in enumerate(zip(block.binding_forms(), block.extents, strict=True)):
            slots[layout.domain[number][at]] = extent
            spread = form.range(loop_bounds)
            width = _width_of_digits(form)
            if spread is None or width is None:
                continue
            slots[layout.below[number][at]] = -spread[0]
            slots[layout.width[number][at]] = width
            slots[layout.cut[number][at]] = spread[1] - _most_under(form, spread[1], predicates)
            for atom, scale in form.terms.items():
                if not isinstance(atom, Digit) and atom in position:
                    slots[layout.reach[number][at][position[atom]]] = abs(scale)


_Access = ReadOp | WriteOp | ReduceOp | PrefetchOp


def _only_prefetches(block: BlockOp) -> bool:
    return next(block.accesses(), None) is None


def _accesses(block: BlockOp) -> list[_Access]:
    return [op for op in block.body.walk() if isinstance(op, ReadOp | WriteOp | ReduceOp | PrefetchOp)]


def _block_around(op: Operation) -> BlockOp:
    parent = op.parent_op()
    while not isinstance(parent, BlockOp):
        assert parent is not None
        parent = parent.parent_op()
    return parent


def _lane_of(around: Sequence[ForOp]) -> int | None:
    return next((at for at, loop in enumerate(around) if loop.kind in VECTORS), None)


def _extent(value: SSAValue) -> int:
    bounds = loop_bounds(value)
    return 1 if bounds is None else bounds[1] + 1


def _order(buffer: SSAValue, storage: Storage) -> tuple[int, ...]:
    """The dimensions of a buffer's memory: the program's in another order, or those of its tiling."""
    if storage.tiling is not None:
        return tuple(range(len(storage.tiling.results)))
    owner = buffer.owner
    return owner.order if isinstance(owner, AllocOp) else tuple(range(len(memref_type(buffer).get_shape())))


def _full_shape(buffer: SSAValue, storage: Storage) -> tuple[int, ...]:
    """The extents of a buffer's memory: copies of it, dimensions, lanes."""
    first = int(storage.slot is not None)
    extents = dict(zip(storage.kept, storage.shape[first:], strict=False))
    if storage.tiling is None and isinstance(buffer.owner, AllocOp):
        # Without what is there only to load and store whole registers.
        ends = zip(storage.kept, storage.ends[first:], strict=False)
        extents |= {d: end[1][1] for d, end in ends if len(end) == 2}
    shape = [extents.get(d, 1) for d in _order(buffer, storage)]
    if alignments := _alignments(buffer):
        # Also where there is one row only: it makes no difference then.
        shape = aligned_shape(shape, _order(buffer, storage), alignments) or shape
    lanes = (storage.shape[-1],) if storage.lane is not None else ()
    return (*storage.shape[:first], *shape, *lanes)


def _alignments(buffer: SSAValue) -> Mapping[int, tuple[int, int]]:
    owner = buffer.owner
    return owner.alignments if isinstance(owner, AllocOp) else {}


def _full_indices(buffer: SSAValue, storage: Storage, found: AccessPlan) -> list[Lin | SSAValue]:
    first = int(storage.slot is not None)
    kept = dict(zip(storage.kept, found.indices[first:], strict=False))
    indices: list[Lin | SSAValue] = [kept.get(d, Lin()) for d in _order(buffer, storage)]
    lanes = (found.indices[-1],) if storage.lane is not None else ()
    return [*([Lin()] if first else []), *indices, *lanes]


def _distances(form: Lin) -> dict[SSAValue, int]:
    """How far a form moves at most in one iteration of each loop, without its sign."""
    found: dict[SSAValue, int] = {}
    for atom, coefficient in form.terms.items():
        if not isinstance(atom, Digit):
            found[atom] = found.get(atom, 0) + abs(coefficient)
            continue
        for value, distance in _distances(atom.inner).items():
            trips = _extent(value) - 1
            step = -(-distance // atom.divisor) if distance * trips >= atom.divisor else 0
            if atom.modulus is not None:
                step = min(step, atom.modulus - 1)
            found[value] = found.get(value, 0) + abs(coefficient) * step
    return found


def _width_of_digits(form: Lin) -> int | None:
    """How far what is divided in a form goes; remainders go as far as they may, however few iterations there are."""
    width = 0
    for atom, scale in form.terms.items():
        if isinstance(atom, Digit):
            spread = (0, atom.modulus - 1) if atom.modulus is not None else atom_range(atom, loop_bounds)
            if spread is None:
                return None
            width += abs(scale) * (spread[1] - spread[0])
    return width


def _most_under(form: Lin, most: int, predicates: Sequence[tuple[Lin, int]]) -> int:
    """The largest value of a form where predicates hold that are part of it, if it is `most` without them."""
    for predicate, limit in predicates:
        scale = multiple_of(Lin(0, predicate.terms), form)
        bounds = predicate.range(loop_bounds)
        if scale is not None and bounds is not None and bounds[1] >= limit:
            most -= scale * (bounds[1] + 1 - limit)
            form = form - predicate * scale
    return most


def _count(op: Operation, counts: dict[str, int]) -> int:
    """Counts the arithmetic inside of a block, but for its init; gives how many branches there are."""
    branches = 0
    for region in op.regions:
        for child in (child for block in region.blocks for child in block.ops):
            if isinstance(child, InitOp):
                continue
            branches += isinstance(child, scf.IfOp)
            if child.regions:
                branches += _count(child, counts)
            elif (kind := _kind(child)) is not None:
                counts[kind] += _times(child)
    return branches


def _kind(op: Operation) -> str | None:
    """Which of `OPERATIONS` an operation is, if it is arithmetic on elements."""
    dialect, _, name = op.name.partition(".")
    if dialect not in ("arith", "math") or name in _FREE or not op.results:
        return None
    if isinstance(op.results[0].type, IndexType) or _says_where(op):
        return None
    return _KINDS.get(name) or ("special" if dialect == "math" else "integer")


def _times(op: Operation) -> int:
    return _TIMES.get(op.name.partition(".")[2], 1)


def _longest(block: Block) -> tuple[int, ...]:
    """The longest chain of arithmetic in a block, as how many of each of `OPERATIONS` it has."""
    none = (0,) * len(OPERATIONS)
    chains: dict[SSAValue, tuple[int, ...]] = {}
    for op in block.walk():
        if isinstance(op.parent_op(), InitOp):
            continue
        chain = max((chains.get(operand, none) for operand in op.operands), key=sum, default=none)
        if (kind := _kind(op)) is not None:
            at = OPERATIONS.index(kind)
            chain = (*chain[:at], chain[at] + _times(op), *chain[at + 1 :])
        parent = op.parent_op()
        ends = parent.results if isinstance(op, scf.YieldOp) and parent is not None else op.results
        for result in ends:
            chains[result] = max(chain, chains.get(result, none), key=sum)
    return max(chains.values(), key=sum, default=none)


def _says_where(op: Operation) -> bool:
    """Whether an operation only asks where an iteration is: a mask that whole vectors share, or nothing at all."""
    if isinstance(op, arith.CmpiOp):
        return isinstance(op.lhs.type, IndexType)
    if not isinstance(op, arith.AndIOp | arith.OrIOp | arith.XOrIOp):
        return False
    return all(isinstance(each.owner, Operation) and _says_where(each.owner) for each in op.operands)


def _instructions(loop: ForOp) -> int:
    """How many instructions a tensorized nest becomes, about: what is neither a constant nor moves vectors around."""
    assert loop.implementation is not None
    skipped = ("arith.constant", "vector.shape_cast", "vector.bitcast", "loop.yield")
    return max(1, sum(op.name not in skipped for op in loop.implementation.block.ops))


__all__ = ["OPERATIONS", "Layout", "Nest", "Structure", "describe"]
