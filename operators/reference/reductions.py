"""Operators that reduce rows, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import reductions as ops
from .arrays import Array, SemanticsTable, wide


def _sum(op: ops.ReduceSumOp, operand: Array) -> Array:
    return wide(operand).sum(axis=op.axis_list, keepdims=op.keepdims is not None)


def _prod(op: ops.ReduceProdOp, operand: Array) -> Array:
    return wide(operand).prod(axis=op.axis_list, keepdims=op.keepdims is not None)


def _max(op: ops.ReduceMaxOp, operand: Array) -> Array:
    return wide(operand).max(axis=op.axis_list, keepdims=op.keepdims is not None)


def _min(op: ops.ReduceMinOp, operand: Array) -> Array:
    return wide(operand).min(axis=op.axis_list, keepdims=op.keepdims is not None)


def _argmax(op: ops.ArgMaxOp, operand: Array) -> Array:
    return _position(op, np.argmax, operand)


def _argmin(op: ops.ArgMinOp, operand: Array) -> Array:
    return _position(op, np.argmin, operand)


def _position(op: ops.ArgReduceOp, find: Callable[..., Array], operand: Array) -> Array:
    axis, keepdims = op.axis_index, op.keepdims is not None
    if op.last is None:
        return find(wide(operand), axis=axis, keepdims=keepdims)
    return operand.shape[axis] - 1 - find(np.flip(wide(operand), axis), axis=axis, keepdims=keepdims)


def _softmax(op: ops.SoftmaxOp, operand: Array) -> Array:
    axes = op.axis_list
    powers = np.exp(wide(operand) - wide(operand).max(axis=axes, keepdims=True))
    return powers / powers.sum(axis=axes, keepdims=True)


def _log_softmax(op: ops.LogSoftmaxOp, operand: Array) -> Array:
    axes = op.axis_list
    shifted = wide(operand) - wide(operand).max(axis=axes, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axes, keepdims=True))


def _cumsum(op: ops.CumSumOp, operand: Array) -> Array:
    axis = op.axis_index
    ordered = wide(np.flip(operand, axis) if op.reverse else operand)
    sums = np.cumsum(ordered, axis)
    if op.exclusive:
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums.take(range(sums.shape[axis] - 1), axis)], axis)
    return np.flip(sums, axis) if op.reverse else sums


SEMANTICS: SemanticsTable = {
    ops.ReduceSumOp: _sum,
    ops.ReduceProdOp: _prod,
    ops.ReduceMaxOp: _max,
    ops.ReduceMinOp: _min,
    ops.ArgMaxOp: _argmax,
    ops.ArgMinOp: _argmin,
    ops.SoftmaxOp: _softmax,
    ops.LogSoftmaxOp: _log_softmax,
    ops.CumSumOp: _cumsum,
}
