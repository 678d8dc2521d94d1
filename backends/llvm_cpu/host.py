"""The CPU that this runs on, as a target."""

from __future__ import annotations

from functools import cache

from ...dialects.cpu import TargetAttr
from ...runtime.host import host_facts


@cache
def host_target() -> TargetAttr:
    """The target that describes this machine."""
    return TargetAttr.get(**host_facts())
