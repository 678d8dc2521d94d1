"""What a contraction's loops do to its inputs: those along a panel, whose elements lie side by side and become vector
lanes, and those along the rows that are multiplied with it. Nothing here changes IR."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from xdsl.ir import SSAValue

from ..dialects.loop import BlockOp, ForOp, IteratorKind, ReadOp, enclosing_loops, loop_bounds
from ..dialects.quasi_affine import Digit, Lin
from ..dialects.regions import index_forms, iterator_forms, loops_of_kind
from ..errors import ScheduleError
from .structure import loops_binding, read_of_sums, require_contraction, stride_in


@dataclass(frozen=True)
class PanelLoops:
    """Spatial loops by the inputs that they move in: both or none (`shared`), all but the panel (`rows`), the panel
    alone (`lanes`)."""

    shared: tuple[ForOp, ...]
    rows: tuple[ForOp, ...]
    lanes: tuple[ForOp, ...]


def panel_and_other(block: BlockOp, panel: SSAValue) -> tuple[ReadOp, ReadOp]:
    """A contraction's read of the panel, and the other one.

    Raises:
        ScheduleError: if the block is no contraction, or the panel none of its inputs.
    """
    roles = require_contraction(block)
    if roles.right.buffer is panel:
        return roles.right, roles.left
    if roles.left.buffer is panel:
        return roles.left, roles.right
    raise ScheduleError(f"expected an input of block '{block.block_name}', got another buffer", block)


def panel_loops(block: BlockOp, panel: SSAValue, out: BlockOp, inside: ForOp | None = None) -> PanelLoops:
    """The loops around `out`, which is the contraction or reads its sums, by the inputs that they move in. Loops that
    run once are shared. Loops around `inside`, and itself, do not count.

    Raises:
        ScheduleError: if `out` reads the sums elsewhere than at an iterator a dimension.
    """
    own, other = (_moving_loops(block, read, out) for read in panel_and_other(block, panel))
    shared: list[ForOp] = []
    rows: list[ForOp] = []
    lanes: list[ForOp] = []
    spatial = set(loops_of_kind(out, IteratorKind.SPATIAL))
    around = enclosing_loops(out)
    first = around.index(inside) + 1 if inside is not None and inside in around else 0
    for loop in around[first:]:
        if loop not in spatial:
            continue
        variable = loop.induction_variable
        if loop.extent == 1 or (variable in own) == (variable in other):
            shared.append(loop)
        else:
            (lanes if variable in own else rows).append(loop)
    return PanelLoops(tuple(shared), tuple(rows), tuple(lanes))


def _moving_loops(block: BlockOp, read: ReadOp, out: BlockOp) -> set[SSAValue]:
    """The induction variables around `out` that a read of the contraction would move with there."""
    if out is block:
        return {value for form in index_forms(read) if form is not None for value in form.values()}
    replacement = iterators_in(block, out)
    found: set[SSAValue] = set()
    for form in iterator_forms(read):
        if form is not None:
            # Loops of the sums do not move with those of `out`.
            fixed = {value: Lin() for value in form.values() if value not in replacement}
            found.update(form.substitute({**replacement, **fixed}, loop_bounds).values())
    return found


def iterators_in(block: BlockOp, out: BlockOp) -> dict[SSAValue, Lin]:
    """What the iterators at which a contraction writes are where `out` reads its sums, over the loops around `out`.

    Raises:
        ScheduleError: if `out` does not read the sums.
    """
    sums, read = read_of_sums(block, out)
    forms: dict[SSAValue, Lin] = {}
    for own, theirs in zip(iterator_forms(sums), index_forms(read), strict=True):
        iterator, scale = next(iter(own.terms.items()), (None, 0)) if own is not None else (None, 0)
        if own is None or theirs is None or len(own.terms) != 1 or scale != 1 or not isinstance(iterator, SSAValue):
            continue
        forms[iterator] = theirs - own.const
    return forms


def group_loops(block: BlockOp, out: BlockOp) -> tuple[list[ForOp], int]:
    """The loops around `out`, which reads a contraction's sums, along which it reads of one group of results after the
    other, as those of a convolution lie, and how many results a group has; none, and 1, if there are no groups."""
    _, read = read_of_sums(block, out)
    for form in iterator_forms(read):
        for atom in form.terms if form is not None else ():
            if isinstance(atom, Digit) and atom.modulus is None and len(values := atom.inner.values()) == 1:
                position = next(i for i, each in enumerate(out.iterators) if each is values[0])
                return loops_binding(out, [position]), atom.divisor
    return [], 1


def crossing_loop(block: BlockOp) -> ForOp:
    """The loop along which a block reads neighbours where it does not along its innermost one, as a transpose does.

    Raises:
        ScheduleError: if there is none, or not the same one for all that it reads so.
    """
    moving = [loop for loop in enclosing_loops(block) if loop.extent > 1]
    far = [read for read in block.reads() if moving and stride_in(moving[-1], read, read.buffer) not in (0, 1)]
    found = [loop for loop in moving[:-1] if all(stride_in(loop, read, read.buffer) == 1 for read in far)]
    if not far or not found:
        raise ScheduleError(
            f"expected a loop along which '{block.block_name}' reads neighbours that it does not read along its "
            "innermost one, got none",
            block,
        )
    return found[-1]


def dimension_along(block: BlockOp, buffer: SSAValue, loop: ForOp) -> int:
    """The dimension in which a block's accesses of a buffer move with a loop.

    Raises:
        ScheduleError: if there is no such dimension, or more than one.
    """
    found = set(dimensions_moved(block, buffer, [loop]))
    if not found and loop.extent == 1:
        # Where it would move, if it ran more often.
        bindings = zip(block.iterators, block.binding_forms(), strict=True)
        bound = {iterator for iterator, form in bindings if loop.induction_variable in form.values()}
        accesses = [access for access in block.accesses() if buffer in access.buffers]
        forms = (each for access in accesses for each in enumerate(iterator_forms(access)))
        found = {d for d, form in forms if form is not None and not bound.isdisjoint(form.values())}
    if len(found) != 1:
        raise ScheduleError(
            f"expected one dimension in which block '{block.block_name}' moves with the loop, got {len(found)}", loop
        )
    return found.pop()


def dimensions_moved(block: BlockOp, buffer: SSAValue, loops: Collection[ForOp]) -> list[int]:
    """The dimensions in which a block's accesses of a buffer move with some loops, in order."""
    variables = {loop.induction_variable for loop in loops}
    found: set[int] = set()
    for access in block.accesses():
        if buffer in access.buffers:
            forms = enumerate(index_forms(access))
            found.update(d for d, form in forms if form is not None and not variables.isdisjoint(form.values()))
    return sorted(found)
