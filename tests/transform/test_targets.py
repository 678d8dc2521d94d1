"""Shipped schedules follow the target: its vectors fill the inner loops, whichever they are."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from stepwell import te
from stepwell.backends.llvm_cpu.codegen import native_module
from stepwell.dialects.cpu import TargetAttr
from stepwell.te.tensors import Tensor
from stepwell.tools.driver import lower

TARGETS = {
    "avx2": TargetAttr.get(
        "x86_64-unknown-linux-gnu", "haswell", "+avx2,+fma", vector_bytes=32, vector_registers=16, fma=True
    ),
    "avx512": TargetAttr.get(
        "x86_64-unknown-linux-gnu",
        "skylake-avx512",
        "+avx512f,+avx512vl,+avx512bw,+avx512dq,+fma",
        vector_bytes=64,
        vector_registers=32,
        fma=True,
    ),
    "neon": TargetAttr.get(
        "aarch64-unknown-linux-gnu", "cortex-a76", "+neon", vector_bytes=16, vector_registers=32, fma=True
    ),
}
MULTIPLY_ADD = {
    "avx2": r"\tvfmadd\d+ps\t.*%ymm\d+, %ymm\d+",
    "avx512": r"\tvfmadd\d+ps\t.*%zmm\d+, %zmm\d+",
    "neon": r"\tfmla\tv\d+\.4s, v\d+\.4s",
}
SPILL = {"avx2": r"ymm\d+, \d+\(%rsp\)", "avx512": r"zmm\d+, \d+\(%rsp\)", "neon": r"str\tq\d+, \[sp"}


def matmul() -> list[Tensor]:
    a, b = te.placeholder((96, 80), "float32", name="A"), te.placeholder((80, 64), "float32", name="B")
    k = te.reduce_axis(80, "k")
    return [a, b, te.compute((96, 64), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")]


def convolution() -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.ones((40, 12, 3, 3), np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 12, 28, 30])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "conv", [x], [z], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def innermost_loops(assembly: str) -> list[str]:
    """The straight lines between a label and a jump back to it."""
    return [
        match[0]
        for match in re.finditer(r"(?ms)^(\.L\w+):(?:(?!^\.L\w+:).)*?\t(?:j\w+|b\.\w+|cbnz.*)\t?\1\n", assembly)
    ]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", [matmul, convolution], ids=["matmul", "convolution"])
def test_inner_loops_are_multiply_adds_on_whole_registers(target: str, source: object) -> None:
    assert callable(source)
    module = lower(source(), target=TARGETS[target])
    assembly = native_module(module).assembly()
    assert native_module(module).object()
    loops = [len(re.findall(MULTIPLY_ADD[target], loop)) for loop in innermost_loops(assembly)]
    hot = innermost_loops(assembly)[loops.index(max(loops))]
    assert max(loops) >= 8
    # No division, no bounds, and no more spills than a few.
    assert not re.search(r"\t(?:i?div|sdiv|udiv|cmov|csel)", hot)
    assert len(re.findall(SPILL[target], hot)) <= max(loops) // 8
