"""Options of passes: conversion to the types of their fields, and back to text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.errors import PipelineError
from stepwell.passes.pass_options import build_pass, describe_pass
from stepwell.passes.pipeline import PassNode, parse_pipeline
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass


@dataclass(frozen=True)
class Everything(ModulePass):
    name = "everything"

    count: int = 1
    ratio: float = 0.5
    flag: bool = False
    label: str = "x"
    maybe: int | None = None
    maybe_list: tuple[int, ...] | None = None
    tile_sizes: tuple[int, ...] = (1, 2)
    names: tuple[str, ...] = ()
    either: int | str = 0
    pair: tuple[int, str] = (0, "a")
    tail: Literal["guard", "exact"] = "guard"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        pass


@dataclass(frozen=True)
class Needy(ModulePass):
    name = "needy"

    size: int

    def __post_init__(self):
        if self.size <= 0:
            raise ValueError(f"expected a positive size, got {self.size}")

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        pass


def build(text: str, pass_type: type[ModulePass] = Everything) -> ModulePass:
    (node,) = parse_pipeline(text).nodes
    assert isinstance(node, PassNode)
    return build_pass(node, pass_type)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", Everything()),
        ("count=3", Everything(count=3)),
        ("count=-3", Everything(count=-3)),
        ("ratio=1e-3", Everything(ratio=1e-3)),
        ("ratio=2", Everything(ratio=2.0)),
        ("flag", Everything(flag=True)),
        ("flag=false", Everything(flag=False)),
        ("label=n:128", Everything(label="n:128")),
        ("label=12", Everything(label="12")),
        ('label=""', Everything(label="")),
        ("maybe=4", Everything(maybe=4)),
        ("maybe", Everything(maybe=None)),
        ("tile-sizes=4", Everything(tile_sizes=(4,))),
        ("tile_sizes=4,8", Everything(tile_sizes=(4, 8))),
        ("tile-sizes=[4, 8]", Everything(tile_sizes=(4, 8))),
        ("tile-sizes=[]", Everything(tile_sizes=())),
        ("maybe-list=1,2", Everything(maybe_list=(1, 2))),
        ("names=n:1,m:2", Everything(names=("n:1", "m:2"))),
        ("either=7", Everything(either=7)),
        ('either="7"', Everything(either="7")),
        ("either=seven", Everything(either="seven")),
        ("pair=1,b", Everything(pair=(1, "b"))),
        ("tail=exact", Everything(tail="exact")),
    ],
)
def test_values_become_what_the_field_says(options: str, expected: Everything):
    assert build(f"everything{{{options}}}") == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("count=x", "option 'count' of pass 'everything': expected an integer, got 'x'"),
        ("count=1.5", "option 'count' of pass 'everything': expected an integer, got '1.5'"),
        ("count=1,2", "option 'count' of pass 'everything': expected an integer, got '1,2'"),
        ('count="1"', "option 'count' of pass 'everything': expected an integer, got '1'"),
        ("count", "option 'count' of pass 'everything': expected an integer, got no value"),
        ("ratio=x", "option 'ratio' of pass 'everything': expected a number, got 'x'"),
        ("flag=1", "option 'flag' of pass 'everything': expected true or false, got '1'"),
        ("label=a,b", "option 'label' of pass 'everything': expected a string, got 'a,b'"),
        ("maybe=x", "option 'maybe' of pass 'everything': expected an integer, got 'x'"),
        ("tile-sizes=4,x", "option 'tile-sizes' of pass 'everything': expected a list, each an integer, got '4,x'"),
        ("tile-sizes", "option 'tile-sizes' of pass 'everything': expected a list, each an integer, got no value"),
        ("pair=1", "option 'pair' of pass 'everything': expected a list of 2: an integer, a string, got '1'"),
        ("tail=peel", "option 'tail' of pass 'everything': expected one of 'guard', 'exact', got 'peel'"),
        ("cuont=1", "pass 'everything' has no option 'cuont'; did you mean 'count'?"),
    ],
)
def test_a_wrong_value_says_what_was_expected(options: str, message: str):
    with pytest.raises(PipelineError) as error:
        build(f"everything{{{options}}}")
    assert str(error.value).partition("\n")[0] == message


def test_the_caret_is_under_the_value():
    with pytest.raises(PipelineError, match=r"\n  everything\{count=abc\}\n {19}\^\^\^$"):
        build("everything{count=abc}")


def test_an_option_that_is_needed():
    with pytest.raises(PipelineError, match="^pass 'needy' needs option 'size'\n  needy\n  \\^+$"):
        build("needy", Needy)


def test_an_unknown_option_lists_those_there_are():
    with pytest.raises(PipelineError, match="^pass 'needy' has no option 'zzz'; it has size\n"):
        build("needy{zzz=1}", Needy)


def test_a_pass_may_refuse_values():
    with pytest.raises(PipelineError, match="^pass 'needy': expected a positive size, got 0\n"):
        build("needy{size=0}", Needy)


def test_defaults_are_not_written():
    assert str(describe_pass(Everything(tile_sizes=(), flag=True))) == "everything{flag=true tile-sizes=[]}"


strings = st.text(max_size=8)
integers = st.integers(-(10**6), 10**6)


@given(
    st.builds(
        Everything,
        count=integers,
        ratio=st.floats(allow_nan=False),
        flag=st.booleans(),
        label=strings,
        maybe=st.none() | integers,
        tile_sizes=st.lists(integers, max_size=3).map(tuple),
        names=st.lists(strings, max_size=3).map(tuple),
        either=integers | strings,
        pair=st.tuples(integers, strings),
        tail=st.sampled_from(["guard", "exact"]),
    )
)
def test_a_pass_and_its_text_are_the_same(pass_: Everything):
    assert build(str(describe_pass(pass_))) == pass_
