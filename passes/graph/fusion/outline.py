"""Kernels: groups of operators, each a function, one for all groups that are the same program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, UnitAttr
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue

from ....dialects import graph
from .groups import operands_of, results_of

_CONSTANT = DictionaryAttr({"loop.constant": UnitAttr()})
_VARIABLE = DictionaryAttr({})


@dataclass
class Outliner:
    """Makes functions of groups."""

    module: ModuleOp
    last: Operation | None
    """What kernels stand behind."""
    kernels: dict[object, FuncOp] = field(default_factory=dict[object, FuncOp])
    names: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        symbols = [op.get_attr_or_prop("sym_name") for op in self.module.ops]
        taken = {symbol.data for symbol in symbols if isinstance(symbol, StringAttr)}
        self.names = (name for number in count() if (name := f"kernel{number}") not in taken)

    def outline(self, ops: Sequence[Operation], before: Operation) -> None:
        """Replace operators, given in order, by a call of their kernel in front of `before`."""
        operands, results = operands_of(ops), results_of(ops)
        key = _structure(ops, operands, results)
        kernel = self.kernels.get(key)
        known = kernel is not None
        if kernel is None:
            kernel = self.kernels[key] = self.declare(operands, results)
        call = CallOp(kernel.sym_name.data, operands, [result.type for result in results])
        block = before.parent
        assert block is not None
        block.insert_op_before(call, before)
        inside = set(ops)
        for new, old in zip(call.results, results, strict=True):
            new.name_hint = old.name_hint
            old.replace_uses_with_if(new, lambda use: use.operation not in inside)
        if known:
            erase(ops)
        else:
            _fill(kernel, ops, operands, results)

    def declare(self, operands: Sequence[SSAValue], results: Sequence[OpResult]) -> FuncOp:
        """A new kernel, still empty."""
        types = [operand.type for operand in operands]
        kernel = FuncOp(
            next(self.names),
            (types, [result.type for result in results]),
            Region(Block(arg_types=types)),
            visibility="private",
            arg_attrs=ArrayAttr([_CONSTANT if _is_weight(operand) else _VARIABLE for operand in operands]),
        )
        _name_arguments(kernel, operands)
        assert self.last is not None
        self.module.body.block.insert_op_after(kernel, self.last)
        self.last = kernel
        return kernel


def _name_arguments(kernel: FuncOp, operands: Sequence[SSAValue]) -> None:
    """Weights `w0, w1, …`, others `x0, x1, …`: kernels may be called for several values."""
    counts = {"w": count(), "x": count()}
    for argument, given in zip(kernel.args, operands, strict=True):
        kind = "w" if _is_weight(given) else "x"
        argument.name_hint = f"{kind}{next(counts[kind])}"


def _is_weight(value: SSAValue) -> bool:
    return isinstance(value, OpResult) and isinstance(value.op, graph.WeightOp)


def _constant_of(value: SSAValue) -> graph.ConstantOp | None:
    return value.op if isinstance(value, OpResult) and isinstance(value.op, graph.ConstantOp) else None


def _structure(ops: Sequence[Operation], operands: Sequence[SSAValue], results: Sequence[OpResult]) -> object:
    """What is equal for two groups iff they are the same program but for the names of values."""
    numbers: dict[SSAValue, object] = {operand: number for number, operand in enumerate(operands)}
    lines: list[object] = [tuple((operand.type, _is_weight(operand)) for operand in operands)]
    for op in ops:
        for operand in op.operands:
            if operand not in numbers and (constant := _constant_of(operand)) is not None:
                numbers[operand] = constant.value
        if isinstance(op, graph.ConstantOp):
            numbers[op.result] = op.value
        lines.append((op.name, _attributes(op), tuple(numbers[operand] for operand in op.operands), op.result_types))
        for result in op.results:
            numbers[result] = len(numbers)
    lines.append(tuple(numbers[result] for result in results))
    return tuple(lines)


def _attributes(op: Operation) -> tuple[tuple[str, Attribute], ...]:
    return tuple(sorted((*op.properties.items(), *op.attributes.items()), key=lambda item: item[0]))


def _fill(kernel: FuncOp, ops: Sequence[Operation], operands: Sequence[SSAValue], results: Sequence[OpResult]) -> None:
    """Move operators into their kernel."""
    block = kernel.body.block
    values: dict[SSAValue, SSAValue] = dict(zip(operands, block.args, strict=True))
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
    block.add_op(ReturnOp(*results))


def erase(ops: Sequence[Operation]) -> None:
    """Erase operations, given in order, that nothing else uses."""
    for op in reversed(ops):
        op.detach()
        op.erase()
