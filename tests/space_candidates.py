"""What a space's candidates do to a kernel, for tests: how many apply, and that those compute what the kernel does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import stepwell as sw
from stepwell import te
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import sample
from stepwell.autotune.space.sketch import Space
from stepwell.autotune.workload import Workload
from stepwell.backends.llvm_cpu.backend import LlvmCpuBackend
from stepwell.backends.registry import make_context, pass_registry
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.loop import BlockOp
from stepwell.errors import StepwellError
from stepwell.passes.loop.apply_schedules import shipped_libraries
from stepwell.passes.pass_manager import PassRunner
from stepwell.tools import driver
from stepwell.transform.interpreter import apply_script
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp


def host_features() -> set[str]:
    """The instruction sets of this machine, as LLVM calls them."""
    return {name[1:] for name in LlvmCpuBackend().default_target().features.data.split(",") if name.startswith("+")}


def narrow_target(features: str | None = None) -> TargetAttr:
    """This machine, as if it had short vectors, few registers, small caches, and several threads."""
    host = LlvmCpuBackend().default_target()
    features = host.features.data if features is None else features
    numbers = {"vector_bytes": 16, "vector_registers": 16, "l1_bytes": 4 << 10, "l2_bytes": 32 << 10, "threads": 2}
    return TargetAttr.get(host.triple.data, host.cpu.data, features, fma=bool(host.fma.data), **numbers)


def workload_of(source: Any, target: TargetAttr | None = None) -> Workload:
    """The kernel that tensors, or a model with one operator, make; it has not been scheduled."""
    module = sw.Schedule(source, target=target or "llvm-cpu").root
    return Workload.of_kernel(_kernel(module))


def _kernel(module: ModuleOp) -> FuncOp:
    """The function that computes: the others call."""
    found = [op for op in module.ops if isinstance(op, FuncOp) and any(isinstance(each, BlockOp) for each in op.walk())]
    assert len(found) == 1, f"expected one kernel, got {len(found)}"
    return found[0]


def scheduled(workload: Workload, script: ModuleOp) -> ModuleOp:
    """A copy of a kernel that a script was applied to."""
    module, ctx = workload.copy(), make_context()
    passes = PassRunner(ctx, pass_registry())
    apply_script(script, module, ctx=ctx, passes=passes, libraries=shipped_libraries())
    return module


def results(module: ModuleOp, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    """What a kernel computes, in native code."""
    found = driver.compile(module, threads=1)(*inputs)
    return [np.asarray(each) for each in (found if isinstance(found, tuple) else (found,))]


def random_inputs(workload: Workload) -> list[np.ndarray[Any, Any]]:
    """Arrays to call a kernel with: small multiples of a power of two, so that sums are exact in any order."""
    exe = driver.compile(workload.copy(), threads=1)
    rng = np.random.default_rng(0)
    arrays: list[np.ndarray[Any, Any]] = []
    for shape, dtype in zip(exe.input_shapes, exe.input_dtypes, strict=True):
        numbers = rng.integers(-4, 5, shape) if dtype.kind == "f" else rng.integers(0, 5, shape)
        arrays.append((numbers / 8 if dtype.kind == "f" else numbers).astype(dtype))
    return arrays


def check(source: Any, rule: str, count: int = 6, seed: int = 0) -> Space:
    """Applies candidates of a rule: most of them apply, and all that do compute what the kernel does."""
    workload = source if isinstance(source, Workload) else workload_of(source)
    space = build_space(workload, rules=[rule])
    assert space.sketches, f"expected sketches of rule '{rule}', got none"
    candidates = sample(space, np.random.default_rng(seed), count)
    inputs = random_inputs(workload)
    expected = results(workload.copy(), inputs)
    refused: list[str] = []
    for candidate in candidates:
        sketch = space.sketches[candidate.sketch]
        what = f"{sketch.name} {sketch.values(candidate.choice)}"
        try:
            module = scheduled(workload, space.script(candidate))
        except StepwellError as error:
            refused.append(f"{what}: {error}")
            continue
        for got, wanted in zip(results(module, inputs), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5, err_msg=what)
    assert len(refused) <= 0.15 * len(candidates), "\n".join(refused)
    return space


def zero_padded(x: te.Tensor, before: int, after: int) -> te.Tensor:
    """The last two dimensions with a border."""
    *outer, height, width = (int(str(extent)) for extent in x.shape)

    def element(*indices: te.IterVar) -> te.Expr:
        *rest, y, z = indices
        inside = te.all(y >= before, y < height + before, z >= before, z < width + before)
        return te.if_then_else(inside, x[*rest, y - before, z - before], te.const(0.0, x.dtype))

    border = before + after
    return te.compute((*outer, height + border, width + border), element, name="padded")


def winograd_workload(algorithm: str, images: int, channels: int, outputs: int, size: int) -> Workload:
    """A convolution of 3×3 windows, a bias and a ReLU, by an algorithm."""
    shapes = {"x": (images, channels, size, size), "w": (outputs, channels, 3, 3), "b": (outputs,)}
    rng = np.random.default_rng(0)
    weights = [
        onnx.numpy_helper.from_array((rng.integers(-4, 5, shapes[name]) / 8).astype(np.float32), name) for name in "wb"
    ]
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["x", "w", "b"], ["z"], pads=[1, 1, 1, 1]),
            onnx.helper.make_node("Relu", ["z"], ["y"]),
        ],
        "convolution",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shapes["x"])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (images, outputs, size, size))],
        weights,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    ctx, module, manager = driver.prepare(model, target="llvm-cpu", sizes=None, conv_algorithm=algorithm)
    names = [step.pass_.name for step in manager.steps]
    replace(manager, steps=manager.steps[: names.index("apply-schedules")]).run(ctx, module)
    return Workload.of_kernel(_kernel(module))
