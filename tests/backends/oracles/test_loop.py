"""The loop oracle on kernels written by hand: what each construct means, and what is an error."""

from __future__ import annotations

import numpy as np
import pytest
from stepwell.backends.oracles.loop import ExecutionError, run_loop
from stepwell.dialects.loop import Loop
from stepwell.errors import ArgumentError, CompileError
from xdsl.context import Context
from xdsl.dialects import affine, arith, builtin, func, math, memref, scf
from xdsl.parser import Parser

Array = np.ndarray


def parse(text: str) -> builtin.ModuleOp:
    ctx = Context()
    for dialect in (builtin.Builtin, func.Func, arith.Arith, math.Math, affine.Affine, scf.Scf, memref.MemRef, Loop):
        ctx.load_dialect(dialect)
    return Parser(ctx, text).parse_module()  # not verified: some kernels here are wrong on purpose


def run(text: str, *inputs: Array, **options: object) -> tuple[Array, ...]:
    return run_loop(parse(text), *inputs, **options)  # pyright: ignore[reportArgumentType]


SUM = """combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
    %s = arith.addf %acc, %x : f32
    loop.yield %s : f32
}"""


def matmul(loops: str, bindings: tuple[str, str, str], where: str = "") -> str:
    i, j, k = bindings
    return f"""
    func.func @matmul(%A: memref<5x6xf32>, %B: memref<6x7xf32>, %C: memref<5x7xf32> {{loop.output}}) {{
      {loops}
        loop.block "reduce0" spatial(%vi in 5 = {i}, %vj in 7 = {j}) reduce(%vk in 6 = {k}) {where} {{
          loop.init {{
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<5x7xf32>
          }}
          %a = loop.read %A[%vi, %vk] : memref<5x6xf32>
          %b = loop.read %B[%vk, %vj] : memref<6x7xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<5x7xf32> {SUM}
        }}
      {"}" * loops.count("{")}
      func.return
    }}"""


@pytest.fixture
def ab() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return tuple(rng.integers(-9, 9, shape).astype(np.float32) for shape in ((5, 6), (6, 7)))  # pyright: ignore


@pytest.mark.parametrize(
    ("loops", "bindings", "where"),
    [
        ("loop.for %i : 5 { loop.for %j : 7 { loop.for %k : 6 {", ("%i", "%j", "%k"), ""),
        ("loop.for %k : 6 { loop.for %j : 7 { loop.for %i : 5 {", ("%i", "%j", "%k"), ""),
        (
            "loop.for %i : 2 { loop.for %j : 7 { loop.for %ii : 3 { loop.for %k : 6 {",
            ("%i * 3 + %ii", "%j", "%k"),
            "",
        ),
        (
            "loop.for %f : 35 { loop.for %ko : 3 { loop.for %ki : 2 {",
            ("%f floordiv 7", "%f mod 7", "%ko * 2 + %ki"),
            "",
        ),
        (
            "loop.for %jo : 2 { loop.for %jm : 2 { loop.for %ji : 3 { loop.for %i : 5 { loop.for %k : 6 {",
            ("%i", "%jo * 4 + (%jm * 3 + %ji)", "%k"),
            "where(%jm * 3 + %ji < 4)",
        ),
    ],
)
def test_matmul_in_any_loops(ab: tuple[Array, Array], loops: str, bindings: tuple[str, str, str], where: str) -> None:
    (c,) = run(matmul(loops, bindings, where), *ab)
    np.testing.assert_array_equal(c, ab[0] @ ab[1])


def test_more_loops_than_python_nests(ab: tuple[Array, Array]) -> None:
    extra = "".join(f"loop.for %e{n} : 1 {{ " for n in range(40))
    loops = extra + "loop.for %i : 5 { loop.for %j : 7 { loop.for %k : 6 {"
    (c,) = run(matmul(loops, ("%i", "%j", "%k")), *ab)
    np.testing.assert_array_equal(c, ab[0] @ ab[1])


def test_loop_kinds_keep_the_order(ab: tuple[Array, Array]) -> None:
    loops = "loop.for %i : 5 parallel { loop.for %j : 7 unrolled { loop.for %k : 6 vectorized {"
    (c,) = run(matmul(loops, ("%i", "%j", "%k")), *ab)
    np.testing.assert_array_equal(c, ab[0] @ ab[1])


def test_a_legal_parallel_mark_passes_adversarially(ab: tuple[Array, Array]) -> None:
    loops = "loop.for %i : 5 parallel { loop.for %k : 6 { loop.for %j : 7 vectorized {"
    (c,) = run(matmul(loops, ("%i", "%j", "%k")), *ab, order="adversarial", seed=3)
    np.testing.assert_array_equal(c, ab[0] @ ab[1])


@pytest.mark.parametrize("kind", ["parallel", "vectorized"])
def test_an_init_inside_of_a_marked_reduce_loop_is_found(ab: tuple[Array, Array], kind: str) -> None:
    loops = f"loop.for %i : 5 {{ loop.for %j : 7 {{ loop.for %k : 6 {kind} {{"
    with pytest.raises(ExecutionError, match="to be independent|to be written before"):
        run(matmul(loops, ("%i", "%j", "%k")), *ab, order="adversarial")


def test_missing_iterations_leave_outputs_unwritten(ab: tuple[Array, Array]) -> None:
    loops = "loop.for %i : 5 { loop.for %j : 6 { loop.for %k : 6 {"
    with pytest.raises(ExecutionError, match=r"expected C\[0, 6\] to be written before it is read"):
        run(matmul(loops, ("%i", "%j", "%k")), *ab)


STAGED = """
func.func @copy(%A: memref<8xi32>, %C: memref<8xi32> {loop.output}) {
  loop.for %i : 2 {
    %b = loop.alloc "staged" : memref<8xi32, "local">
    loop.for %j : EXTENT {
      loop.block "stage" spatial(%v in 8 = %i * 4 + %j) {
        %a = loop.read %A[%v] : memref<8xi32>
        loop.write %a, %b[%v] : memref<8xi32, "local">
      }
    }
    loop.for %j : 4 {
      loop.block "map0" spatial(%v in 8 = BINDING) {
        %a = loop.read %b[%v] : memref<8xi32, "local">
        loop.write %a, %C[%v] : memref<8xi32>
      }
    }
  }
  func.return
}"""


def test_staged_buffers_hold_what_was_written() -> None:
    a = np.arange(8, dtype=np.int32)
    (c,) = run(STAGED.replace("EXTENT", "4").replace("BINDING", "%i * 4 + %j"), a)
    np.testing.assert_array_equal(c, a)


def test_staged_buffers_are_fresh_in_each_iteration() -> None:
    with pytest.raises(ExecutionError, match=r"expected staged\[0\] to be written before it is read"):
        run(STAGED.replace("EXTENT", "4").replace("BINDING", "%j"), np.arange(8, dtype=np.int32))


def test_staged_buffers_that_miss_elements_are_found() -> None:
    with pytest.raises(ExecutionError, match=r"expected staged\[3\] to be written before it is read"):
        run(STAGED.replace("EXTENT", "3").replace("BINDING", "%i * 4 + %j"), np.arange(8, dtype=np.int32))


def pointwise(body: str, source: str, target: str, size: int = 8) -> str:
    return f"""
    func.func @map(%A: memref<{size}x{source}>, %C: memref<{size}x{target}> {{loop.output}}) {{
      loop.for %i : {size} {{
        loop.block "map0" spatial(%v in {size} = %i) {{
          {body}
          loop.write %y, %C[%v] : memref<{size}x{target}>
        }}
      }}
      func.return
    }}"""


@pytest.mark.parametrize(
    ("mode", "expected"), [("", [0, 0, 1, 2, 3, 3, 3, 0]), ("wrap", [3, 0, 1, 2, 3, 0, 1, 2])], ids=["clamp", "wrap"]
)
def test_indices_that_are_data(mode: str, expected: list[int]) -> None:
    text = f"""
    func.func @gather(%I: memref<8xi64>, %T: memref<4xf64>, %C: memref<8xf64> {{loop.output}}) {{
      loop.for %i : 8 {{
        loop.block "map0" spatial(%v in 8 = %i) {{
          %n = loop.read %I[%v] : memref<8xi64>
          %x = arith.index_cast %n : i64 to index
          %y = loop.read %T[%x] {mode} : memref<4xf64>
          loop.write %y, %C[%v] : memref<8xf64>
        }}
      }}
      func.return
    }}"""
    (c,) = run(text, np.array([-1, 0, 1, 2, 3, 4, 5, -2]), np.arange(4.0))
    assert c.tolist() == expected


LAZY = """
    %c1 = arith.constant 1 : index
    %in = arith.cmpi CMP, %v, %c1 : index
    %y = scf.if %in -> (f32) {
      %p = loop.read %A[%v - 1] : memref<8xf32>
      scf.yield %p : f32
    } else {
      %z = arith.constant 0.0 : f32
      scf.yield %z : f32
    }"""


def test_only_the_branch_taken_runs() -> None:
    a = np.arange(1, 9, dtype=np.float32)
    (c,) = run(pointwise(LAZY.replace("CMP", "sge"), "f32", "f32"), a)
    np.testing.assert_array_equal(c, np.concatenate([[0], a[:-1]]))


def test_out_of_bounds_reads_are_errors() -> None:
    with pytest.raises(ExecutionError, match=r"expected an index in 0\.\.7 in dimension 0, got -1"):
        run(pointwise(LAZY.replace("CMP", "slt"), "f32", "f32"), np.zeros(8, np.float32))


def test_a_reduction_over_a_tuple() -> None:
    text = """
    func.func @argmax(%A: memref<3x5xf32>, %M: memref<3xf32> {loop.output}, %I: memref<3xi32> {loop.output}) {
      loop.for %i : 3 {
        loop.for %k : 5 {
          loop.block "reduce0" spatial(%vi in 3 = %i) reduce(%vk in 5 = %k) {
            loop.init {
              %z = arith.constant 0xFF800000 : f32
              %n = arith.constant -1 : i32
              loop.write %z, %M[%vi] : memref<3xf32>
              loop.write %n, %I[%vi] : memref<3xi32>
            }
            %a = loop.read %A[%vi, %vk] : memref<3x5xf32>
            %p = arith.index_cast %vk : index to i32
            loop.reduce (%a, %p) into (%M, %I)[%vi] : memref<3xf32>, memref<3xi32>
                combine(%m: f32, %at: i32, %x: f32, %xat: i32) identity [0xFF800000 : f32, -1 : i32] {
              %g = arith.cmpf ogt, %x, %m : f32
              %v = arith.select %g, %x, %m : f32
              %w = arith.select %g, %xat, %at : i32
              loop.yield %v, %w : f32, i32
            }
          }
        }
      }
      func.return
    }"""
    a = np.array([[1, 3, 3, 2, 0], [-1, -2, -3, -4, -5], [0, 0, 0, 0, 7]], np.float32)
    m, i = run(text, a)
    np.testing.assert_array_equal(m, a.max(1))
    np.testing.assert_array_equal(i, a.argmax(1).astype(np.int32))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
@pytest.mark.parametrize("op", ["addi", "subi", "muli", "maxsi", "minui", "andi", "xori"])
def test_integers_wrap_as_in_numpy(dtype: type, op: str) -> None:
    bits = np.dtype(dtype).itemsize * 8
    info = np.iinfo(dtype)
    a = np.array([info.min, info.max, -1, 0, 1, 7, info.min + 1, 100], dtype)
    other = np.array(info.max, dtype)
    body = f"""%a = loop.read %A[%v] : memref<8xi{bits}>
        %b = arith.constant {info.max} : i{bits}
        %y = arith.{op} %a, %b : i{bits}"""
    (c,) = run(pointwise(body, f"i{bits}", f"i{bits}"), a)
    unsigned = np.dtype(f"uint{bits}")
    with np.errstate(over="ignore"):
        expected = {
            "addi": lambda: a + other,
            "subi": lambda: a - other,
            "muli": lambda: a * other,
            "maxsi": lambda: np.maximum(a, other),
            "minui": lambda: np.minimum(a.view(unsigned), other.view(unsigned)).view(dtype),
            "andi": lambda: a & other,
            "xori": lambda: a ^ other,
        }[op]()
    assert c.dtype == a.dtype
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize(("name", "dtype"), [("f16", np.float16), ("f32", np.float32), ("f64", np.float64)])
@pytest.mark.parametrize("op", ["addf", "subf", "mulf", "divf", "maximumf", "minimumf"])
def test_floats_round_as_in_numpy(name: str, dtype: type, op: str) -> None:
    a = np.array([0.1, -0.0, np.nan, np.inf, 1e-7, 3.3, -2.7, 0.5], dtype)
    body = f"""%a = loop.read %A[%v] : memref<8x{name}>
        %b = arith.constant 0.3 : {name}
        %y = arith.{op} %a, %b : {name}"""
    (c,) = run(pointwise(body, name, name), a)
    function = {"addf": np.add, "subf": np.subtract, "mulf": np.multiply, "divf": np.divide}
    function |= {"maximumf": np.maximum, "minimumf": np.minimum}
    expected = function[op](a, dtype(0.3))
    assert c.dtype == dtype
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize(
    ("body", "values", "expected"),
    [
        ("%y = arith.shli %a, %b : i8", [1, 3, -1, 64], [4, 12, -4, 0]),
        ("%y = arith.shrsi %a, %b : i8", [1, 4, -1, -128], [0, 1, -1, -32]),
        ("%y = arith.shrui %a, %b : i8", [1, 4, -1, -128], [0, 1, 63, 32]),
        ("%y = arith.divsi %a, %b : i8", [5, -5, -1, -128], [2, -2, 0, -64]),
        ("%y = arith.floordivsi %a, %b : i8", [5, -5, -1, -128], [2, -3, -1, -64]),
        ("%y = arith.remsi %a, %b : i8", [5, -5, -1, -128], [1, -1, -1, 0]),
        ("%y = arith.remui %a, %b : i8", [5, -5, -1, -128], [1, 1, 1, 0]),
        ("%c = arith.cmpi ugt, %a, %b : i8  %y = arith.extsi %c : i1 to i8", [5, -5, 2, 1], [-1, -1, 0, 0]),
        ("%c = arith.cmpi sgt, %a, %b : i8  %y = arith.extui %c : i1 to i8", [5, -5, 2, 1], [1, 0, 0, 0]),
    ],
)
def test_integer_ops_on_bytes(body: str, values: list[int], expected: list[int]) -> None:
    text = f"%a = loop.read %A[%v] : memref<4xi8>\n%b = arith.constant 2 : i8\n{body}"
    (c,) = run(pointwise(text, "i8", "i8", 4), np.array(values, np.int8))
    assert c.tolist() == expected


@pytest.mark.parametrize(("name", "dtype"), [("f16", np.float16), ("f32", np.float32), ("f64", np.float64)])
def test_fused_multiply_add_rounds_once(name: str, dtype: type) -> None:
    eps = np.finfo(dtype).eps
    a = np.array([1 + eps, 1 - eps, 3, np.inf], dtype)
    body = f"""%a = loop.read %A[%v] : memref<4x{name}>
        %m = arith.constant -1.0 : {name}
        %n = arith.negf %a : {name}
        %q = arith.mulf %a, %a : {name}
        %r = arith.negf %q : {name}
        %y = math.fma %a, %a, %r : {name}"""
    (c,) = run(pointwise(body, name, name, 4), a)
    assert c[0] == eps * eps and c[1] != 0 and c[2] == 0 and np.isnan(c[3])


def test_arguments_that_do_not_fit(ab: tuple[Array, Array]) -> None:
    text = matmul("loop.for %i : 5 { loop.for %j : 7 { loop.for %k : 6 {", ("%i", "%j", "%k"))
    with pytest.raises(ArgumentError, match="expected 2 inputs of @matmul, got 1"):
        run(text, ab[0])
    with pytest.raises(ArgumentError, match=r"expected A to be float32\[5, 6\], got float64\[5, 6\]"):
        run(text, ab[0].astype(np.float64), ab[1])


def test_main_calls_kernels() -> None:
    text = """
    func.func @double(%A: memref<4xi32>, %C: memref<4xi32> {loop.output}) {
      loop.for %i : 4 {
        loop.block "map0" spatial(%v in 4 = %i) {
          %a = loop.read %A[%v] : memref<4xi32>
          %y = arith.addi %a, %a : i32
          loop.write %y, %C[%v] : memref<4xi32>
        }
      }
      func.return
    }
    func.func @main(%A: memref<4xi32>, %C: memref<4xi32> {loop.output}) {
      %t = loop.alloc "t" : memref<4xi32>
      func.call @double(%A, %t) : (memref<4xi32>, memref<4xi32>) -> ()
      func.call @double(%t, %C) : (memref<4xi32>, memref<4xi32>) -> ()
      func.return
    }"""
    (c,) = run(text, np.arange(4, dtype=np.int32))
    assert c.tolist() == [0, 4, 8, 12]


def test_foreign_ops_are_refused() -> None:
    text = "func.func @f(%C: memref<4xi32> {loop.output}) {\n %x = arith.constant 1 : i32\n func.return\n}"
    with pytest.raises(CompileError, match=r"expected an op of the loop rung, got arith\.constant"):
        run(text)
