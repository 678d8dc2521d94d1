"""The oracle of the graph rung: numpy, op by op, by the operators' reference semantics (`operators/reference`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue

from ...dialects import graph
from ...errors import ArgumentError, CompileError
from ...operators.reference.arrays import array_of, numpy_dtype
from ...operators.reference.evaluate import evaluate
from .semantics import Array, Semantics


class _Interpreter:
    def __init__(self, module: ModuleOp, weights: Mapping[str, Array], semantics: Mapping[str, Semantics]):
        symbols = [op for op in module.body.block.ops if isinstance(op, FuncOp | graph.DataOp)]
        self.functions = {op.sym_name.data: op for op in symbols if isinstance(op, FuncOp)}
        self.data = {op.sym_name.data: op for op in symbols if isinstance(op, graph.DataOp)}
        self.weights = weights
        self.semantics = semantics

    def call(self, name: str, arguments: Sequence[Array], sizes: Mapping[str, int]) -> list[Array]:
        function = self.functions.get(name)
        if function is None or not function.body.blocks:
            raise CompileError(f"expected a function @{name} with a body")
        values: dict[SSAValue, Array] = dict(zip(function.args, arguments, strict=True))
        for op in function.body.block.ops:
            operands = [values[operand] for operand in op.operands]
            if isinstance(op, ReturnOp):
                return operands
            results = self.run(op, operands, sizes)
            for result, array in zip(op.results, results, strict=True):
                values[result] = _checked(array, cast(graph.AnyTensor, result.type), sizes, op)
        raise AssertionError("a function ends with func.return")

    def run(self, op: Operation, operands: Sequence[Array], sizes: Mapping[str, int]) -> Sequence[Array]:
        match op:
            case graph.ConstantOp():
                return [array_of(cast(graph.AnyTensor, op.value.type), op.value.data.data)]
            case graph.WeightOp():
                return [self.weight(op.data.root_reference.data)]
            case CallOp():
                return self.call(op.callee.root_reference.data, operands, sizes)
            case _:
                return evaluate(op, operands, self.semantics.get(op.name))

    def weight(self, name: str) -> Array:
        if name in self.weights:
            return self.weights[name]
        op = self.data[name]
        if op.data is None:
            raise CompileError(f"expected data for weight @{name}, got none")
        return array_of(op.type, op.data)


def _checked(array: Array, type: graph.AnyTensor, sizes: Mapping[str, int], op: Operation) -> Array:
    """`array`, rounded to the type of the value that it is; its shape must be that of the type."""
    dims = graph.shape_of(type)
    assert len(dims) == array.ndim, f"{op.name}: {array.shape} is not of type {type}"
    if all(dim is None or not set(dim.symbols()) - set(sizes) for dim in dims):
        pairs = zip(dims, array.shape, strict=True)
        fits = all(dim is None or dim.evaluate(sizes) == size for dim, size in pairs)
        assert fits, f"{op.name}: {array.shape} is not of type {type}"
    return np.asarray(array, numpy_dtype(type.element_type))


def _bind_sizes(types: Sequence[Attribute], arguments: Sequence[Array]) -> dict[str, int]:
    """The size of every symbol that the argument types name on its own."""
    sizes: dict[str, int] = {}
    for index, (type, array) in enumerate(zip(types, arguments, strict=True)):
        assert isinstance(type, TensorType)
        tensor = cast(graph.AnyTensor, type)
        dims = graph.shape_of(tensor)
        if array.ndim != len(dims) or array.dtype != numpy_dtype(tensor.element_type):
            raise ArgumentError(f"expected argument {index} of type {tensor}, got {array.dtype} of shape {array.shape}")
        for dim, size in zip(dims, array.shape, strict=True):
            if dim is not None and dim.is_name:
                sizes.setdefault(str(dim), size)
            if dim is not None and not set(dim.symbols()) - set(sizes) and dim.evaluate(sizes) != size:
                raise ArgumentError(f"expected argument {index} of type {tensor}, got shape {array.shape}")
    return sizes


def run_graph(
    module: ModuleOp,
    arguments: Sequence[Array],
    *,
    function: str = "main",
    weights: Mapping[str, Array] | None = None,
    semantics: Mapping[str, Semantics] | None = None,
) -> list[Array]:
    """The results of `@function` on `arguments`; `weights` has data that the module leaves out, `semantics` says
    what operators of other dialects compute, by name.

    Raises:
        ArgumentError: if the arguments do not fit the function.
        CompileError: for an op or a weight that cannot be executed.
    """
    interpreter = _Interpreter(module, weights or {}, semantics or {})
    op = interpreter.functions.get(function)
    if op is None:
        raise CompileError(f"expected a function @{function}, got none")
    types = op.function_type.inputs.data
    if len(types) != len(arguments):
        raise ArgumentError(f"expected {len(types)} arguments, got {len(arguments)}")
    return interpreter.call(function, arguments, _bind_sizes(types, arguments))
