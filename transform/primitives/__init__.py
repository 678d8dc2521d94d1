"""Schedule primitives: plain functions on the loop rung that check legality, then mutate.

Each one raises `ScheduleError`, with the IR as it was, if it can't prove that the program keeps its meaning. Transform
ops, the tuner and Python users all call these.
"""

from __future__ import annotations

from .cache_write import cache_write
from .epilogue import fuse_reduction_epilogue
from .inline import compute_inline
from .inline_consumer import reverse_compute_inline
from .jam import unroll_and_jam
from .kinds import bind, parallelize, peel, unroll, vectorize
from .layout import storage_align, transform_layout
from .location import compute_at, reverse_compute_at
from .loops import coalesce, interchange, tile
from .pack import pack
from .pad import pad
from .padding import decompose_padding
from .pipeline import multibuffer, pipeline
from .prefetch import prefetch
from .promises import keeps_promises
from .reduction import decompose_reduction, split_reduction
from .reindex import reindex
from .rolling import rolling_buffer
from .scopes import set_memory_space
from .siblings import fuse_sibling
from .split import split
from .staging import cache_read
from .structure import add_unit_loop, reorder_iterators
from .tensorize import blockize, read_intrinsic, tensorize

__all__ = [
    "add_unit_loop",
    "bind",
    "blockize",
    "cache_read",
    "cache_write",
    "coalesce",
    "compute_at",
    "compute_inline",
    "decompose_padding",
    "decompose_reduction",
    "fuse_reduction_epilogue",
    "fuse_sibling",
    "interchange",
    "multibuffer",
    "pack",
    "pad",
    "parallelize",
    "peel",
    "pipeline",
    "prefetch",
    "read_intrinsic",
    "reindex",
    "reorder_iterators",
    "reverse_compute_at",
    "reverse_compute_inline",
    "rolling_buffer",
    "set_memory_space",
    "split",
    "split_reduction",
    "storage_align",
    "tensorize",
    "tile",
    "transform_layout",
    "unroll",
    "unroll_and_jam",
    "vectorize",
]

for _name in __all__:
    globals()[_name] = keeps_promises(globals()[_name], makes_statements=_name in ("blockize", "tensorize"))
