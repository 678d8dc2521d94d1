"""The `gpu` dialect of xDSL with upstream's attributes that map loops to processors.

Scripts written for GPUs parse, and are told what a CPU has instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import gpu
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

_DIMENSIONS = ("x", "y", "z", *(f"linear_dim_{number}" for number in range(10)))


class MappingAttr(ParametrizedAttribute):
    """Which dimension of a grid of processors a loop goes along."""

    dimension: StringAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            pos = parser.pos
            dimension = parser.parse_identifier()
            if dimension not in _DIMENSIONS:
                parser.raise_error(f"expected a dimension ({', '.join(_DIMENSIONS)}), got '{dimension}'", pos)
        return (StringAttr(dimension),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(self.dimension.data)


@irdl_attr_definition
class ThreadMappingAttr(MappingAttr):
    """`#gpu.thread<x>`"""

    name = "gpu.thread"


@irdl_attr_definition
class BlockMappingAttr(MappingAttr):
    """`#gpu.block<x>`"""

    name = "gpu.block"


@irdl_attr_definition
class WarpMappingAttr(MappingAttr):
    """`#gpu.warp<x>`"""

    name = "gpu.warp"


GPU = Dialect(
    "gpu", list(gpu.GPU.operations), [*gpu.GPU.attributes, ThreadMappingAttr, BlockMappingAttr, WarpMappingAttr]
)
