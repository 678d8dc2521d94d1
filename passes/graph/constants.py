"""What values of a module are in every run, and new data for them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, BytesAttr, DenseIntOrFPElementsAttr, ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, OpResult, SSAValue

from ...dialects import graph
from ...dialects.graph import FusionClass
from ...dialects.resources import ResourceAttr
from ...operators.reference.arrays import Array, array_of, numpy_dtype
from ...operators.reference.evaluate import evaluate, has_semantics

_INLINE_ELEMENTS = 16
"""Data of more elements stands beside the text."""
_TILE = 128
_FREE_BYTES = 1 << 16
"""Data of less bytes may be made of anything."""
_GROWTH = 4
"""Larger data is made only of operands that together are a part of it."""
_WORK = {
    FusionClass.INJECTIVE: 1 << 30,
    FusionClass.REDUCTION: 1 << 28,
    FusionClass.COMPLEX_OUT_FUSABLE: 1 << 26,
    FusionClass.OPAQUE: 1 << 20,
}
"""How many elements are computed when compiling, products and sums counted."""


class Constants:
    """The values of a module that depend on nothing but data that is there."""

    def __init__(self, module: ModuleOp) -> None:
        self.module = module
        self.data = {op.sym_name.data: op for op in module.ops if isinstance(op, graph.DataOp)}
        self.created: set[str] = set()
        """The names of new data."""
        symbols = (op.get_attr_or_prop("sym_name") for op in module.ops)
        self._taken = {symbol.data for symbol in symbols if isinstance(symbol, StringAttr)}
        self._suffixes: dict[str, int] = {}
        self._known: dict[SSAValue, bool] = {}
        self._arrays: dict[SSAValue, Array] = {}

    def is_known(self, value: SSAValue) -> bool:
        """Whether `array` gives what a value is."""
        stack = [value]
        while stack:
            current = stack[-1]
            if current in self._known:
                stack.pop()
                continue
            op = current.op if isinstance(current, OpResult) else None
            if isinstance(op, graph.ConstantOp):
                self._known[current] = True
            elif isinstance(op, graph.WeightOp):
                data = self.data.get(op.data.root_reference.data)
                self._known[current] = data is not None and data.value is not None and data.data is not None
            elif op is None or not op.operands or not has_semantics(op) or not _is_worth_it(op):
                self._known[current] = False
            else:
                missing = [operand for operand in op.operands if operand not in self._known]
                if missing:
                    stack += missing
                    continue
                known = all(self._known[operand] for operand in op.operands)
                self._known.update(dict.fromkeys(op.results, known))
        return self._known[value]

    def array(self, value: SSAValue) -> Array:
        """What a known value is."""
        assert self.is_known(value)
        stack = [value]
        while stack:
            current = stack[-1]
            if current in self._arrays:
                stack.pop()
                continue
            assert isinstance(current, OpResult)
            op = current.op
            if isinstance(op, graph.ConstantOp):
                self._arrays[current] = array_of(cast(graph.AnyTensor, op.value.type), op.value.data.data)
            elif isinstance(op, graph.WeightOp):
                data = self.data[op.data.root_reference.data]
                assert data.data is not None
                self._arrays[current] = array_of(data.type, data.data)
            else:
                missing = [operand for operand in op.operands if operand not in self._arrays]
                if missing:
                    stack += missing
                    continue
                operands = [self._arrays[operand] for operand in op.operands]
                self._arrays.update(zip(op.results, evaluate(op, operands), strict=True))
        return self._arrays[value]

    def source(self, value: SSAValue) -> str | None:
        """The name of the largest data that a known value is made of, and of the operators that make it."""
        path: list[str] = []
        while isinstance(value, OpResult):
            op = value.op
            if isinstance(op, graph.WeightOp):
                return ".".join([op.data.root_reference.data, *reversed(path)])
            path.append(op.name.partition(".")[2])
            if not op.operands:
                return None
            value = max(op.operands, key=lambda operand: elements(cast(graph.AnyTensor, operand.type)))
        return None

    def operation(self, array: Array, type: graph.AnyTensor, name: str) -> graph.ConstantOp | graph.WeightOp:
        """An operation that gives `array`: a constant where it is one number, else a weight of new data."""
        array = np.asarray(array, numpy_dtype(type.element_type))
        if array.size == 1:
            return self.splat(array, type)
        symbol = self._unused(name)
        data = graph.DataOp(symbol, type, data_attribute(symbol, type, bytes_of(array)))
        self.data[symbol] = data
        self.module.body.block.add_op(data)
        weight = graph.WeightOp(symbol, type)
        self.created.add(symbol)
        return weight

    def splat(self, array: Array, type: graph.AnyTensor) -> graph.ConstantOp:
        """A constant whose elements are all the same, as `array`'s are."""
        return graph.ConstantOp(dense(type, array.tobytes()))

    def _unused(self, name: str) -> str:
        candidate, count = name, self._suffixes.get(name, 0)
        while candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        self._suffixes[name] = count
        self._taken.add(candidate)
        return candidate


def _is_worth_it(op: Operation) -> bool:
    """Whether an operator may be run when compiling."""
    if not isinstance(op, graph.TensorOp):
        return False
    types = [cast(graph.AnyTensor, value.type) for value in (*op.operands, *op.results)]
    if any(DYNAMIC_INDEX in type.get_shape() for type in types):
        return False
    taken, given = types[: len(op.operands)], types[len(op.operands) :]
    size, total = sum(_bytes(type) for type in given), sum(_bytes(type) for type in taken)
    if size > max(_FREE_BYTES, _GROWTH * total):
        return False
    return _work(op, taken, given) <= _WORK[op.FUSION_CLASS]


def _work(op: graph.TensorOp, taken: list[graph.AnyTensor], given: list[graph.AnyTensor]) -> int:
    sizes = [elements(type) for type in taken]
    results = sum(elements(type) for type in given)
    if op.FUSION_CLASS is FusionClass.COMPLEX_OUT_FUSABLE:
        # Each result sums over a part of the smaller operand.
        return results * max(1, min(sizes))
    return results + sum(sizes)


def elements(type: graph.AnyTensor) -> int:
    """How many elements a tensor of a static shape has."""
    return math.prod(type.get_shape())


def _bytes(type: graph.AnyTensor) -> int:
    return elements(type) * numpy_dtype(type.element_type).itemsize


def is_splat(array: Array) -> bool:
    """Whether all elements of an array are the same, bit by bit."""
    flat = np.ascontiguousarray(array).reshape(-1)
    bits = flat.view(f"u{flat.itemsize}")
    return bool(bits.size) and bits[0] == bits[-1] and bool(np.all(bits == bits[0]))


def bytes_of(array: Array) -> bytes:
    """The row-major bytes of an array; those that it is a view of, not a copy, where it is one of all of them."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = cast(object, base.base)
    if array.flags.c_contiguous and isinstance(base, bytes) and len(base) == array.nbytes:
        return base
    if array.ndim == 2 and array.flags.f_contiguous:
        return _transposed(array).tobytes()
    return array.tobytes()


def _transposed(array: Array) -> Array:
    """A copy in row-major order of a matrix in column-major order, tile by tile: rows and columns stay in the cache."""
    copy = np.empty(array.shape, array.dtype)
    rows, columns = array.shape
    for row in range(0, rows, _TILE):
        for column in range(0, columns, _TILE):
            tile = slice(row, row + _TILE), slice(column, column + _TILE)
            copy[tile] = array[tile]
    return copy


def data_attribute(name: str, type: graph.AnyTensor, data: bytes) -> graph.AnyDense | ResourceAttr:
    """The value of a `graph.data`: in the text where it is short."""
    if elements(type) > _INLINE_ELEMENTS:
        return ResourceAttr.of(name, data)
    return dense(type, data)


def dense(type: graph.AnyTensor, data: bytes) -> graph.AnyDense:
    """A tensor with these bytes; those of one element stand for all."""
    return DenseIntOrFPElementsAttr(cast(Any, type), BytesAttr(data))


def called_functions(module: ModuleOp) -> set[str]:
    """The names of the functions that are called: these cannot name weights."""
    return {op.callee.root_reference.data for op in module.walk() if isinstance(op, CallOp)}


def weights(module: ModuleOp) -> Iterator[graph.WeightOp]:
    """Where functions name data."""
    for func in module.ops:
        if isinstance(func, FuncOp):
            for block in func.body.blocks:
                yield from (op for op in block.ops if isinstance(op, graph.WeightOp))


def erase_unused_data(module: ModuleOp, names: set[str]) -> None:
    """Erases the data of these names that nothing uses any more."""
    used = {weight.data.root_reference.data for weight in weights(module)}
    for op in tuple(module.ops):
        if isinstance(op, graph.DataOp) and op.sym_name.data in names - used:
            op.detach()
            op.erase()
