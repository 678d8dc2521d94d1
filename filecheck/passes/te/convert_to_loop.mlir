// RUN: stepwell-opt %s -p convert-te-to-loop --split-input-file | filecheck %s

// A reduction and an epilogue: the first is a buffer, the second the output.

// CHECK-LABEL: func.func @matmul_relu(%A: memref<5x7xf32> {te.name = "A"}, %B: memref<7x6xf32> {loop.constant}, %D: memref<5x6xf32> {te.name = "D", loop.output}) {
func.func @matmul_relu(%A: tensor<5x7xf32> {te.name = "A"}, %B: tensor<7x6xf32> {loop.constant}) -> (tensor<5x6xf32> {te.name = "D"}) {
  // CHECK-NEXT: %C = loop.alloc "C" : memref<5x6xf32>
  // CHECK-NEXT: loop.for %i : 5 {
  // CHECK-NEXT:   loop.for %j : 6 {
  // CHECK-NEXT:     loop.for %k : 7 {
  // CHECK-NEXT:       loop.block "reduce0" alias "C" spatial(%vi in 5 = %i, %vj in 6 = %j) reduce(%vk in 7 = %k) {
  // CHECK-NEXT:         loop.init {
  // CHECK-NEXT:           %[[zero:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK-NEXT:           loop.write %[[zero]], %C[%vi, %vj] : memref<5x6xf32>
  // CHECK-NEXT:         }
  // CHECK-NEXT:         %a = loop.read %A[%vi, %vk] : memref<5x7xf32>
  // CHECK-NEXT:         %b = loop.read %B[%vk, %vj] : memref<7x6xf32>
  // CHECK-NEXT:         %p = arith.mulf %a, %b : f32
  // CHECK-NEXT:         loop.reduce (%p) into (%C)[%vi, %vj] : memref<5x6xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
  // CHECK-NEXT:           %s = arith.addf %acc, %x : f32
  // CHECK-NEXT:           loop.yield %s : f32
  %C = te.compute "C" spatial(%i in 5, %j in 6) reduce(%k in 7) {
    %a = te.read %A[%i, %k] : tensor<5x7xf32>
    %b = te.read %B[%k, %j] : tensor<7x6xf32>
    %p = arith.mulf %a, %b : f32
    te.yield %p : f32
  } combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
    %s = arith.addf %acc, %x : f32
    te.yield %s : f32
  } -> tensor<5x6xf32>
  // CHECK: loop.block "map0" alias "D" spatial(%vi in 5 = %i, %vj in 6 = %j) {
  // CHECK-NEXT: %c = loop.read %C[%vi, %vj] : memref<5x6xf32>
  // CHECK:      loop.write %{{.*}}, %D[%vi, %vj] : memref<5x6xf32>
  %D = te.compute "D" spatial(%i in 5, %j in 6) {
    %c = te.read %C[%i, %j] : tensor<5x6xf32>
    %z = arith.constant 0.0 : f32
    %r = arith.maximumf %c, %z : f32
    te.yield %r : f32
  } -> tensor<5x6xf32>
  // CHECK:      func.return
  // CHECK-NEXT: }
  func.return %D : tensor<5x6xf32>
}

// -----

// Several results; reads at data.

// CHECK-LABEL: func.func @argmax(%A: memref<9x4xf32>, %I: memref<2xi32>, %i: memref<2xi64> {loop.output}, %v: memref<2xf32> {loop.output})
func.func @argmax(%A: tensor<9x4xf32>, %I: tensor<2xi32>) -> (tensor<2xi64>, tensor<2xf32>) {
  // CHECK: loop.block "reduce0" alias "M"
  // CHECK:   loop.init {
  // CHECK:     loop.write %{{.*}}, %i[%vr] : memref<2xi64>
  // CHECK:     loop.write %{{.*}}, %v[%vr] : memref<2xf32>
  %i, %v = te.compute "M" spatial(%r in 2) reduce(%k in 4) {
    %at = te.read %I[%r] : tensor<2xi32>
    %row = arith.index_cast %at : i32 to index
    // CHECK: %a = loop.read %A[%row, %vk] wrap : memref<9x4xf32>
    %a = te.read %A[%row, %k] wrap : tensor<9x4xf32>
    %index = arith.index_cast %k : index to i64
    // CHECK: loop.reduce (%index, %a) into (%i, %v)[%vr] : memref<2xi64>, memref<2xf32> combine
    te.yield %index, %a : i64, f32
  } combine(%ai: i64, %av: f32, %xi: i64, %xv: f32) identity [0 : i64, 0xff800000 : f32] {
    %c = arith.cmpf ogt, %xv, %av : f32
    %ni = arith.select %c, %xi, %ai : i64
    %nv = arith.select %c, %xv, %av : f32
    te.yield %ni, %nv : i64, f32
  } -> (tensor<2xi64>, tensor<2xf32>)
  func.return %i, %v : tensor<2xi64>, tensor<2xf32>
}

// -----

// An output that is returned twice, and an input that is returned, are copied.

// CHECK-LABEL: func.func @copies(%A: memref<3xf32>, %B: memref<3xf32> {loop.output}, %B_1: memref<3xf32> {loop.output}, %A_1: memref<3xf32> {loop.output})
func.func @copies(%A: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  // CHECK: loop.block "map0" alias "B"
  // CHECK: loop.write %{{.*}}, %B[%vi]
  %B = te.compute "B" spatial(%i in 3) {
    %a = te.read %A[%i] : tensor<3xf32>
    te.yield %a : f32
  } -> tensor<3xf32>
  // CHECK: loop.block "map1" spatial(
  // CHECK-NEXT: %[[b:.*]] = loop.read %B[
  // CHECK-NEXT: loop.write %[[b]], %B_1[%vi0]
  // CHECK: loop.block "map2" spatial(
  // CHECK-NEXT: %[[a:.*]] = loop.read %A[
  // CHECK-NEXT: loop.write %[[a]], %A_1[%vi0]
  func.return %B, %B, %A : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// No iterators: a block outside of loops.

// CHECK-LABEL: func.func @scalar
func.func @scalar(%A: tensor<f32>) -> tensor<f32> {
  // CHECK-NEXT: loop.block "map0" alias "B" {
  // CHECK-NEXT:   %a = loop.read %A[] : memref<f32>
  // CHECK-NEXT:   loop.write %a, %B[] : memref<f32>
  %B = te.compute "B" spatial() {
    %a = te.read %A[] : tensor<f32>
    te.yield %a : f32
  } -> tensor<f32>
  func.return %B : tensor<f32>
}

// -----

// A scan: the initial rows, then the steps; what is not a row lives for one step.

// CHECK-LABEL: func.func @scan(%S0: memref<2x4xf32>, %X: memref<5x4xf32>, %S: memref<7x4xf32> {loop.output})
func.func @scan(%S0: tensor<2x4xf32>, %X: tensor<5x4xf32>) -> tensor<7x4xf32> {
  // CHECK: loop.block "map0" alias "S_init" spatial(%vi0 in 2 = %i0, %vi1 in 4 = %i1) {
  // CHECK: loop.for %t : 5 {
  // CHECK-NEXT: %v = loop.alloc "V" : memref<4xf32>
  %S = te.scan "S" ordered(%t in 5) init(%s = %S0 : tensor<2x4xf32>) {
    // CHECK: loop.block "map1" alias "V" spatial(%vt in 5 = %t, %vj in 4 = %j) {
    // CHECK-NEXT: %a = loop.read %S[%vt, %vj] : memref<7x4xf32>
    // CHECK-NEXT: loop.write %a, %v[%vj] : memref<4xf32>
    %v = te.compute "V" spatial(%j in 4) {
      %a = te.read %s[%t, %j] : tensor<7x4xf32>
      te.yield %a : f32
    } -> tensor<4xf32>
    // CHECK: loop.block "scan0" alias "U" ordered(%vt in 5 = %t) spatial(%vj in 4 = %j) {
    // CHECK:   %b = loop.read %S[%vt + 1, %vj] : memref<7x4xf32>
    // CHECK:   loop.write %{{.*}}, %S[%vt + 2, %vj] : memref<7x4xf32>
    %u = te.compute "U" spatial(%j in 4) {
      %a = te.read %v[%j] : tensor<4xf32>
      %b = te.read %s[%t + 1, %j] : tensor<7x4xf32>
      %x = te.read %X[%t, %j] : tensor<5x4xf32>
      %ab = arith.addf %a, %b : f32
      %abx = arith.addf %ab, %x : f32
      te.yield %abx : f32
    } -> tensor<4xf32>
    te.yield %u : tensor<4xf32>
  } -> tensor<7x4xf32>
  func.return %S : tensor<7x4xf32>
}

// -----

// A row that two states take is computed once and copied; a reduction over a tuple whose results are at different rows
// goes through buffers of its own.

// CHECK-LABEL: func.func @two_states
func.func @two_states(%S0: tensor<1xf32>, %T0: tensor<2xf32>) -> (tensor<4xf32>, tensor<5xf32>) {
  %S, %T = te.scan "S" ordered(%t in 3) init(%s = %S0 : tensor<1xf32>, %r = %T0 : tensor<2xf32>) {
    // CHECK: loop.for %t : 3 {
    // CHECK-NEXT: loop.alloc "U" : memref<f32>
    // CHECK-NEXT: loop.alloc "U" : memref<f32>
    // CHECK: loop.reduce
    %u, %v = te.compute "U" spatial() reduce(%k in 2) {
      %a = te.read %r[%t + %k] : tensor<5xf32>
      te.yield %a, %a : f32, f32
    } combine(%a0: f32, %a1: f32, %x0: f32, %x1: f32) identity [0.0 : f32, 0.0 : f32] {
      %s0 = arith.addf %a0, %x0 : f32
      %s1 = arith.addf %a1, %x1 : f32
      te.yield %s0, %s1 : f32, f32
    } -> (tensor<f32>, tensor<f32>)
    // CHECK: loop.block "scan0" ordered(%vt in 3 = %t) {
    // CHECK: loop.write %{{.*}}, %S[%vt + 1] : memref<4xf32>
    // CHECK: loop.block "scan1" ordered(%vt in 3 = %t) {
    // CHECK: loop.write %{{.*}}, %T[%vt + 2] : memref<5xf32>
    te.yield %u, %v : tensor<f32>, tensor<f32>
  } -> (tensor<4xf32>, tensor<5xf32>)
  func.return %S, %T : tensor<4xf32>, tensor<5xf32>
}

// -----

// A function that calls kernels: buffers that live until it returns, and outputs that kernels write themselves.

// CHECK-LABEL: func.func @main(%A: memref<3xf32>, %C: memref<3xf32> {loop.output}, %C_1: memref<3xf32> {loop.output}) {
func.func @main(%A: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  // CHECK-NEXT: %B = memref.alloc() : memref<3xf32>
  // CHECK-NEXT: func.call @kernel0(%A, %B) : (memref<3xf32>, memref<3xf32>) -> ()
  %B = func.call @kernel0(%A) : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK-NEXT: func.call @kernel0(%B, %C) : (memref<3xf32>, memref<3xf32>) -> ()
  %C = func.call @kernel0(%B) : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK-NEXT: "memref.copy"(%C, %C_1) : (memref<3xf32>, memref<3xf32>) -> ()
  // CHECK-NEXT: memref.dealloc %B : memref<3xf32>
  // CHECK-NEXT: func.return
  func.return %C, %C : tensor<3xf32>, tensor<3xf32>
}
// CHECK-LABEL: func.func private @kernel0(%A: memref<3xf32>, %B: memref<3xf32> {loop.output})
func.func private @kernel0(%A: tensor<3xf32>) -> tensor<3xf32> {
  %B = te.compute "B" spatial(%i in 3) {
    %a = te.read %A[%i] : tensor<3xf32>
    te.yield %a : f32
  } -> tensor<3xf32>
  func.return %B : tensor<3xf32>
}

// -----

// What has no sign stays marked.

// CHECK: func.func @halves(%A: memref<8xi8> {te.name = "A", te.unsigned}, %H: memref<8xi8> {te.unsigned, loop.output}) {
func.func @halves(%A: tensor<8xi8> {te.name = "A", te.unsigned}) -> (tensor<8xi8> {te.unsigned}) {
  %H = te.compute "H" spatial(%i in 8) {
    %a = te.read %A[%i] : tensor<8xi8>
    %2 = arith.constant 2 : i8
    // CHECK: arith.divui
    %h = arith.divui %a, %2 : i8
    te.yield %h : i8
  } -> tensor<8xi8>
  func.return %H : tensor<8xi8>
}
