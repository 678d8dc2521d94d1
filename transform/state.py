"""What the handles of a running script stand for, and which of them are dead."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.transform import (
    OperationType,
    ParamType,
    TransformOpHandleType,
    TransformParamHandleType,
    TransformValueHandleType,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ..errors import ScheduleError, ScriptError
from .interfaces import Effect, Payload, effect_on

_USE_AFTER_DEATH = "op uses a handle invalidated by a previously executed transform op"
_BY_CONSUMPTION = (
    "invalidated by this transform op that consumes its operand #{} and invalidates all handles to payload IR "
    "entities associated with this operand and entities nested in them"
)
_BY_ERASURE = "invalidated by this transform op, which erased the payload op"


SCHEDULED = "loop.scheduled"
"""Attribute of a kernel that a script has scheduled."""


@dataclass(frozen=True)
class Death:
    """Why a handle died."""

    killer: Operation
    operand: int | None
    """The operand that was consumed; none if the payload op was erased."""
    ancestor: Operation | None
    nested: Operation | None

    def notes(self) -> tuple[tuple[str, object], ...]:
        """What an error about a use of the handle says."""
        if self.operand is None:
            return (_BY_ERASURE, self.killer), ("erased payload op", self.nested)
        notes: list[tuple[str, object]] = [(_BY_CONSUMPTION.format(self.operand), self.killer)]
        if self.ancestor is not None:
            notes.append(("ancestor payload op", self.ancestor))
        if self.nested is not self.ancestor:
            notes.append(("nested payload op", self.nested))
        return tuple(notes)


class TransformState:
    """The payload of each handle. A handle is alive, dead, or unknown because its region was left."""

    def __init__(self, root: Operation):
        self.root = root
        self._payload: dict[SSAValue, Payload] = {}
        self._dead: dict[SSAValue, Death] = {}
        self._lost: dict[SSAValue, str] = {}
        self._scope: list[SSAValue] = []
        self.scheduled: dict[FuncOp, None] = {}
        """The kernels that primitives were applied to."""

    @contextmanager
    def scope(self) -> Generator[None]:
        """Forgets on exit the handles that were bound inside."""
        outer, self._scope = self._scope, []
        try:
            yield
        finally:
            for handle in self._scope:
                self._payload.pop(handle, None)
                self._dead.pop(handle, None)
                self._lost.pop(handle, None)
            self._scope = outer

    # Reading handles

    def payload(self, handle: SSAValue) -> Payload:
        """Whatever the handle stands for."""
        if handle in self._lost:
            raise ScheduleError(self._lost[handle])
        return self._payload[handle]

    def ops(self, handle: SSAValue) -> list[Operation]:
        """The operations that an op handle stands for."""
        assert isinstance(handle.type, TransformOpHandleType), f"expected an op handle, got {handle.type}"
        return list(cast(Sequence[Operation], self.payload(handle)))

    def op(self, handle: SSAValue) -> Operation:
        """The one operation that an op handle stands for; anything else is refused."""
        ops = self.ops(handle)
        if len(ops) != 1:
            raise ScheduleError(f"expected a handle to exactly one payload op, got {len(ops)}")
        return ops[0]

    def params(self, handle: SSAValue) -> list[Attribute]:
        """The attributes that a param stands for."""
        return list(cast(Sequence[Attribute], self.payload(handle)))

    def integers(self, handle: SSAValue) -> list[int]:
        """The integers that a param stands for."""
        values: list[int] = []
        for attr in self.params(handle):
            if not isinstance(attr, IntegerAttr):
                raise ScheduleError(f"expected an integer param, got {attr}")
            values.append(attr.value.data)
        return values

    def integer(self, handle: SSAValue) -> int:
        """The one integer that a param stands for."""
        values = self.integers(handle)
        if len(values) != 1:
            raise ScheduleError(f"expected a param with exactly one value, got {len(values)}")
        return values[0]

    def values(self, handle: SSAValue) -> list[SSAValue]:
        """The payload values that a value handle stands for."""
        return list(cast(Sequence[SSAValue], self.payload(handle)))

    # Binding

    def bind(self, handle: SSAValue, payload: Payload) -> None:
        """Makes `handle` stand for `payload`."""
        self._check_type(handle, payload)
        self._payload[handle] = payload
        self._dead.pop(handle, None)
        self._lost.pop(handle, None)
        self._scope.append(handle)

    def _check_type(self, handle: SSAValue, payload: Payload) -> None:
        type = handle.type
        if isinstance(type, OperationType):
            for op in cast(Sequence[Operation], payload):
                if op.name != type.operation.data:
                    raise ScheduleError(
                        f"incompatible payload operation name: expected {type.operation.data}, got {op.name}", op
                    )
        elif isinstance(type, ParamType):
            for attr in cast(Sequence[Attribute], payload):
                if getattr(attr, "type", None) != type.type:
                    raise ScriptError(f"expected a param of type {type.type}, got {attr}")

    # Dying

    def check_operands(self, op: Operation) -> None:
        """Raises if an operand of a transform op is dead, or is consumed and lists an op twice."""
        for index, handle in enumerate(op.operands):
            if handle in self._dead:
                death = self._dead[handle]
                notes = (("handle to invalidated ops", _definition(handle)), *death.notes())
                raise ScriptError(_USE_AFTER_DEATH, op, notes)
            assert handle in self._payload or handle in self._lost, f"operand #{index} of {op.name} has no payload"

    def check_repeats(self, op: Operation, effects: Sequence[Effect]) -> None:
        """Raises if an operand that is consumed or erased lists an op twice."""
        for index, handle in enumerate(op.operands):
            effect = effects[min(index, len(effects) - 1)]
            if effect not in (Effect.CONSUMES, Effect.ERASES) or not isinstance(handle.type, TransformOpHandleType):
                continue
            ops = self.ops(handle)
            if len(set(ops)) != len(ops):
                raise ScriptError(
                    f"a handle passed as operand #{index} and consumed by this operation points to a payload entity "
                    "more than once",
                    op,
                )

    def consumed(self, op: Operation) -> dict[SSAValue, Death]:
        """The handles that a transform op kills by upstream's rule, to be told before it runs."""
        victims: dict[Operation, int] = {}
        for index, operand in enumerate(op.operands):
            if effect_on(op, index) is Effect.CONSUMES and isinstance(operand.type, TransformOpHandleType):
                victims.update((payload, index) for payload in self.ops(operand))
        deaths: dict[SSAValue, Death] = {}
        if victims:
            for handle, owner in self._owners():
                ancestor = _nearest(owner, victims)
                if ancestor is not None and handle not in deaths:
                    deaths[handle] = Death(op, victims[ancestor], ancestor, owner)
        return deaths

    def kill(self, deaths: dict[SSAValue, Death]) -> None:
        """Declares handles dead."""
        self._dead.update(deaths)

    def sweep(self, killer: Operation) -> None:
        """Kills the handles to operations that are no longer part of the payload."""
        attached: set[Operation] = {self.root}
        for handle, owner in self._owners():
            if handle not in self._dead and not _is_attached(owner, attached):
                self._dead[handle] = Death(killer, None, None, owner)

    def drop_detached(self, replacements: dict[Operation, Operation | None]) -> None:
        """Follows a rewrite: a handle to a replaced op becomes one to its replacement, erased ops leave their handles.
        A replacement of `None` was not found; its handle fails when it is used."""
        attached: set[Operation] = {self.root}
        for handle, payload in list(self._payload.items()):
            if not isinstance(handle.type, TransformOpHandleType):
                continue
            kept: list[Operation] = []
            for op in cast(Sequence[Operation], payload):
                current: Operation | None = op
                while current is not None and current in replacements:
                    current = replacements[current]
                if current is None:
                    self._lost[handle] = f"tracking listener failed to find a replacement of {op.name}"
                elif _is_attached(current, attached):
                    kept.append(current)
            self._payload[handle] = kept

    def _owners(self) -> Iterator[tuple[SSAValue, Operation]]:
        """The operations that each living handle depends on."""
        for handle, payload in self._payload.items():
            type = handle.type
            if handle in self._dead or isinstance(type, TransformParamHandleType):
                continue
            if isinstance(type, TransformOpHandleType):
                for op in cast(Sequence[Operation], payload):
                    yield handle, op
            elif isinstance(type, TransformValueHandleType):
                for value in cast(Sequence[SSAValue], payload):
                    owner = value.owner
                    owner = owner.parent_op() if isinstance(owner, Block) else owner
                    if owner is not None:
                        yield handle, owner


def _definition(handle: SSAValue) -> Operation | None:
    owner = handle.owner
    return owner.parent_op() if isinstance(owner, Block) else owner


def _nearest(op: Operation, among: dict[Operation, int]) -> Operation | None:
    """The op itself or its nearest ancestor that is in `among`."""
    current: Operation | None = op
    while current is not None and current not in among:
        current = current.parent_op()
    return current


def _is_attached(op: Operation, attached: set[Operation]) -> bool:
    """Whether an op is (in) one of `attached`, which remembers what was found on the way."""
    path: list[Operation] = []
    current: Operation | None = op
    while current is not None and current not in attached:
        path.append(current)
        current = current.parent_op()
    if current is None:
        return False
    attached.update(path)
    return True
