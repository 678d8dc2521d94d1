"""The passes of the te rung: what they make of random programs computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from stepwell import te
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects import loop
from stepwell.dialects import te as te_dialect
from stepwell.passes.te import convert_te_to_loop as conversion
from stepwell.passes.te import te_simplify
from stepwell.passes.te.te_inline import inline
from stepwell.passes.te.te_simplify import simplify
from stepwell.passes.te.te_specialize import specialize
from xdsl.dialects.scf import IfOp
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker

EXAMPLES = settings(max_examples=60)


def check(actual, expected):
    for got, want in zip(actual, expected, strict=True):
        assert got.dtype == want.dtype
        assert np.array_equal(got, want)


def parse(text):
    return Parser(make_context(), text).parse_module()


@EXAMPLES
@given(strategies.expressions())
def test_text_reads_back(expression):
    tensors, inputs = expression
    module = te.build_module(tensors)
    text = str(module)
    again = parse(text)
    again.verify()
    assert str(again) == text
    check(run_te(again, *inputs), run_te(module, *inputs))


@EXAMPLES
@given(strategies.expressions())
def test_simplify_changes_no_result(expression):
    tensors, inputs = expression
    module = te.build_module(tensors)
    expected = run_te(module, *inputs)
    simplify(module.body)
    module.verify()
    check(run_te(module, *inputs), expected)


@EXAMPLES
@given(strategies.expressions())
def test_inline_changes_no_result(expression):
    tensors, inputs = expression
    module = te.build_module(tensors)
    expected = run_te(module, *inputs)
    inline(module.body)
    module.verify()
    check(run_te(module, *inputs), expected)
    assert not [read for read in module.walk() if is_inlinable(read)]


def is_inlinable(op: Operation) -> bool:
    if not isinstance(op, te_dialect.ReadOp) or op.data_dependent():
        return False
    producer = op.tensor.owner
    return (
        isinstance(producer, te_dialect.ComputeOp)
        and producer.combiner is None
        and len(list(producer.body.walk())) <= 20
        and not any(isinstance(inner, te_dialect.ReadOp) for inner in producer.body.walk())
    )


@EXAMPLES
@given(strategies.expressions())
def test_loops_compute_what_the_expression_says(expression):
    tensors, inputs = expression
    module = te.build_module(tensors)
    expected = run_te(module, *inputs)
    conversion.convert_te_to_loop(module)
    module.verify()
    assert not [op for op in module.walk() if op.name.startswith(("te.", "bufferization."))]
    check(run_loop(module, *inputs), expected)
    text = str(module)
    assert str(parse(text)) == text


PATTERNS = (
    conversion.ConvertFunction,
    conversion.ConvertCompute,
    conversion.ConvertScan,
    conversion.ConvertOutput,
    conversion.FoldToBuffer,
    conversion.EraseDeadToTensor,
)


@settings(max_examples=40)
@given(strategies.expressions(), st.sets(st.sampled_from(PATTERNS)))
def test_a_conversion_stopped_half_way_is_legal_and_can_be_finished(expression, some):
    tensors, inputs = expression
    module = te.build_module(tensors)
    expected = run_te(module, *inputs)
    patterns = GreedyRewritePatternApplier([pattern() for pattern in some])
    PatternRewriteWalker(patterns).rewrite_module(module)
    module.verify()
    again = parse(str(module))
    again.verify()
    finish = GreedyRewritePatternApplier([pattern() for pattern in PATTERNS])
    PatternRewriteWalker(finish).rewrite_module(again)
    for function in again.ops:
        conversion.name_blocks(function)
    again.verify()
    check(run_loop(again, *inputs), expected)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 5), (7, 3)])
def test_a_specialised_program_computes_what_the_symbolic_one_does(sizes):
    n, m = te.var("n"), te.var("m")
    A = te.placeholder((n, m), "int64", name="A")
    S0 = te.placeholder((1, m), "int64", name="S0")
    k = te.reduce_axis(m, name="k")
    padded = te.compute((n + 2, m), lambda i, j: te.if_then_else((i > 0) & (i <= n), A[i - 1, m - 1 - j], 0), name="P")
    total = te.compute((n,), lambda i: te.sum(padded[i + 1, k] * te.cast(n, "int64"), axis=k), name="T")
    S = te.scan(n, S0, lambda t, s: te.compute((m,), lambda j: s[t, j] + A[t, j], name="row"), name="S")
    inputs = [np.arange(sizes[0] * sizes[1]).reshape(sizes), np.ones((1, sizes[1]), "int64")]
    module = te.build_module([A, S0, padded, total, S])
    expected = run_te(module, *inputs)
    specialize(module, {"n": sizes[0], "m": sizes[1]})
    assert "te.shape" not in str(module)
    check(run_te(module, *inputs), expected)
    simplify(module.body)
    conversion.convert_te_to_loop(module)
    module.verify()
    check(run_loop(module, *inputs), expected)


def test_canonical_names_go_by_role_and_order_not_by_the_users_names():
    def names(first, second):
        A = te.placeholder((4, 4), name="A")
        k = te.reduce_axis(4)
        B = te.compute((4,), lambda i: te.sum(A[i, k], axis=k), name=first)
        C = te.compute((4,), lambda i: B[i] + 1.0, name=second)
        k = te.reduce_axis(4)
        D = te.compute((), lambda: te.max(C[k], axis=k), name=first)
        module = te.build_module([A, D])
        conversion.convert_te_to_loop(module)
        blocks = loop.blocks_in(module)
        return [block.block_name for block in blocks], [block.alias and block.alias.data for block in blocks]

    assert names("x", "y") == (["reduce0", "map0", "reduce1"], ["x", "y", "x"])
    assert names("map0", "reduce0")[0] == ["reduce0", "map0", "reduce1"]


def test_inlining_stops_where_bodies_grow():
    A = te.placeholder((4,), name="A")
    chain = A
    for step in range(12):
        chain = te.compute((4,), lambda i, last=chain: last[i] * last[3 - i], name=f"step{step}")
    module = te.build_module([A, chain])
    expected = run_te(module, np.array([1, -1, 1, -1], "float32"))
    inline(module.body, max_ops=20)
    module.verify()
    computes = [op for op in module.walk() if isinstance(op, te_dialect.ComputeOp)]
    assert 1 < len(computes) < 12
    assert all(len(list(op.body.walk())) <= 80 for op in computes)
    check(run_te(module, np.array([1, -1, 1, -1], "float32")), expected)


def test_simplifying_what_nothing_needs():
    """A scan that is dead, with a guarded read in its step."""
    S0, X = te.placeholder((1, 3), name="S0"), te.placeholder((3,), name="X")

    def step(t, s):
        return te.compute((3,), lambda j: te.if_then_else(j > 0, X[j - 1], s[t, j]), name="row")

    S = te.scan(4, S0, step, name="S")
    C = te.compute((3,), lambda i: X[i] + 1.0, name="C")
    module = te.build_module([S0, X, S, C])
    (function,) = module.ops
    terminator = function.body.block.last_op
    terminator.operands = [terminator.operands[1], terminator.operands[1]]
    function.function_type = type(function.function_type).from_lists(
        function.function_type.inputs.data, [value.type for value in terminator.operands]
    )
    simplify(module.body)
    module.verify()
    assert not [op for op in module.walk() if isinstance(op, te_dialect.ScanOp)]


FAR = """
func.func @f(%A: tensor<2x5x1xf32>) -> tensor<5xf32> {
  %T = te.compute "T" spatial(%i in 5) {
    %one = arith.constant 1.0 : f32
    %0 = affine.apply affine_map<(d0) -> (d0 * 2)> (%i)
    %2 = arith.constant 2 : index
    %c = arith.cmpi sge, %0, %2 : index
    %r = scf.if %c -> (f32) {
      %4 = affine.apply affine_map<(d0) -> (d0 * 2 - 1)> (%i)
      %5 = arith.constant 1 : index
      %6 = arith.cmpi sge, %4, %5 : index
      %q = scf.if %6 -> (f32) {
        scf.yield %one : f32
      } else {
        %t = te.read %A[%i mod 2, %i floordiv 2, %i * 2 - 1] : tensor<2x5x1xf32>
        scf.yield %t : f32
      }
      scf.yield %q : f32
    } else {
      scf.yield %one : f32
    }
    te.yield %r : f32
  } -> tensor<5xf32>
  func.return %T : tensor<5xf32>
}
"""


def test_a_read_that_is_never_executed_goes_with_its_branch():
    module = parse(FAR)
    module.verify()
    simplify(module.body)
    module.verify()
    assert not [op for op in module.walk() if isinstance(op, te_dialect.ReadOp)]


def test_a_compute_whose_proof_needs_a_redundant_condition_stays_as_it_was(monkeypatch):
    """As if the proof were weaker: with no facts to combine, the inner condition is what proves the read."""
    module = parse(
        """
        func.func @f(%A: tensor<4xf32>) -> tensor<9xf32> {
          %T = te.compute "T" spatial(%i in 9) {
            %zero = arith.constant 0.0 : f32
            %3 = arith.constant 3 : index
            %4 = arith.constant 4 : index
            %outer = arith.cmpi slt, %i, %3 : index
            %r = scf.if %outer -> (f32) {
              %inner = arith.cmpi slt, %i, %4 : index
              %q = scf.if %inner -> (f32) {
                %a = te.read %A[%i] : tensor<4xf32>
                scf.yield %a : f32
              } else {
                scf.yield %zero : f32
              }
              scf.yield %q : f32
            } else {
              scf.yield %zero : f32
            }
            te.yield %r : f32
          } -> tensor<9xf32>
          func.return %T : tensor<9xf32>
        }"""
    )
    before = str(module)
    monkeypatch.setattr(te_simplify, "is_read_proven", lambda read: isinstance(read.parent_op().parent_op(), IfOp))
    simplify(module.body)
    assert str(module) == before
    monkeypatch.undo()
    simplify(module.body)
    module.verify()
    assert str(module).count("scf.if") == 1
