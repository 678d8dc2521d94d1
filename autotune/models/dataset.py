"""What we measured: workloads of several families, scripts for them, and their times, for models to start from.

There are two files. `records.json.xz` has everything that took a machine's time: the text of each workload, its
sketches, the choices, their times. `features.npz` is what models are fitted on, and is made from the records:
`python -m stepwell.autotune.models.dataset --rebuild` does that when features are others.
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.func import FuncOp

from ...errors import StepwellError
from .interface import Features, Samples

FOLDER = Path(__file__).parent / "data"
RECORDS = FOLDER / "records.json.xz"
FEATURES_FILE = FOLDER / "features.npz"
DIGITS = 4
"""Of times: noise is larger."""


@dataclass(frozen=True)
class Record:
    """A workload, and what was measured of it."""

    family: str
    """The kind of kernel: models are judged by families that they have not seen."""
    name: str
    """What it is, for people."""
    workload: str
    """Its text."""
    sketches: tuple[tuple[str, str], ...]
    """Names and texts of scripts with open knobs."""
    sketch: tuple[int, ...]
    """Of each trial, the position of its sketch."""
    choices: tuple[tuple[int, ...], ...]
    """Of each trial, the index of the option of each knob."""
    seconds: tuple[float, ...]
    """Of each trial, the time of a call."""
    uniform: tuple[bool, ...]
    """Of each trial, whether it was drawn from all candidates alike, or is near a good one."""
    failures: int = 0
    """How many more were tried and gave no time."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "family": self.family,
            "name": self.name,
            "workload": self.workload,
            "sketches": self.sketches,
            "sketch": self.sketch,
            "choices": self.choices,
            "seconds": [float(f"{seconds:.{DIGITS}g}") for seconds in self.seconds],
            "uniform": [int(each) for each in self.uniform],
            "failures": self.failures,
        }

    @staticmethod
    def of_json(data: dict[str, Any]) -> Record:
        """What `to_json` gave."""
        return Record(
            data["family"],
            data["name"],
            data["workload"],
            tuple((name, text) for name, text in data["sketches"]),
            tuple(data["sketch"]),
            tuple(map(tuple, data["choices"])),
            tuple(map(float, data["seconds"])),
            tuple(map(bool, data["uniform"])),
            data["failures"],
        )


@dataclass(frozen=True, eq=False)
class DataSet:
    """Features and times of all trials of some records."""

    columns: tuple[str, ...]
    samples: Samples
    """Its groups are the positions of workloads."""
    families: tuple[str, ...]
    """Of each workload."""
    names: tuple[str, ...]
    """Of each workload."""
    uniform: NDArray[np.bool_]
    """Of each sample."""

    def family_of_samples(self) -> NDArray[np.str_]:
        """Of each sample."""
        return np.asarray(self.families, np.str_)[self.samples.groups]

    def without(self, family: str) -> Samples:
        """The samples of all other families."""
        return self.samples.select(self.family_of_samples() != family)

    def save(self, path: Path) -> None:
        """Writes it to a file."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            columns=np.asarray(self.columns, np.str_),
            features=self.samples.features,
            seconds=self.samples.seconds,
            groups=self.samples.groups,
            families=np.asarray(self.families, np.str_),
            names=np.asarray(self.names, np.str_),
            uniform=self.uniform,
        )
        path.write_bytes(buffer.getvalue())

    @staticmethod
    def load(path: Path) -> DataSet:
        """Reads what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
            samples = Samples(arrays["features"], arrays["seconds"], arrays["groups"])
            names = {each: tuple(map(str, arrays[each])) for each in ("columns", "families", "names")}
            return DataSet(names["columns"], samples, names["families"], names["names"], arrays["uniform"])
        except (OSError, ValueError, KeyError) as error:
            raise StepwellError(f"expected a data set in '{path}', got {error}") from None


def read_records(path: Path = RECORDS) -> list[Record]:
    """The records of a file."""
    try:
        return [Record.of_json(data) for data in json.loads(lzma.decompress(path.read_bytes()))]
    except (OSError, ValueError, KeyError, TypeError, lzma.LZMAError) as error:
        raise StepwellError(f"expected records in '{path}', got {error}") from None


def write_records(records: Iterable[Record], path: Path = RECORDS) -> None:
    """Writes records to a file."""
    text = json.dumps([record.to_json() for record in records], separators=(",", ":"))
    path.write_bytes(lzma.compress(text.encode("utf-8"), preset=9))


def features_of_record(record: Record, only: Sequence[int] | None = None) -> Features:
    """The features of its trials, or of those at some positions: each script is applied."""
    from ...backends.registry import make_context
    from ...dialects.source import parse_module
    from ..features.columns import FEATURES, features, target_of
    from ..features.nest import Nest, Structure, describe
    from ..measure.compile import Compiler
    from ..space.sketch import Sketch
    from ..workload import Workload

    workload = Workload.of_text(record.workload, record.name)
    compiler = Compiler(workload)
    name = workload.kernel.sym_name.data
    sketches = [Sketch(name, parse_module(make_context(), text, name)) for name, text in record.sketches]
    alike: dict[Structure, list[tuple[int, Nest]]] = {}
    trials = range(len(record.seconds)) if only is None else only
    for row, trial in enumerate(trials):
        module = compiler.scheduled(str(sketches[record.sketch[trial]].select(record.choices[trial])))
        kernel = next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == name)
        nest = describe(kernel)
        alike.setdefault(nest.structure, []).append((row, nest))
    found = np.zeros((len(trials), len(FEATURES)), np.float32)
    for structure, nests in alike.items():
        slots = np.stack([nest.slots for _, nest in nests])
        found[[row for row, _ in nests]] = features(structure, slots, target_of(workload))
    return found


def build(records: Sequence[Record]) -> DataSet:
    """The features of records."""
    from ..features.columns import FEATURES

    counts = [len(record.seconds) for record in records]
    samples = Samples(
        np.concatenate([features_of_record(record) for record in records]),
        np.asarray([seconds for record in records for seconds in record.seconds], np.float64),
        np.repeat(np.arange(len(records), dtype=np.int64), counts),
    )
    families, names = tuple(record.family for record in records), tuple(record.name for record in records)
    uniform = np.asarray([each for record in records for each in record.uniform], np.bool_)
    return DataSet(tuple(FEATURES), samples, families, names, uniform)


@cache
def shipped() -> DataSet | None:
    """The data set that comes with the package; None if its features are not those of this version."""
    from ..features.columns import FEATURES

    if not FEATURES_FILE.exists():
        return None
    found = DataSet.load(FEATURES_FILE)
    return found if found.columns == tuple(FEATURES) else None


def main() -> int:
    """Makes features again."""
    parser = argparse.ArgumentParser(prog="python -m stepwell.autotune.models.dataset", description=__doc__)
    parser.add_argument("--rebuild", action="store_true", help="make the features of the shipped records again")
    arguments = parser.parse_args()
    if arguments.rebuild:
        build(read_records()).save(FEATURES_FILE)
    found = DataSet.load(FEATURES_FILE)
    print(f"{len(found.samples)} trials of {len(found.names)} workloads, {len(found.columns)} features")
    return 0


if __name__ == "__main__":
    sys.exit(main())
