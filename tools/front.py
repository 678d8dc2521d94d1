"""`stepwell.compile`: programs that were compiled before are loaded, and nothing that compiles is imported for it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from ..errors import ArgumentError
from ..runtime.artifact import file_checksum, find_program, store_program
from ..runtime.cache import Cache, checksum, find_cache, key_of
from ..runtime.executable import Executable, checked_threads
from ..runtime.host import host_facts
from ..runtime.versions import versions

if TYPE_CHECKING:
    from xdsl.ir import Attribute

    from ..runtime.symbolic import SymbolicExecutable
    from .driver import DatabaseSource, Report, Source
    from .separate import Progress


@runtime_checkable
class Scripted(Protocol):
    """A schedule that is no file."""

    def script(self) -> str:
        """The text of its script."""
        ...

    def compile(self, **options: Any) -> Executable | SymbolicExecutable:
        """What it was made of, compiled."""
        ...


def compile(
    source: Source | None = None,
    *,
    target: str | Attribute = "llvm-cpu",
    schedule: str | os.PathLike[str] | Scripted | None = None,
    pipeline: str | os.PathLike[str] | None = None,
    threads: int = 0,
    sizes: Mapping[str, int] | None = None,
    conv_algorithm: str = "auto",
    exact: bool = False,
    report: Report | None = None,
    cache: bool | str | os.PathLike[str] | Cache = True,
    progress: Progress | None = None,
    database: DatabaseSource | None = None,
) -> Executable | SymbolicExecutable:
    """Compiles an ONNX model, IR of any rung, or tensor expressions to something to call with arrays.

    A program with symbolic extents is compiled for `sizes` if they are given, else for each set of sizes that it is
    called with. One whose extents depend on what some inputs hold is compiled for each set of these values, too.

    Args:
        target: the name of a backend, or a target attribute.
        schedule: the file of a script that takes the place of the default schedules.
        pipeline: the file of a pipeline, or its text, that takes the place of the target's own.
        threads: how many threads parallel loops use; 0 leaves it to OpenMP.
        conv_algorithm: how convolutions are computed: `direct`, `gemm`, `winograd-2` or `winograd-4`, where that is
            possible; `auto` decides for each by its size.
        exact: whether Winograd's algorithm, which rounds more than a sum of products does, is ruled out.
        report: is told how long each step took.
        cache: whether compiled code is kept on disk, or the folder that it is kept in.
        progress: is told before each kernel that is compiled.
        database: a database of trials, or its file: each kernel is scheduled by the best script in it, else by that of
            the kernel that is most like it, where that is legal, else by the shipped ones.
    """
    if source is None:
        if not isinstance(schedule, Scripted):
            raise ArgumentError("expected something to compile, got neither a source nor a Schedule")
        return schedule.compile(
            pipeline=pipeline,
            threads=threads,
            sizes=sizes,
            report=report,
            cache=cache,
            progress=progress,
            database=database,
        )
    threads = checked_threads(threads)
    kept = find_cache(cache)
    stamps = _stamps(source, schedule, pipeline)
    choice = [conv_algorithm, exact]
    key = None
    if kept is not None:
        key = _program_key(source, target, schedule, pipeline, sizes, choice, _fingerprint(database, threads))
    if kept is not None and key is not None:
        start = time.perf_counter()
        compiled = find_program(kept, key, _folder(source))
        if compiled is not None:
            program = Executable(compiled, threads)
            if report is not None:
                report.steps.append(("load from the cache", time.perf_counter() - start))
                report.schedules.update((each.name, each.schedule) for each in program.kernels if each.schedule)
            return program
    from .driver import compile as compile_anew

    program = compile_anew(
        source,
        target=target,
        schedule=schedule,
        pipeline=pipeline,
        threads=threads,
        sizes=sizes,
        conv_algorithm=conv_algorithm,
        exact=exact,
        report=report,
        cache=False if kept is None else kept,
        progress=progress,
        database=database,
    )
    if kept is not None and key is not None and isinstance(program, Executable):
        others = _other_files(source, pipeline)
        # What was changed meanwhile would have another key.
        if others is not None and _stamps(source, schedule, pipeline) == stamps:
            program.compiled = store_program(kept, key, program.compiled, others)
            kept.trim()
    return program


def _stamps(*files: Any) -> list[tuple[int, int, int]]:
    """What changes when a file does, of each that is there."""
    stamps: list[tuple[int, int, int]] = []
    for file in files:
        if isinstance(file, str | os.PathLike):
            with suppress(OSError, ValueError):
                stat = os.stat(cast("str | os.PathLike[str]", file))
                stamps.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return stamps


def _program_key(
    source: Any,
    target: Any,
    schedule: Any,
    pipeline: str | os.PathLike[str] | None,
    sizes: Mapping[str, int] | None,
    choice: list[Any],
    database: list[Any] | None,
) -> str | None:
    """The key of a program that is compiled from a file for this machine; None if it is none, or not to be read."""
    if target != "llvm-cpu" or not isinstance(source, str | os.PathLike):
        return None
    path = os.fspath(cast("str | os.PathLike[str]", source))
    try:
        return key_of(
            format=1,
            suffix=Path(path).suffix,
            source=file_checksum(path),
            schedule=None if schedule is None else file_checksum(schedule),
            pipeline=None if pipeline is None else _pipeline_text(pipeline),
            sizes=dict(sizes or {}),
            choice=choice,
            database=database,
            target=[target, host_facts()],
            versions=versions(),
        )
    except (OSError, TypeError, ValueError):
        return None


def _fingerprint(database: DatabaseSource | None, threads: int) -> list[Any] | None:
    """What a compilation with a database depends on."""
    if database is None:
        return None
    from ..autotune.database.store import Database

    if isinstance(database, Database):
        return [database.fingerprint(), threads]
    if not isinstance(database, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"expected a database or its file, got {database!r}")
    with Database(database, create=False) as opened:
        return [opened.fingerprint(), threads]


def _pipeline_text(pipeline: str | os.PathLike[str]) -> str:
    """What a pipeline is: the content of its file, or its text."""
    if isinstance(pipeline, str) and not pipeline.endswith(".mlir"):
        return pipeline
    return checksum(Path(pipeline).read_bytes())


def _folder(source: Any) -> Path:
    return Path(os.path.abspath(source)).parent


def _other_files(source: Any, pipeline: str | os.PathLike[str] | None) -> dict[str, str] | None:
    """The further files that a program is compiled from, as paths from its folder, with their checksums. None if there
    are some elsewhere: the scripts that a pipeline names."""
    if pipeline is not None:
        from .driver import script_files

        if script_files(pipeline):
            return None
    if Path(source).suffix != ".onnx":
        return {}
    from ..frontends.onnx.files import files_of

    folder = _folder(source)
    return {os.path.relpath(file, folder): file_checksum(file) for file in files_of(folder / Path(source).name)}
