"""The rules that we ship, by name: each looks at the structure of a kernel and writes sketches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .blocks import blocks
from .contraction import contraction
from .loops import loops
from .maps import maps
from .reductions import reductions
from .shipped import shipped
from .tensors import tensors
from .windows import windows
from .winograd import winograd

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch

RULES: dict[str, Callable[[Subject], Iterator[Sketch]]] = {
    "contraction": contraction,
    "tensors": tensors,
    "windows": windows,
    "winograd": winograd,
    "reductions": reductions,
    "maps": maps,
    "blocks": blocks,
    "loops": loops,
    "shipped": shipped,
}
"""In the order in which they are asked."""
