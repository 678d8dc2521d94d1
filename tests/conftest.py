"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# One machine is slower than another; a test that is too slow shows in the whole run.
settings.register_profile("stepwell", deadline=None)
settings.load_profile("stepwell")
