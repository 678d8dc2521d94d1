"""What all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# One machine is slower than another; a test that is too slow shows in the whole run.
settings.register_profile("stepwell", deadline=None)
settings.load_profile("stepwell")


# Nothing that was compiled before is used, by processes that tests start neither: no folder can be made there.
os.environ["XDG_CACHE_HOME"] = os.devnull
os.environ["PIP_NO_CACHE_DIR"] = "1"  # it would keep its cache there, too


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fuzzer forks its workers: its tests come first, while this process has no OpenMP threads.

    libgomp's parallel loops hang in a child of a process that has run one.
    """
    items.sort(key=lambda item: item.path.name != "test_fuzz.py")
