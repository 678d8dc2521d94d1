"""Patterns from `scf` and `cf` to `llvm`."""

from __future__ import annotations

from xdsl.dialects import cf, scf

from .affine_to_llvm import emit_if, emit_loop
from .llvm_conversion import LLVMConversion, PatternTable


def convert_for(c: LLVMConversion, op: scf.ForOp) -> None:
    lower, upper, step = c.get(op.lb), c.get(op.ub), c.get(op.step)
    inits = [c.get(init) for init in op.iter_args]
    first, last = c.integers.get(op.lb), c.integers.get(op.ub)
    may_be_empty = first is None or last is None or first >= last
    if first is not None and last is not None:
        c.intervals[op.body.block.args[0]] = (first, max(first, last - 1))
    results = emit_loop(c, op.body.block, lower, upper, step, inits, may_be_empty)
    for old, new in zip(op.res, results, strict=True):
        c.map(old, new)


def convert_if(c: LLVMConversion, op: scf.IfOp) -> None:
    results = emit_if(
        c,
        c.get(op.cond),
        op.true_region.block,
        op.false_region.block if op.false_region.blocks else None,
        [c.type(result.type) for result in op.output],
    )
    for old, new in zip(op.output, results, strict=True):
        c.map(old, new)


def convert_while(c: LLVMConversion, op: scf.WhileOp) -> None:
    before = c.new_block([c.type(type) for type in op.before_region.block.arg_types])
    c.branch(before, [c.get(operand) for operand in op.arguments])
    c.push(before)
    for old, new in zip(op.before_region.block.args, before.args, strict=True):
        c.map(old, new)
    c.run_block(op.before_region.block)
    condition = op.before_region.block.last_op
    assert isinstance(condition, scf.ConditionOp)
    forwarded = [c.get(operand) for operand in condition.args]
    types = [value.type for value in forwarded]
    after, done = c.new_block(types), c.new_block(types)
    c.cond_branch(c.get(condition.condition), after, forwarded, done, forwarded)
    c.push(after)
    for old, new in zip(op.after_region.block.args, after.args, strict=True):
        c.map(old, new)
    c.run_block(op.after_region.block)
    terminator = op.after_region.block.last_op
    assert terminator is not None
    c.branch(before, [c.get(operand) for operand in terminator.operands])
    c.pop()
    c.pop()
    c.go_on_at(done)
    for old, new in zip(op.res, done.args, strict=True):
        c.map(old, new)


def convert_terminator(c: LLVMConversion, op: scf.YieldOp | scf.ConditionOp) -> None:
    """What a terminator yields is read by the pattern of the operation around it."""


def convert_branch(c: LLVMConversion, op: cf.BranchOp) -> None:
    c.branch(c.blocks[op.successor], [c.get(operand) for operand in op.arguments])


def convert_cond_branch(c: LLVMConversion, op: cf.ConditionalBranchOp) -> None:
    c.cond_branch(
        c.get(op.cond),
        c.blocks[op.then_block],
        [c.get(operand) for operand in op.then_arguments],
        c.blocks[op.else_block],
        [c.get(operand) for operand in op.else_arguments],
    )


SCF_TO_LLVM: PatternTable = {
    scf.ConditionOp: convert_terminator,
    scf.ForOp: convert_for,
    scf.IfOp: convert_if,
    scf.WhileOp: convert_while,
    scf.YieldOp: convert_terminator,
}

CF_TO_LLVM: PatternTable = {
    cf.BranchOp: convert_branch,
    cf.ConditionalBranchOp: convert_cond_branch,
}
