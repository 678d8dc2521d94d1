"""Ops of other dialects in scalar bodies: what the trait demands, and that every part of the way down honours it."""

from __future__ import annotations

import numpy as np
import pytest
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects.scalar import ElementwiseMappable
from stepwell.dialects.source import parse_module
from stepwell.errors import CompileError
from stepwell.passes.loop.expand import LoopExpandPass
from stepwell.passes.te.convert_te_to_loop import ConvertTeToLoopPass
from stepwell.passes.te.te_inline import TeInlinePass
from stepwell.transform.primitives import vectorize
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def, var_result_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class AverageOp(IRDLOperation):
    name = "unit.average"
    lhs = operand_def()
    rhs = operand_def()
    result = result_def()
    traits = traits_def(ElementwiseMappable(), Pure())
    assembly_format = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `to` type($result)"


@irdl_op_definition
class ImpureOp(IRDLOperation):
    name = "unit.impure"
    result = result_def()
    traits = traits_def(ElementwiseMappable())
    assembly_format = "attr-dict `:` type($result)"


@irdl_op_definition
class PairOp(IRDLOperation):
    name = "unit.pair"
    results_ = var_result_def()
    traits = traits_def(ElementwiseMappable(), Pure())
    assembly_format = "attr-dict `:` type($results_)"


@irdl_op_definition
class PlainOp(IRDLOperation):
    name = "unit.plain"
    result = result_def()
    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($result)"


def context() -> Context:
    ctx = make_context()
    ctx.load_dialect(Dialect("unit", [AverageOp, ImpureOp, PairOp, PlainOp]))
    return ctx


SEMANTICS = {"unit.average": lambda op, x, y: (x + y) / np.float32(2)}

BODY = """
func.func @f(%A: tensor<12xf32>) -> tensor<12xf32> {{
  %B = te.compute "B" spatial(%i in 12) {{
    %a = te.read %A[%i] : tensor<12xf32>
    {}
    te.yield %b : f32
  }} -> tensor<12xf32>
  func.return %B : tensor<12xf32>
}}
"""


def parsed(body: str) -> ModuleOp:
    return parse_module(context(), BODY.format(body), "test")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("%b = unit.impure : f32", "expected an elementwise op to be pure"),
        ("%b, %c = unit.pair : f32, f32", "expected an elementwise op with one result and no region"),
        ("%b = unit.plain : f32", "expected scalar arith, math, affine.apply or scf.if in a body, got unit.plain"),
        (
            "%v = ub.poison : vector<4xf32>\n%b = unit.average %a, %v : f32, vector<4xf32> to f32",
            "expected scalars, or vectors of one shape",
        ),
    ],
)
def test_what_a_body_does_not_take(body: str, message: str):
    with pytest.raises(VerifyException, match=message):
        parsed(body).verify()


LAZY = """
    %five = arith.constant 5 : index
    %one = arith.constant 1.0 : f32
    %c = arith.cmpi slt, %i, %five : index
    %b = scf.if %c -> (f32) {
      %x = unit.average %a, %one : f32, f32 to f32
      scf.yield %x : f32
    } else {
      %x = unit.average %one, %one : f32, f32 to f32
      %y = unit.average %x, %a : f32, f32 to f32
      scf.yield %y : f32
    }
"""
A = np.arange(12, dtype=np.float32)


def test_every_rung_executes_it():
    module = parsed(LAZY)
    module.verify()
    (expected,) = run_te(module, A, semantics=SEMANTICS)
    np.testing.assert_array_equal(expected, (A + 1) / 2)
    ConvertTeToLoopPass().apply(context(), module)
    module.verify()
    np.testing.assert_array_equal(run_loop(module, A, semantics=SEMANTICS)[0], expected)
    with pytest.raises(CompileError, match=r"expected scalar code that the oracle executes, got unit\.average"):
        run_loop(module, A)


def test_lanes_become_vectors_where_they_differ():
    module = parsed(LAZY)
    ConvertTeToLoopPass().apply(context(), module)
    vectorize([op for op in module.walk() if op.name == "loop.for"][0])  # noqa: RUF015
    LoopExpandPass().apply(context(), module)
    module.verify()
    types = [str(op.results[0].type) for op in module.walk() if isinstance(op, AverageOp)]
    # Twelve lanes fill a register. What all of them share is computed once, as a scalar.
    assert types == ["vector<16xf32>", "f32", "vector<16xf32>"]


COMBINED = """
func.func @f(%A: tensor<12xf32>) -> tensor<1xf32> {
  %B = te.compute "B" spatial(%i in 1) reduce(%k in 12) {
    %a = te.read %A[%k] : tensor<12xf32>
    te.yield %a : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] {
    %s = unit.average %acc, %x : f32, f32 to f32
    te.yield %s : f32
  } -> tensor<1xf32>
  func.return %B : tensor<1xf32>
}
"""


def test_combiners_take_it():
    module = parse_module(context(), COMBINED, "test")
    module.verify()
    (expected,) = run_te(module, A, semantics=SEMANTICS)
    ConvertTeToLoopPass().apply(context(), module)
    np.testing.assert_array_equal(run_loop(module, A, semantics=SEMANTICS)[0], expected)
    LoopExpandPass().apply(context(), module)
    module.verify()
    assert [str(op.results[0].type) for op in module.walk() if isinstance(op, AverageOp)] == ["f32"]


CHAIN = """
func.func @f(%A: tensor<12xf32>) -> tensor<12xf32> {
  %B = te.compute "B" spatial(%i in 12) {
    %a = te.read %A[%i] : tensor<12xf32>
    %b = unit.average %a, %a : f32, f32 to f32
    te.yield %b : f32
  } -> tensor<12xf32>
  %C = te.compute "C" spatial(%i in 12) {
    %b = te.read %B[11 - %i] : tensor<12xf32>
    %c = unit.average %b, %b : f32, f32 to f32
    te.yield %c : f32
  } -> tensor<12xf32>
  func.return %C : tensor<12xf32>
}
"""


def test_computes_with_it_are_inlined():
    module = parse_module(context(), CHAIN, "test")
    expected = run_te(module, A, semantics=SEMANTICS)
    TeInlinePass().apply(context(), module)
    module.verify()
    assert sum(op.name == "te.compute" for op in module.walk()) == 1
    np.testing.assert_array_equal(run_te(module, A, semantics=SEMANTICS), expected)
