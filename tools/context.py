"""The context of Stepwell's tools: every dialect that a program may use, each loaded when first met."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.ir import Dialect

OUR_DIALECTS = {
    "graph": (".dialects.graph", "Graph"),
    "te": (".dialects.te", "Te"),
    "loop": (".dialects.loop", "Loop"),
    "cpu": (".dialects.cpu", "Cpu"),
    "sched": (".transform.sched", "Sched"),
    "transform": (".transform.dialect", "Transform"),
}
"""Where each dialect of ours lives. `transform` takes the place of xDSL's."""

_ROOT = __package__.rpartition(".")[0] if __package__ else "stepwell"


def _lazy(module: str, attribute: str) -> Callable[[], Dialect]:
    return lambda: getattr(import_module(module, _ROOT), attribute)


def our_dialects() -> dict[str, Callable[[], Dialect]]:
    """A factory for each dialect of ours."""
    return {name: _lazy(*where) for name, where in OUR_DIALECTS.items()}


class FirstWinsContext(Context):
    """A context where the first dialect registered under a name stays: ours go in before upstream's."""

    def register_dialect(self, name: str, dialect_factory: Callable[[], Dialect]) -> None:
        if name not in self.registered_dialect_names:
            super().register_dialect(name, dialect_factory)


def make_context(*, allow_unregistered: bool = False) -> Context:
    """A context that knows our dialects and upstream's."""
    ctx = FirstWinsContext(allow_unregistered)
    for name, factory in our_dialects().items():
        ctx.register_dialect(name, factory)
    for name, factory in get_all_dialects().items():
        ctx.register_dialect(name, factory)
    return ctx
