"""The text of pipelines: what parses, what it means, and what is said about text that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.errors import PipelineError
from stepwell.passes.pipeline import AnchorNode, Option, PassNode, Pipeline, Value, parse_pipeline

words = st.from_regex(r"[A-Za-z0-9_.:/+-]+", fullmatch=True)
values = st.builds(Value, words) | st.builds(Value, st.text(), quoted=st.just(True))
option_names = st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True)
options = st.builds(Option, option_names, st.none() | st.lists(values, max_size=3).map(tuple))
passes = st.builds(PassNode, words, st.lists(options, max_size=3, unique_by=lambda option: option.name).map(tuple))
nodes = st.recursive(
    passes,
    lambda nested: st.builds(
        AnchorNode, st.sampled_from(["builtin.module", "func.func"]), st.lists(nested, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


@given(st.builds(Pipeline, st.lists(nodes, max_size=3).map(tuple)))
def test_text_and_tree_are_the_same(pipeline: Pipeline):
    assert parse_pipeline(str(pipeline)) == pipeline


@given(st.text(alphabet='ab-_.,={}()[]" \n1\\', max_size=20))
def test_any_text_parses_or_is_an_error(text: str):
    try:
        pipeline = parse_pipeline(text)
    except PipelineError:
        return
    assert parse_pipeline(str(pipeline)) == pipeline


def test_nested_pipeline_with_spaces():
    pipeline = parse_pipeline(" builtin.module( graph-fuse{ max-ops=8 } ,\n func.func(te-simplify,te-to-loop) ) ")
    assert pipeline == Pipeline(
        (
            AnchorNode(
                "builtin.module",
                (
                    PassNode("graph-fuse", (Option("max-ops", (Value("8"),)),)),
                    AnchorNode("func.func", (PassNode("te-simplify"), PassNode("te-to-loop"))),
                ),
            ),
        )
    )
    assert str(pipeline) == "builtin.module(graph-fuse{max-ops=8}, func.func(te-simplify, te-to-loop))"


def test_xdsl_options_mean_the_same():
    pipeline = parse_pipeline('p1,p2{a=1 tiles=4,8 s="x y" flag}')
    assert pipeline.nodes == (
        PassNode("p1"),
        PassNode(
            "p2",
            (
                Option("a", (Value("1"),)),
                Option("tiles", (Value("4"), Value("8"))),
                Option("s", (Value("x y", quoted=True),)),
                Option("flag"),
            ),
        ),
    )


def test_dashes_and_underscores_of_options_are_the_same():
    assert parse_pipeline("p{max_ops=1}") == parse_pipeline("p{max-ops=1}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,,b", "expected the name of a pass, got ','\n  a,,b\n    ^"),
        ("a,", "expected the name of a pass, got end of pipeline\n  a,\n    ^"),
        ("a b", "expected ',' or end of pipeline, got 'b'\n  a b\n    ^"),
        ("a)", "expected ',' or end of pipeline, got ')'\n  a)\n   ^"),
        ("func.func(a", "expected ',' or ')', got end of pipeline\n  func.func(a\n             ^"),
        ("a{x=}", "expected a value, got '}'\n  a{x=}\n      ^"),
        ("a{x=1,}", "expected a value, got '}'\n  a{x=1,}\n        ^"),
        ("a{x=[1}", "expected ',' or ']', got '}'\n  a{x=[1}\n        ^"),
        ("a{x=1", "expected an option or '}', got end of pipeline\n  a{x=1\n       ^"),
        ("a{=1}", "expected an option or '}', got '='\n  a{=1}\n    ^"),
        ("a{x=1 x=2}", "expected option 'x' once, got it twice\n  a{x=1 x=2}\n        ^"),
        ('a{s="x}', "expected a closing '\"'\n  a{s=\"x}\n      ^^^"),
        (
            "fun.func(a)",
            "expected builtin.module or func.func before '(', got 'fun.func'; did you mean 'func.func'?\n"
            "  fun.func(a)\n  ^^^^^^^^",
        ),
        ("a,\nb c,\nd", "expected ',' or end of pipeline, got 'c'\n  b c,\n    ^"),
    ],
)
def test_malformed_text_is_pointed_at(text: str, message: str):
    with pytest.raises(PipelineError) as error:
        parse_pipeline(text)
    assert str(error.value) == message
