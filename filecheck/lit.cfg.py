"""How lit runs the tests here: the tools are those of the Python that runs lit."""

import os
import re
import shutil
import sys

import lit.formats

config.name = "stepwell"  # noqa: F821
config.test_format = lit.formats.ShTest(execute_external=False)  # noqa: F821
config.suffixes = [".mlir", ".test"]  # noqa: F821
config.excludes = ["Inputs"]  # noqa: F821
config.test_source_root = os.path.dirname(__file__)  # noqa: F821
config.maxIndividualTestTime = 120  # noqa: F821

bin_dir = os.path.dirname(os.path.abspath(sys.executable))
config.environment["PATH"] = os.pathsep.join([bin_dir, config.environment.get("PATH", "")])  # noqa: F821
# Nothing that was compiled before is used: no folder can be made there.
config.environment["XDG_CACHE_HOME"] = os.devnull  # noqa: F821
if "PYTHONPATH" in os.environ:
    config.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]  # noqa: F821


def add_tool(name: str, command: str) -> None:
    """Replace `name`, as a word of its own in a run line, by `command`."""
    pattern = rf"(?<![\w./-]){re.escape(name)}(?![\w./-])"
    config.substitutions.append((pattern, command))  # noqa: F821


python = f'"{sys.executable}"'
add_tool("stepwell-opt", f"{python} -m stepwell.tools.stepwell_opt")
add_tool("stepwell", f"{python} -m stepwell.tools.stepwell")
add_tool("filecheck", f'"{os.path.join(bin_dir, "filecheck")}"')

mlir_opt = shutil.which("mlir-opt-22")
if mlir_opt:
    config.available_features.add("mlir-opt-22")  # noqa: F821
    add_tool("mlir-opt-22", f'"{mlir_opt}"')
