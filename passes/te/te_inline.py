"""`te-inline`: computes without reductions into what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import affine, scf
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import AffineMapAttr, IndexType, IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, OpResult, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint
from xdsl.transforms.dead_code_elimination import region_dce

from ...dialects import te
from ...dialects.quasi_affine import Lin, to_affine_map
from ...dialects.scalar import affine_form, walk_scalar_ops
from ..function_pass import FunctionPass
from .te_simplify import is_read_proven, read_at, read_forms

_INDEX = IndexType()
DEFAULT_MAX_OPS = 64


class InlineRead(RewritePattern):
    """`te.read %P[%i + 1]` of a compute without a reduction → the value that its body gives at that place.

    A read at data stays, for the index may be clamped, and so does one after which a read is not proven in bounds.
    """

    def __init__(self, max_ops: int = DEFAULT_MAX_OPS) -> None:
        self._max_ops = max_ops

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: te.ReadOp, rewriter: PatternRewriter) -> None:
        producer = op.tensor.owner
        if (
            not isinstance(op.tensor, OpResult)
            or not isinstance(producer, te.ComputeOp)
            or producer.combiner is not None
            or op.data_dependent()
        ):
            return
        body = producer.body.block
        if sum(1 for _ in walk_scalar_ops(body)) > self._max_ops:
            return
        copy = _BodyCopy(dict(zip(producer.iterators, read_forms(op), strict=True)))
        block = Block()
        values = copy.copy_into(block, body)
        value = values[op.tensor.index]
        new_reads = [inner for inner in walk_scalar_ops(block) if isinstance(inner, te.ReadOp)]
        rewriter.inline_block(block, InsertPoint.before(op))
        if all(map(is_read_proven, new_reads)):
            rewriter.replace(op, (), [value])
        else:
            copy.erase(rewriter)


class _BodyCopy:
    """A copy of a scalar body with forms in place of its iterators."""

    def __init__(self, forms: Mapping[SSAValue, Lin]) -> None:
        self._forms = forms
        self._values: dict[SSAValue, SSAValue] = {}
        self._top: list[Operation] = []

    def copy_into(self, target: Block, source: Block) -> list[SSAValue]:
        """Copies the ops of `source` but its terminator; gives the values that this yields."""
        self._top = []
        terminator = source.last_op
        assert terminator is not None
        self._copy_ops(target, source, terminator)
        yielded = [self._value(operand, target) for operand in terminator.operands]
        self._top = list(target.ops)
        return yielded

    def erase(self, rewriter: PatternRewriter) -> None:
        """Erases the copy."""
        for op in reversed(self._top):
            rewriter.erase(op)

    def _copy_ops(self, target: Block, source: Block, terminator: Operation) -> None:
        for op in source.ops:
            if op is terminator:
                return
            match op:
                case te.ReadOp():
                    new = self._copy_read(op)
                case affine.ApplyOp() if (form := affine_form(op.result, self._is_own, _no_bounds)) is not None:
                    self._values[op.result] = _emit(self._substituted(form), target)
                    continue
                case scf.IfOp():
                    new = self._copy_if(op, target)
                case _:
                    operands = [self._value(operand, target) for operand in op.operands]
                    new = type(op).create(
                        operands=operands,
                        result_types=op.result_types,
                        properties=op.properties.copy(),
                        attributes=op.attributes.copy(),
                    )
            target.add_op(new)
            for old_result, result in zip(op.results, new.results, strict=True):
                result.name_hint = old_result.name_hint
                self._values[old_result] = result

    def _is_own(self, value: SSAValue) -> bool:
        return value in self._forms or te.is_iterator(value)

    def _substituted(self, form: Lin) -> Lin:
        return form.substitute(self._forms, te.iterator_bounds)

    def _copy_read(self, op: te.ReadOp) -> te.ReadOp:
        data = {
            value: Lin.of(self._values[value])
            for value in op.indices
            if value not in self._forms and value in self._values
        }
        replacement = {**self._forms, **data}
        forms = [form.substitute(replacement, te.iterator_bounds) for form in read_forms(op)]
        return read_at(op.tensor, forms, op.out_of_range)

    def _copy_if(self, op: scf.IfOp, target: Block) -> scf.IfOp:
        branches: list[Region] = []
        for region in op.regions:
            block = Block()
            terminator = region.block.last_op
            assert isinstance(terminator, scf.YieldOp)
            self._copy_ops(block, region.block, terminator)
            block.add_op(scf.YieldOp(*[self._value(operand, block) for operand in terminator.arguments]))
            branches.append(Region(block))
        return scf.IfOp(self._value(op.cond, target), list(op.result_types), branches[0], branches[1])

    def _value(self, value: SSAValue, target: Block) -> SSAValue:
        if value in self._forms:
            return _emit(self._forms[value], target)
        return self._values.get(value, value)


def _no_bounds(value: SSAValue) -> None:
    return None


def _emit(form: Lin, block: Block) -> SSAValue:
    """The value of a form, at the end of a block."""
    if form.is_const:
        op: Operation = ConstantOp(IntegerAttr(form.const, _INDEX))
    else:
        map, operands = to_affine_map([form])
        if map.results == (AffineDimExpr(0),):
            return operands[0]
        op = affine.ApplyOp(operands, AffineMapAttr(map))
    block.add_op(op)
    return op.results[0]


def inline(region: Region, max_ops: int = DEFAULT_MAX_OPS) -> None:
    """Inlines computes without reductions, of at most `max_ops` ops each, into what reads them."""
    PatternRewriteWalker(InlineRead(max_ops)).rewrite_region(region)
    region_dce(region)


@dataclass(frozen=True)
class TeInlinePass(FunctionPass):
    """Inlines computes without reductions into what reads them; those that nothing else needs disappear."""

    name = "te-inline"

    max_ops: int = DEFAULT_MAX_OPS

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        inline(func.body, self.max_ops)
