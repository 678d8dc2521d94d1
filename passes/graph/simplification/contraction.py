"""Matrix products and rows: in as few dimensions as can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from xdsl.dialects.builtin import DenseArrayBase, i64
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from ....dialects import graph
from ....dialects.extents import Extent
from ....operators.convolution import ConvOp
from ....operators.elementwise import AddOp, MulOp
from ....operators.linear_algebra import GemmOp, MatmulOp
from ....operators.reductions import ReduceOp, RowOp
from ....operators.shape import PadOp, ReshapeOp, TransposeOp, reshape_groups
from ..constants import Constants
from .common import ONE, defining, known_shape, shape_of, type_of
from .elementwise import KnownPattern, scalar


class GemmToMatmul(KnownPattern):
    """A Gemm → a matrix product, a product with `alpha`, a sum. Known operands are transposed beforehand; a Gemm that
    transposes others stays one, without the rest."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, GemmOp):
            return
        new: list[Operation] = []
        a = self._straight(op.a, op.trans_a is not None, new)
        b = self._straight(op.b, op.trans_b is not None, new)
        trans_a, trans_b = op.trans_a is not None and a is op.a, op.trans_b is not None and b is op.b
        adds = op.c is not None and op.beta_value != 0
        if (trans_a or trans_b) and not adds and op.c is None and op.alpha_value == 1 and not new:
            return
        product = GemmOp(a, b, trans_a=trans_a, trans_b=trans_b) if trans_a or trans_b else MatmulOp(a, b)
        new.append(product)
        value: SSAValue = product.result
        value.name_hint = op.result.name_hint
        if op.alpha_value != 1:
            value = self._scaled(value, op.alpha_value, new)
        if op.c is not None and adds:
            c = op.c if op.beta_value == 1 else self._scaled(op.c, op.beta_value, new)
            new.append(AddOp(value, c))
        rewriter.replace(op, new)

    def _straight(self, value: SSAValue, transposed: bool, new: list[Operation]) -> SSAValue:
        if not transposed or not self.constants.is_known(value):
            return value
        new.append(TransposeOp(value, [1, 0]))
        return new[-1].results[0]

    def _scaled(self, value: SSAValue, factor: float, new: list[Operation]) -> SSAValue:
        number = scalar(factor, value)
        product = MulOp(value, number.result)
        new += [number, product]
        return product.result


class RowsInOneDimension(RewritePattern):
    """A product of many matrices and the same one → one product of a taller matrix."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, MatmulOp):
            return
        lhs, rhs = known_shape(op.lhs), known_shape(op.rhs)
        if lhs is None or rhs is None or len(lhs) < 2 or len(rhs) < 2 or (len(lhs) == 2 and len(rhs) == 2):
            return
        if any(dim != ONE for dim in rhs[:-2]):
            return
        rows = _product(lhs[:-1])
        if rows is None:
            return
        left = op.lhs if len(lhs) == 2 else ReshapeOp(op.lhs, (rows, lhs[-1]))
        right = op.rhs if len(rhs) == 2 else ReshapeOp(op.rhs, rhs[-2:])
        product = MatmulOp(_value(left), _value(right))
        product.result.name_hint = op.result.name_hint
        after = ReshapeOp(product.result, shape_of(op.result))
        rewriter.replace(op, [*(each for each in (left, right) if isinstance(each, Operation)), product, after])


class BatchesInOneDimension(RewritePattern):
    """A product of matrices in several dimensions of batches → in one."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, MatmulOp):
            return
        lhs, rhs = known_shape(op.lhs), known_shape(op.rhs)
        if lhs is None or rhs is None or len(lhs) < 4 or len(rhs) < 4 or lhs[:-2] != rhs[:-2]:
            return
        batch = _product(lhs[:-2])
        if batch is None:
            return
        left = ReshapeOp(op.lhs, (batch, *lhs[-2:]))
        right = ReshapeOp(op.rhs, (batch, *rhs[-2:]))
        product = MatmulOp(left.result, right.result)
        product.result.name_hint = op.result.name_hint
        rewriter.replace(op, [left, right, product, ReshapeOp(product.result, shape_of(op.result))])


def _value(value: Operation | SSAValue) -> SSAValue:
    return value.results[0] if isinstance(value, Operation) else value


def _product(dims: tuple[Extent, ...]) -> Extent | None:
    """The product of extents of which one at most is a symbol."""
    symbols = [dim for dim in dims if not dim.is_constant]
    if len(symbols) > 1:
        return None
    total = symbols[0] if symbols else ONE
    for dim in dims:
        if dim.is_constant:
            total = total * dim.constant
    return total


class PadOfConvolution(KnownPattern):
    """A convolution of what is padded with zeros → one that pads."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, ConvOp):
            return
        pad = defining(op.input, PadOp)
        if not isinstance(pad, PadOp) or pad.mode_name != "constant":
            return
        low, high = pad.low.get_values(), pad.high.get_values()
        if any((*low[:2], *high[:2])) or (pad.value is not None and self.number(pad.value) != 0):
            return
        window = op.window
        pads = [own + more for own, more in zip(window.pads, (*low[2:], *high[2:]), strict=True)]
        rewriter.replace(op, ConvOp(pad.operand, op.weight, replace(window, pads=tuple(pads)), op.group_count))


class RowsBeforeReshape(RewritePattern):
    """A reduction of rows of a reshape → a reshape of a reduction, if that has fewer dimensions and the same rows."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, ReduceOp | RowOp):
            return
        before = defining(op.operand, ReshapeOp)
        if before is None:
            return
        source, target = known_shape(before.operands[0]), known_shape(op.operand)
        if source is None or target is None or len(source) >= len(target):
            return
        axes = op.axis_list
        own: list[int] = []
        for dims, others in reshape_groups(source, target):
            reduced = [dim in axes for dim in others]
            if any(reduced) and not all(reduced):
                return
            own += dims if all(reduced) else []
        if any(target[axis] == ONE for axis in axes) or not own:
            return
        new = _on_axes(op, before.operands[0], sorted(own))
        rewriter.replace(op, [new, ReshapeOp(new.results[0], shape_of(op.results[0]))])


def _on_axes(op: ReduceOp | RowOp, operand: SSAValue, axes: list[int]) -> Operation:
    """The same reduction of other axes of another operand."""
    shape = shape_of(operand)
    if isinstance(op, ReduceOp):
        keepdims = op.keepdims is not None
        shape = tuple(ONE if dim in axes else size for dim, size in enumerate(shape) if keepdims or dim not in axes)
    new = type(op).create(
        operands=[operand],
        result_types=[graph.tensor_of(type_of(op.results[0]).element_type, shape)],
        properties={**op.properties, "axes": DenseArrayBase.from_list(i64, axes)},
    )
    new.results[0].name_hint = op.results[0].name_hint
    return cast(Operation, new)


PATTERNS: tuple[type[RewritePattern], ...] = (RowsInOneDimension, BatchesInOneDimension, RowsBeforeReshape)
KNOWN_PATTERNS: tuple[Callable[[Constants], RewritePattern], ...] = (GemmToMatmul, PadOfConvolution)
