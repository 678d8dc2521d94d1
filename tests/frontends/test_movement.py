"""Shape, indexing and resize operators as ONNX means them: random ones of each, in every form that versions have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import onnx
import pytest
import stepwell as sw
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from stepwell.backends.oracles.graph import run_graph
from stepwell.errors import ImportModelError
from stepwell.frontends.onnx import import_onnx
from xdsl.dialects.func import FuncOp

Array = np.ndarray[Any, Any]


@dataclass
class Case:
    """A node: its inputs, the operands that are known, and its attributes."""

    opset: int
    inputs: dict[str, Array]
    known: dict[str, Any] = field(default_factory=dict[str, Any])
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: int = 1

    def model(self, op: str, symbolic: bool = False) -> onnx.ModelProto:
        """The model of that node; with `symbolic` no extent of its inputs is said."""
        results = [f"y{i}" for i in range(self.outputs)]
        node = helper.make_node(op, [*self.inputs, *self.known], results, **self.attributes)
        inputs = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(array.dtype),
                [f"{name}{dim}" for dim in range(array.ndim)] if symbolic else array.shape,
            )
            for name, array in self.inputs.items()
        ]
        info = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in results]
        data = [numpy_helper.from_array(np.asarray(value), name) for name, value in self.known.items()]
        graph = helper.make_graph([node], op, inputs, info, data)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def shape(random: Random, least: int = 1, most: int = 4, extent: int = 4) -> list[int]:
    return [random.randint(1, extent) for _ in range(random.randint(least, most))]


def array(random: Random, sizes: list[int], dtype: str = "float32") -> Array:
    numbers = np.random.default_rng(random.randint(0, 10**6))
    if dtype == "float32":
        return numbers.standard_normal(sizes).astype(dtype)
    return numbers.integers(-9, 9, sizes).astype(dtype)


def places(random: Random, extents: int | list[int], sizes: list[int]) -> Array:
    return np.random.default_rng(random.randint(0, 10**6)).integers(-np.array(extents), np.array(extents), sizes)


def either_end(random: Random, axis: int, rank: int) -> int:
    return axis - random.choice([0, rank])


def reshape(random: Random) -> Case:
    source = shape(random)
    rest, target = int(np.prod(source)), list[int]()
    for _ in range(random.randint(0, 3)):
        target.append(random.choice([size for size in range(1, rest + 1) if rest % size == 0]))
        rest //= target[-1]
    target.append(rest)
    random.shuffle(target)
    if random.random() < 0.5:
        target[random.randrange(len(target))] = -1
    target = [0 if source[:dim] and source[dim : dim + 1] == [size] else size for dim, size in enumerate(target)]
    return Case(random.choice([7, 13, 19]), {"x": array(random, source)}, {"shape": np.array(target)})


def transpose(random: Random) -> Case:
    sizes = shape(random, most=5)
    attributes = {} if random.random() < 0.2 else {"perm": random.sample(range(len(sizes)), len(sizes))}
    return Case(13, {"x": array(random, sizes)}, attributes=attributes)


def concat(random: Random) -> Case:
    sizes = shape(random)
    axis = random.randrange(len(sizes))
    parts = {f"x{i}": [*sizes[:axis], random.randint(1, 4), *sizes[axis + 1 :]] for i in range(random.randint(1, 4))}
    inputs = {name: array(random, part) for name, part in parts.items()}
    return Case(13, inputs, attributes={"axis": either_end(random, axis, len(sizes))})


def slice_(random: Random) -> Case:
    sizes = shape(random, extent=6)
    axes = random.sample(range(len(sizes)), random.randint(1, len(sizes)))
    starts, ends, steps = list[int](), list[int](), list[int]()
    for axis in axes:
        step = random.choice([1, 1, 2, 3, -1, -2])
        first, last = sorted((random.randint(0, sizes[axis] - 1), random.randint(0, sizes[axis] - 1)))
        wide = random.random() < 0.3
        starts.append(last if step < 0 else first - random.choice([0, sizes[axis]]))
        ends.append((-(2**31) if step < 0 else 2**31 - 1) if wide or (step < 0 and first == 0) else first - 1)
        if step > 0 and not wide:
            ends[-1] = last + 1
        steps.append(step)
    inputs = {"x": array(random, sizes)}
    if all(step == 1 for step in steps) and random.random() < 0.5:
        return Case(9, inputs, attributes={"starts": starts, "ends": ends, "axes": axes})
    axes = [either_end(random, axis, len(sizes)) for axis in axes]
    return Case(13, inputs, {"starts": starts, "ends": ends, "axes": axes, "steps": steps})


def split(random: Random) -> Case:
    sizes = shape(random, extent=6)
    axis = random.randrange(len(sizes))
    cuts = sorted(random.sample(range(1, sizes[axis]), random.randint(0, sizes[axis] - 1)))
    parts = [end - start for start, end in zip([0, *cuts], [*cuts, sizes[axis]], strict=True)]
    inputs, attributes = {"x": array(random, sizes)}, {"axis": either_end(random, axis, len(sizes))}
    if random.random() < 0.4:
        return Case(11, inputs, attributes={**attributes, "split": parts}, outputs=len(parts))
    return Case(random.choice([13, 18]), inputs, {"split": parts}, attributes, len(parts))


def pad(random: Random) -> Case:
    sizes = shape(random)
    mode = random.choice(["constant", "reflect", "edge", "wrap"])
    pads = [random.randint(0, size - 1 if mode == "reflect" else 3) for size in (*sizes, *sizes)]
    inputs = {"x": array(random, sizes)}
    if mode != "wrap" and random.random() < 0.3:
        return Case(10, inputs, attributes={"mode": mode, "pads": pads, "value": 1.5})
    known = {"pads": pads, "value": np.array(2.5, np.float32)}
    if random.random() < 0.5:
        axes = random.sample(range(len(sizes)), random.randint(1, len(sizes)))
        known["pads"] = [pads[axis] for axis in axes] + [pads[axis + len(sizes)] for axis in axes]
        known["axes"] = [either_end(random, axis, len(sizes)) for axis in axes]
    return Case(19, inputs, known, {"mode": mode})


def expand(random: Random) -> Case:
    full = shape(random, 0, 3)
    own = [size if random.random() < 0.6 else 1 for size in full]
    target = [full[dim] if own[dim] == 1 else random.choice([1, full[dim]]) for dim in range(len(full))]
    leading = [random.randint(1, 3) for _ in range(random.randint(0, 2))]
    return Case(13, {"x": array(random, own)}, {"shape": np.array(leading + target, np.int64)})


def tile(random: Random) -> Case:
    sizes = shape(random, extent=3)
    return Case(13, {"x": array(random, sizes, "int32")}, {"repeats": [random.randint(1, 3) for _ in sizes]})


def unsqueeze(random: Random) -> Case:
    sizes = shape(random, 0, 3)
    rank = len(sizes) + random.randint(1, 2)
    axes = random.sample(range(rank), rank - len(sizes))
    inputs = {"x": array(random, sizes)}
    if random.random() < 0.5:
        return Case(11, inputs, attributes={"axes": sorted(axes)})
    return Case(13, inputs, {"axes": [either_end(random, axis, rank) for axis in axes]})


def squeeze(random: Random) -> Case:
    sizes = [1, *shape(random, 0, 3), 1]
    chosen = random.sample([0, len(sizes) - 1], random.randint(1, 2))
    inputs = {"x": array(random, sizes)}
    if random.random() < 0.5:
        return Case(11, inputs, attributes={"axes": sorted(chosen)})
    return Case(13, inputs, {"axes": [either_end(random, axis, len(sizes)) for axis in chosen]})


def flatten(random: Random) -> Case:
    sizes = shape(random)
    return Case(13, {"x": array(random, sizes)}, attributes={"axis": random.randint(-len(sizes), len(sizes))})


def depth_to_space(random: Random) -> Case:
    block = random.randint(1, 3)
    sizes = [random.randint(1, 2), block**2 * random.randint(1, 3), random.randint(1, 3), random.randint(1, 3)]
    attributes = {"blocksize": block, "mode": random.choice(["DCR", "CRD"])}
    return Case(13, {"x": array(random, sizes)}, attributes=attributes)


def space_to_depth(random: Random) -> Case:
    block = random.randint(1, 3)
    sizes = [random.randint(1, 2), random.randint(1, 3), block * random.randint(1, 3), block * random.randint(1, 3)]
    return Case(13, {"x": array(random, sizes)}, attributes={"blocksize": block})


def gather(random: Random) -> Case:
    sizes = shape(random)
    axis = random.randrange(len(sizes))
    indices = places(random, sizes[axis], shape(random, 0, 2, 3))
    inputs, attributes = {"x": array(random, sizes)}, {"axis": either_end(random, axis, len(sizes))}
    if random.random() < 0.5:
        return Case(13, inputs, {"indices": indices}, attributes)
    return Case(13, {**inputs, "indices": indices}, attributes=attributes)


def scatter_elements(random: Random) -> Case:
    sizes = shape(random)
    axis = random.randrange(len(sizes))
    own = [random.randint(1, size) for size in sizes]
    own[axis] = random.randint(1, 5)
    inputs = {"x": array(random, sizes), "i": places(random, sizes[axis], own), "u": array(random, own)}
    attributes = {"axis": axis, "reduction": random.choice(["add", "mul", "max", "min"])}
    return Case(18, inputs, attributes=attributes)


def one_hot(random: Random) -> Case:
    sizes, depth = shape(random, 0, 3), random.randint(1, 5)
    indices = places(random, depth + 2, sizes)
    known = {"depth": np.array(depth), "values": np.array([0.5, -2.0], np.float32)}
    return Case(11, {"x": np.asarray(indices)}, known, {"axis": random.randint(-len(sizes) - 1, len(sizes))})


def resize(random: Random) -> Case:
    sizes = [1, random.randint(1, 2), random.randint(2, 6), random.randint(2, 6)]
    mode = random.choice(["nearest", "linear", "cubic"])
    coordinates = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": random.choice(coordinates)}
    if mode == "nearest":
        attributes["nearest_mode"] = random.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    else:
        attributes["antialias"] = random.randint(0, 1)
        attributes["exclude_outside"] = random.randint(0, 1)
    none, inputs = np.array([], np.float32), {"x": array(random, sizes)}
    if random.random() < 0.5:
        scales = [1, 1, random.choice([0.5, 0.25, 1.5, 2, 3]), random.choice([0.5, 0.25, 1.5, 2, 3])]
        return Case(19, inputs, {"roi": none, "scales": np.maximum(np.array(scales, np.float32), 0.5)}, attributes)
    targets = [*sizes[:2], random.randint(1, 9), random.randint(1, 9)]
    return Case(19, inputs, {"roi": none, "scales": none, "sizes": np.array(targets)}, attributes)


OPERATORS: dict[str, Callable[[Random], Case]] = {
    "Concat": concat,
    "DepthToSpace": depth_to_space,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "OneHot": one_hot,
    "Pad": pad,
    "Reshape": reshape,
    "Resize": resize,
    "ScatterElements": scatter_elements,
    "Slice": slice_,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": squeeze,
    "Tile": tile,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}


def assert_right(results: Any, expected: Any) -> None:
    for left, right in zip(results, expected, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("op", OPERATORS)
def test_random_nodes(op: str):
    for seed in range(20):
        case = OPERATORS[op](Random(f"{op} {seed}"))
        proto = case.model(op)
        module = import_onnx(proto)
        module.verify()
        expected = ReferenceEvaluator(proto).run(None, case.inputs)
        assert_right(run_graph(module, list(case.inputs.values())), expected)


@pytest.mark.parametrize("op", ["Reshape", "Slice", "Pad", "Split", "Squeeze", "Gather", "Flatten", "Transpose"])
def test_sizes_that_are_known_when_called(op: str):
    """Nothing is said of the extents: what needs them waits for a call."""
    for seed in range(2):
        case = OPERATORS[op](Random(f"{op} {seed}"))
        program = sw.compile(case.model(op, symbolic=True))
        expected = ReferenceEvaluator(case.model(op)).run(None, case.inputs)
        results = program(*case.inputs.values())
        assert_right(results if isinstance(results, tuple | list) else [results], expected)


# What follows from constants


def operators_of(proto: onnx.ModelProto) -> list[str]:
    main = next(op for op in import_onnx(proto).ops if isinstance(op, FuncOp))
    return [op.name for op in main.body.block.ops]


def test_known_indices_at_equal_distances_are_a_slice():
    x = array(Random(0), [6, 4])
    for indices in ([1, 2, 3], [5, 3, 1], [-1], [[0, 2], [4, -1]][:1]):
        assert "graph.slice" in operators_of(Case(13, {"x": x}, {"i": np.array(indices)}).model("Gather"))
    assert "graph.gather" in operators_of(Case(13, {"x": x}, {"i": np.array([0, 0, 5])}).model("Gather"))


def test_what_moves_nothing_adds_nothing():
    x = {"x": array(Random(0), [2, 3])}
    nothing = ["func.return"]
    assert operators_of(Case(13, x, {"shape": np.array([2, 3])}).model("Reshape")) == nothing
    assert operators_of(Case(13, x, attributes={"perm": [0, 1]}).model("Transpose")) == nothing
    assert operators_of(Case(13, x, attributes={"axis": 0}).model("Concat")) == nothing
    assert operators_of(Case(13, x, {"pads": np.zeros(4, np.int64)}).model("Pad")) == nothing
    assert operators_of(Case(13, x, {"shape": np.array([1, 3])}).model("Expand")) == nothing
    assert operators_of(Case(13, x, {"repeats": np.array([1, 1])}).model("Tile")) == nothing


def test_an_integral_nearest_resize_reads_no_table():
    case = Case(
        13,
        {"x": array(Random(0), [1, 2, 3, 4])},
        {"roi": np.array([], np.float32), "scales": np.array([1, 1, 2, 3], np.float32)},
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    )
    assert {"graph.gather", "graph.weight"}.isdisjoint(operators_of(case.model("Resize")))


REFUSED: list[tuple[str, Case, str]] = [
    ("Reshape", Case(13, {"x": np.ones((2, 3), np.float32)}, {"s": [-1, -1]}), "at most one -1"),
    ("Reshape", Case(13, {"x": np.ones((2, 3), np.float32)}, {"s": [4, -1]}), "expected a shape of 6 elements"),
    ("Reshape", Case(13, {"x": np.ones((2, 3), np.float32)}, {"s": [2, 3, 0]}), "where 0 stands"),
    ("Squeeze", Case(13, {"x": np.ones((2, 3), np.float32)}, {"a": [0]}), "an extent of 1 at axis 0, got 2"),
    ("Unsqueeze", Case(13, {"x": np.ones(2, np.float32)}, {"a": [0, 0]}), "expected each axis once"),
    ("Transpose", Case(13, {"x": np.ones((2, 3), np.float32)}, attributes={"perm": [0, 2]}), "a permutation of 2"),
    ("Concat", Case(13, {"x": np.ones(2, np.float32)}), "expected attribute 'axis', got none"),
    ("Split", Case(13, {"x": np.ones(5, np.float32)}, {"s": [2, 2]}, outputs=2), "expected parts of 5"),
    ("Split", Case(13, {"x": np.ones(5, np.float32)}, outputs=2), "an extent that 2 parts divide, got 5"),
    ("Slice", Case(13, {"x": np.ones(5, np.float32)}, {"s": [0], "e": [5], "a": [0], "t": [0]}), "a start, an end and"),
    ("Slice", Case(13, {"x": np.ones(5, np.float32)}, {"s": [5], "e": [5]}), "expected positive extents"),
    ("Pad", Case(13, {"x": np.ones(5, np.float32)}, {"p": [1]}), "expected 2 pads, got 1"),
    ("Pad", Case(13, {"x": np.ones(5, np.float32)}, {"p": [-3, -3]}), "pads that leave something of"),
    ("Pad", Case(13, {"x": np.ones(5, np.float32)}, {"p": [1, 1]}, {"mode": "odd"}), "expected a mode of"),
    ("DepthToSpace", Case(13, {"x": np.ones((1, 3, 2, 2), np.float32)}, attributes={"blocksize": 2}), "in blocks of"),
    ("Gather", Case(13, {"x": np.ones(5, np.float32)}, {"i": [5]}), "expected indices from -5 to 4"),
    ("Gather", Case(13, {"x": np.ones(5, np.float32)}, {"i": [0]}, {"axis": 1}), "an axis from -1 to 0, got 1"),
    ("OneHot", Case(11, {"x": np.ones(5, np.int64)}, {"d": np.array(0), "v": [0, 1]}), "a positive number as depth"),
    ("NonZero", Case(13, {"x": np.ones(5, np.float32)}), "the elements decide the shape of the result"),
    ("Range", Case(11, {}, {"a": np.array(0), "b": np.array(3), "c": np.array(0)}), "a delta other than 0"),
    ("Range", Case(11, {}, {"a": np.float32(0), "b": np.float32(np.nan), "c": np.float32(1)}), "finite numbers"),
    ("Range", Case(11, {}, {"a": np.array(0), "b": np.array(2**62), "c": np.array(1)}), "at most .* elements"),
    ("ConstantOfShape", Case(9, {}, {"shape": [2**31, 2**31]}), "expected at most .* elements"),
    ("Expand", Case(13, {"x": np.ones(1, np.float32)}, {"shape": [2**31, 2**31]}), "at most .* elements"),
    ("Constant", Case(13, {}, attributes={"value_ints": "text"}), "expected attribute 'value_ints' of type ints"),
    (
        "Split",
        Case(18, {"x": np.ones(7, np.float32)}, attributes={"num_outputs": 2**62}, outputs=2),
        "expected as many outputs as num_outputs says, got 2",
    ),
    ("Resize", Case(13, {"x": np.ones((2, 2), np.float32)}), "expected scales or sizes, got none"),
    (
        "Resize",
        Case(
            *(13, {"x": np.ones((2, 2), np.float32)}),
            {"r": np.zeros(0, np.float32), "s": np.zeros(0, np.float32), "sizes": [1, 2**62]},
        ),
        "expected at most .* elements",
    ),
    (
        "Resize",
        Case(13, {"x": np.ones((2, 2), np.float32)}, {"r": np.zeros(0, np.float32), "s": np.float32([1, -1])}),
        "expected 2 positive scales",
    ),
    (
        "Resize",
        Case(
            *(13, {"x": np.ones((2, 2), np.int32)}),
            {"r": np.zeros(0, np.float32), "s": np.float32([1, 2])},
            {"mode": "linear"},
        ),
        "expected floats in mode linear",
    ),
    ("Resize", Case(13, {"x": np.ones((2, 2), np.float32)}, attributes={"mode": "odd"}), "expected scales or sizes"),
]


@pytest.mark.parametrize("op, case, message", REFUSED)
def test_refused(op: str, case: Case, message: str):
    with pytest.raises(ImportModelError, match=message) as error:
        import_onnx(case.model(op))
    assert op in str(error.value)
