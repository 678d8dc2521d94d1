"""`canonicalize`: fold and simplify."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Region
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker
from xdsl.transforms.canonicalize import CanonicalizationRewritePattern
from xdsl.transforms.dead_code_elimination import region_dce

from ..function_pass import FunctionPass


def canonicalize(ctx: Context, region: Region) -> None:
    """Fold constants, apply every operation's canonicalization patterns and erase dead code, until nothing changes."""
    pattern = GreedyRewritePatternApplier([CanonicalizationRewritePattern()], ctx=ctx, folding_enabled=True)
    PatternRewriteWalker(pattern, post_walk_func=region_dce).rewrite_region(region)


@dataclass(frozen=True)
class CanonicalizePass(FunctionPass):
    """Fold constants, apply every operation's canonicalization patterns and erase dead code."""

    name = "canonicalize"

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        canonicalize(ctx, func.body)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        canonicalize(ctx, op.body)
