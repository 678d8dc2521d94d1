"""Plugins: what they add, and that a broken one breaks nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stepwell.backends import plugin as plugins_module
from stepwell.backends.plugin import API_VERSION, Plugin, PluginError, PluginWarning, load_plugins
from stepwell.backends.registry import (
    backend_of,
    get_backend,
    make_context,
    oracle_semantics,
    pass_registry,
    plugin_dialects,
    plugin_libraries,
    plugins,
    target_names,
)
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.source import parse_module
from stepwell.errors import ScriptError, TargetError
from stepwell.transform.interpreter import apply_script
from xdsl.dialects.builtin import ModuleOp
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
    forget()


def forget() -> None:
    for cached in (load_plugins, plugins, plugin_libraries, pass_registry, get_backend):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def _forget_plugins():
    yield
    forget()


def test_what_a_plugin_adds_is_found_by_name(monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, toy=ToyPlugin)
    ctx = make_context()
    assert ctx.get_optional_op("toy.one") is OneOp
    assert ctx.get_optional_op("toy.transform") is TransformOp
    assert pass_registry().get("toy-pass") is CanonicalizePass
    assert "toy-target" in list(target_names())
    assert get_backend("toy-target") == "the backend"


def test_transform_ops_may_extend_a_dialect_of_the_plugin(monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, toy=ToyPlugin)
    dialect = plugin_dialects()["toy"]()
    assert list(dialect.operations) == [OneOp, TransformOp]


class LoopPlugin(ToyPlugin):
    def dialects(self):
        return {"loop": lambda: Dialect("loop")}


class FuncPlugin(ToyPlugin):
    def dialects(self):
        return {"func": lambda: Dialect("func")}


class SchedPlugin(ToyPlugin):
    def transform_ops(self):
        return {"sched.mine": lambda: TransformOp}


class CsePlugin(ToyPlugin):
    def passes(self):
        return {"cse": lambda: CanonicalizePass}


class UpstreamPassPlugin(ToyPlugin):
    def passes(self):
        return {"dce": lambda: CanonicalizePass}


class CpuPlugin(ToyPlugin):
    def backends(self):
        return {"llvm-cpu": lambda: "another backend"}


@pytest.mark.parametrize(
    ("greedy", "clash"),
    [
        (LoopPlugin, "dialect 'loop', which is Stepwell's"),
        (FuncPlugin, "dialect 'func', which is xDSL's"),
        (SchedPlugin, "dialect 'sched', which is Stepwell's"),
        (CsePlugin, "pass 'cse', which is Stepwell's"),
        (UpstreamPassPlugin, "pass 'dce', which is xDSL's"),
        (CpuPlugin, "target 'llvm-cpu', which is Stepwell's"),
    ],
)
def test_a_plugin_whose_names_are_taken_is_left_out(monkeypatch: pytest.MonkeyPatch, greedy: type[Plugin], clash: str):
    install(monkeypatch, greedy=greedy)
    with pytest.warns(PluginWarning) as caught:
        assert plugins() == ()
    # Once: another warning would be an error.
    assert plugins() == ()
    assert [str(each.message) for each in caught] == [
        f"plugin 'toy' is ignored: expected names of its own, got {clash}"
    ]
    assert make_context().get_optional_op("toy.one") is None
    assert list(target_names()) == ["llvm-cpu"]


def test_the_first_of_two_plugins_keeps_a_name(monkeypatch: pytest.MonkeyPatch):
    class SecondPlugin(Plugin):
        api_version = API_VERSION
        name = "second"

        def passes(self):
            return {"second-pass": lambda: CanonicalizePass, "toy-pass": lambda: CanonicalizePass}

    install(monkeypatch, b=SecondPlugin, a=ToyPlugin)
    message = (
        "^plugin 'second' is ignored: expected names of its own, got pass 'toy-pass', which is that of plugin 'toy'$"
    )
    with pytest.warns(PluginWarning, match=message):
        assert [plugin.name for plugin in plugins()] == ["toy"]
    assert "second-pass" not in pass_registry()


def fail() -> Any:
    raise ImportError("No module named 'toy_driver'\nand more")


def test_what_does_not_load_when_it_is_asked_for_names_the_plugin(monkeypatch: pytest.MonkeyPatch):
    class LatePlugin(Plugin):
        api_version = API_VERSION
        name = "late"

        def dialects(self):
            return {"late": fail}

        def passes(self):
            return {"late-pass": fail}

        def backends(self):
            return {"late-target": fail}

        def oracle_semantics(self):
            return {"late.op": fail}

    install(monkeypatch, late=LatePlugin)
    for ask, what in [
        (lambda: make_context().get_optional_op("late.op"), "dialect 'late'"),
        (lambda: pass_registry().get("late-pass"), "pass 'late-pass'"),
        (lambda: get_backend("late-target"), "target 'late-target'"),
        (oracle_semantics, "oracle semantics 'late.op'"),
    ]:
        with pytest.raises(PluginError, match=f"^plugin 'late': cannot load {what}: No module named 'toy_driver'$"):
            ask()
    # What nobody asks for does not matter.
    assert make_context().get_optional_op("loop.for") is not None


def library_plugin(path: Path) -> type[Plugin]:
    class LibraryPlugin(Plugin):
        api_version = API_VERSION
        name = "library"

        def schedules(self):
            return [path]

    return LibraryPlugin


LIBRARY = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @from_a_plugin(%root: !transform.any_op {transform.readonly}) {
    transform.debug.emit_remark_at %root, "here" : !transform.any_op
    transform.yield
  }
}
"""
USER = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.include @from_a_plugin failures(propagate) (%root) : (!transform.any_op) -> ()
    transform.yield
  }
  transform.named_sequence private @from_a_plugin(%root: !transform.any_op {transform.readonly})
}
"""


def test_scripts_include_sequences_of_plugins_and_start_at_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "library.mlir"
    path.write_text(LIBRARY)
    install(monkeypatch, library=library_plugin(path))
    ctx, payload = make_context(), ModuleOp([])
    remarks = [("here", payload)]
    assert apply_script(parse_module(ctx, USER, "user"), payload, ctx=ctx).remarks == remarks
    assert apply_script(payload, payload, entry="from_a_plugin", ctx=ctx).remarks == remarks
    with pytest.raises(ScriptError, match=r"got none; did you mean 'from_a_plugin'\?"):
        apply_script(payload, payload, entry="from_a_plugim", ctx=ctx)


def test_a_library_that_is_no_script_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "library.mlir"
    path.write_text("transform.named_sequence (")
    install(monkeypatch, library=library_plugin(path))
    with pytest.warns(
        PluginWarning, match=r"^plugin 'library': schedules '.*library\.mlir' are ignored: .*library\.mlir"
    ):
        assert plugin_libraries() == ()


def test_a_library_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    install(monkeypatch, library=library_plugin(tmp_path / "none.mlir"))
    with pytest.warns(PluginWarning, match=r"^plugin 'library' is ignored: expected a schedule library, got no file '"):
        assert plugins() == ()


def test_a_target_attribute_is_ours_before_it_is_a_plugins(monkeypatch: pytest.MonkeyPatch):
    class CopyPlugin(Plugin):
        api_version = API_VERSION
        name = "copy"

        def backends(self):
            return {"a-copy": lambda: SimpleNamespace(target_attribute="cpu.target")}

    install(monkeypatch, copy=CopyPlugin)
    assert backend_of(TargetAttr.get("x86_64")).name == "llvm-cpu"


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
