// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a loop kind (serial, unrolled, pipelined, vectorized, parallel, bound, virtual, opaque, tensorized), got 'vectorised'
loop.for %i : 4 vectorised {}

// -----

// CHECK: expected a positive divisor, got 0
loop.for %i : 4 {
  loop.block "map0" spatial(%v in 4 = %i floordiv 0) {}
}

// -----

// CHECK: expected an affine expression: an SSA value, an integer or '('
loop.for %i : 4 {
  loop.block "map0" spatial(%v in 4 = *) {}
}

// -----

// CHECK: expected a memref type, got f32
func.func @read(%A: memref<4xf32>) {
  loop.block "map0" spatial(%v in 1 = 0) {
    %a = loop.read %A[%v] : f32
  }
  func.return
}

// -----

// CHECK: expected as many values, buffers and types, got 2, 1 and 1
func.func @reduce(%C: memref<4xf32> {loop.output}) {
  loop.block "map0" spatial(%v in 1 = 0) {
    %a = arith.constant 0.0 : f32
    loop.reduce (%a, %a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
      loop.yield %x : f32
    }
  }
  func.return
}

// -----

// CHECK: expected a combiner: 'combine(…)'
func.func @combiner(%C: memref<4xf32> {loop.output}) {
  loop.block "map0" spatial(%v in 1 = 0) {
    %a = arith.constant 0.0 : f32
    loop.reduce (%a) into (%C)[%v] : memref<4xf32>
  }
  func.return
}

// -----

// CHECK: expected a flag (associative, commutative), got 'distributive'
func.func @flags(%C: memref<4xf32> {loop.output}) {
  loop.block "map0" spatial(%v in 1 = 0) {
    %a = arith.constant 0.0 : f32
    loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] flags [distributive] {
      loop.yield %x : f32
    }
  }
  func.return
}
