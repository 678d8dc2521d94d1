"""Upstream's operations on loops, on loops of the loop rung: the same primitives as `sched`'s, with upstream's effects.

What has no meaning there is refused by name, with what to use instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import I64, BoolAttr, IntegerAttr, StringAttr, i64
from xdsl.dialects.transform import TransformOpHandleType
from xdsl.ir import Operation
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import ForOp, kernel_of
from ...errors import ScheduleError
from .. import primitives
from ..interfaces import Effect, PayloadItem, Results, TransformOpInterface
from ..primitives.common import describe
from ..primitives.promote import promote
from ..sched_ops.navigation import typed_op, typed_ops
from ..sched_ops.primitives import PrimitiveOp
from ..snapshot import Snapshot

if TYPE_CHECKING:
    from ..interpreter import Interpreter

_FALSE = BoolAttr.from_bool(False)


class _LoopOp(PrimitiveOp):
    """Operations that consume the loop that they are about."""

    target = operand_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.CONSUMES,)

    def apply(self, interpreter: Interpreter) -> Results:
        kernels = dict.fromkeys(kernel_of(op) for op in interpreter.state.ops(self.target))
        snapshots = [Snapshot(kernel) for kernel in kernels if kernel is not None]
        try:
            return super().apply(interpreter)
        except ScheduleError:
            # What was done to loops before the one that is refused.
            for snapshot in snapshots:
                snapshot.restore()
            raise


class _WithFactor(_LoopOp):
    factor = prop_def(IntegerAttr[I64])
    assembly_format = "$target attr-dict `:` type($target)"

    def verify_(self) -> None:
        if self.factor.value.data < 1:
            raise VerifyException(f"expected a positive factor, got {self.factor.value.data}")


@irdl_op_definition
class LoopUnrollOp(_WithFactor):
    """Unrolls loops by a factor: each is tiled by it, and the tile marked to be unrolled.

    `transform.loop.unroll %i {factor = 4} : !transform.any_op`
    """

    name = "transform.loop.unroll"

    def schedule(self, interpreter: Interpreter) -> Results:
        factor = self.factor.value.data
        for loop in typed_ops(interpreter.state, self.target, ForOp):
            if factor < loop.extent:
                _, loop = primitives.tile([loop], [factor])
            primitives.unroll(loop)
        return []


@irdl_op_definition
class LoopUnrollAndJamOp(_WithFactor):
    """Lets some iterations of loops take their steps together, as `sched.unroll_and_jam` does.

    `transform.loop.unroll_and_jam %i {factor = 4} : !transform.any_op`
    """

    name = "transform.loop.unroll_and_jam"

    def schedule(self, interpreter: Interpreter) -> Results:
        for loop in typed_ops(interpreter.state, self.target, ForOp):
            primitives.unroll_and_jam(loop, self.factor.value.data)
        return []


@irdl_op_definition
class LoopPeelOp(_LoopOp):
    """Makes a loop of its own of the first iteration; gives the loop over the others, then that one. Loops of this rung
    go by 1, so that none has a last iteration that is only a part: without `peel_front` they are refused.

    `%rest, %first = transform.loop.peel %i {peel_front = true} : (!transform.op<"loop.for">) -> (…)`
    """

    name = "transform.loop.peel"
    peel_front = prop_def(BoolAttr, default_value=_FALSE)
    fail_if_already_divisible = prop_def(BoolAttr, default_value=_FALSE)
    peeled_loop = result_def(TransformOpHandleType)
    remainder_loop = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def schedule(self, interpreter: Interpreter) -> Results:
        loops = typed_ops(interpreter.state, self.target, ForOp)
        rests: list[PayloadItem] = []
        firsts: list[PayloadItem] = []
        for loop in loops:
            if not self.peel_front.value.data:
                raise ScheduleError(
                    "failed to peel the last iteration: expected a loop whose last one is partial, got "
                    f"{describe(loop)}; 'sched.peel' emits it on its own, 'sched.split' makes two loops",
                    loop,
                )
            first, rest = primitives.split(loop, 1)
            firsts.append(first)
            rests.append(rest)
        return [rests, firsts]


@irdl_op_definition
class LoopCoalesceOp(_LoopOp):
    """Makes one loop of a loop and those perfectly nested in it.

    `%ij = transform.loop.coalesce %i : (!transform.any_op) -> !transform.any_op`
    """

    name = "transform.loop.coalesce"
    transformed = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def schedule(self, interpreter: Interpreter) -> Results:
        coalesced: list[PayloadItem] = []
        for loop in typed_ops(interpreter.state, self.target, ForOp):
            band = [loop]
            while isinstance(inner := band[-1].body.block.first_op, ForOp) and inner.next_op is None:
                band.append(inner)
            if len(band) < 2:
                raise ScheduleError(f"expected a loop that holds nothing but a loop, got {describe(loop)}", loop)
            coalesced.append(primitives.coalesce(band))
        return [coalesced]


@irdl_op_definition
class LoopFuseSiblingOp(PrimitiveOp):
    """Fuses a loop into another one beside it, of the same extent.

    `%f = transform.loop.fuse_sibling %a into %b : (!transform.any_op, !transform.any_op) -> !transform.any_op`
    """

    name = "transform.loop.fuse_sibling"
    target = operand_def(TransformOpHandleType)
    source = operand_def(TransformOpHandleType)
    fused_loop = result_def(TransformOpHandleType)
    assembly_format = "$target `into` $source attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.CONSUMES, Effect.CONSUMES)

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        return [[primitives.fuse_sibling(typed_op(state, self.target, ForOp), typed_op(state, self.source, ForOp))]]


@irdl_op_definition
class LoopPromoteIfOneIterationOp(_LoopOp):
    """Puts what is in a loop that runs once in its place; other loops stay.

    `transform.loop.promote_if_one_iteration %i : !transform.any_op`
    """

    name = "transform.loop.promote_if_one_iteration"
    assembly_format = "$target attr-dict `:` type($target)"

    def schedule(self, interpreter: Interpreter) -> Results:
        for loop in typed_ops(interpreter.state, self.target, ForOp):
            if loop.extent == 1:
                promote(loop)
        return []


class _Refused(TransformOpInterface, IRDLOperation):
    """Operations of upstream's that have no meaning on the loop rung."""

    WHY: ClassVar[str] = ""
    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.CONSUMES,)

    def apply(self, interpreter: Interpreter) -> Results:
        raise ScheduleError(f"'{self.name}' is not there on the loop rung: {self.WHY}", self)


@irdl_op_definition
class LoopPipelineOp(_Refused):
    """Refused: blocks have no latencies to hide; processors that run out of order do that."""

    name = "transform.loop.pipeline"
    WHY: ClassVar[str] = (
        "a block's operations are in no stages; stage what they read by 'sched.cache_read', and 'sched.unroll' the loop"
    )
    iteration_interval = prop_def(IntegerAttr[I64], default_value=IntegerAttr(1, i64))
    read_latency = prop_def(IntegerAttr[I64], default_value=IntegerAttr(10, i64))
    target = operand_def(TransformOpHandleType)
    transformed = result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class LoopOutlineOp(_Refused):
    """Refused: a kernel is one function."""

    name = "transform.loop.outline"
    WHY: ClassVar[str] = (
        "a kernel is one function; what 'sched.parallelize' marks is outlined below ('cpu-outline-parallel')"
    )
    func_name = prop_def(StringAttr)
    target = operand_def(TransformOpHandleType)
    function = result_def(TransformOpHandleType)
    call = result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class LoopHoistSubsetsOp(_Refused):
    """Refused: kernels work on buffers, of which there are no subsets to hoist."""

    name = "transform.loop.hoist_loop_invariant_subsets"
    WHY: ClassVar[str] = (
        "kernels work on buffers; 'sched.cache_read' and 'sched.cache_write' keep parts of them around a loop"
    )
    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.READS,)
    target = operand_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` type($target)"


LOOP_TRANSFORM_OPS: list[type[Operation]] = [
    LoopCoalesceOp,
    LoopFuseSiblingOp,
    LoopHoistSubsetsOp,
    LoopOutlineOp,
    LoopPeelOp,
    LoopPipelineOp,
    LoopPromoteIfOneIterationOp,
    LoopUnrollAndJamOp,
    LoopUnrollOp,
]
