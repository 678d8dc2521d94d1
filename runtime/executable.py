"""Compiled programs: numpy in, numpy out."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from ..errors import ArgumentError, did_you_mean
from .artifact import Array, CompiledCode, Kernel, read_program, save_program
from .loader import LoadedObject
from .memory import Arena, ArenaPool, MemoryReport
from .openmp import openmp
from .signature import Parameter, describe_array

THREADS = "stepwell_threads"
MOST_THREADS = 1 << 16
"""More than any machine has that may be compiled or tuned for."""
_LINE = 64
"""How many bytes a cache line has, and the widest vector: code loads constants by vectors."""


class Executable:
    """A compiled program. Calls may come from several threads at once; the interpreter lock is free while it runs."""

    def __init__(self, compiled: CompiledCode, threads: int = 0):
        self._constants = _checked_constants(compiled.signature.role("constant"), compiled.constants)
        self.compiled = compiled = replace(compiled, constants=tuple(self._constants))
        signature = compiled.signature
        exports = [signature.entry, *([THREADS] if compiled.has_parallel_loops else [])]
        self._loaded = LoadedObject(tuple(compiled.objects.values()), exports)
        self._threads: ctypes.c_int32 | None = None
        if compiled.has_parallel_loops:
            self._threads = ctypes.c_int32.from_address(self._loaded.address(THREADS))
        parameters = signature.parameters
        self._function: Callable[..., None] = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(parameters))(
            self._loaded.address(signature.entry)
        )
        self.inputs = signature.role("input")
        """The parameters that a call gives."""
        self.outputs = signature.role("output")
        """The parameters that a call results in."""
        self.kernels: tuple[Kernel, ...] = compiled.kernels
        """The kernels that the program calls, each once."""
        self._fixed = [0] * len(parameters)
        constants = iter(self._constants)
        for position, parameter in enumerate(parameters):
            if parameter.role == "constant":
                self._fixed[position] = next(constants).ctypes.data
        self._sizes = [parameter.byte_size for parameter in parameters]
        roles = ("input", "output", "workspace")
        places = {role: [i for i, p in enumerate(parameters) if p.role == role] for role in roles}
        self.arenas = ArenaPool(signature.role("workspace"))
        """The memory that calls work in."""
        self._workspaces = tuple(zip(places["workspace"], self.arenas.offsets, strict=True))
        self._input_specs = [
            (position, parameter.numpy_dtype, parameter.shape, parameter)
            for position, parameter in zip(places["input"], self.inputs, strict=True)
        ]
        self._output_specs = [
            (position, parameter.shape, parameter.numpy_dtype)
            for position, parameter in zip(places["output"], self.outputs, strict=True)
        ]
        self.threads = threads

    # what there is to ask

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(parameter.name for parameter in self.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs, in order."""
        return tuple(parameter.name for parameter in self.outputs)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the inputs, in order."""
        return tuple(parameter.shape for parameter in self.inputs)

    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the outputs, in order."""
        return tuple(parameter.shape for parameter in self.outputs)

    @property
    def input_dtypes(self) -> tuple[np.dtype[Any], ...]:
        """The element types of the inputs, in order."""
        return tuple(parameter.numpy_dtype for parameter in self.inputs)

    @property
    def output_dtypes(self) -> tuple[np.dtype[Any], ...]:
        """The element types of the outputs, in order."""
        return tuple(parameter.numpy_dtype for parameter in self.outputs)

    @property
    def threads(self) -> int:
        """How many threads parallel loops use; 0 leaves it to OpenMP."""
        return 1 if self._threads is None else self._threads.value

    @threads.setter
    def threads(self, threads: int) -> None:
        threads = checked_threads(threads)
        if self._threads is not None:
            self._threads.value = threads if openmp().available else 1

    @property
    def note(self) -> str:
        """What the user should know about how this runs, empty if nothing."""
        return openmp().note if self._threads is not None else ""

    @property
    def memory(self) -> MemoryReport:
        """How much memory the program takes beside its inputs and outputs."""
        weights = sum(constant.nbytes for constant in self._constants)
        return MemoryReport(self.arenas.size, self.compiled.signature.live_bytes, weights)

    # calls

    def __call__(self, *arguments: Any, out: Any = None, **named: Any) -> Any:
        """Runs the program. Contiguous arrays are not copied.

        `out` is an array, or a tuple of them where there are several outputs, that the results are written to.
        """
        if named:
            arguments = self._positional(arguments, named)
        pointers, results, _keep = self._prepare(arguments, out)
        if self._workspaces:
            arena = self.arenas.take()
            self._point_into(arena, pointers)
            self._function(*pointers)
            self.arenas.give_back(arena)
        else:
            self._function(*pointers)
        return results[0] if len(results) == 1 else tuple(results)

    def bind(self, *arguments: Any, out: Any = None, **named: Any) -> BoundCall:
        """A call with these arrays, to make again and again: they are checked now, and not copied."""
        if named:
            arguments = self._positional(arguments, named)
        pointers, results, copies = self._prepare(arguments, out)
        for copy in copies:
            if not any(_shares(copy, argument) for argument in arguments):
                raise ArgumentError(f"expected contiguous arrays to bind, got one to copy: {_described(copy)}")
        arena = self.arenas.take() if self._workspaces else None
        if arena is not None:
            self._point_into(arena, pointers)
        return BoundCall(self._function, pointers, (self, arguments, copies, arena), results)

    def _prepare(self, arguments: Sequence[Any], out: Any) -> tuple[list[int], list[Array], list[Array]]:
        """The addresses of a call, but for workspaces; its results; and arguments that had to be converted."""
        specs = self._input_specs
        if len(arguments) != len(specs):
            raise ArgumentError(self._expected_count(len(arguments)))
        pointers = self._fixed.copy()
        keep: list[Array] = []
        for argument, (position, dtype, shape, parameter) in zip(arguments, specs, strict=True):
            if (
                argument.__class__ is not np.ndarray
                or argument.dtype != dtype
                or argument.shape != shape
                or not argument.flags.c_contiguous
                or not argument.flags.aligned
            ):
                argument = _as_array(argument, parameter)
                keep.append(argument)
            pointers[position] = argument.__array_interface__["data"][0]
        results = [np.empty(spec[1], spec[2]) for spec in self._output_specs] if out is None else self._checked_out(out)
        for result, (position, _, _) in zip(results, self._output_specs, strict=True):
            pointers[position] = result.__array_interface__["data"][0]
        if out is not None:
            self._check_apart(pointers)
        return pointers, results, keep

    def _point_into(self, arena: Arena, pointers: list[int]) -> None:
        for position, offset in self._workspaces:
            pointers[position] = arena.address + offset

    def _expected_count(self, given: int) -> str:
        names = ", ".join(parameter.name for parameter in self.inputs)
        return f"expected {len(self.inputs)} arguments ({names}), got {given}"

    def _positional(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        names = self.input_names
        for name in named:
            if name not in names:
                raise ArgumentError(f"unknown argument '{name}'{did_you_mean(name, names)}")
            if name in names[: len(arguments)]:
                raise ArgumentError(f"argument '{name}': expected one value, got two")
        missing = [name for name in names[len(arguments) :] if name not in named]
        if missing:
            raise ArgumentError(f"argument '{missing[0]}' is missing")
        return (*arguments, *(named[name] for name in names[len(arguments) :]))

    def _check_apart(self, pointers: Sequence[int]) -> None:
        """Raises if an output shares memory with anything else: compiled code relies on that it does not."""
        for position, _, _ in self._output_specs:
            start, end = pointers[position], pointers[position] + self._sizes[position]
            for other, pointer in enumerate(pointers):
                if other != position and pointer < end and start < pointer + self._sizes[other]:
                    name = self.compiled.signature.parameters[position].name
                    raise ArgumentError(f"output '{name}': expected memory that nothing else shares")

    def _checked_out(self, out: Any) -> list[Array]:
        given = cast(tuple[Any, ...], out) if isinstance(out, tuple) else (out,)
        if len(given) != len(self.outputs):
            raise ArgumentError(f"expected {len(self.outputs)} output arrays, got {len(given)}")
        for array, parameter in zip(given, self.outputs, strict=True):
            if not isinstance(array, np.ndarray):
                raise ArgumentError(f"output '{parameter.name}': expected a numpy array, got {type(array).__name__}")
            found = cast(Array, array)
            if found.dtype != parameter.numpy_dtype or found.shape != parameter.shape:
                got = describe_array(found.dtype, found.shape)
                raise ArgumentError(f"output '{parameter.name}': expected {parameter}, got {got}")
            if not (found.flags.c_contiguous and found.flags.aligned and found.flags.writeable):
                raise ArgumentError(f"output '{parameter.name}': expected a contiguous, writable array")
        return list(given)

    # on disk

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the program into a folder: a manifest, object files, and the weights."""
        save_program(self.compiled, directory, self.threads if self._threads is not None else 0)


class BoundCall:
    """A call of a program with arrays that were checked when it was bound. It works in memory of its own, so that it is
    made by one thread at a time; bind another one for another thread."""

    def __init__(
        self, function: Callable[..., None], pointers: Sequence[int], keep: tuple[Any, ...], results: Sequence[Array]
    ):
        self._function = function
        self._pointers = tuple(map(ctypes.c_void_p, pointers))
        self._keep = keep
        self.results = tuple(results)
        """The outputs, which every call writes."""

    def __call__(self) -> None:
        """Runs the program."""
        self._function(*self._pointers)


def checked_threads(threads: object) -> int:
    """A number of threads, 0 for as many as OpenMP likes."""
    number = int(cast("np.int64", threads)) if isinstance(threads, np.integer) else threads
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST_THREADS:
        return number
    raise ArgumentError(f"expected a number of threads from 0 to {MOST_THREADS}, got {threads!r}")


def load(directory: str | os.PathLike[str], *, threads: int | None = None) -> Executable:
    """The program that `Executable.save` wrote into a folder."""
    compiled, saved = read_program(directory)
    return Executable(compiled, saved if threads is None else threads)


def _as_array(argument: Any, parameter: Parameter) -> Array:
    """An argument as an array that fits, copied if it has to be; raises if it does not fit."""
    array: Array
    if isinstance(argument, np.ndarray | np.generic):
        array = np.asarray(cast(Any, argument))
    elif hasattr(argument, "__dlpack__"):
        try:
            array = np.from_dlpack(argument)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:  # of bfloat16, or on another device
            got = f"{argument.__class__.__name__}, which numpy does not take ({str(error).rstrip('.')})"
            raise ArgumentError(f"argument '{parameter.name}': expected {parameter}, got {got}") from None
    else:
        got = argument.__class__.__name__
        raise ArgumentError(f"argument '{parameter.name}': expected a numpy array of {parameter}, got {got}")
    if parameter.dtype == "bfloat16" and array.dtype == np.dtype("V2"):
        array = array.view(parameter.numpy_dtype)  # as numpy loads what it saved
    if array.dtype != parameter.numpy_dtype or array.shape != parameter.shape:
        got = describe_array(array.dtype, array.shape)
        raise ArgumentError(f"argument '{parameter.name}': expected {parameter}, got {got}")
    return np.require(array, requirements=["C", "A"])


def _shares(array: Array, argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and np.may_share_memory(array, cast(Array, argument))


def _described(array: Array) -> str:
    return describe_array(array.dtype, array.shape)


def _checked_constants(parameters: Sequence[Parameter], constants: Sequence[Array]) -> list[Array]:
    if len(parameters) != len(constants):
        raise ArgumentError(f"expected data for {len(parameters)} constants, got {len(constants)}")
    return _aligned([_as_array(constant, parameter) for parameter, constant in zip(parameters, constants, strict=True)])


def _aligned(arrays: list[Array]) -> list[Array]:
    """The arrays, those that do not begin at a cache line copied to places that do. They share one piece of memory, so
    that the system may give large pages to it."""
    apart = [array for array in arrays if array.ctypes.data % _LINE and array.nbytes >= _LINE]
    if not apart:
        return arrays
    room = np.empty(sum(-(-array.nbytes // _LINE) * _LINE for array in apart) + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    copies: dict[int, Array] = {}
    for array in apart:
        copy = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[...] = array
        copies[id(array)] = copy
        start += -(-array.nbytes // _LINE) * _LINE
    return [copies.get(id(array), array) for array in arrays]
