"""`graph-dce`: erase what nothing needs."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from ...dialects import graph
from ..function_pass import functions
from .constants import erase_unused_data
from .fusion.groups import DATA, is_pure
from .fusion.outline import erase


def erase_dead_operators(func: FuncOp) -> None:
    """Erase the operators, constants and weights of a function that nothing needs."""
    for op in tuple(reversed(func.body.block.ops)):
        pure = isinstance(op, graph.TensorOp | DATA) or is_pure(op)
        if pure and op is not func.body.block.last_op and not any(result.uses for result in op.results):
            erase([op])


@dataclass(frozen=True)
class GraphDCEPass(ModulePass):
    """Erase operators whose results nothing uses, and data that no function names.

    Before → after: `graph.weight @w`, unused, and `graph.data @w` → nothing.
    """

    name = "graph-dce"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            erase_dead_operators(func)
        erase_unused_data(op, {data.sym_name.data for data in op.ops if isinstance(data, graph.DataOp)})
