// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// Buffers that live in loops: where they are seen, what of them is written before it is read.

// CHECK: expected a static shape, got memref<?xf32>
%b = loop.alloc "b" : memref<?xf32>

// -----

// CHECK: expected the uses of a buffer after its alloc, in the loop it lives in
func.func @after(%C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    "loop.block"(%i) <{sym_name = "map0", iterator_kinds = [#loop<iterator spatial>], extents = array<i64: 4>,
        bindings = affine_map<(d0) -> (d0)>}> ({
    ^bb0(%v: index):
      %a = "loop.read"(%b, %v) <{map = affine_map<(d0) -> (d0)>, out_of_range = #loop<out_of_range clamp>}>
        : (memref<4xf32>, index) -> f32
      loop.write %a, %C[%v] : memref<4xf32>
    }) : (index) -> ()
  }
  %b = loop.alloc "b" : memref<4xf32>
  func.return
}

// -----

// CHECK: expected all that block 'map0' reads of the buffer to be written before
func.func @nothing(%C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    %b = loop.alloc "b" : memref<4xf32>
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %b[%v] : memref<4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// What an iteration reads, an earlier one has written: its buffer is gone.

// CHECK: expected all that block 'map1' reads of the buffer to be written before
func.func @gone(%A: memref<4xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    %b = loop.alloc "b" : memref<4xf32>
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %b[%v] : memref<4xf32>
    }
    loop.block "map1" spatial(%v in 4 = %i) {
      %a = loop.read %b[0] : memref<4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// Each iteration writes three elements, and reads the fourth.

// CHECK: expected all that block 'map1' reads of the buffer to be written before
func.func @short(%A: memref<16xf32>, %C: memref<16xf32> {loop.output}) {
  loop.for %i : 4 {
    %b = loop.alloc "b" : memref<16xf32>
    loop.for %j : 3 {
      loop.block "map0" spatial(%v in 16 = %i * 4 + %j) {
        %a = loop.read %A[%v] : memref<16xf32>
        loop.write %a, %b[%v] : memref<16xf32>
      }
    }
    loop.for %j : 4 {
      loop.block "map1" spatial(%v in 16 = %i * 4 + %j) {
        %a = loop.read %b[%v] : memref<16xf32>
        loop.write %a, %C[%v] : memref<16xf32>
      }
    }
  }
  func.return
}

// -----

// In the last iteration, the writer does not run, but the reader does.

// CHECK: expected all that block 'map1' reads of the buffer to be written before
func.func @tail(%A: memref<3xf32>, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    %b = loop.alloc "b" : memref<1xf32>
    loop.block "map0" spatial(%v in 3 = %i, %w in 1 = 0) {
      %a = loop.read %A[%v] : memref<3xf32>
      loop.write %a, %b[%w] : memref<1xf32>
    }
    loop.block "map1" spatial(%v in 4 = %i) {
      %a = loop.read %b[0] : memref<1xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// A reduction without an init goes on with what was there.

// CHECK: expected all that block 'map0' reads of the buffer to be written before
func.func @init(%A: memref<4xf32>, %C: memref<1xf32> {loop.output}) {
  %b = loop.alloc "b" : memref<1xf32>
  loop.for %k : 4 {
    loop.block "reduce0" spatial(%v in 1 = 0) reduce(%r in 4 = %k) {
      %a = loop.read %A[%r] : memref<4xf32>
      loop.reduce (%a) into (%b)[%v] : memref<1xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        %s = arith.addf %x, %y : f32
        loop.yield %s : f32
      }
    }
  }
  loop.block "map0" spatial(%v in 1 = 0) {
    %a = loop.read %b[%v] : memref<1xf32>
    loop.write %a, %C[%v] : memref<1xf32>
  }
  func.return
}

// -----

// The reduction's loop is outside of the buffer that it reduces into.

// CHECK: block 'reduce0': expected a reduce binding that starts at 0 with the loops of the buffer's lifetime
func.func @lifetime(%A: memref<4xf32>) {
  loop.for %k : 4 {
    %b = loop.alloc "b" : memref<1xf32>
    loop.block "reduce0" spatial(%v in 1 = 0) reduce(%r in 4 = %k) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %b[%v] : memref<1xf32>
      }
      %a = loop.read %A[%r] : memref<4xf32>
      loop.reduce (%a) into (%b)[%v] : memref<1xf32> combine(%x: f32, %y: f32) identity [0.0 : f32] {
        %s = arith.addf %x, %y : f32
        loop.yield %s : f32
      }
    }
  }
  func.return
}

// -----

// A digit of loops of which one is outside of the buffer's lifetime.

// CHECK: block 'map0': expected floordiv and mod of loops inside or outside of the buffer's lifetime, got both
func.func @mixed(%A: memref<6xf32>) {
  loop.for %i : 4 {
    %b = loop.alloc "b" : memref<6xf32>
    loop.for %j : 3 {
      loop.block "map0" spatial(%v in 6 = (%i * 3 + %j) floordiv 2) {
        %a = loop.read %A[%v] : memref<6xf32>
        loop.write %a, %b[%v] : memref<6xf32>
      }
    }
  }
  func.return
}

// -----

// The rows of a scan are kept from step to step.

// CHECK: expected the state of a scan to live outside of loops
func.func @state(%A: memref<4xf32>, %C: memref<4x5xf32> {loop.output}) {
  loop.for %i : 4 {
    %b = loop.alloc "b" : memref<5xf32>
    loop.block "map0" spatial(%v in 4 = %i, %w in 1 = 0) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %b[%w] : memref<5xf32>
    }
    loop.for %t : 4 {
      loop.block "scan0" ordered(%s in 4 = %t) {
        %a = loop.read %b[%s] : memref<5xf32>
        loop.write %a, %b[%s + 1] : memref<5xf32>
      }
    }
    loop.for %j : 5 {
      loop.block "map1" spatial(%v in 4 = %i, %w in 5 = %j) {
        %a = loop.read %b[%w] : memref<5xf32>
        loop.write %a, %C[%v, %w] : memref<4x5xf32>
      }
    }
  }
  func.return
}

// -----

// A layout lists each dimension once.

func.func @f(%D: memref<4x5xf32> {loop.output}) {
  %b = loop.alloc "b" {layout = array<i64: 1, 1>} : memref<4x5xf32>
  func.return
}
// CHECK: expected a layout that permutes 2 dimensions, got [1, 1]
