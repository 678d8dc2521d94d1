"""`stepwell.tune`: searches schedules for the kernels of a program, and keeps what it finds in a database."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ..autotune.database.store import Database
from ..autotune.tuner import Limits, Search
from ..autotune.tuner import tune as tune_workloads
from ..autotune.workload import Workload
from ..errors import ArgumentError, DatabaseError, TargetError, did_you_mean
from ..runtime.cache import checksum
from ..runtime.executable import checked_threads
from .spaces import Spaces, parsed_script, read_script
from .workloads import workloads_of

if TYPE_CHECKING:
    from xdsl.ir import Attribute

    from ..autotune.measure.interface import Measurer
    from ..autotune.models.create import ModelFactory
    from ..autotune.models.interface import Samples
    from ..autotune.progress import Progress, TuneReport
    from ..autotune.search.interface import SearcherFactory
    from .driver import Source

DatabaseSource: TypeAlias = "Database | str | os.PathLike[str]"

SEARCHES = ("evolutionary", "annealing", "random", "grid", "genetic")
LEARNING = ("boosting", "linear")
"""The models that learn from other kernels."""
ENOUGH = 200
"""How many trials a database must hold before models are fitted anew for it."""
GUIDED = ("evolutionary", "annealing")
"""The searches that a model leads."""


def tune(
    source: Source | Sequence[Workload],
    *,
    trials: int | None = None,
    trials_per_kernel: int | None = None,
    seconds: float | None = None,
    database: DatabaseSource | None = None,
    seed: int = 0,
    threads: int | None = None,
    target: str | Attribute = "llvm-cpu",
    kernel: str | None = None,
    space: str | os.PathLike[str] | None = None,
    reopen: bool = False,
    model: str | ModelFactory = "boosting",
    search: str = "evolutionary",
    shipped: bool = True,
    cluster: str | None = None,
    measurer: Measurer | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
    progress: Progress | None = None,
) -> TuneReport:
    """Searches schedules for the kernels of a program: an ONNX model, IR of any rung above native code, tensor
    expressions, or workloads.

    What is found is in the report, and in the database if there is one: `stepwell.compile(…, database=…)` uses it.
    A run goes on where the last one with its database ended.

    Args:
        trials, trials_per_kernel, seconds: how much is tried; what comes first ends the run. What the database holds
            counts as tried.
        seed: equal seeds try the same, as long as they measure the same.
        threads: how many threads kernels are tuned for; as many as the target has, if it is not given.
        kernel: the hash of the only kernel to tune, or its first digits.
        space: the file of a script with knobs, whose choices are searched in place of what our rules write.
        reopen: search the knobs that are chosen in `space`, from there on; without `space`, those of the best script
            with knobs of the database.
        model: `boosting`, `linear`, `roofline` or `random`.
        search: `evolutionary` or `annealing`, which the model leads, or `random`, `grid` or `genetic`.
        shipped: whether the schedules that we ship take part.
        cluster: the address of a Dask scheduler whose workers measure.
        measurer: what measures, in place of this machine or a cluster.
        progress: is told how it is coming along.
    """
    limits = Limits(trials, trials_per_kernel, seconds)
    if space is not None:
        parsed_script(read_script(Path(space)), str(space))
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"expected a seed from 0 to {2**31 - 1}, got {seed!r}")
    factory = searcher_factory(search)
    workloads = chosen_workloads(
        source,
        kernel,
        target=target,
        threads=threads,
        pipeline=pipeline,
        sizes=sizes,
        conv_algorithm=conv_algorithm,
        exact=exact,
    )
    if measurer is None:
        check_measurable(workloads, here=cluster is None)
    with ExitStack() as stack:
        opened, path = (database, None) if isinstance(database, Database) else (None, database)
        is_new = path is not None and not os.path.exists(path)
        if path is not None and not is_new:
            opened = stack.enter_context(Database(path))
        if is_new and reopen and space is None:
            raise DatabaseError(
                f"expected a script for a kernel in '{path}' to open again, got none: there is no such file"
            )
        spaces = Spaces(opened, None if space is None else Path(space), reopen, shipped)
        workloads = spaces.suited(workloads)
        models = find_models(model, opened, seed) if search in GUIDED else None
        if measurer is None:
            measurer = stack.enter_context(make_measurer(cluster, seed))
        if path is not None and is_new:  # when all that may be wrong has been looked at
            opened = stack.enter_context(Database(path))
        return tune_workloads(
            workloads,
            measurer=measurer,
            limits=limits,
            search=Search(factory, models, shipped=shipped, schema=features_schema() if models is not None else ""),
            seed=seed,
            database=opened,
            spaces=spaces,
            progress=progress,
        )


def chosen_workloads(
    source: Source | Sequence[Workload],
    kernel: str | None = None,
    *,
    target: str | Attribute = "llvm-cpu",
    threads: int | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
) -> list[Workload]:
    """The kernels of a program, or the one whose hash begins like this."""
    given = _workloads(source)
    if given is None:
        if threads is not None:
            threads = checked_threads(threads) or None
        given = workloads_of(
            source,  # pyright: ignore[reportArgumentType]
            target=target,
            threads=threads,
            pipeline=pipeline,
            sizes=sizes,
            conv_algorithm=conv_algorithm,
            exact=exact,
        )
    if kernel is None:
        return given
    found = [workload for workload in given if workload.hash.startswith(kernel)]
    if len(found) != 1 or not kernel:
        hashes = [workload.hash for workload in given]
        problem = ", which is the beginning of several" if found else ", which none begins with"
        hint = did_you_mean(kernel, hashes) or f"; expected one of {', '.join(hashes[:8])}"
        raise ArgumentError(
            f"expected the hash of a kernel of the program, got '{kernel}'{problem if kernel else ''}{hint}"
        )
    return found


def check_measurable(workloads: Sequence[Workload], *, here: bool) -> None:
    """Checks that candidates for the targets of workloads can be measured, and on this machine if they are measured
    here.

    Raises:
        TargetError: if not.
        PipelineError: if kernels are not scheduled on the way to native code.
    """
    for workload in {(each.backend.name, each.target): each for each in workloads}.values():
        backend = workload.backend
        if not backend.links_objects:
            how = "compiled one by one (`links_objects`)"
            raise TargetError(f"expected a target whose kernels are {how} to tune, got '{backend.name}'")
        assert workload.steps.steps
        if here:
            try:
                backend.check_host(workload.target)
            except TargetError as error:
                raise TargetError(f"{error}; candidates are measured on this machine, or on a cluster") from None


def _workloads(source: Source | Sequence[Workload]) -> list[Workload] | None:
    """The workloads that were given in place of a program, if they were."""
    if isinstance(source, list | tuple) and source and all(isinstance(each, Workload) for each in source):
        return [each for each in source if isinstance(each, Workload)]
    return None


def searcher_factory(name: str) -> SearcherFactory:
    """The search of a name.

    Raises:
        ArgumentError: if there is none.
    """
    match name:
        case "evolutionary":
            from ..autotune.search.evolutionary import EvolutionarySearch as found
        case "annealing":
            from ..autotune.search.annealing import AnnealingSearch as found
        case "random":
            from ..autotune.search.random import RandomSearch as found
        case "grid":
            from ..autotune.search.grid import GridSearch as found
        case "genetic":
            from ..autotune.search.genetic import GeneticSearch as found
        case _:
            hint = did_you_mean(str(name), SEARCHES)
            raise ArgumentError(f"expected a search ({', '.join(SEARCHES)}), got '{name}'{hint}")
    return found


def find_models(model: str | ModelFactory, database: Database | None, seed: int) -> ModelFactory:
    """The models of a name, which know what we measured, and what the database holds of other kernels."""
    if not isinstance(model, str):
        return model
    from ..autotune.models.create import model_factory, shipped_models

    recorded = None if database is None or model not in LEARNING else recorded_samples(database)
    if recorded is None:
        return shipped_models(model, seed=seed)
    from ..autotune.features.columns import FEATURES
    from ..autotune.models.dataset import shipped
    from ..autotune.models.interface import Samples

    data = shipped()
    known = recorded if data is None else Samples.concatenate([data.samples, recorded])
    return model_factory(model, FEATURES, known, seed=seed)


def recorded_samples(database: Database) -> Samples | None:
    """What a database holds to learn from; none if that is too little to make up for the time that it takes."""
    from ..autotune.models.interface import Samples

    found = database.features(features_schema())
    if len(found) < ENOUGH:
        return None
    hashes = {digest: number for number, digest in enumerate(dict.fromkeys(trial.workload for trial, _ in found))}
    return Samples(
        np.stack([features for _, features in found]),
        np.asarray([trial.seconds for trial, _ in found]),
        np.asarray([hashes[trial.workload] for trial, _ in found], np.int64),
    )


def features_schema() -> str:
    """What the columns of features are: other ones than those of another version have another name."""
    from ..autotune.features.columns import FEATURES

    return checksum("\n".join(FEATURES).encode())


def make_measurer(cluster: str | None, seed: int) -> Measurer:
    """What measures: a cluster, or this machine."""
    if cluster is not None:
        from ..autotune.measure.cluster import ClusterMeasurer

        return ClusterMeasurer(cluster, seed=seed)
    from ..autotune.measure.local import LocalMeasurer
    from ..autotune.measure.turns import turns_of_machine

    return LocalMeasurer(seed=seed, turns=turns_of_machine())
