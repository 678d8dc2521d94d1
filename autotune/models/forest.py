"""Extremely randomised trees (Geurts, Ernst, Wehenkel, 2006): what few trials of a workload say by themselves.

Each tree splits where chance says, at the best of some columns: together they are smooth, and columns that say nothing
do little harm, however many there are. A Gaussian process needs to know which columns matter; trees find out.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import Features, Scores
from .trees import Trees

TREES = 60
DEPTH = 6
COLUMNS = 0.4
"""The part of the columns that each split may choose from."""


def fit_forest(points: Features, scores: Scores, seed: int) -> Trees:
    """Trees whose mean is what is expected at points."""
    # It has no types, and what needs no fit needs no import.
    ensemble: Any = import_module("sklearn.ensemble")
    model: Any = ensemble.ExtraTreesRegressor(TREES, max_depth=DEPTH, max_features=COLUMNS, random_state=seed)
    middle = float(scores.mean())
    model.fit(points, scores - middle)
    return _trees([each.tree_ for each in model.estimators_], middle)


def _trees(fitted: list[Any], constant: float) -> Trees:
    """The mean of trees as scikit-learn has them: an array for each property of nodes."""
    depth = max(int(tree.max_depth) for tree in fitted)
    columns = np.zeros((len(fitted), 2**depth), np.int32)
    thresholds = np.zeros((len(fitted), 2**depth), np.float32)
    values = np.zeros((len(fitted), 2**depth), np.float32)
    for number, tree in enumerate(fitted):
        left: NDArray[np.int64] = tree.children_left
        place = np.zeros(2 ** (depth + 1) - 1, np.int64)
        for level in range(depth):
            first, count = 2**level - 1, 2**level
            here = place[first : first + count]
            is_leaf = left[here] < 0
            columns[number, first : first + count] = np.where(is_leaf, 0, tree.feature[here])
            thresholds[number, first : first + count] = np.where(is_leaf, 0, _rounded_down(tree.threshold[here]))
            children = place[2 * first + 1 : 2 * (first + count) + 1]
            children[0::2] = np.where(is_leaf, here, left[here])
            children[1::2] = np.where(is_leaf, here, tree.children_right[here])
        values[number] = tree.value[place[2**depth - 1 :], 0, 0] / len(fitted)
    return Trees(depth, columns, thresholds, values, constant, np.zeros_like(thresholds))


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest `f32` numbers that are not larger: none lies between the two."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded <= thresholds, rounded, np.nextafter(rounded, np.float32(-np.inf)))
