"""Plugins: what they add, and that a broken one breaks nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest
from stepwell.backends import plugin as plugins_module
from stepwell.backends.plugin import API_VERSION, Plugin, PluginWarning, load_plugins
from stepwell.backends.registry import get_backend, make_context, pass_registry, plugin_dialects, target_names
from stepwell.errors import TargetError
from xdsl.dialects.func import Func, ReturnOp
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition
from xdsl.transforms.canonicalize import CanonicalizePass


@irdl_op_definition
class OneOp(IRDLOperation):
    name = "toy.one"


@irdl_op_definition
class TransformOp(IRDLOperation):
    name = "toy.transform"


class ToyPlugin(Plugin):
    api_version = API_VERSION
    name = "toy"

    def dialects(self):
        return {"toy": lambda: Dialect("toy", [OneOp])}

    def passes(self):
        return {"toy-pass": lambda: CanonicalizePass}

    def transform_ops(self):
        return {"toy.transform": lambda: TransformOp}

    def backends(self):
        return {"toy-target": lambda: "the backend"}


class OldPlugin(Plugin):
    api_version = API_VERSION - 1
    name = "old"


class NoVersionPlugin(Plugin):
    name = "unversioned"


class RaisingPlugin(Plugin):
    api_version = API_VERSION
    name = "raising"

    def passes(self) -> Mapping[str, Any]:
        raise RuntimeError("no such device")


class WrongSlotPlugin(Plugin):
    api_version = API_VERSION
    name = "wrong"

    def dialects(self) -> Any:
        return [Func]


class NotAFactoryPlugin(Plugin):
    api_version = API_VERSION
    name = "not-a-factory"

    def dialects(self) -> Any:
        return {"func": Func}


def install(monkeypatch: pytest.MonkeyPatch, **entries: object) -> None:
    """Make it as if these entry points were installed, until the test ends."""
    found = [SimpleNamespace(name=name, load=lambda value=value: value) for name, value in entries.items()]
    monkeypatch.setattr(plugins_module, "entry_points", lambda group: found)  # pyright: ignore
    for cached in (load_plugins, pass_registry, get_backend):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def _forget_plugins():
    yield
    for cached in (load_plugins, pass_registry, get_backend):
        cached.cache_clear()


def test_what_a_plugin_adds_is_found_by_name(monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, toy=ToyPlugin)
    ctx = make_context()
    assert ctx.get_optional_op("toy.one") is OneOp
    assert ctx.get_optional_op("toy.transform") is TransformOp
    assert pass_registry().get("toy-pass") is CanonicalizePass
    assert "toy-target" in list(target_names())
    assert get_backend("toy-target") == "the backend"


def test_transform_ops_may_extend_a_dialect_of_the_plugin():
    dialect = plugin_dialects((ToyPlugin(),))["toy"]()
    assert list(dialect.operations) == [OneOp, TransformOp]


def test_ours_win_over_plugins(monkeypatch: pytest.MonkeyPatch):
    class Greedy(ToyPlugin):
        def dialects(self):
            return {"func": lambda: Dialect("func")}

        def passes(self):
            return {"cse": lambda: CanonicalizePass}

    install(monkeypatch, greedy=Greedy)
    assert pass_registry().get("cse") is not CanonicalizePass


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (OldPlugin, f"expected api_version {API_VERSION}, got {API_VERSION - 1}"),
        (NoVersionPlugin, f"expected api_version {API_VERSION}, got None"),
        (RaisingPlugin, "no such device"),
        (WrongSlotPlugin, "expected a mapping from dialects(), got"),
        (NotAFactoryPlugin, "expected names with factories from dialects(), got 'func'"),
        (object(), "expected a subclass of Plugin, got <object"),
        (ReturnOp, "expected a subclass of Plugin, got <class"),
    ],
)
def test_a_broken_plugin_is_warned_about_once(monkeypatch: pytest.MonkeyPatch, broken: object, reason: str):
    install(monkeypatch, broken=broken, toy=ToyPlugin)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_plugins()
        load_plugins()
    assert len(caught) == 1
    assert caught[0].category is PluginWarning
    assert str(caught[0].message).startswith(f"plugin 'broken' is ignored: {reason}")
    assert [plugin.name for plugin in load_plugins()] == ["toy"]


def test_a_plugin_that_does_not_import(monkeypatch: pytest.MonkeyPatch):
    entry = EntryPoint("gone", "no_such_module_at_all:Plugin", "stepwell.plugins")
    monkeypatch.setattr(plugins_module, "entry_points", lambda group: [entry])  # pyright: ignore
    load_plugins.cache_clear()
    with pytest.warns(PluginWarning, match="^plugin 'gone' is ignored: No module named 'no_such_module_at_all'$"):
        assert load_plugins() == ()


def test_an_unknown_target_offers_the_nearest_name():
    with pytest.raises(TargetError, match="^unknown target 'llvm-cpo'; did you mean 'llvm-cpu'\\?$"):
        get_backend("llvm-cpo")
    with pytest.raises(TargetError, match="^unknown target 'zzz'; expected one of llvm-cpu$"):
        get_backend("zzz")
