"""ONNX models as graph IR."""

from .importer import import_onnx, model_inputs, read_model
from .node import UnknownValueError

__all__ = ["UnknownValueError", "import_onnx", "model_inputs", "read_model"]
