"""Constants that schedules pack: the right numbers wherever code and data come from, packed before anything runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import stepwell as sw
from hypothesis import given
from hypothesis import strategies as st
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.backends.oracles.loop import run_loop
from stepwell.dialects.layout import LayoutAttr, packed_shape, tiled_layout
from stepwell.errors import CompileError
from stepwell.passes.loop.pack_constants import pack_array
from stepwell.runtime.artifact import Kernel
from stepwell.runtime.cache import Cache
from stepwell.runtime.executable import Executable
from stepwell.tools.driver import compile, lower
from stepwell.tools.stepwell_opt import main as stepwell_opt
from xdsl.ir.affine import AffineExpr, AffineMap

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

Array = np.ndarray[Any, Any]

# Data


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[int, ...], AffineMap]:
    """A shape, and dimensions that are split and permuted."""
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=3)))
    rank = len(shape)
    positions = draw(st.lists(st.integers(0, rank - 1), unique=True))
    tiles = [draw(st.integers(1, 6)) for _ in positions]
    layout = tiled_layout(rank, draw(st.permutations(range(rank))), positions, tiles)
    return shape, layout


def packed_by_hand(array: Array, layout: AffineMap, shape: tuple[int, ...]) -> Array:
    packed = np.zeros(shape, array.dtype)
    for index in np.ndindex(*array.shape):
        packed[tuple(layout.eval(index, []))] = array[index]
    return packed


@given(layouts())
def test_elements_lie_where_the_layout_says(case: tuple[tuple[int, ...], AffineMap]) -> None:
    shape, layout = case
    array = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    packed = packed_shape(layout, shape)
    result = pack_array(array.reshape(-1), LayoutAttr.of(shape, layout), packed)
    np.testing.assert_array_equal(result, packed_by_hand(array, layout, packed))
    assert result.flags.c_contiguous


@pytest.mark.parametrize(
    "results", [lambda i, j: [i * 7 + j], lambda i, j: [j, i * 2 + 1], lambda i, j: [(i % 4) // 2, i // 4, j, i % 2]]
)
def test_sums_and_nested_digits(results: Callable[[AffineExpr, AffineExpr], list[AffineExpr]]) -> None:
    dims = AffineExpr.dimension(0), AffineExpr.dimension(1)
    layout = AffineMap(2, 0, tuple(results(*dims)))
    array = np.arange(1, 36, dtype=np.int32).reshape(5, 7)
    packed = packed_shape(layout, array.shape)
    result = pack_array(array, LayoutAttr.of(array.shape, layout), packed)
    np.testing.assert_array_equal(result, packed_by_hand(array, layout, packed))


def test_what_is_packed_into_more_room() -> None:
    layout = tiled_layout(1, [0], [0], [4])
    result = pack_array(np.arange(6), LayoutAttr.of((6,), layout), (3, 4))
    np.testing.assert_array_equal(result, [[0, 1, 2, 3], [4, 5, 0, 0], [0, 0, 0, 0]])
    result = pack_array(np.arange(6), LayoutAttr.of((6,), layout), (2, 5))
    np.testing.assert_array_equal(result, [[0, 1, 2, 3, 0], [4, 5, 0, 0, 0]])


def test_a_large_weight_takes_no_longer_than_a_few_copies() -> None:
    array = np.ones((4096, 2048), np.float32)
    layout = LayoutAttr.of(array.shape, tiled_layout(2, [1, 0], [1], [16]))
    start = time.perf_counter()
    pack_array(array, layout, packed_shape(layout.map.data, array.shape))
    assert time.perf_counter() - start < 2


# Programs

PACK = """
  transform.named_sequence @match_constant(%c: !transform.any_op {transform.readonly}) -> !transform.any_op {
    sched.match.structure "contraction", %c {constant = array<i64: 1>} : !transform.any_op
    transform.yield %c : !transform.any_op
  }
  transform.named_sequence @pack(%c: !transform.any_op {transform.readonly}) {
    %x, %w = sched.get_reads %c : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %lanes = transform.param.constant 8 : i64 -> !transform.any_param
    sched.transform_layout %w inner_dims_pos = [0] inner_tiles = [%lanes] : !transform.any_value, !transform.any_param
    transform.yield
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    transform.foreach_match in %root @match_constant -> @pack : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
"""
SCRIPT = f"module attributes {{transform.with_named_sequence}} {{{PACK}}}"


def model() -> Any:
    """Two convolutions of one kernel, one of whose weights is multiplied point by point, too, and a matrix product."""
    rng = np.random.default_rng(0)
    w, v = (rng.integers(-3, 4, (20, 5, 3, 3)).astype(np.float32) for _ in range(2))
    g = rng.integers(-3, 4, (20, 10)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["x", "v"], ["b"], pads=[1, 1, 1, 1]),
        helper.make_node("ReduceSum", ["a", "axes"], ["f"], keepdims=0),
        helper.make_node("Gemm", ["f", "g"], ["q"]),
        helper.make_node("Mul", ["v", "s"], ["t"]),
    ]
    outputs = [("b", [1, 20, 6, 6]), ("q", [1, 10]), ("t", [20, 5, 3, 3])]
    graph = helper.make_graph(
        nodes,
        "model",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 5, 6, 6]),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, [5, 3, 3]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        [
            numpy_helper.from_array(w, "w"),
            numpy_helper.from_array(v, "v"),
            numpy_helper.from_array(g, "g"),
            numpy_helper.from_array(np.array([2, 3]), "axes"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def weights() -> dict[str, Array]:
    return {each.name: numpy_helper.to_array(each) for each in model().graph.initializer}


def inputs() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    x, s = rng.integers(-3, 4, (1, 5, 6, 6)), rng.integers(-3, 4, (5, 3, 3))
    return x.astype(np.float32), s.astype(np.float32)


def by_numpy(x: Array, s: Array) -> tuple[Array, ...]:
    known = weights()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))

    def convolved(w: Array) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(padded[0], (3, 3), (1, 2))
        return np.einsum("cyxrs,ocrs->oyx", windows, w)[None]

    return convolved(known["v"]), convolved(known["w"]).sum((2, 3)) @ known["g"], known["v"] * s


def check(program: Callable[..., Any]) -> None:
    x, s = inputs()
    for result, wanted in zip(program(x, s), by_numpy(x, s), strict=True):
        np.testing.assert_array_equal(result, wanted)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "pack.mlir"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(model(), path)
    return path


@pytest.fixture(params=["schedule", "pipeline"])
def options(request: pytest.FixtureRequest, script: Path, tmp_path: Path) -> dict[str, Path]:
    """A script that sees the whole program, or one that sees each kernel in a module of its own."""
    if request.param == "schedule":
        return {"schedule": script}
    text = Path(LlvmCpuBackend().pipeline).read_text()
    name = "%scheduled"
    old = 'transform.apply_registered_pass "loop-pack-constants" to %8'
    new = (
        f'{name} = transform.apply_registered_pass "transform-interpreter" with options = {{"script" = "{script}"}} '
        f"to %8 : (!transform.any_op) -> !transform.any_op\n"
    )
    assert old in text
    lines = [new + line.replace("%8", name) if old in line else line for line in text.splitlines()]
    path = tmp_path / "pipeline.mlir"
    path.write_text("\n".join(lines))
    return {"pipeline": path}


def parameters(program: Any) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the constants by weight."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for parameter in cast(Executable, program).compiled.signature.role("constant"):
        found.setdefault(parameter.name, []).append(parameter.shape)
    return found


PACKED = {"w": [(3, 5, 3, 3, 8)], "v": [(20, 5, 3, 3), (3, 5, 3, 3, 8)], "g": [(3, 10, 8)]}


def test_programs_have_packed_constants_from_wherever_they_come(
    source: Path, options: dict[str, Path], tmp_path: Path
) -> None:
    cold = sw.compile(source, **options, cache=tmp_path / "cache")
    check(cold)
    packed = parameters(cold)
    # What kernels are scheduled by in a module of their own has packed them before.
    assert packed == PACKED if "schedule" in options else set(packed) == set(PACKED)
    assert (20, 5, 3, 3) in packed["v"]
    assert (20, 5, 3, 3) not in packed["w"]
    whole = sw.compile(source, **options, cache=tmp_path / "cache")  # the whole program is there
    check(whole)
    assert parameters(whole) == packed
    hits: list[bool] = []

    def watch(number: int, count: int, kernel: Kernel, found: bool) -> None:
        hits.append(found)

    # what the driver compiles takes kernels from the cache, and puts programs together anew
    kernels = compile(source, **options, cache=Cache(tmp_path / "cache"), progress=watch)
    check(kernels)
    assert hits
    assert all(hits)
    assert parameters(kernels) == packed
    cold.save(tmp_path / "saved")
    saved = sw.load(tmp_path / "saved")
    check(saved)
    assert parameters(saved) == packed
    check(sw.compile(source, **options, cache=False))


def test_a_program_without_the_script_is_another_one(source: Path, script: Path, tmp_path: Path) -> None:
    for schedule in (script, None, script, None):
        check(sw.compile(source, schedule=schedule, cache=tmp_path / "cache"))


def test_one_module_with_all_kernels(source: Path, script: Path) -> None:
    module = lower(source, until="loop-pack-constants", schedule=script)
    module.verify()
    text = str(module)
    assert "loop.pack " not in text
    known = weights()
    x, s = inputs()
    order = [
        marks.data["te.name"].data for marks in next(iter(module.ops)).arg_attrs if "loop.output" not in marks.data
    ]
    arrays = {"x": x, "s": s, **known}
    results = run_loop(module, *(arrays[name] for name in order))
    for result, wanted in zip(results, by_numpy(x, s), strict=True):
        np.testing.assert_array_equal(result, wanted)


def test_packs_mean_the_same_before_they_are_constants(source: Path, script: Path) -> None:
    module = lower(source, until="apply-schedules", schedule=script)
    module.verify()
    assert str(module).count("loop.pack ") == 3
    order = [
        marks.data["te.name"].data for marks in next(iter(module.ops)).arg_attrs if "loop.output" not in marks.data
    ]
    x, s = inputs()
    arrays = {"x": x, "s": s, **weights()}
    results = run_loop(module, *(arrays[name] for name in order))
    for result, wanted in zip(results, by_numpy(x, s), strict=True):
        np.testing.assert_array_equal(result, wanted)


GIVEN = """
func.func @main(%a: memref<5x2xf32>, %y: memref<5x2xf32> {loop.output}) {
  func.call @k(%a, %y) : (memref<5x2xf32>, memref<5x2xf32>) -> ()
  func.return
}
func.func private @k(%W: memref<5x2xf32> {loop.constant}, %B: memref<5x2xf32> {loop.output}) {
  loop.for %i : 5 {
    loop.for %j : 2 {
      loop.block "map0" spatial(%vi in 5 = %i, %vj in 2 = %j) {
        %w = loop.read %W[%vi, %vj] : memref<5x2xf32>
        %d = arith.addf %w, %w : f32
        loop.write %d, %B[%vi, %vj] : memref<5x2xf32>
      }
    }
  }
  func.return
}
"""
PACK_MAP = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    %w = sched.get_reads %c : (!transform.any_op) -> !transform.any_value
    sched.transform_layout %w inner_dims_pos = [0] inner_tiles = [4] : !transform.any_value
    transform.yield
  }
}
"""


def test_what_is_no_weight_is_packed_each_time(tmp_path: Path) -> None:
    (tmp_path / "given.mlir").write_text(GIVEN)
    (tmp_path / "script.mlir").write_text(PACK_MAP)
    program = sw.compile(tmp_path / "given.mlir", schedule=tmp_path / "script.mlir", cache=False)
    for seed in range(2):
        a = np.random.default_rng(seed).random((5, 2), np.float32)
        np.testing.assert_array_equal(program(a), a + a)


def test_the_inputs_of_a_program_are_packed_inside(tmp_path: Path) -> None:
    kernel = GIVEN[GIVEN.index("func.func private") :].replace("private ", "")
    (tmp_path / "kernel.mlir").write_text(kernel)
    (tmp_path / "script.mlir").write_text(PACK_MAP)
    program = sw.compile(tmp_path / "kernel.mlir", schedule=tmp_path / "script.mlir", cache=False)
    assert program.input_shapes == ((5, 2),)
    a = np.random.default_rng(0).random((5, 2), np.float32)
    np.testing.assert_array_equal(program(a), a + a)
    without = Path(LlvmCpuBackend().pipeline).read_text()
    line = next(line for line in without.splitlines() if "loop-pack-constants" in line)
    (tmp_path / "pipeline.mlir").write_text(without.replace(line, "").replace("%packed", "%8"))
    with pytest.raises(CompileError, match="expected a weight to be packed, got input 'W'"):
        sw.compile(
            tmp_path / "kernel.mlir",
            schedule=tmp_path / "script.mlir",
            pipeline=tmp_path / "pipeline.mlir",
            cache=False,
        )


def test_the_tool_compiles_one_module(
    tmp_path: Path, source: Path, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "packed.mlir").write_text(str(lower(source, until="apply-schedules", schedule=script)))
    passes = "loop-pack-constants,loop-plan-memory,loop-expand"
    stepwell_opt([str(tmp_path / "packed.mlir"), "-p", passes])
    text = capsys.readouterr().out
    assert text.count("loop.layout = #loop.layout<[20, 5, 3, 3]") >= 2
    assert "loop.pack " not in text
