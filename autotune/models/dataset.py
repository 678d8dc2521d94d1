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
    """Of each trial, the median time of a call."""
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


def features_of_record(record: Record) -> tuple[Features, NDArray[np.bool_]]:
    """The features of all trials, and for which of them they are known."""
    from ...backends.registry import make_context
    from ...dialects.source import parse_module
    from ..features.closed_forms import SketchFeatures
    from ..features.columns import FEATURES
    from ..space.sketch import Sketch
    from ..workload import Workload

    workload = Workload.of_text(record.workload, record.name)
    features = np.zeros((len(record.seconds), len(FEATURES)), np.float32)
    known = np.zeros(len(record.seconds), np.bool_)
    position = np.asarray(record.sketch)
    for number, (name, text) in enumerate(record.sketches):
        (rows,) = np.nonzero(position == number)
        if not len(rows):
            continue
        sketch = Sketch(name, parse_module(make_context(), text, name))
        choices = np.asarray([record.choices[row] for row in rows], np.int32).reshape(len(rows), -1)
        features[rows], known[rows] = SketchFeatures(workload, sketch).matrix(choices)
    return features, known


def build(records: Sequence[Record]) -> DataSet:
    """The features of records."""
    from ..features.columns import FEATURES

    parts: list[Features] = []
    uniform: list[NDArray[np.bool_]] = []
    seconds: list[NDArray[np.float64]] = []
    groups: list[NDArray[np.int64]] = []
    for number, record in enumerate(records):
        features, known = features_of_record(record)
        parts.append(features[known])
        seconds.append(np.asarray(record.seconds, np.float64)[known])
        uniform.append(np.asarray(record.uniform, np.bool_)[known])
        groups.append(np.full(int(known.sum()), number, np.int64))
    samples = Samples(np.concatenate(parts), np.concatenate(seconds), np.concatenate(groups))
    families, names = tuple(r.family for r in records), tuple(r.name for r in records)
    return DataSet(tuple(FEATURES), samples, families, names, np.concatenate(uniform))


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
