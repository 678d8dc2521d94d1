// RUN: stepwell tune %s --print-space --space %S/Inputs/knobs.mlir | filecheck %s
// RUN: stepwell tune %s --print-space | filecheck %s --check-prefix=RULES

// CHECK: // {{[0-9a-f]+}}  B (64xf32) -> 64xf32
// CHECK: 3 candidates, {{[0-9]+}}% of them keep the constraints
// CHECK: //   size: 4, 8, 16
// CHECK: transform.tune.knob<"size"> options = [4 : i64, 8 : i64, 16 : i64]

// RULES: // {{[0-9a-f]+}}  B (64xf32) -> 64xf32
// RULES: // {{[0-9]+}} sketches, {{[0-9,]+}} candidates
// RULES: transform.named_sequence
func.func @main(%A: tensor<64xf32> {te.name = "A"}) -> tensor<64xf32> {
  %B = te.compute "B" spatial(%i in 64) {
    %a = te.read %A[%i] : tensor<64xf32>
    %b = arith.addf %a, %a : f32
    te.yield %b : f32
  } -> tensor<64xf32>
  func.return %B : tensor<64xf32>
}
