"""`te-simplify`: algebraic clean-ups of tensor expressions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, scf
from xdsl.dialects.builtin import (
    AffineMapAttr,
    AnyFloat,
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    i1,
)
from xdsl.dialects.func import FuncOp
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.dead_code_elimination import region_dce
from xdsl.utils.exceptions import VerifyException

from ...dialects import te
from ...dialects.quasi_affine import Lin, from_affine, to_affine_expr, to_affine_map
from ...dialects.scalar import Constraints, affine_conjuncts, affine_form, guards_of, walk_scalar_ops
from ..function_pass import FunctionPass


def read_forms(op: te.ReadOp) -> list[Lin]:
    """The indices of a read, as forms of its index operands."""
    operands = [Lin.of(value) for value in op.indices]
    return [from_affine(expr, operands, te.iterator_bounds) for expr in op.map.data.results]


def read_at(tensor: SSAValue, forms: list[Lin], out_of_range: str) -> te.ReadOp:
    """A read at forms of index values."""
    position: dict[SSAValue, int] = {}
    for form in forms:
        for value in form.values():
            position.setdefault(value, len(position))
    exprs = tuple(to_affine_expr(form, position) for form in forms)
    indices = list(position)
    is_data = any(not te.is_iterator(value) for value in indices)
    return te.ReadOp(tensor, AffineMap(len(indices), 0, exprs), indices, out_of_range if is_data else "clamp")


class FoldAffineIndices(RewritePattern):
    """A data-dependent index that is an affine function of iterators, and in range, becomes part of the read's map.

    An index that may be out of range stays: it is clamped or wrapped around. With `always`, it becomes part of the map
    too, so that the verifier refuses it. Maps are brought to normal form.
    """

    def __init__(self, *, always: bool = False) -> None:
        self._always = always

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: te.ReadOp, rewriter: PatternRewriter) -> None:
        if any(extent.terms for extent in te.tensor_extents(op.tensor_type)):
            return
        forms = read_forms(op)
        for dim, value in op.data_dependent().items():
            form = affine_form(value, te.is_iterator, te.iterator_bounds)
            if form is not None and (self._always or _is_in_range(op, form, op.tensor_type.get_shape()[dim])):
                forms[dim] = form
        new = read_at(op.tensor, forms, op.out_of_range)
        if new.map != op.map or list(new.indices) != list(op.indices):
            new.result.name_hint = op.result.name_hint
            rewriter.replace(op, new)
        else:
            new.erase()


def _is_in_range(op: Operation, form: Lin, extent: int) -> bool:
    if any(te.iterator_bounds(value) is None for value in form.values()):
        return False
    constraints = Constraints(guards_of(op, te.is_iterator, te.iterator_bounds), te.iterator_bounds)
    interval = constraints.range(form)
    return interval is None or (interval[0] >= 0 and interval[1] < extent)


class FoldComparison(RewritePattern):
    """A comparison of affine functions of iterators that the domains, or the conditions around it, decide."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: arith.CmpiOp, rewriter: PatternRewriter) -> None:
        if not isinstance(op.lhs.type, IndexType):
            return
        holds = affine_conjuncts(op.result, te.is_iterator, te.iterator_bounds)
        fails = affine_conjuncts(op.result, te.is_iterator, te.iterator_bounds, negated=True)
        if not holds and not fails:
            return
        constraints = Constraints(guards_of(op, te.is_iterator, te.iterator_bounds), te.iterator_bounds)
        if holds and all(_is_nonnegative(form, constraints) for form in holds):
            rewriter.replace(op, _constant(True, op.result.type))
        elif fails and all(_is_nonnegative(form, constraints) for form in fails):
            rewriter.replace(op, _constant(False, op.result.type))


def _is_nonnegative(form: Lin, constraints: Constraints) -> bool:
    interval = constraints.range(form)
    return interval is not None and interval[0] >= 0


def _constant(value: float, type: Attribute) -> arith.ConstantOp:
    if isinstance(type, IntegerType):
        return arith.ConstantOp.from_int_and_width(int(value), type.bitwidth, truncate_bits=True)
    if isinstance(type, IndexType):
        return arith.ConstantOp.from_int_and_width(int(value), type)
    return arith.ConstantOp(FloatAttr(value, cast(AnyFloat, type)))


class FoldApply(RewritePattern):
    """An `affine.apply` of others becomes one, of iterators; that of a single iterator is the iterator."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: affine.ApplyOp, rewriter: PatternRewriter) -> None:
        form = affine_form(op.result, te.is_iterator, te.iterator_bounds)
        if form is None:
            return
        if form.is_const:
            rewriter.replace(op, _constant(form.const, op.result.type))
            return
        map, operands = to_affine_map([form])
        if map.results == (AffineDimExpr(0),):
            rewriter.replace(op, (), operands)
        elif map != op.map.data or operands != list(op.mapOperands):
            rewriter.replace(op, affine.ApplyOp(operands, AffineMapAttr(map)))


class FoldIndexArithmetic(RewritePattern):
    """`arith` on indices that is an affine function of iterators → `affine.apply`."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, arith.AddiOp | arith.SubiOp | arith.MuliOp) or not isinstance(op.result.type, IndexType):
            return
        form = affine_form(op.result, te.is_iterator, te.iterator_bounds)
        if form is not None:
            map, operands = to_affine_map([form])
            rewriter.replace(op, affine.ApplyOp(operands, AffineMapAttr(map)))


class FoldCast(RewritePattern):
    """The cast of an integer constant, where the result holds it exactly."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        unsigned = isinstance(op, arith.ExtUIOp | arith.UIToFPOp)
        if not unsigned and not isinstance(op, arith.IndexCastOp | arith.ExtSIOp | arith.SIToFPOp):
            return
        source = op.operands[0].owner
        if not isinstance(source, arith.ConstantOp) or not isinstance(source.value, IntegerAttr):
            return
        value, type = source.value.value.data, op.results[0].type
        if source.result.type == i1:
            value = abs(value) if unsigned else -abs(value)
        if abs(value) <= _exact_integers(type) and not (unsigned and value < 0):
            rewriter.replace(op, _constant(value, type))


def _exact_integers(type: Attribute) -> int:
    """The type holds all integers up to this one, of either sign."""
    if isinstance(type, IntegerType):
        return 2 ** (type.bitwidth - 1) - 1
    match type:
        case BFloat16Type():
            return 2**8
        case Float16Type():
            return 2**11
        case Float32Type():
            return 2**24
        case Float64Type() | IndexType():
            return 2**53
        case _:
            return 0


class FoldIf(RewritePattern):
    """An `scf.if` whose condition is known → the branch taken."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: scf.IfOp, rewriter: PatternRewriter) -> None:
        condition = _constant_value(op.cond)
        if condition is None:
            return
        block = (op.true_region if condition else op.false_region).block
        terminator = block.last_op
        assert isinstance(terminator, scf.YieldOp)
        values = list(terminator.arguments)
        rewriter.erase(terminator)
        rewriter.inline_block(block, InsertPoint.before(op))
        rewriter.replace(op, (), values)


def _constant_value(value: SSAValue) -> float | None:
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr | FloatAttr):
        return owner.value.value.data
    return None


class FoldNeutral(RewritePattern):
    """What leaves its operand as it is, bit for bit: `x * 1`, `x / 1`, `x - 0`, `x & true`, `select true, x, y` …

    `x + 0.0` is not `x` where that is `-0.0`, unless `nsz` is allowed.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        match op:
            case arith.SelectOp(cond=condition, lhs=lhs, rhs=rhs):
                known = _constant_value(condition)
                if lhs is rhs or known is not None:
                    rewriter.replace(op, (), [lhs if lhs is rhs or known else rhs])
            case arith.AndIOp() | arith.OrIOp() if (value := _absorbing_operand(op)) is not None:
                rewriter.replace(op, (), [value])
            case arith.XOrIOp(lhs=lhs, rhs=rhs) if lhs is rhs or _are_equal_constants(lhs, rhs):
                rewriter.replace(op, _constant(0, op.result.type))
            case arith.AddiOp() | arith.MuliOp() | arith.AndIOp() | arith.OrIOp() | arith.XOrIOp():
                self._fold_commutative(op, _INTEGER_UNITS[type(op)], rewriter)
            case arith.MulfOp():
                self._fold_commutative(op, 1.0, rewriter)
            case arith.AddfOp() if FastMathFlag.NO_SIGNED_ZEROS in op.fastmath.data:
                self._fold_commutative(op, 0.0, rewriter)
            case arith.SubiOp(lhs=lhs, rhs=rhs) if _constant_value(rhs) == 0:
                rewriter.replace(op, (), [lhs])
            case arith.SubfOp(lhs=lhs, rhs=rhs) if _is_positive_zero(rhs):
                rewriter.replace(op, (), [lhs])
            case arith.DivfOp() | arith.FloorDivSIOp() | arith.DivSIOp() | arith.DivUIOp() if (
                _constant_value(op.operands[1]) == 1
            ):
                rewriter.replace(op, (), [op.operands[0]])
            case _:
                pass

    def _fold_commutative(self, op: Operation, unit: float, rewriter: PatternRewriter) -> None:
        lhs, rhs = op.operands
        for value, other in ((lhs, rhs), (rhs, lhs)):
            known = _constant_value(other)
            if known is not None and _as_signed(known, other.type) == unit:
                rewriter.replace(op, (), [value])
                return


def _as_signed(value: float, type: Attribute) -> float:
    """`true` is -1 of type i1, as the unit of `andi` is."""
    return -1 if isinstance(type, IntegerType) and type.bitwidth == 1 and value else value


def _absorbing_operand(op: arith.AndIOp | arith.OrIOp) -> SSAValue | None:
    """The operand that decides the result: `false` of a conjunction, `true` of a disjunction."""
    decisive = 0 if isinstance(op, arith.AndIOp) else -1
    for value in op.operands:
        known = _constant_value(value)
        if known is not None and _as_signed(known, value.type) == decisive:
            return value
    return None


def _are_equal_constants(lhs: SSAValue, rhs: SSAValue) -> bool:
    left, right = _constant_value(lhs), _constant_value(rhs)
    return left is not None and right is not None and _as_signed(left, lhs.type) == _as_signed(right, rhs.type)


def _is_positive_zero(value: SSAValue) -> bool:
    known = _constant_value(value)
    return known == 0 and math.copysign(1.0, known) > 0


_INTEGER_UNITS: dict[type[Operation], int] = {
    arith.AddiOp: 0,
    arith.MuliOp: 1,
    arith.AndIOp: -1,
    arith.OrIOp: 0,
    arith.XOrIOp: 0,
}

PATTERNS: tuple[type[RewritePattern], ...] = (
    FoldAffineIndices,
    FoldApply,
    FoldCast,
    FoldIndexArithmetic,
    FoldComparison,
    FoldIf,
    FoldNeutral,
)


def simplify(region: Region) -> None:
    """Applies every clean-up to the tensor expressions in `region`, and erases dead code, until nothing changes.

    A condition that follows from others may be what proves that a read is in bounds, as proofs do not search far. A
    compute for which that is so stays as it was.
    """
    originals = [(op, op.clone()) for op in region.walk() if isinstance(op, te.ComputeOp) and _has_guards(op)]
    patterns = [pattern() for pattern in PATTERNS]
    PatternRewriteWalker(GreedyRewritePatternApplier(patterns), post_walk_func=region_dce).rewrite_region(region)
    for op, original in originals:
        if op.parent is None or all(is_read_proven(read) for read in _reads(op)):
            original.erase()
        else:
            Rewriter.replace_op(op, original)
    region_dce(region)


def _reads(op: te.ComputeOp) -> Iterator[te.ReadOp]:
    return (inner for inner in walk_scalar_ops(op.body.block) if isinstance(inner, te.ReadOp))


def _has_guards(op: te.ComputeOp) -> bool:
    return any(isinstance(inner, scf.IfOp) for inner in op.body.block.ops)


def is_read_proven(read: te.ReadOp) -> bool:
    """Whether the verifier accepts a read where it stands."""
    try:
        read.verify_()
    except VerifyException:
        return False
    return True


@dataclass(frozen=True)
class TeSimplifyPass(FunctionPass):
    """Folds affine indices into reads, decides comparisons from domains, and drops what is neutral or dead."""

    name = "te-simplify"

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        simplify(func.body)
