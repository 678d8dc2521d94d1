// RUN: stepwell-opt %s -p loop-expand | filecheck %s

// Room for a register's lanes does not make a dimension longer: data wraps around at 3, not at 4.

// CHECK: memref.alloca() {{.*}} : memref<4xi32>
// CHECK: %[[SIZE:.*]] = arith.constant 3 : index
// CHECK: arith.remsi %{{.*}}, %[[SIZE]] : index
func.func @main(%A: memref<3xi32>, %B: memref<5xi32>, %C: memref<5xi32> {loop.output}) {
  %T = loop.alloc "T" : memref<3xi32>
  loop.for %i : 3 vectorized {
    loop.block "map0" spatial(%vi in 3 = %i) {
      %a = loop.read %A[%vi] : memref<3xi32>
      loop.write %a, %T[%vi] : memref<3xi32>
    }
  }
  loop.for %i : 5 {
    loop.block "map1" spatial(%vi in 5 = %i) {
      %b = loop.read %B[%vi] : memref<5xi32>
      %0 = arith.index_cast %b : i32 to index
      %t = loop.read %T[%0] wrap : memref<3xi32>
      loop.write %t, %C[%vi] : memref<5xi32>
    }
  }
  func.return
}
