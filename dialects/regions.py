"""Regions of buffers that blocks touch, derived from their bodies: footprints, scopes, and what covers what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from operator import is_
from typing import cast

from xdsl.ir import Operation, SSAValue

from .loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    ReadOp,
    ReduceOp,
    WriteOp,
    enclosing_loops,
    loop_bounds,
    loop_of,
    memref_type,
    without_units,
)
from .quasi_affine import ZERO, Bounds, Lin, assuming, from_affine

Access = ReadOp | WriteOp | ReduceOp


def block_of(op: Operation) -> BlockOp:
    """The block that an op inside of a block's body is in."""
    block = op.parent
    while block is not None and (region := block.parent) is not None and (parent := region.parent) is not None:
        if type(parent) is BlockOp:
            return parent
        block = parent.parent
    raise AssertionError("expected an op inside of a block")


def alloc_of(buffer: SSAValue) -> AllocOp | None:
    """The `loop.alloc` of a buffer, or None for a kernel's argument."""
    owner = buffer.owner
    return owner if type(owner) is AllocOp else None


def buffer_shape(buffer: SSAValue) -> tuple[int, ...]:
    """The logical shape of a buffer."""
    return memref_type(buffer).get_shape()


def accesses_of(buffer: SSAValue) -> list[Access]:
    """Every access of a buffer, each once."""
    seen: dict[Access, None] = {}
    for use in buffer.uses:
        kind = type(use.operation)
        if kind is ReadOp or kind is WriteOp or kind is ReduceOp:
            seen[cast(Access, use.operation)] = None
    return list(seen)


def readers_of(buffer: SSAValue) -> list[BlockOp]:
    """The blocks that read a buffer by `loop.read`, in program order."""
    return in_program_order({block_of(op) for op in accesses_of(buffer) if isinstance(op, ReadOp)})


def writers_of(buffer: SSAValue) -> list[BlockOp]:
    """The blocks that write a buffer or reduce into it, in program order."""
    return in_program_order({block_of(op) for op in accesses_of(buffer) if not isinstance(op, ReadOp)})


def position(op: Operation) -> tuple[int, ...]:
    """Where an op stands: positions in its enclosing blocks, outermost first. Compares like program order."""
    path: list[int] = []
    current: Operation | None = op
    while current is not None and (block := current.parent) is not None:
        index, before = 0, current.prev_op
        while before is not None:
            index, before = index + 1, before.prev_op
        path.append(index)
        region = block.parent
        current = None if region is None else region.parent
    return tuple(reversed(path))


def in_program_order(blocks: Collection[BlockOp]) -> list[BlockOp]:
    """Blocks sorted by where they stand."""
    return list(blocks) if len(blocks) < 2 else sorted(blocks, key=position)


def index_forms(access: Access, bounds: Bounds = loop_bounds) -> Sequence[Lin | None]:
    """An access's index in each dimension over the loops' induction variables; None where it is data."""
    block = block_of(access)
    forms, bindings = iterator_forms(access, bounds), moving_bindings(block, bounds)
    known: tuple[object, object, Sequence[Lin | None]] | None = vars(access).get("_index_forms")
    if known is not None and known[0] is forms and known[1] is bindings:
        return known[2]
    replacement = dict(zip(block.iterators, bindings, strict=True))
    found = [None if form is None else form.substitute(replacement, bounds) for form in forms]
    if block.predicates is not None:
        limits = {
            Lin(0, form.terms): limit - form.const
            for form, limit in ((without_units(form, bounds), limit) for form, limit in block.predicate_forms(bounds))
        }
        found = [None if form is None else assuming(form, limits, bounds) for form in found]
    if bounds is loop_bounds:
        vars(access)["_index_forms"] = (forms, bindings, found)
    return found


def moving_bindings(block: BlockOp, bounds: Bounds = loop_bounds) -> Sequence[Lin]:
    """A block's bindings without the loops that run once."""
    if bounds is loop_bounds:
        return block.known_forms().moving
    return [without_units(form, bounds) for form in block.binding_forms(bounds)]


def iterator_forms(access: Access, bounds: Bounds = loop_bounds) -> Sequence[Lin | None]:
    """An access's index in each dimension over its block's iterators; None where it is data."""
    block = block_of(access)
    if bounds is not loop_bounds:
        return _iterator_forms(access, block, bounds)
    # Attributes and operands are never changed, only exchanged.
    iterators = block.regions[0].block.args
    source = (access._operands, access.properties["map"], iterators, block.properties["extents"])  # pyright: ignore[reportPrivateUsage]
    known: tuple[tuple[object, ...], Sequence[Lin | None]] | None = vars(access).get("_iterator_forms")
    if known is not None and all(map(is_, known[0], source)):
        return known[1]
    found = _iterator_forms(access, block, bounds)
    vars(access)["_iterator_forms"] = (source, found)
    return found


def _iterator_forms(access: Access, block: BlockOp, bounds: Bounds) -> list[Lin | None]:
    iterators = set(block.iterators)
    operands = [Lin.of(value) for value in access.indices]
    forms: list[Lin | None] = []
    for expr in access.map.data.results:
        form = from_affine(expr, operands, bounds)
        forms.append(form if all(value in iterators for value in form.values()) else None)
    return forms


def scope_loops(block: BlockOp) -> list[ForOp]:
    """The loops that the block's writes range over in the lifetime of the outermost buffer it writes: all loops, or
    those inside of that buffer's `loop.alloc`."""
    loops = enclosing_loops(block)
    depth = len(loops)
    for buffer in block.written_buffers():
        alloc = alloc_of(buffer)
        depth = min(depth, 0 if alloc is None else len(enclosing_loops(alloc)))
    return loops[depth:]


def is_staged(block: BlockOp) -> bool:
    """Whether everything the block writes lives inside of a loop."""
    buffers = block.written_buffers()
    return all((alloc := alloc_of(b)) is not None and isinstance(alloc.parent_op(), ForOp) for b in buffers)


def inside(loops: Collection[ForOp]) -> Callable[[SSAValue], bool]:
    """Whether a value is the induction variable of one of `loops`."""
    # Python finds identities faster than it hashes values.
    variables = {id(loop.induction_variable) for loop in loops}
    return lambda value: id(value) in variables


@dataclass(frozen=True)
class Interval:
    """What is touched of one dimension for fixed outer loops: from `lower` to the least of `uppers`, inclusive."""

    lower: Lin
    uppers: tuple[Lin, ...]


def region(access: Access, outer: Collection[ForOp], bounds: Bounds = loop_bounds) -> list[Interval]:
    """A box around what an access touches while the `outer` loops stand still, over their induction variables.

    Every dimension also ends at the buffer's shape; one that is data, or mixes loops in a digit, is the whole one.
    Predicates and domains may keep it smaller: `uppers` has those that bound a dimension.
    """
    block = block_of(access)
    fixed = inside(outer)
    shape = buffer_shape(access.buffers[0])
    intervals: list[Interval] = []
    inner_parts: list[tuple[Lin, Lin] | None] = []
    for form, extent in zip(index_forms(access, bounds), shape, strict=True):
        parts = None if form is None else form.split(lambda v: not fixed(v))
        spread = None if parts is None else parts[1].range(bounds)
        if parts is None or spread is None:
            intervals.append(Interval(ZERO, (Lin(extent - 1),)))
            inner_parts.append(None)
            continue
        intervals.append(Interval(parts[0] + spread[0], (parts[0] + spread[1],)))
        inner_parts.append(parts)
    for predicate, limit in restrictions(block, bounds):
        for d, parts in enumerate(inner_parts):
            upper = None if parts is None else _upper_under(predicate, limit, parts, fixed, bounds)
            if upper is not None:
                intervals[d] = Interval(intervals[d].lower, (*intervals[d].uppers, upper))
    return intervals


def _upper_under(
    predicate: Lin, limit: int, dimension: tuple[Lin, Lin], fixed: Callable[[SSAValue], bool], bounds: Bounds
) -> Lin | None:
    """An upper bound of a dimension (as outer and inner part) where `predicate < limit`, if its inner part is a
    multiple of the predicate's, plus a rest."""
    parts = predicate.split(lambda v: not fixed(v))
    if parts is None or parts[1].is_const:
        return None
    scale = multiple_of(parts[1], dimension[1])
    if scale is None:
        return None
    rest = (dimension[1] - parts[1] * scale).range(bounds)
    return None if rest is None else dimension[0] + (parts[0] * -1 + (limit - 1)) * scale + rest[1]


def multiple_of(part: Lin, whole: Lin) -> int | None:
    """How often a sum is taken where it is part of another one, by terms; None where it is not."""
    scales = {divmod(whole.terms.get(atom, 0), coefficient) for atom, coefficient in part.terms.items()}
    if len(scales) != 1:
        return None
    scale, remainder = scales.pop()
    return scale if scale > 0 and not remainder else None


def bounded_dimensions(
    predicate: Lin, limit: int, dimensions: Sequence[tuple[Lin, Lin] | None], fixed: Callable[[SSAValue], bool]
) -> list[tuple[int, Lin]]:
    """The dimensions (as outer and inner parts) whose inner part a predicate bounds, each with its largest index."""
    parts = predicate.split(lambda v: not fixed(v))
    if parts is None or parts[1].is_const:
        return []
    return [
        (d, dimension[0] - parts[0] + (limit - 1))
        for d, dimension in enumerate(dimensions)
        if dimension is not None and dimension[1] == parts[1]
    ]


def restrictions(block: BlockOp, bounds: Bounds = loop_bounds) -> Sequence[tuple[Lin, int]]:
    """What keeps a block from running that interval arithmetic does not rule out: predicates, and bindings that may
    leave their domain, each as `form < limit`. (A binding below 0 is `-form < 1`.)"""
    if bounds is not loop_bounds:
        return _restrictions(block, bounds)
    forms, extents = block.known_forms(), block.properties["extents"]
    if forms.restrictions is None or forms.restrictions[0] is not extents:
        forms.restrictions = extents, _restrictions(block, bounds)
    return forms.restrictions[1]


def _restrictions(block: BlockOp, bounds: Bounds) -> list[tuple[Lin, int]]:
    result: list[tuple[Lin, int]] = []
    bindings = moving_bindings(block, bounds)
    predicates = [(without_units(form, bounds), limit) for form, limit in block.predicate_forms(bounds)]
    for form, limit in (*predicates, *zip(bindings, block.extents, strict=True)):
        spread = form.range(bounds)
        if spread is None or spread[1] >= limit:
            result.append((form, limit))
    for form in bindings:
        spread = form.range(bounds)
        if spread is None or spread[0] < 0:
            result.append((-form, 1))
    return result


def implied(
    form: Lin, limit: int, bindings: Sequence[Lin], extents: Sequence[int], bounds: Bounds = loop_bounds
) -> bool:
    """Whether `form < limit` holds wherever all bindings lie in their domains."""
    spread = form.range(_inside_domains(bindings, extents, bounds))
    if spread is not None and spread[1] < limit:
        return True
    for binding, extent in zip(bindings, extents, strict=True):
        scale = multiple_of(form, binding)
        if scale is None:
            continue
        # binding = scale * form + rest with rest >= 0, so binding < extent <= scale * limit implies form < limit.
        rest = (binding - form * scale).range(bounds)
        if rest is not None and rest[0] >= 0 and extent <= scale * limit:
            return True
    return False


def _inside_domains(bindings: Sequence[Lin], extents: Sequence[int], bounds: Bounds) -> Bounds:
    """The bounds of values where all bindings lie in their domains: `3*v + rest < 8` with `rest >= 0` says `v <= 2`."""
    tightened: dict[SSAValue, tuple[int, int]] = {}
    for binding, extent in zip(bindings, extents, strict=True):
        for value, scale in binding.terms.items():
            if not isinstance(value, SSAValue) or scale <= 0:
                continue
            rest, known = (binding - Lin.of(value) * scale).range(bounds), tightened.get(value, bounds(value))
            if rest is not None and known is not None and known[1] > (most := (extent - 1 - rest[0]) // scale):
                tightened[value] = known[0], max(known[0], most)
    return lambda value: tightened.get(value) or bounds(value)


def covers(
    written: Sequence[Interval], needed: Sequence[Interval], shape: Sequence[int], bounds: Bounds = loop_bounds
) -> bool:
    """Whether a written region provably contains a needed one, both over the same outer loops."""
    for w, n, extent in zip(written, needed, shape, strict=True):
        if not (at_most(w.lower, ZERO, bounds) or at_most(w.lower, n.lower, bounds)):
            return False
        for upper in w.uppers:
            if at_most(Lin(extent - 1), upper, bounds):
                continue
            if not any(at_most(candidate, upper, bounds) for candidate in n.uppers):
                return False
    return True


def at_most(a: Lin, b: Lin, bounds: Bounds = loop_bounds) -> bool:
    """Whether `a <= b` is proven by interval arithmetic."""
    spread = (b - a).range(bounds)
    return spread is not None and spread[0] >= 0


@dataclass(frozen=True)
class Footprint:
    """The part of a staged buffer that is touched in its lifetime: `base` in each dimension, over the loops around the
    `loop.alloc`, and the shape."""

    base: tuple[Lin, ...]
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        count = 1
        for extent in self.shape:
            count *= extent
        return count


def footprint(alloc: AllocOp, bounds: Bounds = loop_bounds) -> Footprint:
    """The smallest box that holds every access of a buffer in one of its lifetimes. A dimension whose accesses have no
    common base keeps its logical extent."""
    fixed = inside(enclosing_loops(alloc))
    shape = buffer_shape(alloc.buffer)
    base: list[Lin | None] = [None] * len(shape)
    low = [0] * len(shape)
    high = [0] * len(shape)
    whole = [False] * len(shape)
    for access in accesses_of(alloc.buffer):
        for d, form in enumerate(index_forms(access, bounds)):
            if whole[d]:
                continue
            parts = None if form is None else form.split(lambda v: not fixed(v))
            spread = None if parts is None else parts[1].range(bounds)
            if parts is None or spread is None:
                whole[d] = True
                continue
            offset = parts[0].const
            origin = parts[0] + -offset
            lo, hi = spread[0] + offset, spread[1] + offset
            if base[d] is None:
                base[d], low[d], high[d] = origin, lo, hi
            elif base[d] == origin:
                low[d], high[d] = min(low[d], lo), max(high[d], hi)
            else:
                whole[d] = True
    bases: list[Lin] = []
    extents: list[int] = []
    for d, extent in enumerate(shape):
        origin = base[d]
        size = high[d] - low[d] + 1
        if whole[d] or origin is None or size >= extent:
            bases.append(ZERO)
            extents.append(extent)
        elif origin.is_const:
            first = max(0, low[d])
            bases.append(Lin(first))
            extents.append(min(high[d], extent - 1) - first + 1)
        else:
            bases.append(origin + low[d])
            extents.append(size)
    return Footprint(tuple(bases), tuple(extents))


def reduce_loops(block: BlockOp) -> list[ForOp]:
    """The loops that bind the block's reduce iterators, in the order of these."""
    return loops_of_kind(block, IteratorKind.REDUCE)


def loops_of_kind(block: BlockOp, kind: IteratorKind) -> list[ForOp]:
    """The loops that bind the block's iterators of one kind, in the order of these; each once."""
    loops: dict[ForOp, None] = {}
    for own, form in zip(block.kinds, block.binding_forms(), strict=True):
        if own is kind:
            loops |= {loop: None for value in form.values() if (loop := loop_of(value)) is not None}
    return list(loops)
