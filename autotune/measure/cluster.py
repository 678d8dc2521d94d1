"""Measuring on the workers of a Dask cluster.

Workers are labelled by what they are: a worker for a target has the resource that its CPU is called by, and has it
once, so that it measures one candidate at a time: `dask worker tcp://… --resources "znver4=1"`. Each measures as
`LocalMeasurer` does, in processes of its own that candidates may take down. Workers of one machine take turns: while
one of them is timing, none compiles.
"""

# distributed has no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import threading
import time
from asyncio import CancelledError
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from math import inf
from typing import Any

from ...errors import CompileError, StepwellError
from ..trial import Status, Trial
from ..workload import Workload
from .compile import one_line
from .interface import Finished, MeasureInput, Measurer
from .local import Build, LocalMeasurer
from .timing import Effort
from .turns import turns_of_machine
from .worker import build as build_in_worker

_POLL, _LOOK = 0.02, 1.0
"""How often futures are asked, and how often the scheduler about its workers."""


@dataclass(frozen=True)
class Settings:
    """How the workers measure."""

    effort: Effort
    seed: int
    compile_seconds: float
    run_seconds: float
    build: Build


class ClusterMeasurer(Measurer):
    """Measures on the workers of a Dask cluster that have a label.

    A candidate whose worker is lost is measured by another one, as often as the scheduler allows; then it is lost.

    Args:
        address: where the scheduler is, `tcp://host:8786`.
        label: the resource of the workers to use; empty means the name of the target's CPU.
        patience: how many seconds no worker may be there until candidates are lost.
    """

    def __init__(
        self,
        address: str,
        *,
        label: str = "",
        effort: Effort | None = None,
        seed: int = 0,
        compile_seconds: float = 20.0,
        run_seconds: float = 10.0,
        patience: float = 60.0,
        build: Build = build_in_worker,
    ):
        try:
            import distributed
            from distributed.comm.addressing import resolve_address
        except ImportError:
            raise CompileError(
                "expected the package distributed to measure on a cluster; install the extra 'stepwell[cluster]'"
            ) from None
        self.label = label
        self.patience = patience
        self._settings = Settings(effort or Effort(), seed, compile_seconds, run_seconds, build)
        try:
            # A client with an address that can't be one leaves threads behind that wait for it.
            resolve_address(address)
            self._client: Any = distributed.Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            raise CompileError(f"expected a Dask scheduler at '{address}', got: {one_line(error)}") from None

    def close(self) -> None:
        self._client.close()

    def measure(
        self,
        workload: Workload,
        inputs: Sequence[MeasureInput],
        *,
        best_seconds: float = inf,
        finished: Finished | None = None,
    ) -> list[Trial]:
        label = self.label or label_of(workload)
        if not self._has_worker(label):
            labels = sorted({name for each in self._workers() for name in each.get("resources", {})})
            raise CompileError(
                f"expected a worker with resource '{label}', got {', '.join(labels) or 'none with resources'}"
            )
        futures: dict[int, Any] = {
            position: self._client.submit(
                measure_here,
                workload.text,
                given,
                self._settings,
                best_seconds,
                pure=False,
                resources={label: 1},
            )
            for position, given in enumerate(inputs)
        }
        trials: dict[int, Trial] = {}
        last_seen = next_look = time.monotonic()
        while futures:
            for position in [position for position, future in futures.items() if future.done()]:
                trials[position] = trial = _trial_of(futures.pop(position), workload, inputs[position])
                if finished is not None:
                    finished(position, trial)
            now = time.monotonic()
            if now >= next_look:
                next_look = now + min(_LOOK, self.patience)
                last_seen = now if self._has_worker(label) else last_seen
            if next_look > now > last_seen + self.patience:
                self._client.cancel(list(futures.values()))
                for position in sorted(futures):
                    trials[position] = trial = _lost(workload, inputs[position], f"no worker with '{label}' is left")
                    if finished is not None:
                        finished(position, trial)
                break
            time.sleep(_POLL)
        return [trials[position] for position in range(len(inputs))]

    def _workers(self) -> list[dict[str, Any]]:
        try:
            return list(self._client.scheduler_info(n_workers=-1)["workers"].values())
        except OSError:  # the scheduler is gone
            return []

    def _has_worker(self, label: str) -> bool:
        return any(label in each.get("resources", {}) for each in self._workers())


def label_of(workload: Workload) -> str:
    """What workers for a workload are labelled with: the name of the target's CPU."""
    cpu = getattr(getattr(workload.target, "cpu", None), "data", "")
    return cpu or workload.backend.name


def _trial_of(future: Any, workload: Workload, given: MeasureInput) -> Trial:
    import distributed

    if future.status == "finished":
        try:
            return future.result()
        except (OSError, CancelledError):
            return _lost(workload, given, "its result is gone with its worker")
    if future.status == "error":
        error = future.exception()
        if not isinstance(error, distributed.KilledWorker):
            if isinstance(error, StepwellError):
                raise error
            raise CompileError(f"expected workers that measure, got {type(error).__name__}: {one_line(error)}")
        return _lost(workload, given, "each worker that had it is gone")
    return _lost(workload, given, "the cluster has cancelled it")


def _lost(workload: Workload, given: MeasureInput, error: str) -> Trial:
    return Trial(
        workload.hash,
        given.script,
        Status.LOST,
        error=error,
        measured_at=time.time(),
        sketch=given.sketch,
        knobs=dict(given.knobs),
        predicted=given.predicted,
    )


# on a worker

_one_at_a_time = threading.Lock()


@cache
def _measurer(settings: Settings, folder: str) -> LocalMeasurer:
    """What measures in this process, as long as it lives."""
    return LocalMeasurer(
        1,
        effort=settings.effort,
        seed=settings.seed,
        compile_seconds=settings.compile_seconds,
        run_seconds=settings.run_seconds,
        build=settings.build,
        turns=turns_of_machine(),
        folder=folder,
    )


@lru_cache(maxsize=16)
def _workload(text: str) -> Workload:
    return Workload.of_text(text)


def measure_here(text: str, given: MeasureInput, settings: Settings, best_seconds: float) -> Trial:
    """Measures a candidate of the workload in `text` on the worker that calls this."""
    from distributed import get_worker

    worker = get_worker()
    with _one_at_a_time:
        measurer = _measurer(settings, worker.local_directory)
        (trial,) = measurer.measure(_workload(text), [given], best_seconds=best_seconds)
    return replace(trial, machine=str(worker.name))
