"""Finding blocks, loops and buffers, and asking about them and about the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, ClassVar, TypeVar

from xdsl.dialects.builtin import I64, DenseArrayBase, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.dialects.func import FuncOp
from xdsl.dialects.transform import TransformOpHandleType, TransformParamHandleType, TransformValueHandleType
from xdsl.ir import Attribute, Operation, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_result_def,
)
from xdsl.utils.exceptions import VerifyException

from ...dialects.loop import BlockOp, ForOp, IteratorKind, blocks_in, element_type, enclosing_loops, kernel_of
from ...dialects.regions import in_program_order, loops_of_kind, readers_of, writers_of
from ...errors import ScheduleError, did_you_mean
from ..interfaces import Payload, Results, TransformOpInterface
from ..structure import (
    KINDS,
    StructureSpec,
    buffers_read,
    element_bytes,
    loops_binding,
    loops_binding_each,
    loops_of_roles,
    mismatch,
    require_contraction,
    row_loops,
    stride_in,
    strided_access,
    tile_roles,
)
from ..target import target_fact
from ..upstream.syntax import integer_param

if TYPE_CHECKING:
    from ..interpreter import Interpreter
    from ..state import TransformState

_T = TypeVar("_T", bound=Operation)


class Looks(TransformOpInterface):
    """Operations that only look may stand in matchers."""

    MATCHER: ClassVar[bool] = True


def typed_ops(state: TransformState, handle: SSAValue, kind: type[_T]) -> list[_T]:
    """The payload of a handle, all of which must be ops of one kind."""
    ops: list[_T] = []
    for op in state.ops(handle):
        if not isinstance(op, kind):
            raise ScheduleError(f"expected a handle to {kind.name}, got {op.name}", op)
        ops.append(op)
    return ops


def typed_op(state: TransformState, handle: SSAValue, kind: type[_T]) -> _T:
    """The one payload op of a handle, which must be of the kind."""
    found = state.only(handle)
    if isinstance(found, kind):
        return found
    ops = typed_ops(state, handle, kind)
    if len(ops) != 1:
        raise ScheduleError(f"expected a handle to exactly one {kind.name}, got {len(ops)}")
    return ops[0]


def spread(found: Sequence[Operation] | Sequence[SSAValue], count: int, what: str) -> Results:
    """One payload a result, or all in one result."""
    if count == 1:
        return [found]
    if len(found) != count:
        raise ScheduleError(f"expected {len(found)} results, one for each {what}, or a single one, got {count}")
    return [found[i : i + 1] for i in range(count)]


def blocks_below(state: TransformState, root: SSAValue) -> list[BlockOp]:
    """The blocks in the payload of a handle, in program order."""
    return [block for op in state.ops(root) for block in blocks_in(op)]


@irdl_op_definition
class MatchBlockOp(Looks, IRDLOperation):
    """The block with the canonical name, else the one with the alias.

    `%c = sched.match_block "reduce0" in %root : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.match_block"
    block_name = prop_def(StringAttr)
    root = operand_def(TransformOpHandleType)
    result = result_def(TransformOpHandleType)
    assembly_format = "$block_name `in` $root attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        name = self.block_name.data
        blocks = blocks_below(interpreter.state, self.root)
        found = [block for block in blocks if block.block_name == name]
        found = found or [block for block in blocks if block.alias is not None and block.alias.data == name]
        if len(found) == 1:
            return [found]
        names = [block.block_name for block in blocks]
        names += [block.alias.data for block in blocks if block.alias is not None]
        if not found:
            listed = ", ".join(dict.fromkeys(names)) or "none"
            raise ScheduleError(f"expected a block named '{name}', got {listed}{did_you_mean(name, names)}")
        raise ScheduleError(f"expected one block named '{name}', got {len(found)}", found[1])


@irdl_op_definition
class MatchKernelOp(Looks, IRDLOperation):
    """The function with the name.

    `%f = sched.match_kernel "matmul" in %root : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.match_kernel"
    kernel_name = prop_def(StringAttr)
    root = operand_def(TransformOpHandleType)
    result = result_def(TransformOpHandleType)
    assembly_format = "$kernel_name `in` $root attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        name = self.kernel_name.data
        kernels = [f for root in interpreter.state.ops(self.root) for f in root.walk() if isinstance(f, FuncOp)]
        found = [func for func in kernels if func.sym_name.data == name]
        if not found:
            names = [func.sym_name.data for func in kernels]
            listed = ", ".join(names) or "none"
            raise ScheduleError(f"expected a kernel named '{name}', got {listed}{did_you_mean(name, names)}")
        return [found]


class _Structured(Looks, IRDLOperation):
    """What a block should look like."""

    kind = prop_def(StringAttr)
    spatial = opt_prop_def(IntegerAttr[I64])
    reduce = opt_prop_def(IntegerAttr[I64])
    ordered = opt_prop_def(IntegerAttr[I64])
    rank = opt_prop_def(IntegerAttr[I64])
    element_type = opt_prop_def(TypeAttribute)
    constant = opt_prop_def(DenseArrayBase.constr(i64))
    irdl_options = (ParsePropInAttrDict(),)

    @property
    def spec(self) -> StructureSpec:
        """What is asked for, as a value."""
        if len(self.properties) == 1:
            return StructureSpec(self.kind.data)
        return StructureSpec(
            self.kind.data,
            _optional(self.spatial),
            _optional(self.reduce),
            _optional(self.ordered),
            _optional(self.rank),
            self.element_type,
            tuple(self.constant.get_values()) if self.constant is not None else (),
        )

    def verify_(self) -> None:
        if self.kind.data not in KINDS:
            hint = did_you_mean(self.kind.data, KINDS)
            raise VerifyException(f"expected a structure ({', '.join(KINDS)}), got '{self.kind.data}'{hint}")


def _optional(attr: IntegerAttr | None) -> int | None:
    return attr.value.data if attr is not None else None


@irdl_op_definition
class MatchStructureOp(_Structured):
    """The blocks that look as asked for, in program order; perhaps none.

    `%c = sched.match_structure "contraction" in %f {element_type = f32} : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.match_structure"
    root = operand_def(TransformOpHandleType)
    result = result_def(TransformOpHandleType)
    assembly_format = "$kind `in` $root attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        spec, (root,) = self.spec, self._operands
        return [[block for block in blocks_below(interpreter.state, root) if mismatch(block, spec) is None]]


@irdl_op_definition
class CheckStructureOp(_Structured):
    """Accepts blocks that look as asked for; for matchers.

    `sched.match.structure "contraction", %c {element_type = f32} : !transform.any_op`
    """

    name = "sched.match.structure"
    target = operand_def(TransformOpHandleType)
    assembly_format = "$kind `,` $target attr-dict `:` type($target)"

    def apply(self, interpreter: Interpreter) -> Results:
        spec, (target,) = self.spec, self._operands
        ops = interpreter.state.ops(target)
        if not ops:
            raise ScheduleError(f"expected a {spec.kind}, got an empty handle")
        for op in ops:
            reason = mismatch(op, spec)
            if reason is not None:
                raise ScheduleError(reason, op)
        return []


@irdl_op_definition
class CheckContiguousOp(Looks, IRDLOperation):
    """Accepts loops in which each access moves by 0 or 1 element an iteration, so that vector lanes need no gathers.

    `sched.match.contiguous %j : !transform.any_op`
    """

    name = "sched.match.contiguous"
    target = operand_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` type($target)"

    def apply(self, interpreter: Interpreter) -> Results:
        for loop in typed_ops(interpreter.state, self.target, ForOp):
            access = strided_access(loop)
            if access is not None:
                raise ScheduleError(
                    "expected accesses that move by 0 or 1 element an iteration", loop, (("this one does not", access),)
                )
        return []


@irdl_op_definition
class ReverseOp(Looks, IRDLOperation):
    """The same payload, last first.

    `%r = sched.reverse %blocks : !transform.any_op`
    """

    name = "sched.reverse"
    target = operand_def(TransformOpHandleType)
    reversed = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [interpreter.state.ops(self.target)[::-1]]


@irdl_op_definition
class GetLoopsOp(Looks, IRDLOperation):
    """The loops around the one block (or op), outermost first; with `of`, those that bind iterators of that kind; with
    `moving`, those that run more than once.

    `%i, %j, %k = sched.get_loops %c : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)`

    Results: a handle for each loop, or a single one; the result numbered `rest` takes all that the others leave.
    """

    name = "sched.get_loops"
    of = opt_prop_def(StringAttr)
    moving = opt_prop_def(UnitAttr)
    rest = opt_prop_def(IntegerAttr[I64])
    target = operand_def(TransformOpHandleType)
    loops = var_result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        kinds = [kind.value for kind in IteratorKind]
        if self.of is not None and self.of.data not in kinds:
            hint = did_you_mean(self.of.data, kinds)
            raise VerifyException(f"expected an iterator kind ({', '.join(kinds)}), got '{self.of.data}'{hint}")
        if self.rest is not None and not 0 <= self.rest.value.data < len(self.loops):
            raise VerifyException(f"expected rest below {len(self.loops)}, got {self.rest.value.data}")

    def apply(self, interpreter: Interpreter) -> Results:
        (handle,), count = self._operands, len(self.results)
        target = interpreter.state.op(handle)
        if self.of is not None:
            block = typed_op(interpreter.state, handle, BlockOp)
            wanted = self.of.data
            loops = loops_binding(block, [i for i, kind in enumerate(block.kinds) if kind == wanted])
        else:
            loops = enclosing_loops(target)
        if self.moving is not None:
            loops = [loop for loop in loops if loop.extent > 1]
        if self.rest is None:
            return spread(loops, count, "loop")
        extra = len(loops) - count + 1
        if extra < 0:
            raise ScheduleError(f"expected at least {count - 1} loops, got {len(loops)}", target)
        rest = self.rest.value.data
        tail = loops[rest + extra :]
        return [*([loop] for loop in loops[:rest]), loops[rest : rest + extra], *([loop] for loop in tail)]


@irdl_op_definition
class GetContractionLoopsOp(Looks, IRDLOperation):
    """The loops of a contraction by role: batch, m, n (which moves along the output's last dimension), k.

    `%b, %m, %n, %k = sched.get_contraction_loops %c : (!transform.any_op) -> (…)`
    """

    name = "sched.get_contraction_loops"
    target = operand_def(TransformOpHandleType)
    batch = result_def(TransformOpHandleType)
    m = result_def(TransformOpHandleType)
    n = result_def(TransformOpHandleType)
    k = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.target, BlockOp)
        roles = require_contraction(block)
        return loops_binding_each(block, (roles.batch, roles.m, roles.n, roles.k))


@irdl_op_definition
class GetContractionInputsOp(Looks, IRDLOperation):
    """The buffers of a contraction's factors: the left one, and the right one, which moves along the output's last
    dimension.

    `%left, %right = sched.get_contraction_inputs %c : (!transform.any_op) -> (…)`
    """

    name = "sched.get_contraction_inputs"
    target = operand_def(TransformOpHandleType)
    left = result_def(TransformValueHandleType)
    right = result_def(TransformValueHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.target, BlockOp)
        roles = require_contraction(block)
        return [[roles.left.buffer], [roles.right.buffer]]


@irdl_op_definition
class GetTileLoopsOp(Looks, IRDLOperation):
    """The loops around a contraction, or around a block that reads it, by their role in a tile of accumulators: others
    of both inputs (and those that run once), of the left one, of the right one; the one to unroll, and the one for
    vector lanes.

    `%batch, %m, %n, %i, %j = sched.get_tile_loops %c in %out : (!transform.any_op, !transform.any_op) -> (…)`
    """

    name = "sched.get_tile_loops"
    target = operand_def(TransformOpHandleType)
    out = operand_def(TransformOpHandleType)
    batch = result_def(TransformOpHandleType)
    m = result_def(TransformOpHandleType)
    n = result_def(TransformOpHandleType)
    i = result_def(TransformOpHandleType)
    j = result_def(TransformOpHandleType)
    assembly_format = "$target `in` $out attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        target, reader = self._operands
        block = typed_op(interpreter.state, target, BlockOp)
        roles = tile_roles(block)
        if roles is None:
            raise ScheduleError(
                f"expected a contraction with two dimensions to tile, got block '{block.block_name}'", block
            )
        out = typed_op(interpreter.state, reader, BlockOp)
        batch, m, n, i, j = loops_of_roles(block, out, [roles.batch, roles.m, roles.n, [roles.i], [roles.j]])
        once = [loop for loop in enclosing_loops(out) if loop.extent == 1]
        if once:
            spatial = loops_of_kind(out, IteratorKind.SPATIAL)
            once = [loop for loop in once if loop in spatial]
        return [[*once, *batch], m, n, i[-1:], j[-1:]]


@irdl_op_definition
class GetRowLoopsOp(Looks, IRDLOperation):
    """The loops around a block by what reductions before it do with their dimension (the first one says): those outside
    of the innermost one that it keeps, that one, and those over dimensions that it reduces.

    `%outer, %row, %columns = sched.get_row_loops %sum in %out : (!transform.any_op, !transform.any_op) -> (…)`
    """

    name = "sched.get_row_loops"
    target = operand_def(TransformOpHandleType)
    out = operand_def(TransformOpHandleType)
    outer = result_def(TransformOpHandleType)
    row = result_def(TransformOpHandleType)
    columns = result_def(TransformOpHandleType)
    assembly_format = "$target `in` $out attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        blocks = typed_ops(interpreter.state, self.target, BlockOp)
        out = typed_op(interpreter.state, self.out, BlockOp)
        if not blocks:
            raise ScheduleError(f"expected a reduction before '{out.block_name}', got none", out)
        kept, reduced = row_loops(blocks[0], out)
        moving = [loop for loop in kept if loop.extent > 1]
        if not moving:
            raise ScheduleError(f"expected rows in '{out.block_name}', got one", out)
        return [[loop for loop in kept if loop is not moving[-1]], moving[-1:], reduced]


@irdl_op_definition
class GetStrideOp(Looks, IRDLOperation):
    """How many elements apart the block's accesses of the buffers are in neighbouring iterations of the loop.

    `%s = sched.get_stride %c, %B along %j : (…) -> !transform.any_param`
    """

    name = "sched.get_stride"
    target = operand_def(TransformOpHandleType)
    buffer = operand_def(TransformValueHandleType)
    loop = operand_def(TransformOpHandleType)
    stride = result_def(TransformParamHandleType)
    assembly_format = "$target `,` $buffer `along` $loop attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        target, buffers, along = self._operands
        block, loop = typed_op(state, target, BlockOp), typed_op(state, along, ForOp)
        strides: list[Attribute] = []
        for buffer in state.values(buffers):
            found = {stride_in(loop, access, buffer) for access in block.accesses() if buffer in access.buffers}
            if len(found) != 1 or (stride := found.pop()) is None:
                raise ScheduleError(
                    f"expected accesses a known number of elements apart in '{block.block_name}'", block
                )
            strides.append(integer_param(stride))
        return [strides]


class _NeighboursOp(Looks, IRDLOperation):
    transitive = opt_prop_def(UnitAttr)
    target = operand_def(TransformOpHandleType)
    blocks = var_result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"


def _neighbours(
    op: _NeighboursOp,
    interpreter: Interpreter,
    buffers: Callable[[BlockOp], Iterable[SSAValue]],
    touching: Callable[[SSAValue], Iterable[BlockOp]],
    what: str,
) -> Results:
    (target,) = op._operands  # pyright: ignore[reportPrivateUsage]
    start = typed_ops(interpreter.state, target, BlockOp)
    found: dict[BlockOp, None] = {}
    pending = list(start)
    while pending:
        block = pending.pop()
        new = {other for buffer in buffers(block) for other in touching(buffer) if other is not block} - found.keys()
        found.update(dict.fromkeys(new))
        if op.transitive is not None:
            pending += new
    return spread(in_program_order([block for block in found if block not in start]), len(op.results), what)


@irdl_op_definition
class GetProducersOp(_NeighboursOp):
    """The blocks that write what the blocks read, in program order; with `transitive` all that the blocks depend on.

    `%p = sched.get_producers %c {transitive} : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.get_producers"

    def apply(self, interpreter: Interpreter) -> Results:
        return _neighbours(self, interpreter, buffers_read, writers_of, "producer")


@irdl_op_definition
class GetConsumersOp(_NeighboursOp):
    """The blocks that read what the blocks write, in program order; with `transitive` all that depend on the blocks."""

    name = "sched.get_consumers"

    def apply(self, interpreter: Interpreter) -> Results:
        return _neighbours(self, interpreter, BlockOp.written_buffers, readers_of, "consumer")


class _BuffersOp(Looks, IRDLOperation):
    target = operand_def(TransformOpHandleType)
    buffers = var_result_def(TransformValueHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class GetReadsOp(_BuffersOp):
    """The buffers that the block reads by `loop.read`, each once, by first read.

    `%A, %B = sched.get_reads %c : (!transform.any_op) -> (!transform.any_value, !transform.any_value)`
    """

    name = "sched.get_reads"

    def apply(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.target, BlockOp)
        return spread(buffers_read(block), len(self.buffers), "buffer")


@irdl_op_definition
class GetWritesOp(_BuffersOp):
    """The buffers that the block writes, each once."""

    name = "sched.get_writes"

    def apply(self, interpreter: Interpreter) -> Results:
        block = typed_op(interpreter.state, self.target, BlockOp)
        return spread(block.written_buffers(), len(self.buffers), "buffer")


@irdl_op_definition
class GetExtentOp(Looks, IRDLOperation):
    """The extents of the loops.

    `%n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param`
    """

    name = "sched.get_extent"
    target = operand_def(TransformOpHandleType)
    extent = result_def(TransformParamHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        (target,) = self._operands
        return [[integer_param(loop.extent) for loop in typed_ops(interpreter.state, target, ForOp)]]


@irdl_op_definition
class GetPointsOp(Looks, IRDLOperation):
    """How many points the domains of the blocks have.

    `%n = sched.get_points %c : (!transform.any_op) -> !transform.any_param`
    """

    name = "sched.get_points"
    target = operand_def(TransformOpHandleType)
    points = result_def(TransformParamHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        (target,) = self._operands
        blocks = typed_ops(interpreter.state, target, BlockOp)
        return [[integer_param(prod(block.extents)) for block in blocks]]


@irdl_op_definition
class GetElementBytesOp(Looks, IRDLOperation):
    """How many bytes an element of what the block writes takes.

    `%b = sched.get_element_bytes %c : (!transform.any_op) -> !transform.any_param`
    """

    name = "sched.get_element_bytes"
    target = operand_def(TransformOpHandleType)
    bytes = result_def(TransformParamHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        sizes: list[Attribute] = []
        for block in typed_ops(interpreter.state, self.target, BlockOp):
            written = block.written_buffers()
            if not written:
                raise ScheduleError(
                    f"expected a block that writes, got '{block.block_name}', which only prefetches", block
                )
            sizes.append(integer_param(element_bytes(element_type(written[0]))))
        return [sizes]


@irdl_op_definition
class TargetQueryOp(Looks, IRDLOperation):
    """A fact of the target that the payload's module names.

    `%v = sched.target_query "vector_bytes" : !transform.any_param`
    """

    name = "sched.target_query"
    fact = prop_def(StringAttr)
    result = result_def(TransformParamHandleType)
    assembly_format = "$fact attr-dict `:` type($result)"

    def apply(self, interpreter: Interpreter) -> Results:
        return [[integer_param(target_fact(interpreter.state.root, self.fact.data))]]


@irdl_op_definition
class GetKernelOp(Looks, IRDLOperation):
    """The functions that the ops are in, each once.

    `%f = sched.get_kernel %c : (!transform.any_op) -> !transform.any_op`
    """

    name = "sched.get_kernel"
    target = operand_def(TransformOpHandleType)
    kernel = result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        found: dict[Operation, None] = {}
        for op in interpreter.state.ops(self.target):
            func = kernel_of(op)
            if func is None:
                raise ScheduleError("expected an op in a function", op)
            found[func] = None
        payload: Payload = list(found)
        return [payload]


@irdl_op_definition
class GetChildBlocksOp(Looks, IRDLOperation):
    """The blocks inside of the loops or functions, in program order: one result each, or one for all.

    `%a, %b = sched.get_child_blocks %i : (!transform.any_op) -> (!transform.any_op, !transform.any_op)`
    """

    name = "sched.get_child_blocks"
    target = operand_def(TransformOpHandleType)
    blocks = var_result_def(TransformOpHandleType)
    assembly_format = "$target attr-dict `:` functional-type(operands, results)"

    def apply(self, interpreter: Interpreter) -> Results:
        found: dict[BlockOp, None] = {}
        for op in interpreter.state.ops(self.target):
            if isinstance(op, BlockOp):
                raise ScheduleError("expected a loop or a function, since blocks do not nest, got a block", op)
            found.update(dict.fromkeys(blocks_in(op)))
        return spread(list(found), len(self.blocks), "block")


NAVIGATION_OPS: list[type[Operation]] = [
    CheckContiguousOp,
    CheckStructureOp,
    GetChildBlocksOp,
    GetConsumersOp,
    GetContractionInputsOp,
    GetContractionLoopsOp,
    GetElementBytesOp,
    GetExtentOp,
    GetKernelOp,
    GetLoopsOp,
    GetPointsOp,
    GetProducersOp,
    GetReadsOp,
    GetRowLoopsOp,
    GetStrideOp,
    GetTileLoopsOp,
    GetWritesOp,
    MatchBlockOp,
    MatchKernelOp,
    MatchStructureOp,
    ReverseOp,
    TargetQueryOp,
]
