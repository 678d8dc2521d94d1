"""`loop-elide-copies`: what only names the elements of a buffer in other dimensions is no kernel.

A kernel that copies its input to its output in row-major order computes nothing: its caller goes on with the input, by
`memref.reinterpret_cast`. Where the copy is an output of the caller, what it was to copy is written there at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, ModuleOp, NoneAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from ...dialects.lanes import row_major_strides
from ...dialects.loop import OUTPUT, BlockOp, ForOp, ReadOp, WriteOp, blocks_in, memref_type
from ...dialects.quasi_affine import Lin
from ...dialects.regions import iterator_forms, without_units
from ..function_pass import functions
from .memory.liveness import calls_in, positions, time_of

Copy: TypeAlias = CallOp | memref.CopyOp


def elide_copies(module: ModuleOp) -> None:
    """Elides copies in every function that calls kernels, and removes the kernels that nothing calls any more."""
    known = {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp)}
    renaming = {name for name, kernel in known.items() if is_renaming(kernel)}
    elided: set[str] = set()
    for function in functions(module):
        if len(function.body.blocks) == 1:
            elided |= _Caller(function, known).elide(renaming)
    if not elided:
        return
    left = {call.callee.root_reference.data for function in functions(module) for call in calls_in(function)}
    for name in elided - left:
        module.body.block.erase_op(known[name])


def is_renaming(kernel: FuncOp) -> bool:
    """Whether a private function does nothing but to copy its first argument to its second one in row-major order."""
    if kernel.is_declaration or kernel.sym_visibility is None or kernel.sym_visibility.data != "private":
        return False
    if len(kernel.function_type.inputs.data) != 2 or kernel.arg_attrs is None:
        return False
    source, target = kernel.body.blocks[0].args
    if [OUTPUT in marks.data for marks in kernel.arg_attrs] != [False, True] or not _same_elements(source, target):
        return False
    if any(not isinstance(op, ForOp | BlockOp) and op.operands for op in kernel.body.blocks[0].ops):
        return False
    blocks = blocks_in(kernel)
    if len(blocks) != 1 or any(op.name == "loop.alloc" for op in kernel.walk()):
        return False
    body = list(blocks[0].body.block.ops)
    match body:
        case [ReadOp() as read, WriteOp() as write] if write.value is read.result:
            copied = read.buffer is source and write.buffer is target
            place = _row_major(read)
            return copied and place is not None and place == _row_major(write)
        case _:
            return False


def _same_elements(source: SSAValue, target: SSAValue) -> bool:
    """Whether two values are plain buffers with as many elements of the same type."""
    if not isinstance(source.type, MemRefType) or not isinstance(target.type, MemRefType):
        return False
    types = memref_type(source), memref_type(target)
    plain = all(isinstance(attr, NoneAttr) for type in types for attr in (type.layout, type.memory_space))
    return (
        plain and types[0].element_type == types[1].element_type and len({type.element_count() for type in types}) == 1
    )


def _row_major(access: ReadOp | WriteOp) -> Lin | None:
    """Which element of its buffer an access touches, counted in row-major order; None where that depends on data."""
    total = Lin()
    forms = iterator_forms(access)
    for form, stride in zip(forms, row_major_strides(memref_type(access.buffer).get_shape()), strict=True):
        if form is None:
            return None
        total = total + without_units(form) * stride
    return total


class _Caller:
    """A function, and what is known of its buffers."""

    def __init__(self, function: FuncOp, known: dict[str, FuncOp]) -> None:
        self.function = function
        self.known = known
        self.times = positions(function)

    def elide(self, renaming: set[str]) -> set[str]:
        """Elides copies in order; gives the kernels whose calls are gone."""
        elided: set[str] = set()
        for op in tuple(self.function.body.block.ops):
            if isinstance(op, CallOp) and (name := op.callee.root_reference.data) in renaming:
                source, target = op.arguments
                if self.forward(op, source, target) or self.write_at_once(op, source, target):
                    elided.add(name)
            elif isinstance(op, memref.CopyOp) and _same_elements(op.source, op.destination):
                self.write_at_once(op, op.source, op.destination)
        return elided

    def forward(self, copy: Copy, source: SSAValue, target: SSAValue) -> bool:
        """Lets readers of a copy, which is a buffer of the function's own, read what was copied."""
        time = self.times[copy]
        alloc = self.alloc_of(target)
        if alloc is None or self.is_written(source, time) or not self.is_first_use(target, copy):
            return False
        if self.is_written(target, time) or self.is_freed(source, max(self.user_times(target))):
            return False
        new = self.named(source, target, copy)
        self.replace(alloc, new, copy)
        return True

    def write_at_once(self, copy: Copy, source: SSAValue, target: SSAValue) -> bool:
        """Lets what is copied to an output be written there in the first place."""
        time = self.times[copy]
        alloc = self.alloc_of(_root(source))
        if alloc is None or not self.is_output(target) or self.is_written(alloc.memref, time):
            return False
        if not self.is_first_use(target, copy) or self.is_written(target, time):
            return False
        new = self.named(target, alloc.memref, alloc)
        self.replace(alloc, new, copy)
        return True

    def alloc_of(self, buffer: SSAValue) -> memref.AllocOp | None:
        owner = buffer.owner
        if isinstance(owner, memref.AllocOp) and owner in self.times and not owner.operands:
            return owner
        return None

    def is_output(self, buffer: SSAValue) -> bool:
        if not isinstance(buffer, BlockArgument) or self.function.arg_attrs is None:
            return False
        return buffer.block is self.function.body.block and OUTPUT in self.function.arg_attrs.data[buffer.index].data

    def is_first_use(self, buffer: SSAValue, op: Operation) -> bool:
        """Whether nothing uses a buffer before an operation does."""
        return all(user is op or time_of(user, self.times) > self.times[op] for user, _ in _uses(buffer))

    def user_times(self, buffer: SSAValue) -> list[int]:
        return [time_of(user, self.times) for user, _ in _uses(buffer)]

    def is_freed(self, buffer: SSAValue, before: int) -> bool:
        """Whether a buffer may be no more at some time."""
        users = (user for user, _ in _uses(_root(buffer), deallocs=True))
        return any(isinstance(user, memref.DeallocOp) and time_of(user, self.times) < before for user in users)

    def is_written(self, buffer: SSAValue, after: int) -> bool:
        """Whether the elements of a buffer may change after some time, under any of its names."""
        return any(
            time_of(user, self.times) > after and self.may_write(user, index) for user, index in _uses(_root(buffer))
        )

    def may_write(self, user: Operation, index: int) -> bool:
        if isinstance(user, CallOp):
            callee = self.known.get(user.callee.root_reference.data)
            marks = callee.arg_attrs.data if callee is not None and callee.arg_attrs is not None else ()
            return index >= len(marks) or OUTPUT in marks[index].data
        return not isinstance(user, memref.CopyOp) or index == 1

    def named(self, buffer: SSAValue, like: SSAValue, before: Operation) -> SSAValue:
        """A buffer as one of another type."""
        if buffer.type == like.type:
            return buffer
        type = memref_type(like)
        shape = type.get_shape()
        cast_op = memref.ReinterpretCastOp(buffer, [], [], [], [0], shape, row_major_strides(shape), type)
        cast_op.result.name_hint = like.name_hint
        assert before.parent is not None
        before.parent.insert_op_before(cast_op, before)
        self.times[cast_op] = self.times[before]
        return cast_op.result

    def replace(self, alloc: memref.AllocOp, new: SSAValue, copy: Copy) -> None:
        """Uses another buffer instead of an allocated one, whose copy is done."""
        users = [user for user, _ in _uses(alloc.memref, deallocs=True)]
        for op in dict.fromkeys((copy, *users)):
            if op is copy or isinstance(op, memref.DeallocOp):
                block = op.parent
                assert block is not None
                block.erase_op(op)
        alloc.memref.replace_all_uses_with(new)
        self.function.body.block.erase_op(alloc)


def _root(buffer: SSAValue) -> SSAValue:
    """The buffer whose elements a name stands for."""
    while isinstance(buffer.owner, memref.ReinterpretCastOp):
        buffer = buffer.owner.source
    return buffer


def _uses(buffer: SSAValue, *, deallocs: bool = False) -> Iterator[tuple[Operation, int]]:
    """The operations that use a buffer, or another name of it, each with the operand that it is."""
    for use in buffer.uses:
        if isinstance(use.operation, memref.ReinterpretCastOp):
            yield from _uses(use.operation.result, deallocs=deallocs)
        elif deallocs or not isinstance(use.operation, memref.DeallocOp):
            yield use.operation, use.index


@dataclass(frozen=True)
class LoopElideCopiesPass(ModulePass):
    """Call no kernel that copies a buffer in row-major order: other dimensions are another name.

    Before: `func.call @reshape(%a, %b) : (memref<2x3xf32>, memref<6xf32>) -> ()`
    After: `%b = memref.reinterpret_cast %a to offset: [0], sizes: [6], strides: [1] : memref<2x3xf32> to memref<6xf32>`
    """

    name = "loop-elide-copies"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        elide_copies(op)
