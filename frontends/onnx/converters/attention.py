"""Attention, as products, a softmax, and what stands between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import bf16, f16, f32, f64, i1
from xdsl.ir import Attribute, SSAValue

from ....dialects.extents import Extent
from ....errors import ImportModelError
from ....operators.elementwise import TanhOp
from ....operators.linear_algebra import MatmulOp
from ....operators.reductions import ReduceMaxOp, SoftmaxOp
from ....operators.reference.arrays import numpy_dtype
from ..layout import concat, dims_of, reshape, take, transpose
from ..node import Converter, Node, rank_of, type_of
from ..tensors import element_type
from ..terms import Term
from .indexing import gathered

_ONE = Extent.of(1)


@dataclass(frozen=True)
class _Shapes:
    """The extents of one attention: heads of queries stand in groups that share keys and values."""

    batch: Extent
    groups: Extent
    shared: Extent
    queries: Extent
    keys: Extent

    @property
    def scores(self) -> list[Extent]:
        """Of the scores as operands and outputs have them."""
        return [self.batch, self.groups * self.shared.constant, self.queries, self.keys]

    @property
    def grouped(self) -> list[Extent]:
        """Of the scores as products have them."""
        return [self.batch, self.groups, self.shared, self.queries, self.keys]


def _convert_attention(node: Node) -> list[SSAValue]:
    query, key, value, mask, past_key, past_value = node.optional_tensors(3, 6)
    assert query is not None and key is not None and value is not None
    rank = rank_of(query)
    if rank not in (3, 4) or rank_of(key) != rank or rank_of(value) != rank:
        raise ImportModelError(f"expected Q, K and V of rank 3 or 4, got {rank}, {rank_of(key)} and {rank_of(value)}")
    if (past_key is None) != (past_value is None):
        raise ImportModelError("expected past_key and past_value together, got one of them")
    if rank == 3:
        query = _split_heads(node, query, node.required("q_num_heads", int))
        key = _split_heads(node, key, node.required("kv_num_heads", int))
        value = _split_heads(node, value, node.required("kv_num_heads", int))
    past = 0
    if past_key is not None and past_value is not None:
        if rank_of(past_key) != 4 or rank_of(past_value) != 4:
            raise ImportModelError("expected past_key and past_value of rank 4, got others")
        past = _number(dims_of(past_key)[2], "past keys")
        key = concat(node, [past_key, key], 2)
        value = concat(node, [past_value, value], 2)
    shapes = _shapes(query, key)
    scores = _scores(node, query, key, shapes)
    outputs = [scores]
    softcap = node.attribute("softcap", 0.0)
    if softcap < 0:
        raise ImportModelError(f"expected softcap to be positive, got {softcap}")
    if softcap:
        scores = (Term(node, scores) / softcap).apply(TanhOp).value
        scores = (Term(node, scores) * softcap).value
    outputs.append(scores)
    bias = _bias(node, mask, scores, shapes, past)
    if bias is not None:
        scores = (Term(node, scores) + bias).value
    outputs.append(scores)
    weights = _softmax(node, scores, bias if mask is not None else None)
    outputs.append(weights)
    mode = node.attribute("qk_matmul_output_mode", 0)
    if not 0 <= mode < len(outputs):
        raise ImportModelError(f"expected qk_matmul_output_mode 0 to {len(outputs) - 1}, got {mode}")
    result = _grouped_product(node, weights, value, shapes)
    if rank == 3:
        batch, heads, length, width = dims_of(result)
        result = transpose(node, result, [0, 2, 1, 3])
        result = reshape(node, result, [batch, length, heads * _number(width, "a head's width")])
    return [result, key, value, outputs[mode]][: max(1, node.output_count)]


def _number(extent: Extent, what: str) -> int:
    if not extent.is_constant:
        raise ImportModelError(f"expected a static number for {what}, got {extent}")
    return extent.constant


def _split_heads(node: Node, value: SSAValue, heads: int) -> SSAValue:
    """batch × length × heads·width → batch × heads × length × width."""
    batch, length, hidden = dims_of(value)
    size = _number(hidden, "the hidden size")
    if heads < 1 or size % heads:
        raise ImportModelError(f"expected a hidden size that {heads} heads divide, got {size}")
    split = reshape(node, value, [batch, length, Extent.of(heads), Extent.of(size // heads)])
    return transpose(node, split, [0, 2, 1, 3])


def _shapes(query: SSAValue, key: SSAValue) -> _Shapes:
    batch, heads, queries, _ = dims_of(query)
    _, groups, keys, _ = dims_of(key)
    count, group_count = _number(heads, "heads"), _number(groups, "heads")
    if count % group_count:
        raise ImportModelError(f"expected a multiple of {group_count} query heads, got {count}")
    return _Shapes(batch, groups, Extent.of(count // group_count), queries, keys)


def _scores(node: Node, query: SSAValue, key: SSAValue, shapes: _Shapes) -> SSAValue:
    """Scaled products of queries and keys."""
    width = _number(dims_of(query)[3], "a head's width")
    scale = node.attribute("scale", 0.0) or 1 / math.sqrt(width)
    if not scale > 0:
        raise ImportModelError(f"expected scale to be positive, got {scale}")
    # Both factors are scaled, as ONNX says, so that no product overflows.
    query, key = ((Term(node, factor) * math.sqrt(scale)).value for factor in (query, key))
    return _grouped_product(node, query, transpose(node, key, [0, 1, 3, 2]), shapes)


def _grouped_product(node: Node, lhs: SSAValue, rhs: SSAValue, shapes: _Shapes) -> SSAValue:
    """A matrix product for each head of `lhs`, with the matrix of its group in `rhs`."""
    if shapes.shared == _ONE:
        return node.add(MatmulOp(lhs, rhs))
    batch, groups, *matrix = dims_of(rhs)
    rhs = reshape(node, rhs, [batch, groups, _ONE, *matrix])
    batch, heads, *matrix = dims_of(lhs)
    lhs = reshape(node, lhs, [batch, shapes.groups, shapes.shared, *matrix])
    product = node.add(MatmulOp(lhs, rhs))
    return reshape(node, product, [batch, heads, *dims_of(product)[3:]])


def _bias(node: Node, mask: SSAValue | None, scores: SSAValue, shapes: _Shapes, past: int) -> Term | None:
    """What is added to scores: minus infinity where a query must not see a key."""
    element = type_of(scores).element_type
    bias = None if mask is None else _mask_bias(node, Term(node, mask), scores, shapes)
    if node.flag("is_causal"):
        rows, columns = _number(shapes.queries, "queries"), _number(shapes.keys, "keys")
        seen = np.arange(columns)[None, :] <= np.arange(rows)[:, None] + past
        causal = Term(node, node.weight(np.where(seen, 0.0, -np.inf).astype(numpy_dtype(element)), "causal"))
        bias = causal if bias is None else bias + causal
    return bias


def _mask_bias(node: Node, mask: Term, scores: SSAValue, shapes: _Shapes) -> Term:
    element = type_of(scores).element_type
    missing = 0
    given = dims_of(mask.value)[-1] if rank_of(mask.value) else _ONE
    if given != shapes.keys:
        missing = _number(shapes.keys, "keys") - _number(given, "the mask's keys")
    if mask.element_type == i1:
        zero, hidden = (Term(node, node.splat(number, scores)) for number in (0.0, -math.inf))
        mask = mask.select(zero, hidden)
    elif mask.element_type != element:
        raise ImportModelError(f"expected a mask of i1 or {element}, got {mask.element_type}")
    if missing > 0:
        dims = [_number(dim, "the mask") for dim in dims_of(mask.value)[:-1]]
        rest = node.splat(-math.inf, scores, [*dims, missing])
        mask = Term(node, concat(node, [mask.value, rest], len(dims)))
    return mask


def _softmax(node: Node, scores: SSAValue, bias: Term | None) -> SSAValue:
    """Rows of weights; zero where `bias` hides every key of a row."""
    element = type_of(scores).element_type
    wide = _softmax_type(node) or element
    weights = Term(node, node.add(SoftmaxOp(Term(node, scores).cast(wide).value, [rank_of(scores) - 1])))
    if bias is not None:
        greatest = Term(node, node.add(ReduceMaxOp(bias.value, [rank_of(bias.value) - 1], keepdims=True)))
        weights = greatest.equals(-math.inf).select(Term(node, node.splat(0.0, weights.value)), weights)
    return weights.cast(element).value


def _softmax_type(node: Node) -> Attribute | None:
    precision = node.optional("softmax_precision", int)
    if precision is None:
        return None
    type = element_type(precision)
    if type not in (f16, bf16, f32, f64):
        raise ImportModelError(f"expected softmax_precision of floats, got {type}")
    return type


def _convert_rotary_embedding(node: Node) -> SSAValue:
    """Each pair of elements of a head, turned by the angle of its position; pairs are halves, or side by side."""
    operand, cosines, sines, positions = node.optional_tensors(3, 4)
    assert operand is not None and cosines is not None and sines is not None
    given = dims_of(operand)
    if len(given) not in (3, 4):
        raise ImportModelError(f"expected an operand of rank 3 or 4, got {len(given)}")
    heads_axis = 1 if len(given) == 4 else 2
    x = operand
    if len(given) == 3:
        heads, size = node.required("num_heads", int), _number(given[2], "the hidden size")
        if heads < 1 or size % heads:
            raise ImportModelError(f"expected a hidden size that {heads} heads divide, got {size}")
        x = reshape(node, operand, [*given[:2], Extent.of(heads), Extent.of(size // heads)])
    width = _number(dims_of(x)[3], "a head's width")
    turned = node.attribute("rotary_embedding_dim", 0) or width
    if not 0 < turned <= width or turned % 2:
        raise ImportModelError(f"expected an even rotary_embedding_dim up to {width}, got {turned}")
    cosine, sine = (_angles(node, cache, positions, heads_axis, turned // 2) for cache in (cosines, sines))
    interleaved = node.flag("interleaved")
    first, second = (
        Term(node, take(node, x, 3, start, stop, 2 if interleaved else 1))
        for start, stop in ([(0, turned), (1, turned)] if interleaved else [(0, turned // 2), (turned // 2, turned)])
    )
    real = (cosine * first - sine * second).value
    imaginary = (sine * first + cosine * second).value
    if interleaved:
        dims = dims_of(real)
        pairs = concat(node, [reshape(node, part, [*dims, _ONE]) for part in (real, imaginary)], 4)
        parts = [reshape(node, pairs, [*dims[:3], Extent.of(turned)])]
    else:
        parts = [real, imaginary]
    if turned < width:
        parts.append(take(node, x, 3, turned, width))
    return reshape(node, concat(node, parts, 3), given)


def _angles(node: Node, cache: SSAValue, positions: SSAValue | None, heads_axis: int, count: int) -> Term:
    """The cosines or sines of each position, for all heads."""
    if positions is not None:
        cache = gathered(node, cache, positions, 0)
    dims = dims_of(cache)
    if len(dims) != 3 or dims[2] != Extent.of(count):
        raise ImportModelError(f"expected a cache of {count} angles for each position, got {type_of(cache)}")
    return Term(node, reshape(node, cache, [*dims[:heads_axis], _ONE, *dims[heads_axis:]]))


CONVERTERS = (
    Converter(
        "RotaryEmbedding",
        23,
        _convert_rotary_embedding,
        ("interleaved", "num_heads", "rotary_embedding_dim"),
    ),
    Converter(
        "Attention",
        23,
        _convert_attention,
        (
            "is_causal",
            "kv_num_heads",
            "q_num_heads",
            "qk_matmul_output_mode",
            "scale",
            "softcap",
            "softmax_precision",
        ),
    ),
)
