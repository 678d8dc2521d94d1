"""Recurrent layers: the reference, the tensor expression and native code agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from operator_checks import Array, check, module_of, tensor
from stepwell.operators.recurrent import ACTIVATIONS, Chosen, GruOp, LstmOp, RecurrentOp, RnnOp
from xdsl.utils.exceptions import VerifyException

STEPS, BATCH, HIDDEN = 4, 2, 3
SHAPES = {"initial_h": (BATCH, HIDDEN), "initial_c": (BATCH, HIDDEN), "peephole": (3 * HIDDEN,), "bias": (HIDDEN,)}
DEFAULTS = {
    LstmOp: [Chosen("Sigmoid"), Chosen("Tanh"), Chosen("Tanh")],
    GruOp: [Chosen("Sigmoid"), Chosen("Tanh")],
    RnnOp: [Chosen("Tanh")],
}


def run(op: type[Any], *given: str, activations: list[Chosen] | None = None, **flags: Any) -> list[Array]:
    names = ["x", "r", *given]
    arrays = [tensor(STEPS, BATCH, op.GATES * HIDDEN), tensor(HIDDEN, op.GATES * HIDDEN)]
    arrays += [
        np.array([2, 4], np.int32) if name == "lengths" else tensor(*SHAPES[name], seed=position)
        for position, name in enumerate(given)
    ]

    def build(*values: Any) -> RecurrentOp:
        operands = dict(zip(names, values, strict=True))
        return op(operands.pop("x"), operands.pop("r"), activations or DEFAULTS[op], **operands, **flags)

    return check(build, *arrays)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [(), ("lengths",)], ids=["full", "lengths"])
def test_lstm(reverse: bool, lengths: tuple[str, ...]):
    run(LstmOp, "initial_h", "initial_c", "peephole", *lengths, reverse=reverse, clip=0.7)
    run(LstmOp, "initial_c", *lengths, reverse=reverse, coupled=True)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [(), ("lengths",)], ids=["full", "lengths"])
def test_gru_and_rnn(reverse: bool, lengths: tuple[str, ...]):
    run(GruOp, "initial_h", *lengths, reverse=reverse, clip=0.5)
    run(GruOp, "bias", *lengths, reverse=reverse, linear_before_reset=True)
    run(RnnOp, "initial_h", *lengths, reverse=reverse)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str):
    parameters = [0.3 + 0.5 * index for index, _ in enumerate(ACTIVATIONS[name].parameters)]
    run(RnnOp, activations=[Chosen(name, *parameters)])


def test_by_hand():
    """Sums over steps, from the last to the first of each sequence, and nothing behind its end."""
    x = np.array([[[1], [10]], [[2], [20]], [[4], [40]]], np.float32)
    r = np.array([[1]], np.float32)
    lengths = np.array([3, 2], np.int32)
    line = [Chosen("Affine", 1.0, 0.0)]
    y, last = check(lambda x, r, n: RnnOp(x, r, line, lengths=n, reverse=True), x, r, lengths)
    np.testing.assert_array_equal(y[:, :, 0], [[7, 30], [6, 20], [4, 0]])
    np.testing.assert_array_equal(last, [[7], [30]])


@pytest.mark.parametrize(
    "shapes, flags, message",
    [
        ([(4, 2, 12), (3, 9)], {}, "expected 4 gates of one width, got 4x2x12 and 3x9"),
        ([(4, 2, 12), (4, 12)], {}, "expected 4 gates of one width, got 4x2x12 and 4x12"),
        ([(4, 12), (3, 12)], {}, "expected operands of rank 3 and 2, got 4x12 and 3x12"),
        ([(4, 2, 12), (3, 12), (1, 3)], {}, "expected initial_h of shape 2x3, got 1x3"),
        ([(4, 2, 12), (3, 12)], {"activations": [Chosen("Tanh")]}, "expected 3 activations, got 1"),
        ([(4, 2, 12), (3, 12)], {"activations": [Chosen("Tan")] * 3}, "did you mean 'Tanh'?"),
    ],
)
def test_refused(shapes: list[tuple[int, ...]], flags: dict[str, Any], message: str):
    def build(x: Any, r: Any, h: Any = None) -> LstmOp:
        return LstmOp(x, r, flags.get("activations", DEFAULTS[LstmOp]), initial_h=h)

    with pytest.raises(VerifyException) as error:
        module_of(build, [tensor(*shape) for shape in shapes])
    assert message in str(error.value)
