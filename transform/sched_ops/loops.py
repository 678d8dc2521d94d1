"""More primitives on loops as transform operations: thin callers of the functions in `transform.primitives`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import I64, DenseArrayBase, IntegerAttr, StringAttr, i64
from xdsl.dialects.transform import TransformOpHandleType, TransformParamHandleType, TransformValueHandleType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, opt_operand_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp, ForOp
from ...errors import ScheduleError
from .. import primitives
from ..interfaces import Effect, Results
from ..upstream import syntax
from .layout import only_buffer
from .navigation import typed_op
from .params import mixed_integers
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter
    from ..state import TransformState

_ONE, _TWO = IntegerAttr(1, i64), IntegerAttr(2, i64)


@irdl_op_definition
class FuseSiblingOp(PrimitiveOp):
    """Makes one loop of two of the same extent beside one another, where the second one stands.

    `%ik = sched.fuse_sibling %i into %k : (!transform.any_op, !transform.any_op) -> !transform.any_op`
    """

    name = "sched.fuse_sibling"
    loop = operand_def(TransformOpHandleType)
    into = operand_def(TransformOpHandleType)
    fused = result_def(TransformOpHandleType)
    assembly_format = "$loop `into` $into attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES, Effect.FORWARDS)

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        return [[primitives.fuse_sibling(typed_op(state, self.loop, ForOp), typed_op(state, self.into, ForOp))]]


@irdl_op_definition
class AddUnitLoopOp(PrimitiveOp):
    """Puts a loop that runs once around a loop or a block.

    `%u = sched.add_unit_loop %c : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.add_unit_loop"
    target = operand_def(TransformOpHandleType)
    unit = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        payload = interpreter.state.ops(self.target)
        if len(payload) != 1 or not isinstance(payload[0], BlockOp | ForOp):
            raise ScheduleError(f"expected a handle to exactly one loop or block, got {len(payload)} operations")
        return [[primitives.add_unit_loop(payload[0])]]


@irdl_op_definition
class ReorderIteratorsOp(PrimitiveOp):
    """Gives a block's iterators another order: place `p` gets the iterator `permutation[p]`.

    `sched.reorder_iterators %c permutation = [1, 0] : !transform.any_op`
    """

    name = "sched.reorder_iterators"
    block = operand_def(TransformOpHandleType)
    permutation = prop_def(DenseArrayBase.constr(i64))
    assembly_format = "$block `permutation` `=` $permutation attr-dict `:` type($block)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def verify_(self) -> None:
        permutation = self.permutation.get_values()
        if sorted(permutation) != list(range(len(permutation))):
            raise VerifyException(f"expected a permutation of 0..{len(permutation) - 1}, got {list(permutation)}")

    def schedule(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.block, BlockOp)
        primitives.reorder_iterators(block, list(self.permutation.get_values()))
        return []


@irdl_op_definition
class SplitOp(PrimitiveOp):
    """Makes two loops of one: the first iterations, and the others.

    `%first, %rest = sched.split %i after 32 : (!transform.any_op) -> (!transform.any_op, !transform.any_op)`
    """

    name = "sched.split"
    loop = operand_def(TransformOpHandleType)
    after = opt_operand_def(TransformParamHandleType)
    static_after = prop_def(DenseArrayBase.constr(i64))
    first = result_def(TransformOpHandleType)
    rest = result_def(TransformOpHandleType)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES, Effect.READS)

    def verify_(self) -> None:
        _verify_integer(self.static_after, self.after, "number of iterations")

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        after = _integer(state, self.static_after, self.after)
        return [[loop] for loop in primitives.split(typed_op(state, self.loop, ForOp), after)]

    @classmethod
    def parse(cls, parser: Parser) -> SplitOp:
        loop = parser.parse_unresolved_operand()
        parser.parse_keyword("after")
        static, params = syntax.split_mixed([syntax.parse_integer_or_param(parser)])
        attributes = parser.parse_optional_attr_dict()
        operands, results = syntax.parse_functional(parser, [loop, *params])
        properties: dict[str, Attribute] = {"static_after": DenseArrayBase.from_list(i64, static)}
        return cls.create(operands=operands, result_types=results, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.loop)
        printer.print_string(" after ")
        syntax.print_mixed(printer, self.static_after.get_values(), _given(self.after))
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_functional(printer, self.operands, self.results)


@irdl_op_definition
class UnrollAndJamOp(PrimitiveOp):
    """Lets some iterations of a loop take their steps together.

    `%io = sched.unroll_and_jam %i factor = 4 : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.unroll_and_jam"
    loop = operand_def(TransformOpHandleType)
    factor = opt_operand_def(TransformParamHandleType)
    static_factor = prop_def(DenseArrayBase.constr(i64))
    outer = result_def(TransformOpHandleType)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES, Effect.READS)

    def verify_(self) -> None:
        _verify_integer(self.static_factor, self.factor, "factor")

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        factor = _integer(state, self.static_factor, self.factor)
        return [[primitives.unroll_and_jam(typed_op(state, self.loop, ForOp), factor)]]

    @classmethod
    def parse(cls, parser: Parser) -> UnrollAndJamOp:
        loop = parser.parse_unresolved_operand()
        parser.parse_keyword("factor")
        parser.parse_punctuation("=")
        static, params = syntax.split_mixed([syntax.parse_integer_or_param(parser)])
        attributes = parser.parse_optional_attr_dict()
        operands, results = syntax.parse_functional(parser, [loop, *params])
        properties: dict[str, Attribute] = {"static_factor": DenseArrayBase.from_list(i64, static)}
        return cls.create(operands=operands, result_types=results, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.loop)
        printer.print_string(" factor = ")
        syntax.print_mixed(printer, self.static_factor.get_values(), _given(self.factor))
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_functional(printer, self.operands, self.results)


@irdl_op_definition
class MultibufferOp(PrimitiveOp):
    """Makes several copies of a buffer that lives in a loop, whose iterations take turns.

    `sched.multibuffer %b {factor = 2 : i64} : !transform.any_value`
    """

    name = "sched.multibuffer"
    buffer = operand_def(TransformValueHandleType)
    factor = prop_def(IntegerAttr.constr(i64), default_value=_TWO)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$buffer attr-dict `:` type($buffer)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.multibuffer(only_buffer(interpreter.state, self.buffer), self.factor.value.data)
        return []


@irdl_op_definition
class PipelineOp(PrimitiveOp):
    """Lets what fills the buffers of a loop run iterations ahead of what reads them.

    `sched.pipeline %ko {depth = 1 : i64} : !transform.any_op`
    """

    name = "sched.pipeline"
    loop = operand_def(TransformOpHandleType)
    depth = prop_def(IntegerAttr.constr(i64), default_value=_ONE)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$loop attr-dict `:` type($loop)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.pipeline(typed_op(interpreter.state, self.loop, ForOp), self.depth.value.data)
        return []


@irdl_op_definition
class PrefetchOp(PrimitiveOp):
    """Asks, in each iteration of a loop, for what a block reads of an argument in a later one.

    `%p = sched.prefetch %c, %B at %k {ahead = 2 : i64} : (…, !transform.any_value, …) -> !transform.any_op`
    """

    name = "sched.prefetch"
    block = operand_def(TransformOpHandleType)
    buffer = operand_def(TransformValueHandleType)
    at = operand_def(TransformOpHandleType)
    ahead = prop_def(IntegerAttr.constr(i64), default_value=_ONE)
    asking = result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$block `,` $buffer `at` $at attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS, Effect.FORWARDS)

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block, at = typed_op(state, self.block, BlockOp), typed_op(state, self.at, ForOp)
        return [[primitives.prefetch(block, only_buffer(state, self.buffer), at, self.ahead.value.data)]]


def _given(param: SSAValue | None) -> list[SSAValue]:
    return [] if param is None else [param]


def _verify_integer(static: DenseArrayBase[I64], param: SSAValue | None, what: str) -> None:
    values = static.get_values()
    if len(values) != 1 or (values[0] == syntax.STATIC_OR_PARAM) != (param is not None):
        raise VerifyException(f"expected one {what}, an integer or a param")


def _integer(state: TransformState, static: DenseArrayBase[I64], param: SSAValue | None) -> int:
    """An integer that is written down, or a param's."""
    return mixed_integers(state, static.get_values(), _given(param))[0]


@irdl_op_definition
class BindOp(PrimitiveOp):
    """Gives a loop's iterations to a processor's threads by name. CPUs have none, so that it is refused until there is
    a rung for GPUs; what runs on a CPU instead is said by `sched.parallelize` and `sched.vectorize`.

    `sched.bind %i to "thread.x" : !transform.any_op`
    """

    name = "sched.bind"
    loop = operand_def(TransformOpHandleType)
    thread = prop_def(StringAttr)
    assembly_format = "$loop `to` $thread attr-dict `:` type($loop)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.bind(typed_op(interpreter.state, self.loop, ForOp), self.thread.data)
        return []


LOOP_OPS: list[type[Operation]] = [
    AddUnitLoopOp,
    FuseSiblingOp,
    MultibufferOp,
    PipelineOp,
    PrefetchOp,
    ReorderIteratorsOp,
    SplitOp,
    UnrollAndJamOp,
]

REFUSED_OPS: list[type[Operation]] = [BindOp]
"""Operations that change nothing, for want of a rung."""
