"""The schedule that we ship for a kernel, as a sketch: a seed, and what no search should end up behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....backends.lowering import schedule_entry
from ....backends.registry import make_context
from ....transform.interpreter import DEFAULT_ENTRY
from ....transform.script import parse_script
from ..sketch import Sketch

if TYPE_CHECKING:
    from ..build import Subject

SCRIPT = """
module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.consumed}}) {{
    %kernel = transform.structured.match ops{{["func.func"]}} in %root : (!transform.any_op) -> !transform.any_op
    transform.include @{entry} failures(suppress) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }}
  transform.named_sequence private @{entry}(%kernel: !transform.any_op {{transform.consumed}})
}}
"""


OURS = "schedule_kernel"
"""Where the schedules that we ship start, if they are told of a single kernel."""


def shipped(subject: Subject) -> Iterator[Sketch]:
    """The one sketch, which has no knobs: it starts where the pipeline does."""
    entry = schedule_entry(subject.workload.module)
    script = SCRIPT.format(entry=OURS if entry == DEFAULT_ENTRY else entry)
    yield Sketch("shipped", parse_script(script, "shipped.mlir", make_context()), subject.facts)


__all__ = ["shipped"]
