"""Features of candidates, as closed forms of the knobs, are those of the kernels that the scripts make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stepwell import te
from stepwell.autotune.features.closed_forms import MOST, SketchFeatures, WorkloadFeatures
from stepwell.autotune.features.columns import features_of
from stepwell.autotune.features.forms import Forms, knob_columns, params_of
from stepwell.autotune.features.identify import Pool
from stepwell.autotune.space.build import build_space
from stepwell.autotune.space.sample import random_choices
from stepwell.autotune.space.sketch import Sketch
from stepwell.autotune.workload import Workload
from stepwell.tools.schedule import Schedule
from stepwell.transform.interpreter import apply_script
from xdsl.dialects.func import FuncOp


def _workload(tensors: Sequence[te.Tensor]) -> Workload:
    schedule = Schedule(tensors)
    return Workload.of_kernel(next(op for op in schedule.root.ops if isinstance(op, FuncOp)))


def _matmul(m: int, n: int, k: int) -> list[te.Tensor]:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    axis = te.reduce_axis(k, name="k")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, axis] * b[axis, j], axis=axis), name="C")]


def _transpose(m: int, n: int) -> list[te.Tensor]:
    a = te.placeholder((m, n), "float32", name="A")
    return [a, te.compute((n, m), lambda i, j: a[j, i] * 2.0, name="B")]


def _applied(workload: Workload, sketch: Sketch, choice: Sequence[int]) -> FuncOp:
    module = workload.copy()
    apply_script(sketch.select(choice), module)
    return next(op for op in module.ops if isinstance(op, FuncOp))


def _check(workload: Workload, sketches: Sequence[Sketch], seed: int, each: int) -> None:
    """Compares features of random candidates with those of the kernels that come out."""
    known_forms = WorkloadFeatures(workload)
    generator = np.random.default_rng(seed)
    for sketch in sketches:
        choices = random_choices(sketch, generator, 256)
        found, known = known_forms.matrix(sketch, choices)
        assert known.all(), f"{sketch.name}: {known.mean():.0%} of the candidates are known"
        assert known_forms.of(sketch).applied <= MOST
        for row in generator.permutation(len(choices))[:each]:
            expected = features_of(workload, _applied(workload, sketch, choices[row]))
            np.testing.assert_allclose(found[row], expected, rtol=1e-5, atol=1e-5, err_msg=sketch.name)


@pytest.mark.parametrize("shape", [(64, 96, 128), (50, 70, 33)])
def test_sketches_of_matmul(shape: tuple[int, int, int]) -> None:
    workload = _workload(_matmul(*shape))
    sketches = [sketch for sketch in build_space(workload, shipped=False).sketches if sketch.size > 1]
    assert sketches
    _check(workload, sketches[:4], 1, 4)


@example(32, 43, 0)  # there is a second tile with one vector only, and with two tiles
@settings(max_examples=4)
@given(st.integers(3, 90), st.integers(3, 90), st.integers(0, 1000))
def test_sketches_of_maps(m: int, n: int, seed: int) -> None:
    workload = _workload(_transpose(m, n))
    sketches = [sketch for sketch in build_space(workload, shipped=False).sketches if sketch.size > 1]
    _check(workload, sketches[:2], seed, 4)


def _script(schedule: Schedule) -> Sketch:
    from stepwell.transform.knobs import reopen_knobs
    from stepwell.transform.script import parse_script

    return Sketch("mine", reopen_knobs(parse_script(schedule.script(), "mine")))


@settings(max_examples=6)
@given(st.integers(5, 60), st.integers(5, 60), st.booleans(), st.booleans())
def test_scripts_of_users(m: int, n: int, peel: bool, unroll: bool) -> None:
    """Tiles that divide extents, do not, and are larger; nested twice."""
    schedule = Schedule(_matmul(m, n, 12))
    c = schedule.match_block("C")
    i, j, k = schedule.get_loops(c)
    io, ii = schedule.tile(i, schedule.knob("rows", [1, 2, 3, 5, 8, 64], 2))
    jo, jp = schedule.tile(j, schedule.knob("block", [16, 24, 48, 64], 16))
    jm, ji = schedule.tile(jp, schedule.knob("lanes", [4, 8, 16], 4))
    schedule.reorder([jo, io, jm, k, ii, ji])
    schedule.vectorize([ji])
    if unroll:
        schedule.unroll([ii])
    if peel:
        schedule.peel([io, jo, jm])
    workload = Workload.of_kernel(_workload(_matmul(m, n, 12)).kernel)
    _check(workload, [_script(schedule)], m * n, 6)


def test_what_was_measured_corrects() -> None:
    """A kernel that is not what was foretold is one more sample; the next ones are foretold with it."""
    workload = _workload(_matmul(48, 64, 32))
    sketch = next(s for s in build_space(workload, shipped=False).sketches if s.size > 1)
    found = SketchFeatures(workload, sketch)
    choices = random_choices(sketch, np.random.default_rng(3), 64)
    found.matrix(choices)
    new = [row for row in choices if tuple(row) not in found.samples]
    assert found.observe(new[0], _applied(workload, sketch, new[0])) and found.retired == 0
    other = next(row for row in new[1:] if (row != new[0]).all())
    assert not found.observe(other, _applied(workload, sketch, new[0])) and found.retired == 1
    features, known = found.matrix(other[None])
    assert known.all()
    np.testing.assert_allclose(features[0], features_of(workload, _applied(workload, sketch, new[0])), rtol=1e-5)


def test_params_are_functions_of_knobs() -> None:
    workload = _workload(_matmul(48, 64, 32))
    forms = Forms()
    for sketch in build_space(workload, shipped=False).sketches[:3]:
        choices = random_choices(sketch, np.random.default_rng(0), 5)
        value = forms.evaluator(knob_columns(sketch, choices))
        for form in params_of(sketch, forms):
            assert np.broadcast_to(value(form), len(choices)).shape == (len(choices),), forms.text(form)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda a, b: -(-100 // a) * b,
        lambda a, b: np.minimum(100, a * b),
        lambda a, b: -(-np.minimum(100, a * b) // b),
        lambda a, b: 3 * a + 5,
        lambda a, b: -100 % np.minimum(a * b, 100),
        lambda a, b: a * b * 7,
    ],
)
def test_functions_are_found(wanted: object) -> None:
    forms = Forms()
    generator = np.random.default_rng(0)
    knobs = {name: generator.integers(1, 40, 12) for name in ("a", "b")}
    assert callable(wanted)
    rows = np.asarray(wanted(knobs["a"], knobs["b"]), np.int64)
    found = Pool(forms, knobs, [], [100, 7]).matches(rows, np.ones(12, np.bool_))
    assert found
    others = {name: generator.integers(1, 40, 200) for name in knobs}
    value = forms.evaluator(others)
    assert any((value(form) == wanted(others["a"], others["b"])).all() for form in found)
