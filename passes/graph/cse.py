"""`graph-cse`: compute what is computed twice once, and keep equal data once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.traits import Commutative

from ...dialects import graph
from ..function_pass import functions
from .constants import erase_unused_data, weights
from .fusion.groups import DATA
from .fusion.outline import erase

_SAMPLE = 64


def merge_data(module: ModuleOp) -> None:
    """Make every weight name the first data of the same type and bytes."""
    first: dict[tuple[Attribute, bytes], str] = {}
    same: dict[str, str] = {}
    data = [(op, op.data) for op in module.ops if isinstance(op, graph.DataOp)]
    samples = [None if each is None else (op.type, _sample(each)) for op, each in data]
    counts = Counter(samples)
    for (op, each), sample in zip(data, samples, strict=True):
        if each is not None and counts[sample] > 1:
            name = op.sym_name.data
            same[name] = first.setdefault((op.type, each), name)
    for weight in weights(module):
        name = weight.data.root_reference.data
        if same.get(name, name) != name:
            weight.data = SymbolRefAttr(same[name])
    erase_unused_data(module, {name for name, kept in same.items() if name != kept})


def _sample(data: bytes) -> tuple[bytes, ...]:
    """A little of some bytes: where that differs, nobody has to look at all of them."""
    middle = len(data) // 2
    return data[:_SAMPLE], data[middle : middle + _SAMPLE], data[-_SAMPLE:]


def merge_operators(func: FuncOp) -> None:
    """Replace every operator by an equal one before it."""
    numbers: dict[SSAValue, int] = {}
    known: dict[object, Operation] = {}
    merged: list[Operation] = []
    for op in func.body.block.ops:
        if not isinstance(op, graph.TensorOp | DATA):
            continue
        first = known.setdefault(_key(op, numbers), op)
        if first is not op:
            for old, new in zip(op.results, first.results, strict=True):
                old.replace_all_uses_with(new)
                new.name_hint = new.name_hint or old.name_hint
            merged.append(op)
    erase(merged)


def _key(op: Operation, numbers: dict[SSAValue, int]) -> object:
    """What is equal for two operations that give the same results."""
    operands = [numbers.setdefault(operand, len(numbers)) for operand in op.operands]
    if op.has_trait(Commutative):
        operands.sort()
    return (op.name, frozenset(op.properties.items()), frozenset(op.attributes.items()), (*operands,), op.result_types)


@dataclass(frozen=True)
class GraphCSEPass(ModulePass):
    """Replace an operator by an equal one before it, and weights of equal data by the first of them.

    Before → after: two `graph.matmul %x, %w` → one that is used twice.
    """

    name = "graph-cse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        merge_data(op)
        for func in functions(op):
            merge_operators(func)
