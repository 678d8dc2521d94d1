"""The registry of passes: every pass in the tree is in it under its own name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from stepwell.errors import PipelineError
from stepwell.passes.registry import PASSES, PassRegistry, our_passes

PASSES_ROOT = Path(__file__).parent.parent.parent / "passes"


def defined_passes() -> Iterator[tuple[str, str]]:
    """`(module:class, name)` of each class in the tree that has a pass's name."""
    for path in PASSES_ROOT.rglob("*.py"):
        module = ".".join(path.relative_to(PASSES_ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.ClassDef):
                continue
            bases = {ast.unparse(base) for base in node.bases}
            if not bases & {"ModulePass", "FunctionPass", "PassRunningPass"}:
                continue
            for statement in node.body:
                match statement:
                    case ast.Assign(targets=[ast.Name("name")], value=ast.Constant(str(name))):
                        yield f"{module}:{node.name}", name
                    case _:
                        pass


def test_every_pass_is_registered():
    assert sorted((name, where) for where, name in defined_passes()) == sorted(PASSES.items())


@pytest.mark.parametrize("name", sorted(PASSES))
def test_a_pass_has_the_name_that_it_is_found_by(name: str):
    pass_type = our_passes()[name]()
    assert pass_type.name == name
    assert pass_type.__doc__


def test_an_unknown_pass_offers_the_nearest_name():
    with pytest.raises(PipelineError, match="^unknown pass 'canonicalise'; did you mean 'canonicalize'\\?$"):
        PassRegistry().get("canonicalise")


def test_ours_win_over_those_of_others():
    registry = PassRegistry({"cse": lambda: pytest.fail("loaded")}).over(
        {"canonicalize": lambda: pytest.fail("loaded")}
    )
    assert registry.get("cse") is our_passes()["cse"]()
    assert registry.get("canonicalize") is our_passes()["canonicalize"]()


def test_those_of_plugins_win_over_those_of_others():
    registry = PassRegistry({"mine": our_passes()["cse"]}).over({"mine": our_passes()["canonicalize"]})
    assert registry.get("mine") is our_passes()["cse"]()
