"""Operations that put what a block computes into another block."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.transform import TransformOpHandleType
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, var_result_def
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp
from .. import primitives
from ..interfaces import Effect, Results
from .navigation import typed_op
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter


@irdl_op_definition
class ReverseComputeInlineOp(PrimitiveOp):
    """Computes what a consumer writes where its only producer computes what it reads, and erases the consumer.

    `sched.reverse_compute_inline %c : !transform.any_op`
    """

    name = "sched.reverse_compute_inline"
    block = operand_def(TransformOpHandleType)
    assembly_format = "$block attr-dict `:` type($block)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES,)

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.reverse_compute_inline(typed_op(interpreter.state, self.block, BlockOp))
        return []


@irdl_op_definition
class FuseReductionEpilogueOp(PrimitiveOp):
    """Lets a reduction start from what a consumer combines its result with, and erases the consumer.

    `sched.fuse_reduction_epilogue %e : !transform.any_op`
    """

    name = "sched.fuse_reduction_epilogue"
    block = operand_def(TransformOpHandleType)
    assembly_format = "$block attr-dict `:` type($block)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.ERASES,)

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.fuse_reduction_epilogue(typed_op(interpreter.state, self.block, BlockOp))
        return []


@irdl_op_definition
class RollingBufferOp(PrimitiveOp):
    """Lets a producer inside of its consumer's loop compute only the rows that the iteration before did not, and keep
    the others in a buffer that goes round.

    `%first = sched.rolling_buffer %p : (!transform.any_op) -> !transform.any_op`

    Result: none, or the block that computes the first rows in front of the loop, if there are some.
    """

    name = "sched.rolling_buffer"
    block = operand_def(TransformOpHandleType)
    first = var_result_def(TransformOpHandleType)
    assembly_format = "$block attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def verify_(self) -> None:
        if len(self.first) > 1:
            raise VerifyException(f"expected at most one result, got {len(self.first)}")

    def schedule(self, interpreter: Interpreter) -> Results:
        first = primitives.rolling_buffer(typed_op(interpreter.state, self.block, BlockOp))
        return [[] if first is None else [first] for _ in self.first]


FUSION_OPS: list[type[Operation]] = [FuseReductionEpilogueOp, ReverseComputeInlineOp, RollingBufferOp]
