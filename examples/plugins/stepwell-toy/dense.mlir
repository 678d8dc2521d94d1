// A layer of an 8-bit network: integer products and sums, brought back to 8 bits, and a ReLU.
func.func @dense(%x: tensor<24x64xi8> {te.name = "x"}, %w: tensor<64x40xi8> {te.name = "w"}) -> (tensor<24x40xi8> {te.name = "y"}) {
  %sum = te.compute "sum" spatial(%i in 24, %j in 40) reduce(%k in 64) {
    %a = te.read %x[%i, %k] : tensor<24x64xi8>
    %b = te.read %w[%k, %j] : tensor<64x40xi8>
    %a32 = arith.extsi %a : i8 to i32
    %b32 = arith.extsi %b : i8 to i32
    %p = arith.muli %a32, %b32 : i32
    te.yield %p : i32
  } combine(%acc: i32, %p: i32) identity [0 : i32] flags [associative, commutative] {
    %s = arith.addi %acc, %p : i32
    te.yield %s : i32
  } -> tensor<24x40xi32>
  %quantized = te.compute "quantized" spatial(%i in 24, %j in 40) {
    %s = te.read %sum[%i, %j] : tensor<24x40xi32>
    %half = arith.constant 64 : i32
    %seven = arith.constant 7 : i32
    %least = arith.constant -128 : i32
    %most = arith.constant 127 : i32
    %rounded = arith.addi %s, %half : i32
    %quotient = arith.shrsi %rounded, %seven : i32
    %above = arith.maxsi %quotient, %least : i32
    %clamped = arith.minsi %above, %most : i32
    %q = arith.trunci %clamped : i32 to i8
    te.yield %q : i8
  } -> tensor<24x40xi8>
  %y = te.compute "y" spatial(%i in 24, %j in 40) {
    %q = te.read %quantized[%i, %j] : tensor<24x40xi8>
    %zero = arith.constant 0 : i8
    %r = arith.maxsi %q, %zero : i8
    te.yield %r : i8
  } -> tensor<24x40xi8>
  func.return %y : tensor<24x40xi8>
}
