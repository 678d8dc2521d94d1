"""How well cost models rank candidates of a family of kernels of which they have never seen one.

Each family of the data set is left out in turn. A model that learned from the others ranks uniform candidates of
workloads of that family (500, or all there are): before any trial of theirs, and after 64 trials of other candidates of
the same workload. What is told is the rank correlation (Spearman) of its ranking with the measured one, and the regret:
how much longer the best of its top 8 takes than the best of all. The same for simpler models, and for ours with parts
taken away. `--judge FOLDER` ranks candidates of other workloads, which `collect.py` has measured there.

    python benchmarks/cost_model.py --write docs/tuning.md
    python benchmarks/collect.py --into FOLDER --seed 7 --workloads 1 --judged 1
    python benchmarks/cost_model.py --judge FOLDER --check
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from collect import read_folder
from numpy.typing import NDArray
from scipy.stats import spearmanr
from stepwell.autotune.models.boosting import BoostingModel, Options, fit_base
from stepwell.autotune.models.create import MODELS, ModelFactory, model_factory
from stepwell.autotune.models.dataset import DataSet, build, shipped
from stepwell.autotune.models.interface import Samples
from stepwell.autotune.models.roofline import prior_column

RANKED, TRIALS, TOP = 500, 64, 8
LEAST_RANKED = 20
"""Workloads of which fewer candidates are left to rank say little about a ranking; where there are not enough for 64
trials and as many to rank, half of them are trials."""
COLD_BAR, WARM_BAR, REGRET_BAR = 0.75, 0.9, 0.05
MEMORY = re.compile(
    r"(l1|l2|l3|memory|bytes|whole_per|locals_per|per_l1|per_l2|traffic|lines|reuse|reuse_distance|conflicts|intensity\d)"
)
"""What the names of features of memory have in them."""

OURS = "boosting"
BEGIN, END = "<!-- cost models: begin -->", "<!-- cost models: end -->"


@dataclass(frozen=True)
class Judged:
    """How well a model ranked the candidates of a workload."""

    cold: float
    """The rank correlation before any trial."""
    warm: float
    """After 64."""
    cold_regret: float
    regret: float


def is_memory(column: str) -> bool:
    """Whether a feature says something about caches and memory."""
    return not column.startswith("target.") and MEMORY.search(column) is not None


def variants(columns: Sequence[str], seed: int) -> dict[str, Callable[[Samples], ModelFactory]]:
    """The models, and ours without parts of it."""
    full = Options(prior_column(columns), seed=seed)
    memory = tuple(number for number, column in enumerate(columns) if is_memory(column))
    taken: dict[str, Options] = {
        "without the roofline": replace(full, prior=None, ignored=_roofline(columns)),
        "without normalising": replace(full, normalize=False),
        "without features of memory": replace(full, ignored=memory),
    }

    def named(name: str) -> Callable[[Samples], ModelFactory]:
        return lambda known: model_factory(name, columns, known, seed=seed)

    def without(options: Options) -> Callable[[Samples], ModelFactory]:
        def create(known: Samples) -> ModelFactory:
            base = fit_base(known, options)
            return lambda: BoostingModel(base)

        return create

    return {name: named(name) for name in MODELS} | {name: without(options) for name, options in taken.items()}


def _roofline(columns: Sequence[str]) -> tuple[int, ...]:
    return tuple(number for number, column in enumerate(columns) if column.startswith("roofline"))


def judge(create: ModelFactory, samples: Samples, seed: int) -> Judged:
    """Ranks uniform candidates of a workload."""
    order = np.random.default_rng(seed).permutation(len(samples))
    count = min(TRIALS, len(samples) // 2)
    trials, ranked = samples.select(order[:count]), samples.select(order[count : count + RANKED])
    model = create()
    cold = model.predict(ranked.features)
    model.fit(trials)
    warm = model.predict(ranked.features)
    return Judged(
        correlation(cold, ranked.scores),
        correlation(warm, ranked.scores),
        regret(cold, ranked.seconds),
        regret(warm, ranked.seconds),
    )


def correlation(predicted: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    """Spearman's; 0 for what ranks nothing."""
    if np.ptp(predicted) == 0:
        return 0.0
    return float(spearmanr(predicted, measured).statistic)


def regret(predicted: NDArray[np.float64], seconds: NDArray[np.float64]) -> float:
    """How much longer the best of the top ones takes than the best one."""
    top = np.argsort(-predicted, kind="stable")[:TOP]
    return float(seconds[top].min() / seconds.min() - 1)


def mean(found: Sequence[Judged]) -> Judged:
    """The means of everything."""
    return Judged(*(float(np.mean([getattr(each, name) for each in found])) for name in Judged.__annotations__))


@dataclass(frozen=True)
class Report:
    """What was found: of each model and family, each workload's means over the seeds."""

    families: tuple[str, ...]
    found: dict[str, dict[str, dict[str, Judged]]]

    def of(self, model: str, family: str) -> Judged:
        """The means over workloads."""
        return mean(list(self.found[model][family].values()))

    def overall(self, model: str) -> Judged:
        """The means over families."""
        return mean([self.of(model, family) for family in self.families])

    def table(self) -> str:
        """In Markdown: correlation before any trial and after 64, and regret after 64."""
        lines = [
            f"| model | {' | '.join(self.families)} | all | regret |",
            f"|---|{'---:|' * (len(self.families) + 2)}",
        ]
        for model in self.found:
            cells = [self.of(model, family) for family in self.families] + [self.overall(model)]
            pairs = [f"{each.cold:.2f} → {each.warm:.2f}" for each in cells]
            regrets = f"{cells[-1].cold_regret:.1%} → {cells[-1].regret:.1%}"
            lines.append(f"| {model} | {' | '.join(pairs)} | {regrets} |")
        return "\n".join(lines)

    def detail(self) -> str:
        """A line for each workload, of our model."""
        lines: list[str] = []
        for family in self.families:
            for name, each in self.found[OURS][family].items():
                lines.append(
                    f"{family:12} {name:50} {each.cold:.3f} -> {each.warm:.3f}, "
                    f"regret {each.cold_regret:.1%} -> {each.regret:.1%}"
                )
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """The bars that our model misses."""
        found: list[str] = []
        for family in self.families:
            ours = self.of(OURS, family)
            for what, value, bar in (
                ("rank correlation before any trial", ours.cold, COLD_BAR),
                (f"rank correlation after {TRIALS}", ours.warm, WARM_BAR),
            ):
                if value < bar:
                    found.append(f"{family}: {what}: expected at least {bar}, got {value:.3f}")
            if ours.regret > REGRET_BAR:
                found.append(
                    f"{family}: regret of the top {TOP}: expected at most {REGRET_BAR:.0%}, got {ours.regret:.1%}"
                )
            for other in ("roofline", "linear"):
                theirs = self.of(other, family)
                if theirs.cold > ours.cold or theirs.warm > ours.warm:
                    found.append(f"{family}: expected a better ranking than {other}'s")
        return found


def evaluate(known: DataSet, judged: DataSet, seeds: int, only: Sequence[str] | None = None) -> Report:
    """Leaves each family out."""
    families = tuple(dict.fromkeys(known.families))
    makers = variants(known.columns, 0)
    found: dict[str, dict[str, dict[str, Judged]]] = {}
    for model, maker in makers.items():
        if only is not None and model not in only:
            continue
        for family in families:
            create = maker(known.without(family))
            for group, name in enumerate(judged.names):
                which = (judged.samples.groups == group) & judged.uniform
                if judged.families[group] != family or which.sum() < 2 * LEAST_RANKED:
                    continue
                samples = judged.samples.select(which)
                each = [judge(create, samples, seed) for seed in range(seeds)]
                found.setdefault(model, {}).setdefault(family, {})[name] = mean(each)
    tested = tuple(family for family in families if any(family in of for of in found.values()))
    return Report(tested, found)


def speed(known: DataSet, candidates: int = 100_000) -> str:
    """How fast our model is fitted, and predicts."""
    start = perf_counter()
    model = model_factory(OURS, known.columns, known.samples)()
    fitted = perf_counter()
    model.fit(known.samples.select(np.arange(TRIALS)))
    corrected = perf_counter()
    rows = known.samples.features[np.arange(candidates) % len(known.samples)]
    before = perf_counter()
    model.predict(rows)
    rate = candidates / (perf_counter() - before)
    return (
        f"{len(known.samples)} trials of {len(known.names)} workloads are learned in {fitted - start:.2f} s, "
        f"{TRIALS} trials of one in {(corrected - fitted) * 1e3:.0f} ms; {rate:,.0f} predictions a second"
    )


def write(path: Path, text: str) -> None:
    """Replaces what is between the marks in a page."""
    page = path.read_text("utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise SystemExit(f"expected marks '{BEGIN}' and '{END}' in '{path}'")
    before, _, rest = page.partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, metavar="FOLDER", help="rank workloads that were measured there")
    parser.add_argument("--known", type=Path, metavar="FOLDER", help="learn from what was measured there instead")
    parser.add_argument("--seeds", type=int, default=3, help="how many draws of the trials are averaged (default: 3)")
    parser.add_argument("--models", metavar="NAME,NAME…", help="some of the models only")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="keep the table in this page, between its marks")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a bar is missed")
    arguments = parser.parse_args()
    known = shipped() if arguments.known is None else build(read_folder(arguments.known))
    if known is None:
        parser.error("expected a data set with today's features: python -m stepwell.autotune.models.dataset --rebuild")
    judged = known if arguments.judge is None else build(read_folder(arguments.judge))
    only = arguments.models.split(",") if arguments.models else None
    report = evaluate(known, judged, arguments.seeds, only)
    print(report.table())
    print(speed(known))
    if only is not None and OURS not in only:
        return 0
    print(report.detail())
    if arguments.write:
        write(arguments.write, report.table())
    missed = report.missed() if only is None else []
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
