"""Which operators run together in one kernel.

A kernel has at most one anchor. Its other operators are injective: the anchor's epilogue, or producers of what it
reads. Reductions of the same rows are one anchor: with what lies between them they make a kernel of rows (a softmax,
say, or a normalisation, in whatever operators it is written). A kernel gives every value that is used outside of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from typing import cast

from xdsl.ir import Block, Operation, OpResult, SSAValue
from xdsl.traits import is_side_effect_free

from ....dialects import graph
from ....dialects.extents import Extent
from ....dialects.graph import FusionClass
from .quotient import Node, merge

DEFAULT_MAX_OPS = 64
MAX_OPERANDS = 48
"""The most operands and results of a kernel."""
_MOST_LOOKED_AT = 48
"""The most operators that an epilogue is looked for among."""
MAX_CONSUMERS = 8
"""How many kernels an operator is tried to be put into."""
DATA = graph.ConstantOp | graph.WeightOp
VIEW = "graph.reshape"
"""The operator that leaves the elements where they are."""
_ONE = Extent.of(1)
_CHEAP = {"graph.add", "graph.sub", "graph.mul", "graph.neg", "graph.cast", "graph.relu", "graph.abs"}
"""What may as well be computed again for each element that it is broadcast to."""
_CHOOSING = {"graph.concat"}
"""What reads one operand or another: faster from memory than computed in either branch."""


@dataclass(frozen=True)
class Rows:
    """What a reduction reduces: rows along `axes` of tensors of a shape."""

    shape: graph.Shape
    axes: tuple[int, ...]

    @property
    def kept(self) -> graph.Shape:
        """The shape of one number a row, with extents of 1."""
        return tuple(_ONE if axis in self.axes else dim for axis, dim in enumerate(self.shape))

    @property
    def dropped(self) -> graph.Shape:
        """The shape of one number a row."""
        return tuple(dim for axis, dim in enumerate(self.shape) if axis not in self.axes)

    @property
    def broadcasts_dropped(self) -> bool:
        """Whether numpy's broadcasting of `dropped` meets the rows again."""
        return self.axes == tuple(range(len(self.axes)))


@dataclass(eq=False)
class Group(Node):
    """The operators of one kernel, or an operation that stays where it is."""

    ops: list[Operation] = field(default_factory=list[Operation])
    kind: FusionClass | None = None
    """The anchor's class; injective without an anchor, None for what is no operator."""
    shape: graph.Shape = ()
    """The shape of what its elementwise operators compute: the anchor's result, or whole rows."""
    rows: Rows | None = None


def roots_of(block: Block) -> list[Operation]:
    """The operations that a block has for what they do: its terminator, and those that may have effects."""
    return [op for op in block.ops if op is block.last_op or not (is_pure(op) or isinstance(op, graph.TensorOp))]


def is_pure(op: Operation) -> bool:
    """Whether an operation is there for its results only."""
    return isinstance(op, DATA) or is_side_effect_free(op)


def canonical_order(roots: Sequence[Operation]) -> list[Operation]:
    """What some operations of a block need of it, and they themselves, each after those that it uses. The order in
    which independent ones stand in the block does not matter. Data has no place in it.
    """
    order: dict[Operation, None] = {}
    stack: list[tuple[Operation, bool]] = [(root, False) for root in reversed(roots)]
    entered: set[Operation] = set()
    while stack:
        op, ready = stack.pop()
        if ready:
            order[op] = None
        elif op not in entered:
            entered.add(op)
            stack.append((op, True))
            owners = (operand.owner for operand in reversed(op.operands))
            stack += [
                (owner, False)
                for owner in owners
                if isinstance(owner, Operation) and owner.parent is op.parent and not isinstance(owner, DATA)
            ]
    return list(order)


def is_view(ops: Sequence[Operation]) -> bool:
    """Whether operations are a reshape alone, which moves nothing."""
    return len(ops) == 1 and ops[0].name == VIEW


def users_of(op: Operation) -> list[Operation]:
    """The operations that use a result of `op`, each once."""
    return list(dict.fromkeys(use.operation for result in op.results for use in result.uses))


def shape_of(value: SSAValue) -> graph.Shape:
    """The shape of a tensor value."""
    return graph.shape_of(cast(graph.AnyTensor, value.type))


def is_constant(value: SSAValue) -> bool:
    """Whether a value is one number, which kernels have inside of them."""
    return isinstance(value, OpResult) and isinstance(value.op, graph.ConstantOp)


def is_elementwise(op: Operation) -> bool:
    """Whether each element of an operator's one result comes of those at the same place, as operands broadcast."""
    if not isinstance(op, graph.TensorOp) or op.FUSION_CLASS is not FusionClass.INJECTIVE or len(op.results) != 1:
        return False
    result = shape_of(op.results[0])
    return op.name != VIEW and all(_broadcasts_to(shape_of(operand), result) for operand in op.operands)


def _broadcasts_to(shape: graph.Shape, target: graph.Shape) -> bool:
    if len(shape) > len(target):
        return False
    pairs = zip(shape, target[len(target) - len(shape) :], strict=True)
    return all(dim in (full, _ONE) and dim is not None for dim, full in pairs)


def rows_of(op: Operation) -> Rows | None:
    """The rows that a reduction of one operand reduces, None for one of another kind."""
    axes = getattr(op, "axis_list", None)
    if len(op.operands) != 1 or len(op.results) != 1 or not isinstance(axes, tuple):
        return None
    return Rows(shape_of(op.operands[0]), cast("tuple[int, ...]", axes))


class Fuser:
    """Assigns the operators of a block to groups."""

    def __init__(self, roots: Sequence[Operation], max_ops: int) -> None:
        order = canonical_order(roots)
        self.max_ops = max_ops
        self.order = order
        self.position = {op: position for position, op in enumerate(order)}
        self.groups: dict[Operation, Group] = {}
        for position, op in enumerate(order):
            group = self.groups[op] = _group_of(op, position)
            for operand in op.operands:
                if isinstance(operand, OpResult) and operand.op in self.groups:
                    self.groups[operand.op].connect(group)
        for first, second in pairwise(roots):
            self.groups[first].connect(self.groups[second])

    def run(self) -> list[Group]:
        """The groups, each after those that it uses."""
        for kind in (FusionClass.COMPLEX_OUT_FUSABLE, FusionClass.REDUCTION):
            for op in self.order:
                if isinstance(op, graph.TensorOp) and op.FUSION_CLASS is kind:
                    self.add_consumers(op)
        for op in reversed(self.order):
            if isinstance(op, graph.TensorOp) and op.FUSION_CLASS is FusionClass.INJECTIVE:
                self.add_to_consumer(op)
        groups = dict.fromkeys(self.groups[op] for op in self.order)
        for group in groups:
            group.ops.sort(key=lambda op: self.position[op])
        return sorted(groups, key=lambda group: group.order)

    # An anchor's epilogue, and rows

    def add_consumers(self, anchor: Operation) -> None:
        """Extends an anchor's group over what follows on the same elements, or on the same rows."""
        queue: list[tuple[int, Operation]] = []
        self._queue_users(anchor, queue)
        seen = self.left_out(anchor)
        while queue:
            _, op = heappop(queue)
            if op in seen:
                continue
            seen.add(op)
            group, other = self.groups[anchor], self.groups[op]
            if group is not other and self.follows(op, other, group) and self.join(group, other):
                for joined in other.ops if other.kind is FusionClass.REDUCTION else (op,):
                    self._queue_users(joined, queue)

    def left_out(self, anchor: Operation) -> set[Operation]:
        """What could follow an anchor, but had better not."""
        region = self._region(anchor)
        if self.groups[anchor].rows is not None:
            return self._after_results(region)
        return self._computed_elsewhere(anchor, region)

    def _region(self, anchor: Operation) -> dict[Operation, None]:
        """The anchor and what follows it, and needs nothing that comes after the kernel."""
        group = self.groups[anchor]
        region, later = {anchor: None}, set[Operation]()
        queue: list[tuple[int, Operation]] = []
        self._queue_users(anchor, queue)
        while queue and len(region) + len(later) < _MOST_LOOKED_AT:
            _, op = heappop(queue)
            if op in region or op in later:
                continue
            waits = any(isinstance(operand, OpResult) and operand.op in later for operand in op.operands)
            if not waits and self.follows(op, self.groups[op], group, region):
                region[op] = None
            else:
                later.add(op)
            self._queue_users(op, queue)
        return region

    def _computed_elsewhere(self, anchor: Operation, region: dict[Operation, None]) -> set[Operation]:
        """What could end an epilogue, but would only be one more result: its operands are results anyway, and the one
        kernel that uses it may as well compute it from them."""
        elsewhere: set[Operation] = set()
        for op in sorted(region, key=lambda op: -self.position[op]):
            users = users_of(op)
            if op is anchor or len(users) != 1 or users[0] in region or not _takes_producers(users[0]):
                continue
            inside = [operand.op for operand in op.operands if isinstance(operand, OpResult) and operand.op in region]
            if all(any(user not in region for user in users_of(producer)) for producer in inside):
                elsewhere.add(op)
                del region[op]
        return elsewhere

    def _after_results(self, region: dict[Operation, None]) -> set[Operation]:
        """What needs a value that others need, too: rows pass through a kernel one after another, up to its results."""
        left_out: set[Operation] = set()
        found = True
        while found:
            found = False
            for op in sorted(region, key=lambda op: self.position[op]):
                users = users_of(op)
                inside = [user for user in users if user in region]
                if op in left_out or len(inside) < len(users):
                    for user in inside:
                        del region[user]
                    left_out.update(inside)
                    found = found or bool(inside)
        return left_out

    def _queue_users(self, op: Operation, queue: list[tuple[int, Operation]]) -> None:
        for user in users_of(op):
            if isinstance(user, graph.TensorOp):
                heappush(queue, (self.position[user], user))

    def follows(self, op: Operation, other: Group, group: Group, region: Collection[Operation] = ()) -> bool:
        """Whether `op`, of group `other`, computes on the elements that the anchor of `group` gives.

        What is in `region` may become part of that group.
        """
        if group.rows is not None and other.kind is FusionClass.REDUCTION:
            return other.rows == group.rows
        if len(other.ops) > 1 or other.kind is not FusionClass.INJECTIVE:
            return False
        if group.rows is None:
            return is_elementwise(op) and shape_of(op.results[0]) == group.shape
        inside = [
            operand
            for operand in op.operands
            if isinstance(operand, OpResult) and (operand.op in region or self.groups.get(operand.op) is group)
        ]
        return self._follows_rows(op, inside, group.rows)

    def _follows_rows(self, op: Operation, inside: Sequence[SSAValue], rows: Rows) -> bool:
        shapes = {shape_of(operand) for operand in inside}
        result = shape_of(op.results[0])
        if op.name == VIEW:
            return shapes | {result} == {rows.kept, rows.dropped}
        if not is_elementwise(op):
            return False
        if result == rows.dropped and rows.dropped != rows.shape:
            return shapes == {rows.dropped}
        allowed = {rows.shape, rows.kept} | ({rows.dropped} if rows.broadcasts_dropped else set[graph.Shape]())
        return result in (rows.shape, rows.kept) and shapes <= allowed

    # Producers

    def add_to_consumer(self, op: Operation) -> None:
        """Puts an injective operator into the group of what uses it: of all that use it, or, where it is computed
        element by element with the rest of the group, of one of them."""
        group = self.groups[op]
        if group.kind is not FusionClass.INJECTIVE or (op.name == VIEW and not self._is_between(op)):
            return
        users = users_of(op)
        consumers = dict.fromkeys(self.groups[user] for user in users)
        if len(consumers) == 1:
            (consumer,) = consumers
            if self.takes(consumer, op, users):
                self.join(group, consumer)
            return
        if is_elementwise(op):
            # What others need, too, is a result more. Rows pass through a kernel, and give results at its end.
            consumers = [consumer for consumer in consumers if consumer.rows is None]
            for consumer in sorted(consumers, key=lambda consumer: consumer.order)[:MAX_CONSUMERS]:
                alike = consumer.shape == shape_of(op.results[0]) and self.takes(
                    consumer, op, [user for user in users if self.groups[user] is consumer]
                )
                if alike and self.join(group, consumer):
                    return

    def takes(self, consumer: Group, op: Operation, users: Iterable[Operation]) -> bool:
        """Whether the group `consumer` computes `op` as well as a kernel of its own would."""
        if is_view(consumer.ops):
            return False
        if consumer.kind is FusionClass.INJECTIVE:
            return all(user.name not in _CHOOSING and _reads_once(user, op) for user in users)
        if consumer.kind is FusionClass.REDUCTION:
            return all(user in self.position for user in users)
        # An epilogue takes what is computed on its own elements.
        anchor_uses = any(_class_of(user) is FusionClass.COMPLEX_OUT_FUSABLE for user in users)
        return (
            consumer.kind is FusionClass.COMPLEX_OUT_FUSABLE
            and not anchor_uses
            and (is_elementwise(op) and shape_of(op.results[0]) == consumer.shape)
        )

    def _is_between(self, view: Operation) -> bool:
        """Whether a reshape lies between injective operators: elsewhere it costs nothing as a view."""
        producer = view.operands[0].owner
        if not isinstance(producer, Operation) or producer not in self.groups:
            return False
        kind = self.groups[producer].kind
        users = users_of(view)
        return (
            kind is FusionClass.INJECTIVE
            and isinstance(producer, graph.TensorOp)
            and producer.name != VIEW
            and users_of(producer) == [view]
            and len({self.groups[user] for user in users}) == 1
            and self.groups[users[0]].kind is FusionClass.INJECTIVE
        )

    # Groups

    def join(self, first: Group, second: Group) -> bool:
        """Merges two groups, if the kernel stays small enough and no kernels need one another."""
        if second.order < first.order:
            first, second = second, first
        if not self.fits(first, second):
            return False
        anchor = first if first.kind is not FusionClass.INJECTIVE else second
        kept = merge(first, second)
        if kept is None:
            return False
        gone = second if kept is first else first
        kept.kind, kept.shape, kept.rows = anchor.kind, anchor.shape, anchor.rows
        for op in gone.ops:
            self.groups[op] = kept
        kept.ops = kept.ops + gone.ops
        return True

    def fits(self, first: Group, second: Group) -> bool:
        """Whether two groups are small enough together."""
        ops = [*first.ops, *second.ops]
        if self.max_ops and len(ops) > self.max_ops:
            return False
        return len(operands_of(ops)) + len(results_of(ops)) <= MAX_OPERANDS


def _reads_once(user: Operation, op: Operation) -> bool:
    """Whether `user` computes no more elements of `op` than there are, or these cost nothing."""
    if shape_of(user.results[0]) == shape_of(op.results[0]) or op.name in _CHEAP or not is_elementwise(op):
        return True
    counts = [_count(shape_of(each.results[0])) for each in (user, op)]
    return counts[0] is not None and counts[1] is not None and counts[0] <= counts[1]


def _count(shape: graph.Shape) -> int | None:
    total = 1
    for dim in shape:
        if dim is None or not dim.is_constant:
            return None
        total *= dim.constant
    return total


def _takes_producers(op: Operation) -> bool:
    takes = _class_of(op) in (FusionClass.REDUCTION, FusionClass.INJECTIVE)
    return takes and op.name != VIEW and op.name not in _CHOOSING


def _class_of(op: Operation) -> FusionClass | None:
    return op.FUSION_CLASS if isinstance(op, graph.TensorOp) else None


def _group_of(op: Operation, position: int) -> Group:
    kind = _class_of(op)
    if kind is None:
        return Group(position, ops=[op])
    rows = rows_of(op) if kind is FusionClass.REDUCTION else None
    shape = rows.shape if rows is not None else shape_of(op.results[0])
    return Group(position, ops=[op], kind=kind, shape=shape, rows=rows)


def operands_of(ops: Sequence[Operation]) -> list[SSAValue]:
    """What operations, given in order, use from outside of them, in order; constants are no operands."""
    inside = set(ops)
    used = dict.fromkeys(operand for op in ops for operand in op.operands)
    return [
        value for value in used if not (isinstance(value, OpResult) and value.op in inside) and not is_constant(value)
    ]


def results_of(ops: Sequence[Operation]) -> list[OpResult]:
    """The results of operations that others use, in order."""
    inside = set(ops)
    return [result for op in ops for result in op.results if any(use.operation not in inside for use in result.uses)]
