"""Every pass by name, each loaded when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes as upstream_passes

from ..errors import PipelineError, did_you_mean

PassFactory = Callable[[], type[ModulePass]]

PASSES = {
    "apply-schedules": "loop.apply_schedules:ApplySchedulesPass",
    "arith-emulate-unsupported-floats": "mlir.emulate_unsupported_floats:ArithEmulateUnsupportedFloatsPass",
    "arith-expand": "mlir.arith_expand:ArithExpandPass",
    "canonicalize": "common.canonicalize:CanonicalizePass",
    "convert-cpu-to-llvm": "cpu.convert_cpu_to_llvm:ConvertCpuToLLVMPass",
    "convert-graph-to-te": "graph.convert_graph_to_te:ConvertGraphToTePass",
    "convert-te-to-loop": "te.convert_te_to_loop:ConvertTeToLoopPass",
    "convert-to-llvm": "mlir.convert_to_llvm:ConvertToLLVMPass",
    "cpu-outline-parallel": "cpu.outline_parallel:OutlineParallelPass",
    "cse": "common.cse:CSEPass",
    "graph-cse": "graph.cse:GraphCSEPass",
    "graph-dce": "graph.dce:GraphDCEPass",
    "graph-fold-constants": "graph.fold_constants:GraphFoldConstantsPass",
    "graph-fuse": "graph.fuse:GraphFusePass",
    "graph-infer-shapes": "graph.infer_shapes:GraphInferShapesPass",
    "graph-select-conv-algorithm": "graph.select_conv_algorithm:GraphSelectConvAlgorithmPass",
    "graph-simplify": "graph.simplify:GraphSimplifyPass",
    "loop-elide-copies": "loop.elide_copies:LoopElideCopiesPass",
    "loop-expand": "loop.expand:LoopExpandPass",
    "loop-pack-constants": "loop.pack_constants:LoopPackConstantsPass",
    "loop-name-kernels": "loop.name_kernels:NameKernelsPass",
    "loop-plan-memory": "loop.plan_memory:LoopPlanMemoryPass",
    "math-polynomial-approximation": "mlir.expand_math:MathPolynomialApproximationPass",
    "symbol-dce": "common.symbol_dce:SymbolDCEPass",
    "te-inline": "te.te_inline:TeInlinePass",
    "te-simplify": "te.te_simplify:TeSimplifyPass",
    "te-specialize": "te.te_specialize:TeSpecializePass",
    "transform-dialect-check-uses": "common.transform_check_uses:TransformCheckUsesPass",
    "transform-interpreter": "common.transform_interpreter:TransformInterpreterPass",
    "transform-preload-library": "common.transform_preload_library:TransformPreloadLibraryPass",
}
"""Where each pass of ours lives, as `module:class` below this package. A test compares it with the tree."""


def our_passes() -> dict[str, PassFactory]:
    """A factory for each pass of ours."""
    return {name: _factory(where) for name, where in PASSES.items()}


def _factory(where: str) -> PassFactory:
    module, _, attribute = where.partition(":")
    return lambda: getattr(import_module(f".{module}", __package__), attribute)


class PassRegistry:
    """Passes by name: ours, then those of plugins, then upstream's."""

    def __init__(
        self, plugins: Mapping[str, PassFactory] | None = None, others: Mapping[str, PassFactory] | None = None
    ):
        self._plugins = dict(plugins or {})
        self._factories: dict[str, PassFactory] = upstream_passes() | dict(others or {}) | self._plugins | our_passes()

    def over(self, others: Mapping[str, PassFactory]) -> PassRegistry:
        """The same registry, with `others` where a name is in neither ours nor plugins'."""
        return PassRegistry(self._plugins, others)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._factories))

    def __contains__(self, name: object) -> bool:
        return name in self._factories

    def factories(self) -> Mapping[str, PassFactory]:
        """Every factory by name."""
        return self._factories

    def check(self, name: str) -> None:
        """Raise a `PipelineError` that offers the nearest name if there is no pass `name`."""
        if name not in self._factories:
            raise PipelineError(f"unknown pass '{name}'{did_you_mean(name, self._factories)}")

    def get(self, name: str) -> type[ModulePass]:
        """The class of pass `name`; a `PipelineError` if there is none."""
        self.check(name)
        return self._factories[name]()
