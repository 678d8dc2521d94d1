// RUN: stepwell-opt %s --print-op-generic --split-input-file | stepwell-opt --split-input-file | filecheck %s
// RUN: stepwell-opt %s --split-input-file | stepwell-opt --split-input-file | filecheck %s
// RUN: stepwell-opt %s --split-input-file --print-op-generic | filecheck %s --check-prefix GENERIC

// A reduction with an init, and an alias.

// CHECK-LABEL: func.func @matmul
// CHECK-SAME: %C: memref<6x8xf32> {loop.output}
func.func @matmul(%A: memref<6x4xf32>, %B: memref<4x8xf32> {loop.constant}, %C: memref<6x8xf32> {loop.output}) {
  // CHECK: loop.for %i : 6 {
  // GENERIC: "loop.for"() <{extent = 6 : index, kind = #loop<kind serial>}>
  loop.for %i : 6 {
    loop.for %j : 8 {
      loop.for %k : 4 {
        // CHECK: loop.block "reduce0" alias "C" spatial(%vi in 6 = %i, %vj in 8 = %j) reduce(%vk in 4 = %k) {
        // GENERIC: "loop.block"(%i, %j, %k) <{sym_name = "reduce0", alias = "C"
        // GENERIC-SAME: iterator_kinds = [#loop<iterator spatial>, #loop<iterator spatial>, #loop<iterator reduce>]
        // GENERIC-SAME: extents = array<i64: 6, 8, 4>, bindings = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
        loop.block "reduce0" alias "C" spatial(%vi in 6 = %i, %vj in 8 = %j) reduce(%vk in 4 = %k) {
          // CHECK-NEXT: loop.init {
          loop.init {
            %z = arith.constant 0.0 : f32
            // CHECK: loop.write %z, %C[%vi, %vj] : memref<6x8xf32>
            loop.write %z, %C[%vi, %vj] : memref<6x8xf32>
          }
          // CHECK: %a = loop.read %A[%vi, %vk] : memref<6x4xf32>
          %a = loop.read %A[%vi, %vk] : memref<6x4xf32>
          %b = loop.read %B[%vk, %vj] : memref<4x8xf32>
          %p = arith.mulf %a, %b : f32
          // CHECK: loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x8xf32>
          // CHECK-SAME: combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32]
          // CHECK-SAME: flags [associative, commutative] fastmath<reassoc,contract> {
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x8xf32> combine(%acc: f32, %x: f32)
              identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
            %s = arith.addf %acc, %x fastmath<reassoc,contract> : f32
            // CHECK: loop.yield %s : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// -----

// Bindings: sums, floordiv and mod; a predicate.

// CHECK-LABEL: func.func @bindings
func.func @bindings(%A: memref<6x50xf32>, %C: memref<6x50xf32> {loop.output}) {
  loop.for %f : 12 {
    loop.for %jo : 2 {
      loop.for %ji : 16 {
        // CHECK: loop.block "map0" spatial(%vi in 6 = %f floordiv 2, %vj in 50 = %jo * 32 + %ji * 2 + %f mod 2)
        // CHECK-SAME: where(%jo * 16 + %ji < 25, %ji < 16) {
        // GENERIC: predicates = affine_map<(d0, d1, d2) -> (((d1 * 16) + d2), d2)>, limits = array<i64: 25, 16>
        loop.block "map0" spatial(%vi in 6 = %f floordiv 2, %vj in 50 = (%jo * 16 + %ji) * 2 + %f mod 2)
            where(%jo * 16 + %ji < 25, %ji < 16) {
          %a = loop.read %A[5 - %vi, (%vj + 1) mod 50] : memref<6x50xf32>
          // CHECK: loop.read %A[%vi * -1 + 5, (%vj + 1) mod 50] : memref<6x50xf32>
          loop.write %a, %C[%vi, %vj] : memref<6x50xf32>
        }
      }
    }
  }
  func.return
}

// -----

// Kinds and marks of loops.

// CHECK-LABEL: func.func @kinds
func.func @kinds(%A: memref<4x4x4x4x4x4xf32>, %C: memref<4x4x4x4x4x4xf32> {loop.output}) {
  // CHECK: loop.for %a : 4 parallel(grain = 2) peel {
  loop.for %a : 4 parallel(grain = 2) peel {
    // CHECK: loop.for %b : 4 bound("thread.x") {
    loop.for %b : 4 bound("thread.x") {
      // CHECK: loop.for %c : 4 virtual {
      loop.for %c : 4 virtual {
        // CHECK: loop.for %d : 4 peel {
        loop.for %d : 4 peel {
          // CHECK: loop.for %e : 4 unrolled attributes {note = "inner"} {
          loop.for %e : 4 unrolled attributes {note = "inner"} {
            // CHECK: loop.for %f : 4 vectorized {
            loop.for %f : 4 vectorized {
              loop.block "map0" spatial(%v0 in 4 = %a, %v1 in 4 = %b, %v2 in 4 = %c, %v3 in 4 = %d, %v4 in 4 = %e,
                                        %v5 in 4 = %f) {
                %x = loop.read %A[%v0, %v1, %v2, %v3, %v4, %v5] : memref<4x4x4x4x4x4xf32>
                loop.write %x, %C[%v0, %v1, %v2, %v3, %v4, %v5] : memref<4x4x4x4x4x4xf32>
              }
            }
          }
        }
      }
    }
  }
  func.return
}

// -----

// Two blocks that share a buffer of a loop, with a memory space.

// CHECK-LABEL: func.func @staged
func.func @staged(%A: memref<8x4xf32>, %C: memref<8x4xf32> {loop.output}) {
  loop.for %i : 8 {
    // CHECK: %T = loop.alloc "T_local" : memref<8x4xf32, "local">
    %T = loop.alloc "T_local" : memref<8x4xf32, "local">
    loop.for %j : 4 {
      loop.block "map0" spatial(%vi in 8 = %i, %vj in 4 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<8x4xf32>
        loop.write %a, %T[%vi, %vj] : memref<8x4xf32, "local">
      }
    }
    loop.for %j : 4 {
      // CHECK: loop.block "map1" spatial(%vi{{.*}} in 8 = %i, %vj{{.*}} in 4 = %j{{.*}}) attributes {note} {
      loop.block "map1" spatial(%vi in 8 = %i, %vj in 4 = %j) attributes {note} {
        %a = loop.read %T[%vi, 3 - %vj] : memref<8x4xf32, "local">
        loop.write %a, %C[%vi, %vj] : memref<8x4xf32>
      }
    }
  }
  func.return
}

// -----

// A reduction over a tuple.

// CHECK-LABEL: func.func @argmax
func.func @argmax(%A: memref<4x8xf32>, %M: memref<4xf32> {loop.output}, %I: memref<4xi32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 8 {
      loop.block "reduce0" spatial(%vi in 4 = %i) reduce(%vk in 8 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          %n = arith.constant 0 : i32
          loop.write %z, %M[%vi] : memref<4xf32>
          loop.write %n, %I[%vi] : memref<4xi32>
        }
        %a = loop.read %A[%vi, %vk] : memref<4x8xf32>
        %p = arith.index_cast %vk : index to i32
        // CHECK: loop.reduce (%a, %p) into (%M, %I)[%vi] : memref<4xf32>, memref<4xi32>
        // CHECK-SAME: combine(%m: f32, %at: i32, %x: f32, %xat: i32) identity [0.000000e+00 : f32, 0 : i32]
        // CHECK-SAME: flags [associative] {
        loop.reduce (%a, %p) into (%M, %I)[%vi] : memref<4xf32>, memref<4xi32>
            combine(%m: f32, %at: i32, %x: f32, %xat: i32) identity [0.0 : f32, 0 : i32] flags [associative] {
          %g = arith.cmpf ogt, %x, %m : f32
          %v = arith.select %g, %x, %m : f32
          %w = arith.select %g, %xat, %at : i32
          loop.yield %v, %w : f32, i32
        }
      }
    }
  }
  func.return
}

// -----

// An ordered iterator: each row is computed from the one before.

// CHECK-LABEL: func.func @scan
func.func @scan(%A: memref<4xf32>, %S: memref<9x4xf32> {loop.output}) {
  loop.for %j : 4 {
    loop.block "map0" spatial(%vi in 1 = 0, %vj in 4 = %j) {
      %a = loop.read %A[%vj] : memref<4xf32>
      loop.write %a, %S[%vi, %vj] : memref<9x4xf32>
    }
  }
  loop.for %t : 8 {
    loop.for %j : 4 {
      // CHECK: loop.block "scan0" ordered(%vt in 8 = %t) spatial(%vj{{.*}} in 4 = %j{{.*}}) {
      loop.block "scan0" ordered(%vt in 8 = %t) spatial(%vj in 4 = %j) {
        %s = loop.read %S[%vt, %vj] : memref<9x4xf32>
        %d = arith.addf %s, %s : f32
        loop.write %d, %S[%vt + 1, %vj] : memref<9x4xf32>
      }
    }
  }
  func.return
}

// -----

// Data as an index, and a lazy read.

// CHECK-LABEL: func.func @lazy
func.func @lazy(%I: memref<8xi32>, %A: memref<4x8xf32>, %C: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %n = loop.read %I[%vi] : memref<8xi32>
      %at = arith.index_cast %n : i32 to index
      // CHECK: loop.read %A[%at, %vi] : memref<4x8xf32>
      %a = loop.read %A[%at, %vi] : memref<4x8xf32>
      // CHECK: loop.read %A[%at, %vi * -1 + 7] wrap : memref<4x8xf32>
      %b = loop.read %A[%at, 7 - %vi] wrap : memref<4x8xf32>
      %c1 = arith.constant 1 : index
      %in = arith.cmpi sge, %vi, %c1 : index
      %c = scf.if %in -> (f32) {
        // CHECK: loop.read %A[0, %vi - 1] : memref<4x8xf32>
        %p = loop.read %A[0, %vi - 1] : memref<4x8xf32>
        scf.yield %p : f32
      } else {
        scf.yield %a : f32
      }
      %y = arith.addf %b, %c : f32
      loop.write %y, %C[%vi] : memref<8xf32>
    }
  }
  func.return
}

// -----

// Buffers in the bytes of a workspace.

// CHECK-LABEL: func.func @view(%w: memref<4096xi8> {loop.workspace}, %C: memref<32x16xf32> {loop.output})
func.func @view(%w: memref<4096xi8> {loop.workspace}, %C: memref<32x16xf32> {loop.output}) {
  // CHECK: %a = loop.view "a" %w[2048] {note} : memref<4096xi8> to memref<32x16xf32>
  %a = loop.view "a" %w[2048] {note} : memref<4096xi8> to memref<32x16xf32>
  loop.for %i : 32 {
    loop.for %j : 16 {
      loop.block "map0" spatial(%v in 32 = %i, %u in 16 = %j) {
        %one = arith.constant 1.0 : f32
        loop.write %one, %a[%v, %u] : memref<32x16xf32>
        %b = loop.read %a[%v, %u] : memref<32x16xf32>
        loop.write %b, %C[%v, %u] : memref<32x16xf32>
      }
    }
  }
  func.return
}

// -----

// Places of buffers.

// CHECK-LABEL: func.func @places(%w: memref<4096xi8> {loop.workspace}) {
func.func @places(%w: memref<4096xi8> {loop.workspace}) {
  // CHECK-NEXT: %a = loop.alloc "a" in %w[64] of memref<4096xi8> {layout = array<i64: 1, 0>, note} : memref<32x16xf32>
  %a = loop.alloc "a" in %w[64] of memref<4096xi8> {layout = array<i64: 1, 0>, note} : memref<32x16xf32>
  // CHECK-NEXT: %b = loop.alloc "b" in %w[0] of memref<4096xi8> slots 4 : memref<8xf32, "local">
  %b = loop.alloc "b" in %w[0] of memref<4096xi8> slots 4 : memref<8xf32, "local">
  func.return
}
