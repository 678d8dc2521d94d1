"""What the lanes of a vectorized loop make of accesses."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.backends.oracles.random_loop import parse_kernel
from stepwell.dialects.lanes import MAX_LANES, lane_stride, row_major_strides, vectorization_failure
from stepwell.dialects.loop import ForOp
from stepwell.dialects.quasi_affine import Lin, from_affine
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block
from xdsl.ir.affine import AffineExpr

BLOCK = Block(arg_types=[IndexType(), IndexType()])
LANE, OUTER = BLOCK.args
BOUNDS = {LANE: (0, 7), OUTER: (0, 9)}.get
d0, d1 = AffineExpr.dimension(0), AffineExpr.dimension(1)
EXPRESSIONS = [
    d0,
    d1,
    d1 * 8 + d0,
    d0 * 2,
    d0 // 2,
    (d1 * 8 + d0) // 8,
    (d1 * 8 + d0) % 8,
    (d1 * 4 + d0) % 8,
    d0 * -1 + 7,
    AffineExpr.constant(3),
]


@given(st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=3), st.integers(0, 9))
def test_stride_is_what_neighbours_are_apart(expressions: list[AffineExpr], outer: int) -> None:
    strides = row_major_strides([100] * len(expressions))
    forms = [from_affine(expr, [Lin.of(LANE), Lin.of(OUTER)], BOUNDS) for expr in expressions]
    addresses = [
        sum(expr.eval([lane, outer], []) * stride for expr, stride in zip(expressions, strides, strict=True))
        for lane in range(8)
    ]
    steps = {b - a for a, b in pairwise(addresses)}
    stride = lane_stride(forms, strides, LANE)
    if stride is not None:
        assert steps == {stride}


def test_strides_of_common_accesses() -> None:
    def stride(*expressions: AffineExpr) -> int | None:
        forms = [from_affine(expr, [Lin.of(LANE), Lin.of(OUTER)], BOUNDS) for expr in expressions]
        return lane_stride(forms, row_major_strides([80] * len(expressions)), LANE)

    assert stride(d1, d1 * 8 + d0) == 1
    assert stride(d0, d1) == 80
    assert stride(d1, d1) == 0
    assert stride((d1 * 8 + d0) // 8, (d1 * 8 + d0) % 8) == 1
    assert stride(d0 // 2) is None


def test_dimensions_that_lie_one_after_another_are_one() -> None:
    forms = [from_affine(expr, [Lin.of(LANE), Lin.of(OUTER)], BOUNDS) for expr in ((d0 + d1) // 7, (d0 + d1) % 7)]
    assert lane_stride(forms, [7, 1], LANE) == 1
    assert lane_stride(forms, [14, 2], LANE) == 2
    assert lane_stride(forms, [8, 1], LANE) is None


def kernel(loops: str, binding: str, write: str = "%v", before: str = "") -> str:
    return f"""
func.func @f(%X: memref<16x16xf32>, %Y: memref<16x16xf32> {{loop.output}}) {{
  {loops}
    loop.block "map0" spatial({binding}) {{
      %x = loop.read %X[%v, %w] : memref<16x16xf32>
      loop.write %x, %Y[{write}] : memref<16x16xf32>
    }}
  {"}" * loops.count("{")}
  func.return
}}"""


def failure(text: str, depth: int) -> str | None:
    module = parse_kernel(text)
    loops = [op for op in module.walk() if isinstance(op, ForOp)]
    return vectorization_failure(loops[depth])


BOTH = "%v in 16 = %i, %w in 16 = %j"


@pytest.mark.parametrize("depth", [0, 1])
def test_loops_whose_lanes_write_different_elements_vectorize(depth: int) -> None:
    assert failure(kernel("loop.for %i : 16 { loop.for %j : 16 {", BOTH, "%v, %w"), depth) is None


def test_one_vectorized_loop_in_a_nest() -> None:
    text = kernel("loop.for %i : 16 vectorized { loop.for %j : 16 {", BOTH, "%v, %w")
    assert failure(text, 1) == "expected one vectorized loop in a nest, got one inside of another"
    text = kernel("loop.for %i : 16 { loop.for %j : 16 parallel {", BOTH, "%v, %w")
    assert failure(text, 0) == "expected no parallel loop inside of a vectorized one"


def test_lanes_are_limited() -> None:
    text = f"""
func.func @f(%Y: memref<{MAX_LANES + 1}xf32> {{loop.output}}) {{
  loop.for %i : {MAX_LANES + 1} {{
    loop.block "map0" spatial(%v in {MAX_LANES + 1} = %i) {{
      %x = arith.constant 1.0 : f32
      loop.write %x, %Y[%v] : memref<{MAX_LANES + 1}xf32>
    }}
  }}
  func.return
}}"""
    assert failure(text, 0) == f"expected at most {MAX_LANES} lanes, got {MAX_LANES + 1}"


def test_lanes_do_not_accumulate_into_one_element() -> None:
    text = """
func.func @f(%X: memref<4x16xf32>, %Y: memref<4xf32> {loop.output}) {
  loop.for %i : 4 { loop.for %k : 16 {
    loop.block "reduce0" spatial(%v in 4 = %i) reduce(%w in 16 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %Y[%v] : memref<4xf32>
      }
      %x = loop.read %X[%v, %w] : memref<4x16xf32>
      loop.reduce (%x) into (%Y)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] {
        %s = arith.addf %acc, %n : f32
        loop.yield %s : f32
      }
    }
  } }
  func.return
}"""
    assert failure(text, 0) is None
    assert failure(text, 1) == (
        "block 'reduce0': expected the lanes to write different elements, got one element for all of them"
    )
