"""Programs with symbolic extents, or with inputs whose values decide extents: one compiled program for each set of
sizes and values that they are called with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import ArgumentError, CompileError
from .executable import Executable
from .signature import describe_array

CACHE_SIZE = 64
"""How many specialisations a program keeps."""

Key = tuple[tuple[str, object], ...]

_OF_SIZES = frozenset({"kernels", "outputs", "compiled", "arenas"}.union(n for n in vars(Executable) if n[0] != "_"))
"""What only programs for some sizes have."""


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
        self._cache: OrderedDict[Key, Future[Executable]] = OrderedDict()
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

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            hint = ""
            if name in _OF_SIZES:
                hint = f"; it is different for each set of sizes: `specialized({{…}}).{name}` has it"
            raise AttributeError(f"expected an attribute of a program for any sizes, got '{name}'{hint}")

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
        return self._compiled(tuple(sorted(sizes.items())), lambda: self._specialize(sizes))

    def _compiled(self, key: Key, make: Callable[[], Executable]) -> Executable:
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
                future.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._cache.pop(key, None)
                future.set_exception(error)
        return future.result()


Specialized = tuple[Executable, tuple[str, ...]]
"""A program for some sizes and values, and the names of the inputs whose values it was compiled for; it takes the
others."""


class ValueExecutable(SymbolicExecutable):
    """A program whose extents depend on what some of its inputs hold (the shape of a Reshape, say). It is compiled when
    it is first called with new sizes, or new values of those inputs."""

    def __init__(
        self,
        inputs: Sequence[SymbolicParameter],
        specialize: Callable[[Mapping[str, int], Mapping[str, np.ndarray[Any, Any]]], Specialized],
        cache_size: int = CACHE_SIZE,
    ):
        super().__init__(inputs, lambda sizes: specialize(sizes, {})[0], cache_size)
        self._specialize_values = specialize
        self.value_names: tuple[str, ...] = ()
        """The inputs whose values are compiled in, as far as calls have shown."""

    def __call__(self, *arguments: Any, out: Any = None) -> Any:
        """Runs the program that is compiled for the sizes and values of these arguments."""
        sizes = self.sizes_of(arguments)
        arrays = {
            parameter.name: _exact_array(argument, parameter)
            for parameter, argument in zip(self.inputs, arguments, strict=True)
        }
        while True:
            names = self.value_names
            values = tuple((name, (arrays[name].shape, arrays[name].tobytes())) for name in names)
            program = self._compiled((*sorted(sizes.items()), *values), lambda: self._for_values(sizes, arrays))
            if names == self.value_names:
                rest = [argument for name, argument in arrays.items() if name not in names]
                return program(*rest, out=out)
            # Only compiling shows which values matter: the program belongs to them, not to the key that was asked for.
            with self._lock:
                self._cache.pop((*sorted(sizes.items()), *values), None)

    def _for_values(self, sizes: Mapping[str, int], arrays: Mapping[str, np.ndarray[Any, Any]]) -> Executable:
        program, names = self._specialize_values(sizes, arrays)
        with self._lock:
            added = [name for name in names if name not in self.value_names]
            self.value_names += tuple(added)
        return program


def _exact_array(argument: Any, parameter: SymbolicParameter) -> np.ndarray[Any, Any]:
    array = np.asarray(argument)
    if array.dtype.name != parameter.dtype:
        got = describe_array(array.dtype, array.shape)
        raise ArgumentError(f"argument '{parameter.name}': expected {parameter}, got {got}")
    return array
