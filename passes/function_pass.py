"""Passes that look at one function at a time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass


def functions(module: ModuleOp) -> tuple[FuncOp, ...]:
    """The functions of `module` that have a body, nested modules left out."""
    return tuple(op for op in module.ops if isinstance(op, FuncOp) and not op.is_declaration)


@dataclass(frozen=True)
class FunctionPass(ModulePass):
    """A pass that a pipeline may anchor on `func.func`: it neither reads nor changes anything around the function."""

    @abstractmethod
    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        """Run on one function with a body."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for func in functions(op):
            self.apply_to_function(ctx, func)
