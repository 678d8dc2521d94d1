"""The schedule that we ship for a kernel, as a sketch: a seed, and what no search should end up behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....backends.registry import make_context
from ....transform.script import parse_script
from ..sketch import Sketch

if TYPE_CHECKING:
    from ..build import Subject

SCRIPT = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.consumed}) {
    %kernel = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.include @schedule_kernel failures(suppress) (%kernel) : (!transform.any_op) -> ()
    transform.yield
  }
  transform.named_sequence private @schedule_kernel(%kernel: !transform.any_op {transform.consumed})
}
"""


def shipped(subject: Subject) -> Iterator[Sketch]:
    """The one sketch, which has no knobs."""
    yield Sketch("shipped", parse_script(SCRIPT, "shipped.mlir", make_context()), subject.facts)


__all__ = ["shipped"]
