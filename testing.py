"""Checks a plugin: `python -m stepwell.testing PLUGIN [FILE.mlir ...]`.

Everything that the plugin offers is loaded and held against what Stepwell expects of it. The files are programs, on any
rung, that use its operations: they must read back as they print, generically and not, and where an oracle can execute
them, each of the plugin's targets must compute what it says.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from io import StringIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp, TensorType
from xdsl.ir import Attribute, Dialect, Operation
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.printer import Printer

from .backends.backend import Backend
from .backends.oracles.loop import run_loop
from .backends.oracles.scalars import dtype_of
from .backends.oracles.te import run_te
from .backends.plugin import ENTRY_POINT_GROUP, Plugin, PluginWarning, describe_failure
from .backends.registry import (
    make_context,
    oracle_semantics,
    pass_registry,
    plugin_dialects,
    plugin_rules,
    plugins,
)
from .dialects.scalar import ElementwiseMappable
from .dialects.source import parse_module
from .errors import StepwellError, did_you_mean
from .passes.pass_options import describe_pass
from .tools import driver
from .transform.interfaces import TransformOpInterface
from .transform.script import load_script
from .transform.upstream.apply import ApplyRegisteredPassOp

Check = tuple[str, Callable[[], None]]
"""What is checked, and a function that raises if it does not hold."""


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise StepwellError(message)


# What the plugin offers


def find_plugin(name: str) -> Plugin:
    """The plugin whose entry point is called `name`, if it can be used."""
    found: list[EntryPoint] = list(entry_points(group=ENTRY_POINT_GROUP))
    names = [each.name for each in found]
    if name not in names:
        raise StepwellError(
            f"expected an entry point '{name}' in group '{ENTRY_POINT_GROUP}', got "
            f"{', '.join(names) or 'none'}{did_you_mean(name, names)}"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PluginWarning)
        usable = plugins()
    if not any(str(each.message).startswith(f"plugin '{name}'") for each in caught):
        loaded: Any = next(each for each in found if each.name == name).load()
        for plugin in usable:
            if isinstance(plugin, loaded):
                return plugin
    raise StepwellError("; ".join(str(each.message) for each in caught))


def plugin_checks(plugin: Plugin) -> Iterator[Check]:
    """The checks of each name that a plugin offers."""
    dialects = plugin_dialects()
    for name in dict.fromkeys([*plugin.dialects(), *(Dialect.split_name(op)[0] for op in plugin.transform_ops())]):
        yield f"dialect '{name}'", lambda name=name: check_dialect(name, dialects[name]())
    for name, make_pass in plugin.passes().items():
        yield f"pass '{name}'", lambda name=name, make=make_pass: check_pass(name, make())
    for name, make_op in plugin.transform_ops().items():
        yield f"transform operation '{name}'", lambda name=name, make=make_op: check_transform_op(name, make())
    for path in plugin.schedules():
        yield f"schedules '{os.path.basename(path)}'", lambda path=path: check_library(path)
    for name, make_backend in plugin.backends().items():
        yield f"target '{name}'", lambda name=name, make=make_backend: check_backend(name, make())
    for name in plugin.space_rules():
        yield f"space rule '{name}'", lambda name=name: check_rule(name)
    for name in plugin.oracle_semantics():
        yield f"oracle semantics '{name}'", lambda name=name: check_semantics(name)
    for name in elementwise_ops(plugin):
        yield f"elementwise op '{name}'", lambda name=name: check_elementwise(name, plugin)


def check_dialect(name: str, dialect: Dialect) -> None:
    """It is called as the plugin says, and so begin the names of what is in it."""
    _expect(dialect.name == name, f"expected a dialect called '{name}', got '{dialect.name}'")
    for member in (*dialect.operations, *dialect.attributes):
        _expect(member.name.startswith(f"{name}."), f"expected names that begin with '{name}.', got '{member.name}'")


def check_pass(name: str, pass_type: type[ModulePass]) -> None:
    """It is called as the plugin says, is described, and pipelines can write its options."""
    _expect(pass_type.name == name, f"expected a pass called '{name}', got '{pass_type.name}'")
    _expect(bool(pass_type.__doc__), f"expected a docstring of {pass_type.__name__}, got none")
    try:
        instance = pass_type()
    except TypeError:
        # It has options without defaults.
        return
    describe_pass(instance)


def check_transform_op(name: str, op: type[Operation]) -> None:
    """It is called as the plugin says, and implements the interface."""
    _expect(op.name == name, f"expected an operation called '{name}', got '{op.name}'")
    _expect(issubclass(op, TransformOpInterface), f"expected a TransformOpInterface, got {op.__name__}")


def check_library(path: str | os.PathLike[str]) -> None:
    """It is a script that verifies."""
    load_script(Path(path), make_context())


def check_backend(name: str, backend: Backend) -> None:
    """It is called as the plugin says, its target reads back, and its pipeline is a script of passes that exist."""
    _expect(backend.name == name, f"expected a backend called '{name}', got '{backend.name}'")
    target = backend.default_target()
    _expect(
        target.name == backend.target_attribute,
        f"expected a target of kind '{backend.target_attribute}', got '{target.name}'",
    )
    _expect(Parser(make_context(), str(target)).parse_attribute() == target, f"expected {target} to read back")
    _expect(backend.pipeline.is_file(), f"expected a pipeline, got no file '{backend.pipeline}'")
    for op in load_script(backend.pipeline, make_context()).walk():
        if isinstance(op, ApplyRegisteredPassOp):
            pass_registry().check(op.pass_name.data)


def check_rule(name: str) -> None:
    """It loads, and may be called."""
    rule: object = plugin_rules()[name]()
    _expect(callable(rule), f"expected a function, got {rule!r}")


def check_semantics(name: str) -> None:
    """The operation exists, and what it computes loads."""
    _expect(make_context().get_optional_op(name) is not None, f"expected an operation '{name}', got none")
    _expect(callable(oracle_semantics()[name]), f"expected a function, got {oracle_semantics()[name]!r}")


def elementwise_ops(plugin: Plugin) -> Iterator[str]:
    """The operations of a plugin that may stand in scalar bodies."""
    dialects = plugin_dialects()
    for name in plugin.dialects():
        try:
            operations = list(dialects[name]().operations)
        except StepwellError:
            # The check of the dialect says so.
            continue
        yield from (op.name for op in operations if op.has_trait(ElementwiseMappable))


def check_elementwise(name: str, plugin: Plugin) -> None:
    """The oracles know what it computes."""
    _expect(name in plugin.oracle_semantics(), "expected oracle semantics, got none")


# Programs


def file_checks(plugin: Plugin, path: Path) -> Iterator[Check]:
    """The checks of a program."""
    yield f"{path.name}: reads back as it prints", lambda: check_round_trip(path)
    for target in plugin.backends():
        yield f"{path.name}: {target} computes what the oracle says", lambda target=target: check_target(path, target)


def _read(path: Path) -> ModuleOp:
    module = parse_module(make_context(), path.read_text("utf-8"), path.name)
    module.verify()
    return module


def check_round_trip(path: Path) -> None:
    """It reads back as it prints, in custom assembly and generically."""
    module = _read(path)
    for generic in (False, True):
        text = StringIO()
        Printer(text, print_generic_format=generic).print_op(module)
        again = parse_module(make_context(), text.getvalue(), path.name)
        how = "generic" if generic else "custom"
        _expect(again.is_structurally_equivalent(module), f"expected the program to read back from {how} assembly")


def check_target(path: Path, target: str) -> None:
    """What a target computes on whole numbers, which are exact, is what the oracle says."""
    module = _read(path)
    entry = driver.find_entry(module)
    if not isinstance(entry, func.FuncOp):
        raise StepwellError("expected a program on the te or loop rung to compare, got one below")
    rung = driver.rung_of(module)
    _expect(rung in ("te", "loop"), f"expected a program on the te or loop rung to compare, got rung {rung}")
    generator = np.random.default_rng(0)
    outputs = {index for index, attrs in enumerate(entry.arg_attrs or ()) if "loop.output" in attrs.data}
    types = [type for index, type in enumerate(entry.function_type.inputs) if index not in outputs]
    inputs = [_random_array(type, generator) for type in types]
    oracle = run_te if rung == "te" else run_loop
    expected = oracle(module, *inputs, semantics=oracle_semantics())
    results: Any = driver.compile(module, target=target)(*inputs)
    arrays = cast("tuple[NDArray[Any], ...]", results if isinstance(results, tuple) else (results,))
    for position, (result, wanted) in enumerate(zip(arrays, expected, strict=True)):
        difference = np.count_nonzero(~np.isclose(result, wanted, rtol=1e-4, equal_nan=True))
        _expect(not difference, f"expected output {position} to be the oracle's, got {difference} other elements")


def _random_array(type: Attribute, generator: np.random.Generator) -> NDArray[Any]:
    shape = type.get_shape() if isinstance(type, TensorType | MemRefType) else (-1,)
    if any(extent < 0 for extent in shape):
        raise StepwellError(f"expected arguments of static shape to compare, got {type}")
    dtype = dtype_of(cast("TensorType[Attribute]", type).element_type)
    bound = 1 if dtype.kind == "b" else 100 if dtype.kind == "i" else 4
    return generator.integers(-bound, bound + 1, shape).astype(dtype)


def unused_ops(plugin: Plugin, paths: Sequence[Path]) -> list[str]:
    """The operations of the plugin's dialects that no program has; schedules are no programs."""
    used = {op.name for path in paths for op in _read(path).walk()}
    dialects = plugin_dialects()
    operations = [op.name for name in plugin.dialects() for op in dialects[name]().operations]
    return [name for name in operations if name not in used and name not in plugin.transform_ops()]


# The tool


def run_checks(checks: Iterator[Check]) -> bool:
    """Runs checks and prints how each ended; whether all hold."""
    passed = True
    for what, check in checks:
        try:
            check()
        # Foreign code may fail in any way.
        except Exception as error:
            passed = False
            print(f"FAIL  {what}: {describe_failure(error)}")
        else:
            print(f"ok    {what}")
    return passed


def main(args: Sequence[str] | None = None) -> int:
    """Check a plugin; the exit code is 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m stepwell.testing", description="Check a plugin.")
    parser.add_argument("plugin", help="the name of its entry point")
    parser.add_argument("files", metavar="FILE.mlir", nargs="*", type=Path, help="programs that use its operations")
    options = parser.parse_args(args)
    try:
        plugin = find_plugin(options.plugin)
    except StepwellError as error:
        print(f"FAIL  plugin '{options.plugin}': {error}")
        return 1
    print(f"ok    plugin '{options.plugin}'")
    passed = run_checks(plugin_checks(plugin))
    for path in options.files:
        passed &= run_checks(file_checks(plugin, path))
    if passed and options.files and (unused := unused_ops(plugin, options.files)):
        print(f"note  no program has {', '.join(unused)}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
