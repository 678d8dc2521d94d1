"""The workloads of a program, and algorithms of convolutions that are chosen by what was recorded of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stepwell import te
from stepwell.autotune.database.store import Database
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.workload import Workload
from stepwell.backends.registry import get_backend, make_context
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.source import parse_module
from stepwell.errors import CompileError, PipelineError
from stepwell.passes.graph.select_conv_algorithm import algorithm_of
from stepwell.runtime.executable import Executable
from stepwell.tools.driver import compile, list_kernels, lower
from stepwell.tools.workloads import workloads_of

EMPTY = """module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    transform.yield
  }
}"""


def model(channels: int = 4, size: int = 6, window: int = 3, batch: str = "1") -> str:
    """A convolution twice, the second time without what follows the first one."""
    image, weights = (
        f"tensor<{batch}x{channels}x{size}x{size}xf32>",
        f"tensor<{channels}x{channels}x{window}x{window}xf32>",
    )
    pad = window // 2
    conv = (
        f"strides [1, 1] pads [{pad}, {pad}, {pad}, {pad}] dilations [1, 1] groups 1 : ({image}, {weights}) -> {image}"
    )
    return f"""
func.func @main(%x: {image}) -> {image} {{
  %w = graph.weight @w : {weights}
  %a = graph.conv %x, %w {conv}
  %b = graph.relu %a : {image}
  %c = graph.conv %b, %w {conv}
  func.return %c : {image}
}}
graph.data @w = dense<0.125> : {weights}
"""


SOURCE = parse_module(make_context(), model())


@cache
def known(**options: Any) -> tuple[Workload, ...]:
    """The workloads of the model."""
    return tuple(workloads_of(SOURCE, **options))


def algorithms(workloads: Sequence[Workload]) -> list[tuple[str, ...]]:
    return [tuple(algorithm for _, algorithm in workload.convolutions) for workload in workloads]


def record(path: Path, workloads: Sequence[Workload], seconds: dict[str, float]) -> None:
    with Database(path) as database:
        for workload in workloads:
            database.add_workload(workload)
            for _, algorithm in workload.convolutions:
                if algorithm in seconds:
                    database.record(Trial(workload.hash, EMPTY, Status.OK, (seconds[algorithm],)))


def chosen(source: Any, path: Path | None, **options: Any) -> list[str]:
    """The algorithm of each convolution."""
    module = lower(source, until="graph-select-conv-algorithm", database=path, **options)
    return [name for name in map(algorithm_of, module.walk()) if name is not None]


def test_each_algorithm_is_a_workload() -> None:
    workloads = known()
    # Of two convolutions: with and without what follows.
    assert algorithms(workloads) == [
        (name,) for name in ("direct", "gemm", "winograd-2", "winograd-4") for _ in range(2)
    ]
    keys = {convolution for workload in workloads for convolution, _ in workload.convolutions}
    assert len(keys) == 2
    assert [workload.hash for workload in workloads[:2]] == [kernel.hash for kernel in list_kernels(SOURCE)]
    assert len({workload.hash for workload in workloads}) == 8


def test_only_algorithms_that_are_possible_are_workloads() -> None:
    exact = algorithms(known(exact=True))
    assert sorted(exact) == [("direct",), ("direct",), ("gemm",), ("gemm",)]
    assert set(algorithms(known(conv_algorithm="gemm"))) == {("gemm",)}
    wide = parse_module(make_context(), model(window=5))
    assert set(algorithms(workloads_of(wide))) == {("direct",), ("gemm",)}


def test_equal_kernels_are_one_workload(tmp_path: Path) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(
        model()
        .replace("%c = graph.conv", "%d = graph.conv")
        .replace("func.return %c", "%c = graph.relu %d : tensor<1x4x6x6xf32>\n  func.return %c")
    )
    workloads = workloads_of(path)
    assert [workload.calls for workload in workloads] == [2, 2, 2, 2]


def test_public_kernels_are_workloads() -> None:
    a = te.placeholder((4,), "float32", name="A")
    (workload,) = workloads_of([a, te.compute((4,), lambda i: a[i] * 2, name="B")])
    assert (workload.calls, workload.convolutions) == (1, ())
    assert Workload.of_text(workload.text).hash == workload.hash


def test_threads_are_those_of_the_target() -> None:
    a = te.placeholder((4,), "float32", name="A")
    (workload,) = workloads_of([a, te.compute((4,), lambda i: a[i] * 2, name="B")], threads=7)
    assert "threads = 7" in str(workload.target)


def test_what_has_no_kernels_is_refused() -> None:
    a = te.placeholder((4,), "float32", name="A")
    tensors = [a, te.compute((4,), lambda i: a[i] * 2, name="B")]
    with pytest.raises(CompileError, match="expected a program with kernels to tune, got none"):
        workloads_of(lower(tensors))
    with pytest.raises(PipelineError, match="expected a pipeline with pass 'apply-schedules'"):
        workloads_of(tensors, pipeline="builtin.module(graph-infer-shapes)")
    n = te.var("n")
    a = te.placeholder((n,), "float32", name="A")
    with pytest.raises(CompileError, match="got symbols 'n' without sizes"):
        workloads_of([a, te.compute((n,), lambda i: a[i] * 2, name="B")])


# choosing


def test_the_least_recorded_time_decides(tmp_path: Path) -> None:
    workloads = known()
    times = dict.fromkeys(("direct", "gemm", "winograd-2", "winograd-4"), 2e-3)
    for fastest in times:
        record(tmp_path / f"{fastest}.db", workloads, {**times, fastest: 1e-3})
        assert chosen(SOURCE, tmp_path / f"{fastest}.db") == [fastest] * 2


def test_what_was_chosen_is_compiled(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    record(path, known(), {"direct": 2e-3, "gemm": 1e-3})
    program = compile(SOURCE, database=path)
    assert isinstance(program, Executable)
    assert ["columns" in kernel.description for kernel in program.kernels] == [True] * 2
    assert {kernel.schedule for kernel in program.kernels} == {"tuned"}
    listed = list_kernels(SOURCE, database=path)
    assert [kernel.hash for kernel in listed] == [kernel.hash for kernel in program.kernels]
    x = np.arange(144, dtype=np.float32).reshape(1, 4, 6, 6)
    np.testing.assert_allclose(program(x), compile(SOURCE, exact=True)(x), rtol=1e-4)  # pyright: ignore


def test_exact_results_stay_exact(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    record(path, known(), {"direct": 3e-3, "gemm": 2e-3, "winograd-2": 1e-3})
    assert chosen(SOURCE, path) == ["winograd-2"] * 2
    assert chosen(SOURCE, path, exact=True) == ["gemm"] * 2


def test_who_names_an_algorithm_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    record(path, known(), {"direct": 3e-3, "gemm": 1e-3})
    assert chosen(SOURCE, path, conv_algorithm="direct") == ["direct"] * 2


def test_without_records_it_is_estimated(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    record(path, known(), {})
    estimated = chosen(SOURCE, None)
    assert chosen(SOURCE, path) == estimated
    # One time alone says nothing about the one that is estimated to be least.
    other = next(name for name in ("gemm", "winograd-2") if name not in estimated)
    record(path, known(), {other: 1e-9})
    assert chosen(SOURCE, path) == estimated


def test_times_of_wrong_results_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    workloads = known()
    record(path, workloads, {"direct": 2e-3, "gemm": 1e-3})
    assert chosen(SOURCE, path) == ["gemm"] * 2
    with Database(path) as database:
        for workload in workloads:
            if workload.convolutions[0][1] == "gemm":
                database.record(Trial(workload.hash, EMPTY, Status.WRONG, error="off"))
    assert "gemm" not in chosen(SOURCE, path)


def target(threads: int) -> TargetAttr:
    own = get_backend("llvm-cpu").default_target()
    assert isinstance(own, TargetAttr)
    return own.with_threads(threads)


def test_times_of_the_target_count_before_those_of_others(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    record(path, known(threads=3), {"direct": 2e-3, "gemm": 1e-3})
    assert chosen(SOURCE, path, target=target(2)) == ["gemm"] * 2
    record(path, known(threads=2), {"direct": 2e-3, "gemm": 5e-3})
    assert chosen(SOURCE, path, target=target(2)) == ["direct"] * 2
    assert chosen(SOURCE, path, target=target(3)) == ["gemm"] * 2


def test_times_are_of_sizes(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    symbolic = model().replace("tensor<1x4x6x6xf32>", "tensor<?x4x6x6xf32, #te.shape<n, 4, 6, 6>>")
    source = parse_module(make_context(), symbolic)
    for size, times in ((1, {"direct": 1e-6, "gemm": 2e-6}), (3, {"direct": 2e-3, "gemm": 1e-3})):
        record(path, workloads_of(source, sizes={"n": size}), times)
    assert chosen(source, path, sizes={"n": 1}) == ["direct"] * 2
    assert chosen(source, path, sizes={"n": 3}) == ["gemm"] * 2
    assert chosen(source, path, sizes={"n": 2}) == chosen(source, None, sizes={"n": 2})


def test_algorithms_are_exported_and_merged(tmp_path: Path) -> None:
    path = tmp_path / "trials.db"
    record(path, known(), {"direct": 2e-3, "gemm": 1e-3})
    with Database(path) as database:
        database.export_jsonl(tmp_path / "lines.jsonl")
    with Database(tmp_path / "imported.db") as database:
        database.import_jsonl(tmp_path / "lines.jsonl")
    with Database(tmp_path / "merged.db") as database:
        database.merge(path)
    for copy in ("imported.db", "merged.db"):
        assert chosen(SOURCE, tmp_path / copy) == ["gemm"] * 2


def test_another_pipeline_makes_other_workloads_where_it_lowers_kernels_in_another_way(tmp_path: Path) -> None:
    own = get_backend("llvm-cpu").pipeline.read_text()
    copy, other = tmp_path / "copy.mlir", tmp_path / "other.mlir"
    copy.write_text(own)
    other.write_text(own.replace('"arith-expand"', '"canonicalize"'))
    assert [each.hash for each in known(pipeline=copy)] == [each.hash for each in known()]
    found = known(pipeline=other)
    keys = [{key for each in some for key, _ in each.convolutions} for some in (found, known())]
    assert keys[0] and keys[1] and not keys[0] & keys[1]
    assert not {each.hash for each in found} & {each.hash for each in known()}
    again = Workload.of_text(found[0].text)
    names = [step.pass_.name for step in again.steps.steps]
    assert again.hash == found[0].hash
    assert names[0] == "apply-schedules" and "canonicalize" in names and "arith-expand" not in names
    # What is compiled by the pipeline finds what was measured by it.
    with Database(":memory:") as database:
        for each in found:
            database.add_workload(each)
            database.record(Trial(each.hash, EMPTY, Status.OK, (1.0,)))
        program, otherwise = (compile(SOURCE, pipeline=each, database=database) for each in (other, copy))
        assert isinstance(program, Executable) and isinstance(otherwise, Executable)
        assert [kernel.schedule for kernel in program.kernels] == ["tuned"] * len(program.kernels)
        assert "tuned" not in [kernel.schedule for kernel in otherwise.kernels]
