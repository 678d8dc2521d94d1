"""The page on the operators of the graph rung, made from what they say of themselves.

`python -m stepwell.tools.operator_page > docs/operators.md`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import cast

from xdsl.ir import Operation

from ..dialects.graph import TensorOp
from ..operators.registry import OPERATORS

_HEAD = """\
# Operators

The operators of the `graph` dialect, which [the architecture](architecture.md) puts on rung 1: what ONNX's operators
become. There are few of them: what fusion turns into the same kernel is composed by the converters
(`frontends/onnx/converters`). Each is in `operators/`, with its result types, its fusion class and its tensor
expression; what it computes in numpy, on its own, is in `operators/reference/`, and tests compare the two with each
other and with native code.

**Element types** are `f16 f32 f64 bf16`, `i1` (truth values), `i8 i16 i32 i64` and, on this rung only, `ui8 ui16 ui32
ui64`: `convert-graph-to-te` makes them signless, operations say the sign from there on, and arguments and results are
marked `te.unsigned`. Operands have one element type, and `graph.cast` changes it. Shapes broadcast as in numpy.

**What ONNX leaves open** is defined here, so that no value depends on the machine. Integers wrap. Where there is no
quotient, the dividend is divided by 1. Floats outside of the range of an integer type become the nearest integer
there is, NaN 0. A gather clamps indices out of range, a scatter leaves such updates out. Of several updates of one
element the last one wins. A shift by all bits or more leaves nothing.
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *_families()])


def _families() -> Iterator[str]:
    families: dict[str, list[type[Operation]]] = {}
    for op in OPERATORS:
        families.setdefault(op.__module__, []).append(op)
    for module, ops in families.items():
        summary = (sys.modules[module].__doc__ or "").split("\n\n")[0]
        yield f"## {module.rpartition('.')[2]}\n\n{_text(summary)}\n\n| operator | fuses as | computes |\n|---|---|---|"
        for op in ops:
            summary = (op.__doc__ or "").split("\n\n")[0]
            yield f"| `{op.name}` | {cast(type[TensorOp], op).FUSION_CLASS.value} | {_text(summary)} |"
        yield ""


def _text(summary: str) -> str:
    """A summary as a cell of a table."""
    return " ".join(summary.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
