"""Tensor data beside the text: an attribute that holds bytes, and prints as a handle.

The bytes belong to the attribute, so that a module is self-contained in memory: cloning shares them, and they go when
the last module that uses them goes. In text only a handle stands in the program; the bytes follow in MLIR's own
`{-# dialect_resources: { graph: { … } } #-}` section, or in a side file. Resources above `ResourceTable.limit` bytes
are left out of the section: such text parses, verifies and compiles, and takes its data from the side file.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import ClassVar
from weakref import WeakValueDictionary

from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

_ALIGNMENT = 64
_PREFIX_DIGITS = 8  # MLIR starts a blob with its alignment, four bytes in little-endian order


class Blob:
    """Bytes under a handle. Text gives the handle first, and the bytes at its end: until then they are None."""

    __slots__ = ("__weakref__", "data", "handle")

    handle: str
    data: bytes | None

    def __init__(self, handle: str, data: bytes | None = None) -> None:
        self.handle = handle
        self.data = data

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Blob) and self.handle == other.handle and self.data == other.data)

    def __hash__(self) -> int:
        return hash(self.handle)

    def __repr__(self) -> str:
        return f"Blob({self.handle!r}, {None if self.data is None else len(self.data)} bytes)"


class ResourceTable(OpAsmDialectInterface):
    """Connects handles in text with blobs, while something is parsed or printed; it keeps no blob alive."""

    limit: int | None
    """Larger blobs, in bytes, are not printed; None prints all."""

    def __init__(self, dialect: str, limit: int | None) -> None:
        super().__init__()
        self.dialect = dialect
        self.limit = limit
        self._blobs: WeakValueDictionary[str, Blob] = WeakValueDictionary()
        self._latest: Blob | None = None

    def declare_resource(self, key: str) -> str:
        # Kept until the attribute being parsed holds it.
        self._latest = self._blobs[key] = Blob(key)
        return key

    def parse_resource(self, key: str, val: str) -> None:
        if not val.startswith("0x") or len(val) < 2 + _PREFIX_DIGITS:
            raise ValueError(f"expected a hex string with an alignment, got '{val[:16]}' for resource '{key}'")
        blob = self._blobs.get(key)
        if blob is None:
            return
        if blob.data is not None:
            raise ValueError(f"expected one value for resource '{key}', got another")
        blob.data = bytes.fromhex(val[2 + _PREFIX_DIGITS :])

    def lookup(self, key: str) -> str | None:
        blob = self._blobs.get(key)
        if blob is None or blob.data is None or (self.limit is not None and len(blob.data) > self.limit):
            return None
        return "0x" + _ALIGNMENT.to_bytes(_PREFIX_DIGITS // 2, "little").hex().upper() + blob.data.hex().upper()

    def build_resources(self, keys: Iterable[str]) -> dict[str, str]:
        return {key: text for key in keys if (text := self.lookup(key)) is not None}

    @contextmanager
    def limited_to(self, limit: int | None) -> Generator[None]:
        """Another limit while something is printed."""
        before, self.limit = self.limit, limit
        try:
            yield
        finally:
            self.limit = before

    def parse_handle(self, parser: AttrParser) -> Blob:
        """Parses a handle; the same handle in one text is the same blob."""
        key = parser.parse_identifier(" for resource handle")
        if (self.dialect, key) not in parser.dialect_resources:
            parser.dialect_resources.add((self.dialect, key))
            self.declare_resource(key)
        return self._blobs[key]

    def print_handle(self, blob: Blob, printer: Printer) -> None:
        """Prints a handle that stands for this blob and no other living one with other bytes."""
        key, count = blob.handle, 0
        while (owner := self._blobs.get(key)) is not None and owner is not blob and owner.data != blob.data:
            key = f"{blob.handle}_{count}"
            count += 1
        self._blobs[key] = blob
        printer.print_resource_handle(self.dialect, key)


def resource_handle(name: str) -> str:
    """A handle that the assembly format accepts, made of any name."""
    handle = re.sub(r"[^A-Za-z0-9_$.]", "_", name)
    return handle if re.match(r"[A-Za-z_]", handle) else f"_{handle}"


@irdl_attr_definition
class ResourceAttr(Data[Blob]):
    """`#graph.resource<handle>`: the little-endian, row-major bytes of a tensor."""

    name = "graph.resource"

    table: ClassVar[ResourceTable] = ResourceTable("graph", limit=1 << 16)

    @staticmethod
    def of(name: str, data: bytes) -> ResourceAttr:
        """`data` under a handle made of `name`."""
        return ResourceAttr(Blob(resource_handle(name), data))

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Blob:
        with parser.in_angle_brackets():
            return cls.table.parse_handle(parser)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            self.table.print_handle(self.data, printer)
