"""Graph passes on data of every element type: what is folded prints, parses, and is what was there."""

from __future__ import annotations

import numpy as np
import pytest
from stepwell.backends.oracles.graph import run_graph
from stepwell.backends.registry import make_context
from stepwell.dialects import graph
from stepwell.dialects.resources import ResourceAttr
from stepwell.dialects.source import parse_module
from stepwell.operators import elementwise, logic, shape
from stepwell.operators.reference.arrays import numpy_dtype
from stepwell.passes.graph.constants import data_attribute
from stepwell.passes.registry import our_passes
from xdsl.dialects.builtin import (
    IntegerType,
    ModuleOp,
    Signedness,
    TensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region

UNSIGNED = [IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64)]
PASSES = ["graph-fold-constants", "graph-simplify", "graph-cse", "graph-dce", "graph-fuse"]


@pytest.mark.parametrize("sizes", [(), (1,), (3,), (40,)], ids=str)
@pytest.mark.parametrize("element", [f16, bf16, f32, f64, i1, i8, i16, i32, i64, *UNSIGNED], ids=str)
def test_folded_data(element: Attribute, sizes: tuple[int, ...]):
    if element == bf16:
        pytest.importorskip("ml_dtypes")
    data = (np.arange(int(np.prod(sizes))) % 2).astype(numpy_dtype(element)).reshape(sizes)
    type = TensorType(element, sizes)
    block = Block(arg_types=[type])
    weight = graph.WeightOp("w", type)
    taller = shape.ReshapeOp(weight.result, (1, *sizes))
    again = shape.ReshapeOp(taller.result, sizes)
    equal = logic.EqualOp(block.args[0], again.result)
    chosen = elementwise.SelectOp(equal.result, taller.result, block.args[0])
    block.add_ops([weight, taller, again, equal, chosen, ReturnOp(chosen.result)])
    main = FuncOp("main", (block.arg_types, [chosen.result.type]), Region(block))
    module = ModuleOp([main, graph.DataOp("w", type, data_attribute("w", type, data.tobytes()))])
    module.verify()
    expected = run_graph(module, [data])
    for name in PASSES:
        our_passes()[name]()().apply(make_context(), module)
        module.verify()
    assert not any(op.name == "graph.reshape" for op in module.walk())
    with ResourceAttr.table.limited_to(None):
        text = str(module)
    got = run_graph(module if sizes == (40,) else parse_module(make_context(), text), [data])
    np.testing.assert_array_equal(got[0], expected[0])
