"""What the language refuses, and how it says so."""

from __future__ import annotations

import re

import pytest
from stepwell import te
from stepwell.errors import CompileError

A = te.placeholder((4, 4), name="A")
B = te.placeholder((4,), "int32", name="B")
F = te.placeholder((4,), "float64", name="F")
k = te.reduce_axis(4, name="k")
n = te.var("n")


def compute(body, shape=(4,), name="C"):
    return te.compute(shape, body, name=name)


C = compute(lambda i: A[i, 0])

CASES = {
    # shapes and dtypes
    "expected a positive extent, got 0": lambda: te.placeholder((4, 0)),
    "expected an extent (a number or an expression of te.var), got float 2.5": lambda: te.placeholder((2.5,)),
    "expected an extent (a number or an expression of te.var), got bool True": lambda: te.placeholder((True,)),
    "got 'float31'; did you mean 'float32'?": lambda: te.placeholder((4,), "float31"),
    "expected a dtype, got 3.5": lambda: te.placeholder((4,), 3.5),
    "expected a name, got ''": lambda: te.placeholder((4,), name=""),
    "expected an identifier as the name of a te.var, got '2n'": lambda: te.var("2n"),
    "expected an affine extent, got (n) * (n)": lambda: te.placeholder((n * n,)),
    "expected a positive integer to divide an extent by, got 0": lambda: te.placeholder((n // 0,)),
    # expressions
    "expected operands of one dtype for +, got float32 and float64; use te.cast": lambda: compute(
        lambda i: A[i, i] + F[i]
    ),
    "expected operands of one dtype for *, got float32 and index; use te.cast": lambda: compute(lambda i: A[i, i] * i),
    "expected floats for /, got int32; use // or te.cast": lambda: compute(lambda i: B[i] / B[i]),
    "expected integers for //, got float32": lambda: compute(lambda i: A[i, i] // 2.0),
    "expected a divisor other than zero for %, got 0": lambda: compute(lambda i: B[i] % 0),
    "expected bools or integers for &, got float32": lambda: compute(lambda i: A[i, i] & A[i, i]),
    "expected numbers for +, got bool": lambda: compute(lambda i: (B[i] > 0) + (B[i] > 1)),
    "expected a number to negate, got bool": lambda: compute(lambda i: -(B[i] > 0)),
    "expected a constant of dtype int32, got 1.5": lambda: compute(lambda i: B[i] + 1.5),
    "expected a constant of dtype int32, got 4294967296": lambda: compute(lambda i: B[i] + 2**32),
    "expected a float32 constant, got 1e+39": lambda: compute(lambda i: A[i, i] + 1e39),
    "expected a bool constant, got 1": lambda: compute(lambda i: (B[i] > 0) & 1),
    "expected a scalar expression or a number, got str 'x'": lambda: compute(lambda i: A[i, i] + "x"),
    "expected & | ~ or te.if_then_else on tensor expressions, got a Python condition": lambda: compute(
        lambda i: A[i, i] if i > 2 else 0.0
    ),
    "expected several values, got one expression of dtype float32": lambda: compute(lambda i: sum(A[i, i])),
    "expected a float for te.exp, got int32; use te.cast": lambda: compute(lambda i: te.exp(B[i])),
    "expected a number for te.abs, got bool": lambda: compute(lambda i: te.abs(B[i] > 0)),
    "expected numbers for te.maximum, got bool": lambda: compute(lambda i: te.maximum(B[i] > 0, True)),
    "expected numbers for te.pow, got bool": lambda: compute(lambda i: te.pow(B[i] > 0, B[i] > 0)),
    "expected floats for te.fma, got int32": lambda: compute(lambda i: te.fma(B[i], B[i], 1)),
    "expected a condition of dtype bool for te.select, got int32": lambda: compute(lambda i: te.select(B[i], 1, 0)),
    "expected at least one condition for te.all, got none": lambda: te.all(),
    # reads
    "expected 2 indices of 'A', got 1": lambda: compute(lambda i: A[i]),
    "expected integers as indices of 'A', got float32": lambda: compute(lambda i: A[i, A[i, i]]),
    "expected a scalar expression or a number, got slice": lambda: compute(lambda i: A[i, :]),
    "expected 'A' to be read at indices, got a Python iteration over it": lambda: list(A),
    "expected out_of_range 'clamp' or 'wrap', got 'zero'": lambda: A.read(0, B[0], out_of_range="zero"),
    # computes
    "expected a function of 2 iterators, got one of 1 parameters": lambda: compute(lambda i: A[i, i], (4, 4)),
    "expected iterators of 'C' in its body, got reduce 'k'; reduce over it with axis=…": lambda: compute(
        lambda i: A[i, k]
    ),
    "expected values with a dtype of tensors from 'C', got index; use te.cast": lambda: compute(lambda i: i),
    "expected at least one value from the body of 'C', got none": lambda: compute(lambda i: ()),
    # reductions
    "expected a te.reduce_axis as axis, got the spatial iterator 'i'": lambda: compute(
        lambda i: te.sum(A[i, i], axis=i)
    ),
    "expected a te.reduce_axis as axis, got int 1": lambda: te.sum(A[k, k], axis=1),
    "expected each axis once, got 'k' twice": lambda: te.sum(A[k, k], axis=[k, k]),
    "expected at least one reduce axis, got none": lambda: te.sum(A[k, k], axis=[]),
    "expected one axis for te.argmax, got 2": lambda: te.argmax(A[k, k], axis=[k, te.reduce_axis(4)]),
    "expected a reduction to be the whole body of a te.compute, got one inside of an expression": lambda: compute(
        lambda i: te.sum(A[i, k], axis=k) * 2.0
    ),
    "expected values with a dtype of tensors to reduce, got index; use te.cast": lambda: te.sum(k, axis=k),
    "expected a number for te.max, got bool; use te.cast": lambda: te.max(B[k] > 0, axis=k),
    "expected 2 identity values, got 1": lambda: te.reduce(lambda a, b: a, (0,), (B[k], B[k]), axis=k),
    "expected a constant of dtype int32 as identity, got an expression of dtype int32": lambda: te.reduce(
        lambda a, b: a, B[0], B[k], axis=k
    ),
    "expected the combiner to give 2 values, got an expression of dtype int32": lambda: te.reduce(
        lambda a, b: a[0], (0, 0), (B[k], B[k]), axis=k
    ),
    "expected the combiner to give 2 values, got 1": lambda: te.reduce(
        lambda a, b: (a[0],), (0, 0), (B[k], B[k]), axis=k
    ),
    "expected the combiner to give int32, got bool": lambda: te.reduce(lambda a, b: a > b, 0, B[k], axis=k),
    "expected the combiner of 'C' to use its arguments only, got a value from outside": lambda: compute(
        lambda i: te.reduce(lambda a, b: a + b + B[i], 0, B[k], axis=k)
    ),
    "expected fastmath flags of reassoc, nnan, ninf, nsz, arcp, contract, afn, got 'fast'": lambda: te.sum(
        A[k, k], axis=k, fastmath=("fast",)
    ),
    # scans
    "expected initial values with a known number of rows": lambda: te.scan(
        3, te.placeholder((n,)), lambda t, s: compute(lambda: s[t], ())
    ),
    "expected at least one initial value for te.scan, got none": lambda: te.scan(3, (), lambda t: ()),
    "expected 1 rows from the step of 'S', got 2": lambda: te.scan(3, F, lambda t, s: (C, C), name="S"),
    "expected te.compute results from the step of 'S', got Tensor": lambda: te.scan(3, F, lambda t, s: A, name="S"),
    "expected a row of shape () and dtype float64 from the step of 'S', got Tensor('C', shape=(4,)": lambda: te.scan(
        3, F, lambda t, s: C, name="S"
    ),
    # modules
    "expected at least one output (a te.compute or te.scan), got none": lambda: te.build_module([A]),
    "expected placeholders before outputs, got 'B' after 'C'": lambda: te.build_module([A, C, B]),
    "expected each placeholder once, got 'A' twice": lambda: te.build_module([A, A, C]),
    "expected placeholder 'A' among the arguments, got it in a body only": lambda: te.build_module([C]),
    "expected tensors as the arguments of a kernel, got 3": lambda: te.build_module([A, 3, C]),
    'expected indices of dimension 1 in 0..3, got 1..4 in a read of tensor<4x4xf32> by "C"': lambda: te.build_module(
        [A, compute(lambda i: A[i, i + 1])]
    ),
}


@pytest.mark.parametrize("message", CASES)
def test_refusals(message):
    with pytest.raises(CompileError, match=re.escape(message)):
        CASES[message]()


def test_what_a_step_computes_stays_in_its_scan():
    rows = []

    def step(t, s):
        rows.append(te.compute((), lambda: s[t] + 1.0, name="row"))
        return rows[0]

    S = te.scan(3, F, step, name="S")
    outside = te.compute((1,), lambda i: rows[0][()], name="outside")
    with pytest.raises(CompileError, match="expected step 't' to be used inside of its scan only"):
        te.build_module([F, S, outside])
    states = []
    S = te.scan(3, F, lambda t, s: states.append(s) or te.compute((), lambda: s[t], name="row"), name="S")
    with pytest.raises(CompileError, match="expected no state of a scan among the arguments, got 's'"):
        te.build_module([F, S, states[0]])


def test_a_scan_in_a_step_is_refused():
    def step(t, s):
        inner = te.scan(2, F, lambda u, r: te.compute((), lambda: r[u] + s[t], name="inner"), name="nested")
        return te.compute((), lambda: inner[0], name="row")

    with pytest.raises(CompileError, match="expected te.compute in the step of 'S', got scan 'nested'"):
        te.build_module([F, te.scan(3, F, step, name="S")])


def test_a_row_that_is_not_there_yet_is_refused():
    S = te.scan(3, F, lambda t, s: te.compute((), lambda: s[t + 4], name="row"), name="S")
    with pytest.raises(
        CompileError, match="expected a read of one of the 4 rows before the one that the step computes"
    ):
        te.build_module([F, S])
