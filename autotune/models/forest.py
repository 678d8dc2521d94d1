"""Extremely randomised trees (Geurts, Ernst, Wehenkel, 2006): what few trials of a workload say by themselves.

Each node splits where chance says, by the best of some columns: together the trees are smooth, and columns that say
nothing do little harm, however many there are. A Gaussian process needs to know which columns matter; trees find out.
All trees grow at the same time, a level in a handful of array operations, since a fit is made after each round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .interface import Features, Scores
from .trees import Trees

TREES = 60
DEPTH = 6
COLUMNS = 0.4
"""How many of the columns each node may choose from, as a part of all."""


def fit_forest(points: Features, scores: Scores, seed: int) -> Trees:
    """Trees whose mean is what is expected at points; each is fitted to all samples."""
    generator = np.random.default_rng(seed)
    count = len(points)
    middle = float(scores.mean())
    columns = np.zeros((TREES, 2**DEPTH), np.int32)
    # What is not split goes to the first child, and has the same value there.
    thresholds = np.full((TREES, 2**DEPTH), np.inf, np.float32)
    sample: NDArray[np.int64] = np.tile(np.arange(count, dtype=np.int64), TREES)
    left: Scores = np.tile(scores - middle, TREES)
    # Of each tree and sample, the tree's number and the node that the sample is at; in their order, all the time.
    tree = np.repeat(np.arange(TREES), count)
    node = np.zeros(TREES * count, np.int64)
    for _ in range(DEPTH):
        order = np.lexsort((node, tree))
        sample, left, tree, node = sample[order], left[order], tree[order], node[order]
        starts, group = _groups(tree, node)
        chosen, threshold = _splits(points, sample, left, starts, group, generator)
        columns[tree[starts], node[starts]] = chosen
        thresholds[tree[starts], node[starts]] = threshold
        node = 2 * node + 1 + (points[sample, chosen[group]] > threshold[group])
    order = np.lexsort((node, tree))
    left, tree, node = left[order], tree[order], node[order]
    starts, _ = _groups(tree, node)
    sizes = np.diff(np.append(starts, len(node)))
    values = np.zeros((TREES, 2**DEPTH), np.float32)
    values[tree[starts], node[starts] - (2**DEPTH - 1)] = np.add.reduceat(left, starts) / sizes / TREES
    return Trees(DEPTH, columns, thresholds, values, middle, np.zeros_like(thresholds))


def _groups(tree: NDArray[np.int64], node: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where nodes begin, and which one each sample is at, by its number."""
    is_first = np.append(True, (np.diff(tree) != 0) | (np.diff(node) != 0))
    return np.flatnonzero(is_first), np.cumsum(is_first) - 1


def _splits(
    points: Features,
    sample: NDArray[np.int64],
    left: Scores,
    starts: NDArray[np.int64],
    group: NDArray[np.int64],
    generator: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Of each node the column and the threshold, infinite if nothing is gained by a split."""
    width = points.shape[1]
    few = max(1, round(COLUMNS * width))
    tried = generator.random((len(starts), width), np.float32).argpartition(few - 1, axis=1)[:, :few]
    values = points[sample[:, None], tried[group]]
    lows, highs = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    drawn = (lows + generator.random(lows.shape, np.float32) * (highs - lows)).astype(np.float32)
    # Rounding must not leave a side without samples.
    drawn = np.where(drawn < highs, drawn, lows)
    is_right = values > drawn[group]
    sizes = np.diff(np.append(starts, len(left)))[:, None]
    rights = np.add.reduceat(is_right.astype(np.float64), starts)
    sums = np.add.reduceat(left, starts)[:, None]
    right_sums = np.add.reduceat(np.where(is_right, left[:, None], 0.0), starts)
    may_split = (rights > 0) & (rights < sizes)
    others = np.where(may_split, sizes - rights, 1.0)
    gains = right_sums**2 / np.where(may_split, rights, 1.0) + (sums - right_sums) ** 2 / others - sums**2 / sizes
    gains = np.where(may_split, gains, -1.0)
    best = gains.argmax(axis=1)
    rows = np.arange(len(starts))
    is_worth_it = gains[rows, best] > 0
    chosen = np.where(is_worth_it, tried[rows, best], 0).astype(np.int32)
    return chosen, np.where(is_worth_it, drawn[rows, best], np.inf).astype(np.float32)
