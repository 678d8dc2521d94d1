"""What each ONNX operator is in graph IR, one family a file: the table that the importer looks nodes up in."""

from __future__ import annotations

from ..node import Converter
from . import (
    activations,
    attention,
    contractions,
    convolution,
    elementwise,
    indexing,
    linear_algebra,
    normalization,
    optimizers,
    pooling,
    quantization,
    recurrent,
    reductions,
    regions,
    resize,
    sampling,
    shape,
    signals,
    sorting,
    tensors,
)

CONVERTERS: tuple[Converter, ...] = (
    *elementwise.CONVERTERS,
    *activations.CONVERTERS,
    *shape.CONVERTERS,
    *indexing.CONVERTERS,
    *sampling.CONVERTERS,
    *resize.CONVERTERS,
    *linear_algebra.CONVERTERS,
    *reductions.CONVERTERS,
    *tensors.CONVERTERS,
    *convolution.CONVERTERS,
    *pooling.CONVERTERS,
    *normalization.CONVERTERS,
    *quantization.CONVERTERS,
    *signals.CONVERTERS,
    *contractions.CONVERTERS,
    *attention.CONVERTERS,
    *recurrent.CONVERTERS,
    *sorting.CONVERTERS,
    *regions.CONVERTERS,
    *optimizers.CONVERTERS,
)
"""The operators that can be imported; a caller may hand in more."""
