"""Control flow: sequences, calls, loops over payload, matching, alternatives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import (
    I32,
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    UnitAttr,
)
from xdsl.dialects.func import FuncOpCallableInterface
from xdsl.dialects.transform import TransformHandleType, TransformOpHandleType
from xdsl.dialects.utils import AbstractYieldOperation
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_region_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from ...dialects.source import describe_location
from ...errors import ScheduleError, ScriptError
from ..diagnostics import Refusal
from ..interfaces import Effect, Payload, PayloadItem, Results, TransformOpInterface, effect_on
from . import syntax

if TYPE_CHECKING:
    from ..interpreter import Interpreter

CONSUMED = "transform.consumed"
READONLY = "transform.readonly"


def argument_effect(block: Block, index: int) -> Effect:
    """What the body of a sequence does to the payload of one of its arguments."""
    return Effect.READS if consumer_of(block, index) is None else Effect.CONSUMES


def consumer_of(block: Block, index: int) -> Operation | None:
    """An operation in the body of a sequence that consumes one of its arguments."""
    uses = block.args[index].uses
    return next((use.operation for use in uses if effect_on(use.operation, use.index) is Effect.CONSUMES), None)


@irdl_op_definition
class YieldOp(AbstractYieldOperation[Attribute]):
    """Ends a sequence with the payloads that it hands on."""

    name = "transform.yield"
    traits = traits_def(IsTerminator())

    def verify_(self) -> None:
        parent = self.parent_op()
        if isinstance(parent, NamedSequenceOp):
            expected = parent.function_type.outputs.data
        elif parent is not None and isinstance(parent, SequenceOp | AlternativesOp | ForeachOp):
            expected = tuple(parent.result_types)
        else:
            return
        if tuple(self.arguments.types) != expected:
            raise VerifyException(
                f"expected to yield values of the types of the results of {parent.name} "
                f"({_type_list(expected)}), got ({_type_list(self.arguments.types)})"
            )


def _type_list(types: Sequence[Attribute]) -> str:
    return ", ".join(str(type) for type in types)


def verify_body(region: Region) -> None:
    """Raises unless a region is the body of a sequence: one block that ends with `transform.yield`."""
    if len(region.blocks) != 1 or not isinstance(region.block.last_op, YieldOp):
        raise VerifyException("expected a single block that ends with transform.yield")


@irdl_op_definition
class NamedSequenceOp(IRDLOperation):
    """A sequence with a name, which `transform.include` and the like call."""

    name = "transform.named_sequence"
    sym_name = prop_def(SymbolNameConstraint())
    function_type = prop_def(FunctionType)
    sym_visibility = opt_prop_def(StringAttr)
    arg_attrs = opt_prop_def(ArrayAttr[DictionaryAttr])
    res_attrs = opt_prop_def(ArrayAttr[DictionaryAttr])
    body = region_def()
    traits = traits_def(IsolatedFromAbove(), SymbolOpInterface(), FuncOpCallableInterface())

    def __init__(
        self,
        name: str,
        inputs: Sequence[Attribute],
        outputs: Sequence[Attribute],
        body: Region,
        arg_attrs: Sequence[DictionaryAttr] | None = None,
        visibility: StringAttr | None = None,
    ) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "function_type": FunctionType.from_lists(inputs, outputs),
                "sym_visibility": visibility,
                "arg_attrs": ArrayAttr(arg_attrs) if arg_attrs is not None else None,
            },
            regions=[body],
        )

    def argument_annotation(self, index: int) -> str | None:
        """Which of `transform.consumed` and `transform.readonly` an argument carries."""
        if self.arg_attrs is None:
            return None
        data = self.arg_attrs.data[index].data
        return CONSUMED if CONSUMED in data else READONLY if READONLY in data else None

    def verify_(self) -> None:
        if not self.body.blocks:
            for index in range(len(self.function_type.inputs)):
                if self.argument_annotation(index) is None:
                    raise VerifyException(f"argument #{index} of a declaration is neither {CONSUMED} nor {READONLY}")
            return
        verify_body(self.body)
        args = self.body.block.args
        if tuple(arg.type for arg in args) != self.function_type.inputs.data:
            raise VerifyException("expected arguments of the types of the inputs of the named sequence")
        for index in range(len(args)):
            if self.argument_annotation(index) == CONSUMED:
                continue
            consumer = consumer_of(self.body.block, index)
            if consumer is not None:
                place = describe_location(consumer)
                raise VerifyException(
                    f"argument #{index} is consumed in the body but is not marked as such: '{consumer.name}'"
                    f"{f' at {place}' if place else ''} consumes it; expected {{{CONSUMED}}}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> NamedSequenceOp:
        visibility = parser.parse_optional_visibility_keyword()
        name = parser.parse_symbol_name()
        signature = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: _parse_argument(parser))
        outputs = _parse_outputs(parser)
        extra = parser.parse_optional_attr_dict_with_keyword(("sym_name", "function_type", "sym_visibility"))
        named = [argument for argument, _, _ in signature if argument is not None]
        pos = parser.pos
        body = parser.parse_optional_region(named if len(named) == len(signature) else None)
        if body is None:
            body = Region()
        elif len(named) != len(signature):
            parser.raise_error("expected names of the arguments of a sequence with a body", pos)
        else:
            syntax.add_implicit_yield(body, YieldOp)
        annotations = [DictionaryAttr(attributes) for _, _, attributes in signature]
        op = cls(
            name.data,
            [type for _, type, _ in signature],
            [type for type, _ in outputs],
            body,
            annotations if any(annotation.data for annotation in annotations) else None,
            visibility,
        )
        if any(attributes for _, attributes in outputs):
            op.res_attrs = ArrayAttr(DictionaryAttr(attributes) for _, attributes in outputs)
        if extra is not None:
            op.attributes.update(extra.data)
        return op

    def print(self, printer: Printer) -> None:
        if self.sym_visibility is not None:
            printer.print_string(f" {self.sym_visibility.data}")
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        with printer.in_parens():
            printer.print_list(
                range(len(self.function_type.inputs)), lambda index: self._print_argument(printer, index)
            )
        self._print_outputs(printer)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        if self.body.blocks:
            printer.print_string(" ")
            printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)

    def _print_argument(self, printer: Printer, index: int) -> None:
        if self.body.blocks:
            printer.print_ssa_value(self.body.blocks[0].args[index])
            printer.print_string(": ")
        printer.print_attribute(self.function_type.inputs.data[index])
        if self.arg_attrs is not None:
            printer.print_op_attributes(self.arg_attrs.data[index].data)

    def _print_outputs(self, printer: Printer) -> None:
        outputs = self.function_type.outputs.data
        if not outputs:
            return
        printer.print_string(" -> ")
        if len(outputs) == 1 and self.res_attrs is None:
            printer.print_attribute(outputs[0])
            return
        annotations = self.res_attrs.data if self.res_attrs is not None else [DictionaryAttr({}) for _ in outputs]
        with printer.in_parens():
            printer.print_list(
                zip(outputs, annotations, strict=True), lambda pair: _print_annotated(printer, pair[0], pair[1])
            )


def _print_annotated(printer: Printer, type: Attribute, annotation: DictionaryAttr) -> None:
    printer.print_attribute(type)
    printer.print_op_attributes(annotation.data)


def _parse_argument(parser: Parser) -> tuple[Parser.Argument | None, Attribute, dict[str, Attribute]]:
    """Parses `%name : type {attributes}`, or `type {attributes}`."""
    argument = parser.parse_optional_argument()
    type = argument.type if argument is not None else parser.parse_type()
    attributes = parser.parse_optional_dictionary_attr_dict()
    location = parser.parse_optional_location()
    if argument is not None:
        argument.location = location
    return argument, type, attributes


def _parse_outputs(parser: Parser) -> Sequence[tuple[Attribute, dict[str, Attribute]]]:
    """Parses `-> type` or `-> (type {attributes}, …)` if there is something."""
    if parser.parse_optional_punctuation("->") is None:
        return []
    outputs = parser.parse_optional_comma_separated_list(
        parser.Delimiter.PAREN, lambda: (parser.parse_type(), parser.parse_optional_dictionary_attr_dict())
    )
    return outputs if outputs is not None else [(parser.parse_type(), {})]


@irdl_op_definition
class SequenceOp(TransformOpInterface, IRDLOperation):
    """Operations that run one after another; `failures(suppress)` ends it silently at a refusal."""

    name = "transform.sequence"
    STEERS: ClassVar[bool] = True
    failure_propagation_mode = prop_def(IntegerAttr[I32])
    root = var_operand_def(TransformHandleType)
    extra_bindings = var_operand_def(TransformHandleType)
    results_ = var_result_def(TransformHandleType)
    body = region_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def operand_effects(self) -> tuple[Effect, ...]:
        return _effects_of_body(self.body, len(self.operands))

    def verify_(self) -> None:
        verify_body(self.body)
        if len(self.body.block.args) != max(1, len(self.operands)):
            raise VerifyException(
                f"expected {max(1, len(self.operands))} arguments of the body, got {len(self.body.block.args)}"
            )

    def apply(self, interpreter: Interpreter) -> Results:
        roots: list[Payload] = [interpreter.state.payload(operand) for operand in self.operands]
        args: list[Payload] = roots or [[interpreter.state.root]]
        return _run_body(interpreter, self, self.body.block, args, self.failure_propagation_mode)

    @classmethod
    def parse(cls, parser: Parser) -> SequenceOp:
        operands = syntax.parse_operands(parser)
        values: list[SSAValue] = []
        if operands:
            parser.parse_punctuation(":")
            pos = parser.pos
            types = parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
            values = syntax.resolve(parser, operands, types or [parser.parse_type()], pos)
        results = syntax.parse_optional_result_types(parser)
        mode = syntax.parse_failure_mode(parser)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = syntax.add_implicit_yield(parser.parse_region(), YieldOp)
        op = cls.build(
            operands=[values[:1], values[1:]],
            result_types=[results],
            properties={"failure_propagation_mode": mode},
            regions=[body],
        )
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        if self.operands:
            printer.print_string(" ")
            printer.print_list(self.operands, printer.print_ssa_value)
            if len(self.operands) == 1:
                syntax.print_types(printer, self.operands)
            else:
                printer.print_string(" : (")
                printer.print_list(self.operands, lambda value: printer.print_attribute(value.type))
                printer.print_string(")")
        syntax.print_optional_result_types(printer, self.results)
        syntax.print_failure_mode(printer, self.failure_propagation_mode)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        syntax.print_body(printer, self.body)


def _effects_of_body(region: Region, count: int) -> tuple[Effect, ...]:
    block = region.blocks.first
    if block is None or not count:
        return (Effect.READS,)
    return tuple(argument_effect(block, index) for index in range(min(count, len(block.args)))) or (Effect.READS,)


def _run_body(
    interpreter: Interpreter, op: Operation, block: Block, args: Sequence[Payload], mode: IntegerAttr[I32]
) -> Results:
    """Runs a body; with `failures(suppress)` a refusal gives empty handles."""
    outcome = interpreter.may_fail(lambda: interpreter.run_block(block, args))
    return _results_or_raise(outcome, op, mode)


def _results_or_raise(outcome: list[Payload] | Refusal, op: Operation, mode: IntegerAttr[I32]) -> Results:
    if not isinstance(outcome, Refusal):
        return outcome
    if mode.value.data == syntax.FailureMode.SUPPRESS:
        return [[] for _ in op.results]
    raise outcome


@irdl_op_definition
class IncludeOp(TransformOpInterface, IRDLOperation):
    """Runs a named sequence."""

    name = "transform.include"
    STEERS: ClassVar[bool] = True
    target = prop_def(SymbolRefAttr)
    failure_propagation_mode = prop_def(IntegerAttr[I32])
    operands_ = var_operand_def(TransformHandleType)
    results_ = var_result_def(TransformHandleType)

    def operand_effects(self) -> tuple[Effect, ...]:
        # A script does not change while it runs, and looking for a symbol takes long. Before, the callee may yet come.
        known: tuple[Effect, ...] | None = getattr(self, "_effects", None)
        if known is not None:
            return known
        callee = self._callee_nearby()
        if callee is None or not self.operands:
            return (Effect.READS,)
        effects = tuple(
            Effect.CONSUMES if callee.argument_annotation(index) == CONSUMED else Effect.READS
            for index in range(min(len(self.operands), len(callee.function_type.inputs)))
        )
        known = effects if Effect.CONSUMES in effects else (Effect.READS,)
        setattr(self, "_effects", known)  # noqa: B010, a field would be one of the operation's
        return known

    def _callee_nearby(self) -> NamedSequenceOp | None:
        found = SymbolTable.lookup_symbol(self, self.target) if self.parent is not None else None
        return found if isinstance(found, NamedSequenceOp) else None

    def apply(self, interpreter: Interpreter) -> Results:
        sequence = interpreter.lookup(self.target, self)
        args = [interpreter.state.payload(operand) for operand in self._operands]
        if self.results or sequence.function_type.outputs.data:
            results = tuple([result.type for result in self.results])
            if sequence.function_type.outputs.data != results:
                raise ScriptError(
                    f"expected results ({_type_list(sequence.function_type.outputs.data)}) as "
                    f"@{sequence.sym_name.data} yields them, got ({_type_list(results)})",
                    self,
                )
        try:
            return interpreter.call(sequence, args)
        except Refusal:
            if self.failure_propagation_mode.value.data == syntax.FailureMode.SUPPRESS:
                return [[] for _ in self.results]
            raise

    @classmethod
    def parse(cls, parser: Parser) -> IncludeOp:
        target = parser.parse_attribute()
        assert isinstance(target, SymbolRefAttr)
        mode = syntax.parse_failure_mode(parser)
        operands = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_unresolved_operand)
        attributes = parser.parse_optional_attr_dict()
        values, results = syntax.parse_functional(parser, operands)
        return cls.create(
            operands=values,
            result_types=results,
            properties={"target": target, "failure_propagation_mode": mode},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.target)
        syntax.print_failure_mode(printer, self.failure_propagation_mode)
        printer.print_string(" ")
        with printer.in_parens():
            printer.print_list(self.operands, printer.print_ssa_value)
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_functional(printer, self.operands, self.results)


@irdl_op_definition
class ForeachOp(TransformOpInterface, IRDLOperation):
    """Runs its body for each payload of its operands, side by side."""

    name = "transform.foreach"
    STEERS: ClassVar[bool] = True
    with_zip_shortest = opt_prop_def(UnitAttr)
    targets = var_operand_def(TransformHandleType)
    results_ = var_result_def(TransformHandleType)
    body = region_def()

    def operand_effects(self) -> tuple[Effect, ...]:
        return _effects_of_body(self.body, len(self.operands))

    def verify_(self) -> None:
        verify_body(self.body)
        if len(self.body.block.args) != len(self.operands):
            raise VerifyException(
                f"expected {len(self.operands)} arguments of the body, got {len(self.body.block.args)}"
            )

    def apply(self, interpreter: Interpreter) -> Results:
        payloads = [list(interpreter.state.payload(operand)) for operand in self.operands]
        lengths = {len(payload) for payload in payloads}
        if len(lengths) > 1 and self.with_zip_shortest is None:
            counts = ", ".join(str(len(payload)) for payload in payloads)
            raise ScheduleError(f"expected handles with the same number of payloads, got {counts}", self)
        results: list[list[PayloadItem]] = [[] for _ in self.results]
        for index in range(min(lengths, default=0)):
            args: list[Payload] = [payload[index : index + 1] for payload in payloads]
            for result, part in zip(results, interpreter.run_block(self.body.block, args), strict=True):
                result.extend(part)
        return results

    @classmethod
    def parse(cls, parser: Parser) -> ForeachOp:
        operands = syntax.parse_operands(parser)
        properties: dict[str, Attribute] = {}
        if parser.parse_optional_keyword("with_zip_shortest") is not None:
            properties["with_zip_shortest"] = UnitAttr()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        results = syntax.parse_optional_result_types(parser)
        body = syntax.add_implicit_yield(parser.parse_region(), YieldOp)
        attributes = parser.parse_optional_attr_dict()
        return cls.create(
            operands=values, result_types=results, properties=properties, regions=[body], attributes=attributes
        )

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        if self.with_zip_shortest is not None:
            printer.print_string(" with_zip_shortest")
        syntax.print_types(printer, self.operands)
        syntax.print_optional_result_types(printer, self.results)
        syntax.print_body(printer, self.body)
        syntax.print_attr_dict(printer, self.attributes)


def check_matcher(matcher: NamedSequenceOp) -> None:
    """Raises unless a matcher only looks."""
    for op in matcher.body.block.ops:
        if not isinstance(op, YieldOp) and not (isinstance(op, TransformOpInterface) and op.MATCHER):
            raise ScriptError(f"expected operations that only look in a matcher, got {op.name}", op)


def _matched(interpreter: Interpreter, matcher: NamedSequenceOp, args: Sequence[Payload]) -> list[Payload] | None:
    """What a matcher yields, or none where it does not match."""
    outcome = interpreter.match(matcher, args)
    return None if isinstance(outcome, Refusal) else outcome


def _check_matcher(matcher: NamedSequenceOp, user: Operation, arguments: int) -> NamedSequenceOp:
    inputs = matcher.function_type.inputs.data
    if len(inputs) != arguments or not isinstance(inputs[0], TransformOpHandleType):
        raise ScriptError(
            f"expected a matcher with {arguments} arguments, an op handle first, got @{matcher.sym_name.data} with "
            f"({_type_list(inputs)})",
            user,
        )
    for index in range(len(inputs)):
        if matcher.argument_annotation(index) != READONLY:
            raise ScriptError(f"expected the arguments of matcher @{matcher.sym_name.data} to be {READONLY}", user)
    return matcher


def _post_order(op: Operation) -> Iterator[Operation]:
    for region in op.regions:
        for block in region.blocks:
            for child in tuple(block.ops):
                if child.regions:
                    yield from _post_order(child)
                else:
                    yield child
    yield op


@irdl_op_definition
class ForeachMatchOp(TransformOpInterface, IRDLOperation):
    """Walks the payload in post-order; the first matcher that accepts an op has its action run on what it yields."""

    name = "transform.foreach_match"
    STEERS: ClassVar[bool] = True
    restrict_root = opt_prop_def(UnitAttr)
    flatten_results = opt_prop_def(UnitAttr)
    matchers = prop_def(ArrayAttr[SymbolRefAttr])
    actions = prop_def(ArrayAttr[SymbolRefAttr])
    root = operand_def(TransformOpHandleType)
    forwarded_inputs = var_operand_def(TransformHandleType)
    updated = result_def(TransformOpHandleType)
    forwarded_outputs = var_result_def(TransformHandleType)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.CONSUMES, Effect.READS)

    def verify_(self) -> None:
        if not self.matchers.data or len(self.matchers) != len(self.actions):
            raise VerifyException(
                f"expected as many matchers as actions, at least one, got {len(self.matchers)} and {len(self.actions)}"
            )
        if len(set(self.matchers)) != len(self.matchers):
            raise VerifyException("expected each matcher once; only its first match would apply")

    def apply(self, interpreter: Interpreter) -> Results:
        matchers = interpreter.used_by(self, lambda: self._look_up(interpreter))
        pairs = list(zip(matchers, self.actions.data, strict=True))
        roots = interpreter.state.ops(self.root)
        forwarded = [interpreter.state.payload(operand) for operand in self.forwarded_inputs]
        outputs: list[list[PayloadItem]] = [[] for _ in self.forwarded_outputs]
        failures: list[tuple[str, object]] = []
        for root in roots:
            candidates = [root] if self.restrict_root is not None else _post_order(root)
            for candidate in candidates:
                # An action may have erased what comes later in the walk.
                if not root.is_ancestor(candidate):
                    continue
                self._visit(interpreter, pairs, [[candidate], *forwarded], outputs, failures)
        if failures:
            raise ScheduleError("actions failed", self, tuple(failures))
        return [roots, *outputs]

    def _look_up(self, interpreter: Interpreter) -> list[NamedSequenceOp]:
        """The matchers, checked; actions have to be there, too."""
        count = len(self.operands)
        found = [_check_matcher(interpreter.lookup(matcher, self), self, count) for matcher in self.matchers]
        for action in self.actions:
            interpreter.expect(action, self)
        return found

    def _visit(
        self,
        interpreter: Interpreter,
        pairs: Sequence[tuple[NamedSequenceOp, SymbolRefAttr]],
        args: list[Payload],
        outputs: list[list[PayloadItem]],
        failures: list[tuple[str, object]],
    ) -> None:
        for matcher, symbol in pairs:
            matched = _matched(interpreter, matcher, args)
            if matched is None:
                continue
            action = interpreter.lookup(symbol, self)
            outcome = interpreter.may_fail(lambda: interpreter.call(action, matched))  # noqa: B023
            if isinstance(outcome, Refusal):
                failures.append((f"failed action: {outcome.message}", outcome.script_op))
                failures.append(("when applied to this matching payload", args[0][0]))
                return
            if len(outcome) != len(outputs):
                raise ScriptError(
                    f"expected action @{action.sym_name.data} to yield {len(outputs)} values, got {len(outcome)}", self
                )
            for output, part in zip(outputs, outcome, strict=True):
                if self.flatten_results is None and len(part) != 1:
                    raise ScheduleError(
                        f"expected action @{action.sym_name.data} to yield one payload a result, got {len(part)} "
                        "(flatten_results allows several)",
                        self,
                    )
                output.extend(part)
            return

    @classmethod
    def parse(cls, parser: Parser) -> ForeachMatchOp:
        properties: dict[str, Attribute] = {}
        for flag in ("restrict_root", "flatten_results"):
            if parser.parse_optional_keyword(flag) is not None:
                properties[flag] = UnitAttr()
        parser.parse_keyword("in")
        operands = syntax.parse_operands(parser)
        pairs = parser.parse_comma_separated_list(parser.Delimiter.NONE, lambda: _parse_pair(parser))
        properties["matchers"] = ArrayAttr(matcher for matcher, _ in pairs)
        properties["actions"] = ArrayAttr(action for _, action in pairs)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        values, results = syntax.parse_functional(parser, operands)
        op = cls.create(operands=values, result_types=results, properties=properties)
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        for flag in ("restrict_root", "flatten_results"):
            if flag in self.properties:
                printer.print_string(f" {flag}")
        printer.print_string(" in ")
        printer.print_list(self.operands, printer.print_ssa_value)
        for index, (matcher, action) in enumerate(zip(self.matchers, self.actions, strict=True)):
            printer.print_string(", " if index else " ")
            printer.print_attribute(matcher)
            printer.print_string(" -> ")
            printer.print_attribute(action)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        syntax.print_functional(printer, self.operands, self.results)


def _parse_pair(parser: Parser) -> tuple[SymbolRefAttr, SymbolRefAttr]:
    matcher = parser.parse_attribute()
    parser.parse_punctuation("->")
    action = parser.parse_attribute()
    assert isinstance(matcher, SymbolRefAttr)
    assert isinstance(action, SymbolRefAttr)
    return matcher, action


@irdl_op_definition
class CollectMatchingOp(TransformOpInterface, IRDLOperation):
    """What a matcher yields for each op of the payload that it accepts."""

    name = "transform.collect_matching"
    STEERS: ClassVar[bool] = True
    matcher = prop_def(SymbolRefAttr)
    root = operand_def(TransformOpHandleType)
    results_ = var_result_def(TransformHandleType)
    assembly_format = "$matcher `in` $root attr-dict `:` functional-type($root, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        matcher = _check_matcher(interpreter.lookup(self.matcher, self), self, 1)
        found: list[list[PayloadItem]] = [[] for _ in self.results]
        for root in interpreter.state.ops(self.root):
            for candidate in _post_order(root):
                matched = _matched(interpreter, matcher, [[candidate]])
                if matched is None:
                    continue
                for result, part in zip(found, matched, strict=True):
                    result.extend(part)
        return found


@irdl_op_definition
class AlternativesOp(TransformOpInterface, IRDLOperation):
    """Tries its regions one after another on the scope (else on the whole payload), undoing each that is refused."""

    name = "transform.alternatives"
    STEERS: ClassVar[bool] = True
    scope = var_operand_def(TransformOpHandleType)
    results_ = var_result_def(TransformHandleType)
    alternatives = var_region_def()

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.CONSUMES,)

    def verify_(self) -> None:
        if len(self.operands) > 1:
            raise VerifyException(f"expected at most one scope, got {len(self.operands)}")
        if not self.regions:
            raise VerifyException("expected at least one alternative")
        for region in self.regions:
            verify_body(region)
            if len(region.block.args) != 1:
                raise VerifyException(f"expected one argument of an alternative, got {len(region.block.args)}")

    def apply(self, interpreter: Interpreter) -> Results:
        scopes = interpreter.state.ops(self.scope[0]) if self.scope else [interpreter.state.root]
        for scope in scopes:
            if scope.is_ancestor(self):
                raise ScriptError("scope must not contain the transforms being applied", self)
            if not scope.has_trait(IsolatedFromAbove):
                raise ScriptError("only isolated-from-above ops can be alternative scopes", scope)
        failures: list[tuple[str, object]] = []
        for region in self.regions:
            backup = interpreter.backup(scopes)
            try:
                outcome = interpreter.may_fail(lambda: interpreter.run_block(region.block, [scopes]))  # noqa: B023
            finally:
                interpreter.forget(backup)
            if not isinstance(outcome, Refusal):
                return outcome
            backup.restore()
            interpreter.undone(self)
            failures.append((outcome.message, outcome.script_op))
        raise ScheduleError("all alternatives failed", self, tuple(failures))

    @classmethod
    def parse(cls, parser: Parser) -> AlternativesOp:
        operands = syntax.parse_operands(parser)
        values: list[SSAValue] = []
        if operands:
            pos = parser.pos
            parser.parse_punctuation(":")
            values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        results = syntax.parse_optional_result_types(parser)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        regions = [syntax.add_implicit_yield(parser.parse_region(), YieldOp)]
        while parser.parse_optional_punctuation(",") is not None:
            regions.append(syntax.add_implicit_yield(parser.parse_region(), YieldOp))
        op = cls.create(operands=values, result_types=results, regions=regions)
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        if self.operands:
            syntax.print_typed_operands(printer, self.operands)
        syntax.print_optional_result_types(printer, self.results)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        for index, region in enumerate(self.regions):
            if index:
                printer.print_string(",")
            syntax.print_body(printer, region)


CONTROL_OPS: list[type[Operation]] = [
    AlternativesOp,
    CollectMatchingOp,
    ForeachMatchOp,
    ForeachOp,
    IncludeOp,
    NamedSequenceOp,
    SequenceOp,
    YieldOp,
]
