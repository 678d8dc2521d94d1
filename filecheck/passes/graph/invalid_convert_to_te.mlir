// RUN: stepwell-opt %s -p convert-graph-to-te --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected extents that are static or named by #te.shape, got tensor<?xf32>
func.func @unknown(%x: tensor<?xf32>) {
  %0 = graph.relu %x : tensor<?xf32>
  func.return
}

// -----

// CHECK: expected weights as arguments of @callee, which is called, got graph.weight
func.func @main() {
  func.call @callee() : () -> ()
  func.return
}
func.func @callee() {
  %w = graph.weight @w : tensor<4xf32>
  func.return
}
graph.data @w : tensor<4xf32>
