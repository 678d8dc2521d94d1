"""Activations, composed of arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable

from xdsl.dialects.builtin import f64
from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ....operators import elementwise as ops
from ..node import Convert, Converter, Node, rank_of
from ..terms import Term


def _activation(function: Callable[[Node, Term], Term]) -> Convert:
    """A converter for a function of one float tensor."""

    def convert(node: Node) -> SSAValue:
        (operand,) = node.tensors(1)
        x = Term(node, operand)
        if not x.is_float:
            raise ImportModelError(f"expected floating-point elements, got {x.element_type}")
        return function(node, x).value

    return convert


def _hard_sigmoid(node: Node, x: Term) -> Term:
    return (x * node.attribute("alpha", 0.2) + node.attribute("beta", 0.5)).min(1).max(0)


def _hard_swish(node: Node, x: Term) -> Term:
    return x * (x * (1 / 6) + 0.5).min(1).max(0)


def _leaky_relu(node: Node, x: Term) -> Term:
    return (x < 0).select(x * node.attribute("alpha", 0.01), x)


def _elu(node: Node, x: Term) -> Term:
    return (x < 0).select((x.apply(ops.ExpOp) - 1) * node.attribute("alpha", 1.0), x)


def _selu(node: Node, x: Term) -> Term:
    alpha = node.attribute("alpha", 1.6732631921768188)
    negative = x.apply(ops.ExpOp) * alpha - alpha
    return (x <= 0).select(negative, x) * node.attribute("gamma", 1.0507010221481323)


def _celu(node: Node, x: Term) -> Term:
    alpha = node.attribute("alpha", 1.0)
    return x.max(0) + (((x / alpha).apply(ops.ExpOp) - 1) * alpha).min(0)


def _thresholded_relu(node: Node, x: Term) -> Term:
    return (x > node.attribute("alpha", 1.0)).select(x, x.number(0))


def _softplus(node: Node, x: Term) -> Term:
    """`log(1 + exp(x))`, where no power overflows."""
    return x.max(0) + ((-x.apply(ops.AbsOp)).apply(ops.ExpOp) + 1).apply(ops.LogOp)


def _softsign(node: Node, x: Term) -> Term:
    return x / (x.apply(ops.AbsOp) + 1)


def _mish(node: Node, x: Term) -> Term:
    return x * _softplus(node, x).apply(ops.TanhOp)


def _gelu(node: Node, x: Term) -> Term:
    match node.attribute("approximate", "none"):
        case "none":
            return x * ((x / math.sqrt(2)).apply(ops.ErfOp) + 1) * 0.5
        case "tanh":
            inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
            return x * (inner.apply(ops.TanhOp) + 1) * 0.5
        case other:
            raise ImportModelError(f"expected approximate to be none or tanh, got '{other}'")


def _convert_prelu(node: Node) -> SSAValue:
    x, slope = (Term(node, operand) for operand in node.tensors(2))
    scaled = x * slope
    if rank_of(scaled.value) != rank_of(x.value):
        raise ImportModelError("expected a slope that broadcasts to the first input")
    return (x < 0).select(scaled, x).value


def _convert_shrink(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    x = Term(node, operand)
    wide = x if x.is_float else x.cast(f64)
    bias, bound = node.attribute("bias", 0.0), node.attribute("lambd", 0.5)
    inside = (wide > bound).select(wide - bias, wide.number(0))
    return (wide < -bound).select(wide + bias, inside).cast(x.element_type).value


CONVERTERS = (
    Converter("HardSigmoid", 6, _activation(_hard_sigmoid), ("alpha", "beta")),
    Converter("HardSwish", 14, _activation(_hard_swish)),
    Converter("LeakyRelu", 6, _activation(_leaky_relu), ("alpha",)),
    Converter("Elu", 6, _activation(_elu), ("alpha",)),
    Converter("Selu", 6, _activation(_selu), ("alpha", "gamma")),
    Converter("Celu", 12, _activation(_celu), ("alpha",)),
    Converter("ThresholdedRelu", 10, _activation(_thresholded_relu), ("alpha",)),
    Converter("Softplus", 1, _activation(_softplus)),
    Converter("Softsign", 1, _activation(_softsign)),
    Converter("Mish", 18, _activation(_mish)),
    Converter("Gelu", 20, _activation(_gelu), ("approximate",)),
    Converter("PRelu", 7, _convert_prelu),
    Converter("Shrink", 9, _convert_shrink, ("bias", "lambd")),
)
