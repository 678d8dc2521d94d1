"""Trees that are fitted to the shipped data set once, and not by every run: of all its families, and of all but one.

They are arrays in a file beside the data set, and belong to exactly that data set and those options: where either is
another one, they are fitted again when they are needed.

    python -m stepwell.autotune.models.fitted
"""

from __future__ import annotations

import argparse
import sys
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boosting import Base, Options, fit_base
from .dataset import FEATURES_FILE, DataSet, shipped
from .roofline import prior_column
from .trees import Trees

FITTED_FILE = FEATURES_FILE.with_name("trees.npz")
_ALL = "all"
_ARRAYS = ("columns", "thresholds", "values", "gains")
_KNOWN = ("mean", "scale", "steady", "kinds", "unit")


def _digest(options: Options) -> str:
    """What fitted trees depend on."""
    return blake2b(FEATURES_FILE.read_bytes() + repr(options).encode(), digest_size=16).hexdigest()


def shipped_base(options: Options, without: str | None = None, path: Path = FITTED_FILE) -> Base | None:
    """What is known from the shipped data set without a family; None if that was not fitted."""
    if not path.exists() or not FEATURES_FILE.exists():
        return None
    name = without or _ALL
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["digest"]) != _digest(options) or f"{name}.columns" not in file.files:
                return None
            arrays: dict[str, NDArray[Any]] = {each: file[f"{name}.{each}"] for each in (*_ARRAYS, *_KNOWN)}
            depth, constant = (float(each) for each in file[f"{name}.shape"])
    except (OSError, ValueError, KeyError):
        return None
    trees = Trees(int(depth), **{each: arrays[each] for each in _ARRAYS}, constant=constant)
    return Base(options, trees, **{each: arrays[each] for each in _KNOWN})


def fit_shipped(data: DataSet, options: Options, path: Path = FITTED_FILE) -> None:
    """Fits trees to a data set, once with all families and once without each, and writes them to a file."""
    arrays: dict[str, NDArray[Any]] = {"digest": np.asarray(_digest(options))}
    for name in (_ALL, *sorted(set(data.families))):
        base = fit_base(data.samples if name == _ALL else data.without(name), options)
        assert base.trees is not None
        arrays |= {f"{name}.{each}": getattr(base.trees, each) for each in _ARRAYS}
        arrays |= {f"{name}.{each}": getattr(base, each) for each in _KNOWN}
        arrays[f"{name}.shape"] = np.asarray([base.trees.depth, base.trees.constant], np.float64)
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    path.write_bytes(buffer.getvalue())


def main() -> int:
    """Fits the trees again."""
    argparse.ArgumentParser(prog="python -m stepwell.autotune.models.fitted", description=__doc__).parse_args()
    data = shipped()
    if data is None:
        print("expected a data set with the features of this version, got none", file=sys.stderr)
        return 1
    fit_shipped(data, Options(prior_column(data.columns)))
    print(f"{FITTED_FILE}: {FITTED_FILE.stat().st_size >> 10} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
