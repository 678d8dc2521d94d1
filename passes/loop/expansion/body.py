"""Emission of one copy of a block's body: scalar code, widened where lanes differ, with its loads and stores.

Values that all lanes share stay scalar and are broadcast where a vector op uses them. Under a mask nothing that a lane
left out could do is done: loads and stores of shared buffers are masked, what a buffer of the thread's own holds in
other elements is kept, divisors are 1.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from xdsl.dialects import affine, arith, math, memref, scf, vector
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, VectorType, i1, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ....dialects.arith import WIDENED, CmpiOp, SelectOp
from ....dialects.lanes import lane_stride
from ....dialects.loop import BlockOp, InitOp, ReadOp, ReduceOp, WriteOp
from ....dialects.quasi_affine import Lin
from ....errors import CompileError
from .emitter import INDEX, Emitter, affine_map, element_of, is_vector, mask_type, vector_type
from .environment import Environment
from .plan import AccessPlan, BlockPlan, Guard, KernelPlan, Storage, allows_contraction

_DIVISIONS = (
    arith.DivSIOp,
    arith.DivUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    arith.FloorDivSIOp,
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
)
_SLT, _SGE = 2, 5


@dataclass(frozen=True, slots=True)
class Mask:
    """Which lanes run: a vector of i1, and the guards it stands for (empty inside of lazy branches)."""

    value: SSAValue
    guards: tuple[Guard, ...]


class BodyExpansion:
    """Emits one copy of a block at the emitter's place."""

    def __init__(self, plan: KernelPlan, block: BlockOp, environment: Environment, emitter: Emitter) -> None:
        self.kernel = plan
        self.block = block
        self.plan: BlockPlan = plan.blocks[block]
        self.env = environment
        self.emitter = emitter
        self.values: dict[SSAValue, SSAValue] = {}
        self.products: dict[SSAValue, arith.MulfOp] = {}
        self.known: dict[SSAValue, bool] = {}
        self.mask: Mask | None = None

    def run(self, guards: Sequence[Guard]) -> None:
        """Emits the block under guards that differ between lanes."""
        if guards:
            self.mask = Mask(self._guard_mask(guards), tuple(guards))
        self.ops(self.block.body.block)

    # masks

    def _guard_mask(self, guards: Sequence[Guard]) -> SSAValue:
        lane, width = self.env.lane, self.env.width
        assert lane is not None
        counts: list[Lin] = []
        parts: list[SSAValue] = []
        for guard in guards:
            form = self.env.evaluate(guard.form)
            if form.coefficient(lane) == 1:
                counts.append(Lin(guard.limit) - (form - Lin.of(lane)))
            else:
                parts.append(self._compare(form, guard.limit))
        if counts:
            map, operands = affine_map(counts)
            if len(counts) == 1:
                count = self.emitter.index(counts[0])
            else:
                count = self.emitter.emit(affine.MinOp, operands, INDEX, {"map": map})
            parts.append(self.emitter.emit(vector.CreateMaskOp, (count,), mask_type(width)))
        mask = parts[0]
        for part in parts[1:]:
            mask = self._and(mask, part)
        return mask

    def _compare(self, form: Lin, limit: int) -> SSAValue:
        assert self.env.lane is not None
        indices = self.emitter.lane_index(form, self.env.lane, self.env.width, self.env.bounds)
        bound = self.emitter.splat(limit, indices.type)
        properties = {"predicate": IntegerAttr(_SLT, i64)}
        return self.emitter.emit(CmpiOp, (indices, bound), mask_type(self.env.width), properties)

    def _and(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emitter.emit(arith.AndIOp, (lhs, rhs), lhs.type)

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
        known = self.known.get(source)
        if known is not None:
            return self.emitter.splat(int(known), i1)
        product = self.products[source]
        return self._emit(product, [self.value(operand) for operand in product.operands])

    def _index_value(self, form: Lin) -> SSAValue:
        if self.env.in_lanes(form):
            assert self.env.lane is not None
            return self.emitter.lane_index(form, self.env.lane, self.env.width, self.env.bounds)
        return self.emitter.index(form)

    def wide(self, value: SSAValue) -> SSAValue:
        """A value in every lane."""
        return self.emitter.broadcast(value, self.env.width)

    # ops

    def ops(self, block: Block) -> None:
        """Emits straight-line code."""
        for op in block.ops:
            if isinstance(op, ReadOp):
                self.values[op.result] = self.read(op, self.plan.accesses[op][0])
            elif isinstance(op, WriteOp):
                self.store(self.value(op.value), self.plan.accesses[op][0])
            elif isinstance(op, ReduceOp):
                self.reduce(op)
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
        if isinstance(op, arith.CmpiOp | arith.AndIOp | arith.OrIOp) and (truth := self._decide(op)) is not None:
            self.known[op.results[0]] = truth
            return
        operands = [self.value(operand) for operand in op.operands]
        if isinstance(op, _DIVISIONS) and self.mask is not None:
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
        return self.emitter.emit(SelectOp, (self.mask.value, divisor, one), divisor.type)

    # conditions

    def _decide(self, op: Operation) -> bool | None:
        """The truth of a condition on iterators where the environment proves it in all lanes."""
        if isinstance(op, arith.CmpiOp):
            return self._decide_comparison(op)
        truths = [self.known.get(operand) for operand in op.operands]
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

    def choice(self, op: scf.IfOp) -> None:
        """Emits a lazy choice: the branch that is taken where that is known; a branch of control flow where all lanes
        agree; both branches under masks where they do not."""
        known = self.known.get(op.cond)
        if known is not None:
            taken = (op.true_region if known else op.false_region).block
            self.ops(taken)
            for result, source in zip(op.results, _yielded(taken), strict=True):
                self.values[result] = self.value(source)
            return
        condition = self.value(op.cond)
        if is_vector(condition):
            self._select(op, condition)
        else:
            self._branch(op, condition)

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
            self.mask = Mask(taken if outer is None else self._and(outer.value, taken), ())
            self.ops(region.block)
            yields.append([self.wide(self.value(source)) for source in _yielded(region.block)])
        self.mask = outer
        for result, lhs, rhs in zip(op.results, *yields, strict=True):
            self.values[result] = self.emitter.emit(SelectOp, (condition, lhs, rhs), lhs.type)

    # reductions

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
        """Emits load, combiner, store."""
        plans = self.plan.accesses[op]
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
                self.values[argument] = self.value(source)
        self.ops(op.combiner.block)
        combined = [self.value(source) for source in _yielded(op.combiner.block)]
        for value, plan in zip(combined, plans, strict=True):
            self.store(value, plan)

    # memory

    def read(self, op: ReadOp, plan: AccessPlan) -> SSAValue:
        """Emits a read."""
        return self.load(plan) if plan.is_affine else self._load_at_data(op, plan)

    def _forms(self, plan: AccessPlan) -> list[Lin]:
        evaluate = self.env.evaluate
        return [evaluate(index) for index in plan.indices if isinstance(index, Lin)]

    def _stride(self, forms: Sequence[Lin], storage: Storage) -> int | None:
        lane = self.env.lane
        return 0 if lane is None else lane_stride(forms, storage.strides, lane)

    def load(self, plan: AccessPlan) -> SSAValue:
        """Emits a load: of one element, of a vector, or lane by lane where lanes are not neighbours."""
        storage = self.kernel.storage[plan.buffer]
        forms = self._forms(plan)
        buffer = self.emitter.buffer(plan.buffer)
        stride = self._stride(forms, storage)
        masked = self.mask is not None and not self._in_bounds(forms, storage)
        key = tuple(forms)
        known = self.emitter.known_load(buffer, key)
        if known is not None and not masked:
            return known
        if stride == 0 and masked:
            return self._load_scalar(
                [self._clamped(f, extent) for f, extent in zip(forms, storage.shape, strict=True)], buffer, storage
            )
        if stride == 0:
            map, operands = affine_map(forms)
            value = self.emitter.emit(affine.LoadOp, (buffer, *operands), storage.type.element_type, {"map": map})
        elif stride == 1 and masked:
            return self._load_masked(forms, buffer, storage)
        elif stride == 1:
            map, operands = affine_map(self._first_lane(forms))
            type = vector_type(storage.type.element_type, self.env.width)
            value = self.emitter.emit(affine.VectorLoadOp, (buffer, *operands), type, {"map": map})
        else:
            return self._gather(forms, buffer, storage, masked)
        self.emitter.remember_load(buffer, key, value)
        return value

    def _first_lane(self, forms: Sequence[Lin]) -> list[Lin]:
        return [self._at_lane(form, 0) for form in forms]

    def _at_lane(self, form: Lin, number: int) -> Lin:
        lane = self.env.lane
        if lane is None or form.coefficient(lane) == 0:
            return form
        return form.substitute({lane: Lin(number)}, self.env.bounds)

    def _in_bounds(self, forms: Sequence[Lin], storage: Storage) -> bool:
        """Whether every lane, running or not, stays inside of the buffer."""
        for form, extent in zip(forms, storage.shape, strict=True):
            lo, hi = self.env.interval(form)
            if lo < 0 or hi >= extent:
                return False
        return True

    def _clamped(self, form: Lin, extent: int) -> SSAValue:
        value = self.emitter.index(form)
        lo, hi = self.env.interval(form)
        return self._clamp(value, extent, lo < 0, hi >= extent)

    def _clamp(self, value: SSAValue, extent: int, below: bool = True, above: bool = True) -> SSAValue:
        if below:
            value = self.emitter.emit(arith.MaxSIOp, (value, self.emitter.splat(0, value.type)), value.type)
        if above:
            value = self.emitter.emit(arith.MinSIOp, (value, self.emitter.splat(extent - 1, value.type)), value.type)
        return value

    def _load_scalar(self, indices: Sequence[SSAValue], buffer: SSAValue, storage: Storage) -> SSAValue:
        return self.emitter.emit(memref.LoadOp, (buffer, *indices), storage.type.element_type)

    def _load_masked(self, forms: Sequence[Lin], buffer: SSAValue, storage: Storage) -> SSAValue:
        assert self.mask is not None
        indices = [self.emitter.index(form) for form in self._first_lane(forms)]
        return self._masked_load(indices, buffer, storage)

    def _masked_load(self, indices: Sequence[SSAValue], buffer: SSAValue, storage: Storage) -> SSAValue:
        assert self.mask is not None
        type = vector_type(storage.type.element_type, self.env.width)
        zeros = self.emitter.splat(0, type)
        return self.emitter.emit(vector.MaskedLoadOp, (buffer, *indices, self.mask.value, zeros), type)

    def _gather(self, forms: Sequence[Lin], buffer: SSAValue, storage: Storage, masked: bool) -> SSAValue:
        """One load a lane. Lanes left out load some element of the buffer."""
        values: list[SSAValue] = []
        for number in range(self.env.width):
            indices = [self._at_lane(form, number) for form in forms]
            if masked:
                clamped = [self._clamped(form, extent) for form, extent in zip(indices, storage.shape, strict=True)]
                values.append(self._load_scalar(clamped, buffer, storage))
            else:
                map, operands = affine_map(indices)
                values.append(
                    self.emitter.emit(affine.LoadOp, (buffer, *operands), storage.type.element_type, {"map": map})
                )
        return self._from_lanes(values)

    def _from_lanes(self, values: Sequence[SSAValue]) -> SSAValue:
        vector_ = self.wide(values[0])
        for number, value in enumerate(values[1:], 1):
            vector_ = self.emitter.emit(vector.InsertOp, (value, vector_), vector_.type, _position(number))
        return vector_

    def _lane_of(self, value: SSAValue, number: int) -> SSAValue:
        return self.emitter.emit(vector.ExtractOp, (value,), element_of(value), _position(number))

    def _load_at_data(self, op: ReadOp, plan: AccessPlan) -> SSAValue:
        """A read at an index that is data, which is brought into its dimension first."""
        storage = self.kernel.storage[plan.buffer]
        buffer = self.emitter.buffer(plan.buffer)
        lane = self.env.lane
        data: list[SSAValue | None] = []
        forms: list[Lin] = []
        for index, extent in zip(plan.indices, storage.shape, strict=True):
            if isinstance(index, Lin):
                data.append(None)
                forms.append(self.env.evaluate(index))
            else:
                data.append(self._in_dimension(self.value(index), extent, plan.wraps))
                forms.append(Lin())
        scalars = not any(value is not None and is_vector(value) for value in data)
        stride = self._stride(forms, storage) if scalars else None
        masked = self.mask is not None and not self._in_bounds(forms, storage)
        if lane is None or stride == 0:
            return self._load_scalar(self._data_indices(data, forms, storage, masked, 0), buffer, storage)
        if stride == 1:
            indices = self._data_indices(data, forms, storage, False, 0)
            if masked:
                return self._masked_load(indices, buffer, storage)
            type = vector_type(storage.type.element_type, self.env.width)
            return self.emitter.emit(vector.LoadOp, (buffer, *indices), type)
        values: list[SSAValue] = []
        for number in range(self.env.width):
            indices = self._data_indices(data, forms, storage, masked, number)
            values.append(self._load_scalar(indices, buffer, storage))
        return self._from_lanes(values)

    def _data_indices(
        self, data: Sequence[SSAValue | None], forms: Sequence[Lin], storage: Storage, masked: bool, lane: int
    ) -> list[SSAValue]:
        """The indices of one lane."""
        indices: list[SSAValue] = []
        for value, form, extent in zip(data, forms, storage.shape, strict=True):
            if value is None:
                own = self._at_lane(form, lane)
                indices.append(self._clamped(own, extent) if masked else self.emitter.index(own))
            elif is_vector(value):
                indices.append(self._lane_of(value, lane))
            else:
                indices.append(value)
        return indices

    def _in_dimension(self, value: SSAValue, extent: int, wraps: bool) -> SSAValue:
        if not wraps:
            return self._clamp(value, extent)
        size, zero = self.emitter.splat(extent, value.type), self.emitter.splat(0, value.type)
        remainder = self.emitter.emit(arith.RemSIOp, (value, size), value.type)
        truth: Attribute = mask_type(self.env.width) if is_vector(value) else i1
        negative = self.emitter.emit(CmpiOp, (remainder, zero), truth, {"predicate": IntegerAttr(_SLT, i64)})
        lifted = self.emitter.emit(arith.AddiOp, (remainder, size), value.type, {"overflowFlags": _no_overflow()})
        return self.emitter.emit(SelectOp, (negative, lifted, remainder), value.type)

    def store(self, value: SSAValue, plan: AccessPlan) -> None:
        """Emits a store."""
        storage = self.kernel.storage[plan.buffer]
        forms = self._forms(plan)
        buffer = self.emitter.buffer(plan.buffer)
        stride = self._stride(forms, storage)
        if stride == 0:
            self._store_scalar(value, forms, buffer)
        elif stride == 1:
            self._store_vector(self.wide(value), forms, plan.buffer, buffer, storage)
        else:
            self._scatter(self.wide(value), forms, buffer)

    def _store_scalar(self, value: SSAValue, forms: Sequence[Lin], buffer: SSAValue) -> None:
        if is_vector(value) or self.mask is not None:
            raise CompileError(
                f"block '{self.block.block_name}': expected vector lanes to write different elements, "
                "got one element for all of them"
            )
        map, operands = affine_map(forms)
        self.emitter.add(affine.StoreOp.create(operands=(value, buffer, *operands), properties={"map": map}))
        self.emitter.stored(buffer)
        self.emitter.remember_load(buffer, tuple(forms), value)

    def _store_vector(
        self, value: SSAValue, forms: Sequence[Lin], source: SSAValue, buffer: SSAValue, storage: Storage
    ) -> None:
        mask = self.mask
        if mask is not None and not self._may_clobber(forms, source, storage):
            if self.emitter.is_private(source) and self._in_bounds(forms, storage):
                # Read, choose, write: LLVM keeps such a buffer in registers, which a masked store would prevent.
                old = self._load_vector(forms, buffer, storage)
                value = self.emitter.emit(SelectOp, (mask.value, value, old), value.type)
            else:
                indices = [self.emitter.index(form) for form in self._first_lane(forms)]
                operands = (buffer, *indices, mask.value, value)
                self.emitter.add(vector.MaskedStoreOp.create(operands=operands))
                self.emitter.stored(buffer)
                return
        map, operands = affine_map(self._first_lane(forms))
        self.emitter.add(affine.VectorStoreOp.create(operands=(value, buffer, *operands), properties={"map": map}))
        self.emitter.stored(buffer)
        self.emitter.remember_load(buffer, tuple(forms), value)

    def _load_vector(self, forms: Sequence[Lin], buffer: SSAValue, storage: Storage) -> SSAValue:
        known = self.emitter.known_load(buffer, tuple(forms))
        if known is not None:
            return known
        map, operands = affine_map(self._first_lane(forms))
        type = vector_type(storage.type.element_type, self.env.width)
        return self.emitter.emit(affine.VectorLoadOp, (buffer, *operands), type, {"map": map})

    def _may_clobber(self, forms: Sequence[Lin], source: SSAValue, storage: Storage) -> bool:
        """Whether lanes left out may store: they fall outside of the buffer's logical shape, where nothing valid lies,
        and inside of its memory, which no other thread sees."""
        assert self.mask is not None
        if not self.mask.guards or not self.emitter.is_private(source) or not self._in_bounds(forms, storage):
            return False
        outside = [
            Guard(form + self.env.evaluate(base), extent)
            for form, base, extent in zip(forms, storage.base, storage.logical, strict=False)
            if self.env.in_lanes(form)
        ]
        return all(
            any(_implies(own, self.env.evaluate(guard.form), guard.limit) for own in outside)
            for guard in self.mask.guards
        )

    def _scatter(self, value: SSAValue, forms: Sequence[Lin], buffer: SSAValue) -> None:
        """One store a lane, in order."""
        mask = self.mask
        for number in range(self.env.width):
            element = self._lane_of(value, number)
            map, operands = affine_map([self._at_lane(form, number) for form in forms])
            op = affine.StoreOp.create(operands=(element, buffer, *operands), properties={"map": map})
            if mask is None:
                self.emitter.add(op)
                continue
            runs = self._lane_of(mask.value, number)
            block = Block()
            with self.emitter.inside(block):
                self.emitter.add(op)
            regions = [self.emitter.region_of(block, scf.YieldOp), Region()]
            self.emitter.add(scf.IfOp.create(operands=(runs,), regions=regions))
        self.emitter.stored(buffer)


def _implies(outside: Guard, form: Lin, limit: int) -> bool:
    """Whether `form >= limit` implies that `outside` fails."""
    difference = outside.form - form
    return difference.is_const and limit + difference.const >= outside.limit


def _yielded(block: Block) -> Sequence[SSAValue]:
    terminator = block.last_op
    assert terminator is not None
    return terminator.operands


def _position(number: int) -> dict[str, Attribute]:
    return {"static_position": DenseArrayBase.from_list(i64, (number,))}


def _no_overflow() -> Attribute:
    return arith.IntegerOverflowAttr("none")
