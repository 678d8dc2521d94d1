"""Scripts as search spaces."""

import pytest
from stepwell.errors import ScriptError
from stepwell.transform.knobs import knobs, reopen_knobs, set_knobs
from xdsl.dialects.builtin import StringAttr

from .kernels import MATMUL, MATMUL_HANDLES, parse, run, script

BODY = (
    MATMUL_HANDLES
    + """
%ti = transform.tune.knob<"tile_i"> options = [2, 3, 6] -> !param
%tj = transform.tune.knob<"tile_j"> = 4 from options = [4, 8] -> !param
%tail = transform.tune.knob<"mode"> = "a" from options = ["a", "b"] -> !param
%x:4 = sched.tile %i, %j tile_sizes [%ti, %tj] : (!op, !op, !param, !param) -> (!op, !op, !op, !op)
transform.tune.alternatives<"how"> {
  sched.unroll %x#3 : !op
}, {
  sched.vectorize %x#3 : !op
}
"""
)


def test_knobs_are_listed_in_order() -> None:
    found = knobs(script(BODY))
    assert [(knob.name, knob.options, knob.selected) for knob in found] == [
        ("tile_i", (2, 3, 6), None),
        ("tile_j", (4, 8), 4),
        ("mode", ("a", "b"), "a"),
        ("how", (0, 1), None),
    ]
    assert [knob.is_open for knob in found] == [True, False, False, True]


def test_setting_knobs_makes_a_schedule_of_a_copy() -> None:
    space = script(BODY)
    before = str(space)
    chosen = set_knobs(space, {"tile_i": 3, "tile_j": 8, "mode": StringAttr("b"), "how": 1})
    assert str(space) == before
    assert [knob.selected for knob in knobs(chosen)] == [3, 8, "b", 1]
    chosen.verify()
    payload = parse(MATMUL)
    from stepwell.transform.interpreter import apply_script

    apply_script(chosen, payload)
    text = str(payload)
    assert "loop.for %io : 2" in text
    assert "8 vectorized" in text


def test_reopening() -> None:
    chosen = set_knobs(script(BODY), {"tile_i": 3, "how": 0})
    assert all(knob.is_open for knob in knobs(reopen_knobs(chosen)))
    assert [knob.is_open for knob in knobs(reopen_knobs(chosen, ["how"]))] == [False, False, False, True]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tile_k": 3}, "got 'tile_k'; did you mean 'tile_j'?"),
        ({"tile_i": 5}, "expected knob 'tile_i' to be one of 2, 3, 6, got 5"),
        ({"how": 2}, "expected knob 'how' to be one of 0, 1, got 2"),
        ({"how": True}, "expected knob 'how' to be one of 0, 1, got True"),
    ],
)
def test_wrong_choices(values: dict[str, int], message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        set_knobs(script(BODY), values)
    assert message in str(caught.value)


def test_an_open_knob_does_not_run() -> None:
    with pytest.raises(ScriptError, match='non-deterministic choice "tile_i"'):
        run(parse(MATMUL), BODY)
