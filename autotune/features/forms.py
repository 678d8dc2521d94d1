"""Integer functions of knobs: what numbers of scheduled kernels are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, IntegerType
from xdsl.ir import Attribute, SSAValue

from ...transform.interpreter import DEFAULT_ENTRY
from ...transform.sched_ops.navigation import TargetQueryOp
from ...transform.sched_ops.params import ParamOp, largest_divisor
from ...transform.upstream import syntax
from ...transform.upstream.control import NamedSequenceOp
from ...transform.upstream.handles import ParamConstantOp
from ...transform.upstream.tuning import KnobOp
from ..space.sketch import Sketch

Numbers: TypeAlias = NDArray[np.int64]
Form: TypeAlias = int
"""The number of a function in its table."""


def _tail(value: Numbers, size: Numbers) -> Numbers:
    """How many iterations tiles of a size have too many."""
    return -value % np.maximum(np.minimum(value, size), 1)


def _cover(value: Numbers, size: Numbers) -> Numbers:
    """How many iterations tiles of a size have."""
    return value + _tail(value, size)


def _ceildiv(value: Numbers, size: Numbers) -> Numbers:
    return -(-value // np.maximum(size, 1))


def _largest_divisor(value: Numbers, most: Numbers) -> Numbers:
    pairs = np.broadcast_arrays(value, most)
    return np.asarray(
        [largest_divisor(int(v), int(m)) if v >= 1 and m >= 1 else 1 for v, m in zip(*pairs, strict=True)]
    )


def _power_of_two(value: Numbers, _: Numbers) -> Numbers:
    return np.left_shift(1, np.ceil(np.log2(np.maximum(value, 1))).astype(np.int64))


OPERATIONS: Mapping[str, Callable[[Numbers, Numbers], Numbers]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "floordiv": lambda a, b: a // np.maximum(b, 1),
    "ceildiv": _ceildiv,
    "mod": lambda a, b: a % np.maximum(b, 1),
    "min": np.minimum,
    "max": np.maximum,
    "round_up": lambda a, b: _ceildiv(a, b) * b,
    "round_down": lambda a, b: a // np.maximum(b, 1) * b,
    "largest_divisor": _largest_divisor,
    "tail": _tail,
    "cover": _cover,
    "power_of_two": _power_of_two,
    "eq": lambda a, b: (a == b).astype(np.int64),
    "ne": lambda a, b: (a != b).astype(np.int64),
    "lt": lambda a, b: (a < b).astype(np.int64),
    "le": lambda a, b: (a <= b).astype(np.int64),
    "gt": lambda a, b: (a > b).astype(np.int64),
    "ge": lambda a, b: (a >= b).astype(np.int64),
    "divides": lambda a, b: ((a > 0) & (b % np.maximum(a, 1) == 0)).astype(np.int64),
}
"""What functions are made of: what `sched.param` computes, and what tiling leaves."""


class Forms:
    """A table of functions of knobs, each there once: constants, knobs by name, operations on two of them."""

    def __init__(self) -> None:
        self._nodes: list[tuple[str, int | str, int]] = []
        self._known: dict[tuple[str, int | str, int], Form] = {}
        self.cost: list[int] = []
        """How many operations each one has."""

    def constant(self, value: int) -> Form:
        """A number."""
        return self._add(("constant", value, 0), 0)

    def knob(self, name: str) -> Form:
        """What a knob is."""
        return self._add(("knob", name, 0), 0)

    def operation(self, kind: str, left: Form, right: Form) -> Form:
        """One of `OPERATIONS` on two functions."""
        return self._add((kind, left, right), 1 + self.cost[left] + self.cost[right])

    def _add(self, node: tuple[str, int | str, int], cost: int) -> Form:
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = len(self._nodes)
            self._nodes.append(node)
            self.cost.append(cost)
        return found

    def evaluator(self, knobs: Mapping[str, Numbers]) -> Callable[[Form], Numbers]:
        """What functions are where knobs are what arrays say; each is computed once."""
        known: dict[Form, Numbers] = {}

        def value(form: Form) -> Numbers:
            found = known.get(form)
            if found is None:
                kind, left, right = self._nodes[form]
                if kind == "constant":
                    found = np.asarray(left, np.int64)
                elif kind == "knob":
                    found = knobs[str(left)]
                else:
                    assert isinstance(left, int)
                    found = OPERATIONS[kind](value(left), value(right))
                known[form] = found
            return found

        return value

    def needs(self, form: Form) -> frozenset[str]:
        """The knobs that a function looks at."""
        kind, left, right = self._nodes[form]
        if kind == "knob":
            return frozenset([str(left)])
        if kind == "constant":
            return frozenset()
        assert isinstance(left, int)
        return self.needs(left) | self.needs(right)

    def text(self, form: Form) -> str:
        """A function as people write it."""
        kind, left, right = self._nodes[form]
        if kind in ("constant", "knob"):
            return str(left)
        assert isinstance(left, int)
        return f"{kind}({self.text(left)}, {self.text(right)})"


def params_of(sketch: Sketch, forms: Forms) -> list[Form]:
    """The params of a sketch that are functions of its knobs, as far as its main sequence computes them."""
    entry = next((op for op in sketch.script.ops if isinstance(op, NamedSequenceOp) and _is_entry(op)), None)
    known: dict[SSAValue, Form] = {}
    for op in entry.body.block.ops if entry is not None else ():
        match op:
            case KnobOp() if (chosen := _number(op.selected)) is not None:
                known[op.result] = forms.constant(chosen)
            case KnobOp() if all(isinstance(choice, IntegerAttr) for choice in op.choices or ()):
                known[op.result] = forms.knob(op.name_.data)
            case ParamConstantOp() if (number := _number(op.value)) is not None:
                known[op.results[0]] = forms.constant(number)
            case TargetQueryOp() if op.fact.data in sketch.facts:
                known[op.results[0]] = forms.constant(sketch.facts[op.fact.data])
            case ParamOp() if op.kind.data in OPERATIONS:
                params = iter(op.params)
                operands = [
                    known.get(next(params)) if number == syntax.STATIC_OR_PARAM else forms.constant(number)
                    for number in op.static_operands.get_values()
                ]
                if operands[0] is not None and operands[1] is not None:
                    known[op.result] = forms.operation(op.kind.data, operands[0], operands[1])
            case _:
                pass
    return [form for form in dict.fromkeys(known.values()) if forms.needs(form)]


def _number(attribute: Attribute | None) -> int | None:
    return cast("IntegerAttr[IntegerType]", attribute).value.data if isinstance(attribute, IntegerAttr) else None


def numbers_of(sketch: Sketch) -> list[int]:
    """The numbers that a sketch tiles or packs by as they stand in the script, and that its params are."""
    found: set[int] = set()
    for op in sketch.script.walk():
        for name, attribute in op.properties.items():
            if isinstance(attribute, DenseArrayBase) and name != "permutation":
                found.update(int(number) for number in attribute.get_values())
            elif isinstance(attribute, IntegerAttr):
                found.add(attribute.value.data)
    return sorted(number for number in found if 1 < number <= MOST_NUMBER)[:MOST_NUMBERS]


MOST_NUMBER = 1 << 16
MOST_NUMBERS = 8
"""How many numbers of a script are looked at."""


def _is_entry(op: NamedSequenceOp) -> bool:
    return op.sym_name.data == DEFAULT_ENTRY and bool(op.body.blocks)


def knob_columns(sketch: Sketch, choices: NDArray[np.int32] | Sequence[Sequence[int]]) -> dict[str, Numbers]:
    """What the knobs of some candidates are, by name; where an option is no number, its index."""
    rows = np.asarray(choices, np.int64).reshape(len(choices), len(sketch.knobs))
    columns: dict[str, Numbers] = {}
    for at, knob in enumerate(sketch.knobs):
        options = [option if isinstance(option, int) else index for index, option in enumerate(knob.options)]
        columns[knob.name] = np.asarray(options, np.int64)[rows[:, at]]
    return columns


__all__ = ["OPERATIONS", "Form", "Forms", "Numbers", "knob_columns", "numbers_of", "params_of"]
