"""Reductions over reduce axes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, cast, overload

from ..errors import CompileError
from . import functions
from .dtypes import BOOL, INDEX, NARROW_FLOATS, dtype_name, highest, lowest
from .expressions import Binary, CombinerArg, Const, Expr, ExprLike, IterVar, Reduction, as_expr, describe

Axes: TypeAlias = IterVar | Sequence[IterVar]

FASTMATH_FLAGS = ("reassoc", "nnan", "ninf", "nsz", "arcp", "contract", "afn")
_REORDER_AND_CONTRACT = ("reassoc", "contract")
_REORDER = ("reassoc",)


def sum(x: ExprLike, axis: Axes, fastmath: Iterable[str] = _REORDER_AND_CONTRACT) -> Reduction:
    """The sum over the axes. Floats may be summed in any order, unless `fastmath=()`.

    float16 and bfloat16 are summed in float32, products of them too, and the sum is rounded once.
    """
    return _reduce_wide(lambda acc, x: acc + x, 0, x, axis, fastmath)


def prod(x: ExprLike, axis: Axes, fastmath: Iterable[str] = _REORDER_AND_CONTRACT) -> Reduction:
    """The product over the axes. Floats may be multiplied in any order, unless `fastmath=()`.

    float16 and bfloat16 are multiplied in float32, and the product is rounded once.
    """
    return _reduce_wide(lambda acc, x: acc * x, 1, x, axis, fastmath)


def _reduce_wide(
    combine: Callable[[Expr, Expr], Expr], identity: int, x: ExprLike, axis: Axes, fastmath: Iterable[str]
) -> Reduction:
    """A reduction that accumulates narrow floats in float32."""
    value, flags = as_expr(x), tuple(fastmath)
    reduced = reduce(
        combine, identity, _widened(value, flags), axis, associative=True, commutative=True, fastmath=flags
    )
    return replace(reduced, dtypes=(value.dtype,))


def _widened(value: Expr, fastmath: Sequence[str] = ()) -> Expr:
    """A narrow float in float32; the factors of a product, where `contract` lets that be unrounded."""
    if value.dtype not in NARROW_FLOATS:
        return value
    if isinstance(value, Binary) and value.op == "mul" and "contract" in fastmath:
        return functions.cast(value.lhs, "float32") * functions.cast(value.rhs, "float32")
    return functions.cast(value, "float32")


def max(x: ExprLike, axis: Axes) -> Reduction:
    """The greatest value over the axes."""
    value = _number(x, "te.max")
    return _extremum(functions.maximum, lowest(value.dtype), value, axis)


def min(x: ExprLike, axis: Axes) -> Reduction:
    """The least value over the axes."""
    value = _number(x, "te.min")
    return _extremum(functions.minimum, highest(value.dtype), value, axis)


def _extremum(combine: Callable[[Expr, Expr], Expr], identity: float, value: Expr, axis: Axes) -> Reduction:
    reduced = reduce(combine, identity, _widened(value), axis, associative=True, commutative=True, fastmath=_REORDER)
    return replace(reduced, dtypes=(value.dtype,))


def argmax(x: ExprLike, axis: IterVar, dtype: object = "int64") -> Reduction:
    """The index of the greatest value over the axis (the first of them), and that value."""
    value = _number(x, "te.argmax")
    return _arg_reduction(value, lowest(value.dtype), axis, dtype, "te.argmax", lambda x, acc: x > acc)


def argmin(x: ExprLike, axis: IterVar, dtype: object = "int64") -> Reduction:
    """The index of the least value over the axis (the first of them), and that value."""
    value = _number(x, "te.argmin")
    return _arg_reduction(value, highest(value.dtype), axis, dtype, "te.argmin", lambda x, acc: x < acc)


def _arg_reduction(
    value: Expr,
    identity: float,
    axis: IterVar,
    dtype: object,
    what: str,
    better: Callable[[Expr, Expr], Expr],
) -> Reduction:
    name = dtype_name(dtype)
    if len(_axes(axis)) != 1:
        raise CompileError(f"expected one axis for {what}, got {len(_axes(axis))}")
    (single,) = _axes(axis)
    index = functions.cast(single, name)

    def combine(acc: Sequence[Expr], x: Sequence[Expr]) -> tuple[Expr, Expr]:
        # the first of equal values wins in whatever order they come
        take = better(x[1], acc[1]) | ((x[1] == acc[1]) & (x[0] < acc[0]))
        return functions.select(take, x[0], acc[0]), functions.select(take, x[1], acc[1])

    reduced = reduce(
        combine,
        (highest(name), identity),
        (index, _widened(value)),
        axis,
        associative=True,
        commutative=True,
        fastmath=_REORDER,
    )
    return replace(reduced, dtypes=(name, value.dtype))


@overload
def reduce(
    combine: Callable[[Expr, Expr], ExprLike],
    identity: float | bool,
    values: ExprLike,
    axis: Axes,
    *,
    associative: bool = False,
    commutative: bool = False,
    fastmath: Iterable[str] = (),
) -> Reduction: ...


@overload
def reduce(
    combine: Callable[[Sequence[Expr], Sequence[Expr]], Sequence[ExprLike]],
    identity: Sequence[int | float | bool],
    values: Sequence[ExprLike],
    axis: Axes,
    *,
    associative: bool = False,
    commutative: bool = False,
    fastmath: Iterable[str] = (),
) -> Reduction: ...


def reduce(
    combine: Callable[..., object],
    identity: object,
    values: object,
    axis: Axes,
    *,
    associative: bool = False,
    commutative: bool = False,
    fastmath: Iterable[str] = (),
) -> Reduction:
    """Combines values over the axes: `acc = combine(acc, x)`, from `identity` on.

    With a tuple of values, `combine` takes and gives tuples: a running mean and variance, say. The order is that of
    the axes unless the flags say that the combiner is associative or commutative, and, for floats, `fastmath` holds
    `reassoc`.
    """
    several = isinstance(values, tuple | list)
    exprs = [as_expr(value) for value in cast("Sequence[object]", values)] if several else [as_expr(values)]
    if not exprs:
        raise CompileError("expected at least one value to reduce, got none")
    for expr in exprs:
        if expr.dtype == INDEX:
            raise CompileError("expected values with a dtype of tensors to reduce, got index; use te.cast")
    identities = list(cast("Sequence[object]", identity)) if isinstance(identity, tuple | list) else [identity]
    if len(identities) != len(exprs):
        raise CompileError(f"expected {len(exprs)} identity values, got {len(identities)}")
    consts = tuple(_identity(value, expr.dtype) for value, expr in zip(identities, exprs, strict=True))
    accumulators = [CombinerArg(f"acc{i}" if several else "acc", expr.dtype) for i, expr in enumerate(exprs)]
    news = [CombinerArg(f"x{i}" if several else "x", expr.dtype) for i, expr in enumerate(exprs)]
    result = combine(accumulators, news) if several else combine(accumulators[0], news[0])
    combined = _combined(result, exprs, several)
    return Reduction(
        tuple(exprs),
        _axes(axis),
        (*accumulators, *news),
        combined,
        consts,
        associative,
        commutative,
        _fastmath(fastmath),
        tuple(expr.dtype for expr in exprs),
    )


def _combined(result: object, exprs: Sequence[Expr], several: bool) -> tuple[Expr, ...]:
    if several and not isinstance(result, tuple | list):
        raise CompileError(f"expected the combiner to give {len(exprs)} values, got {describe(result)}")
    results = list(cast("Sequence[object]", result)) if isinstance(result, tuple | list) else [result]
    if len(results) != len(exprs):
        raise CompileError(f"expected the combiner to give {len(exprs)} values, got {len(results)}")
    combined = tuple(as_expr(value, expr.dtype) for value, expr in zip(results, exprs, strict=True))
    for value, expr in zip(combined, exprs, strict=True):
        if value.dtype != expr.dtype:
            raise CompileError(f"expected the combiner to give {expr.dtype}, got {value.dtype}")
    return combined


def _identity(value: object, dtype: str) -> Const:
    const = as_expr(value, dtype)
    if not isinstance(const, Const) or const.dtype != dtype:
        raise CompileError(f"expected a constant of dtype {dtype} as identity, got {describe(value)}")
    return const


def _axes(axis: object) -> tuple[IterVar, ...]:
    axes = list(cast("Sequence[object]", axis)) if isinstance(axis, tuple | list) else [axis]
    if not axes:
        raise CompileError("expected at least one reduce axis, got none")
    checked: list[IterVar] = []
    for value in axes:
        if not isinstance(value, IterVar) or value.kind != "reduce":
            raise CompileError(f"expected a te.reduce_axis as axis, got {_kind(value)}")
        if any_identical(value, checked):
            raise CompileError(f"expected each axis once, got '{value.name}' twice")
        checked.append(value)
    return tuple(checked)


def any_identical(value: object, others: Iterable[object]) -> bool:
    """Whether `value` is one of `others`, the same object."""
    return next((True for other in others if other is value), False)


def _kind(value: object) -> str:
    return f"the {value.kind} iterator '{value.name}'" if isinstance(value, IterVar) else describe(value)


def _number(x: ExprLike, what: str) -> Expr:
    value = as_expr(x)
    if value.dtype in (BOOL, INDEX):
        raise CompileError(f"expected a number for {what}, got {value.dtype}; use te.cast")
    return value


def _fastmath(flags: Iterable[str]) -> tuple[Literal["reassoc"] | str, ...]:
    result = tuple(flags)
    for flag in result:
        if flag not in FASTMATH_FLAGS:
            raise CompileError(f"expected fastmath flags of {', '.join(FASTMATH_FLAGS)}, got '{flag}'")
    return result
