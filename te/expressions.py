"""Scalar expressions: what `te.compute` bodies are made of. They are immutable, and shared where Python shares them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, final, runtime_checkable

from ..dialects.extents import Extent
from ..errors import CompileError
from .dtypes import BOOL, INDEX, check_constant, highest, is_float, is_integer, is_unsigned

if TYPE_CHECKING:
    from .tensors import Tensor

ExprLike: TypeAlias = "Expr | Extent | int | float | bool"
"""What converts to an expression: Python numbers take the dtype of the other operand."""


@runtime_checkable
class SupportsItem(Protocol):
    """What numpy's scalars can."""

    def item(self) -> object:
        """The Python number."""
        ...


class Expr:
    """A scalar expression of a dtype. `index` is the dtype of iterators and of sizes."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def children(self) -> Sequence[Expr]:
        """The expressions that are evaluated before this one, whatever happens."""
        return ()

    def __add__(self, other: ExprLike) -> Expr:
        return _arithmetic("add", self, other)

    def __radd__(self, other: ExprLike) -> Expr:
        return _arithmetic("add", other, self)

    def __sub__(self, other: ExprLike) -> Expr:
        return _arithmetic("sub", self, other)

    def __rsub__(self, other: ExprLike) -> Expr:
        return _arithmetic("sub", other, self)

    def __mul__(self, other: ExprLike) -> Expr:
        return _arithmetic("mul", self, other)

    def __rmul__(self, other: ExprLike) -> Expr:
        return _arithmetic("mul", other, self)

    def __truediv__(self, other: ExprLike) -> Expr:
        return _true_division(self, other)

    def __rtruediv__(self, other: ExprLike) -> Expr:
        return _true_division(other, self)

    def __floordiv__(self, other: ExprLike) -> Expr:
        return _integer("floordiv", "//", self, other)

    def __rfloordiv__(self, other: ExprLike) -> Expr:
        return _integer("floordiv", "//", other, self)

    def __mod__(self, other: ExprLike) -> Expr:
        return _integer("mod", "%", self, other)

    def __rmod__(self, other: ExprLike) -> Expr:
        return _integer("mod", "%", other, self)

    def __pow__(self, exponent: ExprLike) -> Expr:
        from .functions import pow

        return pow(self, exponent)

    def __neg__(self) -> Expr:
        if self.dtype == BOOL:
            raise CompileError("expected a number to negate, got bool; use ~ for logical negation")
        return Unary("neg", self, self.dtype)

    def __lshift__(self, other: ExprLike) -> Expr:
        return _integer("shl", "<<", self, other)

    def __rshift__(self, other: ExprLike) -> Expr:
        return _integer("shr", ">>", self, other)

    def __and__(self, other: ExprLike) -> Expr:
        return _bitwise("and", "&", self, other)

    def __rand__(self, other: ExprLike) -> Expr:
        return _bitwise("and", "&", other, self)

    def __or__(self, other: ExprLike) -> Expr:
        return _bitwise("or", "|", self, other)

    def __ror__(self, other: ExprLike) -> Expr:
        return _bitwise("or", "|", other, self)

    def __xor__(self, other: ExprLike) -> Expr:
        return _bitwise("xor", "^", self, other)

    def __rxor__(self, other: ExprLike) -> Expr:
        return _bitwise("xor", "^", other, self)

    def __invert__(self) -> Expr:
        return self ^ (True if self.dtype == BOOL else highest(self.dtype) if is_unsigned(self.dtype) else -1)

    def __lt__(self, other: ExprLike) -> Expr:
        return _comparison("lt", self, other)

    def __le__(self, other: ExprLike) -> Expr:
        return _comparison("le", self, other)

    def __gt__(self, other: ExprLike) -> Expr:
        return _comparison("gt", self, other)

    def __ge__(self, other: ExprLike) -> Expr:
        return _comparison("ge", self, other)

    def __eq__(self, other: ExprLike) -> Expr:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _comparison("eq", self, other)

    def __ne__(self, other: ExprLike) -> Expr:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _comparison("ne", self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise CompileError("expected & | ~ or te.if_then_else on tensor expressions, got a Python condition")

    def __iter__(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        raise CompileError(f"expected several values, got one expression of dtype {self.dtype}")

    def astype(self, dtype: object) -> Expr:
        """This value in another dtype."""
        from .functions import cast

        return cast(self, dtype)


@final
class Const(Expr):
    """A number."""

    __slots__ = ("value",)

    def __init__(self, value: float | bool, dtype: str) -> None:
        super().__init__(dtype)
        self.value = check_constant(value, dtype)


@final
class Size(Expr):
    """The value of an extent."""

    __slots__ = ("extent",)

    def __init__(self, extent: Extent) -> None:
        super().__init__(INDEX)
        self.extent = extent


@final
class IterVar(Expr):
    """An iterator from 0 to `extent`, exclusively; its kind is `spatial`, `reduce` or `ordered`."""

    __slots__ = ("extent", "kind", "name")

    def __init__(self, name: str, extent: Extent, kind: str) -> None:
        super().__init__(INDEX)
        self.name = name
        self.extent = extent
        self.kind = kind


@final
class CombinerArg(Expr):
    """An accumulator or a new value inside of a combiner."""

    __slots__ = ("name",)

    def __init__(self, name: str, dtype: str) -> None:
        super().__init__(dtype)
        self.name = name


@final
class Unary(Expr):
    """A function of one value."""

    __slots__ = ("op", "value")

    def __init__(self, op: str, value: Expr, dtype: str) -> None:
        super().__init__(dtype)
        self.op = op
        self.value = value

    def children(self) -> Sequence[Expr]:
        return (self.value,)


@final
class Binary(Expr):
    """A function of two values of one dtype."""

    __slots__ = ("lhs", "op", "rhs")

    def __init__(self, op: str, lhs: Expr, rhs: Expr, dtype: str) -> None:
        super().__init__(dtype)
        self.op = op
        self.lhs = lhs
        self.rhs = rhs

    def children(self) -> Sequence[Expr]:
        return (self.lhs, self.rhs)


@final
class Fma(Expr):
    """`a * b + c`, rounded once."""

    __slots__ = ("a", "b", "c")

    def __init__(self, a: Expr, b: Expr, c: Expr) -> None:
        super().__init__(a.dtype)
        self.a = a
        self.b = b
        self.c = c

    def children(self) -> Sequence[Expr]:
        return (self.a, self.b, self.c)


@final
class Cast(Expr):
    """A value in another dtype."""

    __slots__ = ("value",)

    def __init__(self, value: Expr, dtype: str) -> None:
        super().__init__(dtype)
        self.value = value

    def children(self) -> Sequence[Expr]:
        return (self.value,)


@final
class Select(Expr):
    """One of two values, both of which are evaluated."""

    __slots__ = ("condition", "false", "true")

    def __init__(self, condition: Expr, true: Expr, false: Expr) -> None:
        super().__init__(true.dtype)
        self.condition = condition
        self.true = true
        self.false = false

    def children(self) -> Sequence[Expr]:
        return (self.condition, self.true, self.false)


@final
class IfThenElse(Expr):
    """One of two values, the other of which is not evaluated."""

    __slots__ = ("condition", "false", "true")

    def __init__(self, condition: Expr, true: Expr, false: Expr) -> None:
        super().__init__(true.dtype)
        self.condition = condition
        self.true = true
        self.false = false

    def children(self) -> Sequence[Expr]:
        return (self.condition,)


@final
class Read(Expr):
    """An element of a tensor."""

    __slots__ = ("indices", "out_of_range", "tensor")

    def __init__(self, tensor: Tensor, indices: Sequence[Expr], out_of_range: str) -> None:
        super().__init__(tensor.dtype)
        self.tensor = tensor
        self.indices = tuple(indices)
        self.out_of_range = out_of_range

    def children(self) -> Sequence[Expr]:
        return self.indices


@final
@dataclass(frozen=True, eq=False)
class Reduction:
    """Values combined over reduce axes: the body of a `te.compute`, which has as many results as values.

    `arguments` are the accumulators, then the new values; `combined` is what the combiner gives from them. `dtypes` are
    those of the results: values of narrow floats are reduced in float32, and rounded in the end.
    """

    values: tuple[Expr, ...]
    axes: tuple[IterVar, ...]
    arguments: tuple[CombinerArg, ...]
    combined: tuple[Expr, ...]
    identity: tuple[Const, ...]
    associative: bool
    commutative: bool
    fastmath: tuple[str, ...]
    dtypes: tuple[str, ...]

    def _refuse(self, *_: object) -> Expr:
        raise CompileError(
            "expected a reduction to be the whole body of a te.compute, got one inside of an expression; "
            "compute it on its own and read the result"
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __neg__ = __pow__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


def as_expr(value: object, dtype: str | None = None) -> Expr:
    """`value` as an expression; Python numbers take `dtype`, or the default one of their type.

    Raises:
        CompileError: if it is nothing that an expression is made of.
    """
    if isinstance(value, Expr):
        return value
    if isinstance(value, Extent):
        return Const(value.constant, INDEX) if value.is_constant else Size(value)
    if isinstance(value, bool):
        return Const(value, BOOL if dtype is None else dtype)
    if isinstance(value, int):
        return Const(value, INDEX if dtype is None else dtype)
    if isinstance(value, float):
        return Const(value, "float32" if dtype is None else dtype)
    if isinstance(value, Reduction):
        value._refuse()  # pyright: ignore[reportPrivateUsage]
    if isinstance(value, SupportsItem) and getattr(value, "shape", None) == ():
        return as_expr(value.item(), dtype)  # a numpy scalar
    raise CompileError(f"expected a scalar expression or a number, got {describe(value)}")


def describe(value: object) -> str:
    """A short name for a value in an error message."""
    if isinstance(value, Expr):
        return f"an expression of dtype {value.dtype}"
    return f"{type(value).__name__} {value!r}"


def unify(lhs: ExprLike, rhs: ExprLike, what: str) -> tuple[Expr, Expr]:
    """Both operands in one dtype: numbers adapt, integers become `index` beside an index."""
    if not isinstance(lhs, Expr | Extent):
        right = as_expr(rhs)
        return as_expr(lhs, right.dtype), right
    left = as_expr(lhs)
    right = as_expr(rhs, left.dtype)
    if left.dtype == right.dtype:
        return left, right
    if left.dtype == INDEX and is_integer(right.dtype):
        return left, Cast(right, INDEX)
    if right.dtype == INDEX and is_integer(left.dtype):
        return Cast(left, INDEX), right
    raise CompileError(f"expected operands of one dtype for {what}, got {left.dtype} and {right.dtype}; use te.cast")


_SYMBOLS = {"add": "+", "sub": "-", "mul": "*"}


def _arithmetic(op: str, lhs: ExprLike, rhs: ExprLike) -> Expr:
    left, right = unify(lhs, rhs, _SYMBOLS[op])
    if left.dtype == BOOL:
        raise CompileError(f"expected numbers for {_SYMBOLS[op]}, got bool; use te.cast or & | ~")
    return Binary(op, left, right, left.dtype)


def _true_division(lhs: ExprLike, rhs: ExprLike) -> Expr:
    left, right = unify(lhs, rhs, "/")
    if not is_float(left.dtype):
        raise CompileError(f"expected floats for /, got {left.dtype}; use // or te.cast")
    return Binary("div", left, right, left.dtype)


def _integer(op: str, symbol: str, lhs: ExprLike, rhs: ExprLike) -> Expr:
    left, right = unify(lhs, rhs, symbol)
    if left.dtype != INDEX and not is_integer(left.dtype):
        raise CompileError(f"expected integers for {symbol}, got {left.dtype}")
    if op in ("floordiv", "mod") and isinstance(right, Const) and right.value == 0:
        raise CompileError(f"expected a divisor other than zero for {symbol}, got 0")
    return Binary(op, left, right, left.dtype)


def _bitwise(op: str, symbol: str, lhs: ExprLike, rhs: ExprLike) -> Expr:
    left, right = unify(lhs, rhs, symbol)
    if left.dtype != BOOL and not is_integer(left.dtype):
        raise CompileError(f"expected bools or integers for {symbol}, got {left.dtype}")
    return Binary(op, left, right, left.dtype)


def _comparison(op: str, lhs: ExprLike, rhs: ExprLike) -> Expr:
    left, right = unify(lhs, rhs, "a comparison")
    return Binary(op, left, right, BOOL)


def walk(roots: Sequence[Expr], visit: Callable[[Expr], None]) -> None:
    """Visits each expression that `roots` are made of once, those of lazy branches too."""
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        expr = stack.pop()
        if id(expr) in seen:
            continue
        seen.add(id(expr))
        visit(expr)
        stack.extend(expr.children())
        if isinstance(expr, IfThenElse):
            stack += (expr.true, expr.false)
