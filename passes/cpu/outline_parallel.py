"""`cpu-outline-parallel`: each `cpu.parallel` becomes a function over a range of iterations, run by OpenMP's threads.

Before:

    cpu.parallel %i : 128 grain 4 { … %A … }

After, with nothing left but upstream dialects:

    func.func private @kernel_par0(%lo: index, %hi: index, %A: memref<…>)  // the loop, from lo to hi
    llvm.func internal @kernel_par0_thunk(%data: !llvm.ptr)                 // a thread's share of the range
    …
    %threads = func.call @stepwell_team_size(%chunks)
    scf.if (%threads <= 1) { func.call @kernel_par0(0, 128, %A) } else { llvm.call @GOMP_parallel(…) }

How many threads there are is read from the global `@stepwell_threads` when the program runs; 0 leaves it to OpenMP.
A parallel loop inside of another one is a serial loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from xdsl.context import Context
from xdsl.dialects import affine, arith, func, llvm, memref, scf
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    UnitAttr,
    UnrealizedConversionCastOp,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineMap, AffineSymExpr
from xdsl.passes import ModulePass

from ...dialects import cpu
from ...dialects.loop import OUTPUT
from ...errors import CompileError

THREADS = "stepwell_threads"
"""The global that holds the number of threads to use; 0 is OpenMP's own choice."""
TEAM_SIZE = "stepwell_team_size"

_ALIGNMENT = 1
"""What may be relied on where captured values are kept: a wide vector's own alignment is more than a stack's."""
_INDEX = IndexType()
_POINTER = llvm.LLVMPointerType()
_RUNTIME = {
    "GOMP_parallel": llvm.LLVMFunctionType((_POINTER, _POINTER, i32, i32)),
    "omp_get_max_threads": llvm.LLVMFunctionType((), i32),
    "omp_get_num_threads": llvm.LLVMFunctionType((), i32),
    "omp_get_thread_num": llvm.LLVMFunctionType((), i32),
}


@dataclass
class _Code:
    """Appends operations to a block."""

    block: Block

    def add(self, op: Operation) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]

    def do(self, op: Operation) -> None:
        self.block.add_op(op)

    def index(self, value: int) -> SSAValue:
        return self.add(arith.ConstantOp(IntegerAttr(value, _INDEX)))

    def int32(self, value: int) -> SSAValue:
        return self.add(arith.ConstantOp(IntegerAttr(value, i32)))


@dataclass
class _Captures:
    """What the body of a parallel loop uses from outside of it."""

    values: list[SSAValue] = field(default_factory=list[SSAValue])
    cloned: list[Operation] = field(default_factory=list[Operation])
    uses: list[tuple[Operation, int]] = field(default_factory=list[tuple[Operation, int]])

    @staticmethod
    def of(parallel: cpu.ParallelOp) -> _Captures:
        captures = _Captures()
        seen: set[SSAValue] = set()
        inside: set[Block] = {parallel.body.block}
        for op in parallel.walk():
            inside.update(block for region in op.regions for block in region.blocks)
        for op in parallel.body.block.walk():
            for position, operand in enumerate(op.operands):
                owner = operand.owner
                block = owner if isinstance(owner, Block) else owner.parent_block()
                if block in inside:
                    continue
                captures.uses.append((op, position))
                if operand in seen:
                    continue
                seen.add(operand)
                if isinstance(owner, arith.ConstantOp | memref.GetGlobalOp):
                    captures.cloned.append(owner)
                else:
                    captures.values.append(operand)
        return captures


def outline_parallel_loops(module: ModuleOp) -> None:
    """Outlines every `cpu.parallel` of a module, in place."""
    names = {op.sym_name.data for op in module.ops if isinstance(op, func.FuncOp | llvm.FuncOp)}
    outlined = False
    for function in tuple(op for op in module.ops if isinstance(op, func.FuncOp)):
        number = 0
        for parallel in _outermost(function.body):
            for nested in tuple(op for op in parallel.body.walk() if isinstance(op, cpu.ParallelOp)):
                if nested.slots is not None:
                    raise CompileError("expected no slots of a parallel loop inside of another one, got some")
                serialize(nested)
            while (name := f"{function.sym_name.data}_par{number}") in names:
                number += 1
            names.add(name)
            _outline(module, function, parallel, name)
            outlined = True
    if outlined:
        _declare_runtime(module)


def _outermost(region: Region) -> list[cpu.ParallelOp]:
    """The parallel loops in a region that are not inside of another one."""
    found: list[cpu.ParallelOp] = []
    for block in region.blocks:
        for op in block.ops:
            if isinstance(op, cpu.ParallelOp):
                found.append(op)
            else:
                for inner in op.regions:
                    found.extend(_outermost(inner))
    return found


def serialize(parallel: cpu.ParallelOp) -> None:
    """Turns a parallel loop into a serial one."""
    block = parallel.parent
    assert block is not None
    body = parallel.detach_region(parallel.body)
    body.block.add_op(affine.YieldOp.get())
    block.insert_op_before(affine.ForOp.from_region((), (), (), (), 0, parallel.extent.value.data, body), parallel)
    block.erase_op(parallel)


def _outline(module: ModuleOp, function: func.FuncOp, parallel: cpu.ParallelOp, name: str) -> None:
    extent = parallel.extent.value.data
    grain = parallel.grain.value.data if parallel.grain is not None else 1
    captures = _Captures.of(parallel)
    body = _body_function(function, parallel, captures, name)
    thunk = _thunk(captures, name, extent, grain, parallel.slots is not None)
    module.body.block.insert_ops_before((body, thunk), function)
    slots = None if parallel.slots is None else parallel.slots.value.data
    _call_site(function, parallel, captures, name, -(-extent // grain), slots)


def _body_function(function: func.FuncOp, parallel: cpu.ParallelOp, captures: _Captures, name: str) -> func.FuncOp:
    """The loop over a range of iterations, as a function of the range and of what the loop uses."""
    slot = parallel.slot
    bounds = (_INDEX, _INDEX) if slot is None else (_INDEX, _INDEX, _INDEX)
    entry = Block(arg_types=(*bounds, *(value.type for value in captures.values)))
    low, high, *arguments = entry.args
    low.name_hint, high.name_hint = "lo", "hi"
    if slot is not None:
        arguments[0].name_hint = slot.name_hint
        slot.replace_all_uses_with(arguments.pop(0))
        parallel.body.block.erase_arg(parallel.body.block.args[1])
    replacement: dict[SSAValue, SSAValue] = dict(zip(captures.values, arguments, strict=True))
    for old, new in replacement.items():
        new.name_hint = old.name_hint
    for op in captures.cloned:
        copy = op.clone()
        entry.add_op(copy)
        replacement[op.results[0]] = copy.results[0]
    for op, position in captures.uses:
        op.operands[position] = replacement[op.operands[position]]
    extent = parallel.extent.value.data
    body = parallel.detach_region(parallel.body)
    body.block.add_op(affine.YieldOp.get())
    # The bounds say again what the thunk ensures: index arithmetic on the induction variable needs no sign.
    lower = AffineMapAttr(AffineMap(0, 1, (AffineSymExpr(0), AffineConstantExpr(0))))
    upper = AffineMapAttr(AffineMap(0, 1, (AffineSymExpr(0), AffineConstantExpr(extent))))
    entry.add_op(affine.ForOp.from_region((low,), (high,), (), (), lower, upper, body))
    entry.add_op(func.ReturnOp())
    types = FunctionType.from_lists(entry.arg_types, ())
    none = [DictionaryAttr({})] * len(bounds)
    attributes = [*none, *(_attributes_of(function, value) for value in captures.values)]
    return func.FuncOp(name, types, Region(entry), "private", arg_attrs=ArrayAttr(attributes))


def _attributes_of(function: func.FuncOp, value: SSAValue) -> DictionaryAttr:
    """What is known of a captured argument holds inside of the loop, too. A buffer of the function's own is none of its
    inputs: it may be written."""
    if function.arg_attrs is None:
        return DictionaryAttr({})
    if isinstance(value, BlockArgument) and value.block is function.body.blocks[0]:
        return function.arg_attrs.data[value.index]
    return DictionaryAttr({OUTPUT: UnitAttr()} if isinstance(value.type, MemRefType) else {})


def _stored_type(type: Attribute) -> Attribute:
    """How a captured value travels in memory."""
    if isinstance(type, MemRefType):
        return _POINTER
    return i64 if isinstance(type, IndexType) else type


def _frame_type(captures: _Captures) -> llvm.LLVMStructType:
    return llvm.LLVMStructType.from_type_list([_stored_type(value.type) for value in captures.values])


def _thunk(captures: _Captures, name: str, extent: int, grain: int, has_slot: bool) -> llvm.FuncOp:
    """What a thread runs: its own range of iterations, in whole grains, as even as can be."""
    entry = Block(arg_types=(_POINTER,))
    code = _Code(entry)
    thread = code.add(_runtime_call("omp_get_thread_num"))
    threads = code.add(_runtime_call("omp_get_num_threads"))
    thread, threads = (code.add(arith.IndexCastOp(value, _INDEX)) for value in (thread, threads))
    entry.args[0].name_hint, thread.name_hint, threads.name_hint = "data", "thread", "threads"
    next_thread = code.add(arith.AddiOp(thread, code.index(1)))
    chunks = code.index(-(-extent // grain))
    bounds: list[SSAValue] = []
    for position in (thread, next_thread):
        chunk = code.add(arith.DivUIOp(code.add(arith.MuliOp(position, chunks)), threads))
        bounds.append(code.add(arith.MuliOp(chunk, code.index(grain))) if grain != 1 else chunk)
    low, high = bounds
    if extent % grain:
        high = code.add(arith.MinSIOp(high, code.index(extent)))
    low.name_hint, high.name_hint = "lo", "hi"
    frame = _frame_type(captures)
    arguments = [
        _unpack(code, entry.args[0], frame, position, value.type) for position, value in enumerate(captures.values)
    ]
    slot = (thread,) if has_slot else ()
    code.do(func.CallOp(name, (low, high, *slot, *arguments), ()))
    code.do(llvm.ReturnOp())
    type = llvm.LLVMFunctionType((_POINTER,))
    return llvm.FuncOp(f"{name}_thunk", type, llvm.LinkageAttr("internal"), body=Region(entry))


def _unpack(code: _Code, data: SSAValue, frame: llvm.LLVMStructType, position: int, type: Attribute) -> SSAValue:
    pointer = code.add(llvm.GEPOp(data, (0, position), frame))
    value = code.add(llvm.LoadOp(pointer, _stored_type(type), _ALIGNMENT))
    if isinstance(type, MemRefType):
        return code.add(
            UnrealizedConversionCastOp.create(operands=(value,), result_types=cast("list[Attribute]", [type]))
        )
    return code.add(arith.IndexCastOp(value, _INDEX)) if isinstance(type, IndexType) else value


def _call_site(
    function: func.FuncOp,
    parallel: cpu.ParallelOp,
    captures: _Captures,
    name: str,
    chunks: int,
    slots: int | None,
) -> None:
    """Runs the whole range here, or shares it among threads, no more of them than chunks or slots."""
    block = parallel.parent
    assert block is not None
    before = _Code(Block())
    zero, extent = before.index(0), before.index(parallel.extent.value.data)
    here = Block()
    slot = () if slots is None else (zero,)
    here.add_op(func.CallOp(name, (zero, extent, *slot, *captures.values), ()))
    if slots is not None:
        chunks = min(chunks, slots)
    if chunks <= 1:
        ops = (*before.block.ops, *here.ops)
    else:
        threads = before.add(func.CallOp(TEAM_SIZE, (before.int32(min(chunks, 2**31 - 1)),), (i32,)))
        serial = before.add(arith.CmpiOp(threads, before.int32(1), "sle"))
        here.add_op(scf.YieldOp())
        shared = _Code(Block())
        _pack_and_fork(shared, _frame(function, captures), captures, name, threads)
        ops = (*before.block.ops, scf.IfOp(serial, (), Region(here), Region(shared.block)))
    for op in ops:
        op.detach() if op.parent else None
    block.insert_ops_before(ops, parallel)
    block.erase_op(parallel)


def _frame(function: func.FuncOp, captures: _Captures) -> SSAValue:
    """Memory for what the loop uses, allocated once where the function starts."""
    one = llvm.ConstantOp(IntegerAttr(1, i64), i64)
    frame = llvm.AllocaOp(one, _frame_type(captures), 16)
    entry = function.body.blocks[0]
    assert entry.first_op is not None
    entry.insert_ops_before((one, frame), entry.first_op)
    return frame.res


def _pack_and_fork(code: _Code, frame: SSAValue, captures: _Captures, name: str, threads: SSAValue) -> None:
    type = _frame_type(captures)
    for position, value in enumerate(captures.values):
        stored = value
        if isinstance(value.type, MemRefType):
            stored = code.add(UnrealizedConversionCastOp.get((value,), (_POINTER,)))
        elif isinstance(value.type, IndexType):
            stored = code.add(arith.IndexCastOp(value, i64))
        code.do(llvm.StoreOp(stored, code.add(llvm.GEPOp(frame, (0, position), type)), _ALIGNMENT))
    thunk = code.add(llvm.AddressOfOp(f"{name}_thunk", _POINTER))
    code.do(_runtime_call("GOMP_parallel", thunk, frame, threads, code.int32(0)))
    code.do(scf.YieldOp())


def _runtime_call(name: str, *operands: SSAValue) -> llvm.CallOp:
    type = _RUNTIME[name]
    result = None if isinstance(type.output, llvm.LLVMVoidType) else type.output
    return llvm.CallOp(name, *operands, return_type=result)


def _declare_runtime(module: ModuleOp) -> None:
    """The functions of the OpenMP runtime, and the choice of how many threads to use: weak, so that one global serves
    all objects of a program."""
    present = {op.sym_name.data for op in module.ops if isinstance(op, llvm.FuncOp | llvm.GlobalOp | func.FuncOp)}
    ops: list[Operation] = []
    if THREADS not in present:
        ops.append(llvm.GlobalOp(i32, THREADS, "weak", value=IntegerAttr(0, i32)))
    external = llvm.LinkageAttr("external")
    ops.extend(llvm.FuncOp(name, type, external) for name, type in _RUNTIME.items() if name not in present)
    if TEAM_SIZE not in present:
        ops.append(_team_size())
    first = module.body.block.first_op
    assert first is not None
    module.body.block.insert_ops_before(ops, first)


def _team_size() -> func.FuncOp:
    """`min(chunks, threads to use)`."""
    entry = Block(arg_types=(i32,))
    code = _Code(entry)
    wanted = code.add(llvm.LoadOp(code.add(llvm.AddressOfOp(THREADS, _POINTER)), i32))
    unset = code.add(arith.CmpiOp(wanted, code.int32(0), "eq"))
    ask, given = _Code(Block()), _Code(Block())
    ask.do(scf.YieldOp(ask.add(_runtime_call("omp_get_max_threads"))))
    given.do(scf.YieldOp(wanted))
    threads = code.add(scf.IfOp(unset, (i32,), Region(ask.block), Region(given.block)))
    code.do(func.ReturnOp(code.add(arith.MinSIOp(threads, entry.args[0]))))
    return func.FuncOp(TEAM_SIZE, FunctionType.from_lists((i32,), (i32,)), Region(entry), "private")


@dataclass(frozen=True)
class OutlineParallelPass(ModulePass):
    """Outlines `cpu.parallel` loops into functions that OpenMP's threads run."""

    name = "cpu-outline-parallel"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        outline_parallel_loops(op)
