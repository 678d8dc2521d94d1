"""`transform.match.structured`: asking about structured operations, which are blocks of the loop rung.

A block's iterators are the dimensions: `spatial` ones are parallel, `reduce` ones are reductions. What it reads are the
inputs, what it writes the inits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import (
    I32,
    I64,
    ArrayAttr,
    DenseArrayBase,
    FunctionType,
    IntegerAttr,
    StringAttr,
    UnitAttr,
    i64,
)
from xdsl.dialects.transform import TransformHandleType, TransformOpHandleType, TransformParamHandleType
from xdsl.ir import Attribute, Operation
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    opt_result_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsTerminator
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp, IteratorKind, ReadOp, WriteOp
from ...dialects.regions import iterator_forms
from ...errors import ScheduleError
from ..diagnostics import Refusal
from ..interfaces import Payload, Results, TransformOpInterface
from ..structure import buffers_read, reduction_of
from . import syntax
from .handles import Positions

if TYPE_CHECKING:
    from ..interpreter import Interpreter
    from ..state import TransformState


class _Asks(TransformOpInterface):
    MATCHER: ClassVar[bool] = True


def _parse_signature(parser: Parser) -> tuple[Attribute, Sequence[Attribute]]:
    """Parses `type`, or `(type) -> types`; gives the operand's type and those of the results."""
    pos = parser.pos
    type = parser.parse_type()
    if not isinstance(type, FunctionType):
        return type, ()
    if len(type.inputs) != 1:
        parser.raise_error(f"expected one operand type, got {len(type.inputs)}", pos)
    return type.inputs.data[0], type.outputs.data


def _block(state: TransformState, operand: Operation) -> BlockOp:
    """The one block that an operation asks about."""
    op = state.op(operand.operands[0])
    if not isinstance(op, BlockOp):
        raise ScheduleError(f"expected a structured operation (loop.block), got {op.name}", op)
    return op


@irdl_op_definition
class MatchStructuredYieldOp(IRDLOperation):
    """Ends the body of `transform.match.structured` with what it gives."""

    name = "transform.match.structured.yield"
    handles = var_operand_def(TransformHandleType)
    traits = traits_def(IsTerminator())
    assembly_format = "($handles^)? attr-dict (`:` type($handles)^)?"


@irdl_op_definition
class MatchStructuredOp(_Asks, IRDLOperation):
    """Accepts a block that its body accepts; gives what the body yields.

    `%r = transform.match.structured failures(propagate) %c : (!transform.any_op) -> !transform.param<i64> {…}`
    """

    name = "transform.match.structured"
    failure_propagation_mode = opt_prop_def(IntegerAttr[I32])
    current = operand_def(TransformOpHandleType)
    outputs = var_result_def(TransformHandleType)
    body = region_def("single_block")

    def verify_(self) -> None:
        block = self.body.block
        last = block.last_op
        if not isinstance(last, MatchStructuredYieldOp) or len(block.args) != 1:
            raise VerifyException("expected a body with one argument that ends with transform.match.structured.yield")
        if tuple(last.handles.types) != tuple(self.result_types):
            raise VerifyException("expected to yield values of the types of the results")
        for op in block.ops:
            if op is not last and not (isinstance(op, TransformOpInterface) and op.MATCHER):
                raise VerifyException(f"expected operations that only look in a matcher, got {op.name}")

    def apply(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        target = _block(state, self)
        outer = state.enter()
        try:
            state.bind(self.body.block.args[0], [target])
            for op in self.body.block.ops:
                if isinstance(op, MatchStructuredYieldOp):
                    return [state.payload(operand) for operand in op.operands]
                interpreter.execute(op)
        except Refusal:
            if self._suppresses:
                return [list[Attribute]() for _ in self.results]
            raise
        finally:
            state.leave(outer)
        raise AssertionError("a body without a terminator")

    @property
    def _suppresses(self) -> bool:
        mode = self.failure_propagation_mode
        return mode is not None and mode.value.data == syntax.FailureMode.SUPPRESS

    @classmethod
    def parse(cls, parser: Parser) -> MatchStructuredOp:
        properties: dict[str, Attribute] = {}
        operand = parser.parse_optional_unresolved_operand()
        if operand is None:
            properties["failure_propagation_mode"] = syntax.parse_failure_mode(parser)
            operand = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        type, results = _parse_signature(parser)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = syntax.add_implicit_yield(parser.parse_region(), MatchStructuredYieldOp)
        op = cls.create(
            operands=[parser.resolve_operand(operand, type)],
            result_types=results,
            properties=properties,
            regions=[body],
        )
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        if self.failure_propagation_mode is not None:
            syntax.print_failure_mode(printer, self.failure_propagation_mode)
        printer.print_string(" ")
        printer.print_ssa_value(self.current)
        if self.results:
            syntax.print_functional(printer, self.operands, self.results)
        else:
            syntax.print_types(printer, self.operands)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body)


@irdl_op_definition
class MatchStructuredRankOp(_Asks, IRDLOperation):
    """How many iterators the block has."""

    name = "transform.match.structured.rank"
    operand_handle = operand_def(TransformOpHandleType)
    rank = result_def(TransformParamHandleType)
    assembly_format = "$operand_handle attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[syntax.integer_param(len(_block(interpreter.state, self).kinds))]]


@irdl_op_definition
class MatchStructuredDimOp(_Asks, IRDLOperation):
    """Accepts iterators that are parallel, or reductions, as asked for; gives their extents.

    `transform.match.structured.dim %c[-1] {reduction} : !transform.any_op`
    """

    name = "transform.match.structured.dim"
    raw_dim_list = prop_def(DenseArrayBase.constr(i64))
    is_inverted = opt_prop_def(UnitAttr)
    is_all = opt_prop_def(UnitAttr)
    parallel = opt_prop_def(UnitAttr)
    reduction = opt_prop_def(UnitAttr)
    operand_handle = operand_def(TransformOpHandleType)
    result = opt_result_def(TransformParamHandleType)

    def verify_(self) -> None:
        if self.parallel is not None and self.reduction is not None:
            raise VerifyException("expected 'parallel' or 'reduction', got both")

    def apply(self, interpreter: Interpreter) -> Results:
        block = _block(interpreter.state, self)
        kinds, extents = block.kinds, block.extents
        positions = self._positions(len(kinds), block)
        wanted = IteratorKind.SPATIAL if self.parallel is not None else IteratorKind.REDUCE
        for position in positions:
            if (self.parallel is not None or self.reduction is not None) and kinds[position] is not wanted:
                raise ScheduleError(f"expected dim #{position} to be {wanted}, got {kinds[position]}", block)
        payload: Payload = [syntax.integer_param(extents[position]) for position in positions]
        return [payload] if self.result is not None else []

    def _positions(self, rank: int, block: BlockOp) -> list[int]:
        if self.is_all is not None:
            return list(range(rank))
        given = [i + rank if i < 0 else i for i in self.raw_dim_list.get_values()]
        for position in given:
            if not 0 <= position < rank:
                raise ScheduleError(f"expected a dim below {rank}, got {position}", block)
        return [i for i in range(rank) if i not in given] if self.is_inverted is not None else given

    @classmethod
    def parse(cls, parser: Parser) -> MatchStructuredDimOp:
        operand = parser.parse_unresolved_operand()
        with parser.in_square_brackets():
            properties = dict(Positions.parse_positions(parser, "raw_dim_list"))
        attributes = parser.parse_optional_attr_dict()
        properties |= {name: attributes.pop(name) for name in ("parallel", "reduction") if name in attributes}
        parser.parse_punctuation(":")
        type, results = _parse_signature(parser)
        return cls.create(
            operands=[parser.resolve_operand(operand, type)],
            result_types=results,
            properties=properties,
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.operand_handle)
        printer.print_string(f"[{Positions.text(self.raw_dim_list, self.is_inverted, self.is_all)}]")
        shown = {name: UnitAttr() for name in ("parallel", "reduction") if name in self.properties}
        syntax.print_attr_dict(printer, {**shown, **self.attributes})
        if self.result is not None:
            syntax.print_functional(printer, self.operands, self.results)
        else:
            syntax.print_types(printer, self.operands)


@irdl_op_definition
class MatchStructuredBodyOp(_Asks, IRDLOperation):
    """Accepts a block that only copies (`passthrough`), that computes each element from those at the same place
    (`elementwise`), that reduces (into output `reduction_position`), or that combines products: a `contraction` of two
    operations, by name.

    `transform.match.structured.body %c {contraction = ["arith.mulf", "arith.addf"]} : !transform.any_op`
    """

    name = "transform.match.structured.body"
    reduction_position = opt_prop_def(IntegerAttr[I64])
    passthrough = opt_prop_def(UnitAttr)
    elementwise = opt_prop_def(UnitAttr)
    contraction = opt_prop_def(ArrayAttr[StringAttr])
    operand_handle = operand_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$operand_handle attr-dict `:` type($operand_handle)"

    def verify_(self) -> None:
        asked = [
            name
            for name in ("reduction_position", "passthrough", "elementwise", "contraction")
            if name in self.properties
        ]
        if len(asked) > 1:
            raise VerifyException(
                f"only one of {{reduction_position, passthrough, elementwise, contraction}} allowed, got {asked}"
            )
        if self.contraction is not None and len(self.contraction) != 2:
            raise VerifyException("expected contraction to have two operation names")

    def apply(self, interpreter: Interpreter) -> Results:
        block = _block(interpreter.state, self)
        reason = self._mismatch(block)
        if reason is not None:
            raise ScheduleError(f"{reason}, got block '{block.block_name}'", block)
        return []

    def _mismatch(self, block: BlockOp) -> str | None:
        if self.passthrough is not None and not _is_copy(block):
            return "expected a block that only copies"
        if self.elementwise is not None and not _is_elementwise(block):
            return "expected a block that computes each element from those at the same place"
        if self.reduction_position is not None:
            written = block.written_buffers()
            position = self.reduction_position.value.data
            reduces = block.has_kind(IteratorKind.REDUCE) and 0 <= position < len(written)
            if not reduces or not any(
                not isinstance(access, WriteOp) and written[position] in access.buffers for access in block.writes()
            ):
                return f"expected a reduction into output #{position}"
        if self.contraction is not None and not _contracts(block, *(name.data for name in self.contraction)):
            names = " and ".join(name.data for name in self.contraction)
            return f"expected a contraction by {names}"
        return None


def _is_copy(block: BlockOp) -> bool:
    ops = list(block.body.block.ops)
    return (
        len(ops) == 2 and isinstance(ops[0], ReadOp) and isinstance(ops[1], WriteOp) and ops[1].value is ops[0].result
    )


def _is_elementwise(block: BlockOp) -> bool:
    if any(kind is not IteratorKind.SPATIAL for kind in block.kinds):
        return False
    writes = [iterator_forms(write) for write in block.writes()]
    places = [iterator_forms(access) for access in block.accesses()]
    return None not in writes[0] and all(place == writes[0] for place in places)


def _contracts(block: BlockOp, multiply: str, add: str) -> bool:
    reduce = reduction_of(block)
    if reduce is None or not block.has_kind(IteratorKind.REDUCE):
        return False
    combine, product = reduce.combiner.block.first_op, reduce.values[0].owner
    if combine is None or combine.name != add or combine.next_op is not reduce.combiner.block.last_op:
        return False
    return isinstance(product, Operation) and product.name == multiply and len(product.operands) == 2


class _Counts(_Asks, IRDLOperation):
    operand_handle = operand_def(TransformOpHandleType)
    result = result_def(TransformParamHandleType)
    assembly_format = "$operand_handle attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class MatchStructuredNumInputsOp(_Counts):
    """How many buffers the block reads."""

    name = "transform.match.structured.num_inputs"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[syntax.integer_param(len(buffers_read(_block(interpreter.state, self))))]]


@irdl_op_definition
class MatchStructuredNumInitsOp(_Counts):
    """How many buffers the block writes."""

    name = "transform.match.structured.num_inits"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[syntax.integer_param(len(_block(interpreter.state, self).written_buffers()))]]


STRUCTURED_OPS: list[type[Operation]] = [
    MatchStructuredBodyOp,
    MatchStructuredDimOp,
    MatchStructuredNumInitsOp,
    MatchStructuredNumInputsOp,
    MatchStructuredOp,
    MatchStructuredRankOp,
    MatchStructuredYieldOp,
]
