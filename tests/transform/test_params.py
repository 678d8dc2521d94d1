"""Params compute what Python computes, and ask about kernel and target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.transform.sched_ops.params import CONSTRAINTS, OPERATIONS
from xdsl.dialects.builtin import IntegerAttr

from .kernels import MATMUL, MATMUL_HANDLES, parse, run

REFERENCE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // b,
    "ceildiv": lambda a, b: (a + b - 1) // b,
    "mod": lambda a, b: a % b,
    "min": min,
    "max": max,
    "round_up": lambda a, b: (a + b - 1) // b * b,
    "round_down": lambda a, b: a - a % b,
    "largest_divisor": lambda a, b: max(d for d in range(1, min(a, b) + 1) if a % d == 0),
    "eq": lambda a, b: int(a == b),
    "ne": lambda a, b: int(a != b),
    "lt": lambda a, b: int(a < b),
    "le": lambda a, b: int(a <= b),
    "gt": lambda a, b: int(a > b),
    "ge": lambda a, b: int(a >= b),
}


def test_each_operation_is_compared() -> None:
    assert set(REFERENCE) == set(OPERATIONS)


@given(st.sampled_from(sorted(OPERATIONS)), st.integers(1, 500), st.integers(1, 500))
def test_arithmetic(kind: str, left: int, right: int) -> None:
    assert OPERATIONS[kind](left, right) == REFERENCE[kind](left, right)


@given(st.integers(1, 100), st.integers(1, 100))
def test_divides(left: int, right: int) -> None:
    assert CONSTRAINTS["divides"](left, right) == (right % left == 0)


def remarks(body: str) -> list[str]:
    interpreter = run(parse(MATMUL), MATMUL_HANDLES + body)
    return [message for message, _ in interpreter.remarks]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("%v = sched.get_extent %k : (!op) -> !param", "8 : i64"),
        (
            "%all = sched.get_loops %c : (!op) -> !op\n%v = sched.get_extent %all : (!op) -> !param",
            "6 : i64, 16 : i64, 8 : i64",
        ),
        ("%v = sched.get_points %c : (!op) -> !param", "768 : i64"),
        ("%v = sched.get_element_bytes %c : (!op) -> !param", "4 : i64"),
        ('%v = sched.target_query "vector_bytes" : !param', "32 : i64"),
        ("%n = sched.get_extent %k : (!op) -> !param\n%v = sched.param mul 3, %n : (!param) -> !param", "24 : i64"),
        (
            "%all = sched.get_loops %c : (!op) -> !op\n%n = sched.get_extent %all : (!op) -> !param\n"
            "%v = sched.param min %n, 8 : (!param) -> !param",
            "6 : i64, 8 : i64, 8 : i64",
        ),
        (
            '%l = sched.get_loops %c {of = "reduce"} : (!op) -> !op\n%v = sched.get_extent %l : (!op) -> !param',
            "8 : i64",
        ),
        (
            "%o, %l = sched.get_loops %c {rest = 0} : (!op) -> (!op, !op)\n%v = sched.get_extent %o : (!op) -> !param",
            "6 : i64, 16 : i64",
        ),
        (
            "%b, %m, %n, %q = sched.get_contraction_loops %c : (!op) -> (!op, !op, !op, !op)\n"
            "%x = transform.merge_handles %q, %n, %m : !op\n%v = sched.get_extent %x : (!op) -> !param",
            "8 : i64, 16 : i64, 6 : i64",
        ),
        (
            "%b, %m, %n, %x, %y = sched.get_tile_loops %c in %c : (!op, !op) -> (!op, !op, !op, !op, !op)\n"
            "%z = transform.merge_handles %y, %x : !op\n%v = sched.get_extent %z : (!op) -> !param",
            "16 : i64, 6 : i64",
        ),
        (
            "%o, %r, %n = sched.get_row_loops %c in %c : (!op, !op) -> (!op, !op, !op)\n"
            "%z = transform.merge_handles %r, %o, %n : !op\n%v = sched.get_extent %z : (!op) -> !param",
            "16 : i64, 6 : i64",
        ),
        (
            "%x = transform.merge_handles %A, %B : !value\n"
            "%v = sched.get_stride %c, %x along %k : (!op, !value, !op) -> !param",
            "1 : i64, 16 : i64",
        ),
        (
            '%l = sched.get_loops %c {of = "spatial", moving} : (!op) -> !op\n'
            "%v = sched.get_extent %l : (!op) -> !param",
            "6 : i64, 16 : i64",
        ),
    ],
)
def test_queries(query: str, expected: str) -> None:
    assert remarks(f"{query}\ntransform.debug.emit_param_as_remark %v : !param") == [expected]


def test_params_are_attributes() -> None:
    module = parse(MATMUL)
    run(
        module,
        MATMUL_HANDLES + '%n = sched.get_extent %k : (!op) -> !param\ntransform.annotate %f "n" = %n : !op, !param',
    )
    (func,) = module.ops
    assert func.attributes["n"] == IntegerAttr(8, 64)
