"""What of ONNX's own node tests runs: `python benchmarks/onnx_coverage.py [--write docs/onnx.md] [PATTERN]`.

Every test of `onnx.backend.test` at opset 23 or below is compiled and called; it passes, or is refused with an error
that says why. Anything else is printed, and makes the command fail. `--write` leaves the table of operators.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from stepwell.errors import StepwellError

NEWEST_OPSET = 23


@dataclass(frozen=True)
class Outcome:
    """What became of a test: `passed`, `refused`, `wrong` (a value), or `crashed` (an error that is not ours)."""

    kind: str
    message: str = ""


@cache
def node_cases() -> tuple[Any, ...]:
    """The node tests of the installed onnx at opset 23 or below."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)  # pyright: ignore[reportArgumentType]
    return tuple(case for case in cases if opset_of(case) <= NEWEST_OPSET)


def opset_of(case: Any) -> int:
    """The version of ONNX's own operators that a test uses; 0 if it uses none."""
    return next((opset.version for opset in case.model.opset_import if opset.domain in ("", "ai.onnx")), 0)


def operator_of(case: Any) -> str:
    """The operator that a test is for."""
    if "_expanded" not in case.name:
        return next(node.op_type for node in reversed(case.model.graph.node))
    return _operators_by_test().get(case.name.partition("_expanded")[0], case.name)


@cache
def _operators_by_test() -> Mapping[str, str]:
    return {case.name: operator_of(case) for case in node_cases() if "_expanded" not in case.name}


def run_case(case: Any, prepare: Callable[..., Any]) -> Outcome:
    """Compiles a test's model with a backend's `prepare`, and compares what it computes."""
    try:
        program = prepare(case.model)
        for inputs, expected in case.data_sets:
            if not all(_is_tensor(value) for value in (*inputs, *expected)):
                raise StepwellError(f"{operator_of(case)}: expected tensors as inputs and outputs")
            results = program.run([_array(value) for value in inputs])
            _compare(results, [_array(value) for value in expected], case.rtol, case.atol)
    except StepwellError as error:
        return Outcome("refused", str(error))
    except AssertionError as error:
        return Outcome("wrong", str(error))
    except Exception as error:
        return Outcome("crashed", f"{type(error).__name__}: {error}")
    return Outcome("passed")


def _is_tensor(value: object) -> bool:
    return isinstance(value, np.ndarray | np.generic) or hasattr(value, "data_type")


def _array(value: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.to_array(value) if hasattr(value, "data_type") else np.asarray(value)


def _compare(results: Sequence[Any], expected: Sequence[Any], rtol: float, atol: float) -> None:
    assert len(results) == len(expected), f"expected {len(expected)} outputs, got {len(results)}"
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype, f"expected {wanted.dtype}, got {result.dtype}"
        assert result.shape == wanted.shape, f"expected shape {wanted.shape}, got {result.shape}"
        if result.dtype.kind in "fV":
            result, wanted = result.astype(np.float64), wanted.astype(np.float64)
        np.testing.assert_allclose(result, wanted, rtol=rtol, atol=atol)


def run_all(cases: Iterable[Any], prepare: Callable[..., Any]) -> Iterator[tuple[Any, Outcome]]:
    """What becomes of each test."""
    for case in cases:
        yield case, run_case(case, prepare)


def reason_of(message: str) -> str:
    """Why something was refused, without the names of nodes and values."""
    message = re.sub(r"^((node|weight|input|output) ('[^']*'|\d+)( of \w+)?: )+", "", message)
    message = re.sub(r"expected one of the \d+ operators that docs/onnx.md lists, got (.*?) \(.*", r"no \1", message)
    message = re.sub(r"expected an element type of .*, got", "element type", message)
    return message.replace("|", "\\|").split("\n")[0]


def coverage_page(outcomes: Sequence[tuple[Any, Outcome]]) -> str:
    """The page `docs/onnx.md`."""
    from stepwell.frontends.onnx.converters import CONVERTERS

    kinds = Counter(outcome.kind for _, outcome in outcomes)
    names = {"If", *(f"{c.domain}.{c.op_type}" if c.domain else c.op_type for c in CONVERTERS)}
    rows: dict[str, list[tuple[Any, Outcome]]] = defaultdict(list)
    for case, outcome in outcomes:
        rows[operator_of(case)].append((case, outcome))
    refused = sorted(op for op, found in rows.items() if all(o.kind != "passed" for _, o in found))
    lines = [
        "# ONNX",
        "",
        "This page is written by `make onnx-coverage`, from what runs. A test holds it to that.",
        "",
        f"Models of opset 7 to {NEWEST_OPSET} are imported. Of ONNX's {len(outcomes)} node tests at opset",
        f"{NEWEST_OPSET} or below, {kinds['passed']} pass; the other {kinds['refused']} are refused with an error that",
        "names the operator.",
        "",
        "Tensors are dense, of numbers or booleans, and not empty. An extent is a number, or a name that each call",
        "gives a value to. Where the *value* of an input decides an extent (the shape of a Reshape), the program is",
        "compiled for each value that it is called with. An operator that ONNX defines as a function of others is",
        "expanded if it has no converter of its own.",
        "",
        "Where ONNX's reference and ONNX Runtime differ, the reference is followed. `Resize` with `align_corners` and",
        "a scale that gives no whole extent goes by the scaled one, as ONNX's tests do (torch and ONNX Runtime go by",
        "the whole one). A maximum or minimum with a NaN is NaN. Floats saturate where they are converted to integers.",
        "",
        "## Operators with a converter",
        "",
        ", ".join(sorted(f"`{name}`" for name in names)),
        "",
        "## Node tests",
        "",
        "| operator | passed | refused | why |",
        "|---|---|---|---|",
    ]
    for op, found in sorted(rows.items()):
        if op in refused:
            continue
        passed = sum(outcome.kind == "passed" for _, outcome in found)
        lines.append(f"| {op} | {passed} | {len(found) - passed or ''} | {_reasons(found)} |")
    lines += ["", "## Refused", "", "| operator | tests | why |", "|---|---|---|"]
    lines += [f"| {op} | {len(rows[op])} | {_reasons(rows[op])} |" for op in refused]
    return "\n".join(lines) + "\n"


def _reasons(found: Sequence[tuple[Any, Outcome]]) -> str:
    reasons = dict.fromkeys(reason_of(outcome.message) for _, outcome in found if outcome.kind != "passed")
    return "; ".join(reasons)


def main() -> int:
    from stepwell.tools.onnx_backend import StepwellBackend

    parser = argparse.ArgumentParser(description="Runs ONNX's node tests.")
    parser.add_argument("pattern", nargs="?", default="", help="a regular expression that names of tests match")
    parser.add_argument("--write", type=Path, help="the page to write")
    options = parser.parse_args()
    cases = [case for case in node_cases() if re.search(options.pattern, case.name)]
    outcomes: list[tuple[Any, Outcome]] = []
    for case, outcome in run_all(cases, lambda model: StepwellBackend.prepare(model, threads=1)):
        outcomes.append((case, outcome))
        if outcome.kind != "passed":
            print(f"{outcome.kind:8} {case.name}: {outcome.message.splitlines()[0] if outcome.message else ''}")
    kinds = Counter(outcome.kind for _, outcome in outcomes)
    print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    if options.write is not None:
        options.write.write_text(coverage_page(outcomes), "utf-8")
    return 1 if kinds["wrong"] or kinds["crashed"] else 0


if __name__ == "__main__":
    sys.exit(main())
