"""Schedule primitives: plain functions on the loop rung that check legality, then mutate.

Each one raises `ScheduleError`, with the IR as it was, if it can't prove that the program keeps its meaning. Transform
ops, the tuner and Python users all call these. Beside the meaning of the kernel, they keep what `promises` says.
"""

from __future__ import annotations

from .cache_write import cache_write as _cache_write
from .epilogue import fuse_reduction_epilogue as _fuse_reduction_epilogue
from .inline import compute_inline as _compute_inline
from .inline_consumer import reverse_compute_inline as _reverse_compute_inline
from .jam import unroll_and_jam as _unroll_and_jam
from .kinds import (
    bind as _bind,
)
from .kinds import (
    parallelize as _parallelize,
)
from .kinds import (
    peel as _peel,
)
from .kinds import (
    unroll as _unroll,
)
from .kinds import (
    vectorize as _vectorize,
)
from .layout import storage_align as _storage_align
from .layout import transform_layout as _transform_layout
from .location import compute_at as _compute_at
from .location import reverse_compute_at as _reverse_compute_at
from .loops import coalesce as _coalesce
from .loops import interchange as _interchange
from .loops import tile as _tile
from .pack import pack as _pack
from .pad import pad as _pad
from .padding import decompose_padding as _decompose_padding
from .pipeline import multibuffer as _multibuffer
from .pipeline import pipeline as _pipeline
from .prefetch import prefetch as _prefetch
from .promises import keeps_promises
from .reduction import decompose_reduction as _decompose_reduction
from .reduction import split_reduction as _split_reduction
from .reindex import reindex as _reindex
from .rolling import rolling_buffer as _rolling_buffer
from .scopes import set_memory_space as _set_memory_space
from .siblings import fuse_sibling as _fuse_sibling
from .split import split as _split
from .staging import cache_read as _cache_read
from .structure import add_unit_loop as _add_unit_loop
from .structure import reorder_iterators as _reorder_iterators
from .tensorize import blockize as _blockize
from .tensorize import read_intrinsic
from .tensorize import tensorize as _tensorize

add_unit_loop = keeps_promises(_add_unit_loop)
bind = keeps_promises(_bind)
blockize = keeps_promises(_blockize, makes_statements=True)
cache_read = keeps_promises(_cache_read)
cache_write = keeps_promises(_cache_write)
coalesce = keeps_promises(_coalesce)
compute_at = keeps_promises(_compute_at)
compute_inline = keeps_promises(_compute_inline)
decompose_padding = keeps_promises(_decompose_padding)
decompose_reduction = keeps_promises(_decompose_reduction)
fuse_reduction_epilogue = keeps_promises(_fuse_reduction_epilogue)
fuse_sibling = keeps_promises(_fuse_sibling)
interchange = keeps_promises(_interchange)
multibuffer = keeps_promises(_multibuffer)
pack = keeps_promises(_pack)
pad = keeps_promises(_pad)
parallelize = keeps_promises(_parallelize)
peel = keeps_promises(_peel)
pipeline = keeps_promises(_pipeline)
prefetch = keeps_promises(_prefetch)
reindex = keeps_promises(_reindex)
reorder_iterators = keeps_promises(_reorder_iterators)
reverse_compute_at = keeps_promises(_reverse_compute_at)
reverse_compute_inline = keeps_promises(_reverse_compute_inline)
rolling_buffer = keeps_promises(_rolling_buffer)
set_memory_space = keeps_promises(_set_memory_space)
split = keeps_promises(_split)
split_reduction = keeps_promises(_split_reduction)
storage_align = keeps_promises(_storage_align)
tensorize = keeps_promises(_tensorize, makes_statements=True)
tile = keeps_promises(_tile)
transform_layout = keeps_promises(_transform_layout)
unroll = keeps_promises(_unroll)
unroll_and_jam = keeps_promises(_unroll_and_jam)
vectorize = keeps_promises(_vectorize)

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
