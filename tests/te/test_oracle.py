"""The oracle of the te rung, op by op, against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.errors import ArgumentError, CompileError
from xdsl.parser import Parser


def parse(text):
    module = Parser(make_context(), text).parse_module()
    module.verify()
    return module


def wrap(value, bits=8):
    return (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def unsigned(value):
    return value % 256


INTEGERS = {
    "arith.addi": lambda a, b: a + b,
    "arith.subi": lambda a, b: a - b,
    "arith.muli": lambda a, b: a * b,
    "arith.divsi": lambda a, b: int(a / b) if b else None,
    "arith.divui": lambda a, b: unsigned(a) // unsigned(b) if b else None,
    "arith.remsi": lambda a, b: int(math.fmod(a, b)) if b else None,
    "arith.remui": lambda a, b: unsigned(a) % unsigned(b) if b else None,
    "arith.floordivsi": lambda a, b: a // b if b else None,
    "arith.ceildivsi": lambda a, b: -(-a // b) if b else None,
    "arith.ceildivui": lambda a, b: -(-unsigned(a) // unsigned(b)) if b else None,
    "arith.minsi": min,
    "arith.maxsi": max,
    "arith.minui": lambda a, b: min(unsigned(a), unsigned(b)),
    "arith.maxui": lambda a, b: max(unsigned(a), unsigned(b)),
    "arith.andi": lambda a, b: a & b,
    "arith.ori": lambda a, b: a | b,
    "arith.xori": lambda a, b: a ^ b,
    "arith.shli": lambda a, b: a << b if 0 <= b < 8 else None,
    "arith.shrsi": lambda a, b: a >> b if 0 <= b < 8 else None,
    "arith.shrui": lambda a, b: unsigned(a) >> b if 0 <= b < 8 else None,
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integer_ops_on_all_pairs_of_bytes(name):
    module = parse(f"""
      func.func @f(%A: tensor<256xi8>, %B: tensor<256xi8>) -> tensor<256x256xi8> {{
        %C = te.compute "C" spatial(%i in 256, %j in 256) {{
          %a = te.read %A[%i] : tensor<256xi8>
          %b = te.read %B[%j] : tensor<256xi8>
          %c = {name} %a, %b : i8
          te.yield %c : i8
        }} -> tensor<256x256xi8>
        func.return %C : tensor<256x256xi8>
      }}""")
    values = np.arange(-128, 128).astype("int8")
    (result,) = run_te(module, values, values)
    for i, a in enumerate(values.tolist()):
        for j, b in enumerate(values.tolist()):
            expected = INTEGERS[name](a, b)
            if expected is not None and (a, b) != (-128, -1):
                assert result[i, j] == wrap(expected), (name, a, b)


COMPARISONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "slt": lambda a, b: a < b,
    "sle": lambda a, b: a <= b,
    "sgt": lambda a, b: a > b,
    "sge": lambda a, b: a >= b,
    "ult": lambda a, b: unsigned(a) < unsigned(b),
    "ule": lambda a, b: unsigned(a) <= unsigned(b),
    "ugt": lambda a, b: unsigned(a) > unsigned(b),
    "uge": lambda a, b: unsigned(a) >= unsigned(b),
}


@pytest.mark.parametrize("predicate", COMPARISONS)
@pytest.mark.parametrize("type", ["i8", "i1"])
def test_integer_comparisons(predicate, type):
    module = parse(f"""
      func.func @f(%A: tensor<2x{type}>, %B: tensor<2x{type}>) -> tensor<2x2xi1> {{
        %C = te.compute "C" spatial(%i in 2, %j in 2) {{
          %a = te.read %A[%i] : tensor<2x{type}>
          %b = te.read %B[%j] : tensor<2x{type}>
          %c = arith.cmpi {predicate}, %a, %b : {type}
          te.yield %c : i1
        }} -> tensor<2x2xi1>
        func.return %C : tensor<2x2xi1>
      }}""")
    values = np.array([0, -1]).astype("int8" if type == "i8" else "bool")
    (result,) = run_te(module, values, values)
    # `true` of i1 is -1
    expected = [[COMPARISONS[predicate](a, b) for b in (0, -1)] for a in (0, -1)]
    assert result.tolist() == expected


FLOAT_COMPARISONS = {
    "false": lambda a, b, nan: False,
    "oeq": lambda a, b, nan: not nan and a == b,
    "ogt": lambda a, b, nan: not nan and a > b,
    "oge": lambda a, b, nan: not nan and a >= b,
    "olt": lambda a, b, nan: not nan and a < b,
    "ole": lambda a, b, nan: not nan and a <= b,
    "one": lambda a, b, nan: not nan and a != b,
    "ord": lambda a, b, nan: not nan,
    "ueq": lambda a, b, nan: nan or a == b,
    "ugt": lambda a, b, nan: nan or a > b,
    "uge": lambda a, b, nan: nan or a >= b,
    "ult": lambda a, b, nan: nan or a < b,
    "ule": lambda a, b, nan: nan or a <= b,
    "une": lambda a, b, nan: nan or a != b,
    "uno": lambda a, b, nan: nan,
    "true": lambda a, b, nan: True,
}


@pytest.mark.parametrize("predicate", FLOAT_COMPARISONS)
def test_float_comparisons(predicate):
    module = parse(f"""
      func.func @f(%A: tensor<3xf32>, %B: tensor<3xf32>) -> tensor<3x3xi1> {{
        %C = te.compute "C" spatial(%i in 3, %j in 3) {{
          %a = te.read %A[%i] : tensor<3xf32>
          %b = te.read %B[%j] : tensor<3xf32>
          %c = arith.cmpf {predicate}, %a, %b : f32
          te.yield %c : i1
        }} -> tensor<3x3xi1>
        func.return %C : tensor<3x3xi1>
      }}""")
    values = [1.0, 2.0, math.nan]
    (result,) = run_te(module, np.array(values, "float32"), np.array(values, "float32"))
    compare = FLOAT_COMPARISONS[predicate]
    assert result.tolist() == [[compare(a, b, math.isnan(a) or math.isnan(b)) for b in values] for a in values]


CASTS = [
    ("arith.extsi", "i8", "i32", [-1, 127], [-1, 127]),
    ("arith.extui", "i8", "i32", [-1, 127], [255, 127]),
    ("arith.extsi", "i1", "i32", [False, True], [0, -1]),
    ("arith.extui", "i1", "i32", [False, True], [0, 1]),
    ("arith.trunci", "i32", "i8", [511, 128], [-1, -128]),
    ("arith.trunci", "i32", "i1", [2, 3], [False, True]),
    ("arith.sitofp", "i8", "f32", [-1, 5], [-1.0, 5.0]),
    ("arith.uitofp", "i8", "f32", [-1, 5], [255.0, 5.0]),
    ("arith.sitofp", "i32", "f32", [16777217, -16777219], [16777216.0, -16777220.0]),
    ("arith.fptosi", "f32", "i32", [-1.9, 1.9], [-1, 1]),
    ("arith.fptoui", "f32", "i8", [200.7, 1.9], [-56, 1]),
    ("arith.truncf", "f64", "f32", [0.1, 1e-50], [float(np.float32(0.1)), 0.0]),
    ("arith.extf", "f16", "f64", [0.1, 2.0], [float(np.float16(0.1)), 2.0]),
    ("arith.bitcast", "f32", "i32", [1.0, -0.0], [0x3F800000, -(2**31)]),
]
DTYPES = {"i1": "bool", "i8": "int8", "i32": "int32", "f16": "float16", "f32": "float32", "f64": "float64"}


@pytest.mark.parametrize(("name", "source", "target", "values", "expected"), CASTS)
def test_casts(name, source, target, values, expected):
    module = parse(f"""
      func.func @f(%A: tensor<2x{source}>) -> tensor<2x{target}> {{
        %C = te.compute "C" spatial(%i in 2) {{
          %a = te.read %A[%i] : tensor<2x{source}>
          %c = {name} %a : {source} to {target}
          te.yield %c : {target}
        }} -> tensor<2x{target}>
        func.return %C : tensor<2x{target}>
      }}""")
    (result,) = run_te(module, np.array(values, DTYPES[source]))
    assert result.dtype == DTYPES[target]
    assert result.tolist() == expected


ROUNDED = [
    ("math.round", [0.5, -0.5, 1.5, 0.49999997], [1.0, -1.0, 2.0, 0.0]),
    ("math.roundeven", [0.5, -0.5, 1.5, 2.5], [0.0, -0.0, 2.0, 2.0]),
    ("math.trunc", [1.7, -1.7, 0.0, -0.2], [1.0, -1.0, 0.0, -0.0]),
]


@pytest.mark.parametrize(("name", "values", "expected"), ROUNDED)
def test_rounding(name, values, expected):
    module = parse(f"""
      func.func @f(%A: tensor<4xf32>) -> tensor<4xf32> {{
        %C = te.compute "C" spatial(%i in 4) {{
          %a = te.read %A[%i] : tensor<4xf32>
          %c = {name} %a : f32
          te.yield %c : f32
        }} -> tensor<4xf32>
        func.return %C : tensor<4xf32>
      }}""")
    (result,) = run_te(module, np.array(values, "float32"))
    assert list(map(str, result.tolist())) == list(map(str, expected))


def test_a_fused_multiply_add_rounds_once():
    module = parse("""
      func.func @f(%A: tensor<3xf64>) -> tensor<f64> {
        %C = te.compute "C" spatial() {
          %a = te.read %A[0] : tensor<3xf64>
          %b = te.read %A[1] : tensor<3xf64>
          %c = te.read %A[2] : tensor<3xf64>
          %d = math.fma %a, %b, %c : f64
          te.yield %d : f64
        } -> tensor<f64>
        func.return %C : tensor<f64>
      }""")
    x = 1.0 + 2.0**-30
    (result,) = run_te(module, np.array([x, x, -1.0 - 2.0**-29]))
    assert result == 2.0**-60


def test_reductions_go_in_order():
    """In float32, 2^24 + 1 + 1 is 2^24, and 1 + 1 + 2^24 is not."""
    module = parse("""
      func.func @f(%A: tensor<3xf32>) -> tensor<f32> {
        %C = te.compute "C" spatial() reduce(%k in 3) {
          %a = te.read %A[%k] : tensor<3xf32>
          te.yield %a : f32
        } combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x : f32
          te.yield %s : f32
        } -> tensor<f32>
        func.return %C : tensor<f32>
      }""")
    assert run_te(module, np.array([2**24, 1, 1], "float32"))[0] == 2**24
    assert run_te(module, np.array([1, 1, 2**24], "float32"))[0] == 2**24 + 2


def test_grids_are_split_where_they_are_large(monkeypatch):
    monkeypatch.setattr("stepwell.backends.oracles.te._GRID_LIMIT", 16)
    module = parse("""
      func.func @f(%A: tensor<3x4x5xi64>) -> tensor<3xi64> {
        %C = te.compute "C" spatial(%i in 3) reduce(%k in 4, %l in 5) {
          %a = te.read %A[%i, %k, %l] : tensor<3x4x5xi64>
          te.yield %a : i64
        } combine(%acc: i64, %x: i64) identity [1 : i64] {
          %3 = arith.constant 3 : i64
          %m = arith.muli %acc, %3 : i64
          %s = arith.addi %m, %x : i64
          te.yield %s : i64
        } -> tensor<3xi64>
        func.return %C : tensor<3xi64>
      }""")
    a = np.random.default_rng(0).integers(0, 9, (3, 4, 5))
    expected = np.ones(3, "int64")
    for k in range(4):
        for m in range(5):
            expected = expected * 3 + a[:, k, m]
    assert np.array_equal(run_te(module, a)[0], expected)


UNPROVEN = """
  func.func @f(%A: tensor<4xf32>, %I: tensor<4xi32>) -> tensor<4xf32> {
    %C = te.compute "C" spatial(%i in 4) {
      %at = te.read %I[%i] : tensor<4xi32>
      %0 = arith.constant 0 : i32
      %c = arith.cmpi sgt, %at, %0 : i32
      %r = scf.if %c -> (f32) {
        %a = te.read %A[%i + 1] : tensor<4xf32>
        scf.yield %a : f32
      } else {
        %z = arith.constant 7.0 : f32
        scf.yield %z : f32
      }
      te.yield %r : f32
    } -> tensor<4xf32>
    func.return %C : tensor<4xf32>
  }"""


def test_an_index_out_of_bounds_matters_only_where_it_is_read():
    """The verifier refuses this program; the oracle looks at what happens."""
    module = Parser(make_context(), UNPROVEN).parse_module()
    a = np.arange(4, dtype="float32")
    (result,) = run_te(module, a, np.array([1, 1, 1, 0], "int32"))
    assert result.tolist() == [1, 2, 3, 7]
    with pytest.raises(CompileError, match=r"expected indices of dimension 0 in 0..3 when executed"):
        run_te(module, a, np.array([1, 1, 1, 1], "int32"))


def test_calls():
    module = parse("""
      func.func @main(%A: tensor<2xi32>) -> tensor<2xi32> {
        %B = func.call @twice(%A) : (tensor<2xi32>) -> tensor<2xi32>
        %C = func.call @twice(%B) : (tensor<2xi32>) -> tensor<2xi32>
        func.return %C : tensor<2xi32>
      }
      func.func private @twice(%A: tensor<2xi32>) -> tensor<2xi32> {
        %B = te.compute "B" spatial(%i in 2) {
          %a = te.read %A[%i] : tensor<2xi32>
          %b = arith.addi %a, %a : i32
          te.yield %b : i32
        } -> tensor<2xi32>
        func.return %B : tensor<2xi32>
      }""")
    assert run_te(module, np.array([1, 2], "int32"))[0].tolist() == [4, 8]


SIGNATURE = """
  func.func @f(%A: tensor<?x4xf32, #te.shape<n, 4>>, %B: tensor<?xf32, #te.shape<n + 1>>)
      -> tensor<?xf32, #te.shape<n>> {
    %C = te.compute "C" spatial(%i in n) {
      %a = te.read %A[%i, 0] : tensor<?x4xf32, #te.shape<n, 4>>
      te.yield %a : f32
    } -> tensor<?xf32, #te.shape<n>>
    func.return %C : tensor<?xf32, #te.shape<n>>
  }"""


@pytest.mark.parametrize(
    ("shapes", "dtype", "message"),
    [
        ([(3, 4)], "float32", "expected 2 inputs of @f, got 1"),
        (
            [(3, 5), (4,)],
            "float32",
            r"expected input 0 of @f to be float32 of shape \(n, 4\), got float32 of shape \(3, 5\)",
        ),
        ([(3, 4), (4,)], "float64", r"expected input 0 of @f to be float32 of shape \(n, 4\), got float64"),
        ([(3, 4), (5,)], "float32", r"expected an extent of n \+ 1 = 4, got 5"),
    ],
)
def test_inputs_that_do_not_fit(shapes, dtype, message):
    module = parse(SIGNATURE)
    with pytest.raises(ArgumentError, match=message):
        run_te(module, *(np.zeros(shape, dtype) for shape in shapes))
