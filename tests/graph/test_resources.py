"""Data beside the text: handles stand for their own bytes, whatever else is alive under the same name."""

from __future__ import annotations

import gc
from io import StringIO

import numpy as np
import pytest
from stepwell.backends.registry import make_context
from stepwell.dialects import graph
from stepwell.dialects.resources import ResourceAttr, resource_handle
from stepwell.dialects.source import parse_module
from stepwell.operators.registry import Graph
from xdsl.dialects.builtin import BytesAttr, DenseIntOrFPElementsAttr, ModuleOp, TensorType, f16, f32, f64, i8
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError

TEXT = """
graph.data @w = #graph.resource<w> : tensor<2xi8>
{{-# dialect_resources: {{ graph: {{ w: "0x40000000{}" }} }} #-}}
"""


def parse(text: str) -> ModuleOp:
    return parse_module(make_context(), text)


def text(module: ModuleOp, limit: int | None = 1 << 16) -> str:
    stream = StringIO()
    printer = Printer(stream)
    printer.print_op(module)
    with ResourceAttr.table.limited_to(limit):
        printer.print_metadata([Graph])
    return stream.getvalue()


def data(module: ModuleOp) -> list[bytes | None]:
    return [op.data for op in module.ops if isinstance(op, graph.DataOp)]


def test_modules_with_equal_handles_keep_their_bytes():
    first, second = parse(TEXT.format("0102")), parse(TEXT.format("0304"))
    assert (data(first), data(second)) == ([b"\1\2"], [b"\3\4"])
    for _ in range(2):
        assert data(parse(text(first))) == [b"\1\2"]
        assert data(parse(text(second))) == [b"\3\4"]


def test_equal_handles_with_other_bytes_in_one_module():
    first, second = parse(TEXT.format("0102")), parse(TEXT.format("0304").replace("@w", "@v"))
    merged = ModuleOp([op.clone() for module in (first, second) for op in module.ops])
    assert data(parse(text(merged))) == [b"\1\2", b"\3\4"]


def test_equal_text_gives_equal_attributes():
    (first,), (second,) = parse(TEXT.format("0102")).ops, parse(TEXT.format("0102")).ops
    assert first.properties == second.properties
    assert hash(first.properties["value"]) == hash(second.properties["value"])
    (third,) = parse(TEXT.format("0103")).ops
    assert first.properties != third.properties


def test_clones_share_bytes():
    module = parse(TEXT.format("0102"))
    assert data(module.clone())[0] is data(module)[0]


def test_bytes_go_with_their_module():
    attribute = ResourceAttr.of("short_lived", bytes(100))
    module = ModuleOp([graph.DataOp("w", TensorType(i8, [100]), attribute)])
    assert "short_lived: " in text(module)
    del module, attribute
    gc.collect()
    assert ResourceAttr.table.lookup("short_lived") is None


def test_large_data_is_left_out():
    type = TensorType(i8, [1 << 17])
    module = ModuleOp([graph.DataOp("w", type, ResourceAttr.of("w", bytes(1 << 17)))])
    assert len(text(module)) < 200
    parsed = parse(text(module))
    parsed.verify()
    assert data(parsed) == [None]


def test_large_data_is_printed_when_asked_for():
    type = TensorType(i8, [1 << 17])
    module = ModuleOp([graph.DataOp("w", type, ResourceAttr.of("w", bytes(1 << 17)))])
    assert data(parse(text(module, None))) == [bytes(1 << 17)]
    assert len(text(module)) < 200


@pytest.mark.parametrize("name", ["fc1.weight", "conv/1:0", "0", "naïve", "a b", ""])
def test_handles_of_any_name_parse(name: str):
    module = ModuleOp([graph.DataOp("w", TensorType(i8, [2]), ResourceAttr.of(name, b"\1\2"))])
    assert data(parse(text(module))) == [b"\1\2"]
    assert resource_handle(name)


def test_bad_hex_is_a_parse_error():
    with pytest.raises(ParseError, match="non-hexadecimal"):
        parse(TEXT.format("01zz"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_inline_floats_keep_their_bits(dtype: type):
    info = np.finfo(dtype)
    numbers = [
        np.inf,
        -np.inf,
        np.nan,
        -0.0,
        0.1,
        1 / 3,
        info.max,
        info.tiny,
        info.smallest_subnormal,
        12582912 if dtype is not np.float16 else 2049,
    ]
    values = np.array(numbers, dtype)
    type = TensorType({2: f16, 4: f32, 8: f64}[values.itemsize], [len(numbers)])
    module = ModuleOp([graph.DataOp("w", type, DenseIntOrFPElementsAttr(type, BytesAttr(values.tobytes())))])
    assert data(parse(text(module))) == [values.tobytes()]
