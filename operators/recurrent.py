"""Recurrent layers in one direction: step after step, each from the state that the one before it left.

The products with the input are no part of them: `x` holds what all steps' gates get from it, biases included, so that
one matrix product computes all steps. Gates stand side by side in the last dimension, in ONNX's order.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    Float32Type,
    FloatAttr,
    StringAttr,
    TensorType,
    UnitAttr,
    f32,
    i32,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from .. import te
from ..dialects.extents import Extent
from ..dialects.graph import (
    AnyTensor,
    Dim,
    FusionClass,
    Shape,
    common_element_type,
    format_shape,
    shape_of,
    tensor_of,
    tensor_operand,
    unify_dims,
    verify_float,
)
from ..errors import did_you_mean
from ..te.expressions import Expr, Reduction, as_expr
from ..te.tensors import Tensor
from .operator import Operator, reduce_to

Function: TypeAlias = Callable[[Expr, float, float], Expr]


@dataclass(frozen=True)
class Activation:
    """A function of a gate, and how many parameters it takes (alpha; beta)."""

    function: Function
    parameters: tuple[float | None, ...] = ()
    """The parameters' defaults; None where there is none."""


def _leaky_relu(x: Expr, alpha: float, beta: float) -> Expr:
    return te.select(x < 0.0, x * alpha, x)


def _thresholded_relu(x: Expr, alpha: float, beta: float) -> Expr:
    return te.select(x > alpha, x, 0.0)


def _hard_sigmoid(x: Expr, alpha: float, beta: float) -> Expr:
    return te.maximum(te.minimum(x * alpha + beta, 1.0), 0.0)


def _elu(x: Expr, alpha: float, beta: float) -> Expr:
    return te.select(x < 0.0, te.expm1(x) * alpha, x)


def _softplus(x: Expr, alpha: float, beta: float) -> Expr:
    return te.maximum(x, 0.0) + te.log1p(te.exp(-te.abs(x)))


ACTIVATIONS: Mapping[str, Activation] = {
    "Affine": Activation(lambda x, alpha, beta: x * alpha + beta, (None, None)),
    "Elu": Activation(_elu, (1.0,)),
    "HardSigmoid": Activation(_hard_sigmoid, (0.2, 0.5)),
    "LeakyRelu": Activation(_leaky_relu, (0.01,)),
    "Relu": Activation(lambda x, alpha, beta: te.maximum(x, 0.0)),
    "ScaledTanh": Activation(lambda x, alpha, beta: te.tanh(x * beta) * alpha, (None, None)),
    "Sigmoid": Activation(lambda x, alpha, beta: te.sigmoid(x)),
    "Softplus": Activation(_softplus),
    "Softsign": Activation(lambda x, alpha, beta: x / (te.abs(x) + 1.0)),
    "Tanh": Activation(lambda x, alpha, beta: te.tanh(x)),
    "ThresholdedRelu": Activation(_thresholded_relu, (1.0,)),
}
"""By ONNX's names."""


@dataclass(frozen=True)
class Chosen:
    """An activation with its parameters."""

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    def __call__(self, x: Expr) -> Expr:
        return ACTIVATIONS[self.name].function(x, self.alpha, self.beta)


def _assembly_format(optional: Sequence[str], results: Sequence[str]) -> str:
    """`%x, %r initial_h(%h : tensor<…>) {…} : tensor<…>, tensor<…> -> tensor<…>, …`."""
    groups = " ".join(f"(`{name}` `(` ${name}^ `:` type(${name}) `)`)?" for name in optional)
    types = " `,` ".join(f"type(${name})" for name in results)
    return f"$x `,` $r {groups} attr-dict `:` type($x) `,` type($r) `->` {types}"


class RecurrentOp(Operator, ABC):
    """What LSTM, GRU and RNN have in common.

    Operands: `x`, steps × batch × gates·hidden; `r`, hidden × gates·hidden; a state to start with (zero if left out),
    batch × hidden; `lengths`, how many steps of each sequence count: behind them `y` is zero, and states stay.
    With `reverse`, steps run from a sequence's last to its first.

    Results: `y`, the hidden state after each step, steps × batch × hidden; then the state at the end.
    """

    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE
    GATES: ClassVar[int]
    ACTIVATION_COUNT: ClassVar[int]

    # Subclasses name all of them again: operands are in the order of their own, then of what they inherit.
    x = operand_def(TensorType)
    r = operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    activations = prop_def(ArrayAttr[StringAttr])
    alpha = opt_prop_def(DenseArrayBase.constr(f32))
    beta = opt_prop_def(DenseArrayBase.constr(f32))
    clip = opt_prop_def(FloatAttr)
    reverse = opt_prop_def(UnitAttr)

    traits = traits_def(Pure())

    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())

    def _build(
        self,
        operands: Sequence[SSAValue | None],
        activations: Sequence[Chosen],
        clip: float | None,
        reverse: bool,
        flags: Mapping[str, bool],
    ) -> None:
        x, r = operands[:2]
        assert x is not None and r is not None
        parametrised = any(chosen.alpha or chosen.beta for chosen in activations)
        Operator.__init__(
            self,
            operands=operands,
            properties={
                "activations": ArrayAttr(StringAttr(chosen.name) for chosen in activations),
                "alpha": _floats([chosen.alpha for chosen in activations]) if parametrised else None,
                "beta": _floats([chosen.beta for chosen in activations]) if parametrised else None,
                "clip": None if clip is None else FloatAttr(clip, f32),
                "reverse": UnitAttr() if reverse else None,
                **{name: UnitAttr() if flag else None for name, flag in flags.items()},
            },
            result_types=_result_types(x, r, self.GATES, len(self.get_irdl_definition().results)),
        )

    @property
    def chosen(self) -> list[Chosen]:
        """The activations with their parameters."""
        names = [name.data for name in self.activations]
        alpha = self.alpha.get_values() if self.alpha else [0.0] * len(names)
        beta = self.beta.get_values() if self.beta else [0.0] * len(names)
        return [Chosen(*values) for values in zip(names, alpha, beta, strict=True)]

    def infer_result_types(self) -> Sequence[AnyTensor]:
        self._verify_activations()
        types = _result_types(self.x, self.r, self.GATES, len(self.results))
        steps_shape, state_shape = shape_of(types[0]), shape_of(types[1])
        for name, operand in self._states():
            _verify_operand(name, operand, state_shape, types[0])
        if self.lengths is not None:
            type = tensor_operand(self.lengths)
            if type.element_type != i32:
                raise VerifyException(f"expected lengths of type i32, got {type.element_type}")
            _verify_shape("lengths", shape_of(type), steps_shape[1:2])
        return types

    def _verify_activations(self) -> None:
        names = [name.data for name in self.activations]
        for name in names:
            if name not in ACTIVATIONS:
                hint = did_you_mean(name, ACTIVATIONS)
                raise VerifyException(f"expected an activation of {', '.join(ACTIVATIONS)}, got {name}{hint}")
        if len(names) != self.ACTIVATION_COUNT:
            raise VerifyException(f"expected {self.ACTIVATION_COUNT} activations, got {len(names)}")
        for parameters in (self.alpha, self.beta):
            if parameters is not None and len(parameters) != len(names):
                raise VerifyException(f"expected a parameter of each activation, got {len(parameters)}")

    def _states(self) -> list[tuple[str, SSAValue]]:
        """The operands of the state's shape."""
        return [] if self.initial_h is None else [("initial_h", self.initial_h)]

    # the tensor expression

    def layer(self, given: Mapping[SSAValue, Tensor]) -> Layer:
        """What the expressions of all layers need, from a tensor for each operand."""
        lengths = None if self.lengths is None else given[self.lengths]
        clip = None if self.clip is None else self.clip.value.data
        return Layer(given[self.x], given[self.r], lengths, self.reverse is not None, clip)


@dataclass(frozen=True)
class Layer:
    """The expressions that layers have in common."""

    x: Tensor
    r: Tensor
    lengths: Tensor | None
    reverse: bool
    clip: float | None

    @property
    def steps(self) -> Extent:
        return self.x.extents[0]

    @property
    def hidden(self) -> Extent:
        return self.r.extents[0]

    @property
    def state_shape(self) -> tuple[Extent, Extent]:
        """Batch and hidden."""
        return self.x.extents[1], self.hidden

    def initial(self, state: Tensor | None, name: str) -> Tensor:
        """The state to start with, as the first row of a scan's."""

        def element(row: Expr, b: Expr, j: Expr) -> Expr:
            return te.const(0.0, self.x.dtype) if state is None else state[b, j]

        return te.compute((1, *self.state_shape), element, name=name)

    def product(self, gates: int, first: int, read: Callable[[Expr, Expr], Expr]) -> Tensor:
        """`read(b, k)` times the columns of `r` for so many gates, from gate `first` on."""
        k = te.reduce_axis(self.hidden, name="k")
        offset = self.hidden * first

        def element(b: Expr, j: Expr) -> Reduction:
            return te.sum(read(b, k) * self.r[k, j + offset], axis=k)

        return reduce_to((self.state_shape[0], self.hidden * gates), element, "product")

    def row(self, name: str, element: Callable[[Expr, Expr], Expr]) -> Tensor:
        """A new row of a state."""
        return te.compute(self.state_shape, element, name=name)

    def input(self, t: Expr, b: Expr, j: Expr, gate: int) -> Expr:
        """What an element of a gate gets from the input at step `t`."""
        column = j + self.hidden * gate
        if not self.reverse:
            return self.x[t, b, column]
        if self.lengths is None:
            return self.x[as_expr(self.steps) - 1 - t, b, column]
        return self.x[self.lengths[b] - 1 - te.cast(t, "int32"), b, column]

    def clipped(self, value: Expr) -> Expr:
        return value if self.clip is None else te.maximum(te.minimum(value, self.clip), -self.clip)

    def kept(self, t: Expr, b: Expr, new: Expr, old: Expr) -> Expr:
        """A state after step `t`: the old one where the sequence has ended."""
        return new if self.lengths is None else te.select(te.cast(t, "int32") < self.lengths[b], new, old)

    def outputs(self, states: Sequence[Tensor]) -> list[Tensor]:
        """`y` from the rows of the hidden state, the first of `states`, and the last row of each."""
        hidden = states[0]

        def element(t: Expr, b: Expr, j: Expr) -> Expr:
            if self.lengths is None:
                return hidden[as_expr(self.steps) - t if self.reverse else t + 1, b, j]
            step = te.cast(t, "int32")
            value = hidden[self.lengths[b] - step if self.reverse else t + 1, b, j]
            return te.select(step < self.lengths[b], value, 0.0)

        def last(state: Tensor) -> Tensor:
            def last_row(b: Expr, j: Expr) -> Expr:
                return state[self.steps, b, j]

            return te.compute(self.state_shape, last_row, name="last")

        return [te.compute((self.steps, *self.state_shape), element, name="y"), *map(last, states)]


@irdl_op_definition
class LstmOp(RecurrentOp):
    """A long short-term memory; gates are input, output, forget, cell.

    - `i = f(x_i + h r_i + p_i c)`, `f = f(x_f + h r_f + p_f c)`, or `1 - i` where they are `coupled`
    - `c' = f c + i g(x_c + h r_c)`
    - `h' = f(x_o + h r_o + p_o c') h(c')`

    Example: `graph.lstm %x, %r initial_h(%h : tensor<1x8xf32>) {activations = ["Sigmoid", "Tanh", "Tanh"]} :
    tensor<9x1x32xf32>, tensor<8x32xf32> -> tensor<9x1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>`.
    """

    name = "graph.lstm"
    GATES: ClassVar[int] = 4
    ACTIVATION_COUNT: ClassVar[int] = 3

    x = operand_def(TensorType)
    r = operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    initial_c = opt_operand_def(TensorType)
    peephole = opt_operand_def(TensorType)
    coupled = opt_prop_def(UnitAttr)
    y = result_def(TensorType)
    y_h = result_def(TensorType)
    y_c = result_def(TensorType)

    assembly_format = _assembly_format(("initial_h", "lengths", "initial_c", "peephole"), ("y", "y_h", "y_c"))

    def __init__(
        self,
        x: SSAValue,
        r: SSAValue,
        activations: Sequence[Chosen],
        *,
        initial_h: SSAValue | None = None,
        initial_c: SSAValue | None = None,
        lengths: SSAValue | None = None,
        peephole: SSAValue | None = None,
        clip: float | None = None,
        reverse: bool = False,
        coupled: bool = False,
    ):
        operands = [x, r, initial_h, lengths, initial_c, peephole]
        self._build(operands, activations, clip, reverse, {"coupled": coupled})

    def infer_result_types(self) -> Sequence[AnyTensor]:
        types = super().infer_result_types()
        if self.peephole is not None:
            hidden = shape_of(types[1])[1]
            expected = None if hidden is None else hidden * 3
            _verify_operand("peephole", self.peephole, (expected,), types[0])
        return types

    def _states(self) -> list[tuple[str, SSAValue]]:
        return super()._states() + ([] if self.initial_c is None else [("initial_c", self.initial_c)])

    def tensor_expression(self, *operands: Tensor) -> Sequence[Tensor]:
        given = dict(zip(self.operands, operands, strict=True))
        layer = self.layer(given)
        peephole = None if self.peephole is None else given[self.peephole]
        f, g, h = self.chosen

        def step(t: Expr, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
            products = layer.product(4, 0, lambda b, k: hidden[t, b, k])

            def gate(b: Expr, j: Expr, index: int, seen: Expr) -> Expr:
                value = layer.input(t, b, j, index) + products[b, j + layer.hidden * index]
                if peephole is not None and index < 3:
                    value = value + peephole[j + layer.hidden * index] * seen
                return layer.clipped(value)

            def new_cell(b: Expr, j: Expr) -> Expr:
                old = cell[t, b, j]
                update = f(gate(b, j, 0, old))
                forget = 1.0 - update if self.coupled else f(gate(b, j, 2, old))
                return layer.kept(t, b, forget * old + update * g(gate(b, j, 3, old)), old)

            cells = layer.row("cell", new_cell)

            def new_hidden(b: Expr, j: Expr) -> Expr:
                value = f(gate(b, j, 1, cells[b, j])) * h(cells[b, j])
                return layer.kept(t, b, value, hidden[t, b, j])

            return layer.row("hidden", new_hidden), cells

        initial = [
            layer.initial(None if state is None else given[state], name)
            for state, name in ((self.initial_h, "initial_h"), (self.initial_c, "initial_c"))
        ]
        return layer.outputs(te.scan(layer.steps, initial, step, name="states"))


@irdl_op_definition
class GruOp(RecurrentOp):
    """Gated recurrent units; gates are update, reset, hidden.

    - `z = f(x_z + h r_z)`, `r = f(x_r + h r_r)`
    - `n = g(x_h + (r h) r_h)`, or `g(x_h + r (h r_h + bias))` with `linear_before_reset`
    - `h' = (1 - z) n + z h`
    """

    name = "graph.gru"
    GATES: ClassVar[int] = 3
    ACTIVATION_COUNT: ClassVar[int] = 2

    x = operand_def(TensorType)
    r = operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    linear_before_reset = opt_prop_def(UnitAttr)
    y = result_def(TensorType)
    y_h = result_def(TensorType)

    assembly_format = _assembly_format(("initial_h", "lengths", "bias"), ("y", "y_h"))

    def __init__(
        self,
        x: SSAValue,
        r: SSAValue,
        activations: Sequence[Chosen],
        *,
        initial_h: SSAValue | None = None,
        lengths: SSAValue | None = None,
        bias: SSAValue | None = None,
        clip: float | None = None,
        reverse: bool = False,
        linear_before_reset: bool = False,
    ):
        operands = [x, r, initial_h, lengths, bias]
        self._build(operands, activations, clip, reverse, {"linear_before_reset": linear_before_reset})

    def infer_result_types(self) -> Sequence[AnyTensor]:
        types = super().infer_result_types()
        if self.bias is not None:
            if self.linear_before_reset is None:
                raise VerifyException("expected a bias with linear_before_reset only; others belong to x")
            _verify_operand("bias", self.bias, shape_of(types[1])[1:], types[0])
        return types

    def tensor_expression(self, *operands: Tensor) -> Sequence[Tensor]:
        given = dict(zip(self.operands, operands, strict=True))
        layer = self.layer(given)
        bias = None if self.bias is None else given[self.bias]
        f, g = self.chosen
        linear = self.linear_before_reset is not None

        def step(t: Expr, hidden: Tensor) -> Tensor:
            products = layer.product(3 if linear else 2, 0, lambda b, k: hidden[t, b, k])

            def gate(b: Expr, j: Expr, index: int) -> Expr:
                value = layer.input(t, b, j, index) + products[b, j + layer.hidden * index]
                return f(layer.clipped(value))

            if linear:

                def inner(b: Expr, j: Expr) -> Expr:
                    value = products[b, j + layer.hidden * 2]
                    return gate(b, j, 1) * (value if bias is None else value + bias[j])

            else:
                resets = layer.row("reset", lambda b, j: gate(b, j, 1) * hidden[t, b, j])
                inner_products = layer.product(1, 2, lambda b, k: resets[b, k])

                def inner(b: Expr, j: Expr) -> Expr:
                    return inner_products[b, j]

            def new_hidden(b: Expr, j: Expr) -> Expr:
                old = hidden[t, b, j]
                update = gate(b, j, 0)
                new = g(layer.clipped(layer.input(t, b, j, 2) + inner(b, j)))
                return layer.kept(t, b, (1.0 - update) * new + update * old, old)

            return layer.row("hidden", new_hidden)

        initial = layer.initial(None if self.initial_h is None else given[self.initial_h], "initial_h")
        return layer.outputs([te.scan(layer.steps, initial, step, name="states")])


@irdl_op_definition
class RnnOp(RecurrentOp):
    """A simple recurrent layer: `h' = f(x + h r)`."""

    name = "graph.rnn"
    GATES: ClassVar[int] = 1
    ACTIVATION_COUNT: ClassVar[int] = 1

    x = operand_def(TensorType)
    r = operand_def(TensorType)
    initial_h = opt_operand_def(TensorType)
    lengths = opt_operand_def(TensorType)
    y = result_def(TensorType)
    y_h = result_def(TensorType)

    assembly_format = _assembly_format(("initial_h", "lengths"), ("y", "y_h"))

    def __init__(
        self,
        x: SSAValue,
        r: SSAValue,
        activations: Sequence[Chosen],
        *,
        initial_h: SSAValue | None = None,
        lengths: SSAValue | None = None,
        clip: float | None = None,
        reverse: bool = False,
    ):
        self._build([x, r, initial_h, lengths], activations, clip, reverse, {})

    def tensor_expression(self, *operands: Tensor) -> Sequence[Tensor]:
        given = dict(zip(self.operands, operands, strict=True))
        layer = self.layer(given)
        (f,) = self.chosen

        def step(t: Expr, hidden: Tensor) -> Tensor:
            products = layer.product(1, 0, lambda b, k: hidden[t, b, k])

            def new_hidden(b: Expr, j: Expr) -> Expr:
                value = f(layer.clipped(layer.input(t, b, j, 0) + products[b, j]))
                return layer.kept(t, b, value, hidden[t, b, j])

            return layer.row("hidden", new_hidden)

        initial = layer.initial(None if self.initial_h is None else given[self.initial_h], "initial_h")
        return layer.outputs([te.scan(layer.steps, initial, step, name="states")])


# Types


def _floats(values: Sequence[float]) -> DenseArrayBase[Float32Type]:
    return DenseArrayBase.from_list(f32, values)


def _result_types(x: SSAValue, r: SSAValue, gates: int, count: int) -> list[AnyTensor]:
    """The types of `y` and of the `count - 1` states."""
    types = [tensor_operand(x), tensor_operand(r)]
    element = common_element_type(types)
    verify_float(types[0])
    steps, batch, hidden = _verify_gates(shape_of(types[0]), shape_of(types[1]), gates)
    return [tensor_of(element, (steps, batch, hidden)), *[tensor_of(element, (batch, hidden))] * (count - 1)]


def _verify_gates(x: Shape, r: Shape, gates: int) -> tuple[Dim, Dim, Dim]:
    """Steps, batch and hidden."""
    if len(x) != 3 or len(r) != 2:
        raise VerifyException(f"expected operands of rank 3 and 2, got {format_shape(x)} and {format_shape(r)}")
    hidden = r[0]
    width = None if hidden is None else hidden * gates
    try:
        unify_dims(unify_dims(x[2], r[1]), width)
    except VerifyException:
        raise VerifyException(
            f"expected {gates} gates of one width, got {format_shape(x)} and {format_shape(r)}"
        ) from None
    return x[0], x[1], hidden


def _verify_operand(name: str, operand: SSAValue, shape: Shape, like: AnyTensor) -> None:
    type = tensor_operand(operand)
    if type.element_type != like.element_type:
        raise VerifyException(f"expected {name} of type {like.element_type}, got {type.element_type}")
    _verify_shape(name, shape_of(type), shape)


def _verify_shape(name: str, given: Shape, expected: Shape) -> None:
    pairs = zip(given, expected, strict=False)
    if len(given) != len(expected) or any(a is not None and b is not None and a != b for a, b in pairs):
        raise VerifyException(f"expected {name} of shape {format_shape(expected)}, got {format_shape(given)}")


OPERATORS: tuple[type[Operation], ...] = (LstmOp, GruOp, RnnOp)
