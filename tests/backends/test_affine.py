"""Index arithmetic, loops, choices and vectors of rung 4b, compiled, against an interpretation in Python."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell.errors import CompileError
from stepwell.tools.driver import lower
from xdsl.ir.affine import AffineExpr, AffineMap

from ..mlir_judge import judge
from .native import PIPELINE, compile_text, parse


def expressions(dims: int) -> st.SearchStrategy[AffineExpr]:
    """Random quasi-affine expressions."""
    leaves = st.one_of(
        st.integers(0, dims - 1).map(AffineExpr.dimension),
        st.integers(-7, 7).map(AffineExpr.constant),
    )

    def grow(inner: st.SearchStrategy[AffineExpr]) -> st.SearchStrategy[AffineExpr]:
        return st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
            st.tuples(inner, st.integers(-5, 5)).map(lambda pair: pair[0] * pair[1]),
            st.tuples(inner, st.integers(1, 7)).map(lambda pair: pair[0] // pair[1]),
            st.tuples(inner, st.integers(1, 7)).map(lambda pair: pair[0] % pair[1]),
            st.tuples(inner, st.integers(1, 7)).map(lambda pair: pair[0].ceil_div(pair[1])),
        )

    return st.recursive(leaves, grow, max_leaves=8)


@given(expressions(2))
@settings(max_examples=40)
def test_apply_has_floor_semantics(expr: AffineExpr) -> None:
    map = AffineMap(2, 0, (expr,))
    text = f"""
    func.func @main(%N: memref<2xi64> {{llvm.readonly}}, %Y: memref<9x13xi64>) {{
      %0 = arith.constant 0 : index
      %n = memref.load %N[%0] : memref<2xi64>
      %s = arith.index_cast %n : i64 to index
      affine.for %i = 0 to 9 {{
        affine.for %j = 0 to 13 {{
          %k = arith.addi %i, %s : index
          %a = "affine.apply"(%k, %j) <{{map = affine_map<{map}>}}> : (index, index) -> index
          %b = arith.index_cast %a : index to i64
          memref.store %b, %Y[%i, %j] : memref<9x13xi64>
        }}
      }}
      func.return
    }}"""
    result = compile_text(text)(np.array([-4, 0]))
    expected = [[map.eval([i - 4, j], [])[0] for j in range(13)] for i in range(9)]
    np.testing.assert_array_equal(result, expected)


@given(st.lists(expressions(2), min_size=2, max_size=2), st.sampled_from(["affine.load", "affine.vector_load"]))
@settings(max_examples=40)
def test_accesses_add_up(indices: list[AffineExpr], op: str) -> None:
    """The address of an element is right however its map is written; indices are brought into range by `mod`."""
    lanes = 4 if op == "affine.vector_load" else 1
    rows, columns = 7, 11
    map = AffineMap(2, 0, (indices[0] % rows, indices[1] % (columns - lanes + 1)))
    type = "vector<4xi32>" if lanes > 1 else "i32"
    store = "affine.vector_store" if lanes > 1 else "affine.store"
    text = f"""
    func.func @main(%A: memref<{rows}x{columns}xi32> {{llvm.readonly}}, %Y: memref<5x6x{lanes}xi32>) {{
      affine.for %i = 0 to 5 {{
        affine.for %j = 2 to 8 {{
          %a = "{op}"(%A, %i, %j) <{{map = affine_map<{map}>}}> : (memref<{rows}x{columns}xi32>, index, index) -> {type}
          "{store}"(%a, %Y, %i, %j) <{{map = affine_map<(d0, d1) -> (d0, d1 - 2, 0)>}}>
            : ({type}, memref<5x6x{lanes}xi32>, index, index) -> ()
        }}
      }}
      func.return
    }}"""
    a = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    expected = np.zeros((5, 6, lanes), np.int32)
    for i in range(5):
        for j in range(2, 8):
            row, column = map.eval([i, j], [])
            expected[i, j - 2] = a[row, column : column + lanes]
    np.testing.assert_array_equal(compile_text(text)(a), expected)


def _run(text: str, *inputs: Any) -> Any:
    judge(lower(parse(text), pipeline=PIPELINE))
    return compile_text(text)(*inputs)


def test_loops_carry_values() -> None:
    text = """
    func.func @main(%A: memref<10xf32> {llvm.readonly}, %Y: memref<2xf32>) {
      %z = arith.constant 0.0 : f32
      %o = arith.constant 1.0 : f32
      %s, %p = affine.for %i = 0 to 10 step 3 iter_args(%acc = %z, %prod = %o) -> (f32, f32) {
        %a = affine.load %A[%i] : memref<10xf32>
        %t = arith.addf %acc, %a : f32
        %q = arith.mulf %prod, %a : f32
        affine.yield %t, %q : f32, f32
      }
      %0 = arith.constant 0 : index
      %1 = arith.constant 1 : index
      memref.store %s, %Y[%0] : memref<2xf32>
      memref.store %p, %Y[%1] : memref<2xf32>
      func.return
    }"""
    a = np.arange(1, 11, dtype=np.float32)
    np.testing.assert_array_equal(_run(text, a), [a[::3].sum(), a[::3].prod()])


@pytest.mark.parametrize(("first", "last"), [(0, 8), (3, 5), (6, 6), (7, 2), (-3, 20)])
def test_bounds_are_the_tightest_of_maps(first: int, last: int) -> None:
    text = """
    func.func @main(%N: memref<2xi64> {llvm.readonly}, %Y: memref<8xi32>) {
      %0 = arith.constant 0 : index
      %1 = arith.constant 1 : index
      %z = arith.constant 0 : i32
      %o = arith.constant 1 : i32
      affine.for %i = 0 to 8 { affine.store %z, %Y[%i] : memref<8xi32> }
      %a = memref.load %N[%0] : memref<2xi64>
      %b = memref.load %N[%1] : memref<2xi64>
      %lo = arith.index_cast %a : i64 to index
      %hi = arith.index_cast %b : i64 to index
      func.call @body(%lo, %hi, %Y) : (index, index, memref<8xi32>) -> ()
      func.return
    }
    func.func private @body(%lo: index, %hi: index, %Y: memref<8xi32>) {
      %o = arith.constant 1 : i32
      affine.for %i = max affine_map<()[s0] -> (s0, 0)>()[%lo] to min affine_map<()[s0] -> (s0, 8)>()[%hi] {
        affine.store %o, %Y[%i] : memref<8xi32>
      }
      func.return
    }"""
    expected = [int(max(first, 0) <= i < min(last, 8)) for i in range(8)]
    np.testing.assert_array_equal(_run(text, np.array([first, last])), expected)


def test_choices_give_values() -> None:
    text = """
    func.func @main(%A: memref<6x8xf32> {llvm.readonly}, %Y: memref<6x8xf32>) {
      %z = arith.constant -1.0 : f32
      affine.for %i = 0 to 6 {
        affine.for %j = 0 to 8 {
          %v = "affine.if"(%i, %j) <{
            condition = affine_set<(d0, d1) : (d0 - 1 >= 0, d1 - d0 - 2 >= 0, d1 mod 2 == 0)>
          }> ({
            %a = "affine.load"(%A, %i, %j) <{map = affine_map<(d0, d1) -> (d0 - 1, d1 - 2)>}>
              : (memref<6x8xf32>, index, index) -> f32
            affine.yield %a : f32
          }, {
            affine.yield %z : f32
          }) : (index, index) -> f32
          affine.store %v, %Y[%i, %j] : memref<6x8xf32>
        }
      }
      func.return
    }"""
    a = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)
    expected = np.full((6, 8), -1, np.float32)
    for i in range(6):
        for j in range(8):
            if i >= 1 and j - i >= 2 and j % 2 == 0:
                expected[i, j] = a[i - 1, j - 2]
    np.testing.assert_array_equal(_run(text, a), expected)


def test_what_is_proven_is_not_asked() -> None:
    text = """
    func.func @main(%A: memref<8xf32> {llvm.readonly}, %Y: memref<8xf32>) {
      affine.for %i = 0 to 8 {
        "affine.if"(%i) <{condition = affine_set<(d0) : (d0 >= 0, 7 - d0 >= 0)>}> ({
          %a = affine.load %A[%i] : memref<8xf32>
          affine.store %a, %Y[%i] : memref<8xf32>
          affine.yield
        }, {}) : (index) -> ()
        "affine.if"(%i) <{condition = affine_set<(d0) : (d0 - 8 >= 0)>}> ({
          %z = arith.constant 0.0 : f32
          affine.store %z, %Y[%i] : memref<8xf32>
          affine.yield
        }, {}) : (index) -> ()
      }
      func.return
    }"""
    lowered = str(lower(parse(text), pipeline=PIPELINE))
    assert lowered.count("llvm.cond_br") == 1
    a = np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(_run(text, a), a)


def test_scf() -> None:
    text = """
    func.func @main(%A: memref<16xi64> {llvm.readonly}, %Y: memref<16xi64>) {
      %0 = arith.constant 0 : index
      %1 = arith.constant 1 : index
      %n = arith.constant 16 : index
      %one = arith.constant 1 : i64
      %two = arith.constant 2 : i64
      %three = arith.constant 3 : i64
      %zero = arith.constant 0 : i64
      scf.for %i = %0 to %n step %1 {
        %a = memref.load %A[%i] : memref<16xi64>
        %steps, %last = scf.while (%count = %zero, %x = %a) : (i64, i64) -> (i64, i64) {
          %more = arith.cmpi ne, %x, %one : i64
          scf.condition(%more) %count, %x : i64, i64
        } do {
        ^bb0(%count: i64, %x: i64):
          %bit = arith.andi %x, %one : i64
          %even = arith.cmpi eq, %bit, %zero : i64
          %next = scf.if %even -> (i64) {
            %h = arith.divui %x, %two : i64
            scf.yield %h : i64
          } else {
            %t = arith.muli %x, %three : i64
            %u = arith.addi %t, %one : i64
            scf.yield %u : i64
          }
          %c = arith.addi %count, %one : i64
          scf.yield %c, %next : i64, i64
        }
        memref.store %steps, %Y[%i] : memref<16xi64>
      }
      func.return
    }"""

    def collatz(x: int) -> int:
        count = 0
        while x != 1:
            x, count = (x // 2 if x % 2 == 0 else 3 * x + 1), count + 1
        return count

    a = np.arange(1, 17)
    np.testing.assert_array_equal(_run(text, a), [collatz(int(x)) for x in a])


def test_branches() -> None:
    text = """
    func.func @main(%A: memref<1xi32> {llvm.readonly}, %Y: memref<1xi32>) {
      %0 = arith.constant 0 : index
      %z = arith.constant 0 : i32
      %t = arith.constant 10 : i32
      %a = memref.load %A[%0] : memref<1xi32>
      %c = arith.cmpi slt, %a, %t : i32
      cf.cond_br %c, ^bb1(%a : i32), ^bb2(%t : i32)
    ^bb1(%x: i32):
      %y = arith.addi %x, %x : i32
      cf.br ^bb2(%y : i32)
    ^bb2(%r: i32):
      memref.store %r, %Y[%0] : memref<1xi32>
      func.return
    }"""
    assert _run(text, np.array([4], np.int32))[0] == 8
    assert _run(text, np.array([40], np.int32))[0] == 10


@pytest.mark.parametrize("count", [0, 3, 7, 8, 11])
def test_masks_touch_no_memory_outside(count: int) -> None:
    text = """
    func.func @main(%N: memref<1xi64> {llvm.readonly}, %A: memref<8xf32> {llvm.readonly}, %Y: memref<8xf32>) {
      %0 = arith.constant 0 : index
      %z = arith.constant 0.0 : f32
      %m1 = arith.constant dense<-1.0> : vector<8xf32>
      affine.for %i = 0 to 8 { affine.store %z, %Y[%i] : memref<8xf32> }
      %b = memref.load %N[%0] : memref<1xi64>
      %n = arith.index_cast %b : i64 to index
      %mask = vector.create_mask %n : vector<8xi1>
      %a = vector.maskedload %A[%0], %mask, %m1 : memref<8xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
      %four = arith.constant 4 : index
      %low = vector.create_mask %four : vector<8xi1>
      %s = arith.addf %a, %a : vector<8xf32>
      vector.maskedstore %Y[%0], %low, %s : memref<8xf32>, vector<8xi1>, vector<8xf32>
      func.return
    }"""
    a = np.arange(1, 9, dtype=np.float32)
    loaded = np.where(np.arange(8) < count, a, -1)
    expected = np.where(np.arange(8) < 4, 2 * loaded, 0)
    np.testing.assert_array_equal(_run(text, np.array([count]), a), expected)


def test_vector_shapes() -> None:
    text = """
    func.func @main(%A: memref<8xf32> {llvm.readonly}, %Y: memref<16xf32>) {
      %0 = arith.constant 0 : index
      %a = vector.load %A[%0] : memref<8xf32>, vector<8xf32>
      %r = vector.shuffle %a, %a [7, 6, 5, 4, 3, 2, 1, 8] : vector<8xf32>, vector<8xf32>
      %x = vector.extract %a[3] : f32 from vector<8xf32>
      %i = vector.insert %x, %r [0] : f32 into vector<8xf32>
      %two = vector.broadcast %x : f32 to vector<2xf32>
      %j = vector.shuffle %i, %two [0, 1, 2, 3, 4, 5, 8, 9] : vector<8xf32>, vector<2xf32>
      vector.store %j, %Y[%0] : memref<16xf32>, vector<8xf32>
      %bits = vector.bitcast %a : vector<8xf32> to vector<8xi32>
      %back = vector.bitcast %bits : vector<8xi32> to vector<8xf32>
      %f = vector.fma %a, %back, %a : vector<8xf32>
      %eight = arith.constant 8 : index
      vector.store %f, %Y[%eight] : memref<16xf32>, vector<8xf32>
      func.return
    }"""
    a = np.arange(1, 9, dtype=np.float32)
    np.testing.assert_array_equal(_run(text, a)[:8], [4, 7, 6, 5, 4, 3, 4, 4])
    np.testing.assert_array_equal(_run(text, a)[8:], a * a + a)


@pytest.mark.parametrize(
    ("kind", "type", "expected"),
    [
        ("add", "f32", lambda a: a.sum()),
        ("mul", "f32", lambda a: a.prod()),
        ("maximumf", "f32", lambda a: a.max()),
        ("minnumf", "f32", lambda a: a.min()),
        ("add", "i32", lambda a: a.sum()),
        ("mul", "i32", lambda a: a.prod()),
        ("maxsi", "i32", lambda a: a.max()),
        ("minsi", "i32", lambda a: a.min()),
        ("xor", "i32", lambda a: np.bitwise_xor.reduce(a)),
    ],
)
@pytest.mark.parametrize("with_accumulator", [False, True])
def test_reductions(kind: str, type: str, expected: Any, with_accumulator: bool) -> None:
    acc = ", %x" if with_accumulator else ""
    text = f"""
    func.func @main(%A: memref<8x{type}> {{llvm.readonly}}, %Y: memref<1x{type}>) {{
      %0 = arith.constant 0 : index
      %a = vector.load %A[%0] : memref<8x{type}>, vector<8x{type}>
      %x = memref.load %A[%0] : memref<8x{type}>
      %r = vector.reduction <{kind}>, %a{acc} : vector<8x{type}> into {type}
      memref.store %r, %Y[%0] : memref<1x{type}>
      func.return
    }}"""
    a = np.array([3, -2, 1, 4, -1, 2, 5, 1], "float32" if type == "f32" else "int32")
    assert _run(text, a)[0] == expected(np.append(a, a[0]) if with_accumulator else a)


def test_booleans_are_bytes_in_memory() -> None:
    text = """
    func.func @main(%A: memref<16xi1> {llvm.readonly}, %Y: memref<16xi1>) {
      %0 = arith.constant 0 : index
      %a = vector.load %A[%0] : memref<16xi1>, vector<16xi1>
      %t = arith.constant dense<true> : vector<16xi1>
      %n = arith.xori %a, %t : vector<16xi1>
      vector.store %n, %Y[%0] : memref<16xi1>, vector<16xi1>
      %x = memref.load %A[%0] : memref<16xi1>
      memref.store %x, %Y[%0] : memref<16xi1>
      func.return
    }"""
    a = np.arange(16) % 3 == 0
    result = _run(text, a)
    assert result[0] == a[0]
    np.testing.assert_array_equal(result[1:], ~a[1:])


def test_memory() -> None:
    text = """
    "memref.global"() <{sym_name = "table", sym_visibility = "private", type = memref<4xf32>, constant,
      initial_value = dense<[1.0, 2.0, 4.0, 8.0]> : tensor<4xf32>}> : () -> ()
    "memref.global"() <{sym_name = "flags", sym_visibility = "private", type = memref<4xi1>, constant,
      initial_value = dense<[true, false, true, true]> : tensor<4xi1>}> : () -> ()
    func.func @main(%A: memref<4xf32> {llvm.readonly}, %Y: memref<4xf32>) {
      %0 = arith.constant 0 : index
      %t = memref.get_global @table : memref<4xf32>
      %f = memref.get_global @flags : memref<4xi1>
      %h = memref.alloc() : memref<4xf32>
      %s = memref.alloca() : memref<4xf32, "local">
      %z = arith.constant 0.0 : f32
      affine.for %i = 0 to 4 {
        %a = affine.load %A[%i] : memref<4xf32>
        %b = affine.load %t[%i] : memref<4xf32>
        %c = affine.load %f[%i] : memref<4xi1>
        %p = arith.mulf %a, %b : f32
        %q = arith.select %c, %p, %z : f32
        affine.store %q, %s[%i] : memref<4xf32, "local">
      }
      affine.for %i = 0 to 4 {
        %q = affine.load %s[%i] : memref<4xf32, "local">
        affine.store %q, %h[%i] : memref<4xf32>
      }
      "memref.copy"(%h, %Y) : (memref<4xf32>, memref<4xf32>) -> ()
      memref.dealloc %h : memref<4xf32>
      func.return
    }"""
    np.testing.assert_array_equal(_run(text, np.full(4, 3, np.float32)), [3, 0, 12, 24])


def test_zeros_keep_their_signs() -> None:
    text = """
    func.func @main(%A: memref<1xf32> {llvm.readonly}, %Y: memref<2xf32>) {
      %0 = arith.constant 0 : index
      %1 = arith.constant 1 : index
      %p = arith.constant 0.0 : f32
      %m = arith.constant -0.0 : f32
      memref.store %p, %Y[%0] : memref<2xf32>
      memref.store %m, %Y[%1] : memref<2xf32>
      func.return
    }"""
    np.testing.assert_array_equal(np.signbit(_run(text, np.zeros(1, np.float32))), [False, True])


def test_functions_return_scalars() -> None:
    text = """
    func.func private @square(%x: f32) -> f32 {
      %y = arith.mulf %x, %x : f32
      func.return %y : f32
    }
    func.func @main(%A: memref<4xf32> {llvm.readonly}, %Y: memref<4xf32>) {
      affine.for %i = 0 to 4 {
        %a = affine.load %A[%i] : memref<4xf32>
        %b = func.call @square(%a) : (f32) -> f32
        affine.store %b, %Y[%i] : memref<4xf32>
      }
      func.return
    }"""
    np.testing.assert_array_equal(_run(text, np.arange(4, dtype=np.float32)), [0, 1, 4, 9])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("memref<?xf32>", "expected a memref with static shape, got memref<?xf32>"),
        ("memref<4xf32, strided<[2]>>", "expected a memref with identity layout"),
        ("vector<2x4xf32>", "expected a vector with one dimension, got vector<2x4xf32>"),
    ],
)
def test_refusals(argument: str, message: str) -> None:
    text = f"func.func @main(%A: {argument}) {{ func.return }}"
    with pytest.raises(CompileError, match=re.escape(message)):
        lower(parse(text), pipeline="convert-to-llvm")


def test_conversion_stops_half_way() -> None:
    text = """
    func.func @main(%A: memref<8xf32> {llvm.readonly}, %Y: memref<8xf32>) {
      affine.for %i = 0 to 8 {
        %a = affine.load %A[%i] : memref<8xf32>
        %k = arith.addi %i, %i : index
        %l = arith.subi %k, %i : index
        %b = arith.addf %a, %a : f32
        memref.store %b, %Y[%l] : memref<8xf32>
      }
      func.return
    }"""
    whole = lower(parse(text), pipeline="convert-cpu-to-llvm, convert-to-llvm")
    half = lower(parse(text), pipeline="convert-cpu-to-llvm, convert-to-llvm{filter-dialects=arith}")
    half.verify()
    assert "arith." not in str(half)
    assert "affine.for" in str(half)
    judge(half)
    rest = lower(half, pipeline="convert-to-llvm")
    assert "unrealized" not in str(rest)
    assert str(rest).count("llvm.") == str(whole).count("llvm.")
    a = np.arange(8, dtype=np.float32)
    from stepwell.tools.driver import compile

    np.testing.assert_array_equal(compile(half, pipeline="convert-to-llvm")(a), a + a)
