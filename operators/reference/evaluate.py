"""Operators and whole chains of them on numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Operation, OpResult, SSAValue

from ...dialects import graph
from ...errors import CompileError
from . import (
    contractions,
    convolution,
    determinants,
    elementwise,
    indexing,
    linear_algebra,
    logic,
    pooling,
    recurrent,
    reductions,
    regions,
    sampling,
    shape,
    sorting,
    winograd,
)
from .arrays import Array, Semantics, array_of, numpy_dtype

SEMANTICS: Mapping[type[Operation], Semantics] = {
    **elementwise.SEMANTICS,
    **logic.SEMANTICS,
    **shape.SEMANTICS,
    **indexing.SEMANTICS,
    **sampling.SEMANTICS,
    **linear_algebra.SEMANTICS,
    **reductions.SEMANTICS,
    **convolution.SEMANTICS,
    **winograd.SEMANTICS,
    **pooling.SEMANTICS,
    **recurrent.SEMANTICS,
    **contractions.SEMANTICS,
    **sorting.SEMANTICS,
    **determinants.SEMANTICS,
    **regions.SEMANTICS,
}
"""What each operator of ours computes."""


def has_semantics(op: Operation) -> bool:
    """Whether `evaluate` knows the op."""
    return type(op) in SEMANTICS


def evaluate(op: Operation, operands: Sequence[Array], semantics: Semantics | None = None) -> list[Array]:
    """The results of an operator, rounded to their types; `semantics` says what an op of another dialect computes.

    Raises:
        CompileError: if what the op computes is not known.
    """
    semantics = semantics or SEMANTICS.get(type(op))
    if semantics is None:
        raise CompileError(f"the graph oracle does not know {op.name}")
    with np.errstate(all="ignore"):
        computed = semantics(op, *operands)
        results = [computed] if isinstance(computed, np.ndarray | np.generic) else computed
        return [
            rounded(np.asarray(array), cast(graph.AnyTensor, result.type))
            for array, result in zip(results, op.results, strict=True)
        ]


def rounded(array: Array, type: graph.AnyTensor) -> Array:
    """`array` in the element type of `type`; integers wrap."""
    dtype = numpy_dtype(type.element_type)
    if isinstance(type.element_type, IntegerType) and array.dtype.kind == "f" and array.size:
        low, high = (0, 1) if dtype == np.bool_ else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
        assert np.all((array >= low) & (array <= high)), f"a result is out of range of {dtype}"
    return np.asarray(array, dtype)


DataOf = Callable[[graph.WeightOp], Array | None]
"""The data of a weight, None if it is not known."""


def constant_value(value: SSAValue, data_of: DataOf, known: dict[SSAValue, Array | None]) -> Array | None:
    """What a value is in every run, if it depends on constants and weights only; None if it does not.

    `known` remembers what was found.
    """
    stack = [value]
    while stack:
        current = stack[-1]
        if current in known:
            stack.pop()
            continue
        op = current.op if isinstance(current, OpResult) else None
        if isinstance(op, graph.ConstantOp):
            known[current] = array_of(cast(graph.AnyTensor, op.value.type), op.value.data.data)
        elif isinstance(op, graph.WeightOp):
            known[current] = data_of(op)
        elif op is None or not has_semantics(op):
            known[current] = None
        else:
            missing = [operand for operand in op.operands if operand not in known]
            if missing:
                stack += missing
                continue
            arrays = [known[operand] for operand in op.operands]
            given = [array for array in arrays if array is not None]
            if len(given) < len(arrays):
                known.update(dict.fromkeys(op.results))
            else:
                known.update(zip(op.results, evaluate(op, given), strict=True))
    return known[value]
