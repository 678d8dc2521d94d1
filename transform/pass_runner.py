"""Passes, as scripts see them: the interpreter is handed something that builds and runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from xdsl.ir import Operation
from xdsl.passes import ModulePass

from ..errors import PipelineError


class PassRunner(Protocol):
    """Builds passes by name, and runs them with whatever is to happen around a pass."""

    def build(self, name: str, options: Mapping[str, object]) -> ModulePass:
        """The pass with the options, whose values are attributes; `PipelineError` for an unknown name or option."""
        ...

    def run(self, pass_: ModulePass, op: Operation) -> None:
        """Runs a pass on a payload op."""
        ...


class NoPasses:
    """Knows no pass."""

    def build(self, name: str, options: Mapping[str, object]) -> ModulePass:
        """Raises."""
        raise PipelineError(f"expected a script that runs without passes, got pass '{name}'")

    def run(self, pass_: ModulePass, op: Operation) -> None:
        """Is never called."""
        raise AssertionError("a pass was built")
