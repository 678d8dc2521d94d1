"""ONNX models as graph IR.

`import_onnx` keeps what the model's author named: inputs and outputs by `te.name`, weights by symbol, in the model's
order. It trusts nothing about the file: whatever cannot be imported is one `ImportModelError`.
"""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from ...dialects import graph
from ...dialects.extents import Extent
from ...errors import CompileError, ImportModelError, did_you_mean
from ...operators.reference.arrays import Array, array_of
from ...operators.reference.evaluate import constant_value
from .converters import CONVERTERS
from .functions import DOMAINS as _DOMAINS
from .functions import check_node, find_function, instantiate, opset_of
from .node import Converter, Node, UnknownValueError
from .tensors import data_attribute, element_type, tensor_data, tensor_type_of

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto


_MAIN = "main"
_MAX_ELEMENTS = 2**40  # what does not fit into any memory is a mistake


NEWEST_OPSET = 23
"""The newest version of ONNX's operator set that can be imported. The oldest is each operator's own, 7 at the most."""


def import_onnx(
    source: str | os.PathLike[str] | ModelProto,
    converters: Sequence[Converter] = CONVERTERS,
    *,
    constants: Mapping[str, Array] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> ModuleOp:
    """The graph IR of an ONNX model, given by its path or as a `ModelProto`: a module with a function `@main` and the
    weights.

    Args:
        constants: values for some inputs, which are then part of the model.
        sizes: numbers for some sizes that the model leaves open.

    Raises:
        UnknownValueError: if a value has to be known, and depends on inputs or their sizes.
        ImportModelError: if the model cannot be read or imported.
    """
    model, folder = read_model(source)
    return _Importer(model, folder, converters, constants or {}, sizes or {}).run()


def read_model(source: str | os.PathLike[str] | ModelProto) -> tuple[ModelProto, Path | None]:
    """A model, and the folder that it lies in, if it was given by its path.

    Raises:
        ImportModelError: if it cannot be read.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise ImportModelError("expected the package onnx to be installed: pip install 'stepwell[onnx]'") from None
    if isinstance(source, onnx.ModelProto):
        model, folder, label = source, None, "the model"
    else:
        path = Path(source)
        model, folder, label = _load(path), path.parent, f"'{path}'"
    if not model.HasField("graph") or not model.opset_import or not model.ir_version:
        raise ImportModelError(f"expected an ONNX model with a graph and an opset version, got {label}")
    _check_names(model)
    return model, folder


def model_inputs(model: ModelProto) -> list[tuple[str, graph.AnyTensor]]:
    """The inputs of a model, in order: names and types.

    Raises:
        ImportModelError: if one is not a tensor of known rank and of numbers.
    """
    importer = _Importer(model, None, (), {}, {})
    initializers = {tensor.name for tensor in model.graph.initializer}
    found: list[tuple[str, graph.AnyTensor]] = []
    for info in model.graph.input:
        if info.name not in initializers:
            with _context(f"input '{info.name}'"):
                found.append((info.name, importer.input_type(info)))
    return found


def _load(path: Path) -> ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImportModelError(f"cannot read '{path}': {error.strerror}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise ImportModelError(f"expected an ONNX model, got a truncated or different file: '{path}'") from None
    return model


def _check_names(model: ModelProto) -> None:
    """Checks that names are text: protobuf gives bytes where they are not."""
    names: list[object] = [opset.domain for opset in model.opset_import]
    names += [tensor.name for tensor in model.graph.initializer]
    for info in (*model.graph.input, *model.graph.output):
        names += [info.name, *(dim.dim_param for dim in info.type.tensor_type.shape.dim)]
    for node in model.graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    for name in names:
        if not isinstance(name, str):
            raise ImportModelError(f"expected names in UTF-8, got {name!r}")


@dataclass
class _Importer:
    """Builds `@main` node by node."""

    model: ModelProto
    folder: Path | None
    converters: Sequence[Converter]
    constants: Mapping[str, Array]
    sizes: Mapping[str, int]
    block: Block = field(default_factory=Block)
    values: dict[str, SSAValue] = field(default_factory=dict[str, SSAValue])
    initializers: dict[str, TensorProto] = field(default_factory=dict[str, Any])
    symbols: dict[str, Extent] = field(default_factory=dict[str, Extent])
    known: dict[SSAValue, Array | None] = field(default_factory=dict[SSAValue, Any])
    data: dict[str, graph.DataOp] = field(default_factory=dict[str, graph.DataOp])
    consumers: dict[str, str] = field(default_factory=dict[str, str])
    expansions: Iterator[int] = field(default_factory=itertools.count)

    @property
    def graph(self) -> GraphProto:
        return self.model.graph

    def run(self) -> ModuleOp:
        self._declare_initializers()
        opsets = {opset.domain: opset.version for opset in self.model.opset_import}
        _check_opset(opsets)
        inputs: list[ValueInfoProto] = []
        for node in reversed(self.graph.node):
            self.consumers.update(dict.fromkeys(node.input, node.op_type))
        for info in self.graph.input:
            if info.name in self.constants:
                self._add_constant_input(info)
            elif info.name not in self.initializers:
                inputs.append(info)
                self._add_input(info)
        for index, node in enumerate(self.graph.node):
            label = f"node '{node.name}'" if node.name else f"node {index}"
            with _context(label):
                self._add_node(node, opsets)
        return self._module(inputs)

    def _declare_initializers(self) -> None:
        if self.graph.sparse_initializer:
            name = self.graph.sparse_initializer[0].values.name
            raise ImportModelError(f"expected dense weights, got sparse weight '{name}'")
        for tensor in self.graph.initializer:
            if tensor.name in self.initializers:
                raise ImportModelError(f"expected one weight named '{tensor.name}', got another")
            self.initializers[tensor.name] = tensor

    def _symbol(self, dim_param: str) -> Extent:
        """The size that a model calls `dim_param`; one of its own for every unnamed size."""
        if dim_param in self.symbols:
            return self.symbols[dim_param]
        base = _identifier(dim_param or f"d{len(self.symbols)}")
        taken = {str(symbol) for symbol in self.symbols.values()}
        symbol = Extent.symbol(next(name for name in _candidates(base) if name not in taken))
        self.symbols[dim_param or f"{symbol} (unnamed)"] = symbol
        return symbol

    def _add_input(self, info: ValueInfoProto) -> None:
        with _context(self._input_label(info)):
            type = self.input_type(info)
            if 0 in type.get_shape():
                # Nothing computes with an empty tensor: it may say what axes there are, and is known then.
                raise UnknownValueError(f"expected positive extents, got {type}", (info.name,))
            self._define(info.name, self.block.insert_arg(type, len(self.block.args)))

    def _input_label(self, info: ValueInfoProto) -> str:
        """An input, and the operator that takes it first."""
        consumer = self.consumers.get(info.name)
        return f"input '{info.name}' of {consumer}" if consumer else f"input '{info.name}'"

    def _output_label(self, info: ValueInfoProto) -> str:
        """An output, and the operator that gives it."""
        producer = next((node.op_type for node in self.graph.node if info.name in node.output), None)
        return f"output '{info.name}' of {producer}" if producer else f"output '{info.name}'"

    def _add_constant_input(self, info: ValueInfoProto) -> None:
        with _context(self._input_label(info)):
            array = self.constants[info.name]
            expected = self.input_type(info)
            if not graph.refines(expected, tensor_type_of(array)) and not _only_sizes_differ(expected, array):
                raise ImportModelError(f"expected a constant of type {expected}, got {tensor_type_of(array)}")
            self.initializers.pop(info.name, None)
            self._define(info.name, self.weight(array, info.name))

    def input_type(self, info: ValueInfoProto) -> graph.AnyTensor:
        """What the model says of an input."""
        if not info.type.HasField("tensor_type"):
            raise ImportModelError(f"expected a tensor, got {info.type.WhichOneof('value') or 'no type'}")
        tensor = info.type.tensor_type
        element = element_type(tensor.elem_type)
        if not tensor.HasField("shape"):
            raise ImportModelError("expected a shape, got none")
        dims: list[Extent] = []
        for position, dim in enumerate(tensor.shape.dim):
            if dim.HasField("dim_value"):
                if dim.dim_value < 0:
                    raise ImportModelError(f"expected a positive extent in dimension {position}, got {dim.dim_value}")
                dims.append(Extent.of(dim.dim_value))
            else:
                symbol = self._symbol(dim.dim_param)
                size = self.sizes.get(str(symbol))
                dims.append(symbol if size is None else Extent.of(size))
        return graph.tensor_of(element, tuple(dims))

    def _define(self, name: str, value: SSAValue) -> None:
        if name in self.values or name in self.initializers:
            raise ImportModelError(f"expected one value named '{name}', got another")
        value.name_hint = _identifier(name)
        self.values[name] = value

    def _value(self, name: str) -> SSAValue | None:
        """The value called `name`, which the first use of a weight makes; None for the empty name."""
        if not name:
            return None
        if name not in self.values:
            if name not in self.initializers:
                raise ImportModelError(f"expected a value that is already computed, got '{name}'")
            self.values[name] = self._add_weight(name)
        return self.values[name]

    def _add_weight(self, name: str) -> SSAValue:
        with _context(f"weight '{name}'"):
            type, data = tensor_data(self.initializers[name], self.folder)
        return self._weight_op(name, type, data)

    def _weight_op(self, name: str, type: graph.AnyTensor, data: bytes) -> SSAValue:
        """A weight whose symbol is `name`, or `name` with a number."""
        symbol = next(symbol for symbol in _candidates(name) if symbol != _MAIN and symbol not in self.data)
        self.data[symbol] = graph.DataOp(symbol, type, data_attribute(symbol, type, data))
        op = graph.WeightOp(symbol, type)
        op.result.name_hint = _identifier(name)
        self.block.add_op(op)
        return op.result

    # what converters ask for

    def add(self, op: Operation) -> Sequence[SSAValue]:
        op.verify()
        for type in op.result_types:
            elements = math.prod(size for size in cast(graph.AnyTensor, type).get_shape() if size > 0)
            if elements > _MAX_ELEMENTS:
                raise ImportModelError(f"expected tensors of at most {_MAX_ELEMENTS} elements, got {type}")
        self.block.add_op(op)
        return op.results

    def weight(self, array: Array, name: str = "constant") -> SSAValue:
        value = self._weight_op(name, tensor_type_of(array), array.tobytes())
        self.known[value] = array
        return value

    def constant(self, value: SSAValue) -> Array | None:
        return constant_value(value, self._data_of, self.known)

    def _data_of(self, op: graph.WeightOp) -> Array | None:
        data = self.data[op.data.root_reference.data]
        return None if data.data is None else array_of(data.type, data.data)

    def unknown(self, value: SSAValue, why: str) -> UnknownValueError:
        names = {argument: name for name, argument in self.values.items() if argument.owner is self.block}
        inputs: dict[str, None] = {}
        seen: set[SSAValue] = set()
        stack = [value]
        while stack:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            if current in names:
                inputs[names[current]] = None
            if isinstance(current.owner, Operation):
                stack += current.owner.operands
        return UnknownValueError(f"{why}, got one that depends on {', '.join(inputs)}", tuple(inputs))

    # nodes

    def _add_node(self, node: NodeProto, opsets: Mapping[str, int]) -> None:
        if node.op_type == "If" and node.domain in _DOMAINS:
            self._add_branch(node, opsets)
            return
        found = self._converter(node, opsets)
        if found is None:
            self._expand(node, opsets)
            return
        converter, opset = found
        operands = [self._value(name) for name in node.input]
        attributes = dict(_attributes(node, converter))
        try:
            check_node(node, opset)
            converted = converter.convert(Node(node, opset, operands, attributes, self))
            if isinstance(converted, Operation):
                converted = self.add(converted)
        except UnknownValueError:
            raise
        except (ImportModelError, VerifyException, CompileError) as error:
            raise ImportModelError(f"{node.op_type} (opset {opset}): {error}") from None
        values = [converted] if isinstance(converted, SSAValue) else converted
        for name, value in zip(node.output, values, strict=False):
            if name:
                self._define(name, value)
        if any(node.output[len(values) :]):
            raise ImportModelError(
                f"{node.op_type} (opset {opset}): expected {len(values)} outputs, got {len(node.output)}"
            )

    def _add_branch(self, node: NodeProto, opsets: Mapping[str, int]) -> None:
        """Import the branch of an If that is taken: its condition has to be known."""
        branches = {attribute.name: attribute.g for attribute in node.attribute}
        condition = self._value(node.input[0]) if len(node.input) == 1 else None
        if condition is None or set(branches) != {"then_branch", "else_branch"}:
            raise ImportModelError("If: expected a condition, then_branch and else_branch")
        known = self.constant(condition)
        if known is None:
            raise self.unknown(condition, "expected the condition of If to be a constant")
        if known.size != 1:
            raise ImportModelError(f"If: expected one condition, got shape {known.shape}")
        branch = branches["then_branch" if known.item() else "else_branch"]
        if len(branch.output) != len(node.output):
            raise ImportModelError(f"If: expected {len(node.output)} outputs, got {len(branch.output)}")
        for tensor in branch.initializer:
            if tensor.name in self.values or tensor.name in self.initializers:
                raise ImportModelError(f"If: expected one value named '{tensor.name}', got another")
            self.initializers[tensor.name] = tensor
        try:
            for inner in branch.node:
                self._add_node(inner, opsets)
            values = [self._value(info.name) for info in branch.output]
        except UnknownValueError:
            raise
        except ImportModelError as error:
            raise ImportModelError(f"If: {error}") from None
        for name, value in zip(node.output, values, strict=True):
            if name and value is not None:
                self._define(name, value)

    def _expand(self, node: NodeProto, opsets: Mapping[str, int]) -> None:
        """Import a node as the function that ONNX, or the model itself, defines it by."""
        operands = [self._value(name) for name in node.input]
        with _context(node.op_type):
            check_node(node, opset_of(node.domain, opsets))
        function = find_function(node, opsets, self.model.functions, operands)
        if function is None:
            raise self._unsupported(node, opsets)
        prefix = f"{node.op_type}_{next(self.expansions)}"
        inner = {opset.domain: opset.version for opset in function.opset_import} or opsets
        try:
            for each in instantiate(function, node, prefix):
                self._add_node(each, inner)
        except UnknownValueError:
            raise
        except ImportModelError as error:
            raise ImportModelError(f"{node.op_type}: {error}") from None

    def _converter(self, node: NodeProto, opsets: Mapping[str, int]) -> tuple[Converter, int] | None:
        """The converter of a node and the opset it is of; None if there is none."""
        domain = "" if node.domain in _DOMAINS else node.domain
        found = [c for c in self.converters if (c.domain, c.op_type) == (domain, node.op_type)]
        if not found:
            return None
        opset = opset_of(domain, opsets)
        if opset is None:
            raise ImportModelError(f"expected an opset version for domain '{domain}', got none")
        usable = [converter for converter in found if converter.since <= opset]
        return (max(usable, key=lambda converter: converter.since), opset) if usable else None

    def _unsupported(self, node: NodeProto, opsets: Mapping[str, int]) -> ImportModelError:
        domain = "" if node.domain in _DOMAINS else node.domain
        full_name = f"{domain}.{node.op_type}" if domain else node.op_type
        opset = opset_of(domain, opsets)
        found = [c.since for c in self.converters if (c.domain, c.op_type) == (domain, node.op_type)]
        if found:
            return ImportModelError(f"expected {full_name} of opset {min(found)} or later, got opset {opset}")
        supported = sorted({c.op_type for c in self.converters if c.domain == domain})
        got = f"{full_name} (opset {opset})"
        if not supported:
            return ImportModelError(f"expected an operator of a domain that is supported, got {got}")
        hint = did_you_mean(node.op_type, supported)
        return ImportModelError(
            f"expected one of the {len(supported)} operators that docs/onnx.md lists, got {got}{hint}"
        )

    def _module(self, inputs: Sequence[ValueInfoProto]) -> ModuleOp:
        if not self.graph.output:
            raise ImportModelError("expected a graph with outputs, got none")
        results: list[SSAValue] = []
        for info in self.graph.output:
            with _context(self._output_label(info)):
                value = self._value(info.name)
                if value is None:
                    raise ImportModelError("expected a name, got none")
                if 0 in cast(graph.AnyTensor, value.type).get_shape():
                    raise ImportModelError(f"expected positive extents, got {value.type}")
                _check_declared(info, value)
                if 0 in cast(graph.AnyTensor, value.type).get_shape():
                    raise ImportModelError(f"expected positive extents, got {value.type}")
                results.append(value)
        self.block.add_op(ReturnOp(*results))
        self._erase_unused()
        function = FuncOp(
            _MAIN,
            (self.block.arg_types, [value.type for value in results]),
            Region(self.block),
            arg_attrs=_names(inputs),
            res_attrs=_names(self.graph.output),
        )
        return ModuleOp([function, *self.data.values()])

    def _erase_unused(self) -> None:
        """Erase what was there for shapes only, or for outputs that nobody asked for."""
        for op in reversed(list(self.block.ops)):
            if op.results and not any(result.first_use for result in op.results):
                op.detach()
                op.erase()
        used = {op.data.root_reference.data for op in self.block.ops if isinstance(op, graph.WeightOp)}
        self.data = {name: data for name, data in self.data.items() if name in used}


def _check_opset(opsets: Mapping[str, int]) -> None:
    opset = opset_of("", opsets)
    if opset is not None and opset > NEWEST_OPSET:
        raise ImportModelError(f"expected opset {NEWEST_OPSET} or older, got {opset}")


def _only_sizes_differ(expected: graph.AnyTensor, array: Array) -> bool:
    """Whether an array fits a type but for symbolic sizes."""
    type = tensor_type_of(array)
    dims = graph.shape_of(expected)
    return (
        type.element_type == expected.element_type
        and len(dims) == array.ndim
        and all(
            dim is None or not dim.is_constant or dim.constant == size
            for dim, size in zip(dims, array.shape, strict=True)
        )
    )


def _names(infos: Sequence[ValueInfoProto]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr(DictionaryAttr({"te.name": StringAttr(info.name)}) for info in infos)


def _attributes(node: NodeProto, converter: Converter) -> Iterator[tuple[str, Any]]:
    from onnx import helper

    for attribute in node.attribute:
        if attribute.name not in converter.attributes:
            expected = ", ".join(converter.attributes) or "no attributes"
            raise ImportModelError(f"{node.op_type}: expected {expected}, got attribute '{attribute.name}'")
        try:
            yield attribute.name, helper.get_attribute_value(attribute)
        except ValueError as error:
            raise ImportModelError(f"{node.op_type}: attribute '{attribute.name}': {error}") from None


def _check_declared(info: ValueInfoProto, value: SSAValue) -> None:
    """Checks what a model declares of an output against what was inferred."""
    inferred = cast(graph.AnyTensor, value.type)
    declared = info.type.tensor_type
    if declared.elem_type and element_type(declared.elem_type) != inferred.element_type:
        raise ImportModelError(f"expected the declared element type, got {inferred.element_type}")
    if not declared.HasField("shape"):
        return
    shape = graph.shape_of(inferred)
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in declared.shape.dim]
    if len(sizes) != len(shape) or any(
        size is not None and dim is not None and dim.is_constant and dim.constant != size
        for size, dim in zip(sizes, shape, strict=True)
    ):
        expected = "x".join("?" if size is None else str(size) for size in sizes) or "scalar"
        raise ImportModelError(f"expected shape {expected} as declared, got {graph.format_shape(shape)}")


def _identifier(name: str) -> str:
    """`name` as an identifier of the assembly format, which is not a number that it would take for one of its own."""
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return identifier if identifier[:1].isalpha() else f"v{identifier}"


def _candidates(base: str) -> Iterator[str]:
    """`base`, then `base` with numbers."""
    yield base
    yield from (f"{base}_{count}" for count in itertools.count())


@contextmanager
def _context(label: str) -> Generator[None]:
    """Puts what an error is about in front of its message."""
    try:
        yield
    except UnknownValueError as error:
        raise UnknownValueError(f"{label}: {error}", error.inputs) from None
    except ImportModelError as error:
        raise ImportModelError(f"{label}: {error}") from None
