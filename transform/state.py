"""What the handles of a running script stand for, and which of them are dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.transform import (
    AnyOpType,
    AnyParamType,
    OperationType,
    ParamType,
    TransformOpHandleType,
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
        # Handles are known by their identity, which Python finds faster than their hash.
        self._payload: dict[int, Payload] = {}
        self._handles: dict[int, SSAValue] = {}
        """Those that stand for operations or values, and so can die."""
        self._dead: dict[int, Death] = {}
        self._lost: dict[int, str] = {}
        self._scope: list[int] = []
        self.scheduled: dict[FuncOp, None] = {}
        """The kernels that primitives were applied to."""

    def enter(self) -> list[int]:
        """Starts a region of the script; gives what `leave` needs."""
        outer, self._scope = self._scope, []
        return outer

    def leave(self, outer: list[int]) -> None:
        """Forgets the handles that were bound since `enter`."""
        for key in self._scope:
            self._payload.pop(key, None)
            self._handles.pop(key, None)
        if self._dead or self._lost:
            for key in self._scope:
                self._dead.pop(key, None)
                self._lost.pop(key, None)
        self._scope = outer

    def saved(self) -> tuple[dict[int, Payload], dict[int, SSAValue], dict[int, Death], dict[int, str], list[int]]:
        """What handles are now, for `restore`."""
        return self._payload.copy(), self._handles.copy(), self._dead.copy(), self._lost.copy(), self._scope.copy()

    def restore(
        self, saved: tuple[dict[int, Payload], dict[int, SSAValue], dict[int, Death], dict[int, str], list[int]]
    ) -> None:
        """Makes handles what they were."""
        self._payload, self._handles, self._dead, self._lost, self._scope = saved

    # Reading handles

    def payload(self, handle: SSAValue) -> Payload:
        """Whatever the handle stands for."""
        key = id(handle)
        if key in self._lost:
            raise ScheduleError(self._lost[key])
        return self._payload[key]

    def ops(self, handle: SSAValue) -> list[Operation]:
        """The operations that an op handle stands for."""
        return list(self._ops(handle))

    def _ops(self, handle: SSAValue) -> Sequence[Operation]:
        type_ = handle.type
        assert type(type_) is AnyOpType or isinstance(type_, TransformOpHandleType), f"expected ops, got {type_}"
        return cast(Sequence[Operation], self.payload(handle))

    def op(self, handle: SSAValue) -> Operation:
        """The one operation that an op handle stands for; anything else is refused."""
        ops = self._ops(handle)
        if len(ops) != 1:
            raise ScheduleError(f"expected a handle to exactly one payload op, got {len(ops)}")
        return ops[0]

    def params(self, handle: SSAValue) -> list[Attribute]:
        """The attributes that a param stands for."""
        return list(cast(Sequence[Attribute], self.payload(handle)))

    def integers(self, handle: SSAValue) -> list[int]:
        """The integers that a param stands for."""
        values: list[int] = []
        for attr in cast(Sequence[Attribute], self.payload(handle)):
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
        kind, key = type(handle.type), id(handle)
        if kind is not AnyOpType and kind is not AnyParamType:
            self._check_type(handle, payload)
        self._payload[key] = payload
        if kind is not AnyParamType:
            self._handles[key] = handle
        if self._dead or self._lost:
            self._dead.pop(key, None)
            self._lost.pop(key, None)
        self._scope.append(key)

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
        """Raises if an operand of a transform op is dead."""
        dead = self._dead
        if not dead:
            return
        for handle in op._operands:  # pyright: ignore[reportPrivateUsage]
            if id(handle) in dead:
                self.check_alive(handle, op)

    def check_alive(self, handle: SSAValue, user: Operation | None = None) -> None:
        """Raises if a handle is dead."""
        death = self._dead.get(id(handle))
        if death is not None:
            notes = (("handle to invalidated ops", _definition(handle)), *death.notes())
            raise ScriptError(_USE_AFTER_DEATH, user, notes)

    def check_repeats(self, op: Operation, effects: Sequence[Effect]) -> None:
        """Raises if an operand that is consumed or erased lists an op twice."""
        for index, handle in enumerate(op.operands):
            effect = effects[min(index, len(effects) - 1)]
            if effect not in (Effect.CONSUMES, Effect.ERASES) or not isinstance(handle.type, TransformOpHandleType):
                continue
            ops = self.ops(handle)
            if len(ops) > 1 and len(set(ops)) != len(ops):
                raise ScriptError(
                    f"a handle passed as operand #{index} and consumed by this operation points to a payload entity "
                    "more than once",
                    op,
                )

    def consumed(self, op: Operation) -> dict[int, Death]:
        """The handles that a transform op kills by upstream's rule, to be told before it runs."""
        victims: dict[Operation, int] = {}
        deaths: dict[int, Death] = {}
        for index, operand in enumerate(op.operands):
            if effect_on(op, index) is Effect.CONSUMES and isinstance(operand.type, TransformOpHandleType):
                payload = self.ops(operand)
                victims.update((each, index) for each in payload)
                if not payload:
                    deaths[id(operand)] = Death(op, index, None, None)
        if victims:
            for key, owner in self._owners():
                ancestor = _nearest(owner, victims)
                if ancestor is not None and key not in deaths:
                    deaths[key] = Death(op, victims[ancestor], ancestor, owner)
        return deaths

    def kill(self, deaths: dict[int, Death]) -> None:
        """Declares handles dead."""
        self._dead.update(deaths)

    def sweep(self, killer: Operation) -> None:
        """Kills the handles to operations that are no longer part of the payload."""
        attached, dead = {id(self.root)}, self._dead
        for key, handle in self._handles.items():
            payload = self._payload[key]
            if not payload or key in dead:
                continue
            for owner in _owners_of(handle, payload):
                if id(owner) not in attached and not _is_attached(owner, attached):
                    dead[key] = Death(killer, None, None, owner)

    def drop_detached(self, replacements: dict[Operation, Operation | None]) -> None:
        """Follows a rewrite: a handle to a replaced op becomes one to its replacement, erased ops leave their handles.
        A replacement of `None` was not found; its handle fails when it is used."""
        attached = {id(self.root)}
        for key, handle in self._handles.items():
            if not isinstance(handle.type, TransformOpHandleType):
                continue
            payload = self._payload[key]
            kept: list[Operation] = []
            for op in cast(Sequence[Operation], payload):
                current: Operation | None = op
                while current is not None and current in replacements:
                    current = replacements[current]
                if current is None:
                    self._lost[key] = f"tracking listener failed to find a replacement of {op.name}"
                elif _is_attached(current, attached):
                    kept.append(current)
            self._payload[key] = kept

    def _owners(self) -> list[tuple[int, Operation]]:
        """The operations that each living handle depends on."""
        owners: list[tuple[int, Operation]] = []
        for key, handle in self._handles.items():
            payload = self._payload[key]
            if payload and key not in self._dead:
                owners.extend((key, owner) for owner in _owners_of(handle, payload))
        return owners


def _owners_of(handle: SSAValue, payload: Payload) -> Sequence[Operation]:
    """The operations that a handle to a payload depends on."""
    if type(handle.type) is AnyOpType or isinstance(handle.type, TransformOpHandleType):
        return cast(Sequence[Operation], payload)
    if not isinstance(handle.type, TransformValueHandleType):
        return ()
    owners: list[Operation] = []
    for value in cast(Sequence[SSAValue], payload):
        owner = value.owner
        owner = owner.parent_op() if isinstance(owner, Block) else owner
        if owner is not None:
            owners.append(owner)
    return owners


def _definition(handle: SSAValue) -> Operation | None:
    owner = handle.owner
    return owner.parent_op() if isinstance(owner, Block) else owner


def _nearest(op: Operation, among: dict[Operation, int]) -> Operation | None:
    """The op itself or its nearest ancestor that is in `among`."""
    current: Operation | None = op
    while current is not None and current not in among:
        current = current.parent_op()
    return current


def _is_attached(op: Operation, attached: set[int]) -> bool:
    """Whether an op is (in) one of those whose identities are in `attached`, which remembers what is on the way."""
    path: list[int] = []
    current: Operation = op
    while id(current) not in attached:
        path.append(id(current))
        block = current.parent
        region = None if block is None else block.parent
        above = None if region is None else region.parent
        if above is None:
            return False
        current = above
    attached.update(path)
    return True
