"""fuse_reduction_epilogue: what is added to a sum becomes what the sum starts from."""

from __future__ import annotations

from xdsl.dialects.arith import ConstantOp, FastMathFlagsAttr
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import (
    BlockOp,
    InitOp,
    IteratorKind,
    ReadOp,
    ReduceOp,
    WriteOp,
    is_float,
    loop_bounds,
)
from ...dialects.quasi_affine import Lin, from_affine, to_affine_map
from ...dialects.regions import accesses_of, alloc_of, block_of
from .common import Parked, erase_empty_loops, lift_allocs, refuse, require_kind_free
from .inline import copied
from .inline_consumer import iterators_at, last_source, require_way_free, unproven_at
from .reduction import Content

_FLAGS = ("fastmath", "overflowFlags")
_EXACT = ("arith.maximumf", "arith.minimumf")


def fuse_reduction_epilogue(block: BlockOp) -> None:
    """Lets a reduction start from what a consumer combines its result with, and erases the consumer and the buffer in
    between.

    before                                  after `fuse_reduction_epilogue(E)`
    R: init T[i, j] = 0                     R: init D[i, j] = bias[j]
       T[i, j] += A[i, k] * B[k, j]            D[i, j] += A[i, k] * B[k, j]
    E: D[i, j] = T[i, j] + bias[j]

    A sum with a bias or a residual, a maximum with a lower bound: whatever the combiner does itself.

    Raises:
        ScheduleError: unless the consumer combines each element of one reduction with something else by the
            reduction's own combiner, and the order may change: where floats are rounded, both need `reassoc`.
    """
    for kind in (IteratorKind.REDUCE, IteratorKind.ORDERED):
        require_kind_free(block, kind, "to fuse it into a reduction")
    buffer, reads = last_source(block)
    reduction, reduce = _reduction_of(block, buffer)
    combine, added, write = _combination(block, reads, reduction, reduce)
    iterators_at(block, reduction, reduce, reads)
    sources = [b for b in dict.fromkeys(read.buffer for read in block.reads()) if b is not buffer]
    require_way_free(block, reduction, sources)
    parent = block.parent_op()
    content = Content(reduction)
    reduce = next(op for op in reduction.body.block.ops if isinstance(op, ReduceOp))
    values = iterators_at(block, reduction, reduce, reads)
    _start_from(reduction, reduce, block, values, (reads[0], combine, write), added)
    _reduce_into(reduce, write, values)
    parked = Parked(block)
    failure = _failure(reduction, sources, parked)
    if failure is not None:
        parked.put_back()
        content.restore(reduction)
        refuse(f"{failure}, to fuse '{block.block_name}' into '{reduction.block_name}'", block)
    parked.op.erase()
    erase_empty_loops(parent)
    lift_allocs(reduction)
    alloc = alloc_of(buffer)
    assert alloc is not None
    alloc.detach()
    alloc.erase()


def _reduction_of(block: BlockOp, buffer: SSAValue) -> tuple[BlockOp, ReduceOp]:
    """The block that reduces into a buffer, and does nothing else."""
    (reduction,) = {block_of(op) for op in accesses_of(buffer) if not isinstance(op, ReadOp)}
    own = [op for op in reduction.writes() if op.parent_op() is reduction]
    if reduction.init is None or len(own) != 1 or not isinstance(own[0], ReduceOp) or len(own[0].buffers) != 1:
        refuse(
            f"expected '{reduction.block_name}' to be one reduction with its init, to fuse "
            f"'{block.block_name}' into it",
            block,
            ("the producer", reduction),
        )
    return reduction, own[0]


def _combination(
    block: BlockOp, reads: list[ReadOp], reduction: BlockOp, reduce: ReduceOp
) -> tuple[Operation, SSAValue, WriteOp]:
    """What combines the reduction's result with another value, that value, and the write."""
    writes = block.writes()
    write = writes[0]
    combiner = [op for op in reduce.combiner.block.ops if op.results]
    combine = write.value.owner if isinstance(write, WriteOp) else None
    if (
        len(writes) != 1
        or not isinstance(write, WriteOp)
        or not isinstance(combine, Operation)
        or len(combiner) != 1
        or combine.name != combiner[0].name
        or not _alike(combine, combiner[0])
        or len(reads) != 1
        or [use.operation for use in reads[0].result.uses] != [combine]
        or combine.parent_op() is not block
    ):
        refuse(
            f"expected '{block.block_name}' to combine each element with another value as "
            f"'{reduction.block_name}' does",
            block,
            ("the reduction", reduce),
        )
    if not (reduce.associative and reduce.commutative) or not (_may_reorder(combine) and reduce.may_reorder):
        refuse(
            "expected an associative and commutative combiner, with 'reassoc' for floats on both, to fuse "
            f"'{block.block_name}' into '{reduction.block_name}'",
            block,
            ("the reduction", reduce),
        )
    (added,) = (operand for operand in combine.operands if operand is not reads[0].result)
    return combine, added, write


def _alike(first: Operation, second: Operation) -> bool:
    """Whether two ops of one name have the same properties but for flags."""
    names = {*first.properties, *second.properties} - {*_FLAGS}
    return all(first.properties.get(name) == second.properties.get(name) for name in names)


def _may_reorder(op: Operation) -> bool:
    if op.name in _EXACT or not is_float(op.results[0].type):
        return True
    flags = op.properties.get("fastmath")
    return isinstance(flags, FastMathFlagsAttr) and FastMathFlag.REASSOC in flags.data


def _start_from(
    reduction: BlockOp,
    reduce: ReduceOp,
    block: BlockOp,
    values: dict[SSAValue, Lin],
    skipped: tuple[Operation, ...],
    added: SSAValue,
) -> None:
    """Lets the init write what the consumer combines the result with, combined with what it wrote."""
    init = reduction.init
    assert init is not None
    body = init.body.block
    mapper: dict[SSAValue, SSAValue] = {}
    body.add_ops(copied([op for op in block.body.block.ops if op not in skipped], values, mapper))
    old = next(op for op in body.ops if isinstance(op, WriteOp))
    value = mapper[added]
    if not _is_identity(old.value, reduce):
        read, combine, _ = skipped
        again = combine.clone({read.results[0]: old.value, added: value})
        body.add_op(again)
        value = again.results[0]
    _write(body_of=init, value=value, like=skipped[2], values=values)
    start = old.value.owner
    old.detach()
    old.erase()
    if isinstance(start, ConstantOp) and start.result.first_use is None:
        start.detach()
        start.erase()


def _write(body_of: InitOp, value: SSAValue, like: Operation, values: dict[SSAValue, Lin]) -> None:
    assert isinstance(like, WriteOp)
    forms = [from_affine(e, [values[index] for index in like.indices], loop_bounds) for e in like.map.data.results]
    map, indices = to_affine_map(forms)
    body_of.body.block.add_op(WriteOp(value, like.buffer, map, indices))


def _is_identity(value: SSAValue, reduce: ReduceOp) -> bool:
    return isinstance(value.owner, ConstantOp) and value.owner.value == reduce.identity.data[0]


def _reduce_into(reduce: ReduceOp, write: WriteOp, values: dict[SSAValue, Lin]) -> None:
    """Lets a reduction reduce into what the consumer writes."""
    forms = [from_affine(e, [values[index] for index in write.indices], loop_bounds) for e in write.map.data.results]
    map, indices = to_affine_map(forms)
    new = ReduceOp(
        reduce.values,
        [write.buffer],
        map,
        indices,
        reduce.detach_region(reduce.combiner),
        list(reduce.identity.data),
        associative=True,
        commutative=True,
        fastmath=reduce.fastmath,
    )
    body = reduce.parent
    assert body is not None
    body.insert_op_before(new, reduce)
    reduce.detach()
    reduce.erase()


def _failure(reduction: BlockOp, sources: list[SSAValue], parked: Parked) -> str | None:
    """Why the reduction is not proven to do what it did together with the consumer, if so."""
    try:
        for access in reduction.accesses():
            access.verify_()
        reduction.verify_()
    except VerifyException as failure:
        return str(failure)
    return unproven_at(reduction, sources, parked.around)


__all__ = ["fuse_reduction_epilogue"]
