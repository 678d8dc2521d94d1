// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s

// What an intrinsic writes too much is harmless where memory has places for it that hold nothing valid. Here it has:
// the rows of the buffer are longer than what the program knows of them.

// CHECK-LABEL: func.func @room
// CHECK:         affine.for %i = 0 to 3 {
// CHECK-NEXT:      {{%.*}} = affine.vector_load %A[%i, 0]
// CHECK-NEXT:      affine.vector_store {{.*}}, %T[%i, 0]
// CHECK-NEXT:    }
func.func @room(%A: memref<3x8xi8>, %C: memref<3x6xi8> {loop.output}) {
  %T = loop.alloc "T" {align = array<i64: 0, 8, 0>} : memref<3x6xi8>
  loop.for %i : 3 {
    loop.for %j : 8 tensorized("copy") {
      loop.block "t" spatial(%v0 in 3 = %i, %v1 in 6 = %j) {
        %a = loop.read %A[%v0, %v1] : memref<3x8xi8>
        loop.write %a, %T[%v0, %v1] : memref<3x6xi8>
      }
    } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<8xi8>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<8xi8>>] {
    ^bb0(%a: vector<8xi8>):
      loop.yield %a : vector<8xi8>
    }
  }
  loop.for %i : 3 {
    loop.for %j : 6 {
      loop.block "c" spatial(%v0 in 3 = %i, %v1 in 6 = %j) {
        %t = loop.read %T[%v0, %v1] : memref<3x6xi8>
        loop.write %t, %C[%v0, %v1] : memref<3x6xi8>
      }
    }
  }
  func.return
}

// -----

// A dimension of one element takes no part in addresses: what is written beyond it would lie on what is in it.

// CHECK-LABEL: func.func @unit
// CHECK:         affine.for %i = 0 to 2 {
// CHECK-NEXT:      affine.store
// CHECK-NEXT:      "affine.if"(%i) <{condition = affine_set<(d0) : ((d0 * -1) >= 0)>}> ({
// CHECK-NEXT:        {{%.*}} = affine.vector_load %A
// CHECK-NEXT:        affine.vector_store {{.*}}, %T[0]
func.func @unit(%A: memref<2x4xi8>, %B: memref<2xi8> {loop.output}, %C: memref<1x4xi8> {loop.output}) {
  %T = loop.alloc "T" : memref<1x4xi8>
  loop.for %i : 2 {
    loop.block "b" spatial(%v in 2 = %i) {
      %b = arith.constant 7 : i8
      loop.write %b, %B[%v] : memref<2xi8>
    }
    loop.for %j : 4 tensorized("copy") {
      loop.block "t" spatial(%v0 in 1 = %i, %v1 in 4 = %j) {
        %a = loop.read %A[%v0, %v1] : memref<2x4xi8>
        loop.write %a, %T[%v0, %v1] : memref<1x4xi8>
      }
    } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xi8>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xi8>>] {
    ^bb0(%a: vector<4xi8>):
      loop.yield %a : vector<4xi8>
    }
  }
  loop.for %j : 4 {
    loop.block "c" spatial(%v0 in 1 = 0, %v1 in 4 = %j) {
      %t = loop.read %T[%v0, %v1] : memref<1x4xi8>
      loop.write %t, %C[%v0, %v1] : memref<1x4xi8>
    }
  }
  func.return
}

// -----

// Tiles have places for more rows than there are, as long as there are that many tiles.

// CHECK-LABEL: func.func @tiled
// CHECK:         affine.for %i = 0 to 2 {
// CHECK-NEXT:      affine.store
// CHECK-NEXT:      {{%.*}} = affine.vector_load %A
// CHECK-NEXT:      affine.vector_store {{.*}}, %T[%i, 0]
// CHECK:         affine.for %i_1 = 0 to 4 {
// CHECK-NEXT:      affine.store
// CHECK-NEXT:      "affine.if"(%i_1)
func.func @tiled(%A: memref<4x4xi8>, %B: memref<2xi8> {loop.output}, %C: memref<1x4xi8> {loop.output},
                 %D: memref<4xi8> {loop.output}, %E: memref<1x4xi8> {loop.output}) {
  %T = loop.alloc "T" {layout = affine_map<(d0, d1) -> (d0 floordiv 2, d0 mod 2, d1)>} : memref<1x4xi8>
  %U = loop.alloc "U" {layout = affine_map<(d0, d1) -> (d0 floordiv 2, d0 mod 2, d1)>} : memref<1x4xi8>
  loop.for %i : 2 {
    loop.block "b" spatial(%v in 2 = %i) {
      %b = arith.constant 7 : i8
      loop.write %b, %B[%v] : memref<2xi8>
    }
    loop.for %j : 4 tensorized("copy") {
      loop.block "t" spatial(%v0 in 1 = %i, %v1 in 4 = %j) {
        %a = loop.read %A[%v0, %v1] : memref<4x4xi8>
        loop.write %a, %T[%v0, %v1] : memref<1x4xi8>
      }
    } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xi8>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xi8>>] {
    ^bb0(%a: vector<4xi8>):
      loop.yield %a : vector<4xi8>
    }
  }
  loop.for %j : 4 {
    loop.block "c" spatial(%v0 in 1 = 0, %v1 in 4 = %j) {
      %t = loop.read %T[%v0, %v1] : memref<1x4xi8>
      loop.write %t, %C[%v0, %v1] : memref<1x4xi8>
    }
  }
  loop.for %i : 4 {
    loop.block "d" spatial(%v in 4 = %i) {
      %b = arith.constant 7 : i8
      loop.write %b, %D[%v] : memref<4xi8>
    }
    loop.for %j : 4 tensorized("copy") {
      loop.block "u" spatial(%v0 in 1 = %i, %v1 in 4 = %j) {
        %a = loop.read %A[%v0, %v1] : memref<4x4xi8>
        loop.write %a, %U[%v0, %v1] : memref<1x4xi8>
      }
    } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<4xi8>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<4xi8>>] {
    ^bb0(%a: vector<4xi8>):
      loop.yield %a : vector<4xi8>
    }
  }
  loop.for %j : 4 {
    loop.block "e" spatial(%v0 in 1 = 0, %v1 in 4 = %j) {
      %t = loop.read %U[%v0, %v1] : memref<1x4xi8>
      loop.write %t, %E[%v0, %v1] : memref<1x4xi8>
    }
  }
  func.return
}

// -----

// Memory has a place for the one lane that runs: it alone is stored.

// CHECK-LABEL: func.func @one_lane
// CHECK:         memref.alloca() {{.*}} : memref<1xi64>
// CHECK:         scf.if
// CHECK-NEXT:      affine.store
func.func @one_lane(%B: memref<11xi64>, %D: memref<9xi64> {loop.output}) {
  loop.for %i : 9 {
    %L = loop.alloc "L" : memref<11xi64, "local">
    loop.for %c : 2 tensorized("copy") {
      loop.block "read" spatial(%v in 11 = %c - 1) {
        %b = loop.read %B[%v] : memref<11xi64>
        loop.write %b, %L[%v] : memref<11xi64, "local">
      }
    } by [#loop.tensor<0, affine_map<(d0) -> (d0)> : memref<2xi64>>, #loop.tensor<1, affine_map<(d0) -> (d0)> : memref<2xi64>>] {
    ^bb0(%a: vector<2xi64>):
      loop.yield %a : vector<2xi64>
    }
    loop.block "use" spatial(%v in 9 = %i) {
      %l = loop.read %L[0] : memref<11xi64, "local">
      loop.write %l, %D[%v] : memref<9xi64>
    }
  }
  func.return
}
