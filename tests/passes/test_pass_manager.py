"""Running pipelines: order, anchors, instrumentation, failures."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

import pytest
from stepwell.errors import CompileError, PipelineError
from stepwell.passes.function_pass import FunctionPass
from stepwell.passes.pass_manager import (
    Instrumentation,
    PassRunner,
    PrintIR,
    Timing,
    VerifyEach,
    build_pipeline,
    option_from_attribute,
)
from stepwell.passes.registry import PassRegistry
from xdsl.context import Context
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, ModuleOp, StringAttr, UnitAttr, f32, i1, i32, i64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException


@dataclass(frozen=True)
class MarkModule(ModulePass):
    name = "mark-module"

    key: str = "module"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        op.attributes[self.key] = UnitAttr()


@dataclass(frozen=True)
class MarkFunction(FunctionPass):
    name = "mark-function"

    key: str = "function"

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        func.attributes[self.key] = UnitAttr()


@dataclass(frozen=True)
class Fail(ModulePass):
    name = "fail"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        raise CompileError("expected something else")


@dataclass(frozen=True)
class Break(ModulePass):
    name = "break"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        constant = ConstantOp.from_int_and_width(1, 32)
        constant.properties["value"] = IntegerAttr(1, i64)
        op.body.block.add_op(constant)


REGISTRY = PassRegistry({each.name: lambda each=each: each for each in (MarkModule, MarkFunction, Fail, Break)})


def function(name: str) -> FuncOp:
    return FuncOp(name, ((), ()), Region(Block([ReturnOp()])))


def module() -> ModuleOp:
    declaration = FuncOp.external("declared", (), ())
    return ModuleOp([function("f"), ModuleOp([function("inner")]), declaration, function("g")])


def run(pipeline: str, root: ModuleOp, *instrumentation: Instrumentation) -> None:
    build_pipeline(pipeline, REGISTRY).run(Context(), root, instrumentation)


def marked(root: ModuleOp, key: str) -> list[str]:
    return [op.sym_name.data if isinstance(op, FuncOp) else op.name for op in root.walk() if key in op.attributes]


@pytest.mark.parametrize(
    "pipeline", ["func.func(mark-function)", "builtin.module(func.func(mark-function))", "mark-function"]
)
def test_a_function_pass_runs_on_functions_with_a_body(pipeline: str):
    root = module()
    run(pipeline, root)
    assert marked(root, "function") == ["f", "g"]


def test_an_anchor_inside_of_the_root_runs_on_nested_modules():
    root = module()
    run("builtin.module(builtin.module(mark-module, func.func(mark-function)), mark-function{key=outer})", root)
    assert marked(root, "module") == ["builtin.module"]
    assert "module" not in root.attributes
    assert marked(root, "function") == ["inner"]
    assert marked(root, "outer") == ["f", "g"]


def test_a_module_pass_is_refused_on_functions():
    with pytest.raises(PipelineError, match="expected a pass that runs on 'func.func', got module pass 'mark-module'"):
        build_pipeline("func.func(mark-module)", REGISTRY)


def test_the_text_of_a_pipeline_is_the_pipeline():
    text = "builtin.module(mark-module, func.func(mark-function, mark-function{key=a}), mark-module)"
    manager = build_pipeline(text, REGISTRY)
    assert str(manager.pipeline()) == text
    assert str(manager.pipeline(2)) == "builtin.module(func.func(mark-function{key=a}), mark-module)"
    assert build_pipeline(manager.pipeline(), REGISTRY) == manager


class Log(Instrumentation):
    def __init__(self) -> None:
        self.events: list[str] = []

    def before_pass(self, pass_: ModulePass, op: Operation) -> None:
        self.events.append(f"before {pass_.name}")

    def after_pass(self, pass_: ModulePass, op: Operation) -> None:
        self.events.append(f"after {pass_.name}")

    def pass_failed(self, pass_: ModulePass, op: Operation, error: Exception) -> None:
        self.events.append(f"failed {pass_.name}: {error}")


def test_instrumentation_sees_every_pass():
    log = Log()
    with pytest.raises(CompileError):
        run("mark-module, func.func(mark-function), fail, mark-module", module(), log)
    assert log.events == [
        "before mark-module",
        "after mark-module",
        "before mark-function",
        "after mark-function",
        "before fail",
        "failed fail: expected something else",
    ]


def test_verify_each_names_the_pass_that_broke_the_ir():
    with pytest.raises(VerifyException) as error:
        run("mark-module, break, mark-module", module(), VerifyEach())
    assert "after pass 'break'" in error.value.__notes__


def test_without_verify_each_the_pipeline_goes_on():
    root = module()
    run("break, mark-module", root)
    assert "module" in root.attributes


def test_a_failed_pass_is_printed_and_timed():
    stream, timing = StringIO(), Timing()
    with pytest.raises(CompileError):
        run("mark-module, fail", module(), PrintIR(stream, after_all=True), timing)
    assert "IR Dump After mark-module //" in stream.getvalue()
    assert "IR Dump After fail Failed //" in stream.getvalue()
    report = StringIO()
    timing.report(report)
    assert [line.split()[-1] for line in report.getvalue().splitlines()[-3:]] == ["mark-module", "fail", "Total"]


def test_a_runner_builds_passes_from_attributes():
    log, root = Log(), module()
    runner = PassRunner(Context(), REGISTRY, (log,))
    runner.run(runner.build("mark-module", {"key": StringAttr("m")}), root)
    runner.run(runner.build("mark-function", {"key": "f"}), root.body.block.first_op or root)
    assert marked(root, "m") == ["builtin.module"]
    assert marked(root, "f") == ["f"]
    assert log.events == ["before mark-module", "after mark-module", "before mark-function", "after mark-function"]


def test_a_runner_refuses_what_a_pass_does_not_run_on():
    runner, root = PassRunner(Context(), REGISTRY), module()
    with pytest.raises(PipelineError, match="pass 'mark-module' runs on builtin.module, got 'func.func'"):
        runner.apply(MarkModule(), root.body.block.first_op or root)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (IntegerAttr(8, i32), "x=8"),
        (IntegerAttr(1, i1), "x=true"),
        (FloatAttr(0.5, f32), "x=0.5"),
        (StringAttr("8"), 'x="8"'),
        (UnitAttr(), "x"),
        (ArrayAttr([IntegerAttr(4, i64), IntegerAttr(8, i64)]), "x=4,8"),
        (ArrayAttr[StringAttr]([]), "x=[]"),
        (True, "x=true"),
        (3, "x=3"),
        ("s", 'x="s"'),
    ],
)
def test_attributes_become_options(value: object, text: str):
    assert str(option_from_attribute("x", value)) == text


def test_an_attribute_that_no_option_takes():
    with pytest.raises(PipelineError, match="option 'x': expected a number, a string or a list of these, got '!?i32'"):
        option_from_attribute("x", i32)
