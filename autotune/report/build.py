"""The report of a database: gathers what its page shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from ...backends.registry import make_context
from ...dialects.cpu import TargetAttr
from ...errors import StepwellError
from ...passes.loop.apply_schedules import apply_shipped_schedules
from ..bound import argument_bytes, operations
from ..database.store import Database, WorkloadRecord
from ..features.columns import FEATURES, features_of
from ..machine import Limit, Passage, best_seconds
from ..measure.compile import Compiler
from ..models.create import ModelFactory
from ..models.interface import CostModel, Samples
from ..trial import Status, Trial, is_shipped
from ..workload import Workload
from .outline import outline
from .page import Roof, Tuned

FEWEST = 8
"""With fewer right trials there is nothing to say about features."""
PERMUTATIONS = 5


def tuned_kernels(database: Database, models: ModelFactory | None = None, *, seed: int = 0) -> list[Tuned]:
    """What is known of each kernel of a database that has trials.

    Args:
        models: makes models that are asked which features matter; nothing is said of features without.
        seed: of the permutations that tell.
    """
    records = [(record, database.trials(record)) for record in database.workloads()]
    return [_tuned(record, trials, models, seed) for record, trials in records if trials]


def _tuned(record: WorkloadRecord, trials: Sequence[Trial], models: ModelFactory | None, seed: int) -> Tuned:
    workload = record.workload()
    ordered = sorted(trials, key=lambda trial: trial.measured_at)
    right = [trial for trial in ordered if trial.status is Status.OK]
    shipped = min((trial for trial in right if is_shipped(trial.sketch)), key=lambda trial: trial.seconds, default=None)
    best = min(right, key=lambda trial: trial.seconds, default=None)
    importances: list[tuple[str, float]] = []
    if models is not None and len(right) >= FEWEST:
        importances = important_features(workload, right, models(), np.random.default_rng(seed))
    return Tuned(
        record.hash,
        record.description,
        ordered,
        operations(workload),
        sum(argument_bytes(workload)),
        shipped,
        winner_outline="" if best is None else _outline(_scheduled(workload, best)),
        shipped_outline=_outline(_shipped(workload)),
        importances=importances,
    )


def _shipped(workload: Workload) -> ModuleOp:
    module = workload.copy()
    for op in module.ops:
        if isinstance(op, FuncOp):
            apply_shipped_schedules(make_context(), op)
    return module


def _scheduled(workload: Workload, trial: Trial) -> ModuleOp | None:
    """A kernel as a trial had it; None if its script does not apply any more."""
    if is_shipped(trial.sketch):
        return _shipped(workload)
    try:
        return Compiler(workload).scheduled(trial.script)
    except StepwellError:
        return None


def _outline(module: ModuleOp | None) -> str:
    if module is None:
        return "the script does not apply with this version"
    return "\n".join(outline(op) for op in module.ops if isinstance(op, FuncOp))


def important_features(
    workload: Workload, trials: Sequence[Trial], model: CostModel, generator: np.random.Generator
) -> list[tuple[str, float]]:
    """By how much a model that knows the trials is more wrong about them when a feature's values are shuffled: the root
    of the mean square, of the logarithm of throughput. Most important first.

    Breiman, Random Forests, 2001: permutation importance.
    """
    rows: list[NDArray[np.float32]] = []
    seconds: list[float] = []
    for trial in trials:
        module = _scheduled(workload, trial)
        if module is not None:
            function = next(op for op in module.ops if isinstance(op, FuncOp))
            rows.append(features_of(workload, function))
            seconds.append(trial.seconds)
    if len(rows) < FEWEST:
        return []
    matrix = np.stack(rows)
    model.fit(Samples.of(matrix, seconds))
    measured = -np.log(np.array(seconds))

    def wrong(features: NDArray[np.float32]) -> float:
        off = model.predict(features) - measured
        return float(np.std(off))

    before = wrong(matrix)
    found: list[tuple[str, float]] = []
    for column, name in enumerate(FEATURES):
        if np.ptp(matrix[:, column]) == 0:
            continue
        losses: list[float] = []
        for _ in range(PERMUTATIONS):
            shuffled = matrix.copy()
            shuffled[:, column] = generator.permutation(shuffled[:, column])
            losses.append(wrong(shuffled) - before)
        found.append((name, math.fsum(losses) / len(losses)))
    return sorted(found, key=lambda each: -each[1])


def measure_roof(target: TargetAttr) -> Roof:
    """What this machine can do, which the target has to be."""
    levels = [("L1", target.l1_bytes.data // 2), ("L2", target.l2_bytes.data // 2)]
    # Of a cache that cores share, a part.
    levels.append(("L3", min(target.l3_bytes.data // 4, 8 * target.l2_bytes.data)))
    levels.append(("memory", min(4 * target.l3_bytes.data, 256 << 20)))
    found: list[tuple[str, float]] = []
    for name, size in levels:
        passage = Passage(target, size // 2, size // 2)
        found.append((name, size / (best_seconds(passage, 0.05) * passage.share)))
    return Roof(1e9 * Limit(target).gflops(), tuple(found), target.cpu.data)
