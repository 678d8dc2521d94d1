// RUN: stepwell-opt %s -p loop-pack-constants --split-input-file | filecheck %s

// Two calls of a kernel with different weights, and one weight that another kernel takes as it is.

func.func @main(%x: memref<9xf32>, %y: memref<40xf32> {loop.output}, %z: memref<40xf32> {loop.output}, %w: memref<40x9xf32> {loop.constant, graph.weight = "w"}, %v: memref<40x9xf32> {loop.constant, graph.weight = "v"}) {
  %p = loop.pack %w by affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : memref<40x9xf32> to memref<3x9x16xf32>
  func.call @k(%x, %p, %y) : (memref<9xf32>, memref<3x9x16xf32>, memref<40xf32>) -> ()
  %q = loop.pack %v by affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : memref<40x9xf32> to memref<3x9x16xf32>
  func.call @k(%x, %q, %z) : (memref<9xf32>, memref<3x9x16xf32>, memref<40xf32>) -> ()
  func.call @plain(%v, %z) : (memref<40x9xf32>, memref<40xf32>) -> ()
  // The same weight in the same layout again.
  %r = loop.pack %w by affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : memref<40x9xf32> to memref<3x9x16xf32>
  func.call @k(%x, %r, %z) : (memref<9xf32>, memref<3x9x16xf32>, memref<40xf32>) -> ()
  func.return
}
func.func private @k(memref<9xf32>, memref<3x9x16xf32> {loop.constant}, memref<40xf32> {loop.output})
func.func private @plain(memref<40x9xf32> {loop.constant}, memref<40xf32> {loop.output})

// CHECK-LABEL: func.func @main(%x: memref<9xf32>, %y: memref<40xf32> {loop.output}, %z: memref<40xf32> {loop.output}, %p: memref<3x9x16xf32> {loop.constant, graph.weight = "w", loop.layout = #loop.layout<[40, 9], affine_map<(d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 16))>>}, %v: memref<40x9xf32> {loop.constant, graph.weight = "v"}, %q: memref<3x9x16xf32> {loop.constant, graph.weight = "v", loop.layout = #loop.layout<[40, 9], affine_map<(d0, d1) -> ((d0 floordiv 16), d1, (d0 mod 16))>>}) {
// CHECK-NEXT:    func.call @k(%x, %p, %y)
// CHECK-NEXT:    func.call @k(%x, %q, %z)
// CHECK-NEXT:    func.call @plain(%v, %z)
// CHECK-NEXT:    func.call @k(%x, %p, %z)
// CHECK-NEXT:    func.return

// -----

// A view of a weight is one, of another shape.

func.func @main(%y: memref<40xf32> {loop.output}, %w: memref<360xf32> {loop.constant, graph.weight = "w"}) {
  %v = memref.reinterpret_cast %w to offset: [0], sizes: [40, 9], strides: [9, 1] : memref<360xf32> to memref<40x9xf32>
  %p = loop.pack %v by affine_map<(o, c) -> (c, o)> : memref<40x9xf32> to memref<9x40xf32>
  func.call @k(%p, %y) : (memref<9x40xf32>, memref<40xf32>) -> ()
  func.return
}
func.func private @k(memref<9x40xf32> {loop.constant}, memref<40xf32> {loop.output})

// CHECK-LABEL: func.func @main(%y: memref<40xf32> {loop.output}, %p: memref<9x40xf32> {loop.constant, graph.weight = "w", loop.layout = #loop.layout<[40, 9], affine_map<(d0, d1) -> (d1, d0)>>}) {
// CHECK-NEXT:    func.call @k(%p, %y)
// CHECK-NEXT:    func.return

// -----

// What is no weight is packed each time.

func.func @main(%a: memref<5x2xf32>, %y: memref<5xf32> {loop.output}) {
  %p = loop.pack %a by affine_map<(o, c) -> (o floordiv 4, c, o mod 4)> : memref<5x2xf32> to memref<2x2x4xf32>
  func.call @k(%p, %y) : (memref<2x2x4xf32>, memref<5xf32>) -> ()
  func.return
}
func.func private @k(memref<2x2x4xf32> {loop.constant}, memref<5xf32> {loop.output})

// CHECK-LABEL: func.func @main(%a: memref<5x2xf32>, %y: memref<5xf32> {loop.output}) {
// CHECK-NEXT:    %p = memref.alloc() : memref<2x2x4xf32>
// CHECK-NEXT:    func.call @[[PACK:pack_[0-9a-f]+]](%a, %p) : (memref<5x2xf32>, memref<2x2x4xf32>) -> ()
// CHECK-NEXT:    func.call @k(%p, %y) {loop.packed}
// CHECK-NEXT:    memref.dealloc %p
// CHECK:       func.func private @[[PACK]](%{{.*}}: memref<5x2xf32>, %{{.*}}: memref<2x2x4xf32> {loop.output})
// CHECK:         arith.constant 0.000000e+00 : f32
// CHECK-NEXT:    loop.write
// CHECK:         loop.write %{{.*}}[%{{.*}} floordiv 4, %{{.*}}, %{{.*}} mod 4] : memref<2x2x4xf32>

// -----

// The input of a program is what it was.

func.func @k(%W: memref<2x2x4xf32> {loop.constant, te.name = "W", loop.layout = #loop.layout<[5, 2], affine_map<(o, c) -> (o floordiv 4, c, o mod 4)>>}, %B: memref<5x2xf32> {loop.output}) {
  loop.for %i : 5 {
    loop.for %j : 2 {
      loop.block "map0" spatial(%vi in 5 = %i, %vj in 2 = %j) {
        %w = loop.read %W[%vi floordiv 4, %vj, %vi mod 4] : memref<2x2x4xf32>
        loop.write %w, %B[%vi, %vj] : memref<5x2xf32>
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @k(%W: memref<5x2xf32> {loop.constant, te.name = "W"}, %B: memref<5x2xf32> {loop.output}) {
// CHECK-NEXT:    %W_packed = memref.alloc() : memref<2x2x4xf32>
// CHECK-NEXT:    func.call @pack_{{[0-9a-f]+}}(%W, %W_packed)
// CHECK-NEXT:    func.call @k_packed(%W_packed, %B) {loop.packed} : (memref<2x2x4xf32>, memref<5x2xf32>) -> ()
// CHECK-NEXT:    memref.dealloc %W_packed
// CHECK-NEXT:    func.return
// CHECK:       func.func private @k_packed(%W: memref<2x2x4xf32> {
