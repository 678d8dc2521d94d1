"""What the schedule primitives share: refusals, rebinding of blocks, moving of nests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from xdsl.dialects.builtin import I64, AffineMapAttr, DenseArrayBase, i64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineMap

from ...dialects.iteration import coverage_failure, predicate_on_sum, uncovered_read
from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    IteratorKind,
    LoopKind,
    blocks_in,
    enclosing_loops,
    kernel_of,
    loop_bounds,
)
from ...dialects.pipelining import pipeline_failure
from ...dialects.quasi_affine import Lin, to_affine_map
from ...dialects.regions import implied, without_units
from ...errors import ScheduleError


def refuse(message: str, op: Operation, *notes: tuple[str, Operation]) -> NoReturn:
    """Raises the refusal of a primitive."""
    raise ScheduleError(message, op, notes)


def describe(loop: ForOp) -> str:
    """A loop, as messages name it."""
    hint = loop.induction_variable.name_hint
    return f"loop %{hint} of extent {loop.extent}" if hint else f"loop of extent {loop.extent}"


def require_serial(loop: ForOp) -> None:
    """Refuses loops that are already marked: a mark says what the loop is, so it comes last."""
    if loop.kind is not LoopKind.SERIAL or loop.peel is not None:
        kind = "peeled" if loop.kind is LoopKind.SERIAL else loop.kind.value
        refuse(f"expected a serial loop, got {kind} {describe(loop)}", loop)


def set_forms(block: BlockOp, bindings: Sequence[Lin], predicates: Sequence[tuple[Lin, int]]) -> None:
    """Gives a block new bindings and predicates, without predicates that always hold or that its domain implies."""
    kept: list[tuple[Lin, int]] = []
    if predicates:
        simplified = dict.fromkeys(predicate_on_sum(predicate, bindings) for predicate in predicates)
        sums = [without_units(form) for form in bindings]
        kept = [p for p in simplified if not implied(*p, sums, block.extents)]
    map, loops = to_affine_map([*bindings, *(form for form, _ in kept)])
    rank = len(bindings)
    block.operands = loops
    block.bindings = AffineMapAttr(AffineMap(map.num_dims, 0, map.results[:rank]))
    if kept:
        block.predicates = AffineMapAttr(AffineMap(map.num_dims, 0, map.results[rank:]))
        block.limits = DenseArrayBase.from_list(i64, [limit for _, limit in kept])
    else:
        block.predicates = None
        block.limits = None


BlockForms = tuple[tuple[SSAValue, ...], AffineMapAttr, AffineMapAttr | None, DenseArrayBase[I64] | None]


def get_forms(block: BlockOp) -> BlockForms:
    """A block's bindings and predicates as they are, for `put_forms`."""
    return tuple(block.operands), block.bindings, block.predicates, block.limits


def put_forms(block: BlockOp, forms: BlockForms) -> None:
    """Gives a block the bindings and predicates back that it had."""
    block.operands, block.bindings, block.predicates, block.limits = forms


def first_unproven(blocks: Sequence[BlockOp], buffers: Sequence[SSAValue] | None = None) -> tuple[BlockOp, str] | None:
    """The first of some blocks that is not proven to cover its domain, or to read only what was written, and why.

    `buffers`: those of which the accesses changed; all that the blocks touch if nothing is given.
    """
    for block in blocks:
        if (failure := coverage_failure(block)) is not None:
            return block, failure
    for loop in dict.fromkeys(loop for block in blocks for loop in enclosing_loops(block)):
        if loop.kind is LoopKind.PIPELINED and (failure := pipeline_failure(loop)) is not None:
            return failure
    if buffers is None:
        buffers = [buffer for block in blocks for access in block.accesses() for buffer in access.buffers]
    for buffer in dict.fromkeys(buffers):
        if type(buffer.owner) is AllocOp and (uncovered := uncovered_read(buffer)) is not None:
            return uncovered
    return None


def rebind(block: BlockOp, replacement: Mapping[SSAValue, Lin], predicates: Sequence[tuple[Lin, int]] = ()) -> None:
    """Replaces loops in a block's bindings and predicates by forms over other loops, and adds predicates."""
    bindings = [form.substitute(replacement, loop_bounds) for form in block.binding_forms()]
    own = [(form.substitute(replacement, loop_bounds), limit) for form, limit in block.predicate_forms()]
    set_forms(block, bindings, [*own, *predicates])


def move_body(source: Block, target: Block) -> None:
    """Moves every op of one block to the end of another."""
    for op in list(source.ops):
        op.detach()
        target.add_op(op)


def body_ops(parent: Operation) -> list[Operation]:
    """The ops in the (single) block of a loop or a kernel."""
    return list(parent.regions[0].block.ops)


def child_in(parent: Operation, op: Operation) -> Operation:
    """The op directly inside of `parent` that `op` is in."""
    current = op
    while (above := current.parent_op()) is not parent:
        assert above is not None, "expected an op inside of its parent"
        current = above
    return current


def is_inside(op: Operation, ancestor: Operation) -> bool:
    """Whether an op stands inside of another."""
    block = op.parent
    while block is not None and (region := block.parent) is not None and (parent := region.parent) is not None:
        if parent is ancestor:
            return True
        block = parent.parent
    return False


def kernel(op: Operation) -> FuncOp:
    """The kernel that an op is in."""
    func = kernel_of(op)
    assert func is not None, "expected an op inside of a kernel"
    return func


def fresh_name(func: FuncOp, base: str) -> str:
    """A name that no block and no buffer of a kernel has: `base`, else `base` with a number."""
    taken: set[str] = set()
    _collect_names(func, taken)
    if base not in taken:
        return base
    number = 0
    while f"{base}_{number}" in taken:
        number += 1
    return f"{base}_{number}"


def _collect_names(parent: Operation, taken: set[str]) -> None:
    for region in parent.regions:
        for block in region.blocks:
            for op in block.ops:
                if type(op) is BlockOp or type(op) is AllocOp:
                    taken.add(op.sym_name.data)
                elif op.regions:
                    _collect_names(op, taken)


def buffer_name(buffer: SSAValue) -> str:
    """What copies of a buffer are named after."""
    owner = buffer.owner
    if isinstance(owner, AllocOp):
        return owner.sym_name.data
    assert isinstance(owner, Block)
    return f"arg{list(owner.args).index(buffer)}"  # pyright: ignore[reportArgumentType]


def lift_allocs(op: Operation) -> None:
    """Moves the buffers that an op uses in front of it, where they live in a block around it but stand after it."""
    for block in blocks_in(op):
        for buffer in dict.fromkeys(buffer for access in block.accesses() for buffer in access.buffers):
            alloc = buffer.owner
            home = alloc.parent_op() if isinstance(alloc, AllocOp) else None
            if home is None or not is_inside(op, home):
                continue
            assert isinstance(alloc, AllocOp)
            anchor = child_in(home, op)
            if anchor.is_before_in_block(alloc) and anchor.parent is not None:
                alloc.detach()
                anchor.parent.insert_op_before(alloc, anchor)


def own_loops(block: BlockOp) -> list[ForOp]:
    """The loops around a block that hold nothing else, outermost first."""
    own: list[ForOp] = []
    for loop in reversed(enclosing_loops(block)):
        if loop.body.block.first_op is not loop.body.block.last_op:
            break
        own.insert(0, loop)
    return own


class Parked:
    """An op taken out of the IR, for the way back: while it is kept here, it uses nothing."""

    def __init__(self, op: Operation) -> None:
        self.op = op
        self.around = enclosing_loops(op)
        self._place = op.parent, op.prev_op
        self._operands = [(each, tuple(each.operands)) for each in op.walk()]
        op.detach()
        for each, _ in self._operands:
            each.operands = ()

    def put_back(self) -> None:
        """Puts the op where it was: behind the op that stood in front of it."""
        for each, operands in self._operands:
            each.operands = operands
        parent, before = self._place
        assert parent is not None, "expected an op that stood in a block"
        if before is not None:
            parent.insert_op_after(self.op, before)
        elif parent.first_op is not None:
            parent.insert_op_before(self.op, parent.first_op)
        else:
            parent.add_op(self.op)


def erase_empty_loops(parent: Operation | None) -> None:
    """Erases a loop without a body, and those around it that this leaves without one."""
    while isinstance(parent, ForOp) and parent.body.block.first_op is None:
        above = parent.parent_op()
        parent.detach()
        parent.erase()
        parent = above


def nest(extents: Sequence[int], names: Sequence[str | None], body: Operation) -> tuple[list[ForOp], Operation]:
    """Loops of the given extents around an op; also gives the outermost op."""
    loops = [ForOp(extent) for extent in extents]
    for loop, name in zip(loops, names, strict=True):
        loop.induction_variable.name_hint = name
    ops: list[Operation] = [*loops, body]
    for outer, inner in zip(loops, ops[1:], strict=True):
        outer.regions[0].block.add_op(inner)
    return loops, ops[0]


def has_vector_loop(op: Operation) -> bool:
    """Whether an op is a vectorized loop, or inside of one."""
    loops = [*enclosing_loops(op), *([op] if isinstance(op, ForOp) else [])]
    return any(loop.kind is LoopKind.VECTORIZED for loop in loops)


def require_kind_free(block: BlockOp, kind: IteratorKind, why: str) -> None:
    """Refuses a block with iterators of a kind."""
    if block.has_kind(kind):
        refuse(f"expected a block without {kind} iterators {why}, got '{block.block_name}'", block)
