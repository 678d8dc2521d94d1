"""`transform-dialect-check-uses`: find uses of handles that were consumed, without running scripts."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from ...errors import ScriptError


def check_uses(root: Operation) -> None:
    """Raises if an operation of a script uses a handle that one before it consumes.

    Only the same handle is looked at: what else dies with it depends on the payload. Raises where a run would, had it
    come there.
    """
    from ...transform.interfaces import TransformOpInterface
    from ...transform.upstream.control import NamedSequenceOp

    for op in root.walk():
        if op.regions and isinstance(op, NamedSequenceOp | TransformOpInterface):
            for region in op.regions:
                for block in region.blocks:
                    _check_block(block)


def _check_block(block: Block) -> None:
    from ...transform.diagnostics import DefiniteFailure
    from ...transform.interfaces import Effect, effect_on

    for op in block.ops:
        for index, handle in enumerate(op.operands):
            if effect_on(op, index) is not Effect.CONSUMES:
                continue
            for use in handle.uses:
                later = _in_block(use.operation, block)
                if later is not None and later is not op and op.is_before_in_block(later):
                    notes = ((f"operand #{index} is consumed here", op),)
                    raise DefiniteFailure(
                        ScriptError("op uses a handle that is consumed before", use.operation, notes), use.operation
                    )


def _in_block(op: Operation, block: Block) -> Operation | None:
    """The op of a block that another one is, or is in."""
    current: Operation | None = op
    while current is not None and current.parent is not block:
        current = current.parent_op()
    return current


@dataclass(frozen=True)
class TransformCheckUsesPass(ModulePass):
    """Refuse scripts that use a handle after an operation that consumes it, before anything runs."""

    name = "transform-dialect-check-uses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_uses(op)
