"""What `loop-expand` knows about a kernel before it walks it: guards, access forms, storage.

Everything is a form over the loops' induction variables, computed once for each block, however many copies of it are
emitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.dialects import affine, arith, scf
from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)

from ....dialects.lanes import is_lane_private, row_major_strides
from ....dialects.layout import aligned_shape, packed_shape, passes_through
from ....dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    LoopKind,
    OutOfRange,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    WriteOp,
    blocks_in,
    enclosing_loops,
    is_float,
    loop_bounds,
    loop_of,
)
from ....dialects.quasi_affine import ZERO, Bounds, Interval, Lin, assuming, from_affine
from ....dialects.regions import accesses_of, footprint, index_forms, iterator_forms, reduce_loops
from ....dialects.scopes import scope_of
from ....errors import CompileError

Access = ReadOp | WriteOp | ReduceOp

ON_STACK = ("registers", "l1")
"""The memory scopes that are on the stack of a thread, however much else is there."""

MOST_PADDED = 4096
"""The most elements of a buffer whose rows are made to fill registers: a tile of accumulators."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition for a block to run: `form < limit`."""

    form: Lin
    limit: int


@dataclass(frozen=True, slots=True)
class Storage:
    """How a buffer lies in memory: each kept dimension, less its base, and one for the lanes where each has its own.

    `logical` is the shape that the program knows: nothing valid lies outside of it. With a `tiling`, bases are of the
    program's dimensions, and the map gives the kept ones from what is left of these.
    """

    type: MemRefType[Attribute]
    kept: tuple[int, ...]
    base: tuple[Lin, ...]
    lane: SSAValue | None
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    logical: tuple[int, ...]
    tiling: AffineMap | None = None
    ends: tuple[tuple[tuple[Lin, int], ...], ...] = ()
    """For each kept dimension of a staged buffer, or each of the program's with a tiling, sums of the index with a form
    that hold nothing valid from a number on: what the program does not know, and what one lifetime does not touch."""
    reach: tuple[int, ...] = ()
    """With a tiling, how many places there are in each of the program's dimensions that have ends."""
    slot: Lin | None = None
    """Which copy of the buffer is used, where there are several: the first dimension."""
    has_gaps: bool = False
    """Whether vectors may read places of floats that nobody writes."""

    @property
    def byte_size(self) -> int:
        count = 1
        for extent in self.shape:
            count *= extent
        return count * _byte_size(self.type.element_type)


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """Where an access goes, in each dimension of the storage: a form over induction variables, or data of the body.

    `untiled`: in each dimension of the program's, less the base, if the storage has a tiling.
    """

    buffer: SSAValue
    indices: tuple[Lin | SSAValue, ...]
    is_affine: bool
    wraps: bool
    untiled: tuple[Lin, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What is known about a block: when it runs, what its body compares iterators with, the affine values of its body,
    where its accesses go, which products become part of a fused multiply-add, and the properties of the ops that are
    emitted."""

    guards: tuple[Guard, ...]
    choices: tuple[Guard, ...]
    reduce_forms: tuple[Lin, ...]
    forms: dict[SSAValue, Lin]
    accesses: dict[Operation, tuple[AccessPlan, ...]]
    fused: set[SSAValue]
    properties: dict[Operation, dict[str, Attribute]]


class KernelPlan:
    """What is known about a kernel."""

    def __init__(self, func: FuncOp, *, fma: bool, vector_bytes: int = 0, vector_registers: int = 0) -> None:
        self.ranges: dict[SSAValue, Interval] = {}
        self.blocks_below: dict[ForOp, list[BlockOp]] = {}
        self.storage: dict[SSAValue, Storage] = {}
        self.blocks: dict[BlockOp, BlockPlan] = {}
        self.padded_reads: dict[scf.IfOp, tuple[AccessPlan, arith.ConstantOp] | None] = {}
        """Of choices that were looked at: those that read an element where there is one, and else are a constant."""
        self.vector_bytes = vector_bytes
        """How large a vector register is, 0 if nobody knows."""
        self.register_bytes = vector_bytes * vector_registers
        """How large all of them are."""
        self.written: set[SSAValue] = set()
        self._fma = fma
        allocs: list[AllocOp] = []
        blocks: list[BlockOp] = []
        for op in func.body.block.ops:
            self._collect(op, allocs, blocks)
        for argument in func.body.block.args:
            if isinstance(argument.type, MemRefType):
                self.storage[argument] = argument_storage(_memref(argument))
        for alloc in allocs:
            self.storage[alloc.buffer] = buffer_storage(alloc)
        for block in blocks:
            self.blocks[block] = self._plan_block(block)

    def stack_buffers(self, room: int) -> set[SSAValue]:
        """The buffers that go on the stack: the smallest ones first, as they may be registers."""
        return stack_buffers({b: s for b, s in self.storage.items() if isinstance(b.owner, AllocOp)}, room)

    def _collect(self, op: Operation, allocs: list[AllocOp], blocks: list[BlockOp]) -> None:
        if isinstance(op, ForOp):
            self.ranges[op.induction_variable] = (0, op.extent - 1)
            self.blocks_below[op] = blocks_in(op)
            for child in op.body.block.ops:
                self._collect(child, allocs, blocks)
        elif isinstance(op, BlockOp):
            blocks.append(op)
        elif isinstance(op, AllocOp):
            allocs.append(op)

    def _plan_block(self, block: BlockOp) -> BlockPlan:
        bounds = self.ranges.get
        bindings = block.binding_forms(bounds)
        self.written.update(block.written_buffers())
        reduce_forms = tuple(
            form for kind, form in zip(block.kinds, bindings, strict=True) if kind is IteratorKind.REDUCE
        )
        _check_init(block)
        forms: dict[SSAValue, Lin] = dict(zip(block.iterators, bindings, strict=True))
        accesses: dict[Operation, tuple[AccessPlan, ...]] = {}
        fused: set[SSAValue] = set()
        properties: dict[Operation, dict[str, Attribute]] = {}
        guards = self._guards(block, bindings)
        limits = {Lin(0, guard.form.terms): guard.limit - guard.form.const for guard in guards}
        for op in block.body.walk():
            if isinstance(op, Access | PrefetchOp):
                accesses[op] = tuple(self._plan_access(op, buffer, forms, limits) for buffer in op.buffers)
                continue
            form = _index_form(op, forms, bounds)
            if form is not None:
                forms[op.results[0]] = form
                continue
            properties[op] = _emitted_properties(op)
            if self._fma and isinstance(op, arith.MulfOp) and _is_contracted(op):
                fused.add(op.result)
        return BlockPlan(guards, _choices(block, forms), reduce_forms, forms, accesses, fused, properties)

    def _guards(self, block: BlockOp, bindings: Sequence[Lin]) -> tuple[Guard, ...]:
        bounds = self.ranges.get
        guards: dict[Guard, None] = {}
        for form, extent in zip(bindings, block.extents, strict=True):
            guards[Guard(form, extent)] = None
            guards[Guard(-form, 1)] = None
        for form, limit in block.predicate_forms(bounds):
            guards[Guard(form, limit)] = None
        return tuple(guard for guard in guards if not holds(guard, bounds))

    def _plan_access(
        self, op: Access | PrefetchOp, buffer: SSAValue, forms: dict[SSAValue, Lin], limits: Mapping[Lin, int]
    ) -> AccessPlan:
        """Where an access goes in the points at which some forms are below limits: those that the block runs at."""
        bounds = self.ranges.get
        storage = self.storage_of(buffer)
        data = [operand for operand in op.indices if isinstance(operand.owner, Operation)]
        operands = [Lin.of(operand) if operand in data else forms[operand] for operand in op.indices]
        indices: list[Lin | SSAValue] = []
        exprs = op.map.data.results
        bases = storage.base if storage.slot is None else storage.base[1:]
        local: list[Lin] = []
        if storage.tiling is None:
            places = [(exprs[d], operands, base) for d, base in zip(storage.kept, bases, strict=True)]
        else:
            local = [
                assuming(from_affine(e, operands, bounds), limits, bounds) - base
                for e, base in zip(exprs, bases, strict=True)
            ]
            places = [(storage.tiling.results[d], local, Lin()) for d in storage.kept]
        for expr, values, base in places:
            form = assuming(from_affine(expr, values, bounds), limits, bounds)
            if data and any(value in data for value in form.values()):
                (value,) = form.values()
                indices.append(value)
            else:
                indices.append(form - base)
        if storage.slot is not None:
            indices.insert(0, storage.slot)
        if storage.lane is not None:
            indices.append(Lin.of(storage.lane))
        elif len(indices) < len(storage.shape):
            indices.append(Lin())
        wraps = isinstance(op, ReadOp) and op.out_of_range.data is OutOfRange.WRAP
        affine_indices = all(isinstance(index, Lin) for index in indices)
        return AccessPlan(buffer, tuple(indices), affine_indices, wraps, tuple(local))

    def storage_of(self, buffer: SSAValue) -> Storage:
        storage = self.storage.get(buffer)
        if storage is None:
            storage = self.storage[buffer] = argument_storage(_memref(buffer))
        return storage


def _choices(block: BlockOp, forms: dict[SSAValue, Lin]) -> tuple[Guard, ...]:
    """What the body of a block compares iterators with, as far as that ends where loops end: `<` and `<=`."""
    found: dict[Guard, None] = {}
    for op in block.body.walk():
        if isinstance(op, arith.CmpiOp) and op.lhs in forms and op.rhs in forms:
            limit = {2: 0, 3: 1}.get(op.predicate.value.data)
            if limit is not None:
                found[Guard(forms[op.lhs] - forms[op.rhs], limit)] = None
    return tuple(found)


def stack_buffers(storage: Mapping[SSAValue, Storage], room: int) -> set[SSAValue]:
    """Which of some buffers go on the stack: those in scopes that are there, then the smallest ones, and none that has
    a place or is in a scope that is elsewhere."""
    chosen: set[SSAValue] = set()
    for buffer in sorted(storage, key=lambda b: (scope_of(b) not in ON_STACK, storage[b].byte_size)):
        if isinstance(buffer.owner, AllocOp) and buffer.owner.workspace is not None:
            continue
        if scope_of(buffer) == "l2":
            continue
        if scope_of(buffer) in ON_STACK:  # there is room: the scope has a limit
            chosen.add(buffer)
            room -= storage[buffer].byte_size
            continue
        room -= storage[buffer].byte_size
        if room < 0:
            break
        chosen.add(buffer)
    return chosen


def holds(guard: Guard, bounds: Bounds) -> bool:
    """Whether interval arithmetic proves a guard."""
    interval = guard.form.range(bounds)
    return interval is not None and interval[1] < guard.limit


def _memref(buffer: SSAValue) -> MemRefType[Attribute]:
    return cast("MemRefType[Attribute]", buffer.type)


def argument_storage(type: MemRefType[Attribute]) -> Storage:
    """A buffer that lies in memory as the program says."""
    shape = type.get_shape()
    rank = len(shape)
    strides = tuple(row_major_strides(shape))
    if not rank:
        return Storage(type, (), (), None, (), (), ())
    return Storage(type, tuple(range(rank)), (Lin(),) * rank, None, shape, strides, shape)


def buffer_storage(alloc: AllocOp) -> Storage:
    """A staged buffer, shrunk to what one lifetime touches; dimensions of extent 1 vanish."""
    found = footprint(alloc)
    source = _memref(alloc.buffer)
    tiling = _tiling(alloc)
    if tiling is not None:
        packed = packed_shape(tiling, found.shape)
        kept = tuple(d for d, extent in enumerate(packed) if extent > 1)
        shape = [packed[d] for d in kept]
        base, logical = found.base, tuple(_logical_extent(tiling.results[d], packed[d], source) for d in kept)
    else:
        kept = tuple(d for d in alloc.order if found.shape[d] > 1)
        shape = [found.shape[d] for d in kept]
        base = tuple(found.base[d] for d in kept)
        logical = tuple(source.get_shape()[d] for d in kept)
    if tiling is None and kept and kept[-1] == alloc.order[-1] and prod(shape) <= MOST_PADDED:
        shape[-1] = max(shape[-1], _reach_of_lanes(alloc, kept[-1], found.base[kept[-1]]))
    shape = aligned_shape(shape, kept, alloc.alignments) or shape
    filled = prod(min(extent, whole) for extent, whole in zip(found.shape, source.get_shape(), strict=True))
    # Sums have what they start from in all lanes.
    has_gaps = prod(shape) > filled and is_float(source.element_type) and not is_summed_up(alloc)
    ends = tuple(
        ((found.base[d], source.get_shape()[d]), (Lin(), found.shape[d])) if tiling is None or _pads(tiling, d) else ()
        for d in (kept if tiling is None else range(len(found.shape)))
    )
    lane = None
    for loop in enclosing_loops(alloc):
        if loop.kind is LoopKind.VECTORIZED and is_lane_private(alloc.buffer, loop):
            lane = loop.induction_variable
            shape.append(lanes_of(loop.extent))
    slot = None
    if alloc.copies > 1 and (home := loop_around(alloc)) is not None:
        slot = Lin.of(home.induction_variable).mod(alloc.copies, loop_bounds)
        shape, base, logical = [alloc.copies, *shape], (ZERO, *base), (alloc.copies, *logical)
        ends = ((), *ends) if tiling is None else ends
    if not shape:
        shape = [1]
    return Storage(
        MemRefType(source.element_type, shape),
        kept,
        base,
        lane,
        tuple(shape),
        tuple(row_major_strides(shape)),
        logical,
        tiling,
        ends,
        () if tiling is None else tuple(_reach(tiling, d, found.shape) for d in range(len(found.shape))),
        slot,
        has_gaps,
    )


def is_summed_up(alloc: AllocOp) -> bool:
    """Whether a reduction goes into a buffer."""
    return any(isinstance(access, ReduceOp) for access in accesses_of(alloc.buffer))


def loop_around(alloc: AllocOp) -> ForOp | None:
    """The loop that a buffer is made in, again and again."""
    parent = alloc.parent_op()
    return parent if isinstance(parent, ForOp) else None


def _tiling(alloc: AllocOp) -> AffineMap | None:
    """The tiling of a buffer, unless data says where it is read in a dimension that is split: then it lies as if it had
    none."""
    tiling = alloc.tiling
    if tiling is None:
        return None
    split = [d for d in range(tiling.num_dims) if not passes_through(tiling, d)]
    for access in accesses_of(alloc.buffer):
        forms = iterator_forms(access)
        if any(forms[d] is None for d in split):
            return None
    return tiling


def _pads(tiling: AffineMap, dimension: int) -> bool:
    """Whether what lies beyond a dimension has places of its own in a tiling: it is kept, or tiles of it are."""
    whole = AffineDimExpr(dimension)
    found = [expr for expr in tiling.results if whole in set(expr.dfs())]
    if found == [whole]:
        return True
    sizes: dict[AffineBinaryOpKind, int] = {}
    for expr in found:
        match expr:
            case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=AffineConstantExpr(value=size)) if lhs == whole:
                sizes[kind] = size
            case _:
                return False
    kinds = {AffineBinaryOpKind.FloorDiv, AffineBinaryOpKind.Mod}
    return len(found) == 2 and sizes.keys() == kinds and len(set(sizes.values())) == 1


def _reach(tiling: AffineMap, dimension: int, shape: Sequence[int]) -> int:
    """How many places in memory a dimension has: as many as what it is packed into, or as all tiles of it have."""
    places = 1
    for expr, extent in zip(tiling.results, packed_shape(tiling, shape), strict=True):
        if AffineDimExpr(dimension) in set(expr.dfs()):
            places *= extent
    return places


def _logical_extent(expr: AffineExpr, extent: int, source: MemRefType[Attribute]) -> int:
    return source.get_shape()[expr.position] if isinstance(expr, AffineDimExpr) else extent


def lanes_of(extent: int) -> int:
    """How many lanes run that many iterations: a power of two, since others are no registers."""
    return 1 << (extent - 1).bit_length()


def _reach_of_lanes(alloc: AllocOp, dimension: int, base: Lin) -> int:
    """How far lanes go in a dimension of a staged buffer, also those that are there only to fill a register, so that
    there is room to load and store whole registers; 0 if something is loaded that no lane stores. (Whatever lies there
    may be numbers that take long to compute with.)"""

    def bounds(value: SSAValue) -> Interval | None:
        loop = loop_of(value)
        if loop is None:
            return None
        return 0, (lanes_of(loop.extent) if loop.kind is LoopKind.VECTORIZED else loop.extent) - 1

    stored = loaded = 0
    for access in accesses_of(alloc.buffer):
        in_lanes = any(loop.kind is LoopKind.VECTORIZED for loop in enclosing_loops(access))
        form = index_forms(access, bounds)[dimension] if in_lanes else None
        spread = None if form is None else (form - base).range(bounds)
        if spread is not None and isinstance(access, WriteOp):
            stored = max(stored, spread[1] + 1)
        elif spread is not None:
            loaded = max(loaded, spread[1] + 1)
    return stored if stored >= loaded else 0


def describe(loop: ForOp) -> str:
    """A loop, as messages name it."""
    hint = loop.induction_variable.name_hint
    return f"loop %{hint} of extent {loop.extent}" if hint else f"loop of extent {loop.extent}"


def _check_init(block: BlockOp) -> None:
    if block.init is None:
        return
    for loop in reduce_loops(block):
        if loop.extent > 1 and loop.kind in (LoopKind.VECTORIZED, LoopKind.PARALLEL):
            raise CompileError(
                f"block '{block.block_name}': expected a decomposed reduction below the {loop.kind} reduce "
                f"{describe(loop)}, got an init"
            )


def _index_form(op: Operation, forms: dict[SSAValue, Lin], bounds: Bounds) -> Lin | None:
    """The form of an op's result, where it is index arithmetic on iterators."""
    if len(op.results) != 1 or not isinstance(op.results[0].type, IndexType):
        return None
    if isinstance(op, arith.ConstantOp):
        value = op.value
        return Lin(value.value.data) if isinstance(value, IntegerAttr) else None
    operands: list[Lin] = []
    for operand in op.operands:
        form = forms.get(operand)
        if form is None:
            return None
        operands.append(form)
    match op:
        case affine.ApplyOp():
            return from_affine(op.map.data.results[0], operands, bounds, op.map.data.num_dims)
        case arith.AddiOp():
            return operands[0] + operands[1]
        case arith.SubiOp():
            return operands[0] - operands[1]
        case arith.MuliOp() if operands[1].is_const:
            return operands[0] * operands[1].const
        case arith.MuliOp() if operands[0].is_const:
            return operands[1] * operands[0].const
        case _:
            return None


def _emitted_properties(op: Operation) -> dict[str, Attribute]:
    """The properties of the op that is emitted for a scalar op: order is final now, so nothing may reassociate it."""
    fastmath = op.properties.get("fastmath")
    if not isinstance(fastmath, FastMathFlagsAttr) or FastMathFlag.REASSOC not in fastmath.data:
        return op.properties
    kept = FastMathFlagsAttr([flag for flag in fastmath.data if flag is not FastMathFlag.REASSOC] or "none")
    return {**op.properties, "fastmath": kept}


def allows_contraction(fastmath: object) -> bool:
    """Whether fastmath flags allow to fuse an op with another."""
    return isinstance(fastmath, FastMathFlagsAttr) and FastMathFlag.ALLOW_CONTRACT in fastmath.data


def _is_contracted(product: arith.MulfOp) -> bool:
    """Whether a product goes into one sum only, and both may be fused.

    A reduction that carries `contract` extends it to the products it sums: its flags are about how values are combined.
    """
    uses = list(product.result.uses)
    if len(uses) != 1:
        return False
    user = uses[0].operation
    if isinstance(user, scf.YieldOp) and isinstance(choice := user.parent_op(), scf.IfOp):
        # What a lazy choice gives to a sum, where it is known which branch is taken.
        onward = list(choice.results[uses[0].index].uses)
        if len(onward) != 1:
            return False
        user = onward[0].operation
        if not isinstance(user, ReduceOp):
            return False
    if isinstance(user, ReduceOp):
        return allows_contraction(product.fastmath) or allows_contraction(user.fastmath)
    return isinstance(user, arith.AddfOp) and allows_contraction(product.fastmath) and allows_contraction(user.fastmath)


def _byte_size(type: Attribute) -> int:
    width = getattr(type, "bitwidth", 64)
    return max(1, width // 8)
