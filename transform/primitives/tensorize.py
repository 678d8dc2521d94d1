"""Primitives that make one statement of a nest: blockize, and tensorize, which gives it other code.

An *intrinsic* is a pair of functions. The *description* is a nest of the loop rung on small buffers: what is computed.
The *implementation* computes it on vectors: it takes the elements that the description reads, buffer by buffer, and
gives those that it writes. That both do the same is what whoever ships the pair promises; that a nest of a kernel does
what the description says is proven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NoReturn, cast

from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, IndexType, IntAttr, MemRefType, StringAttr, VectorType
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...dialects.loop import (
    AllocOp,
    BlockOp,
    ForOp,
    InitOp,
    IteratorKind,
    LoopKind,
    ReadOp,
    ReduceOp,
    TensorAttr,
    WriteOp,
    YieldOp,
    blocks_in,
    enclosing_loops,
    loop_bounds,
    memref_type,
)
from ...dialects.quasi_affine import Lin, to_affine_map
from ...dialects.regions import index_forms
from ...dialects.tensors import memory_forms, rows_of
from ...errors import ScheduleError
from .common import describe, refuse, require_serial

Access = ReadOp | WriteOp | ReduceOp

FEATURES = "sched.features"
"""Attribute of a description: what the target has to have; of `"avx512vl,avxvnni|avx512vnni"` one of the last two."""
IMPLEMENTATION = "sched.implementation"
"""Attribute of a description: the function with its implementation."""


@dataclass(frozen=True)
class Intrinsic:
    """A description that was checked, with its parts, and its implementation."""

    name: str
    nest: ForOp
    loops: tuple[ForOp, ...]
    block: BlockOp
    tensors: tuple[tuple[SSAValue, Access], ...]
    """The buffers of the description, each with the access that stands for it."""
    implementation: FuncOp


def blockize(loop: ForOp) -> None:
    """Makes one statement of the nest below a loop: it runs as a whole wherever nothing in it is guarded, which is
    tested once and in front of it, and is guarded step by step elsewhere.

    Later primitives leave it as it is.

    Raises:
        ScheduleError: if the loop or one in it is no serial or unrolled loop, or a buffer lives in there.
    """
    require_serial(loop)
    for op in loop.walk():
        if isinstance(op, ForOp) and op is not loop and op.kind not in (LoopKind.SERIAL, LoopKind.UNROLLED):
            refuse(f"expected serial and unrolled loops in an opaque nest, got {op.kind} {describe(op)}", op)
        if isinstance(op, AllocOp):
            refuse("expected no buffer to live inside of an opaque nest", loop, ("the buffer", op))
    _check_outside(loop)
    if not blocks_in(loop):
        refuse(f"expected a block in {describe(loop)}", loop)
    loop.kind = LoopKind.OPAQUE


def tensorize(loop: ForOp, intrinsic: Intrinsic) -> None:
    """Lets an intrinsic's implementation compute what the nest below a loop does.

    before                                  after `tensorize(j, @dot)`
    loop.for %j : 16 {                      loop.for %j : 16 tensorized("dot") {
      loop.for %k : 4 {                       … the same nest, which says what is computed
        … C[i, jo*16 + j] += A[i, k] * …    } by [… which accesses are the elements] { … vectors }
      }
    }

    Where a guard lets only a part of the nest run, the nest is emitted as it is.

    Raises:
        ScheduleError: unless the nest computes what the description does, on elements that lie in memory as it says;
            the first difference is named.
    """
    if loop.kind is not LoopKind.OPAQUE:
        require_serial(loop)
    _check_outside(loop)
    why = f"to tensorize {describe(loop)} with '{intrinsic.name}'"
    loops, block = _nest(loop, intrinsic, why)
    matched = _Match(intrinsic, loops, block, why).run()
    written = block.written_buffers()
    for read in block.reads():
        if read.buffer in written:
            refuse(f"expected a nest that reads no buffer that it writes, got one in '{block.block_name}', {why}", read)
    tensors: list[TensorAttr] = []
    for buffer, access in intrinsic.tensors:
        own = matched[access]
        (own_buffer,) = own.buffers
        described = _described_forms(access, intrinsic.loops)
        _check_memory(intrinsic, loops, buffer, own_buffer, described, own, why)
        tensors.append(_tensor(block, own, described, buffer, intrinsic.loops))
    loop.kind = LoopKind.TENSORIZED
    loop.intrinsic = StringAttr(intrinsic.name)
    loop.tensors = ArrayAttr(tensors)
    region = intrinsic.implementation.body.clone()
    last = region.block.last_op
    assert last is not None
    region.block.add_op(YieldOp.create(operands=last.operands))
    region.block.erase_op(last)
    loop.add_region(region)


def _check_outside(loop: ForOp) -> None:
    for outer in enclosing_loops(loop):
        if outer.kind in (LoopKind.OPAQUE, LoopKind.TENSORIZED, LoopKind.VECTORIZED):
            refuse(f"expected loops around the nest to be plain ones, got {outer.kind} {describe(outer)}", outer)


def _nest(loop: ForOp, intrinsic: Intrinsic, why: str) -> tuple[list[ForOp], BlockOp]:
    """The loops and the block of a nest of the shape of a description's."""
    loops: list[ForOp] = []
    current: Operation = loop
    for described in intrinsic.loops:
        if not isinstance(current, ForOp):
            refuse(f"expected {len(intrinsic.loops)} loops, got {len(loops)} around {_what(current)}, {why}", loop)
        if current.extent != described.extent:
            refuse(f"expected a loop of extent {described.extent}, got {describe(current)}, {why}", current)
        if current is not loop:
            require_serial(current)
        children = list(current.body.block.ops)
        if len(children) != 1:
            refuse(f"expected one loop or block in {describe(current)}, got {len(children)} ops, {why}", current)
        loops.append(current)
        current = children[0]
    if not isinstance(current, BlockOp):
        refuse(f"expected a block in {len(loops)} loops, got {_what(current)}, {why}", current)
    return loops, current


def _what(op: Operation) -> str:
    if isinstance(op, ForOp):
        return describe(op)
    return f"block '{op.block_name}'" if isinstance(op, BlockOp) else op.name


def _described_forms(access: Access, loops: Sequence[ForOp]) -> list[Lin]:
    forms = index_forms(access)
    return [form for form in forms if form is not None]


def _tensor(block: BlockOp, own: Access, forms: Sequence[Lin], buffer: SSAValue, loops: Sequence[ForOp]) -> TensorAttr:
    values = [loop.induction_variable for loop in loops]
    map = to_affine_map([*(Lin.of(value) for value in values), *forms])[0]
    own_map = type(map)(len(values), 0, map.results[len(values) :])
    return TensorAttr(IntAttr(list(block.accesses()).index(own)), AffineMapAttr(own_map), memref_type(buffer))


class _Match:
    """One comparison of a nest with a description; stops at the first difference."""

    def __init__(self, intrinsic: Intrinsic, loops: Sequence[ForOp], block: BlockOp, why: str) -> None:
        self.intrinsic = intrinsic
        self.block = block
        self.why = why
        self.own_of = {
            theirs.induction_variable: Lin.of(ours.induction_variable)
            for theirs, ours in zip(intrinsic.loops, loops, strict=True)
        }
        self.variables = {loop.induction_variable for loop in loops}
        self.values: dict[SSAValue, SSAValue] = {}
        self.buffers: dict[SSAValue, SSAValue] = {}
        self.accesses: dict[Access, Access] = {}

    def run(self) -> Mapping[Access, Access]:
        """The accesses of the nest for those of the description."""
        self.iterators()
        self.bodies(self.intrinsic.block.body.block, self.block.body.block)
        return self.accesses

    def differ(self, message: str, op: Operation | None = None) -> NoReturn:
        refuse(f"expected {message}, {self.why}", op or self.block)

    def iterators(self) -> None:
        """The same loops move iterators of the same kinds."""
        for loop in self.intrinsic.loops:
            (variable,) = self.own_of[loop.induction_variable].values()
            theirs = _kinds_along(self.intrinsic.block, loop.induction_variable)
            ours = _kinds_along(self.block, variable)
            if theirs != ours:
                wanted, got = (" and ".join(kinds) or "no" for kinds in (theirs, ours))
                self.differ(f"a {wanted} iterator along the loop of extent {loop.extent}, got {got}")
        if self.block.init is not None and self.intrinsic.block.init is None:
            self.differ(f"a reduction whose init is a block of its own, got '{self.block.block_name}' with an init")

    def bodies(self, theirs: Block, ours: Block) -> None:
        if len(theirs.args) != len(ours.args) and theirs is not self.intrinsic.block.body.block:
            self.differ(f"{len(theirs.args)} arguments, got {len(ours.args)}")
        if theirs is not self.intrinsic.block.body.block:
            self.values.update(zip(theirs.args, ours.args, strict=True))
        left, right = list(theirs.ops), list(ours.ops)
        for described, op in zip(left, right, strict=False):
            self.op(described, op)
        if len(left) != len(right):
            longer = left if len(left) > len(right) else right
            extra = longer[min(len(left), len(right))]
            what = f"'{extra.name}' at the end, got nothing" if longer is left else f"nothing more, got '{extra.name}'"
            self.differ(what, extra if longer is right else None)

    def op(self, theirs: Operation, ours: Operation) -> None:
        if theirs.name != ours.name:
            self.differ(f"'{theirs.name}', got '{ours.name}'", ours)
        if isinstance(theirs, Access):
            assert isinstance(ours, Access)
            self.access(theirs, ours)
            operands = zip(_data_operands(theirs), _data_operands(ours), strict=True)
        else:
            if len(theirs.operands) != len(ours.operands):
                self.differ(f"{len(theirs.operands)} operands of '{theirs.name}', got {len(ours.operands)}", ours)
            operands = zip(theirs.operands, ours.operands, strict=True)
        for number, (left, right) in enumerate(operands):
            if isinstance(left.type, IndexType) or isinstance(right.type, IndexType):
                self.differ(f"no index but in accesses, got one in '{ours.name}'", ours)
            if self.values.get(left) is not right:
                self.differ(f"operand {number} of '{ours.name}' to be the description's, got another value", ours)
        for left, right in zip(theirs.results, ours.results, strict=True):
            if left.type != right.type:
                self.differ(f"'{ours.name}' to give {left.type}, got {right.type}", ours)
            self.values[left] = right
        self.properties(theirs, ours)
        if not isinstance(theirs, InitOp):
            for left, right in zip(theirs.regions, ours.regions, strict=True):
                self.bodies(left.block, right.block)

    def properties(self, theirs: Operation, ours: Operation) -> None:
        """Equal, but for what accesses were compared by; and floats allow at least what the description asks for."""
        for name in dict.fromkeys((*theirs.properties, *ours.properties)):
            left, right = theirs.properties.get(name), ours.properties.get(name)
            if left == right or (name == "map" and isinstance(theirs, Access)) or name == "operandSegmentSizes":
                continue
            if name == "fastmath" and (missing := _missing_flags(left, right)) is not None:
                if missing:
                    self.differ(f"'{ours.name}' to allow {', '.join(missing)}", ours)
                continue
            self.differ(f"{name} of '{ours.name}' to be {left}, got {right}", ours)

    def access(self, theirs: Access, ours: Access) -> None:
        for left, right in zip(theirs.buffers, ours.buffers, strict=False):
            if self.buffers.setdefault(left, right) is not right:
                self.differ(f"accesses of one buffer, got '{ours.name}' of another one", ours)
        if len(theirs.buffers) != len(ours.buffers):
            self.differ(f"'{ours.name}' of {len(theirs.buffers)} buffers, got {len(ours.buffers)}", ours)
        if any(form is None for form in index_forms(ours)):
            self.differ(f"indices that are sums of loops, got data in '{ours.name}'", ours)
        moving = {value for form in index_forms(ours) if form is not None for value in form.values()}
        for loop in self.intrinsic.loops:
            (variable,) = self.own_of[loop.induction_variable].values()
            moves = any(loop.induction_variable in form.values() for form in index_forms(theirs) if form is not None)
            if moves != (variable in moving):
                wanted = "another element" if moves else "the same element"
                self.differ(
                    f"'{ours.name}' to access {wanted} in each iteration of the loop of extent {loop.extent}", ours
                )
        self.accesses[theirs] = ours


def _kinds_along(block: BlockOp, variable: SSAValue) -> list[str]:
    """The kinds of the iterators that a loop moves."""
    forms = block.binding_forms()
    return [kind.value for kind, form in zip(block.kinds, forms, strict=True) if variable in form.values()]


def _data_operands(access: Access) -> list[SSAValue]:
    match access:
        case WriteOp():
            return [access.value]
        case ReduceOp():
            return list(access.values)
        case _:
            return []


def _missing_flags(theirs: Attribute | None, ours: Attribute | None) -> list[str] | None:
    """What the description needs to be allowed and the nest does not allow."""
    if not all(flags is None or isinstance(flags, FastMathFlagsAttr) for flags in (theirs, ours)):
        return None
    left = theirs.data if isinstance(theirs, FastMathFlagsAttr) else ()
    right = ours.data if isinstance(ours, FastMathFlagsAttr) else ()
    return [flag.value for flag in left if flag not in right]


def _check_memory(
    intrinsic: Intrinsic,
    loops: Sequence[ForOp],
    buffer: SSAValue,
    own_buffer: SSAValue,
    described: Sequence[Lin],
    own: Access,
    why: str,
) -> None:
    """Refuses a buffer whose elements do not lie in memory as the vectors of the implementation take them."""
    vectors = _vectors_of(intrinsic, buffer)
    rows, inner = rows_of(memref_type(buffer), vectors)
    steps = memory_forms(own, own_buffer)
    if steps is None:
        refuse(f"expected elements of '{own.name}' at an affine place in memory, {why}", own)
    strides = _row_major(inner)
    for theirs, ours in zip(intrinsic.loops, loops, strict=True):
        variable = theirs.induction_variable
        if any(form.coefficient(variable) for form in described[: len(rows)]):
            continue
        wanted = sum(
            (form.coefficient(variable) or 0) * s for form, s in zip(described[len(rows) :], strides, strict=True)
        )
        got = steps.coefficient(ours.induction_variable)
        if got != wanted:
            there = "no fixed distance" if got is None else f"{got}"
            refuse(
                f"expected steps along {describe(ours)} to be {wanted} elements long in memory, got {there} in "
                f"'{own.name}', {why}",
                own,
            )


def _row_major(shape: Sequence[int]) -> list[int]:
    return [prod(shape[d + 1 :]) for d in range(len(shape))]


def _vectors_of(intrinsic: Intrinsic, buffer: SSAValue) -> Sequence[VectorType[Attribute]]:
    """The vectors of the implementation that hold a buffer's elements."""
    position = [tensor for tensor, _ in intrinsic.tensors].index(buffer)
    return _signature(intrinsic.name, intrinsic.tensors, intrinsic.implementation)[position]


def read_intrinsic(description: FuncOp, implementation: FuncOp | None) -> Intrinsic:
    """An intrinsic from its two functions.

    Raises:
        ScheduleError: if they are no description and no implementation of it.
    """
    name = description.sym_name.data
    if implementation is None:
        raise ScheduleError(
            f"expected a description with an implementation (attribute '{IMPLEMENTATION}'), got @{name}", description
        )
    ops = [op for op in description.body.block.ops if not isinstance(op, ReturnOp)]
    if len(ops) != 1 or not isinstance(ops[0], ForOp):
        raise ScheduleError(f"expected one nest in the description @{name}, got {len(ops)} ops", description)
    loops: list[ForOp] = []
    current: Operation | None = ops[0]
    while isinstance(current, ForOp):
        loops.append(current)
        children = list(current.body.block.ops)
        current = children[0] if len(children) == 1 else None
    if not isinstance(current, BlockOp):
        raise ScheduleError(f"expected a perfect nest around one block in the description @{name}", description)
    if current.predicates is not None or current.init is not None or current.has_kind(IteratorKind.ORDERED):
        raise ScheduleError(f"expected a block without init, predicates and ordered iterators in @{name}", current)
    if any(loop.kind is not LoopKind.SERIAL for loop in loops):
        raise ScheduleError(f"expected serial loops in the description @{name}", description)
    tensors: dict[SSAValue, Access] = {}
    for access in current.accesses():
        if not isinstance(access.parent_op(), BlockOp):
            raise ScheduleError(f"expected no branch in the description @{name}", access)
        if len(access.buffers) != 1:
            raise ScheduleError(f"expected reductions into one buffer in @{name}, got {len(access.buffers)}", access)
        (buffer,) = access.buffers
        if tensors.setdefault(buffer, access) is not access:
            raise ScheduleError(f"expected one access of each buffer in @{name}, got several of one", access)
    arguments = list(description.body.block.args)
    if set(tensors) != set(arguments):
        raise ScheduleError(
            f"expected the description @{name} to access all of its arguments, and nothing else", current
        )
    ordered = tuple((buffer, tensors[buffer]) for buffer in arguments)
    values = {loop.induction_variable for loop in loops}
    for buffer, access in ordered:
        for form, extent in zip(index_forms(access), memref_type(buffer).get_shape(), strict=True):
            if form is None or form.const or any(value not in values for value in form.terms):
                raise ScheduleError(f"expected sums of loops as indices in the description @{name}", access)
            if form.range(loop_bounds) != (0, extent - 1):
                raise ScheduleError(f"expected @{name} to access whole buffers, got a part of {buffer.type}", access)
    signature = _signature(name, ordered, implementation)
    wanted = [
        vector
        for (buffer, _), vectors in zip(ordered, signature, strict=True)
        if _is_read(buffer)
        for vector in vectors
    ]
    got = list(implementation.function_type.inputs)
    if got != wanted:
        raise ScheduleError(
            f"expected @{implementation.sym_name.data} to take the elements that @{name} reads, got {_types(got)}",
            implementation,
        )
    written = [v for (b, _), vectors in zip(ordered, signature, strict=True) if _is_written(b) for v in vectors]
    if list(implementation.function_type.outputs) != written:
        raise ScheduleError(
            f"expected @{implementation.sym_name.data} to give what @{name} writes ({_types(written)}), "
            f"got {_types(list(implementation.function_type.outputs))}",
            implementation,
        )
    return Intrinsic(name, loops[0], tuple(loops), current, ordered, implementation)


def _types(types: Sequence[Attribute]) -> str:
    return ", ".join(str(type) for type in types) or "nothing"


def _is_read(buffer: SSAValue) -> bool:
    return any(isinstance(use.operation, ReadOp | ReduceOp) for use in buffer.uses)


def _is_written(buffer: SSAValue) -> bool:
    return any(isinstance(use.operation, WriteOp | ReduceOp) for use in buffer.uses)


def _signature(
    name: str, tensors: Sequence[tuple[SSAValue, Access]], implementation: FuncOp
) -> list[list[VectorType[Attribute]]]:
    """The vectors that hold each buffer: one, or one for each of its rows."""
    inputs = list(implementation.function_type.inputs)
    outputs = list(implementation.function_type.outputs)
    signature: list[list[VectorType[Attribute]]] = []
    for buffer, _ in tensors:
        source = inputs if _is_read(buffer) else outputs
        type = memref_type(buffer)
        vector = _as_vector(source[0]) if source else None
        count = 0 if vector is None or vector.get_num_dims() != 1 else vector.get_shape()[0]
        if vector is None or vector.element_type != type.element_type or not _fits(type, count):
            raise ScheduleError(
                f"expected @{implementation.sym_name.data} to take or give vectors of the elements of {type} of "
                f"@{name}, got {source[0] if source else 'nothing'}",
                implementation,
            )
        vectors = [vector] * (prod(type.get_shape()) // count)
        signature.append(vectors)
        for each in (inputs if _is_read(buffer) else None, outputs if _is_written(buffer) else None):
            if each is not None:
                del each[: len(vectors)]
    return signature


def _as_vector(type: Attribute) -> VectorType[Attribute] | None:
    return cast("VectorType[Attribute]", type) if isinstance(type, VectorType) else None


def _fits(type: MemRefType[Attribute], count: int) -> bool:
    """Whether vectors of so many elements are rows of a buffer: what its last dimensions hold."""
    shape = type.get_shape()
    return count > 0 and any(prod(shape[d:]) == count for d in range(len(shape)))


def is_opaque(op: Operation) -> ForOp | None:
    """The opaque or tensorized loop that an op is, or is in."""
    current: Operation | None = op
    while current is not None and not isinstance(current, FuncOp):
        if isinstance(current, ForOp) and current.kind in (LoopKind.OPAQUE, LoopKind.TENSORIZED):
            return current
        current = current.parent_op()
    return None


__all__ = ["FEATURES", "IMPLEMENTATION", "Intrinsic", "blockize", "is_opaque", "read_intrinsic", "tensorize"]
