"""An operator of another dialect is inferred, fused and converted like ours; the oracle is told what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
import stepwell as sw
from stepwell.backends.oracles.graph import run_graph
from stepwell.dialects import graph
from stepwell.dialects.graph import FusionClass
from stepwell.errors import ArgumentError, CompileError
from stepwell.operators import elementwise, linear_algebra
from stepwell.operators.operator import TensorExpressionInterface
from stepwell.passes.graph.convert_graph_to_te import convert_graph_to_te
from stepwell.passes.graph.fuse import fuse
from stepwell.te.tensors import Tensor, compute
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def


class ToyOp(graph.TensorOp):
    operand = operand_def(TensorType)
    result = result_def(TensorType)

    def __init__(self, operand: SSAValue) -> None:
        IRDLOperation.__init__(self, operands=[operand], result_types=[operand.type])

    def infer_result_types(self) -> Sequence[graph.AnyTensor]:
        return [graph.tensor_operand(self.operand)]


@irdl_op_definition
class CubeOp(ToyOp, TensorExpressionInterface):
    name = "toy.cube"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.INJECTIVE

    def tensor_expression(self, *operands: Tensor) -> Tensor:
        (x,) = operands
        return compute(x.shape, lambda *i: x.read(*i) * x.read(*i) * x.read(*i), name="cube")


@irdl_op_definition
class MysteryOp(ToyOp):
    name = "toy.mystery"
    FUSION_CLASS: ClassVar[FusionClass] = FusionClass.OPAQUE


def model(op: type[ToyOp]) -> ModuleOp:
    type = TensorType(f32, [4, 4])
    block = Block(arg_types=[type])
    product = linear_algebra.MatmulOp(block.args[0], block.args[0])
    middle = op(product.result)
    last = elementwise.ReluOp(middle.result)
    block.add_ops([product, middle, last, ReturnOp(last.result)])
    return ModuleOp([FuncOp("main", ([type], [type]), Region(block))])


def kernels(module: ModuleOp) -> list[list[str]]:
    private = [op for op in module.ops if isinstance(op, FuncOp) and op.sym_visibility is not None]
    return [[op.name for op in func.body.block.ops if isinstance(op, graph.TensorOp)] for func in private]


X = np.random.default_rng(0).standard_normal((4, 4), np.float32)


def test_operator_with_a_tensor_expression():
    module = model(CubeOp)
    module.verify()
    expected = run_graph(module, [X], semantics={CubeOp.name: lambda op, x: x**3})
    np.testing.assert_allclose(sw.compile(module)(X), expected[0], rtol=1e-5)
    fuse(module)
    assert kernels(module) == [["graph.matmul", "toy.cube", "graph.relu"]]


def test_opaque_operator_stays_alone():
    module = model(MysteryOp)
    fuse(module)
    assert kernels(module) == [["graph.matmul"], ["toy.mystery"], ["graph.relu"]]


def test_operator_without_a_tensor_expression():
    with pytest.raises(CompileError, match=r"expected an operator with a tensor expression, got toy\.mystery"):
        convert_graph_to_te(model(MysteryOp))


def test_operator_that_the_oracle_does_not_know():
    with pytest.raises(CompileError, match=r"the graph oracle does not know toy\.mystery"):
        run_graph(model(MysteryOp), [X])


def test_arguments_that_do_not_fit():
    module = model(CubeOp)
    with pytest.raises(ArgumentError, match="expected 1 arguments, got 0"):
        run_graph(module, [])
    with pytest.raises(ArgumentError, match=r"expected argument 0 of type tensor<4x4xf32>, got float64 of shape"):
        run_graph(module, [X.astype(np.float64)])
    with pytest.raises(ArgumentError, match=r"expected argument 0 of type tensor<4x4xf32>, got shape \(4, 3\)"):
        run_graph(module, [X[:, :3]])
    with pytest.raises(CompileError, match="expected a function @other, got none"):
        run_graph(module, [X], function="other")
