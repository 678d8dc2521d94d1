"""Scripts of one sketch are parsed once; what they say is what was read."""

from __future__ import annotations

import pytest
from measured import LOOPS, script
from stepwell.autotune.measure.scripts import ScriptReader
from stepwell.transform.script import parse_script, script_context
from xdsl.utils.exceptions import VerifyException


def knobs(rows: object, name: str = "rows", kind: str = "i64") -> str:
    knob = f'transform.tune.knob<"{name}"> = {rows} : {kind} from options = [2 : {kind}, 4 : {kind}]'
    return script(
        *LOOPS,
        f"%r = {knob} -> !transform.any_param",
        "%io, %ii = sched.tile %i tile_sizes [%r] : (!op, !transform.any_param) -> (!op, !op)",
    )


def test_values_of_knobs_change_and_nothing_is_parsed_again(monkeypatch: pytest.MonkeyPatch):
    reader = ScriptReader(script_context())
    first = reader.read(knobs(2))
    assert str(first) == str(parse_script(knobs(2)))
    second = reader.read(knobs(4))
    assert second is first and str(second) == str(parse_script(knobs(4)))
    assert str(reader.read(knobs(2))) == str(parse_script(knobs(2)))


@pytest.mark.parametrize("other", [knobs(4, name="lanes"), knobs(4, kind="i32"), knobs(4) + "// more"])
def test_what_differs_otherwise_is_another_script(other: str):
    reader = ScriptReader(script_context())
    first = reader.read(knobs(2))
    assert reader.read(other) is not first
    assert str(reader.read(other)) == str(parse_script(other))


def test_values_that_are_no_options_are_refused():
    reader = ScriptReader(script_context())
    reader.read(knobs(2))
    with pytest.raises(VerifyException, match="got 3"):
        reader.read(knobs(3))


def test_knobs_in_comments_are_none():
    reader = ScriptReader(script_context())
    for rows in (2, 4):
        text = f'// transform.tune.knob<"rows"> = {rows} : i64 from\n{knobs(rows)}'
        assert str(reader.read(text)) == str(parse_script(text))


def test_sketches_are_forgotten():
    reader = ScriptReader(script_context())
    first = reader.read(knobs(2))
    for index in range(40):
        reader.read(f"// {index}\n{knobs(2)}")
    assert reader.read(knobs(2)) is not first
