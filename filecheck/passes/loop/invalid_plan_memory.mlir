// RUN: stepwell-opt %s -p loop-plan-memory --split-input-file --verify-diagnostics | filecheck %s

// CHECK: function 'kernel': expected types of buffers in 'loop.workspace', got f32
func.func private @kernel(memref<8xf32>) attributes {loop.workspace = [f32]}

// -----

// CHECK: function 'kernel': expected types of buffers in 'loop.workspace', got memref<?xi8>
func.func private @kernel(memref<8xf32>) attributes {loop.workspace = [memref<?xi8>]}
