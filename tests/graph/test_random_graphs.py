"""Random models: every graph pass keeps what they compute, and every program stays one that prints and parses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO

import numpy as np
import stepwell as sw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stepwell.backends.oracles.graph import run_graph
from stepwell.backends.oracles.te import run_te
from stepwell.backends.registry import make_context
from stepwell.dialects import graph
from stepwell.dialects.extents import Extent
from stepwell.dialects.resources import ResourceAttr
from stepwell.dialects.source import parse_module
from stepwell.operators import elementwise, linear_algebra, reductions
from stepwell.operators import shape as shape_ops
from stepwell.operators.operator import UnaryOp
from stepwell.operators.registry import Graph
from stepwell.passes.graph.convert_graph_to_te import WEIGHT, convert_graph_to_te
from stepwell.passes.graph.fuse import fuse
from stepwell.passes.graph.fusion.groups import rows_of
from stepwell.passes.graph.infer_shapes import infer_shapes
from stepwell.passes.registry import our_passes
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    f32,
)
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.printer import Printer
from xdsl.rewriter import Rewriter

SIZES = {"n": 4, "m": 1}
SYMBOLS = [Extent.symbol(name) for name in SIZES]
EXTENTS = [Extent.of(1), Extent.of(2), Extent.of(3), *SYMBOLS]
SHAPES = st.lists(st.sampled_from(EXTENTS), min_size=0, max_size=3).map(tuple)


@dataclass
class Model:
    """A model as it is built: `values` may be used as operands."""

    draw: st.DrawFn
    block: Block = field(default_factory=Block)
    values: list[SSAValue] = field(default_factory=list)
    data: list[graph.DataOp] = field(default_factory=list)

    def value(self) -> SSAValue:
        return self.draw(st.sampled_from(self.values))

    def shape(self, value: SSAValue) -> tuple[Extent, ...]:
        return graph.shape_of(value.type)

    def of_shape(self, shape: Sequence[Extent]) -> SSAValue:
        """A value of this shape: there already, an input, a weight or a constant."""
        same = [value for value in self.values if self.shape(value) == tuple(shape)]
        kinds = ["input"] + (["value"] * 2 if same else [])
        if all(extent.is_constant for extent in shape):
            kinds += ["weight", "constant"]
        type = graph.tensor_of(f32, tuple(shape))
        match self.draw(st.sampled_from(kinds)):
            case "value":
                return self.draw(st.sampled_from(same))
            case "input":
                return self.block.insert_arg(type, len(self.block.args))
            case "weight":
                array = np.random.default_rng(len(self.data)).integers(-2, 3, type.get_shape()).astype(np.float32)
                name = f"weight {len(self.data)}"
                self.data.append(graph.DataOp(name, type, ResourceAttr.of(name, array.tobytes())))
                op = graph.WeightOp(name, type)
            case _:
                splat = np.full(type.get_shape(), self.draw(st.sampled_from([-1, 0, 0.5, 2])), np.float32)
                op = graph.ConstantOp(DenseIntOrFPElementsAttr(type, BytesAttr(splat.tobytes())))
        self.block.add_op(op)
        return op.result

    def broadcastable(self, shape: Sequence[Extent]) -> tuple[Extent, ...]:
        """A shape that broadcasts to `shape`."""
        kept = shape[self.draw(st.integers(0, len(shape))) :]
        return tuple(self.draw(st.sampled_from([extent, Extent.of(1)])) for extent in kept)

    def add_op(self) -> None:
        value = self.value()
        shape = self.shape(value)
        kinds = ["relu", "binary", "binary", "matmul", "transpose", "reshape"]
        kinds += ["softmax"] if shape else []
        kinds += ["gemm"] * 2 if len(shape) == 2 else []
        extent = st.sampled_from(EXTENTS)
        match self.draw(st.sampled_from(kinds)):
            case "relu":
                op = elementwise.ReluOp(value)
            case "binary":
                other = self.of_shape(self.broadcastable(shape))
                operands = self.draw(st.permutations([value, other]))
                op = self.draw(st.sampled_from([elementwise.AddOp, elementwise.SubOp, elementwise.MulOp]))(*operands)
            case "transpose":
                op = shape_ops.TransposeOp(value, self.draw(st.permutations(range(len(shape)))))
            case "reshape":
                merged = (
                    [shape[0] * shape[1].constant, *shape[2:]] if len(shape) > 1 and shape[1].is_constant else shape
                )
                op = shape_ops.ReshapeOp(value, self.draw(st.sampled_from([merged, [1, *shape], [*shape, 1]])))
            case "softmax":
                axes = st.sets(st.integers(0, len(shape) - 1), min_size=1)
                op = reductions.SoftmaxOp(value, self.draw(axes))
            case "gemm":
                trans_a, trans_b = self.draw(st.booleans()), self.draw(st.booleans())
                rows, inner = shape[::-1] if trans_a else shape
                columns = self.draw(extent)
                b = self.of_shape((columns, inner) if trans_b else (inner, columns))
                c = self.of_shape(self.broadcastable((rows, columns))) if self.draw(st.booleans()) else None
                factors = st.sampled_from([0.0, 0.5, 1.0, 1.0])
                flags = {"trans_a": trans_a, "trans_b": trans_b}
                op = linear_algebra.GemmOp(value, b, c, alpha=self.draw(factors), beta=self.draw(factors), **flags)
            case _:
                if not shape:
                    return
                batch = self.broadcastable(shape[:-2])
                column = [self.draw(extent)] if self.draw(st.booleans()) or batch else []
                op = linear_algebra.MatmulOp(value, self.of_shape((*batch, shape[-1], *column)))
        self.block.add_op(op)
        self.values.append(op.results[0])


class Example:
    """A module that a failing test shows as text."""

    def __init__(self, module: ModuleOp) -> None:
        self.module = module

    def __repr__(self) -> str:
        return str(self.module)


@st.composite
def models(draw: st.DrawFn) -> Example:
    model = Model(draw)
    for shape in [(Extent.symbol("n"), Extent.of(3)), (Extent.symbol("m"),), draw(SHAPES)]:
        model.values.append(model.block.insert_arg(graph.tensor_of(f32, shape), len(model.block.args)))
    inputs = len(model.values)
    for _ in range(draw(st.integers(1, 8))):
        model.add_op()
    computed = model.values[inputs:]
    outputs = [computed[-1], *draw(st.lists(st.sampled_from(computed), max_size=2))] if computed else model.values[:1]
    model.block.add_op(ReturnOp(*outputs))
    function = FuncOp("main", (model.block.arg_types, [value.type for value in outputs]), Region(model.block))
    module = ModuleOp([function, *model.data])
    module.verify()
    return Example(module)


def main_of(module: ModuleOp) -> FuncOp:
    return next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == "main")


def arrays(module: ModuleOp) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    shapes = [
        tuple(extent.evaluate(SIZES) for extent in graph.shape_of(type))
        for type in main_of(module).function_type.inputs
    ]
    return [random.integers(-3, 4, shape).astype(np.float32) for shape in shapes]


def text(module: ModuleOp) -> str:
    stream = StringIO()
    printer = Printer(stream)
    printer.print_op(module)
    printer.print_metadata([Graph])
    return stream.getvalue()


def assert_same(got: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    assert len(got) == len(expected)
    for left, right in zip(got, expected, strict=True):
        assert left.shape == right.shape
        scale = max(1.0, float(np.abs(right).max(initial=0)))
        np.testing.assert_allclose(left / scale, right / scale, rtol=1e-4, atol=1e-5)


def run_converted(module: ModuleOp, inputs: Sequence[np.ndarray], data: Sequence[graph.DataOp]) -> Sequence[np.ndarray]:
    """The te oracle's results; weights are the last arguments."""
    weights = {op.sym_name.data: np.frombuffer(op.data or b"", np.float32).reshape(op.type.get_shape()) for op in data}
    attributes = main_of(module).arg_attrs or ()
    names = [each.data[WEIGHT] for each in attributes if WEIGHT in each.data]
    return run_te(module, *inputs, *(weights[name.data] for name in names if isinstance(name, StringAttr)))


MODELS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MODELS
@given(models())
def test_text_round_trips(example: Example):
    module = example.module
    parsed = parse_module(make_context(), text(module))
    assert text(parsed) == text(module)
    assert_same(run_graph(parsed, arrays(module)), run_graph(module, arrays(module)))


@MODELS
@given(models(), st.integers(0, 3))
def test_fuse(example: Example, max_ops: int):
    module = example.module
    expected = run_graph(module, arrays(module))
    fuse(module, max_ops)
    module.verify()
    for func in module.ops:
        if isinstance(func, FuncOp) and func.sym_visibility is not None:
            ops = [op for op in func.body.block.ops if isinstance(op, graph.TensorOp)]
            anchors = [op for op in ops if op.FUSION_CLASS is not graph.FusionClass.INJECTIVE]
            assert len({rows_of(op) or op for op in anchors}) <= 1
            assert not max_ops or len(ops) <= max_ops
    views = graph.WeightOp | shape_ops.ReshapeOp | ReturnOp
    assert all(isinstance(op, CallOp | views) for op in main_of(module).body.block.ops)
    assert_same(run_graph(module, arrays(module)), expected)
    before = str(module)
    fuse(module, max_ops)
    assert str(module) == before


@MODELS
@given(models())
def test_infer_shapes(example: Example):
    """What is forgotten of results' extents is found again."""
    module = example.module
    expected = str(module)
    for op in main_of(module).body.block.ops:
        if isinstance(op, graph.TensorOp) and not isinstance(op, UnaryOp | shape_ops.ReshapeOp):
            for result in tuple(op.results):
                unknown = TensorType(result.type.element_type, [DYNAMIC_INDEX] * result.type.get_num_dims())
                Rewriter.replace_value_with_new_type(result, unknown)
    infer_shapes(module)
    module.verify()
    assert str(module) == expected


PASSES = [name for name in our_passes() if name.startswith("graph-")]


@MODELS
@given(models(), st.lists(st.sampled_from(PASSES), min_size=1, max_size=5))
def test_passes(example: Example, passes: list[str]):
    """Symbolic extents, too, are kept apart and put together rightly."""
    module = example.module
    inputs, data = arrays(module), [op for op in module.ops if isinstance(op, graph.DataOp)]
    expected = run_graph(module, inputs)
    for name in passes:
        our_passes()[name]()().apply(make_context(), module)
        module.verify()
    assert_same(run_graph(module, inputs), expected)
    data += [op for op in module.ops if isinstance(op, graph.DataOp) and op not in data]
    convert_graph_to_te(module)
    module.verify()
    assert_same(run_converted(module, inputs, data), expected)


@MODELS
@given(models())
def test_convert_to_te(example: Example):
    module = example.module
    inputs, data = arrays(module), [op for op in module.ops if isinstance(op, graph.DataOp)]
    expected = run_graph(module, inputs)
    convert_graph_to_te(module)
    module.verify()
    assert not any(op.name.startswith("graph.") for op in module.walk())
    assert_same(run_converted(module, inputs, data), expected)


@MODELS
@given(models())
def test_fuse_then_convert(example: Example):
    module = example.module
    inputs, data = arrays(module), [op for op in module.ops if isinstance(op, graph.DataOp)]
    expected = run_graph(module, inputs)
    fuse(module)
    convert_graph_to_te(module)
    module.verify()
    assert_same(run_converted(module, inputs, data), expected)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models())
def test_native_code(example: Example):
    module = example.module
    inputs = arrays(module)
    expected = run_graph(module, inputs)
    got = sw.compile(module, sizes=SIZES)(*inputs)
    assert_same(got if isinstance(got, tuple) else (got,), expected)
