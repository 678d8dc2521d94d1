"""`graph-fuse`: put operators that run together into kernels, and each kernel into a function.

A kernel is in normal form: injective producers, at most one anchor (a matrix product or convolution, or the reductions
of some rows), and an epilogue of injective operators on the anchor's elements: see `fusion/groups.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from ...dialects import graph
from ..function_pass import functions
from .fusion.groups import DATA, DEFAULT_MAX_OPS, Fuser, Group, is_view, roots_of, users_of
from .fusion.outline import Outliner, erase


def fuse(module: ModuleOp, max_ops: int = DEFAULT_MAX_OPS) -> None:
    """Outline the operators of each public function into kernels of at most `max_ops` operators (0: any number)."""
    public = [func for func in functions(module) if not _is_private(func) and _has_operators(func)]
    outliner = Outliner(module, public[-1] if public else None)
    for func in public:
        fuse_function(func, outliner, max_ops)


def fuse_function(func: FuncOp, outliner: Outliner, max_ops: int) -> None:
    """Replace the operators of a function by calls of their kernels, in an order that does not depend on that of
    operators that are independent. What nothing needs is erased."""
    block = func.body.block
    fuser = Fuser(roots_of(block), max_ops)
    erase([op for op in block.ops if op not in fuser.groups and not isinstance(op, DATA)])
    groups = fuser.run()
    terminator = block.last_op
    assert terminator is not None
    for group in groups:
        _place(group, terminator, outliner)
    erase([op for op in block.ops if isinstance(op, DATA) and not users_of(op)])
    for op in block.ops:
        if isinstance(op, graph.ConstantOp):
            outliner.outline([op], op)


def _place(group: Group, terminator: Operation, outliner: Outliner) -> None:
    """Puts a call of a group's kernel, or the operation that the group is, where calls are complete so far."""
    if group.kind is not None and not is_view(group.ops):
        outliner.outline(group.ops, terminator)
        return
    (op,) = group.ops
    if op is not terminator:
        block = op.parent
        assert block is not None
        op.detach()
        block.insert_op_before(op, terminator)


def _has_operators(func: FuncOp) -> bool:
    """Whether there is something to fuse. Below rung 1, values are also used by what is inside of operations."""
    ops = tuple(func.body.block.ops)
    has = any(isinstance(op, graph.ConstantOp) or (isinstance(op, graph.TensorOp) and not is_view([op])) for op in ops)
    return has and not any(op.regions for op in ops)


def _is_private(func: FuncOp) -> bool:
    return func.sym_visibility is not None and func.sym_visibility.data == "private"


@dataclass(frozen=True)
class GraphFusePass(ModulePass):
    """Outline operators into kernels: injective producers, one anchor, an injective epilogue.

    Before → after: `graph.matmul`, `graph.add`, `graph.relu` in `@main` → `func.call @kernel0`, and a private function
    `@kernel0` of the three. Equal kernels are one function; arguments that are weights are marked `loop.constant`.
    """

    name = "graph-fuse"

    max_ops: int = DEFAULT_MAX_OPS

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fuse(op, self.max_ops)
