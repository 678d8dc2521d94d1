"""The steps of optimizers, and other operators of ONNX's domains beside its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ....operators.elementwise import PowOp, SqrtOp
from ..node import Convert, Converter, Node
from ..terms import Term

Step = Callable[[Node, Term, Term, Sequence[Term]], Sequence[Term]]
"""From the learning rate, the count of steps, and a tensor, its gradient and what is remembered of it, to the new
tensor and what is remembered then."""


def _of_each(step: Step, remembered: int) -> Convert:
    """A step of several tensors: operands and results come kind by kind."""

    def convert(node: Node) -> list[SSAValue]:
        rate, count, *rest = (Term(node, value) for value in node.tensors(2, -1))
        tensors = len(rest) // (2 + remembered)
        if not tensors or len(rest) != tensors * (2 + remembered):
            raise ImportModelError(f"expected {2 + remembered} inputs for each tensor, got {len(rest)}")
        results = [step(node, rate, count, rest[index::tensors]) for index in range(tensors)]
        return [each.value for kind in zip(*results, strict=True) for each in kind]

    return convert


def _regularized(node: Node, x: Term, gradient: Term) -> Term:
    factor = node.attribute("norm_coefficient", 0.0)
    return x * factor + gradient if factor else gradient


def _adagrad(node: Node, rate: Term, count: Term, operands: Sequence[Term]) -> Sequence[Term]:
    x, gradient, squares = operands
    decayed = rate / (count.cast(rate.element_type) * node.attribute("decay_factor", 0.0) + 1)
    gradient = _regularized(node, x, gradient)
    squares = squares + gradient * gradient
    deviation = squares.apply(SqrtOp) + node.attribute("epsilon", 1e-6)
    return x - decayed * gradient / deviation, squares


def _adam(node: Node, rate: Term, count: Term, operands: Sequence[Term]) -> Sequence[Term]:
    x, gradient, average, squares = operands
    alpha, beta = node.attribute("alpha", 0.9), node.attribute("beta", 0.999)
    gradient = _regularized(node, x, gradient)
    average = average * alpha + gradient * (1 - alpha)
    squares = squares * beta + gradient * gradient * (1 - beta)
    steps = count.cast(rate.element_type)
    corrected = rate * (1 - _power(rate, beta, steps)).apply(SqrtOp) / (1 - _power(rate, alpha, steps))
    step = (count > 0).select(corrected, rate)
    moved = x - step * average / (squares.apply(SqrtOp) + node.attribute("epsilon", 1e-6))
    kept = node.attribute("norm_coefficient_post", 0.0)
    return moved * (1 - kept) if kept else moved, average, squares


def _power(like: Term, base: float, exponent: Term) -> Term:
    return Term(like.node, like.node.add(PowOp(like.number(base).value, exponent.value)))


def _momentum(node: Node, rate: Term, count: Term, operands: Sequence[Term]) -> Sequence[Term]:
    x, gradient, momentum = operands
    alpha, beta, mode = node.required("alpha", float), node.required("beta", float), node.required("mode", str)
    if mode not in ("standard", "nesterov"):
        raise ImportModelError(f"expected mode standard or nesterov, got '{mode}'")
    gradient = _regularized(node, x, gradient)
    factor = (count > 0).select(gradient.number(beta), gradient.number(1))
    momentum = momentum * alpha + gradient * factor
    direction = gradient + momentum * alpha if mode == "nesterov" else momentum
    return x - rate * direction, momentum


def _convert_binarizer(node: Node) -> SSAValue:
    (operand,) = node.tensors(1)
    x = Term(node, operand)
    return (x > node.attribute("threshold", 0.0)).cast(x.element_type).value


_TRAINING = "ai.onnx.preview.training"

CONVERTERS = (
    Converter("Adagrad", 1, _of_each(_adagrad, 1), ("decay_factor", "epsilon", "norm_coefficient"), domain=_TRAINING),
    Converter(
        "Adam",
        1,
        _of_each(_adam, 2),
        ("alpha", "beta", "epsilon", "norm_coefficient", "norm_coefficient_post"),
        domain=_TRAINING,
    ),
    Converter("Momentum", 1, _of_each(_momentum, 1), ("alpha", "beta", "mode", "norm_coefficient"), domain=_TRAINING),
    Converter("Binarizer", 1, _convert_binarizer, ("threshold",), domain="ai.onnx.ml"),
)
