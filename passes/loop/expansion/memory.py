"""Emission of loads and stores under the current mask: elements, vectors, and lanes one by one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xdsl.dialects import affine, arith, memref, scf, vector
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i1, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ....dialects import cpu
from ....dialects.arith import CmpiOp, SelectOp
from ....dialects.lanes import lane_stride, row_major_strides
from ....dialects.loop import BlockOp, LoopKind, byte_size, loop_of
from ....dialects.quasi_affine import Lin
from ....errors import CompileError
from .emitter import INDEX, NO_OVERFLOW, Emitter, affine_map, element_of, is_vector, mask_type, vector_type
from .environment import Environment
from .plan import AccessPlan, Guard, KernelPlan, Storage
from .straight_line import Place

LESS = {"predicate": IntegerAttr(2, i64)}

TRANSPOSED_BYTES = 64
"""How much of a row is loaded at once to be transposed."""

MAX_STRIDE = 8
"""How many elements apart neighbouring lanes are, at most, to load what lies between them, too."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Which lanes run: those that guards let; inside of lazy branches those of a vector of i1."""

    guards: tuple[Guard, ...] = ()
    value: SSAValue | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An iteration of an unrolled loop along which an access moves from one element to the next."""

    variable: SSAValue
    number: int
    extent: int
    indices: tuple[Lin, ...]
    """Where the access goes, in terms of loops."""


class MemoryExpansion:
    """Emits accesses at the emitter's place, for all lanes that the mask lets run."""

    def __init__(self, plan: KernelPlan, block: BlockOp, environment: Environment, emitter: Emitter) -> None:
        self.kernel = plan
        self.block = block
        self.env = environment
        self.emitter = emitter
        self.mask: Mask | None = None

    def wide(self, value: SSAValue) -> SSAValue:
        """A value in every lane."""
        return self.emitter.broadcast(value, self.env.width)

    def _forms(self, plan: AccessPlan) -> list[Lin]:
        evaluate = self.env.evaluate
        return [evaluate(index) for index in plan.indices if isinstance(index, Lin)]

    def _stride(self, forms: Sequence[Lin], storage: Storage) -> int | None:
        lane = self.env.lane
        return 0 if lane is None else lane_stride(forms, storage.strides, lane)

    # masks

    def runs(self, mask: Mask) -> SSAValue:
        """The lanes that run, as a vector of i1: one value in a straight line, made where it is needed first."""
        if mask.value is not None:
            return mask.value
        counts: list[Lin] = []
        parts: list[SSAValue] = []
        for guard in mask.guards:
            form = self.env.evaluate(guard.form)
            if (count := self._lane_count(form, guard.limit)) is not None:
                counts.append(count)
            else:
                key = ("lanes below", form, guard.limit, self.env.width)
                parts.append(self.emitter.shared(key, lambda form=form, guard=guard: self._below(form, guard.limit)))
        if counts:
            parts.append(self.first_lanes(*counts))
        both = parts[0]
        for part in parts[1:]:
            both = self.both(both, part)
        return both

    def first_lanes(self, *counts: Lin) -> SSAValue:
        """A mask of as many of the first lanes as the least of some forms says."""
        width = self.env.width
        return self.emitter.shared(("first lanes", counts, width), lambda: self._first_lanes(counts, width))

    def _first_lanes(self, counts: Sequence[Lin], width: int) -> SSAValue:
        if len(counts) == 1:
            count = self.emitter.index(counts[0])
        else:
            map, operands = affine_map(counts)
            count = self.emitter.emit(affine.MinOp, operands, INDEX, {"map": map})
        return self.emitter.emit(vector.CreateMaskOp, (count,), mask_type(width))

    def _below(self, form: Lin, limit: int) -> SSAValue:
        assert self.env.lane is not None
        indices = self.emitter.lane_index(form, self.env.lane, self.env.width, self.env.bounds)
        bound = self.emitter.splat(limit, indices.type)
        return self.emitter.emit(CmpiOp, (indices, bound), mask_type(self.env.width), LESS)

    def both(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        """What holds where two masks, or two conditions, do."""
        return self.emitter.shared(("both", lhs, rhs), lambda: self.emitter.emit(arith.AndIOp, (lhs, rhs), lhs.type))

    # accesses

    def load(self, plan: AccessPlan) -> SSAValue:
        """Emits a load: of one element, of a vector, or lane by lane where lanes are not neighbours."""
        storage = self.kernel.storage[plan.buffer]
        forms = self._forms(plan)
        buffer = self.emitter.buffer(plan.buffer)
        stride = self._stride(forms, storage)
        masked = self.mask is not None and not self._in_bounds(forms, storage)
        if stride == 0 and masked:
            return self._load_scalar(
                [self._clamped(f, extent) for f, extent in zip(forms, storage.shape, strict=True)], buffer, storage
            )
        if stride == 1 and masked:
            return self._load_masked(forms, buffer, storage)
        if stride not in (0, 1):
            return self._gather(forms, stride, buffer, storage, masked, self._unrolled_step(plan, storage))
        return self._load_place(forms, stride, plan, buffer, storage)

    def _place(self, forms: Sequence[Lin], stride: int, storage: Storage) -> Place:
        return Place.of(forms, storage.strides, self.env.width if stride else 1)

    def _load_place(
        self, forms: Sequence[Lin], stride: int, plan: AccessPlan, buffer: SSAValue, storage: Storage
    ) -> SSAValue:
        """A load of one element, or of one for each lane, that lie side by side."""
        memory = self.emitter.memory
        place = self._place(forms, stride, storage)
        value = memory.value(buffer, place)
        if value is not None:
            return value
        unread = memory.unread_beside(buffer, place)
        if stride:
            value = self._load_whole(forms, plan, buffer, storage)
        else:
            map, operands = affine_map(forms)
            value = self.emitter.emit(affine.LoadOp, (buffer, *operands), storage.type.element_type, {"map": map})
        memory.still_unread(buffer, unread)
        memory.loaded(buffer, place, value)
        return value

    def _first_lane(self, forms: Sequence[Lin]) -> list[Lin]:
        return [self._at_lane(form, 0) for form in forms]

    def _at_lane(self, form: Lin, number: int) -> Lin:
        lane = self.env.lane
        if lane is None:
            return form
        coefficient = form.coefficient(lane)
        if coefficient is None:
            return form.substitute({lane: Lin(number)}, self.env.bounds)
        if not coefficient:
            return form
        return Lin(form.const + coefficient * number, {a: c for a, c in form.terms.items() if a is not lane})

    def _in_bounds(self, forms: Sequence[Lin], storage: Storage) -> bool:
        """Whether every lane, running or not, stays inside of the buffer."""
        return in_bounds(forms, storage, self.env)

    def _clamped(self, form: Lin, extent: int) -> SSAValue:
        value = self.emitter.index(form)
        lo, hi = self.env.interval(form)
        return self._clamp(value, extent, lo < 0, hi >= extent)

    def _clamp(self, value: SSAValue, extent: int, below: bool = True, above: bool = True) -> SSAValue:
        if below:
            value = self.emitter.emit(arith.MaxSIOp, (value, self.emitter.splat(0, value.type)), value.type)
        if above:
            value = self.emitter.emit(arith.MinSIOp, (value, self.emitter.splat(extent - 1, value.type)), value.type)
        return value

    def _load_scalar(self, indices: Sequence[SSAValue], buffer: SSAValue, storage: Storage) -> SSAValue:
        return self.emitter.emit(memref.LoadOp, (buffer, *indices), storage.type.element_type)

    def _load_masked(self, forms: Sequence[Lin], buffer: SSAValue, storage: Storage) -> SSAValue:
        assert self.mask is not None
        runs = self.runs(self.mask)
        key = ("masked", runs, *forms)
        known = self.emitter.memory.other(buffer, key)
        if known is None:
            indices = [self.emitter.index(form) for form in self._first_lane(forms)]
            known = self._masked_load(runs, indices, buffer, storage)
            self.emitter.memory.made(buffer, key, known)
        return known

    def _masked_load(self, runs: SSAValue, indices: Sequence[SSAValue], buffer: SSAValue, storage: Storage) -> SSAValue:
        type = vector_type(storage.type.element_type, self.env.width)
        zeros = self.emitter.splat(0, type)
        return self.emitter.emit(vector.MaskedLoadOp, (buffer, *indices, runs, zeros), type)

    def _load_strided(
        self, forms: Sequence[Lin], stride: int, buffer: SSAValue, storage: Storage, masked: bool
    ) -> SSAValue | None:
        """As many vector loads as lanes are elements apart, and what lanes need of each; None where that is no better
        than one load a lane. Nothing beyond the last lane's element is loaded."""
        width, lane = self.env.width, self.env.lane
        *outer, last = forms
        if not 2 <= stride <= min(MAX_STRIDE, width // 2) or lane is None or last.coefficient(lane) != stride:
            return None
        if any(form.coefficient(lane) != 0 for form in outer):
            return None
        counts = self._lane_counts() if masked else []
        if counts is None:
            return None
        type = vector_type(storage.type.element_type, width)
        first = self._first_lane(forms)
        result: SSAValue | None = None
        for chunk in range(stride):
            offset = min(chunk * width, stride * (width - 1) + 1 - width)
            indices = [*first[:-1], first[-1] + offset]
            if masked:
                ends = [count * stride - (stride - 1 + offset) for count in counts]
                part = self._load_up_to(ends, indices, buffer, storage)
            else:
                map, operands = affine_map(indices)
                part = self.emitter.emit(affine.VectorLoadOp, (buffer, *operands), type, {"map": map})
            elements = [stride * number for number in range(width)]
            own = [chunk * width <= element < (chunk + 1) * width for element in elements]
            if result is None:
                result = part
                continue
            # In the first chunk, elements lie where they lay in memory; then, where their lanes are.
            before = [element % width for element in elements] if chunk == 1 else range(width)
            lanes = [
                width + element - offset if mine else old
                for element, mine, old in zip(elements, own, before, strict=True)
            ]
            result = self._shuffle(result, part, lanes)
        return result

    def _lane_counts(self) -> list[Lin] | None:
        """How many of the first lanes run, as the least of some forms; None if those that run are not the first."""
        if self.mask is None or not self.mask.guards or self.env.lane is None:
            return None
        counts: list[Lin] = []
        for guard in self.mask.guards:
            count = self._lane_count(self.env.evaluate(guard.form), guard.limit)
            if count is None:
                return None
            counts.append(count)
        return counts

    def _lane_count(self, form: Lin, limit: int) -> Lin | None:
        """How many of the first lanes have a form below a limit; None if those that have are not the first."""
        lane = self.env.lane
        assert lane is not None
        return Lin(limit) - (form - Lin.of(lane)) if form.coefficient(lane) == 1 else None

    def _load_up_to(self, ends: Sequence[Lin], indices: Sequence[Lin], buffer: SSAValue, storage: Storage) -> SSAValue:
        """A vector load of as many elements as the least of the ends says."""
        mask = self.first_lanes(*ends)
        type = vector_type(storage.type.element_type, self.env.width)
        values = [self.emitter.index(form) for form in indices]
        return self.emitter.emit(vector.MaskedLoadOp, (buffer, *values, mask, self.emitter.splat(0, type)), type)

    def _shuffle(self, first: SSAValue, second: SSAValue, lanes: Sequence[int]) -> SSAValue:
        properties = {"mask": _mask(*lanes)}
        type = vector_type(element_of(first), len(lanes))
        return self.emitter.emit(vector.ShuffleOp, (first, second), type, properties)

    def _unrolled_step(self, plan: AccessPlan, storage: Storage) -> Step | None:
        """The iteration that this is of an unrolled loop that moves an access to its neighbour in memory."""
        indices = [index for index in plan.indices if isinstance(index, Lin)]
        if len(indices) != len(plan.indices) or not indices:
            return None
        place = sum((index * stride for index, stride in zip(indices, storage.strides, strict=True)), Lin())
        for variable in dict.fromkeys(place.values()):
            loop = loop_of(variable)
            if loop is None or loop.kind is not LoopKind.UNROLLED or place.coefficient(variable) != 1:
                continue
            value = self.env.values.get(variable)
            if value is not None and value.is_const:
                return Step(variable, value.const, loop.extent, tuple(indices))
        return None

    def _load_transposed(
        self, step: Step | None, forms: Sequence[Lin], buffer: SSAValue, storage: Storage
    ) -> SSAValue | None:
        """What lanes need of rows, where an unrolled loop goes along the rows: vectors of all rows are loaded and
        transposed in registers, for several iterations of that loop at once. None where that does not fit.

        Rows that lanes left out would read, and that do not exist, are other rows.
        """
        lane, width = self.env.lane, self.env.width
        if lane is None or step is None:
            return None
        known = self.emitter.memory.other(buffer, ("transposed", *forms))
        if known is not None:
            return known
        moved = [d for d, form in enumerate(forms) if form.coefficient(lane) != 0]
        along = [d for d, index in enumerate(step.indices) if index.coefficient(step.variable) != 0]
        apart = lane_stride([forms[d] for d in moved], [storage.strides[d] for d in moved], lane)
        if not moved or not apart or set(moved) & set(along):
            return None
        most = TRANSPOSED_BYTES // max(1, byte_size(storage.type.element_type))
        group = _group(step.number, step.extent, most)
        if any(not self._inside(forms, d, storage) for d in range(len(forms)) if d not in moved and d not in along):
            return None
        while group is not None and not self._columns_inside(self._forms_at(step, -group[0]), group[1], along, storage):
            # Fewer of them end before the buffer does.
            most //= 2
            group = _group(step.number, step.extent, most)
        if group is None:
            return None
        number, count = group
        start = self._forms_at(step, -number)
        rows: list[SSAValue] = []
        for row in range(width):
            loaded = self._load_row(start, row, moved, count, buffer, storage)
            if loaded is None and not rows:
                return None
            rows.append(rows[0] if loaded is None else loaded)
        columns = self._transpose(rows, count)
        for column, value in enumerate(columns):
            self.emitter.memory.made(buffer, ("transposed", *self._forms_at(step, column - number)), value)
        return columns[number]

    def _forms_at(self, step: Step, distance: int) -> list[Lin]:
        """Where the access goes some iterations of the unrolled loop later."""
        there = {step.variable: Lin(step.number + distance)}
        return [self.env.evaluate(index.substitute(there, self.env.bounds)) for index in step.indices]

    def _columns_inside(self, start: Sequence[Lin], count: int, along: Sequence[int], storage: Storage) -> bool:
        """Whether as many elements as a group has follow one another where rows start: in one dimension, or in several
        that lie one after another."""
        if len(along) == 1:
            lo, hi = self.env.interval(start[along[0]])
            return lo >= 0 and hi + count <= storage.shape[along[0]]
        if list(along) != list(range(along[0], along[0] + len(along))):
            return False
        size = storage.shape[along[0]] * storage.strides[along[0]]
        strides = row_major_strides([storage.shape[d] for d in along])
        if [storage.strides[d] for d in along] != strides or any(not self._inside(start, d, storage) for d in along):
            return False
        place = sum((start[d] * stride for d, stride in zip(along, strides, strict=True)), Lin())
        return self.env.interval(place)[1] + count <= size

    def _inside(self, forms: Sequence[Lin], dimension: int, storage: Storage) -> bool:
        lo, hi = self.env.interval(forms[dimension])
        return lo >= 0 and hi < storage.shape[dimension]

    def _load_row(
        self, forms: Sequence[Lin], row: int, moved: Sequence[int], count: int, buffer: SSAValue, storage: Storage
    ) -> SSAValue | None:
        """A vector along the last dimension, of the row of one lane, or of the nearest row that there is; None if there
        is none like it."""
        own = [self._at_lane(form, row) for form in forms]
        type = vector_type(storage.type.element_type, count)
        if all(self._inside(own, d, storage) for d in moved):
            map, operands = affine_map(own)
            return self.emitter.emit(affine.VectorLoadOp, (buffer, *operands), type, {"map": map})
        for d in moved:
            lo, hi = self.env.interval(own[d])
            if hi < 0 or lo >= storage.shape[d]:
                return None
        indices = [
            self._clamped(form, storage.shape[d]) if d in moved else self.emitter.index(form)
            for d, form in enumerate(own)
        ]
        return self.emitter.emit(vector.LoadOp, (buffer, *indices), type)

    def _transpose(self, rows: Sequence[SSAValue], count: int) -> list[SSAValue]:
        """As many vectors as rows have lanes, each with a lane of every row: rows are interleaved, two at a time."""
        whole = self._interleaved(rows, count)
        width = len(rows)
        if width <= count:
            each = count // width
            return [
                part if each == 1 else self._shuffle(part, part, range(n * width, (n + 1) * width))
                for part in whole
                for n in range(each)
            ]
        each = width // count
        columns: list[SSAValue] = []
        for first in range(0, len(whole), each):
            parts = whole[first : first + each]
            while len(parts) > 1:
                lanes = 2 * count * each // len(parts)
                parts = [self._shuffle(a, b, range(lanes)) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            columns.append(parts[0])
        return columns

    def _interleaved(self, rows: Sequence[SSAValue], count: int) -> list[SSAValue]:
        """Vectors that hold, one after another, lane 0 of every row, lane 1 of every row, and so on."""
        if len(rows) == 1:
            return list(rows)
        evens, odds = self._interleaved(rows[::2], count), self._interleaved(rows[1::2], count)
        low = [lane for n in range(count // 2) for lane in (n, count + n)]
        high = [lane + count // 2 for lane in low]
        return [self._shuffle(a, b, lanes) for a, b in zip(evens, odds, strict=True) for lanes in (low, high)]

    def _gather(
        self,
        forms: Sequence[Lin],
        stride: int | None,
        buffer: SSAValue,
        storage: Storage,
        masked: bool,
        unrolled: Step | None,
    ) -> SSAValue:
        """One load a lane, or fewer where lanes are near one another. Lanes left out load some element."""
        near = None if stride is None else self._load_strided(forms, stride, buffer, storage, masked)
        if near is not None:
            return near
        turned = self._load_transposed(unrolled, forms, buffer, storage)
        if turned is not None:
            return turned
        values: list[SSAValue] = []
        for number in range(self.env.width):
            indices = [self._at_lane(form, number) for form in forms]
            if masked:
                clamped = [self._clamped(form, extent) for form, extent in zip(indices, storage.shape, strict=True)]
                values.append(self._load_scalar(clamped, buffer, storage))
            else:
                map, operands = affine_map(indices)
                values.append(
                    self.emitter.emit(affine.LoadOp, (buffer, *operands), storage.type.element_type, {"map": map})
                )
        return self._from_lanes(values)

    def _from_lanes(self, values: Sequence[SSAValue]) -> SSAValue:
        vector_ = self.wide(values[0])
        for number, value in enumerate(values[1:], 1):
            vector_ = self.emitter.emit(vector.InsertOp, (value, vector_), vector_.type, _position(number))
        return vector_

    def _lane_of(self, value: SSAValue, number: int) -> SSAValue:
        return self.emitter.emit(vector.ExtractOp, (value,), element_of(value), _position(number))

    def load_at_data(self, plan: AccessPlan, values: Sequence[SSAValue]) -> SSAValue:
        """Emits a load with some indices that are data, which are brought into their dimensions first."""
        storage = self.kernel.storage[plan.buffer]
        buffer = self.emitter.buffer(plan.buffer)
        lane = self.env.lane
        given = iter(values)
        data: list[SSAValue | None] = []
        forms: list[Lin] = []
        # room for lanes makes a dimension longer than it is
        extents = (*storage.logical, *storage.shape[len(storage.logical) :])
        for index, extent in zip(plan.indices, extents, strict=True):
            if isinstance(index, Lin):
                data.append(None)
                forms.append(self.env.evaluate(index))
            else:
                data.append(self._in_dimension(next(given), extent, plan.wraps))
                forms.append(Lin())
        scalars = not any(value is not None and is_vector(value) for value in data)
        stride = self._stride(forms, storage) if scalars else None
        masked = self.mask is not None and not self._in_bounds(forms, storage)
        if lane is None or stride == 0:
            return self._load_scalar(self._data_indices(data, forms, storage, masked, 0), buffer, storage)
        if stride == 1:
            indices = self._data_indices(data, forms, storage, False, 0)
            if masked and self.mask is not None:
                return self._masked_load(self.runs(self.mask), indices, buffer, storage)
            type = vector_type(storage.type.element_type, self.env.width)
            return self.emitter.emit(vector.LoadOp, (buffer, *indices), type)
        lanes: list[SSAValue] = []
        for number in range(self.env.width):
            indices = self._data_indices(data, forms, storage, masked, number)
            lanes.append(self._load_scalar(indices, buffer, storage))
        return self._from_lanes(lanes)

    def _data_indices(
        self, data: Sequence[SSAValue | None], forms: Sequence[Lin], storage: Storage, masked: bool, lane: int
    ) -> list[SSAValue]:
        """The indices of one lane."""
        indices: list[SSAValue] = []
        for value, form, extent in zip(data, forms, storage.shape, strict=True):
            if value is None:
                own = self._at_lane(form, lane)
                indices.append(self._clamped(own, extent) if masked else self.emitter.index(own))
            elif is_vector(value):
                indices.append(self._lane_of(value, lane))
            else:
                indices.append(value)
        return indices

    def _in_dimension(self, value: SSAValue, extent: int, wraps: bool) -> SSAValue:
        if not wraps:
            return self._clamp(value, extent)
        size, zero = self.emitter.splat(extent, value.type), self.emitter.splat(0, value.type)
        remainder = self.emitter.emit(arith.RemSIOp, (value, size), value.type)
        truth: Attribute = mask_type(self.env.width) if is_vector(value) else i1
        negative = self.emitter.emit(CmpiOp, (remainder, zero), truth, LESS)
        lifted = self.emitter.emit(arith.AddiOp, (remainder, size), value.type, NO_OVERFLOW)
        return self.emitter.emit(SelectOp, (negative, lifted, remainder), value.type)

    def prefetch(self, plan: AccessPlan) -> None:
        """Emits a prefetch; one line is what lanes are in."""
        map, operands = affine_map(self._first_lane(self._forms(plan)))
        self.emitter.add(cpu.PrefetchOp(self.emitter.buffer(plan.buffer), map.data, operands))

    def store(self, value: SSAValue, plan: AccessPlan) -> None:
        """Emits a store."""
        storage = self.kernel.storage[plan.buffer]
        forms = self._forms(plan)
        buffer = self.emitter.buffer(plan.buffer)
        stride = self._stride(forms, storage)
        if stride == 0 and self.mask is not None and self.env.lane is not None:
            # Memory has a place for the one lane that runs.
            self._scatter(self.wide(value), forms, buffer)
        elif stride == 0:
            self._store_scalar(value, forms, buffer, storage)
        elif stride == 1:
            self._store_vector(self.wide(value), forms, plan, buffer, storage)
        else:
            self._scatter(self.wide(value), forms, buffer)

    def _store_scalar(self, value: SSAValue, forms: Sequence[Lin], buffer: SSAValue, storage: Storage) -> None:
        if is_vector(value) or self.mask is not None:
            raise CompileError(
                f"block '{self.block.block_name}': expected vector lanes to write different elements, "
                "got one element for all of them"
            )
        map, operands = affine_map(forms)
        store = affine.StoreOp.create(operands=(value, buffer, *operands), properties={"map": map})
        self.emitter.add_stores(buffer, self._place(forms, 0, storage), value, [store])

    def _store_vector(
        self, value: SSAValue, forms: Sequence[Lin], plan: AccessPlan, buffer: SSAValue, storage: Storage
    ) -> None:
        mask = self.mask
        if mask is not None and not self._may_clobber(forms, plan, storage):
            if self.emitter.is_private(plan.buffer) and self._in_bounds(forms, storage):
                # Read, choose, write: LLVM keeps such a buffer in registers, which a masked store would prevent.
                old = self._load_place(forms, 1, plan, buffer, storage)
                value = self.emitter.emit(SelectOp, (self.runs(mask), value, old), value.type)
            else:
                for first, lanes, part in self._parts(value, plan, storage):
                    indices = [self.emitter.index(self._at_lane(form, first)) for form in forms]
                    runs = self._lanes_of_mask(self.runs(mask), first, lanes)
                    self.emitter.add(vector.MaskedStoreOp.create(operands=(buffer, *indices, runs, part)))
                self.emitter.memory.wrote(buffer)
                return
        stores = self._stores(value, forms, plan, buffer, storage)
        self.emitter.add_stores(buffer, self._place(forms, 1, storage), value, stores)

    def _stores(
        self, value: SSAValue, forms: Sequence[Lin], plan: AccessPlan, buffer: SSAValue, storage: Storage
    ) -> Generator[Operation]:
        for first, _, part in self._parts(value, plan, storage):
            map, operands = affine_map([self._at_lane(form, first) for form in forms])
            yield affine.VectorStoreOp.create(operands=(part, buffer, *operands), properties={"map": map})

    def _load_whole(self, forms: Sequence[Lin], plan: AccessPlan, buffer: SSAValue, storage: Storage) -> SSAValue:
        """A load of all lanes."""
        lanes = self._lanes_of_register(plan, storage)
        type = vector_type(storage.type.element_type, lanes)
        parts: list[SSAValue] = []
        for first in range(0, self.env.width, lanes):
            map, operands = affine_map([self._at_lane(form, first) for form in forms])
            parts.append(self.emitter.emit(affine.VectorLoadOp, (buffer, *operands), type, {"map": map}))
        while len(parts) > 1:
            both = range(2 * self.env.width // len(parts))
            parts = [self._shuffle(a, b, both) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def _parts(self, value: SSAValue, plan: AccessPlan, storage: Storage) -> Generator[tuple[int, int, SSAValue]]:
        """What of a vector is stored at once, from its first lane on: that lane, how many there are, and these."""
        lanes = self._lanes_of_register(plan, storage)
        for first in range(0, self.env.width, lanes):
            yield first, lanes, self._lanes(value, first, lanes)

    def _lanes(self, value: SSAValue, first: int, count: int) -> SSAValue:
        return value if count == self.env.width else self._shuffle(value, value, range(first, first + count))

    def _lanes_of_mask(self, mask: SSAValue, first: int, count: int) -> SSAValue:
        return self.emitter.shared(("lanes", mask, first, count), lambda: self._lanes(mask, first, count))

    def _lanes_of_register(self, plan: AccessPlan, storage: Storage) -> int:
        """How many lanes are loaded or stored at once: those of a register, of memory that is written.

        LLVM stores the last part of a longer vector first. Where rows are not aligned, parts share lines, which go to
        the cache faster in the order of their addresses. What is loaded from there goes the same way, so that LLVM
        sees what a loop may keep in registers. It keeps what is on the stack in registers as it is.
        """
        width = self.env.width
        if plan.buffer not in self.kernel.written or self.emitter.is_on_stack(plan.buffer):
            return width
        lanes = self.kernel.vector_bytes // max(1, byte_size(storage.type.element_type))
        parts = width // max(1, lanes)
        return lanes if 0 < lanes < width and lanes * parts == width and parts & (parts - 1) == 0 else width

    def _may_clobber(self, forms: Sequence[Lin], plan: AccessPlan, storage: Storage) -> bool:
        """Whether lanes left out may store: they fall where nothing valid lies, inside of memory that no other thread
        sees."""
        assert self.mask is not None
        if not self.mask.guards or not self.emitter.is_private(plan.buffer) or not self._in_bounds(forms, storage):
            return False
        return all(lies_beyond(guard, plan, storage, self.env) for guard in self.mask.guards)

    def _scatter(self, value: SSAValue, forms: Sequence[Lin], buffer: SSAValue) -> None:
        """One store a lane, in order."""
        mask = self.mask
        for number in range(self.env.width):
            element = self._lane_of(value, number)
            map, operands = affine_map([self._at_lane(form, number) for form in forms])
            op = affine.StoreOp.create(operands=(element, buffer, *operands), properties={"map": map})
            if mask is None:
                self.emitter.add(op)
                continue
            runs = self._lane_of(self.runs(mask), number)
            block = Block()
            with self.emitter.inside(block):
                self.emitter.add(op)
            regions = [self.emitter.region_of(block, scf.YieldOp), Region()]
            self.emitter.add(scf.IfOp.create(operands=(runs,), regions=regions))
        self.emitter.memory.wrote(buffer)


def in_bounds(forms: Sequence[Lin], storage: Storage, environment: Environment) -> bool:
    """Whether an access stays inside of its memory, also where its block does not run."""
    for form, extent in zip(forms, storage.shape, strict=True):
        lo, hi = environment.interval(form)
        if lo < 0 or hi >= extent:
            return False
    return True


def lies_beyond(guard: Guard, plan: AccessPlan, storage: Storage, environment: Environment) -> bool:
    """Whether an access that stays inside of its memory lies where nothing valid does whenever a guard fails.

    What counts is where it goes in memory: beyond a dimension that memory has no places for lies something else.
    """
    form = environment.evaluate(guard.form)
    touched = plan.indices if storage.tiling is None else plan.untiled
    for position, (index, ends) in enumerate(zip(touched, storage.ends, strict=False)):
        if not ends or not isinstance(index, Lin):
            continue
        own = environment.evaluate(index)
        if storage.tiling is not None and environment.interval(own)[1] >= storage.reach[position]:
            continue
        for base, extent in ends:
            if _implies(Guard(own + environment.evaluate(base), extent), form, guard.limit):
                return True
    return False


def _group(number: int, extent: int, most: int) -> tuple[int, int] | None:
    """Which of how many neighbouring iterations one is, that share a transpose: as many as a register holds, fewer at
    the end of the loop; None where it stands alone."""
    first, size = 0, most
    while size > 1:
        groups = (extent - first) // size
        if number < first + groups * size:
            return (number - first) % size, size
        first += groups * size
        size //= 2
    return None


def _implies(outside: Guard, form: Lin, limit: int) -> bool:
    """Whether `form >= limit` implies that `outside` fails."""
    difference = outside.form - form
    return difference.is_const and limit + difference.const >= outside.limit


def _position(number: int) -> dict[str, Attribute]:
    return {"static_position": DenseArrayBase.from_list(i64, (number,))}


@lru_cache(maxsize=1024)
def _mask(*lanes: int) -> DenseArrayBase:
    """Which lanes a shuffle takes: the same few again and again."""
    return DenseArrayBase.from_list(i64, lanes)
