"""`symbol-dce`: erase symbols that nothing can refer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Operation, ParametrizedAttribute
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.traits import SymbolOpInterface, SymbolTable


def erase_dead_symbols(root: Operation) -> None:
    """Erase the symbols below `root` that are not public and that no live operation refers to."""
    liveness = _Liveness()
    liveness.mark_from(root)
    _erase_dead(root, liveness.live)


def _children(op: Operation) -> Iterator[Operation]:
    return (child for region in op.regions for block in region.blocks for child in block.ops)


def _erase_dead(op: Operation, live: set[Operation]) -> None:
    for child in tuple(_children(op)):
        if child.has_trait(SymbolOpInterface) and child not in live:
            Rewriter.erase_op(child)
        else:
            _erase_dead(child, live)


@dataclass
class _Liveness:
    """Which symbols are public, or referred to by a live operation, however indirectly."""

    live: set[Operation] = field(default_factory=set[Operation])
    tables: dict[Operation, dict[str, Operation]] = field(default_factory=dict[Operation, dict[str, Operation]])

    def mark_from(self, root: Operation) -> None:
        """Mark everything below `root`, which is live itself."""
        worklist = [root]
        while worklist:
            op = worklist.pop()
            worklist.extend(symbol for symbol in self._referred(op) if self._mark(symbol))
            # A symbol waits until something refers to it; everything else lives as its parent does.
            worklist.extend(
                child
                for child in _children(op)
                if not child.has_trait(SymbolOpInterface) or (_is_public(child) and self._mark(child))
            )

    def _mark(self, op: Operation) -> bool:
        if op in self.live:
            return False
        self.live.add(op)
        return True

    def _referred(self, op: Operation) -> Iterator[Operation]:
        """Every symbol on the path of every reference that `op` holds."""
        for attribute in (*op.attributes.values(), *op.properties.values()):
            for reference in _references(attribute):
                scope = _scope(op)
                for name in (reference.root_reference, *reference.nested_references.data):
                    symbol = None if scope is None else self._symbols(scope).get(name.data)
                    if symbol is None:
                        break
                    yield symbol
                    scope = symbol

    def _symbols(self, table: Operation) -> dict[str, Operation]:
        if table not in self.tables:
            names = ((child, child.get_attr_or_prop("sym_name")) for child in _children(table))
            self.tables[table] = {name.data: child for child, name in names if isinstance(name, StringAttr)}
        return self.tables[table]


def _scope(op: Operation) -> Operation | None:
    scope = op.parent_op()
    while scope is not None and not scope.has_trait(SymbolTable):
        scope = scope.parent_op()
    return scope


def _is_public(op: Operation) -> bool:
    name, visibility = op.get_attr_or_prop("sym_name"), op.get_attr_or_prop("sym_visibility")
    return name is None or not isinstance(visibility, StringAttr) or visibility.data == "public"


def _references(attribute: Attribute) -> Iterator[SymbolRefAttr]:
    if isinstance(attribute, SymbolRefAttr):
        yield attribute
        return
    nested: tuple[Attribute, ...] = ()
    if isinstance(attribute, ArrayAttr):
        nested = cast(ArrayAttr[Attribute], attribute).data
    elif isinstance(attribute, DictionaryAttr):
        nested = tuple(attribute.data.values())
    elif isinstance(attribute, ParametrizedAttribute):
        nested = tuple(attribute.parameters)
    for inner in nested:
        yield from _references(inner)


@dataclass(frozen=True)
class SymbolDCEPass(ModulePass):
    """Erase private and nested symbols that nothing live refers to."""

    name = "symbol-dce"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        erase_dead_symbols(op)
