"""Operations for transform scripts."""

from __future__ import annotations

from typing import ClassVar

from stepwell.dialects.loop import BlockOp
from stepwell.errors import ScheduleError
from stepwell.transform.interfaces import Effect, Results
from stepwell.transform.interpreter import Interpreter
from stepwell.transform.sched_ops.primitives import PrimitiveOp
from xdsl.dialects.transform import TransformOpHandleType
from xdsl.irdl import irdl_op_definition, operand_def

from .selection import select_requantize


@irdl_op_definition
class SelectOp(PrimitiveOp):
    """Lets the unit do what it can of blocks. Refused where that is nothing.

    `toy.select %block : !transform.any_op`
    """

    name = "toy.select"
    blocks = operand_def(TransformOpHandleType)
    assembly_format = "$blocks attr-dict `:` type($blocks)"

    # Blocks change, and stay the same operations: handles to them stay valid.
    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        for op in interpreter.state.ops(self.blocks):
            if not isinstance(op, BlockOp):
                raise ScheduleError(f"expected blocks, got {op.name}", op)
            select_requantize(op)
        return []
