"""What names stand for, ours and plugins': dialects, passes, targets. All of it loads when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface
from xdsl.dialects import get_all_dialects
from xdsl.ir import Dialect, Operation

from ..errors import TargetError, did_you_mean
from ..passes.registry import PassRegistry
from .plugin import Plugin, load_plugins

if TYPE_CHECKING:
    from .backend import Backend

DialectFactory = Callable[[], Dialect]
DialectInterfaceT = TypeVar("DialectInterfaceT", bound=DialectInterface)

DIALECTS = {
    "graph": "..dialects.graph:Graph",
    "te": "..dialects.te:Te",
    "loop": "..dialects.loop:Loop",
    "cpu": "..dialects.cpu:Cpu",
    "sched": "..transform.sched:Sched",
}
"""Where each dialect of our own lives."""

REPLACED_DIALECTS = {
    "arith": "..dialects.arith:Arith",
    "llvm": "..dialects.llvm:LLVM",
    "transform": "..transform.dialect:Transform",
}
"""Upstream dialects that we complete; ours take the place of xDSL's."""

BACKENDS = {"llvm-cpu": ".llvm_cpu:LlvmCpuBackend"}
"""The class of each backend of ours, by the name that `--target` takes."""


def _lazy(where: str) -> Callable[[], Any]:
    module, _, attribute = where.partition(":")
    return lambda: getattr(import_module(module, __package__), attribute)


def our_dialects() -> dict[str, DialectFactory]:
    """A factory for each dialect that is ours in name."""
    return {name: _lazy(where) for name, where in DIALECTS.items()}


def plugin_dialects(plugins: tuple[Plugin, ...]) -> dict[str, DialectFactory]:
    """A factory for each dialect of plugins, with the transform operations that they add to it."""
    factories = {name: factory for plugin in plugins for name, factory in plugin.dialects().items()}
    ops: dict[str, list[Callable[[], type[Operation]]]] = {}
    for plugin in plugins:
        for name, factory in plugin.transform_ops().items():
            ops.setdefault(Dialect.split_name(name)[0], []).append(factory)
    return factories | {name: _with_ops(name, factories.get(name), added) for name, added in ops.items()}


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
    replaced = {name: _lazy(where) for name, where in REPLACED_DIALECTS.items()}
    for name, factory in (our_dialects() | replaced | plugin_dialects(load_plugins())).items():
        ctx.register_dialect(name, factory)
    return ctx


def make_context(*, allow_unregistered: bool = False) -> Context:
    """A context that knows our dialects, those of plugins, and upstream's."""
    ctx = make_own_context(allow_unregistered=allow_unregistered)
    for name, factory in get_all_dialects().items():
        ctx.register_dialect(name, factory)
    return ctx


@cache
def pass_registry() -> PassRegistry:
    """Every pass: ours, plugins', upstream's."""
    return PassRegistry({name: factory for plugin in load_plugins() for name, factory in plugin.passes().items()})


def _instance(where: str) -> Callable[[], Backend]:
    backend = _lazy(where)
    return lambda: backend()()


def _backend_factories() -> Mapping[str, Callable[[], Backend]]:
    ours = {name: _instance(where) for name, where in BACKENDS.items()}
    return {name: factory for plugin in load_plugins() for name, factory in plugin.backends().items()} | ours


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
