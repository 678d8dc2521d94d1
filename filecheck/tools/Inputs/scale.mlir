func.func @scale(%A: memref<8x64xf32>, %B: memref<8x64xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %j : 64 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 64 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x64xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %B[%vi, %vj] : memref<8x64xf32>
      }
    }
  }
  func.return
}
