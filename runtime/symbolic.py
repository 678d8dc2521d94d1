"""Programs with symbolic extents: one compiled kernel for each set of sizes that they are called with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import ArgumentError, CompileError
from .executable import Executable
from .signature import describe_array

CACHE_SIZE = 64
"""How many specialisations a program keeps."""

Sizes = tuple[tuple[str, int], ...]


class Dim(Protocol):
    """The extent of a dimension, an expression of named sizes."""

    @property
    def is_name(self) -> bool:
        """Whether the extent is nothing but a name."""
        ...

    def symbols(self) -> Iterator[str]:
        """The names in the expression."""
        ...

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The extent, given the size of each name."""
        ...


@dataclass(frozen=True)
class SymbolicParameter:
    """An input whose extents may be expressions of sizes."""

    name: str
    dtype: str
    dims: tuple[Dim, ...]

    def __str__(self) -> str:
        return describe_array(self.dtype, self.dims)


class SymbolicExecutable:
    """A program for any sizes. It is compiled when it is first called with new ones."""

    def __init__(
        self,
        inputs: Sequence[SymbolicParameter],
        specialize: Callable[[Mapping[str, int]], Executable],
        cache_size: int = CACHE_SIZE,
    ):
        self.inputs = tuple(inputs)
        self._specialize = specialize
        self._cache_size = cache_size
        self._cache: OrderedDict[Sizes, Future[Executable]] = OrderedDict()
        self._lock = threading.Lock()
        names = {name for parameter in inputs for dim in parameter.dims for name in dim.symbols()}
        bound = {str(dim) for parameter in inputs for dim in parameter.dims if dim.is_name}
        if unbound := sorted(names - bound):
            raise CompileError(
                f"expected size '{unbound[0]}' to be the extent of an input, got it only in expressions; give sizes"
            )
        self.size_names = tuple(sorted(names))
        """The sizes that the inputs' shapes decide."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(parameter.name for parameter in self.inputs)

    def __call__(self, *arguments: Any, out: Any = None) -> Any:
        """Runs the program that is compiled for the sizes of these arguments."""
        return self.specialized(self.sizes_of(arguments))(*arguments, out=out)

    def sizes_of(self, arguments: Sequence[Any]) -> dict[str, int]:
        """The sizes that the shapes of some arguments decide; raises if they contradict each other."""
        if len(arguments) != len(self.inputs):
            names = ", ".join(self.input_names)
            raise ArgumentError(f"expected {len(self.inputs)} arguments ({names}), got {len(arguments)}")
        shapes = [np.shape(argument) for argument in arguments]
        sizes: dict[str, int] = {}
        for parameter, shape in zip(self.inputs, shapes, strict=True):
            for dim, extent in zip(parameter.dims, shape, strict=False):
                if dim.is_name:
                    sizes.setdefault(str(dim), extent)
        for parameter, argument, shape in zip(self.inputs, arguments, shapes, strict=True):
            expected = (
                tuple(dim.evaluate(sizes) for dim in parameter.dims) if len(sizes) >= len(self.size_names) else None
            )
            if shape != expected:
                dtype = getattr(argument, "dtype", type(argument).__name__)
                where = ", ".join(f"{name} = {size}" for name, size in sorted(sizes.items()))
                got = describe_array(dtype, shape)
                raise ArgumentError(f"argument '{parameter.name}': expected {parameter} with {where}, got {got}")
        return sizes

    def specialized(self, sizes: Mapping[str, int]) -> Executable:
        """The program for some sizes; two threads that ask for the same ones wait for one compilation."""
        key = tuple(sorted(sizes.items()))
        with self._lock:
            future = self._cache.get(key)
            mine = future is None
            if future is None:
                future = self._cache[key] = Future()
                while len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)
            else:
                self._cache.move_to_end(key)
        if mine:
            try:
                future.set_result(self._specialize(dict(key)))
            except BaseException as error:
                with self._lock:
                    self._cache.pop(key, None)
                future.set_exception(error)
        return future.result()
