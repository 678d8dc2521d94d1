// RUN: stepwell-opt %s -p "func.func(apply-schedules)" --split-input-file | filecheck %s

// A matrix product with what follows it: a register tile, computed inside of the tiles of the epilogue.

module attributes {cpu.target = #cpu.target<triple = "x", vector_bytes = 32, vector_registers = 16, threads = 4>} {
  func.func @dense(%A: memref<100x64xf32>, %B: memref<64x48xf32>, %D: memref<100x48xf32> {loop.output}) {
    %C = loop.alloc "C" : memref<100x48xf32>
    loop.for %i : 100 {
      loop.for %j : 48 {
        loop.for %k : 64 {
          loop.block "reduce0" spatial(%vi in 100 = %i, %vj in 48 = %j) reduce(%vk in 64 = %k) {
            loop.init {
              %z = arith.constant 0.0 : f32
              loop.write %z, %C[%vi, %vj] : memref<100x48xf32>
            }
            %a = loop.read %A[%vi, %vk] : memref<100x64xf32>
            %b = loop.read %B[%vk, %vj] : memref<64x48xf32>
            %p = arith.mulf %a, %b : f32
            loop.reduce (%p) into (%C)[%vi, %vj] : memref<100x48xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
              %s = arith.addf %acc, %x fastmath<reassoc> : f32
              loop.yield %s : f32
            }
          }
        }
      }
    }
    loop.for %i : 100 {
      loop.for %j : 48 {
        loop.block "map0" spatial(%vi in 100 = %i, %vj in 48 = %j) {
          %c = loop.read %C[%vi, %vj] : memref<100x48xf32>
          %z = arith.constant 0.0 : f32
          %d = arith.maximumf %c, %z : f32
          loop.write %d, %D[%vi, %vj] : memref<100x48xf32>
        }
      }
    }
    func.return
  }
}
// CHECK-LABEL: func.func @dense({{.*}}) attributes {loop.scheduled} {
// CHECK-NEXT:    loop.for %jo : 1 {
// CHECK-NEXT:      loop.for %io : 17 parallel peel {
// CHECK-NEXT:        loop.for %jio : 3 {
// CHECK-NEXT:          %C = loop.alloc "C" : memref<100x48xf32>
// CHECK-NEXT:          loop.for %{{.*}} : 6 unrolled {
// CHECK-NEXT:            loop.for %{{.*}} : 16 vectorized {
// CHECK-NEXT:              loop.block "reduce0_init"
// CHECK:               loop.for %ko : 16 {
// CHECK-NEXT:            loop.for %ki : 4 unrolled {
// CHECK-NEXT:            loop.for %{{.*}} : 6 unrolled {
// CHECK-NEXT:              loop.for %{{.*}} : 16 vectorized {
// CHECK-NEXT:                loop.block "reduce0"
// CHECK:               loop.for %ii : 6 unrolled {
// CHECK-NEXT:            loop.for %jii : 16 vectorized {
// CHECK-NEXT:              loop.block "map0"

// -----

// A scheduled kernel is left alone.

func.func @scheduled(%A: memref<64xf32>, %B: memref<64xf32> {loop.output}) attributes {loop.scheduled} {
  loop.for %i : 64 {
    loop.block "map0" spatial(%vi in 64 = %i) {
      %a = loop.read %A[%vi] : memref<64xf32>
      loop.write %a, %B[%vi] : memref<64xf32>
    }
  }
  func.return
}
// CHECK-LABEL: func.func @scheduled
// CHECK-NEXT:    loop.for %i : 64 {
// CHECK-NEXT:      loop.block "map0"

// -----

// Without a target there is nothing to go by.

func.func @anywhere(%A: memref<64xf32>, %B: memref<64xf32> {loop.output}) {
  loop.for %i : 64 {
    loop.block "map0" spatial(%vi in 64 = %i) {
      %a = loop.read %A[%vi] : memref<64xf32>
      loop.write %a, %B[%vi] : memref<64xf32>
    }
  }
  func.return
}
// CHECK-LABEL: func.func @anywhere
// CHECK-NEXT:    loop.for %i : 64 {
// CHECK-NEXT:      loop.block "map0"
