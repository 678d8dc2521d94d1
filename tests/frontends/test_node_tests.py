"""ONNX's own node tests: each passes or is refused by name, and `docs/onnx.md` says which."""

from __future__ import annotations

from typing import Any

import pytest
from benchmark_files import ROOT, load_benchmark
from stepwell.tools.onnx_backend import StepwellBackend

coverage: Any = load_benchmark("onnx_coverage")
OUTCOMES: dict[str, Any] = {}


def outcome_of(case: Any) -> Any:
    if case.name not in OUTCOMES:
        OUTCOMES[case.name] = coverage.run_case(case, lambda model: StepwellBackend.prepare(model, threads=1))
    return OUTCOMES[case.name]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in coverage.node_cases()])
def test_passes_or_is_refused_by_name(case: Any) -> None:
    outcome = outcome_of(case)
    assert outcome.kind in ("passed", "refused"), outcome.message
    if outcome.kind == "refused":
        named = {node.op_type for node in case.model.graph.node} | {coverage.operator_of(case)}
        inputs = {info.name for info in case.model.graph.input} | {info.name for info in case.model.graph.output}
        assert any(name in outcome.message for name in named | inputs), outcome.message


@pytest.mark.filterwarnings("default")
def test_the_page_says_what_runs() -> None:
    cases = coverage.node_cases()
    outcomes = [(case, outcome_of(case)) for case in cases]
    assert len(cases) == 1319
    assert sum(outcome.kind == "passed" for _, outcome in outcomes) >= 900
    assert (ROOT / "docs" / "onnx.md").read_text("utf-8") == coverage.coverage_page(outcomes)
