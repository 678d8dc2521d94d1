"""Operations on padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.transform import TransformOpHandleType
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, operand_def, result_def

from ...dialects.loop import BlockOp
from .. import primitives
from ..interfaces import Effect, Results
from .navigation import typed_op
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter


@irdl_op_definition
class DecomposePaddingOp(PrimitiveOp):
    """Makes a block that pads one that writes the constant everywhere, and one that then writes what lies inside.

    `%fill = sched.decompose_padding %p : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.decompose_padding"
    block = operand_def(TransformOpHandleType)
    fill = result_def(TransformOpHandleType)
    assembly_format = "$block attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        return [[primitives.decompose_padding(typed_op(interpreter.state, self.block, BlockOp))]]


PADDING_OPS: list[type[Operation]] = [DecomposePaddingOp]
