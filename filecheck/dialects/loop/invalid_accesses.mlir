// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected 2 indices for memref<4x4xf32>, got 1
func.func @rank(%A: memref<4x4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4x4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected a map with 1 dimensions, one for each index, got (d0, d1) -> (d0)
func.func @map(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = "loop.read"(%A, %v) <{map = affine_map<(d0, d1) -> (d0)>, out_of_range = #loop<out_of_range clamp>}>
        : (memref<4xf32>, index) -> f32
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected a result of type f32, got f64
func.func @result(%A: memref<4xf32>, %C: memref<4xf64> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = "loop.read"(%A, %v) <{map = affine_map<(d0) -> (d0)>, out_of_range = #loop<out_of_range clamp>}>
        : (memref<4xf32>, index) -> f64
      loop.write %a, %C[%v] : memref<4xf64>
    }
  }
  func.return
}

// -----

// CHECK: expected a data-dependent index to stand alone in its dimension
func.func @data(%I: memref<4xi32>, %C: memref<4xi32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %n = loop.read %I[%v] : memref<4xi32>
      %at = arith.index_cast %n : i32 to index
      %a = loop.read %I[%at + %v] : memref<4xi32>
      loop.write %a, %C[%v] : memref<4xi32>
    }
  }
  func.return
}

// -----

// CHECK: expected indices of dimension 0 in 0..3, got 1..4
func.func @beyond(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v + 1] : memref<4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected a value of type f32, got f64
func.func @value(%A: memref<4xf64>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf64>
      "loop.write"(%a, %C, %v) <{map = affine_map<(d0) -> (d0)>}> : (f64, memref<4xf32>, index) -> ()
    }
  }
  func.return
}

// -----

// CHECK: expected writes at affine functions of iterators, got a data-dependent index
func.func @scatter(%I: memref<4xi32>, %C: memref<4xi32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %n = loop.read %I[%v] : memref<4xi32>
      %at = arith.index_cast %n : i32 to index
      loop.write %n, %C[%at] : memref<4xi32>
    }
  }
  func.return
}

// -----

// CHECK: expected as many buffers as values, at least one, got 1 and 0
func.func @nothing(%C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      "loop.reduce"(%C, %v) <{map = affine_map<(d0) -> (d0)>, identity = [], operandSegmentSizes = array<i32: 0, 1, 1>,
          fastmath = #arith.fastmath<none>}> ({
      ^bb0:
        loop.yield
      }) : (memref<4xf32>, index) -> ()
    }
  }
  func.return
}

// -----

// CHECK: expected a value of type f32, got f64
func.func @reduced(%A: memref<4xf64>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf64>
      "loop.reduce"(%a, %C, %v) <{map = affine_map<(d0) -> (d0)>, identity = [0.0 : f32],
          operandSegmentSizes = array<i32: 1, 1, 1>, fastmath = #arith.fastmath<none>}> ({
      ^bb0(%x: f32, %y: f32):
        loop.yield %x : f32
      }) : (f64, memref<4xf32>, index) -> ()
    }
  }
  func.return
}

// -----

// CHECK: expected writes at affine functions of iterators, got a data-dependent index
func.func @histogram(%I: memref<4xi32>, %C: memref<4xi32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %n = loop.read %I[%v] : memref<4xi32>
      %at = arith.index_cast %n : i32 to index
      loop.reduce (%n) into (%C)[%at] : memref<4xi32> combine(%x: i32, %y: i32) identity [0 : i32] {
        loop.yield %x : i32
      }
    }
  }
  func.return
}
