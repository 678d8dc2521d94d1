"""`math-polynomial-approximation`: transcendental functions in arithmetic.

LLVM turns these functions of a vector into one call of the C library for each lane. Here those of f32 become
polynomials, the same for scalars and vectors, so that a result does not depend on how a loop was vectorized. f16 is
computed in f32; f64 is left to the C library, and so are angles beyond 2**20, which need more bits of pi.

Errors, against float64 wherever the result is a normal number, with fused multiply-add: at most 1 ulp for exp, log,
erf, pow and all that is computed in f64, 3 for tan, 1.5 for the others. NaN, infinities, zeros and overflow are as
IEEE 754 wants them; subnormal results of exp and exp2 are rounded twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, math, scf, vector
from xdsl.dialects.builtin import Float16Type, Float32Type, ModuleOp, i1
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from ...dialects import arith as wide
from ...errors import CompileError
from .approximation import double, single
from .approximation.code import NO_FLAGS, Code, Constants, Shape
from .llvm_conversion import as_vector

EXPANSIONS: Mapping[type[Operation], Callable[..., SSAValue]] = {
    math.AcosOp: double.expand_acos,
    math.AcoshOp: double.expand_acosh,
    math.AsinOp: double.expand_asin,
    math.AsinhOp: double.expand_asinh,
    math.AtanOp: double.expand_atan,
    math.Atan2Op: double.expand_atan2,
    math.AtanhOp: double.expand_atanh,
    math.CosOp: double.expand_cos,
    math.CoshOp: double.expand_cosh,
    math.ErfOp: single.expand_erf,
    math.ExpOp: single.expand_exp,
    math.Exp2Op: single.expand_exp2,
    math.ExpM1Op: single.expand_expm1,
    math.LogOp: single.expand_log,
    math.Log10Op: single.expand_log10,
    math.Log1pOp: single.expand_log1p,
    math.Log2Op: single.expand_log2,
    math.PowFOp: double.expand_pow,
    math.SinOp: double.expand_sin,
    math.SinhOp: double.expand_sinh,
    math.TanOp: double.expand_tan,
    math.TanhOp: single.expand_tanh,
}
"""How each operation is written in arithmetic."""

_OF_ANGLES = (math.CosOp, math.SinOp, math.TanOp)
"""What is written in arithmetic for small numbers only."""


def expand_math(module: ModuleOp) -> None:
    """Rewrites each operation that has an expansion, in place."""
    for function in module.ops:
        if isinstance(function, func.FuncOp) and function.body.blocks:
            targets = [op for op in function.body.walk() if type(op) in EXPANSIONS]
            constants = Constants(function.body.blocks[0])
            for op in targets:
                _expand(op, constants)


def _expand(op: Operation, constants: Constants) -> None:
    operands, result = tuple(op.operands), op.results[0]
    shape = as_vector(result.type)
    element = result.type if shape is None else shape.element_type
    if not isinstance(element, Float16Type | Float32Type):
        return
    if shape is not None and shape.get_num_dims() != 1:
        raise CompileError(f"'{op.name}': expected a vector with one dimension, got {shape}")
    code = Code(constants, Shape(None if shape is None else shape.get_shape()[0]))
    narrow = isinstance(element, Float16Type)
    if narrow:
        operands = tuple(code.converted(arith.ExtFOp, code.shape.float, operand) for operand in operands)
    value = _of_any_angle(code, op, *operands) if isinstance(op, _OF_ANGLES) else EXPANSIONS[type(op)](code, *operands)
    if narrow:
        value = code.converted(arith.TruncFOp, result.type, value)
    block = op.parent
    assert block is not None
    block.insert_ops_before(code.ops, op)
    value.name_hint = result.name_hint
    result.replace_all_uses_with(value)
    block.erase_op(op)


def _of_any_angle(c: Code, op: Operation, x: SSAValue) -> SSAValue:
    """The expansion, but the operation itself in those lanes that are large, where there are some."""
    value = EXPANSIONS[type(op)](c, x)
    large = some = c.compare("ogt", c.abs(x), c.number(double.LARGEST_ANGLE))
    if c.shape.lanes is not None:
        kind = vector.CombiningKindAttr(vector.CombiningKindFlag.OR)
        some = c.converted(vector.ReductionOp, i1, large, {"kind": kind, "fastmath": NO_FLAGS})
    exact = type(op).create(operands=(x,), result_types=(x.type,), properties=op.properties)
    chosen = wide.SelectOp.create(operands=(large, exact.results[0], value), result_types=(x.type,))
    there = Block([exact, chosen, scf.YieldOp(chosen.results[0])])
    choice = scf.IfOp(some, [x.type], Region(there), Region(Block([scf.YieldOp(value)])))
    c.ops.append(choice)
    return choice.results[0]


@dataclass(frozen=True)
class MathPolynomialApproximationPass(ModulePass):
    """Writes f32 and f16 transcendental functions in arithmetic, for scalars and vectors alike."""

    name = "math-polynomial-approximation"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        expand_math(op)
