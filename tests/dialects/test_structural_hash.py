"""The structural hash: what counts, and what does not."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from io import StringIO

import pytest
from stepwell.backends.oracles.random_loop import parse_kernel, random_kernel
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.dialects.structural_hash import structural_hash
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i32, i64
from xdsl.dialects.func import FuncOp
from xdsl.printer import Printer

KERNEL = """
func.func private @kernel(
    %A: memref<8x4xf32> {te.name = "A"}, %w: memref<4xf32> {loop.constant}, %B: memref<8x4xf32> {loop.output}) {
  %T = loop.alloc "sum" : memref<8x4xf32>
  loop.for %i : 8 {
    loop.for %j : 4 {
      loop.block "map0" alias "sum" spatial(%vi in 8 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x4xf32>
        %b = loop.read %w[%vj] : memref<4xf32>
        %c = arith.constant 0.0 : f32
        %s = arith.addf %a, %b : f32
        %r = arith.maximumf %s, %c : f32
        loop.write %r, %T[%vi, %vj] : memref<8x4xf32>
      }
    }
  }
  loop.for %i : 8 {
    loop.for %j : 4 {
      loop.block "map1" spatial(%vi in 8 = %i, %vj in 4 = %j) {
        %a = loop.read %T[%vi, %vj] : memref<8x4xf32>
        loop.write %a, %B[%vi, %vj] : memref<8x4xf32>
      }
    }
  }
  func.return
}
"""


def hash_of(text: str, *, names: bool = False) -> str:
    (function,) = parse_module(make_context(), text).ops
    assert isinstance(function, FuncOp)
    return structural_hash(function, names=names)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@kernel", "@another"),
        ("%A", "%input"),
        ('te.name = "A"', 'te.name = "x"'),
        (' {te.name = "A"}', ""),
        (' alias "sum"', ""),
        ('alias "sum"', 'alias "product"'),
        ('loop.alloc "sum"', 'loop.alloc "product"'),
        ("func.func private", "func.func"),
        ("%vi", "%iterator"),
        ("  ", " "),
    ],
)
def test_names_do_not_count(old: str, new: str) -> None:
    assert old in KERNEL
    assert hash_of(KERNEL.replace(old, new)) == hash_of(KERNEL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("arith.addf %a, %b : f32", "arith.subf %a, %b : f32"),
        ("arith.addf %a, %b : f32", "arith.addf %b, %a : f32"),
        ("arith.addf %a, %b : f32", "arith.addf %a, %a : f32"),
        ("arith.addf %a, %b : f32", "arith.addf %a, %b fastmath<contract> : f32"),
        ("constant 0.0", "constant 1.0"),
        ("constant 0.0", "constant -0.0"),
        ("constant 0.0", "constant 1.0e-45"),
        (" {loop.constant}", ""),
        ('"map0"', '"map7"'),
        ("%j : 4 {", "%j : 4 vectorized {"),
        ("loop.read %A[%vi, %vj]", "loop.read %A[%vi, 0]"),
        ("f32", "f64"),
        ("map1", "map2"),
    ],
)
def test_what_is_computed_counts(old: str, new: str) -> None:
    assert old in KERNEL
    changed = KERNEL.replace(old, new, -1 if old == "f32" else 1)
    assert hash_of(changed) != hash_of(KERNEL)


def test_numbers_that_compare_equal_are_different() -> None:
    """In one function, too, where an encoding that is known is used again."""
    constants = "%a = arith.constant 0.0 : f32 %b = arith.constant S0.0 : f32"
    zeros = f"func.func @f() -> (f32, f32) {{ {constants} func.return %a, %b : f32, f32 }}"
    assert hash_of(zeros.replace("S", "")) != hash_of(zeros.replace("S", "-"))


def test_the_order_of_values_counts() -> None:
    text = "func.func @f(%a: f32, %b: f32) -> f32 { %c = arith.subf %a, %b : f32 func.return %c : f32 }"
    assert hash_of(text) != hash_of(text.replace("%a, %b : f32 func", "%b, %a : f32 func"))


def test_the_target_counts() -> None:
    (function,) = parse_module(make_context(), KERNEL).ops
    hashes = {structural_hash(function, target=target) for target in (None, IntegerAttr(1, i32), IntegerAttr(1, i64))}
    assert len(hashes) == 3


def test_names_count_where_they_are_asked_for() -> None:
    for old, new in (("@kernel", "@another"), ("%w: memref", "%v: memref"), ('te.name = "A"', 'te.name = "x"')):
        changed = KERNEL.replace(old, new).replace("%w[", "%v[" if new.startswith("%v") else "%w[")
        assert hash_of(changed, names=True) != hash_of(KERNEL, names=True)


def test_every_process_finds_the_same() -> None:
    program = (
        "import sys; from stepwell.backends.registry import make_context\n"
        "from stepwell.dialects.source import parse_module\n"
        "from stepwell.dialects.structural_hash import structural_hash\n"
        "print(structural_hash(next(iter(parse_module(make_context(), sys.stdin.read()).ops))))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=KERNEL,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {hash_of(KERNEL)}


def canonical_text(function: FuncOp) -> str:
    """The text of a kernel without anything that only names."""
    module = ModuleOp([function.clone()])
    for op in module.walk():
        op.properties.pop("alias", None)
        if "sym_name" in op.properties and op.name != "loop.block":
            op.properties["sym_name"] = StringAttr("")
        if isinstance(op, FuncOp) and op.arg_attrs is not None:
            kept = [{key: value for key, value in each.data.items() if key != "te.name"} for each in op.arg_attrs]
            op.arg_attrs = ArrayAttr([DictionaryAttr(each) for each in kept])
        for value in (*op.results, *(arg for region in op.regions for block in region.blocks for arg in block.args)):
            value.name_hint = None
    stream = StringIO()
    Printer(stream, print_generic_format=True).print_op(module)
    return stream.getvalue()


def with_other_names(function: FuncOp, rng: random.Random) -> FuncOp:
    clone = function.clone()
    for op in clone.walk():
        if op.name == "loop.block":
            op.properties["alias"] = StringAttr(f"alias{rng.random()}")
        elif "sym_name" in op.properties:
            op.properties["sym_name"] = StringAttr(f"name{rng.random()}")
        for result in op.results:
            result.name_hint = f"v{rng.randrange(10**9)}"
    return clone


def test_hashes_are_equal_where_kernels_are_but_for_names() -> None:
    """Random kernels of few sizes, so that some are equal."""
    rng = random.Random(0)
    texts: dict[str, str] = {}
    hashes: dict[str, str] = {}
    kernels = 0
    for _ in range(50):
        _, text = random_kernel(rng)
        (function,) = parse_kernel(text).ops
        assert isinstance(function, FuncOp)
        for each in (function, with_other_names(function, rng)):
            found, canonical = structural_hash(each), canonical_text(each)
            assert hashes.setdefault(canonical, found) == found
            assert texts.setdefault(found, canonical) == canonical
            kernels += 1
    assert 10 < len(hashes) < kernels
