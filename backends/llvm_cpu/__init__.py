"""The backend for CPUs, through LLVM."""

from .backend import LlvmCpuBackend

__all__ = ["LlvmCpuBackend"]
