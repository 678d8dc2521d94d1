"""The `sched` dialect: our own transform operations, on kernels of the loop rung.

Each operation says what it does to the payload of each operand. Blocks are moved and never recreated, so that handles
to blocks survive the tiling of the loops around them; exactly the handles to erased operations die.
"""

from __future__ import annotations

from xdsl.ir import Dialect, Operation

from .sched_ops.fusion import FUSION_OPS
from .sched_ops.layout import LAYOUT_OPS
from .sched_ops.loops import LOOP_OPS, REFUSED_OPS
from .sched_ops.navigation import NAVIGATION_OPS
from .sched_ops.padding import PADDING_OPS
from .sched_ops.panels import PANEL_NAVIGATION_OPS, PANEL_OPS
from .sched_ops.params import PARAM_OPS
from .sched_ops.primitives import PRIMITIVE_OPS
from .sched_ops.tensors import TENSOR_MATCHERS, TENSOR_OPS

PRIMITIVES: list[type[Operation]] = [
    *PRIMITIVE_OPS,
    *FUSION_OPS,
    *PADDING_OPS,
    *LOOP_OPS,
    *LAYOUT_OPS,
    *PANEL_OPS,
    *TENSOR_OPS,
]
"""The operations that change kernels."""

Sched = Dialect(
    "sched", [*NAVIGATION_OPS, *TENSOR_MATCHERS, *PANEL_NAVIGATION_OPS, *PARAM_OPS, *PRIMITIVES, *REFUSED_OPS], []
)
