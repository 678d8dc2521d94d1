"""Searches side by side, as Figure 12 of the TVM paper: best speed against the number of trials.

    python benchmarks/search.py --seeds 5 --check --plot search.svg

Each of some kernels is searched in the same space, on one core, from an empty database, without the shipped schedules,
and with a model that was fitted without the kernel's family: guided by the model, at random, and by the genetic
baseline (population 100, elite 3, mutation 0.1). Seeds differ in all that is drawn. A script is measured once in a run:
who proposes it again is told the same time, so that no search has better luck with the same candidate.

The bars: guided search reaches 99 % of the best of the random search's trials within 60 trials, and of the genetic
one's within 100, as medians over the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import stepwell as sw
from stepwell.autotune.bound import operations
from stepwell.autotune.measure.interface import Finished, MeasureInput, Measurer
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.models.create import shipped_models
from stepwell.autotune.progress import COUNTED
from stepwell.autotune.report.charts import Chart
from stepwell.autotune.trial import Trial
from stepwell.autotune.workload import Workload
from stepwell.tools.workloads import workloads_of

from operators import Conv, known_cases, parse_shape

BASELINES = {"random": 60, "genetic": 100}
"""How many guided trials have to be enough to come next to each baseline's best."""
NEAR = 0.99
FIGURE = "C2,C6,C9,D5"


class Remembering(Measurer):
    """Measures each script once, and logs what it is asked for, in order, until it is asked again."""

    def __init__(self, inner: Measurer) -> None:
        self.inner = inner
        self.known: dict[str, Trial] = {}
        self.log: dict[str, Trial] = {}

    def measure(
        self,
        workload: Workload,
        inputs: Sequence[MeasureInput],
        *,
        best_seconds: float = inf,
        finished: Finished | None = None,
    ) -> list[Trial]:
        new = [each for each in inputs if each.script not in self.known]
        # Nobody knows what will be compared with what: no trial is cut short.
        for trial in self.inner.measure(workload, new):
            self.known[trial.script] = trial
        found = [self.known[each.script] for each in inputs]
        for position, trial in enumerate(found):
            self.log.setdefault(trial.script, trial)
            if finished is not None:
                finished(position, trial)
        return found

    def close(self) -> None:
        self.inner.close()


@dataclass
class Searched:
    """A kernel, and the speed after each trial of each search."""

    name: str
    family: str
    workload: Workload
    speeds: dict[str, list[list[float]]] = field(default_factory=dict[str, list[list[float]]])
    """Of each search, for each seed, the best speed after each trial, GFLOP/s."""

    def needed(self, baseline: str) -> list[int | None]:
        """For each seed, after how many trials the guided search is next to the baseline's best."""
        pairs = zip(self.speeds["guided"], self.speeds[baseline], strict=True)
        return [next((n for n, speed in enumerate(own, 1) if speed >= NEAR * other[-1]), None) for own, other in pairs]


def median_needed(counts: Sequence[int | None]) -> float:
    """The median, where a search that did not get there is longer than any other."""
    return statistics.median(inf if count is None else count for count in counts)


def search(case: Searched, which: str, seed: int, trials: int, measurer: Remembering, guided: str) -> None:
    """One search of one kernel with one seed."""
    measurer.log = {}
    sw.tune(
        [case.workload],
        trials=trials,
        seed=seed,
        search=guided if which == "guided" else which,
        model=shipped_models("boosting", without=case.family) if which == "guided" else "random",
        shipped=False,
        measurer=measurer,
    )
    counted = [trial for trial in measurer.log.values() if trial.status in COUNTED]
    work = operations(case.workload)
    best, found = 0.0, list[float]()
    for trial in counted[:trials]:
        best = max(best, work / trial.seconds / 1e9)
        found.append(best)
    case.speeds.setdefault(which, []).append(found)


def plot(cases: Sequence[Searched]) -> str:
    """The median curves, with the spread over seeds, one chart below the other."""
    charts: list[str] = []
    kinds = {"guided": "a", "random": "b", "genetic": "c"}
    for case in cases:
        longest = max(len(curve) for curves in case.speeds.values() for curve in curves)
        top = max(curve[-1] for curves in case.speeds.values() for curve in curves)
        chart = Chart.of([0, longest], [0.5 * top, top], f"{case.name}: trials", "GFLOP/s")
        for which, curves in case.speeds.items():
            middle: list[tuple[float, float]] = []
            for number in range(min(map(len, curves))):
                at = sorted(curve[number] for curve in curves)
                low, high = max(chart.y.low, at[0]), max(chart.y.low, at[-1])
                if number % 10 == 0:
                    chart.line([(number + 1, low), (number + 1, high)], f"{kinds[which]} faint")
                middle.append((number + 1.0, max(chart.y.low, statistics.median(at))))
            chart.steps(middle, kinds[which])
            chart.label(middle[-1][0] * 0.7, middle[-1][1], which)
        charts.append(chart.svg(f"best speed of {case.name} against trials"))
    height = 310
    placed = "\n".join(
        chart.replace("<svg ", f'<svg x="0" y="{height * number}" width="520" height="300" ', 1)
        for number, chart in enumerate(charts)
    )
    style = (
        "text{font:11px sans-serif;fill:#333}.mid{text-anchor:middle}.end{text-anchor:end}.grid{stroke:#ddd}"
        ".line{fill:none;stroke-width:2}.a{stroke:#1f6feb}.b{stroke:#c2410c}.c{stroke:#15803d}.faint{opacity:.3}"
    )
    size = f'width="520" height="{height * len(charts)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>\n{placed}\n</svg>\n'


def find_cases(text: str) -> list[Searched]:
    """The kernels that the command line names: of the table, or as `conv:…` and `matmul:…`, split by semicolons."""
    known = {case.name: case.problem for case in known_cases()}
    found: list[Searched] = []
    for name in text.replace(";", ",").split(",") if ":" not in text else text.split(";"):
        problem = known[name] if name in known else parse_shape(name)
        if not isinstance(problem, Conv):
            family = "matmul"
        else:
            family = "depthwise" if problem.groups == problem.channels > 1 else "convolution"
        (workload,) = workloads_of(problem.model(), threads=1, conv_algorithm="direct")
        found.append(Searched(name, family, workload))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=FIGURE, help="kernels (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default: %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=500, help="of the baselines (default: %(default)s)")
    parser.add_argument("--guided-trials", type=int, default=120, help="of guided search (default: %(default)s)")
    parser.add_argument("--guided", default="evolutionary", help="evolutionary (default) or annealing")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="where the curves are drawn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all curves are written")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bar is missed")
    arguments = parser.parse_args()
    try:
        cases = find_cases(arguments.cases)
    except ValueError as error:
        parser.error(str(error))
    missed = False
    for case in cases:
        with LocalMeasurer() as inner, Remembering(inner) as measurer:
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                for which in ("guided", *BASELINES):
                    trials = arguments.guided_trials if which == "guided" else arguments.trials
                    search(case, which, seed, trials, measurer, arguments.guided)
                ends = ", ".join(f"{which} {curves[-1][-1]:.1f}" for which, curves in case.speeds.items())
                print(f"{case.name} seed {seed}: best GFLOP/s {ends}", flush=True)
        for baseline, bar in BASELINES.items():
            counts = case.needed(baseline)
            median = median_needed(counts)
            met = median <= bar
            missed = missed or not met
            said = ", ".join("never" if count is None else str(count) for count in counts)
            what = f"{NEAR:.0%} of {baseline}'s best of {arguments.trials} within {bar} trials"
            print(f"{'met   ' if met else 'MISSED'}  {case.name}: {what}: median {median:g} ({said})", flush=True)
    if arguments.plot:
        arguments.plot.write_text(plot(cases), "utf-8")
    if arguments.json:
        rows = [{"name": case.name, "family": case.family, "speeds": case.speeds} for case in cases]
        arguments.json.write_text(json.dumps(rows) + "\n", "utf-8")
    return int(arguments.check and missed)


if __name__ == "__main__":
    sys.exit(main())
