// RUN: stepwell-opt %s -p convert-graph-to-te | filecheck %s

// Integers have no sign below rung 1: the ops say it, and arguments and results of functions are marked.

// CHECK-LABEL: func.func @main(%x: tensor<4xi8> {te.unsigned}, %w: tensor<4xi8> {te.name = "w", loop.constant, graph.weight = "w", te.unsigned}) -> (tensor<4xi1>, tensor<4xi8> {te.unsigned})
func.func @main(%x: tensor<4xui8>) -> (tensor<4xi1>, tensor<4xui8>) {
  %w = graph.weight @w : tensor<4xui8>
  // CHECK: te.compute "add"
  %z = graph.add %x, %w : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  // CHECK: arith.constant -56 : i8
  %c = graph.constant dense<200> : tensor<ui8>
  // CHECK: arith.cmpi ult, {{.*}} : i8
  %less = graph.less %z, %c : (tensor<4xui8>, tensor<ui8>) -> tensor<4xi1>
  // CHECK: arith.maxui {{.*}} : i8
  %max = graph.max %z, %c : (tensor<4xui8>, tensor<ui8>) -> tensor<4xui8>
  func.return %less, %max : tensor<4xi1>, tensor<4xui8>
}
graph.data @w = dense<[1, 2, 3, 250]> : tensor<4xui8>
