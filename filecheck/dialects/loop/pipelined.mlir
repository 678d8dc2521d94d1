// RUN: stepwell-opt %s --split-input-file | stepwell-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @pipelined(
func.func @pipelined(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  // CHECK-NEXT: loop.for %i : 8 pipelined {
  loop.for %i : 8 pipelined {
    // CHECK-NEXT: %L = loop.alloc "L" {layout = array<i64: 0>, multibuffer = 3 : i64, note} : memref<8xf32, "local">
    %L = loop.alloc "L" {note, multibuffer = 3 : i64, layout = array<i64: 0>} : memref<8xf32, "local">
    loop.block "copy" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %L[%v] : memref<8xf32, "local">
    }
    loop.block "map0" spatial(%v in 8 = %i) {
      %l = loop.read %L[%v] : memref<8xf32, "local">
      loop.write %l, %D[%v] : memref<8xf32>
    }
  }
  func.return
}
