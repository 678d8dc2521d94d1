"""A primitive that removes a loop that runs once: promote."""

from __future__ import annotations

from ...dialects.loop import ForOp, blocks_in
from ...dialects.quasi_affine import ZERO
from ..snapshot import Snapshot
from .common import describe, first_unproven, kernel, rebind, refuse


def promote(loop: ForOp) -> None:
    """Puts what is in a loop of one iteration in its place.

    before                         after `promote(i)`
    loop.for %i : 1 {              … C(v in 1 = 0)
      … C(v in 1 = i)
    }

    Buffers that live for the one iteration live for one of the loop around.

    Raises:
        ScheduleError: if the loop runs more than once.
    """
    if loop.extent != 1:
        refuse(f"expected a loop that runs once, got {describe(loop)}", loop)
    home = loop.parent
    assert home is not None, "expected a loop in a kernel"
    snapshot = Snapshot(kernel(loop))
    blocks = blocks_in(loop)
    for block in blocks:
        rebind(block, {loop.induction_variable: ZERO})
    for op in tuple(loop.body.block.ops):
        op.detach()
        home.insert_op_before(op, loop)
    loop.detach()
    loop.erase()
    if (failure := first_unproven(blocks)) is not None:
        snapshot.restore()
        refuse(f"{failure[1]}, without {describe(loop)}", loop, ("this block", failure[0]))


__all__ = ["promote"]
