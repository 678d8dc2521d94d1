"""Features of the candidates of a sketch as closed forms of its knobs: of thousands at once, without applying a script.

A sketch is applied to a few candidates, chosen so that they are unlike. Each number of the kernels that come out is a
function of the knobs out of what tiling, packing and peeling make of extents (`identify.Pool`); all simple functions
that give what was seen are kept, and the next candidate that is applied is one where they differ. What was applied at
last has to be what was foretold. A kernel that was measured is one more sample (`observe`): forms that are not exact
there are found again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.func import FuncOp

from ...backends.registry import make_context, pass_registry
from ...errors import StepwellError
from ...passes.loop.apply_schedules import shipped_libraries
from ...passes.pass_manager import PassRunner
from ...transform.interpreter import apply_script
from ..space.sample import random_choices
from ..space.sketch import Choices, Sketch
from ..workload import Workload
from .columns import FEATURES, Features, features, features_of_nest, target_of
from .forms import Form, Forms, Numbers, knob_columns, numbers_of, params_of
from .identify import Pool
from .nest import Nest, Structure, describe
from .values import Value

FIRST = 6
"""How many candidates a sketch is applied to before anything is foretold."""
MOST, MOST_WIDE = 20, 28
"""How many it is applied to at most."""
MOST_KEPT = 16
"""How many functions of those that differ somewhere are kept for a number."""
PAUSE = 8
"""How many more samples it takes to look again for what was not found."""
TESTS = 2
"""How many candidates one after the other have to be what was foretold."""
LOOKED_AT = 192
"""How many candidates functions are compared at."""


@dataclass
class _Class:
    """Candidates of one structure."""

    structure: Structure
    rows: list[int] = field(default_factory=list[int])
    """The samples of it."""
    forms: dict[int, list[Form]] = field(default_factory=dict[int, list[Form]])
    """For each slot that varies, the functions that it may be."""
    constants: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    unknown: set[int] = field(default_factory=set[int])
    """The slots that no function gives."""
    retry: dict[int, int] = field(default_factory=dict[int, int])
    """How many samples there have to be until functions are looked for again."""
    unseen: set[tuple[tuple[int, int], ...]] = field(default_factory=set[tuple[tuple[int, int], ...]])
    """What slots need that meant nothing in any sample."""


class WorkloadFeatures:
    """The features of all candidates of a workload's sketches."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.forms = Forms()
        self.trusted: dict[Form, int] = {}
        """The functions that were found in sketches, and in how many."""
        self._sketches: dict[int, SketchFeatures] = {}
        self.extents = _extents(workload)
        self.is_flattened = any(word in workload.text for word in ("floordiv", " mod "))
        """Whether indices of several dimensions were made one before."""

    def of(self, sketch: Sketch) -> SketchFeatures:
        """The features of one sketch's candidates."""
        found = self._sketches.get(id(sketch))
        if found is None:
            found = self._sketches[id(sketch)] = SketchFeatures(self.workload, sketch, self)
        return found

    def matrix(self, sketch: Sketch, choices: Choices) -> tuple[Features, NDArray[np.bool_]]:
        """Features of candidates of a sketch, a row each, and of which of them they are known."""
        return self.of(sketch).matrix(choices)

    def exact(self, sketch: Sketch, choice: Sequence[int]) -> NDArray[np.float32] | None:
        """Features of one candidate, whose script is applied; none if that is refused."""
        nest = self.of(sketch).nest(choice)
        return None if nest is None else features_of_nest(self.workload, nest)


class SketchFeatures:
    """The features of a sketch's candidates."""

    def __init__(self, workload: Workload, sketch: Sketch, all: WorkloadFeatures | None = None) -> None:
        self.workload = workload
        self.sketch = sketch
        self._all = all if all is not None else WorkloadFeatures(workload)
        self._forms = self._all.forms
        self._target = target_of(workload)
        self._params = params_of(sketch, self._forms)
        self._numbers = numbers_of(sketch)
        fuses = any(op.name in ("sched.coalesce", "transform.loop.coalesce") for op in sketch.script.walk())
        self._is_wide = fuses or self._all.is_flattened
        self._grid = np.zeros((0, len(sketch.knobs)), np.int32)
        """Candidates at which functions are compared."""
        self._on_grid = self._forms.evaluator({})
        self._choices: list[tuple[int, ...]] = []
        self._nests: list[Nest | None] = []
        self._known: dict[tuple[int, ...], int] = {}
        self._recalled: dict[int, NDArray[np.float32]] = {}
        """Features of those that no forms give, by number."""
        self._classes: dict[Structure, _Class] = {}
        self._decided_by: tuple[int, ...] | None = ()
        """The knobs that decide which structure comes out; none if it is not known."""
        self._labels: dict[tuple[int, ...], Structure | None] = {}
        self._is_identified = False
        self.applied = 0
        """How often the script was applied."""
        self.retired = 0
        """How many functions were found to be wrong by what was measured."""

    def matrix(self, choices: Choices) -> tuple[Features, NDArray[np.bool_]]:
        """Features of candidates, a row each, and of which of them they are known."""
        if not self._is_identified:
            self._identify()
        choices = np.asarray(choices, np.int32).reshape(len(choices), len(self.sketch.knobs))
        found = np.zeros((len(choices), len(FEATURES)), np.float32)
        known = np.zeros(len(choices), np.bool_)
        if not len(choices):
            return found, known
        for structure, rows in self._by_structure(choices):
            group = self._classes[structure]
            if group.unknown:
                continue
            whole = len(rows) == len(choices)
            slots = self._slots(group, choices if whole else choices[rows])
            result = features(structure, slots, self._target)
            sure = ~self._unseen(group, slots, len(rows))
            if whole:
                found = np.ascontiguousarray(np.broadcast_to(result, found.shape))
                known = sure
            else:
                found[rows], known[rows] = result, sure
        if not known.all():
            self._recall(choices, found, known)
        return found, known

    def nest(self, choice: Sequence[int]) -> Nest | None:
        """What a candidate looks like: its script is applied; none if that is refused."""
        return self._nests[self._apply(tuple(map(int, choice)))]

    @property
    def samples(self) -> frozenset[tuple[int, ...]]:
        """The candidates whose kernels were looked at."""
        return frozenset(self._known)

    def observe(self, choice: Sequence[int], func: FuncOp) -> bool:
        """Compares what was foretold of a candidate with the kernel that came out; whether it was right."""
        key = tuple(map(int, choice))
        if key in self._known:
            return True
        number = self._add(key, describe(func))
        if not self._is_identified:
            return True
        if self._is_foretold(number):
            return True
        self.retired += 1
        self._learn()
        return False

    def _is_foretold(self, number: int) -> bool:
        """Whether the forms that are used give a sample's structure and numbers."""
        nest, choices = self._nests[number], np.asarray([self._choices[number]], np.int32)
        groups = list(self._by_structure(choices))
        if nest is None:
            return not groups
        if not groups or groups[0][0] != nest.structure:
            return False
        group = self._classes[nest.structure]
        slots = self._slots(group, choices)
        return not group.unknown and all(
            int(np.asarray(value).flat[0]) == int(seen) for value, seen in zip(slots, nest.slots, strict=True)
        )

    # identification

    def _identify(self) -> None:
        self._is_identified = True
        rng = np.random.default_rng(0)
        grid = np.unique(random_choices(self.sketch, rng, LOOKED_AT), axis=0)
        if not len(grid):
            return
        self._grid = grid = rng.permutation(grid)
        self._on_grid = self._forms.evaluator(knob_columns(self.sketch, grid))
        for row in _unlike(self.sketch, grid, FIRST):
            self._apply(tuple(map(int, row)))
        self._learn()
        tests = 0
        most = MOST_WIDE if self._is_wide else MOST
        while self.applied < min(most, len(grid)):
            choice, is_test = self._most_uncertain(grid)
            if choice is None or (is_test and tests == TESTS):
                break
            number = self._apply(choice)
            if is_test:
                tests = tests + 1 if self._is_foretold(number) else 0
            self._learn()
        for group in self._classes.values():
            if group.unknown:
                group.retry.clear()
                self._fit(group, group.rows)
            for options in group.forms.values():
                if len(options) == 1:
                    self._all.trusted[options[0]] = self._all.trusted.get(options[0], 0) + 1

    def _most_uncertain(self, grid: Choices) -> tuple[tuple[int, ...] | None, bool]:
        """The candidate about which functions differ most; if they don't, any one that was not applied yet, and that
        this is so."""
        doubts = np.zeros(len(grid))
        for structure, rows in self._by_structure(grid):
            group = self._classes[structure]
            slots = self._slots(group, grid[rows])
            here = self._unseen(group, slots, len(rows)).astype(np.float64)
            seen: set[tuple[Form, ...]] = set()
            value = self._forms.evaluator(knob_columns(self.sketch, grid[rows]))
            for slot, options in group.forms.items():
                options = self._believed(options)
                if len(options) > 1 and (key := tuple(options)) not in seen:
                    seen.add(key)
                    differs = np.zeros(len(rows), np.bool_)
                    for other in options[1:]:
                        differs |= value(other) != value(options[0])
                    for need, least in group.structure.layout.needs[slot]:
                        differs &= slots[need] >= least
                    here += differs
            doubts[rows] += here
        if self._decided_by is not None and len(self._labels) > 1:
            for at, row in enumerate(grid):
                if tuple(int(row[knob]) for knob in self._decided_by) not in self._labels:
                    doubts[at] += 1.0
        # Who has options together that no sample has: numbers that were the same always may depend on both.
        for at in np.lexsort((-_unseen_pairs(self.sketch, grid, self._choices), -doubts)):
            key = tuple(map(int, grid[at]))
            if key not in self._known:
                return key, doubts[at] == 0.0
        return None, True

    def _apply(self, key: tuple[int, ...]) -> int:
        found = self._known.get(key)
        if found is not None:
            return found
        self.applied += 1
        module = self.workload.copy()
        try:
            apply_script(
                self.sketch.select(key), module, ctx=_context(), passes=_passes(), libraries=shipped_libraries()
            )
            nest = describe(next(op for op in module.ops if isinstance(op, FuncOp)))
        except StepwellError:
            nest = None
        return self._add(key, nest)

    def _add(self, key: tuple[int, ...], nest: Nest | None) -> int:
        number = self._known[key] = len(self._choices)
        self._choices.append(key)
        self._nests.append(nest)
        return number

    def _learn(self) -> None:
        """Finds functions that give all samples."""
        self._decide()
        rows: dict[Structure, list[int]] = {}
        for number, nest in enumerate(self._nests):
            if nest is not None:
                rows.setdefault(nest.structure, []).append(number)
        for structure, members in rows.items():
            group = self._classes.setdefault(structure, _Class(structure))
            if group.rows != members:
                self._fit(group, members)

    def _fit(self, group: _Class, members: list[int]) -> None:
        new = members[len(group.rows) :] or members
        group.rows = list(members)
        slots = np.stack([nest.slots for at in members if (nest := self._nests[at]) is not None])
        columns = knob_columns(self.sketch, [self._choices[at] for at in members])
        value = self._forms.evaluator(knob_columns(self.sketch, [self._choices[at] for at in new]))
        latest = slots[len(slots) - len(new) :]
        group.constants, group.unknown = slots[0], set()
        group.unseen = _unseen_needs(group.structure, slots)
        needs = group.structure.layout.needs
        missing: dict[bytes, list[int]] = {}
        for slot in np.flatnonzero((slots != slots[0]).any(0)).tolist():
            where = np.ones(len(slots), np.bool_)
            for need, least in needs[slot]:
                where &= slots[:, need] >= least
            if not where.any():
                continue
            kept = [
                form
                for form in group.forms.get(slot, ())
                if bool((~where[-len(new) :] | (value(form) == latest[:, slot])).all())
            ]
            group.forms[slot] = kept
            if kept:
                continue
            if len(members) < group.retry.get(slot, 0):
                group.unknown.add(slot)
            else:
                missing.setdefault(slots[:, slot].tobytes() + where.tobytes(), []).append(slot)
        # What was found may be what other numbers are made of.
        for basis in (self._params, None, None):
            if not missing:
                break
            if basis is None:
                basis = list(dict.fromkeys([*self._params, *(each[0] for each in group.forms.values() if each)]))
            pool = self._pool(group, columns, basis)
            for key, places in list(missing.items()):
                where = np.frombuffer(key[-len(slots) :], np.bool_)
                if options := pool.matches(slots[:, places[0]], where):
                    del missing[key]
                    for slot in places:
                        group.forms[slot] = self._unalike(options)
        for slot in (slot for places in missing.values() for slot in places):
            group.unknown.add(slot)
            group.retry[slot] = len(members) + PAUSE

    def _pool(self, group: _Class, columns: dict[str, Numbers], params: Sequence[Form]) -> Pool:
        """What numbers of a structure may be."""
        alignments = [each for buffer in group.structure.buffers for each in buffer.alignments]
        numbers = self._numbers if params is self._params else [*self._numbers, *self._all.extents]
        return Pool(self._forms, columns, params, self._all.extents, numbers, alignments, wide=self._is_wide)

    def _believed(self, options: list[Form]) -> list[Form]:
        """Of some functions those that other sketches left no doubt about, if there are any."""
        trusted = [form for form in options if form in self._all.trusted]
        return trusted or options

    def _unalike(self, options: list[Form]) -> list[Form]:
        """Functions that differ somewhere, those that were found in other sketches first."""
        options = sorted(options, key=lambda form: form not in self._all.trusted)
        seen: dict[bytes, Form] = {}
        for form in options:
            seen.setdefault(np.broadcast_to(self._on_grid(form), len(self._grid)).tobytes(), form)
        return list(seen.values())[:MOST_KEPT]

    # what is known

    def _decide(self) -> None:
        """Finds which knobs decide about the structure, as few as possible."""
        labels = [nest.structure if nest is not None else None for nest in self._nests]
        knobs = range(len(self.sketch.knobs))
        subsets: list[tuple[int, ...]] = [(), *((i,) for i in knobs), *((i, j) for i in knobs for j in knobs if i < j)]
        self._decided_by, self._labels = None, {}
        for subset in subsets:
            table: dict[tuple[int, ...], Structure | None] = {}
            keys = [tuple(choice[knob] for knob in subset) for choice in self._choices]
            if all(table.setdefault(key, label) == label for key, label in zip(keys, labels, strict=True)):
                self._decided_by, self._labels = subset, table
                return

    def _by_structure(self, choices: Choices) -> list[tuple[Structure, NDArray[np.intp]]]:
        """Rows by the structures that they will have, as far as that is known."""
        if self._decided_by is None:
            return []
        if not self._decided_by:
            structure = self._labels.get(())
            return [] if structure is None else [(structure, np.arange(len(choices)))]
        found: list[tuple[Structure, NDArray[np.intp]]] = []
        rows: dict[Structure, list[NDArray[np.bool_]]] = {}
        part = choices[:, list(self._decided_by)]
        for key, structure in self._labels.items():
            if structure is not None:
                rows.setdefault(structure, []).append((part == np.asarray(key)).all(1))
        for structure, masks in rows.items():
            if len(at := np.flatnonzero(np.logical_or.reduce(masks))):
                found.append((structure, at))
        return found

    def _slots(self, group: _Class, choices: Choices) -> list[Value]:
        """The numbers of candidates of one structure: one for all of them, or an array."""
        value = self._forms.evaluator(knob_columns(self.sketch, choices))
        known: dict[Form, Value] = {}
        slots: list[Value] = [float(number) for number in group.constants.tolist()]
        for slot, options in sorted(group.forms.items()):
            form = options[0] if options else -1
            if form < 0:
                continue
            number = known.get(form)
            if number is None:
                found = value(form)
                number = known[form] = found.astype(np.float64) if found.ndim else float(found)
            for need, least in group.structure.layout.needs[slot]:
                number = _where_at_least(slots[need], float(least), number)
            slots[slot] = number
        return slots

    def _unseen(self, group: _Class, slots: Sequence[Value], count: int) -> NDArray[np.bool_]:
        """The candidates in which something means something that meant nothing in all samples."""
        found = np.zeros(count, np.bool_)
        for needs in group.unseen:
            met = np.ones(count, np.bool_)
            for need, least in needs:
                met &= slots[need] >= least
            found |= met
        return found

    def _recall(self, choices: Choices, found: Features, known: NDArray[np.bool_]) -> None:
        """Fills in the rows that are not known but were applied."""
        for row in np.flatnonzero(~known):
            number = self._known.get(tuple(map(int, choices[row])))
            nest = None if number is None else self._nests[number]
            if number is None or nest is None:
                continue
            if number not in self._recalled:
                self._recalled[number] = features(nest.structure, nest.slots.reshape(1, -1), self._target)[0]
            found[row], known[row] = self._recalled[number], True


def _unseen_needs(structure: Structure, slots: Numbers) -> set[tuple[tuple[int, int], ...]]:
    """What numbers need to mean something that meant nothing in any sample, as far as that is not the same always."""
    found: set[tuple[tuple[int, int], ...]] = set()
    varying = (slots != slots[0]).any(0)
    for needs in set(structure.layout.needs):
        open = tuple(pair for pair in needs if varying[pair[0]])
        if open and all(slots[0, need] >= least for need, least in needs if not varying[need]):
            met = np.logical_and.reduce([slots[:, need] >= least for need, least in open])
            if not met.any():
                found.add(open)
    return found


@cache
def _context() -> Context:
    return make_context()


@cache
def _passes() -> PassRunner:
    return PassRunner(_context(), pass_registry())


def _where_at_least(value: Value, least: float, then: Value) -> Value:
    if isinstance(value, np.ndarray):
        enough = value >= least
        return then if enough.all() else np.where(enough, then, 0.0)
    return then if value >= least else 0.0


def _unseen_pairs(
    sketch: Sketch, grid: Choices, samples: Sequence[Sequence[int] | NDArray[np.int32]]
) -> NDArray[np.float64]:
    """How much of the space has options of two knobs together that candidates have, and no sample has."""
    found = np.zeros(len(grid))
    seen = np.asarray(samples, np.int64).reshape(len(samples), len(sketch.knobs))
    counts = [len(knob.options) for knob in sketch.knobs]
    for a, b in combinations(range(len(counts)), 2):
        codes = grid[:, a].astype(np.int64) * counts[b] + grid[:, b]
        found += ~np.isin(codes, seen[:, a] * counts[b] + seen[:, b]) / (counts[a] * counts[b])
    return found


def _unlike(sketch: Sketch, grid: Choices, count: int) -> list[NDArray[np.int32]]:
    """Some candidates that choose as many different options as possible; the first options of all knobs and the last
    ones, or what is nearest, are among them: that is where sizes are cut off."""
    seen: list[set[int]] = [set() for _ in sketch.knobs]
    places = (grid / np.maximum([len(knob.options) - 1 for knob in sketch.knobs], 1)).sum(1)
    order = [int(np.argmin(places)), int(np.argmax(places))]
    chosen: list[NDArray[np.int32]] = []
    for number in range(min(count, len(grid))):
        new = _unseen_pairs(sketch, grid, chosen)
        for knob, options in enumerate(seen):
            new += ~np.isin(grid[:, knob], list(options))
        row = grid[order[number] if number < len(order) else int(np.argmax(new))]
        chosen.append(row)
        for knob, options in enumerate(seen):
            options.add(int(row[knob]))
    return chosen


def _extents(workload: Workload) -> set[int]:
    """The numbers of a kernel before it is scheduled."""
    nest = describe(workload.kernel)
    layout = nest.structure.layout
    places = [*layout.extent, *(at for shape in layout.shape for at in shape)]
    return {int(nest.slots[at]) for at in places}


Matrix = Callable[[Sketch, Choices], "tuple[Features, NDArray[np.bool_]]"]

__all__ = ["SketchFeatures", "WorkloadFeatures"]
