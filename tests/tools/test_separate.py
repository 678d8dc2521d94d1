"""Kernels compiled apart and kept on disk: once each, the same code, and never the wrong one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.registry import get_backend
from stepwell.errors import ArgumentError, PipelineError
from stepwell.runtime.artifact import Kernel
from stepwell.runtime.cache import Cache
from stepwell.runtime.executable import Executable
from stepwell.runtime.host import usable_threads
from stepwell.runtime.openmp import openmp
from stepwell.runtime.symbolic import SymbolicExecutable
from stepwell.tools.driver import Report, compile, list_kernels, lower


def layers(sizes: list[int], rows: int = 4, *, given: bool = False) -> str:
    """A model of dense layers, as text; its weights are inputs if they are `given`."""
    arguments = [f'%x0: tensor<{rows}x{sizes[0]}xf32> {{te.name = "x"}}']
    lines: list[str] = []
    data: list[str] = []
    for i, (k, n) in enumerate(pairwise(sizes)):
        if given:
            arguments.append(f"%w{i}: tensor<{k}x{n}xf32>")
        else:
            lines.append(f"  %w{i} = graph.weight @w{i} : tensor<{k}x{n}xf32>")
            data.append(f"graph.data @w{i} = dense<{(i + 1) / 8}> : tensor<{k}x{n}xf32>")
        lines += [
            f"  %m{i} = graph.matmul %x{i}, %w{i} : "
            f"(tensor<{rows}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{rows}x{n}xf32>",
            f"  %x{i + 1} = graph.relu %m{i} : tensor<{rows}x{n}xf32>",
        ]
    result = f"tensor<{rows}x{sizes[-1]}xf32>"
    head = f"func.func @main({', '.join(arguments)}) -> {result} {{"
    return "\n".join([head, *lines, f"  func.return %x{len(sizes) - 1} : {result}", "}", *data])


def weights(sizes: list[int]) -> list[np.ndarray[Any, Any]]:
    return [np.full(shape, (i + 1) / 8, np.float32) for i, shape in enumerate(pairwise(sizes))]


def expected(sizes: list[int], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    for weight in weights(sizes):
        x = np.maximum(x @ weight, 0)
    return x


NO_SCHEDULE = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    transform.yield
  }
}
"""
SCHEDULE = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %b = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %i, %j = sched.get_loops %b : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.parallelize %i : !transform.any_op
    transform.yield
  }
}
"""
SIZES = [8, 16, 16, 16, 24]
X = np.arange(32, dtype=np.float32).reshape(4, 8) - 16


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.mlir"
    path.write_text(layers(SIZES))
    return path


class Watch:
    """Which kernels were compiled, and which found."""

    def __init__(self) -> None:
        self.compiled: list[str] = []
        self.cached: list[str] = []

    def __call__(self, number: int, total: int, kernel: Kernel, cached: bool) -> None:
        assert number == len(self.compiled) + len(self.cached) < total
        (self.cached if cached else self.compiled).append(kernel.hash)


def compiled(source: Any, cache: Any, **options: Any) -> tuple[Executable, Watch]:
    """Kernel by kernel: the cache of whole programs is not asked."""
    watch = Watch()
    program = compile(source, cache=cache, progress=watch, **options)
    assert isinstance(program, Executable)
    return program, watch


def test_equal_kernels_compile_once(model: Path) -> None:
    program, watch = compiled(model, False)
    assert len(watch.compiled) == 3
    assert [kernel.calls for kernel in program.kernels] == [1, 2, 1]
    assert [kernel.hash for kernel in program.kernels] == watch.compiled
    assert program.kernels[1].description == "matmul+relu (4x16xf32, 16x16xf32) -> 4x16xf32"
    np.testing.assert_allclose(program(X), expected(SIZES, X), rtol=1e-5)


def test_kernels_are_listed_without_compiling(model: Path) -> None:
    program, _ = compiled(model, False)
    assert list_kernels(model) == program.kernels
    renamed = model.read_text().replace("%x", "%value").replace("@w", "@weight")
    assert [kernel.hash for kernel in list_kernels(write(model, renamed))] == [k.hash for k in program.kernels]
    with pytest.raises(PipelineError, match="expected a pipeline with pass 'apply-schedules'"):
        list_kernels(model, pipeline="graph-infer-shapes")


def write(path: Path, text: str) -> Path:
    other = path.with_name("other.mlir")
    other.write_text(text)
    return other


def test_what_was_compiled_is_found(model: Path, tmp_path: Path) -> None:
    first, watch = compiled(model, tmp_path / "cache")
    assert len(watch.compiled) == 3
    second, watch = compiled(model, tmp_path / "cache")
    assert watch.compiled == []
    assert second.compiled.objects == first.compiled.objects
    assert second.compiled.signature == first.compiled.signature
    np.testing.assert_array_equal(second(X), first(X))
    # Only what is new is compiled.
    third, watch = compiled(write(model, layers([8, 16, 16, 10])), tmp_path / "cache")
    assert (len(watch.cached), len(watch.compiled)) == (2, 1)
    np.testing.assert_allclose(third(X), expected([8, 16, 16, 10], X), rtol=1e-5)


def test_what_decides_the_code_is_part_of_the_key(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    compiled(model, cache)
    edited = tmp_path / "edited.mlir"
    edited.write_text(get_backend("llvm-cpu").pipeline.read_text().replace('"apply-schedules"', '"apply-schedules" '))
    _, watch = compiled(model, cache, pipeline=edited)
    assert watch.compiled == []
    below = '"loop-expand" with options = {"max-ops" = 4096 : i64}'
    edited.write_text(get_backend("llvm-cpu").pipeline.read_text().replace('"loop-expand"', below))
    _, watch = compiled(model, cache, pipeline=edited)
    assert watch.cached == []


def test_a_schedule_of_ones_own_is_part_of_the_key(model: Path, tmp_path: Path) -> None:
    cache, sizes = tmp_path / "cache", [8, 2048]
    source, script = write(model, layers(sizes)), tmp_path / "schedule.mlir"
    compiled(source, cache)
    script.write_text(SCHEDULE)
    first, watch = compiled(source, cache, schedule=script)
    assert len(watch.compiled) == 1
    again, watch = compiled(source, cache, schedule=script)
    assert len(watch.cached) == 1
    for program in (first, again):
        np.testing.assert_allclose(program(X), expected(sizes, X), rtol=1e-5)
    script.write_text(NO_SCHEDULE)
    _, watch = compiled(source, cache, schedule=script)
    assert watch.compiled == []
    assert len(list((cache / "kernels").iterdir())) == 4


def test_versions_are_part_of_the_key(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(model, tmp_path)
    monkeypatch.setattr("stepwell.tools.separate.versions", lambda: {"stepwell": "another"})
    _, watch = compiled(model, tmp_path)
    assert watch.cached == []


def test_a_program_that_is_a_kernel_is_found(tmp_path: Path) -> None:
    def kernel(name: str) -> list[te.Tensor]:
        x = te.placeholder((64,), "float32", name=name)
        return [x, te.compute((64,), lambda i: te.exp(x[i]), name="y")]

    first, _ = compiled(kernel("x"), tmp_path)
    report = Report()
    second, _ = compiled(kernel("x"), tmp_path, report=report)
    assert "native code" not in dict(report.steps)
    assert second.compiled.objects == first.compiled.objects
    # What it calls its arguments is asked anew.
    third, _ = compiled(kernel("z"), tmp_path)
    assert third.input_names == ("z",)
    x = np.linspace(0, 1, 64, dtype=np.float32)
    np.testing.assert_array_equal(first(x), third(x))


def test_symbolic_programs_find_kernels(tmp_path: Path) -> None:
    def program() -> SymbolicExecutable:
        n = te.var("n")
        x = te.placeholder((n,), "float32", name="x")
        found = compile([x, te.compute((n,), lambda i: x[i] * 2.0, name="y")], cache=tmp_path)
        assert isinstance(found, SymbolicExecutable)
        return found

    for size in (5, 8, 5):
        x = np.arange(size, dtype=np.float32)
        np.testing.assert_array_equal(program()(x), 2 * x)
    assert len(list((tmp_path / "kernels").iterdir())) == 2


def test_damaged_entries_are_compiled_again(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = sw.compile(model, cache=cache)
    entries = [path for folder in cache.iterdir() for path in folder.iterdir()]
    assert len(entries) == 6
    for damage in (lambda data: data[:-1], lambda data: b"", lambda data: bytes([data[0] ^ 1]) + data[1:]):
        for path in entries:
            path.write_bytes(damage(path.read_bytes()))
        again = sw.compile(model, cache=cache)
        np.testing.assert_array_equal(again(X), first(X))
        _, watch = compiled(model, cache)
        assert watch.compiled == []


def test_the_object_is_the_same_from_any_rung(model: Path, tmp_path: Path) -> None:
    """Below rung 1 text has no data: this model is given its weights."""
    source = write(model, layers(SIZES, given=True))
    direct, _ = compiled(source, False)
    for rung in ("te", "convert-te-to-loop", "loop-name-kernels"):
        text = tmp_path / "rung.mlir"
        text.write_text(str(lower(source, until=rung)))
        indirect, _ = compiled(text, False)
        assert indirect.compiled.objects == direct.compiled.objects
        assert indirect.kernels == direct.kernels


def test_ir_whose_memory_is_planned_compiles(model: Path, tmp_path: Path) -> None:
    sizes = [8, 2048, 2048, 16]
    planned = tmp_path / "planned.mlir"
    planned.write_text(str(lower(write(model, layers(sizes, given=True)), until="loop")))
    assert "loop.workspace" in planned.read_text()
    program, _ = compiled(planned, tmp_path / "cache")
    again, watch = compiled(planned, tmp_path / "cache")
    assert watch.compiled == []
    for each in (program, again):
        np.testing.assert_allclose(each(X, *weights(sizes)), expected(sizes, X), rtol=1e-4)


def test_kernels_that_work_in_memory_are_found(model: Path, tmp_path: Path) -> None:
    """What a kernel is given to work in is part of what the cache knows."""
    sizes = [8, 2048]
    source, script = write(model, layers(sizes)), tmp_path / "schedule.mlir"
    # By this schedule the product is a buffer of its own.
    script.write_text(SCHEDULE)
    first, _ = compiled(source, tmp_path / "cache", schedule=script)
    cache = Cache(tmp_path / "cache")
    entries = [cache.get("kernels", path.name) for path in (tmp_path / "cache" / "kernels").iterdir()]
    assert any(entry is not None and entry.header.get("workspaces") for entry in entries)
    again, watch = compiled(source, tmp_path / "cache", schedule=script)
    assert watch.compiled == []
    assert again.memory == first.memory
    np.testing.assert_allclose(again(X), expected(sizes, X), rtol=1e-4)


def test_a_home_that_cannot_be_written_is_no_error(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("/dev/null", "/nowhere/at/all"):
        monkeypatch.setenv("XDG_CACHE_HOME", home)
        program = sw.compile(model)
        np.testing.assert_allclose(program(X), expected(SIZES, X), rtol=1e-5)


# programs


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})


def test_an_unchanged_model_is_loaded_without_the_compiler(model: Path, tmp_path: Path) -> None:
    program = (
        "import sys; import stepwell as sw; import numpy as np\n"
        f"y = sw.compile({str(model)!r}, cache={str(tmp_path / 'cache')!r})(np.ones((4, 8), np.float32))\n"
        "print(y.sum(), sorted({name.partition('.')[0] for name in sys.modules} & {'xdsl', 'onnx'}))"
    )
    first, second = run("-c", program).stdout, run("-c", program).stdout
    assert "xdsl" in first
    assert second == first.replace("['xdsl']", "[]")
    tool = ["-X", "importtime", "-m", "stepwell.tools.stepwell", "compile", model, "--cache-dir", tmp_path / "cache"]
    assert "xdsl" not in run(*tool, "-o", tmp_path / "out").stderr
    assert (
        "xdsl" not in run("-X", "importtime", "-c", f"import stepwell; stepwell.load({str(tmp_path / 'out')!r})").stderr
    )


def test_a_model_that_changes_is_compiled_again(model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = sw.compile(model, cache=cache)
    model.write_text(model.read_text().replace("dense<0.125>", "dense<0.25>"))
    second = sw.compile(model, cache=cache)
    np.testing.assert_allclose(second(X), 2 * first(X), rtol=1e-5)


def test_large_programs_are_not_kept(model: Path, tmp_path: Path) -> None:
    """Their kernels are."""
    cache = Cache(tmp_path / "cache", limit=8192)
    program = sw.compile(model, cache=cache)
    assert not (cache.folder / "programs").exists()
    _, watch = compiled(model, cache)
    assert watch.cached
    np.testing.assert_allclose(program(X), expected(SIZES, X), rtol=1e-5)


def test_weights_in_other_files_count(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def save(value: float) -> None:
        weight = numpy_helper.from_array(np.full((8, 16), value, np.float32), "w")
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 8])]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 16])]
        graph = helper.make_graph([node], "g", inputs, outputs, [weight])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        where = {"location": "weights.bin", "size_threshold": 0, "save_as_external_data": True}
        (tmp_path / "weights.bin").unlink(missing_ok=True)
        onnx.save_model(model, tmp_path / "model.onnx", **where)

    save(0.5)
    before = (tmp_path / "model.onnx").read_bytes()
    first = sw.compile(tmp_path / "model.onnx", cache=tmp_path / "cache")
    save(1.0)
    assert (tmp_path / "model.onnx").read_bytes() == before
    second = sw.compile(tmp_path / "model.onnx", cache=tmp_path / "cache")
    np.testing.assert_allclose(second(X), 2 * first(X), rtol=1e-5)
    # The same model elsewhere has weights of its own.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(tmp_path / "model.onnx", elsewhere)
    weights = np.full((8, 16), 2.0, np.float32).tobytes()
    (elsewhere / "weights.bin").write_bytes(weights)
    third = sw.compile(elsewhere / "model.onnx", cache=tmp_path / "cache")
    np.testing.assert_allclose(third(X), 4 * first(X), rtol=1e-5)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(sw.errors.StepwellError, match="weights.bin"):
        sw.compile(tmp_path / "model.onnx", cache=tmp_path / "cache")


def test_scripts_that_a_pipeline_names_count(model: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.mlir"
    script.write_text(NO_SCHEDULE)
    steps = ", ".join(step.pass_.name for step in shipped_steps())
    pipeline = steps.replace("apply-schedules", f'apply-schedules, transform-interpreter{{script="{script}"}}')
    cache = Cache(tmp_path / "cache")
    sw.compile(model, pipeline=pipeline, cache=cache)
    script.write_text(NO_SCHEDULE.replace("transform.yield", "transform.nonsense"))
    with pytest.raises(Exception, match="nonsense"):
        sw.compile(model, pipeline=pipeline, cache=cache)


def shipped_steps() -> Any:
    from stepwell.backends.registry import make_context
    from stepwell.tools.driver import pipeline_steps

    return pipeline_steps(get_backend("llvm-cpu"), None, make_context()).steps


# stopping at any moment


def test_a_compiler_that_is_killed_leaves_a_cache_that_works(tmp_path: Path) -> None:
    """Some processes compile into one cache and one folder and are killed; whatever they left is used."""
    sizes = [8, *(16 + 8 * i for i in range(10))]
    model, cache, out = tmp_path / "model.mlir", tmp_path / "cache", tmp_path / "out"
    model.write_text(layers(sizes))
    x = np.random.default_rng(0).random((4, 8), np.float32) / 64
    want = expected(sizes, x)
    command = [sys.executable, "-m", "stepwell.tools.stepwell", "compile", str(model), "-o", str(out)]
    command += ["--cache-dir", str(cache)]
    moments = random.Random(0)
    for _ in range(6):
        processes = [subprocess.Popen(command) for _ in range(2)]
        time.sleep(0.4 + 1.5 * moments.random())
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if out.exists():
            # There is a program, or there is none yet.
            if (out / "manifest.json").exists():
                np.testing.assert_allclose(sw.load(out)(x), want, rtol=1e-4)
            else:
                with pytest.raises(ArgumentError, match=r"manifest.json"):
                    sw.load(out)
    program = sw.compile(model, cache=cache)
    np.testing.assert_allclose(program(x), want, rtol=1e-4)
    program.save(out)
    np.testing.assert_allclose(sw.load(out)(x), want, rtol=1e-4)
    # And what was left is as good as what an undisturbed process makes.
    shutil.rmtree(tmp_path / "fresh", ignore_errors=True)
    fresh = sw.compile(model, cache=tmp_path / "fresh")
    assert isinstance(program, Executable)
    assert isinstance(fresh, Executable)
    assert program.compiled.objects == fresh.compiled.objects


@pytest.mark.skipif(usable_threads() < 2 or not openmp().available, reason="there is one thread only")
def test_one_number_of_threads_for_all_objects(tmp_path: Path) -> None:
    model = tmp_path / "model.mlir"
    model.write_text(layers([512, 1024, 2048], rows=64))
    program = (
        "import os, numpy as np, stepwell as sw\n"
        f"run = sw.compile({str(model)!r}, threads=1)\n"
        "x = np.zeros((64, 512), np.float32)\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "run(x); print(len(os.listdir('/proc/self/task')) - before, run.threads)\n"
        "run.threads = 2\n"
        "run(x); print(len(os.listdir('/proc/self/task')) - before, run.threads, len(run.compiled.objects))\n"
    )
    assert run("-c", program, OMP_NUM_THREADS="2").stdout.split() == ["0", "1", "1", "2", "3"]
