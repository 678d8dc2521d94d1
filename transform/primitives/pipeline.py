"""Primitives that overlap what fills buffers with what reads them: multibuffer, pipeline."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Operation, SSAValue

from ...dialects.loop import AllocOp, BlockOp, ForOp, LoopKind, ReadOp, WriteOp, blocks_in
from ...dialects.pipelining import parts_of
from ...dialects.regions import alloc_of
from .common import buffer_name, describe, first_unproven, has_vector_loop, refuse, require_serial


def multibuffer(buffer: SSAValue, factor: int) -> None:
    """Makes several copies of a buffer that lives in a loop: iteration `i` uses copy `i mod factor`.

    before                                  after `multibuffer(B_local, 2)`
    loop.for %k : 8 {                       loop.for %k : 8 {
      %b = loop.alloc "B_local" : …           %b = loop.alloc "B_local" {multibuffer = 2 : i64} : …

    More copies than iterations are as many. What fills the buffer then runs `factor - 1` iterations ahead of what reads
    it, where the loop is pipelined.

    Raises:
        ScheduleError: if the buffer does not live in a loop of several iterations; if there are less than two copies;
            in a pipelined loop, if what fills it can't run ahead.
    """
    alloc = alloc_of(buffer)
    home = None if alloc is None else alloc.parent_op()
    if alloc is None or not isinstance(home, ForOp):
        owner = buffer.owner
        where = owner if isinstance(owner, Operation) else owner.parent_op()
        assert where is not None
        refuse(f"expected a buffer that lives in a loop, got '{buffer_name(buffer)}' of the whole kernel", where)
    if factor < 2:
        refuse(f"expected at least 2 copies of '{buffer_name(buffer)}', got {factor}", alloc)
    if has_vector_loop(home):
        refuse(f"expected no vectorized loop around copies of a buffer, got {describe(home)}", alloc)
    if home.extent < 2:
        refuse(f"expected several iterations to take turns with copies of a buffer, got {describe(home)}", alloc)
    before = alloc.multibuffer
    alloc.multibuffer = IntegerAttr(min(factor, home.extent), i64)
    if home.kind is LoopKind.PIPELINED and (failure := first_unproven(blocks_in(home))) is not None:
        alloc.multibuffer = before
        refuse(f"{failure[1]}, to make copies of '{buffer_name(buffer)}'", alloc, ("this block", failure[0]))


def pipeline(loop: ForOp, depth: int = 1) -> None:
    """Lets what fills the buffers of a loop run iterations ahead of what reads them.

    before                         after `pipeline(k)`             what is emitted
    loop.for %k : 8 {              loop.for %k : 8 pipelined {     fill copy 0 for 0
      %b = loop.alloc "B_local"      %b = loop.alloc "B_local"     for k in 0..7 {
      … copy B to B_local                {multibuffer = 2 : i64}     fill copy (k + 1) mod 2 for k + 1
      … C reads B_local              … copy B to B_local             C of k reads copy k mod 2
    }                                … C reads B_local             }
                                   }                               C of 7 reads copy 1

    TVM says so by annotations (`software_pipeline_stage`). Buffers that blocks fill by copying get `depth` more copies,
    so that their blocks run `depth` iterations ahead; so do those of buffers that have several copies already
    (`multibuffer`), by one iteration less than these.

    Raises:
        ScheduleError: if the loop is marked or runs once, nothing in it can run ahead, or an iteration fills a buffer
            from what earlier ones compute.
    """
    require_serial(loop)
    if depth < 1:
        refuse(f"expected to run at least 1 iteration ahead, got {depth}", loop)
    if has_vector_loop(loop):
        refuse(f"expected no vectorized loop around a pipelined one, got {describe(loop)}", loop)
    if loop.extent < 2:
        refuse(f"expected several iterations to pipeline, got {describe(loop)}", loop)
    depth = min(depth, loop.extent - 1)
    allocs = [op for op in loop.body.block.ops if isinstance(op, AllocOp)]
    before = [alloc.multibuffer for alloc in allocs]
    for alloc in allocs:
        if alloc.multibuffer is None and _is_filled_by_copies(alloc):
            alloc.multibuffer = IntegerAttr(depth + 1, i64)
    loop.kind = LoopKind.PIPELINED
    failure: tuple[Operation, str] | None = None
    if not any(distance for _, distance in parts_of(loop)):
        failure = loop, "expected a buffer that is filled by a copy in each iteration"
    else:
        failure = first_unproven(blocks_in(loop))
    if failure is not None:
        loop.kind = LoopKind.SERIAL
        for alloc, copies in zip(allocs, before, strict=True):
            alloc.multibuffer = copies
        note = [("this block", failure[0])] if isinstance(failure[0], BlockOp) else []
        refuse(f"{failure[1]}, to pipeline {describe(loop)}", loop, *note)


def _is_filled_by_copies(alloc: AllocOp) -> bool:
    """Whether blocks write nothing to a buffer but what they read elsewhere."""
    writes = [use.operation for use in alloc.buffer.uses if not isinstance(use.operation, ReadOp)]
    return bool(writes) and all(isinstance(op, WriteOp) and isinstance(op.value.owner, ReadOp) for op in writes)


__all__ = ["multibuffer", "pipeline"]
