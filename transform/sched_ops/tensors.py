"""Operations that make one statement of a nest: `sched.blockize`, `sched.tensorize`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.transform import TransformOpHandleType
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp, ForOp, element_type
from ...errors import ScheduleError, ScriptError, did_you_mean
from ..interfaces import Effect, Results
from ..library import modules_with
from ..primitives import blockize, read_intrinsic, tensorize
from ..primitives.common import describe
from ..primitives.tensorize import FEATURES, IMPLEMENTATION, Intrinsic
from ..structure import contraction_of
from ..target import FEATURE, target_fact
from .navigation import Looks, typed_ops
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter


@irdl_op_definition
class BlockizeOp(PrimitiveOp):
    """Makes one statement of the nest below a loop: its guards are tested once, in front of it.

    `sched.blockize %j : !transform.any_op`
    """

    name = "sched.blockize"
    loop = operand_def(TransformOpHandleType)
    assembly_format = "$loop attr-dict `:` type($loop)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        for loop in typed_ops(interpreter.state, self.loop, ForOp):
            blockize(loop)
        return []


@irdl_op_definition
class TensorizeOp(PrimitiveOp):
    """Lets the implementation of an intrinsic compute what the nest below a loop does.

    `sched.tensorize %j with [@dot_u8s8, @dot_s8u8] : !transform.any_op`

    The symbols name descriptions, functions of this script or of a library; the first one that fits is taken.
    """

    name = "sched.tensorize"
    loop = operand_def(TransformOpHandleType)
    intrinsics = prop_def(ArrayAttr[SymbolRefAttr])

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        loops = typed_ops(interpreter.state, self.loop, ForOp)
        intrinsics = [self._intrinsic(interpreter, symbol) for symbol in self.intrinsics]
        for loop in loops:
            _tensorize(loop, intrinsics)
        return []

    def _intrinsic(self, interpreter: Interpreter, symbol: SymbolRefAttr) -> tuple[FuncOp, Intrinsic]:
        description = _function(interpreter, self, symbol)
        implementation = description.attributes.get(IMPLEMENTATION)
        body = None
        if isinstance(implementation, SymbolRefAttr):
            body = _function(interpreter, description, implementation)
        return description, _read(description, body)

    def verify_(self) -> None:
        if not self.intrinsics.data:
            raise VerifyException("expected at least one intrinsic")

    @classmethod
    def parse(cls, parser: Parser) -> TensorizeOp:
        loop = parser.parse_unresolved_operand()
        parser.parse_keyword("with")
        symbols = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_attribute)
        if symbols is None:
            symbols = [parser.parse_attribute()]
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        op = cls.create(
            operands=[parser.resolve_operand(loop, parser.parse_type())],
            properties={"intrinsics": ArrayAttr(symbols)},
            attributes=attributes,
        )
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.loop)
        printer.print_string(" with ")
        if len(self.intrinsics) == 1:
            printer.print_attribute(self.intrinsics.data[0])
        else:
            with printer.in_square_brackets():
                printer.print_list(self.intrinsics, printer.print_attribute)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.loop.type)


@irdl_op_definition
class MatchFactorsOp(Looks, IRDLOperation):
    """Refuses blocks that do not sum products of elements of these types, the left factor's and the right one's.

    `sched.match.factors %c [i8, i8] : !transform.any_op`
    """

    name = "sched.match.factors"
    target = operand_def(TransformOpHandleType)
    types = prop_def(ArrayAttr)
    assembly_format = "$target $types attr-dict `:` type($target)"

    def apply(self, interpreter: Interpreter) -> Results:
        for block in typed_ops(interpreter.state, self.target, BlockOp):
            roles = contraction_of(block)
            found = [] if roles is None else [element_type(read.buffer) for read in (roles.left, roles.right)]
            if found != list(self.types):
                wanted = ", ".join(map(str, self.types))
                got = ", ".join(map(str, found)) or "something else"
                raise ScheduleError(f"expected sums of products of {wanted}, got {got} in '{block.block_name}'", block)
        return []


def _tensorize(loop: ForOp, intrinsics: Sequence[tuple[FuncOp, Intrinsic]]) -> None:
    refusals: list[ScheduleError] = []
    for description, intrinsic in intrinsics:
        try:
            _check_features(loop, description)
            tensorize(loop, intrinsic)
            return
        except ScheduleError as error:
            refusals.append(error)
    if len(refusals) == 1:
        raise refusals[0]
    listed = "; ".join(str(error) for error in refusals)
    raise ScheduleError(f"expected one of {len(refusals)} intrinsics to fit {describe(loop)}: {listed}", loop)


def _read(description: FuncOp, implementation: FuncOp | None) -> Intrinsic:
    try:
        return read_intrinsic(description, implementation)
    except ScheduleError as error:  # of the script, not of the kernel
        raise ScriptError(str(error), error.op) from error


def _check_features(loop: ForOp, description: FuncOp) -> None:
    needed = description.attributes.get(FEATURES)
    for name in needed.data.split(",") if isinstance(needed, StringAttr) and needed.data else ():
        either = [each.strip() for each in name.split("|")]
        if not any(target_fact(loop, f"{FEATURE}{each}") for each in either):
            listed = " or ".join(either)
            raise ScheduleError(
                f"expected a target with {listed} for @{description.sym_name.data}, got one without", loop
            )


def _function(interpreter: Interpreter, user: TensorizeOp | FuncOp, symbol: SymbolRefAttr) -> FuncOp:
    """The function that a symbol names: in a module around its user, else in a library."""
    names: list[str] = []
    for module in _modules(interpreter, user, symbol.string_value()):
        for op in module.body.block.ops:
            if isinstance(op, FuncOp) and not op.is_declaration:
                if op.sym_name.data == symbol.string_value():
                    return op
                names.append(op.sym_name.data)
    wanted = symbol.string_value()
    raise ScriptError(
        f"expected a function with a body, got unknown symbol @{wanted}{did_you_mean(wanted, names)}", user
    )


def _modules(interpreter: Interpreter, user: TensorizeOp | FuncOp, name: str) -> Iterator[ModuleOp]:
    parent = user.parent_op()
    while parent is not None:
        if isinstance(parent, ModuleOp):
            yield parent
        parent = parent.parent_op()
    yield from modules_with(interpreter.libraries, name)


TENSOR_OPS = [BlockizeOp, TensorizeOp]
TENSOR_MATCHERS = [MatchFactorsOp]
