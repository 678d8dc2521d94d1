"""`transform-preload-library`: read libraries of transform scripts into the context."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from ...dialects.source import parse_module
from .transform_interpreter import read_script


@dataclass(frozen=True)
class TransformPreloadLibraryPass(ModulePass):
    """Read files of named sequences, which every script that runs later can include, or start at."""

    name = "transform-preload-library"

    transform_library_paths: tuple[str, ...] = ()
    """Files, or folders whose `.mlir` files are read in the order of their names."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        from ...transform.library import preload

        libraries: list[ModuleOp] = []
        for file in self.files():
            library = parse_module(ctx, read_script(file), file)
            library.verify()
            libraries.append(library)
        preload(ctx, libraries)

    def files(self) -> list[str]:
        """The files that the paths name."""
        return [
            file
            for path in self.transform_library_paths
            for file in (sorted(map(str, Path(path).glob("*.mlir"))) if Path(path).is_dir() else [path])
        ]
