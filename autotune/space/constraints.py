"""Which choices of knobs keep a sketch's constraints: the arithmetic of the script on arrays, a row for each candidate.

What is computed from knobs, numbers and facts of the target is known: `sched.param`, `transform.param.constant`,
`sched.target_query`, sequences that are included. What has to be looked up in a kernel is not, and a constraint on it
counts as kept until the script runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ...transform.interpreter import DEFAULT_ENTRY
from ...transform.sched_ops.navigation import TargetQueryOp
from ...transform.sched_ops.params import CONSTRAINTS, ConstrainOp, ParamOp, largest_divisor
from ...transform.upstream import syntax
from ...transform.upstream.control import IncludeOp, NamedSequenceOp, YieldOp
from ...transform.upstream.handles import ParamConstantOp
from ...transform.upstream.tuning import KnobOp, TuneAlternativesOp
from .sketch import Choices, Sketch

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def _largest_divisors(value: Numbers, limit: Numbers) -> Numbers:
    pairs = zip(np.maximum(value, 1).tolist(), np.maximum(limit, 1).tolist(), strict=True)
    return np.asarray([largest_divisor(number, most) for number, most in pairs], np.int64)


_OPERATIONS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "floordiv": np.floor_divide,
    "ceildiv": lambda left, right: -(-left // right),
    "mod": np.mod,
    "min": np.minimum,
    "max": np.maximum,
    "round_up": lambda left, right: -(-left // right) * right,
    "round_down": lambda left, right: left // right * right,
    "largest_divisor": _largest_divisors,
}
_DIVIDING = ("floordiv", "ceildiv", "mod", "round_up", "round_down")
_COMPARISONS: dict[str, Callable[[Numbers, Numbers], Mask]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "divides": lambda left, right: (left > 0) & (right % np.maximum(left, 1) == 0),
}
assert _COMPARISONS.keys() == CONSTRAINTS.keys()


def admissible(sketch: Sketch, choices: Choices) -> Mask:
    """For each row of choices, whether it keeps the constraints of the script that can be told without a kernel."""
    count = len(choices)
    columns: dict[str, Numbers] = {}
    for column, knob in zip(np.asarray(choices).T, sketch.knobs, strict=True):
        numbers = [option if isinstance(option, int) else 0 for option in knob.options]
        columns[knob.name] = np.asarray(numbers, np.int64)[column]
    run = _Run(sketch, columns, np.ones(count, np.bool_))
    entry = run.sequences.get(DEFAULT_ENTRY)
    if entry is not None and count:
        run.block(entry.body.block, np.ones(count, np.bool_))
    return run.kept


def _number(attribute: Attribute | None) -> int | None:
    """The number that an attribute holds, if it is one."""
    return cast("IntegerAttr", attribute).value.data if isinstance(attribute, IntegerAttr) else None


@dataclass
class _Run:
    sketch: Sketch
    columns: dict[str, Numbers]
    kept: Mask
    known: dict[SSAValue, Numbers] = field(default_factory=dict[SSAValue, Numbers])
    sequences: dict[str, NamedSequenceOp] = field(init=False)
    running: list[NamedSequenceOp] = field(default_factory=list[NamedSequenceOp])

    def __post_init__(self) -> None:
        found = [op for op in self.sketch.script.ops if isinstance(op, NamedSequenceOp)]
        self.sequences = {op.sym_name.data: op for op in found if op.body.blocks}

    def block(self, block: Block, active: Mask) -> list[Numbers | None]:
        """Goes through the operations of a block, which run for the active rows; gives what it yields."""
        for op in block.ops:
            if isinstance(op, YieldOp):
                return [self.known.get(operand) for operand in op.operands]
            self.operation(op, active)
        return []

    def operation(self, op: Operation, active: Mask) -> None:
        """Computes what an operation gives, if it can be told, and looks whether it refuses."""
        match op:
            case KnobOp():
                self._knob(op)
            case ParamConstantOp():
                self._set(op.results[0], _number(op.value))
            case TargetQueryOp() if op.fact.data in self.sketch.facts:
                self._set(op.results[0], self.sketch.facts[op.fact.data])
            case ParamOp():
                self._param(op, active)
            case ConstrainOp():
                left, right = self._operands(op)
                if left is not None and right is not None:
                    self.kept &= _COMPARISONS[op.kind.data](left, right) | ~active
            case IncludeOp():
                self._include(op, active)
            case TuneAlternativesOp():
                self._alternatives(op, active)
            case _:
                pass

    def _set(self, value: SSAValue, number: int | None) -> None:
        if number is not None:
            self.known[value] = np.full(len(self.kept), number, np.int64)

    def _knob(self, op: KnobOp) -> None:
        if op.selected is not None:
            self._set(op.result, _number(op.selected))
        elif all(isinstance(choice, IntegerAttr) for choice in op.choices or ()):
            self.known[op.result] = self.columns[op.name_.data]

    def _operands(self, op: ParamOp | ConstrainOp) -> Sequence[Numbers | None]:
        params = iter(op.params)
        values: list[Numbers | None] = []
        for number in op.static_operands.get_values():
            if number == syntax.STATIC_OR_PARAM:
                values.append(self.known.get(next(params)))
            else:
                values.append(np.full(len(self.kept), number, np.int64))
        return values

    def _param(self, op: ParamOp, active: Mask) -> None:
        left, right = self._operands(op)
        if left is None or right is None:
            return
        kind = op.kind.data
        if kind in _COMPARISONS:
            self.known[op.result] = _COMPARISONS[kind](left, right).astype(np.int64)
            return
        checked = np.minimum(left, right) if kind == "largest_divisor" else right if kind in _DIVIDING else None
        if checked is not None:
            self.kept &= (checked >= 1) | ~active
        if kind in _DIVIDING:
            right = np.maximum(right, 1)
        self.known[op.result] = _OPERATIONS[kind](left, right)

    def _include(self, op: IncludeOp, active: Mask) -> None:
        callee = self.sequences.get(op.target.root_reference.data)
        # What is suppressed may not have run to its end.
        if (
            callee is None
            or callee in self.running
            or op.failure_propagation_mode.value.data != syntax.FailureMode.PROPAGATE
        ):
            return
        self.running.append(callee)
        for argument, operand in zip(callee.body.block.args, op.operands, strict=True):
            found = self.known.get(operand)
            self.known.pop(argument, None)
            if found is not None:
                self.known[argument] = found
        yielded = self.block(callee.body.block, active)
        self.running.pop()
        for result, value in zip(op.results, yielded, strict=True):
            self.known.pop(result, None)
            if value is not None:
                self.known[result] = value

    def _alternatives(self, op: TuneAlternativesOp, active: Mask) -> None:
        if op.selected_region_attr is not None:
            selected = np.full(len(self.kept), op.selected_region_attr.value.data, np.int64)
        elif op.selected_region_param is not None:
            found = self.known.get(op.selected_region_param)
            if found is None:
                return
            selected = found
        else:
            selected = self.columns[op.name_.data]
        yielded = [self.block(region.block, active & (selected == i)) for i, region in enumerate(op.regions)]
        for position, result in enumerate(op.results):
            values = [each[position] for each in yielded]
            if all(value is not None for value in values):
                self.known[result] = np.choose(selected, [value for value in values if value is not None])


__all__ = ["admissible"]
