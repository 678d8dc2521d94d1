"""Products of bytes and of bfloat16, by instructions that sum a few of them at once."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from space_candidates import check, host_features, narrow_target, workload_of
from stepwell.autotune.space.build import build_space

NAMES = {"avx512vnni": "dots", "avxvnni": "dots", "amx-int8": "tiles"}


def product(m: int, n: int, k: int, constant: bool) -> onnx.ModelProto:
    """Of unsigned and signed bytes."""
    inputs = [helper.make_tensor_value_info("a", TensorProto.UINT8, (m, k))]
    b = np.random.default_rng(0).integers(-128, 128, (k, n)).astype(np.int8)
    if not constant:
        inputs.append(helper.make_tensor_value_info("b", TensorProto.INT8, (k, n)))
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "product",
        inputs,
        [helper.make_tensor_value_info("c", TensorProto.INT32, (m, n))],
        [numpy_helper.from_array(b, "b")] if constant else [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.mark.parametrize(("shape", "constant"), [((33, 40, 64), False), ((18, 50, 128), True), ((20, 36, 60), False)])
def test_products_of_bytes(shape: tuple[int, int, int], constant: bool) -> None:
    expected = {name for feature, name in NAMES.items() if feature in host_features()}
    model = product(*shape, constant)
    if not expected:
        assert not build_space(workload_of(model), rules=["tensors"]).sketches
        return
    space = check(model, "tensors", 4)
    assert {sketch.name.partition("/")[2].partition(",")[0] for sketch in space.sketches} == expected


def test_targets_without_such_instructions_have_no_such_sketches() -> None:
    target = narrow_target(features="")
    assert not build_space(workload_of(product(16, 16, 64, True), target), rules=["tensors"]).sketches
