"""Schedules in Python: each call of a method is a transform operation, which is applied at once and recorded.

The methods are the operations of the `sched` dialect, and those of `transform` that have no regions, as their
definitions say: what an operation takes, a method takes. `Recorder` works on IR; `stepwell.Schedule` is its front.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from inspect import Parameter, Signature, cleandoc, signature
from pathlib import Path
from textwrap import fill
from types import FrameType
from typing import Any, SupportsIndex, cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    DictionaryAttr,
    FileLineColLoc,
    IndexType,
    IntAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    i32,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.dialects.transform import (
    AnyOpType,
    AnyParamType,
    AnyValueType,
    TransformOpHandleType,
    TransformParamHandleType,
)
from xdsl.dialects.utils import DYNAMIC_INDEX
from xdsl.ir import Attribute, Block, Dialect, Operation, Region, SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.irdl import (
    IRDLOperation,
    OperandDef,
    OptOperandDef,
    OptResultDef,
    VarOperandDef,
    VarResultDef,
    VerificationContext,
)
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from ..dialects.source import explain
from ..errors import ScheduleError, ScriptError, StepwellError, did_you_mean
from .diagnostics import ScriptFailure, label
from .interfaces import Payload, TransformOpInterface
from .interpreter import DEFAULT_ENTRY, Interpreter
from .pass_runner import NoPasses, PassRunner
from .snapshot import Snapshot
from .state import SCHEDULED, TransformState
from .upstream.control import CONSUMED, NamedSequenceOp, YieldOp
from .upstream.handles import ReplicateOp, SplitHandleOp
from .upstream.tuning import KnobOp

_OP, _PARAM, _VALUE = AnyOpType(), AnyParamType(), AnyValueType()
_OURS = tuple(f"{Path(__file__).parents[1] / room}/" for room in ("transform", "tools"))
"""Where code that is not the user's lives."""


class Handle:
    """What stands for loops, blocks, buffers or parameters in a schedule: the result of one of its methods."""

    def __init__(self, recorder: Recorder, value: SSAValue[Attribute]) -> None:
        self._recorder = recorder
        self.value = value

    @property
    def payload(self) -> Payload:
        """What it stands for now: operations, values, or the attributes of a parameter.

        Raises:
            ScriptError: if that is gone.
        """
        return self._recorder.payload_of(self)

    @property
    def ops(self) -> list[Operation]:
        """The operations that it stands for."""
        return [item for item in self.payload if isinstance(item, Operation)]

    @property
    def number(self) -> int:
        """The one integer that it stands for."""
        payload = self.payload
        if len(payload) != 1 or not isinstance(payload[0], IntegerAttr):
            raise ScriptError(f"expected a parameter with one integer, got {self}")
        return payload[0].value.data

    def __repr__(self) -> str:
        name = self.value.name_hint or "handle"
        try:
            shown = ", ".join(_shown(item) for item in self.payload) or "nothing"
        except (ScheduleError, ScriptError):
            shown = "gone"
        return f"<%{name}: {shown}>"


def _shown(item: object) -> str:
    if isinstance(item, Operation):
        return label(item)
    if isinstance(item, SSAValue):
        value = cast("SSAValue[Attribute]", item)
        return f"%{value.name_hint or '?'} : {value.type}"
    return str(item)


Argument = Any
"""What methods take: handles, integers, strings, lists of these, affine maps or functions that are maps, attributes."""


@dataclass(frozen=True)
class _Slot:
    """A parameter of a method: operands, a property, or both, where an operand may be a handle or a constant."""

    name: str
    kind: type[Attribute] | None
    """The type of handles that it takes."""
    operand: str | None
    property: str | None
    many: bool
    required: bool
    """Whether there must be an argument; a list of some may be empty."""
    default: Attribute | None = None

    def takes(self, handle: Handle) -> bool:
        """Whether a handle fits."""

        return self.kind is not None and isinstance(handle.value.type, self.kind)


@dataclass(frozen=True)
class _Method:
    """How an operation is called from Python."""

    op: type[IRDLOperation]
    slots: tuple[_Slot, ...]

    @staticmethod
    @cache
    def of(op: type[IRDLOperation]) -> _Method:
        definition = op.get_irdl_definition()
        constants = _constants(op)
        slots: list[_Slot] = []
        for name, operand in definition.operands:
            optional = isinstance(operand, OptOperandDef)
            many = isinstance(operand, VarOperandDef) and not optional
            required = not many and not optional
            constant = constants.get(name)
            default = None
            if constant is not None:
                known = definition.properties[constant]
                default = known.default_value
                required = default is None and not _is_optional(known)
            slots.append(_Slot(name, _kind_of(operand), name, constant, many, required, default))
        for name, known in definition.properties.items():
            if name in constants.values() or name == "operandSegmentSizes":
                continue
            required = not _is_optional(known) and known.default_value is None
            slots.append(_Slot(name, None, None, name, False, required, known.default_value))
        return _Method(op, tuple(slots))

    def slot(self, name: str) -> _Slot:
        for slot in self.slots:
            if name in (slot.name, slot.name.rstrip("_")) or slot.property == f"static_{name}":
                return slot
        names = [slot.name for slot in self.slots]
        raise ScriptError(
            f"expected an argument of {self.op.name} ({', '.join(names)}), got '{name}'{did_you_mean(name, names)}"
        )

    def bind(self, args: Sequence[Argument], keywords: Mapping[str, Argument]) -> dict[str, list[Argument]]:
        """The arguments by the names of their slots. Handles find the first slot of their type, strings and numbers the
        first one for such."""
        bound: dict[str, list[Argument]] = {}
        for name, value in keywords.items():
            slot = self.slot(name)
            if value is not None:
                several = slot.many and isinstance(value, list | tuple)
                bound[slot.name] = list(cast("Sequence[Argument]", value)) if several else [value]
        for argument in args:
            if isinstance(argument, list | tuple):
                self._bind_list(list(cast("Sequence[Argument]", argument)), bound)
            else:
                self._bind_one(argument, bound)
        return bound

    def _bind_list(self, values: list[Argument], bound: dict[str, list[Argument]]) -> None:
        if values and all(isinstance(value, Handle) for value in values):
            for value in values:
                self._bind_one(value, bound)
            return
        for slot in self.slots:
            if slot.name not in bound and slot.property is not None and (slot.operand is None or slot.many):
                if slot.operand is None and not _accepts(self.op, slot.property, values):
                    continue
                bound[slot.name] = values if slot.operand is not None else [values]
                return
        raise ScriptError(f"expected arguments of {self.op.name}, got one too many: {values}")

    def _bind_one(self, argument: Argument, bound: dict[str, list[Argument]]) -> None:
        for slot in self.slots:
            if isinstance(argument, Handle):
                fits = slot.takes(argument)
            elif isinstance(argument, int) and not isinstance(argument, bool) and slot.operand is not None:
                fits = slot.property is not None
            elif isinstance(argument, str) and slot.operand is not None:
                fits = False
            else:
                fits = slot.property is not None and _accepts(self.op, slot.property, argument)
            if fits and (slot.many or slot.name not in bound):
                bound.setdefault(slot.name, []).append(argument)
                return
        raise ScriptError(f"expected arguments of {self.op.name}, got one too many or of a wrong type: {argument!r}")

    @property
    def signature(self) -> Signature:
        """What Python's help shows."""
        parameters = [Parameter("self", Parameter.POSITIONAL_ONLY)]
        handles = [slot for slot in self.slots if slot.operand is not None]
        if handles and handles[0].many:
            parameters.append(Parameter(handles[0].name, Parameter.VAR_POSITIONAL, annotation="Handle"))
        named = Parameter.KEYWORD_ONLY if len(parameters) > 1 else Parameter.POSITIONAL_OR_KEYWORD
        rest = [slot for slot in self.slots if not (handles and handles[0].many and slot is handles[0])]
        for slot in sorted(rest, key=lambda slot: not slot.required):
            default: Any = Parameter.empty if slot.required else None
            parameters.append(Parameter(slot.name.rstrip("_"), named, annotation=_annotation(slot), default=default))
        return Signature(parameters, return_annotation=self.returns)

    @property
    def returns(self) -> str:
        """What a method returns, as an annotation."""
        results = self.op.get_irdl_definition().results
        if not results:
            return "None"
        if len(results) == 1 and not _is_list(results[0][1]):
            return "Handle"
        return "tuple[Handle, ...]"


def _is_optional(known: object) -> bool:
    """Whether an operation may lack a property."""
    return type(known).__name__.startswith("Opt")


def _is_list(result: object) -> bool:
    """Whether an operation has as many of a result as it is asked for."""
    return isinstance(result, VarResultDef) and not isinstance(result, OptResultDef)


def _annotation(slot: _Slot) -> str:
    if slot.operand is None:
        return "Argument"
    one = "Handle | int" if slot.property is not None else "Handle"
    return f"Sequence[{one}]" if slot.many else one


def _constants(op: type[IRDLOperation]) -> dict[str, str]:
    """The properties with the constants among operands that are constants or params, by these operands."""
    definition = op.get_irdl_definition()
    params = [name for name, operand in definition.operands if _kind_of(operand) is TransformParamHandleType]
    found: dict[str, str] = {}
    for name in definition.properties:
        if name.startswith("static_"):
            own = name.removeprefix("static_")
            operand = own if own in params else next((each for each in params if each not in found), None)
            if operand is not None:
                found[operand] = name
    return found


def _kind_of(operand: OperandDef | VarOperandDef | OptOperandDef) -> type[Attribute]:
    context = VerificationContext()
    for type in (_OP, _PARAM, _VALUE):
        try:
            constraint: Any = operand.constr
            constraint.verify((type,), context)
        except VerifyException:
            continue
        if type is _OP:
            return TransformOpHandleType if not _fits(operand, _PARAM) else Attribute
        return TransformParamHandleType if type is _PARAM else AnyValueType
    return Attribute


def _fits(operand: OperandDef | VarOperandDef | OptOperandDef, type: Attribute) -> bool:
    try:
        constraint: Any = operand.constr
        constraint.verify((type,), VerificationContext())
    except VerifyException:
        return False
    return True


def _candidates(value: Argument) -> Iterator[Attribute]:
    """The attributes that a Python value may mean."""
    match value:
        case Attribute():
            yield value
        case bool():
            yield BoolAttr.from_bool(value)
            if value:
                yield UnitAttr()
        case int():
            yield from (IntegerAttr(value, type) for type in (i64, IndexType()))
            if -(2**31) <= value < 2**31:
                yield IntegerAttr(value, i32)
        case str():
            yield StringAttr(value)
            yield SymbolRefAttr(value)
        case AffineMap():
            yield AffineMapAttr(value)
        case list() | tuple():
            values = cast("Sequence[Argument]", value)
            if all(isinstance(each, int) for each in values):
                yield DenseArrayBase.from_list(i64, list(values))
            elements = [next(_candidates(each), None) for each in values]
            if None not in elements:
                yield ArrayAttr([each for each in elements if each is not None])
        case _ if callable(value):
            yield AffineMapAttr(_map_of(value))
        case _:
            return


def _map_of(function: Callable[..., object]) -> AffineMap:
    """The map that a function is, from its parameters to the tuple that it returns, or to a single result."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ScriptError(f"expected an affine map, got {function!r}") from error
    names = [each.name for each in parameters]
    if any(each.kind not in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD) for each in parameters):
        raise ScriptError(f"expected a function with a parameter for each dimension, got ({', '.join(names)})")
    try:
        returned = function(*(AffineExpr.dimension(dim) for dim in range(len(names))))
    except (ArithmeticError, AttributeError, NotImplementedError, TypeError, ValueError) as error:
        got = "one that combines them by '*', '//' or '%'" if isinstance(error, NotImplementedError) else str(error)
        raise ScriptError(f"expected a function that is an affine map of ({', '.join(names)}), got {got}") from error
    results = cast("Sequence[object]", returned if isinstance(returned, list | tuple) else (returned,))
    exprs: list[AffineExpr] = []
    for each in map(_plain, results):
        expr = AffineExpr.constant(each) if isinstance(each, int) else each
        if not isinstance(expr, AffineExpr):
            raise ScriptError(f"expected a function that is an affine map of ({', '.join(names)}), got {each!r}")
        exprs.append(expr)
    return AffineMap(len(names), 0, tuple(exprs))


def _plain(value: Argument) -> Argument:
    """An argument with Python's own integers, such as one with those of NumPy; they have 64 bits."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("Sequence[Argument]", value)]
    if isinstance(value, bool | str | Handle | Attribute):
        return value
    if isinstance(value, SupportsIndex):
        try:
            value = operator.index(value)
        except TypeError:  # an array
            return value
        # The smallest one stands for handles among constants.
        if not DYNAMIC_INDEX < value < 2**63:
            raise ScriptError(f"expected an integer of 64 bits, got {value}")
    return value


@contextmanager
def _placed(name: str, place: FileLineColLoc | None) -> Generator[None]:
    """Adds the line of the program, and what was called, to errors that do not show them yet."""
    try:
        yield
    except StepwellError as error:
        if not isinstance(error, ScriptFailure) and error.args:
            message = str(error.args[0])
            message = message if name in message else f"{name}: {message}"
            if place is not None:
                message = f"{place.filename.data}:{place.line.data}:{place.column.data}: {message}"
            error.args = (message, *error.args[1:])
        raise


def _attribute_for(op: type[IRDLOperation], name: str, value: Argument) -> Attribute | None:
    constraint = op.get_irdl_definition().properties[name].constr
    for attribute in _candidates(value):
        try:
            constraint.verify(attribute, VerificationContext())
        except VerifyException:
            continue
        return attribute
    return None


def _accepts(op: type[IRDLOperation], name: str, value: Argument) -> bool:
    return _attribute_for(op, name, value) is not None or (isinstance(value, str) and _is_written(op, name))


def _is_written(op: type[IRDLOperation], name: str) -> bool:
    """Whether a property takes attributes that only text can say, such as types and maps."""
    return _attribute_for(op, name, "x") is None


def _option(knob: str, value: Argument) -> Attribute:
    """What a knob can be."""
    value = _plain(value)
    if isinstance(value, int | str | Attribute) and (attribute := next(_candidates(value), None)) is not None:
        return attribute
    raise ScriptError(f"expected integers, strings or attributes as options of knob '{knob}', got {value!r}")


def python_name(op_name: str) -> str:
    """The method of an operation: `get_loops` of `sched.get_loops`, `loop_unroll` of `transform.loop.unroll`,
    `check_structure` of `sched.match.structure`, which finds nothing."""
    dialect, _, name = op_name.partition(".")
    if dialect == "sched" and name.startswith("match."):
        name = f"check_{name.removeprefix('match.')}"
    return name.replace(".", "_")


@dataclass
class Recorder:
    """A kernel, and the script of what has been done to it."""

    root: ModuleOp
    ctx: Context
    passes: PassRunner = field(default_factory=NoPasses)
    script_module: ModuleOp = field(init=False)
    interpreter: Interpreter = field(init=False)

    def __post_init__(self) -> None:
        block = Block(arg_types=[_OP])
        block.args[0].name_hint = "root"
        block.add_op(YieldOp())
        consumed = DictionaryAttr({CONSUMED: UnitAttr()})
        sequence = NamedSequenceOp(DEFAULT_ENTRY, [_OP], [], Region(block), [consumed])
        self.script_module = ModuleOp([sequence], {"transform.with_named_sequence": UnitAttr()})
        self._block = block
        self.interpreter = Interpreter(TransformState(self.root), self.ctx, self.passes)
        self.interpreter.state.bind(block.args[0], [self.root])
        self.root_handle = Handle(self, block.args[0])

    # Showing

    def script(self) -> str:
        """The script: applied to the kernel that this started from, it does what has been done."""
        return str(self.script_module) + "\n"

    def ir(self) -> str:
        """The kernel as it is now."""
        return "\n".join(str(op) for op in self.root.ops if isinstance(op, FuncOp))

    def __repr__(self) -> str:
        return self.ir()

    def payload_of(self, handle: Handle) -> Payload:
        """What a handle stands for."""
        self.interpreter.state.check_alive(handle.value)
        return self.interpreter.state.payload(handle.value)

    # Recording

    def call(self, kind: type[Operation], args: Sequence[Argument], keywords: Mapping[str, Argument]) -> Any:
        """Applies an operation and records it; what was given is bound to what it takes. Gives handles to its results.

        An error leaves everything as it was.
        """
        assert issubclass(kind, IRDLOperation)
        place = _place()
        with _placed(kind.name, place):
            return self._call(kind, [_plain(each) for each in args], keywords, place)

    def _call(
        self,
        kind: type[IRDLOperation],
        args: Sequence[Argument],
        keywords: Mapping[str, Argument],
        place: FileLineColLoc | None,
    ) -> Any:
        method = _Method.of(kind)
        named = {name: _plain(value) for name, value in keywords.items()}
        wanted = named.pop("results", None)
        bound = method.bind(args, named)
        self._add_root(method, bound)
        operands, properties = self._arguments(method, bound)
        results = kind.get_irdl_definition().results
        variadic = len(results) == 1 and _is_list(results[0][1])
        if not variadic:
            op = self._build(kind, operands, properties, [[_result_type(d, operands)] for _, d in results], place)
            return self._returned(self._execute(op))
        type = _result_type(results[0][1], operands)
        if wanted is not None and (not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted < 2**16):
            raise ScriptError(f"expected a number of results, got {wanted!r}")
        counts = [wanted] if wanted is not None else self._counts(kind, operands, properties, type, place)
        failure: VerifyException | None = None
        for count in counts:
            # Handles of any kind are what comes out, too.
            types = [handle.type for handle in operands[-1]] if kind is ReplicateOp else [type] * count
            op = self._build(kind, operands, properties, [types], place)
            try:
                op.verify()
            except VerifyException as error:
                failure = failure or error
                op.erase()
                continue
            return tuple(Handle(self, value) for value in self._execute(op).results)
        raise ScriptError(explain(failure) if failure is not None else "expected a number of results, got none")

    def op(self, name: str, *args: Argument, **keywords: Argument) -> Any:
        """Applies and records the operation of a full name, such as one of a plugin."""
        kind = self.ctx.get_optional_op(name) if isinstance(name, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        if kind is None or not issubclass(kind, TransformOpInterface):
            names = [op.name for op in self.ctx.loaded_ops if issubclass(op, TransformOpInterface)]
            with _placed("op", _place()):
                raise ScriptError(f"expected a transform operation, got '{name}'{did_you_mean(str(name), names)}")
        return self.call(kind, args, keywords)

    def knob(
        self, name: str, options: Sequence[int | str | Attribute], selected: int | str | Attribute | None = None
    ) -> Handle:
        """A parameter that a search may choose from some options; `selected` until then, or the first one."""
        place = _place()
        with _placed(KnobOp.name, place):
            if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ScriptError(f"expected a name, got {name!r}")
            if isinstance(options, str) or not isinstance(options, Sequence) or not options:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ScriptError(f"expected options for knob '{name}', got {options!r}")
            attributes = [_option(name, option) for option in options]
            op = KnobOp.create(
                properties={
                    "name": StringAttr(name),
                    "options": ArrayAttr(attributes),
                    "selected": attributes[0] if selected is None else _option(name, selected),
                },
                result_types=[_PARAM],
            )
            op.results[0].name_hint = name if name.isidentifier() else None
            if place is not None:
                op.location = place
            return Handle(self, self._execute(op).results[0])

    def _add_root(self, method: _Method, bound: dict[str, list[Argument]]) -> None:
        """What is looked for without saying where is looked for in all."""
        for slot in method.slots:
            if slot.operand == "root" and slot.name not in bound:
                bound[slot.name] = [self.root_handle]

    def _arguments(
        self, method: _Method, bound: Mapping[str, list[Argument]]
    ) -> tuple[list[list[SSAValue]], dict[str, Attribute]]:
        operands: list[list[SSAValue]] = []
        properties: dict[str, Attribute] = {}
        for slot in method.slots:
            values = bound.get(slot.name, [])
            if slot.required and not values and not (slot.many and slot.name in bound):
                raise ScriptError(f"expected '{slot.name}' as an argument of {method.op.name}, got none")
            if slot.operand is None:
                assert slot.property is not None
                attribute = self._property(method.op, slot, values[0]) if values else slot.default
                if attribute is not None:
                    properties[slot.property] = attribute
                continue
            handles: list[SSAValue] = []
            for value in values:
                if isinstance(value, Handle):
                    handles.append(self._own(value, slot, method.op))
                elif slot.property is None or not isinstance(value, int) or isinstance(value, bool):
                    expected = "a handle" if slot.property is None else "an integer or a handle"
                    raise ScriptError(f"expected {expected} as '{slot.name}' of {method.op.name}, got {value!r}")
            operands.append(handles)
            if slot.property is not None and slot.name in bound:
                constants = [DYNAMIC_INDEX if isinstance(value, Handle) else value for value in values]
                properties[slot.property] = DenseArrayBase.from_list(i64, constants)
        return operands, properties

    def _own(self, handle: Handle, slot: _Slot, op: type[Operation]) -> SSAValue:
        if handle._recorder is not self:  # pyright: ignore[reportPrivateUsage]
            raise ScriptError(f"expected a handle of this schedule as '{slot.name}' of {op.name}, got {handle}")
        if not slot.takes(handle):
            raise ScriptError(
                f"expected a handle to {_KIND_NAMES.get(slot.kind, 'anything')} as '{slot.name}' of {op.name}, "
                f"got {handle.value.type}"
            )
        return handle.value

    def _property(self, op: type[IRDLOperation], slot: _Slot, value: Argument) -> Attribute | None:
        assert slot.property is not None
        if value is False and not _accepts(op, slot.property, False):
            return None
        attribute = _attribute_for(op, slot.property, value)
        if attribute is None and isinstance(value, str):
            try:
                attribute = Parser(self.ctx, value).parse_attribute()
            except ParseError as error:
                raise ScriptError(f"expected an attribute as '{slot.name}' of {op.name}, got '{value}'") from error
        if attribute is None:
            raise ScriptError(f"expected another value as '{slot.name}' of {op.name}, got {value!r}")
        return attribute

    def _build(
        self,
        kind: type[IRDLOperation],
        operands: Sequence[Sequence[SSAValue]],
        properties: Mapping[str, Attribute],
        results: Sequence[Sequence[Attribute]],
        place: FileLineColLoc | None,
    ) -> IRDLOperation:
        try:
            op = kind.build(operands=operands, result_types=results, properties=properties)
        except ValueError as error:
            raise ScriptError(f"{kind.name}: {error}") from error
        if place is not None:
            op.location = place
        return op

    def _counts(
        self,
        kind: type[IRDLOperation],
        operands: Sequence[Sequence[SSAValue]],
        properties: Mapping[str, Attribute],
        type: Attribute,
        place: FileLineColLoc | None,
    ) -> list[int]:
        """How many results an operation may give a handle each, best first."""
        if kind is ReplicateOp:
            return [len(operands[-1])]
        if kind is SplitHandleOp:
            return [len(self.interpreter.state.payload(operands[0][0]))]
        if issubclass(kind, TransformOpInterface) and kind.MATCHER:
            # It only looks, and a single handle holds all that it finds.
            op = self._build(kind, operands, properties, [[type]], place)
            assert isinstance(op, TransformOpInterface)
            found = len(self.interpreter.look(op)[0])
            op.erase()
            return [found]
        if issubclass(kind, TransformOpInterface) and kind.COUNTS_RESULTS:
            return [self._count(self._build(kind, operands, properties, [[type]], place))]
        several = [len(self.interpreter.state.payload(handle)) for handle in (operands[0] if operands else ())]
        return [2 * sum(several), sum(several), 1, 0]

    def _count(self, op: Operation) -> int:
        """How many operations the single result of an operation would hold."""
        self._verify(op)
        snapshot, state = Snapshot(self.root), self.interpreter.state
        before = state.saved()
        try:
            self.interpreter.execute(op)
            found = len(state.payload(op.results[0]))
        finally:
            snapshot.restore()
            state.restore(before)
        op.erase()
        return found

    @staticmethod
    def _verify(op: Operation) -> None:
        try:
            op.verify()
        except VerifyException as error:
            op.erase()
            raise ScriptError(explain(error)) from error

    def _execute(self, op: Operation) -> Operation:
        """Applies an operation that is not part of the script yet, and adds it."""
        self._verify(op)
        last = self._block.last_op
        assert last is not None
        self._block.insert_op_before(op, last)
        snapshot, state = Snapshot(self.root), self.interpreter.state
        before = state.saved()
        try:
            self.interpreter.execute(op)
        except BaseException:
            snapshot.restore()
            state.restore(before)
            # The error shows the operation, which stays readable on its own.
            op.detach()
            raise
        for kernel in state.scheduled:
            kernel.attributes[SCHEDULED] = UnitAttr()
        for value in op.results:
            value.name_hint = value.name_hint or _hint(state.payload(value))
        return op

    def _returned(self, op: Operation) -> Any:
        handles = tuple(Handle(self, value) for value in op.results)
        return None if not handles else handles[0] if len(handles) == 1 else handles


_KIND_NAMES: dict[type[Attribute] | None, str] = {
    TransformOpHandleType: "operations",
    TransformParamHandleType: "a parameter",
    AnyValueType: "buffers",
}


def _result_type(definition: object, operands: Sequence[Sequence[SSAValue]]) -> Attribute:
    """The type of a result, which is that of the last operands if it may be any."""
    context = VerificationContext()
    if operands and operands[-1] and _fits(cast(Any, definition), _OP) and _fits(cast(Any, definition), _VALUE):
        return operands[-1][0].type
    for type in (_OP, _PARAM, _VALUE):
        try:
            constraint: Any = getattr(definition, "constr")  # noqa: B009
            constraint.verify((type,), context)
        except VerifyException:
            continue
        return type
    raise ScriptError("expected an operation whose results are handles")


def _hint(payload: Payload) -> str | None:
    """A name for a handle: that of the loop or the buffer, or the block's."""
    if not payload:
        return None
    item = payload[0]
    if isinstance(item, SSAValue):
        return item.name_hint
    if not isinstance(item, Operation):
        return None
    name = item.properties.get("sym_name")
    if isinstance(name, StringAttr):
        hint = name.data
    else:
        args = [arg for region in item.regions for block in region.blocks for arg in block.args]
        hint = args[0].name_hint if args else None
    return hint if hint is not None and SSAValue.is_valid_name(hint) else None


def _place() -> FileLineColLoc | None:
    """The line of the user's code that runs."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    if frame is None:
        return None
    file = Path(frame.f_code.co_filename).name
    return FileLineColLoc(StringAttr(file), IntAttr(frame.f_lineno), IntAttr(1))


def recordable_ops(dialects: Sequence[Dialect]) -> dict[str, type[IRDLOperation]]:
    """The operations that can be methods, by their Python names: without regions, of a kind that is executed."""
    found: dict[str, type[IRDLOperation]] = {}
    for dialect in dialects:
        for op in dialect.operations:
            if not issubclass(op, TransformOpInterface) or not issubclass(op, IRDLOperation):
                continue
            if op.STEERS or op.name == KnobOp.name or op.get_irdl_definition().regions:
                continue
            found.setdefault(python_name(op.name), op)
    return found


def stub_of(op: type[IRDLOperation]) -> str:
    """What type checkers see of a method: by position anything, by name what it is."""
    method = _Method.of(op)
    # pyright follows names, and none of Python's own words is one.
    named = [slot for slot in method.slots if slot.name.rstrip("_") not in ("from", "in", "is", "type")]
    parameters = ["self", "*args: Argument"]
    for slot in named:
        kind = _annotation(slot)
        parameters.append(f"{slot.name.rstrip('_')}: {kind}{'' if kind == 'Argument' else ' | None'} = None")
    if method.returns.startswith("tuple") and len(op.get_irdl_definition().results) == 1:
        parameters.append("results: int | None = None")
    first = cleandoc(op.__doc__ or "").split("\n\n")[0].replace("\n", " ").split(". ")[0].rstrip(".:")
    quotes, indent = '"' * 3, " " * 8
    text = fill(f"{quotes}{first}.{quotes}", 118, initial_indent=indent, subsequent_indent=indent)
    head = f"    def {python_name(op.name)}({', '.join(parameters)}) -> {method.returns}:"
    return f"{head}\n{text}\n{indent}raise NotImplementedError\n"


def method_of(op: type[IRDLOperation]) -> Callable[..., Any]:
    """The method that applies an operation."""

    def method(self: Recorder, *args: Argument, **keywords: Argument) -> Any:
        return self.call(op, args, keywords)

    method.__name__ = python_name(op.name)
    method.__qualname__ = f"Schedule.{method.__name__}"
    method.__doc__ = f"{cleandoc(op.__doc__ or '')}\n\nApplies and records `{op.name}`."
    described: Any = method
    described.__signature__ = _Method.of(op).signature
    return method


__all__ = ["Argument", "Handle", "Recorder", "method_of", "python_name", "recordable_ops", "stub_of"]
