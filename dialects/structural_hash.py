"""A hash of what IR says, whatever it calls things: equal in every process for equal programs.

What counts are operations, their types and attributes, regions, and which value is used where. What does not count are
the names of values, functions and buffers, aliases, and locations. Names of blocks do count: they are canonical, and
schedules go by them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import cast

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    BytesAttr,
    DictionaryAttr,
    FloatData,
    IntAttr,
    NoneAttr,
    StringAttr,
    SymbolRefAttr,
)
from xdsl.ir import Attribute, Block, Data, Operation, ParametrizedAttribute, Region, SSAValue

HASH_BYTES = 16

_NAMES = frozenset({"sym_name", "sym_visibility", "alias", "te.name", "graph.weight"})
"""Attributes that only name things."""
_CANONICAL = frozenset({"loop.block"})
"""Operations whose symbol is no free choice."""


def structural_hash(op: Operation, *, target: Attribute | None = None, names: bool = False) -> str:
    """The hash of an operation with all that is inside of it, and of the target that it is for, as hexadecimal digits.

    `names`: whether the names of symbols and arguments count, too.
    """
    return _Hasher(names).run(op, target)


class _Hasher:
    """One walk. Every piece is framed by its length or by a tag, so that different IR is different input."""

    def __init__(self, names: bool):
        self.names = names
        self.digest = blake2b(digest_size=HASH_BYTES)
        self.write: Callable[[bytes], None] = self.digest.update
        self.values: dict[SSAValue, int] = {}
        self.blocks: dict[Block, int] = {}
        # By identity: attributes that compare equal need not be the same, as 0.0 and -0.0.
        # They are kept, so that no other one gets the identity.
        self.encoded: dict[int, tuple[Attribute, bytes]] = {}

    def run(self, op: Operation, target: Attribute | None) -> str:
        if target is not None:
            self.write(self.attribute(target))
        self.operation(op)
        return self.digest.hexdigest()

    def operation(self, op: Operation) -> None:
        counts = (len(op.operands), len(op.results), len(op.successors), len(op.regions))
        self.write(b"o" + _text(op.name) + struct.pack("<4I", *counts))
        values = self.values
        for operand in op.operands:
            # What is defined elsewhere, or later, is numbered when it is first met.
            self.write(struct.pack("<I", values.setdefault(operand, len(values))))
        for result in op.results:
            self.write(struct.pack("<I", values.setdefault(result, len(values))))
            self.write(self.attribute(result.type))
        for successor in op.successors:
            self.write(struct.pack("<I", self.blocks.setdefault(successor, len(self.blocks))))
        self.dictionary(op, op.properties)
        self.dictionary(op, op.attributes)
        for region in op.regions:
            self.region(region)

    def dictionary(self, op: Operation, attributes: Mapping[str, Attribute]) -> None:
        kept = sorted(name for name in attributes if self.names or name not in _NAMES or self.is_canonical(op, name))
        self.write(struct.pack("<I", len(kept)))
        for name in kept:
            value = attributes[name]
            if name == "arg_attrs" and not self.names and isinstance(value, ArrayAttr):
                encoded = self.arguments(cast("ArrayAttr[DictionaryAttr]", value))
            else:
                encoded = self.attribute(value)
            self.write(_text(name) + encoded)

    @staticmethod
    def is_canonical(op: Operation, name: str) -> bool:
        return name == "sym_name" and op.name in _CANONICAL

    def arguments(self, attributes: ArrayAttr[DictionaryAttr]) -> bytes:
        """What is said about arguments, but for their names."""
        parts: list[bytes] = []
        for each in attributes:
            kept = sorted(name for name in each.data if name not in _NAMES)
            parts.append(struct.pack("<I", len(kept)))
            parts += [_text(name) + self.attribute(each.data[name]) for name in kept]
        return b"".join(parts)

    def region(self, region: Region) -> None:
        blocks = tuple(region.blocks)
        self.write(b"r" + struct.pack("<I", len(blocks)))
        for block in blocks:
            self.write(struct.pack("<2I", self.blocks.setdefault(block, len(self.blocks)), len(block.args)))
            for argument in block.args:
                self.write(struct.pack("<I", self.values.setdefault(argument, len(self.values))))
                self.write(self.attribute(argument.type))
                if self.names:
                    self.write(_text(argument.name_hint or ""))
            for op in block.ops:
                self.operation(op)
            self.write(b"e")

    # attributes

    def attribute(self, attribute: Attribute) -> bytes:
        found = self.encoded.get(id(attribute))
        if found is None:
            # A hash of its own keeps what is nested short.
            found = attribute, blake2b(self.encode(attribute), digest_size=HASH_BYTES).digest()
            self.encoded[id(attribute)] = found
        return found[1]

    def encode(self, attribute: Attribute) -> bytes:
        name = _text(attribute.name)
        match attribute:
            case StringAttr() | BytesAttr():
                data = attribute.data
                return name + (data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
            case IntAttr():
                return name + str(attribute.data).encode()
            case FloatData():
                return name + struct.pack("<d", attribute.data)
            case ArrayAttr():
                return name + b"".join(self.attribute(each) for each in attribute)
            case DictionaryAttr():
                items = sorted(attribute.data.items(), key=lambda item: item[0])
                return name + b"".join(_text(key) + self.attribute(value) for key, value in items)
            case AffineMapAttr():
                return name + str(attribute.data).encode()
            case SymbolRefAttr():
                return name + attribute.string_value().encode()
            case NoneAttr():
                return name
            case ParametrizedAttribute():
                return name + b"p" + b"".join(self.attribute(each) for each in attribute.parameters)
            case Data():
                return name + str(cast("Data[object]", attribute)).encode()
            case _:
                return name + str(attribute).encode()


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data
