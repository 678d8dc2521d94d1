"""Emission of one copy of a block's body: scalar code, widened where lanes differ, with its loads and stores.

Values that all lanes share stay scalar and are broadcast where a vector op uses them. Under a mask nothing that a lane
left out could do is done: loads and stores of shared buffers are masked, what a buffer of the thread's own holds in
other elements is kept, divisors are 1.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from xdsl.dialects import arith, math, scf, vector
from xdsl.dialects.builtin import IntegerAttr, VectorType, i1
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ....dialects.arith import WIDENED, SelectOp
from ....dialects.loop import BlockOp, InitOp, PrefetchOp, ReadOp, ReduceOp, WriteOp
from ....dialects.quasi_affine import Lin
from .emitter import Emitter, element_of, is_vector, mask_type, vector_type
from .environment import Environment
from .memory import Mask
from .padding import PaddingExpansion
from .plan import AccessPlan, BlockPlan, Guard, KernelPlan, allows_contraction

_DIVISIONS = (
    arith.DivSIOp,
    arith.DivUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    arith.FloorDivSIOp,
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
)


class BodyExpansion(PaddingExpansion):
    """Emits one copy of a block at the emitter's place."""

    def __init__(self, plan: KernelPlan, block: BlockOp, environment: Environment, emitter: Emitter) -> None:
        super().__init__(plan, block, environment, emitter)
        self.plan: BlockPlan = plan.blocks[block]
        self.values: dict[SSAValue, SSAValue] = {}
        self.products: dict[SSAValue, arith.MulfOp] = {}
        self.known: dict[SSAValue, bool] = {}
        self.conditions: dict[SSAValue, Operation] = {}
        self.undecided: set[SSAValue] = set()

    def run(self, guards: Sequence[Guard]) -> None:
        """Emits the block under guards that differ between lanes."""
        if guards:
            self.mask = Mask(tuple(guards))
        self.ops(self.block.body.block)

    # values

    def value(self, source: SSAValue) -> SSAValue:
        """What a value of the body is in this copy."""
        value = self.values.get(source)
        if value is None:
            value = self.values[source] = self._materialize(source)
        return value

    def _materialize(self, source: SSAValue) -> SSAValue:
        form = self.plan.forms.get(source)
        if form is not None:
            return self._index_value(self.env.evaluate(form))
        known = self._truth(source)
        if known is not None:
            return self.emitter.splat(int(known), i1)
        condition = self.conditions.get(source)
        if condition is not None:
            self._compute(condition)
            return self.values[source]
        product = self.products[source]
        return self._emit(product, [self.value(operand) for operand in product.operands])

    def _index_value(self, form: Lin) -> SSAValue:
        if self.env.in_lanes(form):
            assert self.env.lane is not None
            return self.emitter.lane_index(form, self.env.lane, self.env.width, self.env.bounds)
        return self.emitter.index(form)

    # ops

    def ops(self, block: Block) -> None:
        """Emits straight-line code."""
        for op in block.ops:
            if isinstance(op, ReadOp):
                self.values[op.result] = self.read(self.plan.accesses[op][0])
            elif isinstance(op, WriteOp):
                self.store(self.value(op.value), self.plan.accesses[op][0])
            elif isinstance(op, ReduceOp):
                self.reduce(op)
            elif isinstance(op, PrefetchOp):
                self.prefetch(self.plan.accesses[op][0])
            elif isinstance(op, InitOp):
                self.init(op)
            elif isinstance(op, scf.IfOp):
                self.choice(op)
            elif isinstance(op, arith.ConstantOp):
                self.values[op.result] = self.emitter.constant(op.value, op.result.type)
            elif op.results and op.results[0] not in self.plan.forms:
                self.scalar(op)

    def scalar(self, op: Operation) -> None:
        """Emits one scalar op, wide if an operand is."""
        if isinstance(op, arith.MulfOp) and op.result in self.plan.fused:
            self.products[op.result] = op
            return
        if isinstance(op, arith.AddfOp) and self._fuse(op):
            return
        if isinstance(op, arith.CmpiOp | arith.AndIOp | arith.OrIOp):
            if self._is_condition(op):
                self.conditions[op.results[0]] = op
                return
            if (truth := self._decide(op)) is not None:
                self.known[op.results[0]] = truth
                return
        self._compute(op)

    def _is_condition(self, op: Operation) -> bool:
        """Whether an op asks where iterators are: it is emitted where its result is used, if it is."""
        if isinstance(op, arith.CmpiOp):
            return op.lhs in self.plan.forms and op.rhs in self.plan.forms
        return isinstance(op, arith.AndIOp | arith.OrIOp) and all(
            operand in self.conditions or operand in self.known for operand in op.operands
        )

    def _compute(self, op: Operation) -> None:
        if isinstance(op, arith.CmpiOp) and (mask := self._lanes_below(op)) is not None:
            self.values[op.result] = mask
            return
        operands = [self.value(operand) for operand in op.operands]
        if isinstance(op, _DIVISIONS) and self.mask is not None and not _is_nonzero(op.operands[1]):
            operands = [self.wide(operands[0]), self._safe_divisor(self.wide(operands[1]))]
        self.values[op.results[0]] = self._emit(op, operands)

    def _emit(self, op: Operation, operands: Sequence[SSAValue]) -> SSAValue:
        type_ = op.results[0].type
        if any(is_vector(operand) for operand in operands):
            first = 1 if isinstance(op, arith.SelectOp) and not is_vector(operands[0]) else 0
            operands = [*operands[:first], *(self.wide(operand) for operand in operands[first:])]
            type_ = vector_type(type_, self.env.width)
        return self.emitter.emit(WIDENED.get(type(op), type(op)), operands, type_, self.plan.properties[op])

    def _fuse(self, op: arith.AddfOp) -> bool:
        """Emits a sum with a product as one fused multiply-add, where flags allow it."""
        if not allows_contraction(op.fastmath):
            return False
        for source, other in ((op.rhs, op.lhs), (op.lhs, op.rhs)):
            product = self.products.get(source)
            if product is None or source in self.values:
                continue
            factors = [self.value(factor) for factor in product.operands]
            operands = [*factors, self.value(other)]
            if any(is_vector(operand) for operand in operands):
                operands = [self.wide(operand) for operand in operands]
                result = self.emitter.emit(vector.FMAOp, operands, operands[0].type)
            else:
                result = self.emitter.emit(math.FmaOp, operands, op.result.type)
            self.values[op.result] = result
            return True
        return False

    def _safe_divisor(self, divisor: SSAValue) -> SSAValue:
        assert self.mask is not None
        one = self.emitter.splat(1, divisor.type)
        return self.emitter.emit(SelectOp, (self.runs(self.mask), divisor, one), divisor.type)

    # conditions

    def _truth(self, value: SSAValue) -> bool | None:
        """What a condition is in all lanes, if that is known."""
        known = self.known.get(value)
        if known is None and (op := self.conditions.get(value)) is not None and value not in self.undecided:
            known = self._decide(op)
            if known is None:
                self.undecided.add(value)
            else:
                self.known[value] = known
        return known

    def _decide(self, op: Operation) -> bool | None:
        """The truth of a condition on iterators where the environment proves it in all lanes."""
        if isinstance(op, arith.CmpiOp):
            return self._decide_comparison(op)
        truths = [self._truth(operand) for operand in op.operands]
        decisive = isinstance(op, arith.OrIOp)
        if decisive in truths:
            return decisive
        return None if None in truths else not decisive

    def _decide_comparison(self, op: arith.CmpiOp) -> bool | None:
        forms = [self.plan.forms.get(operand) for operand in op.operands]
        lhs, rhs = forms
        if lhs is None or rhs is None:
            return None
        left, right = self.env.evaluate(lhs), self.env.evaluate(rhs)
        lo, hi = self.env.interval(left - right)
        predicate = op.predicate.value.data
        if predicate >= 6:
            if min(self.env.interval(left)[0], self.env.interval(right)[0]) < 0:
                return None
            predicate -= 4
        match predicate:
            case 0:
                return True if lo == hi == 0 else False if lo > 0 or hi < 0 else None
            case 1:
                return False if lo == hi == 0 else True if lo > 0 or hi < 0 else None
            case 2:
                return True if hi < 0 else False if lo >= 0 else None
            case 3:
                return True if hi <= 0 else False if lo > 0 else None
            case 4:
                return True if lo > 0 else False if hi <= 0 else None
            case _:
                return True if lo >= 0 else False if hi < 0 else None

    def _lanes_below(self, op: arith.CmpiOp) -> SSAValue | None:
        """A comparison of iterators that holds in the first lanes, or in the others, as a mask."""
        lhs, rhs = self.plan.forms.get(op.lhs), self.plan.forms.get(op.rhs)
        if lhs is None or rhs is None or self.env.lane is None:
            return None
        difference = self.env.evaluate(lhs) - self.env.evaluate(rhs)
        first = {2: 0, 3: 1, 4: 1, 5: 0}.get(op.predicate.value.data)
        if first is None or difference.coefficient(self.env.lane) != 1:
            return None
        type = mask_type(self.env.width)
        count = Lin(first) - (difference - Lin.of(self.env.lane))
        mask = self.first_lanes(count)
        if op.predicate.value.data in (2, 3):
            return mask
        return self.emitter.emit(arith.XOrIOp, (mask, self.emitter.splat(1, type)), type)

    def choice(self, op: scf.IfOp) -> None:
        """Emits a lazy choice: the branch that is taken where that is known; a branch of control flow where all lanes
        agree; both branches under masks where they do not."""
        padded = self._padded(op)
        if padded is not None:
            self.values[op.results[0]] = padded
            return
        known = self._truth(op.cond)
        if known is not None:
            taken = (op.true_region if known else op.false_region).block
            self.ops(taken)
            for result, source in zip(op.results, _yielded(taken), strict=True):
                product = self.products.get(source)
                if product is not None and source not in self.values:
                    self.products[result] = product
                else:
                    self.values[result] = self.value(source)
            return
        condition = self.value(op.cond)
        if is_vector(condition):
            self._select(op, condition)
        else:
            self._branch(op, condition)

    def _padded(self, op: scf.IfOp) -> SSAValue | None:
        """A read that is a constant beyond the edges of what it reads, in lanes; None if the choice is another one."""
        if self.env.lane is None:
            return None
        if op not in self.kernel.padded_reads:
            self.kernel.padded_reads[op] = self._padded_read(op)
        found = self.kernel.padded_reads[op]
        if found is None:
            return None
        plan, constant = found
        return self.load_padded(plan, self.emitter.constant(constant.value, constant.result.type))

    def _padded_read(self, op: scf.IfOp) -> tuple[AccessPlan, arith.ConstantOp] | None:
        """The read of a choice between an element where there is one, and a constant."""
        taken, other = op.true_region.block, op.false_region.block
        read, constant = taken.first_op, other.first_op
        if not isinstance(read, ReadOp) or tuple(_yielded(taken)) != (read.result,):
            return None
        if not isinstance(constant, arith.ConstantOp) or tuple(_yielded(other)) != (constant.result,):
            return None
        plan = self.plan.accesses[read][0]
        conditions = self._conditions(op.cond)
        if not plan.is_affine or conditions is None:
            return None
        return (plan, constant) if self.are_edges(conditions, plan) else None

    def _conditions(self, condition: SSAValue) -> list[Lin] | None:
        """Forms that are at least 0 where a condition on iterators holds; None of another one."""
        op = condition.owner
        if isinstance(op, arith.AndIOp):
            lhs, rhs = self._conditions(op.lhs), self._conditions(op.rhs)
            return None if lhs is None or rhs is None else lhs + rhs
        if not isinstance(op, arith.CmpiOp):
            return None
        left, right = self.plan.forms.get(op.lhs), self.plan.forms.get(op.rhs)
        if left is None or right is None:
            return None
        difference = right - left
        match op.predicate.value.data:
            case 2:
                return [difference - 1]
            case 3:
                return [difference]
            case 4:
                return [-difference - 1]
            case 5:
                return [-difference]
            case _:
                return None

    @contextmanager
    def _nested(self, block: Block) -> Generator[None]:
        """Emits to a nested block, whose values are not seen outside of it."""
        values = dict(self.values)
        with self.emitter.inside(block):
            yield
        self.values = values

    def _branch(self, op: scf.IfOp, condition: SSAValue) -> None:
        blocks: list[Block] = []
        yields: list[list[SSAValue]] = []
        for region in op.regions:
            block = Block()
            with self._nested(block):
                self.ops(region.block)
                yields.append([self.value(source) for source in _yielded(region.block)])
            blocks.append(block)
        types: list[Attribute] = []
        for i, result in enumerate(op.results):
            wide = any(is_vector(values[i]) for values in yields)
            types.append(vector_type(result.type, self.env.width) if wide else result.type)
        for block, values in zip(blocks, yields, strict=True):
            with self.emitter.inside(block):
                operands = [
                    self.wide(value) if isinstance(type, VectorType) else value
                    for value, type in zip(values, types, strict=True)
                ]
                self.emitter.add(scf.YieldOp.create(operands=operands))
        new = scf.IfOp.create(operands=(condition,), result_types=types, regions=[Region(block) for block in blocks])
        self.emitter.add(new)
        self.values.update(zip(op.results, new.results, strict=True))

    def _select(self, op: scf.IfOp, condition: SSAValue) -> None:
        outer = self.mask
        everywhere = self.emitter.splat(1, condition.type)
        negated = self.emitter.emit(arith.XOrIOp, (condition, everywhere), condition.type)
        yields: list[list[SSAValue]] = []
        for region, taken in zip(op.regions, (condition, negated), strict=True):
            self.mask = Mask(value=taken if outer is None else self.both(self.runs(outer), taken))
            self.ops(region.block)
            yields.append([self.wide(self.value(source)) for source in _yielded(region.block)])
        self.mask = outer
        for result, lhs, rhs in zip(op.results, *yields, strict=True):
            self.values[result] = self.emitter.emit(SelectOp, (condition, lhs, rhs), lhs.type)

    # accesses

    def read(self, plan: AccessPlan) -> SSAValue:
        """Emits a read."""
        if plan.is_affine:
            return self.load(plan)
        return self.load_at_data(plan, [self.value(index) for index in plan.indices if isinstance(index, SSAValue)])

    def init(self, op: InitOp) -> None:
        """Emits what runs before the first step of a reduction."""
        steps: list[Lin] = []
        for form in self.plan.reduce_forms:
            position = self.env.evaluate(form)
            lo, hi = self.env.interval(position)
            if lo > 0:
                return
            if hi > 0:
                steps.append(-position)
        if not steps:
            self.ops(op.body.block)
            return
        block = Block()
        with self._nested(block):
            self.ops(op.body.block)
        self.emitter.add_if(steps, block)

    def reduce(self, op: ReduceOp) -> None:
        """Emits load, combiner, store. Lanes that share an accumulator are combined first."""
        plans = self.plan.accesses[op]
        if self._shared_by_lanes(op, plans):
            values = self._across_lanes(op)
            for source, value in zip(op.values, values, strict=True):
                self.values[source] = value
            mask, self.mask = self.mask, None
            self._combine_into(op, plans)
            self.mask = mask
        else:
            self._combine_into(op, plans)

    def _combine_into(self, op: ReduceOp, plans: Sequence[AccessPlan]) -> None:
        arguments = op.combiner.block.args
        count = len(plans)
        for argument, plan in zip(arguments[:count], plans, strict=True):
            self.values[argument] = self.load(plan)
        for argument, source in zip(arguments[count:], op.values, strict=True):
            product = self.products.get(source)
            if product is not None and source not in self.values:
                self.products[argument] = product
                self.values.pop(argument, None)
            else:
                self.products.pop(argument, None)
                self.values[argument] = self.value(source)
        self.ops(op.combiner.block)
        combined = [self.value(source) for source in _yielded(op.combiner.block)]
        for value, plan in zip(combined, plans, strict=True):
            self.store(value, plan)

    def _shared_by_lanes(self, op: ReduceOp, plans: Sequence[AccessPlan]) -> bool:
        """Whether lanes go along the reduction: all of them combine into one element."""
        if self.env.lane is None or not op.may_reorder:
            return False
        if not any(self.env.in_lanes(self.env.evaluate(form)) for form in self.plan.reduce_forms):
            return False
        return all(self._stride(self._forms(plan), self.kernel.storage[plan.buffer]) == 0 for plan in plans)

    def _across_lanes(self, op: ReduceOp) -> list[SSAValue]:
        """What all lanes combine to: halves of vectors are combined until one lane is left."""
        values = [self.wide(self.value(source)) for source in op.values]
        mask, self.mask = self.mask, None
        if mask is not None:
            values = [
                self.emitter.emit(SelectOp, (self.runs(mask), value, self._identity(attr, value)), value.type)
                for value, attr in zip(values, op.identity.data, strict=True)
            ]
        width = self.env.width
        while self.env.width > 1:
            half = self.env.width // 2
            halves = [[self._part(value, start, half) for value in values] for start in (0, half)]
            self.env.width = half
            values = self._combined(op, *halves)
        self.env.width = width
        self.mask = mask
        return values

    def _identity(self, attr: Attribute, value: SSAValue) -> SSAValue:
        return self.emitter.broadcast(self.emitter.constant(attr, element_of(value)), self.env.width)

    def _part(self, value: SSAValue, start: int, count: int) -> SSAValue:
        """Some neighbouring lanes of a vector; one of them is a scalar."""
        if count == 1:
            return self._lane_of(value, start)
        return self._shuffle(value, value, range(start, start + count))

    def _combined(self, op: ReduceOp, first: Sequence[SSAValue], second: Sequence[SSAValue]) -> list[SSAValue]:
        for argument, value in zip(op.combiner.block.args, (*first, *second), strict=True):
            self.products.pop(argument, None)
            self.values[argument] = value
        self.ops(op.combiner.block)
        return [self.value(source) for source in _yielded(op.combiner.block)]


def _yielded(block: Block) -> Sequence[SSAValue]:
    terminator = block.last_op
    assert terminator is not None
    return terminator.operands


def _is_nonzero(value: SSAValue) -> bool:
    """Whether a value is a constant other than 0: the same in all lanes, also in those that nobody asks for."""
    owner = value.owner
    return isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr) and owner.value.value.data != 0
