"""`graph-simplify`: one form for what can be written in several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker

from ...dialects import graph
from ..function_pass import functions
from .constants import Constants
from .dce import erase_dead_operators
from .simplification import contraction, elementwise, movement


def simplify(module: ModuleOp) -> None:
    """Apply the patterns of `simplification/` until nothing changes, where shapes are inferred."""
    constants = Constants(module)
    known = [make(constants) for make in (*elementwise.KNOWN_PATTERNS, *contraction.KNOWN_PATTERNS)]
    plain = [make() for make in (*movement.PATTERNS, *elementwise.PATTERNS, *contraction.PATTERNS)]
    patterns = GreedyRewritePatternApplier([*known, *plain], dce_enabled=True)
    for func in functions(module):
        if _is_inferred(func):
            PatternRewriteWalker(patterns).rewrite_region(func.body)
            erase_dead_operators(func)


def _is_inferred(func: FuncOp) -> bool:
    """Whether a function is on rung 1, with all extents known or named."""
    ops = [op for op in func.body.block.ops if isinstance(op, graph.TensorOp)]
    types = [result.type for op in ops for result in op.results]
    return bool(ops) and all(graph.has_known_shape(cast(graph.AnyTensor, type)) for type in types)


@dataclass(frozen=True)
class GraphSimplifyPass(ModulePass):
    """Bring operators into one form, so that models that compute the same are the same, however they were written.

    Before → after: `graph.relu(graph.reshape %x)` → `graph.reshape(graph.relu %x)`; `graph.gemm %x, %w, %b {trans_b}` →
    `graph.add (graph.matmul %x, (graph.transpose %w)), %b`.
    """

    name = "graph-simplify"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        simplify(op)
