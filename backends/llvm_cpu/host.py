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
    if tiles:
        return TargetAttr.get(**facts)
    features: list[str] = facts["features"].split(",")
    return TargetAttr.get(**facts | {"features": ",".join(f.replace("+amx", "-amx") for f in features)})
