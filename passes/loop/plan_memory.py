"""`loop-plan-memory`: what functions allocate for themselves becomes memory that they are given.

Callees come first. A kernel is given bytes for what has no room on its stack, as arguments marked `loop.workspace`,
and its buffers have places there; those in different arguments are known to be apart. A function that calls kernels
gets one arena for its buffers and for what its callees work in. What is asked for in the end are the workspaces of the
entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    NoneAttr,
    UnitAttr,
    i8,
    i64,
)
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.passes import ModulePass

from ...dialects.cpu import target_of
from ...dialects.loop import (
    LIVE_BYTES,
    WORKSPACE,
    AllocOp,
    ForOp,
    LoopKind,
    ViewOp,
    enclosing_loops,
    memref_type,
)
from ...errors import CompileError
from .expand import STACK_BYTES
from .expansion.plan import buffer_storage, stack_buffers
from .memory.liveness import Alloc, Buffer, calls_in, deallocs_of, function_buffers, kernel_buffers, positions
from .memory.packing import Packing, Request, aligned, live_bytes, pack

ON_STACK = 4096
"""Buffers of less bytes than this between the blocks of a kernel stay: they go on the stack."""
ENTRY = "main"

AnyMemRef: TypeAlias = MemRefType[Attribute]


def plan_memory(module: ModuleOp) -> None:
    """Plans the memory of every function whose callers are known: of private ones, and of the entry."""
    planner = _Planner(module)
    for name in planner.functions:
        planner.visit(name)


class _Planner:
    def __init__(self, module: ModuleOp) -> None:
        self.functions = {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp)}
        self.calls: dict[str, list[CallOp]] = {name: [] for name in self.functions}
        for function in self.functions.values():
            for call in calls_in(function):
                self.calls.get(_callee(call), []).append(call)
        target = target_of(module)
        self.threads = None if target is None else target.threads.data
        self.done: set[str] = set()
        self.lent: dict[Alloc, str] = {}
        """The memory that a function allocates for a callee to work in."""
        defined = [function for function in self.functions.values() if not function.is_declaration]
        public = [function for function in defined if not _is_private(function)]
        named = [function for function in public if function.sym_name.data == ENTRY]
        self.entry = named[0] if named else public[0] if len(public) == 1 else None

    def visit(self, name: str) -> None:
        """Plans a function after those that it calls."""
        if name in self.done:
            return
        self.done.add(name)
        function = self.functions[name]
        for call in calls_in(function):
            if _callee(call) in self.functions:
                self.visit(_callee(call))
        if function.is_declaration:
            workspaces = _declared_workspaces(function)
            _add_arguments(function, workspaces)
        elif function is self.entry or _is_private(function):
            workspaces = self.plan(function)
        else:
            workspaces = []
        for call in self.calls[name] if workspaces else ():
            self.lend(call, workspaces)

    def lend(self, call: CallOp, types: Sequence[AnyMemRef]) -> None:
        """Gives a callee what it works in: memory of the caller's own."""
        outermost = _outermost(call)
        block = outermost.parent
        assert block is not None
        assert block.last_op is not None
        operands: list[SSAValue] = list(call.arguments)
        for type in types:
            alloc = memref.AllocOp.get(type.element_type, None, type.get_shape())
            alloc.memref.name_hint = "workspace"
            block.insert_op_before(alloc, outermost)
            block.insert_op_before(memref.DeallocOp.get(alloc.memref), block.last_op)
            operands.append(alloc.memref)
            self.lent[alloc] = _callee(call)
        new = CallOp(call.callee, operands, call.result_types)
        home = call.parent
        assert home is not None
        home.insert_op_before(new, call)
        for old, result in zip(call.results, new.results, strict=True):
            old.replace_all_uses_with(result)
        home.erase_op(call)

    def plan(self, function: FuncOp) -> list[AnyMemRef]:
        """Makes arguments of a function's buffers; gives their types."""
        if len(function.body.blocks) != 1:
            return []
        times = positions(function)
        is_kernel = not calls_in(function)
        if is_kernel:
            found = large_buffers(function, self.threads)
            sizes = {alloc: size if slots is None else slots * aligned(size) for alloc, (size, slots) in found.items()}
            buffers = kernel_buffers(function, times, sizes)
        else:
            found = {}
            buffers = function_buffers(function, times)
        if not buffers:
            return []
        packing = pack([buffer.request for buffer in buffers])
        function.attributes[LIVE_BYTES] = IntegerAttr(self.live_bytes(buffers), i64)
        if not is_kernel:
            return _give_arena(function, buffers, packing)
        return _give_places(function, buffers, packing, [slots for _, slots in found.values()])

    def live_bytes(self, buffers: Sequence[Buffer]) -> int:
        """The most bytes of a function's buffers that live at one time, those of its callees among them."""
        requests: list[Request] = []
        seen: set[tuple[str, int]] = set()
        for buffer in buffers:
            callee = self.lent.get(buffer.alloc)
            if callee is None:
                requests.append(buffer.request)
            elif (callee, buffer.start) not in seen:
                seen.add((callee, buffer.start))
                live = self.functions[callee].attributes.get(LIVE_BYTES)
                if isinstance(live, IntegerAttr):
                    requests.append(Request(buffer.start, buffer.end, live.value.data))
        return live_bytes(requests)


def _is_private(function: FuncOp) -> bool:
    return function.sym_visibility is not None and function.sym_visibility.data == "private"


def _callee(call: CallOp) -> str:
    return call.callee.root_reference.data


def _outermost(op: Operation) -> Operation:
    """The operation of a function's body that `op` is, or is in."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, FuncOp):
        op, parent = parent, parent.parent_op()
    return op


# Kernels


def large_buffers(kernel: FuncOp, threads: int | None) -> dict[AllocOp, tuple[int, int | None]]:
    """The buffers of a kernel that do not go on the stack, each with its bytes and how many of it there are at a time,
    if it is private to one of some threads. What is private stays with its thread if their number is not known."""
    storage = {op.buffer: buffer_storage(op) for op in _allocs(kernel.body.block)}
    outside = [b for b, s in storage.items() if _is_temporary(b) and s.byte_size >= ON_STACK]
    small = stack_buffers({b: s for b, s in storage.items() if b not in outside}, STACK_BYTES)
    found: dict[AllocOp, tuple[int, int | None]] = {}
    for buffer, known in storage.items():
        alloc = buffer.owner
        assert isinstance(alloc, AllocOp)
        parallel = next((loop for loop in enclosing_loops(alloc) if loop.kind is LoopKind.PARALLEL), None)
        if buffer in small or alloc.workspace is not None:
            continue
        if parallel is None:
            found[alloc] = known.byte_size, None
        elif threads is not None:
            found[alloc] = known.byte_size, min(threads, _chunks(parallel))
    return found


def _chunks(loop: ForOp) -> int:
    """How many threads a parallel loop has work for."""
    return -(-loop.extent // (1 if loop.grain is None else loop.grain.value.data))


def _is_temporary(buffer: SSAValue) -> bool:
    """Whether a buffer is in ordinary memory, outside of all loops."""
    alloc = buffer.owner
    space = memref_type(buffer).memory_space
    return isinstance(alloc, AllocOp) and isinstance(alloc.parent_op(), FuncOp) and isinstance(space, NoneAttr)


def _allocs(block: Block) -> Iterator[AllocOp]:
    for op in block.ops:
        if isinstance(op, AllocOp):
            yield op
        elif isinstance(op, ForOp):
            yield from _allocs(op.body.block)


# Arguments


def _declared_workspaces(function: FuncOp) -> list[AnyMemRef]:
    """What the definition of a declared function works in; from now on the declaration takes it."""
    given = function.attributes.pop(WORKSPACE, None)
    types = list(cast("ArrayAttr[Attribute]", given)) if isinstance(given, ArrayAttr) else []
    for type in types:
        if not isinstance(type, MemRefType) or any(extent < 1 for extent in type.get_shape()):
            name = function.sym_name.data
            raise CompileError(f"function '{name}': expected types of buffers in '{WORKSPACE}', got {type}")
    return [cast(AnyMemRef, type) for type in types]


def _add_arguments(function: FuncOp, types: Sequence[AnyMemRef]) -> None:
    """Appends workspaces to what a function takes."""
    inputs, outputs = function.function_type.inputs.data, function.function_type.outputs.data
    marks = function.arg_attrs.data if function.arg_attrs is not None else (DictionaryAttr({}),) * len(inputs)
    function.function_type = FunctionType.from_lists([*inputs, *types], outputs)
    function.arg_attrs = ArrayAttr([*marks, *[DictionaryAttr({WORKSPACE: UnitAttr()})] * len(types)])
    if not function.is_declaration:
        block = function.body.block
        for type in types:
            block.insert_arg(type, len(block.args))


def _bytes(count: int) -> AnyMemRef:
    return cast(AnyMemRef, MemRefType(i8, [count]))


def _give_arena(function: FuncOp, buffers: Sequence[Buffer], packing: Packing) -> list[AnyMemRef]:
    """One argument for all buffers."""
    types = [_bytes(packing.peak)]
    _add_arguments(function, types)
    arena = function.body.block.args[-1]
    arena.name_hint = "arena"
    for buffer, offset in zip(buffers, packing.offsets, strict=True):
        _replace(buffer, arena, offset)
    return types


def _give_places(
    kernel: FuncOp, buffers: Sequence[Buffer], packing: Packing, slots: Sequence[int | None]
) -> list[AnyMemRef]:
    """An argument for each buffer, or for some that share memory: nothing else aliases what it is."""
    groups = _overlapping(buffers, packing)
    starts = [packing.offsets[group[0]] for group in groups]
    types: list[AnyMemRef] = []
    for group, start in zip(groups, starts, strict=True):
        types.append(_bytes(max(packing.offsets[i] + buffers[i].size for i in group) - start))
    _add_arguments(kernel, types)
    for group, start, argument in zip(groups, starts, kernel.body.block.args[-len(groups) :], strict=True):
        argument.name_hint = "workspace"
        for i in group:
            alloc = buffers[i].alloc
            assert isinstance(alloc, AllocOp)
            alloc.place(argument, packing.offsets[i] - start, slots[i])
    return types


def _overlapping(buffers: Sequence[Buffer], packing: Packing) -> list[list[int]]:
    """Buffers grouped such that groups do not overlap, each by offset."""
    groups: list[list[int]] = []
    end = 0
    for i in sorted(range(len(buffers)), key=lambda i: (packing.offsets[i], i)):
        if not groups or packing.offsets[i] >= end:
            groups.append([])
        groups[-1].append(i)
        end = max(end, packing.offsets[i] + buffers[i].size)
    return groups


def _replace(buffer: Buffer, arena: SSAValue, offset: int) -> None:
    """Makes a view of a buffer."""
    alloc = buffer.alloc
    block = alloc.parent
    assert block is not None
    name = alloc.sym_name.data if isinstance(alloc, AllocOp) else buffer.value.name_hint or "buffer"
    view = ViewOp(name, arena, offset, buffer.type)
    view.buffer.name_hint = buffer.value.name_hint
    block.insert_op_before(view, alloc)
    for dealloc in deallocs_of(buffer):
        home = dealloc.parent
        assert home is not None
        home.erase_op(dealloc)
    buffer.value.replace_all_uses_with(view.buffer)
    block.erase_op(alloc)


@dataclass(frozen=True)
class LoopPlanMemoryPass(ModulePass):
    """Plan all memory that functions need beside their arguments, once they are scheduled.

    Before → after: `loop.alloc "t" : …` in a kernel → `loop.alloc "t" in %workspace[0] of memref<8192xi8> : …`, and
    `memref.alloc` in `@main` → `loop.view "b" %arena[4096] : memref<12288xi8> to …`, into arguments `loop.workspace`.
    What lives at the same time does not overlap.
    """

    name = "loop-plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        plan_memory(op)
