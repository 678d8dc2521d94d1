"""Operations that look at the payload: they accept or refuse, or collect what fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import I32, ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr, i32
from xdsl.dialects.transform import (
    MATCH_INTERFACES,
    MatchInterface,
    MatchInterfaceEnum,
    TransformOpHandleType,
    TransformParamHandleType,
)
from xdsl.ir import Operation, TypeAttribute
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...errors import ScheduleError
from ..interfaces import Results, TransformOpInterface
from . import syntax

if TYPE_CHECKING:
    from ..interpreter import Interpreter

PREDICATES: dict[str, Callable[[int, int], bool]] = {
    "eq": int.__eq__,
    "ne": int.__ne__,
    "lt": int.__lt__,
    "le": int.__le__,
    "gt": int.__gt__,
    "ge": int.__ge__,
}
"""Comparisons of params, in the order of upstream's enumeration."""

_LOOPS = frozenset({"loop.for", "scf.for", "scf.forall", "scf.parallel", "scf.while", "affine.for", "affine.parallel"})


class _Matches(TransformOpInterface):
    """Matchers only look."""

    MATCHER: ClassVar[bool] = True


@irdl_op_definition
class MatchOperationNameOp(_Matches, IRDLOperation):
    """Accepts the one payload op if it has one of the names."""

    name = "transform.match.operation_name"
    op_names = prop_def(ArrayAttr[StringAttr])
    operand_handle = operand_def(TransformOpHandleType)
    assembly_format = "$operand_handle $op_names attr-dict `:` type($operand_handle)"

    def apply(self, interpreter: Interpreter) -> Results:
        op = interpreter.state.op(self.operand_handle)
        names = [name.data for name in self.op_names]
        if op.name not in names:
            raise ScheduleError(f"wrong operation name: expected {' or '.join(names)}, got {op.name}", op)
        return []


@irdl_op_definition
class MatchOperationEmptyOp(_Matches, IRDLOperation):
    """Accepts a handle without payload."""

    name = "transform.match.operation_empty"
    operand_handle = operand_def(TransformOpHandleType)
    assembly_format = "$operand_handle attr-dict `:` type($operand_handle)"

    def apply(self, interpreter: Interpreter) -> Results:
        ops = interpreter.state.ops(self.operand_handle)
        if ops:
            raise ScheduleError(f"expected an empty handle, got {len(ops)} payload ops", ops[0])
        return []


@irdl_op_definition
class MatchParamCmpIOp(_Matches, IRDLOperation):
    """Accepts params that compare as the predicate says, element by element."""

    name = "transform.match.param.cmpi"
    predicate = prop_def(IntegerAttr[I32])
    param = operand_def(TransformParamHandleType)
    reference = operand_def(TransformParamHandleType)

    def verify_(self) -> None:
        if not 0 <= self.predicate.value.data < len(PREDICATES):
            raise VerifyException(f"expected a predicate below {len(PREDICATES)}, got {self.predicate.value.data}")
        if self.param.type != self.reference.type:
            raise VerifyException(f"expected params of the same type, got {self.param.type} and {self.reference.type}")

    @property
    def predicate_name(self) -> str:
        """The predicate as it is written."""
        return tuple(PREDICATES)[self.predicate.value.data]

    def apply(self, interpreter: Interpreter) -> Results:
        values = interpreter.state.integers(self.param)
        references = interpreter.state.integers(self.reference)
        if len(values) != len(references):
            raise ScheduleError(f"expected as many values as references, got {len(values)} and {len(references)}")
        for value, reference in zip(values, references, strict=True):
            if not PREDICATES[self.predicate_name](value, reference):
                raise ScheduleError(f"expected a param {self.predicate_name} {reference}, got {value}")
        return []

    @classmethod
    def parse(cls, parser: Parser) -> MatchParamCmpIOp:
        pos = parser.pos
        word = parser.parse_identifier()
        if word not in PREDICATES:
            parser.raise_error(f"expected a predicate ({', '.join(PREDICATES)}), got {word}", pos)
        operands = syntax.parse_operands(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        return cls.create(
            operands=[parser.resolve_operand(operand, type) for operand in operands],
            properties={"predicate": IntegerAttr(list(PREDICATES).index(word), i32)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.predicate_name} ")
        printer.print_list(self.operands, printer.print_ssa_value)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands[:1])


@irdl_op_definition
class MatchOp(_Matches, IRDLOperation):
    """The ops in the one payload op, itself included, in post-order, that pass every filter."""

    name = "transform.structured.match"
    ops = opt_prop_def(ArrayAttr[StringAttr])
    interface = opt_prop_def(IntegerAttr[I32])
    op_attrs = opt_prop_def(DictionaryAttr)
    filter_result_type = opt_prop_def(TypeAttribute)
    filter_operand_types = opt_prop_def(ArrayAttr[TypeAttribute])
    target = operand_def(TransformOpHandleType)
    result = result_def(TransformOpHandleType)
    custom_directives = (MatchInterface,)
    assembly_format = (
        "(`ops` `{` $ops^ `}`)? (`interface` `{` custom<MatchInterface>($interface)^ `}`)? "
        "(`attributes` $op_attrs^)? (`filter_result_type` `=` $filter_result_type^)? "
        "(`filter_operand_types` `=` $filter_operand_types^)? "
        "`in` $target attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        if self.interface is not None and not 0 <= self.interface.value.data < len(MATCH_INTERFACES):
            raise VerifyException(
                f"expected an interface below {len(MATCH_INTERFACES)}, got {self.interface.value.data}"
            )

    def apply(self, interpreter: Interpreter) -> Results:
        root = interpreter.state.op(self.target)
        return [[op for op in root.walk(region_first=True) if self._accepts(op)]]

    def _accepts(self, op: Operation) -> bool:
        return self._has_name(op) and self._has_attributes(op) and self._has_interface(op) and self._has_types(op)

    def _has_name(self, op: Operation) -> bool:
        return self.ops is None or any(name.data == op.name for name in self.ops)

    def _has_attributes(self, op: Operation) -> bool:
        if self.op_attrs is None:
            return True
        return all(value == op.attributes.get(key, op.properties.get(key)) for key, value in self.op_attrs.data.items())

    def _has_interface(self, op: Operation) -> bool:
        if self.interface is None:
            return True
        if MATCH_INTERFACES[self.interface.value.data] is MatchInterfaceEnum.LOOP_LIKE_INTERFACE:
            return op.name in _LOOPS
        return op.name.startswith("linalg.") and op.name not in ("linalg.yield", "linalg.index")

    def _has_types(self, op: Operation) -> bool:
        if self.filter_result_type is not None and tuple(op.result_types) != (self.filter_result_type,):
            return False
        wanted = self.filter_operand_types
        if wanted is None:
            return True
        types = [operand.type for operand in op.operands]
        if len(wanted) == 1:
            return all(type == wanted.data[0] for type in types)
        return types == list(wanted)


MATCH_OPS: list[type[Operation]] = [MatchOp, MatchOperationEmptyOp, MatchOperationNameOp, MatchParamCmpIOp]
