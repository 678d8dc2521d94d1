"""`loop-name-kernels`: kernels get names that say what they compute, and equal kernels are one.

Before:

    func.call @kernel0(%x, %w0, %h) : …
    func.call @kernel1(%h, %w1, %y) : …
    func.func private @kernel0(…) { loop.for … }
    func.func private @kernel1(…) { loop.for … }   // the same, whatever its values and buffers are called

After:

    func.call @k_5c1f0a3e9b7d2468(%x, %w0, %h) : …
    func.call @k_5c1f0a3e9b7d2468(%h, %w1, %y) : …
    func.func private @k_5c1f0a3e9b7d2468(…) { loop.for … }
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from xdsl.context import Context
from xdsl.dialects.builtin import DictionaryAttr, MemRefType, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from ...dialects.cpu import TARGET
from ...dialects.loop import OUTPUT, BlockOp, ForOp, lowering_marks
from ...dialects.structural_hash import structural_hash

if TYPE_CHECKING:
    from typing_extensions import TypeIs

DIGITS = 16
"""How much of the hash is in a name."""


def is_kernel(op: Operation) -> TypeIs[FuncOp]:
    """Whether an operation of a module is a kernel on the loop rung: a private function from buffers to buffers."""
    return _computes(op) and not is_public(op)


def is_public(function: FuncOp) -> bool:
    """Whether others than the module itself may call a function."""
    return function.sym_visibility is None or function.sym_visibility.data != "private"


def _computes(op: Operation) -> TypeIs[FuncOp]:
    return (
        isinstance(op, FuncOp)
        and not op.is_declaration
        and not op.function_type.outputs
        and all(isinstance(type, MemRefType) for type in op.function_type.inputs)
        and any(OUTPUT in attributes.data for attributes in op.arg_attrs or ())
        and any(isinstance(each, ForOp | BlockOp) for each in op.body.block.ops)
    )


def kernels(module: ModuleOp) -> tuple[FuncOp, ...]:
    """The kernels of a module that stand for themselves: they name no symbol, and nothing but a call names them."""
    found = {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp) and is_kernel(op)}
    for op in module.ops:
        if op.get_attr_or_prop("sym_name") is None or op.regions:
            for name, owner, is_call in _references(op):
                if not is_call:
                    found.pop(name, None)
                found.pop(owner, None)
    return tuple(found.values())


def lone_kernels(module: ModuleOp) -> tuple[FuncOp, ...]:
    """The kernels of a module, and the public functions that are kernels but for that."""
    private = frozenset(kernels(module))
    found: list[FuncOp] = []
    for op in module.ops:
        if _computes(op) and (op in private or (is_public(op) and not any(True for _ in _references(op)))):
            found.append(op)
    return tuple(found)


def _references(top: Operation) -> Iterator[tuple[str, str, bool]]:
    """The symbols that are named inside of an operation of the module, with the name of the latter."""
    symbol = top.get_attr_or_prop("sym_name")
    owner = symbol.data if isinstance(symbol, StringAttr) else ""
    for op in top.walk():
        for attribute in (*op.properties.values(), *op.attributes.values()):
            if isinstance(attribute, SymbolRefAttr):
                yield attribute.root_reference.data, owner, isinstance(op, CallOp)


def kernel_hash(kernel: FuncOp) -> str:
    """The hash of a kernel on the loop rung: its structure, element types, which parameters are constants, its target,
    and how it is lowered, where that does not follow from the target."""
    module = kernel.parent_op()
    target = module.attributes.get(TARGET) if isinstance(module, ModuleOp) else None
    marks = lowering_marks(module)
    if marks:
        target = DictionaryAttr({TARGET: target, **marks} if target is not None else marks)
    return structural_hash(kernel, target=target)


def name_kernels(module: ModuleOp) -> dict[str, str]:
    """Names kernels by their hashes and merges equal ones, in place. Returns the hash of each kernel by its name."""
    found = {kernel.sym_name.data: kernel for kernel in kernels(module)}
    symbols = {name.data for op in module.ops if isinstance(name := op.get_attr_or_prop("sym_name"), StringAttr)}
    others = symbols - found.keys()
    hashes: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for old, kernel in found.items():
        digest = kernel_hash(kernel)
        new = f"k_{digest[:DIGITS]}"
        # Somebody's own function, or chance.
        if new in others or hashes.get(new, digest) != digest:
            new = old
        renamed[old] = new
        if new in hashes:
            kernel.detach()
            kernel.erase()
        else:
            hashes[new] = digest
            kernel.sym_name = StringAttr(new)
    _rename_calls(module, renamed)
    return hashes


def _rename_calls(module: ModuleOp, renamed: dict[str, str]) -> None:
    for top in module.ops:
        if not isinstance(top, FuncOp) or top.sym_name.data in renamed.values():
            continue
        for op in top.walk():
            if isinstance(op, CallOp) and (name := renamed.get(op.callee.string_value())) is not None:
                op.callee = SymbolRefAttr(name)


def describe_kernel(kernel: FuncOp) -> str:
    """What a kernel computes, and from what, in a line."""
    blocks = [op for op in kernel.walk() if isinstance(op, BlockOp)]
    operators = "+".join(op.alias.data if op.alias is not None else op.sym_name.data for op in blocks)
    attributes = kernel.arg_attrs or ()
    shapes: dict[bool, list[str]] = {False: [], True: []}
    for type, attrs in zip(kernel.function_type.inputs, attributes, strict=True):
        memref = cast(MemRefType, type)
        shape = "x".join(map(str, (*memref.get_shape(), memref.element_type)))
        shapes[OUTPUT in attrs.data].append(shape)
    return f"{operators} ({', '.join(shapes[False])}) -> {', '.join(shapes[True])}"


@dataclass(frozen=True)
class NameKernelsPass(ModulePass):
    """Names kernels by what they compute, and merges equal ones."""

    name = "loop-name-kernels"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        name_kernels(op)
