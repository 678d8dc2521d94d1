// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a positive extent, got 0
loop.for %i : 0 {}

// -----

// CHECK: expected one induction variable of type index
"loop.for"() <{extent = 4 : index, kind = #loop<kind serial>}> ({
^bb0(%i: i64):
}) : () -> ()

// -----

// CHECK: expected a grain on a parallel loop only, got kind serial
"loop.for"() <{extent = 4 : index, kind = #loop<kind serial>, grain = 2 : index}> ({
^bb0(%i: index):
}) : () -> ()

// -----

// CHECK: expected a thread name on a bound loop, and only there
loop.for %i : 4 bound {}

// -----

// CHECK: expected a thread name on a bound loop, and only there
"loop.for"() <{extent = 4 : index, kind = #loop<kind virtual>, thread = "thread.x"}> ({
^bb0(%i: index):
}) : () -> ()

// -----

// CHECK: expected loop.for, loop.block or loop.alloc in a loop, got arith.constant
loop.for %i : 4 {
  %c = arith.constant 0 : index
}

// -----

// CHECK: expected an intrinsic on a tensorized loop, and only there
func.func @no_intrinsic(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected one block in a tensorized loop, in loops with nothing else
func.func @two(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    %t = loop.alloc "t" : memref<4xf32>
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xf32>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<4xf32>):
    loop.yield %a : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected tensors of elements of one buffer, got memref<4xi32>
func.func @element(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xi32>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<4xf32>):
    loop.yield %a : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected indices of memref<4xf32> over 1 loops, got (d0, d1) -> (d0)
func.func @loops(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0, d1) -> (d0)> : memref<4xf32>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<4xf32>):
    loop.yield %a : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected a nest that accesses all of memref<8xf32>, got (d0) -> (d0)
func.func @more(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<8xf32>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<8xf32>):
    %b = vector.shuffle %a, %a [0, 1, 2, 3] : vector<8xf32>, vector<8xf32>
    loop.yield %b : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected vectors of the elements of memref<4xf32>, got vector<8xf32>
func.func @vectors(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xf32>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<8xf32>):
    %b = vector.shuffle %a, %a [0, 1, 2, 3] : vector<8xf32>, vector<8xf32>
    loop.yield %b : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected vectors of the elements of tensors, got 1 more
func.func @argument(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xf32>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<4xf32>, %b: vector<4xf32>):
    loop.yield %a : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected rows of memref<4x1xf32> at loops of their own, got (d0, d1) -> (((d0 * 2) + d1), 0)
func.func @rows(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 2 tensorized("copy") {
    loop.for %j : 2 {
      loop.block "map0" spatial(%v in 4 = %i * 2 + %j) {
        %a = loop.read %A[%v] : memref<4xf32>
        loop.write %a, %B[%v] : memref<4xf32>
      }
    }
  } by [#loop.tensor<0, affine_map<(d0, d1) -> (d0 * 2 + d1, 0)> : memref<4x1xf32>>, #loop.tensor<1, affine_map<(d0, d1) -> (d0 * 2 + d1)> : memref<4xf32>>] {
  ^bb0(%a: vector<1xf32>, %b: vector<1xf32>, %c: vector<1xf32>, %d: vector<1xf32>):
    %e = vector.broadcast %a : vector<1xf32> to vector<4xf32>
    loop.yield %e : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected tensors of the 2 accesses of a tensorized nest
func.func @no_access(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<2, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<4xf32>):
    loop.yield %a : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected the implementation of a tensorized loop to end with loop.yield
func.func @no_yield(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xf32>>] {
  ^bb0(%a: vector<4xf32>):
    %b = arith.addf %a, %a : vector<4xf32>
  }
  func.return
}

// -----

// CHECK: expected an access and one index for each dimension of memref<4x4xf32>
func.func @rank(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 tensorized("copy") {
    loop.block "map0" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %B[%v] : memref<4xf32>
    }
  } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4x4xf32>>] {
  ^bb0(%a: vector<4xf32>):
    loop.yield %a : vector<4xf32>
  }
  func.return
}
