// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected loop.write in an init, got loop.reduce
func.func @reduces(%A: memref<4xf32>, %C: memref<1xf32> {loop.output}) {
  loop.for %k : 4 {
    loop.block "b" spatial(%v in 1 = 0) reduce(%r in 4 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.reduce (%z) into (%C)[%v] : memref<1xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
          loop.yield %x : f32
        }
      }
      %a = loop.read %A[%r] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<1xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        loop.yield %x : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected an init over spatial and ordered iterators, got a reduce iterator
func.func @iterator(%A: memref<4xf32>, %C: memref<1xf32> {loop.output}) {
  loop.for %k : 4 {
    loop.block "b" spatial(%v in 1 = 0) reduce(%r in 4 = %k) {
      loop.init {
        %z = loop.read %A[%r] : memref<4xf32>
        loop.write %z, %C[%v] : memref<1xf32>
      }
      %a = loop.read %A[%r] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<1xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        loop.yield %x : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected the init of block 'b' to write what the block reduces into
func.func @other(%A: memref<4xf32>, %C: memref<1xf32> {loop.output}, %D: memref<1xf32> {loop.output}) {
  loop.for %k : 4 {
    loop.block "b" spatial(%v in 1 = 0) reduce(%r in 4 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %D[%v] : memref<1xf32>
      }
      %a = loop.read %A[%r] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<1xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        loop.yield %x : f32
      }
    }
  }
  func.return
}
