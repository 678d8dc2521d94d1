"""The backend `toy-cpu`: Stepwell's code generator for CPUs behind a pipeline of our own."""

from __future__ import annotations

from pathlib import Path

from stepwell.backends.llvm_cpu import LlvmCpuBackend


class ToyCpuBackend(LlvmCpuBackend):
    """A CPU with the unit."""

    name = "toy-cpu"

    @property
    def pipeline(self) -> Path:
        return Path(__file__).with_name("pipeline.mlir")
