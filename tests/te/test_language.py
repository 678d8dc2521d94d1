"""The tensor-expression language: what it builds, judged by what that computes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from stepwell import te
from stepwell.backends.oracles.te import run_te
from stepwell.dialects import te as te_dialect
from stepwell.errors import CompileError
from xdsl.dialects.arith import MulfOp
from xdsl.dialects.scf import IfOp


def run(tensors, *inputs):
    return run_te(te.build_module(tensors), *inputs)


def small(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def ops_of(module, kind):
    return [op for op in module.walk() if isinstance(op, kind)]


def test_matmul():
    A, B = te.placeholder((5, 7), name="A"), te.placeholder((7, 6), name="B")
    k = te.reduce_axis(7, name="k")
    C = te.compute((5, 6), lambda i, j: te.sum(A[i, k] * B[k, j], axis=k), name="C")
    a, b = small((5, 7)), small((7, 6), seed=1)
    (c,) = run([A, B, C], a, b)
    assert np.array_equal(c, a @ b)


def test_a_sum_may_be_reordered_and_contracted_unless_told_otherwise():
    A = te.placeholder((4, 4), name="A")
    k = te.reduce_axis(4)

    def compute(**options):
        C = te.compute((4,), lambda i: te.sum(A[i, k] * A[k, i], axis=k, **options), name="C")
        module = te.build_module([A, C])
        (op,) = ops_of(module, te_dialect.ComputeOp)
        (product,) = ops_of(module, MulfOp)
        return op, {str(flag) for flag in op.fastmath.data}, {str(flag) for flag in product.fastmath.data}

    op, fastmath, product = compute()
    assert op.associative is not None
    assert op.commutative is not None
    assert fastmath == {"reassoc", "contract"}
    assert product == {"contract"}
    op, fastmath, product = compute(fastmath=())
    assert op.associative is not None
    assert not fastmath
    assert not product


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        (te.sum, np.sum),
        (te.max, np.max),
        (te.min, np.min),
        (te.prod, np.prod),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int8"])
def test_reductions(reduction, expected, dtype):
    A = te.placeholder((3, 5), dtype, name="A")
    k = te.reduce_axis(5, name="k")
    C = te.compute((3,), lambda i: reduction(A[i, k], axis=k), name="C")
    a = np.random.default_rng(3).integers(-2, 3, (3, 5)).astype(dtype)
    (c,) = run([A, C], a)
    assert c.dtype == a.dtype
    assert np.array_equal(c, expected(a, axis=1).astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_reductions_start_from_the_least_value(dtype):
    A = te.placeholder((2, 3), dtype, name="A")
    k = te.reduce_axis(3, name="k")
    top = te.compute((2,), lambda i: te.max(A[i, k], axis=k), name="top")
    low = te.compute((2,), lambda i: te.min(A[i, k], axis=k), name="low")
    a = np.full((2, 3), -1000).astype(dtype)
    a[1] = 1000
    t, lo = run([A, top, low], a)
    assert t.tolist() == [-1000, 1000]
    assert lo.tolist() == [-1000, 1000]


def test_argmax_takes_the_first_of_equal_values_in_any_order():
    A = te.placeholder((3, 4), name="A")
    k = te.reduce_axis(4, name="k")
    reverse = te.reduce_axis(4, name="r")
    index, value = te.compute((3,), lambda i: te.argmax(A[i, k], axis=k), name="M")
    a = np.array([[1, 3, 3, 0], [-np.inf] * 4, [5, 5, 5, 5]], "float32")
    at, best = run([A, index, value], a)
    assert at.dtype == np.int64
    assert at.tolist() == [1, 0, 0]
    assert best.tolist() == [3, -np.inf, 5]
    low, _ = te.compute((3,), lambda i: te.argmin(A[i, 3 - reverse], axis=reverse, dtype="int32"), name="N")
    (at,) = run([A, low], a)
    assert at.dtype == np.int32
    assert at.tolist() == [0, 0, 0]


def test_a_combiner_over_a_tuple():
    """Mean and variance in one pass, as Welford does it: neither associative flags nor a fixed tuple size."""
    A = te.placeholder((3, 6), "float64", name="A")
    k = te.reduce_axis(6, name="k")

    def welford(acc, x):
        count, mean, m2 = acc
        total = count + x[0]
        delta = x[1] - mean
        return total, mean + delta / total, m2 + delta * delta * count / total

    one = te.const(1.0, "float64")
    zero = te.const(0.0, "float64")
    _, mean, m2 = te.compute(
        (3,), lambda i: te.reduce(welford, (0.0, 0.0, 0.0), (one, A[i, k], zero), axis=k), name="W"
    )
    a = np.random.default_rng(0).random((3, 6))
    got_mean, got_m2 = run([A, mean, m2], a)
    np.testing.assert_allclose(got_mean, a.mean(axis=1))
    np.testing.assert_allclose(got_m2 / 6, a.var(axis=1))


def test_the_order_of_a_reduction_is_that_of_its_axes():
    A = te.placeholder((2, 3), "int64", name="A")
    k, m = te.reduce_axis(2, name="k"), te.reduce_axis(3, name="m")
    C = te.compute((), lambda: te.reduce(lambda acc, x: acc * 10 + x, 0, A[k, m], axis=[k, m]), name="C")
    (c,) = run([A, C], np.array([[1, 2, 3], [4, 5, 6]]))
    assert c == 123456


def test_if_then_else_is_lazy_and_select_is_not():
    A = te.placeholder((4,), name="A")
    lazy = te.compute((6,), lambda i: te.if_then_else((i >= 1) & (i < 5), A[i - 1], 0.0), name="P")
    module = te.build_module([A, lazy])
    assert len(ops_of(module, IfOp)) == 1
    (p,) = run_te(module, np.arange(1, 5, dtype="float32"))
    assert p.tolist() == [0, 1, 2, 3, 4, 0]
    with pytest.raises(CompileError, match=r"expected indices of dimension 0 in 0..3, got -1..4 .* by \"Q\""):
        te.build_module([A, te.compute((6,), lambda i: te.select((i >= 1) & (i < 5), A[i - 1], 0.0), name="Q")])


def test_a_branch_that_divides_by_zero_is_not_taken():
    A = te.placeholder((4,), "int32", name="A")
    C = te.compute((4,), lambda i: te.if_then_else(A[i] == 0, -1, 12 // A[i]), name="C")
    (c,) = run([A, C], np.array([0, 1, -5, 4], "int32"))
    assert c.tolist() == [-1, 12, -3, 3]


def test_several_outputs_and_chained_computes():
    A = te.placeholder((4, 3), name="A")
    S, D = te.compute((4, 3), lambda i, j: (A[i, j] + 1.0, A[i, j] * 2.0), name="B")
    E = te.compute((3, 4), lambda j, i: S[i, j] - D[i, j], name="E")
    a = small((4, 3))
    e, s, d = run([A, E, S, D], a)
    assert np.array_equal(s, a + 1)
    assert np.array_equal(d, a * 2)
    assert np.array_equal(e, (1 - a).T)


def test_outputs_that_depend_on_one_another_are_in_the_order_of_the_list():
    A = te.placeholder((3,), name="A")
    B = te.compute((3,), lambda i: A[i] + 1.0, name="B")
    C = te.compute((3,), lambda i: B[i] * 2.0, name="C")
    c, b = run([A, C, B], np.zeros(3, "float32"))
    assert b.tolist() == [1, 1, 1]
    assert c.tolist() == [2, 2, 2]


def test_reads_at_data():
    T, At = te.placeholder((5, 3), name="T"), te.placeholder((4,), "int32", name="I")
    clamped = te.compute((4, 3), lambda i, j: T[At[i], j], name="C")
    wrapped = te.compute((4, 3), lambda i, j: T.read(At[i] + 1, j, out_of_range="wrap"), name="W")
    t, i = small((5, 3)), np.array([0, -1, 7, 4], "int32")
    c, w = run([T, At, clamped, wrapped], t, i)
    assert np.array_equal(c, t[[0, 0, 4, 4]])
    assert np.array_equal(w, t[(i + 1) % 5])


def test_an_index_beside_data_becomes_data():
    T, At = te.placeholder((9,), name="T"), te.placeholder((4,), "int64", name="I")
    C = te.compute((4,), lambda i: T[At[i] + 2 * i], name="C")
    t = small((9,))
    (c,) = run([T, At, C], t, np.array([0, 1, 2, 9]))
    assert np.array_equal(c, t[[0, 3, 6, 8]])


def test_indices_are_quasi_affine():
    A = te.placeholder((3, 4), name="A")
    flat = te.compute((12,), lambda f: A[f // 4, f % 4], name="F")
    back = te.compute((2, 6), lambda i, j: flat[11 - (i * 6 + j)], name="B")
    a = small((3, 4))
    f, b = run([A, flat, back], a)
    assert np.array_equal(f, a.reshape(-1))
    assert np.array_equal(b, a.reshape(-1)[::-1].reshape(2, 6))


def test_scan_with_two_rows_of_history():
    S0, X = te.placeholder((2, 3), "int64", name="S0"), te.placeholder((4, 3), "int64", name="X")
    S = te.scan(4, S0, lambda t, s: te.compute((3,), lambda j: s[t, j] + s[t + 1, j] + X[t, j], name="row"), name="S")
    s0, x = small((2, 3), "int64"), small((4, 3), "int64", 1)
    (s,) = run([S0, X, S], s0, x)
    rows = list(s0)
    for t in range(4):
        rows.append(rows[-2] + rows[-1] + x[t])
    assert np.array_equal(s, np.array(rows))


def test_scan_of_two_states_with_a_product_inside():
    H0, C0, W = te.placeholder((1, 3), name="H0"), te.placeholder((1, 3), name="C0"), te.placeholder((3, 3), name="W")

    def step(t, h, c):
        k = te.reduce_axis(3, name="k")
        product = te.compute((3,), lambda j: te.sum(h[t, k] * W[k, j], axis=k), name="product")
        new_c = te.compute((3,), lambda j: te.minimum(c[t, j] + product[j], 9.0), name="c")
        new_h = te.compute((3,), lambda j: te.maximum(new_c[j] - 1.0, -9.0), name="h")
        return new_h, new_c

    H, C = te.scan(5, (H0, C0), step, name="lstm")
    h0, c0, w = small((1, 3)), small((1, 3), seed=1), small((3, 3), seed=2)
    h, c = run([H0, C0, W, H, C], h0, c0, w)
    hs, cs = [h0[0]], [c0[0]]
    for _ in range(5):
        cs.append(np.minimum(cs[-1] + hs[-1] @ w, 9))
        hs.append(np.maximum(cs[-1] - 1, -9))
    assert np.array_equal(h, np.array(hs))
    assert np.array_equal(c, np.array(cs))


def test_what_a_step_does_not_change_is_computed_outside_of_the_scan():
    S0, X = te.placeholder((1, 3), name="S0"), te.placeholder((3,), name="X")
    doubled = te.compute((3,), lambda j: X[j] * 2.0, name="doubled")
    S = te.scan(4, S0, lambda t, s: te.compute((3,), lambda j: s[t, j] + doubled[j], name="row"), name="S")
    module = te.build_module([S0, X, S])
    (scan,) = ops_of(module, te_dialect.ScanOp)
    assert [op.te_name.data for op in scan.body.ops if isinstance(op, te_dialect.ComputeOp)] == ["row"]


def test_symbolic_sizes():
    n, m = te.var("n"), te.var("m")
    A = te.placeholder((n, m), name="A")
    padded = te.compute((n + 2, m), lambda i, j: te.if_then_else((i > 0) & (i <= n), A[i - 1, j], 0.0), name="P")
    half = te.compute((n // 2, m), lambda i, j: A[i * 2, m - 1 - j], name="H")
    k = te.reduce_axis(m, name="k")
    mean = te.compute((n,), lambda i: te.sum(A[i, k] / te.cast(m, "float32"), axis=k), name="M")
    assert padded.shape == (n + 2, m)
    module = te.build_module([A, padded, half, mean])
    for rows, columns in ((5, 4), (2, 1)):
        a = small((rows, columns))
        p, h, average = run_te(module, a)
        assert np.array_equal(p, np.pad(a, ((1, 1), (0, 0))))
        assert np.array_equal(h, a[: rows // 2 * 2 : 2, ::-1])
        np.testing.assert_allclose(average, a.mean(axis=1), rtol=1e-6)


FUNCTIONS = [
    (te.exp, np.exp),
    (te.exp2, np.exp2),
    (te.expm1, np.expm1),
    (te.log, np.log),
    (te.log2, np.log2),
    (te.log1p, np.log1p),
    (te.sqrt, np.sqrt),
    (te.rsqrt, lambda x: 1 / np.sqrt(x)),
    (te.sin, np.sin),
    (te.cos, np.cos),
    (te.tan, np.tan),
    (te.tanh, np.tanh),
    (te.atan, np.arctan),
    (te.erf, np.vectorize(math.erf)),
    (te.floor, np.floor),
    (te.ceil, np.ceil),
    (te.round, np.rint),
    (te.trunc, np.trunc),
    (te.abs, np.abs),
    (te.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    (lambda x: te.pow(x, 2.5), lambda x: x**2.5),
    (lambda x: te.pow(x, 3), lambda x: x * x * x),
    (lambda x: x**0.5, np.sqrt),
    (lambda x: te.fma(x, x, 1.0), lambda x: x * x + 1),
    (lambda x: te.maximum(x, 1.5), lambda x: np.maximum(x, 1.5)),
    (lambda x: te.minimum(1.5, x), lambda x: np.minimum(x, 1.5)),
    (lambda x: -x, np.negative),
    (lambda x: 2.0 - x, lambda x: 2 - x),
    (lambda x: 1 / x, lambda x: 1 / x),
    (lambda x: te.where(x > 2.0, x, -1.0), lambda x: np.where(x > 2, x, -1)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("function", "expected"), FUNCTIONS)
def test_elementwise_functions(function, expected, dtype):
    A = te.placeholder((7,), dtype, name="A")
    C = te.compute((7,), lambda i: function(A[i]), name="C")
    a = np.array([0.25, 0.5, 1.5, 2.0, 2.5, 3.7, 11.0], dtype)
    (c,) = run([A, C], a)
    assert c.dtype == a.dtype
    np.testing.assert_allclose(c, expected(a.astype("float64")), rtol=2e-7 if dtype == "float32" else 1e-15)


INTEGER_OPERATIONS = [
    (lambda x, y: x // y, np.floor_divide),
    (lambda x, y: x % y, np.mod),
    (lambda x, y: x & y, np.bitwise_and),
    (lambda x, y: x | y, np.bitwise_or),
    (lambda x, y: x ^ y, np.bitwise_xor),
    (lambda x, y: ~x, lambda x, y: ~x),
    (lambda x, y: x << 2, lambda x, y: x << 2),
    (lambda x, y: x >> 1, lambda x, y: x >> 1),
    (lambda x, y: te.abs(x) - y, lambda x, y: abs(x) - y),
    (lambda x, y: te.maximum(x, y) * te.minimum(x, 3), lambda x, y: np.maximum(x, y) * np.minimum(x, 3)),
    (lambda x, y: -x, lambda x, y: -x),
    (
        lambda x, y: te.select((x < y) & ~(x == 2) | (y != 3), x, y),
        lambda x, y: np.where((x < y) & (x != 2) | (y != 3), x, y),
    ),
    (lambda x, y: te.cast(x >= y, "int32") + te.cast(x <= 0, "int32"), lambda x, y: (x >= y) * 1 + (x <= 0)),
    (lambda x, y: te.cast(te.cast(x, "bool") | (y > 0), "int32"), lambda x, y: (x != 0) | (y > 0)),
    (lambda x, y: te.cast(te.cast(x, "int8"), "int32"), lambda x, y: x.astype("int8")),
    (lambda x, y: te.cast(te.cast(x, "float64") * 1.5, "int32"), lambda x, y: np.trunc(x * 1.5)),
]


@pytest.mark.parametrize(("function", "expected"), INTEGER_OPERATIONS)
def test_integer_operations(function, expected):
    A, B = te.placeholder((6,), "int32", name="A"), te.placeholder((6,), "int32", name="B")
    C = te.compute((6,), lambda i: function(A[i], B[i]), name="C")
    a, b = np.array([-7, -1, 0, 2, 5, 300], "int32"), np.array([3, -2, 4, 3, -5, 7], "int32")
    (c,) = run([A, B, C], a, b)
    assert np.array_equal(c, expected(a, b))


def test_comparisons_with_nan_are_false_but_for_not_equal():
    A = te.placeholder((2,), name="A")
    C = te.compute(
        (2,),
        lambda i: (
            te.cast(A[i] == A[i], "int8") + 2 * te.cast(A[i] != A[i], "int8") + 4 * te.cast(te.isnan(A[i]), "int8")
        ),
        name="C",
    )
    (c,) = run([A, C], np.array([1, np.nan], "float32"))
    assert c.tolist() == [1, 6]


def test_iterators_as_values():
    C = te.compute((3, 4), lambda i, j: te.cast(i * 10 + j, "float32"), name="C")
    D = te.compute((3, 4), lambda i, j: te.cast(te.cast(i, "int32") - te.cast(j, "int32"), "float64"), name="D")
    c, d = run([C, D])
    i, j = np.mgrid[:3, :4]
    assert np.array_equal(c, i * 10 + j)
    assert np.array_equal(d, i - j)


def test_shared_expressions_are_emitted_once():
    A = te.placeholder((4,), name="A")

    def body(i):
        x = te.exp(A[i])
        for _ in range(20):
            x = x + x
        return x

    module = te.build_module([A, te.compute((4,), body, name="C")])
    assert len(list(module.walk())) < 40


def test_deep_expressions():
    A = te.placeholder((4,), name="A")

    def body(i):
        x = A[i]
        for _ in range(5000):
            x = x + 1.0
        return x

    (c,) = run([A, te.compute((4,), body, name="C")], np.zeros(4, "float32"))
    assert c.tolist() == [5000] * 4


def test_names_and_constness_reach_the_function():
    A = te.placeholder((4,), name="layer/0:A", constant=True)
    C = te.compute((4,), lambda i: A[i], name="C")
    text = str(te.build_module([A, C], name="kernel"))
    assert "func.func @kernel(" in text
    assert '{te.name = "layer/0:A", loop.constant}' in text
    assert '-> (tensor<4xf32> {te.name = "C"})' in text


def test_numpy_scalars_and_dtypes():
    A = te.placeholder((np.int64(4),), np.float32, name="A")
    C = te.compute((4,), lambda i: A[i] * np.float32(2) + np.float64(1), name="C")
    (c,) = run([A, C], np.ones(4, "float32"))
    assert c.tolist() == [3] * 4
