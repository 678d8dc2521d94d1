"""The oracle of the te rung: executes tensor expressions exactly, each op over a whole grid of iterators at a time.

It follows the meaning of the text, not its lowering: both branches of an `scf.if` are evaluated under masks, reductions
combine in lexicographic order of the reduce iterators, scans go step by step. Floats are rounded to their type after
each op; functions that are not exact are computed in float64 and rounded once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from xdsl.dialects import affine, arith, func, scf
from xdsl.dialects import math as math_dialect
from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    TensorType,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineSymExpr,
)

from ...dialects import arith as wide
from ...dialects import te
from ...dialects.extents import Extent
from ...errors import ArgumentError, CompileError
from ...runtime.signature import numpy_dtype
from .semantics import Array, Semantics

_GRID_LIMIT = 1 << 23
"""How many points of a grid are evaluated at a time, at most, where a reduction can be split."""

_FLOATS: dict[type[Attribute], type[np.floating[Any]]] = {
    Float16Type: np.float16,
    Float32Type: np.float32,
    Float64Type: np.float64,
}
_INTEGERS: dict[int, type[np.generic]] = {1: np.bool_, 8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}
_UNSIGNED = {np.dtype(np.int8): np.uint8, np.dtype(np.int16): np.uint16, np.dtype(np.int32): np.uint32}


def dtype_of(type: Attribute) -> np.dtype[Any]:
    """The numpy dtype of a scalar type."""
    if isinstance(type, IndexType):
        return np.dtype(np.int64)
    if isinstance(type, IntegerType):
        return np.dtype(_INTEGERS[type.bitwidth])
    if isinstance(type, BFloat16Type):
        return numpy_dtype("bfloat16")
    return np.dtype(_FLOATS[type.__class__])


def _unsigned(array: Array) -> Array:
    """The bits of a signless integer, read as an unsigned one."""
    if array.dtype == np.bool_:
        return array
    return array.view(_UNSIGNED.get(array.dtype, np.uint64))


def _signed(array: Array) -> Array:
    """A signless integer as a signed one: `true` of `i1` is -1."""
    return -array.astype(np.int8) if array.dtype == np.bool_ else array


# Scalar ops: from arrays of operands to an array of results


def _constant(op: arith.ConstantOp) -> Array:
    value = op.value
    if not isinstance(value, IntegerAttr | FloatAttr):
        raise CompileError(f"expected a scalar constant in a body, got {value}")
    number = value.value.data
    dtype = dtype_of(op.result.type)
    if dtype.kind == "i":
        bits = dtype.itemsize * 8
        number = (int(number) + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
    return np.array(number, dtype)


def _total(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """A division that is by 1 where there is no quotient: beside 0, and where it overflows."""

    def divide(lhs: Array, rhs: Array) -> Array:
        bad = rhs == 0
        if lhs.dtype.kind == "i":
            bad = bad | ((rhs == -1) & (lhs == np.iinfo(lhs.dtype).min))
        return function(lhs, np.where(bad, np.ones_like(rhs), rhs))

    return divide


def _truncating_division(lhs: Array, rhs: Array) -> Array:
    quotient = np.floor_divide(lhs, rhs)
    return (quotient + ((lhs % rhs != 0) & ((lhs < 0) != (rhs < 0)))).astype(lhs.dtype)


def _ceiling_division(lhs: Array, rhs: Array) -> Array:
    return (np.floor_divide(lhs, rhs) + (np.remainder(lhs, rhs) != 0)).astype(lhs.dtype)


def _unsigned_result(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda lhs, rhs: function(_unsigned(lhs), _unsigned(rhs)).astype(lhs.dtype, copy=False)


def _add(lhs: Array, rhs: Array) -> Array:
    return lhs ^ rhs if lhs.dtype == np.bool_ else lhs + rhs


def _sub(lhs: Array, rhs: Array) -> Array:
    return lhs ^ rhs if lhs.dtype == np.bool_ else lhs - rhs


_BINARY: dict[type[Operation], Callable[[Array, Array], Array]] = {
    arith.AddiOp: _add,
    arith.SubiOp: _sub,
    arith.MuliOp: lambda a, b: a * b,
    arith.DivSIOp: _total(_truncating_division),
    arith.DivUIOp: _unsigned_result(_total(np.floor_divide)),
    arith.RemSIOp: _total(np.fmod),
    arith.RemUIOp: _unsigned_result(_total(np.remainder)),
    arith.FloorDivSIOp: _total(np.floor_divide),
    arith.CeilDivSIOp: _total(_ceiling_division),
    arith.CeilDivUIOp: _unsigned_result(_total(_ceiling_division)),
    arith.MinSIOp: lambda a, b: np.where(_signed(a) <= _signed(b), a, b),
    arith.MaxSIOp: lambda a, b: np.where(_signed(a) >= _signed(b), a, b),
    arith.MinUIOp: _unsigned_result(np.minimum),
    arith.MaxUIOp: _unsigned_result(np.maximum),
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.ShLIOp: np.left_shift,
    arith.ShRSIOp: np.right_shift,
    arith.ShRUIOp: _unsigned_result(np.right_shift),
    arith.AddfOp: lambda a, b: a + b,
    arith.SubfOp: lambda a, b: a - b,
    arith.MulfOp: lambda a, b: a * b,
    arith.DivfOp: lambda a, b: a / b,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    arith.MaxnumfOp: np.fmax,
    arith.MinnumfOp: np.fmin,
    wide.RemFOp: np.fmod,
    math_dialect.CopySignOp: np.copysign,
}

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _round_half_away(x: Array) -> Array:
    whole = np.trunc(x)
    return whole + np.copysign(np.abs(x - whole) >= 0.5, x)


def _reciprocal_square_root(x: Array) -> Array:
    return 1.0 / np.sqrt(x)


_ROUNDED_ONCE: dict[type[Operation], Callable[..., Array]] = {
    math_dialect.AcosOp: np.arccos,
    math_dialect.AcoshOp: np.arccosh,
    math_dialect.AsinOp: np.arcsin,
    math_dialect.AsinhOp: np.arcsinh,
    math_dialect.AtanOp: np.arctan,
    math_dialect.Atan2Op: np.arctan2,
    math_dialect.AtanhOp: np.arctanh,
    math_dialect.CbrtOp: np.cbrt,
    math_dialect.CeilOp: np.ceil,
    math_dialect.CosOp: np.cos,
    math_dialect.CoshOp: np.cosh,
    math_dialect.ErfOp: _erf,
    math_dialect.Exp2Op: np.exp2,
    math_dialect.ExpM1Op: np.expm1,
    math_dialect.ExpOp: np.exp,
    math_dialect.FloorOp: np.floor,
    math_dialect.Log10Op: np.log10,
    math_dialect.Log1pOp: np.log1p,
    math_dialect.Log2Op: np.log2,
    math_dialect.LogOp: np.log,
    math_dialect.PowFOp: np.power,
    math_dialect.RoundEvenOp: np.rint,
    math_dialect.RoundOp: _round_half_away,
    math_dialect.RsqrtOp: _reciprocal_square_root,
    math_dialect.SinOp: np.sin,
    math_dialect.SinhOp: np.sinh,
    math_dialect.SqrtOp: np.sqrt,
    math_dialect.TanOp: np.tan,
    math_dialect.TanhOp: np.tanh,
    math_dialect.TruncOp: np.trunc,
}
"""Functions of floats that are computed in float64 and rounded to their type."""

_UNARY: dict[type[Operation], Callable[[Array], Array]] = {
    arith.NegfOp: np.negative,
    math_dialect.AbsFOp: np.abs,
    math_dialect.AbsIOp: np.abs,
}


def _fused_multiply_add(a: Array, b: Array, c: Array) -> Array:
    if a.dtype != np.float64:  # the product is exact in float64
        return a.astype(np.float64) * b.astype(np.float64) + c.astype(np.float64)

    def exact(x: float, y: float, z: float) -> float:
        if not all(map(math.isfinite, (x, y, z))):
            return x * y + z
        return float(Fraction(x) * Fraction(y) + Fraction(z))

    return np.vectorize(exact, otypes=[np.float64])(a, b, c)


_COMPARE: tuple[Callable[[Array, Array], Array], ...] = (
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
)


def _compare_integers(op: arith.CmpiOp, lhs: Array, rhs: Array) -> Array:
    predicate = op.predicate.value.data
    if predicate < 6:
        return _COMPARE[predicate](_signed(lhs), _signed(rhs))
    return _COMPARE[predicate - 4](_unsigned(lhs), _unsigned(rhs))


_FLOAT_COMPARE = {1: np.equal, 2: np.greater, 3: np.greater_equal, 4: np.less, 5: np.less_equal, 6: np.not_equal}


def _compare_floats(op: arith.CmpfOp, lhs: Array, rhs: Array) -> Array:
    predicate = op.predicate.value.data
    unordered = np.isnan(lhs) | np.isnan(rhs)
    if predicate in (0, 15):
        return np.full_like(unordered, predicate == 15)
    if predicate in (7, 14):
        return unordered if predicate == 14 else ~unordered
    if predicate < 7:
        return _FLOAT_COMPARE[predicate](lhs, rhs) & ~unordered
    return _FLOAT_COMPARE[predicate - 7](lhs, rhs) | unordered


def _saturated(value: Array, dtype: np.dtype[Any]) -> Array:
    """Rounded towards zero; the last value of the type where that is out of range, and 0 where it is NaN."""
    if dtype == np.bool_:  # one bit, of which `true` is -1
        return value.astype(np.float64) <= -1
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    whole = np.trunc(value.astype(np.float64))
    inside = (whole >= low) & (whole < float(high + 1))
    result = np.where(inside, whole, 0.0).astype(dtype)
    result = np.where(whole >= float(high + 1), np.array(high, dtype), result)
    return np.where(whole < low, np.array(low, dtype), result)


def rounded(value: Array, dtype: np.dtype[Any]) -> Array:
    """Floats of another type, rounded once. (numpy's way from float64 to bfloat16 may round twice.)"""
    if dtype.kind != "V" or value.dtype != np.float64:
        return value.astype(dtype)
    single = value.astype(np.float32)
    away = np.abs(single.astype(np.float64)) > np.abs(value)
    inexact = np.isfinite(value) & (single != value)
    bits = single.view(np.int32) - (away & inexact)
    return (bits | inexact).view(np.float32).astype(dtype)


def _narrowed(value: Array, dtype: np.dtype[Any]) -> Array:
    """A value in another type. What has type bf16 was computed in f32."""
    return (value.astype(np.float32) if dtype.kind == "V" else value).astype(dtype)


def _cast(op: Operation, value: Array) -> Array:
    dtype = dtype_of(op.results[0].type)
    match op:
        case arith.ExtUIOp() | arith.UIToFPOp():
            return _narrowed(_unsigned(value), dtype)
        case arith.FPToUIOp() if dtype != np.bool_:
            return _saturated(value, np.dtype(_UNSIGNED.get(dtype, np.uint64))).view(dtype)
        case arith.FPToSIOp() | arith.FPToUIOp():
            return _saturated(value, dtype)
        case arith.TruncIOp() if dtype == np.bool_:
            return (value & 1).astype(dtype)
        case arith.BitcastOp():
            return value.view(dtype)
        case arith.ExtFOp() | arith.TruncFOp():
            return rounded(value, dtype)
        case _:
            return _narrowed(_signed(value), dtype)


_CASTS = (
    arith.ExtFOp,
    arith.ExtSIOp,
    arith.ExtUIOp,
    arith.TruncFOp,
    arith.TruncIOp,
    arith.SIToFPOp,
    arith.UIToFPOp,
    arith.FPToSIOp,
    arith.FPToUIOp,
    arith.IndexCastOp,
    arith.BitcastOp,
)


def _evaluate_scalar(op: Operation, operands: Sequence[Array]) -> Array:
    """The result of an op on scalars, over arrays of operands."""
    kind = type(op)
    if (binary := _BINARY.get(kind)) is not None:
        return binary(*operands)
    if (function := _ROUNDED_ONCE.get(kind)) is not None:
        dtype = dtype_of(op.results[0].type)
        return _narrowed(np.asarray(function(*(operand.astype(np.float64) for operand in operands))), dtype)
    if (unary := _UNARY.get(kind)) is not None:
        return unary(*operands)
    match op:
        case arith.ConstantOp():
            return _constant(op)
        case arith.CmpiOp():
            return _compare_integers(op, *operands)
        case arith.CmpfOp():
            return _compare_floats(op, *operands)
        case arith.SelectOp():
            return np.where(*operands)
        case math_dialect.FmaOp():
            return _narrowed(_fused_multiply_add(*operands), operands[0].dtype)
        case affine.ApplyOp():
            dims = op.map.data.num_dims
            return _evaluate_affine(op.map.data.results[0], operands[:dims], operands[dims:])
        case _ if isinstance(op, _CASTS):
            return _cast(op, *operands)
        case _:
            raise CompileError(f"the te oracle has no semantics for {op.name}")


def _evaluate_affine(expr: AffineExpr, dims: Sequence[Array], symbols: Sequence[Array] = ()) -> Array:
    match expr:
        case AffineConstantExpr(value=value):
            return np.array(value, np.int64)
        case AffineDimExpr(position=position):
            return dims[position]
        case AffineSymExpr(position=position):
            return symbols[position]
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            left, right = _evaluate_affine(lhs, dims, symbols), _evaluate_affine(rhs, dims, symbols)
            return _AFFINE[kind](left, right)
        case _:
            raise CompileError(f"expected an affine expression, got {expr}")


_AFFINE: dict[AffineBinaryOpKind, Callable[[Array, Array], Array]] = {
    AffineBinaryOpKind.Add: lambda a, b: a + b,
    AffineBinaryOpKind.Mul: lambda a, b: a * b,
    AffineBinaryOpKind.FloorDiv: np.floor_divide,
    AffineBinaryOpKind.CeilDiv: lambda a, b: -np.floor_divide(-a, b),
    AffineBinaryOpKind.Mod: np.remainder,
}


# Bodies


@dataclass
class _Machine:
    """The values of SSA values: tensors, and scalars over the grid that is being evaluated."""

    sizes: Mapping[str, int]
    call: Callable[[func.CallOp, Sequence[Array]], Sequence[Array]]
    semantics: Mapping[str, Semantics]
    values: dict[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])

    def run_function(self, block: Block) -> tuple[Array, ...]:
        """Executes the ops of a function on tensors."""
        for op in block.ops:
            match op:
                case te.ComputeOp():
                    results = self.compute(op)
                case te.ScanOp():
                    results = self.scan(op)
                case func.CallOp():
                    results = self.call(op, [self.values[value] for value in op.arguments])
                case te.ReshapeOp():
                    extents = te.tensor_extents(op.result.type)
                    results = [self.values[op.operand].reshape([extent.evaluate(self.sizes) for extent in extents])]
                case arith.ConstantOp(value=DenseIntOrFPElementsAttr() as data):
                    shape = cast("TensorType[Attribute]", op.result.type).get_shape()
                    numbers = np.array(data.get_values(), dtype_of(data.get_element_type()))
                    results = [np.broadcast_to(numbers if numbers.size == 1 else numbers.reshape(shape), shape)]
                case func.ReturnOp():
                    return tuple(self.values[value] for value in op.arguments)
                case _:
                    raise CompileError(f"the te oracle has no semantics for {op.name}")
            self.values.update(zip(op.results, results, strict=True))
        raise CompileError("expected func.return at the end of a function")

    def evaluate(self, block: Block, mask: Array | None) -> list[Array]:
        """Executes scalar code where `mask` holds; gives what its terminator yields."""
        values = self.values
        for op in block.ops:
            match op:
                case te.YieldOp() | scf.YieldOp():
                    return [values[value] for value in op.operands]
                case te.ReadOp():
                    values[op.result] = self.read(op, mask)
                case scf.IfOp():
                    values.update(zip(op.output, self.choose(op, mask), strict=True))
                case te.SizeOp():
                    values[op.result] = np.array(op.extent.evaluate(self.sizes), np.int64)
                case _:
                    values[op.results[0]] = self.scalar(op, [values[operand] for operand in op.operands])
        raise CompileError("expected a terminator at the end of a body")

    def scalar(self, op: Operation, operands: Sequence[Array]) -> Array:
        """The result of a scalar op, ours or another dialect's."""
        semantics = self.semantics.get(op.name)
        if semantics is None:
            return _evaluate_scalar(op, operands)
        return np.asarray(semantics(op, *operands), dtype_of(op.results[0].type))

    def choose(self, op: scf.IfOp, mask: Array | None) -> list[Array]:
        """Both branches, each where it is taken."""
        condition = self.values[op.cond]
        branches: list[list[Array] | None] = []
        for region, taken in ((op.true_region, condition), (op.false_region, ~condition)):
            active = taken if mask is None else taken & mask
            branches.append(self.evaluate(region.block, active) if active.any() else None)
        true, false = branches
        if true is None or false is None:
            chosen = true if false is None else false
            if chosen is None:
                return [np.zeros((), dtype_of(result.type)) for result in op.output]
            return chosen
        return [np.where(condition, *pair) for pair in zip(true, false, strict=True)]

    def read(self, op: te.ReadOp, mask: Array | None) -> Array:
        """The elements of a tensor, where `mask` holds; any element elsewhere."""
        tensor = self.values[op.tensor]
        operands = [self.values[value] for value in op.indices]
        data = op.data_dependent()
        indices: list[Array] = []
        for dim, (expr, size) in enumerate(zip(op.map.data.results, tensor.shape, strict=True)):
            index = _evaluate_affine(expr, operands)
            if dim in data:
                index = np.remainder(index, size) if op.out_of_range == "wrap" else np.clip(index, 0, size - 1)
            else:
                index = _checked_index(op, dim, index, size, mask)
            indices.append(index)
        return np.asarray(tensor[tuple(indices)])

    # Computes

    def compute(self, op: te.ComputeOp) -> list[Array]:
        """The results of a compute."""
        extents = [extent.evaluate(self.sizes) for extent in op.extents.data]
        spatial, reduce = extents[: op.num_spatial], extents[op.num_spatial :]
        if op.combiner is None:
            self._bind(op.iterators, _axes(spatial))
            values = self.evaluate(op.body.block, None)
        else:
            values = self._reduce(op, spatial, reduce)
        return [np.array(np.broadcast_to(value, spatial), order="C") for value in values]

    def _bind(self, iterators: Sequence[SSAValue], values: Sequence[Array]) -> None:
        self.values.update(zip(iterators, values, strict=True))

    def _reduce(self, op: te.ComputeOp, spatial: Sequence[int], reduce: Sequence[int]) -> list[Array]:
        assert op.combiner is not None
        assert op.identity is not None
        outer = _outer_reduce_dims(spatial, reduce)
        accumulators = [
            np.full(spatial, cast("IntegerAttr | FloatAttr", value).value.data, dtype_of(type))
            for value, type in zip(op.identity, op.element_types, strict=True)
        ]
        axes = _axes([*spatial, *reduce[outer:]])
        for point in itertools.product(*map(range, reduce[:outer])):
            fixed = [np.array(value, np.int64) for value in point]
            self._bind(op.iterators, [*axes[: len(spatial)], *fixed, *axes[len(spatial) :]])
            news = self.evaluate(op.body.block, None)
            for slices in _slices(news, len(spatial), reduce[outer:]):
                self._bind(op.combiner.block.args, [*accumulators, *slices])
                accumulators = self.evaluate(op.combiner.block, None)
        return accumulators

    # Scans

    def scan(self, op: te.ScanOp) -> list[Array]:
        """The states of a scan, row by row."""
        steps = op.extent.evaluate(self.sizes)
        inits = [self.values[init] for init in op.inits]
        states = [np.zeros((steps + len(init), *init.shape[1:]), init.dtype) for init in inits]
        for state, init in zip(states, inits, strict=True):
            state[: len(init)] = init
        self._bind(op.states, states)
        for step in range(steps):
            self.values[op.iterator] = np.array(step, np.int64)
            for inner in op.body.block.ops:
                if isinstance(inner, te.ComputeOp):
                    self._bind(inner.results, self.compute(inner))
            rows = [self.values[value] for value in op.terminator.arguments]
            for state, init, row in zip(states, inits, rows, strict=True):
                state[step + len(init)] = row
        return states


def _checked_index(op: te.ReadOp, dim: int, index: Array, size: int, mask: Array | None) -> Array:
    """An affine index, made valid where the read is not executed."""
    if index.size and index.min() >= 0 and index.max() < size:
        return index
    wrong = (index < 0) | (index >= size)
    if mask is None or (wrong & mask).any():
        raise CompileError(
            f"expected indices of dimension {dim} in 0..{size - 1} when executed, in a read of {op.tensor.type}"
        )
    return np.clip(index, 0, size - 1)


def _axes(extents: Sequence[int]) -> list[Array]:
    """The values of each iterator, along an axis of its own."""
    rank = len(extents)
    return [
        np.arange(extent).reshape([-1 if d == axis else 1 for d in range(rank)]) for axis, extent in enumerate(extents)
    ]


def _outer_reduce_dims(spatial: Sequence[int], reduce: Sequence[int]) -> int:
    """How many reduce iterators are to be taken one value at a time, so that the grid stays small."""
    outer = 0
    while outer < len(reduce) and math.prod(spatial) * math.prod(reduce[outer:]) > _GRID_LIMIT:
        outer += 1
    return outer


def _slices(values: Sequence[Array], num_spatial: int, reduce: Sequence[int]) -> Iterator[list[Array]]:
    """The values at each point of the reduce iterators, which are the last axes, in lexicographic order."""
    rank = num_spatial + len(reduce)
    full = [value.reshape((1,) * (rank - value.ndim) + value.shape) for value in values]
    for point in itertools.product(*map(range, reduce)):
        yield [
            value[(..., *(i if size > 1 else 0 for i, size in zip(point, value.shape[num_spatial:], strict=True)))]
            for value in full
        ]


# Functions


def run_te(
    module_or_func: ModuleOp | func.FuncOp, *inputs: Any, semantics: Mapping[str, Semantics] | None = None
) -> tuple[Array, ...]:
    """What a function of tensors gives for `inputs`: that called `main`, or the only one, of a module.

    `semantics` says what elementwise ops of other dialects compute, by name.

    Raises:
        ArgumentError: if the inputs do not fit the function.
        CompileError: if the function is not one of tensors, or breaks a rule of the rung when executed.
    """
    function = _entry(module_or_func) if isinstance(module_or_func, ModuleOp) else module_or_func
    arrays = [_signless(function, position, np.asarray(value)) for position, value in enumerate(inputs)]
    with np.errstate(all="ignore"):
        results = _run(function, arrays, semantics or {})
    attributes = function.res_attrs or [None] * len(results)
    return tuple(
        result if attrs is None or te.UNSIGNED not in attrs.data else _unsigned(result)
        for result, attrs in zip(results, attributes, strict=True)
    )


def _signless(function: func.FuncOp, position: int, value: Array) -> Array:
    """An input as the body of the function sees it: integers without a sign by their bits."""
    attributes = function.arg_attrs.data if function.arg_attrs else ()
    if position >= len(attributes) or te.UNSIGNED not in attributes[position].data:
        return value
    if value.dtype.kind != "u":
        raise ArgumentError(f"expected input {position} of @{function.sym_name.data} to be unsigned, got {value.dtype}")
    return value.view(f"i{value.dtype.itemsize}")


def _entry(module: ModuleOp) -> func.FuncOp:
    functions = {op.sym_name.data: op for op in module.ops if isinstance(op, func.FuncOp)}
    if "main" in functions:
        return functions["main"]
    if len(functions) != 1:
        raise ArgumentError(f"expected a function @main, got {', '.join(functions) or 'none'}")
    return next(iter(functions.values()))


def _run(
    function: func.FuncOp,
    inputs: Sequence[Array],
    semantics: Mapping[str, Semantics],
    caller: Mapping[str, int] = MappingProxyType({}),
) -> tuple[Array, ...]:
    """The results of a function. What sizes its inputs do not say (`n` of `3 * n`) are those of the caller."""
    block = function.body.block
    _check_inputs(function, block, inputs)
    sizes = {**caller, **_sizes(block, inputs)}
    machine = _Machine(sizes, lambda call, operands: _run(_callee(call), operands, semantics, sizes), semantics)
    machine.values.update(zip(block.args, inputs, strict=True))
    return machine.run_function(block)


def _callee(call: func.CallOp) -> func.FuncOp:
    module = call.parent_op()
    while module is not None and not isinstance(module, ModuleOp):
        module = module.parent_op()
    name = call.callee.string_value()
    for op in () if module is None else module.ops:
        if isinstance(op, func.FuncOp) and op.sym_name.data == name:
            return op
    raise CompileError(f"expected a function @{name} in the module, got none")


def _check_inputs(function: func.FuncOp, block: Block, inputs: Sequence[Array]) -> None:
    name = function.sym_name.data
    if len(inputs) != len(block.args):
        raise ArgumentError(f"expected {len(block.args)} inputs of @{name}, got {len(inputs)}")
    for position, (argument, value) in enumerate(zip(block.args, inputs, strict=True)):
        type = te.verify_tensor_type(argument.type)
        dtype, extents = dtype_of(type.element_type), te.tensor_extents(type)
        fits = len(extents) == value.ndim and all(
            not extent.is_constant or extent.constant == size for extent, size in zip(extents, value.shape, strict=True)
        )
        if value.dtype != dtype or not fits:
            shape = ", ".join(map(str, extents))
            raise ArgumentError(
                f"expected input {position} of @{name} to be {dtype} of shape ({shape}), "
                f"got {value.dtype} of shape {value.shape}"
            )


def _sizes(block: Block, inputs: Sequence[Array]) -> dict[str, int]:
    """The sizes that the shapes of the inputs say."""
    pairs: list[tuple[Extent, int]] = []
    for argument, value in zip(block.args, inputs, strict=True):
        pairs += zip(te.tensor_extents(cast(te.AnyTensor, argument.type)), value.shape, strict=True)
    sizes: dict[str, int] = {}
    for extent, actual in pairs:
        if extent.is_name:
            sizes.setdefault(next(extent.symbols()), actual)
    for extent, actual in pairs:
        if set(extent.symbols()) <= sizes.keys() and extent.evaluate(sizes) != actual:
            raise ArgumentError(f"expected an extent of {extent} = {extent.evaluate(sizes)}, got {actual}")
    return sizes
