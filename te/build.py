"""From tensors of the language to the `te` dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from xdsl.dialects.arith import FastMathFlagsAttr, MulfOp
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IndexType, ModuleOp, StringAttr, UnitAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from ..dialects import te
from ..dialects.extents import Extent
from ..errors import CompileError
from .dtypes import is_unsigned
from .emit import CONTRACT, BodyEmitter, constant_attribute, element_type, name_hint
from .expressions import Expr, Read, Reduction, walk
from .tensors import Compute, Placeholder, Scan, Source, State, Tensor

_INDEX = IndexType()

NAME = "te.name"
"""Attribute of a function's arguments and results: the user's name."""
CONSTANT = "loop.constant"
"""Attribute of a function's arguments that are the same in each call."""


def build_module(tensors: Sequence[Tensor], name: str = "main") -> ModuleOp:
    """The module with one function `name` from the placeholders among `tensors` to the computes and scans after them.

    Raises:
        CompileError: if the list does not fit, or a read may be out of bounds.
    """
    module = ModuleOp([build_function(tensors, name)])
    try:
        module.verify()
    except VerifyException as error:
        raise CompileError(_verifier_message(error)) from error
    return module


def build_function(tensors: Sequence[Tensor], name: str = "main") -> FuncOp:
    """The function of `build_module`, not verified."""
    inputs, outputs = _split_arguments(tensors)
    types = [_tensor_type(tensor) for tensor in inputs]
    block = Block(arg_types=types)
    values: dict[tuple[int, int], SSAValue] = {}
    for tensor, argument in zip(inputs, block.args, strict=True):
        values[id(tensor.source), tensor.result] = argument
        argument.name_hint = name_hint(tensor.name)
    try:
        emitter = _Emitter(block, values, {})
        for source in _ordered([tensor.source for tensor in outputs], _outer_dependencies):
            emitter.emit_source(source)
        block.add_op(ReturnOp(*(emitter.value_of(tensor) for tensor in outputs)))
    except RecursionError:
        raise CompileError("expected an expression of reasonable depth, got one nested too deeply") from None
    function = FuncOp(
        name,
        (types, [_tensor_type(tensor) for tensor in outputs]),
        Region(block),
        arg_attrs=ArrayAttr(_argument_attributes(tensor) for tensor in inputs) if inputs else None,
        res_attrs=ArrayAttr(_argument_attributes(tensor) for tensor in outputs),
    )
    return function


def _verifier_message(error: BaseException) -> str:
    """What the verifier says, without the IR that is printed around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def _split_arguments(tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    for tensor in tensors:
        if not isinstance(tensor, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise CompileError(f"expected tensors as the arguments of a kernel, got {tensor!r}")
        if isinstance(tensor.source, State):
            raise CompileError(f"expected no state of a scan among the arguments, got '{tensor.name}'")
        if not isinstance(tensor.source, Placeholder):
            outputs.append(tensor)
        elif outputs:
            raise CompileError(f"expected placeholders before outputs, got '{tensor.name}' after '{outputs[0].name}'")
        elif any(tensor is other for other in inputs):
            raise CompileError(f"expected each placeholder once, got '{tensor.name}' twice")
        else:
            inputs.append(tensor)
    if not outputs:
        raise CompileError("expected at least one output (a te.compute or te.scan), got none")
    return inputs, outputs


def _argument_attributes(tensor: Tensor) -> DictionaryAttr:
    attributes: dict[str, Attribute] = {NAME: StringAttr(tensor.name)}
    if isinstance(tensor.source, Placeholder) and tensor.source.constant:
        attributes[CONSTANT] = UnitAttr()
    if is_unsigned(tensor.dtype):
        attributes[te.UNSIGNED] = UnitAttr()
    return DictionaryAttr(attributes)


def _tensor_type(tensor: Tensor) -> te.AnyTensor:
    return te.tensor_type(element_type(tensor.dtype), tensor.extents)


# The order of sources


def _roots(source: Compute) -> Sequence[Expr]:
    return source.body.values if isinstance(source.body, Reduction) else source.body


def _read_tensors(source: Compute) -> list[Tensor]:
    tensors: dict[int, Tensor] = {}

    def visit(expr: Expr) -> None:
        if isinstance(expr, Read):
            tensors[id(expr.tensor)] = expr.tensor

    walk(_roots(source), visit)
    # `walk` takes the last child first
    return list(reversed(tensors.values()))


def _dependencies(source: Source) -> list[Source]:
    match source:
        case Compute():
            return [tensor.source for tensor in _read_tensors(source)]
        case Scan():
            return [tensor.source for tensor in (*source.inits, *source.rows)]
        case _:
            return []


def _outer_dependencies(source: Source) -> list[Source]:
    """What must be computed before `source`; for a scan, that is what its step reads but does not compute."""
    if not isinstance(source, Scan):
        return _dependencies(source)
    inner = _step_sources(source)
    inner_ids = {id(step) for step in inner}
    read = [dependency for step in inner for dependency in _dependencies(step)]
    outside = [dependency for dependency in read if id(dependency) not in inner_ids]
    rows = [tensor.source for tensor in source.rows if id(tensor.source) not in inner_ids]
    return [*(tensor.source for tensor in source.inits), *outside, *rows]


def _step_sources(scan: Scan) -> list[Source]:
    """The computes of a scan's step, in order: what depends on its iterator or its states, and its rows."""
    rows = [tensor.source for tensor in scan.rows]
    depends: dict[int, bool] = {}
    order = _ordered(rows, _dependencies)
    for source in order:
        depends[id(source)] = _uses_step(source, scan) or any(
            depends.get(id(dependency), False) for dependency in _dependencies(source)
        )
    inner = [source for source in order if depends[id(source)] or any(source is row for row in rows)]
    return [source for source in inner if not isinstance(source, State)]


def _uses_step(source: Source, scan: Scan) -> bool:
    if isinstance(source, State):
        return source.iterator is scan.iterator
    if not isinstance(source, Compute):
        return False
    found = False

    def visit(expr: Expr) -> None:
        nonlocal found
        found = found or expr is scan.iterator

    walk(_roots(source), visit)
    return found


def _ordered(roots: Iterable[Source], dependencies: Callable[[Source], list[Source]]) -> list[Source]:
    """All sources that `roots` depend on and they themselves, each after its dependencies."""
    order: list[Source] = []
    state: dict[int, bool] = {}
    stack: list[tuple[Source, bool]] = [(root, False) for root in reversed(list(roots))]
    while stack:
        source, ready = stack.pop()
        if ready:
            order.append(source)
        elif id(source) not in state:
            state[id(source)] = True
            stack.append((source, True))
            stack += [(dependency, False) for dependency in reversed(dependencies(source))]
    return order


# Emission


class _Emitter:
    """Emits the computes and scans of a function, or of a scan's step, into a block."""

    def __init__(self, block: Block, values: dict[tuple[int, int], SSAValue], iterators: dict[int, SSAValue]) -> None:
        self.block = block
        self.values = values
        self.iterators = iterators

    def value_of(self, tensor: Tensor) -> SSAValue:
        """The SSA value of a tensor that is emitted already."""
        value = self.values.get((id(tensor.source), tensor.result))
        if value is not None:
            return value
        if isinstance(tensor.source, Placeholder):
            raise CompileError(f"expected placeholder '{tensor.name}' among the arguments, got it in a body only")
        raise CompileError(f"expected '{tensor.name}' to be read inside of its scan's step only")

    def emit_source(self, source: Source) -> None:
        """Emits a compute or a scan, whose dependencies are emitted already."""
        if isinstance(source, Compute):
            self._define(source, source.name, self._emit_compute(source))
        elif isinstance(source, Scan):
            self._define(source, source.name, self._emit_scan(source))

    def _define(self, source: Source, name: str, op: te.ComputeOp | te.ScanOp) -> None:
        self.block.add_op(op)
        for position, result in enumerate(op.results):
            self.values[id(source), position] = result
            result.name_hint = name_hint(name)

    def _emit_compute(self, source: Compute) -> te.ComputeOp:
        reduction = source.body if isinstance(source.body, Reduction) else None
        iterators = [*source.iterators, *(reduction.axes if reduction is not None else ())]
        extents = [iterator.extent for iterator in iterators]
        roots = _roots(source)
        spatial = extents[: len(source.iterators)]
        types = [te.tensor_type(element_type(root.dtype), spatial) for root in roots]
        block = Block(arg_types=[_INDEX] * len(iterators))
        if reduction is None:
            op = te.ComputeOp(source.name, extents, len(spatial), Region(block), types)
        else:
            op = _reduction_op(source.name, extents, len(spatial), Region(block), types, reduction)
        leaves = dict(self.iterators)
        for iterator, argument in zip(iterators, block.args, strict=True):
            leaves[id(iterator)] = argument
            argument.name_hint = name_hint(iterator.name)
        body = BodyEmitter(block, leaves, self.value_of)
        values = [body.emit(root) for root in roots]
        if reduction is not None and "contract" in reduction.fastmath:
            _allow_contraction(values)
        block.add_op(te.YieldOp(*values))
        return op

    def _emit_scan(self, source: Scan) -> te.ScanOp:
        types = [_tensor_type(state) for state in source.states]
        block = Block(arg_types=[_INDEX, *types])
        inits = [self.value_of(init) for init in source.inits]
        op = te.ScanOp(source.name, source.iterator.extent, inits, Region(block), types)
        step, *states = block.args
        step.name_hint = name_hint(source.iterator.name)
        values = dict(self.values)
        for state, argument in zip(source.states, states, strict=True):
            values[id(state.source), state.result] = argument
            argument.name_hint = name_hint(state.name)
        inner = _Emitter(block, values, {**self.iterators, id(source.iterator): step})
        sources = _step_sources(source)
        for nested in sources:
            if isinstance(nested, Scan):
                raise CompileError(f"expected te.compute in the step of '{source.name}', got scan '{nested.name}'")
        for inner_source in sources:
            inner.emit_source(inner_source)
        block.add_op(te.YieldOp(*(inner.value_of(row) for row in source.rows)))
        return op


def _reduction_op(
    name: str,
    extents: Sequence[Extent],
    num_spatial: int,
    body: Region,
    types: Sequence[Attribute],
    reduction: Reduction,
) -> te.ComputeOp:
    fastmath = FastMathFlagsAttr([FastMathFlag(flag) for flag in reduction.fastmath])
    block = Block(arg_types=[element_type(argument.dtype) for argument in reduction.arguments])
    leaves: dict[int, SSAValue] = {}
    for argument, value in zip(reduction.arguments, block.args, strict=True):
        leaves[id(argument)] = value
        value.name_hint = argument.name
    emitter = BodyEmitter(block, leaves, _no_tensors, fastmath)
    block.add_op(te.YieldOp(*[emitter.emit(value) for value in reduction.combined]))
    return te.ComputeOp(
        name,
        extents,
        num_spatial,
        body,
        types,
        combiner=Region(block),
        identity=[constant_attribute(const) for const in reduction.identity],
        associative=reduction.associative,
        commutative=reduction.commutative,
        fastmath=fastmath,
    )


def _no_tensors(tensor: Tensor) -> SSAValue:
    raise AssertionError(f"the combiner reads '{tensor.name}'")


def _allow_contraction(values: Sequence[SSAValue]) -> None:
    """Lets a product that is reduced become part of a fused multiply-add, which `contract` allows."""
    for value in values:
        if isinstance(value.owner, MulfOp):
            value.owner.fastmath = CONTRACT
