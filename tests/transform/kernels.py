"""Kernels and scripts for the tests of transform operations."""

from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.transform.interpreter import Interpreter, apply_script
from xdsl.dialects.builtin import ModuleOp

CHAIN = """
func.func @chain(%A: memref<64x32xf32>, %C: memref<64x32xf32> {loop.output}) {
  %B = loop.alloc "B" : memref<64x32xf32>
  loop.for %i : 64 {
    loop.for %j : 32 {
      loop.block "map0" alias "double" spatial(%vi in 64 = %i, %vj in 32 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<64x32xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %B[%vi, %vj] : memref<64x32xf32>
      }
    }
  }
  loop.for %k : 64 {
    loop.for %l : 32 {
      loop.block "map1" alias "square" spatial(%vk in 64 = %k, %vl in 32 = %l) {
        %c = loop.read %B[%vk, %vl] : memref<64x32xf32>
        %d = arith.mulf %c, %c : f32
        loop.write %d, %C[%vk, %vl] : memref<64x32xf32>
      }
    }
  }
  func.return
}
"""

MATMUL = """
module attributes {cpu.target = #cpu.target<triple = "x", vector_bytes = 32, vector_registers = 16, threads = 4>} {
func.func @matmul(%A: memref<6x8xf32>, %B: memref<8x16xf32> {loop.constant}, %C: memref<6x16xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 16 {
      loop.for %k : 8 {
        loop.block "reduce0" alias "C" spatial(%vi in 6 = %i, %vj in 16 = %j) reduce(%vk in 8 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x16xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x8xf32>
          %b = loop.read %B[%vk, %vj] : memref<8x16xf32>
          %p = arith.mulf %a, %b : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32]
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
}
"""

_SCRIPT = """
!op = !transform.any_op
!param = !transform.any_param
!value = !transform.any_value
module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%root: !op {{transform.consumed}}) {{
{body}
    transform.yield
  }}
{sequences}
}}
"""

CHAIN_HANDLES = """
%p = sched.match_block "map0" in %root : (!op) -> !op
%c = sched.match_block "map1" in %root : (!op) -> !op
%i, %j = sched.get_loops %p : (!op) -> (!op, !op)
%k, %l = sched.get_loops %c : (!op) -> (!op, !op)
%f = sched.get_kernel %p : (!op) -> !op
%B = sched.get_writes %p : (!op) -> !value
"""

MATMUL_HANDLES = """
%c = sched.match_block "C" in %root : (!op) -> !op
%i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
%f = sched.get_kernel %c : (!op) -> !op
%A, %B = sched.get_reads %c : (!op) -> (!value, !value)
%C = sched.get_writes %c : (!op) -> !value
"""


def parse(text: str, name: str = "payload.mlir") -> ModuleOp:
    module = parse_module(make_context(), text, name)
    module.verify()
    return module


def script(body: str, sequences: str = "") -> ModuleOp:
    return parse(_SCRIPT.format(body=body, sequences=sequences), "script.mlir")


def run(payload: ModuleOp, body: str, sequences: str = "") -> Interpreter:
    interpreter = apply_script(script(body, sequences), payload)
    payload.verify()
    return interpreter
