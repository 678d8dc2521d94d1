"""What other tools on xDSL see of Stepwell."""

from __future__ import annotations

import pytest
from stepwell.tools.universe import STEPWELL_UNIVERSE
from xdsl.universe import XDSL_UNIVERSE


@pytest.mark.parametrize("slot", ["all_dialects", "all_passes", "all_targets"])
def test_no_name_is_upstreams(slot: str):
    """One such name would break every tool in the environment."""
    assert not getattr(STEPWELL_UNIVERSE, slot).keys() & getattr(XDSL_UNIVERSE, slot).keys()


@pytest.mark.parametrize("name", sorted(STEPWELL_UNIVERSE.all_dialects))
def test_a_dialect_has_the_name_that_it_is_found_by(name: str):
    assert STEPWELL_UNIVERSE.all_dialects[name]().name == name


@pytest.mark.parametrize("name", sorted(STEPWELL_UNIVERSE.all_passes))
def test_a_pass_has_the_name_that_it_is_found_by(name: str):
    assert STEPWELL_UNIVERSE.all_passes[name]().name == name


def test_what_is_ours_is_there():
    assert {"graph", "te", "loop", "cpu", "sched"} == STEPWELL_UNIVERSE.all_dialects.keys()
    assert {"loop-expand", "symbol-dce"} <= STEPWELL_UNIVERSE.all_passes.keys()
    assert not {"cse", "canonicalize", "transform-interpreter"} & STEPWELL_UNIVERSE.all_passes.keys()
