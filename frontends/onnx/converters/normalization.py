"""Normalisations: means and variances of rows, then arithmetic on each element."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, SSAValue

from ....errors import ImportModelError
from ....operators.elementwise import AbsOp, PowOp, SqrtOp
from ....operators.pooling import SumPoolOp
from ....operators.reductions import ReduceSumOp
from ....operators.windows import Window
from ..layout import dims_of, reshape
from ..node import Converter, Node, normalized_axis, rank_of
from ..tensors import element_type
from ..terms import Term
from .windows import check_kept, per_channel, static_sizes


def mean(value: Term, axes: Sequence[int]) -> Term:
    """The mean of each row, which keeps its rank."""
    total = Term(value.node, value.node.add(ReduceSumOp(value.value, axes, keepdims=True)))
    return total / math.prod(static_sizes(value.value, axes))


def standardized(value: Term, axes: Sequence[int], epsilon: float) -> tuple[Term, Term, Term]:
    """`value` less the mean of each row, over the row's standard deviation; the mean, and that deviation."""
    average = mean(value, axes)
    centered = value - average
    deviation = (mean(centered * centered, axes) + epsilon).apply(SqrtOp)
    return centered / deviation, average, deviation


def _channels(node: Node, vector: SSAValue, like: SSAValue) -> Term:
    return Term(node, per_channel(node, vector, like))


# Statistics that are given


def _convert_batch_normalization(node: Node) -> Sequence[SSAValue]:
    """`x * factor + offset` for each channel: where statistics and weights are known, both are."""
    values = node.tensors(5)
    x = Term(node, values[0])
    if node.flag("training_mode"):
        return _train(node, x, values)
    if node.output_count > 1:
        raise ImportModelError("expected one output of an inference, got more")
    scale, bias, average, variance = (_channels(node, value, x.value) for value in values[1:])
    if not scale.element_type == average.element_type == x.element_type:
        return [_normalized(x, scale, bias, average, variance, _epsilon(node))]
    factor = scale / (variance + _epsilon(node)).apply(SqrtOp)
    return [(x * factor + (bias - average * factor)).value]


def _normalized(x: Term, scale: Term, bias: Term, average: Term, variance: Term, epsilon: float) -> SSAValue:
    """Where statistics are of another element type than the data, in float32."""
    deviation = (variance.cast(f32) + epsilon).apply(SqrtOp)
    result = (x.cast(f32) - average.cast(f32)) / deviation * scale.cast(f32) + bias.cast(f32)
    return result.cast(x.element_type).value


def _train(node: Node, x: Term, values: Sequence[SSAValue]) -> list[SSAValue]:
    """The statistics of this batch normalise it; what they do to the running ones are more outputs."""
    rank = rank_of(x.value)
    axes = [axis for axis in range(rank) if axis != 1]
    scale, bias = (_channels(node, value, x.value) for value in values[1:3])
    average = mean(x, axes)
    centered = x - average
    variance = mean(centered * centered, axes)
    deviation = (variance + _epsilon(node)).apply(SqrtOp)
    results = [(centered / deviation * scale + bias).value]
    momentum = node.attribute("momentum", 0.9)
    for running, current in zip(values[3:], (average, variance), strict=True):
        flat = Term(node, reshape(node, current.value, dims_of(running)))
        old = Term(node, running)
        results.append((old * momentum + flat.cast(old.element_type) * (1 - momentum)).value)
    return results


def _epsilon(node: Node) -> float:
    return node.attribute("epsilon", 1e-5)


# Statistics of this input


def _convert_instance_normalization(node: Node) -> SSAValue:
    input, scale, bias = node.tensors(3)
    rank = rank_of(input)
    normal, _, _ = standardized(Term(node, input), range(2, rank), _epsilon(node))
    return (normal * _channels(node, scale, input) + _channels(node, bias, input)).value


def _convert_layer_normalization(node: Node) -> list[SSAValue]:
    input, scale, bias = node.optional_tensors(2, 3)
    assert input is not None and scale is not None
    rank = rank_of(input)
    axes = range(node.axis(-1, rank), rank)
    x = Term(node, input)
    normal, average, deviation = standardized(x.cast(_stash_type(node)), axes, _epsilon(node))
    result = normal.cast(x.element_type) * Term(node, scale)
    result = result if bias is None else result + Term(node, bias)
    check_kept(result.value, input)
    outputs = [result.value]
    if node.output_count > 1:
        outputs.append(average.value)
    if node.output_count > 2:
        outputs.append((1 / deviation).value)
    return outputs


def _stash_type(node: Node) -> Attribute:
    return element_type(node.attribute("stash_type", 1))


def _convert_rms_normalization(node: Node) -> SSAValue:
    input, scale = node.tensors(2)
    rank = rank_of(input)
    axes = range(node.axis(-1, rank), rank)
    x = Term(node, input)
    wide = x.cast(_stash_type(node))
    root = (mean(wide * wide, axes) + _epsilon(node)).apply(SqrtOp)
    result = (wide / root).cast(x.element_type) * Term(node, scale)
    check_kept(result.value, input)
    return result.value


def _convert_group_normalization(node: Node) -> SSAValue:
    """Rows are the groups of channels, and their other dimensions."""
    input, scale, bias = node.tensors(3)
    shape = dims_of(input)
    groups = node.required("num_groups", int)
    (channels,) = static_sizes(input, [1])
    if groups < 1 or channels % groups:
        raise ImportModelError(f"expected a multiple of {groups} channels, got {channels}")
    x = Term(node, input)
    each = (shape[0], groups, channels // groups, *shape[2:])
    grouped = Term(node, reshape(node, input, each)).cast(_stash_type(node))
    normal, _, _ = standardized(grouped, range(2, len(each)), _epsilon(node))
    normal = normal.cast(x.element_type)
    if node.opset < 21:  # weights of groups
        weights = [Term(node, reshape(node, value, (groups, *[1] * (len(each) - 2)))) for value in (scale, bias)]
        return reshape(node, (normal * weights[0] + weights[1]).value, shape)
    weights = [Term(node, reshape(node, value, (*each[1:3], *[1] * (len(each) - 3)))) for value in (scale, bias)]
    return reshape(node, (normal * weights[0] + weights[1]).value, shape)


def _convert_mean_variance_normalization(node: Node) -> SSAValue:
    (input,) = node.tensors(1)
    axes = [normalized_axis(axis, rank_of(input)) for axis in node.attribute("axes", [0, 2, 3])]
    x = Term(node, input)
    average = mean(x, axes)
    centered = x - average
    deviation = mean(centered * centered, axes).apply(SqrtOp)
    return (centered / (deviation + 1e-9)).value


def _convert_lp_normalization(node: Node) -> SSAValue:
    (input,) = node.tensors(1)
    axis, p = node.axis(-1, rank_of(input)), node.attribute("p", 2)
    if p not in (1, 2):
        raise ImportModelError(f"expected p of 1 or 2, got {p}")
    x = Term(node, input)
    powers = x.apply(AbsOp) if p == 1 else x * x
    total = Term(node, node.add(ReduceSumOp(powers.value, [axis], keepdims=True)))
    norm = total if p == 1 else total.apply(SqrtOp)
    is_zero = norm.equals(0)
    return (x / is_zero.select(norm.number(1), norm)).value


def _convert_lrn(node: Node) -> SSAValue:
    """Each element over a power of the sum of squares of the channels around it."""
    (input,) = node.tensors(1)
    x = Term(node, input)
    rank, size = rank_of(input), node.required("size", int)
    if rank < 2 or size < 1:
        raise ImportModelError(f"expected channels and a size of 1 or more, got rank {rank} and size {size}")
    ones, none = (1,) * (rank - 2), (0,) * (rank - 2)
    before, after = (size - 1) // 2, size // 2
    window = Window((size, *ones), (1, *ones), (before, *none, after, *none), (1, *ones))
    squares = Term(node, node.add(SumPoolOp((x * x).value, window)))
    alpha, beta, bias = node.attribute("alpha", 1e-4), node.attribute("beta", 0.75), node.attribute("bias", 1.0)
    return (x / _power(squares * (alpha / size) + bias, beta)).value


def _power(base: Term, exponent: float) -> Term:
    if exponent == 0.75:  # what networks use, in roots
        root = base.apply(SqrtOp)
        return root * root.apply(SqrtOp)
    return Term(base.node, base.node.add(PowOp(base.value, base.number(exponent).value)))


CONVERTERS = (
    Converter("BatchNormalization", 7, _convert_batch_normalization, ("epsilon", "momentum", "spatial")),
    Converter("BatchNormalization", 14, _convert_batch_normalization, ("epsilon", "momentum", "training_mode")),
    Converter("InstanceNormalization", 6, _convert_instance_normalization, ("epsilon",)),
    Converter("LayerNormalization", 17, _convert_layer_normalization, ("axis", "epsilon", "stash_type")),
    Converter("RMSNormalization", 23, _convert_rms_normalization, ("axis", "epsilon", "stash_type")),
    Converter("GroupNormalization", 18, _convert_group_normalization, ("epsilon", "num_groups", "stash_type")),
    Converter("MeanVarianceNormalization", 9, _convert_mean_variance_normalization, ("axes",)),
    Converter("LpNormalization", 1, _convert_lp_normalization, ("axis", "p")),
    Converter("LRN", 1, _convert_lrn, ("alpha", "beta", "bias", "size")),
)
