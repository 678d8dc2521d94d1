"""Random kernels on the loop rung, for tests of what works there: typical chains of blocks, of random small sizes.

Data are small whole numbers, and sums stay below 2^24, so that every schedule of a kernel gives the same bits.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from xdsl.context import Context
from xdsl.dialects import affine, arith, builtin, func, math, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.parser import Parser

from ...dialects.loop import Loop, memref_type
from .scalars import dtype_of

Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16)


@cache
def loop_context() -> Context:
    """A context with the dialects of the loop rung."""
    ctx = Context()
    for dialect in (builtin.Builtin, func.Func, arith.Arith, math.Math, affine.Affine, scf.Scf, Loop):
        ctx.load_dialect(dialect)
    return ctx


def parse_kernel(text: str) -> ModuleOp:
    """Parses and verifies a module of the loop rung."""
    module = Parser(loop_context(), text).parse_module()
    module.verify()
    return module


def random_kernel(rng: random.Random) -> tuple[str, str]:
    """The name of a template, and a kernel of it as text."""
    template = rng.choice(TEMPLATES)
    return template.__name__.removeprefix("_"), template(rng)


def random_inputs(module: ModuleOp, seed: int) -> list[Array]:
    """Small whole numbers for each input of a module's only kernel."""
    generator = np.random.default_rng(seed)
    (kernel,) = (op for op in module.body.block.ops if isinstance(op, func.FuncOp))
    attributes = kernel.arg_attrs.data if kernel.arg_attrs is not None else ()
    arrays: list[Array] = []
    for position, argument in enumerate(kernel.body.block.args):
        if position < len(attributes) and "loop.output" in attributes[position].data:
            continue
        arrays.append(random_array(generator, memref_type(argument)))
    return arrays


def random_array(generator: np.random.Generator, type: builtin.MemRefType[Attribute]) -> Array:
    """Small whole numbers of a memref's type and shape."""
    return generator.integers(-4, 5, type.get_shape()).astype(dtype_of(type.element_type))


def _loops(extents: Sequence[int], body: str, names: str = "ijklmn") -> str:
    heads = " ".join(f"loop.for %{name} : {extent} {{" for name, extent in zip(names, extents, strict=False))
    return f"{heads}\n{body}\n{'}' * len(extents)}\n"


def _map(name: str, shape: Sequence[int], out: str, type: str, body: Callable[[str], str]) -> str:
    """A block that writes `%y` for each element of a buffer; the body sees `%v0, %v1, …`."""
    names = "ijklmn"
    iterators = ", ".join(f"%v{d} in {extent} = %{names[d]}" for d, extent in enumerate(shape))
    index = ", ".join(f"%v{d}" for d in range(len(shape)))
    memref = "x".join(map(str, shape))
    block = f"""loop.block "{name}" spatial({iterators}) {{
      {body(index)}
      loop.write %y, {out}[{index}] : memref<{memref}x{type}>
    }}"""
    return _loops(shape, block)


def _reduce(
    name: str,
    shape: Sequence[int],
    reduced: Sequence[int],
    out: str,
    body: str,
    combine: str = "addf",
    zero: str = "0.0",
) -> str:
    """A block that reduces `%p` into each element; the body sees `%v0, …` and `%r0, …`."""
    names = "ijklmn"
    rank = len(shape)
    spatial = ", ".join(f"%v{d} in {extent} = %{names[d]}" for d, extent in enumerate(shape))
    reduce = ", ".join(f"%r{d} in {extent} = %{names[rank + d]}" for d, extent in enumerate(reduced))
    index = ", ".join(f"%v{d}" for d in range(rank))
    memref = f"memref<{'x'.join(map(str, shape))}xf32>"
    block = f"""loop.block "{name}" spatial({spatial}) reduce({reduce}) {{
      loop.init {{
        %z = arith.constant {zero} : f32
        loop.write %z, {out}[{index}] : {memref}
      }}
      {body}
      loop.reduce (%p) into ({out})[{index}] : {memref} combine(%acc: f32, %x: f32) identity [{zero} : f32]
          flags [associative, commutative] fastmath<reassoc,contract> {{
        %s = arith.{combine} %acc, %x fastmath<reassoc,contract> : f32
        loop.yield %s : f32
      }}
    }}"""
    return _loops([*shape, *reduced], block)


def _kernel(inputs: Sequence[tuple[str, Sequence[int]]], output: Sequence[int], body: str, type: str = "f32") -> str:
    arguments = [f"%{name}: memref<{'x'.join(map(str, shape))}xf32>" for name, shape in inputs]
    arguments.append(f"%OUT: memref<{'x'.join(map(str, output))}x{type}> {{loop.output}}")
    return f"func.func @kernel({', '.join(arguments)}) {{\n{body}func.return\n}}\n"


def _alloc(name: str, shape: Sequence[int]) -> str:
    return f'%{name} = loop.alloc "{name}" : memref<{"x".join(map(str, shape))}xf32>\n'


def _read(result: str, buffer: str, shape: Sequence[int], index: str) -> str:
    return f"%{result} = loop.read %{buffer}[{index}] : memref<{'x'.join(map(str, shape))}xf32>\n"


def _matmul(rng: random.Random) -> str:
    m, n, k = (rng.choice(_SIZES) for _ in range(3))
    body = _read("a", "A", (m, k), "%v0, %r0") + _read("b", "B", (k, n), "%r0, %v1") + "%p = arith.mulf %a, %b : f32\n"
    return _kernel([("A", (m, k)), ("B", (k, n))], (m, n), _reduce("reduce0", (m, n), (k,), "%OUT", body))


def _matmul_bias_relu(rng: random.Random) -> str:
    m, n, k = (rng.choice(_SIZES) for _ in range(3))
    scale, reorder = rng.random() < 0.5, rng.choice(("", "fastmath<reassoc> ", "fastmath<reassoc> "))
    text = ""
    if scale:
        text += _alloc("S", (m, k))
        text += _map("map0", (m, k), "%S", "f32", lambda i: _read("a", "A", (m, k), i) + "%y = arith.addf %a, %a : f32")
    source = "S" if scale else "A"
    product = _read("a", source, (m, k), "%v0, %r0") + _read("b", "B", (k, n), "%r0, %v1")
    text += _alloc("C", (m, n))
    text += _reduce("reduce0", (m, n), (k,), "%C", product + "%p = arith.mulf %a, %b : f32\n")
    text += _alloc("D", (m, n))
    text += _map(
        "map1",
        (m, n),
        "%D",
        "f32",
        lambda i: (
            _read("c", "C", (m, n), i) + _read("d", "BIAS", (n,), "%v1") + f"%y = arith.addf %c, %d {reorder}: f32"
        ),
    )
    text += _map(
        "map2",
        (m, n),
        "%OUT",
        "f32",
        lambda i: _read("d", "D", (m, n), i) + "%z = arith.constant 0.0 : f32\n%y = arith.maximumf %d, %z : f32",
    )
    return _kernel([("A", (m, k)), ("B", (k, n)), ("BIAS", (n,))], (m, n), text)


def _convolution(rng: random.Random) -> str:
    """Padding by a lazy read, then a one-dimensional convolution with channels and a stride."""
    width, channels, filters = rng.choice(_SIZES[3:]), rng.choice((1, 2, 3)), rng.choice((1, 2, 4, 5))
    window, stride, pad = rng.choice((1, 2, 3)), rng.choice((1, 1, 2)), rng.choice((0, 1))
    padded = width + 2 * pad
    out = (padded - window) // stride + 1
    source = (width, channels)
    guarded = f"""
      %lo = arith.constant {pad} : index
      %hi = arith.constant {width + pad} : index
      %c0 = arith.cmpi sge, %v0, %lo : index
      %c1 = arith.cmpi slt, %v0, %hi : index
      %in = arith.andi %c0, %c1 : i1
      %y = scf.if %in -> (f32) {{
        {_read("a", "A", source, f"%v0 - {pad}, %v1")}
        scf.yield %a : f32
      }} else {{
        %z = arith.constant 0.0 : f32
        scf.yield %z : f32
      }}
    """
    text = _alloc("P", (padded, channels)) + _map("map0", (padded, channels), "%P", "f32", lambda _: guarded)
    body = _read("p0", "P", (padded, channels), f"%v0 * {stride} + %r0, %r1")
    body += _read("w", "W", (window, channels, filters), "%r0, %r1, %v1") + "%p = arith.mulf %p0, %w : f32\n"
    text += _alloc("C", (out, filters)) + _reduce("reduce0", (out, filters), (window, channels), "%C", body)
    text += _map(
        "map1",
        (out, filters),
        "%OUT",
        "f32",
        lambda i: _read("c", "C", (out, filters), i) + "%y = arith.addf %c, %c : f32",
    )
    return _kernel([("A", source), ("W", (window, channels, filters))], (out, filters), text)


def _window(rng: random.Random) -> str:
    """Windows of rows that are computed where they are summed up: some of them once again in the next iteration."""
    rows, width = rng.choice((1, 2, 3, 5)), rng.choice(_SIZES)
    window, step = rng.choice((2, 3, 3, 4)), rng.choice((1, 1, 2))
    height = (rows - 1) * step + window
    source, result = (height, width), (rows, width)
    source_type, result_type = f"memref<{height}x{width}xf32>", f"memref<{rows}x{width}xf32>"
    text = f"""loop.for %i : {rows} {{
      %T = loop.alloc "T" : {source_type}
      loop.for %x : {window} {{ loop.for %j : {width} {{
        loop.block "map0" spatial(%v0 in {height} = %i * {step} + %x, %v1 in {width} = %j) {{
          {_read("a", "A", source, "%v0, %v1")}
          %y = arith.addf %a, %a : f32
          loop.write %y, %T[%v0, %v1] : {source_type}
        }}
      }} }}
      loop.for %j : {width} {{ loop.for %r : {window} {{
        loop.block "reduce0" spatial(%v0 in {rows} = %i, %v1 in {width} = %j) reduce(%r0 in {window} = %r) {{
          loop.init {{
            %z = arith.constant 0.0 : f32
            loop.write %z, %OUT[%v0, %v1] : {result_type}
          }}
          {_read("p", "T", source, f"%v0 * {step} + %r0, %v1")}
          loop.reduce (%p) into (%OUT)[%v0, %v1] : {result_type} combine(%acc: f32, %x: f32) identity [0.0 : f32]
              flags [associative, commutative] fastmath<reassoc,contract> {{
            %s = arith.addf %acc, %x fastmath<reassoc,contract> : f32
            loop.yield %s : f32
          }}
        }}
      }} }}
    }}
    """
    return _kernel([("A", source)], result, text)


def _normalise(rng: random.Random) -> str:
    """Row maximum, difference to it, row sum, and what is left: the skeleton of softmax, in whole numbers."""
    m, n = rng.choice(_SIZES), rng.choice(_SIZES)
    text = _alloc("M", (m,))
    text += _reduce("reduce0", (m,), (n,), "%M", _read("p", "A", (m, n), "%v0, %r0"), "maximumf", "0xFF800000")
    text += _alloc("D", (m, n))
    text += _map(
        "map0",
        (m, n),
        "%D",
        "f32",
        lambda i: _read("a", "A", (m, n), i) + _read("b", "M", (m,), "%v0") + "%y = arith.subf %a, %b : f32",
    )
    text += _alloc("S", (m,)) + _reduce("reduce1", (m,), (n,), "%S", _read("p", "D", (m, n), "%v0, %r0"))
    text += _map(
        "map1",
        (m, n),
        "%OUT",
        "f32",
        lambda i: _read("a", "D", (m, n), i) + _read("b", "S", (m,), "%v0") + "%y = arith.subf %a, %b : f32",
    )
    return _kernel([("A", (m, n))], (m, n), text)


def _stencil(rng: random.Random) -> str:
    """A chain of neighbouring sums, transposed at the end."""
    m, n = rng.choice(_SIZES), rng.choice(_SIZES)
    first, second = rng.choice((1, 2)), rng.choice((0, 1, 2))
    text = _alloc("S", (m + second, n))
    text += _map(
        "map0",
        (m + second, n),
        "%S",
        "f32",
        lambda i: (
            _read("a", "A", (m + first + second, n), i)
            + _read("b", "A", (m + first + second, n), f"%v0 + {first}, %v1")
            + "%y = arith.addf %a, %b : f32"
        ),
    )
    text += _alloc("T", (m, n))
    text += _map(
        "map1",
        (m, n),
        "%T",
        "f32",
        lambda i: (
            _read("a", "S", (m + second, n), i)
            + _read("b", "S", (m + second, n), f"%v0 + {second}, %v1")
            + "%y = arith.subf %a, %b : f32"
        ),
    )
    text += _map("map2", (n, m), "%OUT", "f32", lambda _: _read("y", "T", (m, n), "%v1, %v0"))
    return _kernel([("A", (m + first + second, n))], (n, m), text)


def _gather(rng: random.Random) -> str:
    """Rows picked by data, reversed, and added up."""
    m, n, rows = rng.choice(_SIZES), rng.choice(_SIZES), rng.choice(_SIZES)
    mode = rng.choice(("", " wrap"))
    body = _read("f", "I", (m,), "%v0")
    body += f"""%g = arith.fptosi %f : f32 to i32
      %at = arith.index_cast %g : i32 to index
      %y = loop.read %T[%at, {n - 1} - %v1]{mode} : memref<{rows}x{n}xf32>"""
    text = _alloc("G", (m, n)) + _map("map0", (m, n), "%G", "f32", lambda _: body)
    text += _reduce("reduce0", (n,), (m,), "%OUT", _read("p", "G", (m, n), "%r0, %v0"))
    return _kernel([("I", (m,)), ("T", (rows, n))], (n,), text)


def _argmax(rng: random.Random) -> str:
    m, n = rng.choice(_SIZES), rng.choice(_SIZES)
    return f"""
    func.func @kernel(%A: memref<{m}x{n}xf32>, %M: memref<{m}xf32> {{loop.output}},
                      %OUT: memref<{m}xi32> {{loop.output}}) {{
      loop.for %i : {m} {{
        loop.for %k : {n} {{
          loop.block "reduce0" spatial(%v0 in {m} = %i) reduce(%r0 in {n} = %k) {{
            loop.init {{
              %z = arith.constant 0xFF800000 : f32
              %none = arith.constant 0 : i32
              loop.write %z, %M[%v0] : memref<{m}xf32>
              loop.write %none, %OUT[%v0] : memref<{m}xi32>
            }}
            %a = loop.read %A[%v0, %r0] : memref<{m}x{n}xf32>
            %p = arith.index_cast %r0 : index to i32
            loop.reduce (%a, %p) into (%M, %OUT)[%v0] : memref<{m}xf32>, memref<{m}xi32>
                combine(%m: f32, %at: i32, %x: f32, %xat: i32) identity [0xFF800000 : f32, 0 : i32]
                flags [associative] {{
              %g = arith.cmpf ogt, %x, %m : f32
              %v = arith.select %g, %x, %m : f32
              %w = arith.select %g, %xat, %at : i32
              loop.yield %v, %w : f32, i32
            }}
          }}
        }}
      }}
      func.return
    }}"""


TEMPLATES = (_matmul, _matmul_bias_relu, _convolution, _normalise, _stencil, _window, _gather, _argmax)
"""Kernels to choose from."""
