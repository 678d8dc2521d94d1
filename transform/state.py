"""What the handles of a running script stand for, and which of them are dead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import IntegerAttr, StringAttr
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
from .interfaces import Effect, Payload

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


_Frame = tuple[list[int], list[int]]
"""The handles of a region that can die: those to operations, and those to values."""

Saved = tuple[dict[int, Payload], list[_Frame], dict[int, Death], dict[int, str]]
"""What handles are at one time."""


class TransformState:
    """The payload of each handle. A handle is alive, dead, or unknown because its region was left."""

    def __init__(self, root: Operation):
        self.root = root
        # Handles are known by their identity, which Python finds faster than their hash. What was bound in regions that
        # were left stays: nothing asks for it.
        self._payload: dict[int, Payload] = {}
        self._frames: list[_Frame] = [([], [])]
        self._dead: dict[int, Death] = {}
        self._lost: dict[int, str] = {}
        self.scheduled: dict[FuncOp, None] = {}
        """The kernels that primitives were applied to."""

    def enter(self) -> int:
        """Starts a region of the script; gives what `leave` needs."""
        self._frames.append(([], []))
        return len(self._frames) - 1

    def leave(self, outer: int) -> None:
        """Forgets the handles that were bound since `enter`."""
        del self._frames[outer:]

    def saved(self) -> Saved:
        """What handles are now, for `restore`."""
        frames = [(ops.copy(), values.copy()) for ops, values in self._frames]
        return self._payload.copy(), frames, self._dead.copy(), self._lost.copy()

    def restore(self, saved: Saved) -> None:
        """Makes handles what they were."""
        self._payload, self._frames, self._dead, self._lost = saved

    # Reading handles

    def payload(self, handle: SSAValue) -> Payload:
        """Whatever the handle stands for."""
        key = id(handle)
        if self._lost and key in self._lost:
            raise ScheduleError(self._lost[key])
        return self._payload[key]

    def ops(self, handle: SSAValue) -> list[Operation]:
        """The operations that an op handle stands for."""
        return list(self._ops(handle))

    def _ops(self, handle: SSAValue) -> Sequence[Operation]:
        type_ = handle.type
        assert type(type_) is AnyOpType or isinstance(type_, TransformOpHandleType), f"expected ops, got {type_}"
        return self.payload(handle)  # pyright: ignore[reportReturnType]

    def only(self, handle: SSAValue) -> Operation | None:
        """The operation that an op handle stands for, if it is one alone."""
        ops = self._ops(handle)
        return ops[0] if len(ops) == 1 else None

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
        for attr in self.payload(handle):
            if not isinstance(attr, IntegerAttr):
                raise ScheduleError(f"expected an integer param, got {attr}{_of_knob(handle)}")
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
        self.bind_all((handle,), (payload,))

    def bind_all(self, handles: Sequence[SSAValue], payloads: Sequence[Payload]) -> None:
        """Makes handles stand for one payload each."""
        known, (ops, values) = self._payload, self._frames[-1]
        had_died = bool(self._dead or self._lost)
        for handle, payload in zip(handles, payloads, strict=True):
            kind, key = type(handle._type), id(handle)  # pyright: ignore[reportPrivateUsage]
            if kind is AnyOpType:
                ops.append(key)
            elif kind is not AnyParamType:
                self._check_type(handle, payload)
                if isinstance(handle.type, TransformOpHandleType):
                    ops.append(key)
                elif isinstance(handle.type, TransformValueHandleType):
                    values.append(key)
            known[key] = payload
            if had_died:
                self._dead.pop(key, None)
                self._lost.pop(key, None)

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
        if Effect.CONSUMES not in effects and Effect.ERASES not in effects:
            return
        for index, handle in enumerate(op._operands):  # pyright: ignore[reportPrivateUsage]
            effect = effects[min(index, len(effects) - 1)]
            if effect not in (Effect.CONSUMES, Effect.ERASES) or not isinstance(handle.type, TransformOpHandleType):
                continue
            ops = self._ops(handle)
            if len(ops) > 1 and len(set(ops)) != len(ops):
                raise ScriptError(
                    f"a handle passed as operand #{index} and consumed by this operation points to a payload entity "
                    "more than once",
                    op,
                )

    def consumed(self, op: Operation, effects: Sequence[Effect]) -> dict[int, Death]:
        """The handles that a transform op kills by upstream's rule, to be told before it runs."""
        victims: dict[int, _Victim] = {}
        deaths: dict[int, Death] = {}
        for index, operand in enumerate(op._operands):  # pyright: ignore[reportPrivateUsage]
            effect = effects[min(index, len(effects) - 1)]
            if effect is Effect.CONSUMES and isinstance(operand.type, TransformOpHandleType):
                payload = self._ops(operand)
                victims.update((id(each), (each, index)) for each in payload)
                if not payload:
                    deaths[id(operand)] = Death(op, index, None, None)
        if not victims:
            return deaths
        nearest: dict[int, _Victim | None] = dict(victims)
        for key, owners in self._owners():
            if key in self._dead:
                continue
            for owner in owners:
                victim = _nearest(owner, nearest)
                if victim is not None and key not in deaths:
                    deaths[key] = Death(op, victim[1], victim[0], owner)
        return deaths

    def kill(self, deaths: dict[int, Death]) -> None:
        """Declares handles dead."""
        self._dead.update(deaths)

    def sweep(self, killer: Operation) -> None:
        """Kills the handles to operations that are no longer part of the payload."""
        attached, dead = {id(self.root)}, self._dead
        operations = cast("dict[int, Sequence[Operation]]", self._payload)
        for ops, values in self._frames:
            for key in ops:
                for owner in operations[key]:
                    if id(owner) not in attached and key not in dead and not _is_attached(owner, attached):
                        dead[key] = Death(killer, None, None, owner)
            for key in values:
                for owner in _owners_of(cast("Sequence[SSAValue]", self._payload[key])):
                    if id(owner) not in attached and key not in dead and not _is_attached(owner, attached):
                        dead[key] = Death(killer, None, None, owner)

    def drop_detached(self, replacements: dict[Operation, Operation | None]) -> None:
        """Follows a rewrite: a handle to a replaced op becomes one to its replacement, erased ops leave their handles.
        A replacement of `None` was not found; its handle fails when it is used."""
        attached = {id(self.root)}
        for key in (key for ops, _ in self._frames for key in ops):
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

    def _owners(self) -> Iterator[tuple[int, Sequence[Operation]]]:
        """The operations that each handle depends on."""
        payload = self._payload
        for ops, values in self._frames:
            for key in ops:
                yield key, cast("Sequence[Operation]", payload[key])
            for key in values:
                yield key, _owners_of(cast("Sequence[SSAValue]", payload[key]))


def _owners_of(values: Sequence[SSAValue]) -> list[Operation]:
    """The operations that payload values live as long as."""
    found = [value.owner for value in values]
    owners = [owner.parent_op() if isinstance(owner, Block) else owner for owner in found]
    return [owner for owner in owners if owner is not None]


def _definition(handle: SSAValue) -> Operation | None:
    owner = handle.owner
    return owner.parent_op() if isinstance(owner, Block) else owner


_Victim = tuple[Operation, int]


def _of_knob(handle: SSAValue) -> str:
    """Which knob a param comes from, as a part of a message; empty if it comes from none."""
    op = _definition(handle)
    name = op.properties.get("name") if op is not None and op.name == "transform.tune.knob" else None
    return f" of knob '{name.data}'" if isinstance(name, StringAttr) else ""


def _nearest(op: Operation, known: dict[int, _Victim | None]) -> _Victim | None:
    """The op itself or its nearest ancestor that dies. `known` are those, by identity; it remembers what is on the
    way."""
    path: list[int] = []
    current: Operation | None = op
    found: _Victim | None = None
    while current is not None:
        key = id(current)
        if key in known:
            found = known[key]
            break
        path.append(key)
        current = current.parent_op()
    known.update(dict.fromkeys(path, found))
    return found


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
