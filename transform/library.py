"""Libraries: scripts whose named sequences every script may include, or start at.

MLIR preloads them into a context, where they belong to the transform dialect; so do they here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Dialect, Operation

from ..errors import ScriptError

_PRIVATE = StringAttr("private")


class TransformLibrary(DialectInterface):
    """The libraries of a context: those that a pass preloaded, then those read when a script first runs in it."""

    def __init__(self, load: Callable[[], Sequence[ModuleOp]]) -> None:
        self.load = load
        self.preloaded: list[ModuleOp] = []


def with_libraries(transform: Dialect, load: Callable[[], Sequence[ModuleOp]]) -> Dialect:
    """The transform dialect of a context with libraries."""
    return Dialect(transform.name, list(transform.operations), list(transform.attributes), [TransformLibrary(load)])


def libraries_of(ctx: Context) -> Sequence[ModuleOp]:
    """The libraries that a context was made with."""
    transform = ctx.get_optional_dialect("transform")
    library = None if transform is None else transform.get_interface(TransformLibrary)
    return () if library is None else (*library.preloaded, *library.load())


def preload(ctx: Context, libraries: Sequence[ModuleOp]) -> None:
    """Lets every script that runs in a context from now on see further libraries.

    Raises:
        ScriptError: if two of them define the same sequence; the one that is searched first would hide the other.
    """
    transform = ctx.get_optional_dialect("transform")
    known = None if transform is None else transform.get_interface(TransformLibrary)
    assert known is not None, "expected a context that can hold libraries"
    defined: dict[str, Operation] = {}
    for library in (*known.preloaded, *libraries):
        for op in library.body.block.ops:
            name = op.properties.get("sym_name")
            private = op.properties.get("sym_visibility") == _PRIVATE
            if not isinstance(name, StringAttr) or private or not op.regions[0].blocks:
                continue
            if name.data in defined:
                raise ScriptError(
                    f"expected one definition of @{name.data} in the libraries, got two",
                    op,
                    (("the other one", defined[name.data]),),
                )
            defined[name.data] = op
    known.preloaded += libraries
