"""Runs a kernel of the loop rung natively: expansion, conversion to `llvm`, LLVM. Parallel loops run on one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import llvmlite.binding as llvm
import numpy as np
from stepwell.backends.llvm_cpu.codegen import MachineSpec, NativeModule, OptimizationLevel, initialize
from stepwell.backends.llvm_cpu.llvm_text import write_llvm_ir
from stepwell.backends.oracles.scalars import dtype_of
from stepwell.dialects import cpu
from stepwell.passes.cpu.outline_parallel import serialize
from stepwell.passes.loop.expand import expand_loops
from stepwell.passes.mlir.convert_to_llvm import convert_to_llvm
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp

Array = np.ndarray
_MARGIN = 4096
_FILL = 0xA5


def lower(module: ModuleOp) -> str:
    """A module of the loop rung as LLVM IR; the module is left as it is."""
    module = module.clone()
    for func in tuple(op for op in module.ops if isinstance(op, FuncOp)):
        expand_loops(func)
    for parallel in reversed([op for op in module.walk() if isinstance(op, cpu.ParallelOp)]):
        serialize(parallel)
    convert_to_llvm(module)
    return write_llvm_ir(module)


class Native:
    """A kernel in memory, to be called with its inputs."""

    def __init__(self, module: ModuleOp, level: OptimizationLevel = "O1") -> None:
        initialize()
        (self.kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
        spec = MachineSpec(llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
        self.native = NativeModule(lower(module), spec, level)
        machine = llvm.Target.from_triple(spec.triple).create_target_machine()
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(self.native.object()))
        self.engine.finalize_object()
        address = self.engine.get_function_address(self.kernel.sym_name.data)
        arguments = self.kernel.body.block.args
        self.function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(address)

    def __call__(self, *inputs: Array) -> tuple[Array, ...]:
        """The outputs for some inputs. Around every array lie bytes that must not change."""
        given = iter(inputs)
        memories: list[Array] = []
        arrays: list[Array] = []
        outputs: list[Array] = []
        attributes = self.kernel.arg_attrs.data if self.kernel.arg_attrs is not None else ()
        for position, argument in enumerate(self.kernel.body.block.args):
            type = argument.type
            assert isinstance(type, MemRefType)
            memory, array = _padded(type.get_shape(), dtype_of(type.element_type))
            memories.append(memory)
            arrays.append(array)
            if position < len(attributes) and "loop.output" in attributes[position].data:
                outputs.append(array)
            else:
                array[...] = next(given)
        self.function(*(array.ctypes.data for array in arrays))
        for memory, array in zip(memories, arrays, strict=True):
            assert (memory[:_MARGIN] == _FILL).all(), "expected nothing to be written before a buffer"
            assert (memory[_MARGIN + array.nbytes :] == _FILL).all(), "expected nothing to be written after a buffer"
        return tuple(outputs)


def _padded(shape: Sequence[int], dtype: np.dtype) -> tuple[Array, Array]:
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    memory = np.full(size + 2 * _MARGIN, _FILL, np.uint8)
    return memory, memory[_MARGIN : _MARGIN + size].view(dtype).reshape(shape)
