"""The comparison with other libraries, in small: shapes are what was asked for, results are checked, bars are said."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import stepwell as sw
from benchmark_files import load_benchmark
from stepwell.errors import CompileError

pytest.importorskip("onnxruntime", reason="needs onnxruntime to compare with")
operators: Any = load_benchmark("operators")

SHAPES = "conv:1,4,9,7,6,3x5,1x2,1x2,1,2; conv:2,3,8,8,3,3,1,1,2,3; matmul:5,7,3"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["operators.py", "--no-cache", "--seconds", "0", *arguments])
    return operators.main()


@pytest.mark.filterwarnings("default")
def test_shapes_are_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "found.json"
    assert run(monkeypatch, "--shapes", SHAPES, "--json", str(path)) == 0
    found = json.loads(path.read_text("utf-8"))
    assert [case["shape"] for case in found["cases"]] == [text.strip() for text in SHAPES.split(";")]
    for case in found["cases"]:
        assert {"stepwell", "onnxruntime", "limit"} <= case["seconds"].keys()
        assert 0 <= case["errors"]["stepwell"] <= operators.TOLERANCE
        assert case["ratio"] > 0
    assert "conv:1,4,9,7,6,3x5,1x2,1x2,1,2" in capsys.readouterr().out


def test_what_does_not_compile_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise CompileError("expected something else")

    monkeypatch.setattr(sw, "compile", refuse)
    assert run(monkeypatch, "--shapes", "matmul:2,3,4") == 1
    printed = capsys.readouterr()
    assert "FAILED: expected something else" in printed.out
    assert printed.err == "\nfailed: S0\n"


def test_what_is_wrong_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(operators, "TOLERANCE", -1.0)
    assert run(monkeypatch, "--shapes", "matmul:2,3,4") == 1
    assert "FAILED: expected results within" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("pool:1,2,3", "expected 'conv:' or 'matmul:', got 'pool'"),
        ("matmul:1,2", "expected three numbers, got 2"),
        ("matmul:1,2,x", "expected a number, got 'x'"),
        ("matmul:1,0,2", "expected positive numbers"),
        ("conv:1,4,9,9,6,3,1,1,1", "expected ten numbers, got 9"),
        ("conv:1,4,9,9,6,3x3x3,1,1,1,1", "expected a number, or two as in 3x5, got '3x3x3'"),
        ("conv:1,4,9,9,6,3,1,1,1,3", "expected groups that divide 4 and 6 channels, got 3"),
        ("conv:1,4,2,9,6,5,1,1,1,1", "expected an image that is larger than the window"),
    ],
)
def test_what_is_no_shape(
    shape: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "--shapes", shape)
    assert message in capsys.readouterr().err


def test_a_seed_gives_the_same_shapes() -> None:
    first, again, other = (list(map(str, operators.random_cases(40, seed))) for seed in (5, 5, 6))
    assert first == again != other
    kinds = [case.problem for case in operators.random_cases(200, 1)]
    convs = [problem for problem in kinds if isinstance(problem, operators.Conv)]
    assert len(convs) == 150
    assert all(1 <= conv.channels <= 300 and 1 <= conv.outputs <= 300 for conv in convs)
    for special in (
        lambda conv: conv.groups == conv.channels > 1,
        lambda conv: 1 < conv.groups < conv.channels,
        lambda conv: conv.size[0] != conv.size[1],
        lambda conv: conv.window[0] != conv.window[1],
        lambda conv: max(conv.dilation) > 1,
        lambda conv: max(conv.stride) > 1,
        lambda conv: conv.channels % 2 == 1,
    ):
        assert sum(map(special, convs)) >= 5


def test_bars() -> None:
    cases = [case for case in operators.select(None, _arguments()) if case.group != "matmul"]
    for case in cases:
        case.seconds = {"stepwell": 1.0, "onnxruntime": 2.0, "torch": 1.6 if case.group == "D" else 1.2}
    assert all(bar.met for bar in operators.bars(cases, exact=True))
    missed = [bar.what for bar in operators.bars(cases, exact=False) if not bar.met]
    assert missed == [f"{name} with Winograd at least 1.50x" for name in ("C2", "C6", "C9")]
    cases[-1].failure = "wrong"
    missed = [bar.what for bar in operators.bars(cases, exact=True) if not bar.met]
    assert missed == ["geometric mean of D at least 1.50x", "each of D (D9 is the worst) at least 1.00x"]


def _arguments() -> Any:
    class Arguments:
        shapes = random = int8 = only = None

    return Arguments()
