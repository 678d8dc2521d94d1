"""What a backend is: a target with its facts, a pipeline, a code generator, a loader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from ..runtime.signature import Signature


class Backend(ABC):
    """Compiles programs for one kind of machine. `--target` takes its name."""

    name: ClassVar[str]
    target_attribute: ClassVar[str]
    """The module attribute that names the target, such as `cpu.target`."""

    @property
    @abstractmethod
    def pipeline(self) -> Path:
        """The file of the default pipeline: a transform script."""

    @abstractmethod
    def default_target(self) -> Attribute:
        """The target that programs are compiled for unless they name one."""

    @abstractmethod
    def is_lowered(self, module: ModuleOp) -> bool:
        """Whether the pipeline has done its work: the module is what the code generator takes."""

    @abstractmethod
    def executable(
        self, module: ModuleOp, signature: Signature, constants: Sequence[Any] = (), *, threads: int = 0
    ) -> Any:
        """A lowered module as something to call."""

    @abstractmethod
    def emit(self, module: ModuleOp, kind: str) -> str | bytes:
        """A lowered module as a file of some kind, such as `object` or `assembly`."""

    @property
    @abstractmethod
    def file_kinds(self) -> tuple[str, ...]:
        """The kinds of files that `emit` knows."""
