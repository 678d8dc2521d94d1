"""`loop-plan-memory`: what functions allocate for themselves becomes memory that they are given.

Callees come first. A kernel's large buffers become arguments, `loop.workspace`: each its own, or, where some lie in the
same memory because they live at different times, bytes with views into them. A function that calls kernels gets one
arena for its buffers and for what its callees work in. What is asked for in the end are the workspaces of the entry.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    UnitAttr,
    i8,
    i64,
)
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass

from ...dialects.loop import LIVE_BYTES, WORKSPACE, AllocOp, ViewOp
from .memory.liveness import Alloc, Buffer, calls_in, deallocs_of, function_buffers, positions
from .memory.packing import Packing, Request, live_bytes, pack

ON_STACK = 4096
"""A kernel's buffers of less bytes than this stay: they go on the stack, and may become registers."""
ENTRY = "main"

AnyMemRef: TypeAlias = MemRefType[Attribute]


def plan_memory(module: ModuleOp) -> None:
    """Plans the memory of every function whose callers are known: of private ones, and of the entry."""
    planner = _Planner(module)
    for name in planner.functions:
        planner.visit(name)


def workspaces_of(function: FuncOp) -> list[AnyMemRef]:
    """The types of the memory that a function is given to work in, which are its last arguments."""
    attributes = function.arg_attrs.data if function.arg_attrs is not None else ()
    marked = zip(function.function_type.inputs.data, attributes, strict=False)
    return [cast(AnyMemRef, type) for type, marks in marked if WORKSPACE in marks.data]


def declaration_of(function: FuncOp, name: str | None = None) -> FuncOp:
    """A declaration that stands for a planned kernel where its callers are planned: it takes what the kernel took
    before, and says what else the kernel needs."""
    workspaces = workspaces_of(function)
    kept = len(function.function_type.inputs.data) - len(workspaces)
    declaration = FuncOp.external(name or function.sym_name.data, function.function_type.inputs.data[:kept], [])
    if function.arg_attrs is not None:
        declaration.arg_attrs = ArrayAttr(function.arg_attrs.data[:kept])
    if workspaces:
        declaration.attributes[WORKSPACE] = ArrayAttr(workspaces)
        declaration.attributes[LIVE_BYTES] = function.attributes[LIVE_BYTES]
    return declaration


class _Planner:
    def __init__(self, module: ModuleOp) -> None:
        self.functions = {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp)}
        self.calls: dict[str, list[CallOp]] = {name: [] for name in self.functions}
        for function in self.functions.values():
            for call in calls_in(function):
                self.calls.get(_callee(call), []).append(call)
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
        new = CallOp(call.callee, operands, [])
        home = call.parent
        assert home is not None
        home.insert_op_before(new, call)
        home.erase_op(call)

    def plan(self, function: FuncOp) -> list[AnyMemRef]:
        """Makes arguments of a function's buffers; gives their types."""
        if len(function.body.blocks) != 1:
            return []
        times = positions(function)
        calls = calls_in(function)
        buffers = function_buffers(function, times)
        if not calls:
            buffers = [buffer for buffer in buffers if buffer.size >= ON_STACK]
        if not buffers:
            return []
        packing = pack([buffer.request for buffer in buffers])
        function.attributes[LIVE_BYTES] = IntegerAttr(self.live_bytes(buffers), i64)
        return _give_arena(function, buffers, packing) if calls else _give_buffers(function, buffers, packing)

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
                live = self.functions[callee].attributes[LIVE_BYTES]
                assert isinstance(live, IntegerAttr)
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


# Arguments


def _declared_workspaces(function: FuncOp) -> list[AnyMemRef]:
    """What the definition of a declared function works in; from now on the declaration takes it."""
    types = function.attributes.pop(WORKSPACE, None)
    return list(cast("ArrayAttr[AnyMemRef]", types)) if isinstance(types, ArrayAttr) else []


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


def _give_buffers(function: FuncOp, buffers: Sequence[Buffer], packing: Packing) -> list[AnyMemRef]:
    """An argument for each buffer, or for some that share memory: nothing else aliases what it is."""
    groups = _overlapping(buffers, packing)
    types: list[AnyMemRef] = []
    for group in groups:
        end = max(packing.offsets[i] + buffers[i].size for i in group)
        types.append(buffers[group[0]].type if len(group) == 1 else _bytes(end - packing.offsets[group[0]]))
    _add_arguments(function, types)
    for group, argument in zip(groups, function.body.block.args[-len(groups) :], strict=True):
        if len(group) == 1:
            argument.name_hint = buffers[group[0]].value.name_hint
            _replace(buffers[group[0]], argument, None)
            continue
        argument.name_hint = "workspace"
        for i in group:
            _replace(buffers[i], argument, packing.offsets[i] - packing.offsets[group[0]])
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


def _replace(buffer: Buffer, memory: SSAValue, offset: int | None) -> None:
    """Puts a buffer into given memory: at an offset in bytes, or as that memory itself."""
    alloc = buffer.alloc
    block = alloc.parent
    assert block is not None
    new = memory
    if offset is not None:
        name = alloc.sym_name.data if isinstance(alloc, AllocOp) else buffer.value.name_hint or "buffer"
        view = ViewOp(name, memory, offset, buffer.type)
        view.buffer.name_hint = buffer.value.name_hint
        block.insert_op_before(view, alloc)
        new = view.buffer
    for dealloc in deallocs_of(buffer):
        home = dealloc.parent
        assert home is not None
        home.erase_op(dealloc)
    buffer.value.replace_all_uses_with(new)
    block.erase_op(alloc)


@dataclass(frozen=True)
class LoopPlanMemoryPass(ModulePass):
    """Plan all memory that functions need beside their arguments, once they are scheduled.

    Before → after: `loop.alloc`s of a kernel and `memref.alloc`s of `@main` → arguments `loop.workspace`: buffers, or
    bytes and `loop.view`s into them, such that what lives at the same time does not overlap.
    """

    name = "loop-plan-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        plan_memory(op)
