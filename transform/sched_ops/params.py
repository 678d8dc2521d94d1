"""Arithmetic on params, and constraints between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from xdsl.dialects.builtin import DenseArrayBase, StringAttr, i64
from xdsl.dialects.transform import TransformParamHandleType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, result_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import integers_of
from ...errors import ScheduleError, did_you_mean
from ..interfaces import Results, TransformOpInterface
from ..upstream import syntax
from ..upstream.match import PREDICATES

if TYPE_CHECKING:
    from ..interpreter import Interpreter
    from ..state import TransformState


def _checked(operation: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def apply(left: int, right: int) -> int:
        if right < 1:
            raise ScheduleError(f"expected a positive divisor, got {right}")
        return operation(left, right)

    return apply


def largest_divisor(value: int, limit: int) -> int:
    """The largest divisor of `value` that is at most `limit`."""
    if value < 1:
        raise ScheduleError(f"expected a positive integer to divide, got {value}")
    if limit < 1:
        raise ScheduleError(f"expected a divisor of at most a positive integer, got {limit}")
    return next(candidate for candidate in range(min(value, limit), 0, -1) if value % candidate == 0)


OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": int.__add__,
    "sub": int.__sub__,
    "mul": int.__mul__,
    "floordiv": _checked(int.__floordiv__),
    "ceildiv": _checked(lambda left, right: -(-left // right)),
    "mod": _checked(int.__mod__),
    "min": min,
    "max": max,
    "round_up": _checked(lambda left, right: -(-left // right) * right),
    "round_down": _checked(lambda left, right: left // right * right),
    "largest_divisor": _checked(largest_divisor),
    **{name: (lambda left, right, compare=compare: int(compare(left, right))) for name, compare in PREDICATES.items()},
}
"""What `sched.param` computes; comparisons give 0 or 1."""

CONSTRAINTS: dict[str, Callable[[int, int], bool]] = {
    **PREDICATES,
    "divides": lambda left, right: left > 0 and right % left == 0,
}
"""What `sched.constrain` can ask for."""


def mixed_values(state: TransformState, static: Sequence[int], params: Sequence[SSAValue]) -> list[list[int]]:
    """The values of operands that are integers or params."""
    remaining = iter(params)
    return [state.integers(next(remaining)) if v == syntax.STATIC_OR_PARAM else [v] for v in static]


def mixed_integers(state: TransformState, static: Sequence[int], params: Sequence[SSAValue]) -> list[int]:
    """The values of operands that are integers or params, where each param has exactly one value."""
    remaining = iter(params)
    return [state.integer(next(remaining)) if v == syntax.STATIC_OR_PARAM else v for v in static]


class _Plan(NamedTuple):
    """What an operation does with two integers, and which: `syntax.STATIC_OR_PARAM` where a param says it."""

    kind: Attribute
    static: Attribute
    function: Callable[[int, int], int]
    left: int
    right: int


class _Binary(TransformOpInterface, IRDLOperation):
    """Two operands, each an integer or a param; a param of one value is paired with each of several."""

    kind = prop_def(StringAttr)
    static_operands = prop_def(DenseArrayBase.constr(i64))
    params = var_operand_def(TransformParamHandleType)

    MATCHER: ClassVar[bool] = True

    def verify_(self) -> None:
        static = self.static_operands.get_values()
        if len(static) != 2 or static.count(syntax.STATIC_OR_PARAM) != len(self.params):
            raise VerifyException(f"expected two operands, integers or params, got {list(static)}")
        known = self.functions()
        if self.kind.data not in known:
            hint = did_you_mean(self.kind.data, known)
            raise VerifyException(f"expected one of {', '.join(known)}, got '{self.kind.data}'{hint}")

    @classmethod
    def functions(cls) -> Mapping[str, Callable[[int, int], int]]:
        """What it does, by kind."""
        raise NotImplementedError

    def plan(self) -> _Plan:
        """What the properties say, read again when one of them was exchanged: scripts run again and again."""
        kind, static = self.properties["kind"], self.properties["static_operands"]
        known: _Plan | None = vars(self).get("_plan")
        if known is None or known.kind is not kind or known.static is not static:
            left, right = integers_of(self.static_operands)
            known = vars(self)["_plan"] = _Plan(kind, static, self.functions()[self.kind.data], left, right)
        return known

    def pairs(self, state: TransformState, plan: _Plan) -> list[tuple[int, int]]:
        """The values to combine."""
        params = iter(self._operands)
        left = state.integers(next(params)) if plan.left == syntax.STATIC_OR_PARAM else [plan.left]
        right = state.integers(next(params)) if plan.right == syntax.STATIC_OR_PARAM else [plan.right]
        if len(left) == len(right) == 1:
            return [(left[0], right[0])]
        if len(left) != len(right) and 1 not in (len(left), len(right)):
            raise ScheduleError(f"expected params with as many values, got {len(left)} and {len(right)}")
        count = max(len(left), len(right)) if left and right else 0
        return [(left[i % len(left)], right[i % len(right)]) for i in range(count)]


@irdl_op_definition
class ParamOp(_Binary):
    """Computes a param from params and integers.

    `%n = sched.param mul %lanes, 4 : (!transform.any_param) -> !transform.any_param`
    """

    name = "sched.param"
    result = result_def(TransformParamHandleType)

    @classmethod
    def functions(cls) -> Mapping[str, Callable[[int, int], int]]:
        return OPERATIONS

    def apply(self, interpreter: Interpreter) -> Results:
        plan = self.plan()
        values = [plan.function(left, right) for left, right in self.pairs(interpreter.state, plan)]
        for value in values:
            if not -(2**63) <= value < 2**63:
                raise ScheduleError(f"expected an integer of 64 bits, got {value}")
        return [[syntax.integer_param(value) for value in values]]

    @classmethod
    def parse(cls, parser: Parser) -> ParamOp:
        kind = StringAttr(parser.parse_identifier())
        left = syntax.parse_integer_or_param(parser)
        parser.parse_punctuation(",")
        static, params = syntax.split_mixed([left, syntax.parse_integer_or_param(parser)])
        attributes = parser.parse_optional_attr_dict()
        values, results = syntax.parse_functional(parser, params)
        return cls.create(
            operands=values,
            result_types=results,
            properties={"kind": kind, "static_operands": DenseArrayBase.from_list(i64, static)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data} ")
        syntax.print_mixed(printer, self.static_operands.get_values(), self.params)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_functional(printer, self.params, self.results)


@irdl_op_definition
class ConstrainOp(_Binary):
    """Refuses a script whose params do not relate as asked.

    `sched.constrain %tile divides %n : !transform.any_param, !transform.any_param`
    """

    name = "sched.constrain"

    @classmethod
    def functions(cls) -> Mapping[str, Callable[[int, int], int]]:
        return CONSTRAINTS

    def apply(self, interpreter: Interpreter) -> Results:
        plan = self.plan()
        for left, right in self.pairs(interpreter.state, plan):
            if not plan.function(left, right):
                raise ScheduleError(f"expected {left} {self.kind.data} {right}", self)
        return []

    @classmethod
    def parse(cls, parser: Parser) -> ConstrainOp:
        left = syntax.parse_integer_or_param(parser)
        kind = StringAttr(parser.parse_identifier())
        static, params = syntax.split_mixed([left, syntax.parse_integer_or_param(parser)])
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, params, syntax.parse_types(parser), pos)
        return cls.create(
            operands=values,
            properties={"kind": kind, "static_operands": DenseArrayBase.from_list(i64, static)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        static = self.static_operands.get_values()
        split = int(static[0] == syntax.STATIC_OR_PARAM)
        printer.print_string(" ")
        syntax.print_mixed(printer, static[:1], self.params[:split])
        printer.print_string(f" {self.kind.data} ")
        syntax.print_mixed(printer, static[1:], self.params[split:])
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.params)


PARAM_OPS: list[type[Operation]] = [ConstrainOp, ParamOp]
