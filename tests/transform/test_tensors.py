"""Tensor intrinsics: pairs do what they say, nests become them where that is right, products are right on every CPU."""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.llvm_cpu.host import host_target
from stepwell.backends.oracles.loop import run_loop
from stepwell.backends.registry import make_context
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.loop import ForOp, LoopKind
from stepwell.dialects.source import parse_module
from stepwell.dialects.structural_hash import structural_hash
from stepwell.passes.pass_manager import build_pipeline
from stepwell.passes.registry import PassRegistry
from stepwell.transform.interpreter import apply_script
from stepwell.transform.primitives.tensorize import FEATURES, IMPLEMENTATION, read_intrinsic
from stepwell.transform.script import SCHEDULES, load_script, parse_script
from xdsl.dialects.builtin import MemRefType, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.func import FuncOp

Array = np.ndarray[Any, Any]


@cache
def target(*without: str) -> TargetAttr:
    """This machine, without the instruction sets whose names contain one of some words."""
    host = host_target()
    features = [name for name in host.features.data.split(",") if not any(word in name for word in without)]
    facts = dict(host.facts())
    if "avx512" in without:
        facts |= {"vector_bytes": 32, "vector_registers": 16}
    fma = bool(facts.pop("fma"))
    return TargetAttr.get(host.triple.data, host.cpu.data, ",".join(features), fma=fma, **facts)


TARGETS = {
    "everything": (),
    "no tiles": ("amx",),
    "no AVX-512": ("amx", "avx512", "avx10"),
    "no dot products": ("amx", "avx512", "avx10", "vnni"),
}


def runs_here(description: FuncOp) -> bool:
    """Whether this machine has what an intrinsic needs."""
    needed = description.attributes.get(FEATURES)
    features = host_target().features.data.split(",")
    names = needed.data.split(",") if isinstance(needed, StringAttr) else []
    return all(any(f"+{each}" in features for each in name.split("|")) for name in names)


@cache
def shipped() -> ModuleOp:
    return load_script(SCHEDULES / "dot_product.mlir")


def pairs() -> dict[str, FuncOp]:
    functions = [op for op in shipped().ops if isinstance(op, FuncOp)]
    return {op.sym_name.data: op for op in functions if IMPLEMENTATION in op.attributes}


def elements(type: Any, random: np.random.Generator) -> Array:
    """Random elements of a buffer. Sums of a few products of them are exact in every type."""
    dtype = {"i8": np.int8, "i32": np.int32, "bf16": ml_dtypes.bfloat16, "f32": np.float32}[str(type.element_type)]
    low, high = (-128, 128) if dtype is np.int8 else (-9, 10)
    return random.integers(low, high, type.get_shape()).astype(dtype)


@pytest.mark.parametrize("name", pairs())
def test_implementation_computes_description(name: str) -> None:
    """Natively, on the buffers that the description takes."""
    description = pairs()[name]
    if not runs_here(description):
        pytest.skip("expected a machine with its instructions")
    symbol = description.attributes[IMPLEMENTATION]
    assert isinstance(symbol, SymbolRefAttr)
    plain = ModuleOp([description.clone()])
    kernel = description.clone()
    del kernel.attributes[IMPLEMENTATION]
    module = ModuleOp([kernel], {"cpu.target": host_target()})
    (nest,) = (op for op in kernel.body.block.ops if isinstance(op, ForOp))
    (block,) = (op.block_name for op in kernel.walk() if op.name == "loop.block")
    script = parse_script(
        f"""module attributes {{transform.with_named_sequence}} {{
          transform.named_sequence @__transform_main(%root: !transform.any_op {{transform.readonly}}) {{
            %block = sched.match_block "{block}" in %root : (!transform.any_op) -> !transform.any_op
            %loops = sched.get_loops %block : (!transform.any_op) -> !transform.any_op
            %nest, %others = transform.split_handle %loops {{overflow_result = 1}}
              : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
            sched.tensorize %nest with @{name} : !transform.any_op
            transform.yield
          }}
        }}"""
    )
    apply_script(script, module, libraries=[shipped()])
    assert nest.kind is LoopKind.TENSORIZED
    module.verify()
    random = np.random.default_rng(5)
    types = [argument.type for argument in kernel.body.block.args]
    assert all(isinstance(type, MemRefType) for type in types)
    *inputs, _ = (elements(type, random) for type in types)
    # What a description adds to, its caller gives: a copy of the kernel begins with zeros.
    has_sum = any(op.name == "loop.reduce" for op in kernel.walk())
    if has_sum:
        module, plain = (with_zeros(each) for each in (module, plain))
    (expected,) = run_loop(plain, *inputs)
    (tensorized,) = run_loop(module, *inputs)
    np.testing.assert_array_equal(expected, tensorized)
    np.testing.assert_array_equal(
        np.asarray(sw.compile(module, cache=False)(*inputs)).reshape(-1), expected.reshape(-1)
    )


def with_zeros(module: ModuleOp) -> ModuleOp:
    """A kernel whose output is set to zero first."""
    text = str(module)
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    out = kernel.body.block.args[-1]
    type = out.type
    assert isinstance(type, MemRefType)
    shape = type.get_shape()
    zero = "0.0" if str(type.element_type) == "f32" else "0"
    loops = "".join(f"loop.for %z{d} : {extent} {{ " for d, extent in enumerate(shape))
    iterators = ", ".join(f"%v{d} in {extent} = %z{d}" for d, extent in enumerate(shape))
    indices = ", ".join(f"%v{d}" for d in range(len(shape)))
    fill = (
        f'{loops} loop.block "fill" spatial({iterators}) {{ %zero = arith.constant {zero} : {type.element_type}\n'
        f"loop.write %zero, %{out.name_hint}[{indices}] : {type} }} {'} ' * len(shape)}"
    )
    begin = text.index("loop.for")
    return parse_module(make_context(), text[:begin] + fill + text[begin:], "with zeros")


SHAPES = [(33, 65, 40), (5, 3, 9), (50, 192, 100), (1, 100, 33), (40, 125, 50)]


def product(m: int, k: int, n: int, dtype: str) -> Any:
    a, b = te.placeholder((m, k), dtype, name="A"), te.placeholder((k, n), dtype, name="B")
    axis = te.reduce_axis(k, name="k")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, axis] * b[axis, j], axis=axis), name="C")]


def bytes_product(m: int, k: int, n: int) -> Any:
    a, b = te.placeholder((m, k), "uint8", name="A"), te.placeholder((k, n), "int8", name="B")
    axis = te.reduce_axis(k, name="k")

    def element(i: Any, j: Any) -> Any:
        return te.sum(te.cast(a[i, axis], "int32") * te.cast(b[axis, j], "int32"), axis=axis)

    return [a, b, te.compute((m, n), element, name="C")]


@pytest.mark.parametrize("without", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_of_bytes(shape: tuple[int, int, int], without: tuple[str, ...]) -> None:
    """Of all values, so that sums are large; rows and columns that fill no tile."""
    m, k, n = shape
    random = np.random.default_rng(m)
    left, right = random.integers(0, 256, (m, k)).astype(np.uint8), random.integers(-128, 128, (k, n)).astype(np.int8)
    left[0], right[:, 0] = 255, -128
    got = sw.compile(bytes_product(m, k, n), target=target(*without), cache=False)(left, right)
    np.testing.assert_array_equal(got, left.astype(np.int32) @ right.astype(np.int32))


@pytest.mark.parametrize(
    ("features", "width", "bytes_by", "bf16_by"),
    [
        ("+avx512f,+avx512vnni,+avx512bf16,+amx-int8,+amx-bf16", 64, "tile_u8s8", "tile_bf16"),
        ("+avx512f,+avx512vnni,+avx512bf16", 64, "dot_u8s8_16", "dot_bf16_16"),
        ("+avx2,+avxvnni", 32, "dot_u8s8_8", None),
        ("+avx512f,-avx512vnni", 64, None, None),
    ],
)
def test_target_decides(features: str, width: int, bytes_by: str | None, bf16_by: str | None) -> None:
    """Constant or not, a right input is packed for the instruction that there is."""
    cpu = TargetAttr.get("x86_64-linux", "", features, vector_bytes=width, vector_registers=width // 2)
    for kernel, wanted in ((bytes_product(64, 64, 64), bytes_by), (product(64, 64, 64, "bfloat16"), bf16_by)):
        module = te.build_module(kernel)
        module.attributes["cpu.target"] = cpu
        build_pipeline("te-simplify,convert-te-to-loop,apply-schedules", PassRegistry()).run(make_context(), module, ())
        loops = [op for op in module.walk() if isinstance(op, ForOp) and op.intrinsic is not None]
        names = {loop.intrinsic.data for loop in loops if loop.intrinsic is not None}
        assert (wanted in names) if wanted else not names


@pytest.mark.parametrize("without", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("shape", SHAPES[::2], ids=str)
def test_products_of_bfloat16(shape: tuple[int, int, int], without: tuple[str, ...]) -> None:
    """To one rounding of the result, and what sums in f32 in any order may differ by."""
    m, k, n = shape
    random = np.random.default_rng(m)
    left, right = (random.standard_normal(each).astype(ml_dtypes.bfloat16) for each in ((m, k), (k, n)))
    got = sw.compile(product(m, k, n, "bfloat16"), target=target(*without), cache=False)(left, right)
    exact, sizes = left.astype(np.float64) @ right, np.abs(left.astype(np.float64)) @ np.abs(right.astype(np.float64))
    error = np.abs(np.asarray(got).astype(np.float64) - exact)
    assert (error <= np.abs(exact) * 2.0**-8 + sizes * k * 2.0**-24).all()


KERNEL = """
func.func @k(%A: memref<10x8xf32>, %B: memref<10x8xf32> {loop.output}) {
  loop.for %i : 10 {
    loop.for %j : 8 {
      loop.block "map0" spatial(%vi in 10 = %i, %vj in 8 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<10x8xf32>
        %b = arith.mulf %a, %a : f32
        loop.write %b, %B[%vi, %vj] : memref<10x8xf32>
      }
    }
  }
  func.return
}
"""
LIBRARY = """
module attributes {transform.with_named_sequence} {
  func.func @squares(%x: memref<4xf32>, %y: memref<4xf32> {loop.output})
      attributes {sched.implementation = @squares_of_vectors} {
    loop.for %i : 4 {
      loop.block "square" spatial(%v in 4 = %i) {
        %x_1 = loop.read %x[%v] : memref<4xf32>
        %y_1 = arith.mulf %x_1, %x_1 : f32
        loop.write %y_1, %y[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @squares_of_vectors(%x: vector<4xf32>) -> vector<4xf32> {
    %two = arith.constant dense<2.0> : vector<4xf32>
    %y = math.powf %x, %two : vector<4xf32>
    func.return %y : vector<4xf32>
  }
  transform.named_sequence @use(%block: !transform.any_op {transform.readonly}) {
    %i, %j = sched.get_loops %block : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %jo, %ji = sched.tile %j tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.tensorize %ji with @squares : !transform.any_op
    transform.yield
  }
}
"""
SCRIPT = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence private @use(%block: !transform.any_op {transform.readonly})
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %block = sched.match_block "map0" in %root : (!transform.any_op) -> !transform.any_op
    transform.include @use failures(propagate) (%block) : (!transform.any_op) -> ()
    transform.yield
  }
}
"""


def tensorized(library: str = LIBRARY) -> ModuleOp:
    module = parse_module(make_context(), KERNEL, "kernel")
    apply_script(parse_script(SCRIPT), module, libraries=[parse_script(library, "library")])
    return module


def test_intrinsic_of_a_library() -> None:
    """The library of a plugin brings both functions; native code has the implementation."""
    module = tensorized()
    values = np.arange(80, dtype=np.float32).reshape(10, 8) - 40
    np.testing.assert_array_equal(run_loop(module, values)[0].reshape(10, 8), values * values)
    np.testing.assert_array_equal(sw.compile(module, cache=False)(values), values * values)


def test_hash_tells_implementations_apart() -> None:
    other = tensorized(LIBRARY.replace("math.powf %x, %two", "arith.mulf %x, %x"))
    hashes = {structural_hash(module) for module in (tensorized(), other, parse_module(make_context(), KERNEL, "k"))}
    assert len(hashes) == 3


def test_text_is_kept() -> None:
    text = str(tensorized())
    assert str(parse_module(make_context(), text, "again")) == text


def test_wrong_implementation_is_what_runs() -> None:
    """An annotation that nothing reads does not count: what the implementation says is emitted."""
    module = tensorized(LIBRARY.replace("dense<2.0>", "dense<3.0>"))
    values = np.full((10, 8), 2, np.float32)
    np.testing.assert_array_equal(sw.compile(module, cache=False)(values), values**3)


def test_layout_may_change_later() -> None:
    """Where elements no longer lie as the vectors have them, the nest is emitted."""
    library = LIBRARY.replace(
        "    sched.tensorize",
        """    %A = sched.get_reads %block : (!transform.any_op) -> !transform.any_value
    %copy = sched.cache_read %block, %A at %i
      : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %local = sched.get_writes %copy : (!transform.any_op) -> !transform.any_value
    sched.tensorize""",
    ).replace(
        "    transform.yield",
        "    sched.transform_layout %local affine_map<(i, j) -> (j mod 4, i, j floordiv 4)> : !transform.any_value\n"
        "    transform.yield",
    )
    module = tensorized(library.replace("dense<2.0>", "dense<3.0>"))
    values = np.arange(80, dtype=np.float32).reshape(10, 8)
    np.testing.assert_array_equal(sw.compile(module, cache=False)(values), values * values)


def test_all_pairs_are_intrinsics() -> None:
    functions = {op.sym_name.data: op for op in shipped().ops if isinstance(op, FuncOp)}
    for description in pairs().values():
        symbol = description.attributes[IMPLEMENTATION]
        assert isinstance(symbol, SymbolRefAttr)
        assert read_intrinsic(description, functions[symbol.string_value()]).name == description.sym_name.data
