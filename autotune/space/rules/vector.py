"""A vector times a matrix: what is read once limits it, so how it is read is all that matters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .product import Product

if TYPE_CHECKING:
    from ..build import Subject
    from ..sketch import Sketch


def vector_sketches(subject: Subject, product: Product, side: str) -> Iterator[Sketch]:
    """Sketches for a product with rows that are one."""
    yield from ()
