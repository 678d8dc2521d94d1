"""Passes and rewrite patterns as transform operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects import scf
from xdsl.dialects.builtin import I64, ArrayAttr, DictionaryAttr, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.dialects.transform import TransformHandleType, TransformOpHandleType
from xdsl.ir import Attribute, Block, Operation, ParametrizedAttribute, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    param_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import AttrParser, Parser, UnresolvedOperand
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriterListener,
    PatternRewriteWalker,
    RewritePattern,
)
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.transforms.canonicalize import CanonicalizationRewritePattern
from xdsl.transforms.common_subexpression_elimination import cse
from xdsl.transforms.dead_code_elimination import region_dce
from xdsl.transforms.loop_invariant_code_motion import move_loop_invariant_code
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import ForOp
from ...errors import ScheduleError, ScriptError
from ..interfaces import Effect, PatternDescriptor, Results, TransformOpInterface
from . import syntax

if TYPE_CHECKING:
    from ..interpreter import Interpreter

_UNLIMITED = IntegerAttr(-1, i64)


@irdl_attr_definition
class ParamOperandAttr(ParametrizedAttribute):
    """In the options of a pass: the value of a param."""

    name = "transform.param_operand"
    index: IntegerAttr = param_def()

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            parser.parse_keyword("index")
            parser.parse_punctuation("=")
            return (parser.parse_attribute(),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string("index = ")
            printer.print_attribute(self.index)


@irdl_op_definition
class ApplyRegisteredPassOp(TransformOpInterface, IRDLOperation):
    """Runs a pass on the payload ops.

    `transform.apply_registered_pass "loop-expand" with options = {"max-unroll" = %n} to %module : …`
    """

    name = "transform.apply_registered_pass"
    pass_name = prop_def(StringAttr)
    options = prop_def(DictionaryAttr, default_value=DictionaryAttr({}))
    target = operand_def(TransformOpHandleType)
    dynamic_options = var_operand_def(TransformHandleType)
    result = result_def(TransformOpHandleType)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.CONSUMES, Effect.READS)

    def verify_(self) -> None:
        used = [index for value in self.options.data.values() for index in _param_indices(value)]
        if sorted(used) != list(range(len(self.dynamic_options))):
            raise VerifyException(
                f"expected each of the {len(self.dynamic_options)} params in the options once, got {sorted(used)}"
            )

    def apply(self, interpreter: Interpreter) -> Results:
        targets = interpreter.state.ops(self.target)
        values = {key: self._resolve(interpreter, value) for key, value in self.options.data.items()}
        pass_ = interpreter.passes.build(self.pass_name.data, values)
        for target in targets:
            try:
                interpreter.passes.run(pass_, target)
            except ScheduleError as error:
                # A pass may have changed the payload before it failed, so that this is not silenceable.
                raise ScriptError(f"pass '{self.pass_name.data}' failed: {error}", self) from error
        return [targets]

    def _resolve(self, interpreter: Interpreter, value: Attribute) -> Attribute:
        if isinstance(value, ParamOperandAttr):
            params = interpreter.state.params(self.dynamic_options[value.index.value.data])
            return params[0] if len(params) == 1 else ArrayAttr(params)
        if isinstance(value, ArrayAttr):
            return ArrayAttr(self._resolve(interpreter, element) for element in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return value

    @classmethod
    def parse(cls, parser: Parser) -> ApplyRegisteredPassOp:
        name = StringAttr(parser.parse_str_literal())
        params: list[UnresolvedOperand] = []
        options: dict[str, Attribute] = {}
        if parser.parse_optional_keyword("with") is not None:
            parser.parse_keyword("options")
            parser.parse_punctuation("=")
            entries = parser.parse_comma_separated_list(parser.Delimiter.BRACES, lambda: _parse_option(parser, params))
            options = dict(entries)
        parser.parse_keyword("to")
        target = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        values, results = syntax.parse_functional(parser, [target, *params])
        return cls.create(
            operands=values,
            result_types=results,
            properties={"pass_name": name, "options": DictionaryAttr(options)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.pass_name.data)
        if self.options.data:
            printer.print_string(" with options = ")
            with printer.in_braces():
                printer.print_list(self.options.data.items(), lambda item: self._print_option(printer, *item))
        printer.print_string(" to ")
        printer.print_ssa_value(self.target)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_functional(printer, self.operands, self.results)

    def _print_option(self, printer: Printer, key: str, value: Attribute) -> None:
        printer.print_string_literal(key)
        printer.print_string(" = ")
        self._print_value(printer, value)

    def _print_value(self, printer: Printer, value: Attribute) -> None:
        if isinstance(value, ParamOperandAttr):
            printer.print_ssa_value(self.dynamic_options[value.index.value.data])
        elif isinstance(value, ArrayAttr):
            with printer.in_square_brackets():
                printer.print_list(value, lambda element: self._print_value(printer, element))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType, reportUnknownVariableType]
        else:
            printer.print_attribute(value)


def _param_indices(value: Attribute) -> list[int]:
    if isinstance(value, ParamOperandAttr):
        return [value.index.value.data]
    if isinstance(value, ArrayAttr):
        return [index for element in value for index in _param_indices(element)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return []


def _parse_option(parser: Parser, params: list[UnresolvedOperand]) -> tuple[str, Attribute]:
    key = parser.parse_optional_str_literal()
    if key is None:
        key = parser.parse_identifier()
    if parser.parse_optional_punctuation("=") is None:
        return key, UnitAttr()
    return key, _parse_value(parser, params)


def _parse_value(parser: Parser, params: list[UnresolvedOperand]) -> Attribute:
    operand = parser.parse_optional_unresolved_operand()
    if operand is not None:
        params.append(operand)
        return ParamOperandAttr(IntegerAttr(len(params) - 1, i64))
    elements = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_value(parser, params))
    return ArrayAttr(elements) if elements is not None else parser.parse_attribute()


def rewrite_tracked(interpreter: Interpreter, rewrite: Callable[[PatternRewriterListener], None]) -> None:
    """Runs a rewrite of payload; handles follow the ops that it replaces."""
    replacements: dict[Operation, Operation | None] = {}

    def replaced(old: Operation, values: Sequence[SSAValue | None]) -> None:
        replacements[old] = _replacement(old, values)

    rewrite(PatternRewriterListener(operation_replacement_handler=[replaced]))
    interpreter.state.drop_detached(replacements)


def _replacement(old: Operation, values: Sequence[SSAValue | None]) -> Operation | None:
    owners = {value.owner if value is not None else None for value in values}
    owner = owners.pop() if len(owners) == 1 else None
    return owner if isinstance(owner, Operation) and owner.name == old.name else None


@irdl_op_definition
class ApplyPatternsOp(TransformOpInterface, IRDLOperation):
    """Applies rewrite patterns inside of the payload ops until nothing changes."""

    name = "transform.apply_patterns"
    apply_cse = opt_prop_def(UnitAttr)
    max_iterations = prop_def(IntegerAttr[I64], default_value=_UNLIMITED)
    max_num_rewrites = prop_def(IntegerAttr[I64], default_value=_UNLIMITED)
    target = operand_def(TransformOpHandleType)
    patterns = region_def()
    traits = traits_def(NoTerminator())

    def verify_(self) -> None:
        for block in self.patterns.blocks:
            for op in block.ops:
                if not isinstance(op, PatternDescriptor):
                    raise VerifyException(f"expected operations that stand for patterns, got {op.name}")

    def apply(self, interpreter: Interpreter) -> Results:
        patterns: list[RewritePattern] = []
        for block in self.patterns.blocks:
            for op in block.ops:
                assert isinstance(op, PatternDescriptor)
                patterns += [p for p in op.patterns(interpreter) if isinstance(p, RewritePattern)]
        for target in interpreter.state.ops(self.target):
            rewrite_tracked(interpreter, partial(self._rewrite, interpreter, target, patterns))
        return []

    def _rewrite(
        self,
        interpreter: Interpreter,
        target: Operation,
        patterns: list[RewritePattern],
        listener: PatternRewriterListener,
    ) -> None:
        applier = GreedyRewritePatternApplier(patterns, ctx=interpreter.ctx, folding_enabled=True)
        walker = PatternRewriteWalker(applier, post_walk_func=region_dce, listener=listener)
        for region in target.regions:
            walker.rewrite_region(region)
            if self.apply_cse is not None:
                cse(region)

    @classmethod
    def parse(cls, parser: Parser) -> ApplyPatternsOp:
        parser.parse_keyword("to")
        operand = parser.parse_unresolved_operand()
        patterns = parser.parse_region()
        if not patterns.blocks:
            patterns.add_block(Block())
        attributes = parser.parse_optional_attr_dict()
        names = ("apply_cse", "max_iterations", "max_num_rewrites")
        properties = {name: attributes.pop(name) for name in names if name in attributes}
        for name in names[1:]:
            properties.setdefault(name, _UNLIMITED)
        parser.parse_punctuation(":")
        target = parser.resolve_operand(operand, parser.parse_type())
        return cls.create(operands=[target], properties=properties, attributes=attributes, regions=[patterns])

    def print(self, printer: Printer) -> None:
        printer.print_string(" to ")
        printer.print_ssa_value(self.target)
        printer.print_string(" ")
        printer.print_region(self.patterns, print_entry_block_args=False, print_empty_block=False)
        shown = {name: value for name, value in self.properties.items() if value != _UNLIMITED}
        syntax.print_attr_dict(printer, shown | self.attributes)
        syntax.print_types(printer, [self.target])


@irdl_op_definition
class ApplyCanonicalizationPatternsOp(PatternDescriptor, IRDLOperation):
    """The canonicalization patterns of every operation."""

    name = "transform.apply_patterns.canonicalization"
    assembly_format = "attr-dict"

    def patterns(self, interpreter: Interpreter) -> Sequence[object]:
        return [CanonicalizationRewritePattern()]


class _AppliesTo(TransformOpInterface, IRDLOperation):
    target = operand_def(TransformOpHandleType)
    assembly_format = "`to` $target attr-dict `:` type($target)"


@irdl_op_definition
class ApplyCSEOp(_AppliesTo):
    """Computes once what is computed twice in the payload ops."""

    name = "transform.apply_cse"

    def apply(self, interpreter: Interpreter) -> Results:
        for target in interpreter.state.ops(self.target):
            cse(target)
        interpreter.state.drop_detached({})
        return []


@irdl_op_definition
class ApplyDCEOp(_AppliesTo):
    """Erases what is dead in the payload ops."""

    name = "transform.apply_dce"

    def apply(self, interpreter: Interpreter) -> Results:
        for target in interpreter.state.ops(self.target):
            rewrite_tracked(interpreter, partial(_dce, target.regions))
        return []


def _dce(regions: Sequence[Region], listener: PatternRewriterListener) -> None:
    for region in regions:
        region_dce(region, listener)


@irdl_op_definition
class ApplyLICMOp(_AppliesTo):
    """Moves what does not depend on a loop in front of it. What is in loops of the loop rung are blocks, which stay."""

    name = "transform.apply_licm"

    def apply(self, interpreter: Interpreter) -> Results:
        targets = interpreter.state.ops(self.target)
        for target in targets:
            if not isinstance(target, scf.ForOp | ForOp):
                raise ScheduleError(f"expected a loop to move invariant code out of, got {target.name}", target)
        for target in targets:
            if isinstance(target, scf.ForOp):
                move_loop_invariant_code(target)
        return []


APPLY_OPS: list[type[Operation]] = [
    ApplyCSEOp,
    ApplyCanonicalizationPatternsOp,
    ApplyDCEOp,
    ApplyLICMOp,
    ApplyPatternsOp,
    ApplyRegisteredPassOp,
]
