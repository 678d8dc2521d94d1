"""The models that Stepwell is judged by: `python benchmarks/models.py OUT_FOLDER` writes them all as ONNX files.

Seven are built here in plain torch, with seeded weights and in the shapes of the literature, and exported by either of
torch's exporters. Nine come with the `onnx` wheel, whose weights are constants; `light` refills them from a seed.
`--list-ops` prints which operators of which opset each file uses, with their attributes.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, numpy_helper

if TYPE_CHECKING:
    import torch

Exporter: TypeAlias = Literal["torchscript", "dynamo"]
EXPORTERS: tuple[Exporter, ...] = get_args(Exporter)
OPSETS: Mapping[Exporter, int] = {"torchscript": 17, "dynamo": 20}
"""What `export` asks for unless told otherwise."""


@dataclass(frozen=True)
class Model:
    """How to build a model, in its full size or a small one of the same structure, and what its results are called."""

    build: Callable[[bool], tuple[torch.nn.Module, tuple[torch.Tensor, ...]]]
    inputs: tuple[str, ...] = ("x",)
    outputs: tuple[str, ...] = ("y",)


def build(name: str, seed: int = 0, small: bool = False) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A model in evaluation mode, with weights and example inputs from `seed`."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module, inputs = MODELS[name].build(small)
        _randomise(module)
    return module.eval(), inputs


def export(
    name: str,
    folder: Path,
    exporter: Exporter = "dynamo",
    opset: int | None = None,
    seed: int = 0,
    small: bool = False,
) -> Path:
    """The path of a model as an ONNX file in `folder`, exported unless it is there already."""
    import torch

    opset = opset or OPSETS[exporter]
    path = folder / f"{name}{'-small' if small else ''}-{exporter}-{opset}-{seed}" / "model.onnx"
    if path.exists():
        return path
    module, inputs = build(name, seed, small)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name("unfinished.onnx")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    torch.backends.mha.set_fastpath_enabled(False)  # a fused operator that torchscript does not export
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            str(unfinished),
            input_names=list(MODELS[name].inputs),
            output_names=list(MODELS[name].outputs),
            opset_version=opset,
            dynamo=exporter == "dynamo",
            external_data=False,
            verbose=False,
        )
    return unfinished.rename(path)


def light(name: str, seed: int = 0) -> ModelProto:
    """One of the `onnx` wheel's nine models with weights from `seed`, in the form that the wheel has it in.

    A weight's distribution follows from what it is used for, so that activations keep their scale from layer to layer:
    - of a product: normal, of variance g / fan-in, where g is 2 behind a ReLU, 1 elsewhere, 1/4 before the softmax;
    - a factor (a normalisation's scale or variance, a multiplication's): uniform in 0.5..1.4; times 0.4 where a
      residual sum follows, which adds variances up;
    - what is added or subtracted: normal, of standard deviation 0.1.
    """
    model = onnx.load(_light_folder() / f"light_{name}.onnx")
    _weights_instead_of_constants(model)
    uses = _Uses(model)
    rng = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.name in uses.users:
            values = _weight(tensor.name, tuple(tensor.dims), uses, rng)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def light_names() -> list[str]:
    return sorted(path.stem.removeprefix("light_") for path in _light_folder().glob("*.onnx"))


def random_inputs(model: ModelProto, seed: int = 0) -> dict[str, NDArray[Any]]:
    """A normally distributed value for each of a model's floating-point inputs, and small numbers for integer ones."""
    rng = np.random.default_rng(seed)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs: dict[str, NDArray[Any]] = {}
    for info in model.graph.input:
        if info.name not in weights:
            tensor = info.type.tensor_type
            shape = [dim.dim_value for dim in tensor.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            values = rng.standard_normal(shape) if dtype.kind == "f" else rng.integers(0, 50, shape)
            inputs[info.name] = np.asarray(values, dtype)
    return inputs


# What Stepwell makes of them. It is imported here only: exporting needs none of it.

TOLERANCE = 1e-4
"""How far a result may be off, as a part of the greatest."""


def errors(path: Path, threads: int = 1) -> dict[str, float]:
    """How far each output is off ONNX Runtime's, as a part of its greatest element."""
    import onnxruntime
    import stepwell

    inputs = random_inputs(onnx.load(path, load_external_data=False))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    expected = session.run(None, inputs)
    results = stepwell.compile(path, threads=threads)(*inputs.values())
    results = results if isinstance(results, tuple | list) else (results,)
    return {
        output.name: _distance(result, reference)
        for output, result, reference in zip(session.get_outputs(), results, expected, strict=True)
    }


def _distance(result: NDArray[Any], reference: NDArray[Any]) -> float:
    """The greatest difference as a part of the greatest element; infinite where a result is no number."""
    if result.shape != reference.shape or not np.all(np.isfinite(result)):
        return math.inf
    greatest = float(np.abs(reference).max())
    difference = float(np.abs(result.astype(np.float64) - reference.astype(np.float64)).max())
    return difference / greatest if greatest else difference


def kernel_hashes(model: Path | ModelProto) -> set[str]:
    """The hashes of the kernels that a model is made of."""
    from stepwell.tools.driver import list_kernels

    return {kernel.hash for kernel in list_kernels(model)}


# The nine models of the wheel.


def _light_folder() -> Path:
    specification = importlib.util.find_spec("onnx.backend.test")
    assert specification is not None and specification.submodule_search_locations
    return Path(specification.submodule_search_locations[0]) / "data" / "light"


def _weights_instead_of_constants(model: ModelProto) -> None:
    """Turns each `ConstantOfShape` of a constant shape into a weight (and, as is required of old models, an input)."""
    graph = model.graph
    shapes = {tensor.name: tensor for tensor in graph.initializer}
    kept: list[NodeProto] = []
    for node in graph.node:
        if node.op_type != "ConstantOfShape" or node.input[0] not in shapes:
            kept.append(node)
            continue
        shape = [int(extent) for extent in numpy_helper.to_array(shapes[node.input[0]])]
        graph.initializer.append(numpy_helper.from_array(np.zeros(shape, np.float32), node.output[0]))
        graph.input.append(onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, shape))
    used = {operand for node in kept for operand in node.input}
    initializers = [tensor for tensor in graph.initializer if tensor.name in used]
    inputs = [info for info in graph.input if info.name in used]
    for field, values in ((graph.node, kept), (graph.initializer, initializers), (graph.input, inputs)):
        values = list(values)
        del field[:]
        field.extend(values)


class _Uses:
    """Which nodes make and use a value."""

    _SHAPES = ("Reshape", "Unsqueeze", "Transpose", "Dropout", "Concat")
    _POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool")

    def __init__(self, model: ModelProto) -> None:
        self.makers = {name: node for node in model.graph.node for name in node.output}
        self.users: dict[str, list[tuple[NodeProto, int]]] = {}
        for node in model.graph.node:
            for position, operand in enumerate(node.input):
                self.users.setdefault(operand, []).append((node, position))

    def is_behind_relu(self, node: NodeProto) -> bool:
        maker = self.makers.get(node.input[0])
        while maker is not None and maker.op_type in (*self._SHAPES, *self._POOLS, "LRN"):
            maker = self.makers.get(maker.input[0])
        return maker is not None and maker.op_type == "Relu"

    def is_before(self, node: NodeProto, op_type: str) -> bool:
        skipped = (*self._SHAPES, *self._POOLS, "Relu")
        users = self.users.get(node.output[0], ())
        return any(u.op_type == op_type or (u.op_type in skipped and self.is_before(u, op_type)) for u, _ in users)


def _weight(name: str, shape: tuple[int, ...], uses: _Uses, rng: np.random.Generator) -> NDArray[np.float32]:
    node, position = uses.users[name][0]
    while node.op_type in ("Unsqueeze", "Reshape"):
        node, position = uses.users[node.output[0]][0]
    if node.op_type in ("Conv", "Gemm", "MatMul") and position == 1:
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        fan_in = shape[0] if node.op_type != "Conv" and not transposed else math.prod(shape[1:])
        gain = 0.25 if uses.is_before(node, "Softmax") else 2 if uses.is_behind_relu(node) else 1
        values = rng.standard_normal(shape) * math.sqrt(gain / fan_in)
    elif node.op_type == "Mul" or (node.op_type == "BatchNormalization" and position in (1, 4)):
        values = rng.uniform(0.5, 1.4, shape) * (0.4 if position == 1 and uses.is_before(node, "Sum") else 1)
    else:
        values = rng.standard_normal(shape) * 0.1
    return values.astype(np.float32)


# The seven models in torch.


def _randomise(module: torch.nn.Module) -> None:
    """Weights as a trained model might have them: torch leaves normalisations as the identity."""
    from torch import nn

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            if isinstance(layer, nn.ConvTranspose2d):
                fan_in = layer.in_channels * layer.weight[0][0].numel() // math.prod(layer.stride)
            nn.init.normal_(layer.weight, std=math.sqrt((1 if isinstance(layer, nn.Linear) else 2) / fan_in))
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.1)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
        elif isinstance(layer, nn.LayerNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)


def _resnet18(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """He et al. 2015: four stages of two residual blocks, 224×224."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or inputs != outputs:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = torch.relu(self.bn1(self.conv1(x)))
            shortcut = x if self.downsample is None else self.downsample(x)
            return torch.relu(self.bn2(self.conv2(y)) + shortcut)

    widths = (8, 8, 16, 16) if small else (64, 128, 256, 512)
    layers: list[nn.Module] = [
        nn.Conv2d(3, widths[0], 7, 2, 3, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = widths[0]
    for stage, width in enumerate(widths):
        layers += [Block(inputs, width, 2 if stage else 1), Block(width, width, 1)]
        inputs = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10 if small else 1000)]
    return nn.Sequential(*layers), (torch.randn(1, 3, *[64 if small else 224] * 2),)


def _mobilenet(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Howard et al. 2017: MobileNet v1, width 1, 224×224."""
    import torch
    from torch import nn

    def block(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(outputs), nn.ReLU()]

    widths = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    if small:
        widths = [(8, 1), (16, 2), (16, 1)]
    inputs = 8 if small else 32
    layers = block(3, inputs, 3, 2)
    for outputs, stride in widths:
        layers += block(inputs, inputs, 3, stride, groups=inputs) + block(inputs, outputs, 1, 1)
        inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10 if small else 1000)]
    return nn.Sequential(*layers), (torch.randn(1, 3, *[32 if small else 224] * 2),)


def _dqn(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Mnih et al. 2015: four frames of 84×84 in, the values of 18 actions out."""
    import torch
    from torch import nn

    widths = (8, 8, 8) if small else (32, 64, 64)
    hidden = 32 if small else 512
    layers = [
        nn.Conv2d(4, widths[0], 8, 4),
        nn.ReLU(),
        nn.Conv2d(widths[0], widths[1], 4, 2),
        nn.ReLU(),
        nn.Conv2d(widths[1], widths[2], 3, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(widths[2] * 49, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 18),
    ]
    return nn.Sequential(*layers), (torch.rand(1, 4, 84, 84),)


def _dcgan(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Radford et al. 2015: the generator, of 100 numbers an image of 64×64."""
    import torch
    from torch import nn

    width = 4 if small else 128
    widths = [100, width * 8, width * 4, width * 2, width]
    layers: list[nn.Module] = []
    for stage in range(4):
        stride, padding = (2, 1) if stage else (1, 0)
        conv = nn.ConvTranspose2d(widths[stage], widths[stage + 1], 4, stride, padding, bias=False)
        layers += [conv, nn.BatchNorm2d(widths[stage + 1]), nn.ReLU()]
    layers += [nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh()]
    return nn.Sequential(*layers), (torch.randn(1, 100, 1, 1),)


def _lstm_step(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Zaremba et al. 2014: one word through the medium language model of two layers of 650, 10,000 words."""
    import torch
    from torch import nn

    words, width = (50, 24) if small else (10_000, 650)

    class LanguageModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(words, width)
            self.cell0 = nn.LSTMCell(width, width)
            self.cell1 = nn.LSTMCell(width, width)
            self.projection = nn.Linear(width, words)

        def forward(self, token: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
            h0, c0 = self.cell0(self.embedding(token), (states[0], states[1]))
            h1, c1 = self.cell1(h0, (states[2], states[3]))
            return self.projection(h1), h0, c0, h1, c1

    states = tuple(torch.randn(1, width) * 0.5 for _ in range(4))
    return LanguageModel(), (torch.tensor([7]), *states)


def _lstm(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """A layer of 512 over 25 steps, as in DeepBench."""
    import torch
    from torch import nn

    class Recurrent(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.lstm = nn.LSTM(width, width)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            y, (h, c) = self.lstm(x)
            return y, h, c

    steps, width = (5, 24) if small else (25, 512)
    return Recurrent(width), (torch.randn(steps, 1, width),)


def _transformer(small: bool) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Vaswani et al. 2017: the base model's encoder, six layers, 128 words."""
    import torch
    from torch import nn

    width, heads, hidden, layers, words = (32, 4, 64, 2, 16) if small else (512, 8, 2048, 6, 128)
    layer = nn.TransformerEncoderLayer(width, heads, hidden, batch_first=True)
    encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    return encoder, (torch.randn(1, words, width),)


MODELS: Mapping[str, Model] = {
    "resnet18": Model(_resnet18),
    "mobilenet": Model(_mobilenet),
    "dqn": Model(_dqn),
    "dcgan": Model(_dcgan),
    "lstm_step": Model(
        _lstm_step, ("token", "h0", "c0", "h1", "c1"), ("logits", "h0_out", "c0_out", "h1_out", "c1_out")
    ),
    "lstm": Model(_lstm, ("x",), ("y", "h", "c")),
    "transformer": Model(_transformer),
}


# The command line.


def _operators(model: ModelProto) -> Iterator[str]:
    """A line for each kind of use of each operator: how often, its attributes, which operands are constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    uses: Counter[str] = Counter()
    for node in model.graph.node:
        operands = ["" if not name else "const" if name in constants else "value" for name in node.input]
        attributes = [f"{a.name}={_attribute(a)}" for a in node.attribute]
        uses[f"{node.op_type}({', '.join(operands)}) {' '.join(attributes)}"] += 1
    for use, count in sorted(uses.items()):
        yield f"  {count:4} {use}"


def _attribute(attribute: onnx.AttributeProto) -> str:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return f"<{onnx.TensorProto.DataType.Name(value.data_type)} {list(value.dims)}>"
    return value.decode() if isinstance(value, bytes) else str(value)


def _files(folder: Path, names: Sequence[str], small: bool, opset: int | None) -> Iterator[tuple[str, str, Path]]:
    """Writes the models that are not there yet; name, label and path of each."""
    for name in names:
        if name in MODELS:
            for exporter in EXPORTERS:
                yield name, f"{name} ({exporter})", export(name, folder, exporter, opset, small=small)
        else:
            path = folder / f"light_{name}-0" / "model.onnx"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                onnx.save(light(name), path.with_name("unfinished.onnx"))
                path.with_name("unfinished.onnx").rename(path)
            yield name, f"light {name}", path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where the ONNX files are, or will be")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="some of the models")
    parser.add_argument("--small", action="store_true", help="the seven models of torch in small sizes")
    parser.add_argument("--opset", type=int, help="what the exporters are asked for")
    parser.add_argument("--list-ops", action="store_true", help="print the operators of each")
    parser.add_argument("--check", action="store_true", help="compare with ONNX Runtime, and kernels of both exporters")
    arguments = parser.parse_args()
    names = arguments.only or [*MODELS, *light_names()]
    good = True
    hashes: dict[str, list[set[str]]] = {}
    for name, label, path in _files(arguments.folder, names, arguments.small, arguments.opset):
        model = onnx.load(path, load_external_data=False)
        opsets = ", ".join(f"{opset.domain or 'ai.onnx'} {opset.version}" for opset in model.opset_import)
        print(f"{label}: {path}, {opsets}, {len(model.graph.node)} nodes", flush=True)
        if arguments.list_ops:
            print(*_operators(model), sep="\n", flush=True)
        if arguments.check:
            good = _check(path) and good
            hashes.setdefault(name, []).append(kernel_hashes(path))
    for name, found in hashes.items():
        differing = len(set.union(*found) - set.intersection(*found))
        good = good and not differing
        print(f"{name}: {len(found[0])} kernels" + (f", {differing} of one exporter only" if differing else ""))
    return 0 if good else 1


def _check(path: Path) -> bool:
    good = True
    for threads in (1, 2):
        found = errors(path, threads)
        good = good and max(found.values()) <= TOLERANCE
        print(f"  {threads} thread{'s'[: threads - 1]}: {max(found.values()):.1e} off ONNX Runtime", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
