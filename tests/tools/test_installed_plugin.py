"""A plugin that is installed, as the tools see it: by its entry point, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

PLUGIN = """
from dataclasses import dataclass

from stepwell.backends.plugin import Plugin
from stepwell.errors import TargetError
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def
from xdsl.passes import ModulePass


@irdl_op_definition
class HelloOp(IRDLOperation):
    name = "toy.hello"
    whom = prop_def(StringAttr)
    assembly_format = "$whom attr-dict"


@dataclass(frozen=True)
class GreetPass(ModulePass):
    name = "toy-greet"
    whom: str = "world"

    def apply(self, ctx, op):
        op.body.block.add_op(HelloOp.build(properties={"whom": StringAttr(self.whom)}))


class ToyPlugin(Plugin):
    api_version = 1
    name = "toy"

    def dialects(self):
        return {"toy": lambda: Dialect("toy", [HelloOp])}

    def passes(self):
        return {"toy-greet": lambda: GreetPass}

    def backends(self):
        return {"toy-device": self.no_device}

    def no_device(self):
        raise TargetError("the toy device is not plugged in")
"""


def install(site: Path, name: str, source: str) -> None:
    """What an installer leaves: a module, and a folder of metadata that names the entry point."""
    (site / f"{name}_plugin.py").write_text(dedent(source))
    metadata = site / f"{name}_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[stepwell.plugins]\n{name} = {name}_plugin:ToyPlugin\n")


def run(site: Path, tool: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", f"stepwell.tools.{tool}", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    install(tmp_path, "toy", PLUGIN)
    return tmp_path


def test_help_shows_what_a_plugin_adds(site: Path):
    text = run(site, "stepwell_opt", "--help").stdout
    assert text.endswith("plugin toy:\n  dialects: toy\n  passes: toy-greet\n  targets: toy-device\n")


def test_a_pipeline_runs_its_pass_and_reads_its_dialect(site: Path):
    done = run(site, "stepwell_opt", "-p", "toy-greet{whom=you}", stdin='toy.hello "me"')
    assert done.stderr == ""
    assert done.stdout == 'builtin.module {\n  toy.hello "me"\n  toy.hello "you"\n}\n\n'


def test_a_script_runs_its_pass(site: Path):
    script = site / "script.mlir"
    script.write_text(
        """module attributes {transform.with_named_sequence} {
          transform.named_sequence @__transform_main(%m: !transform.any_op {transform.consumed}) {
            %0 = transform.apply_registered_pass "toy-greet" with options = {"whom" = "script"} to %m
              : (!transform.any_op) -> !transform.any_op
            transform.yield
          }
        }"""
    )
    done = run(site, "stepwell_opt", "--pipeline", str(script), stdin='toy.hello "me"')
    assert done.stderr == ""
    assert 'toy.hello "script"' in done.stdout


def test_its_names_are_offered_for_mistakes(site: Path):
    done = run(site, "stepwell_opt", "-p", "toy-great", stdin='toy.hello "me"')
    assert done.stderr.startswith("error: unknown pass 'toy-great'; did you mean 'toy-greet'?")


def test_its_target_is_a_target(site: Path):
    (site / "empty.mlir").write_text("func.func @f() {\n  func.return\n}\n")
    done = run(site, "stepwell", "compile", str(site / "empty.mlir"), "-o", str(site / "out"), "--target", "toy-device")
    assert (done.returncode, done.stderr) == (1, "error: the toy device is not plugged in\n")


def test_a_broken_plugin_is_one_warning(site: Path):
    install(site, "broken", "import a_module_that_nobody_has")
    done = run(site, "stepwell_opt", "-p", "toy-greet", stdin='toy.hello "me"')
    assert done.returncode == 0
    assert done.stderr == "warning: plugin 'broken' is ignored: No module named 'a_module_that_nobody_has'\n"
    assert 'toy.hello "world"' in done.stdout
