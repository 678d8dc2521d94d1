// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a view inside of memref<64xi8>, got bytes 32 to 96
func.func @outside(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.view "a" %w[32] : memref<64xi8> to memref<16xf32>
  func.return
}

// -----

// CHECK: expected a view inside of memref<64xi8>, got bytes -4 to 0
func.func @before(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.view "a" %w[-4] : memref<64xi8> to memref<1xf32>
  func.return
}

// -----

// CHECK: expected an offset that is a multiple of the size of f32, got 2
func.func @unaligned(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.view "a" %w[2] : memref<64xi8> to memref<4xf32>
  func.return
}

// -----

// CHECK: expected a view into bytes (memref<…xi8>), got memref<64xf32>
func.func @no_bytes(%w: memref<64xf32> {loop.workspace}) {
  %a = loop.view "a" %w[0] : memref<64xf32> to memref<4xf32>
  func.return
}

// -----

// CHECK: expected a static shape, got memref<?xf32>
func.func @dynamic(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.view "a" %w[0] : memref<64xi8> to memref<?xf32>
  func.return
}

// -----

// CHECK: expected memrefs without a layout
func.func @layout(%w: memref<64xi8> {loop.workspace}) {
  %a = loop.view "a" %w[0] : memref<64xi8> to memref<4xf32, strided<[2]>>
  func.return
}
