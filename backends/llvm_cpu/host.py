"""The CPU that this runs on, as a target."""

from __future__ import annotations

from functools import cache

from ...dialects.cpu import TargetAttr
from ...runtime.host import host_facts


@cache
def host_target(*, tiles: bool = True) -> TargetAttr:
    """The target that describes this machine; without the registers for tiles (AMX), for which a process has to ask, if
    nobody will."""
    facts = host_facts()
    if not tiles:
        features: list[str] = facts["features"].split(",")
        facts["features"] = ",".join(feature.replace("+amx", "-amx") for feature in features)
    return TargetAttr.get(**facts)
