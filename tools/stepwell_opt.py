"""`stepwell-opt`: parse, verify, transform and print IR of any rung."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from textwrap import TextWrapper
from typing import IO

from xdsl.dialects.builtin import ModuleOp
from xdsl.xdsl_opt_main import xDSLOptMain

from ..backends.registry import BACKENDS, make_own_context, our_dialects, pass_registry, plugins
from ..dialects.source import parse_module, verify_module
from ..errors import PipelineError
from ..passes.common.transform_interpreter import TransformInterpreterPass
from ..passes.pass_manager import (
    Instrumentation,
    PassManager,
    PrintIR,
    Step,
    Timing,
    VerifyEach,
    build_pipeline,
)
from ..passes.registry import our_passes
from ..passes.script_pipeline import expand_scripts
from ..transform.watch import StopAfter, Watcher, watching
from .diagnostics import USER_ERRORS, Reported, describe_error, run_tool
from .printing import data_for
from .reproducer import FailureRecorder, default_directory, read_pipeline, write_reproducer
from .stepping import PrintAfterEach, Stepper


class StepwellOptMain(xDSLOptMain):
    """xDSL's driver with our dialects, our passes and MLIR's pipelines."""

    manager: PassManager

    def register_all_dialects(self) -> None:
        self.ctx = make_own_context()
        super().register_all_dialects()

    def register_all_passes(self) -> None:
        super().register_all_passes()
        # Passes that other packages offer xDSL stay; where names meet, ours win.
        self.registry = pass_registry().over(self.available_passes)
        self.available_passes = dict(self.registry.factories())

    def register_all_frontends(self) -> None:
        super().register_all_frontends()
        self.available_frontends["mlir"] = lambda io: self._parse(io.read(), 0)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        arg_parser.prog = "stepwell-opt"
        arg_parser.usage = "stepwell-opt [options] [input_file]"
        arg_parser.formatter_class = argparse.RawDescriptionHelpFormatter
        arg_parser.epilog = describe_names()
        add_arguments(arg_parser)

    def setup_pipeline(self) -> None:
        spec, self.args.passes = self.args.passes, ""
        super().setup_pipeline()
        self.args.passes = spec
        if self.args.run_reproducer:
            spec = self._pipeline_of_reproducer()
        if self.args.pipeline and spec:
            raise PipelineError("expected one of --passes and --pipeline, got both")
        self.manager = PassManager((*self._schedule(), *self._steps(spec)), self.registry)
        self.timing = Timing()
        self.recorder = FailureRecorder()
        self.instrumentation = tuple(self._instrumentation())
        self.watchers = tuple(self._watchers())
        self.input = (b"", 0)

    def _pipeline_of_reproducer(self) -> str:
        if self.args.input_file is None or self.args.passes or self.args.pipeline or self.args.schedule:
            raise PipelineError("expected a file and no other pipeline with --run-reproducer")
        return read_pipeline(Path(self.args.input_file).read_text("utf-8").splitlines(), self.args.input_file)

    def _schedule(self) -> Iterator[Step]:
        if self.args.schedule:
            yield Step(TransformInterpreterPass(script=self.args.schedule))

    def _steps(self, spec: str) -> Sequence[Step]:
        if self.args.pipeline:
            # The passes of the script are the pipeline; the script itself is none of them.
            return (Step(TransformInterpreterPass(script=self.args.pipeline), quiet=True),)
        return build_pipeline(spec, self.registry).steps

    def _instrumentation(self) -> Iterator[Instrumentation]:
        args = self.args
        before, after = frozenset[str](args.print_ir_before), frozenset[str](args.print_ir_after)
        for name in sorted(before | after):
            self.registry.check(name)
        if before or after or args.print_ir_after_all or args.print_between_passes:
            after_all = args.print_ir_after_all or args.print_between_passes
            yield PrintIR(sys.stderr, before=before, after=after, after_all=after_all, generic=args.print_op_generic)
        yield self.recorder
        if args.timing or args.time_passes:
            yield self.timing
        if args.verify_each and not args.disable_verify:
            yield VerifyEach()

    def _watchers(self) -> Iterator[Watcher]:
        args = self.args
        if args.step:
            yield Stepper(sys.stdout, interactive=sys.stdin.isatty() and sys.stdout.isatty())
        if args.print_after_each:
            yield PrintAfterEach(sys.stderr, generic=args.print_op_generic)
        if args.stop_after is not None:
            yield StopAfter(args.stop_after)

    def run(self) -> None:
        """Show the pipeline, or run it on each chunk of the input."""
        if self.args.show_pipeline:
            print(expand_scripts(self.manager, self.ctx, strict=True).pipeline())
            return
        super().run()
        if self.args.timing or self.args.time_passes:
            self.timing.report(sys.stderr)

    def get_input_stream(self) -> tuple[IO[bytes], str]:
        stream, extension = super().get_input_stream()
        try:
            return BytesIO(stream.read()), extension
        finally:
            if stream is not sys.stdin.buffer:
                stream.close()

    def parse_chunk(self, chunk: IO[bytes], file_extension: str, start_offset: int = 0) -> ModuleOp | None:
        # Kept for the reproducer: nothing else of the input's state is.
        self.input = (chunk.read(), start_offset)
        with self.reporting(), self.timing.phase("parse"):
            if file_extension == "mlir":
                return self._parse(*self.input)
            return super().parse_chunk(BytesIO(self.input[0]), file_extension, start_offset)

    def _parse(self, text: bytes, line_offset: int) -> ModuleOp:
        implicit_module = not self.args.no_implicit_module
        return parse_module(
            self.ctx, text, self.get_input_name(), line_offset=line_offset, implicit_module=implicit_module
        )

    def apply_passes(self, prog: ModuleOp) -> None:
        with self.reporting(prog), self.timing.phase("verify"):
            # Upstream's own pipeline, which is empty, would only verify once more.
            if not self.args.disable_verify:
                verify_module(prog)
        try:
            with self.reporting(prog), watching(*self.watchers):
                self.manager.run(self.ctx, prog, self.instrumentation)
                if self.manager.steps and not self.args.disable_verify:
                    with self.timing.phase("verify"):
                        prog.verify()
        except Exception as error:
            self._reproduce(error)
            raise

    def _reproduce(self, error: Exception) -> None:
        failed = self.recorder.failed
        if failed is None or self.args.no_reproducer or self.args.verify_diagnostics:
            return
        message = str(error) if isinstance(error, Reported) else f"{type(error).__name__}: {error}"
        manager = expand_scripts(self.manager, self.ctx)
        try:
            path = write_reproducer(
                Path(self.args.reproducer_dir), manager, self.ctx, self._parse(*self.input), message
            )
        # The error that is being reported matters more than one on the way to its reproducer.
        except (*USER_ERRORS, AssertionError) as second:
            error.add_note(f"no reproducer of pass '{failed.name}': {second}")
            return
        error.add_note(f"reproducer of pass '{failed.name}': {path}")

    def output_resulting_program(self, prog: ModuleOp) -> str:
        if self.args.step and self.args.output_file is None:
            return ""
        with self.reporting(prog), self.timing.phase("print"), data_for(self.args.output_file):
            return super().output_resulting_program(prog)

    @contextmanager
    def reporting(self, root: ModuleOp | None = None) -> Generator[None]:
        """Give what the user caused a message that is complete."""
        try:
            yield
        except Reported:
            raise
        except USER_ERRORS as error:
            if self.args.debug:
                error.add_note(f"message without --debug: {describe_error(error, root)}")
                raise
            raise Reported(describe_error(error, root)) from error


def add_arguments(arg_parser: argparse.ArgumentParser) -> None:
    """What xDSL's driver does not have."""
    pipeline = arg_parser.add_argument_group("pipelines")
    pipeline.add_argument("--pass-pipeline", dest="passes", metavar="PIPELINE", default="", help="the same as --passes")
    pipeline.add_argument("--pipeline", metavar="FILE", help="run the passes that a transform script applies")
    pipeline.add_argument("--schedule", metavar="FILE", help="run a transform script on the input, before any pass")
    pipeline.add_argument("--show-pipeline", action="store_true", help="print the pipeline as text and exit")
    scripts = arg_parser.add_argument_group("transform scripts, operation by operation")
    scripts.add_argument(
        "--print-after-each",
        action="store_true",
        help="print the IR on standard error after each operation",
    )
    scripts.add_argument(
        "--stop-after", metavar="N", type=_count, help="stop scripts after N operations; the passes go on"
    )
    scripts.add_argument(
        "--step",
        action="store_true",
        help="print each operation with what it changes, in place of the result; wait after each on a terminal",
    )
    watch = arg_parser.add_argument_group("instrumentation, on standard error")
    watch.add_argument("--verify-each", action="store_true", help="verify after each pass")
    watch.add_argument("--print-ir-after-all", action="store_true", help="print the IR after each pass")
    for when in ("before", "after"):
        watch.add_argument(
            f"--print-ir-{when}",
            metavar="PASS",
            action="extend",
            type=lambda names: names.split(","),
            default=[],
            help=f"print the IR {when} these passes, which commas separate",
        )
    watch.add_argument("--timing", action="store_true", help="print how long each pass took")
    failures = arg_parser.add_argument_group("failures")
    failures.add_argument("--debug", action="store_true", help="print a traceback with an error")
    failures.add_argument(
        "--reproducer-dir",
        metavar="DIR",
        default=str(default_directory()),
        help="where the IR before a pass that failed goes, with the rest of the pipeline",
    )
    failures.add_argument("--no-reproducer", action="store_true", help="write no reproducer")
    failures.add_argument("--run-reproducer", action="store_true", help="run the pipeline in the input's header")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of operations, got '{text}'")
    return int(text)


def describe_names() -> str:
    """What is there by name, ours and that of each plugin, for the end of the help."""
    lines = [_listed("stepwell", {"dialects": our_dialects(), "passes": our_passes(), "targets": BACKENDS})]
    for plugin in plugins():
        slots = {
            "dialects": plugin.dialects(),
            "passes": plugin.passes(),
            "transform ops": plugin.transform_ops(),
            "targets": plugin.backends(),
            "space rules": plugin.space_rules(),
        }
        lines.append(_listed(f"plugin {plugin.name}", slots))
    return "\n".join(lines)


def _listed(owner: str, slots: Mapping[str, Iterable[str]]) -> str:
    wrapper = TextWrapper(width=100, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    lists = (wrapper.fill(f"{slot}: {', '.join(names)}") for slot, names in slots.items() if names)
    return "\n".join([f"{owner}:", *lists])


def main(args: Sequence[str] | None = None) -> int:
    """Run the tool; the exit code is 1 if the input or the command line cannot work."""
    arguments = sys.argv[1:] if args is None else args
    return run_tool(lambda: StepwellOptMain("Stepwell's modular optimizer driver", arguments).run(), arguments)


if __name__ == "__main__":
    sys.exit(main())
