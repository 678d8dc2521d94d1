"""Stepwell as a backend of ONNX's own test suite (`onnx.backend.test`), and for whatever else speaks that interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from onnx import ModelProto
from onnx.backend.base import Backend, BackendRep

from ..runtime.executable import Executable
from ..runtime.symbolic import SymbolicExecutable
from .driver import compile


class StepwellRep(BackendRep):
    """A compiled model."""

    def __init__(self, executable: Executable | SymbolicExecutable):
        self.executable = executable

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for some inputs, in the model's order."""
        results = self.executable(*cast("Sequence[Any]", inputs))
        return cast("tuple[Any, ...]", results) if isinstance(results, tuple) else (results,)


class StepwellBackend(Backend):
    """Compiles for the CPU that it runs on.

    Example: `onnx.backend.test.BackendTest(StepwellBackend, __name__)`.
    """

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> StepwellRep:
        """Compiles a model; `kwargs` are those of `stepwell.compile`.

        Raises:
            ImportModelError: if the model has something that is not supported.
        """
        return StepwellRep(compile(model, **kwargs))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether `device` is the CPU."""
        return device == "CPU"
