"""Operators on each element by itself."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from xdsl.dialects.builtin import AnyFloat, IntegerType, Signedness, f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from ....dialects import graph
from ....errors import ImportModelError
from ....operators import elementwise as ops
from ....operators import logic
from ..node import Convert, Converter, Node, rank_of, type_of
from ..tensors import element_type
from ..terms import Term

# Arithmetic


def _binary(op: type[ops.BinaryOp]) -> Convert:
    def convert(node: Node) -> Operation:
        lhs, rhs = node.tensors(2)
        return op(lhs, rhs)

    return convert


def _unary(op: type[ops.UnaryElementwiseOp]) -> Convert:
    def convert(node: Node) -> Operation:
        return op(*node.tensors(1))

    return convert


def _variadic(op: type[ops.BinaryOp]) -> Callable[[Node], SSAValue]:
    """The operator on the first two operands, then on that and the third, and so on."""

    def convert(node: Node) -> SSAValue:
        first, *rest = node.tensors(1, -1)
        return functools.reduce(lambda lhs, rhs: node.add(op(lhs, rhs)), rest, first)

    return convert


def _convert_mean(node: Node) -> SSAValue:
    total = Term(node, _variadic(ops.AddOp)(node))
    return (total / len(node.tensors(1, -1))).value


def _convert_reciprocal(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    return (1 / Term(node, operand)).value


def _convert_mod(node: Node) -> Operation:
    lhs, rhs = node.tensors(2)
    return ops.RemOp(lhs, rhs) if node.flag("fmod") else ops.ModOp(lhs, rhs)


_SMALL_POWERS = range(1, 5)
"""Exponents of floats that multiply."""


def _convert_pow(node: Node) -> SSAValue:
    """The result is of the base's type, whatever the exponent's is."""
    base, exponent = (Term(node, operand) for operand in node.tensors(2))
    known = node.builder.constant(exponent.value)
    if known is not None and known.size == 1 and base.is_float and known.ndim <= rank_of(base.value):
        power = known.reshape(-1)[0]
        if power in _SMALL_POWERS:
            return functools.reduce(lambda product, _: product * base, range(int(power) - 1), base).value
    common = _power_type(base.element_type, exponent.element_type)
    result = Term(node, node.add(ops.PowOp(base.cast(common).value, exponent.cast(common).value)))
    return result.cast(base.element_type).value


def _power_type(base: Attribute, exponent: Attribute) -> Attribute:
    """The element type that a power is computed in."""
    if base == exponent or isinstance(base, AnyFloat):
        return base
    if isinstance(exponent, AnyFloat):
        return f64
    # integers: powers wrap around, so that wider ones are right in their lower bits; an exponent keeps its sign
    if graph.is_unsigned(exponent):
        return IntegerType(64, Signedness.UNSIGNED)
    return i64


def _convert_clip(node: Node) -> SSAValue:
    operand, low, high = node.optional_tensors(1, 3)
    assert operand is not None
    result = Term(node, operand)
    if low is not None:
        result = result.max(Term(node, low))
    result = result if high is None else result.min(Term(node, high))
    if rank_of(result.value) != rank_of(operand):
        raise ImportModelError("expected scalars as bounds, got tensors")
    return result.value


def _convert_clip_to_attributes(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    result = Term(node, operand)
    low, high = node.optional("min", float), node.optional("max", float)
    if low is not None:
        result = result.max(low)
    return (result if high is None else result.min(high)).value


# Comparisons and bits


def _swapped(op: type[ops.BinaryOp]) -> Convert:
    def convert(node: Node) -> Operation:
        lhs, rhs = node.tensors(2)
        return op(rhs, lhs)

    return convert


def _on_truths(op: type[ops.BinaryOp]) -> Convert:
    def convert(node: Node) -> Operation:
        lhs, rhs = node.tensors(2)
        _check_truths(lhs)
        return op(lhs, rhs)

    return convert


def _convert_not(node: Node) -> Operation:
    (operand,) = node.tensors(1)
    _check_truths(operand)
    return logic.NotOp(operand)


def _check_truths(value: SSAValue) -> None:
    if type_of(value).element_type != i1:
        raise ImportModelError(f"expected truth values, got elements of type {type_of(value).element_type}")


def _convert_bit_shift(node: Node) -> Operation:
    lhs, rhs = node.tensors(2)
    match node.required("direction", str):
        case "LEFT":
            return logic.ShiftLeftOp(lhs, rhs)
        case "RIGHT":
            return logic.ShiftRightOp(lhs, rhs)
        case other:
            raise ImportModelError(f"expected direction LEFT or RIGHT, got '{other}'")


def _convert_isinf(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    negative, positive = node.flag("detect_negative", True), node.flag("detect_positive", True)
    if negative or positive:
        both = negative and positive
        return node.add(logic.IsInfOp(operand, positive=positive and not both, negative=negative and not both))
    found = Term(node, node.add(logic.IsInfOp(operand)))
    return (found & ~found).value


# Choice and conversion


def _convert_where(node: Node) -> Operation:
    return ops.SelectOp(*node.tensors(3))


def _convert_cast(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    return Term(node, operand).cast(element_type(node.required("to", int))).value


def _convert_cast_like(node: Node) -> SSAValue:
    operand, like = node.tensors(2)
    return Term(node, operand).cast(type_of(like).element_type).value


def _convert_dropout(node: Node) -> list[SSAValue]:
    """At inference nothing is dropped."""
    operand, ratio, mode = (*node.optional_tensors(1, 3), None, None)[:3]
    assert operand is not None
    training = False if mode is None else bool(np.any(node.constant(2)))
    if training and (ratio is None or np.any(node.constant(1))):
        raise ImportModelError("expected Dropout for inference, got training_mode")
    if node.output_count == 1:
        return [operand]
    kept = Term(node, operand).equals(Term(node, operand))
    return [operand, (kept | ~kept).value]


CONVERTERS = (
    Converter("Add", 7, _binary(ops.AddOp)),
    Converter("Sub", 7, _binary(ops.SubOp)),
    Converter("Mul", 7, _binary(ops.MulOp)),
    Converter("Div", 7, _binary(ops.DivOp)),
    Converter("Mod", 10, _convert_mod, ("fmod",)),
    Converter("Pow", 7, _convert_pow),
    Converter("Min", 6, _variadic(ops.MinOp)),
    Converter("Max", 6, _variadic(ops.MaxOp)),
    Converter("Sum", 6, _variadic(ops.AddOp)),
    Converter("Mean", 6, _convert_mean),
    Converter("Relu", 6, _unary(ops.ReluOp)),
    Converter("Abs", 6, _unary(ops.AbsOp)),
    Converter("Neg", 6, _unary(ops.NegOp)),
    Converter("Sign", 9, _unary(ops.SignOp)),
    Converter("Ceil", 6, _unary(ops.CeilOp)),
    Converter("Floor", 6, _unary(ops.FloorOp)),
    Converter("Round", 11, _unary(ops.RoundOp)),
    Converter("Reciprocal", 6, _convert_reciprocal),
    Converter("Sqrt", 6, _unary(ops.SqrtOp)),
    Converter("Exp", 6, _unary(ops.ExpOp)),
    Converter("Log", 6, _unary(ops.LogOp)),
    Converter("Sin", 7, _unary(ops.SinOp)),
    Converter("Cos", 7, _unary(ops.CosOp)),
    Converter("Tan", 7, _unary(ops.TanOp)),
    Converter("Asin", 7, _unary(ops.AsinOp)),
    Converter("Acos", 7, _unary(ops.AcosOp)),
    Converter("Atan", 7, _unary(ops.AtanOp)),
    Converter("Sinh", 9, _unary(ops.SinhOp)),
    Converter("Cosh", 9, _unary(ops.CoshOp)),
    Converter("Tanh", 6, _unary(ops.TanhOp)),
    Converter("Asinh", 9, _unary(ops.AsinhOp)),
    Converter("Acosh", 9, _unary(ops.AcoshOp)),
    Converter("Atanh", 9, _unary(ops.AtanhOp)),
    Converter("Erf", 9, _unary(ops.ErfOp)),
    Converter("Sigmoid", 6, _unary(ops.SigmoidOp)),
    Converter("Clip", 6, _convert_clip_to_attributes, ("min", "max")),
    Converter("Clip", 11, _convert_clip),
    Converter("Equal", 7, _binary(logic.EqualOp)),
    Converter("Less", 7, _binary(logic.LessOp)),
    Converter("LessOrEqual", 12, _binary(logic.LessOrEqualOp)),
    Converter("Greater", 7, _swapped(logic.LessOp)),
    Converter("GreaterOrEqual", 12, _swapped(logic.LessOrEqualOp)),
    Converter("And", 7, _on_truths(logic.AndOp)),
    Converter("Or", 7, _on_truths(logic.OrOp)),
    Converter("Xor", 7, _on_truths(logic.XorOp)),
    Converter("Not", 1, _convert_not),
    Converter("BitwiseAnd", 18, _binary(logic.AndOp)),
    Converter("BitwiseOr", 18, _binary(logic.OrOp)),
    Converter("BitwiseXor", 18, _binary(logic.XorOp)),
    Converter("BitwiseNot", 18, _unary(logic.NotOp)),
    Converter("BitShift", 11, _convert_bit_shift, ("direction",)),
    Converter("IsNaN", 9, lambda node: logic.IsNanOp(*node.tensors(1))),
    Converter("IsInf", 10, _convert_isinf, ("detect_negative", "detect_positive")),
    Converter("Where", 9, _convert_where),
    Converter("Cast", 6, _convert_cast, ("to", "saturate", "round_mode")),
    Converter("CastLike", 15, _convert_cast_like, ("saturate", "round_mode")),
    Converter("Dropout", 7, _convert_dropout, ("ratio",)),
    Converter("Dropout", 12, _convert_dropout, ("seed",)),
)
