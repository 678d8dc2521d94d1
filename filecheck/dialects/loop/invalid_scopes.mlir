// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// What lives in a scope of the target at the same time has to fit.

module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", l1_bytes = 4096>} {
  func.func @k(%A: memref<1024xf32>, %B: memref<1024xf32> {loop.output}) {
    loop.for %o : 2 {
      %s = loop.alloc "S" : memref<1024xf32, "l1">
      %t = loop.alloc "T" : memref<1024xf32, "l1">
      loop.for %i : 512 {
        loop.block "map0" spatial(%v in 1024 = %o * 512 + %i) {
          %a = loop.read %A[%v] : memref<1024xf32>
          loop.write %a, %s[%v] : memref<1024xf32, "l1">
          loop.write %a, %t[%v] : memref<1024xf32, "l1">
        }
      }
      %u = loop.alloc "U" : memref<1024xf32, "l1">
      loop.for %i : 512 {
        loop.block "map1" spatial(%v in 1024 = %o * 512 + %i) {
          %a = loop.read %s[%v] : memref<1024xf32, "l1">
          %b = loop.read %t[%v] : memref<1024xf32, "l1">
          %c = arith.addf %a, %b : f32
          loop.write %c, %u[%v] : memref<1024xf32, "l1">
        }
      }
      loop.for %i : 512 {
        loop.block "map2" spatial(%v in 1024 = %o * 512 + %i) {
          %a = loop.read %u[%v] : memref<1024xf32, "l1">
          loop.write %a, %B[%v] : memref<1024xf32>
        }
      }
    }
    func.return
  }
}
// CHECK: scope overflow: expected at most 4096 bytes in scope 'l1' at one time, got 6144: 'S' (2048), 'T' (2048), 'U' (2048)
