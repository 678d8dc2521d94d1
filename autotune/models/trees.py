"""Ensembles of regression trees as arrays, and native code that walks down all of them for sixteen candidates at once.

A tree is complete: where the one that was fitted ends early, both ways lead to the same value. The node `i` has the
children `2 i + 1` and `2 i + 2`; the second is for what is larger than the threshold.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...backends.llvm_cpu.backend import LlvmCpuBackend
from ...backends.llvm_cpu.codegen import MachineSpec, NativeModule
from ...dialects.cpu import TargetAttr
from ...errors import StepwellError
from ...runtime.loader import LoadedObject
from .interface import Features, Scores

LANES = 16
BLOCK = 2 * LANES
"""The candidates that go down a tree together: two vectors, so that one's loads hide those of the other."""


@dataclass(frozen=True, eq=False)
class Trees:
    """The sum of trees, and a constant."""

    depth: int
    columns: NDArray[np.int32]
    """Of each tree and node, what is compared. Each tree has place for one node more than it has."""
    thresholds: NDArray[np.float32]
    values: NDArray[np.float32]
    """Of each tree and leaf."""
    constant: float
    gains: NDArray[np.float32]
    """Of each tree and node, by how much it made the samples that were fitted fit better."""

    def importance(self, width: int) -> NDArray[np.float64]:
        """The share of each of so many columns in what all nodes gained."""
        total = np.bincount(self.columns.ravel(), self.gains.ravel(), width)
        return total / max(float(total.sum()), 1e-30)

    def predict(self, features: Features) -> Scores:
        """The sum for each row."""
        count, width = features.shape
        if len(self.columns) and int(self.columns.max()) >= width:
            raise StepwellError(f"expected features of {int(self.columns.max()) + 1} columns, got {width}")
        rows = np.ascontiguousarray(features, np.float32)
        sums = np.empty(-(-count // BLOCK) * BLOCK, np.float32)
        whole = count // BLOCK * BLOCK
        self._walk(rows, whole, sums)
        if whole < count:
            rest = np.zeros((BLOCK, width), np.float32)
            rest[: count - whole] = rows[whole:]
            self._walk(rest, BLOCK, sums[whole:])
        return sums[:count].astype(np.float64) + self.constant

    def _walk(self, rows: Features, count: int, sums: NDArray[np.float32]) -> None:
        pointers = (each.ctypes.data for each in (rows, self.columns, self.thresholds, self.values, sums))
        _walker()(*pointers, count, rows.shape[1], len(self.columns), self.depth)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, to be stored."""
        return {
            "columns": self.columns,
            "thresholds": self.thresholds,
            "values": self.values,
            "constant": np.asarray(self.constant),
            "gains": self.gains,
        }

    @staticmethod
    def of_arrays(arrays: dict[str, NDArray[Any]]) -> Trees:
        """What `to_arrays` gave."""
        values = np.ascontiguousarray(arrays["values"], np.float32)
        return Trees(
            (values.shape[1] - 1).bit_length(),
            np.ascontiguousarray(arrays["columns"], np.int32),
            np.ascontiguousarray(arrays["thresholds"], np.float32),
            values,
            float(arrays["constant"]),
            np.ascontiguousarray(arrays["gains"], np.float32),
        )

    @staticmethod
    def of_boosting(model: Any) -> Trees:
        """Those of scikit-learn's `HistGradientBoostingRegressor`, which was fitted on features without gaps."""
        fitted = [cast("NDArray[Any]", one.nodes) for (one,) in cast("Sequence[Sequence[Any]]", model._predictors)]
        return Trees.of_nodes(fitted, float(np.ravel(model._baseline_prediction)[0]))

    @staticmethod
    def of_nodes(fitted: Sequence[NDArray[Any]], constant: float) -> Trees:
        """Trees as scikit-learn has them: a record for each node."""
        depth = max((int(nodes["depth"].max()) for nodes in fitted), default=0)
        columns = np.zeros((len(fitted), 2**depth), np.int32)
        thresholds = np.zeros((len(fitted), 2**depth), np.float32)
        values = np.zeros((len(fitted), 2**depth), np.float32)
        gains = np.zeros((len(fitted), 2**depth), np.float32)
        for tree, nodes in enumerate(fitted):
            place = np.zeros(2 ** (depth + 1) - 1, np.int64)
            for node in range(2**depth - 1):
                record = nodes[place[node]]
                if record["is_leaf"]:
                    place[2 * node + 1 : 2 * node + 3] = place[node]
                    continue
                columns[tree, node] = record["feature_idx"]
                gains[tree, node] = record["gain"]
                thresholds[tree, node] = _rounded_down(float(record["num_threshold"]))
                place[2 * node + 1 : 2 * node + 3] = record["left"], record["right"]
            values[tree] = nodes["value"][place[2**depth - 1 :]]
        return Trees(depth, columns, thresholds, values, constant, gains)


def _rounded_down(threshold: float) -> np.float32:
    """The largest `f32` that is not larger: no `f32` lies between the two."""
    rounded = np.float32(threshold)
    return rounded if float(rounded) <= threshold else np.nextafter(rounded, np.float32(-np.inf))


@cache
def _walker() -> Any:
    """The native code."""
    target = LlvmCpuBackend().default_target()
    assert isinstance(target, TargetAttr)
    spec = MachineSpec(target.triple.data, target.cpu.data, target.features.data)
    loaded = LoadedObject(NativeModule(_ir(), spec).object(), ["walk"])
    function: Any = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, *[ctypes.c_int64] * 4)(loaded.address("walk"))
    function.loaded = loaded
    return function


def _ir() -> str:
    """`walk(rows, columns, thresholds, values, sums, count, width, trees, depth)`, of whole blocks of rows."""
    ints, floats, flags, pointers = (f"<{LANES} x {type}>" for type in ("i32", "float", "i1", "ptr"))
    lanes = ", ".join(f"i32 {lane}" for lane in range(LANES))
    all_lanes = ", ".join("i1 true" for _ in range(LANES))

    def splat(name: str, value: str) -> list[str]:
        return [
            f"%{name}_1 = insertelement {ints} poison, i32 {value}, i64 0",
            f"%{name} = shufflevector {ints} %{name}_1, {ints} poison, {ints} zeroinitializer",
        ]

    def gather(name: str, type: str, base: str, index: str) -> list[str]:
        vector, suffix = (ints, "i32") if type == "i32" else (floats, "f32")
        return [
            f"%{name}_p = getelementptr {type}, ptr {base}, {ints} {index}",
            f"%{name} = call {vector} @llvm.masked.gather.v{LANES}{suffix}.v{LANES}p0("
            f"{pointers} %{name}_p, i32 4, {flags} <{all_lanes}>, {vector} zeroinitializer)",
        ]

    def descend(half: str) -> list[str]:
        return [
            *gather(f"column_{half}", "i32", "%tree_columns", f"%node_{half}"),
            *gather(f"threshold_{half}", "float", "%tree_thresholds", f"%node_{half}"),
            f"%element_{half} = add {ints} %offsets_{half}, %column_{half}",
            *gather(f"x_{half}", "float", "%block", f"%element_{half}"),
            f"%right_{half} = fcmp ogt {floats} %x_{half}, %threshold_{half}",
            f"%step_{half} = zext {flags} %right_{half} to {ints}",
            f"%twice_{half} = add {ints} %node_{half}, %node_{half}",
            f"%child_{half} = add {ints} %twice_{half}, %ones",
            f"%next_{half} = add {ints} %child_{half}, %step_{half}",
        ]

    halves = ("a", "b")
    lines = [
        "define void @walk(ptr %rows, ptr %columns, ptr %thresholds, ptr %values, ptr %sums,"
        " i64 %count, i64 %width, i64 %trees, i64 %depth) {",
        "entry:",
        "%width32 = trunc i64 %width to i32",
        "%depth32 = trunc i64 %depth to i32",
        "%nodes = shl i64 1, %depth",
        "%nodes32 = trunc i64 %nodes to i32",
        "%inner = sub i32 %nodes32, 1",
        *splat("widths", "%width32"),
        *splat("ones", "1"),
        *splat("inners", "%inner"),
        *splat("half", f"{LANES}"),
        f"%offsets_a = mul {ints} %widths, <{lanes}>",
        f"%below = mul {ints} %widths, %half",
        f"%offsets_b = add {ints} %offsets_a, %below",
        "%any = icmp ne i64 %count, 0",
        "br i1 %any, label %blocks, label %exit",
        "blocks:",
        "%row = phi i64 [ 0, %entry ], [ %row_next, %block_done ]",
        "%position = mul i64 %row, %width",
        "%block = getelementptr float, ptr %rows, i64 %position",
        "br label %trees_start",
        "trees_start:",
        "%tree = phi i64 [ 0, %blocks ], [ %tree_next, %tree_done ]",
        *(f"%sum_{h} = phi {floats} [ zeroinitializer, %blocks ], [ %sum_next_{h}, %tree_done ]" for h in halves),
        "%more_trees = icmp ult i64 %tree, %trees",
        "br i1 %more_trees, label %walk_start, label %block_done",
        "walk_start:",
        "%first = mul i64 %tree, %nodes",
        "%tree_columns = getelementptr i32, ptr %columns, i64 %first",
        "%tree_thresholds = getelementptr float, ptr %thresholds, i64 %first",
        "%tree_values = getelementptr float, ptr %values, i64 %first",
        "br label %levels",
        "levels:",
        "%level = phi i64 [ 0, %walk_start ], [ %level_next, %level_body ]",
        *(f"%node_{h} = phi {ints} [ zeroinitializer, %walk_start ], [ %next_{h}, %level_body ]" for h in halves),
        "%more_levels = icmp ult i64 %level, %depth",
        "br i1 %more_levels, label %level_body, label %tree_done",
        "level_body:",
        *descend("a"),
        *descend("b"),
        "%level_next = add i64 %level, 1",
        "br label %levels",
        "tree_done:",
        *(f"%leaf_{h} = sub {ints} %node_{h}, %inners" for h in halves),
        *gather("value_a", "float", "%tree_values", "%leaf_a"),
        *gather("value_b", "float", "%tree_values", "%leaf_b"),
        *(f"%sum_next_{h} = fadd {floats} %sum_{h}, %value_{h}" for h in halves),
        "%tree_next = add i64 %tree, 1",
        "br label %trees_start",
        "block_done:",
        "%to = getelementptr float, ptr %sums, i64 %row",
        f"%to_b = getelementptr float, ptr %to, i64 {LANES}",
        f"store {floats} %sum_a, ptr %to, align 4",
        f"store {floats} %sum_b, ptr %to_b, align 4",
        f"%row_next = add i64 %row, {BLOCK}",
        "%more = icmp ult i64 %row_next, %count",
        "br i1 %more, label %blocks, label %exit",
        "exit:",
        "ret void",
        "}",
    ]
    for vector, suffix in ((ints, "i32"), (floats, "f32")):
        name = f"@llvm.masked.gather.v{LANES}{suffix}.v{LANES}p0"
        lines.append(f"declare {vector} {name}({pointers}, i32, {flags}, {vector})")
    return "\n".join(lines)
