"""`graph-fuse`: put operators that run together into kernels, and each kernel into a function.

A kernel is in normal form: injective producers, at most one anchor (a reduction or a matrix product), and an epilogue
of injective operators on the anchor's elements. It has one output, so nothing inside of it is seen outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, UnitAttr
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue
from xdsl.passes import ModulePass

from ...dialects import graph
from ...dialects.graph import FusionClass
from ..function_pass import functions

_CONSTANT = DictionaryAttr({"loop.constant": UnitAttr()})
_VARIABLE = DictionaryAttr({})


# Which operators run together


def immediate_post_dominators(ops: Sequence[Operation]) -> dict[Operation, Operation | None]:
    """For each op, the nearest one that all uses of its results lead to; None where there is none among `ops`."""
    dominators: dict[Operation, Operation | None] = {}
    depths: dict[Operation | None, int] = {None: 0}
    for op in reversed(ops):
        users = _users(op)
        nearest = users[0] if users else None
        for user in users[1:]:
            nearest = _common_dominator(nearest, user, dominators, depths)
        if nearest not in depths:
            nearest = None
        dominators[op] = nearest
        depths[op] = depths[nearest] + 1
    return dominators


def _users(op: Operation) -> list[Operation]:
    return list(dict.fromkeys(use.operation for result in op.results for use in result.uses))


def _common_dominator(
    lhs: Operation | None,
    rhs: Operation | None,
    dominators: dict[Operation, Operation | None],
    depths: dict[Operation | None, int],
) -> Operation | None:
    if lhs not in depths or rhs not in depths:
        return None
    while lhs is not rhs:
        if depths[lhs] >= depths[rhs]:
            assert lhs is not None
            lhs = dominators[lhs]
        else:
            assert rhs is not None
            rhs = dominators[rhs]
    return lhs


@dataclass(eq=False)
class Group:
    """The operators of one kernel."""

    ops: set[graph.TensorOp]


class _Fuser:
    """Assigns the operators of a block to groups."""

    def __init__(self, ops: Sequence[graph.TensorOp], max_ops: int) -> None:
        self.ops = ops
        self.max_ops = max_ops
        self.dominators = immediate_post_dominators(ops)
        self.groups: dict[Operation, Group] = {}

    def run(self) -> list[Group]:
        for op in self.ops:
            if op.FUSION_CLASS in (FusionClass.REDUCTION, FusionClass.COMPLEX_OUT_FUSABLE):
                self.groups[op] = Group({op})
                self.add_epilogue(op)
        for op in reversed(self.ops):
            if op not in self.groups and op.FUSION_CLASS is FusionClass.INJECTIVE:
                self.add_producer(op)
        for op in self.ops:
            self.groups.setdefault(op, Group({op}))
        return list(dict.fromkeys(self.groups[op] for op in self.ops))

    def add_epilogue(self, anchor: graph.TensorOp) -> None:
        """Extend the anchor's group over the injective operators that all of its uses lead to."""
        group, last = self.groups[anchor], anchor
        while isinstance(target := self.dominators[last], graph.TensorOp):
            region = self.region(last, target)
            if region is None or not self.fits(group, region):
                return
            if any(op in self.groups or not _is_injective_like(op, anchor) for op in region):
                return
            self.merge(group, region)
            last = target

    def add_producer(self, op: graph.TensorOp) -> None:
        """Put an injective operator into the group of the one that all of its uses lead to, if there is one."""
        target = self.dominators[op]
        if not isinstance(target, graph.TensorOp):
            return
        region = self.region(op, target)
        if region is None:
            return
        group = self.groups.get(target, Group({target}))
        inner = [other for other in region if other is not target]
        joins = _is_injective_like(target, op) or target.FUSION_CLASS is FusionClass.REDUCTION
        same = all(_is_injective_like(other, op) and self.groups.get(other, group) is group for other in inner)
        if joins and same and self.fits(group, [op, *region]):
            self.merge(group, [op, *region])

    def region(self, op: Operation, target: Operation) -> list[graph.TensorOp] | None:
        """The operators that uses of `op` lead over to `target`, and that one; None if one between is not injective."""
        found: dict[Operation, None] = {}
        stack = _users(op)
        while stack:
            user = stack.pop()
            if user in found:
                continue
            if not isinstance(user, graph.TensorOp):
                return None
            found[user] = None
            if user is target:
                continue
            if user.FUSION_CLASS is not FusionClass.INJECTIVE:
                return None
            stack += _users(user)
        return [user for user in found if isinstance(user, graph.TensorOp)]

    def fits(self, group: Group, ops: Iterable[graph.TensorOp]) -> bool:
        return not self.max_ops or len(group.ops.union(ops)) <= self.max_ops

    def merge(self, group: Group, ops: Iterable[graph.TensorOp]) -> None:
        for op in ops:
            group.ops.add(op)
            self.groups[op] = group


def _is_injective_like(op: Operation, other: Operation) -> bool:
    """Whether `op` is injective, on as many elements as `other`."""
    return (
        isinstance(op, graph.TensorOp)
        and op.FUSION_CLASS is FusionClass.INJECTIVE
        and _result_shape(op) == _result_shape(other)
    )


def _result_shape(op: Operation) -> graph.Shape:
    return graph.shape_of(cast(graph.AnyTensor, op.results[0].type))


# Kernels


@dataclass
class _Outliner:
    """Makes functions of groups, one for all groups that are the same program."""

    module: ModuleOp
    kernels: dict[object, FuncOp] = field(default_factory=dict[object, FuncOp])
    names: Iterator[str] = field(init=False)
    last: Operation | None = None

    def __post_init__(self) -> None:
        symbols = [op.get_attr_or_prop("sym_name") for op in self.module.ops]
        taken = {symbol.data for symbol in symbols if isinstance(symbol, StringAttr)}
        self.names = (name for number in count() if (name := f"kernel{number}") not in taken)

    def outline(self, ops: Sequence[Operation]) -> None:
        """Replace operators, given in order, by a call of their kernel where the last one stood."""
        arguments = _arguments(ops)
        output = ops[-1]
        key = _structure(ops, arguments)
        kernel = self.kernels.get(key)
        known = kernel is not None
        if kernel is None:
            kernel = self.kernels[key] = self.declare(arguments, output)
        call = CallOp(kernel.sym_name.data, arguments, output.result_types)
        block = output.parent
        assert block is not None
        block.insert_op_before(call, output)
        for result, old in zip(call.results, output.results, strict=True):
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
        if known:
            _erase(ops)
        else:
            _fill(kernel, ops, arguments)

    def declare(self, arguments: Sequence[SSAValue], output: Operation) -> FuncOp:
        types = [argument.type for argument in arguments]
        kernel = FuncOp(
            next(self.names),
            (types, output.result_types),
            Region(Block(arg_types=types)),
            visibility="private",
            arg_attrs=ArrayAttr([_CONSTANT if _is_weight(argument) else _VARIABLE for argument in arguments]),
        )
        _name_arguments(kernel, arguments)
        assert self.last is not None
        self.module.body.block.insert_op_after(kernel, self.last)
        self.last = kernel
        return kernel


def _name_arguments(kernel: FuncOp, arguments: Sequence[SSAValue]) -> None:
    """Weights `w0, w1, …`, others `x0, x1, …`: kernels may be called for several values."""
    counts = {"w": count(), "x": count()}
    for argument, given in zip(kernel.args, arguments, strict=True):
        kind = "w" if _is_weight(given) else "x"
        argument.name_hint = f"{kind}{next(counts[kind])}"


def _is_weight(value: SSAValue) -> bool:
    return isinstance(value, OpResult) and isinstance(value.op, graph.WeightOp)


def _constant_of(value: SSAValue) -> graph.ConstantOp | None:
    return value.op if isinstance(value, OpResult) and isinstance(value.op, graph.ConstantOp) else None


def _arguments(ops: Sequence[Operation]) -> list[SSAValue]:
    """What `ops` use from outside, in order; constants stay inside."""
    inside = set(ops)
    used = dict.fromkeys(operand for op in ops for operand in op.operands)
    return [
        value
        for value in used
        if not (isinstance(value, OpResult) and value.op in inside) and _constant_of(value) is None
    ]


def _structure(ops: Sequence[Operation], arguments: Sequence[SSAValue]) -> object:
    """What is equal for two groups iff they are the same program but for the names of values."""
    numbers: dict[SSAValue, object] = {argument: number for number, argument in enumerate(arguments)}
    lines: list[object] = [tuple((argument.type, _is_weight(argument)) for argument in arguments)]
    for op in ops:
        for operand in op.operands:
            if (constant := _constant_of(operand)) is not None:
                numbers[operand] = constant.value
        lines.append((op.name, _attributes(op), tuple(numbers[operand] for operand in op.operands), op.result_types))
        for result in op.results:
            numbers[result] = len(numbers)
    return tuple(lines)


def _attributes(op: Operation) -> tuple[tuple[str, Attribute], ...]:
    return tuple(sorted((*op.properties.items(), *op.attributes.items()), key=lambda item: item[0]))


def _fill(kernel: FuncOp, ops: Sequence[Operation], arguments: Sequence[SSAValue]) -> None:
    """Move operators into their kernel."""
    block = kernel.body.block
    values: dict[SSAValue, SSAValue] = dict(zip(arguments, block.args, strict=True))
    for op in ops:
        for index, operand in enumerate(op.operands):
            if operand not in values and (constant := _constant_of(operand)) is not None:
                clone = constant.clone()
                block.add_op(clone)
                values[operand] = clone.result
            if operand in values:
                op.operands[index] = values[operand]
        op.detach()
        block.add_op(op)
    block.add_op(ReturnOp(*ops[-1].results))


def _erase(ops: Sequence[Operation]) -> None:
    for op in reversed(ops):
        op.detach()
        op.erase()


def fuse(module: ModuleOp, max_ops: int = 0) -> None:
    """Outline the operators of each public function into kernels of at most `max_ops` operators (0: any number)."""
    outliner = _Outliner(module)
    public = [func for func in functions(module) if not _is_private(func)]
    outliner.last = public[-1] if public else None
    for func in public:
        ops = [op for op in func.body.block.ops if isinstance(op, graph.TensorOp)]
        order = {op: position for position, op in enumerate(ops)}
        groups = [sorted(group.ops, key=lambda op: order[op]) for group in _Fuser(ops, max_ops).run()]
        for group in sorted(groups, key=lambda group: order[group[-1]]):
            outliner.outline(group)
        _erase([op for op in func.body.block.ops if isinstance(op, graph.ConstantOp) and not _users(op)])


def _is_private(func: FuncOp) -> bool:
    return func.sym_visibility is not None and func.sym_visibility.data == "private"


@dataclass(frozen=True)
class GraphFusePass(ModulePass):
    """Outline operators into kernels: injective producers, one anchor, an injective epilogue.

    Before → after: `graph.matmul`, `graph.add`, `graph.relu` in `@main` → `func.call @kernel0`, and a private function
    `@kernel0` of the three. Equal kernels are one function; arguments that are weights are marked `loop.constant`.
    """

    name = "graph-fuse"

    max_ops: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fuse(op, self.max_ops)
