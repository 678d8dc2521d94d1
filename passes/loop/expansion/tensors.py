"""Emission of tensorized nests: loads of vectors, the intrinsic's implementation, stores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import cast

from xdsl.dialects import affine
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Attribute, SSAValue

from ....dialects.lanes import row_major_strides
from ....dialects.loop import BlockOp, ForOp, ReadOp, ReduceOp, TensorAttr, WriteOp, YieldOp
from ....dialects.quasi_affine import Lin, from_affine
from ....dialects.tensors import rows_of
from .emitter import Emitter, affine_map
from .environment import Environment
from .memory import in_bounds, lies_beyond
from .plan import AccessPlan, Guard, KernelPlan, Storage

Access = ReadOp | WriteOp | ReduceOp


class TensorExpansion:
    """The code of an intrinsic in place of a whole nest, at the emitter's place."""

    def __init__(self, plan: KernelPlan, loop: ForOp, environment: Environment, emitter: Emitter) -> None:
        self.plan = plan
        self.env = environment
        self.emitter = emitter
        self.loops: list[ForOp] = []
        current: object = loop
        while isinstance(current, ForOp):
            self.loops.append(current)
            current = current.body.block.first_op
        assert isinstance(current, BlockOp) and loop.tensors is not None and loop.implementation is not None
        self.block = current
        self.accesses: list[Access] = list(current.accesses())
        self.tensors: Sequence[TensorAttr] = loop.tensors.data
        self.implementation = loop.implementation.block
        self.variables = [each.induction_variable for each in self.loops]

    def fits(self) -> bool:
        """Whether the elements lie in memory as the vectors have them."""
        for tensor in self.tensors:
            place = self._place(tensor)
            if place is None or not self._lies_right(tensor, *place):
                return False
        return True

    def may_ignore(self, guard: Guard) -> bool:
        """Whether the implementation may run although a guard holds for a part of the nest only: what it loads lies
        inside of its memory, and what it writes too much lies where nothing valid is."""
        for tensor in self.tensors:
            place = self._place(tensor)
            if place is None or not self._harmless(guard, tensor, *place):
                return False
        return True

    def run(self) -> None:
        """Emits the intrinsic."""
        values: dict[SSAValue, SSAValue] = {}
        arguments = list(self.implementation.args)
        for tensor in self.tensors:
            if self._is_read(tensor):
                count = self._vectors(tensor, arguments[0].type)
                for row, argument in zip(
                    self._rows(tensor, argument_type(arguments[0])), arguments[:count], strict=True
                ):
                    values[argument] = self._load(tensor, row, argument_type(argument))
                del arguments[:count]
        last = self.implementation.last_op
        for op in self.implementation.ops:
            if op is not last:
                self.emitter.add(op.clone(values))
        assert isinstance(last, YieldOp)
        results = [values[value] for value in last.values]
        for tensor in self.tensors:
            if not isinstance(self.accesses[tensor.access.data], ReadOp):
                count = self._vectors(tensor, results[0].type)
                for row, value in zip(self._rows(tensor, argument_type(results[0])), results[:count], strict=True):
                    self._store(tensor, row, value)
                del results[:count]

    def _is_read(self, tensor: TensorAttr) -> bool:
        return not isinstance(self.accesses[tensor.access.data], WriteOp)

    def _place(self, tensor: TensorAttr) -> tuple[AccessPlan, Storage] | None:
        """Where the first of an access's buffers lies."""
        plan = self.plan.blocks[self.block].accesses[self.accesses[tensor.access.data]][0]
        storage = self.plan.storage[plan.buffer]
        return (plan, storage) if plan.is_affine and storage.lane is None else None

    def _forms(self, plan: AccessPlan) -> list[Lin]:
        """The indices over what is emitted and the nest's own loops."""
        return [self.env.evaluate(index) for index in plan.indices if isinstance(index, Lin)]

    def _described(self, tensor: TensorAttr) -> list[Lin]:
        values = [Lin.of(value) for value in self.variables]
        return [from_affine(expr, values, self.env.bounds) for expr in tensor.map.data.results]

    def _lies_right(self, tensor: TensorAttr, plan: AccessPlan, storage: Storage) -> bool:
        rows, inner = rows_of(tensor.type, self._types(tensor))
        described = self._described(tensor)
        strides = row_major_strides(inner)
        for variable in self.variables:
            if any(form.coefficient(variable) for form in described[: len(rows)]):
                continue
            wanted = sum(
                (f.coefficient(variable) or 0) * s for f, s in zip(described[len(rows) :], strides, strict=True)
            )
            got = 0
            for form, stride in zip(self._forms(plan), storage.strides, strict=True):
                coefficient = form.coefficient(variable)
                if coefficient is None:
                    return False
                got += coefficient * stride
            if got != wanted:
                return False
        return True

    def _harmless(self, guard: Guard, tensor: TensorAttr, plan: AccessPlan, storage: Storage) -> bool:
        """Whether a tensor may be loaded and stored where a guard fails: what is loaded lies inside of its memory; so
        does what is stored, where nothing valid lies and no other thread sees it."""
        if not in_bounds(self._forms(plan), storage, self.env):
            return False
        if isinstance(self.accesses[tensor.access.data], ReadOp):
            return True
        if not self.emitter.is_private(plan.buffer):
            return False
        return lies_beyond(guard, plan, storage, self.env)

    def _types(self, tensor: TensorAttr) -> list[VectorType[Attribute]]:
        """The vectors that hold a tensor."""
        inputs = [argument_type(argument) for argument in self.implementation.args]
        assert self.implementation.last_op is not None
        outputs = [argument_type(value) for value in self.implementation.last_op.operands]
        for each in self.tensors:
            count = 0
            if self._is_read(each):
                count = self._vectors(each, inputs[0])
                if each is tensor:
                    return inputs[:count]
                del inputs[:count]
            if not isinstance(self.accesses[each.access.data], ReadOp):
                count = self._vectors(each, outputs[0])
                if each is tensor:
                    return outputs[:count]
                del outputs[:count]
        raise AssertionError("expected a tensor of the loop")

    def _vectors(self, tensor: TensorAttr, type: Attribute) -> int:
        count = 1
        for extent in tensor.type.get_shape():
            count *= extent
        return count // cast("VectorType[Attribute]", type).get_shape()[0]

    def _rows(self, tensor: TensorAttr, type: VectorType[Attribute]) -> list[dict[SSAValue, Lin]]:
        """For each vector of a tensor, the values of the loops at which it begins."""
        rows, _ = rows_of(tensor.type, [type])
        described = self._described(tensor)
        found: list[dict[SSAValue, Lin]] = []
        for position in product(*(range(extent) for extent in rows)):
            start = dict.fromkeys(self.variables, Lin())
            for form, index in zip(described, position, strict=False):
                ((variable, _),) = form.terms.items()
                start[cast(SSAValue, variable)] = Lin(index)
            found.append(start)
        return found

    def _at(self, tensor: TensorAttr, row: dict[SSAValue, Lin]) -> tuple[AccessPlan, list[Lin]]:
        plan = self.plan.blocks[self.block].accesses[self.accesses[tensor.access.data]][0]
        return plan, [form.substitute(row, self.env.bounds) for form in self._forms(plan)]

    def _load(self, tensor: TensorAttr, row: dict[SSAValue, Lin], type: VectorType[Attribute]) -> SSAValue:
        plan, forms = self._at(tensor, row)
        buffer = self.emitter.buffer(plan.buffer)
        key = (type, *forms)
        known = self.emitter.memory.other(buffer, key)
        if known is None:
            map, operands = affine_map(forms)
            known = self.emitter.emit(affine.VectorLoadOp, (buffer, *operands), type, {"map": map})
            self.emitter.memory.made(buffer, key, known)
        return known

    def _store(self, tensor: TensorAttr, row: dict[SSAValue, Lin], value: SSAValue) -> None:
        plan, forms = self._at(tensor, row)
        buffer = self.emitter.buffer(plan.buffer)
        map, operands = affine_map(forms)
        self.emitter.add(affine.VectorStoreOp.create(operands=(value, buffer, *operands), properties={"map": map}))
        self.emitter.memory.wrote(buffer)
        self.emitter.memory.made(buffer, (value.type, *forms), value)


def argument_type(value: SSAValue) -> VectorType[Attribute]:
    """The type of a vector."""
    return cast("VectorType[Attribute]", value.type)
