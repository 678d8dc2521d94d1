"""Operators that are functions of other operators: by ONNX's own definition, or the model's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xdsl.ir import SSAValue

from ...errors import ImportModelError

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto

DOMAINS = ("", "ai.onnx")
"""The names of ONNX's own domain."""


def opset_of(domain: str, opsets: Mapping[str, int]) -> int | None:
    """The version of a domain that a model uses."""
    names = DOMAINS if domain in DOMAINS else (domain,)
    return next((opsets[name] for name in names if name in opsets), None)


def find_function(
    node: NodeProto,
    opsets: Mapping[str, int],
    functions: Iterable[FunctionProto],
    operands: Sequence[SSAValue | None],
) -> FunctionProto | None:
    """The function that defines a node; None if there is none."""
    for function in functions:
        if (function.domain, function.name) == (node.domain, node.op_type):
            return function
    opset = opset_of(node.domain, opsets)
    return None if opset is None else _schema_function(node, opset, operands)


def _schema(node: NodeProto, opset: int | None) -> Any | None:
    """What ONNX says of a node's operator; None if it is not ONNX's."""
    from onnx import defs

    domain = "" if node.domain in DOMAINS else node.domain
    try:
        return defs.get_schema(node.op_type, domain) if opset is None else defs.get_schema(node.op_type, opset, domain)
    except defs.SchemaError:
        return None


def _count(least: int, most: int) -> str:
    if least == most:
        return str(least)
    return f"{least} or more" if most > _MANY else f"{least} to {most}"


_MANY = 1000  # what ONNX says of any number is more


def check_node(node: NodeProto, opset: int | None) -> None:
    """Checks that a node has the inputs, and attributes of the types, that ONNX says.

    Raises:
        ImportModelError: if it has not.
    """
    from onnx import AttributeProto, helper

    schema = _schema(node, opset)
    if schema is None:
        return
    if len(node.input) < schema.min_input:
        raise ImportModelError(f"expected {_count(schema.min_input, schema.max_input)} inputs, got {len(node.input)}")
    for attribute in node.attribute:
        known = schema.attributes.get(attribute.name)
        given = AttributeProto.AttributeType.Name(attribute.type)
        if known is None or attribute.ref_attr_name or known.type.name == given:
            continue
        value = helper.get_attribute_value(attribute)
        got = value.decode(errors="replace") if isinstance(value, bytes) else value
        raise ImportModelError(f"expected attribute '{attribute.name}' of type {known.type.name.lower()}, got {got!r}")


def _schema_function(node: NodeProto, opset: int, operands: Sequence[SSAValue | None]) -> FunctionProto | None:
    from onnx import FunctionProto

    schema = _schema(node, opset)
    if schema is None:
        return None
    # A body is written for the opset that it names; one of a later opset may use operators that the model's lacks.
    versions: list[int] = [version for version in schema.function_opset_versions if version <= opset]
    found = FunctionProto()
    if versions:
        found.ParseFromString(schema.get_function_with_opset_version(max(versions)))
        return found
    versions = [version for version in schema.context_dependent_function_opset_versions if version <= opset]
    if not versions:
        return None
    types = [_type_proto(operand) for operand in operands]
    try:
        body = schema.get_context_dependent_function_with_opset_version(max(versions), node.SerializeToString(), types)
    except (RuntimeError, ValueError) as error:
        raise ImportModelError(f"{node.op_type} (opset {opset}): {error}") from None
    if not body:
        return None
    found.ParseFromString(body)
    return found


def _type_proto(operand: SSAValue | None) -> bytes:
    from onnx import TypeProto

    from ...dialects import graph
    from .node import type_of
    from .tensors import onnx_element_type

    proto = TypeProto()
    if operand is not None:
        type = type_of(operand)
        proto.tensor_type.elem_type = onnx_element_type(type.element_type)
        for dim in graph.shape_of(type):
            added = proto.tensor_type.shape.dim.add()
            if dim is not None and dim.is_constant:
                added.dim_value = dim.constant
    return proto.SerializeToString()


def instantiate(function: FunctionProto, node: NodeProto, prefix: str) -> Iterator[NodeProto]:
    """The nodes of a function for one that calls it; values inside are named after `prefix`."""
    names = dict.fromkeys(function.input, "")
    names.update(zip(function.input, node.input, strict=False))
    names.update(zip(function.output, node.output, strict=False))
    names[""] = ""
    attributes = {attribute.name: attribute for attribute in function.attribute_proto}
    attributes.update({attribute.name: attribute for attribute in _schema_defaults(node, function)})
    attributes.update({attribute.name: attribute for attribute in node.attribute})
    for inner in function.node:
        yield _renamed(inner, names, attributes, prefix)


def _renamed(
    node: NodeProto, names: dict[str, str], attributes: Mapping[str, AttributeProto], prefix: str
) -> NodeProto:
    """A node with its values' names replaced, inside of branches too, and with references to attributes resolved."""
    from onnx import NodeProto

    copy = NodeProto()
    copy.CopyFrom(node)
    copy.name = f"{prefix}_{node.name or node.op_type}"
    copy.input[:] = [names.setdefault(name, f"{prefix}_{name}") for name in node.input]
    copy.output[:] = [names.setdefault(name, f"{prefix}_{name}") for name in node.output]
    del copy.attribute[:]
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            added = copy.attribute.add()
            added.CopyFrom(attribute)
            if attribute.HasField("g"):
                _rename_graph(added.g, names, attributes, prefix)
        elif attribute.ref_attr_name in attributes:
            added = copy.attribute.add()
            added.CopyFrom(attributes[attribute.ref_attr_name])
            added.name = attribute.name
    return copy


def _rename_graph(
    graph: GraphProto, names: dict[str, str], attributes: Mapping[str, AttributeProto], prefix: str
) -> None:
    for tensor in graph.initializer:
        tensor.name = names.setdefault(tensor.name, f"{prefix}_{tensor.name}")
    nodes = [_renamed(node, names, attributes, prefix) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    for info in graph.output:
        info.name = names.setdefault(info.name, f"{prefix}_{info.name}")


def _schema_defaults(node: NodeProto, function: FunctionProto) -> Iterator[Any]:
    """The defaults of an operator's attributes, which its function refers to."""
    schema = _schema(node, None)
    if schema is None:
        return
    for name in function.attribute:
        attribute = schema.attributes.get(name)
        if attribute is not None and attribute.default_value.name:
            yield attribute.default_value
