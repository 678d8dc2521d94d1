"""What each ONNX operator is in graph IR, one family a file: the table that the importer looks nodes up in."""

from __future__ import annotations

from ..node import Converter
from . import activations, contractions, convolution, elementwise, linear_algebra, pooling, reductions, tensors

CONVERTERS: tuple[Converter, ...] = (
    *elementwise.CONVERTERS,
    *activations.CONVERTERS,
    *linear_algebra.CONVERTERS,
    *reductions.CONVERTERS,
    *tensors.CONVERTERS,
    *convolution.CONVERTERS,
    *pooling.CONVERTERS,
    *contractions.CONVERTERS,
)
"""The operators that can be imported; a caller may hand in more."""
