"""What a backend is: a target with its facts, a pipeline, a code generator, a loader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from ..runtime.artifact import Kernel
from ..runtime.signature import Signature


@dataclass(frozen=True)
class ObjectCode:
    """Native code of a part of a program."""

    code: bytes
    target: Mapping[str, str]
    """The facts of the target that it was compiled for."""
    has_parallel_loops: bool = False


class Backend(ABC):
    """Compiles programs for one kind of machine. `--target` takes its name."""

    name: ClassVar[str]
    target_attribute: ClassVar[str]
    """The module attribute that names the target, such as `cpu.target`."""
    links_objects: ClassVar[bool] = False
    """Whether kernels may be compiled apart, each from a module of its own: `object_code` and `link` are there. What
    is tuned has to be."""

    @property
    @abstractmethod
    def pipeline(self) -> Path:
        """The file of the default pipeline: a transform script."""

    @abstractmethod
    def default_target(self) -> Attribute:
        """The target that programs are compiled for unless they name one."""

    def target_of_files(self) -> Attribute:
        """The same for native code that others load, and that has nobody who prepares the process for it."""
        return self.default_target()

    def check_host(self, target: Attribute) -> None:
        """Checks that this machine runs what is compiled for a target.

        Raises:
            TargetError: if it does not.
        """
        del target  # whoever says nothing runs anywhere

    @abstractmethod
    def is_lowered(self, module: ModuleOp) -> bool:
        """Whether the pipeline has done its work: the module is what the code generator takes."""

    @abstractmethod
    def executable(
        self, module: ModuleOp, signature: Signature, constants: Sequence[Any] = (), *, threads: int = 0
    ) -> Any:
        """A lowered module as something to call."""

    def object_code(self, module: ModuleOp) -> ObjectCode:
        """A lowered module as native code that `link` takes. What it only declares is elsewhere."""
        raise NotImplementedError

    def link(
        self,
        objects: Mapping[str, ObjectCode],
        signature: Signature,
        constants: Sequence[Any] = (),
        *,
        kernels: Sequence[Kernel] = (),
        threads: int = 0,
    ) -> Any:
        """The objects of a program, by name, as something to call."""
        raise NotImplementedError

    @abstractmethod
    def emit(self, module: ModuleOp, kind: str) -> str | bytes:
        """A lowered module as a file of some kind, such as `object` or `assembly`."""

    @property
    @abstractmethod
    def file_kinds(self) -> tuple[str, ...]:
        """The kinds of files that `emit` knows."""
