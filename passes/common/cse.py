"""`cse`: compute what is computed twice once."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.transforms.common_subexpression_elimination import cse

from ..function_pass import FunctionPass


@dataclass(frozen=True)
class CSEPass(FunctionPass):
    """Replace an operation by an equal one that dominates it, where neither has side effects."""

    name = "cse"

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        cse(func)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        cse(op)
