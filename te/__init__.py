"""The tensor-expression language: what each element of a tensor is, as Python functions of its indices.

n = te.var("n")
A = te.placeholder((n, 512), "float32", name="A")
B = te.placeholder((512, 512), "float32", name="B")
k = te.reduce_axis(512, name="k")
C = te.compute((n, 512), lambda i, j: te.sum(A[i, k] * B[k, j], axis=k), name="C")
module = te.build_module([A, B, C])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .expressions import Expr, IterVar, Reduction
from .functions import (
    abs,
    acos,
    acosh,
    all,
    any,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cast,
    ceil,
    const,
    cos,
    cosh,
    erf,
    exp,
    exp2,
    expm1,
    floor,
    fma,
    fmod,
    if_then_else,
    isinf,
    isnan,
    log,
    log1p,
    log2,
    log10,
    maximum,
    minimum,
    pow,
    round,
    rsqrt,
    select,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    trunc,
    truncdiv,
    where,
)
from .reductions import argmax, argmin, max, min, prod, reduce, sum
from .tensors import Tensor, compute, placeholder, reduce_axis, scan, var

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp


def build_module(tensors: Sequence[Tensor], name: str = "main") -> ModuleOp:
    """The `te` module with one function `name`, from the placeholders in the list to the tensors after them."""
    from .build import build_module as build

    return build(tensors, name)


__all__ = [
    "Expr",
    "IterVar",
    "Reduction",
    "Tensor",
    "abs",
    "acos",
    "acosh",
    "all",
    "any",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "build_module",
    "cast",
    "ceil",
    "compute",
    "const",
    "cos",
    "cosh",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "fma",
    "fmod",
    "if_then_else",
    "isinf",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "max",
    "maximum",
    "min",
    "minimum",
    "placeholder",
    "pow",
    "prod",
    "reduce",
    "reduce_axis",
    "round",
    "rsqrt",
    "scan",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "sum",
    "tan",
    "tanh",
    "trunc",
    "truncdiv",
    "var",
    "where",
]
