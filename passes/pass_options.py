"""Options of passes: from text to the typed fields of a pass, and back."""

from __future__ import annotations

import dataclasses
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass

from ..errors import did_you_mean
from .pipeline import Option, PassNode, Value, error_at, is_plain_word


class _Mismatch(Exception):
    """A value does not fit the type of its option."""


@cache
def option_types(pass_type: type[ModulePass]) -> dict[str, Any]:
    """The type of each option of a pass, by the option's name as pipelines write it."""
    hints = get_type_hints(pass_type)
    return {
        field.name.replace("_", "-"): hints[field.name]
        for field in dataclasses.fields(pass_type)
        if field.init and field.name != "name"
    }


def build_pass(node: PassNode, pass_type: type[ModulePass]) -> ModulePass:
    """The pass that `node` asks for, its options converted to the types of the pass's fields."""
    types = option_types(pass_type)
    arguments: dict[str, Any] = {}
    for option in node.options:
        if option.name not in types:
            known = f"; it has {', '.join(types)}" if types else "; it has none"
            hint = did_you_mean(option.name, types) or known
            raise error_at(option.span, f"pass '{node.name}' has no option '{option.name}'{hint}")
        try:
            arguments[option.name.replace("-", "_")] = _convert(option.values, types[option.name])
        except _Mismatch as mismatch:
            span = option.values[0].span if option.values else option.span
            raise error_at(
                span, f"option '{option.name}' of pass '{node.name}': expected {mismatch}, got {_written(option)}"
            ) from None
    for field in dataclasses.fields(pass_type):
        if not field.init or field.name in arguments or _has_default(field):
            continue
        if _is_required(field):
            raise error_at(node.span, f"pass '{node.name}' needs option '{field.name.replace('_', '-')}'")
        arguments[field.name] = _default(field)
    try:
        return pass_type(**arguments)
    except ValueError as error:
        raise error_at(node.span, f"pass '{node.name}': {error}") from error


def describe_pass(pass_: ModulePass) -> PassNode:
    """The text of a pass with those options that differ from their defaults."""
    options: list[Option] = []
    for field in dataclasses.fields(pass_):
        if not field.init or field.name == "name":
            continue
        value = getattr(pass_, field.name)
        if not _is_required(field) and value == _default(field):
            continue
        options.append(Option(field.name.replace("_", "-"), _values(value)))
    return PassNode(pass_.name, tuple(options))


def describe_type(type_: Any) -> str:
    """How messages and help name the type of an option."""
    origin, arguments = get_origin(type_), get_args(type_)
    if type_ is str:
        return "a string"
    if type_ in (bool, int, float):
        return {bool: "true or false", int: "an integer", float: "a number"}[type_]
    if origin is Literal:
        return "one of " + ", ".join(f"'{argument}'" for argument in arguments)
    if origin in (Union, UnionType):
        return " or ".join(describe_type(argument) for argument in arguments if argument is not NoneType)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return f"a list, each {describe_type(arguments[0])}"
    if origin is tuple:
        return f"a list of {len(arguments)}: {', '.join(map(describe_type, arguments))}"
    return str(type_)


def _convert(values: tuple[Value, ...] | None, type_: Any) -> Any:
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (Union, UnionType):
        return _convert_union(values, type_)
    if origin is tuple:
        return _convert_tuple(values, type_)
    if values is None and type_ is bool:
        return True
    if values is None or len(values) != 1:
        raise _Mismatch(describe_type(type_))
    value = values[0]
    if origin is Literal:
        if value.text in arguments:
            return value.text
        raise _Mismatch(describe_type(type_))
    return _convert_scalar(value, type_)


def _convert_scalar(value: Value, type_: Any) -> Any:
    if type_ is str:
        return value.text
    if type_ is bool and value.text in ("true", "false") and not value.quoted:
        return value.text == "true"
    if type_ in (int, float) and not value.quoted:
        try:
            return type_(value.text)
        except ValueError:
            pass
    raise _Mismatch(describe_type(type_))


def _convert_tuple(values: tuple[Value, ...] | None, type_: Any) -> tuple[Any, ...]:
    if values is None:
        raise _Mismatch(describe_type(type_))
    arguments = get_args(type_)
    variadic = len(arguments) == 2 and arguments[1] is Ellipsis
    if not variadic and len(arguments) != len(values):
        raise _Mismatch(describe_type(type_))
    types = (arguments[0],) * len(values) if variadic else arguments
    try:
        return tuple(_convert((value,), element) for value, element in zip(values, types, strict=True))
    except _Mismatch:
        raise _Mismatch(describe_type(type_)) from None


def _convert_union(values: tuple[Value, ...] | None, type_: Any) -> Any:
    members = get_args(type_)
    if values is None and NoneType in members and bool not in members:
        return None
    # A word that reads as a number is one, where the option leaves the choice.
    for member in sorted((m for m in members if m is not NoneType), key=lambda member: member is str):
        try:
            return _convert(values, member)
        except _Mismatch:
            continue
    raise _Mismatch(describe_type(type_))


def _written(option: Option) -> str:
    if option.values is None:
        return "no value"
    return f"'{','.join(value.text for value in option.values)}'"


def _values(value: Any) -> tuple[Value, ...] | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple(_value(element) for element in value)  # pyright: ignore[reportUnknownVariableType]
    return (_value(value),)


def _value(value: Any) -> Value:
    if isinstance(value, bool):
        return Value("true" if value else "false")
    # A string that reads as something else is quoted, for options that take either.
    return Value(str(value), isinstance(value, str) and (not is_plain_word(value) or _reads_as_other(value)))


def _reads_as_other(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("true", "false")
    return True


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return not _has_default(field) and not _is_optional(field.type)


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    # xDSL lets an optional field have no default; it is None then.
    return None if field.default is dataclasses.MISSING else field.default


def _is_optional(type_: Any) -> bool:
    if isinstance(type_, str):  # the annotation of a module with postponed evaluation
        return "None" in type_.replace(" ", "").split("|") or type_.startswith("Optional[")
    return get_origin(type_) in (Union, UnionType) and NoneType in get_args(type_)
