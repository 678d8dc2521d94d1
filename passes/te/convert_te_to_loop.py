"""`convert-te-to-loop`: tensors to buffers, tensor expressions to nests of loops around blocks.

Between patterns the IR is legal: `bufferization.to_tensor` stands where a tensor's buffer exists already, and
`bufferization.materialize_in_destination` where a function's output is still a tensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.bufferization import MaterializeInDestinationOp, ToBufferOp, ToTensorOp
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DictionaryAttr,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnitAttr,
)
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from ...dialects import loop, te
from ...dialects.loop import IteratorKind
from ...errors import CompileError
from ..function_pass import functions
from .te_specialize import symbols_of

_INDEX = IndexType()


@dataclass(frozen=True)
class Place:
    """Where a tensor's elements are: a buffer, or the row of a state that a scan's step computes."""

    buffer: SSAValue
    row: AffineExpr | None = None
    """The first index, an expression of the step (dimension 0)."""


def buffer_type(tensor: Attribute) -> MemRefType:
    """The type of the buffer that holds a tensor of a static shape."""
    assert isinstance(tensor, TensorType)
    static = cast(te.AnyTensor, tensor)
    return MemRefType(static.element_type, static.get_shape())


def _shape(buffer: SSAValue) -> tuple[int, ...]:
    return cast(MemRefType, buffer.type).get_shape()


# Functions


class ConvertFunction(RewritePattern):
    """`(tensors) -> tensors` → `(memrefs, memrefs {loop.output})`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: func.FuncOp, rewriter: PatternRewriter) -> None:
        if op.is_declaration or not _has_tensors(op):
            return
        inputs, outputs = op.function_type.inputs.data, op.function_type.outputs.data
        block = op.body.block
        for index, type in enumerate(inputs):
            if isinstance(type, TensorType):
                _convert_argument(block, index, rewriter)
        return_op = block.last_op
        assert isinstance(return_op, func.ReturnOp)
        for value in return_op.arguments:
            destination = block.insert_arg(buffer_type(value.type), len(block.args))
            destination.name_hint = value.name_hint or "out"
            rewriter.insert(
                MaterializeInDestinationOp.create(
                    operands=[value, destination], properties={"writable": UnitAttr(), "restrict": UnitAttr()}
                ),
                InsertPoint.before(return_op),
            )
        rewriter.replace(return_op, func.ReturnOp(), ())
        op.function_type = FunctionType.from_lists(block.arg_types, [])
        _convert_attributes(op, len(inputs), len(outputs))
        rewriter.has_done_action = True


def _convert_argument(block: Block, index: int, rewriter: PatternRewriter) -> None:
    old = block.args[index]
    new = block.insert_arg(buffer_type(old.type), index)
    new.name_hint = old.name_hint
    to_tensor = ToTensorOp(new, restrict=True)
    to_tensor.tensor.name_hint = old.name_hint
    rewriter.insert(to_tensor, InsertPoint.at_start(block))
    old.replace_all_uses_with(to_tensor.tensor)
    block.erase_arg(old)


def _convert_attributes(op: func.FuncOp, num_inputs: int, num_outputs: int) -> None:
    none = DictionaryAttr({})
    inputs = [none] * num_inputs if op.arg_attrs is None else list(op.arg_attrs)
    outputs = [none] * num_outputs if op.res_attrs is None else list(op.res_attrs)
    outputs = [DictionaryAttr({**attributes.data, loop.OUTPUT: UnitAttr()}) for attributes in outputs]
    op.arg_attrs = ArrayAttr([*inputs, *outputs])
    op.res_attrs = None


class ConvertCall(RewritePattern):
    """A call from tensors to tensors → a call that writes into buffers of its own, or into outputs."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: func.CallOp, rewriter: PatternRewriter) -> None:
        types = [value.type for value in (*op.arguments, *op.results)]
        if not any(isinstance(type, TensorType) for type in types):
            return
        operands = [
            _buffer_of(value, rewriter) if isinstance(value.type, TensorType) else value for value in op.arguments
        ]
        buffers = [_output_of(result, rewriter) or _allocate(result, op, rewriter) for result in op.results]
        rewriter.insert(func.CallOp(op.callee, [*operands, *buffers], []))
        rewriter.replace(op, tensors := [ToTensorOp(buffer) for buffer in buffers], [t.tensor for t in tensors])


def _allocate(tensor: SSAValue, call: func.CallOp, rewriter: PatternRewriter) -> SSAValue:
    """A buffer that lives until the function returns."""
    type = buffer_type(tensor.type)
    alloc = memref.AllocOp.get(type.element_type, None, type.get_shape())
    alloc.memref.name_hint = tensor.name_hint
    rewriter.insert(alloc)
    assert call.parent is not None
    assert call.parent.last_op is not None
    rewriter.insert(memref.DeallocOp.get(alloc.memref), InsertPoint.before(call.parent.last_op))
    return alloc.memref


# Buffers of tensors


def _buffer_of(tensor: SSAValue, rewriter: PatternRewriter) -> SSAValue:
    """The buffer that holds `tensor`."""
    if isinstance(tensor.owner, ToTensorOp):
        return tensor.owner.memref
    to_buffer = ToBufferOp.create(
        operands=[tensor], result_types=[buffer_type(tensor.type)], properties={"read_only": UnitAttr()}
    )
    rewriter.insert(to_buffer, InsertPoint.after(tensor.owner) if isinstance(tensor.owner, Operation) else None)
    return to_buffer.memref


def _output_of(tensor: SSAValue, rewriter: PatternRewriter) -> SSAValue | None:
    """The function's output that `tensor` is to be written to, if any, in its shape; nothing else writes it then."""
    outputs = {op.dest.index: op for op in _written_to(tensor) if isinstance(op.dest, BlockArgument)}
    if not outputs:
        return None
    first = outputs[min(outputs)]
    destination, type = first.dest, buffer_type(tensor.type)
    rewriter.erase(first)
    if destination.type == type:
        return destination
    view = _view(destination, type)
    assert isinstance(destination.owner, Block)
    rewriter.insert(view, InsertPoint.at_start(destination.owner))
    return view.result


def _written_to(tensor: SSAValue) -> Iterator[MaterializeInDestinationOp]:
    """What writes a tensor, or a reshape of it, to outputs."""
    for use in tensor.uses:
        if isinstance(use.operation, MaterializeInDestinationOp):
            yield use.operation
        elif isinstance(use.operation, te.ReshapeOp):
            yield from _written_to(use.operation.result)


def _destination(tensor: SSAValue, name: str, rewriter: PatternRewriter) -> SSAValue:
    output = _output_of(tensor, rewriter)
    if output is not None:
        return output
    alloc = loop.AllocOp(name, buffer_type(tensor.type))
    alloc.buffer.name_hint = tensor.name_hint
    rewriter.insert(alloc)
    return alloc.buffer


def _destinations(op: te.ComputeOp | te.ScanOp, rewriter: PatternRewriter) -> list[SSAValue]:
    name = op.te_name.data
    names = [name] if len(op.res) == 1 else [f"{name}_{i}" for i in range(len(op.res))]
    return [_destination(result, own, rewriter) for result, own in zip(op.res, names, strict=True)]


class FoldToBuffer(RewritePattern):
    """The buffer of a buffer's tensor is that buffer."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ToBufferOp, rewriter: PatternRewriter) -> None:
        if isinstance(op.tensor.owner, ToTensorOp):
            rewriter.replace(op, (), [op.tensor.owner.memref])


class EraseDeadToTensor(RewritePattern):
    """A buffer that nothing needs as a tensor any more."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ToTensorOp, rewriter: PatternRewriter) -> None:
        if not op.tensor.uses:
            rewriter.erase(op)


class ConvertReshape(RewritePattern):
    """Another shape → another type of the same buffer."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: te.ReshapeOp, rewriter: PatternRewriter) -> None:
        view = _view(_buffer_of(op.operand, rewriter), buffer_type(op.result.type))
        view.result.name_hint = op.result.name_hint
        rewriter.replace(op, [view, to_tensor := ToTensorOp(view.result)], [to_tensor.tensor])


def _view(buffer: SSAValue, type: MemRefType) -> memref.ReinterpretCastOp:
    """A buffer under another type."""
    shape = type.get_shape()
    strides = [prod(shape[dim + 1 :]) for dim in range(len(shape))]
    return memref.ReinterpretCastOp.from_dynamic(buffer, [0], shape, strides, type)


class ConvertOutput(RewritePattern):
    """An output whose elements are in another buffer: a copy block, or, beside calls, a `memref.copy`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaterializeInDestinationOp, rewriter: PatternRewriter) -> None:
        if isinstance(op.source.owner, te.ComputeOp | te.ScanOp | te.ReshapeOp | func.CallOp):
            return
        source = _buffer_of(op.source, rewriter)
        if op.parent is not None and any(isinstance(other, func.CallOp) for other in op.parent.ops):
            rewriter.replace(op, memref.CopyOp(source, op.dest))
            return
        rewriter.replace(op, _copy_nest(source, op.dest, _shape(source)), ())


# Computes


class ConvertCompute(RewritePattern):
    """`te.compute` → `loop.for`s around a `loop.block`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: te.ComputeOp, rewriter: PatternRewriter) -> None:
        if isinstance(op.parent_op(), te.ScanOp):
            return
        buffers = _destinations(op, rewriter)
        sources = {tensor: Place(_buffer_of(tensor, rewriter)) for tensor in _tensors_read(op)}
        nest = _convert_compute(op, [Place(buffer) for buffer in buffers], sources, rewriter)
        rewriter.insert(nest)
        rewriter.replace(op, tensors := [ToTensorOp(buffer) for buffer in buffers], [t.tensor for t in tensors])


def _tensors_read(op: Operation) -> list[SSAValue]:
    """The tensors that `op` reads or takes, from outside of it."""
    tensors = {
        operand: None
        for inner in op.walk()
        for operand in inner.operands
        if isinstance(operand.type, TensorType) and not _is_inside(operand, op)
    }
    return list(tensors)


def _is_inside(value: SSAValue, op: Operation) -> bool:
    owner = value.owner if isinstance(value.owner, Operation) else value.owner.parent_op()
    return owner is not None and op.is_ancestor(owner)


def _convert_compute(
    op: te.ComputeOp,
    destinations: Sequence[Place],
    sources: Mapping[SSAValue, Place],
    rewriter: PatternRewriter,
    step: tuple[BlockArgument, loop.ForOp] | None = None,
) -> Operation:
    """The nest of a compute that writes to `destinations`; inside of a scan, `step` is its iterator and its loop."""
    extents = [extent.constant for extent in op.extents.data]
    kinds = [IteratorKind(kind.data) for kind in op.iterator_kinds]
    num_spatial = op.num_spatial
    combiner = op.combiner
    body = op.detach_region(op.body)
    block = body.block
    nest = _Nest(extents)
    loops = list(nest.variables)
    own = list(block.args)
    _name_iterators(own, nest.variables)
    row = None
    if step is not None and _needs_step(body, destinations, sources, step[0]):
        iterator, step_loop = step
        row = block.insert_arg(_INDEX, 0)
        _name_iterators([row], [step_loop.induction_variable])
        _replace_inside(body, iterator, row)
        ordered = any(place.row is not None for place in destinations)
        kinds.insert(0, IteratorKind.ORDERED if ordered else IteratorKind.SPATIAL)
        extents.insert(0, step_loop.extent)
        loops.insert(0, step_loop.induction_variable)
    _convert_reads(body, sources, row, rewriter)
    _convert_yield(op, block, own[:num_spatial], destinations, row, combiner, rewriter)
    statement = loop.BlockOp("", kinds, extents, AffineMap.identity(len(loops)), loops, body, op.te_name.data)
    statement.location = op.location
    nest.body.add_op(statement)
    return nest.outermost


def _name_iterators(iterators: Sequence[SSAValue], loops: Sequence[SSAValue]) -> None:
    """`%i` is a loop, `%vi` the iterator that it binds."""
    for position, (iterator, variable) in enumerate(zip(iterators, loops, strict=True)):
        variable.name_hint = variable.name_hint or iterator.name_hint or f"i{position}"
        iterator.name_hint = f"v{variable.name_hint}"


class _Nest:
    """Loops of some extents inside of one another; `body` is where their block goes."""

    def __init__(self, extents: Sequence[int]) -> None:
        self.loops = [loop.ForOp(extent) for extent in extents]
        for outer, inner in zip(self.loops, self.loops[1:], strict=False):
            outer.body.block.add_op(inner)
        self.body = self.loops[-1].body.block if self.loops else Block()

    @property
    def variables(self) -> list[SSAValue]:
        """The induction variables, from the outermost on."""
        return [loop.induction_variable for loop in self.loops]

    @property
    def outermost(self) -> Operation:
        """The outermost loop; the block itself where there is no loop."""
        if self.loops:
            return self.loops[0]
        block = self.body.last_op
        assert block is not None
        block.detach()
        return block


def _needs_step(
    body: Region, destinations: Sequence[Place], sources: Mapping[SSAValue, Place], iterator: BlockArgument
) -> bool:
    if any(place.row is not None for place in destinations):
        return True
    for op in body.walk():
        for operand in op.operands:
            if operand is iterator or (operand in sources and sources[operand].row is not None):
                return True
    return False


def _replace_inside(body: Region, old: SSAValue, new: SSAValue) -> None:
    for op in body.walk():
        for index, operand in enumerate(op.operands):
            if operand is old:
                op.operands[index] = new


def _convert_reads(
    body: Region, sources: Mapping[SSAValue, Place], row: SSAValue | None, rewriter: PatternRewriter
) -> None:
    for op in list(body.walk()):
        if isinstance(op, te.ReadOp):
            read = _converted_read(op, sources[op.tensor], row)
            read.result.name_hint = op.result.name_hint
            rewriter.replace(op, read)


def _converted_read(op: te.ReadOp, place: Place, row: SSAValue | None) -> loop.ReadOp:
    map, indices = op.map.data, list(op.indices)
    if place.row is not None:
        assert row is not None
        map, indices = _with_row(map, indices, place.row, row)
    return loop.ReadOp(place.buffer, map, indices, loop.OutOfRange(op.out_of_range))


def _with_row(
    map: AffineMap, indices: Sequence[SSAValue], row: AffineExpr, step: SSAValue
) -> tuple[AffineMap, list[SSAValue]]:
    """An access with `row` of the step as a new first index."""
    if step in indices:
        position, operands = list(indices).index(step), list(indices)
    else:
        position, operands = len(indices), [*indices, step]
    first = row.replace_dims_and_symbols([AffineDimExpr(position)], [])
    return AffineMap(len(operands), 0, (first, *map.results)), operands


def _convert_yield(
    op: te.ComputeOp,
    block: Block,
    spatial: Sequence[SSAValue],
    destinations: Sequence[Place],
    row: SSAValue | None,
    combiner: Region | None,
    rewriter: PatternRewriter,
) -> None:
    """Writes the values that the body yields, or reduces them."""
    terminator = block.last_op
    assert isinstance(terminator, te.YieldOp)
    values = list(terminator.arguments)
    rewriter.erase(terminator)
    accesses = [_write_access(place, spatial, row) for place in destinations]
    if combiner is None:
        for value, place, (map, indices) in zip(values, destinations, accesses, strict=True):
            block.add_op(loop.WriteOp(value, place.buffer, map, indices))
        return
    assert op.identity is not None
    init = Block()
    for identity, place, (map, indices) in zip(op.identity, destinations, accesses, strict=True):
        constant = ConstantOp(cast("FloatAttr | IntegerAttr", identity))
        init.add_ops([constant, loop.WriteOp(constant.result, place.buffer, map, indices)])
    _insert_first(block, loop.InitOp(Region(init)))
    assert all(place.row == destinations[0].row for place in destinations), "a reduction's results are at one index"
    buffers = [place.buffer for place in destinations]
    block.add_op(_converted_reduce(op, combiner, values, buffers, *accesses[0], rewriter))


def _insert_first(block: Block, op: Operation) -> None:
    if block.first_op is None:
        block.add_op(op)
    else:
        block.insert_op_before(op, block.first_op)


def _write_access(place: Place, spatial: Sequence[SSAValue], row: SSAValue | None) -> tuple[AffineMap, list[SSAValue]]:
    map = AffineMap.identity(len(spatial))
    if place.row is None:
        return map, list(spatial)
    assert row is not None
    return _with_row(map, spatial, place.row, row)


def _converted_reduce(
    op: te.ComputeOp,
    combiner: Region,
    values: Sequence[SSAValue],
    buffers: Sequence[SSAValue],
    map: AffineMap,
    indices: Sequence[SSAValue],
    rewriter: PatternRewriter,
) -> loop.ReduceOp:
    assert op.identity is not None
    op.detach_region(combiner)
    terminator = combiner.block.last_op
    assert isinstance(terminator, te.YieldOp)
    combined = list(terminator.arguments)
    rewriter.erase(terminator)
    combiner.block.add_op(loop.YieldOp.create(operands=combined))
    return loop.ReduceOp(
        values,
        buffers,
        map,
        indices,
        combiner,
        op.identity.data,
        associative=op.associative is not None,
        commutative=op.commutative is not None,
        fastmath=op.fastmath,
    )


def _copy_nest(source: SSAValue, destination: SSAValue, shape: Sequence[int], alias: str | None = None) -> Operation:
    """A nest that copies the elements of `source` to the same place of `destination`."""
    nest = _Nest(shape)
    map = AffineMap.identity(len(shape))
    body = Block(arg_types=[_INDEX] * len(shape))
    _name_iterators(body.args, nest.variables)
    read = loop.ReadOp(source, map, body.args)
    body.add_ops([read, loop.WriteOp(read.result, destination, map, body.args)])
    kinds = [IteratorKind.SPATIAL] * len(shape)
    nest.body.add_op(loop.BlockOp("", kinds, shape, map, nest.variables, Region(body), alias))
    return nest.outermost


# Scans


class ConvertScan(RewritePattern):
    """`te.scan` → copies of the initial rows, then a loop over the steps around the nests of its computes."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: te.ScanOp, rewriter: PatternRewriter) -> None:
        buffers = _destinations(op, rewriter)
        inits = [_buffer_of(init, rewriter) for init in op.inits]
        outside = {tensor: Place(_buffer_of(tensor, rewriter)) for tensor in _tensors_read(op)}
        for init, buffer in zip(inits, buffers, strict=True):
            rewriter.insert(_copy_nest(init, buffer, _shape(init), f"{op.te_name.data}_init"))
        rewriter.insert(_convert_steps(op, buffers, [_shape(init)[0] for init in inits], outside, rewriter))
        rewriter.replace(op, tensors := [ToTensorOp(buffer) for buffer in buffers], [t.tensor for t in tensors])


def _convert_steps(
    op: te.ScanOp,
    buffers: Sequence[SSAValue],
    rows: Sequence[int],
    outside: Mapping[SSAValue, Place],
    rewriter: PatternRewriter,
) -> loop.ForOp:
    """The loop over the steps of a scan whose states are in `buffers`, each with so many initial rows."""
    steps = loop.ForOp(op.extent.constant)
    steps.induction_variable.name_hint = op.iterator.name_hint
    body = steps.body.block
    step = (op.iterator, steps)
    sources = dict(outside)
    for state, buffer in zip(op.states, buffers, strict=True):
        sources[state] = Place(buffer)
    yielded = list(op.terminator.arguments)
    row_places = [Place(buffer, AffineDimExpr(0) + count) for buffer, count in zip(buffers, rows, strict=True)]
    for compute in list(op.body.block.ops):
        if not isinstance(compute, te.ComputeOp):
            continue
        rows_of = {result: row_places[yielded.index(result)] for result in compute.res if result in yielded}
        if compute.combiner is not None and len({_row(rows_of.get(result)) for result in compute.res}) > 1:
            rows_of = {}  # the results of one reduction are at one index
        places: list[Place] = []
        for result in compute.res:
            place = rows_of.get(result) or _step_buffer(result, compute.te_name.data, body)
            places.append(place)
            sources[result] = place
        body.add_op(_convert_compute(compute, places, sources, rewriter, step))
    for value, place in zip(yielded, row_places, strict=True):
        if sources[value] != place:
            body.add_op(_copy_row_nest(sources[value], place, steps))
    return steps


def _row(place: Place | None) -> AffineExpr | None:
    return None if place is None else place.row


def _step_buffer(tensor: SSAValue, name: str, body: Block) -> Place:
    """A buffer that lives for one step."""
    alloc = loop.AllocOp(name, buffer_type(tensor.type))
    alloc.buffer.name_hint = tensor.name_hint
    body.add_op(alloc)
    return Place(alloc.buffer)


def _copy_row_nest(source: Place, destination: Place, steps: loop.ForOp) -> Operation:
    """A nest that copies the row of one state that a step computes to that of another state."""
    shape = _shape(destination.buffer)[1:]
    nest = _Nest(shape)
    body = Block(arg_types=[_INDEX] * (len(shape) + 1))
    row, *spatial = body.args
    _name_iterators(body.args, [steps.induction_variable, *nest.variables])
    read = loop.ReadOp(source.buffer, *_write_access(source, spatial, row))
    body.add_ops([read, loop.WriteOp(read.result, destination.buffer, *_write_access(destination, spatial, row))])
    kinds = [IteratorKind.ORDERED, *[IteratorKind.SPATIAL] * len(shape)]
    loops = [steps.induction_variable, *nest.variables]
    extents = [steps.extent, *shape]
    nest.body.add_op(loop.BlockOp("", kinds, extents, AffineMap.identity(len(loops)), loops, Region(body)))
    return nest.outermost


# Names


def name_blocks(function: func.FuncOp) -> None:
    """Gives the function's blocks their canonical names, from role and program order."""
    counts = {"map": 0, "reduce": 0, "scan": 0}
    for block in loop.blocks_in(function):
        if block.has_kind(IteratorKind.ORDERED):
            role = "scan"
        else:
            role = "reduce" if block.has_kind(IteratorKind.REDUCE) else "map"
        block.sym_name = StringAttr(f"{role}{counts[role]}")
        counts[role] += 1


def convert_te_to_loop(module: ModuleOp) -> None:
    """Converts every function of tensors in `module`.

    Raises:
        CompileError: if sizes are symbolic.
    """
    converted = [function for function in functions(module) if _has_tensors(function)]
    for function in converted:
        _check_function(function)
    patterns: list[RewritePattern] = [
        ConvertFunction(),
        ConvertCall(),
        ConvertCompute(),
        ConvertScan(),
        ConvertReshape(),
        ConvertOutput(),
        FoldToBuffer(),
        EraseDeadToTensor(),
    ]
    PatternRewriteWalker(GreedyRewritePatternApplier(patterns)).rewrite_module(module)
    for function in converted:
        name_blocks(function)


def _check_function(function: func.FuncOp) -> None:
    """Checks what the patterns rely on."""
    name = function.sym_name.data
    if symbols := symbols_of(function):
        raise CompileError(
            f"expected concrete sizes in @{name}, got symbols {', '.join(symbols)}; run te-specialize first"
        )
    if len(function.body.blocks) != 1:
        raise CompileError(f"expected one block in @{name}, got {len(function.body.blocks)}")
    for type in (*function.function_type.inputs, *function.function_type.outputs):
        if isinstance(type, TensorType) and DYNAMIC_INDEX in type.get_shape():
            raise CompileError(f"expected static tensors or #te.shape in @{name}, got {type}")
    for type in function.function_type.outputs:
        if not isinstance(type, TensorType):
            raise CompileError(f"expected tensors as the results of @{name}, got {type}")


def _has_tensors(function: func.FuncOp) -> bool:
    return any(
        isinstance(type, TensorType) for type in (*function.function_type.inputs, *function.function_type.outputs)
    )


@dataclass(frozen=True)
class ConvertTeToLoopPass(ModulePass):
    """Lowers tensor expressions to loops around blocks, tensors to buffers, results to output arguments.

    Before: `func.func @f(%A: tensor<4xf32>) -> tensor<4xf32> { %C = te.compute "C" spatial(%i in 4) {…} … }`
    After: `func.func @f(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) { loop.for %i : 4 { loop.block … } … }`
    """

    name = "convert-te-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        convert_te_to_loop(op)
