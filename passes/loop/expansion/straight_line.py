"""What is known of memory in a straight line of code: values that were loaded or stored, and stores that nobody reads.

Distinct buffers do not overlap. In one buffer, two places are told apart where they differ by a constant.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from xdsl.dialects import affine, memref, vector
from xdsl.ir import Operation, SSAValue
from xdsl.traits import NoMemoryEffect, Pure

from ....dialects import cpu
from ....dialects.quasi_affine import Lin

_LOADS = (affine.LoadOp, affine.VectorLoadOp, memref.LoadOp, vector.LoadOp, vector.MaskedLoadOp)
"""What reads the buffer that is its first operand, and nothing else."""
_NO_READS = (
    affine.MinOp,
    affine.StoreOp,
    affine.VectorStoreOp,
    vector.CreateMaskOp,
    vector.MaskedStoreOp,
    cpu.FreeRegistersOp,
    cpu.PrefetchOp,
)
"""What reads nothing, though its traits do not say so."""


class Place(NamedTuple):
    """Neighbouring elements of a buffer."""

    moving: Hashable
    """What varies of where they are; places are compared if it is the same."""
    offset: int
    """Where the first of them is, beside that."""
    lanes: int

    @staticmethod
    def of(forms: Sequence[Lin], strides: Sequence[int], lanes: int) -> Place:
        """As many elements as there are lanes, from the one on that forms name in the first of these."""
        offset = 0
        moving: list[Hashable] = [lanes]
        for form, stride in zip(forms, strides, strict=True):
            offset += form.const * stride
            moving.append(frozenset(form.terms.items()))
        return Place(tuple(moving), offset, lanes)

    def is_apart_from(self, offset: int) -> bool:
        """Whether as many elements from an offset on, which vary in the same way, are all others."""
        return abs(offset - self.offset) >= self.lanes


_Values: TypeAlias = dict[Hashable, dict[int, SSAValue]]
_Stores: TypeAlias = dict[Place, Sequence[Operation]]


@cache
def _reads_nothing(op_type: type[Operation]) -> bool:
    return op_type in _NO_READS or op_type.has_trait(Pure) or op_type.has_trait(NoMemoryEffect)


class StraightLine:
    """What is known between two places where control flow comes together."""

    def __init__(self) -> None:
        self._values: dict[SSAValue, _Values] = {}
        self._others: dict[SSAValue, dict[object, SSAValue]] = {}
        self._unread: dict[SSAValue, _Stores] = {}

    def clear(self) -> None:
        """Forgets everything."""
        self._values.clear()
        self._others.clear()
        self._unread.clear()

    # values

    def value(self, buffer: SSAValue, place: Place) -> SSAValue | None:
        """What elements of a buffer are known to be."""
        values = self._values.get(buffer)
        if values is None:
            return None
        known = values.get(place.moving)
        return None if known is None else known.get(place.offset)

    def loaded(self, buffer: SSAValue, place: Place, value: SSAValue) -> None:
        """Shares a load."""
        self._values.setdefault(buffer, {}).setdefault(place.moving, {})[place.offset] = value

    def other(self, buffer: SSAValue, key: object) -> SSAValue | None:
        """What was made of a buffer's elements in another way, which a key tells."""
        others = self._others.get(buffer)
        return None if others is None else others.get(key)

    def made(self, buffer: SSAValue, key: object, value: SSAValue) -> None:
        """Shares what was made of a buffer's elements."""
        self._others.setdefault(buffer, {})[key] = value

    # stores

    def wrote(self, buffer: SSAValue) -> None:
        """Forgets what a buffer holds."""
        self._values.pop(buffer, None)
        self._others.pop(buffer, None)

    def stored(
        self, buffer: SSAValue, place: Place, value: SSAValue, stores: Sequence[Operation]
    ) -> Sequence[Operation]:
        """Notes what stores have written, and forgets what they may have overwritten. Gives the stores that nobody
        needs any more: those to the same place that nobody has read."""
        self._others.pop(buffer, None)
        known = self._values.get(buffer, {}).get(place.moving, {})
        kept = {offset: other for offset, other in known.items() if place.is_apart_from(offset)}
        kept[place.offset] = value
        self._values[buffer] = {place.moving: kept}
        unread = self._unread.setdefault(buffer, {})
        overwritten = unread.pop(place, ())
        unread[place] = stores
        return overwritten

    def unread_beside(self, buffer: SSAValue, place: Place) -> _Stores:
        """The stores that a load of a place does not read."""
        return {
            other: stores
            for other, stores in self._unread.get(buffer, {}).items()
            if other.moving == place.moving and place.is_apart_from(other.offset)
        }

    def still_unread(self, buffer: SSAValue, stores: _Stores) -> None:
        """Says what nobody has read of a buffer after all."""
        if stores:
            self._unread[buffer] = stores

    def added(self, op: Operation) -> None:
        """Notes that what an operation reads is needed."""
        if not self._unread or _reads_nothing(type(op)):
            return
        if isinstance(op, _LOADS):
            self._unread.pop(op.operands[0], None)
        else:
            self._unread.clear()
