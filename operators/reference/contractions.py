"""Sums of products over named dimensions, in float64."""

from __future__ import annotations

import numpy as np

from .. import contractions as ops
from .arrays import Array, SemanticsTable, wide


def _einsum(op: ops.EinsumOp, *operands: Array) -> Array:
    # Extents of 1 broadcast between operands, and within one where a letter stands twice.
    inputs, output = op.terms
    sizes: dict[str, int] = {}
    for letters, operand in zip(inputs, operands, strict=True):
        for letter, size in zip(letters, operand.shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    full = [
        np.broadcast_to(wide(operand), [sizes[letter] for letter in letters])
        for letters, operand in zip(inputs, operands, strict=True)
    ]
    return np.asarray(np.einsum(f"{','.join(inputs)}->{output}", *full))


SEMANTICS: SemanticsTable = {ops.EinsumOp: _einsum}
