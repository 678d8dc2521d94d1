"""Libraries: scripts whose named sequences every script may include, or start at.

MLIR preloads them into a context, where they belong to the transform dialect; so do they here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Dialect, Operation

from ..errors import ScriptError

_PRIVATE = StringAttr("private")
_DEFINITION = re.compile(r"(?:transform\.named_sequence|func\.func)\s+(private\s+)?@([\w$.-]+)")


@dataclass(eq=False)
class ScriptFile:
    """A library in a file, which is parsed when something that it defines is needed first."""

    path: Path
    load: Callable[[Path], ModuleOp]

    @cached_property
    def _glance(self) -> list[tuple[str, str]]:
        return _DEFINITION.findall(self.path.read_text("utf-8"))

    @cached_property
    def names(self) -> frozenset[str]:
        """What the file defines or declares, at a glance at its text."""
        return frozenset(name for _, name in self._glance)

    @cached_property
    def public(self) -> frozenset[str]:
        """The names that are not private: declarations of what is elsewhere are."""
        return frozenset(name for private, name in self._glance if not private)

    @cached_property
    def module(self) -> ModuleOp:
        """The module in the file."""
        return self.load(self.path)


Library: TypeAlias = "ModuleOp | ScriptFile"
"""Where sequences and functions are looked up."""


def modules_with(libraries: Iterable[Library], name: str) -> Iterator[ModuleOp]:
    """The libraries that may define a symbol, parsed; files that seem to do no more than declare it come last."""
    declaring: list[ScriptFile] = []
    for library in libraries:
        if isinstance(library, ModuleOp):
            yield library
        elif name in library.public:
            yield library.module
        elif name in library.names:
            declaring.append(library)
    for library in declaring:
        yield library.module


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
