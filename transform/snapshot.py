"""What an operation and all inside of it are at one time, to make it that again. It costs a tenth of a clone, and
nothing is made anew: what was moved goes back, what was erased comes back, what is new is dropped."""

# pyright: reportPrivateUsage=false
# xDSL has no way to bring back what was erased, which has left its lists behind.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue


@dataclass(slots=True)
class _SavedBlock:
    block: Block
    args: tuple[BlockArgument, ...]
    values: tuple[tuple[Attribute, str | None], ...]
    ops: list[_SavedOp]


@dataclass(slots=True)
class _SavedOp:
    op: Operation
    operands: Sequence[SSAValue]
    successors: Sequence[Block]
    properties: dict[str, Attribute]
    attributes: dict[str, Attribute]
    values: tuple[tuple[Attribute, str | None], ...]
    regions: tuple[tuple[Region, list[_SavedBlock]], ...]


class Snapshot:
    """The state of an operation when this was made."""

    def __init__(self, op: Operation) -> None:
        self._saved = _save_op(op)

    def restore(self) -> None:
        """Makes the operation what it was. Its place in what is around stays."""
        root = self._saved.op
        current: list[Operation] = []
        _empty(root, current)
        saved: list[_SavedOp] = []
        _collect(self._saved, saved)
        known = {id(each.op) for each in saved}
        for op in current:
            if id(op) not in known:
                op.drop_all_references()
        for each in saved:
            # In what was made since and is dropped now, such as a loop around it.
            if each.op is not root and each.op.parent is not None:
                each.op.parent._first_op = each.op.parent._last_op = None
        for each in saved:
            _restore_op(each)


def _save_values(values: Sequence[SSAValue]) -> tuple[tuple[Attribute, str | None], ...]:
    return tuple((value._type, value._name) for value in values)


def _save_op(op: Operation) -> _SavedOp:
    regions = tuple((region, _save_region(region)) for region in op.regions) if op.regions else ()
    values = _save_values(op.results) if op.results else ()
    return _SavedOp(op, op._operands, op._successors, op.properties.copy(), op.attributes.copy(), values, regions)


def _save_region(region: Region) -> list[_SavedBlock]:
    blocks: list[_SavedBlock] = []
    block = region._first_block
    while block is not None:
        ops: list[_SavedOp] = []
        op = block._first_op
        while op is not None:
            ops.append(_save_op(op))
            op = op._next_op
        blocks.append(_SavedBlock(block, block._args, _save_values(block._args), ops))
        block = block._next_block
    return blocks


def _empty(op: Operation, found: list[Operation]) -> None:
    """Takes everything out of an operation, from the inside."""
    for region in op.regions:
        for block in tuple(region.blocks):
            for child in tuple(block.ops):
                _empty(child, found)
                found.append(child)
                child.parent = child._prev_op = child._next_op = None
            block._first_op = block._last_op = None


def _collect(saved: _SavedOp, found: list[_SavedOp]) -> None:
    found.append(saved)
    for _, blocks in saved.regions:
        for block in blocks:
            for op in block.ops:
                _collect(op, found)


def _restore_op(saved: _SavedOp) -> None:
    op = saved.op
    # What was erased has its operands still, and is no use of them any more.
    if op._operands is not saved.operands or len(op._operand_uses) != len(saved.operands):
        op.operands = saved.operands
    if op._successors != saved.successors:
        op.successors = saved.successors
    op.properties, op.attributes = saved.properties.copy(), saved.attributes.copy()
    _restore_values(op.results, saved.values)
    op.regions = tuple(region for region, _ in saved.regions)
    for region, blocks in saved.regions:
        region.parent = op
        _link_blocks(region, [each.block for each in blocks])
        for each in blocks:
            block = each.block
            block._args = each.args
            for index, arg in enumerate(each.args):
                arg.block, arg.index = block, index
            _restore_values(each.args, each.values)
            _link_ops(block, [child.op for child in each.ops])


def _restore_values(values: Sequence[SSAValue], saved: Sequence[tuple[Attribute, str | None]]) -> None:
    for value, (type, name) in zip(values, saved, strict=True):
        value._type, value._name = type, name


def _link_blocks(region: Region, blocks: Sequence[Block]) -> None:
    before: Block | None = None
    for block in blocks:
        block.parent, block._prev_block, block._next_block = region, before, None
        if before is not None:
            before._next_block = block
        before = block
    region._first_block = blocks[0] if blocks else None
    region._last_block = before


def _link_ops(block: Block, ops: Sequence[Operation]) -> None:
    before: Operation | None = None
    for op in ops:
        op.parent, op._prev_op, op._next_op = block, before, None
        if before is not None:
            before._next_op = op
        before = op
    block._first_op = ops[0] if ops else None
    block._last_op = before
