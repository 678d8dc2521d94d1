"""A plugin for Stepwell: a CPU with a unit that requantizes, as accelerators for 8-bit networks have one.

What is here says only where things are: nothing else is imported until a name is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from stepwell.backends.plugin import Plugin


def _lazy(module: str, name: str) -> Callable[[], Any]:
    return lambda: getattr(import_module(f".{module}", __name__), name)


class ToyPlugin(Plugin):
    """The entry point."""

    api_version = 1
    name = "toy"

    def dialects(self) -> Mapping[str, Callable[[], Any]]:
        return {"toy": _lazy("dialect", "Toy")}

    def passes(self) -> Mapping[str, Callable[[], Any]]:
        return {
            "convert-toy-to-arith": _lazy("convert_toy_to_arith", "ConvertToyToArithPass"),
            "toy-fold": _lazy("fold", "ToyFoldPass"),
        }

    def transform_ops(self) -> Mapping[str, Callable[[], Any]]:
        return {"toy.select": _lazy("transform_ops", "SelectOp")}

    def schedules(self) -> Sequence[Path]:
        return [Path(__file__).with_name("schedules.mlir")]

    def backends(self) -> Mapping[str, Callable[[], Any]]:
        return {"toy-cpu": lambda: _lazy("backend", "ToyCpuBackend")()()}

    def oracle_semantics(self) -> Mapping[str, Callable[[], Any]]:
        return {"toy.requantize": _lazy("semantics", "requantize")}

    def space_rules(self) -> Mapping[str, Callable[[], Any]]:
        return {"toy-requantized": _lazy("space", "requantized")}
