"""From scalar expressions of the language to scalar bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import cast

from xdsl.dialects import affine, arith, math, scf
from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import (
    AffineMapAttr,
    AnyFloat,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr, AffineMap

from ..dialects import arith as wide
from ..dialects import te
from ..dialects.quasi_affine import Lin, to_affine_expr, to_affine_map
from ..errors import CompileError
from .dtypes import BOOL, DTYPES, INDEX, bit_width, is_float, is_unsigned
from .expressions import (
    Binary,
    Cast,
    CombinerArg,
    Const,
    Expr,
    Fma,
    IfThenElse,
    IterVar,
    Read,
    Select,
    Size,
    Unary,
)
from .tensors import Tensor

_INDEX = IndexType()
_I64 = IntegerType(64)
_TYPES: dict[str, AnyFloat | IntegerType | IndexType] = {
    **{dtype: IntegerType(bit_width(dtype)) for dtype in DTYPES if not is_float(dtype)},
    "bfloat16": BFloat16Type(),
    "float16": Float16Type(),
    "float32": Float32Type(),
    "float64": Float64Type(),
    INDEX: _INDEX,
}

NO_FASTMATH = te.NO_FASTMATH
CONTRACT = FastMathFlagsAttr([FastMathFlag.ALLOW_CONTRACT])


@cache
def _either_zero(fastmath: FastMathFlagsAttr) -> FastMathFlagsAttr:
    """The flags, and that zeros of either sign are the same."""
    return FastMathFlagsAttr([*fastmath.data, FastMathFlag.NO_SIGNED_ZEROS])


_FLOAT_UNARY: dict[str, type[Operation]] = {
    "abs": math.AbsFOp,
    "acos": math.AcosOp,
    "acosh": math.AcoshOp,
    "asin": math.AsinOp,
    "asinh": math.AsinhOp,
    "atan": math.AtanOp,
    "atanh": math.AtanhOp,
    "ceil": math.CeilOp,
    "cos": math.CosOp,
    "cosh": math.CoshOp,
    "erf": math.ErfOp,
    "exp": math.ExpOp,
    "exp2": math.Exp2Op,
    "expm1": math.ExpM1Op,
    "floor": math.FloorOp,
    "log": math.LogOp,
    "log10": math.Log10Op,
    "log1p": math.Log1pOp,
    "log2": math.Log2Op,
    "neg": arith.NegfOp,
    "round": math.RoundEvenOp,
    "rsqrt": math.RsqrtOp,
    "sin": math.SinOp,
    "sinh": math.SinhOp,
    "sqrt": math.SqrtOp,
    "tan": math.TanOp,
    "tanh": math.TanhOp,
    "trunc": math.TruncOp,
}
_FLOAT_BINARY: dict[str, type[Operation]] = {
    "add": arith.AddfOp,
    "atan2": math.Atan2Op,
    "div": arith.DivfOp,
    "fmod": wide.RemFOp,
    "max": arith.MaximumfOp,
    "min": arith.MinimumfOp,
    "mul": arith.MulfOp,
    "pow": math.PowFOp,
    "sub": arith.SubfOp,
}
_INTEGER_BINARY: dict[str, type[Operation]] = {
    "add": arith.AddiOp,
    "and": arith.AndIOp,
    "floordiv": arith.FloorDivSIOp,
    "max": arith.MaxSIOp,
    "min": arith.MinSIOp,
    "mul": arith.MuliOp,
    "or": arith.OrIOp,
    "shl": arith.ShLIOp,
    "shr": arith.ShRSIOp,
    "sub": arith.SubiOp,
    "truncdiv": arith.DivSIOp,
    "xor": arith.XOrIOp,
}
_UNSIGNED_BINARY: dict[str, type[Operation]] = {
    **_INTEGER_BINARY,
    "floordiv": arith.DivUIOp,
    "max": arith.MaxUIOp,
    "min": arith.MinUIOp,
    "shr": arith.ShRUIOp,
    "truncdiv": arith.DivUIOp,
}
_REMAINDERS = {"mod": "floordiv", "fmod": "truncdiv"}
"""The quotients that remainders belong to: that of the divisor's sign, as in Python, and that of the dividend's."""
# ordered comparisons, but for `ne`, which holds beside NaN
_FLOAT_PREDICATES = {"eq": 1, "gt": 2, "ge": 3, "lt": 4, "le": 5, "ne": 13, "unordered": 14}
_INTEGER_PREDICATES = {"eq": 0, "ne": 1, "lt": 2, "le": 3, "gt": 4, "ge": 5}
_UNSIGNED_PREDICATES = {"eq": 0, "ne": 1, "lt": 6, "le": 7, "gt": 8, "ge": 9}


def element_type(dtype: str) -> AnyFloat | IntegerType | IndexType:
    """The IR type of a dtype of the language."""
    return _TYPES[dtype]


def _float_type(dtype: str) -> AnyFloat:
    return cast(AnyFloat, _TYPES[dtype])


def _integer_type(dtype: str) -> IntegerType | IndexType:
    return cast(IntegerType | IndexType, _TYPES[dtype])


def name_hint(name: str) -> str | None:
    """`name` as that of an SSA value, if it can be one."""
    hint = re.sub(r"\W", "_", name)
    return hint if SSAValue.is_valid_name(hint) else None


def constant_attribute(const: Const) -> FloatAttr | IntegerAttr:
    """The attribute of a constant."""
    if is_float(const.dtype):
        return FloatAttr(float(const.value), _float_type(const.dtype))
    return IntegerAttr(int(const.value), _integer_type(const.dtype))


class BodyEmitter:
    """Emits expressions at the end of a block; each expression once, in the outermost place that evaluates it."""

    def __init__(
        self,
        block: Block,
        leaves: Mapping[int, SSAValue],
        tensor_value: Callable[[Tensor], SSAValue],
        fastmath: FastMathFlagsAttr = NO_FASTMATH,
    ) -> None:
        self._block = block
        self._leaves = leaves
        self._tensor_value = tensor_value
        self._fastmath = fastmath
        self._values: list[dict[int, tuple[Expr, SSAValue]]] = [{}]
        self._forms: dict[int, tuple[Expr, Lin | None]] = {}

    def emit(self, root: Expr) -> SSAValue:
        """The value of an expression."""
        stack: list[tuple[Expr, bool]] = [(root, False)]
        while stack:
            expr, ready = stack.pop()
            if self._find(expr) is not None:
                continue
            form = self._form(expr)
            if form is not None:
                self._values[-1][id(expr)] = (expr, self._emit_form(form))
            elif ready:
                self._values[-1][id(expr)] = (expr, self._emit_op(expr))
            else:
                stack.append((expr, True))
                stack += [(child, False) for child in reversed(self._evaluated_children(expr))]
        value = self._find(root)
        assert value is not None
        return value

    def _evaluated_children(self, expr: Expr) -> Sequence[Expr]:
        """The operands that become values; affine indices of a read become its map."""
        if isinstance(expr, Read):
            return [index for index in expr.indices if self._form(index) is None]
        return expr.children()

    def _find(self, expr: Expr) -> SSAValue | None:
        for values in reversed(self._values):
            if (known := values.get(id(expr))) is not None:
                return known[1]
        return None

    def _add(self, op: Operation) -> SSAValue:
        self._block.add_op(op)
        return op.results[0]

    def _leaf(self, expr: IterVar | CombinerArg) -> SSAValue:
        value = self._leaves.get(id(expr))
        if value is None:
            raise CompileError(f"expected step '{expr.name}' to be used inside of its scan only")
        return value

    # Affine index arithmetic

    def _form(self, expr: Expr) -> Lin | None:
        """The quasi-affine form of an index expression over iterators, if it has one."""
        if expr.dtype != INDEX:
            return None
        known = self._forms.get(id(expr))
        if known is None:
            known = (expr, self._compute_form(expr))
            self._forms[id(expr)] = known
        return known[1]

    def _compute_form(self, expr: Expr) -> Lin | None:
        match expr:
            case Const(value=value):
                return Lin(int(value))
            case IterVar():
                return Lin.of(self._leaf(expr))
            case Unary(op="neg", value=value):
                form = self._form(value)
                return None if form is None else -form
            case Binary(op=op, lhs=lhs, rhs=rhs):
                left, right = self._form(lhs), self._form(rhs)
                return None if left is None or right is None else _combine_forms(op, left, right)
            case _:
                return None

    def _emit_form(self, form: Lin) -> SSAValue:
        if form.is_const:
            return self._add(arith.ConstantOp(IntegerAttr(form.const, _INDEX)))
        map, operands = to_affine_map([form])
        if map.results == (AffineDimExpr(0),):
            return operands[0]
        return self._add(affine.ApplyOp(operands, AffineMapAttr(map)))

    # Everything else

    def _emit_op(self, expr: Expr) -> SSAValue:
        match expr:
            case Const():
                return self._add(arith.ConstantOp(constant_attribute(expr)))
            case Size(extent=extent):
                return self._add(te.SizeOp(extent))
            case CombinerArg():
                return self._leaf(expr)
            case Read():
                return self._emit_read(expr)
            case Unary(op=op, value=value):
                return self._emit_unary(op, value)
            case Binary(op=op, lhs=lhs, rhs=rhs):
                return self._emit_binary(op, lhs, rhs)
            case Fma(a=a, b=b, c=c):
                return self._add(math.FmaOp(self._value(a), self._value(b), self._value(c)))
            case Cast(value=value):
                return self._emit_cast(self._value(value), value.dtype, expr.dtype)
            case Select(condition=condition, true=true, false=false):
                return self._add(arith.SelectOp(self._value(condition), self._value(true), self._value(false)))
            case IfThenElse():
                return self._emit_if(expr)
            case _:
                raise AssertionError(f"no emission for {type(expr).__name__}")

    def _value(self, expr: Expr) -> SSAValue:
        value = self._find(expr)
        assert value is not None
        return value

    def _emit_read(self, expr: Read) -> SSAValue:
        position: dict[SSAValue, int] = {}
        exprs: list[AffineExpr] = []
        is_data = False
        for index in expr.indices:
            form = self._form(index)
            if form is None:
                is_data = True
                value = self._value(index)
                if index.dtype != INDEX:
                    value = self._emit_cast(value, index.dtype, INDEX)
                form = Lin.of(value)
            for value in form.values():
                position.setdefault(value, len(position))
            exprs.append(to_affine_expr(form, position))
        map = AffineMap(len(position), 0, tuple(exprs))
        out_of_range = expr.out_of_range if is_data else "clamp"
        value = self._add(te.ReadOp(self._tensor_value(expr.tensor), map, list(position), out_of_range))
        value.name_hint = name_hint(expr.tensor.name.lower())
        return value

    def _emit_unary(self, op: str, operand: Expr) -> SSAValue:
        value = self._value(operand)
        if is_float(operand.dtype):
            cls = _FLOAT_UNARY[op]
            return self._add(cls.create(operands=[value], result_types=[value.type], properties=self._flags()))
        if op == "abs":
            return value if is_unsigned(operand.dtype) else self._add(math.AbsIOp(value))
        assert op == "neg"
        return self._add(arith.SubiOp(self._integer(0, operand.dtype), value))

    def _emit_binary(self, op: str, lhs: Expr, rhs: Expr) -> SSAValue:
        left, right = self._value(lhs), self._value(rhs)
        if is_float(lhs.dtype):
            if op in _FLOAT_PREDICATES:
                return self._add(arith.CmpfOp(left, right, _FLOAT_PREDICATES[op]))
            cls = _FLOAT_BINARY[op]
            flags = {"fastmath": _either_zero(self._fastmath)} if op in ("max", "min") else self._flags()
            return self._add(cls.create(operands=[left, right], result_types=[left.type], properties=flags))
        if op in _INTEGER_PREDICATES:
            predicates = _UNSIGNED_PREDICATES if lhs.dtype == BOOL or is_unsigned(lhs.dtype) else _INTEGER_PREDICATES
            return self._add(arith.CmpiOp(left, right, predicates[op]))
        ops = _UNSIGNED_BINARY if is_unsigned(lhs.dtype) else _INTEGER_BINARY
        result = self._add(ops[_REMAINDERS.get(op, op)].create(operands=[left, right], result_types=[left.type]))
        if op in _REMAINDERS:
            return self._add(arith.SubiOp(left, self._add(arith.MuliOp(result, right))))
        return result

    def _flags(self) -> dict[str, FastMathFlagsAttr]:
        return {"fastmath": self._fastmath}

    def _integer(self, value: int, dtype: str) -> SSAValue:
        return self._add(arith.ConstantOp(IntegerAttr(value, _integer_type(dtype))))

    def _emit_cast(self, value: SSAValue, source: str, target: str) -> SSAValue:
        if source == target:
            return value
        if target == BOOL:
            return self._emit_truth(value, source)
        if source == INDEX:
            if not is_float(target):
                return self._add(arith.IndexCastOp(value, _TYPES[target]))
            return self._emit_cast(self._add(arith.IndexCastOp(value, _I64)), "int64", target)
        if target == INDEX:
            if is_float(source) or source == BOOL or is_unsigned(source):
                return self._add(arith.IndexCastOp(self._emit_cast(value, source, "int64"), _INDEX))
            return self._add(arith.IndexCastOp(value, _INDEX))
        if is_float(source) and is_float(target) and bit_width(source) == bit_width(target):
            return self._emit_cast(self._emit_cast(value, source, "float32"), "float32", target)
        cast = _cast_op(source, target)
        if cast is None:
            return value
        return self._add(cast.create(operands=[value], result_types=[_TYPES[target]]))

    def _emit_truth(self, value: SSAValue, dtype: str) -> SSAValue:
        if is_float(dtype):
            zero = self._add(arith.ConstantOp(FloatAttr(0.0, _float_type(dtype))))
            return self._add(arith.CmpfOp(value, zero, _FLOAT_PREDICATES["ne"]))
        return self._add(arith.CmpiOp(value, self._integer(0, dtype), _INTEGER_PREDICATES["ne"]))

    def _emit_if(self, expr: IfThenElse) -> SSAValue:
        condition = self._value(expr.condition)
        branches = [Region(Block()), Region(Block())]
        op = scf.IfOp(condition, [_TYPES[expr.dtype]], branches[0], branches[1])
        result = self._add(op)
        outer = self._block
        for region, value in zip(branches, (expr.true, expr.false), strict=True):
            self._block = region.block
            self._values.append({})
            self._block.add_op(scf.YieldOp(self.emit(value)))
            self._values.pop()
        self._block = outer
        return result


def _combine_forms(op: str, left: Lin, right: Lin) -> Lin | None:
    bounds = te.iterator_bounds
    match op:
        case "add":
            return left + right
        case "sub":
            return left - right
        case "mul" if right.is_const:
            return left * right.const
        case "mul" if left.is_const:
            return right * left.const
        case "floordiv" if right.is_const and right.const > 0:
            return left.floordiv(right.const, bounds)
        case "mod" if right.is_const and right.const > 0:
            return left.mod(right.const, bounds)
        case _:
            return None


def _cast_op(source: str, target: str) -> type[Operation] | None:
    """The op that converts scalars, None where the bits stay the same."""
    unsigned = source == BOOL or is_unsigned(source)
    difference = bit_width(target) - bit_width(source)
    if is_float(source):
        if is_float(target):
            return arith.ExtFOp if difference > 0 else arith.TruncFOp
        return arith.FPToUIOp if is_unsigned(target) else arith.FPToSIOp
    if is_float(target):
        return arith.UIToFPOp if unsigned else arith.SIToFPOp
    if difference == 0:
        return None
    if difference < 0:
        return arith.TruncIOp
    return arith.ExtUIOp if unsigned else arith.ExtSIOp
