"""What names stand for, ours and plugins': dialects, passes, targets. All of it loads when first used."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects import get_all_dialects
from xdsl.ir import Attribute, Dialect, Operation
from xdsl.transforms import get_all_passes

from ..errors import StepwellError, TargetError, did_you_mean
from ..passes.registry import PassRegistry, our_passes
from .plugin import Plugin, PluginError, PluginWarning, SpaceRule, describe_failure, load_plugins, warn_ignored

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from .backend import Backend
    from .oracles.semantics import Semantics

DialectFactory = Callable[[], Dialect]
DialectInterfaceT = TypeVar("DialectInterfaceT", bound=DialectInterface)
T = TypeVar("T")

DIALECTS = {
    "graph": "..operators.registry:Graph",
    "te": "..dialects.te:Te",
    "loop": "..dialects.loop:Loop",
    "cpu": "..dialects.cpu:Cpu",
    "sched": "..transform.sched:Sched",
}
"""Where each dialect of our own lives."""

REPLACED_DIALECTS = {
    "arith": "..dialects.arith:Arith",
    "gpu": "..dialects.gpu:GPU",
    "llvm": "..dialects.llvm:LLVM",
    "transform": "..transform.dialect:Transform",
}
"""Upstream dialects that we complete; ours take the place of xDSL's."""

SPACE_RULES = ("contraction", "windows", "reductions", "maps", "winograd", "tensors", "shipped")
"""The rules of the tuner that are ours; they live in `autotune/space/rules`."""

BACKENDS = {"llvm-cpu": ".llvm_cpu:LlvmCpuBackend"}
"""The class of each backend of ours, by the name that `--target` takes."""


def _lazy(where: str) -> Callable[[], Any]:
    module, _, attribute = where.partition(":")
    return lambda: getattr(import_module(module, __package__), attribute)


def our_dialects() -> dict[str, DialectFactory]:
    """A factory for each dialect that is ours in name."""
    return {name: _lazy(where) for name, where in DIALECTS.items()}


# plugins


@cache
def plugins() -> tuple[Plugin, ...]:
    """Every plugin installed that can be used; one whose names are taken is warned about, once, and left out."""
    usable: list[Plugin] = []
    taken: dict[str, str] = {}
    for plugin in load_plugins():
        taken = taken or _names_of_others()
        names = _names_of(plugin)
        clash = next((name for name in names if name in taken), None)
        if clash is not None:
            warn_ignored(plugin.name, f"expected names of its own, got {clash}, which is {taken[clash]}")
            continue
        taken |= dict.fromkeys(names, f"that of plugin '{plugin.name}'")
        usable.append(plugin)
    return tuple(usable)


def _names_of_others() -> dict[str, str]:
    """Whose each name is, for all that is not plugins'."""
    upstream = _described(get_all_dialects(), get_all_passes())
    ours = [*_described([*DIALECTS, *REPLACED_DIALECTS], our_passes(), BACKENDS), *_rules(SPACE_RULES)]
    return dict.fromkeys(upstream, "xDSL's") | dict.fromkeys(ours, "Stepwell's")


def _names_of(plugin: Plugin) -> list[str]:
    dialects = dict.fromkeys([*plugin.dialects(), *(Dialect.split_name(name)[0] for name in plugin.transform_ops())])
    return [*_described(dialects, plugin.passes(), plugin.backends()), *_rules(plugin.space_rules())]


def _rules(names: Iterable[str]) -> list[str]:
    return [f"space rule '{name}'" for name in names]


def _described(dialects: Iterable[str], passes: Iterable[str], targets: Iterable[str] = ()) -> list[str]:
    kinds = (("dialect", dialects), ("pass", passes), ("target", targets))
    return [f"{kind} '{name}'" for kind, names in kinds for name in names]


def _offered(slot: str, offers: Callable[[Plugin], Mapping[str, Callable[[], T]]]) -> dict[str, Callable[[], T]]:
    """What all plugins have in a slot."""
    return {
        name: _blaming(plugin, f"{slot} '{name}'", factory)
        for plugin in plugins()
        for name, factory in offers(plugin).items()
    }


def _blaming(plugin: Plugin, what: str, factory: Callable[[], T]) -> Callable[[], T]:
    """The factory with errors that name the plugin; what it reports as a user's error stays what it is."""

    def make() -> T:
        try:
            return factory()
        except StepwellError:
            raise
        except Exception as error:
            raise PluginError(f"plugin '{plugin.name}': cannot load {what}: {describe_failure(error)}") from error

    return make


def plugin_dialects() -> dict[str, DialectFactory]:
    """A factory for each dialect of plugins, with the transform operations that they add to it."""
    factories = _offered("dialect", lambda plugin: plugin.dialects())
    ops: dict[str, list[Callable[[], type[Operation]]]] = {}
    for name, factory in _offered("transform operation", lambda plugin: plugin.transform_ops()).items():
        ops.setdefault(Dialect.split_name(name)[0], []).append(factory)
    return factories | {name: _with_ops(name, factories.get(name), added) for name, added in ops.items()}


def oracle_semantics() -> dict[str, Semantics]:
    """What the operations of plugins compute, for the oracles."""
    offered = _offered("oracle semantics", lambda plugin: plugin.oracle_semantics())
    return {name: factory() for name, factory in offered.items()}


def plugin_rules() -> dict[str, Callable[[], SpaceRule]]:
    """The rules of plugins that write sketches of schedules, each loaded when it is called."""
    return _offered("space rule", lambda plugin: plugin.space_rules())


def rule_plugins() -> dict[str, str]:
    """Whose each of these rules is: names of plugins by names of rules."""
    return {name: plugin.name for plugin in plugins() for name in plugin.space_rules()}


@cache
def plugin_libraries() -> tuple[ModuleOp, ...]:
    """The schedule libraries of plugins; one that is no script is warned about, once, and left out."""
    return tuple(
        library
        for plugin in plugins()
        for path in plugin.schedules()
        if (library := _read_library(plugin, path)) is not None
    )


def _read_library(plugin: Plugin, path: str | os.PathLike[str]) -> ModuleOp | None:
    from ..transform.script import load_script

    try:
        return load_script(Path(path), make_context())
    # Foreign code, too: the operations in it may be the plugin's.
    except Exception as error:
        reason = f"schedules '{os.fspath(path)}' are ignored: {describe_failure(error)}"
        warnings.warn(f"plugin '{plugin.name}': {reason}", PluginWarning, stacklevel=3)
        return None


def _transform_dialect() -> Dialect:
    from ..transform.dialect import Transform
    from ..transform.library import with_libraries

    return with_libraries(Transform, plugin_libraries if plugins() else tuple)


def _with_ops(name: str, factory: DialectFactory | None, added: list[Callable[[], type[Operation]]]) -> DialectFactory:
    return lambda: _ExtendedDialect(Dialect(name) if factory is None else factory(), [each() for each in added])


class _ExtendedDialect(Dialect):
    """A dialect with further operations."""

    def __init__(self, base: Dialect, added: list[type[Operation]]):
        operations = list(base.operations)
        super().__init__(base.name, operations + [op for op in added if op not in operations], list(base.attributes))
        self._base = base

    def get_interface(self, interface: type[DialectInterfaceT]) -> DialectInterfaceT | None:
        return self._base.get_interface(interface)


class _FirstWinsContext(Context):
    """A context in which the first dialect that is registered under a name stays."""

    def register_dialect(self, name: str, dialect_factory: DialectFactory) -> None:
        if name not in self.registered_dialect_names:
            super().register_dialect(name, dialect_factory)


def make_own_context(*, allow_unregistered: bool = False) -> Context:
    """A context that knows our dialects and those of plugins. Whatever else is registered later yields to them."""
    ctx = _FirstWinsContext(allow_unregistered)
    replaced = {name: _lazy(where) for name, where in REPLACED_DIALECTS.items()} | {"transform": _transform_dialect}
    for name, factory in (our_dialects() | replaced | plugin_dialects()).items():
        ctx.register_dialect(name, factory)
    return ctx


def make_context(*, allow_unregistered: bool = False) -> Context:
    """A context that knows our dialects, those of plugins, and upstream's."""
    ctx = make_own_context(allow_unregistered=allow_unregistered)
    for name, factory in get_all_dialects().items():
        ctx.register_dialect(name, factory)
    return ctx


# passes and targets


@cache
def pass_registry() -> PassRegistry:
    """Every pass: ours, plugins', upstream's."""
    return PassRegistry(_offered("pass", lambda plugin: plugin.passes()))


def _instance(where: str) -> Callable[[], Backend]:
    backend = _lazy(where)
    return lambda: backend()()


def _backend_factories() -> Mapping[str, Callable[[], Backend]]:
    """Ours come first."""
    ours = {name: _instance(where) for name, where in BACKENDS.items()}
    return ours | _offered("target", lambda plugin: plugin.backends())


def target_names() -> Iterator[str]:
    """The names that `--target` takes."""
    return iter(sorted(_backend_factories()))


@cache
def get_backend(name: str) -> Backend:
    """The backend of target `name`; a `TargetError` that offers the nearest name if there is none."""
    factories = _backend_factories()
    if name not in factories:
        known = f"; expected one of {', '.join(sorted(factories))}"
        raise TargetError(f"unknown target '{name}'{did_you_mean(name, factories) or known}")
    return factories[name]()


def backend_of(target: Attribute) -> Backend:
    """The first backend, ours before plugins', that compiles for a target attribute."""
    for name in _backend_factories():
        backend = get_backend(name)
        if backend.target_attribute == target.name:
            return backend
    raise TargetError(f"expected the attribute of a target, got {target}")
