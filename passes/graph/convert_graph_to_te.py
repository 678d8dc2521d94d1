"""`convert-graph-to-te`: say what each element is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FixedBitwidthType,
    FunctionType,
    IntegerType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnitAttr,
    UnrealizedConversionCastOp,
)
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriter, PatternRewriteWalker, RewritePattern
from xdsl.rewriter import InsertPoint, Rewriter

from ...dialects import graph, te
from ...dialects.te import UNSIGNED
from ...errors import CompileError
from ...operators.operator import dtype_of, known_extents
from ...operators.registry import has_expression, tensor_expressions
from ...operators.shape import ReshapeOp
from ...te.build import CONSTANT, NAME, build_function
from ...te.tensors import Tensor, placeholder
from ..function_pass import functions

WEIGHT = "graph.weight"
"""Attribute of an argument of `@main` that is a weight: the name of its `graph.data`."""


@dataclass
class OperatorToTe(RewritePattern):
    """Replace an operator by its tensor expression."""

    dtypes: Mapping[Operation, Sequence[str]]
    """Those of the operands of each operator: what replaces unsigned integers is signless."""
    views: Collection[Operation]
    """The reshapes between calls, which move nothing."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not has_expression(op):
            return
        if op in self.views:
            rewriter.replace(op, te.ReshapeOp(op.operands[0], op.results[0].type))
            return
        operands = [
            placeholder(known_extents(operand), dtype, operand.name_hint or f"operand{index}")
            for index, (operand, dtype) in enumerate(zip(op.operands, self.dtypes[op], strict=True))
        ]
        self._inline(op, operands, tensor_expressions(op, operands), rewriter)

    def _inline(
        self, op: Operation, operands: Sequence[Tensor], results: Sequence[Tensor], rewriter: PatternRewriter
    ) -> None:
        """Move the body of the expressions' function to `op`."""
        block = build_function([*operands, *results]).body.block
        final = block.last_op
        assert isinstance(final, ReturnOp)
        values = final.operands
        for value, result in zip(values, op.results, strict=True):
            if result.name_hint:
                value.name_hint = result.name_hint
        final.detach()
        final.erase()
        rewriter.inline_block(block, InsertPoint.before(op), op.operands)
        rewriter.replace(op, [], values)


def lift_weights(func: FuncOp) -> None:
    """Make the weights that `func` names its last arguments, one for each name."""
    arguments: dict[str, SSAValue] = {}
    attributes = list(func.arg_attrs.data) if func.arg_attrs else [DictionaryAttr({})] * len(func.args)
    block = func.body.block
    for op in tuple(block.ops):
        if isinstance(op, graph.WeightOp):
            name = op.data.root_reference.data
            if name not in arguments:
                arguments[name] = block.insert_arg(op.result.type, len(block.args))
                arguments[name].name_hint = op.result.name_hint
                attributes.append(_weight_attributes(name))
            op.result.replace_all_uses_with(arguments[name])
            op.detach()
            op.erase()
    if arguments:
        func.arg_attrs = ArrayAttr(attributes)
        func.function_type = FunctionType.from_lists(block.arg_types, func.function_type.outputs.data)


def _weight_attributes(name: str) -> DictionaryAttr:
    attributes: dict[str, Attribute] = {NAME: StringAttr(name), CONSTANT: UnitAttr(), WEIGHT: StringAttr(name)}
    return DictionaryAttr(attributes)


def erase_signs(func: FuncOp) -> None:
    """Make unsigned integers signless, as they are below: arguments and results that were unsigned are marked so."""
    for op in tuple(func.body.block.ops):
        if isinstance(op, UnrealizedConversionCastOp):
            # what a tensor expression gave in place of an unsigned tensor
            for result, value in zip(op.results, op.inputs, strict=True):
                result.replace_all_uses_with(value)
            op.detach()
            op.erase()
    for value in (*func.args, *(result for op in func.body.block.ops for result in op.results)):
        signless = _signless(value.type)
        if signless != value.type:
            Rewriter.replace_value_with_new_type(value, signless)
    inputs, outputs = func.function_type.inputs.data, func.function_type.outputs.data
    func.arg_attrs = _marked(inputs, func.arg_attrs)
    func.res_attrs = _marked(outputs, func.res_attrs)
    func.function_type = FunctionType.from_lists([*map(_signless, inputs)], [*map(_signless, outputs)])


def _signless(type: Attribute) -> Attribute:
    """A type without its sign."""
    if not isinstance(type, TensorType):
        return type
    tensor = cast(graph.AnyTensor, type)
    if not graph.is_unsigned(tensor.element_type):
        return tensor
    width = cast(FixedBitwidthType, tensor.element_type).bitwidth
    return TensorType(IntegerType(width), tensor.get_shape(), tensor.encoding)


def _marked(
    types: Sequence[Attribute], attributes: ArrayAttr[DictionaryAttr] | None
) -> ArrayAttr[DictionaryAttr] | None:
    """Attributes of arguments or results of these types, those that are unsigned marked."""
    unsigned = [_signless(type) != type for type in types]
    if not any(unsigned):
        return attributes
    given = list(attributes.data) if attributes else [DictionaryAttr({})] * len(types)
    return ArrayAttr(
        DictionaryAttr({**each.data, UNSIGNED: UnitAttr()}) if mark else each
        for each, mark in zip(given, unsigned, strict=True)
    )


def convert_graph_to_te(module: ModuleOp) -> None:
    """Replace every operator by its tensor expression, and every weight by an argument of the function.

    Raises:
        CompileError: if an operator has no tensor expression, an extent is not known, or a function that names weights
            is called by another.
    """
    _check_callees(module)
    for func in functions(module):
        lift_weights(func)
    for op in tuple(module.body.block.ops):
        if isinstance(op, graph.DataOp):
            op.detach()
            op.erase()
    operators = [op for func in functions(module) for op in func.body.block.ops if has_expression(op)]
    dtypes = {op: [dtype_of(operand) for operand in op.operands] for op in operators}
    views = {view for func in functions(module) for view in _views(func)}
    patterns = GreedyRewritePatternApplier([OperatorToTe(dtypes, views)], dce_enabled=False)
    PatternRewriteWalker(patterns, apply_recursively=False).rewrite_module(module)
    for func in functions(module):
        erase_signs(func)
        for op in func.body.block.ops:
            if isinstance(op, graph.TensorOp):
                raise CompileError(f"expected an operator with a tensor expression, got {op.name}")


def _views(func: FuncOp) -> list[Operation]:
    """The reshapes in a function that calls kernels."""
    ops = func.body.block.ops
    return [op for op in ops if isinstance(op, ReshapeOp)] if any(isinstance(op, CallOp) for op in ops) else []


def _check_callees(module: ModuleOp) -> None:
    called = {op.callee.root_reference.data for op in module.walk() if isinstance(op, CallOp)}
    for func in functions(module):
        if func.sym_name.data in called and any(isinstance(op, graph.WeightOp) for op in func.body.block.ops):
            raise CompileError(
                f"expected weights as arguments of @{func.sym_name.data}, which is called, got graph.weight"
            )


@dataclass(frozen=True)
class ConvertGraphToTePass(ModulePass):
    """Replace operators by tensor expressions; weights become the last arguments of the function that names them, and
    reshapes between calls `te.reshape`s.

    Before → after: `graph.relu %x` → `te.compute "relu" spatial(…) { te.read %x; arith.maximumf; te.yield }`.
    """

    name = "convert-graph-to-te"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        convert_graph_to_te(op)
