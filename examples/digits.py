"""A trained model, from scikit-learn to native code, step by step.

Trains a classifier of handwritten digits, writes it as an ONNX model, compiles it, shows the program on every rung of
the staircase, then searches a few schedules for its largest matrix product and compiles with the best of them.
"""

# pyright: basic
# (scikit-learn and onnx are typed in part only.)

from __future__ import annotations

import argparse
import itertools
import math
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import stepwell as sw
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from stepwell.dialects.loop import blocks_in
from stepwell.errors import StepwellError
from stepwell.passes.loop.name_kernels import name_kernels
from stepwell.passes.pass_manager import Instrumentation
from stepwell.tools.driver import Report, lower, rung_of
from stepwell.transform.knobs import knobs, set_knobs
from stepwell.transform.sched_ops.navigation import MatchKernelOp
from stepwell.transform.script import load_script
from stepwell.transform.structure import contraction_of
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

Array = np.ndarray[Any, Any]

SPACE = Path(__file__).with_name("digits.mlir")
HIDDEN = (256, 128)
EXCERPT = 10
"""How many lines of a program are shown, at most."""
WIDTH = 120


@contextmanager
def step(title: str) -> Iterator[None]:
    """A heading, and how long what follows it took."""
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n== {title}", flush=True)
    start = time.perf_counter()
    yield
    print(f"   ({time.perf_counter() - start:.2f} s)", flush=True)


# The model


@dataclass(frozen=True)
class Digits:
    """A trained classifier and what it is tested on."""

    classifier: MLPClassifier
    images: Array
    labels: Array

    def accuracy(self, probabilities: Array) -> float:
        """Which part of the test images is classified as it should be."""
        return float(np.mean(probabilities.argmax(axis=1) == self.labels))


def train() -> Digits:
    """A perceptron trained on three quarters of scikit-learn's digits."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    train_images, images, train_labels, labels = train_test_split(images, labels, test_size=0.25, random_state=0)
    classifier = MLPClassifier(HIDDEN, max_iter=20, random_state=0)
    with warnings.catch_warnings():
        # It is stopped early on purpose.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(train_images, train_labels)
    return Digits(classifier, np.ascontiguousarray(images), np.asarray(labels))


def to_onnx(digits: Digits) -> onnx.ModelProto:
    """The classifier as an ONNX model: Gemm, MatMul and Add, ReLU, Softmax."""
    coefficients = [array.astype(np.float32) for array in digits.classifier.coefs_]
    biases = [array.astype(np.float32) for array in digits.classifier.intercepts_]
    weights: dict[str, Array] = {}
    nodes: list[onnx.NodeProto] = []
    value, last = "image", len(coefficients) - 1
    for layer, (weight, bias) in enumerate(zip(coefficients, biases, strict=True)):
        names = [f"layer{layer}.weight", f"layer{layer}.bias"]
        weights |= dict(zip(names, (weight, bias), strict=True))
        sums = f"sums{layer}"
        if layer == 0:
            nodes.append(helper.make_node("Gemm", [value, *names], [sums], name=f"gemm{layer}"))
        else:
            nodes.append(helper.make_node("MatMul", [value, names[0]], [f"product{layer}"], name=f"matmul{layer}"))
            nodes.append(helper.make_node("Add", [f"product{layer}", names[1]], [sums], name=f"add{layer}"))
        if layer != last:
            value = f"hidden{layer}"
            nodes.append(helper.make_node("Relu", [sums], [value], name=f"relu{layer}"))
    nodes.append(helper.make_node("Softmax", [f"sums{last}"], ["probability"], name="softmax", axis=1))
    batch, classes = len(digits.images), coefficients[-1].shape[1]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, digits.images.shape[1]])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [batch, classes])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


# The program on every rung


@dataclass
class Rungs(Instrumentation):
    """The program as it was when it was on each rung for the last time: all of it, and what one function became."""

    names: tuple[str, ...]
    texts: dict[str, str] = field(default_factory=dict[str, str])
    excerpts: dict[str, str] = field(default_factory=dict[str, str])

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        if isinstance(op, ModuleOp):
            rung = rung_of(op)
            self.texts[rung] = str(op) + "\n"
            # The body of a parallel loop becomes a function of its own.
            self.excerpts[rung] = max((str(each) for each in op.ops if self._is_part(each)), key=len, default="")

    def _is_part(self, op: Operation) -> bool:
        name = op.get_attr_or_prop("sym_name")
        return isinstance(name, StringAttr) and name.data.startswith(self.names)


def show_rungs(model: Path, names: tuple[str, ...], folder: Path) -> None:
    """Prints the beginning of one function, which has a name above and one below the loop rung, on every rung; the
    whole program goes to files."""
    rungs = Rungs(names)
    lower(model, instrumentation=[rungs])
    for number, (rung, text) in enumerate(rungs.texts.items(), 1):
        path = folder / f"{number}-{rung}.mlir"
        path.write_text(text)
        lines = rungs.excerpts[rung].splitlines()
        print(f"\n   {rung}: {path}")
        for line in lines[:EXCERPT]:
            print("     " + (line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"))
        if len(lines) > EXCERPT:
            print(f"     … {len(lines) - EXCERPT} more lines")


# A search


def largest_product(model: Path) -> tuple[ModuleOp, tuple[str, str], int]:
    """The kernel of a model with the largest matrix product: on the loop rung, the name it came there with and the one
    that scripts find it by, its multiplications."""
    module = lower(model, until="loop-elide-copies")
    sizes = {
        kernel: math.prod(block.extents)
        for kernel in module.ops
        if isinstance(kernel, FuncOp)
        for block in blocks_in(kernel)
        if contraction_of(block) is not None
    }
    kernel = max(sizes, key=lambda kernel: sizes[kernel])
    before = kernel.sym_name.data
    name_kernels(module)
    alone = kernel.clone()
    alone.sym_visibility = None
    return ModuleOp([alone], dict(module.attributes)), (before, kernel.sym_name.data), sizes[kernel]


@dataclass(frozen=True)
class Candidate:
    """A script with all knobs chosen, and what it gives."""

    values: dict[str, Any]
    script: ModuleOp
    program: Any

    def seconds(self, inputs: Sequence[Array]) -> float:
        """The time of one call, the quickest of several."""
        times: list[float] = []
        for _ in range(20):
            start = time.perf_counter()
            self.program(*inputs)
            times.append(time.perf_counter() - start)
        return min(times)


def candidates(kernel: ModuleOp, name: str, folder: Path) -> Iterator[Candidate]:
    """Every script of the search space that compiles."""
    space = load_script(SPACE)
    for op in space.walk():
        if isinstance(op, MatchKernelOp):
            op.kernel_name = StringAttr(name)
    open_knobs = knobs(space)
    for chosen in itertools.product(*(knob.options or () for knob in open_knobs)):
        values = {knob.name: value for knob, value in zip(open_knobs, chosen, strict=True)}
        script = set_knobs(space, values)
        path = folder / "candidate.mlir"
        path.write_text(str(script) + "\n")
        try:
            yield Candidate(values, script, sw.compile(kernel, schedule=path, threads=1))
        except StepwellError as error:
            print(f"   refused {values}: {error}")


def search(kernel: ModuleOp, name: str, multiplications: int, folder: Path) -> Path:
    """Measures all candidates, prints them by time, and writes the best one."""
    found = list(candidates(kernel, name, folder))
    (folder / "candidate.mlir").unlink()
    random = np.random.default_rng(0)
    inputs = [random.standard_normal(spec.shape).astype(spec.dtype) for spec in found[0].program.inputs]
    product = inputs[0].astype(np.float64) @ inputs[1]
    expected = np.maximum(product + inputs[2], 0)
    for candidate in found:
        np.testing.assert_allclose(candidate.program(*inputs), expected, rtol=1e-3, atol=1e-3)
    # Candidates take turns, so that a machine that slows down slows all of them.
    rounds = [[candidate.seconds(inputs) for candidate in found] for _ in range(5)]
    times = [min(column) for column in zip(*rounds, strict=True)]
    ranked = sorted(zip(times, found, strict=True), key=lambda pair: pair[0])
    for place, (seconds, candidate) in enumerate(ranked, 1):
        values = ", ".join(f"{knob} = {value}" for knob, value in candidate.values.items())
        speed = 2 * multiplications / seconds / 1e9
        print(f"   {place:3}. {1e3 * seconds:7.3f} ms {speed:7.1f} GFLOP/s   {values}")
    seconds, best = ranked[0]
    path = folder / "best.mlir"
    path.write_text(f"// @{name}: {1e3 * seconds:.3f} ms on one core.\n{best.script!s}\n")
    print(f"   the best of them: {path}")
    return path


# All of it


def stepwell_command() -> list[str]:
    """The command `stepwell` of this Python."""
    script = shutil.which("stepwell", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "stepwell.tools.stepwell"]


def compare(digits: Digits, expected: Array, probabilities: Array) -> None:
    """Prints how a program's results compare with scikit-learn's."""
    ours, theirs = digits.accuracy(probabilities), digits.accuracy(expected)
    print(f"   test accuracy: scikit-learn {theirs:.2%}, native code {ours:.2%}")
    print(f"   largest difference of a probability: {np.abs(probabilities - expected).max():.1e}")
    assert ours == theirs
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)


def time_call(program: Any, *inputs: Array) -> float:
    """The time of one call in milliseconds, the quickest of many."""
    return 1e3 * min(Candidate({}, ModuleOp([]), program).seconds(inputs) for _ in range(5))


def main() -> None:
    """Runs the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/digits"), help="where all files go")
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "digits.onnx"

    with step("Train a classifier with scikit-learn on its digits, and write it as an ONNX model"):
        digits = train()
        expected = np.asarray(digits.classifier.predict_proba(digits.images))
        onnx.save(to_onnx(digits), model)
        layers = " → ".join(map(str, (digits.images.shape[1], *HIDDEN, expected.shape[1])))
        print(f"   layers of {layers}, {len(digits.images)} test images: {model}")

    with step("Compile it"):
        report = Report()
        program = sw.compile(model, threads=1, report=report)
        print("\n".join(f"   {line}" for line in str(report).splitlines()))

    with step("Run it"):
        compare(digits, expected, program(digits.images))
        print(f"   {time_call(program, digits.images):.3f} ms for all test images, on one core")

    kernel, names, multiplications = largest_product(model)
    name = names[-1]
    with step(f"The program on every rung (@{names[0]}, by its hash @{name}: its largest matrix product)"):
        show_rungs(model, names, folder)

    with step(f"Search schedules for @{name}: {SPACE.name} and its knobs"):
        best = search(kernel, name, multiplications, folder)

    with step("Compile the model with the best of them"):
        out = folder / "program"
        command = ["compile", str(model), "--schedule", str(best), "-o", str(out), "--threads", "1"]
        print(f"   $ stepwell {' '.join(command)}")
        subprocess.run([*stepwell_command(), *command], check=True)
        tuned = sw.load(out)
        compare(digits, expected, tuned(digits.images))
        print(f"   {time_call(tuned, digits.images):.3f} ms for all test images, on one core")


if __name__ == "__main__":
    main()
