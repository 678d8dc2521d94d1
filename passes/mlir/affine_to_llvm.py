"""Patterns from `affine` to `llvm`: loops become blocks, accesses become a moving pointer and a constant offset."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import affine
from xdsl.dialects import llvm as upstream
from xdsl.dialects.builtin import AffineMapAttr, i1, i32, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineConstraintKind,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

from ...dialects.quasi_affine import Atom, Interval, Lin, from_affine
from ...errors import CompileError
from .llvm_conversion import (
    AnyMemRef,
    LLVMConversion,
    PatternTable,
    byte_size,
    integer_attr,
    memref_of,
    row_major_strides,
)

_SLT, _SGE, _SLE, _EQ = 2, 5, 3, 0
_COMPARISONS = {AffineConstraintKind.ge: _SGE, AffineConstraintKind.le: _SLE, AffineConstraintKind.eq: _EQ}


def operand_form(c: LLVMConversion, value: SSAValue) -> Lin:
    """The form of an index operand: a constant where it is known, else the value itself."""
    known = c.integers.get(value)
    return Lin.of(value if known is None else known)


def map_forms(c: LLVMConversion, map: AffineMap, operands: Sequence[SSAValue]) -> list[Lin]:
    """The results of an affine map over index operands."""
    forms = [operand_form(c, operand) for operand in operands]
    return [expr_form(c, expr, forms, map.num_dims) for expr in map.results]


def expr_form(c: LLVMConversion, expr: AffineExpr, operands: Sequence[Lin], num_dims: int) -> Lin:
    """The form of an affine expression."""
    try:
        return from_affine(expr, operands, c.bounds, num_dims)
    except ValueError as error:
        raise CompileError(str(error)) from None


def linear_offset(memref: AnyMemRef, indices: Sequence[Lin]) -> Lin:
    """The row-major offset of an element."""
    offset = Lin()
    for index, stride in zip(indices, row_major_strides(memref), strict=True):
        offset = offset + index * stride
    return offset


class _NotLinear(Exception):
    """An expression with a floor division, a remainder, or a product of variables."""


def _accumulate(expr: AffineExpr, factor: int, num_dims: int, coefficients: dict[int, int]) -> int:
    """Adds the coefficient of each operand in `factor * expr`; gives its constant."""
    if isinstance(expr, AffineConstantExpr):
        return factor * expr.value
    if isinstance(expr, AffineDimExpr | AffineSymExpr):
        position = expr.position if isinstance(expr, AffineDimExpr) else expr.position + num_dims
        coefficients[position] = coefficients.get(position, 0) + factor
        return 0
    assert isinstance(expr, AffineBinaryOpExpr)
    if expr.kind is AffineBinaryOpKind.Add:
        constant = _accumulate(expr.lhs, factor, num_dims, coefficients)
        return constant + _accumulate(expr.rhs, factor, num_dims, coefficients)
    if expr.kind is AffineBinaryOpKind.Mul:
        if isinstance(expr.rhs, AffineConstantExpr):
            return _accumulate(expr.lhs, factor * expr.rhs.value, num_dims, coefficients)
        if isinstance(expr.lhs, AffineConstantExpr):
            return _accumulate(expr.rhs, factor * expr.lhs.value, num_dims, coefficients)
    raise _NotLinear


def map_offset(c: LLVMConversion, type: AnyMemRef, map: AffineMap, operands: Sequence[SSAValue]) -> Lin:
    """The row-major offset of the element that an affine map over `operands` names."""
    coefficients: dict[int, int] = {}
    constant = 0
    try:
        for expr, stride in zip(map.results, c.strides(type), strict=True):
            constant += _accumulate(expr, stride, map.num_dims, coefficients)
    except _NotLinear:
        return linear_offset(type, map_forms(c, map, operands))
    terms: dict[Atom, int] = {}
    integers = c.integers
    for position, coefficient in coefficients.items():
        operand = operands[position]
        known = integers.get(operand)
        if known is not None:
            constant += known * coefficient
        elif total := terms.get(operand, 0) + coefficient:
            terms[operand] = total
        else:
            terms.pop(operand, None)
    return Lin(constant, terms)


def access(c: LLVMConversion, op: Operation, memref: SSAValue, indices: Sequence[SSAValue]) -> SSAValue:
    """The address that an affine access starts at."""
    map = op.properties["map"]
    assert isinstance(map, AffineMapAttr)
    return c.address(memref, map_offset(c, memref_of(memref), map.data, indices))


def alignment(memref: SSAValue) -> int:
    """What is known of the alignment of any element of a memref."""
    return byte_size(memref_of(memref).element_type)


def convert_load(c: LLVMConversion, op: affine.LoadOp | affine.VectorLoadOp) -> None:
    memref, *indices = op.operands
    result = op.results[0]
    c.map(result, c.load(access(c, op, memref, indices), c.type(result.type), alignment(memref)))


def convert_store(c: LLVMConversion, op: affine.StoreOp | affine.VectorStoreOp) -> None:
    value, memref, *indices = op.operands
    c.store(c.get(value), access(c, op, memref, indices), alignment(memref))


def convert_apply(c: LLVMConversion, op: affine.ApplyOp) -> None:
    form = map_forms(c, op.map.data, op.mapOperands)[0]
    _map_index(c, op.result, form)


def _map_index(c: LLVMConversion, result: SSAValue, form: Lin) -> None:
    if form.is_const:
        c.integers[result] = form.const
    interval = form.range(c.bounds)
    if interval is not None:
        c.intervals[result] = interval
    c.map(result, c.form(form))


def convert_min(c: LLVMConversion, op: affine.MinOp) -> None:
    forms = map_forms(c, op.map.data, op.arguments)
    known = [interval for form in forms if (interval := form.range(c.bounds)) is not None]
    if len(known) == len(forms):
        c.intervals[op.result] = (min(lo for lo, _ in known), min(hi for _, hi in known))
    c.map(op.result, _extreme(c, forms, "smin"))


def _extreme(c: LLVMConversion, forms: Sequence[Lin], kind: str) -> SSAValue:
    """The least or greatest of some forms."""
    value = c.form(forms[0])
    for form in forms[1:]:
        value = c.intrinsic(f"llvm.{kind}.i64", (value, c.form(form)), value.type)
    return value


def _lowest(c: LLVMConversion, forms: Sequence[Lin]) -> int | None:
    """What the greatest of the forms is at least."""
    known = [interval[0] for form in forms if (interval := form.range(c.bounds)) is not None]
    return max(known) if known else None


def _highest(c: LLVMConversion, forms: Sequence[Lin]) -> int | None:
    """What the least of the forms is at most."""
    known = [interval[1] for form in forms if (interval := form.range(c.bounds)) is not None]
    return min(known) if known else None


def convert_for(c: LLVMConversion, op: affine.ForOp) -> None:
    lower = map_forms(c, op.lowerBoundMap.data, op.lowerBoundOperands)
    upper = map_forms(c, op.upperBoundMap.data, op.upperBoundOperands)
    step = op.step.value.data
    if step <= 0:
        raise CompileError(f"expected a positive step, got {step}")
    lowest, highest = _lowest(c, lower), _highest(c, upper)
    iv = op.body.block.args[0]
    inits = [c.get(init) for init in op.inits]
    if lowest is not None and highest is not None:
        c.intervals[iv] = (lowest, max(lowest, highest - 1))
        if len(lower) == len(upper) == 1 and lower[0].is_const and upper[0].is_const:
            trips = max(0, -(-(highest - lowest) // step))
            if trips <= 1:
                _without_loop(c, op, lowest, inits, trips)
                return
            c.intervals[iv] = (lowest, lowest + (trips - 1) * step)
            results = emit_loop(
                c, op.body.block, c.integer(lowest), c.integer(lowest + trips * step), c.integer(step), inits, False
            )
            _map_all(c, op.res, results)
            return
    first, last = _extreme(c, lower, "smax"), _extreme(c, upper, "smin")
    results = emit_loop(c, op.body.block, first, last, c.integer(step), inits, True)
    _map_all(c, op.res, results)


def _without_loop(c: LLVMConversion, op: affine.ForOp, lower: int, inits: Sequence[SSAValue], trips: int) -> None:
    if trips == 0:
        _map_all(c, op.res, inits)
        return
    iv, *iter_args = op.body.block.args
    c.integers[iv] = lower
    c.map(iv, c.integer(lower))
    _map_all(c, iter_args, inits)
    c.run_block(op.body.block)
    terminator = op.body.block.last_op
    assert terminator is not None
    _map_all(c, op.res, [c.get(operand) for operand in terminator.operands])


def _map_all(c: LLVMConversion, old: Sequence[SSAValue], new: Sequence[SSAValue]) -> None:
    for old_value, new_value in zip(old, new, strict=True):
        c.map(old_value, new_value)


def emit_loop(
    c: LLVMConversion,
    body: Block,
    lower: SSAValue,
    upper: SSAValue,
    step: SSAValue,
    inits: Sequence[SSAValue],
    may_be_empty: bool,
) -> Sequence[SSAValue]:
    """Blocks of a counted loop, tested at its end; gives the values that it results in.

    The arguments of `body` are the induction variable and the values carried around the loop.
    """
    types = [init.type for init in inits]
    exit_block = Block(arg_types=types)
    if may_be_empty:
        preheader = c.new_block()
        enters = c.emit(upstream.ICmpOp, (lower, upper), i1, {"predicate": integer_attr(_SLT, i64)})
        c.cond_branch(enters, preheader, (), exit_block, inits)
        c.push(preheader)
    loop = c.new_block((lower.type, *types))
    c.branch(loop, (lower, *inits))
    c.push(loop)
    _map_all(c, body.args, loop.args)
    c.run_block(body)
    terminator = body.last_op
    assert terminator is not None
    yielded = [c.get(operand) for operand in terminator.operands]
    following = c.emit(upstream.AddOp, (loop.args[0], step), step.type, {"overflowFlags": integer_attr(1, i32)})
    again = c.emit(upstream.ICmpOp, (following, upper), i1, {"predicate": integer_attr(_SLT, i64)})
    c.cond_branch(again, loop, (following, *yielded), exit_block, yielded)
    c.pop()
    if may_be_empty:
        c.pop()
    region = c.entry.parent
    assert region is not None
    region.add_block(exit_block)
    c.go_on_at(exit_block)
    return exit_block.args


def convert_if(c: LLVMConversion, op: affine.IfOp) -> None:
    condition = set_condition(c, op)
    if isinstance(condition, bool):
        region = op.then_region if condition else op.else_region
        if region.blocks:
            c.run_block(region.block)
            terminator = region.block.last_op
            assert terminator is not None
            _map_all(c, op.res, [c.get(operand) for operand in terminator.operands])
        return
    results = emit_if(
        c,
        condition,
        op.then_region.block,
        op.else_region.block if op.else_region.blocks else None,
        [c.type(result.type) for result in op.res],
    )
    _map_all(c, op.res, results)


def emit_if(
    c: LLVMConversion, condition: SSAValue, then: Block, otherwise: Block | None, types: Sequence[Attribute]
) -> Sequence[SSAValue]:
    """Blocks of a choice; gives the values that it results in."""
    then_block, merge = c.new_block(), Block(arg_types=types)
    else_block = merge
    if otherwise is not None:
        else_block = Block()
    c.cond_branch(condition, then_block, (), else_block, ())
    for block, body in ((then_block, then), (else_block, otherwise)):
        if body is None:
            continue
        if block is not then_block:
            _add_block(c, block)
        c.push(block)
        c.run_block(body)
        terminator = body.last_op
        values = [] if terminator is None else [c.get(operand) for operand in terminator.operands]
        c.branch(merge, values)
        c.pop()
    _add_block(c, merge)
    c.go_on_at(merge)
    return merge.args


def _add_block(c: LLVMConversion, block: Block) -> None:
    region = c.entry.parent
    assert region is not None
    region.add_block(block)


def set_condition(c: LLVMConversion, op: affine.IfOp) -> SSAValue | bool:
    """Whether the operands of an `affine.if` are in its set; known where intervals prove it."""
    integer_set = op.condition.data
    operands = [operand_form(c, operand) for operand in op.args]
    condition: SSAValue | None = None
    for constraint in integer_set.constraints:
        left = expr_form(c, constraint.lhs, operands, integer_set.num_dims)
        right = expr_form(c, constraint.rhs, operands, integer_set.num_dims)
        form = left - right
        known = _decide(constraint.kind, form.range(c.bounds))
        if known is False:
            return False
        if known is True:
            continue
        predicate = integer_attr(_COMPARISONS[constraint.kind], i64)
        part = c.emit(
            upstream.ICmpOp, (c.form(form - form.const), c.integer(-form.const)), i1, {"predicate": predicate}
        )
        condition = part if condition is None else c.emit(upstream.AndOp, (condition, part), i1)
    return True if condition is None else condition


def _decide(kind: AffineConstraintKind, interval: Interval | None) -> bool | None:
    """Whether `form kind 0` holds for a form in an interval, None if it may or may not."""
    if interval is None:
        return None
    lo, hi = interval
    if kind is AffineConstraintKind.eq:
        return True if lo == hi == 0 else False if lo > 0 or hi < 0 else None
    if kind is AffineConstraintKind.le:
        lo, hi = -hi, -lo
    return True if lo >= 0 else False if hi < 0 else None


def convert_yield(c: LLVMConversion, op: affine.YieldOp) -> None:
    """What a terminator yields is read by the pattern of the operation around it."""


AFFINE_TO_LLVM: PatternTable = {
    affine.ApplyOp: convert_apply,
    affine.ForOp: convert_for,
    affine.IfOp: convert_if,
    affine.LoadOp: convert_load,
    affine.MinOp: convert_min,
    affine.StoreOp: convert_store,
    affine.VectorLoadOp: convert_load,
    affine.VectorStoreOp: convert_store,
    affine.YieldOp: convert_yield,
}
