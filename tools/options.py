"""Options that several commands take, and what reads their values."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """A positive number."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got '{text}'")
    return int(text)


def size(text: str) -> tuple[str, int]:
    """The value of a symbol, `NAME=N`."""
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"expected NAME=N, got '{text}'")
    return name, int(number)


def add_lowering(parser: argparse.ArgumentParser) -> None:
    """What decides which kernels a program is lowered to."""
    parser.add_argument("--pipeline", metavar="FILE.mlir", help="a pipeline in place of the target's own")
    parser.add_argument(
        "--size",
        metavar="NAME=N",
        type=size,
        action="append",
        default=[],
        dest="sizes",
        help="the value of a symbolic extent; may be repeated",
    )
    parser.add_argument(
        "--conv-algorithm",
        metavar="NAME",
        default="auto",
        help="how convolutions are computed, where that is possible: auto, direct, gemm, winograd-2 or winograd-4",
    )
    parser.add_argument(
        "--exact", action="store_true", help="rule out algorithms that round more than a sum of products does"
    )
