"""Pipelines that are transform scripts, read as text: what `--show-pipeline` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from ..dialects.source import describe_location
from ..errors import PipelineError, did_you_mean
from .common.transform_interpreter import TransformInterpreterPass
from .pass_manager import PassManager, PassRegistry, Step, option_from_attribute
from .pass_options import build_pass
from .pipeline import PassNode

_Path = tuple[str, ...]


def expand_scripts(manager: PassManager, ctx: Context, *, strict: bool = False) -> PassManager:
    """The same pipeline with the passes of its scripts as steps of their own.

    A script that does more than to apply passes stays as it is, or is an error if `strict`.
    """
    return replace(manager, steps=tuple(_expanded(manager, ctx, strict)))


def _expanded(manager: PassManager, ctx: Context, strict: bool) -> Iterator[Step]:
    for step in manager.steps:
        script = _script_of(step, ctx)
        if script is None:
            yield step
            continue
        try:
            yield from flatten_script(script, manager.registry)
        except PipelineError:
            if strict:
                raise
            yield step


def _script_of(step: Step, ctx: Context) -> ModuleOp | None:
    pass_ = step.pass_
    return pass_.load_script(ctx) if step.quiet and isinstance(pass_, TransformInterpreterPass) else None


def flatten_script(script: ModuleOp, registry: PassRegistry, entry: str = "__transform_main") -> tuple[Step, ...]:
    """The steps of a script that only applies passes, in a row; a `PipelineError` names what else it does."""
    symbols = {name.data: op for op in script.walk() if isinstance(name := op.get_attr_or_prop("sym_name"), StringAttr)}
    return tuple(_Flattener(symbols, registry).sequence(_find(symbols, entry, script), ((),), ()))


def _find(symbols: Mapping[str, Operation], name: str, user: Operation) -> Operation:
    found = symbols.get(name)
    if found is None or found.name != "transform.named_sequence" or not found.regions[0].blocks:
        raise _error(user, f"expected a named sequence @{name}, got none{did_you_mean(name, symbols)}")
    return found


def _error(op: Operation, message: str) -> PipelineError:
    place = describe_location(op)
    return PipelineError(f"{place}: {message}" if place else message)


class _Flattener:
    """Walks a script, and knows which operations each handle stands for, as a path below the root."""

    def __init__(self, symbols: Mapping[str, Operation], registry: PassRegistry):
        self.symbols = symbols
        self.registry = registry

    def sequence(self, sequence: Operation, args: tuple[_Path, ...], callers: tuple[Operation, ...]) -> Iterator[Step]:
        if sequence in callers:
            raise _error(sequence, "expected a script that ends, got a sequence that includes itself")
        block = sequence.regions[0].block
        # Further arguments are params.
        paths: dict[SSAValue, _Path] = dict(zip(block.args, args, strict=False))
        for op in block.ops:
            match op.name:
                case "transform.yield":
                    return
                case "transform.apply_registered_pass":
                    path = self.path(op, paths)
                    yield Step(self.pass_(op), path)
                    paths[op.results[0]] = path
                case "transform.structured.match":
                    paths[op.results[0]] = (*self.path(op, paths), self.matched(op))
                case "transform.include":
                    yield from self.include(op, paths, (*callers, sequence))
                case _:
                    raise _error(op, f"expected only passes in a row, got '{op.name}'")

    def path(self, op: Operation, paths: Mapping[SSAValue, _Path]) -> _Path:
        path = paths.get(op.operands[0])
        if path is None:
            raise _error(op, "expected a handle to the root or to functions")
        return path

    def pass_(self, op: Operation) -> ModulePass:
        name, options = op.properties["pass_name"], op.properties.get("options", DictionaryAttr({}))
        if len(op.operands) > 1 or not isinstance(name, StringAttr) or not isinstance(options, DictionaryAttr):
            raise _error(op, "expected options that are constants")
        node = PassNode(name.data, tuple(option_from_attribute(key, value) for key, value in options.data.items()))
        try:
            return build_pass(node, self.registry.get(name.data))
        except PipelineError as error:
            raise _error(op, str(error)) from error

    def matched(self, op: Operation) -> str:
        names = op.properties.get("ops")
        if names == ArrayAttr([StringAttr("func.func")]):
            return "func.func"
        raise _error(op, "expected a match of 'func.func' only")

    def include(self, op: Operation, paths: dict[SSAValue, _Path], callers: tuple[Operation, ...]) -> Iterator[Step]:
        target = op.properties["target"]
        assert isinstance(target, SymbolRefAttr)
        sequence = _find(self.symbols, target.string_value(), op)
        yield from self.sequence(sequence, tuple(paths[each] for each in op.operands if each in paths), callers)
        if len(op.results) == 1 and len(op.operands) == 1:
            paths[op.results[0]] = self.path(op, paths)
