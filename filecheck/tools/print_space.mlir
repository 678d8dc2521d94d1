// Spaces print as sketches: transform scripts with open knobs.

// RUN: stepwell tune %s --print-space --no-shipped --threads 1 | filecheck %s

// CHECK: matmul (64x48xf32, 48x80xf32) -> 64x80xf32
// CHECK-NEXT: sketches
// CHECK: // contraction/tiles, columns inside, panel copied, rows as they lie: {{.*}} candidates, {{.*}} of them keep the constraints
// CHECK-NEXT: vectors:
// CHECK-NEXT: rows:
// CHECK-NEXT: panels:
// CHECK-NEXT: step: 1, 2, 4, 8
// CHECK: transform.named_sequence @__transform_main
// CHECK: sched.match_block "reduce0"
// CHECK: transform.tune.knob<"vectors"> options = [
// CHECK: sched.constrain %{{.*}} le {{[0-9]+}}
// CHECK: sched.tile
// CHECK: sched.peel

func.func @matmul(%a: tensor<64x48xf32> {te.name = "a"}, %b: tensor<48x80xf32> {te.name = "b"}) -> (tensor<64x80xf32> {te.name = "c"}) {
  %c = te.compute "matmul" spatial(%i in 64, %j in 80) reduce(%k in 48) {
    %x = te.read %a[%i, %k] : tensor<64x48xf32>
    %y = te.read %b[%k, %j] : tensor<48x80xf32>
    %p = arith.mulf %x, %y fastmath<contract> : f32
    te.yield %p : f32
  } combine(%acc: f32, %p: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc, contract> {
    %s = arith.addf %acc, %p fastmath<reassoc, contract> : f32
    te.yield %s : f32
  } -> tensor<64x80xf32>
  func.return %c : tensor<64x80xf32>
}
