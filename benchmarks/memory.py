"""How much memory models work in, beside their weights, inputs and outputs.

For each model: what its tensors would take one beside the other; the most bytes of them that live at one time (the
*bound*); what a call works in (its *peak*), and how many times the bound that is. Tensors are those between kernels and
the states of recurrences, which live as long as their kernel runs. What kernels stage, pad or pack, for their threads
too, and what is left between places is in the peak and not in the bound. `--check` exits with 1 where the peak is more
than `--most` times the bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import stepwell as sw
from models import EXPORTERS, MODELS, export
from stepwell.dialects.loop import AllocOp, IteratorKind, blocks_in, byte_count, memref_type
from stepwell.passes.loop.memory.liveness import calls_in, function_buffers, positions
from stepwell.passes.loop.memory.packing import Request, live_bytes
from stepwell.runtime.executable import Executable
from stepwell.tools.driver import lower
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

ABOVE = "loop-elide-copies"
"""The pass after which the tensors between kernels are buffers of `@main`."""


@dataclass(frozen=True)
class Row:
    """The memory of a model, in bytes."""

    model: str
    total: int
    bound: int
    peak: int
    weights: int

    @property
    def ratio(self) -> float:
        """How many times the bound is needed."""
        return self.peak / self.bound if self.bound else 1.0

    def __str__(self) -> str:
        sizes = (f"{size / 1024:11.1f}" for size in (self.total, self.bound, self.peak, self.weights))
        return f"{self.model:24}{''.join(sizes)}{self.ratio:9.3f}"


HEADER = f"{'KiB':24}{'all':>11}{'bound':>11}{'peak':>11}{'weights':>11}{'ratio':>9}"


def states_of(kernel: FuncOp) -> int:
    """The bytes of the states of a kernel's recurrences that are no outputs."""
    states = {
        buffer
        for block in blocks_in(kernel)
        if block.has_kind(IteratorKind.ORDERED)
        for buffer in block.written_buffers()
        if isinstance(buffer.owner, AllocOp) and isinstance(buffer.owner.parent_op(), FuncOp)
    }
    return sum(byte_count(memref_type(state)) for state in states)


def tensors_of(module: ModuleOp) -> list[Request]:
    """The tensors of a model, and when they live."""
    kernels = {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp)}
    main = kernels["main"]
    times = positions(main)
    tensors = [buffer.request for buffer in function_buffers(main, times)]
    for call in calls_in(main):
        size = states_of(kernels[call.callee.root_reference.data])
        tensors.append(Request(times[call], times[call], size))
    return tensors


def measure(name: str, path: Path) -> Row:
    """The memory of the model in a file."""
    requests = tensors_of(lower(path, until=ABOVE))
    program = sw.compile(path)
    assert isinstance(program, Executable), "expected a model of fixed sizes"
    total = sum(request.size for request in requests)
    return Row(name, total, live_bytes(requests), program.memory.arena, program.memory.weights)


def run(names: Sequence[str], folder: Path, small: bool) -> list[Row]:
    """Measures models, each from both exporters, and prints what is found."""
    rows: list[Row] = []
    print(HEADER)
    for name in names:
        for exporter in EXPORTERS:
            path = export(name, folder, exporter, small=small)
            rows.append(measure(f"{name} ({exporter})", path))
            print(rows[-1], flush=True)
    return rows


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"{', '.join(MODELS)} (default: all of them)")
    parser.add_argument("--folder", type=Path, help="where the models are, or are exported to")
    parser.add_argument("--small", action="store_true", help="small models of the same structure")
    parser.add_argument("--check", action="store_true", help="fail where the peak is too far above the bound")
    parser.add_argument("--most", type=float, default=1.1, help="how far that is (default: %(default)s)")
    options = parser.parse_args()
    if unknown := [name for name in options.models if name not in MODELS]:
        parser.error(f"unknown model '{unknown[0]}'")
    with tempfile.TemporaryDirectory() as scratch:
        rows = run(options.models or list(MODELS), options.folder or Path(scratch), options.small)
    over = [row for row in rows if row.ratio > options.most]
    for row in over:
        print(f"{row.model}: expected at most {options.most} times the bound, got {row.ratio:.3f}", file=sys.stderr)
    return 1 if over and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
