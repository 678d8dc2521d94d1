"""`stepwell`: compile models, and run them."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .db_command import add_db
from .options import add_lowering, positive
from .report_command import add_report
from .tune_command import add_tune

# What a command needs is imported by the command: help and mistakes must be quick.
if TYPE_CHECKING:
    import numpy as np

    from ..runtime.executable import Executable
    from ..runtime.symbolic import SymbolicExecutable

_ALIASES = {"asm": "assembly", "obj": "object", "shared-lib": "shared-library"}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one message, with exit code 1."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"error: {message}\n")


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = _Parser(prog="stepwell", description="Compile tensor programs to native code.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_compile(commands.add_parser("compile", help="compile a model, IR of any rung, or emit it on one"))
    _add_run(commands.add_parser("run", help="run a compiled program, or a model, on arrays in a file"))
    add_db(commands.add_parser("db", help="look into databases of trials, and put them together"))
    add_report(commands.add_parser("report", help="write a page about what a database of trials holds"))
    add_tune(commands.add_parser("tune", help="search schedules for the kernels of a program"))
    return parser


def _add_compile(parser: argparse.ArgumentParser) -> None:
    parser.description = "Compile an ONNX model or IR of any rung."
    parser.add_argument("source", metavar="MODEL.onnx|FILE.mlir")
    parser.add_argument("-o", "--output", metavar="OUT", help="the folder of the program, or the file of --emit")
    parser.add_argument(
        "--emit",
        metavar="KIND",
        help="write something else than a program: the IR on a rung (graph, te, loop, cpu, mlir, llvm) or after a pass "
        "of the pipeline, or a kind of file that the target knows (llvm-ir, asm, object, shared-lib)",
    )
    parser.add_argument(
        "--list-kernels",
        action="store_true",
        help="print the distinct kernels: hash, number of calls, operators, shapes",
    )
    parser.add_argument("--timing", action="store_true", help="print how long each step took, on standard error")
    _add_common(parser)
    parser.set_defaults(command=compile_command)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.description = "Run a program that `stepwell compile` wrote; a model or IR is compiled first."
    parser.add_argument("program", metavar="OUT|MODEL.onnx|FILE.mlir")
    parser.add_argument("--input", metavar="X.npz", help="the inputs by name; needed if the program has any")
    parser.add_argument("--output", metavar="Y.npz", help="where the outputs go, by name; printed if there is none")
    _add_common(parser)
    parser.set_defaults(command=run_command)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="llvm-cpu", help="what to compile for (default: %(default)s)")
    parser.add_argument("--schedule", metavar="FILE.mlir", help="a script in place of the default schedules")
    add_lowering(parser)
    parser.add_argument("--threads", metavar="N", type=positive, help="how many threads parallel loops use")
    parser.add_argument(
        "--db", metavar="FILE", dest="database", help="a database of trials: kernels are scheduled by its best scripts"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print a line for each kernel, on standard error")
    parser.add_argument("--cache-dir", metavar="DIR", help="where compiled code is kept (default: the user's cache)")
    parser.add_argument("--no-cache", action="store_true", help="keep no compiled code, and use none")
    parser.add_argument("--debug", action="store_true", help="print a traceback with an error")


def compile_command(options: argparse.Namespace) -> None:
    """`stepwell compile`."""
    from ..errors import StepwellError

    if options.list_kernels:
        _list_kernels(options)
        return
    if options.emit is not None:
        _emit(options)
        return
    if options.output is None:
        raise StepwellError("expected -o OUT, got none")
    _save(_compile(options.source, options), options)


def _list_kernels(options: argparse.Namespace) -> None:
    from .driver import list_kernels

    asked = {name: value for name, value in _driver_options(options).items() if name != "schedule"}
    with _reproducing(options.source, options):
        found = list_kernels(options.source, database=options.database, **asked)
    _write(options.output, "".join(f"{kernel}\n" for kernel in found))


def _save(program: Executable | SymbolicExecutable, options: argparse.Namespace) -> None:
    from ..errors import CompileError
    from ..runtime.executable import Executable

    if not isinstance(program, Executable):
        raise CompileError("expected a program with fixed sizes, got symbolic ones: give each with --size NAME=N")
    program.save(options.output)
    if options.verbose or options.timing:
        print(f"memory: {program.memory}", file=sys.stderr)


def _compile(source: str, options: argparse.Namespace) -> Executable | SymbolicExecutable:
    from .front import compile
    from .progress import shown_progress

    report = None
    timing = getattr(options, "timing", False)
    if timing or (options.verbose and options.database is not None):
        from .driver import Report

        report = Report()
    with _reproducing(source, options), shown_progress(verbose=options.verbose) as progress:
        program = compile(
            source,
            threads=options.threads or 0,
            report=report,
            cache=_cache(options),
            progress=progress,
            database=options.database,
            **_driver_options(options),
        )
    if report is not None:
        for name, used in report.schedules.items():
            print(f"{name}: {used}", file=sys.stderr)
    if report is not None and timing:
        print(report, file=sys.stderr)
    return program


def _cache(options: argparse.Namespace) -> bool | str:
    return False if options.no_cache else options.cache_dir or True


@contextmanager
def _reproducing(source: str, options: argparse.Namespace) -> Generator[None]:
    """If a pass of the pipeline fails, write the IR before it with the rest of the pipeline, and note where."""
    try:
        yield
    except Exception as error:
        from .diagnostics import USER_ERRORS, describe_error
        from .driver import prepare
        from .reproducer import default_directory, write_reproducer

        try:
            ctx, module, manager = prepare(source, **_driver_options(options))
            path = write_reproducer(default_directory(), manager, ctx, module, describe_error(error))
        # No pass fails, or not on its own: the error itself says what there is to say.
        except (*USER_ERRORS, AssertionError):
            raise error from None
        error.add_note(f"reproducer: {path}")
        raise


def _driver_options(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "target": options.target,
        "schedule": options.schedule,
        "pipeline": options.pipeline,
        "sizes": dict[str, int](options.sizes) or None,
        "conv_algorithm": options.conv_algorithm,
        "exact": options.exact,
    }


def _emit(options: argparse.Namespace) -> None:
    from ..backends.registry import get_backend, pass_registry
    from ..errors import StepwellError, did_you_mean
    from .driver import RUNGS, lower
    from .printing import module_text

    asked: str = options.emit
    kind = _ALIASES.get(asked, asked)
    backend = get_backend(options.target)
    if kind not in backend.file_kinds and kind not in RUNGS and kind not in pass_registry():
        kinds = [*RUNGS, *backend.file_kinds, *_ALIASES]
        hint = did_you_mean(kind, kinds) or f"; expected one of {', '.join(kinds)} or a pass of the pipeline"
        raise StepwellError(f"unknown kind '{asked}' to emit{hint}")
    is_file = kind in backend.file_kinds
    with _reproducing(options.source, options):
        module = lower(
            options.source,
            until=None if is_file else kind,
            database=options.database,
            threads=options.threads or 0,
            for_files=kind in ("object", "shared-library"),
            **_driver_options(options),
        )
    if is_file:
        _write(options.output, backend.emit(module, kind))
        return
    _write(options.output, module_text(module, options.output))


def _write(path: str | None, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    if path is None:
        sys.stdout.buffer.write(data)
    else:
        Path(path).write_bytes(data)


def run_command(options: argparse.Namespace) -> None:
    """`stepwell run`."""
    import numpy as np

    from ..runtime.executable import Executable

    program = _program(options)
    inputs = _inputs(options.input, program.input_names)
    if not isinstance(program, Executable):
        program = program.specialized(program.sizes_of(inputs))
    results: np.ndarray[Any, Any] | tuple[np.ndarray[Any, Any], ...] = program(*inputs)
    arrays = results if isinstance(results, tuple) else (results,)
    outputs = dict(zip(program.output_names, arrays, strict=True))
    if options.output is not None:
        _write_arrays(options.output, outputs)
        return
    for name, array in outputs.items():
        print(f"{name}: {array.dtype}[{', '.join(map(str, array.shape))}]")
        print(np.array2string(array, threshold=64))


def _program(options: argparse.Namespace) -> Executable | SymbolicExecutable:
    if Path(options.program).suffix in (".onnx", ".mlir"):
        return _compile(options.program, options)
    from ..runtime.executable import load

    return load(options.program, threads=options.threads)


def _inputs(path: str | None, names: Sequence[str]) -> list[np.ndarray[Any, Any]]:
    """The arrays of a file in the order of the program's inputs."""
    from ..errors import ArgumentError, did_you_mean

    given: Mapping[str, np.ndarray[Any, Any]] = {} if path is None else _read_arrays(path)
    if path is None and names:
        raise ArgumentError(f"expected --input with {', '.join(names)}, got none")
    for name in given:
        if name not in names:
            hint = did_you_mean(name, names) or f"; expected {', '.join(names) or 'none'}"
            raise ArgumentError(f"unknown input '{name}' in '{path}'{hint}")
    for name in names:
        if name not in given:
            raise ArgumentError(f"expected input '{name}' in '{path}', got {', '.join(given) or 'none'}")
    return [given[name] for name in names]


def _write_arrays(path: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write an .npz file. numpy's own function takes the names as keywords, so that some names cannot be used."""
    import zipfile

    import numpy as np

    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def _read_arrays(path: str) -> dict[str, np.ndarray[Any, Any]]:
    import zipfile

    import numpy as np

    from ..errors import ArgumentError

    try:
        with open(path, "rb") as file:
            arrays = np.load(file, allow_pickle=False)
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ArgumentError(f"expected '{path}' to be an .npz file of named arrays, got a single array")
            return {name: arrays[name] for name in arrays.files}
    except OSError as error:
        raise ArgumentError(f"cannot read '{path}': {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise ArgumentError(f"cannot read '{path}': expected an .npz file of plain arrays ({error})") from error


def main(args: Sequence[str] | None = None) -> int:
    """Run the tool; the exit code is 1 if what the user gave cannot work."""
    arguments = sys.argv[1:] if args is None else args
    options = make_parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        options.command(options)
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]
            sys.stdout.flush()  # while it can be told that this failed
        return 0
    except BaseException as error:
        failure = error
    from .diagnostics import run_tool

    return run_tool(lambda: _raise(failure), arguments)


def _raise(error: BaseException) -> NoReturn:
    raise error


def _show_warning(message: Warning | str, *_: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
