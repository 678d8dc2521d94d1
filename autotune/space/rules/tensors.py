"""Products of small numbers, by instructions that sum a few of them at once: of bytes, and of bfloat16.

The right input is packed such that what an instruction takes lies side by side: a constant once and for all, another
input a block of columns at a time. Either columns are lanes, and a tile of rows stays in registers; or the target has
registers that hold tiles themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import SymbolRefAttr

from ....dialects.loop import element_type
from ....transform.recorder import Handle
from ....transform.structure import contraction_of, element_bytes, is_constant, is_map
from ....transform.target import FEATURE
from ..writer import Number, Writer
from .product import inline_maps, own_loops
from .sizes import even_sizes, thinned
from .steps import attempt, finish_maps, lanes_of, parallel

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

TILE = 16
"""Rows, and columns, of a register that holds a tile."""
TILE_REGISTERS = 8
INTERLEAVED = ("interleave_4x16", "interleave_4x8", "interleave_2x16", "interleave_2x8")


@dataclass(frozen=True)
class Kind:
    """What is multiplied, what instructions sum of it, and which features bring them."""

    types: str
    depth: int
    dots: tuple[str, ...]
    features: tuple[str, ...]
    tile: str
    zero: str
    stored: str
    tile_feature: str


KINDS = (
    Kind(
        *("[i8, i8]", 4, ("dot_u8s8_16", "dot_u8s8_8"), ("avx512vnni", "avxvnni")),
        *("tile_u8s8", "zero_tile_i32", "copy_tile_i32", "amx-int8"),
    ),
    Kind(
        *("[bf16, bf16]", 2, ("dot_bf16_16", "dot_bf16_8"), ("avx512bf16",)),
        *("tile_bf16", "zero_tile_f32", "copy_tile_f32", "amx-bf16"),
    ),
)


@dataclass(frozen=True)
class Matrices:
    """The product of two matrices: the name of its block, and its iterators."""

    name: str
    m: int
    n: int
    k: int
    extents: tuple[int, ...]
    constant: bool
    """Whether the right input is."""


def tensors(subject: Subject) -> Iterator[Sketch]:
    """Sketches for kernels with one product of matrices of small numbers, and maps."""
    matrices = _matrices(subject)
    if matrices is None:
        return
    for kind in KINDS:
        for columns_outside in (True, False):
            order = "columns outside" if columns_outside else "rows outside"
            yield from subject.sketch(f"tensors/dots, {order}", partial(_dots, kind, matrices, columns_outside))
            yield from subject.sketch(f"tensors/tiles, {order}", partial(_tiles, kind, matrices, columns_outside))


def _matrices(subject: Subject) -> Matrices | None:
    reductions = subject.reductions
    if len(reductions) != 1 or not all(block is reductions[0] or is_map(block) for block in subject.blocks):
        return None
    (block,) = reductions
    roles = contraction_of(block)
    if roles is None or len(block.extents) != 3 or not len(roles.m) == len(roles.n) == len(roles.k) == 1:
        return None
    if element_bytes(element_type(roles.right.buffer)) > 2 or min(block.extents) < 2:
        return None
    return Matrices(
        block.block_name, roles.m[0], roles.n[0], roles.k[0], block.extents, is_constant(roles.right.buffer)
    )


def _require(write: Writer, names: tuple[str, ...]) -> None:
    """One of some features, asked for by the script, too.

    Raises:
        ScheduleError: if the target has none of them.
    """
    known = [write.target_query(f"{FEATURE}{name}") for name in names]
    found: Number = known[0]
    for each in known[1:]:
        found = write.param(found, each, kind="max")
    write.constrain(found, 1, kind="eq")


def _begin(kind: Kind, matrices: Matrices, write: Writer) -> Handle:
    _require(write, kind.features)
    inline_maps(write)
    c = write.block(matrices.name)
    write.check_factors(c, types=kind.types)
    return c


def _consume(write: Writer, copy: Handle, at: Handle, lanes: int) -> None:
    """The one map that reads results follows in the tile, if it can."""
    block = write.block_op(copy)
    readers = [each for each in write.blocks if set(block.written_buffers()) & {r.buffer for r in each.reads()}]
    if len(readers) != 1 or not is_map(readers[0]):
        return
    out = write.block(readers[0].block_name)
    if not attempt(write.reverse_compute_at, out, at):
        return
    i, j = write.get_loops(out)[-2:]
    outer, inner = write.tile(j, lanes)
    write.vectorize(inner)
    write.unroll(i, outer)


def _dots(kind: Kind, matrices: Matrices, columns_outside: bool, write: Writer) -> None:
    """A tile of accumulators whose columns are lanes."""
    c = _begin(kind, matrices, write)
    block = write.block_op(c)
    lanes, registers = lanes_of(write, block), write.facts["vector_registers"]
    own = own_loops(write, c)
    i, j, k = (own[matrices.m], own[matrices.n], own[matrices.k])
    m, n = matrices.extents[matrices.m], matrices.extents[matrices.n]
    needed = -(-n // lanes)
    vectors = write.choose("vectors", range(1, max(1, min(needed, registers // 8)) + 1))
    rows = write.choose("rows", thinned(even_sizes(m, min(m, registers - 3)), 12))
    write.at_most(write.plus(write.plus(write.times(vectors, rows), vectors), 1), registers)
    step = write.choose("step", [1, 2, 4])
    columns = write.times(vectors, lanes)
    io, ii = write.tile(i, rows)
    jo, ji = write.tile(j, columns)
    jv, jl = write.tile(ji, lanes)
    kq, kd = write.tile(k, kind.depth)
    ko, ks = write.tile(kq, step)
    write.reorder(*((jo, io) if columns_outside else (io, jo)), ko, ks, ii, jv, jl, kd)
    at = io if columns_outside else jo
    copy = write.cache_write(c, at)
    _consume(write, copy, at, lanes)
    ci, cj = write.get_loops(copy)[-2:]
    write.vectorize(cj)
    write.unroll(ci, ii, jv, ks)
    init = write.decompose_reduction(c, ko)
    write.vectorize(write.get_loops(init)[-1])
    parallel(write, c, 8)
    write.peel(io, jo, ko)
    _pack(kind, matrices, write, c, jo if columns_outside else None, columns, lanes, tiles=False)
    write.tensorize(jl, _symbols(*kind.dots))
    finish_maps(write)


def _tiles(kind: Kind, matrices: Matrices, columns_outside: bool, write: Writer) -> None:
    """Registers that hold tiles: some of sums, and one of each input for each row and column of them."""
    _require(write, (kind.tile_feature,))
    c = _begin(kind, matrices, write)
    own = own_loops(write, c)
    i, j, k = own[matrices.m], own[matrices.n], own[matrices.k]
    step = kind.depth * TILE
    if matrices.extents[matrices.k] % step:
        write.pad(c, [step if position == matrices.k else 1 for position in range(3)])
    high = write.choose("row tiles", [1, 2, 3], 1)
    wide = write.choose("column tiles", [1, 2, 3], 1)
    write.at_most(write.plus(write.times(high, wide), write.plus(high, wide)), TILE_REGISTERS)
    io, ii = write.tile(i, write.times(high, TILE))
    jo, ji = write.tile(j, write.times(wide, TILE))
    iv, it = write.tile(ii, TILE)
    jv, jt = write.tile(ji, TILE)
    ko, ks = write.tile(k, step)
    kq, kd = write.tile(ks, kind.depth)
    write.reorder(*((jo, io) if columns_outside else (io, jo)), ko, iv, jv, it, jt, kq, kd)
    at = io if columns_outside else jo
    left = write.get_contraction_inputs(c)[0]
    copy = write.cache_write(c, at)
    sums = write.get_writes(c)[0]
    write.transform_layout(sums, outer_dims_perm=[0, 1], inner_dims_pos=[0, 1], sizes=[TILE, TILE])
    _consume(write, copy, at, TILE)
    write.unroll(iv, jv)
    init = write.decompose_reduction(c, ko)
    zero_rows = write.get_loops(init)[-2]
    # Tiles are stored as they are; rows are taken from memory.
    stored = write.cache_read(copy, sums, at)
    memory = write.get_writes(stored)[0]
    write.transform_layout(memory, outer_dims_perm=[0, 1], inner_dims_pos=[0, 1], sizes=[TILE, TILE])
    si, sj = write.get_loops(stored)[-2:]
    s_io, s_ii = write.tile(si, TILE)
    s_jo, s_ji = write.tile(sj, TILE)
    write.reorder(s_io, s_jo, s_ii, s_ji)
    write.unroll(s_io, s_jo)
    _, cj = write.get_loops(copy)[-2:]
    cv, cl = write.tile(cj, TILE)
    write.unroll(cv)
    write.vectorize(cl)
    # The left input is copied to tiles once.
    rows = write.cache_read(c, left)
    row_tiles = write.get_writes(rows)[0]
    write.transform_layout(row_tiles, outer_dims_perm=[0, 1], inner_dims_pos=[0, 1], sizes=[TILE, step])
    ri, rk = write.get_loops(rows)
    r_io, r_ii = write.tile(ri, TILE)
    r_ko, r_ki = write.tile(rk, step)
    write.reorder(r_io, r_ko, r_ii, r_ki)
    write.vectorize(r_ki)
    parallel(write, rows)
    parallel(write, c, 8)
    _pack(kind, matrices, write, c, jo if columns_outside else None, TILE, TILE, tiles=True)
    write.tensorize(zero_rows, _symbols(kind.zero))
    write.tensorize(s_ii, _symbols(kind.stored))
    write.tensorize(it, _symbols(kind.tile))
    finish_maps(write)


def _pack(
    kind: Kind,
    matrices: Matrices,
    write: Writer,
    c: Handle,
    at: Handle | None,
    columns: Number,
    lanes: int,
    *,
    tiles: bool,
) -> None:
    """The right input, as an instruction takes it: panels of columns, each with a few elements of the reduction."""
    right = write.get_contraction_inputs(c)[1]
    if matrices.constant:
        write.transform_layout(right, outer_dims_perm=[1, 0], inner_dims_pos=[1, 0], sizes=[columns, kind.depth])
        return
    copy = write.cache_read(c, right, at) if at is not None else write.cache_read(c, right)
    packed = write.get_writes(copy)[0]
    if tiles or at is None:
        write.transform_layout(packed, outer_dims_perm=[1, 0], inner_dims_pos=[1, 0], sizes=[columns, kind.depth])
    else:
        write.transform_layout(packed, outer_dims_perm=[0, 1], inner_dims_pos=[0], sizes=[kind.depth])
    k, n = write.get_loops(copy)[-2:]
    ko, ki = write.tile(k, kind.depth)
    no, ni = write.tile(n, lanes)
    write.reorder(ko, no, ki, ni)
    if at is not None:
        write.unroll(no)
    attempt(partial(write.tensorize, ki, _symbols(*INTERLEAVED)))
    if at is None:
        parallel(write, copy)


def _symbols(*names: str) -> list[SymbolRefAttr]:
    return [SymbolRefAttr(name) for name in names]


__all__ = ["tensors"]
