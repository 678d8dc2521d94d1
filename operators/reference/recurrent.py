"""Recurrent layers, sequence by sequence, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import recurrent as ops
from .arrays import Array, SemanticsTable, wide

_FUNCTIONS: Mapping[str, Callable[[Array, float, float], Array]] = {
    "Affine": lambda x, alpha, beta: alpha * x + beta,
    "Elu": lambda x, alpha, beta: np.where(x >= 0, x, alpha * (np.exp(x) - 1)),
    "HardSigmoid": lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    "LeakyRelu": lambda x, alpha, beta: np.where(x >= 0, x, alpha * x),
    "Relu": lambda x, alpha, beta: np.maximum(x, 0),
    "ScaledTanh": lambda x, alpha, beta: alpha * np.tanh(beta * x),
    "Sigmoid": lambda x, alpha, beta: 1 / (1 + np.exp(-x)),
    "Softplus": lambda x, alpha, beta: np.logaddexp(x, 0),
    "Softsign": lambda x, alpha, beta: x / (1 + np.abs(x)),
    "Tanh": lambda x, alpha, beta: np.tanh(x),
    "ThresholdedRelu": lambda x, alpha, beta: np.where(x > alpha, x, 0),
}

_Step = Callable[[Array, list[Array]], list[Array]]


def _functions(op: ops.RecurrentOp) -> list[Callable[[Array], Array]]:
    """The op's activations, each of its clipped argument."""
    clip = np.inf if op.clip is None else op.clip.value.data

    def function(chosen: ops.Chosen) -> Callable[[Array], Array]:
        return lambda x: _FUNCTIONS[chosen.name](np.clip(x, -clip, clip), chosen.alpha, chosen.beta)

    return [function(chosen) for chosen in op.chosen]


def _run(op: ops.RecurrentOp, x: Array, states: Sequence[Array], lengths: Array | None, step: _Step) -> list[Array]:
    """The hidden states after each step and the last states, where `step` takes a row of `x` and states to states."""
    steps, batch, _ = x.shape
    y = np.zeros((steps, *states[0].shape))
    last = [np.array(state, np.float64) for state in states]
    for b in range(batch):
        length = steps if lengths is None else min(int(lengths[b]), steps)
        order = range(length)
        state = [each[b] for each in last]
        for t in reversed(order) if op.reverse else order:
            state = step(x[t, b], state)
            y[t, b] = state[0]
        for each, row in zip(last, state, strict=True):
            each[b] = row
    return [y, *last]


def _arguments(op: ops.RecurrentOp, arrays: Sequence[Array]) -> dict[str, Array]:
    names = [name for name, _ in type(op).get_irdl_definition().operands]
    values = [getattr(op, name) for name in names]
    given = [name for name, value in zip(names, values, strict=True) if value is not None]
    return {name: wide(array) for name, array in zip(given, arrays, strict=True)}


def _optional(arguments: Mapping[str, Array], name: str, *shape: int) -> Array:
    """An operand, or zeros if it is left out."""
    if name in arguments:
        return arguments[name]
    return np.zeros(shape)


def _initial(arguments: Mapping[str, Array], name: str) -> Array:
    return _optional(arguments, name, arguments["x"].shape[1], arguments["r"].shape[0])


def _lstm(op: ops.LstmOp, *arrays: Array) -> list[Array]:
    arguments = _arguments(op, arrays)
    r = arguments["r"]
    width = r.shape[0]
    p_i, p_o, p_f = np.split(_optional(arguments, "peephole", 3 * width), 3)
    f, g, _ = _functions(op)
    last = op.chosen[2]

    def step(row: Array, state: list[Array]) -> list[Array]:
        hidden, cell = state
        i, o, forget, new = np.split(row + hidden @ r, 4)
        i = f(i + p_i * cell)
        forget = 1 - i if op.coupled else f(forget + p_f * cell)
        cell = forget * cell + i * g(new)
        return [f(o + p_o * cell) * _FUNCTIONS[last.name](cell, last.alpha, last.beta), cell]

    states = [_initial(arguments, "initial_h"), _initial(arguments, "initial_c")]
    return _run(op, arguments["x"], states, arguments.get("lengths"), step)


def _gru(op: ops.GruOp, *arrays: Array) -> list[Array]:
    arguments = _arguments(op, arrays)
    r_z, r_r, r_h = np.split(arguments["r"], 3, axis=1)
    bias = _optional(arguments, "bias", len(r_h))
    f, g = _functions(op)

    def step(row: Array, state: list[Array]) -> list[Array]:
        (hidden,) = state
        x_z, x_r, x_h = np.split(row, 3)
        z, reset = f(x_z + hidden @ r_z), f(x_r + hidden @ r_r)
        inner = reset * (hidden @ r_h + bias) if op.linear_before_reset else (reset * hidden) @ r_h
        return [(1 - z) * g(x_h + inner) + z * hidden]

    return _run(op, arguments["x"], [_initial(arguments, "initial_h")], arguments.get("lengths"), step)


def _rnn(op: ops.RnnOp, *arrays: Array) -> list[Array]:
    arguments = _arguments(op, arrays)
    (f,) = _functions(op)
    states = [_initial(arguments, "initial_h")]
    return _run(
        op,
        arguments["x"],
        states,
        arguments.get("lengths"),
        lambda row, state: [f(row + state[0] @ arguments["r"])],
    )


SEMANTICS: SemanticsTable = {ops.LstmOp: _lstm, ops.GruOp: _gru, ops.RnnOp: _rnn}
