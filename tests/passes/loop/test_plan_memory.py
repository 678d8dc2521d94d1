"""Planned memory: programs compute what they did, whatever is in the memory that they are given."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import KERNELS, Kernel
from mlir_judge import judge
from stepwell import te
from stepwell.backends.oracles.loop import ExecutionError, run_loop
from stepwell.backends.registry import get_backend, make_context
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.loop import LIVE_BYTES, WORKSPACE, ViewOp
from stepwell.dialects.source import parse_module
from stepwell.passes.loop.elide_copies import elide_copies
from stepwell.passes.loop.memory.packing import aligned
from stepwell.passes.loop.plan_memory import plan_memory
from stepwell.runtime.executable import Executable, load
from stepwell.runtime.memory import ArenaPool, MemoryReport
from stepwell.runtime.signature import Parameter
from stepwell.tools.driver import lower
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, BlockArgument

SIZES = (3, 1100)
"""A buffer that stays on a kernel's stack, and one that does not."""


def kernels(size: int) -> str:
    """Kernels with no, one, and several buffers of their own, two of which may share memory."""

    def nest(name: str, body: str) -> str:
        return f"loop.for %i : {size} {{ loop.block {name!r} spatial(%v in {size} = %i) {{ {body} }} }}".replace(
            "'", '"'
        )

    def copy(name: str, source: str, target: str, index: str) -> str:
        read = f"%e = loop.read %{source}[{index}] : memref<{size}xi32>"
        return nest(name, f"{read} loop.write %e, %{target}[%v] : memref<{size}xi32>")

    def add(name: str, a: str, b: str, target: str) -> str:
        reads = " ".join(f"%e{x} = loop.read %{x}[%v] : memref<{size}xi32>" for x in dict.fromkeys((a, b)))
        total = f"%s = arith.addi %e{a}, %e{b} : i32"
        return nest(name, f"{reads} {total} loop.write %s, %{target}[%v] : memref<{size}xi32>")

    def alloc(name: str) -> str:
        return f'%{name} = loop.alloc "{name}" : memref<{size}xi32>'

    memref = f"memref<{size}xi32>"
    reverse = f"%v * -1 + {size - 1}"
    return f"""
    func.func private @add{size}(%a: {memref}, %b: {memref}, %o: {memref} {{loop.output}}) {{
      {add("map0", "a", "b", "o")}
      func.return
    }}
    func.func private @same{size}(%a: {memref}, %o: {memref} {{loop.output}}) {{
      {copy("map0", "a", "o", "%v")}
      func.return
    }}
    func.func private @reverse{size}(%a: {memref}, %o: {memref} {{loop.output}}) {{
      {copy("map0", "a", "o", reverse)}
      func.return
    }}
    func.func private @twice{size}(%a: {memref}, %o: {memref} {{loop.output}}) {{
      {alloc("t")}
      {copy("map0", "a", "t", reverse)}
      {add("map1", "t", "a", "o")}
      func.return
    }}
    func.func private @long{size}(%a: {memref}, %o: {memref} {{loop.output}}) {{
      {alloc("t")} {alloc("u")} {alloc("w")}
      {copy("map0", "a", "t", reverse)}
      {add("map1", "t", "a", "u")}
      {copy("map2", "u", "w", reverse)}
      {add("map3", "w", "u", "o")}
      func.return
    }}"""


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Programs of calls of kernels, which free their buffers at the end."""
    size = draw(st.sampled_from(SIZES))
    memref = f"memref<{size}xi32>"
    values, lines, frees, outputs = ["%x", "%y"], [], [], []
    count = draw(st.integers(1, 8))
    for number in range(count):
        kernel = draw(st.sampled_from(["add", "twice", "long", "same", "same", "reverse"]))
        operands = [draw(st.sampled_from(values)) for _ in range(2 if kernel == "add" else 1)]
        result = f"%v{number}"
        if number == count - 1 or draw(st.integers(0, 4)) == 0:
            outputs.append(f"{result}: {memref} {{loop.output}}")
        else:
            lines.append(f"{result} = memref.alloc() : {memref}")
            frees.append(f"memref.dealloc {result} : {memref}")
        types = ", ".join([memref] * (len(operands) + 1))
        lines.append(f"func.call @{kernel}{size}({', '.join([*operands, result])}) : ({types}) -> ()")
        values.append(result)
    arguments = ", ".join([f"%x: {memref}, %y: {memref}", *outputs])
    body = "\n".join([*lines, *frees])
    return f"func.func @main({arguments}) {{\n{body}\nfunc.return\n}}\n{kernels(size)}"


def inputs(text: str) -> list[np.ndarray[Any, Any]]:
    size = max(size for size in SIZES if f"memref<{size}x" in text)
    return [np.arange(size, dtype=np.int32), 1000 + np.arange(size, dtype=np.int32) ** 2]


def parse(text: str) -> ModuleOp:
    return parse_module(make_context(), text)


def function(module: ModuleOp, name: str) -> FuncOp:
    return next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == name)


def as_tuple(results: Any) -> tuple[np.ndarray[Any, Any], ...]:
    return results if isinstance(results, tuple) else (results,)


def assert_equal(got: Sequence[np.ndarray[Any, Any]], expected: Sequence[np.ndarray[Any, Any]]) -> None:
    assert len(got) == len(expected)
    for left, right in zip(got, expected, strict=True):
        np.testing.assert_array_equal(left, right)


@settings(max_examples=20)
@given(programs())
def test_the_oracle_sees_no_difference(text: str) -> None:
    module = parse(text)
    expected = run_loop(module, *inputs(text))
    plan_memory(module)
    module.verify()
    assert not any(op.name == "memref.alloc" for op in module.walk())
    assert_equal(run_loop(module, *inputs(text)), expected)
    assert_equal(run_loop(parse(str(module)), *inputs(text)), expected)


@settings(max_examples=20)
@given(programs())
def test_copies_need_not_be_made(text: str) -> None:
    module = parse(text)
    expected = run_loop(module, *inputs(text))
    elide_copies(module)
    module.verify()
    assert_equal(run_loop(module, *inputs(text)), expected)
    calls = [op for op in function(module, "main").body.block.ops if isinstance(op, CallOp)]
    copies = [call for call in calls if call.callee.root_reference.data.startswith("same")]
    assert all(isinstance(call.arguments[1], BlockArgument) for call in copies), "outputs alone are copied to"
    plan_memory(module)
    module.verify()
    assert_equal(run_loop(module, *inputs(text)), expected)


@settings(max_examples=8)
@given(programs())
def test_native_code_relies_on_nothing_in_its_memory(text: str) -> None:
    module = parse(text)
    expected = run_loop(module, *inputs(text))
    program = sw.compile(module)
    assert isinstance(program, Executable)
    for byte in (0x00, 0x7F, 0xFF):
        assert_equal(as_tuple(program(*inputs(text))), expected)
        program.arenas.fill(byte)


def workspaces_of(function: FuncOp) -> list[Attribute]:
    """The types of the memory that a function is given to work in, which are its last arguments."""
    attributes = function.arg_attrs.data if function.arg_attrs is not None else ()
    marked = zip(function.function_type.inputs.data, attributes, strict=False)
    return [type for type, marks in marked if WORKSPACE in marks.data]


def declaration_of(function: FuncOp) -> FuncOp:
    """A declaration that takes what a planned kernel took before, and says what else the kernel needs."""
    workspaces = workspaces_of(function)
    kept = len(function.function_type.inputs.data) - len(workspaces)
    declaration = FuncOp.external(function.sym_name.data, function.function_type.inputs.data[:kept], [])
    if function.arg_attrs is not None:
        declaration.arg_attrs = ArrayAttr(function.arg_attrs.data[:kept])
    if workspaces:
        declaration.attributes[WORKSPACE] = ArrayAttr(workspaces)
        declaration.attributes[LIVE_BYTES] = function.attributes[LIVE_BYTES]
    return declaration


@settings(max_examples=15)
@given(programs())
def test_kernels_may_be_planned_elsewhere(text: str) -> None:
    """What the caller plans is the same where a kernel is a declaration that says what it needs."""
    whole = parse(text)
    plan_memory(whole)
    main = function(whole, "main")
    apart = parse(text)
    for kernel in [op for op in apart.ops if isinstance(op, FuncOp) and op.sym_name.data != "main"]:
        planned = function(whole, kernel.sym_name.data)
        apart.body.block.insert_op_after(declaration_of(planned), kernel)
        apart.body.block.erase_op(kernel)
    apart = parse(str(apart))
    plan_memory(apart)
    apart.verify()
    assert str(function(apart, "main")) == str(main)
    for op in apart.ops:
        if isinstance(op, FuncOp) and op.is_declaration:
            assert op.function_type == function(whole, op.sym_name.data).function_type


def test_a_buffer_that_is_written_over_is_missing() -> None:
    """The oracle sees what a wrong plan does: two buffers that live together overlap."""
    text = f"func.func @main(%x: memref<3xi32>, %y: memref<3xi32> {{loop.output}}) {{{MAIN}}}{kernels(3)}"
    module = parse(text)
    plan_memory(module)
    expected = run_loop(module, np.arange(3, dtype=np.int32))
    views = [op for op in module.walk() if isinstance(op, ViewOp)]
    assert {view.offset for view in views} == {0, 64}
    views[1].properties["offset"] = views[0].properties["offset"]
    with pytest.raises(ExecutionError, match="nothing over it"):
        run_loop(module, np.arange(3, dtype=np.int32))
    assert len(expected) == 1


MAIN = """
  %a = memref.alloc() : memref<3xi32>
  func.call @twice3(%x, %a) : (memref<3xi32>, memref<3xi32>) -> ()
  %b = memref.alloc() : memref<3xi32>
  func.call @twice3(%x, %b) : (memref<3xi32>, memref<3xi32>) -> ()
  func.call @add3(%a, %b, %y) : (memref<3xi32>, memref<3xi32>, memref<3xi32>) -> ()
  func.return
"""


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_scheduled_kernels(kernel: Kernel) -> None:
    module = te.build_module(kernel.build())
    before = run_loop(lower(module, until="apply-schedules"), *kernel.inputs)
    planned = lower(module, until="loop-plan-memory")
    planned.verify()
    for got, expected in zip(run_loop(planned, *kernel.inputs, order="adversarial"), before, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


ROWS = 4000
X = np.linspace(1, 2, 3 * ROWS, dtype=np.float32).reshape(ROWS, 3)


PLANNED = "loop-plan-memory, loop-expand, cpu-outline-parallel, convert-cpu-to-llvm, convert-to-llvm"


@cache
def two_steps() -> Executable:
    """A kernel that needs memory: the sums of rows, as parts of the sum of everything."""
    x = te.placeholder((ROWS, 3), "float32", name="x")
    j, k = te.reduce_axis(3, name="j"), te.reduce_axis(ROWS, name="k")
    rows = te.compute((ROWS,), lambda i: te.sum(x[i, j], axis=j), name="rows")
    total = te.compute((1,), lambda i: te.sum(rows[k], axis=k), name="total")
    y = te.compute((ROWS,), lambda i: rows[i] / total[0], name="y")
    program = sw.compile([x, y], pipeline=f"convert-te-to-loop, {PLANNED}")
    assert isinstance(program, Executable)
    return program


def parts(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What it computes."""
    return x.sum(axis=1) / x.sum()


def test_what_there_is_to_ask(tmp_path: Path) -> None:
    program = two_steps()
    assert program.memory == MemoryReport(arena=aligned(4 * ROWS), live=4 * ROWS, weights=0)
    assert [parameter.role for parameter in program.compiled.signature.parameters] == ["input", "output", "workspace"]
    assert program.input_names == ("x",)
    program.save(tmp_path)
    loaded = load(tmp_path)
    assert loaded.memory == program.memory
    np.testing.assert_allclose(loaded(X), parts(X), rtol=1e-4)


def test_each_call_has_an_arena_of_its_own() -> None:
    program = two_steps()
    inputs = [X**power for power in range(4)]
    expected = [program(x) for x in inputs]
    wrong: list[int] = []

    def call(number: int) -> None:
        for _ in range(100):
            if not np.array_equal(program(inputs[number]), expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_arenas_are_kept() -> None:
    pool = ArenaPool([Parameter("a", "uint8", (100,), "workspace"), Parameter("b", "uint8", (64,), "workspace")])
    assert pool.offsets == [0, 128]
    assert pool.size == 192
    first, second = pool.take(), pool.take()
    assert {arena.address % 64 for arena in (first, second)} == {0}
    assert abs(first.address - second.address) >= pool.size
    pool.give_back(first)
    assert pool.take() is first


@pytest.mark.parametrize("rung", ["mlir", "llvm"])
def test_mlir_opt_verifies_the_lower_rungs(rung: str) -> None:
    text = f"func.func @main(%x: memref<3xi32>, %y: memref<3xi32> {{loop.output}}) {{{MAIN}}}{kernels(3)}"
    judge(lower(parse(text), until=rung))
    large = text.replace("<3x", "<1100x").replace("@add3(", "@add1100(").replace("@twice3(", "@long1100(")
    judge(lower(parse(large.partition("func.func private")[0] + kernels(1100)), until=rung))


def test_workspaces_of_a_kernel() -> None:
    module = parse(kernels(1100))
    plan_memory(module)
    assert [str(type) for type in workspaces_of(function(module, "add1100"))] == []
    assert [str(type) for type in workspaces_of(function(module, "twice1100"))] == ["memref<4400xi8>"]
    assert [str(type) for type in workspaces_of(function(module, "long1100"))] == ["memref<4400xi8>"] * 2


@pytest.mark.parametrize("threads", [1, 2])
def test_images_are_padded_channel_by_channel(threads: int) -> None:
    """What windows read of one channel at a time takes no memory for all of them."""
    channels, size = 6, 80
    x = te.placeholder((channels, size, size), "float32", name="x")
    padded = te.compute(
        (channels, size + 2, size + 2),
        lambda c, i, j: te.if_then_else(
            (i >= 1) & (i <= size) & (j >= 1) & (j <= size), x[c, i - 1, j - 1], te.const(-1e9, "float32")
        ),
        name="padded",
    )
    r, s = te.reduce_axis(3, name="r"), te.reduce_axis(3, name="s")
    y = te.compute((channels, size, size), lambda c, i, j: te.max(padded[c, i + r, j + s], axis=[r, s]), name="y")
    program = sw.compile([x, y], threads=threads)
    assert isinstance(program, Executable)
    assert program.memory.arena < 4 * 3 * (size + 2) * (size + 48)
    image = np.random.default_rng(0).standard_normal((channels, size, size), np.float32)
    around = np.pad(image, ((0, 0), (1, 1), (1, 1)), constant_values=-1e9)
    windows = [around[:, i : i + size, j : j + size] for i in range(3) for j in range(3)]
    for byte in (0, 0xFF):
        np.testing.assert_array_equal(program(image), np.max(windows, axis=0))
        program.arenas.fill(byte)


def staged(extent: int) -> str:
    """Rows that are turned around, each in a buffer too large for the stack, by several threads."""
    memref, local = f"memref<{extent}x20000xi32>", f'memref<{extent}x20000xi32, "local">'
    return f"""
    func.func @main(%x: {memref}, %y: {memref} {{loop.output}}) {{
      loop.for %i : {extent} parallel {{
        %t = loop.alloc "t" : {local}
        loop.for %j : 20000 {{
          loop.block "map0" spatial(%v in {extent} = %i, %u in 20000 = %j) {{
            %e = loop.read %x[%v, %u] : {memref}
            loop.write %e, %t[%v, %u] : {local}
          }}
        }}
        loop.for %j : 20000 {{
          loop.block "map1" spatial(%v in {extent} = %i, %u in 20000 = %j) {{
            %e = loop.read %t[%v, %u * -1 + 19999] : {local}
            loop.write %e, %y[%v, %u] : {memref}
          }}
        }}
      }}
      func.return
    }}"""


def with_target(text: str) -> ModuleOp:
    """For this machine, if it had two threads."""
    host = get_backend("llvm-cpu").default_target()
    assert isinstance(host, TargetAttr)
    module = parse(text)
    module.attributes["cpu.target"] = TargetAttr.get(host.triple.data, threads=2)
    return module


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_have_places_of_their_own(threads: int) -> None:
    program = sw.compile(with_target(staged(31)), pipeline=PLANNED, threads=threads)
    assert isinstance(program, Executable)
    assert program.memory.arena == aligned(80000) + 80000
    x = np.arange(31 * 20000, dtype=np.int32).reshape(31, 20000)
    for _ in range(20):
        np.testing.assert_array_equal(program(x), x[:, ::-1])
        program.arenas.fill(0xFF)


def test_nothing_is_left_to_allocate() -> None:
    lowered = lower(with_target(staged(31)), until="convert-cpu-to-llvm", pipeline=PLANNED)
    assert not any(op.name == "memref.alloc" for op in lowered.walk())
    judge(lowered)
