"""Scripts as a worker reads them: many come from one sketch, and differ in the values of their knobs only."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64

from ...transform.script import parse_script
from ...transform.upstream.tuning import KnobOp

_KNOB = re.compile(r'(transform\.tune\.knob<"([^"\\]*)"> = )(-?\d+) : i64 from')
_KEPT = 32
"""How many sketches are remembered."""


@dataclass(eq=False)
class ScriptReader:
    """Parses scripts; of one that it knows but for the values of knobs, only these."""

    ctx: Context
    _known: OrderedDict[str, ModuleOp] = field(default_factory=OrderedDict[str, ModuleOp])

    def read(self, text: str) -> ModuleOp:
        """The verified module that a text spells. It is the reader's, and changes with the next one that is read.

        Raises:
            ParseError: if it is no script.
            VerifyException: if it is not valid.
        """
        values = [(match[2], int(match[3])) for match in _KNOB.finditer(text)]
        key = _KNOB.sub(r"\1from", text)
        script = self._known.get(key)
        if script is not None and self._select(script, values):
            self._known.move_to_end(key)
            return script
        script = self._known[key] = parse_script(text, "<script>", self.ctx)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return script

    @staticmethod
    def _select(script: ModuleOp, values: list[tuple[str, int]]) -> bool:
        """Sets the knobs of a script in order; false if these are others than those in its text."""
        knobs = [op for op in script.walk() if isinstance(op, KnobOp) and isinstance(op.selected, IntegerAttr)]
        if [knob.name_.data for knob in knobs] != [name for name, _ in values]:
            return False
        for knob, (_, value) in zip(knobs, values, strict=True):
            knob.selected = IntegerAttr(value, i64)
            knob.verify_()
        return True
