"""ONNX models as graph IR."""

from .importer import import_onnx

__all__ = ["import_onnx"]
