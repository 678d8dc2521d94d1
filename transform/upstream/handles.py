"""Navigation from handle to handle, sets of handles, and params."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from xdsl.dialects.builtin import (
    I64,
    BoolAttr,
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    ShapedType,
    StringAttr,
    UnitAttr,
    i64,
)
from xdsl.dialects.transform import (
    AnyParamType,
    ParamType,
    TransformHandleType,
    TransformOpHandleType,
    TransformParamHandleType,
    TransformValueHandleType,
    TypeParamType,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
    var_result_def,
)
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from ...errors import ScheduleError
from ..interfaces import Payload, PayloadItem, Results, TransformOpInterface
from . import syntax

if TYPE_CHECKING:
    from ..interpreter import Interpreter

_ONE = IntegerAttr(1, i64)
_TRUE = BoolAttr.from_bool(True)


class _Looks(TransformOpInterface):
    """Navigation may stand in matchers."""

    MATCHER: ClassVar[bool] = True


def parent_of(value: SSAValue) -> Operation | None:
    """The op that defines a value, or that holds the block whose argument it is."""
    owner = value.owner
    return owner.parent_op() if isinstance(owner, Block) else owner


@irdl_op_definition
class GetParentOp(_Looks, IRDLOperation):
    """The ops around the payload: the `nth_parent` that has the name and is isolated, as asked for."""

    name = "transform.get_parent_op"
    isolated_from_above = opt_prop_def(UnitAttr)
    allow_empty_results = opt_prop_def(UnitAttr)
    op_name = opt_prop_def(StringAttr)
    deduplicate = opt_prop_def(UnitAttr)
    nth_parent = prop_def(IntegerAttr[I64], default_value=_ONE)
    target = operand_def(TransformOpHandleType)
    parent_result = result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        parents: list[Operation] = []
        for target in interpreter.state.ops(self.target):
            parent = self._parent(target)
            if parent is not None:
                parents.append(parent)
            elif self.allow_empty_results is None:
                raise ScheduleError("could not find a parent op that matches all requirements", target)
        return [list(dict.fromkeys(parents)) if self.deduplicate is not None else parents]

    def _parent(self, target: Operation) -> Operation | None:
        remaining = self.nth_parent.value.data
        parent = target.parent_op()
        while parent is not None:
            if self._accepts(parent):
                remaining -= 1
                if remaining == 0:
                    return parent
            parent = parent.parent_op()
        return None

    def _accepts(self, parent: Operation) -> bool:
        isolated = self.isolated_from_above is None or parent.has_trait(IsolatedFromAbove)
        return isolated and (self.op_name is None or parent.name == self.op_name.data)


@irdl_op_definition
class GetProducerOfOperandOp(_Looks, IRDLOperation):
    """The op that defines an operand."""

    name = "transform.get_producer_of_operand"
    operand_number = prop_def(IntegerAttr[I64])
    target = operand_def(TransformOpHandleType)
    producer = result_def(TransformOpHandleType)
    assembly_format = "$target `[` $operand_number `]` attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        producers: list[Operation] = []
        for target in interpreter.state.ops(self.target):
            number = _in_range(self.operand_number.value.data, target.operands, "operand", target)
            owner = target.operands[number].owner
            if isinstance(owner, Block):
                raise ScheduleError("expected an operand that an op defines, got a block argument", target)
            producers.append(owner)
        return [producers]


def _in_range(number: int, values: Sequence[SSAValue], what: str, op: Operation) -> int:
    if not 0 <= number < len(values):
        raise ScheduleError(f"expected {what} number below {len(values)}, got {number}", op)
    return number


@irdl_op_definition
class GetConsumersOfResultOp(_Looks, IRDLOperation):
    """The ops that use a result of the one payload op."""

    name = "transform.get_consumers_of_result"
    result_number = prop_def(IntegerAttr[I64])
    target = operand_def(TransformOpHandleType)
    consumers = result_def(TransformOpHandleType)
    assembly_format = "$target `[` $result_number `]` attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        target = interpreter.state.op(self.target)
        number = _in_range(self.result_number.value.data, target.results, "result", target)
        return [[use.operation for use in target.results[number].uses]]


@irdl_op_definition
class GetDefiningOp(_Looks, IRDLOperation):
    """The ops that define the values."""

    name = "transform.get_defining_op"
    target = operand_def(TransformValueHandleType)
    result = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        owners: list[Operation] = []
        for value in interpreter.state.values(self.target):
            if isinstance(value.owner, Block):
                raise ScheduleError("expected a value that an op defines, got a block argument", parent_of(value))
            owners.append(value.owner)
        return [owners]


@irdl_custom_directive
class Positions(CustomDirective):
    """`all`, `except(0, 1)` or `0, 1`."""

    positions: AttributeVariable
    inverted: AttributeVariable
    everything: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        parsed = dict(self.parse_positions(parser, "positions"))
        self.positions.set(state, parsed["positions"])
        for variable, name in ((self.everything, "is_all"), (self.inverted, "is_inverted")):
            if name in parsed:
                variable.set(state, parsed[name])

    @staticmethod
    def parse_positions(parser: Parser, name: str) -> Iterator[tuple[str, Attribute]]:
        """Parses positions; gives properties: the list under a name, `is_all` and `is_inverted`."""
        values: list[int] = []
        if parser.parse_optional_keyword("all") is not None:
            yield "is_all", UnitAttr()
        elif parser.parse_optional_keyword("except") is not None:
            yield "is_inverted", UnitAttr()
            values = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_integer)
        else:
            values = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_integer)
        yield name, DenseArrayBase.from_list(i64, values)

    @staticmethod
    def text(positions: DenseArrayBase[I64], inverted: Attribute | None, everything: Attribute | None) -> str:
        """Positions as they are written."""
        text = ", ".join(str(value) for value in positions.get_values())
        return "all" if everything is not None else f"except({text})" if inverted is not None else text

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        positions = self.positions.get(op)
        assert isinstance(positions, DenseArrayBase)
        printer.print_string(
            self.text(cast(DenseArrayBase[I64], positions), self.inverted.get(op), self.everything.get(op))
        )
        state.last_was_punctuation = False


class _AtPositions(_Looks, IRDLOperation):
    raw_position_list = prop_def(DenseArrayBase.constr(i64))
    is_inverted = opt_prop_def(UnitAttr)
    is_all = opt_prop_def(UnitAttr)
    target = operand_def(TransformOpHandleType)
    result = result_def(TransformValueHandleType)
    custom_directives = (Positions,)
    assembly_format = (
        "$target `[` custom<Positions>($raw_position_list, $is_inverted, $is_all) `]` attr-dict `:` "
        "functional-type(operands, results)"
    )

    def verify_(self) -> None:
        if self.is_inverted is not None and self.is_all is not None:
            raise VerifyException("expected `all` or `except`, got both")

    def _select(self, values: Sequence[SSAValue], op: Operation) -> list[SSAValue]:
        if self.is_all is not None:
            return list(values)
        positions: list[int] = []
        for position in self.raw_position_list.get_values():
            index = position + len(values) if position < 0 else position
            if not 0 <= index < len(values):
                raise ScheduleError(f"expected a position below {len(values)}, got {position}", op)
            positions.append(index)
        if self.is_inverted is not None:
            return [value for index, value in enumerate(values) if index not in positions]
        return [values[index] for index in positions]


@irdl_op_definition
class GetResultOp(_AtPositions):
    """Results of the payload ops."""

    name = "transform.get_result"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[v for op in interpreter.state.ops(self.target) for v in self._select(op.results, op)]]


@irdl_op_definition
class GetOperandOp(_AtPositions):
    """Operands of the payload ops."""

    name = "transform.get_operand"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[v for op in interpreter.state.ops(self.target) for v in self._select(op.operands, op)]]


@irdl_op_definition
class GetTypeOp(_Looks, IRDLOperation):
    """The types of the values, or of their elements."""

    name = "transform.get_type"
    elemental = opt_prop_def(UnitAttr)
    value = operand_def(TransformValueHandleType)
    type_param = result_def(TypeParamType)
    assembly_format = "(`elemental` $elemental^)? $value attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[self._type(value.type) for value in interpreter.state.values(self.value)]]

    def _type(self, type: Attribute) -> Attribute:
        if self.elemental is not None and isinstance(type, ShapedType):
            element = getattr(type, "element_type", None)
            assert isinstance(element, Attribute)
            return element
        return type


@irdl_op_definition
class MergeHandlesOp(_Looks, IRDLOperation):
    """One handle to the payload of all operands, each once if `deduplicate`."""

    name = "transform.merge_handles"
    deduplicate = opt_prop_def(UnitAttr)
    handles = var_operand_def(TransformHandleType)
    result = result_def(TransformHandleType)

    def verify_(self) -> None:
        if not self.handles:
            raise VerifyException("expected at least one handle")
        if {*self.handles.types, self.result.type} != {self.result.type}:
            raise VerifyException("expected operands and result of the same type")

    def apply(self, interpreter: Interpreter) -> Results:
        merged: list[PayloadItem] = [item for handle in self.handles for item in interpreter.state.payload(handle)]
        if self.deduplicate is not None:
            merged = list(dict.fromkeys(merged))
        return [merged]

    @classmethod
    def parse(cls, parser: Parser) -> MergeHandlesOp:
        deduplicate = parser.parse_optional_keyword("deduplicate") is not None
        operands = syntax.parse_operands(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        return cls.create(
            operands=[parser.resolve_operand(operand, type) for operand in operands],
            result_types=[type],
            properties={"deduplicate": UnitAttr()} if deduplicate else {},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" deduplicate " if self.deduplicate is not None else " ")
        printer.print_list(self.handles, printer.print_ssa_value)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, [self.result])


def _verify_kind(given: Attribute, result: Attribute) -> None:
    """Operations stay operations, values values, and params params."""
    for kind in (TransformOpHandleType, TransformParamHandleType, TransformValueHandleType):
        if isinstance(given, kind) and not isinstance(result, kind):
            raise VerifyException(f"expected a result of the kind of the handle, {given}, got {result}")


@irdl_op_definition
class SplitHandleOp(_Looks, IRDLOperation):
    """A handle for each payload; what is too much goes to the `overflow_result`."""

    name = "transform.split_handle"
    pass_through_empty_handle = prop_def(BoolAttr, default_value=_TRUE)
    fail_on_payload_too_small = prop_def(BoolAttr, default_value=_TRUE)
    overflow_result = opt_prop_def(IntegerAttr[I64])
    handle = operand_def(TransformHandleType)
    results_ = var_result_def(TransformHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$handle attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        if self.overflow_result is not None and not 0 <= self.overflow_result.value.data < len(self.results):
            raise VerifyException(
                f"expected overflow_result below {len(self.results)}, got {self.overflow_result.value.data}"
            )
        for result in self.results:
            _verify_kind(self.handle.type, result.type)

    def apply(self, interpreter: Interpreter) -> Results:
        payload = interpreter.state.payload(self.handle)
        count = len(self.results)
        if not payload and self.pass_through_empty_handle.value.data:
            return [[] for _ in self.results]
        if len(payload) > count and self.overflow_result is None:
            raise ScheduleError(f"expected a handle to {count} payload ops, got {len(payload)}", self)
        if len(payload) < count and self.fail_on_payload_too_small.value.data:
            raise ScheduleError(f"expected a handle to {count} payload ops, got {len(payload)}", self)
        overflow = self.overflow_result.value.data if self.overflow_result is not None else count
        results: list[Payload] = [payload[index : index + 1] for index in range(count)]
        if len(payload) > count:
            results[overflow] = [*results[overflow], *payload[count:]]
        return results


@irdl_op_definition
class SelectOp(_Looks, IRDLOperation):
    """The payload ops that have the name."""

    name = "transform.select"
    op_name = prop_def(StringAttr)
    target = operand_def(TransformOpHandleType)
    result = result_def(TransformOpHandleType)
    assembly_format = "$op_name `in` $target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[op for op in interpreter.state.ops(self.target) if op.name == self.op_name.data]]


@irdl_op_definition
class ReplicateOp(_Looks, IRDLOperation):
    """The handles' payloads, as many times as the pattern has payloads."""

    name = "transform.replicate"
    pattern = operand_def(TransformOpHandleType)
    handles = var_operand_def(TransformHandleType)
    replicated = var_result_def(TransformHandleType)

    def verify_(self) -> None:
        if tuple(self.handles.types) != tuple(self.replicated.types):
            raise VerifyException("expected results of the types of the replicated handles")

    def apply(self, interpreter: Interpreter) -> Results:
        times = len(interpreter.state.ops(self.pattern))
        return [list(interpreter.state.payload(handle)) * times for handle in self.handles]

    @classmethod
    def parse(cls, parser: Parser) -> ReplicateOp:
        parser.parse_keyword("num")
        with parser.in_parens():
            pattern = parser.parse_unresolved_operand()
        handles = syntax.parse_operands(parser)
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, [pattern, *handles], syntax.parse_types(parser), pos)
        return cls.create(operands=values, result_types=[v.type for v in values[1:]], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" num(")
        printer.print_ssa_value(self.pattern)
        printer.print_string(") ")
        printer.print_list(self.handles, printer.print_ssa_value)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


@irdl_op_definition
class CastOp(_Looks, IRDLOperation):
    """The same payload under another handle type; refused where an op does not have the type's name."""

    name = "transform.cast"
    input = operand_def(TransformHandleType)
    output = result_def(TransformHandleType)
    assembly_format = "$input attr-dict `:` type($input) `to` type($output)"

    def verify_(self) -> None:
        _verify_kind(self.input.type, self.output.type)

    def apply(self, interpreter: Interpreter) -> Results:
        return [interpreter.state.payload(self.input)]


@irdl_op_definition
class NumAssociationsOp(_Looks, IRDLOperation):
    """How many payloads a handle has."""

    name = "transform.num_associations"
    handle = operand_def(TransformHandleType)
    num = result_def(TransformParamHandleType)
    assembly_format = "$handle attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[_count(len(interpreter.state.payload(self.operands[0])), self.results[0])]]


def _count(value: int, handle: SSAValue) -> Attribute:
    """The value in the type that a param handle asks for."""
    if type(handle.type) is AnyParamType:
        return syntax.integer_param(value)
    wanted = handle.type.type if isinstance(handle.type, ParamType) else i64
    return IntegerAttr(value, wanted) if isa(wanted, IntegerType) else IntegerAttr(value, i64)


@irdl_op_definition
class ParamConstantOp(_Looks, IRDLOperation):
    """A param with the given value."""

    name = "transform.param.constant"
    value = prop_def(Attribute)
    param = result_def(TransformParamHandleType)
    assembly_format = "$value attr-dict `->` type($param)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[self.value]]


HANDLE_OPS: list[type[Operation]] = [
    CastOp,
    GetConsumersOfResultOp,
    GetDefiningOp,
    GetOperandOp,
    GetParentOp,
    GetProducerOfOperandOp,
    GetResultOp,
    GetTypeOp,
    MergeHandlesOp,
    NumAssociationsOp,
    ParamConstantOp,
    ReplicateOp,
    SelectOp,
    SplitHandleOp,
]
