"""What `xdsl-opt` and every other tool on xDSL sees of Stepwell: the dialects and passes whose names are only ours."""

from __future__ import annotations

from xdsl.transforms import get_all_passes
from xdsl.universe import Universe

from ..backends.registry import our_dialects
from ..passes.registry import our_passes

# Two universes that offer the same name break every tool in the environment.
_UPSTREAM_PASSES = get_all_passes().keys()

STEPWELL_UNIVERSE = Universe(
    all_dialects=our_dialects(),
    all_passes={name: factory for name, factory in our_passes().items() if name not in _UPSTREAM_PASSES},
)
