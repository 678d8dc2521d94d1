// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a place in bytes (memref<…xi8>), got memref<64xf32>
func.func @no_bytes(%w: memref<64xf32> {loop.workspace}) {
  %a = loop.alloc "a" in %w[0] of memref<64xf32> : memref<4xf32>
  func.return
}

// -----

// CHECK: expected an offset that is a multiple of 64
func.func @unaligned(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.alloc "a" in %w[4] of memref<64xi8> : memref<4xf32>
  func.return
}

// -----

// CHECK: expected a positive number of slots, got 0
func.func @no_slots(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.alloc "a" in %w[0] of memref<64xi8> slots 0 : memref<4xf32>
  func.return
}

// -----

// CHECK: expected an offset and slots of a buffer in a workspace only
func.func @no_workspace() {
  %a = "loop.alloc"() <{sym_name = "a", slots = 2 : i64}> : () -> memref<4xf32>
  func.return
}
