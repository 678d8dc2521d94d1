"""The page on operators has all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from stepwell.operators.registry import OPERATORS
from stepwell.tools.operator_page import page

PAGE = Path(__file__).parents[2] / "docs" / "operators.md"


def test_the_page_is_made_from_the_operators():
    assert PAGE.read_text("utf-8") == page(), "python -m stepwell.tools.operator_page > docs/operators.md"


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.name)
def test_operators_say_what_they_compute(op: type):
    assert op.__doc__
    assert f"| `{op.name}` |" in page()
