"""Memory scopes: what lives in one at a time fits, whichever primitive made it live there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from stepwell.backends.oracles.random_loop import parse_kernel
from stepwell.dialects.cpu import TargetAttr
from stepwell.dialects.loop import AllocOp, BlockOp, ForOp, blocks_in, enclosing_loops
from stepwell.dialects.scopes import overflow_in, scope_of, staged_bytes
from stepwell.errors import ScheduleError
from stepwell.transform import primitives
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.utils.exceptions import VerifyException


@irdl_attr_definition
class AcceleratorAttr(ParametrizedAttribute):
    """A target with scratchpads, as a plugin may have."""

    name = "acc.target"

    def scopes(self) -> Mapping[str, int | None]:
        return {"local": None, "acc.in": 1024, "acc.out": 256}


KERNEL = """
func.func @matmul(%A: memref<32x64xf32>, %B: memref<64x16xf32>, %C: memref<32x16xf32> {loop.output}) {
  loop.for %i : 32 {
    loop.for %j : 16 {
      loop.for %k : 64 {
        loop.block "c" spatial(%vi in 32 = %i, %vj in 16 = %j) reduce(%vk in 64 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<32x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<32x64xf32>
          %b = loop.read %B[%vk, %vj] : memref<64x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<32x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32]
              flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
"""


@pytest.fixture
def module() -> ModuleOp:
    module = parse_kernel(KERNEL)
    module.attributes["acc.target"] = AcceleratorAttr()
    return module


def block_of(module: ModuleOp, name: str = "c") -> BlockOp:
    return next(block for block in blocks_in(module) if block.block_name == name)


def loops_of(module: ModuleOp) -> list[ForOp]:
    return enclosing_loops(block_of(module))


def refused(module: ModuleOp, primitive: Callable[[], object]) -> str:
    """The message of a refusal, which leaves everything as it was."""
    before, ops = str(module), list(module.walk())
    with pytest.raises(ScheduleError) as refusal:
        primitive()
    assert str(module) == before
    assert list(module.walk()) == ops
    return str(refusal.value)


def test_a_copy_has_to_fit_in_a_scratchpad_of_a_plugins_target(module: ModuleOp) -> None:
    i, _, _ = loops_of(module)
    block = block_of(module)
    a, b = (read.buffer for read in block.reads())
    message = refused(module, lambda: primitives.cache_read(block, b, i, "acc.in"))
    assert (
        "scope overflow: expected at most 1024 bytes in scope 'acc.in' at one time, got 4096: 'arg1_acc.in' (4096)"
        in (message)
    )
    primitives.cache_read(block, a, i, "acc.in")  # a row: 256 bytes
    module.verify()
    alloc = next(op for op in module.walk() if isinstance(op, AllocOp))
    assert scope_of(alloc.buffer) == "acc.in"
    assert staged_bytes(alloc) == 256


def test_what_a_tile_or_another_place_makes_larger_has_to_fit_too(module: ModuleOp) -> None:
    block = block_of(module)
    i, _, _ = loops_of(module)
    io, ii = primitives.tile([i], [4])
    a = block.reads()[0].buffer
    copy = primitives.cache_read(block, a, ii, "acc.in")
    primitives.cache_read(copy, a, io, "")  # not limited
    home = next(op for op in module.walk() if isinstance(op, AllocOp) and scope_of(op.buffer) == "acc.in")
    message = refused(module, lambda: primitives.cache_read(block, block.reads()[1].buffer, ii, "acc.in"))
    assert f"'{home.sym_name.data}' (256)" in message
    assert "got 4352" in message
    # more of the same at a time
    again = primitives.cache_read(block, home.buffer, enclosing_loops(block)[-1], "acc.in")
    assert [op.block_name for op in blocks_in(module) if op is again]
    module.verify()


def test_buffers_that_do_not_live_together_share_a_scope() -> None:
    text = """
    func.func @k(%A: memref<64xf32>, %B: memref<64xf32> {loop.output}) {
      %s = loop.alloc "S" : memref<64xf32, "acc.out">
      %t = loop.alloc "T" : memref<64xf32, "local">
      %u = loop.alloc "U" : memref<64xf32, "acc.out">
      BLOCKS
      func.return
    }
    """
    names = [("A", ""), ("s", ', "acc.out"'), ("t", ', "local"'), ("u", ', "acc.out"'), ("B", "")]
    blocks = "".join(
        f"""
      loop.for %i : 64 {{
        loop.block "map{n}" spatial(%v in 64 = %i) {{
          %a = loop.read %{source}[%v] : memref<64xf32{space}>
          loop.write %a, %{target}[%v] : memref<64xf32{other}>
        }}
      }}"""
        for n, ((source, space), (target, other)) in enumerate(pairwise(names))
    )
    module = parse_kernel(text.replace("BLOCKS", blocks))
    module.attributes["acc.target"] = AcceleratorAttr()
    module.verify()
    t = next(op for op in module.walk() if isinstance(op, AllocOp) and op.sym_name.data == "T")
    message = refused(module, lambda: primitives.set_memory_space(t.buffer, "acc.out"))
    assert "got 512: 'S' (256), 'T' (256)" in message
    (kernel,) = (op for op in module.ops if isinstance(op, FuncOp))
    assert overflow_in(kernel, {"acc.out": 255}) is not None
    module.attributes["acc.target"] = TargetAttr.get("")  # which has no such scope, and so no limit
    module.verify()


def test_ir_that_overflows_does_not_verify(module: ModuleOp) -> None:
    block = block_of(module)
    primitives.cache_read(block, block.reads()[1].buffer, None, "local")
    module.verify()
    text = str(module).replace('"local"', '"acc.in"')
    copy = parse_kernel("\n".join(text.splitlines()[1:-1]))
    copy.verify()
    copy.attributes["acc.target"] = AcceleratorAttr()
    with pytest.raises(VerifyException, match="scope overflow: expected at most 1024 bytes in scope 'acc.in'"):
        copy.verify()
