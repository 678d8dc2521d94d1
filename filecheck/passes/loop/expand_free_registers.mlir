// RUN: stepwell-opt %s -p loop-expand | filecheck %s

// Sums that take most registers, 12 of 16, find all of them free wherever they begin; others do not ask for that.

builtin.module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", vector_bytes = 32, vector_registers = 16>} {
  // CHECK-LABEL: func.func @most
  // CHECK:         affine.for %i = 0 to 4 {
  // CHECK-NEXT:      cpu.free_registers
  func.func @most(%X: memref<64x96xf32>, %Y: memref<4x96xf32> {loop.output}) {
    loop.for %i : 4 {
      %T = loop.alloc "T" : memref<96xf32>
      loop.for %j : 96 {
        loop.block "zero" spatial(%vj in 96 = %j) {
          %z = arith.constant 0.000000e+00 : f32
          loop.write %z, %T[%vj] : memref<96xf32>
        }
      }
      loop.for %k : 16 {
        loop.for %j : 96 {
          loop.block "sum" spatial(%vi in 4 = %i, %vj in 96 = %j) reduce(%vk in 16 = %k) {
            %x = loop.read %X[%vi * 16 + %vk, %vj] : memref<64x96xf32>
            loop.reduce (%x) into (%T)[%vj] : memref<96xf32> combine(%a: f32, %b: f32) identity [0.000000e+00 : f32] {
              %s = arith.addf %a, %b : f32
              loop.yield %s : f32
            }
          }
        }
      }
      loop.for %j : 96 {
        loop.block "copy" spatial(%vi in 4 = %i, %vj in 96 = %j) {
          %t = loop.read %T[%vj] : memref<96xf32>
          loop.write %t, %Y[%vi, %vj] : memref<4x96xf32>
        }
      }
    }
    func.return
  }

  // CHECK-LABEL: func.func @few
  // CHECK-NOT:     cpu.free_registers
  func.func @few(%X: memref<64x48xf32>, %Y: memref<4x48xf32> {loop.output}) {
    loop.for %i : 4 {
      %T = loop.alloc "T" : memref<48xf32>
      loop.for %j : 48 {
        loop.block "zero" spatial(%vj in 48 = %j) {
          %z = arith.constant 0.000000e+00 : f32
          loop.write %z, %T[%vj] : memref<48xf32>
        }
      }
      loop.for %k : 16 {
        loop.for %j : 48 {
          loop.block "sum" spatial(%vi in 4 = %i, %vj in 48 = %j) reduce(%vk in 16 = %k) {
            %x = loop.read %X[%vi * 16 + %vk, %vj] : memref<64x48xf32>
            loop.reduce (%x) into (%T)[%vj] : memref<48xf32> combine(%a: f32, %b: f32) identity [0.000000e+00 : f32] {
              %s = arith.addf %a, %b : f32
              loop.yield %s : f32
            }
          }
        }
      }
      loop.for %j : 48 {
        loop.block "copy" spatial(%vi in 4 = %i, %vj in 48 = %j) {
          %t = loop.read %T[%vj] : memref<48xf32>
          loop.write %t, %Y[%vi, %vj] : memref<4x48xf32>
        }
      }
    }
    func.return
  }
}
