"""Hypothesis strategies of random programs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from numpy.typing import NDArray
from stepwell.backends.oracles.random_te import random_expression
from stepwell.dialects.extents import Extent
from stepwell.te import Tensor


def expressions() -> st.SearchStrategy[tuple[list[Tensor], list[NDArray[Any]]]]:
    """Tensors for `te.build_module` and inputs to run them on, with exact results; they shrink with their choices."""
    return st.randoms(use_true_random=False).map(random_expression)


@st.composite
def extents(draw: st.DrawFn, depth: int = 3) -> Extent:
    """Extents over the names `n` and `m`."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.one_of(st.sampled_from([Extent.symbol("n"), Extent.symbol("m")]), _CONSTANTS))
    inner = extents(depth - 1)
    match draw(st.sampled_from(["+", "-", "*", "//", "%"])):
        case "+":
            return draw(inner) + draw(inner)
        case "-":
            return draw(inner) - draw(inner)
        case "*":
            return draw(inner) * draw(st.integers(-3, 3))
        case "//":
            return draw(inner) // draw(st.integers(1, 5))
        case _:
            return draw(inner) % draw(st.integers(1, 5))


_CONSTANTS = st.integers(-9, 9).map(Extent.of)
