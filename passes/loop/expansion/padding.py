"""Emission of reads that are a constant beyond the edges of what they read: padding that takes no memory.

Lanes beyond an edge are masked off, and hold the constant. What is loaded depends on where the elements lie only: rows
that several copies of a block read are loaded once.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import IntegerAttr, i1, i64
from xdsl.ir import SSAValue

from ....dialects.arith import CmpiOp
from ....dialects.loop import byte_size
from ....dialects.quasi_affine import Lin
from .emitter import vector_type
from .memory import MAX_STRIDE, MemoryExpansion
from .plan import AccessPlan, Storage

MASKED_BYTES = 32
"""How wide the vectors are, at least, of machines that load some lanes of one in one instruction."""

_AT_LEAST = {"predicate": IntegerAttr(5, i64)}


class PaddingExpansion(MemoryExpansion):
    """Emits loads of elements that may lie beyond an edge."""

    def are_edges(self, conditions: Sequence[Lin], plan: AccessPlan) -> bool:
        """Whether conditions, forms that have to be at least 0, are that the element exists."""
        shape = self.kernel.storage[plan.buffer].shape
        forms = [index for index in plan.indices if isinstance(index, Lin)]
        edges = {edge for form, extent in zip(forms, shape, strict=True) for edge in _edges(form, extent)}
        return edges.issuperset(conditions)

    def load_padded(self, plan: AccessPlan, default: SSAValue) -> SSAValue | None:
        """A load of the elements that exist, and `default` in other lanes; None unless lanes are neighbours or a few
        elements apart."""
        storage = self.kernel.storage[plan.buffer]
        forms = self._forms(plan)
        stride = self._stride(forms, storage)
        lane = self.env.lane
        if lane is None or stride is None or forms[-1].coefficient(lane) != stride or storage.strides[-1] != 1:
            return None
        if any(form.coefficient(lane) != 0 for form in forms[:-1]):
            return None
        inside = all(self.env.interval(edge)[0] >= 0 for edge in _edges(forms[-1], storage.shape[-1]))
        if inside and self.env.width * byte_size(storage.type.element_type) < MASKED_BYTES:
            # The row that all lanes are in exists or not: machines without masks jump.
            return None
        for form, extent in zip(forms[:-1], storage.shape[:-1], strict=True):
            lo, hi = self.env.interval(form)
            if hi < 0 or lo >= extent:
                return self.wide(default)
        if stride == 1:
            return self._load_inside(forms, default, plan, storage)
        if 2 <= stride <= min(MAX_STRIDE, self.env.width // 2):
            return self._load_spread(forms, stride, default, plan, storage)
        return None

    def _load_inside(
        self, forms: Sequence[Lin], default: SSAValue, plan: AccessPlan, storage: Storage
    ) -> SSAValue | None:
        """A vector of the elements that exist; the last form goes on by one from lane to lane."""
        buffer = self.emitter.buffer(plan.buffer)
        key = ("padded", self.env.width, default, *forms)
        known = self.emitter.memory.other(buffer, key)
        if known is not None:
            return known
        type = vector_type(storage.type.element_type, self.env.width)
        indices = [self.emitter.index(form) for form in self._first_lane(forms)]
        mask = self._existing(forms, storage)
        if mask is None:
            value = self.emitter.emit(vector.LoadOp, (buffer, *indices), type)
        else:
            value = self.emitter.emit(vector.MaskedLoadOp, (buffer, *indices, mask, self.wide(default)), type)
        self.emitter.memory.made(buffer, key, value)
        return value

    def _load_spread(
        self, forms: Sequence[Lin], stride: int, default: SSAValue, plan: AccessPlan, storage: Storage
    ) -> SSAValue | None:
        """Lanes that are some elements apart, of as many vectors. These start at a multiple of the stride, so that what
        lies between the lanes is in the same vectors."""
        lane, width = self.env.lane, self.env.width
        assert lane is not None
        *outer, last = forms
        phase = last.const % stride
        neighbours = last - Lin(phase, {lane: stride - 1})
        result: SSAValue | None = None
        for number in range(stride):
            part = self._load_inside([*outer, neighbours + number * width], default, plan, storage)
            if part is None:
                return None
            if result is None:
                result = part
                continue
            elements = [phase + stride * number for number in range(width)]
            before = [element % width for element in elements] if number == 1 else range(width)
            lanes = [
                width + element % width if element // width == number else old
                for element, old in zip(elements, before, strict=True)
            ]
            result = self._shuffle(result, part, lanes)
        return result

    def _existing(self, forms: Sequence[Lin], storage: Storage) -> SSAValue | None:
        """The lanes whose element exists; None if it does in all of them."""
        mask: SSAValue | None = None
        truth: SSAValue | None = None
        for form, extent in zip(forms, storage.shape, strict=True):
            for edge in _edges(form, extent):
                if self.env.interval(edge)[0] >= 0:
                    continue
                if self.env.in_lanes(edge):
                    part = self._lanes_inside(edge)
                    mask = part if mask is None else self.both(mask, part)
                else:
                    part = self.emitter.shared(("at least 0", edge), lambda edge=edge: self._at_least_0(edge))
                    truth = part if truth is None else self.both(truth, part)
        if truth is None:
            return mask
        return self.wide(truth) if mask is None else self.both(mask, self.wide(truth))

    def _at_least_0(self, form: Lin) -> SSAValue:
        return self.emitter.emit(CmpiOp, (self.emitter.index(form), self.emitter.index_constant(0)), i1, _AT_LEAST)

    def _lanes_inside(self, edge: Lin) -> SSAValue:
        """The lanes in which a form that goes up or down by one from lane to lane is at least 0."""
        lane = self.env.lane
        assert lane is not None
        first = Lin(edge.const, {atom: c for atom, c in edge.terms.items() if atom is not lane})
        if edge.coefficient(lane) == -1:
            return self.first_lanes(first + 1)
        return self.emitter.shared(
            ("last lanes", first, self.env.width), lambda: self._inverted(self.first_lanes(-first))
        )

    def _inverted(self, mask: SSAValue) -> SSAValue:
        return self.emitter.emit(arith.XOrIOp, (mask, self.emitter.splat(1, mask.type)), mask.type)


def _edges(form: Lin, extent: int) -> tuple[Lin, Lin]:
    """What is not negative where an index is inside of a dimension."""
    return form, -form + (extent - 1)
