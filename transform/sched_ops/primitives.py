"""The schedule primitives as transform operations: thin callers of the functions in `transform.primitives`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, StringAttr, i32, i64
from xdsl.dialects.func import FuncOp
from xdsl.dialects.transform import TransformOpHandleType, TransformParamHandleType, TransformValueHandleType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import WORKSPACE, BlockOp, ForOp, integers_of, kernel_of
from ...errors import ScheduleError
from .. import primitives
from ..interfaces import Effect, Payload, PayloadItem, Results, TransformOpInterface
from ..upstream import syntax
from .navigation import spread, typed_op, typed_ops
from .params import mixed_integers

if TYPE_CHECKING:
    from ..interpreter import Interpreter
    from ..state import TransformState

_GUARD = StringAttr("guard")
_LOCAL = StringAttr("local")
_TAILS = ("guard", "exact")

NO_LOOPS = "expected at least one loop, got none"


class PrimitiveOp(TransformOpInterface, IRDLOperation):
    """A transform operation that changes the kernel that its first operand's payload is in."""

    def verify_(self) -> None:
        if not self.operands:
            raise VerifyException(NO_LOOPS)

    def apply(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        first, *_ = self._operands
        payload = [_operation(item) for item in state.payload(first)]
        kernels = [kernel for op in payload if op is not None and (kernel := kernel_of(op)) is not None]
        for kernel in kernels:
            if kernel not in state.scheduled:
                _check_separate(kernel)
        results = self.schedule(interpreter)
        for kernel in kernels:
            state.scheduled[kernel] = None
        return results

    @abstractmethod
    def schedule(self, interpreter: Interpreter) -> Results:
        """Applies the primitive, and gives the payload of each result."""


def _operation(item: PayloadItem) -> Operation | None:
    """The operation that a payload is, or that gives a value or has it as an argument."""
    if isinstance(item, SSAValue):
        return item.owner.parent_op() if isinstance(item.owner, Block) else item.owner
    return item if isinstance(item, Operation) else None


def _check_separate(kernel: FuncOp) -> None:
    """What primitives prove of buffers relies on that they are apart."""
    if any(WORKSPACE in marks.data for marks in kernel.arg_attrs or ()):
        raise ScheduleError(f"expected a kernel whose memory is not planned yet, got one with '{WORKSPACE}'", kernel)


def _loops(state: TransformState, handles: Sequence[SSAValue]) -> list[ForOp]:
    """The loops of several handles, one after another; at least one."""
    loops = [loop for handle in handles for loop in typed_ops(state, handle, ForOp)]
    if not loops:
        raise ScheduleError("expected at least one loop, got empty handles")
    return loops


def _either_of(first: int, second: int) -> str:
    return f"{first}" if first == second else f"{first} or {second}"


@irdl_op_definition
class TileOp(PrimitiveOp):
    """Splits each loop in an outer and an inner one, and moves the inner ones inside.

    `%io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%ti, 64] : (!transform.any_op, …, !transform.any_param) -> (…)`

    Results: a handle for each loop, outer loops first; or two handles, all outer and all inner loops.
    """

    name = "sched.tile"
    loops = var_operand_def(TransformOpHandleType)
    sizes = var_operand_def(TransformParamHandleType)
    static_sizes = prop_def(DenseArrayBase.constr(i64))
    tail = prop_def(StringAttr, default_value=_GUARD)
    tiled = var_result_def(TransformOpHandleType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def operand_effects(self) -> tuple[Effect, ...]:
        return (*(Effect.ERASES,) * self._loop_count(), Effect.READS)

    def _loop_count(self) -> int:
        """How many operands are loops; the others are sizes."""
        return len(self._operands) - integers_of(self.static_sizes).count(syntax.STATIC_OR_PARAM)

    def verify_(self) -> None:
        if not self.loops:
            raise VerifyException(NO_LOOPS)
        static = self.static_sizes.get_values()
        if static.count(syntax.STATIC_OR_PARAM) != len(self.sizes):
            raise VerifyException(
                f"expected {static.count(syntax.STATIC_OR_PARAM)} params among the sizes, got {len(self.sizes)}"
            )
        if self.tail.data not in _TAILS:
            raise VerifyException(f"expected a tail ({', '.join(_TAILS)}), got '{self.tail.data}'")
        if len(self.tiled) not in (2, 2 * len(static)):
            raise VerifyException(f"expected {_either_of(2 * len(static), 2)} results, got {len(self.tiled)}")

    def schedule(self, interpreter: Interpreter) -> Results:
        state, operands, place = interpreter.state, tuple(self._operands), self._loop_count()
        loops = _loops(state, operands[:place])
        sizes = mixed_integers(state, integers_of(self.static_sizes), operands[place:])
        if len(sizes) != len(loops):
            raise ScheduleError(f"expected {len(loops)} tile sizes, one for each loop, got {len(sizes)}", loops[0])
        count = len(self.results)
        if count not in (2, 2 * len(loops)):
            raise ScheduleError(f"expected {_either_of(2 * len(loops), 2)} results, got {count}", loops[0])
        tiled = primitives.tile(loops, sizes, self.tail.data)
        if count == 2:
            return [tiled[: len(loops)], tiled[len(loops) :]]
        return spread(tiled, count, "loop")

    @classmethod
    def parse(cls, parser: Parser) -> TileOp:
        loops = syntax.parse_operands(parser)
        parser.parse_keyword("tile_sizes")
        static, params = syntax.split_mixed(syntax.parse_mixed(parser))
        attributes = parser.parse_optional_attr_dict()
        tail = attributes.pop("tail", _GUARD)
        values, results = syntax.parse_functional(parser, [*loops, *params])
        op = cls.build(
            operands=[values[: len(loops)], values[len(loops) :]],
            result_types=[results],
            properties={"static_sizes": DenseArrayBase.from_list(i64, static), "tail": tail},
        )
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.loops, printer.print_ssa_value)
        printer.print_string(" tile_sizes [")
        syntax.print_mixed(printer, self.static_sizes.get_values(), self.sizes)
        printer.print_string("]")
        shown: dict[str, Attribute] = {"tail": self.tail} if self.tail != _GUARD else {}
        syntax.print_attr_dict(printer, shown | self.attributes)
        syntax.print_functional(printer, self.operands, self.results)


@irdl_op_definition
class InterchangeOp(PrimitiveOp):
    """Reorders loops of one perfect nest: place `p` gets the loop `permutation[p]`.

    `sched.interchange %i, %j permutation = [1, 0] : (!transform.any_op, !transform.any_op) -> ()`

    Results: none, or the loops in their new order.
    """

    name = "sched.interchange"
    loops = var_operand_def(TransformOpHandleType)
    permutation = prop_def(DenseArrayBase.constr(i64))
    reordered = var_result_def(TransformOpHandleType)
    assembly_format = "$loops `permutation` `=` $permutation attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def verify_(self) -> None:
        super().verify_()
        permutation = self.permutation.get_values()
        if sorted(permutation) != list(range(len(permutation))):
            raise VerifyException(f"expected a permutation of 0..{len(permutation) - 1}, got {list(permutation)}")
        if len(self.reordered) not in (0, 1, len(permutation)):
            raise VerifyException(f"expected 0, 1 or {len(permutation)} results, got {len(self.reordered)}")

    def schedule(self, interpreter: Interpreter) -> Results:
        loops = _loops(interpreter.state, self.loops)
        permutation = list(self.permutation.get_values())
        if len(loops) != len(permutation):
            raise ScheduleError(f"expected {len(permutation)} loops to permute, got {len(loops)}", loops[0])
        reordered = primitives.interchange(loops, permutation)
        return spread(reordered, len(self.reordered), "loop") if self.reordered else []


@irdl_op_definition
class ReorderOp(PrimitiveOp):
    """Reorders loops of one perfect nest: handles say the new order, whatever the present one is.

    `sched.reorder %k, %i, %j : !transform.any_op, !transform.any_op, !transform.any_op`
    """

    name = "sched.reorder"
    loops = var_operand_def(TransformOpHandleType)
    assembly_format = "$loops attr-dict `:` type($loops)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        wanted = _loops(interpreter.state, self._operands)
        if len({id(loop) for loop in wanted}) != len(wanted):
            raise ScheduleError("expected each loop once", wanted[0])
        present = sorted(wanted, key=_depth)
        permutation = [present.index(loop) for loop in wanted]
        if permutation != sorted(permutation):
            primitives.interchange(present, permutation)
        return []


def _depth(op: Operation) -> int:
    depth, parent = 0, op.parent_op()
    while parent is not None:
        depth, parent = depth + 1, parent.parent_op()
    return depth


@irdl_op_definition
class CoalesceOp(PrimitiveOp):
    """Makes one loop of loops directly inside of one another; one loop stays what it is.

    `%ij = sched.coalesce %i, %j : (!transform.any_op, !transform.any_op) -> !transform.any_op`
    """

    name = "sched.coalesce"
    loops = var_operand_def(TransformOpHandleType)
    coalesced = result_def(TransformOpHandleType)
    assembly_format = "$loops attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES,)

    def schedule(self, interpreter: Interpreter) -> Results:
        loops = _loops(interpreter.state, self.loops)
        return [[loops[0] if len(loops) == 1 else primitives.coalesce(loops)]]


class _MarkOp(PrimitiveOp):
    """Marks loops; if one is refused, none is marked."""

    loops = var_operand_def(TransformOpHandleType)
    assembly_format = "$loops attr-dict `:` type($loops)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)


def _mark(loops: Sequence[ForOp], mark: Callable[[ForOp], None]) -> None:
    before = [dict(loop.properties) for loop in loops]
    try:
        for loop in loops:
            mark(loop)
    except ScheduleError:
        for loop, properties in zip(loops, before, strict=True):
            loop.properties = properties
        raise


@irdl_op_definition
class UnrollOp(_MarkOp):
    """Marks loops to be unrolled: `sched.unroll %ii : !transform.any_op`"""

    name = "sched.unroll"

    def schedule(self, interpreter: Interpreter) -> Results:
        _mark(_loops(interpreter.state, self._operands), primitives.unroll)
        return []


@irdl_op_definition
class VectorizeOp(_MarkOp):
    """Marks loops whose iterations become vector lanes: `sched.vectorize %ji : !transform.any_op`"""

    name = "sched.vectorize"

    def schedule(self, interpreter: Interpreter) -> Results:
        _mark(_loops(interpreter.state, self._operands), primitives.vectorize)
        return []


@irdl_op_definition
class PeelOp(_MarkOp):
    """Marks loops whose last iteration is emitted on its own.

    `sched.peel %io, %jo : !transform.any_op, !transform.any_op`
    """

    name = "sched.peel"

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.peel(_loops(interpreter.state, self._operands))
        return []


@irdl_op_definition
class ParallelizeOp(PrimitiveOp):
    """Marks a loop whose iterations run on all threads, at least `grain` on each.

    `sched.parallelize %io grain = %g : !transform.any_op, !transform.any_param`

    A `mapping = [#gpu.thread<x>]` to the processors of a GPU is refused: there is no rung for GPUs yet.
    """

    name = "sched.parallelize"
    loop = operand_def(TransformOpHandleType)
    grain = opt_operand_def(TransformParamHandleType)
    static_grain = opt_prop_def(DenseArrayBase.constr(i64))
    mapping = opt_prop_def(ArrayAttr)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS)

    def verify_(self) -> None:
        static = self.static_grain.get_values() if self.static_grain is not None else ()
        if len(static) > 1 or static.count(syntax.STATIC_OR_PARAM) != (self.grain is not None):
            raise VerifyException("expected one grain, an integer or a param")

    def schedule(self, interpreter: Interpreter) -> Results:
        loops = _loops(interpreter.state, [self.loop])
        if self.mapping is not None:
            primitives.bind(loops[0], ", ".join(str(each) for each in self.mapping))
        grain: int | None = None
        if self.static_grain is not None:
            params = [self.grain] if self.grain is not None else []
            grain = mixed_integers(interpreter.state, self.static_grain.get_values(), params)[0]
        _mark(loops, lambda loop: primitives.parallelize(loop, grain))
        return []

    @classmethod
    def parse(cls, parser: Parser) -> ParallelizeOp:
        operands = [parser.parse_unresolved_operand()]
        properties: dict[str, Attribute] = {}
        if parser.parse_optional_keyword("grain") is not None:
            parser.parse_punctuation("=")
            static, params = syntax.split_mixed([syntax.parse_integer_or_param(parser)])
            properties["static_grain"] = DenseArrayBase.from_list(i64, static)
            operands += params
        if parser.parse_optional_keyword("mapping") is not None:
            parser.parse_punctuation("=")
            elements = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_attribute)
            properties["mapping"] = ArrayAttr(elements)
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        return cls.create(operands=values, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.loop)
        if self.static_grain is not None:
            printer.print_string(" grain = ")
            syntax.print_mixed(printer, self.static_grain.get_values(), [self.grain] if self.grain is not None else [])
        if self.mapping is not None:
            printer.print_string(" mapping = ")
            printer.print_attribute(self.mapping)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


def _staging_loop(state: TransformState, loop: SSAValue | None) -> ForOp | None:
    return typed_op(state, loop, ForOp) if loop is not None else None


@irdl_op_definition
class CacheReadOp(PrimitiveOp):
    """Copies what a block reads of a buffer into a staged buffer, once for each iteration of the loop (else once). What
    the iterations of the loop behind `along` read lies side by side in the copy.

    `%b = sched.cache_read %c, %B at %jo along %ji {memory_space = "local"} : (…) -> !transform.any_op`
    """

    name = "sched.cache_read"
    block = operand_def(TransformOpHandleType)
    buffer = operand_def(TransformValueHandleType)
    at = opt_operand_def(TransformOpHandleType)
    along = opt_operand_def(TransformOpHandleType)
    memory_space = prop_def(StringAttr, default_value=_LOCAL)
    copy = result_def(TransformOpHandleType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS, Effect.FORWARDS)

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block = typed_op(state, self.block, BlockOp)
        buffers = state.values(self.buffer)
        if len(buffers) != 1:
            raise ScheduleError(f"expected a handle to exactly one buffer, got {len(buffers)}", block)
        loop, along = _staging_loop(state, self.at), _staging_loop(state, self.along)
        return [[primitives.cache_read(block, buffers[0], loop, self.memory_space.data, along)]]

    @classmethod
    def parse(cls, parser: Parser) -> CacheReadOp:
        operands = [parser.parse_unresolved_operand()]
        parser.parse_punctuation(",")
        operands.append(parser.parse_unresolved_operand())
        sizes = [1, 1, 0, 0]
        for place, word in ((2, "at"), (3, "along")):
            if parser.parse_optional_keyword(word) is not None:
                operands.append(parser.parse_unresolved_operand())
                sizes[place] = 1
        attributes = parser.parse_optional_attr_dict()
        space = attributes.pop("memory_space", _LOCAL)
        values, results = syntax.parse_functional(parser, operands)
        return cls.create(
            operands=values,
            result_types=results,
            properties={"memory_space": space, "operandSegmentSizes": DenseArrayBase.from_list(i32, sizes)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list((self.block, self.buffer), printer.print_ssa_value)
        for word, value in (("at", self.at), ("along", self.along)):
            if value is not None:
                printer.print_string(f" {word} ")
                printer.print_ssa_value(value)
        space = {} if self.memory_space == _LOCAL else {"memory_space": self.memory_space}
        syntax.print_attr_dict(printer, {**space, **self.attributes})
        syntax.print_functional(printer, self.operands, self.results)


@irdl_op_definition
class CacheWriteOp(PrimitiveOp):
    """Lets a block write into a staged buffer, copied out at the end of each iteration of the loop (else once).

    `%out = sched.cache_write %c at %jo {memory_space = "local"} : (…) -> !transform.any_op`
    """

    name = "sched.cache_write"
    block = operand_def(TransformOpHandleType)
    at = opt_operand_def(TransformOpHandleType)
    memory_space = prop_def(StringAttr, default_value=_LOCAL)
    copy = result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$block (`at` $at^)? attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.block, BlockOp)
        loop = _staging_loop(interpreter.state, self.at)
        return [[primitives.cache_write(block, loop, self.memory_space.data)]]


class _MoveOp(PrimitiveOp):
    block = operand_def(TransformOpHandleType)
    loop = operand_def(TransformOpHandleType)
    assembly_format = "$block `into` $loop attr-dict `:` type($block) `,` type($loop)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.FORWARDS)

    def payload(self, interpreter: Interpreter) -> tuple[BlockOp, ForOp]:
        """The block to move and the loop to move it into."""
        state, (block, loop) = interpreter.state, self._operands
        return typed_op(state, block, BlockOp), typed_op(state, loop, ForOp)


@irdl_op_definition
class ComputeAtOp(_MoveOp):
    """Moves a producer into a loop of its consumer.

    `sched.compute_at %p into %jo : !transform.any_op, !transform.any_op`
    """

    name = "sched.compute_at"

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.compute_at(*self.payload(interpreter))
        return []


@irdl_op_definition
class ReverseComputeAtOp(_MoveOp):
    """Moves a consumer into a loop of its producer.

    `sched.reverse_compute_at %c into %jo : !transform.any_op, !transform.any_op`
    """

    name = "sched.reverse_compute_at"

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.reverse_compute_at(*self.payload(interpreter))
        return []


@irdl_op_definition
class ComputeInlineOp(PrimitiveOp):
    """Computes what a block writes where it is read, and erases the block.

    `sched.compute_inline %p : !transform.any_op`
    """

    name = "sched.compute_inline"
    block = operand_def(TransformOpHandleType)
    assembly_format = "$block attr-dict `:` type($block)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES,)

    def schedule(self, interpreter: Interpreter) -> Results:
        (block,) = self._operands
        primitives.compute_inline(typed_op(interpreter.state, block, BlockOp))
        return []


@irdl_op_definition
class DecomposeReductionOp(PrimitiveOp):
    """Makes a block of a reduction's init, in front of the loop.

    `%init = sched.decompose_reduction %c at %k : (!transform.any_op, !transform.any_op) -> !transform.any_op`
    """

    name = "sched.decompose_reduction"
    block = operand_def(TransformOpHandleType)
    loop = operand_def(TransformOpHandleType)
    init = result_def(TransformOpHandleType)
    assembly_format = "$block `at` $loop attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.FORWARDS)

    def schedule(self, interpreter: Interpreter) -> Results:
        state, (target, at) = interpreter.state, self._operands
        block, loop = typed_op(state, target, BlockOp), typed_op(state, at, ForOp)
        payload: Payload = [primitives.decompose_reduction(block, loop)]
        return [payload]


@irdl_op_definition
class SplitReductionOp(PrimitiveOp):
    """Keeps a partial result for each iteration of a loop of a reduction, and adds a block that combines them.

    `%combine = sched.split_reduction %c at %ki : (!transform.any_op, !transform.any_op) -> !transform.any_op`
    """

    name = "sched.split_reduction"
    block = operand_def(TransformOpHandleType)
    loop = operand_def(TransformOpHandleType)
    combine = result_def(TransformOpHandleType)
    assembly_format = "$block `at` $loop attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.FORWARDS)

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block, loop = typed_op(state, self.block, BlockOp), typed_op(state, self.loop, ForOp)
        payload: Payload = [primitives.split_reduction(block, loop)]
        return [payload]


PRIMITIVE_OPS: list[type[Operation]] = [
    CacheReadOp,
    CacheWriteOp,
    CoalesceOp,
    ComputeAtOp,
    ComputeInlineOp,
    DecomposeReductionOp,
    InterchangeOp,
    ReorderOp,
    ParallelizeOp,
    PeelOp,
    ReverseComputeAtOp,
    SplitReductionOp,
    TileOp,
    UnrollOp,
    VectorizeOp,
]
