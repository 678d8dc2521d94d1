"""How fast the tuner is at what it does over and over, on one core: ranking candidates, and measuring them.

    python benchmarks/rates.py --check

Ranking is what a round of guided search does with candidates that it draws: features, as closed forms of knobs that
were found before, and predictions of the shipped model. Measuring is compiling, checking and timing candidates of the
kernel's own space, as guided search proposes them; what the tuner does in between is told apart from it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import stepwell as sw
from stepwell.autotune.features.closed_forms import WorkloadFeatures
from stepwell.autotune.measure.interface import Finished, MeasureInput, Measurer
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.models.create import shipped_models
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import random_choices
from stepwell.autotune.trial import Trial
from stepwell.autotune.workload import Workload
from stepwell.tools.workloads import workloads_of
from threadpoolctl import threadpool_limits

from operators import known_cases, parse_shape

RANKED, MEASURED = 100_000, 8
"""The bars: so many candidates a second are ranked, and so many measured."""


@dataclass
class Watched(Measurer):
    """Notes how long a measurer takes."""

    inner: Measurer
    seconds: float = 0.0
    trials: int = 0
    compiling: float = 0.0

    def prepare(self, workload: Workload) -> None:
        self.inner.prepare(workload)

    def measure(
        self,
        workload: Workload,
        inputs: Sequence[MeasureInput],
        *,
        best_seconds: float = inf,
        finished: Finished | None = None,
    ) -> list[Trial]:
        start = time.perf_counter()
        trials = self.inner.measure(workload, inputs, best_seconds=best_seconds, finished=finished)
        self.seconds += time.perf_counter() - start
        self.trials += len({each.script for each in inputs})
        self.compiling += sum({trial.script: trial.compile_seconds for trial in trials}.values())
        return trials

    def close(self) -> None:
        self.inner.close()


def ranking(workload: Workload, count: int, rounds: int = 5) -> tuple[float, float]:
    """How many candidates a second have their features found and are ranked by these; the median of some rounds."""
    space = build_space(workload, shipped=False)
    features, model = WorkloadFeatures(workload), shipped_models()()
    rng = np.random.default_rng(0)
    largest = max(space.sketches, key=lambda sketch: sketch.size)
    drawn = [(each, random_choices(each, rng, count)) for each in space.sketches if each.size * 10 >= largest.size]
    for sketch, choices in drawn:
        features.matrix(sketch, choices[:64])
    times: list[tuple[float, float]] = []
    with threadpool_limits(1):
        for _ in range(rounds):
            found = together = 0.0
            for sketch, choices in drawn:
                start = time.perf_counter()
                matrix, _ = features.matrix(sketch, choices)
                middle = time.perf_counter()
                model.predict(matrix)
                found, together = found + middle - start, together + time.perf_counter() - start
            times.append((found, together))
    total = sum(len(choices) for _, choices in drawn)
    found, together = (float(np.median(column)) for column in zip(*times, strict=True))
    return total / found, total / together


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", default="C2", help="a kernel of the table, conv:… or matmul:… (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=64, help="how many are measured (default: %(default)s)")
    parser.add_argument("--candidates", type=int, default=4096, help="ranked together (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bar is missed")
    arguments = parser.parse_args()
    known = {case.name: case.problem for case in known_cases()}
    try:
        problem = known[arguments.case] if arguments.case in known else parse_shape(arguments.case)
    except ValueError as error:
        parser.error(str(error))
    (workload,) = workloads_of(problem.model(), threads=1, conv_algorithm="direct")
    features, ranked = ranking(workload, arguments.candidates)
    print(f"{arguments.case}: features of {features:,.0f} candidates a second, {ranked:,.0f} ranked", flush=True)
    with Watched(LocalMeasurer(1)) as measurer:
        measurer.prepare(workload)
        start = time.perf_counter()
        sw.tune([workload], trials=arguments.trials, shipped=False, measurer=measurer)
        whole = time.perf_counter() - start
    measured = measurer.trials / measurer.seconds
    compiled = measurer.compiling / measurer.trials
    between = (whole - measurer.seconds) / measurer.trials
    print(
        f"{arguments.case}: {measured:.1f} trials a second ({compiled * 1e3:.0f} ms of each to compile),"
        f" and {between * 1e3:.0f} ms of search for each"
    )
    missed = ranked < RANKED or measured < MEASURED
    return int(arguments.check and missed)


if __name__ == "__main__":
    sys.exit(main())
