"""`stepwell-opt`: parse, verify, transform and print IR of any rung."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import IO

from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError
from xdsl.xdsl_opt_main import xDSLOptMain

from ..dialects.source import parse_module
from ..errors import StepwellError
from .context import FirstWinsContext, our_dialects


class StepwellOptMain(xDSLOptMain):
    """xDSL's driver with our dialects and passes."""

    def register_all_dialects(self) -> None:
        self.ctx = FirstWinsContext()
        for name, factory in our_dialects().items():
            self.ctx.register_dialect(name, factory)
        super().register_all_dialects()

    def register_all_frontends(self) -> None:
        super().register_all_frontends()

        def parse(io: IO[bytes]) -> ModuleOp:
            return parse_module(
                self.ctx, io.read(), self.get_input_name(), implicit_module=not self.args.no_implicit_module
            )

        self.available_frontends["mlir"] = parse

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        arg_parser.usage = "stepwell-opt [options] [input_file]"
        arg_parser.add_argument("--debug", action="store_true", help="print a traceback with an error")


def main(args: Sequence[str] | None = None) -> int:
    """Run the tool; the exit code is 1 if the input or the command line cannot work."""
    arguments = sys.argv[1:] if args is None else args
    try:
        StepwellOptMain(args=arguments).run()
    except (StepwellError, DiagnosticException, ParseError, ArgSpecParseError, OSError, ValueError) as error:
        if "--debug" in arguments:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
