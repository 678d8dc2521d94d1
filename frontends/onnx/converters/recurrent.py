"""Recurrent layers: one product of all steps' inputs with the weights, and what is recurrent of each direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import SSAValue

from ....dialects.extents import Extent
from ....errors import ImportModelError, did_you_mean
from ....operators.elementwise import AddOp
from ....operators.linear_algebra import MatmulOp
from ....operators.recurrent import ACTIVATIONS, Chosen, GruOp, LstmOp, RecurrentOp, RnnOp
from ..layout import concat, dims_of, is_splat, reshape, take, transpose
from ..node import Converter, Node, rank_of

_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


@dataclass(frozen=True)
class _Layer:
    """What a node says, one direction's part of it at a time."""

    node: Node
    kind: type[RecurrentOp]

    @property
    def reverses(self) -> tuple[bool, ...]:
        """Of each direction, whether it runs from the last step to the first."""
        direction = self.node.attribute("direction", "forward")
        if direction not in _DIRECTIONS:
            raise ImportModelError(f"expected direction {', '.join(_DIRECTIONS)}, got '{direction}'")
        return _DIRECTIONS[direction]

    @property
    def is_batch_first(self) -> bool:
        layout = self.node.attribute("layout", 0)
        if layout not in (0, 1):
            raise ImportModelError(f"expected layout 0 or 1, got {layout}")
        return layout == 1

    @property
    def clip(self) -> float | None:
        clip = self.node.optional("clip", float)
        if clip is not None and clip < 0:
            raise ImportModelError(f"expected clip to be positive, got {clip}")
        return clip or None

    def activations(self, defaults: Sequence[str]) -> list[list[Chosen]]:
        """The activations of each direction."""
        directions = len(self.reverses)
        names = [_text(name) for name in self.node.attribute("activations", list[str]())]
        names = names or [*defaults] * directions
        if len(names) != len(defaults) * directions:
            raise ImportModelError(f"expected {len(defaults) * directions} activations, got {len(names)}")
        given = [list(self.node.attribute(f"activation_{which}", list[float]())) for which in ("alpha", "beta")]
        chosen = [_chosen(name, given) for name in names]
        return [chosen[start : start + len(defaults)] for start in range(0, len(chosen), len(defaults))]

    def part(self, value: SSAValue, direction: int) -> SSAValue:
        """A direction's part of an operand that has directions in front."""
        expected = len(self.reverses)
        (extent, *rest) = dims_of(value)
        if extent != Extent.of(expected):
            raise ImportModelError(f"expected {expected} directions, got {extent}")
        if expected > 1:
            value = take(self.node, value, 0, direction, direction + 1)
        return reshape(self.node, value, rest)

    def state(self, value: SSAValue | None, direction: int) -> SSAValue | None:
        """A direction's state to start with; None for zero."""
        if value is None or is_splat(self.node, value, 0):
            return None
        if self.is_batch_first:
            value = transpose(self.node, value, [1, 0, 2])
        return self.part(value, direction)

    def lengths(self, value: SSAValue | None, steps: Extent) -> SSAValue | None:
        """How long each sequence is; None if all are of full length."""
        if value is not None and steps.is_constant and is_splat(self.node, value, steps.constant):
            return None
        return value


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _chosen(name: str, given: Sequence[list[float]]) -> Chosen:
    """An activation of any case, with the parameters that are next in order if it takes any."""
    known = next((known for known in ACTIVATIONS if known.lower() == name.lower()), None)
    if known is None:
        hint = did_you_mean(name, ACTIVATIONS)
        raise ImportModelError(f"expected an activation of {', '.join(ACTIVATIONS)}, got '{name}'{hint}")
    values: list[float] = []
    for which, default, rest in zip(("alpha", "beta"), ACTIVATIONS[known].parameters, given, strict=False):
        value = rest.pop(0) if rest else default
        if value is None:
            raise ImportModelError(f"expected activation_{which} for {known}, got none")
        values.append(value)
    return Chosen(known, *values)


Recur: TypeAlias = Callable[["_Layer", int, SSAValue, SSAValue], Sequence[SSAValue]]
"""From a direction, what it gets from the input and `r` to the results of its op."""


def _convert(layer: _Layer, recur: Recur, split_bias: int) -> list[SSAValue]:
    """The outputs of a node. `split_bias` gates at the end of the recurrent bias do not belong to the input's."""
    node = layer.node
    x, w, r, b, *_ = node.optional_tensors(3, 8 if layer.kind is LstmOp else 6)
    assert x is not None and w is not None and r is not None
    if (ranks := [rank_of(x), rank_of(w), rank_of(r)]) != [3, 3, 3]:
        raise ImportModelError(f"expected X, W and R of rank 3, got {ranks}")
    hidden = dims_of(r)[2]
    if (given := node.optional("hidden_size", int)) is not None and hidden != Extent.of(given):
        raise ImportModelError(f"expected R of hidden_size {given}, got {hidden}")
    if layer.is_batch_first:
        x = transpose(node, x, [1, 0, 2])
    results: list[Sequence[SSAValue]] = []
    for direction in range(len(layer.reverses)):
        weights = transpose(node, layer.part(w, direction), [1, 0])
        inputs = node.add(MatmulOp(x, weights))
        if b is not None:
            inputs = node.add(AddOp(inputs, _bias(layer, layer.part(b, direction), hidden, split_bias)))
        recurrent = transpose(node, layer.part(r, direction), [1, 0])
        results.append(recur(layer, direction, inputs, recurrent))
    return [_joined(layer, [values[index] for values in results], index == 0) for index in range(len(results[0]))]


def _bias(layer: _Layer, bias: SSAValue, hidden: Extent, split: int) -> SSAValue:
    """The input's bias and the recurrent one in one."""
    node, gates = layer.node, layer.kind.GATES
    if dims_of(bias) != [hidden * (2 * gates)]:
        raise ImportModelError(f"expected B of {hidden * (2 * gates)} numbers, got {dims_of(bias)}")
    whole = _number(hidden) * gates
    kept = _number(hidden) * (gates - split)
    first = take(node, bias, 0, 0, whole)
    if not split:
        return node.add(AddOp(first, take(node, bias, 0, whole, 2 * whole)))
    total = node.add(AddOp(take(node, first, 0, 0, kept), take(node, bias, 0, whole, whole + kept)))
    return concat(node, [total, take(node, first, 0, kept, whole)], 0)


def _number(extent: Extent) -> int:
    if not extent.is_constant:
        raise ImportModelError(f"expected a static hidden size, got {extent}")
    return extent.constant


def _joined(layer: _Layer, values: Sequence[SSAValue], has_steps: bool) -> SSAValue:
    """The values of all directions as ONNX has them: (steps ×) directions × batch × hidden, or the batch first."""
    node = layer.node
    axis = 1 if has_steps else 0
    parts: list[SSAValue] = []
    for value in values:
        dims = dims_of(value)
        parts.append(reshape(node, value, [*dims[:axis], Extent.of(1), *dims[axis:]]))
    joined = parts[0] if len(parts) == 1 else concat(node, parts, axis)
    if not layer.is_batch_first:
        return joined
    return transpose(node, joined, [2, 0, 1, 3] if has_steps else [1, 0, 2])


def _convert_lstm(node: Node) -> list[SSAValue]:
    layer = _Layer(node, LstmOp)
    activations = layer.activations(["Sigmoid", "Tanh", "Tanh"])
    *_, lengths, h, c, p = node.optional_tensors(3, 8)

    def recur(layer: _Layer, direction: int, x: SSAValue, r: SSAValue) -> Sequence[SSAValue]:
        op = LstmOp(
            x,
            r,
            activations[direction],
            initial_h=layer.state(h, direction),
            initial_c=layer.state(c, direction),
            lengths=layer.lengths(lengths, dims_of(x)[0]),
            peephole=None if p is None or is_splat(node, p, 0) else layer.part(p, direction),
            clip=layer.clip,
            reverse=layer.reverses[direction],
            coupled=node.flag("input_forget"),
        )
        return node.add_all(op)

    return _convert(layer, recur, 0)


def _convert_gru(node: Node) -> list[SSAValue]:
    layer = _Layer(node, GruOp)
    activations = layer.activations(["Sigmoid", "Tanh"])
    _, _, _, b, lengths, h = node.optional_tensors(3, 6)
    linear = node.flag("linear_before_reset")

    def recur(layer: _Layer, direction: int, x: SSAValue, r: SSAValue) -> Sequence[SSAValue]:
        bias = None
        if linear and b is not None:
            hidden = _number(dims_of(r)[0])
            bias = take(node, layer.part(b, direction), 0, 5 * hidden, 6 * hidden)
        op = GruOp(
            x,
            r,
            activations[direction],
            initial_h=layer.state(h, direction),
            lengths=layer.lengths(lengths, dims_of(x)[0]),
            bias=bias,
            clip=layer.clip,
            reverse=layer.reverses[direction],
            linear_before_reset=linear,
        )
        return node.add_all(op)

    return _convert(layer, recur, 1 if linear else 0)


def _convert_rnn(node: Node) -> list[SSAValue]:
    layer = _Layer(node, RnnOp)
    activations = layer.activations(["Tanh"])
    *_, lengths, h = node.optional_tensors(3, 6)

    def recur(layer: _Layer, direction: int, x: SSAValue, r: SSAValue) -> Sequence[SSAValue]:
        op = RnnOp(
            x,
            r,
            activations[direction],
            initial_h=layer.state(h, direction),
            lengths=layer.lengths(lengths, dims_of(x)[0]),
            clip=layer.clip,
            reverse=layer.reverses[direction],
        )
        return node.add_all(op)

    return _convert(layer, recur, 0)


_COMMON = ("activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout")

CONVERTERS = (
    Converter("LSTM", 7, _convert_lstm, (*_COMMON, "input_forget")),
    Converter("GRU", 7, _convert_gru, (*_COMMON, "linear_before_reset")),
    Converter("RNN", 7, _convert_rnn, _COMMON),
)
