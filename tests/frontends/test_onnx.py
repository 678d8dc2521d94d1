"""ONNX models in, graph IR out: what is imported computes what ONNX's reference does; what cannot be is one error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import stepwell as sw
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data
from onnx.reference import ReferenceEvaluator
from stepwell.backends.oracles.graph import run_graph
from stepwell.dialects import graph
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx import import_onnx
from stepwell.frontends.onnx.converters import CONVERTERS
from xdsl.dialects.func import FuncOp

Dims = Sequence[int | str | None]

SUPPORTED = len({converter.op_type for converter in CONVERTERS if not converter.domain})


def info(name: str, dims: Dims | None, elem_type: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, elem_type, dims)


def node(op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs, [output], name=f"{output}_node", **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: dict[str, np.ndarray] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    proto = helper.make_graph(nodes, "test", inputs, outputs, initializers)
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def perceptron(batch: int | str = "n") -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = {
        "fc1/weight": random.standard_normal((8, 6), np.float32),
        "fc1/bias": random.standard_normal(8, np.float32),
        "main": random.standard_normal((8, 3), np.float32),
        "fc2/bias": random.standard_normal(3, np.float32),
    }
    nodes = [
        node("Gemm", ["x", "fc1/weight", "fc1/bias"], "h", transB=1),
        node("Relu", ["h"], "r"),
        node("MatMul", ["r", "main"], "m"),
        node("Add", ["m", "fc2/bias"], "z"),
        node("Softmax", ["z"], "probabilities"),
    ]
    return model(nodes, [info("x", [batch, 6])], [info("probabilities", [batch, 3])], weights)


def main_of(module: Any) -> FuncOp:
    return next(op for op in module.ops if isinstance(op, FuncOp))


def check(proto: onnx.ModelProto, *arrays: np.ndarray) -> None:
    """Compares the oracle on imported IR with ONNX's reference."""
    module = import_onnx(proto)
    module.verify()
    names = [info.name for info in proto.graph.input]
    expected = ReferenceEvaluator(proto).run(None, dict(zip(names, arrays, strict=True)))
    got = run_graph(module, arrays)
    for left, right in zip(got, expected, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, rtol=2e-5, atol=1e-6)


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape, np.float32)


# What is imported


@pytest.mark.parametrize("batch", ["n", 5])
def test_perceptron(batch: int | str):
    check(perceptron(batch), floats(5, 6))


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("shapes", [((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (3,)), ((3, 4), (3, 4))])
def test_broadcasting(op_type: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]):
    proto = model([node(op_type, ["a", "b"], "c")], [info("a", shapes[0]), info("b", shapes[1])], [info("c", None)])
    check(proto, floats(*shapes[0]), floats(*shapes[1]) + np.float32(3))


@pytest.mark.parametrize(
    "shapes",
    [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 1, 3, 4), (7, 4, 5)), ((2, 3, 4), (4,))],
)
def test_matmul(shapes: tuple[tuple[int, ...], tuple[int, ...]]):
    proto = model([node("MatMul", ["a", "b"], "c")], [info("a", shapes[0]), info("b", shapes[1])], [info("c", None)])
    check(proto, floats(*shapes[0]), floats(*shapes[1]))


@pytest.mark.parametrize("bias", [None, (), (5,), (1, 5), (3, 1), (3, 5)])
@pytest.mark.parametrize("attributes", [{}, {"alpha": 0.5, "beta": 2.0}, {"beta": 0.0}, {"transA": 1, "transB": 1}])
def test_gemm(bias: tuple[int, ...] | None, attributes: dict[str, Any]):
    a, b = floats(3, 4), floats(4, 5)
    arrays = [a.T.copy() if "transA" in attributes else a, b.T.copy() if "transB" in attributes else b]
    if bias is not None:
        arrays.append(floats(*bias))
    names = ["a", "b", "c"][: len(arrays)]
    inputs = [info(name, array.shape) for name, array in zip(names, arrays, strict=True)]
    check(model([node("Gemm", names, "y", **attributes)], inputs, [info("y", [3, 5])]), *arrays)


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_softmax(opset: int, axis: int | None):
    attributes = {} if axis is None else {"axis": axis}
    nodes = [node("Softmax", ["x"], "y", **attributes)]
    x = floats(2, 3, 4) * np.float32(50)
    proto = model(nodes, [info("x", x.shape)], [info("y", x.shape)], opset=opset)
    if opset >= 13:
        check(proto, x)
        return
    # ONNX's reference has the new meaning at every opset: the old one is that of the flattened rows.
    (got,) = run_graph(import_onnx(proto), [x])
    first = 1 if axis is None else axis % 3
    rows = x.reshape(int(np.prod(x.shape[:first])), -1).astype(np.float64)
    powers = np.exp(rows - rows.max(1, keepdims=True))
    np.testing.assert_allclose(got, (powers / powers.sum(1, keepdims=True)).reshape(x.shape), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int32, np.int64])
def test_element_types(dtype: type):
    weight = np.array([[1, -2, 3]], dtype)
    elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [node("Add", ["x", "w"], "s"), node("Relu", ["s"], "y")]
    inputs, outputs = [info("x", [2, 3], elem_type)], [info("y", [2, 3], elem_type)]
    check(model(nodes, inputs, outputs, {"w": weight}), np.array([[1, 1, -9], [0, 5, 6]], dtype))


def test_names_and_order():
    proto = model(
        [node("Sub", ["second", "first"], "d/1"), node("Add", ["d/1", "w"], "out:0")],
        [info("second", [2]), info("first", [2])],
        [info("out:0", [2]), info("d/1", [2])],
        {"unused": floats(9), "w": floats(2)},
    )
    module = import_onnx(proto)
    main = main_of(module)
    assert main.arg_attrs is not None
    assert main.res_attrs is not None
    assert [str(each.data["te.name"]) for each in main.arg_attrs] == ['"second"', '"first"']
    assert [str(each.data["te.name"]) for each in main.res_attrs] == ['"out:0"', '"d/1"']
    assert [op.sym_name.data for op in module.ops if isinstance(op, graph.DataOp)] == ["w"]
    check(proto, floats(2), floats(2) * np.float32(3))


def test_initializer_that_is_an_input_too_is_a_weight():
    proto = model([node("Add", ["x", "w"], "y")], [info("x", [2]), info("w", [2])], [info("y", [2])], {"w": floats(2)})
    assert len(main_of(import_onnx(proto)).args) == 1


def test_sizes_are_symbols_by_name():
    inputs = [info("a", ["batch size", 4]), info("b", ["batch_size", 4]), info("c", [None, 4]), info("d", ["d2", 4])]
    outputs = [info(name, None) for name in "abcd"]
    main = main_of(import_onnx(model([], inputs, outputs)))
    symbols = [str(graph.shape_of(arg.type)[0]) for arg in main.args]
    assert len(set(symbols)) == 4, "sizes that the model does not call the same are not the same"
    nodes = [node("Add", ["a", "b"], "y")]
    same = model(nodes, [info("a", ["n", 4]), info("b", ["n", 4])], [info("y", ["m", 4])])
    assert str(graph.shape_of(main_of(import_onnx(same)).args[1].type)[0]) == "n"


def test_path(tmp_path: Path):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    assert str(import_onnx(tmp_path / "model.onnx")) == str(import_onnx(str(tmp_path / "model.onnx")))


def test_external_weights(tmp_path: Path):
    proto = perceptron()
    convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    onnx.save(proto, tmp_path / "model.onnx")
    x = floats(5, 6)
    np.testing.assert_array_equal(
        run_graph(import_onnx(tmp_path / "model.onnx"), [x])[0], run_graph(import_onnx(perceptron()), [x])[0]
    )


# What is not


def external(location: str, **entries: str) -> Callable[[onnx.ModelProto], None]:
    def change(proto: onnx.ModelProto) -> None:
        tensor = proto.graph.initializer[0]
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=value)

    return change


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("missing.bin", "weight 'fc1/weight': cannot read weight file 'missing.bin': No such file or directory"),
        ("../secret.bin", "weight 'fc1/weight': expected a file in the model's folder, got '../secret.bin'"),
        ("/etc/passwd", "weight 'fc1/weight': expected a file in the model's folder, got '/etc/passwd'"),
        ("link.bin", "weight 'fc1/weight': expected a file in the model's folder, got 'link.bin'"),
        ("a\0b", "weight 'fc1/weight': expected a file in the model's folder, got 'a\0b'"),
        ("", "weight 'fc1/weight': expected a file in the model's folder, got ''"),
        ("short.bin", "weight 'fc1/weight': expected 192 bytes of data for tensor<8x6xf32>, got 3"),
    ],
)
def test_bad_external_weights(tmp_path: Path, location: str, message: str):
    (tmp_path / "secret.bin").write_bytes(bytes(8 * 6 * 4))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "short.bin").write_bytes(b"abc")
    proto = perceptron()
    external(location)(proto)
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ImportModelError) as caught:
        import_onnx(folder / "model.onnx")
    assert str(caught.value) == f"node 'h_node': {message}"


@pytest.mark.parametrize("offset", ["-4", "many", "9" * 30])
def test_external_offset_that_is_none(tmp_path: Path, offset: str):
    (tmp_path / "w.bin").write_bytes(bytes(4))
    proto = perceptron()
    external("w.bin", offset=offset)(proto)
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ImportModelError, match=r"expected an offset and a length into file 'w.bin'"):
        import_onnx(tmp_path / "model.onnx")


def test_external_weights_without_a_folder():
    proto = perceptron()
    external("w.bin")(proto)
    with pytest.raises(ImportModelError, match="import the model by its path"):
        import_onnx(proto)


def test_files_that_are_no_models(tmp_path: Path):
    data = perceptron().SerializeToString()
    path = tmp_path / "model.onnx"
    for bad in (data[: len(data) // 2], data[:-1], b"", b"not a model, but text", bytes(range(256)), data[1:]):
        path.write_bytes(bad)
        with pytest.raises(ImportModelError, match="expected an ONNX model"):
            import_onnx(path)


def test_damaged_files(tmp_path: Path):
    """Whatever bytes a file has, it is imported or refused."""
    data = perceptron().SerializeToString()
    path = tmp_path / "model.onnx"
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(data)
        for position in random.integers(len(data), size=random.integers(1, 4)):
            damaged[position] = random.integers(256)
        path.write_bytes(damaged)
        try:
            import_onnx(path).verify()
        except ImportModelError:
            refused += 1
    assert 0 < refused < 500


def test_missing_file(tmp_path: Path):
    with pytest.raises(ImportModelError, match=r"cannot read '.*nothing.onnx': No such file or directory"):
        import_onnx(tmp_path / "nothing.onnx")
    with pytest.raises(ImportModelError, match="Is a directory"):
        import_onnx(tmp_path)


X, Y = info("x", [2, 3]), info("y", [2, 3])

BAD_MODELS = {
    "unsupported": (
        model([node("Rellu", ["x"], "y")], [X], [Y]),
        f"node 'y_node': expected one of the {SUPPORTED} operators that docs/onnx.md lists, "
        "got Rellu (opset 17); did you mean 'Relu'?",
    ),
    "domain": (
        model([node("Relu", ["x"], "y", domain="com.acme")], [X], [Y]),
        "node 'y_node': expected an operator of a domain that is supported, got com.acme.Relu (opset None)",
    ),
    "old": (
        model([node("Add", ["x", "x"], "y")], [X], [Y], opset=6),
        "node 'y_node': expected Add of opset 7 or later, got opset 6",
    ),
    "attribute": (
        model([node("Relu", ["x"], "y", slope=1.0)], [X], [Y]),
        "node 'y_node': Relu: expected no attributes, got attribute 'slope'",
    ),
    "attribute type": (
        model([node("Softmax", ["x"], "y", axis="last")], [X], [Y]),
        "node 'y_node': Softmax (opset 17): expected attribute 'axis' of type int, got 'last'",
    ),
    "axis": (
        model([node("Softmax", ["x"], "y", axis=2)], [X], [Y]),
        "node 'y_node': Softmax (opset 17): expected an axis from -2 to 1, got 2",
    ),
    "too few": (
        model([node("Add", ["x"], "y")], [X], [Y]),
        "node 'y_node': Add (opset 17): expected 2 inputs, got 1",
    ),
    "left out": (
        model([node("Gemm", ["x", "", "x"], "y")], [X], [Y]),
        "node 'y_node': Gemm (opset 17): expected 2 to 3 inputs, got 2",
    ),
    "outputs": (
        model([helper.make_node("Relu", ["x"], ["y", "z"])], [X], [Y]),
        "node 0: Relu (opset 17): expected 1 outputs, got 2",
    ),
    "undefined": (
        model([node("Relu", ["nothing"], "y")], [X], [Y]),
        "node 'y_node': expected a value that is already computed, got 'nothing'",
    ),
    "defined twice": (
        model([node("Relu", ["x"], "y"), node("Relu", ["x"], "y")], [X], [Y]),
        "node 'y_node': expected one value named 'y', got another",
    ),
    "shapes": (
        model([node("MatMul", ["x", "x"], "y")], [X], [Y]),
        "node 'y_node': MatMul (opset 17): expected operands that agree on what is summed over, got 2x3 and 2x3",
    ),
    "broadcast": (
        model([node("Add", ["x", "z"], "y")], [X, info("z", [4])], [Y]),
        "node 'y_node': Add (opset 17): expected shapes that broadcast, got 2x3 and 4",
    ),
    "symbols": (
        model([node("Add", ["x", "z"], "y")], [X, info("z", ["n", 3])], [Y]),
        "node 'y_node': Add (opset 17): expected shapes that broadcast, got 2x3 and nx3",
    ),
    "element types": (
        model([node("Add", ["x", "z"], "y")], [X, info("z", [3], TensorProto.DOUBLE)], [Y]),
        "node 'y_node': Add (opset 17): expected operands of one element type, got f32 and f64",
    ),
    "float only": (
        model([node("Softmax", ["z"], "y")], [info("z", [3], TensorProto.INT32)], [info("y", None)]),
        "node 'y_node': Softmax (opset 17): expected floating-point elements, got i32",
    ),
    "no shape": (
        model([node("Relu", ["x"], "y")], [info("x", None)], [Y]),
        "input 'x' of Relu: expected a shape, got none",
    ),
    "empty": (
        model([node("Relu", ["x"], "y")], [info("x", [0, 3])], [Y]),
        "input 'x' of Relu: expected positive extents, got tensor<0x3xf32>",
    ),
    "input type": (
        model([node("Relu", ["x"], "y")], [info("x", [2, 3], TensorProto.STRING)], [Y]),
        "input 'x' of Relu: expected an element type of FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, "
        "FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16, got STRING",
    ),
    "sequence": (
        model([], [helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [2])], [Y]),
        "input 'x': expected a tensor, got sequence_type",
    ),
    "declared": (
        model([node("Relu", ["x"], "y")], [X], [info("y", [2, 4])]),
        "output 'y' of Relu: expected shape 2x4 as declared, got 2x3",
    ),
    "declared type": (
        model([node("Relu", ["x"], "y")], [X], [info("y", [2, 3], TensorProto.INT8)]),
        "output 'y' of Relu: expected the declared element type, got f32",
    ),
    "no outputs": (model([node("Relu", ["x"], "y")], [X], []), "expected a graph with outputs, got none"),
    "output": (
        model([node("Relu", ["x"], "z")], [X], [Y]),
        "output 'y': expected a value that is already computed, got 'y'",
    ),
    "weight type": (
        model([node("Relu", ["w"], "y")], [], [Y], {"w": np.zeros((2, 3), np.complex64)}),
        "node 'y_node': weight 'w': expected an element type of FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, "
        "FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16, got COMPLEX64",
    ),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_bad_models(name: str):
    proto, message = BAD_MODELS[name]
    with pytest.raises(ImportModelError) as caught:
        import_onnx(proto)
    assert str(caught.value) == message


def test_weight_data_that_does_not_fit():
    proto = perceptron()
    proto.graph.initializer[0].raw_data = b"abc"
    with pytest.raises(ImportModelError, match=r"weight 'fc1/weight': expected data of type tensor<8x6xf32>"):
        import_onnx(proto)


def test_weights_of_one_name():
    proto = perceptron()
    proto.graph.initializer.append(proto.graph.initializer[0])
    with pytest.raises(ImportModelError, match="expected one weight named 'fc1/weight', got another"):
        import_onnx(proto)


def test_sparse_weights():
    proto = perceptron()
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "i")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3]))
    with pytest.raises(ImportModelError, match="expected dense weights, got sparse weight 's'"):
        import_onnx(proto)


def test_no_opset():
    proto = perceptron()
    del proto.opset_import[:]
    with pytest.raises(ImportModelError, match="expected an ONNX model with a graph and an opset version"):
        import_onnx(proto)


def _with_branches(condition: list[TensorProto]) -> onnx.ModelProto:
    def branch(op_type: str) -> onnx.GraphProto:
        return helper.make_graph(
            [helper.make_node(op_type, ["x"], [f"{op_type}_y"])], op_type, [], [info(f"{op_type}_y", [2, 3])]
        )

    chosen = helper.make_node("If", ["c"], ["y"], then_branch=branch("Relu"), else_branch=branch("Neg"))
    inputs = [X, *([] if condition else [info("c", [], TensorProto.BOOL)])]
    return helper.make_model(
        helper.make_graph([chosen], "g", inputs, [Y], condition), opset_imports=[helper.make_opsetid("", 17)]
    )


@pytest.mark.parametrize("taken", [True, False])
def test_the_branch_of_a_known_condition_is_imported(taken: bool) -> None:
    module = import_onnx(_with_branches([numpy_helper.from_array(np.asarray(taken), "c")]))
    assert [op.name for op in module.walk() if op.name.startswith("graph.")] == ["graph.relu" if taken else "graph.neg"]


def test_a_condition_that_is_an_input_chooses_when_called() -> None:
    program = sw.compile(_with_branches([]))
    x = np.asarray([[-1, 2, -3], [4, -5, 6]], np.float32)
    np.testing.assert_array_equal(program(x, np.asarray(True)), np.maximum(x, 0))
    np.testing.assert_array_equal(program(x, np.asarray(False)), -x)


@pytest.mark.parametrize("name", ["1", "_1", "12_3", "a_1", "-3", "."])
def test_values_may_be_named_by_numbers(name: str) -> None:
    weight = np.ones((3, 2), np.float32)
    x = np.ones((2, 3), np.float32)
    for inner, weight_name, output in ((name, "w", "y"), ("z", name, "y"), ("z", "w", name)):
        nodes = [node("Relu", ["x"], inner), node("MatMul", [inner, weight_name], output)]
        program = sw.compile(model(nodes, [X], [info(output, [2, 2])], {weight_name: weight}), cache=False)
        np.testing.assert_array_equal(program(x), x @ weight)


@pytest.mark.parametrize(
    "op_type, inputs, attributes, message",
    [
        ("Constant", [], {"value": 3}, "Constant (opset 17): expected attribute 'value' of type tensor, got 3"),
        ("GRU", ["x", "x", "x"], {"activations": [1]}, "expected attribute 'activations' of type strings, got [1]"),
        ("ConstantOfShape", [], {}, "ConstantOfShape (opset 17): expected 1 inputs, got 0"),
        ("MeanVarianceNormalization", ["x"], {"axes": [0.5]}, "expected attribute 'axes' of type ints, got [0.5]"),
    ],
)
def test_nodes_are_what_onnx_says(op_type: str, inputs: list[str], attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(ImportModelError) as caught:
        import_onnx(model([node(op_type, inputs, "y", **attributes)], [X], [Y]))
    assert message in str(caught.value)
