// RUN: stepwell-opt %s -p loop-elide-copies --split-input-file | filecheck %s

// A copy in row-major order is another name of what it copies, also of an input; what follows reads that.
// CHECK-LABEL: func.func @main(%x: memref<6x4xf32>, %y: memref<3x8xf32> {loop.output}) {
// CHECK-NEXT:    %a = memref.reinterpret_cast %x to offset: [0], sizes: [3, 8], strides: [8, 1] : memref<6x4xf32> to memref<3x8xf32>
// CHECK-NEXT:    func.call @use(%a, %y) : (memref<3x8xf32>, memref<3x8xf32>) -> ()
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
// CHECK-NOT:     @reshape
func.func @main(%x: memref<6x4xf32>, %y: memref<3x8xf32> {loop.output}) {
  %a = memref.alloc() : memref<3x8xf32>
  func.call @reshape(%x, %a) : (memref<6x4xf32>, memref<3x8xf32>) -> ()
  func.call @use(%a, %y) : (memref<3x8xf32>, memref<3x8xf32>) -> ()
  memref.dealloc %a : memref<3x8xf32>
  func.return
}
func.func private @reshape(%x: memref<6x4xf32>, %y: memref<3x8xf32> {loop.output}) {
  loop.for %i : 3 {
    loop.for %j : 8 {
      loop.block "map0" spatial(%v in 3 = %i, %u in 8 = %j) {
        %0 = loop.read %x[(%v * 8 + %u) floordiv 4, (%v * 8 + %u) mod 4] : memref<6x4xf32>
        loop.write %0, %y[%v, %u] : memref<3x8xf32>
      }
    }
  }
  func.return
}
func.func private @use(%x: memref<3x8xf32>, %y: memref<3x8xf32> {loop.output}) {
  loop.for %i : 3 {
    loop.for %j : 8 {
      loop.block "map0" spatial(%vi in 3 = %i, %vj in 8 = %j) {
        %0 = loop.read %x[%vi, %vj] : memref<3x8xf32>
        %1 = arith.negf %0 : f32
        loop.write %1, %y[%vi, %vj] : memref<3x8xf32>
      }
    }
  }
  func.return
}

// -----

// What is copied to an output is written there.
// CHECK-LABEL: func.func @main(%x: memref<8xf32>, %y: memref<2x1x4xf32> {loop.output}, %z: memref<8xf32> {loop.output}) {
// CHECK-NEXT:    %a = memref.reinterpret_cast %y to offset: [0], sizes: [8], strides: [1] : memref<2x1x4xf32> to memref<8xf32>
// CHECK-NEXT:    func.call @make(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:    "memref.copy"(%a, %z)
// CHECK-NEXT:    func.return
func.func @main(%x: memref<8xf32>, %y: memref<2x1x4xf32> {loop.output}, %z: memref<8xf32> {loop.output}) {
  %a = memref.alloc() : memref<8xf32>
  func.call @make(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @reshape(%a, %y) : (memref<8xf32>, memref<2x1x4xf32>) -> ()
  "memref.copy"(%a, %z) : (memref<8xf32>, memref<8xf32>) -> ()
  memref.dealloc %a : memref<8xf32>
  func.return
}
func.func private @make(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %0 = loop.read %x[%vi] : memref<8xf32>
      %1 = arith.negf %0 : f32
      loop.write %1, %y[%vi] : memref<8xf32>
    }
  }
  func.return
}
func.func private @reshape(%x: memref<8xf32>, %y: memref<2x1x4xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 1 {
      loop.for %k : 4 {
        loop.block "map0" spatial(%v in 2 = %i, %u in 1 = %j, %w in 4 = %k) {
          %0 = loop.read %x[%v * 4 + %w] : memref<8xf32>
          loop.write %0, %y[%v, %u, %w] : memref<2x1x4xf32>
        }
      }
    }
  }
  func.return
}

// -----

// An output that copies an input is a copy. So is what is copied when one of the two is written again.
// CHECK-LABEL: func.func @main(
// CHECK-NEXT:    func.call @same(%x, %y)
// CHECK-NEXT:    %a = memref.alloc() : memref<8xf32>
// CHECK-NEXT:    %b = memref.alloc() : memref<8xf32>
// CHECK-NEXT:    func.call @make(%x, %a)
// CHECK-NEXT:    func.call @same(%a, %b)
// CHECK-NEXT:    func.call @make(%b, %a)
// CHECK-NEXT:    func.call @add(%a, %b, %z)
func.func @main(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}, %z: memref<8xf32> {loop.output}) {
  func.call @same(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  func.call @make(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @same(%a, %b) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @make(%b, %a) : (memref<8xf32>, memref<8xf32>) -> ()
  func.call @add(%a, %b, %z) : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> ()
  func.return
}
func.func private @make(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %0 = loop.read %x[%vi] : memref<8xf32>
      %1 = arith.negf %0 : f32
      loop.write %1, %y[%vi] : memref<8xf32>
    }
  }
  func.return
}
func.func private @add(%a: memref<8xf32>, %b: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%v in 8 = %i) {
      %0 = loop.read %a[%v] : memref<8xf32>
      %1 = loop.read %b[%v] : memref<8xf32>
      %2 = arith.addf %0, %1 : f32
      loop.write %2, %y[%v] : memref<8xf32>
    }
  }
  func.return
}
func.func private @same(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%v in 8 = %i) {
      %0 = loop.read %x[%v] : memref<8xf32>
      loop.write %0, %y[%v] : memref<8xf32>
    }
  }
  func.return
}

// -----

// Another order, or another number of elements, is a kernel.
// CHECK-LABEL: func.func @main(
// CHECK:         func.call @transpose(
// CHECK:         func.call @broadcast(
// CHECK:         func.call @negate(
func.func @main(%x: memref<2x3xf32>, %y: memref<2x3x2xf32> {loop.output}) {
  %a = memref.alloc() : memref<3x2xf32>
  func.call @transpose(%x, %a) : (memref<2x3xf32>, memref<3x2xf32>) -> ()
  %b = memref.alloc() : memref<2x3x2xf32>
  func.call @broadcast(%a, %b) : (memref<3x2xf32>, memref<2x3x2xf32>) -> ()
  func.call @negate(%b, %y) : (memref<2x3x2xf32>, memref<2x3x2xf32>) -> ()
  func.return
}
func.func private @transpose(%x: memref<2x3xf32>, %y: memref<3x2xf32> {loop.output}) {
  loop.for %i : 3 {
    loop.for %j : 2 {
      loop.block "map0" spatial(%v in 3 = %i, %u in 2 = %j) {
        %0 = loop.read %x[%u, %v] : memref<2x3xf32>
        loop.write %0, %y[%v, %u] : memref<3x2xf32>
      }
    }
  }
  func.return
}
func.func private @broadcast(%x: memref<3x2xf32>, %y: memref<2x3x2xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 3 {
      loop.for %k : 2 {
        loop.block "map0" spatial(%v in 2 = %i, %u in 3 = %j, %w in 2 = %k) {
          %0 = loop.read %x[%u, %w] : memref<3x2xf32>
          loop.write %0, %y[%v, %u, %w] : memref<2x3x2xf32>
        }
      }
    }
  }
  func.return
}
func.func private @negate(%x: memref<2x3x2xf32>, %y: memref<2x3x2xf32> {loop.output}) {
  loop.for %i : 2 {
    loop.for %j : 3 {
      loop.for %k : 2 {
        loop.block "map0" spatial(%vi in 2 = %i, %vj in 3 = %j, %vk in 2 = %k) {
          %0 = loop.read %x[%vi, %vj, %vk] : memref<2x3x2xf32>
          %1 = arith.negf %0 : f32
          loop.write %1, %y[%vi, %vj, %vk] : memref<2x3x2xf32>
        }
      }
    }
  }
  func.return
}
