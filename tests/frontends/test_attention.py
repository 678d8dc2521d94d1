"""Attention and rotary embeddings as ONNX has them, beside its reference."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from stepwell.backends.oracles.graph import run_graph
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx import import_onnx


def model(kind: str, operands: dict[str, Any], outputs: list[str], attributes: dict[str, Any]) -> onnx.ModelProto:
    given = {name: array for name, array in operands.items() if array is not None}
    node = helper.make_node(kind, [name if name in given else "" for name in operands], outputs, **attributes)
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in given.items()
    ]
    results = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs if name]
    graph = helper.make_graph([node], "test", infos, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)


def check(kind: str, operands: dict[str, Any], outputs: list[str], attributes: dict[str, Any]) -> None:
    proto = model(kind, operands, outputs, attributes)
    inputs = {name: array for name, array in operands.items() if array is not None}
    expected = ReferenceEvaluator(proto).run(None, inputs)
    for got, wanted in zip(run_graph(import_onnx(proto), list(inputs.values())), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seeds", [range(start, start + 30) for start in range(0, 90, 30)], ids=str)
def test_random_attention(seeds: range):
    for seed in seeds:
        choose, numbers = random.Random(seed), np.random.default_rng(seed)
        batch, groups, shared = choose.choice([1, 2]), choose.choice([1, 2]), choose.choice([1, 1, 3])
        queries, keys, past = choose.choice([1, 4]), choose.choice([4, 5]), choose.choice([0, 0, 2])
        width, value_width = 4, choose.choice([4, 6])
        flat = choose.random() < 0.5

        def heads(count: int, length: int, size: int) -> np.ndarray:
            array = numbers.standard_normal((batch, count, length, size), np.float32)  # noqa: B023
            return array.transpose(0, 2, 1, 3).reshape(batch, length, -1) if flat else array  # noqa: B023

        total = keys + past
        masks = {
            "none": None,
            "added": numbers.standard_normal((queries, total), np.float32),
            "of heads": numbers.standard_normal((groups * shared, queries, total), np.float32),
            "of batches": numbers.random((batch, 1, queries, total)) < 0.6,
            "shorter": numbers.random((queries, total - 1)) < 0.6,
        }
        operands: dict[str, Any] = {
            "q": heads(groups * shared, queries, width),
            "k": heads(groups, keys, width),
            "v": heads(groups, keys, value_width),
            "mask": masks[choose.choice(list(masks))],
        }
        if past:
            operands |= {
                "past_k": numbers.standard_normal((batch, groups, past, width), np.float32),
                "past_v": numbers.standard_normal((batch, groups, past, value_width), np.float32),
            }
        attributes: dict[str, Any] = {}
        if flat:
            attributes |= {"q_num_heads": groups * shared, "kv_num_heads": groups}
        if choose.random() < 0.3:
            attributes["softcap"] = 0.7
        if choose.random() < 0.3:
            attributes["scale"] = 0.3
        if choose.random() < 0.4:
            attributes["is_causal"] = 1
        outputs = ["y", "all_k", "all_v"] if past else ["y"]
        if choose.random() < 0.5 and "softcap" not in attributes:
            attributes["qk_matmul_output_mode"] = choose.choice([0, 2, 3])
            outputs = [*outputs, *[""] * (3 - len(outputs)), "scores"]
        check("Attention", operands, outputs, attributes)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("turned", [0, 2])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("positions", [False, True])
def test_rotary_embedding(interleaved: int, turned: int, flat: bool, positions: bool):
    numbers = np.random.default_rng(0)
    x = numbers.standard_normal((2, 5, 12) if flat else (2, 3, 5, 4), np.float32)
    count = (turned or 4) // 2
    cache = (9, count) if positions else (2, 5, count)
    operands: dict[str, Any] = {
        "x": x,
        "cosines": numbers.standard_normal(cache, np.float32),
        "sines": numbers.standard_normal(cache, np.float32),
        "positions": numbers.integers(0, 9, (2, 5)) if positions else None,
    }
    attributes = {"interleaved": interleaved, "rotary_embedding_dim": turned, **({"num_heads": 3} if flat else {})}
    check("RotaryEmbedding", operands, ["y"], attributes)


@pytest.mark.parametrize(
    "shapes, attributes, message",
    [
        ([(1, 4, 8), (1, 4, 8), (1, 4, 8)], {}, "expected attribute 'q_num_heads', got none"),
        (
            [(1, 4, 8), (1, 4, 8), (1, 4, 8)],
            {"q_num_heads": 3, "kv_num_heads": 3},
            "expected a hidden size that 3 heads divide, got 8",
        ),
        ([(1, 3, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8)], {}, "expected a multiple of 2 query heads, got 3"),
        ([(1, 3, 4, 8), (1, 4, 8), (1, 4, 8)], {}, "expected Q, K and V of rank 3 or 4, got 4, 3 and 3"),
        ([(1, 2, 4, 8)] * 3, {"softcap": -1.0}, "expected softcap to be positive, got -1.0"),
        ([(1, 2, 4, 8)] * 3, {"qk_matmul_output_mode": 4}, "expected qk_matmul_output_mode 0 to 3, got 4"),
        ([(1, 2, 4, 8)] * 3, {"softmax_precision": 7}, "expected softmax_precision of floats, got i64"),
    ],
)
def test_refused(shapes: list[tuple[int, ...]], attributes: dict[str, Any], message: str):
    operands = {name: np.ones(shape, np.float32) for name, shape in zip("qkv", shapes, strict=True)}
    with pytest.raises(ImportModelError) as error:
        import_onnx(model("Attention", operands, ["y"], attributes))
    assert message in str(error.value)
