"""What a block computes, read off its iterators and accesses: contraction, map, reduction. Nothing here changes IR."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import is_

from xdsl.dialects import arith, scf
from xdsl.dialects.affine import ApplyOp
from xdsl.dialects.builtin import AnyFloat, IntegerType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr

from ..dialects.lanes import buffer_strides, lane_stride, row_major_strides
from ..dialects.layout import packed_shape
from ..dialects.loop import (
    CONSTANT,
    BlockOp,
    ForOp,
    IteratorKind,
    PrefetchOp,
    ReadOp,
    ReduceOp,
    WriteOp,
    blocks_in,
    element_type,
    enclosing_loops,
    loop_bounds,
)
from ..dialects.quasi_affine import Lin, from_affine
from ..dialects.regions import alloc_of, block_of, buffer_shape, index_forms, iterator_forms, readers_of
from ..errors import ScheduleError

_ADD = (arith.AddfOp, arith.AddiOp)
_MULTIPLY = (arith.MulfOp, arith.MuliOp)
_CASTS = (arith.ExtFOp, arith.ExtSIOp, arith.ExtUIOp, arith.SIToFPOp, arith.UIToFPOp)


@dataclass(frozen=True)
class Contraction:
    """Positions of a contraction's iterators: in both inputs (`batch`), in the left one only (`m`), in the right one
    only (`n`), summed over (`k`). The right input is the one that moves along the output's last dimension."""

    batch: tuple[int, ...]
    m: tuple[int, ...]
    n: tuple[int, ...]
    k: tuple[int, ...]
    left: ReadOp
    right: ReadOp


def reduction_of(block: BlockOp) -> ReduceOp | None:
    """The one reduction of a block into one buffer, if that is all that the block writes besides its init."""
    found = [op for op in block.writes() if op.parent_op() is block]
    if len(found) == 1 and isinstance(found[0], ReduceOp) and len(found[0].buffers) == 1:
        return found[0]
    return None


def contraction_of(block: BlockOp) -> Contraction | None:
    """The roles of a block's iterators if it sums products of two reads."""
    source = _source_of(block)
    known: tuple[list[object], Contraction | None] | None = vars(block).get("_contraction")
    if known is not None and len(known[0]) == len(source) and all(map(is_, known[0], source)):
        return known[1]
    found = _contraction_of(block)
    vars(block)["_contraction"] = source, found
    return found


def _source_of(block: BlockOp) -> list[object]:
    """What says how a block computes: attributes, types and lists of operands are never changed, only exchanged."""
    properties = block.properties
    source: list[object] = [properties["iterator_kinds"], properties["extents"]]
    ops: list[Operation | None] = [block.regions[0].block.first_op]
    while ops:
        op = ops.pop()
        while op is not None:
            operands = op._operands
            source += (op, operands, op.properties.get("map"))
            source += [value._type for value in operands]
            if op.regions:
                ops += [region.first_block.first_op for region in op.regions if region.first_block is not None]
            op = op._next_op
    return source


def _contraction_of(block: BlockOp) -> Contraction | None:
    reduce = reduction_of(block)
    if reduce is None or block.has_kind(IteratorKind.ORDERED) or not _combines_by(reduce, _ADD):
        return None
    factors = _factors(reduce.values[0])
    if factors is None:
        return None
    used = [_iterators_used(read, block) for read in factors]
    if any(positions is None for positions in used):
        return None
    left, right = (positions or set[int]() for positions in used)
    last = _iterators_of_last_dimension(reduce, block)
    if last <= left and not last <= right:
        left, right, factors = right, left, factors[::-1]
    kinds = block.kinds
    spatial = [i for i, kind in enumerate(kinds) if kind is IteratorKind.SPATIAL]
    reduced = [i for i, kind in enumerate(kinds) if kind is IteratorKind.REDUCE]
    moving = [i for i in spatial if block.extents[i] > 1]
    if not all(i in left and i in right for i in reduced) or not all(i in left or i in right for i in moving):
        return None
    return Contraction(
        tuple(i for i in spatial if i in left and i in right),
        tuple(i for i in spatial if i in left and i not in right),
        tuple(i for i in spatial if i in right and i not in left),
        tuple(reduced),
        *factors,
    )


def require_contraction(block: BlockOp) -> Contraction:
    """The roles of a contraction's iterators.

    Raises:
        ScheduleError: if the block is none.
    """
    roles = contraction_of(block)
    if roles is None:
        raise ScheduleError(f"expected a contraction, got block '{block.block_name}'", block)
    return roles


@dataclass(frozen=True)
class TileRoles:
    """What a tile of accumulators is made of: the iterator whose loop is unrolled (`i`), the one that becomes vector
    lanes (`j`), and the other spatial ones: `batch`, and those that move in the left (`m`) or right (`n`) input."""

    batch: tuple[int, ...]
    m: tuple[int, ...]
    n: tuple[int, ...]
    i: int
    j: int


def tile_roles(block: BlockOp) -> TileRoles | None:
    """How to cover a contraction with tiles of accumulators: lanes along the output's last dimension, and, if there is
    one, an iterator of the left input beside it, whose elements all lanes share. Iterators of extent 1 do not count."""
    roles, reduce = contraction_of(block), reduction_of(block)
    if roles is None or reduce is None:
        return None
    extents = block.extents
    batch, m, n = ([i for i in found if extents[i] > 1] for found in (roles.batch, roles.m, roles.n))
    last = _iterators_of_last_dimension(reduce, block)
    if len(last) != 1:
        return None
    (j,) = last
    candidates = [i for i in m if i != j] or [i for i in (*batch, *n) if i != j]
    if not candidates:
        return None
    i = max(candidates)
    batch, m, n = ([each for each in found if each not in (i, j)] for found in (batch, m, n))
    return TileRoles(tuple(batch), tuple(m), tuple(n), i, j)


def loops_of_roles(block: BlockOp, out: BlockOp, groups: Sequence[Sequence[int]]) -> list[list[ForOp]]:
    """The loops around `out`, which is the block or reads what it writes, that go along the block's iterators.

    Raises:
        ScheduleError: if `out` reads or writes that buffer elsewhere than at an iterator a dimension.
    """
    if out is block:
        return loops_binding_each(block, groups)
    reduce, read = read_of_sums(block, out)
    iterator_of: dict[int, int] = {}
    for own, other in zip(_dimensions(reduce, block), _dimensions(read, out), strict=True):
        if own is not None and other is not None:
            iterator_of[own] = other
    for i in (i for group in groups for i in group):
        if i not in iterator_of:
            raise ScheduleError(
                f"expected '{out.block_name}' to read what '{block.block_name}' writes at an iterator a dimension", out
            )
    return loops_binding_each(out, [[iterator_of[i] for i in group] for group in groups])


def read_of_sums(block: BlockOp, out: BlockOp) -> tuple[ReduceOp, ReadOp]:
    """The reduction of a block, and the first read that `out` makes of its results.

    Raises:
        ScheduleError: if there is none.
    """
    reduce = reduction_of(block)
    reads = [read for read in out.reads() if reduce is not None and read.buffer is reduce.buffers[0]]
    if reduce is None or not reads:
        raise ScheduleError(
            f"expected a block that reads what '{block.block_name}' writes, got '{out.block_name}'", out
        )
    return reduce, reads[0]


def _dimensions(access: ReadOp | WriteOp | ReduceOp, block: BlockOp) -> list[int | None]:
    """The iterator that each dimension of an access is indexed with, if it is one alone."""
    place = {iterator: i for i, iterator in enumerate(block.iterators)}
    found: list[int | None] = []
    for form in iterator_forms(access):
        iterator, scale = next(iter(form.terms.items()), (None, 0)) if form is not None else (None, 0)
        plain = form is not None and len(form.terms) == 1 and scale == 1 and isinstance(iterator, SSAValue)
        found.append(place.get(iterator) if plain and isinstance(iterator, SSAValue) else None)
    return found


def _combines_by(reduce: ReduceOp, kinds: tuple[type[Operation], ...]) -> bool:
    ops = list(reduce.combiner.block.ops)
    return len(ops) == 2 and isinstance(ops[0], kinds)


def _factors(value: SSAValue) -> tuple[ReadOp, ReadOp] | None:
    product = value.owner
    if not isinstance(product, _MULTIPLY):
        return None
    reads = [_read_behind(operand) for operand in product.operands]
    first, second = reads
    return (first, second) if first is not None and second is not None else None


def _read_behind(value: SSAValue) -> ReadOp | None:
    owner = value.owner
    while isinstance(owner, _CASTS):
        owner = owner.operands[0].owner
    return owner if isinstance(owner, ReadOp) else None


def _iterators_used(read: ReadOp, block: BlockOp) -> set[int] | None:
    """Positions of the iterators that an access moves with; none if it is indexed by data."""
    positions: set[int] = set()
    indices, body = read.indices, block.regions[0].block
    for expr in read.map.data.results:
        for dim in expr.used_dims():
            index = indices[dim]
            if not isinstance(index, BlockArgument) or index.block is not body:
                return None
            positions.add(index.index)
    return positions


def _iterators_of_last_dimension(write: ReduceOp | WriteOp, block: BlockOp) -> set[int]:
    """Of the last dimension with more than one element."""
    shape = buffer_shape(write.buffers[0])
    results = [expr for expr, extent in zip(write.map.data.results, shape, strict=True) if extent > 1]
    if not results:
        return set()
    indices = [write.indices[dim] for dim in results[-1].used_dims()]
    return {index.index for index in indices if isinstance(index, BlockArgument) and index.block is block.body.block}


def is_map(block: BlockOp) -> bool:
    """Whether each point of the block writes elements of its own and nothing is accumulated."""
    return all(kind is IteratorKind.SPATIAL for kind in block.kinds)


def is_reduction(block: BlockOp) -> bool:
    """Whether the block combines values over reduce iterators and has no ordered one."""
    return block.has_kind(IteratorKind.REDUCE) and not block.has_kind(IteratorKind.ORDERED)


def is_row_reduction(block: BlockOp) -> bool:
    """Whether the block reduces over the last dimension of what it reads, and over nothing else."""
    reads = [op for op in block.reads() if op.parent_op() is block]
    if not is_reduction(block) or not reads:
        return False
    reduced = {i for i, kind in enumerate(block.kinds) if kind is IteratorKind.REDUCE}
    return any(_moves_last(read, block, reduced) for read in reads)


def _moves_last(read: ReadOp, block: BlockOp, reduced: set[int]) -> bool:
    if not read.map.data.results:
        return False
    *outer, last = read.map.data.results
    if not isinstance(last, AffineDimExpr):
        return False
    index = read.indices[last.position]
    if not isinstance(index, BlockArgument) or index.block is not block.body.block or reduced != {index.index}:
        return False
    return all(last.position not in expr.used_dims() for expr in outer)


def row_loops(block: BlockOp, out: BlockOp) -> tuple[list[ForOp], list[ForOp]]:
    """The loops around `out` over dimensions that a reduction keeps, and those over dimensions that it reduces: of what
    it reads, if `out` writes a tensor of that shape; it may also be one of the shape of the sums.

    Raises:
        ScheduleError: if it is neither.
    """
    writes = [access for access in out.writes() if access.parent_op() is out]
    if not writes:
        raise ScheduleError(f"expected a block that writes, got '{out.block_name}', which only prefetches", out)
    own, shape = _moving_dimensions(writes[0], out)
    reduced = {i for i, kind in enumerate(block.kinds) if kind is IteratorKind.REDUCE}
    columns: list[int | None] | None = None
    if shape == [extent for extent in buffer_shape(block.written_buffers()[0]) if extent > 1]:
        columns = []
    for read in block.reads():
        read_at, read_shape = _moving_dimensions(read, block)
        if columns is None and read_shape == shape:
            columns = [mine for mine, other in zip(own, read_at, strict=True) if other in reduced]
    if columns is None or len(set(own)) != len(own) or None in own:
        raise ScheduleError(f"expected '{out.block_name}' to write the rows that '{block.block_name}' reduces", out)
    rows = [i for i, kind in enumerate(out.kinds) if kind is IteratorKind.SPATIAL and i not in columns]
    return loops_binding(out, rows), loops_binding(out, [i for i in columns if i is not None])


def _moving_dimensions(access: ReadOp | WriteOp | ReduceOp, block: BlockOp) -> tuple[list[int | None], list[int]]:
    """The iterators that an access is indexed with, and the extents, in dimensions of more than one element."""
    dimensions = zip(_dimensions(access, block), buffer_shape(access.buffers[0]), strict=True)
    moving = [(iterator, extent) for iterator, extent in dimensions if extent > 1]
    return [iterator for iterator, _ in moving], [extent for _, extent in moving]


def is_costly(block: BlockOp) -> bool:
    """Whether the block computes what takes many instructions, of which vectors need no more."""
    return any(op.name.startswith("math.") or type(op) is arith.DivfOp for op in block.walk())


def is_window(block: BlockOp) -> bool:
    """Whether the block reduces windows, each of one plane: an input moves along everything that the block keeps, and
    what it reduces moves the input along with something that it keeps."""
    reduce = reduction_of(block)
    if reduce is None or block.has_kind(IteratorKind.ORDERED):
        return False
    kinds = dict(zip(block.iterators, block.kinds, strict=True))
    moving = {v for v, extent in zip(block.iterators, block.extents, strict=True) if extent > 1}
    kept = {v for v in moving if kinds[v] is IteratorKind.SPATIAL}
    for read in block.reads():
        forms = iterator_forms(read)
        dimensions = [moving.intersection(form.values()) for form in forms if form is not None]
        reduced = [dimension - kept for dimension in dimensions]
        slides = [dimension & kept for dimension, steps in zip(dimensions, reduced, strict=True) if steps]
        if len(dimensions) == len(forms) and slides and all(slides) and set[SSAValue]().union(*dimensions) == moving:
            return True
    return False


def is_pad(block: BlockOp) -> bool:
    """Whether the block moves elements, or chooses between one and a constant by where it is: copies that are in place
    of what they copy cost nothing."""
    if not is_map(block):
        return False
    reads = block.reads()
    plain = (scf.IfOp, scf.YieldOp, arith.ConstantOp, arith.CmpiOp, arith.AndIOp, ApplyOp, ReadOp, WriteOp)
    return len(reads) == 1 and all(isinstance(op, plain) for op in block.body.walk())


def is_sink(block: BlockOp) -> bool:
    """Whether no other block reads what this one writes."""
    return all(reader is block for buffer in block.written_buffers() for reader in readers_of(buffer))


def stride_in(loop: ForOp, access: ReadOp | WriteOp | ReduceOp, buffer: SSAValue) -> int | None:
    """How many elements of a buffer apart an access is in neighbouring iterations of a loop; None where it is no
    constant."""
    forms = index_forms(access)
    if None in forms and not _is_moved(access, loop):
        forms = [Lin() if form is None else form for form in forms]
    known = [form for form in forms if form is not None]
    if len(known) < len(forms):
        return None
    alloc = alloc_of(buffer)
    if alloc is not None and alloc.tiling is not None:
        packed = [from_affine(expr, known, loop_bounds) for expr in alloc.tiling.results]
        strides = row_major_strides(packed_shape(alloc.tiling, buffer_shape(buffer)))
        return lane_stride(packed, strides, loop.induction_variable)
    return lane_stride(known, buffer_strides(buffer), loop.induction_variable)


def _is_moved(access: ReadOp | WriteOp | ReduceOp, loop: ForOp) -> bool:
    """Whether the data that an access is indexed with differs between iterations of a loop."""
    block = block_of(access)
    moving = {v for v, form in zip(block.iterators, block.binding_forms(), strict=True) if _moves(form, loop)}
    pending = [index for index in access.indices if isinstance(index.owner, Operation)]
    seen: set[SSAValue] = set()
    while pending:
        value = pending.pop()
        if value in moving:
            return True
        if value not in seen and isinstance(value.owner, Operation):
            seen.add(value)
            pending.extend(operand for op in value.owner.walk() for operand in op.operands)
    return False


def _moves(form: Lin, loop: ForOp) -> bool:
    return loop.induction_variable in form.values()


def strided_access(loop: ForOp) -> ReadOp | WriteOp | ReduceOp | None:
    """An access in the loop that moves by neither 0 nor 1 element from one iteration to the next; none if all do."""
    for block in blocks_in(loop):
        for access in block.accesses():
            if any(stride_in(loop, access, buffer) not in (0, 1) for buffer in access.buffers):
                return access
    return None


KINDS: dict[str, Callable[[BlockOp], bool]] = {
    "any": lambda block: True,
    "contraction": lambda block: contraction_of(block) is not None,
    "costly": is_costly,
    "map": is_map,
    "ordered": lambda block: block.has_kind(IteratorKind.ORDERED),
    "pad": is_pad,
    "reduction": is_reduction,
    "row_reduction": is_row_reduction,
    "sink": is_sink,
    "window": is_window,
}
"""What `sched.match_structure` can ask for."""


@dataclass(frozen=True)
class StructureSpec:
    """What a block should look like; what is None is not asked."""

    kind: str = "any"
    spatial: int | None = None
    reduce: int | None = None
    ordered: int | None = None
    rank: int | None = None
    element_type: Attribute | None = None
    constant: tuple[int, ...] = ()
    """Inputs (by order of first read) that have to be model constants."""


def mismatch(block: Operation, spec: StructureSpec) -> str | None:
    """Why an op does not look as asked for; None if it does."""
    if not isinstance(block, BlockOp):
        return f"expected loop.block, got {block.name}"
    if type(block.regions[0].block.last_op) is PrefetchOp and not block.written_buffers():
        return f"expected a block that computes, got '{block.block_name}', which only prefetches"
    for kind, wanted in (
        (IteratorKind.SPATIAL, spec.spatial),
        (IteratorKind.REDUCE, spec.reduce),
        (IteratorKind.ORDERED, spec.ordered),
    ):
        if wanted is not None and (count := block.kinds.count(kind)) != wanted:
            return f"expected {wanted} {kind} iterators, got {count}"
    return _buffer_mismatch(block, spec) or (
        None if KINDS[spec.kind](block) else f"expected a {spec.kind}, got block '{block.block_name}'"
    )


def _buffer_mismatch(block: BlockOp, spec: StructureSpec) -> str | None:
    asked = spec.rank is not None or spec.element_type is not None
    for buffer in block.written_buffers() if asked else ():
        rank = len(buffer_shape(buffer))
        if spec.rank is not None and rank != spec.rank:
            return f"expected to write a buffer of rank {spec.rank}, got {rank}"
        if spec.element_type is not None and element_type(buffer) != spec.element_type:
            return f"expected to write {spec.element_type}, got {element_type(buffer)}"
    inputs = buffers_read(block) if spec.constant else []
    for position in spec.constant:
        if position >= len(inputs) or not is_constant(inputs[position]):
            return f"expected input #{position} to be a constant"
    return None


def buffers_read(block: BlockOp) -> list[SSAValue]:
    """The buffers that a block reads by `loop.read`, each once, in program order."""
    return list(dict.fromkeys(read.buffer for read in block.reads()))


def is_constant(buffer: SSAValue) -> bool:
    """Whether a buffer is a kernel parameter that is a model constant."""
    if not isinstance(buffer, BlockArgument):
        return False
    func = buffer.block.parent_op()
    if not isinstance(func, FuncOp) or func.arg_attrs is None:
        return False
    return CONSTANT in func.arg_attrs.data[buffer.index].data


def loops_binding(block: BlockOp, positions: Sequence[int]) -> list[ForOp]:
    """The loops that bind the iterators at the positions, outermost first.

    Raises:
        ScheduleError: if such a loop binds another iterator too.
    """
    return loops_binding_each(block, [positions])[0]


def loops_binding_each(block: BlockOp, groups: Iterable[Sequence[int]]) -> list[list[ForOp]]:
    """The loops that bind the iterators at the positions in each group, outermost first.

    Raises:
        ScheduleError: if such a loop binds an iterator that is not in its group, too.
    """
    values = [{id(value) for value in form.values()} for form in block.binding_forms()]
    around = [(loop, id(loop.induction_variable)) for loop in enclosing_loops(block)]
    found: list[list[ForOp]] = []
    for positions in groups:
        mine = set[int]().union(*(values[position] for position in positions))
        loops = [(loop, variable) for loop, variable in around if variable in mine]
        for loop, variable in loops:
            if any(variable in own for i, own in enumerate(values) if i not in positions):
                raise ScheduleError("expected a loop that binds iterators of one role, got one of several", loop)
        found.append([loop for loop, _ in loops])
    return found


def element_bytes(type: Attribute) -> int:
    """How many bytes an element takes in memory."""
    if isinstance(type, IntegerType):
        return max(1, type.bitwidth // 8)
    if isinstance(type, AnyFloat):
        return type.bitwidth // 8
    raise ScheduleError(f"expected an integer or float element type, got {type}")
