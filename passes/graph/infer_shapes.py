"""`graph-infer-shapes`: make every extent known that follows from those of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from ...dialects import graph
from ...errors import CompileError
from ..function_pass import functions


def infer_shapes(module: ModuleOp) -> None:
    """Refine the types of all results of operators, callees before their callers.

    Raises:
        CompileError: if operands do not fit together, or a call's arguments do not fit its callee.
    """
    inferred: dict[str, FuncOp | None] = {}
    by_name = {func.sym_name.data: func for func in functions(module)}

    def visit(func: FuncOp) -> None:
        inferred[func.sym_name.data] = None
        for op in func.body.block.ops:
            if isinstance(op, CallOp):
                callee = by_name.get(op.callee.root_reference.data)
                if callee is not None and callee.sym_name.data not in inferred:
                    visit(callee)
                if callee is not None:
                    _refine(op, callee.function_type.outputs.data)
            elif isinstance(op, graph.TensorOp):
                _refine(op, _infer(op))
            elif isinstance(op, ReturnOp):
                outputs = [operand.type for operand in op.operands]
                func.function_type = FunctionType.from_lists(func.function_type.inputs.data, outputs)

    for func in by_name.values():
        if func.sym_name.data not in inferred:
            visit(func)


def _infer(op: graph.TensorOp) -> Sequence[Attribute]:
    try:
        return op.infer_result_types()
    except VerifyException as error:
        raise CompileError(f"{op.name}: {error}") from None


def _refine(op: Operation, types: Sequence[Attribute]) -> None:
    """Give the results of `op` the types that were inferred, where those say more."""
    for result, inferred in zip(tuple(op.results), types, strict=True):
        given = result.type
        if given == inferred or not isinstance(given, TensorType) or not isinstance(inferred, TensorType):
            continue
        merged = _merge(cast(graph.AnyTensor, given), cast(graph.AnyTensor, inferred), op)
        if merged != given:
            Rewriter.replace_value_with_new_type(result, merged)


def _merge(given: graph.AnyTensor, inferred: graph.AnyTensor, op: Operation) -> graph.AnyTensor:
    if not graph.refines(inferred, given):
        raise CompileError(f"{op.name}: expected a result of type {inferred}, got {given}")
    dims = map(graph.unify_dims, graph.shape_of(given), graph.shape_of(inferred))
    return graph.tensor_of(given.element_type, tuple(dims))


@dataclass(frozen=True)
class GraphInferShapesPass(ModulePass):
    """Refine result types with `?` extents to static and symbolic ones, as far as they follow from the operands'.

    Before → after: `graph.relu`'s `tensor<?x8xf32>` → `tensor<?x8xf32, #te.shape<n, 8>>`.
    """

    name = "graph-infer-shapes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        infer_shapes(op)
