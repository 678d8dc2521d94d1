"""`graph-select-conv-algorithm`: how each convolution is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, Protocol, TypeAlias, cast, get_args

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, f32, f64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from ...dialects import graph
from ...dialects.cpu import TARGET, TargetAttr
from ...dialects.extents import Extent
from ...dialects.graph import FusionClass
from ...dialects.loop import lowering_marks
from ...operators.convolution import ConvOp
from ...operators.reference.winograd import transformed_weights
from ...operators.windows import Window
from ...operators.winograd import TILES, WinogradConvOp
from ..function_pass import functions
from .constants import Constants, called_functions, erase_unused_data, weights

ConvAlgorithm: TypeAlias = Literal["auto", "direct", "gemm", "winograd-2", "winograd-4"]

ALGORITHMS: tuple[str, ...] = get_args(ConvAlgorithm)
"""What a convolution may be computed by; `auto` decides for each by its size."""

CONVOLUTION = "graph.convolution"
"""Attribute of an operation that computes a convolution: the key of the latter, where somebody asked for it."""

_TILES = {f"winograd-{tile}": tile for tile in TILES}
_TRANSFORM = 24
"""What it costs to transform an element of a tile, or a sum, in products."""
_WEIGHT = 18
"""What it costs to read a weight, in products."""
_GAIN = 0.9
"""What part of the direct cost is low enough to compute anything else."""


class CostOracle(Protocol):
    """Who knows how long convolutions take."""

    def seconds(self, convolution: str, target: str) -> Mapping[str, float]:
        """The time that each algorithm has taken for the convolution with this key, with what is fused to it, on a
        target; nothing of those that nobody has measured."""
        ...


def why_not(algorithm: str, exact: bool) -> str | None:
    """Why no convolution can be computed so; None if it can."""
    if algorithm not in ALGORITHMS:
        return f"expected a convolution algorithm of {', '.join(ALGORITHMS)}, got '{algorithm}'"
    if exact and algorithm in _TILES:
        return f"expected an exact convolution algorithm (auto, direct or gemm), got '{algorithm}'"
    return None


@dataclass
class SelectAlgorithm(RewritePattern):
    """Choose how a convolution is computed."""

    constants: Constants
    algorithm: str
    exact: bool
    may_name: bool
    """Whether the function may name weights."""
    costs: CostOracle | None = None
    mark: bool = False
    """Whether operations say which convolution they compute."""
    sizes: str = ""
    """What symbolic extents are going to be, where somebody knows."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConvOp, rewriter: PatternRewriter) -> None:
        if op.algorithm is not None:
            return
        algorithm = self.algorithm
        if self.mark:
            op.attributes[CONVOLUTION] = StringAttr(self._key(op))
        if algorithm == "auto":
            algorithm = cheapest_algorithm(op, self.exact)
            if self.costs is not None:
                algorithm = self._least_recorded(op, algorithm, self._recorded(op, self.costs))
        if algorithm == "gemm":
            op.algorithm = StringAttr(algorithm)
        elif algorithm in _TILES and self._may_transform(op):
            self._transform(op, _TILES[algorithm], rewriter)

    def _key(self, op: ConvOp) -> str:
        marks = lowering_marks(self.constants.module)
        return convolution_key(op, self._target(), self.constants.is_known(op.weight), self.sizes, marks)

    def _target(self) -> Attribute | None:
        return self.constants.module.attributes.get(TARGET)

    def _recorded(self, op: ConvOp, costs: CostOracle) -> Mapping[str, float]:
        return costs.seconds(self._key(op), str(self._target()))

    def _may_transform(self, op: ConvOp) -> bool:
        return self.may_name and fits_winograd(op) and self.constants.is_known(op.weight)

    def _least_recorded(self, op: ConvOp, estimated: str, seconds: Mapping[str, float]) -> str:
        """The algorithm with the least recorded time. One time alone says nothing about the estimated one's."""
        exact = self.exact or not self._may_transform(op)
        known = {name: time for name, time in seconds.items() if name in ALGORITHMS and not (exact and name in _TILES)}
        if estimated not in known and len(known) < 2:
            return estimated
        return min(known, key=lambda name: (known[name], name))

    def _transform(self, op: ConvOp, tile: int, rewriter: PatternRewriter) -> None:
        weights = self.constants.array(op.weight)
        if not np.isfinite(weights).all():
            return  # an infinity or NaN would spread to others
        array = transformed_weights(weights, tile)
        element_type = cast(graph.AnyTensor, op.weight.type).element_type
        name = f"{self.constants.source(op.weight) or 'weight'}.winograd"
        type = graph.tensor_of(element_type, tuple(Extent.of(extent) for extent in array.shape))
        data = self.constants.operation(array, type, name)
        data.results[0].name_hint = op.weight.name_hint
        rewriter.insert(data, InsertPoint.before(op))
        new = WinogradConvOp(op.input, data.results[0], tile, op.pads.get_values(), op.result.type.get_shape()[1])
        new.result.name_hint = op.result.name_hint
        new.attributes.update(op.attributes)
        rewriter.replace(op, new)


def convolution_key(
    op: ConvOp,
    target: Attribute | None,
    is_constant: bool,
    sizes: str = "",
    marks: Mapping[str, Attribute] | None = None,
) -> str:
    """Equal for convolutions that the same kernels compute, whatever the algorithm: their structure, the operators that
    may be fused to their results, the target but for its number of threads, whether the weights are known, the sizes of
    symbols, and how kernels are lowered if that does not follow from the target (`marks`)."""
    window = op.window
    if isinstance(target, TargetAttr):
        target = target.with_threads(1)
    parts = [str(op.input.type), str(op.weight.type), str(window), str(op.group_count), str(is_constant), str(target)]
    if not op.result.type.has_static_shape():
        parts.append(sizes)
    parts += [f"{name} {mark}" for name, mark in (marks or {}).items()]
    value: SSAValue = op.result
    while (use := value.get_user_of_unique_use()) is not None and isinstance(use, graph.TensorOp):
        if use.FUSION_CLASS is not FusionClass.INJECTIVE or len(use.results) != 1:
            break
        value = use.results[0]
        parts.append(f"{use.name} {value.type}")
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def algorithm_of(op: Operation) -> str | None:
    """What an operation computes a convolution by; None if it does not."""
    if isinstance(op, WinogradConvOp):
        return f"winograd-{op.tile.value.data}"
    if isinstance(op, ConvOp):
        return "direct" if op.algorithm is None else op.algorithm.data
    return None


def fits_winograd(op: ConvOp) -> bool:
    """Whether a convolution is one of 3×3 windows next to one another, of static size."""
    window, type = op.window, cast(graph.AnyTensor, op.input.type)
    if window != Window((3, 3), (1, 1), window.pads, (1, 1)) or op.group_count != 1:
        return False
    if type.element_type not in (f32, f64):
        return False
    return all(dim is not None and dim.is_constant for dim in graph.shape_of(type)[1:])


def cheapest_algorithm(op: ConvOp, exact: bool) -> str:
    """What computes a convolution with the least products, as far as its transforms and weights let it."""
    if exact or not fits_winograd(op):
        return "direct"
    batch, channels = graph.shape_of(cast(graph.AnyTensor, op.input.type))[:2]
    images = batch.constant if batch is not None and batch.is_constant else 1
    taken = channels.constant if channels is not None else 1
    given, height, width = op.result.type.get_shape()[1:]
    pairs = taken * given
    costs = {"direct": _GAIN * 9 * pairs * (images * height * width + _WEIGHT)}
    for name, tile in _TILES.items():
        tiles, size = images * -(-height // tile) * -(-width // tile), (tile + 2) ** 2
        costs[name] = size * (tiles * (pairs + _TRANSFORM * (taken + given)) + _WEIGHT * pairs)
    return min(costs, key=lambda name: costs[name])


def select_conv_algorithm(
    module: ModuleOp,
    algorithm: str = "auto",
    exact: bool = False,
    costs: CostOracle | None = None,
    mark: bool = False,
    sizes: str = "",
) -> None:
    """Choose how each convolution is computed, and transform the weights that this takes. With `mark`, each operation
    has the key of its convolution in an attribute afterwards."""
    constants = Constants(module)
    called = called_functions(module)
    named = {weight.data.root_reference.data for weight in weights(module)}
    for func in functions(module):
        select = SelectAlgorithm(constants, algorithm, exact, func.sym_name.data not in called, costs, mark, sizes)
        PatternRewriteWalker(select, apply_recursively=False).rewrite_region(func.body)
        for op in tuple(reversed(func.body.block.ops)):
            if isinstance(op, graph.WeightOp) and not any(op.result.uses):
                op.detach()
                op.erase()
    erase_unused_data(module, named | constants.created)


@dataclass(frozen=True)
class GraphSelectConvAlgorithmPass(ModulePass):
    """Choose how convolutions are computed: `direct` slides windows, `gemm` multiplies matrices of what the windows
    hold, `winograd-2` and `winograd-4` compute 3×3 windows tile by tile, with weights that are transformed here; `auto`
    decides by size. What an algorithm cannot compute is computed directly.

    Before → after: `graph.conv %x, %w …` → `graph.winograd_conv %x, %w_transformed tile 4 …`.
    """

    name = "graph-select-conv-algorithm"

    algorithm: ConvAlgorithm = "auto"
    """How convolutions are computed."""
    exact: bool = False
    """Whether only algorithms count that compute each result from products of elements and weights."""
    costs: CostOracle | None = field(default=None, init=False, compare=False, repr=False)
    """Who knows how long convolutions take; no option, but what a driver knows."""
    mark: bool = field(default=False, init=False, repr=False)
    """Whether operations say which convolution they compute."""
    sizes: str = field(default="", init=False, repr=False)
    """What symbolic extents are going to be, where somebody knows."""

    def __post_init__(self) -> None:
        if (failure := why_not(self.algorithm, self.exact)) is not None:
            raise ValueError(failure)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        select_conv_algorithm(op, self.algorithm, self.exact, self.costs, self.mark, self.sizes)

    def told(
        self, costs: CostOracle | None = None, *, mark: bool = False, sizes: Mapping[str, int] | None = None
    ) -> GraphSelectConvAlgorithmPass:
        """The same pass, which knows what convolutions cost, or marks them, for some sizes of symbols."""
        copy = GraphSelectConvAlgorithmPass(self.algorithm, self.exact)
        # They are no options, so that no pipeline's text has them.
        object.__setattr__(copy, "costs", costs)
        object.__setattr__(copy, "mark", mark)
        object.__setattr__(copy, "sizes", str(sorted((name, int(size)) for name, size in (sizes or {}).items())))
        return copy
