"""A space whose costs are a formula of its knobs: what searchers and the tuner are tested on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from stepwell.autotune.measure.interface import Finished, MeasureInput, Measurer
from stepwell.autotune.models.interface import Features, Samples, Scores
from stepwell.autotune.space.sketch import Candidate, Choices, Sketch, Space
from stepwell.autotune.trial import Status, Trial
from stepwell.autotune.workload import Workload
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from xdsl.dialects.builtin import ModuleOp

COPY = """
module attributes {{cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", vector_bytes = 32,
    l1_bytes = 32768, l2_bytes = 1048576, l3_bytes = 4194304, features = "">}} {{
  func.func @copy(%A: memref<{extent}xf32>, %C: memref<{extent}xf32> {{loop.output}}) {{
    loop.for %i : {extent} {{
      loop.block "copy" spatial(%vi in {extent} = %i) {{
        %a = loop.read %A[%vi] : memref<{extent}xf32>
        loop.write %a, %C[%vi] : memref<{extent}xf32>
      }}
    }}
    func.return
  }}
}}
"""

KNOBS = (1, 2, 4, 8, 16, 32, 64, 128)


def workload(extent: int = 64, calls: int = 1) -> Workload:
    """A kernel that copies so many numbers."""
    found = Workload.of_text(COPY.format(extent=extent))
    return Workload(found.module, found.hash, found.description, calls)


def script(name: str, knobs: int, limit: int | None = None) -> ModuleOp:
    """A script with so many knobs, the product of the first two of which may be limited."""
    options = ", ".join(map(str, KNOBS))
    lines = [
        f'    %k{n} = transform.tune.knob<"k{n}"> options = [{options}] -> !transform.any_param' for n in range(knobs)
    ]
    if limit is not None:
        lines += [
            "    %p = sched.param mul %k0, %k1 : (!transform.any_param, !transform.any_param) -> !transform.any_param",
            f"    sched.constrain %p le {limit} : !transform.any_param",
        ]
    text = "\n".join(
        [
            "module attributes {transform.with_named_sequence} {",
            "  transform.named_sequence @__transform_main(%root: !transform.any_op) {",
            f'    transform.annotate %root "{name}" : !transform.any_op',
            *lines,
            "    transform.yield",
            "  }",
            "}",
        ]
    )
    return parse_module(make_context(), text, "<script>")


def space(of: Workload | None = None, *, knobs: int = 6, sketches: int = 2, limit: int | None = None) -> Space:
    """Sketches with so many knobs each."""
    names = [f"test/s{number}" for number in range(sketches)]
    return Space(of or workload(), tuple(Sketch(name, script(name[5:], knobs, limit)) for name in names))


def seconds(sketch: str, values: Mapping[str, object]) -> float:
    """What a candidate takes: each knob has a best value, the first two depend on each other, and the first sketch is
    slower than the others."""
    steps = [math.log2(float(str(values[name]))) for name in sorted(values)]
    if not steps:
        return 3e-3
    cost = sum((step - 2.0 - 2.0 * (n % 2)) ** 2 * (1.0 + n) / 6.0 for n, step in enumerate(steps))
    if len(steps) > 1:
        cost += abs(steps[0] + steps[1] - 6.0)
    return 1e-3 * (1.0 + 0.1 * cost) * (1.3 if sketch.endswith("s0") else 1.0)


def trial(space: Space, candidate: Candidate, status: Status = Status.OK) -> Trial:
    """What measuring a candidate gives."""
    sketch = space.sketches[candidate.sketch]
    values = {name: value for name, value in sketch.values(candidate.choice).items() if isinstance(value, int | str)}
    times = (seconds(sketch.name, values),) if status is Status.OK else ()
    return Trial(space.workload.hash, str(space.script(candidate)), status, times, sketch=sketch.name, knobs=values)


def matrix(sketch: Sketch, choices: Choices) -> tuple[Features, NDArray[np.bool_]]:
    """The options that are chosen as features, and their squares and products of neighbours."""
    x = choices.astype(np.float32)
    first = np.full((len(x), 1), float(sketch.name.endswith("s0")), np.float32)
    products = x[:, :-1] * x[:, 1:]
    return np.concatenate([first, x, x * x, products], axis=1), np.ones(len(x), np.bool_)


class Ridge:
    """Least squares: a cost model of one workload."""

    def __init__(self) -> None:
        self.weights: NDArray[np.float64] | None = None

    def fit(self, samples: Samples) -> None:
        x = np.concatenate([samples.features, np.ones((len(samples), 1))], axis=1).astype(np.float64)
        self.weights = np.linalg.solve(x.T @ x + 1e-3 * np.eye(x.shape[1]), x.T @ samples.scores)

    def predict(self, features: Features) -> Scores:
        if self.weights is None:
            return np.zeros(len(features))
        return features.astype(np.float64) @ self.weights[:-1] + self.weights[-1]

    def doubt(self, features: Features) -> None:
        return


class FakeMeasurer(Measurer):
    """Gives the formula's times, and remembers what it was asked."""

    def __init__(self, *, noise: float = 0.0, stop_after: int | None = None) -> None:
        self.noise = noise
        self.stop_after = stop_after
        self.measured: list[MeasureInput] = []
        self.batches: list[int] = []
        self.failures: dict[str, Status] = {}
        """What becomes of scripts of some sketches."""
        self.shipped_seconds = 2e-3
        self._rng = np.random.default_rng(0)

    def measure(
        self,
        workload: Workload,
        inputs: Sequence[MeasureInput],
        *,
        best_seconds: float = math.inf,
        finished: Finished | None = None,
    ) -> list[Trial]:
        self.batches.append(len(inputs))
        trials: list[Trial] = []
        for position, each in enumerate(inputs):
            if self.stop_after is not None and len(self.measured) >= self.stop_after:
                raise KeyboardInterrupt
            self.measured.append(each)
            trials.append(self._trial(workload, each))
            if finished is not None:
                finished(position, trials[-1])
        return trials

    def _trial(self, workload: Workload, given: MeasureInput) -> Trial:
        status = self.failures.get(given.sketch, Status.OK)
        times: tuple[float, ...] = ()
        if status is Status.OK:
            is_shipped = given.sketch == "shipped"
            time = self.shipped_seconds if is_shipped else seconds(given.sketch, given.knobs)
            times = (time * math.exp(self.noise * self._rng.standard_normal()),)
        error = "" if status is Status.OK else f"expected loop 'i' of extent {len(self.measured)} to be whole"
        origin = {"sketch": given.sketch, "knobs": dict(given.knobs), "predicted": given.predicted}
        return Trial(workload.hash, given.script, status, times, error, **origin)  # pyright: ignore

    def close(self) -> None:
        pass
