"""What rules write with: a schedule that is done on a copy of a kernel, a sketch once its knobs are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...backends.registry import make_context, pass_registry
from ...dialects.loop import BlockOp, ForOp, blocks_in
from ...errors import ArgumentError, ScheduleError
from ...passes.loop.apply_schedules import shipped_libraries
from ...passes.pass_manager import PassRunner
from ...transform.dialect import Transform
from ...transform.knobs import reopen_knobs
from ...transform.library import libraries_of
from ...transform.recorder import Handle, Recorder, method_of, recordable_ops
from ...transform.sched import Sched
from ...transform.target import TargetFacts
from ..workload import Workload
from .sketch import Sketch

if TYPE_CHECKING:
    from ...transform.schedule_methods import ScheduleMethods
else:

    class ScheduleMethods:
        """What type checkers see of the methods is written down in `transform/schedule_methods.py`."""


Number = Handle | int
"""What sizes are: a knob, what follows from knobs, or a constant."""


def facts_of(workload: Workload) -> Mapping[str, int]:
    """What the target of a workload says of itself: vectors, registers, caches, threads."""
    target = workload.target
    return target.facts() if isinstance(target, TargetFacts) else {}


class Writer(Recorder, ScheduleMethods):
    """A copy of a workload, and the script of what a rule has done to it.

        write = Writer(workload)
        c = write.match_block("reduce0")
        i, j, k = write.get_loops(c)
        io, ii = write.tile(i, write.choose("rows", [4, 6, 8]))
        …
        sketch = write.sketch("contraction/rows")

    What is done depends on structure, not on what knobs hold: it has to be the right thing for each of their options.
    """

    def __init__(self, workload: Workload) -> None:
        ctx = make_context()
        super().__init__(workload.copy(), ctx, PassRunner(ctx, pass_registry()))
        # Intrinsics are in the scripts that we ship.
        self.interpreter.libraries = (*shipped_libraries(), *libraries_of(ctx))
        self.workload = workload
        self.facts = facts_of(workload)
        self._blocks: dict[str, Handle] = {}

    def sketch(self, name: str) -> Sketch:
        """What has been done, with open knobs."""
        return Sketch(name, reopen_knobs(self.script_module), self.facts)

    def choose(self, name: str, options: Sequence[int], first: int | None = None) -> Number:
        """A knob with these options, in order and each once; a number if there is but one. The sketch is written with
        `first`, else with the first option, which has to keep all constraints.

        Raises:
            ArgumentError: if there are no options.
        """
        found = sorted(set(options))
        if not found:
            raise ArgumentError(f"expected options of knob '{name}', got none")
        if len(found) == 1:
            return found[0]
        return self.knob(name, found, found[0] if first is None else first)

    def block(self, name: str) -> Handle:
        """The handle of a block, which is looked up once."""
        if name not in self._blocks:
            self._blocks[name] = self.match_block(name)
        return self._blocks[name]

    def block_op(self, handle: Handle) -> BlockOp:
        """The block that a handle stands for now."""
        (op,) = handle.ops
        assert isinstance(op, BlockOp)
        return op

    def loop_op(self, handle: Handle) -> ForOp:
        """The loop that a handle stands for now."""
        (op,) = handle.ops
        assert isinstance(op, ForOp)
        return op

    def extent(self, loop: Handle) -> int:
        """The extent of a loop, which must not depend on knobs."""
        return self.loop_op(loop).extent

    @property
    def blocks(self) -> list[BlockOp]:
        """The blocks of the kernel as it is now."""
        return blocks_in(self.root)

    def times(self, a: Number, b: Number) -> Number:
        """A product, which is computed in the script if a knob is in it."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 1 or b == 1:
            return b if a == 1 else a
        return self.param(a, b, kind="mul")

    def plus(self, a: Number, b: Number) -> Number:
        """A sum, which is computed in the script if a knob is in it."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return self.param(a, b, kind="add")

    def at_most(self, a: Number, b: Number) -> None:
        """A constraint that what knobs make keeps.

        Raises:
            ScheduleError: if numbers without knobs do not.
        """
        if isinstance(a, int) and isinstance(b, int):
            if a > b:
                raise ScheduleError(f"expected at most {b}, got {a}")
            return
        self.constrain(a, b, kind="le")

    def at_least(self, a: Number, b: Number) -> None:
        """The other way round."""
        self.at_most(b, a)

    def divides(self, a: Number, b: Number) -> None:
        """A constraint that one number divides another one, if a knob is in one of them and a number alone does not
        divide all."""
        if a != 1 and not (isinstance(a, int) and isinstance(b, int)):
            self.constrain(a, b, kind="divides")

    def value(self, number: Number) -> int:
        """What a number is for the options that the sketch is written with."""
        return number if isinstance(number, int) else number.number


for _name, _op in recordable_ops([Sched, Transform]).items():
    if not hasattr(Recorder, _name):
        setattr(Writer, _name, method_of(_op))

__all__ = ["Number", "Writer", "facts_of"]
