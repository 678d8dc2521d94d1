"""The oracle of the graph rung: numpy, op by op, slowly and plainly.

It shares nothing with `te` and the operators' tensor expressions, so that a bug there cannot hide here. Sums are made
in float64, and rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp, TensorType, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue

from ...dialects import graph
from ...errors import ArgumentError, CompileError
from .semantics import Array, Semantics

_DTYPES: dict[Attribute, np.dtype[Any]] = {
    f16: np.dtype(np.float16),
    f32: np.dtype(np.float32),
    f64: np.dtype(np.float64),
    i1: np.dtype(np.bool_),
    i8: np.dtype(np.int8),
    i16: np.dtype(np.int16),
    i32: np.dtype(np.int32),
    i64: np.dtype(np.int64),
}


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _add(op: graph.AddOp, lhs: Array, rhs: Array) -> Array:
    return lhs + rhs


def _sub(op: graph.SubOp, lhs: Array, rhs: Array) -> Array:
    return lhs - rhs


def _mul(op: graph.MulOp, lhs: Array, rhs: Array) -> Array:
    return lhs * rhs


def _div(op: graph.DivOp, lhs: Array, rhs: Array) -> Array:
    return lhs / rhs


def _relu(op: graph.ReluOp, operand: Array) -> Array:
    return np.maximum(operand, np.zeros((), operand.dtype))


def _matmul(op: graph.MatmulOp, lhs: Array, rhs: Array) -> Array:
    return np.matmul(_wide(lhs), _wide(rhs))


def _gemm(op: graph.GemmOp, a: Array, b: Array, c: Array | None = None) -> Array:
    product = (_wide(a.T) if op.trans_a else _wide(a)) @ (_wide(b.T) if op.trans_b else _wide(b))
    result = op.alpha_value * product
    return result if c is None else result + op.beta_value * _wide(c)


def _softmax(op: graph.SoftmaxOp, operand: Array) -> Array:
    axes = op.axis_list
    powers = np.exp(_wide(operand) - _wide(operand).max(axis=axes, keepdims=True))
    return powers / powers.sum(axis=axes, keepdims=True)


SEMANTICS: Mapping[str, Semantics] = {
    graph.AddOp.name: _add,
    graph.SubOp.name: _sub,
    graph.MulOp.name: _mul,
    graph.DivOp.name: _div,
    graph.ReluOp.name: _relu,
    graph.MatmulOp.name: _matmul,
    graph.GemmOp.name: _gemm,
    graph.SoftmaxOp.name: _softmax,
}
"""What each operator of ours computes, by name."""


def array_of(type: graph.AnyTensor, data: bytes) -> Array:
    """The array whose row-major bytes are `data`."""
    return np.frombuffer(data, _DTYPES[type.element_type]).reshape(type.get_shape())


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
                semantics = self.semantics.get(op.name)
                if semantics is None:
                    raise CompileError(f"the graph oracle does not know {op.name}")
                return [semantics(op, *operands)]

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
    return np.asarray(array, _DTYPES[type.element_type])


def _bind_sizes(types: Sequence[Attribute], arguments: Sequence[Array]) -> dict[str, int]:
    """The size of every symbol that the argument types name on its own."""
    sizes: dict[str, int] = {}
    for index, (type, array) in enumerate(zip(types, arguments, strict=True)):
        assert isinstance(type, TensorType)
        tensor = cast(graph.AnyTensor, type)
        dims = graph.shape_of(tensor)
        if array.ndim != len(dims) or array.dtype != _DTYPES[tensor.element_type]:
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
    interpreter = _Interpreter(module, weights or {}, {**SEMANTICS, **(semantics or {})})
    op = interpreter.functions.get(function)
    if op is None:
        raise CompileError(f"expected a function @{function}, got none")
    types = op.function_type.inputs.data
    if len(types) != len(arguments):
        raise ArgumentError(f"expected {len(types)} arguments, got {len(arguments)}")
    return interpreter.call(function, arguments, _bind_sizes(types, arguments))
