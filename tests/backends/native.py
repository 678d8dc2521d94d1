"""Kernels of rung 4, written as text, compiled and called."""

from __future__ import annotations

from typing import Any

import numpy as np
import stepwell as sw
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.runtime.executable import Executable
from xdsl.dialects.builtin import ModuleOp

Array = np.ndarray[Any, Any]

TYPES = {
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "bool": "i1",
}
"""numpy's names of element types, and MLIR's."""

PIPELINE = (
    "cpu-outline-parallel, convert-cpu-to-llvm, "
    "arith-emulate-unsupported-floats, math-polynomial-approximation, arith-expand, convert-to-llvm"
)


def parse(text: str) -> ModuleOp:
    """The verified module that some text spells."""
    module = parse_module(make_context(), text)
    module.verify()
    return module


def compile_text(text: str, **options: Any) -> Executable:
    """An executable from a module of rung 4."""
    program = sw.compile(parse(text), pipeline=PIPELINE, **options)
    assert isinstance(program, Executable)
    return program


def elementwise(body: str, count: int, inputs: list[str], output: str, lanes: int | None = None) -> str:
    """A kernel that maps `body`, from `%x0, %x1, …` to `%y`, over arrays of `count` elements.

    In `body`, `$0, $1, …` stand for the types of the inputs and `$y` for that of the output.
    """

    def shaped(element: str) -> str:
        return f"vector<{lanes}x{element}>" if lanes else element

    load, store = ("affine.vector_load", "affine.vector_store") if lanes else ("affine.load", "affine.store")
    map = "<{map = affine_map<(d0) -> (d0)>}>"
    elements = [TYPES[name] for name in inputs]
    result = TYPES[output]
    arguments = [f"%A{i}: memref<{count}x{each}> {{llvm.readonly}}" for i, each in enumerate(elements)]
    loads = [
        f'%x{i} = "{load}"(%A{i}, %i) {map} : (memref<{count}x{each}>, index) -> {shaped(each)}'
        for i, each in enumerate(elements)
    ]
    for i, each in enumerate(elements):
        body = body.replace(f"${i}", shaped(each))
    body = body.replace("$y", shaped(result))
    return f"""
    func.func @main({", ".join(arguments)}, %Y: memref<{count}x{result}>) {{
      affine.for %i = 0 to {count} step {lanes or 1} {{
        {chr(10).join(loads)}
        {body}
        "{store}"(%y, %Y, %i) {map} : ({shaped(result)}, memref<{count}x{result}>, index) -> ()
      }}
      func.return
    }}"""
