"""The report: what it says about a database, in a page that loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from stepwell import te
from stepwell.autotune.database.store import Database
from stepwell.autotune.features.columns import FEATURES
from stepwell.autotune.models.create import model_factory
from stepwell.autotune.report.build import important_features, tuned_kernels
from stepwell.autotune.report.page import Roof, Tuned, render
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import sample
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.workload import Workload
from stepwell.tools.stepwell import main
from stepwell.tools.workloads import workloads_of


@pytest.fixture(scope="module")
def workload() -> Workload:
    a = te.placeholder((48, 40), "float32", name="A")
    b = te.placeholder((40, 64), "float32", name="B")
    k = te.reduce_axis(40, name="k")
    c = te.compute((48, 64), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    (found,) = workloads_of([a, b, c])
    return found


@pytest.fixture(scope="module")
def trials(workload: Workload) -> list[Trial]:
    """Candidates that are the faster the more accumulators they have."""
    space = build_space(workload, shipped=False)
    found: list[Trial] = []
    for number, candidate in enumerate(sample(space, np.random.default_rng(0), 24)):
        values = space.sketches[candidate.sketch].values(candidate.choice)
        knobs = {name: value for name, value in values.items() if isinstance(value, int | str)}
        seconds = 1e-5 / (1 + sum(value for value in knobs.values() if isinstance(value, int)))
        found.append(
            Trial(
                workload.hash,
                str(space.script(candidate)),
                Status.OK,
                (seconds,),
                measured_at=float(number),
                sketch=space.sketches[candidate.sketch].name,
                knobs=knobs,
                predicted=-np.log(seconds).item(),
            )
        )
    refused = Trial(workload.hash, "module {}", Status.REFUSED, error="tile: expected a < b & c", measured_at=99.0)
    return [*found, refused]


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    assert not checker.open
    assert all(where.startswith("#") for where in checker.loaded)
    assert "script" not in checker.tags and "link" not in checker.tags
    assert "url(" not in page and "@import" not in page
    return checker


def test_a_page_has_all_that_it_is_asked_for_and_loads_nothing(
    workload: Workload, trials: list[Trial], tmp_path: Path
) -> None:
    with Database(tmp_path / "t.db") as database:
        database.add_workload(workload)
        for trial in trials:
            database.record(trial)
        (kernel,) = tuned_kernels(database, model_factory("linear", FEATURES, None))
    best = min(trials, key=lambda trial: trial.seconds)
    assert kernel.best is not None and kernel.best.script == best.script
    assert kernel.operations == 2 * 48 * 64 * 40
    assert "reduce0" in kernel.winner_outline and "reduce0" in kernel.shipped_outline
    page = render("T", [kernel], Roof(1e11, (("L1", 2e11), ("memory", 1e10)), "cpu"))
    assert check(page).tags >= {"svg", "table", "pre", "circle"}
    for said in ("Best speed", "Predicted and measured", "Features that mattered", "Roofline", "not measured"):
        assert said in page
    assert "expected a &lt; b &amp; c" in page
    assert "24 ok, 1 refused" in page


def test_a_feature_that_decides_matters_most(workload: Workload, trials: list[Trial]) -> None:
    right = [trial for trial in trials if trial.status is Status.OK]
    generator = np.random.default_rng(0)
    found = important_features(workload, right, model_factory("linear", FEATURES, None)(), generator)
    values = [value for _, value in found]
    assert found and values == sorted(values, reverse=True) and values[0] > 0


def test_kernels_without_a_right_trial_are_shown(workload: Workload) -> None:
    failed = Trial(workload.hash, "module {}", Status.CRASHED, error="signal 11")
    page = render("T", [Tuned(workload.hash, "a kernel", [failed], 0, 0)])
    check(page)
    assert "1 crashed" in page and "signal 11" in page


def test_an_empty_database_makes_a_page(tmp_path: Path) -> None:
    with Database(tmp_path / "t.db"):
        pass
    assert main(["report", str(tmp_path / "t.db"), "-o", str(tmp_path / "r.html"), "--no-roofline"]) == 0
    check((tmp_path / "r.html").read_text("utf-8"))


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none.db"), "-o", str(tmp_path / "r.html")]) == 1
    assert "none.db" in capsys.readouterr().err
    with Database(tmp_path / "t.db"):
        pass
    assert main(["report", str(tmp_path / "t.db"), "-o", str(tmp_path / "no" / "r.html"), "--no-roofline"]) == 1
    assert re.search(r"cannot write .*r\.html", capsys.readouterr().err)
