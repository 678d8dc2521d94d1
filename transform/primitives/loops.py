"""Primitives that touch loops: tile, interchange, coalesce."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from xdsl.ir import Operation, SSAValue

from ...dialects.loop import BlockOp, ForOp, IteratorKind, LoopKind, blocks_in, enclosing_loops, loop_bounds
from ...dialects.quasi_affine import Digit, Lin
from ...dialects.regions import alloc_of, inside, scope_loops
from .common import (
    describe,
    first_unproven,
    get_forms,
    move_body,
    put_forms,
    rebind,
    refuse,
    require_serial,
)
from .dependence import require_reorderable

TAILS = ("guard", "exact")


def tile(loops: Sequence[ForOp], sizes: Sequence[int], tail: str = "guard") -> list[ForOp]:
    """Splits each loop of a band in two, and moves the inner ones, the tiles, inside of all outer ones.

    before                         after `tile([i, j], [6, 64])`
    loop.for %i : 510 {            loop.for %i_o : 85 {
      loop.for %j : 512 { … }        loop.for %j_o : 8 {
    }                                  loop.for %i_i : 6 {
                                         loop.for %j_i : 64 { … }

    TVM calls it `split` (one loop) and `tile`. A size beyond the extent is the extent. Under `tail = "guard"` a size
    that does not divide makes blocks skip the iterations beyond the extent (`where`, dropped where the domain implies
    it); under `"exact"` it is refused.

    Args:
        loops: one loop, or loops of one perfect nest, outermost first.
        sizes: a positive tile size for each loop.

    Returns:
        The outer loops, then the inner ones.

    Raises:
        ScheduleError: if the loops are marked or no perfect nest, a size does not fit, or the band can't be reordered.
    """
    _require_loops(loops)
    if tail not in TAILS:
        refuse(f"expected a tail ({', '.join(TAILS)}), got '{tail}'", loops[0])
    if len(sizes) != len(loops):
        refuse(f"expected {len(loops)} tile sizes, one for each loop, got {len(sizes)}", loops[0])
    for loop, size in zip(loops, sizes, strict=True):
        require_serial(loop)
        if size < 1:
            refuse(f"expected a positive tile size, got {size}", loop)
        if tail == "exact" and loop.extent % size:
            names = " and ".join(f"'{block.block_name}'" for block in blocks_in(loop))
            refuse(
                f"expected a tile size that divides the extent {loop.extent}, got {size}, to tile {describe(loop)} "
                f"around {names}",
                loop,
            )
    if len(loops) > 1:
        chain = perfect_chain(loops)
        if chain != list(loops):
            refuse("expected loops directly inside of one another, outermost first, to tile together", loops[0])
        reversed_band = [*chain[::-1]]
        require_reorderable(chain, reversed_band, _around(chain[0]))
    blocks = blocks_in(loops[-1])
    before = [get_forms(block) for block in blocks_in(loops[0])]
    pairs = [_split(loop, min(size, loop.extent)) for loop, size in zip(loops, sizes, strict=True)]
    chain = [loop for pair in pairs for loop in pair]
    new = [*(pair[0] for pair in pairs), *(pair[1] for pair in pairs)]
    if len(loops) > 1:
        _relink(chain, new)
    inexact = any(loop.extent % size for loop, size in zip(loops, sizes, strict=True))
    if (inexact or any(_takes_apart(block) for block in blocks)) and (failure := first_unproven(blocks)):
        if len(loops) > 1:
            _relink(new, chain)
        for block, forms in zip(blocks, before, strict=True):
            put_forms(block, forms)
        for loop, (outer, inner) in reversed(list(zip(loops, pairs, strict=True))):
            _replace_nest([outer, inner], [loop])
        refuse(f"{failure[1]}, to tile {describe(loops[0])}", loops[0], ("this block", failure[0]))
    for loop in loops:
        loop.erase()
    return new


def _require_loops(loops: Sequence[ForOp]) -> None:
    if not loops:
        raise ValueError("expected at least one loop")


def _split(loop: ForOp, size: int) -> tuple[ForOp, ForOp]:
    extent = loop.extent
    outer, inner = ForOp(-(-extent // size)), ForOp(size)
    hint = loop.induction_variable.name_hint
    if hint is not None:
        outer.induction_variable.name_hint = f"{hint}o"
        inner.induction_variable.name_hint = f"{hint}i"
    value = loop.induction_variable
    form = Lin.of(outer.induction_variable) * size + Lin.of(inner.induction_variable)
    inexact = extent % size != 0
    blocks = blocks_in(loop)
    # A staged block beside the loop's consumers may compute too much: only its domain matters.
    guarded = {block for block in blocks if inexact and needs_guard(block, loop)}
    _insert_before(loop, outer)
    outer.regions[0].block.add_op(inner)
    move_body(loop.regions[0].block, inner.regions[0].block)
    for block in blocks:
        if value in block.operands or block in guarded:
            rebind(block, {value: form}, [(form, extent)] if block in guarded else [])
    loop.detach()
    return outer, inner


def _replace_nest(loops: Sequence[ForOp], others: Sequence[ForOp]) -> None:
    """Puts (detached) loops in the place of others, around the same body, and erases those."""
    _insert_before(loops[0], others[0])
    for above, below in pairwise(others):
        if below.parent is None:
            above.regions[0].block.add_op(below)
    move_body(loops[-1].regions[0].block, others[-1].regions[0].block)
    loops[0].detach()
    loops[0].erase()


def _takes_apart(block: BlockOp) -> bool:
    """Whether a binding takes a sum of loops apart, so that proofs depend on how it is written."""
    return any(isinstance(atom, Digit) for form in block.binding_forms() for atom in form.terms)


def needs_guard(block: BlockOp, loop: ForOp) -> bool:
    """Whether a block must not run beyond the end of a loop: it would write again, or read what was not written."""
    if loop in scope_loops(block):
        return True
    homes = (alloc_of(read.buffer) for read in block.reads())
    return any(home is not None and isinstance(home.parent_op(), ForOp) for home in homes)


def interchange(loops: Sequence[ForOp], permutation: Sequence[int]) -> list[ForOp]:
    """Reorders loops of one perfect nest: place `p` gets `loops[permutation[p]]`; loops between them stay.

    before                         after `interchange([i, j], [1, 0])`
    loop.for %i : 8 {              loop.for %j : 4 {
      loop.for %j : 4 { … }          loop.for %i : 8 { … }

    TVM calls it `reorder`. A new order of the loops of a reduction needs an associative and commutative combiner and,
    for floats, `reassoc`; loops of ordered iterators keep their place.

    Returns:
        The loops in their new order.

    Raises:
        ScheduleError: if the loops are no perfect nest, or the new order may change a result.
    """
    _require_loops(loops)
    if sorted(permutation) != list(range(len(loops))):
        refuse(f"expected a permutation of 0..{len(loops) - 1}, got {list(permutation)}", loops[0])
    chain = perfect_chain(loops)
    places = [loop for loop in chain if loop in loops]
    new = [loops[p] for p in permutation]
    mapping = dict(zip(places, new, strict=True))
    order = [mapping.get(loop, loop) for loop in chain]
    for before, loop in zip(chain, order, strict=True):
        if loop is not before:
            _require_movable(loop)
    require_reorderable(chain, order, _around(chain[0]))
    _relink(chain, order)
    return new


def _require_movable(loop: ForOp) -> None:
    """What makes a loop parallel or a vector was proven where it stands."""
    if loop.kind not in (LoopKind.SERIAL, LoopKind.UNROLLED):
        refuse(f"expected a serial or unrolled loop to move, got {loop.kind} {describe(loop)}", loop)


def perfect_chain(loops: Sequence[ForOp]) -> list[ForOp]:
    """The loops from the outermost to the innermost of `loops`, each the only op in the one before.

    Raises:
        ScheduleError: if they are not such a nest.
    """
    if len(set(loops)) != len(loops):
        refuse("expected each loop once", loops[0])
    depths = {loop: len(enclosing_loops(loop)) for loop in loops}
    innermost = max(loops, key=lambda loop: depths[loop])
    outermost = min(loops, key=lambda loop: depths[loop])
    chain = [*enclosing_loops(innermost), innermost][depths[outermost] :]
    if any(loop not in chain for loop in loops):
        stray = next(loop for loop in loops if loop not in chain)
        refuse(f"expected loops of one nest, got {describe(stray)} beside {describe(innermost)}", stray)
    for above, below in pairwise(chain):
        if above.regions[0].block.first_op is not below or above.regions[0].block.last_op is not below:
            other = next(op for op in above.regions[0].block.ops if op is not below)
            refuse(f"expected {describe(above)} to hold nothing but {describe(below)}", above, ("it also holds", other))
    return chain


def _around(loop: ForOp) -> list[ForOp]:
    return enclosing_loops(loop)


def _insert_before(anchor: Operation, op: Operation) -> None:
    assert anchor.parent is not None
    anchor.parent.insert_op_before(op, anchor)


def _relink(chain: Sequence[ForOp], order: Sequence[ForOp]) -> None:
    """Nests the loops of a perfect chain in a new order."""
    body = list(chain[-1].regions[0].block.ops)
    for op in body:
        op.detach()
    parent, after = chain[0].parent, chain[0].next_op
    assert parent is not None
    for loop in reversed(chain):
        loop.detach()
    for above, below in pairwise(order):
        above.regions[0].block.add_op(below)
    for op in body:
        order[-1].regions[0].block.add_op(op)
    if after is None:
        parent.add_op(order[0])
    else:
        parent.insert_op_before(order[0], after)


def coalesce(loops: Sequence[ForOp]) -> ForOp:
    """Makes one loop of loops directly inside of one another; iterators take it apart by `floordiv` and `mod`.

    before                         after `coalesce([i, j])`
    loop.for %i : 8 {              loop.for %ij : 32 {
      loop.for %j : 4 { … }          … = %ij floordiv 4, … = %ij mod 4

    TVM calls it `fuse`. The order of iterations stays.

    Raises:
        ScheduleError: if the loops are marked, no perfect nest, or bind iterators of different kinds.
    """
    _require_loops(loops)
    if len(loops) < 2:
        refuse("expected at least two loops to coalesce", loops[0])
    for loop in loops:
        require_serial(loop)
    if perfect_chain(loops) != list(loops):
        refuse("expected loops directly inside of one another, outermost first, to coalesce", loops[0])
    blocks = blocks_in(loops[-1])
    for block in blocks:
        _require_one_kind(block, loops)
    total = 1
    for loop in loops:
        total *= loop.extent
    fused = ForOp(total)
    hints = [loop.induction_variable.name_hint for loop in loops]
    fused.induction_variable.name_hint = "".join(hint for hint in hints if hint) or None
    replacement: dict[SSAValue, Lin] = {}
    step = total
    form = Lin.of(fused.induction_variable)
    _insert_before(loops[0], fused)
    for loop in loops:
        step //= loop.extent
        digit = form.floordiv(step, loop_bounds).mod(loop.extent, loop_bounds)
        replacement[loop.induction_variable] = digit
    before = [get_forms(block) for block in blocks]
    move_body(loops[-1].regions[0].block, fused.regions[0].block)
    for block in blocks:
        rebind(block, replacement)
    loops[0].detach()
    if (failure := first_unproven(blocks)) is not None:
        for block, forms in zip(blocks, before, strict=True):
            put_forms(block, forms)
        _replace_nest([fused], loops)
        refuse(f"{failure[1]}, to coalesce {describe(loops[0])}", loops[0], ("this block", failure[0]))
    loops[0].erase()
    return fused


def _require_one_kind(block: BlockOp, loops: Sequence[ForOp]) -> None:
    one_of = inside(loops)
    found: set[IteratorKind] = set()
    for kind, form in zip(block.kinds, block.binding_forms(), strict=True):
        if any(one_of(value) for value in form.values()):
            found.add(kind)
    if IteratorKind.ORDERED in found:
        refuse(f"expected loops of ordered iterators to stay, got a coalesce around '{block.block_name}'", block)
    if len(found) > 1:
        refuse(
            f"expected loops over iterators of one kind, got {' and '.join(sorted(found))} in '{block.block_name}'",
            block,
        )


__all__ = ["coalesce", "interchange", "needs_guard", "perfect_chain", "tile"]
