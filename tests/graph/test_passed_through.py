"""Results that no operator of their own computes: inputs, weights, constants, views, and the same value twice."""

from __future__ import annotations

import numpy as np
import pytest
import stepwell as sw
from stepwell.backends.oracles.graph import run_graph
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module

X = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
HEADER = "func.func @main(%x: tensor<2x6xf32>) -> "
DATA = "graph.data @w = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>"

PROGRAMS = {
    "input": f"{HEADER} tensor<2x6xf32> {{ func.return %x : tensor<2x6xf32> }}",
    "input beside a kernel": f"""{HEADER} (tensor<2x6xf32>, tensor<2x6xf32>) {{
      %y = graph.relu %x : tensor<2x6xf32>
      func.return %x, %y : tensor<2x6xf32>, tensor<2x6xf32>
    }}""",
    "weight": f"""{HEADER} (tensor<3xf32>, tensor<2x6xf32>) {{
      %w = graph.weight @w : tensor<3xf32>
      %y = graph.relu %x : tensor<2x6xf32>
      func.return %w, %y : tensor<3xf32>, tensor<2x6xf32>
    }}
    {DATA}""",
    "weight alone": f"""{HEADER} tensor<3xf32> {{
      %w = graph.weight @w : tensor<3xf32>
      func.return %w : tensor<3xf32>
    }}
    {DATA}""",
    "constant": f"""{HEADER} (tensor<2x2xf32>, tensor<2x6xf32>) {{
      %c = graph.constant dense<2.0> : tensor<2x2xf32>
      %y = graph.relu %x : tensor<2x6xf32>
      func.return %c, %y : tensor<2x2xf32>, tensor<2x6xf32>
    }}""",
    "constant alone": f"""{HEADER} tensor<2x2xf32> {{
      %c = graph.constant dense<2.0> : tensor<2x2xf32>
      func.return %c : tensor<2x2xf32>
    }}""",
    "twice": f"""{HEADER} (tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x6xf32>) {{
      %y = graph.relu %x : tensor<2x6xf32>
      func.return %y, %x, %y, %x : tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x6xf32>
    }}""",
    "view of an input": f"{HEADER} tensor<3x4xf32> {{ "
    "%y = graph.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32> func.return %y : tensor<3x4xf32> }",
    "views of a result": f"""{HEADER} (tensor<3x4xf32>, tensor<12xf32>, tensor<2x6xf32>, tensor<3x4xf32>) {{
      %y = graph.relu %x : tensor<2x6xf32>
      %s = graph.softmax %y axes [1] : tensor<2x6xf32>
      %a = graph.reshape %y : tensor<2x6xf32> -> tensor<3x4xf32>
      %b = graph.reshape %y : tensor<2x6xf32> -> tensor<12xf32>
      %c = graph.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>
      func.return %a, %b, %s, %c : tensor<3x4xf32>, tensor<12xf32>, tensor<2x6xf32>, tensor<3x4xf32>
    }}""",
    "view of a view, and of one number": f"""{HEADER} (tensor<1x1xf32>, tensor<2x3x2xf32>, tensor<2x6xf32>) {{
      %s = graph.reduce_sum %x axes [0, 1] : (tensor<2x6xf32>) -> tensor<f32>
      %a = graph.reshape %s : tensor<f32> -> tensor<1x1xf32>
      %b = graph.reshape %x : tensor<2x6xf32> -> tensor<12xf32>
      %c = graph.reshape %b : tensor<12xf32> -> tensor<2x3x2xf32>
      %d = graph.add %x, %a : (tensor<2x6xf32>, tensor<1x1xf32>) -> tensor<2x6xf32>
      func.return %a, %c, %d : tensor<1x1xf32>, tensor<2x3x2xf32>, tensor<2x6xf32>
    }}""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_native_code(name: str):
    module = parse_module(make_context(), PROGRAMS[name])
    module.verify()
    expected = run_graph(module, [X])
    got = sw.compile(module)(X)
    for left, right in zip(got if isinstance(got, tuple) else (got,), expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
