"""Upstream's `transform` dialect: what xDSL has of it, and what it lacks, merged into one.

A context takes one dialect of each name, so this one replaces xDSL's. Our own operations are in `sched`.
"""

from __future__ import annotations

from xdsl.dialects import transform as upstream
from xdsl.ir import Dialect

from .upstream.apply import APPLY_OPS, ParamOperandAttr
from .upstream.control import CONTROL_OPS
from .upstream.debug import DEBUG_OPS
from .upstream.handles import HANDLE_OPS
from .upstream.loops import LOOP_TRANSFORM_OPS
from .upstream.match import MATCH_OPS
from .upstream.structured import STRUCTURED_OPS
from .upstream.tuning import TUNING_OPS

OURS = [
    *CONTROL_OPS,
    *HANDLE_OPS,
    *MATCH_OPS,
    *STRUCTURED_OPS,
    *APPLY_OPS,
    *LOOP_TRANSFORM_OPS,
    *TUNING_OPS,
    *DEBUG_OPS,
]
_OUR_NAMES = {op.name for op in OURS}
_UNTOUCHED = [op for op in upstream.Transform.operations if op.name not in _OUR_NAMES]
"""Operations of xDSL's that parse and print, but that we do not interpret."""

Transform = Dialect("transform", [*OURS, *_UNTOUCHED], [*upstream.Transform.attributes, ParamOperandAttr])
