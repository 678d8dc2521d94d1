// The instruction itself, as a frontend that knows the unit would write it.
func.func @requantize(%x: tensor<100xi32> {te.name = "x"}) -> (tensor<100xi8> {te.name = "y"}) {
  %y = te.compute "y" spatial(%i in 100) {
    %e = te.read %x[%i] : tensor<100xi32>
    %q = toy.requantize %e shift 3 clamp [-8, 7] : i32 to i8
    te.yield %q : i8
  } -> tensor<100xi8>
  func.return %y : tensor<100xi8>
}
