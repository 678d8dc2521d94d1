// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a combiner over (f32, f32), got (f32)
func.func @arguments(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32) identity [0.0 : f32] {
        loop.yield %x : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected 1 identity values, got 2
func.func @identities(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32, 0.0 : f32] {
        loop.yield %x : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected an identity of type f32, got 0 : i32
func.func @identity(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0 : i32] {
        loop.yield %x : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected a combiner that ends with loop.yield
func.func @terminator(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        %s = arith.addf %x, %y : f32
        "test.termop"(%s) : (f32) -> ()
      }
    }
  }
  func.return
}

// -----

// CHECK: expected a combiner that yields (f32), got (i1)
func.func @yielded(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        %s = arith.cmpf ogt, %x, %y : f32
        loop.yield %s : i1
      }
    }
  }
  func.return
}

// -----

// CHECK: expected scalar arith, math or scf.if in a combiner, got loop.read
func.func @body(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        %s = loop.read %A[%v] : memref<4xf32>
        loop.yield %s : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: expected the combiner to use its own arguments only, got a value from outside
func.func @outside(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.reduce (%a) into (%C)[%v] : memref<4xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        %s = arith.addf %x, %a : f32
        loop.yield %s : f32
      }
    }
  }
  func.return
}
