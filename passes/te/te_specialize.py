"""`te-specialize`: symbolic extents to numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import FunctionType, IndexType, IntegerAttr, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.exceptions import VerifyException

from ...dialects import te
from ...errors import CompileError, did_you_mean
from .te_simplify import FoldAffineIndices

_INDEX = IndexType()


def symbols_of(op: Operation) -> list[str]:
    """The names of the symbolic sizes in `op`, sorted."""
    return sorted({name for shape in _shapes(op) for extent in shape.data for name in extent.symbols()})


def _shapes(op: Operation) -> Iterator[te.ShapeAttr]:
    for inner in op.walk():
        if isinstance(inner, te.ComputeOp | te.ScanOp | te.SizeOp):
            yield inner.extents
        for result in inner.results:
            yield from _encoding(result.type)
        for region in inner.regions:
            for block in region.blocks:
                for argument in block.args:
                    yield from _encoding(argument.type)
        if isinstance(inner, FuncOp):
            for type in (*inner.function_type.inputs, *inner.function_type.outputs):
                yield from _encoding(type)


def _encoding(type: Attribute) -> Iterator[te.ShapeAttr]:
    if isinstance(type, TensorType) and isinstance(type.encoding, te.ShapeAttr):
        yield type.encoding


def specialize(module: ModuleOp, sizes: Mapping[str, int]) -> None:
    """Gives each symbolic size in the functions of `module` its value.

    Raises:
        CompileError: if `sizes` lacks a symbol or names an unknown one, or if the program is wrong for these sizes.
    """
    symbols = symbols_of(module)
    if missing := [name for name in symbols if name not in sizes]:
        raise CompileError(f"expected a size for each of {', '.join(symbols)}, got none for {', '.join(missing)}")
    for name, size in sizes.items():
        if name not in symbols:
            known = f"the symbols {', '.join(symbols)}" if symbols else "no sizes, as nothing is symbolic"
            raise CompileError(f"expected {known}, got '{name}'{did_you_mean(name, symbols)}")
        if size < 1:
            raise CompileError(f"expected a positive size for '{name}', got {size}")
    if not symbols:
        return
    PatternRewriteWalker(
        GreedyRewritePatternApplier([SpecializeTypes(sizes), SpecializeSize(sizes), FoldAffineIndices(always=True)]),
    ).rewrite_module(module)
    try:
        module.verify()
    except VerifyException as error:
        given = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise CompileError(f"with {given}: {root_message(error)}") from error


def root_message(error: BaseException) -> str:
    """What a verifier says, without the IR that is printed around it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


class SpecializeTypes(RewritePattern):
    """`tensor<?x4xf32, #te.shape<n, 4>>` → `tensor<8x4xf32>`, and likewise for iterators."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        for result in op.results:
            self._specialize_value(result, rewriter)
        for region in op.regions:
            for block in region.blocks:
                for argument in block.args:
                    self._specialize_value(argument, rewriter)
        if isinstance(op, te.ComputeOp | te.ScanOp) and any(
            op.extents.data[i].terms for i in range(len(op.extents.data))
        ):
            op.extents = te.ShapeAttr(tuple(extent.substitute(self._sizes) for extent in op.extents.data))
            rewriter.notify_op_modified(op)
        if isinstance(op, FuncOp):
            self._specialize_signature(op, rewriter)

    def _specialize_value(self, value: SSAValue, rewriter: PatternRewriter) -> None:
        type = self._specialized(value.type)
        if type is not value.type:
            rewriter.replace_value_with_new_type(value, type)

    def _specialize_signature(self, op: FuncOp, rewriter: PatternRewriter) -> None:
        inputs = [self._specialized(type) for type in op.function_type.inputs]
        outputs = [self._specialized(type) for type in op.function_type.outputs]
        if (type := FunctionType.from_lists(inputs, outputs)) != op.function_type:
            op.function_type = type
            rewriter.notify_op_modified(op)

    def _specialized(self, type: Attribute) -> Attribute:
        if next(_encoding(type), None) is None:
            return type
        symbolic = cast(te.AnyTensor, type)
        return te.tensor_type(
            symbolic.element_type, [extent.substitute(self._sizes) for extent in te.tensor_extents(symbolic)]
        )


class SpecializeSize(RewritePattern):
    """`te.size n + 1` → `arith.constant 9 : index`."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: te.SizeOp, rewriter: PatternRewriter) -> None:
        rewriter.replace(op, ConstantOp(IntegerAttr(op.extent.evaluate(self._sizes), _INDEX)))


@dataclass(frozen=True)
class TeSpecializePass(ModulePass):
    """Makes symbolic extents concrete: `te-specialize{sizes=n:128,m:3}`."""

    name = "te-specialize"

    sizes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parse_sizes(self.sizes)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        specialize(op, parse_sizes(self.sizes))


def parse_sizes(sizes: tuple[str, ...]) -> dict[str, int]:
    """The sizes that `("n:128", "m:3")` spells.

    Raises:
        ValueError: if it spells none.
    """
    result: dict[str, int] = {}
    for entry in sizes:
        name, separator, size = entry.partition(":")
        if not separator or not name.isidentifier() or not size.isdecimal():
            raise ValueError(f"expected sizes as n:128,m:3, got '{entry}'")
        result[name] = int(size)
    return result
