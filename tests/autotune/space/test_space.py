"""Spaces: constraints on arrays say what scripts do, samples keep them, and users' scripts are spaces, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from space_candidates import scheduled, workload_of
from stepwell import te
from stepwell.autotune.space import build
from stepwell.autotune.space.build import Subject, build_space, print_space, space_of_script
from stepwell.autotune.space.constraints import admissible
from stepwell.autotune.space.sample import (
    crossover,
    enumerate_all,
    mutate,
    mutate_choices,
    random_choices,
    sample,
)
from stepwell.autotune.space.sketch import Candidate, Sketch, Space
from stepwell.autotune.space.writer import Writer
from stepwell.autotune.workload import Workload
from stepwell.backends.plugin import PluginError, PluginWarning
from stepwell.errors import ScheduleError, ScriptError, StepwellError
from stepwell.transform.interpreter import apply_script
from stepwell.transform.sched_ops.params import CONSTRAINTS, OPERATIONS
from stepwell.transform.script import parse_script


def rows() -> Workload:
    x = te.placeholder((12, 40), "float32", name="X")
    return workload_of([x, te.compute((12, 40), lambda i, j: x[i, j] * 2.0, name="Y")])


WORKLOAD = rows()


def script(body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    for short, long in (("!op", "!transform.any_op"), ("!param", "!transform.any_param")):
        lines = lines.replace(short, long)
    return (
        "module attributes {transform.with_named_sequence} {\n"
        "  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {\n"
        f"{lines}\n    transform.yield\n  }}\n}}\n"
    )


def applies(sketch: Sketch, choice: tuple[int, ...]) -> bool:
    try:
        apply_script(sketch.select(choice), WORKLOAD.copy())
    except ScheduleError:
        return False
    return True


TWO = """
%a = transform.tune.knob<"a"> options = [0, 1, 3, 8] -> !param
%b = transform.tune.knob<"b"> options = [1, 2, 6, -2] -> !param
"""


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(OPERATIONS)),
    st.sampled_from(sorted(CONSTRAINTS)),
    st.sampled_from(["%a, %b", "%a, 3", "-5, %b", "%b, %a"]),
    st.integers(-2, 9),
)
def test_constraints_on_arrays_are_those_of_the_script(operation: str, constraint: str, operands: str, limit: int):
    types = ", ".join("!param" for operand in operands.split(", ") if operand.startswith("%"))
    body = f"""{TWO}
%c = sched.param {operation} {operands} : ({types}) -> !param
sched.constrain %c {constraint} {limit} : !param"""
    sketch = Sketch("test", parse_script(script(body)))
    choices = np.stack(np.unravel_index(np.arange(16), (4, 4)), 1).astype(np.int32)
    expected = [applies(sketch, tuple(map(int, row))) for row in choices]
    assert admissible(sketch, choices).tolist() == expected


def test_constraints_ask_the_target_and_follow_what_is_included():
    body = """
%a = transform.tune.knob<"a"> options = [1, 2, 1000000] -> !param
%lanes = sched.target_query "vector_registers" : !param
%twice = transform.include @twice failures(propagate) (%a) : (!param) -> !param
sched.constrain %twice le %lanes : !param, !param
"""
    twice = """  transform.named_sequence @twice(%x: !param {transform.readonly}) -> !param {
    %y = sched.param mul %x, 2 : (!param) -> !param
    sched.constrain %y ne 2 : !param
    transform.yield %y : !param
  }
}
""".replace("!param", "!transform.any_param")
    text = script(body).removesuffix("}\n") + twice
    (sketch,) = space_of_script(WORKLOAD, parse_script(text)).sketches
    assert admissible(sketch, np.array([[0], [1], [2]], np.int32)).tolist() == [False, True, False]


def test_a_constraint_counts_only_where_its_alternative_is_chosen():
    body = """
%a = transform.tune.knob<"a"> options = [1, 2] -> !param
transform.tune.alternatives<"way"> {
  sched.constrain %a ge 2 : !param
}, {
  transform.yield
}
"""
    sketch = Sketch("test", parse_script(script(body)))
    choices = enumerate_all(sketch)
    assert {tuple(row) for row in choices.tolist()} == {(0, 1), (1, 0), (1, 1)}
    assert all(applies(sketch, tuple(map(int, row))) for row in choices)


def test_what_only_a_kernel_knows_is_left_to_the_script():
    body = """
%c = sched.match_block "map0" in %root : (!op) -> !op
%i, %j = sched.get_loops %c : (!op) -> (!op, !op)
%n = sched.get_extent %j : (!op) -> !param
%a = transform.tune.knob<"a"> options = [3, 8] -> !param
sched.constrain %a divides %n : !param, !param
"""
    sketch = Sketch("test", parse_script(script(body)))
    assert admissible(sketch, np.array([[0], [1]], np.int32)).all()
    assert [applies(sketch, (index,)) for index in (0, 1)] == [False, True]


def written() -> Space:
    """A space of two sketches, of which one has 3 candidates that keep its constraint."""

    def tiles(write: Writer) -> None:
        i, j = write.get_loops(write.block("map0"))
        a, b = write.choose("a", [1, 2, 4]), write.choose("b", [8, 4, 2])
        write.at_most(write.times(a, b), 8)
        write.tile(i, j, sizes=[a, b])

    def lanes(write: Writer) -> None:
        _, j = write.get_loops(write.block("map0"))
        _, inner = write.tile(j, write.choose("b", [4, 8, 16, 32, 40]))
        write.vectorize(inner)

    subject = Subject(WORKLOAD)
    return Space(WORKLOAD, (*subject.sketch("test/tiles", tiles), *subject.sketch("test/lanes", lanes)))


def test_samples_are_different_and_all_there_are_if_asked_for_more():
    space = written()
    found = sample(space, np.random.default_rng(0), 100)
    assert len(found) == len(set(found)) == 6 + 5
    for candidate in found:
        scheduled(WORKLOAD, space.script(candidate))
    few = sample(space, np.random.default_rng(1), 4)
    assert {candidate.sketch for candidate in few} == {0, 1}
    assert few == sample(space, np.random.default_rng(1), 4)
    assert few != sample(space, np.random.default_rng(2), 4)


def test_random_choices_are_uniform():
    space = written()
    rows = random_choices(space.sketches[0], np.random.default_rng(0), 6000)
    assert len(rows) == 6000
    _, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(counts) == 6
    assert counts.min() > 850


def test_mutations_change_one_knob_and_keep_constraints():
    space = written()
    rng = np.random.default_rng(0)
    choices = random_choices(space.sketches[0], rng, 500)
    changed = mutate_choices(space.sketches[0], rng, choices)
    assert admissible(space.sketches[0], changed).all()
    differences = (changed != choices).sum(axis=1)
    assert set(differences.tolist()) == {0, 1}
    candidate = Candidate(1, (2,))
    assert len({mutate(space, rng, candidate) for _ in range(100)}) == 4


def test_crossover_takes_knobs_of_the_same_name():
    space = written()
    rng = np.random.default_rng(0)
    # Both at once would be too large.
    children = {crossover(space, rng, Candidate(0, (0, 2)), Candidate(0, (2, 0))) for _ in range(50)}
    assert children == {Candidate(0, (0, 0)), Candidate(0, (2, 0))}
    # From another sketch: `b` is 4 there.
    assert crossover(space, rng, Candidate(0, (0, 2)), Candidate(1, (0,))) == Candidate(0, (0, 1))


def test_a_refused_sketch_is_none():
    def wrong(write: Writer) -> None:
        i, j = write.get_loops(write.block("map0"))
        write.vectorize(i)
        write.parallelize(j)

    assert not list(Subject(WORKLOAD).sketch("test/wrong", wrong))


def test_rules_are_asked_by_name():
    with pytest.raises(StepwellError, match="expected a rule of spaces .*, got 'contractoin'; did you mean"):
        build_space(WORKLOAD, rules=["contractoin"])
    assert [sketch.name for sketch in build_space(WORKLOAD, rules=[lambda s: iter(written().sketches)]).sketches] == [
        "test/tiles",
        "test/lanes",
    ]


def test_a_script_with_knobs_is_a_space():
    body = """
%c = sched.match_block "map0" in %root : (!op) -> !op
%i, %j = sched.get_loops %c : (!op) -> (!op, !op)
%a = transform.tune.knob<"a"> options = [4, 8, 16] -> !param
%jo, %ji = sched.tile %j tile_sizes [%a] : (!op, !param) -> (!op, !op)
"""
    space = space_of_script(WORKLOAD, parse_script(script(body)))
    assert space.size == 3
    assert len(sample(space, np.random.default_rng(0), 9)) == 3
    unlisted = script('%a = transform.tune.knob<"a"> options = "any" -> !param')
    with pytest.raises(ScriptError, match="expected knob 'a' to list its options, got none"):
        space_of_script(WORKLOAD, parse_script(unlisted))


def test_spaces_print():
    text = print_space(written())
    assert "// 2 sketches, 14 candidates" in text
    assert "// test/tiles: 9 candidates, 67% of them keep the constraints\n//   a: 1, 2, 4\n//   b: 2, 4, 8\n" in text
    assert 'transform.tune.knob<"a"> options = [1 : i64, 2 : i64, 4 : i64]' in text


def raises(_: Subject) -> Iterator[Sketch]:
    yield from written().sketches
    raise ValueError("out of luck")


def changes(subject: Subject) -> Iterator[Sketch]:
    next(iter(subject.kernel.body.block.ops)).detach()
    yield from ()


def empty_options(subject: Subject) -> Iterator[Sketch]:
    def write(writer: Writer) -> None:
        writer.choose("x", [])

    yield from subject.sketch("mine/x", write)


def two_knobs(_: Subject) -> Iterator[Sketch]:
    yield Sketch("mine/two", parse_script(script(TWO.replace('"b"', '"a"'))))


BAD_RULES: dict[Callable[[Subject], object], str] = {
    raises: "out of luck",
    changes: "expected a kernel that stays as it is",
    empty_options: "expected options of knob 'x', got none",
    two_knobs: "expected knobs with names of their own, got two called 'a'",
    lambda _: iter(["sketch"]): "expected sketches, got 'sketch'",
    lambda _: None: "expected an iterator of sketches, got None",
    lambda _: 5: "expected an iterator of sketches, got 5",
}


@pytest.mark.parametrize("number", range(len(BAD_RULES)))
def test_a_rule_of_a_plugin_that_fails_is_left_out(number: int, monkeypatch: pytest.MonkeyPatch):
    rule, reason = list(BAD_RULES.items())[number]
    workload, name = rows(), f"bad{number}"
    monkeypatch.setattr(build, "rule_plugins", lambda: {name: "theirs", "good": "theirs"})
    rules = {"good": lambda: lambda _: written().sketches}
    monkeypatch.setattr(build, "plugin_rules", lambda: rules)
    expected, text = print_space(build_space(workload)), workload.text
    assert written().sketches[0].name in expected
    monkeypatch.setattr(build, "plugin_rules", lambda: {name: lambda: rule, **rules})
    with pytest.warns(PluginWarning, match=f"plugin 'theirs': space rule '{name}' fails: {reason}") as caught:
        assert [print_space(build_space(workload)) for _ in range(2)] == [expected] * 2
    assert len(caught) == 1
    assert str(workload.module) == text
    with pytest.raises(PluginError, match=reason):
        build_space(workload, rules=[name])
