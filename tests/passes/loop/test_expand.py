"""`loop-expand`: what it emits runs natively as the oracle says the loop rung means."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.random_loop import parse_kernel, random_inputs, random_kernel
from stepwell.errors import CompileError
from stepwell.passes.loop.expand import expand_loops
from xdsl.dialects.builtin import ModuleOp

from .native import Native
from .random_schedules import random_schedule


def check(text: str, *, seed: int = 0) -> str:
    """Runs a kernel on both ways; gives what it expands to."""
    module = parse_kernel(text)
    inputs = random_inputs(module, seed)
    expected = run_loop(module, *inputs, order="adversarial")
    actual = Native(module)(*inputs)
    for want, got in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(got, want)
    return expanded(module)


def expanded(module: ModuleOp) -> str:
    """What the only kernel of a module expands to."""
    module = module.clone()
    (kernel,) = module.ops
    expand_loops(kernel)  # pyright: ignore
    module.verify()
    return str(module)


def matmul(m: int, n: int, k: int, ti: int, tj: int, peel: str = "", inner: str = "vectorized") -> str:
    """A matmul with a register tile in a local buffer."""
    point = f"spatial(%vi in {m} = %io * {ti} + %ii, %vj in {n} = %jo * {tj} + %ji)"
    loops = f"loop.for %ii : {ti} unrolled {{ loop.for %ji : {tj} {inner} {{"
    local = f'memref<{m}x{n}xf32, "local">'
    return f"""
func.func @matmul(%A: memref<{m}x{k}xf32>, %B: memref<{k}x{n}xf32>, %C: memref<{m}x{n}xf32> {{loop.output}}) {{
  loop.for %jo : {-(-n // tj)}{peel} {{ loop.for %io : {-(-m // ti)}{peel} {{
    %L = loop.alloc "L" : {local}
    {loops} loop.block "init" {point} {{
      %z = arith.constant 0.0 : f32
      loop.write %z, %L[%vi, %vj] : {local}
    }} }} }}
    loop.for %k : {k} {{ {loops} loop.block "reduce0" {point} reduce(%vk in {k} = %k) {{
      %a = loop.read %A[%vi, %vk] : memref<{m}x{k}xf32>
      %b = loop.read %B[%vk, %vj] : memref<{k}x{n}xf32>
      %p = arith.mulf %a, %b : f32
      loop.reduce (%p) into (%L)[%vi, %vj] : {local} combine(%acc: f32, %x: f32) identity [0.0 : f32]
          flags [associative, commutative] fastmath<reassoc,contract> {{
        %s = arith.addf %acc, %x fastmath<reassoc,contract> : f32
        loop.yield %s : f32
      }}
    }} }} }} }}
    {loops} loop.block "out" {point} {{
      %x = loop.read %L[%vi, %vj] : {local}
      loop.write %x, %C[%vi, %vj] : memref<{m}x{n}xf32>
    }} }} }}
  }} }}
  func.return
}}"""


def elementwise(n: int, body: str, loops: str, binding: str, where: str = "", more: str = "") -> str:
    """A kernel with one block over one iterator, which computes %y from %x."""
    return f"""
func.func @f(%X: memref<{n}xi32>, %T: memref<8xi32>, %Y: memref<{n}xi32> {{loop.output}}) {{
  {loops}
    loop.block "map0" spatial(%v in {n} = {binding}){where} {{
      %x = loop.read %X[%v] : memref<{n}xi32>
      {body}
      loop.write %y, %Y[%v] : memref<{n}xi32>
    }}
  {"}" * loops.count("{")}
  {more}
  func.return
}}"""


def test_register_tile_is_a_buffer_with_constant_indices() -> None:
    text = check(matmul(12, 32, 8, 6, 16))
    assert "memref.alloca() {alignment = 64 : i64} : memref<6x16xf32>" in text
    assert len(re.findall("vector.fma", text)) == 6
    assert len(re.findall(r"vector_load %B", text)) == 1, "identical loads are shared"
    assert not re.search("affine.if|mask|reassoc", text)


@pytest.mark.parametrize(("m", "n"), [(12, 40), (13, 32), (13, 40), (5, 7)])
def test_tails_are_peeled_into_narrower_code(m: int, n: int) -> None:
    text = check(matmul(m, n, 5, 6, 16, " peel"))
    assert not re.search("affine.if|min", text)
    lanes = 1 << (n % 16 - 1).bit_length()  # a register's worth, of which some run nothing
    assert ("mask" in text) == (lanes != n % 16 and n % 16 != 0)
    if n % 16:
        assert f"vector<{lanes}xf32>" in text


@pytest.mark.parametrize(("m", "n"), [(12, 40), (13, 32), (13, 40), (5, 7)])
def test_tails_that_stay_are_masked(m: int, n: int) -> None:
    text = check(matmul(m, n, 5, 6, 16))
    assert ("vector.create_mask" in text) == (n % 16 != 0)
    assert ("affine.if" in text) == (m % 6 != 0 and m > 6)
    assert "maskedstore %L" not in text, "a buffer of the thread's own may be clobbered outside of its logical shape"


def test_serial_tail_bounds_its_loop() -> None:
    loops = "loop.for %o : 4 { loop.for %i : 8 {"
    text = check(elementwise(27, "%y = arith.addi %x, %x : i32", loops, "%o * 8 + %i"))
    assert "to min affine_map<(d0) -> (8, ((d0 * -8) + 27))>(%o)" in text
    assert "affine.if" not in text


def test_inexact_inner_split_with_a_local_buffer() -> None:
    # Lanes left out fall on elements that the next step of %o owns: they must be kept.
    text = """
func.func @f(%X: memref<50xi32>, %Y: memref<50xi32> {loop.output}) {
  %L = loop.alloc "L" : memref<64xi32, "local">
  loop.for %z : 2 { loop.for %o : 4 { loop.for %i : 8 vectorized {
    loop.block "stage" spatial(%v in 50 = %z * 25 + %o * 8 + %i) where(%o * 8 + %i < 25) {
      %x = loop.read %X[%v] : memref<50xi32>
      loop.write %x, %L[%v] : memref<64xi32, "local">
    }
  } } }
  loop.for %i : 50 {
    loop.block "map0" spatial(%v in 50 = %i) {
      %x = loop.read %L[%v] : memref<64xi32, "local">
      loop.write %x, %Y[%v] : memref<50xi32>
    }
  }
  func.return
}"""
    assert "arith.select" in check(text)


VECTOR = "loop.for %o : 4 { loop.for %i : 8 vectorized {"


@pytest.mark.parametrize("op", ["divsi", "remsi", "divui", "remui", "floordivsi", "ceildivsi"])
def test_division_under_a_mask_does_not_trap(op: str) -> None:
    body = f"""%c1 = arith.constant 9 : i32
      %d = arith.addi %x, %c1 : i32
      %y = arith.{op} %c1, %d : i32"""
    text = check(elementwise(27, body, VECTOR, "%o * 8 + %i"))
    assert "vector.create_mask" in text


def test_choice_between_lanes_is_a_select_under_masks() -> None:
    body = """%c5 = arith.constant 5 : index
      %c = arith.cmpi slt, %v, %c5 : index
      %y = scf.if %c -> (i32) {
        %a = loop.read %T[%v] : memref<8xi32>
        scf.yield %a : i32
      } else {
        scf.yield %x : i32
      }"""
    text = check(elementwise(27, body, VECTOR, "%o * 8 + %i"))
    assert "vector.maskedload %T" in text
    assert "arith.select" in text


def test_choice_that_all_lanes_share_is_control_flow() -> None:
    body = """%c5 = arith.constant 1 : index
      %r = affine.apply affine_map<(d0) -> (d0 floordiv 8)> (%v)
      %c = arith.cmpi sge, %r, %c5 : index
      %y = scf.if %c -> (i32) {
        %a = loop.read %T[%v floordiv 8] : memref<8xi32>
        scf.yield %a : i32
      } else {
        %k = arith.constant 7 : i32
        scf.yield %k : i32
      }"""
    text = check(elementwise(27, body, VECTOR, "%o * 8 + %i"))
    assert "scf.if" in text


@pytest.mark.parametrize("loops", ["loop.for %i : 27 {", VECTOR])
def test_both_branches_use_the_same_index(loops: str) -> None:
    body = """%r = affine.apply affine_map<(d0) -> (d0 floordiv 8)> (%v)
      %c1 = arith.constant 1 : index
      %c = arith.cmpi sge, %r, %c1 : index
      %y = scf.if %c -> (i32) {
        %q = arith.index_cast %r : index to i32
        scf.yield %q : i32
      } else {
        %q = arith.index_cast %r : index to i32
        %s = arith.subi %x, %q : i32
        scf.yield %s : i32
      }"""
    check(elementwise(27, body, loops, "%i" if "27" in loops else "%o * 8 + %i"))


def test_choice_that_is_known_is_gone() -> None:
    body = """%c = arith.constant 30 : index
      %k = arith.cmpi slt, %v, %c : index
      %y = scf.if %k -> (i32) {
        scf.yield %x : i32
      } else {
        %a = loop.read %T[%v] : memref<8xi32>
        scf.yield %a : i32
      }"""
    text = check(elementwise(24, body, "loop.for %i : 24 {", "%i"))
    assert "scf.if" not in text
    assert "%T" not in text.split("{", 2)[2]


@pytest.mark.parametrize("policy", ["", " wrap"])
@pytest.mark.parametrize("loops", ["loop.for %i : 27 {", VECTOR])
def test_indices_that_are_data(policy: str, loops: str) -> None:
    body = f"""%i0 = arith.index_cast %x : i32 to index
      %y = loop.read %T[%i0]{policy} : memref<8xi32>"""
    check(elementwise(27, body, loops, "%i" if "27" in loops else "%o * 8 + %i"))


def test_row_at_an_index_that_is_data() -> None:
    text = """
func.func @f(%I: memref<5xi32>, %T: memref<7x19xf32>, %Y: memref<5x19xf32> {loop.output}) {
  loop.for %i : 5 { loop.for %o : 3 { loop.for %j : 8 vectorized {
    loop.block "map0" spatial(%vi in 5 = %i, %vj in 19 = %o * 8 + %j) {
      %x = loop.read %I[%vi] : memref<5xi32>
      %n = arith.index_cast %x : i32 to index
      %y = loop.read %T[%n, %vj] : memref<7x19xf32>
      loop.write %y, %Y[%vi, %vj] : memref<5x19xf32>
    }
  } } }
  func.return
}"""
    assert "vector.maskedload %T" in check(text)
    assert "vector.load %T" in check(text.replace("19", "24"))


@pytest.mark.parametrize("index", ["%v * 2", "%v floordiv 3", "%v mod 5", "(%v + 3) mod 5 + %v floordiv 2"])
@pytest.mark.parametrize("n", [24, 27])
def test_lanes_that_are_no_neighbours(index: str, n: int) -> None:
    text = f"""
func.func @f(%X: memref<64xi32>, %Y: memref<{n}xi32> {{loop.output}}) {{
  {VECTOR.replace("4", str(-(-n // 8)))}
    loop.block "map0" spatial(%v in {n} = %o * 8 + %i) {{
      %x = loop.read %X[{index}] : memref<64xi32>
      loop.write %x, %Y[%v] : memref<{n}xi32>
    }}
  }} }}
  func.return
}}"""
    check(text)


@pytest.mark.parametrize("n", [24, 27])
def test_scattered_lanes(n: int) -> None:
    text = f"""
func.func @f(%X: memref<{n}xi32>, %Y: memref<3x{n}xi32> {{loop.output}}) {{
  loop.for %j : 3 vectorized {{ loop.for %i : {n} {{
    loop.block "map0" spatial(%v in {n} = %i, %w in 3 = %j) {{
      %x = loop.read %X[%v] : memref<{n}xi32>
      loop.write %x, %Y[%w, %v] : memref<3x{n}xi32>
    }}
  }} }}
  func.return
}}"""
    check(text)


@pytest.mark.parametrize(
    "map",
    ["d0", "d0 * 3 + 2", "d0 floordiv 3", "(d0 + 2) mod 5", "(d0 - 9) floordiv 4", "(d0 * 2 - 30) mod 7 + d0 * 5"],
)
@pytest.mark.parametrize("n", [24, 27])
def test_iterators_as_data(map: str, n: int) -> None:
    body = f"""%r = affine.apply affine_map<(d0) -> ({map})> (%v)
      %q = arith.index_cast %r : index to i32
      %y = arith.addi %q, %x : i32"""
    check(elementwise(n, body, VECTOR, "%o * 8 + %i"))


def test_index_arithmetic_stays_in_maps() -> None:
    body = """%c3 = arith.constant 3 : index
      %r0 = arith.muli %v, %c3 : index
      %r1 = arith.addi %r0, %v : index
      %r2 = arith.subi %r1, %c3 : index
      %q = arith.index_cast %r2 : index to i32
      %y = arith.addi %q, %x : i32"""
    text = check(elementwise(27, body, "loop.for %i : 27 {", "%i"))
    assert "affine.apply affine_map<(d0) -> (((d0 * 4) + -3))>" in text


def test_booleans_in_buffers() -> None:
    text = """
func.func @f(%X: memref<27xi32>, %M: memref<27xi1> {loop.output}) {
  loop.for %o : 4 { loop.for %i : 8 vectorized {
    loop.block "map0" spatial(%v in 27 = %o * 8 + %i) {
      %x = loop.read %X[%v] : memref<27xi32>
      %z = arith.constant 0 : i32
      %c = arith.cmpi sgt, %x, %z : i32
      loop.write %c, %M[%v] : memref<27xi1>
    }
  } }
  func.return
}"""
    check(text)


def test_undecomposed_init() -> None:
    text = """
func.func @f(%X: memref<9x20xi32>, %Y: memref<9xi32> {loop.output}) {
  loop.for %o : 3 { loop.for %i : 4 vectorized { loop.for %k : 20 {
    loop.block "reduce0" spatial(%v in 9 = %o * 4 + %i) reduce(%w in 20 = %k) {
      loop.init {
        %z = arith.constant 0 : i32
        loop.write %z, %Y[%v] : memref<9xi32>
      }
      %x = loop.read %X[%v, %w] : memref<9x20xi32>
      loop.reduce (%x) into (%Y)[%v] : memref<9xi32> combine(%acc: i32, %n: i32) identity [0 : i32]
          flags [associative, commutative] {
        %s = arith.addi %acc, %n : i32
        loop.yield %s : i32
      }
    }
  } } }
  func.return
}"""
    assert "affine.if" in check(text)


def test_last_iteration_of_a_parallel_loop_runs_beside_the_others() -> None:
    text = check(
        elementwise(
            28,
            "%y = arith.addi %x, %x : i32",
            "loop.for %o : 4 parallel peel { loop.for %i : 8 vectorized {",
            "%o * 8 + %i",
        )
    )
    assert "cpu.parallel %o : 4" in text
    assert "vector<4xi32>" in text
    assert "mask" not in text


def test_large_buffers_are_allocated_and_freed() -> None:
    text = """
func.func @f(%X: memref<200x200xf32>, %Y: memref<200x200xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<200x200xf32>
  loop.for %i : 200 { loop.for %j : 200 vectorized {
    loop.block "map0" spatial(%v in 200 = %i, %w in 200 = %j) {
      %x = loop.read %X[%v, %w] : memref<200x200xf32>
      loop.write %x, %T[%v, %w] : memref<200x200xf32>
    }
  } }
  loop.for %i : 200 { loop.for %j : 200 {
    loop.block "map1" spatial(%v in 200 = %i, %w in 200 = %j) {
      %x = loop.read %T[%w, %v] : memref<200x200xf32>
      loop.write %x, %Y[%v, %w] : memref<200x200xf32>
    }
  } }
  func.return
}"""
    text = check(text)
    assert "memref.alloc()" in text
    assert "memref.dealloc" in text


@pytest.mark.parametrize("seed", range(60))
def test_random_schedules(seed: int) -> None:
    rng = random.Random(seed)
    _, text = random_kernel(rng)
    module = parse_kernel(text)
    inputs = random_inputs(module, seed)
    expected = run_loop(module, *inputs)
    random_schedule(module, rng)
    for want, got in zip(expected, Native(module)(*inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def refusal(text: str) -> str:
    module = parse_kernel(text)
    with pytest.raises(CompileError) as error:
        expanded(module)
    return str(error.value)


def test_too_much_code_is_refused() -> None:
    loops = "loop.for %a : 64 unrolled { loop.for %b : 64 unrolled {  loop.for %c : 64 unrolled {"
    body = elementwise(64**3, "%y = arith.addi %x, %x : i32", loops, "%a * 4096 + %b * 64 + %c")
    assert "unroll less" in refusal(body)


def test_bound_loops_are_refused() -> None:
    assert "thread.x" in refusal(
        elementwise(8, "%y = arith.addi %x, %x : i32", 'loop.for %i : 8 bound("thread.x") {', "%i")
    )


def test_nested_vector_loops_are_refused() -> None:
    loops = "loop.for %a : 4 vectorized { loop.for %b : 4 vectorized {"
    assert "one vectorized loop" in refusal(elementwise(16, "%y = arith.addi %x, %x : i32", loops, "%a * 4 + %b"))
