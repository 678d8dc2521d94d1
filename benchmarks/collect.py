"""Measures the data set that the tuner's model starts from: many kernels of five families, and scripts for each.

Kernels are drawn from a seed: matrix products of all kinds, convolutions, depthwise convolutions and pooling,
reductions of rows and columns, and elementwise operators. Of each, candidates are drawn from all that its space has,
and some more next to the best of those. Times are those on one core. What was measured is in one file for each
kernel in a folder, so that one may stop at any time, and go on; `--pack` makes the data set that ships with the package
out of them.

    python benchmarks/collect.py --into FOLDER --workloads 12 --trials 80 --judged 2
    python benchmarks/collect.py --into FOLDER --pack
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import numpy as np
from layers import Tensors, batched_matmul, gemm, layer_norm, pool, softmax
from stepwell import te
from stepwell.autotune.measure.interface import MeasureInput, Measurer
from stepwell.autotune.measure.local import LocalMeasurer
from stepwell.autotune.models.dataset import FEATURES_FILE, RECORDS, Record, build, write_records
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import mutate, sample
from stepwell.autotune.space.sketch import Candidate, Space
from stepwell.autotune.trial import Status
from stepwell.autotune.workload import Workload
from stepwell.tools.driver import Source
from stepwell.tools.workloads import workloads_of

from operators import Conv, Matmul

JUDGED = 564
"""The candidates of workloads that models are judged on: 500 to be ranked, and 64 trials before that."""
MOST_OPERATIONS = 4e8
LEAST_OPERATIONS = 2e5
BEST = 4
"""The candidates next to which more are looked for."""


class Draw:
    """Draws sizes."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def pick(self, *options: int) -> int:
        """One of some."""
        return int(self.generator.choice(options))

    def extent(self, least: int, most: int) -> int:
        """Small ones are as likely as large ones; half of them are multiples of eight, as most are in practice."""
        value = round(exp(self.generator.uniform(log(least), log(most))))
        return max(8, value // 8 * 8) if value >= 8 and self.pick(0, 1) else value


@dataclass(frozen=True)
class Drawn:
    """A kernel that was drawn, before it is built."""

    name: str
    operations: float
    build: Callable[[], Workload | None]


def _kernel(source: Source) -> Workload | None:
    """The workload that a program of one kernel is; None if it is more than one."""
    found = workloads_of(source, conv_algorithm="direct")
    return found[0] if len(found) == 1 else None


def matmul(draw: Draw) -> Drawn:
    """Products of matrices: plain, with a weight, batched, with a bias and a rectifier."""
    m, n, k = (draw.extent(12, 900) for _ in range(3))
    match draw.pick(0, 0, 1, 1, 2, 3, 4):
        case 0 | 1 as constant:
            return Drawn(
                f"matmul {m}x{n}x{k}{', constant' if constant else ''}",
                2.0 * m * n * k,
                lambda: _kernel(Matmul(m, n, k, bool(constant)).model()),
            )
        case 2:
            b, m, n, k = draw.extent(2, 16), draw.extent(12, 200), draw.extent(12, 200), draw.extent(12, 200)
            trans = bool(draw.pick(0, 1))
            name = f"batched {b}x{m}x{n}x{k}{', transposed' if trans else ''}"
            return Drawn(name, 2.0 * b * m * n * k, lambda: _kernel(batched_matmul(b, m, n, k, trans_b=trans)))
        case 3:
            trans = bool(draw.pick(0, 1))
            name = f"gemm {m}x{n}x{k} relu{', transposed' if trans else ''}"
            return Drawn(name, 2.0 * m * n * k, lambda: _kernel(gemm(m, n, k, trans_b=trans, act="relu")))
        case _:
            m, n, k = draw.pick(1, 1, 2, 4), draw.extent(100, 3000), draw.extent(100, 3000)
            return Drawn(f"matmul {m}x{n}x{k}", 2.0 * m * n * k, lambda: _kernel(Matmul(m, n, k).model()))


def convolution(draw: Draw) -> Drawn:
    """Convolutions with a bias and a rectifier: windows, strides, dilation, groups."""
    window = (draw.pick(1, 3, 5, 7), draw.pick(1, 3, 5)) if draw.pick(0, 0, 0, 1) else (draw.pick(1, 3, 3, 3, 5),) * 2
    size = (draw.extent(6, 64), draw.extent(6, 64)) if draw.pick(0, 0, 1) else (draw.extent(6, 64),) * 2
    stride = (draw.pick(1, 1, 2),) * 2
    dilation = (draw.pick(1, 1, 1, 1, 2),) * 2
    pad = tuple(step * (taps // 2) for step, taps in zip(dilation, window, strict=True))
    channels, outputs, groups = draw.extent(3, 300), draw.extent(8, 300), draw.pick(1, 1, 1, 1, 1, 2, 4)
    channels, outputs = (max(2, each // groups) * groups for each in (channels, outputs))
    conv = Conv(draw.pick(1, 1, 1, 2), channels, size, outputs, window, stride, (pad[0], pad[1]), dilation, groups)
    if conv.problem():
        return convolution(draw)
    return Drawn(str(conv), conv.operations, lambda: _kernel(conv.model()))


def depthwise(draw: Draw) -> Drawn:
    """Convolutions of each channel by itself, and pooling."""
    channels, size = draw.extent(8, 600), draw.extent(7, 120)
    if draw.pick(0, 0, 0, 1):
        window, stride, kind = draw.pick(2, 3, 3), draw.pick(1, 2), ("max", "mean")[draw.pick(0, 1)]
        pad = draw.pick(0, window // 2)
        name = f"{kind} pool {channels}x{size}x{size}, {window} by {stride}, pad {pad}"
        operations = channels * (size // stride) ** 2 * window**2
        return Drawn(name, operations, lambda: _kernel(pool(channels, size, window, stride, pad, kind)))
    window, stride, pair = draw.pick(3, 3, 3, 5), draw.pick(1, 1, 2), (size, draw.extent(7, 120))
    shape = pair if draw.pick(0, 0, 1) else (size, size)
    pad = window // 2
    conv = Conv(1, channels, shape, channels, (window,) * 2, (stride,) * 2, (pad,) * 2, groups=channels)
    return Drawn(str(conv), conv.operations, lambda: _kernel(conv.model()))


def _total(shape: tuple[int, ...], axes: tuple[int, ...], kind: str) -> Tensors:
    """The sum, the greatest, or the sum of squares along some dimensions."""
    x = te.placeholder(shape, "float32", name="X")
    reduced = {axis: te.reduce_axis(shape[axis], f"r{axis}") for axis in axes}
    kept = [axis for axis in range(len(shape)) if axis not in axes]

    def element(*indices: te.IterVar) -> te.Expr:
        at: dict[int, te.IterVar] = {**reduced, **dict(zip(kept, indices, strict=True))}
        value = x[*(at[axis] for axis in range(len(shape)))]
        combine = te.max if kind == "max" else te.sum
        return combine(value * value if kind == "squares" else value, axis=list(reduced.values()))

    return [x, te.compute(tuple(shape[axis] for axis in kept), element, name="total")]


def reduction(draw: Draw) -> Drawn:
    """Rows and columns: sums, maxima, softmax, layer normalisation."""
    rows, columns = draw.extent(8, 2000), draw.extent(16, 3000)
    elements = rows * columns
    kind = draw.pick(0, 1, 2, 2, 3, 4)
    how = ("sum", "max", "squares")[draw.pick(0, 1, 2)]
    match kind:
        case 0:
            return Drawn(f"softmax {rows}x{columns}", 8.0 * elements, lambda: _kernel(softmax(rows, columns)))
        case 1:
            residual = bool(draw.pick(0, 1))
            name = f"layer norm {rows}x{columns}{', residual' if residual else ''}"
            return Drawn(name, 8.0 * elements, lambda: _kernel(layer_norm(rows, columns, residual=residual)))
        case 2:
            axis = draw.pick(0, 1)
            name = f"{how} of {'rows' if axis else 'columns'} {rows}x{columns}"
            return Drawn(name, elements, lambda: _kernel(_total((rows, columns), (axis,), how)))
        case 3:
            channels, size = draw.extent(16, 1000), draw.extent(5, 60)
            name = f"{how} of images {channels}x{size}x{size}"
            shape = (channels, size, size)
            return Drawn(name, channels * size * size, lambda: _kernel(_total(shape, (1, 2), how)))
        case _:
            outer, inner = draw.extent(4, 64), draw.extent(8, 300)
            middle = draw.extent(8, 300)
            name = f"{how} of the middle {outer}x{middle}x{inner}"
            return Drawn(name, outer * middle * inner, lambda: _kernel(_total((outer, middle, inner), (1,), how)))


def _map(shape: tuple[int, ...], kind: str) -> Tensors:
    """An elementwise operator, or two in a row."""
    x = te.placeholder(shape, "float32", name="X")
    inputs = [x]
    match kind:
        case "relu":
            y = te.compute(shape, lambda *i: te.maximum(x[*i], 0), name="Y")
        case "add" | "scale and shift" | "bias":
            other = te.placeholder(shape if kind == "add" else shape[-1:], "float32", name="R")
            inputs.append(other)
            if kind == "add":
                y = te.compute(shape, lambda *i: te.maximum(x[*i] + other[*i], 0), name="Y")
            elif kind == "bias":
                y = te.compute(shape, lambda *i: te.maximum(x[*i] + other[i[-1]], 0), name="Y")
            else:
                shift = te.placeholder(shape[-1:], "float32", name="S")
                inputs.append(shift)
                y = te.compute(shape, lambda *i: x[*i] * other[i[-1]] + shift[i[-1]], name="Y")
        case "per channel":
            other = te.placeholder(shape[:1], "float32", name="R")
            inputs.append(other)
            y = te.compute(shape, lambda *i: te.maximum(x[*i] * other[i[0]], 0), name="Y")
        case "gelu":
            y = te.compute(shape, lambda *i: 0.5 * x[*i] * (1.0 + te.erf(x[*i] * 0.7071067811865476)), name="Y")
        case "sigmoid":
            y = te.compute(shape, lambda *i: 1.0 / (1.0 + te.exp(0.0 - x[*i])), name="Y")
        case "transpose":
            turned = (*shape[:-2], shape[-1], shape[-2])
            y = te.compute(turned, lambda *i: x[*i[:-2], i[-1], i[-2]], name="Y")
        case _:
            turned = (*shape[1:], shape[0])
            y = te.compute(turned, lambda *i: x[i[-1], *i[:-1]], name="Y")
    return [*inputs, y]


KINDS = ("relu", "add", "bias", "per channel", "scale and shift", "gelu", "sigmoid", "transpose", "channels last")


def elementwise(draw: Draw) -> Drawn:
    """Elementwise operators, with broadcasting, and transposes."""
    kind = KINDS[draw.pick(*range(len(KINDS)))]
    if draw.pick(0, 1):
        shape: tuple[int, ...] = (draw.extent(8, 1500), draw.extent(8, 1500))
    else:
        shape = (draw.extent(3, 300), draw.extent(6, 120), draw.extent(6, 120))
    name = f"{kind} {'x'.join(map(str, shape))}"
    return Drawn(name, float(np.prod(shape)), lambda: _kernel(_map(shape, kind)))


FAMILIES: dict[str, Callable[[Draw], Drawn]] = {
    "matmul": matmul,
    "convolution": convolution,
    "depthwise": depthwise,
    "reduction": reduction,
    "elementwise": elementwise,
}
LEAST = {"reduction": 2e4, "elementwise": 2e4, "depthwise": 1e5}
"""The fewest operations of kernels of a family, if others than of the rest: a call by itself is to be a small part."""
MOST = {"reduction": 1e7, "elementwise": 3e6, "depthwise": 4e7}


def workloads(family: str, seed: int) -> Iterator[tuple[str, Workload]]:
    """Kernels of a family, one after the other, without end."""
    generator = np.random.default_rng([seed, *family.encode()])
    seen: set[str] = set()
    while True:
        drawn = FAMILIES[family](Draw(generator))
        if not LEAST.get(family, LEAST_OPERATIONS) <= drawn.operations <= MOST.get(family, MOST_OPERATIONS):
            continue
        if drawn.name not in seen and (workload := drawn.build()) is not None:
            seen.add(drawn.name)
            yield drawn.name, workload


# measuring


class Turns:
    """A file that is locked while we run, so that others that measure take turns with us."""

    def __init__(self, lock: Path | None) -> None:
        self.file = lock.open("a") if lock is not None else None
        self._begin()

    def _begin(self) -> None:
        if self.file is not None:
            fcntl.flock(self.file, fcntl.LOCK_EX)
        self.since = time.monotonic()

    def rest(self) -> None:
        """Gives others a turn, if ours has been long."""
        if self.file is not None and time.monotonic() > self.since + TURN:
            fcntl.flock(self.file, fcntl.LOCK_UN)
            time.sleep(PAUSE)
            self._begin()


TURN, PAUSE = 50.0, 0.2
"""How many seconds a turn takes, and how long others may ask for theirs."""
AT_ONCE = 24
"""The candidates that are measured in one turn."""


class Collection:
    """What is measured of one workload."""

    def __init__(self, family: str, name: str, workload: Workload, measurer: Measurer, turns: Turns) -> None:
        self.family, self.name, self.workload = family, name, workload
        self.measurer, self.turns = measurer, turns
        self.space: Space = build_space(workload, shipped=False)
        self.trials: list[tuple[Candidate, float, bool]] = []
        self.seen: set[Candidate] = set()
        self.failures: Counter[str] = Counter()

    def measure(self, candidates: Sequence[Candidate], uniform: bool) -> None:
        """Measures some."""
        new = [candidate for candidate in dict.fromkeys(candidates) if candidate not in self.seen]
        self.seen.update(new)
        for first in range(0, len(new), AT_ONCE):
            part = new[first : first + AT_ONCE]
            inputs = [self._input(candidate) for candidate in part]
            self.turns.rest()
            found = self.measurer.measure(self.workload, inputs, best_seconds=self.best)
            for candidate, trial in zip(part, found, strict=True):
                if trial.status is Status.OK:
                    self.trials.append((candidate, trial.seconds, uniform))
                else:
                    self.failures[f"{trial.sketch} {trial.status.value}: {trial.error}"] += 1

    @property
    def best(self) -> float:
        """The shortest time."""
        return min((seconds for _, seconds, _ in self.trials), default=float("inf"))

    def _input(self, candidate: Candidate) -> MeasureInput:
        sketch = self.space.sketches[candidate.sketch]
        return MeasureInput(str(self.space.script(candidate)), sketch.name)

    def record(self) -> Record:
        """Everything that gave a time. Sketches that did not are left out."""
        used = sorted({candidate.sketch for candidate, _, _ in self.trials})
        sketches = [self.space.sketches[number] for number in used]
        return Record(
            self.family,
            self.name,
            self.workload.text,
            tuple((sketch.name, str(sketch.script)) for sketch in sketches),
            tuple(used.index(candidate.sketch) for candidate, _, _ in self.trials),
            tuple(candidate.choice for candidate, _, _ in self.trials),
            tuple(seconds for _, seconds, _ in self.trials),
            tuple(uniform for _, _, uniform in self.trials),
            sum(self.failures.values()),
        )


def collect(collection: Collection, count: int, guided: int, generator: np.random.Generator) -> Record:
    """Draws candidates, measures them, and then some more next to the best."""
    collection.measure(sample(collection.space, generator, count), True)
    while guided > 0 and collection.trials:
        best = sorted(collection.trials, key=lambda trial: trial[1])[:BEST]
        near = [mutate(collection.space, generator, candidate) for candidate, _, _ in best for _ in range(2)]
        if all(candidate in collection.seen for candidate in near):
            break
        collection.measure(near, False)
        guided -= len(near)
    return collection.record()


def report(record: Record, failures: Counter[str], seconds: float) -> str:
    """A line about what was measured, and others about what was not."""
    times = sorted(record.seconds)
    if not times:
        return f"{record.family:12} {record.name:45} no trials: {failures.most_common(1)}"
    lines = [
        f"{record.family:12} {record.name:45} {len(times):4} trials of {len(record.sketches)} sketches, "
        f"{record.failures} failures, {seconds:5.1f} s; {times[0] * 1e6:9.1f} to {times[-1] * 1e6:9.1f} us"
    ]
    lines += [f"    {count} x {what[:200]}" for what, count in failures.most_common(3)]
    return "\n".join(lines)


def read_folder(folder: Path) -> list[Record]:
    """What is in a folder, in order."""
    return [Record.of_json(json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--into", type=Path, required=True, metavar="FOLDER", help="where files of what was measured are"
    )
    parser.add_argument("--workloads", type=int, default=12, help="how many of each family (default: 12)")
    parser.add_argument("--families", default=",".join(FAMILIES), help="which families (default: all)")
    parser.add_argument("--trials", type=int, default=80, help="how many candidates of each workload (default: 80)")
    parser.add_argument("--guided", type=int, default=16, help="how many more next to the best ones (default: 16)")
    parser.add_argument("--judged", type=int, default=2, help=f"how many workloads get {JUDGED} (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="of workloads and candidates")
    parser.add_argument("--minutes", type=float, default=60.0, help="start no workload later than this (default: 60)")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="is locked meanwhile, but for pauses")
    parser.add_argument("--pack", action="store_true", help="make the shipped data set of what is in the folder")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    if arguments.pack:
        records = [record for record in read_folder(arguments.into) if len(record.seconds) > 1]
        write_records(records)
        data = build(records)
        data.save(FEATURES_FILE)
        sizes = ", ".join(f"{path.name} {path.stat().st_size >> 10} KiB" for path in (RECORDS, FEATURES_FILE))
        print(f"{len(data.samples)} trials of {len(records)} workloads; {sizes}")
        return 0
    end = time.monotonic() + arguments.minutes * 60
    turns = Turns(arguments.lock)
    drawn = {family: workloads(family, arguments.seed) for family in arguments.families.split(",")}
    with LocalMeasurer(1, run_seconds=5.0) as measurer:
        for number in range(arguments.workloads):
            for family, kernels in drawn.items():
                name, workload = next(kernels)
                path = arguments.into / f"{family}-{arguments.seed}-{number:03}.json"
                if path.exists():
                    continue
                if time.monotonic() > end:
                    return 0
                start = time.monotonic()
                generator = np.random.default_rng([arguments.seed, number, *family.encode()])
                collection = Collection(family, name, workload, measurer, turns)
                count = JUDGED if number < arguments.judged else arguments.trials
                record = collect(collection, count, arguments.guided, generator)
                if record.seconds:
                    path.write_text(json.dumps(record.to_json()), "utf-8")
                print(report(record, collection.failures, time.monotonic() - start), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
