"""`graph-fold-constants`: compute what depends on no input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp, TensorType, f32, f64
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, OpResult, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriter, PatternRewriteWalker, RewritePattern
from xdsl.rewriter import InsertPoint

from ...dialects import graph
from ...operators import convolution, elementwise, linear_algebra, shape
from ...operators.reference.arrays import Array, numpy_dtype
from ...operators.reference.evaluate import evaluate
from ..function_pass import functions
from .constants import Constants, called_functions, elements, erase_unused_data, is_splat, weights
from .fusion.groups import DATA

_MOST_MOVED = 1 << 22
"""Where the elements of larger results are moved to is not asked."""
_AFFINE = (elementwise.AddOp, elementwise.SubOp, elementwise.MulOp, elementwise.DivOp)


# Scales and shifts


@dataclass
class Affine:
    """`scale * x + shift`, where both broadcast to `x`, in float64."""

    scale: Array
    shift: Array

    def then(self, op: Operation, number: Array, *, is_lhs: bool) -> None:
        """Follow this by an operator on `x` and a number, which is its left operand, or its right one."""
        match op:
            case elementwise.AddOp():
                self.shift = self.shift + number
            case elementwise.SubOp() if is_lhs:
                self.scale, self.shift = -self.scale, number - self.shift
            case elementwise.SubOp():
                self.shift = self.shift - number
            case elementwise.MulOp():
                self.scale, self.shift = self.scale * number, self.shift * number
            case _:
                self.scale, self.shift = self.scale / number, self.shift / number


class FoldAffine(RewritePattern):
    """`(conv(x, W) * s + t) * u + …` → `conv(x, W * s * u…) + …`: what scales and shifts the channels of a convolution,
    or the columns of a matrix product, becomes part of its weights, and one bias. Batch normalisation is that. The
    result may be moved before it is scaled, as that of a transposed convolution is."""

    def __init__(self, constants: Constants) -> None:
        self.constants = constants

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        channel = _channel(op)
        if channel is None or not self.constants.is_known(op.operands[1]):
            return
        moves = _moves(op.results[0])
        moved = moves[-1].results[0] if moves else op.results[0]
        chain, affine = self._chain(moved, None if moves else channel)
        scales = not all(isinstance(step, elementwise.AddOp) for step in chain)
        if not scales and len(chain) < 2:
            return
        scale = _per_channel(affine.scale, op.results[0], channel, moves)
        if scale is None:
            return
        weight, bias = self._weight(op, scale), self._bias(op, affine.shift)
        if weight is None or bias is None:
            return
        scaled = op.clone({op.operands[1]: weight.results[0]})
        new: list[Operation] = [weight, scaled]
        for move in moves:
            new.append(move.clone({move.operands[0]: new[-1].results[0]}))
        if any(isinstance(step, elementwise.AddOp | elementwise.SubOp) for step in chain):
            new += [bias, elementwise.AddOp(new[-1].results[0], bias.results[0])]
        last = chain[-1]
        rewriter.insert(new, InsertPoint.before(last))
        new[-1].results[0].name_hint = last.result.name_hint
        last.result.replace_all_uses_with(new[-1].results[0])
        for old in (*reversed(chain), *reversed(moves), op):
            rewriter.erase(old)

    def _chain(self, value: SSAValue, channel: int | None) -> tuple[list[elementwise.BinaryOp], Affine]:
        """The operators that scale and shift a value, and nothing else uses it, one after another, all along dimension
        `channel`, or that of the first of them."""
        user = next(iter(value.uses)).operation if value.has_one_use() else None
        return self.chain_from(user, value, channel)

    def chain_from(
        self, op: Operation | None, value: SSAValue, channel: int | None
    ) -> tuple[list[elementwise.BinaryOp], Affine]:
        """As `_chain`, from `op` on, which is not the only one that uses `value`."""
        rank = cast(graph.AnyTensor, value.type).get_num_dims()
        affine = Affine(np.ones([1] * rank), np.zeros([1] * rank))
        chain: list[elementwise.BinaryOp] = []
        while isinstance(op, _AFFINE) and op.result.type == value.type:
            is_lhs = op.rhs is value
            number = self._number(op.lhs if is_lhs else op.rhs, rank)
            if number is None or (is_lhs and isinstance(op, elementwise.DivOp)):
                break
            along = next((dim for dim, size in enumerate(number.shape) if size != 1), channel)
            if channel not in (None, along):
                break
            channel = along
            with np.errstate(all="ignore"):
                affine.then(op, number, is_lhs=is_lhs)
            chain.append(op)
            value = op.result
            op = next(iter(value.uses)).operation if value.has_one_use() else None
        return chain, affine

    def _number(self, value: SSAValue, rank: int) -> Array | None:
        """A known value of one dimension, in float64, which may then be the same for all elements of a channel."""
        if not self.constants.is_known(value):
            return None
        sizes = cast(graph.AnyTensor, value.type).get_shape()
        if sum(size != 1 for size in sizes) > 1:
            return None
        return self.constants.array(value).astype(np.float64).reshape((1,) * (rank - len(sizes)) + sizes)

    def _weight(self, op: Operation, scale: Array) -> Operation | None:
        """The scaled weights of a contraction; None if they are not finite."""
        old = op.operands[1]
        weight = self.constants.array(old)
        sizes = [1] * weight.ndim
        sizes[0 if isinstance(op, convolution.ConvOp) else 1] = scale.size
        with np.errstate(all="ignore"):
            scaled = (weight * scale.reshape(sizes)).astype(weight.dtype)
        return self._data(scaled, op, "scaled")

    def _bias(self, op: Operation, shift: Array) -> Operation | None:
        leading = next((dim for dim, size in enumerate(shift.shape) if size != 1), shift.ndim)
        with np.errstate(all="ignore"):
            rounded = shift.reshape(shift.shape[leading:]).astype(self.constants.array(op.operands[1]).dtype)
        return self._data(rounded, op, "bias")

    def _data(self, array: Array, op: Operation, what: str) -> Operation | None:
        if not np.all(np.isfinite(array)):
            return None
        old = op.operands[1]
        type = TensorType(cast(graph.AnyTensor, old.type).element_type, array.shape)
        new = self.constants.operation(array, type, f"{self.constants.source(old) or 'weight'}.{what}")
        new.results[0].name_hint = old.name_hint if what == "scaled" else what
        return new


class MergeAffine(RewritePattern):
    """`(x * s + t) * u + v` → `x * su + tuv`: what scales and shifts something else is one product and one sum."""

    def __init__(self, fold: FoldAffine) -> None:
        self.fold = fold
        self.constants = fold.constants

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, _AFFINE) or op.result.type.element_type not in (f32, f64):
            return
        known = [self.constants.is_known(operand) for operand in op.operands]
        if known.count(True) != 1:
            return
        value = op.operands[known.index(False)]
        before = value.owner
        if isinstance(before, _AFFINE) and value.has_one_use() and any(map(self.constants.is_known, before.operands)):
            return
        chain, affine = self.fold.chain_from(op, value, None)
        scales = any(not isinstance(step, elementwise.AddOp) for step in chain)
        shifts = any(isinstance(step, elementwise.AddOp | elementwise.SubOp) for step in chain)
        if len(chain) <= scales + shifts:
            return
        new: list[Operation] = []
        for kind, number, wanted in (
            (elementwise.MulOp, affine.scale, scales),
            (elementwise.AddOp, affine.shift, shifts),
        ):
            if wanted:
                data = self._data(number, op.result.type.element_type, rewriter)
                if data is None:
                    return
                new += [data, kind(new[-1].results[0] if new else value, data.results[0])]
        last = chain[-1]
        rewriter.insert(new, InsertPoint.before(last))
        new[-1].results[0].name_hint = last.result.name_hint
        last.result.replace_all_uses_with(new[-1].results[0])
        for old in reversed(chain):
            rewriter.erase(old)

    def _data(self, number: Array, element_type: Attribute, rewriter: PatternRewriter) -> Operation | None:
        leading = next((dim for dim, size in enumerate(number.shape) if size != 1), number.ndim)
        with np.errstate(all="ignore"):
            array = number.reshape(number.shape[leading:]).astype(numpy_dtype(element_type))
        if not np.all(np.isfinite(array)):
            return None
        new = self.constants.operation(array, TensorType(element_type, array.shape), "affine")
        new.results[0].name_hint = "affine"
        return new


def _channel(op: Operation) -> int | None:
    """The dimension of a contraction's result that only its weights have."""
    if not isinstance(op, graph.TensorOp) or len(op.results) != 1:
        return None
    if cast(graph.AnyTensor, op.results[0].type).element_type not in (f32, f64):
        return None
    match op:
        case convolution.ConvOp():
            return 1
        case linear_algebra.MatmulOp() if cast(graph.AnyTensor, op.rhs.type).get_num_dims() == 2:
            return op.result.type.get_num_dims() - 1
        case _:
            return None


def _moves(value: SSAValue) -> list[Operation]:
    """The reshapes, transposes and slices of a value that nothing else uses, one after another."""
    moves: list[Operation] = []
    while value.has_one_use():
        op = next(iter(value.uses)).operation
        if not isinstance(op, shape.ReshapeOp | shape.TransposeOp | shape.SliceOp):
            break
        moves.append(op)
        value = op.result
    return moves


def _per_channel(scale: Array, value: SSAValue, channel: int, moves: Sequence[Operation]) -> Array | None:
    """The numbers for the channels of `value` that `scale` is for what it is moved to; None if elements of one channel
    have different ones."""
    if not moves:
        return scale
    size = cast(graph.AnyTensor, value.type).get_shape()
    if DYNAMIC_INDEX in size or elements(cast(graph.AnyTensor, value.type)) > _MOST_MOVED:
        return None
    channels = np.arange(size[channel]).reshape([-1 if dim == channel else 1 for dim in range(len(size))])
    places = np.broadcast_to(channels, size).astype(np.float32)
    for move in moves:
        (places,) = evaluate(move, [places])
    index = places.astype(np.int64).reshape(-1)
    numbers = np.broadcast_to(scale, places.shape).reshape(-1)
    found = np.ones(size[channel])
    found[index] = numbers
    return found if np.array_equal(found[index], numbers) else None


# Data


def fold_constants(module: ModuleOp) -> None:
    """Compute what depends on constants and data only; scale and shift weights instead of what is made with them."""
    constants = Constants(module)
    called = called_functions(module)
    named = {weight.data.root_reference.data for weight in weights(module)}
    for func in functions(module):
        may_name = func.sym_name.data not in called
        if may_name:
            fold = FoldAffine(constants)
            patterns = GreedyRewritePatternApplier([fold, MergeAffine(fold)], dce_enabled=False)
            PatternRewriteWalker(patterns).rewrite_region(func.body)
        _materialize(func, constants, may_name)
    erase_unused_data(module, named | constants.created)


def _materialize(func: FuncOp, constants: Constants, may_name: bool) -> None:
    """Makes data of what is known and used by what is not. A function that is called may not name weights."""
    block = func.body.block
    for op in tuple(block.ops):
        if _is_folded(op, constants):
            for result in op.results:
                if any(not _is_folded(use.operation, constants) for use in result.uses):
                    _replace(result, constants, may_name)
    for op in tuple(reversed(block.ops)):
        if (isinstance(op, DATA) or _is_folded(op, constants)) and not any(result.uses for result in op.results):
            op.detach()
            op.erase()


def _is_folded(op: Operation, constants: Constants) -> bool:
    """Whether constants or new data stand for an operation's results. Data of one element is a constant."""
    if isinstance(op, graph.WeightOp):
        return constants.is_known(op.result) and elements(op.result.type) == 1
    return isinstance(op, graph.TensorOp) and bool(op.results) and constants.is_known(op.results[0])


def _replace(result: OpResult, constants: Constants, may_name: bool) -> None:
    array, type = constants.array(result), cast(graph.AnyTensor, result.type)
    if not may_name and not is_splat(array):
        return
    name = constants.source(result) or result.name_hint or "constant"
    new = constants.operation(array, type, name) if may_name else constants.splat(array, type)
    new.results[0].name_hint = result.name_hint
    block = result.op.parent
    assert block is not None
    block.insert_op_before(new, result.op)
    result.replace_all_uses_with(new.results[0])


@dataclass(frozen=True)
class GraphFoldConstantsPass(ModulePass):
    """Compute what depends on no input, as far as it is worth it; scales and shifts go into weights and biases.

    Before → after: `graph.mul %conv, %s` → `graph.conv` with other weights; `graph.add %w, %v` of weights → one weight.
    """

    name = "graph-fold-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fold_constants(op)
