"""LLVM IR text and native code: deterministic, the same from re-read IR, and refused where unknown."""

from __future__ import annotations

import ctypes
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from stepwell.backends.llvm_cpu.codegen import MachineSpec, NativeModule, joins_shuffles, native_module
from stepwell.backends.llvm_cpu.host import host_target
from stepwell.backends.llvm_cpu.llvm_text import write_llvm_ir
from stepwell.backends.registry import get_backend
from stepwell.dialects.cpu import TargetAttr
from stepwell.errors import CompileError, TargetError
from stepwell.runtime.host import cache_sizes, describe_features, vector_facts
from stepwell.tools.driver import compile, lower
from xdsl.dialects.builtin import ModuleOp

from .native import PIPELINE, elementwise, parse

KERNEL = elementwise("%a = math.exp %x0 : $0\n%y = arith.divf %a, %x1 : $0", 96, ["float32", "float32"], "float32", 8)


def _lowered() -> ModuleOp:
    return lower(parse(KERNEL), pipeline=PIPELINE)


def test_code_is_deterministic() -> None:
    assert native_module(_lowered()).object() == native_module(_lowered()).object()


def test_code_of_reread_ir_is_the_same() -> None:
    module = _lowered()
    assert write_llvm_ir(parse(str(module))) == write_llvm_ir(module)


def test_the_target_is_told() -> None:
    target = TargetAttr.get("aarch64-unknown-linux-gnu", "neoverse-v1", "+sve")
    lowered = lower(parse(KERNEL), pipeline=PIPELINE, target=target)
    text = write_llvm_ir(lowered)
    assert 'target triple = "aarch64-unknown-linux-gnu"' in text
    assert '"target-cpu"="neoverse-v1"' in text
    assert "fmla" in native_module(lowered).assembly()


def test_the_stack_holds_whole_vectors() -> None:
    """Where vectors are larger than what the stack is aligned to."""
    for features, aligned in (("+avx,+avx2,+avx512f", True), ("+sse4.2", False)):
        target = TargetAttr.get("x86_64-unknown-linux-gnu", "x86-64", features)
        lowered = lower(parse(KERNEL), pipeline=PIPELINE, target=target)
        assert ('"stackrealign"' in write_llvm_ir(lowered)) == aligned
        assert bool(re.search(r"andq\s+\$-\d+, %rsp", native_module(lowered).assembly())) == aligned


def test_optimisation_levels_agree() -> None:
    module = _lowered()
    spec = MachineSpec.of_module(module)
    for level in ("light", "functions", "O1", "O2", "O3"):
        assert "main:" in NativeModule(write_llvm_ir(module), spec, level).assembly()


def test_shuffles_that_are_joined_are_seen() -> None:
    transposed = """
      %a = shufflevector <4 x float> %x, <4 x float> %y, <4 x i32> <i32 0, i32 4, i32 1, i32 5>
      %b = shufflevector <4 x float> %a, <4 x float> %z, <LANES x i32> <i32 0, i32 1, i32 4, i32 5>"""
    assert joins_shuffles(transposed.replace("LANES", "8"))
    assert not joins_shuffles(transposed.replace("LANES", "4"))
    assert not joins_shuffles(transposed.replace("LANES", "8").replace("%y", "%x"))


def test_schedules_are_kept() -> None:
    """No loop is unrolled or vectorized behind the schedule's back."""
    scalar = elementwise("%y = arith.addf %x0, %x1 : $0", 4096, ["float32", "float32"], "float32")
    optimized = native_module(lower(parse(scalar), pipeline=PIPELINE)).ir()
    assert optimized.count("fadd") == 1
    assert not re.search(r"fadd <", optimized)


def test_unknown_operations_are_refused() -> None:
    text = """
    llvm.func @main(%p: !llvm.ptr) {
      "llvm.intr.stackrestore"(%p) : (!llvm.ptr) -> ()
      llvm.return
    }"""
    with pytest.raises(CompileError, match="expected an operation that has LLVM IR, got 'llvm.intr.stackrestore'"):
        write_llvm_ir(parse(text))
    with pytest.raises(CompileError, match="expected only operations of the llvm dialect, got 'func.func'"):
        write_llvm_ir(parse("func.func @main() { func.return }"))


@pytest.mark.parametrize("target", ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"])
def test_free_registers_are_no_instruction(target: str) -> None:
    text = f"""
    module attributes {{cpu.target = #cpu.target<triple = "{target}">}} {{
      func.func @main(%A: memref<4xf32>) {{
        cpu.free_registers
        func.return
      }}
    }}"""
    native = native_module(lower(parse(text), pipeline=PIPELINE))
    assert 'asm sideeffect "", "~{' in native.text
    assert native.object()


def test_assembly_is_refused_unless_it_is_empty() -> None:
    text = """
    llvm.func @main() {
      llvm.inline_asm has_side_effects "nop", "" : () -> ()
      llvm.return
    }"""
    with pytest.raises(CompileError, match="'llvm.inline_asm': expected assembly that is empty"):
        write_llvm_ir(parse(text))


def test_unknown_functions_are_refused() -> None:
    text = """
    llvm.func @main() {
      %0 = "llvm.call"() <{
        callee = @nowhere, fastmathFlags = #llvm.fastmath<none>, CConv = #llvm.cconv<ccc>,
        TailCallKind = #llvm.tailcallkind<none>, op_bundle_sizes = array<i32>, operandSegmentSizes = array<i32: 0, 0>
      }> : () -> f32
      llvm.return
    }"""
    from stepwell.backends.registry import make_context
    from stepwell.dialects.source import parse_module

    with pytest.raises(CompileError, match="call of 'nowhere': expected a function of this module"):
        write_llvm_ir(parse_module(make_context(), text))


def test_unknown_triples_are_refused() -> None:
    with pytest.raises(TargetError, match="unknown target triple 'nothing-at-all'"):
        NativeModule("define void @f() { ret void }", MachineSpec("nothing-at-all")).object()


def test_text_that_llvm_refuses_is_one_error() -> None:
    with pytest.raises(CompileError, match="LLVM refuses the module"):
        NativeModule("define void @f() { ret i32 0 }", MachineSpec("x86_64-unknown-linux-gnu")).object()


@pytest.mark.parametrize("kind", get_backend("llvm-cpu").file_kinds)
def test_every_kind_of_file(kind: str) -> None:
    if kind == "shared-library" and shutil.which("cc") is None:
        pytest.skip("there is no C compiler driver")
    assert get_backend("llvm-cpu").emit(_lowered(), kind)


def test_unknown_kinds_of_files_are_refused() -> None:
    with pytest.raises(CompileError, match="unknown kind of file 'assembley'; did you mean 'assembly'?"):
        get_backend("llvm-cpu").emit(_lowered(), "assembley")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler driver")
def test_shared_libraries_are_called_from_c(tmp_path: Path) -> None:
    code = get_backend("llvm-cpu").emit(_lowered(), "shared-library")
    assert isinstance(code, bytes)
    (tmp_path / "kernel.so").write_bytes(code)
    library = ctypes.CDLL(str(tmp_path / "kernel.so"))
    a, b = np.linspace(-1, 1, 96, dtype=np.float32), np.full(96, 2, np.float32)
    y = np.empty(96, np.float32)
    library.main(*(ctypes.c_void_p(array.ctypes.data) for array in (a, b, y)))
    np.testing.assert_array_equal(y, compile(parse(KERNEL), pipeline=PIPELINE)(a, b))


def test_the_host_is_described() -> None:
    target = host_target()
    target.verify()
    assert target.facts()["threads"] >= 1


def test_vector_facts() -> None:
    assert vector_facts("x86_64-unknown-linux-gnu", {"avx", "avx2", "avx512f"}) == (64, 32)
    assert vector_facts("x86_64-unknown-linux-gnu", {"avx", "avx2"}) == (32, 16)
    assert vector_facts("x86_64-unknown-linux-gnu", {"sse2"}) == (16, 16)
    assert vector_facts("aarch64-unknown-linux-gnu", {"neon"}) == (16, 32)


def test_features_are_those_that_code_uses() -> None:
    assert describe_features("x86_64-linux", {"avx": True, "fma": False, "sgx": True}) == "+avx,-fma"
    assert describe_features("aarch64-linux", {"sve": True, "sgx": True}) == "+sgx,+sve"


def test_cache_sizes_are_read(tmp_path: Path) -> None:
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2M")]
    ):
        (tmp_path / f"index{index}").mkdir()
        for name, value in (("level", level), ("type", kind), ("size", size)):
            (tmp_path / f"index{index}" / name).write_text(value + "\n")
    assert cache_sizes(tmp_path) == {"l1_bytes": 48 << 10, "l2_bytes": 2 << 20}
    assert cache_sizes(tmp_path / "nowhere") == {}
