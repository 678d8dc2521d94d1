"""Garbage: when it is not looked for."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Generator[None]:
    """Puts the search for garbage off until the end of a `with` statement: IR is full of cycles, which live as long as
    the compilation, and to look through them again and again takes a fifth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
