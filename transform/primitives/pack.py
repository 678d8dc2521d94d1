"""A primitive that lets an input of a contraction, or its sums, lie in panels: pack."""

from __future__ import annotations

from xdsl.ir import SSAValue

from ...dialects.layout import tiled_layout
from ...dialects.loop import BlockOp, ForOp
from ...dialects.regions import buffer_shape, reduce_loops
from ..panels import dimension_along, dimensions_moved
from .common import refuse
from .layout import transform_layout


def pack(block: BlockOp, buffer: SSAValue, loop: ForOp, size: int) -> None:
    """Lets the elements of a buffer that a block's accesses reach along a loop lie side by side, `size` of them at a
    time; panels of them follow one another, each with all that the block reduces over.

    before                                                 after `pack(C, W, o, 16)`
    @k(%W: memref<40x9xf32> {loop.constant}, …)            @k(%W: memref<3x9x16xf32> {loop.constant, …}, …)
    … C reads W[vo, vc], vo = o                            … C reads W[vo floordiv 16, vc, vo mod 16]

    It is `transform_layout` with a map that is found from the block's accesses, whichever dimensions they have. MLIR's
    `structured.pack` says the same of a tensor.

    Raises:
        ScheduleError: if accesses move with the loop in no dimension, or in several; as `transform_layout` does.
    """
    if size < 1:
        refuse(f"expected a positive size of panels, got {size}", loop)
    dimension = dimension_along(block, buffer, loop)
    rank = len(buffer_shape(buffer))
    outer = [d for d in range(rank) if d != dimension]
    summed = [d for d in dimensions_moved(block, buffer, reduce_loops(block)) if d != dimension]
    place = outer.index(summed[0]) if summed else min(dimension, len(outer))
    outer.insert(place, dimension)
    transform_layout(buffer, tiled_layout(rank, outer, [dimension], [size]))
