// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// Bindings that do not reach each point of the domain exactly once, or are not seen to.

// CHECK: block 'b': expected a sum that starts at 0, got 1
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 12 {
  loop.block "b" spatial(%v in 12 = (%i + 1) mod 12) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<12xf32>
  }
  }
  func.return
}

// -----

// CHECK: block 'b': expected a digit of scale 3, got 4
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 3 { loop.for %j : 3 {
  loop.block "b" spatial(%v in 12 = %i * 4 + %j) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<12xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected a digit of scale 6, got 4
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 2 { loop.for %j : 6 {
  loop.block "b" spatial(%v in 12 = %i * 4 + %j) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<12xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected a digit of scale 1, got -1
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 12 {
  loop.block "b" spatial(%v in 12 = %i * -1) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<12xf32>
  }
  }
  func.return
}

// -----

// CHECK: block 'b': expected an extent divisible by 8, got 12
func.func @f(%C: memref<3x4xf32> {loop.output}) {
  loop.for %f : 12 {
  loop.block "b" spatial(%v in 3 = %f floordiv 8, %w in 4 = %f mod 4) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v, %w] : memref<3x4xf32>
  }
  }
  func.return
}

// -----

// CHECK: block 'b': expected each part of a loop to bind one iterator, got one used twice or skipped
func.func @f(%C: memref<12x12xf32> {loop.output}) {
  loop.for %i : 12 {
  loop.block "b" spatial(%v in 12 = %i, %w in 12 = %i) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v, %w] : memref<12x12xf32>
  }
  }
  func.return
}

// -----

// CHECK: block 'b': expected the loop of extent 5 to bind an iterator of the block
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %r : 5 { loop.for %i : 12 {
  loop.block "b" spatial(%v in 12 = %i) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<12xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected a sum of 20 values to be used whole, got 10
func.func @f(%C: memref<10xf32> {loop.output}) {
  loop.for %i : 5 { loop.for %j : 4 {
  loop.block "b" spatial(%v in 10 = (%i * 4 + %j) mod 10) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<10xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected a spatial iterator of extent 12 to be covered, got 11 values
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 11 {
  loop.block "b" spatial(%v in 12 = %i) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %C[%v] : memref<12xf32>
  }
  }
  func.return
}

// -----

// CHECK: block 'b': expected a reduce iterator of extent 6 to be covered, got 5 values
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 12 { loop.for %k : 5 {
  loop.block "b" spatial(%v in 12 = %i) reduce(%r in 6 = %k) {
    loop.init {
      %z = arith.constant 0.0 : f32
      loop.write %z, %C[%v] : memref<12xf32>
    }
    %x = arith.constant 1.0 : f32
    loop.reduce (%x) into (%C)[%v] : memref<12xf32> combine(%s: f32, %t: f32) identity [0.0 : f32] {
      %n = arith.addf %s, %t : f32
      loop.yield %n : f32
    }
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected loops of reduce iterators to bind no other iterator
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %f : 72 {
  loop.block "b" spatial(%v in 12 = %f floordiv 6) reduce(%r in 6 = %f mod 6) {
    loop.init {
      %z = arith.constant 0.0 : f32
      loop.write %z, %C[%v] : memref<12xf32>
    }
    %x = arith.constant 1.0 : f32
    loop.reduce (%x) into (%C)[%v] : memref<12xf32> combine(%s: f32, %t: f32) identity [0.0 : f32] {
      %n = arith.addf %s, %t : f32
      loop.yield %n : f32
    }
  }
  }
  func.return
}

// -----

// CHECK: block 'b': expected a loop of a reduce iterator not to be parallel
func.func @f(%C: memref<12xf32> {loop.output}) {
  loop.for %i : 12 { loop.for %k : 6 parallel {
  loop.block "b" spatial(%v in 12 = %i) reduce(%r in 6 = %k) {
    loop.init {
      %z = arith.constant 0.0 : f32
      loop.write %z, %C[%v] : memref<12xf32>
    }
    %x = arith.constant 1.0 : f32
    loop.reduce (%x) into (%C)[%v] : memref<12xf32> combine(%s: f32, %t: f32) identity [0.0 : f32] {
      %n = arith.addf %s, %t : f32
      loop.yield %n : f32
    }
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected loops of ordered iterators outside of the block's other loops
func.func @f(%C: memref<7x12xf32> {loop.output}) {
  loop.for %i : 12 { loop.for %k : 6 {
  loop.block "b" ordered(%t in 6 = %k) spatial(%v in 12 = %i) {
    %s = loop.read %C[%t, %v] : memref<7x12xf32>
    loop.write %s, %C[%t + 1, %v] : memref<7x12xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected loops of ordered iterators to be serial or unrolled
func.func @f(%C: memref<7x12xf32> {loop.output}) {
  loop.for %k : 6 vectorized { loop.for %i : 12 {
  loop.block "b" ordered(%t in 6 = %k) spatial(%v in 12 = %i) {
    %s = loop.read %C[%t, %v] : memref<7x12xf32>
    loop.write %s, %C[%t + 1, %v] : memref<7x12xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected a sum of loops for an ordered iterator
func.func @f(%C: memref<7x12xf32> {loop.output}) {
  loop.for %k : 6 { loop.for %i : 12 {
  loop.block "b" ordered(%t in 6 = (%k mod 3) * 2 + %k floordiv 3) spatial(%v in 12 = %i) {
    %s = loop.read %C[%t, %v] : memref<7x12xf32>
    loop.write %s, %C[%t + 1, %v] : memref<7x12xf32>
  }
  }}
  func.return
}

// -----

// CHECK: block 'b': expected an ordered iterator to grow with its loops
func.func @f(%C: memref<7x12xf32> {loop.output}) {
  loop.for %a : 2 { loop.for %k : 3 { loop.for %i : 12 {
  loop.block "b" ordered(%t in 6 = %k * 2 + %a) spatial(%v in 12 = %i) {
    %s = loop.read %C[%t, %v] : memref<7x12xf32>
    loop.write %s, %C[%t + 1, %v] : memref<7x12xf32>
  }
  }}}
  func.return
}
