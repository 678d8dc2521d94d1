"""Libraries: scripts whose named sequences every script may include, or start at.

MLIR preloads them into a context, where they belong to the transform dialect; so do they here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Dialect


class TransformLibrary(DialectInterface):
    """The libraries of a context, read when a script first runs in it."""

    def __init__(self, load: Callable[[], Sequence[ModuleOp]]) -> None:
        self.load = load


def with_libraries(transform: Dialect, load: Callable[[], Sequence[ModuleOp]]) -> Dialect:
    """The transform dialect of a context with libraries."""
    return Dialect(transform.name, list(transform.operations), list(transform.attributes), [TransformLibrary(load)])


def libraries_of(ctx: Context) -> Sequence[ModuleOp]:
    """The libraries that a context was made with."""
    transform = ctx.get_optional_dialect("transform")
    library = None if transform is None else transform.get_interface(TransformLibrary)
    return () if library is None else library.load()
