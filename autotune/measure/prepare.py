"""What candidates of a workload are called with, and what they have to give.

The reference is what the kernel computes when nobody has scheduled it: its nests as they were converted, one scalar
iteration after the other, lowered by the passes that candidates go through, too. It shares no schedule, no vector and
no unrolled or peeled code with any candidate, and the oracle of the loop rung agrees with it (a test asks about kernels
of all kinds). One thing is changed where it makes nests several times as fast: reductions whose inputs lie along
another loop than the innermost one have that loop inside, which leaves the order of each sum what it was. So a point
takes about 1 ns: once a workload, a call as long as some ten or hundred of those that are timed.

Elements of floats are multiples of 1/8 between -1 and 1, so that products and sums of thousands of them are exact in
whichever order they are summed up: results differ by rounding only where the kernel itself rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path

import numpy as np
from xdsl.dialects.func import FuncOp

from ...backends.registry import get_backend
from ...dialects.loop import BlockOp, IteratorKind
from ...passes.loop.pack_constants import pack_array
from ...runtime.executable import Executable
from ...runtime.signature import Parameter, Signature
from ..workload import Workload
from .arrays import Array
from .check import tolerance
from .compile import Built, Compiler, kernel_signature
from .nests import order_loops

MAX_NOT_FINITE = 0.01
"""The share of results that may be infinite or NaN with elements of both signs."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Arguments of a workload's kernel, and the results for them."""

    signature: Signature
    """Of the kernel without a schedule; workspaces are left out."""
    given: tuple[Array, ...]
    """Inputs and constants in the order of the parameters, constants not packed."""
    results: tuple[Array, ...]
    tolerances: tuple[float, ...]
    """How far each result may be off, relative to its largest element; 0 means equality."""

    def save(self, path: Path) -> None:
        """Writes it to a file."""
        with path.open("wb") as file:
            for array in (*self.given, *self.results):
                np.ascontiguousarray(array).view(np.uint8).tofile(file)

    @staticmethod
    def load(path: Path, signature: Signature, tolerances: tuple[float, ...]) -> Prepared:
        """What `save` wrote."""
        data = np.fromfile(path, np.uint8)
        start = 0
        found: list[Array] = []
        for parameter in chain(given_parameters(signature), signature.role("output")):
            end = start + parameter.byte_size
            found.append(data[start:end].view(parameter.numpy_dtype).reshape(parameter.shape))
            start = end
        count = len(given_parameters(signature))
        return Prepared(signature, tuple(found[:count]), tuple(found[count:]), tolerances)


def given_parameters(signature: Signature) -> tuple[Parameter, ...]:
    """The inputs and constants, in order."""
    return tuple(parameter for parameter in signature.parameters if parameter.role in ("input", "constant"))


def prepare(workload: Workload, seed: int) -> Prepared:
    """Arguments and reference results of a workload.

    Raises:
        CompileError: if the kernel does not compile without a schedule.
    """
    compiler = Compiler(workload)
    signature, _ = kernel_signature(workload.kernel)
    parameters = given_parameters(signature)
    module = workload.copy()
    order_loops(module)
    built = compiler.lowered(module, schedule=False)
    largest = max((extent for parameter in signature.parameters for extent in parameter.shape), default=1)
    given: tuple[Array, ...] = ()
    results: tuple[Array, ...] = ()
    # Where logarithms and roots of negative numbers hide results, there are none.
    for signed in (True, False):
        generator = np.random.default_rng(seed)
        given = tuple(random_array(generator, parameter, largest, signed=signed) for parameter in parameters)
        results = run_once(built, given)
        if all(_finite_share(result) >= 1 - MAX_NOT_FINITE for result in results):
            break
    length = _summed(workload.kernel)
    has_floats = any(parameter.numpy_dtype.kind not in "iub" for parameter in signature.parameters)
    tolerances = tuple(tolerance(result.dtype, length) if has_floats else 0.0 for result in results)
    return Prepared(signature, given, results, tolerances)


def random_array(generator: np.random.Generator, parameter: Parameter, largest: int, *, signed: bool) -> Array:
    """Elements for a parameter. `largest` is the largest extent, which indices stay below."""
    dtype, shape = parameter.numpy_dtype, parameter.shape
    if dtype.kind == "b":
        found = generator.integers(0, 2, shape)
    elif dtype.kind in "iu":
        limits = np.iinfo(dtype)
        low, high = (limits.min, limits.max + 1) if dtype.itemsize == 1 else (0, min(largest, limits.max))
        found = generator.integers(low, max(high, 1), shape)
    else:
        found = generator.integers(1, 9, shape) / 8
        if signed:
            found = found * (generator.integers(0, 2, shape) * 2 - 1)
    # Where there are no dimensions, numpy computes with its scalars, which are no arrays.
    return np.asarray(found).astype(dtype)


def constants_for(built: Built, given: Sequence[Array]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """The inputs of a candidate, and its constants in the layouts that it takes them in."""
    inputs: list[Array] = []
    constants: list[Array] = []
    arrays = iter(given)
    for parameter, layout in zip(built.signature.parameters, built.layouts, strict=True):
        if parameter.role not in ("input", "constant"):
            continue
        array = next(arrays)
        if layout is not None:
            array = pack_array(array, layout, parameter.shape)
        (inputs if parameter.role == "input" else constants).append(array)
    return tuple(inputs), tuple(constants)


def load(built: Built, constants: Sequence[Array], threads: int) -> Executable:
    """A candidate as something to call, in this process."""
    objects = {built.signature.entry: built.code}
    return get_backend(built.backend).link(objects, built.signature, constants, threads=threads)


def run_once(built: Built, given: Sequence[Array]) -> tuple[Array, ...]:
    """What native code computes, on one thread."""
    inputs, constants = constants_for(built, given)
    bound = load(built, constants, 1).bind(*inputs)
    bound()
    return bound.results


def _finite_share(array: Array) -> float:
    if array.dtype.kind in "iub" or not array.size:
        return 1.0
    return float(np.isfinite(array.astype(np.float64)).mean())


def _summed(kernel: FuncOp) -> int:
    """How many elements are reduced on the way to one result, one reduction after the other."""
    length = 1
    for block in kernel.walk():
        if isinstance(block, BlockOp):
            kinds = zip(block.kinds, block.extents, strict=True)
            length += prod(extent for kind, extent in kinds if kind is IteratorKind.REDUCE)
    return length
