"""Tensors: placeholders, computes and scans."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias, cast, overload

from ..dialects.extents import Extent
from ..errors import CompileError
from .dtypes import INDEX, dtype_name, is_integer
from .expressions import Cast, CombinerArg, Expr, ExprLike, IterVar, Read, Reduction, as_expr, describe, walk
from .reductions import any_identical

Size: TypeAlias = Extent | int


class Tensor:
    """A tensor: an input, or one result of a compute or scan. `A[i, j]` is one of its elements."""

    def __init__(self, name: str, shape: Sequence[Extent], dtype: str, source: Source, result: int = 0) -> None:
        self.name = name
        self.extents = tuple(shape)
        self.dtype = dtype
        self.source = source
        self.result = result

    @property
    def shape(self) -> tuple[Size, ...]:
        """The extents: numbers, or affine expressions of `te.var`s."""
        return tuple(extent.constant if extent.is_constant else extent for extent in self.extents)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.extents)

    def __repr__(self) -> str:
        return f"Tensor('{self.name}', shape={self.shape}, dtype={self.dtype})"

    def __getitem__(self, indices: object) -> Expr:
        return self.read(*(cast("tuple[ExprLike, ...]", indices) if isinstance(indices, tuple) else (indices,)))

    def __iter__(self) -> None:
        raise CompileError(f"expected '{self.name}' to be read at indices, got a Python iteration over it")

    def read(self, *indices: object, out_of_range: str = "clamp") -> Expr:
        """The element at `indices`. An index that is data and lies out of range is clamped, or wrapped around."""
        if len(indices) != self.ndim:
            raise CompileError(f"expected {self.ndim} indices of '{self.name}', got {len(indices)}")
        if out_of_range not in ("clamp", "wrap"):
            raise CompileError(f"expected out_of_range 'clamp' or 'wrap', got '{out_of_range}'")
        exprs = [as_expr(index) for index in indices]
        for expr in exprs:
            if expr.dtype != INDEX and not is_integer(expr.dtype):
                raise CompileError(f"expected integers as indices of '{self.name}', got {expr.dtype}")
        return Read(self, exprs, out_of_range)


@dataclass(frozen=True, eq=False)
class Placeholder:
    """Where an input comes from."""

    constant: bool = False


@dataclass(frozen=True, eq=False)
class Compute:
    """Where the results of a `te.compute` come from."""

    name: str
    iterators: tuple[IterVar, ...]
    body: tuple[Expr, ...] | Reduction


@dataclass(frozen=True, eq=False)
class State:
    """A state inside of its scan's step."""

    iterator: IterVar


@dataclass(frozen=True, eq=False)
class Scan:
    """Where the results of a `te.scan` come from."""

    name: str
    iterator: IterVar
    inits: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]


Source: TypeAlias = Placeholder | Compute | State | Scan


def var(name: str) -> Extent:
    """A size that is not known yet: an extent of placeholders, computes and axes."""
    if not isinstance(name, str) or not name.isidentifier():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CompileError(f"expected an identifier as the name of a te.var, got {name!r}")
    return Extent.symbol(name)


def placeholder(
    shape: Sequence[Size] | Size, dtype: object = "float32", name: str = "placeholder", *, constant: bool = False
) -> Tensor:
    """An input tensor; `constant` if it is the same in each call, so that a schedule may lay it out anew."""
    return Tensor(_name(name), _shape(shape), dtype_name(dtype), Placeholder(constant))


def reduce_axis(extent: Size, name: str = "k") -> IterVar:
    """An axis to reduce over, from 0 to `extent`."""
    return IterVar(_name(name), _extent(extent), "reduce")


def _extent(value: object) -> Extent:
    if not isinstance(value, Extent | int) or isinstance(value, bool):
        if isinstance(value, bool) or not isinstance(value, SupportsIndex):
            raise CompileError(f"expected an extent (a number or an expression of te.var), got {describe(value)}")
        value = value.__index__()  # an integer of numpy
    extent = Extent.of(value)
    if extent.is_constant and extent.constant < 1:
        raise CompileError(f"expected a positive extent, got {extent}")
    return extent


def _shape(shape: object) -> tuple[Extent, ...]:
    if isinstance(shape, tuple | list):
        return tuple(_extent(extent) for extent in cast("Sequence[object]", shape))
    return (_extent(shape),)


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise CompileError(f"expected a name, got {name!r}")
    return name


def _iterator_names(function: Callable[..., object], count: int) -> list[str]:
    """The names of a function's positional parameters, where it has `count` of them; else `i0, i1, …`."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return [f"i{i}" for i in range(count)]
    positional = [parameter for parameter in parameters if parameter.kind in kinds]
    required = [parameter for parameter in positional if parameter.default is inspect.Parameter.empty]
    if parameters and not len(required) <= count <= len(positional):
        raise CompileError(f"expected a function of {count} iterators, got one of {len(required)} parameters")
    return [parameter.name for parameter in positional[:count]] or [f"i{i}" for i in range(count)]


@overload
def compute(shape: Sequence[Size] | Size, fcompute: Callable[..., Expr | int | float], name: str = ...) -> Tensor: ...


@overload
def compute(
    shape: Sequence[Size] | Size, fcompute: Callable[..., Reduction], name: str = ...
) -> Tensor | tuple[Tensor, ...]: ...


@overload
def compute(
    shape: Sequence[Size] | Size, fcompute: Callable[..., Sequence[ExprLike]], name: str = ...
) -> tuple[Tensor, ...]: ...


def compute(
    shape: Sequence[Size] | Size, fcompute: Callable[..., object], name: str = "compute"
) -> Tensor | tuple[Tensor, ...]:
    """The tensor whose element at `i, j, …` is `fcompute(i, j, …)`; several tensors where that gives a tuple."""
    extents = _shape(shape)
    names = _iterator_names(fcompute, len(extents))
    iterators = tuple(IterVar(n, extent, "spatial") for n, extent in zip(names, extents, strict=True))
    result = fcompute(*iterators)
    several = isinstance(result, tuple | list)
    if isinstance(result, Reduction):
        body, dtypes = result, [value.dtype for value in result.values]
        several = len(dtypes) > 1
    else:
        values = cast("Sequence[object]", result) if several else [result]
        body = tuple(as_expr(value) for value in values)
        dtypes = [value.dtype for value in body]
    if not dtypes:
        raise CompileError(f"expected at least one value from the body of '{name}', got none")
    for dtype in dtypes:
        if dtype == INDEX:
            raise CompileError(f"expected values with a dtype of tensors from '{name}', got index; use te.cast")
    rounds = isinstance(body, Reduction) and body.dtypes != tuple(dtypes)
    source = Compute(_name(f"{name}_wide" if rounds else name), iterators, body)
    _check_body(name, source)
    tensors = tuple(
        Tensor(f"{name}_{i}" if several else name, extents, dtype, source, i) for i, dtype in enumerate(dtypes)
    )
    if isinstance(body, Reduction) and rounds:
        tensors = tuple(
            tensor if tensor.dtype == dtype else _rounded(tensor, dtype)
            for tensor, dtype in zip(tensors, body.dtypes, strict=True)
        )
    return tensors if several else tensors[0]


def _rounded(tensor: Tensor, dtype: str) -> Tensor:
    """A tensor of the same name in another dtype."""
    iterators = tuple(IterVar(f"i{d}", extent, "spatial") for d, extent in enumerate(tensor.extents))
    value = Cast(Read(tensor, iterators, "clamp"), dtype)
    return Tensor(tensor.name, tensor.extents, dtype, Compute(tensor.name, iterators, (value,)))


def _check_body(name: str, source: Compute) -> None:
    """Checks that a body uses the iterators of its compute, or of a scan around it, only."""
    allowed: list[IterVar] = list(source.iterators)
    roots = source.body
    if isinstance(roots, Reduction):
        allowed += roots.axes
        _check_combiner(name, roots)
        roots = roots.values

    def check(expr: Expr) -> None:
        if isinstance(expr, IterVar) and expr.kind != "ordered" and not any_identical(expr, allowed):
            hint = "; reduce over it with axis=…" if expr.kind == "reduce" else ""
            raise CompileError(f"expected iterators of '{name}' in its body, got {expr.kind} '{expr.name}'{hint}")
        if isinstance(expr, CombinerArg):
            raise CompileError(f"expected no argument of a combiner outside of it, got '{expr.name}' in '{name}'")

    walk(roots, check)


def _check_combiner(name: str, reduction: Reduction) -> None:
    def check(expr: Expr) -> None:
        if isinstance(expr, IterVar | Read) or (
            isinstance(expr, CombinerArg) and not any_identical(expr, reduction.arguments)
        ):
            raise CompileError(f"expected the combiner of '{name}' to use its arguments only, got a value from outside")

    walk(reduction.combined, check)


@overload
def scan(steps: Size, init: Tensor, step: Callable[..., Tensor], name: str = ...) -> Tensor: ...


@overload
def scan(
    steps: Size, init: Sequence[Tensor], step: Callable[..., Sequence[Tensor]], name: str = ...
) -> tuple[Tensor, ...]: ...


def scan(
    steps: Size, init: Tensor | Sequence[Tensor], step: Callable[..., object], name: str = "scan"
) -> Tensor | tuple[Tensor, ...]:
    """The states that `steps` steps compute in order, one row a step.

    A state starts with the `p` rows of its initial value; `step(t, state, …)` gives the row `t + p` of each, and may
    read the `p` rows before it (`state[t + p - 1, j]` is the one just before).
    """
    inits = tuple(init) if isinstance(init, tuple | list) else (cast(Tensor, init),)
    extent = _extent(steps)
    if not inits:
        raise CompileError("expected at least one initial value for te.scan, got none")
    for value in inits:
        if not _has_known_rows(value):
            raise CompileError(f"expected initial values with a known number of rows, got {value!r}")
    names = _iterator_names(step, len(inits) + 1)
    iterator = IterVar(names[0], extent, "ordered")
    states = tuple(
        Tensor(state_name, (extent + value.extents[0], *value.extents[1:]), value.dtype, State(iterator), i)
        for i, (state_name, value) in enumerate(zip(names[1:], inits, strict=True))
    )
    rows = _checked_rows(step(iterator, *states), inits, name)
    source = Scan(_name(name), iterator, inits, states, rows)
    if not isinstance(init, tuple | list):
        return Tensor(name, states[0].extents, states[0].dtype, source)
    return tuple(Tensor(f"{name}_{i}", state.extents, state.dtype, source, i) for i, state in enumerate(states))


def _has_known_rows(value: object) -> bool:
    return isinstance(value, Tensor) and bool(value.extents) and value.extents[0].is_constant


def _checked_rows(result: object, inits: Sequence[Tensor], name: str) -> tuple[Tensor, ...]:
    """The rows that a step gives, one of each state."""
    values = list(cast("Sequence[object]", result)) if isinstance(result, tuple | list) else [result]
    if len(values) != len(inits):
        raise CompileError(f"expected {len(inits)} rows from the step of '{name}', got {len(values)}")
    rows: list[Tensor] = []
    for row, init in zip(values, inits, strict=True):
        if not isinstance(row, Tensor) or not isinstance(row.source, Compute):
            raise CompileError(f"expected te.compute results from the step of '{name}', got {describe(row)}")
        expected = Tensor("row", init.extents[1:], init.dtype, init.source)
        if row.extents != expected.extents or row.dtype != expected.dtype:
            shape = f"shape {expected.shape} and dtype {init.dtype}"
            raise CompileError(f"expected a row of {shape} from the step of '{name}', got {row!r}")
        rows.append(row)
    return tuple(rows)
