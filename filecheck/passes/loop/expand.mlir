// RUN: stepwell-opt %s -p loop-expand --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p loop-expand --split-input-file --print-op-generic | stepwell-opt --split-input-file | filecheck %s

// CHECK-LABEL: func.func @kinds(%X: memref<2x4x8xf32>, %Y: memref<2x4x8xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %j = 0 to 4 {
// CHECK-NEXT:      %0 = affine.vector_load %X[0, %j, 0] : memref<2x4x8xf32>, vector<8xf32>
// CHECK-NEXT:      %1 = math.exp %0 : vector<8xf32>
// CHECK-NEXT:      affine.vector_store %1, %Y[0, %j, 0] : memref<2x4x8xf32>, vector<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    affine.for %j_1 = 0 to 4 {
// CHECK-NEXT:      %2 = affine.vector_load %X[1, %j_1, 0] : memref<2x4x8xf32>, vector<8xf32>
// CHECK-NEXT:      %3 = math.exp %2 : vector<8xf32>
// CHECK-NEXT:      affine.vector_store %3, %Y[1, %j_1, 0] : memref<2x4x8xf32>, vector<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @kinds(%X: memref<2x4x8xf32>, %Y: memref<2x4x8xf32> {loop.output}) {
  loop.for %i : 2 unrolled {
    loop.for %j : 4 {
      loop.for %k : 8 vectorized {
        loop.block "map0" spatial(%a in 2 = %i, %b in 4 = %j, %c in 8 = %k) {
          %x = loop.read %X[%a, %b, %c] : memref<2x4x8xf32>
          %y = math.exp %x : f32
          loop.write %y, %Y[%a, %b, %c] : memref<2x4x8xf32>
        }
      }
    }
  }
  func.return
}

// -----

// CHECK-LABEL: func.func @parallel(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
// CHECK-NEXT:    cpu.parallel %i : 8 grain 2 {
// CHECK-NEXT:      %0 = affine.load %X[%i] : memref<8xf32>
// CHECK-NEXT:      affine.store %0, %Y[%i] : memref<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @parallel(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 parallel(grain = 2) {
    loop.block "map0" spatial(%a in 8 = %i) {
      %x = loop.read %X[%a] : memref<8xf32>
      loop.write %x, %Y[%a] : memref<8xf32>
    }
  }
  func.return
}

// -----

// One value for all lanes is computed once, then broadcast.
// CHECK-LABEL: func.func @broadcast(%X: memref<4xf32>, %Y: memref<4x8xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %i = 0 to 4 {
// CHECK-NEXT:      %0 = affine.load %X[%i] : memref<4xf32>
// CHECK-NEXT:      %1 = arith.addf %0, %0 : f32
// CHECK-NEXT:      %2 = vector.broadcast %1 : f32 to vector<8xf32>
// CHECK-NEXT:      affine.vector_store %2, %Y[%i, 0] : memref<4x8xf32>, vector<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @broadcast(%X: memref<4xf32>, %Y: memref<4x8xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %j : 8 vectorized {
      loop.block "map0" spatial(%a in 4 = %i, %b in 8 = %j) {
        %x = loop.read %X[%a] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %Y[%a, %b] : memref<4x8xf32>
      }
    }
  }
  func.return
}

// -----

// A guard that holds in all iterations but the last: two copies, none with a guard.
// CHECK-LABEL: func.func @peel(%X: memref<28xf32>, %Y: memref<28xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %o = 0 to 3 {
// CHECK-NEXT:      %0 = affine.vector_load %X[%o * 8] : memref<28xf32>, vector<8xf32>
// CHECK-NEXT:      affine.vector_store %0, %Y[%o * 8] : memref<28xf32>, vector<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    %1 = affine.vector_load %X[24] : memref<28xf32>, vector<4xf32>
// CHECK-NEXT:    affine.vector_store %1, %Y[24] : memref<28xf32>, vector<4xf32>
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @peel(%X: memref<28xf32>, %Y: memref<28xf32> {loop.output}) {
  loop.for %o : 4 peel {
    loop.for %i : 8 vectorized {
      loop.block "map0" spatial(%a in 28 = %o * 8 + %i) {
        %x = loop.read %X[%a] : memref<28xf32>
        loop.write %x, %Y[%a] : memref<28xf32>
      }
    }
  }
  func.return
}

// -----

// Six lanes are no register: eight are, of which two run nothing.
// CHECK-LABEL: func.func @fill(%X: memref<6xf32>, %Y: memref<6xf32> {loop.output}) {
// CHECK-NEXT:    %0 = arith.constant 6 : index
// CHECK-NEXT:    %1 = arith.constant 0 : index
// CHECK-NEXT:    %2 = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK-NEXT:    %3 = vector.create_mask %0 : vector<8xi1>
// CHECK-NEXT:    %4 = vector.maskedload %X[%1], %3, %2 : memref<6xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
// CHECK-NEXT:    vector.maskedstore %Y[%1], %3, %4 : memref<6xf32>, vector<8xi1>, vector<8xf32>
// CHECK-NEXT:    func.return
func.func @fill(%X: memref<6xf32>, %Y: memref<6xf32> {loop.output}) {
  loop.for %i : 6 vectorized {
    loop.block "map0" spatial(%a in 6 = %i) {
      %x = loop.read %X[%a] : memref<6xf32>
      loop.write %x, %Y[%a] : memref<6xf32>
    }
  }
  func.return
}

// -----

// Lanes two elements apart: as many loads, which end with the last lane's element, and every other element of them.
// CHECK-LABEL: func.func @strided(%X: memref<4x8xf32>, %Y: memref<4x4xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %o = 0 to 4 {
// CHECK-NEXT:      %0 = affine.vector_load %X[%o, 1] : memref<4x8xf32>, vector<4xf32>
// CHECK-NEXT:      %1 = affine.vector_load %X[%o, 4] : memref<4x8xf32>, vector<4xf32>
// CHECK-NEXT:      %2 = vector.shuffle %0, %1 [0, 2, 5, 7] : vector<4xf32>, vector<4xf32>
// CHECK-NEXT:      affine.vector_store %2, %Y[%o, 0] : memref<4x4xf32>, vector<4xf32>
func.func @strided(%X: memref<4x8xf32>, %Y: memref<4x4xf32> {loop.output}) {
  loop.for %o : 4 {
    loop.for %i : 4 vectorized {
      loop.block "map0" spatial(%a in 4 = %o, %b in 4 = %i) {
        %x = loop.read %X[%a, %b * 2 + 1] : memref<4x8xf32>
        loop.write %x, %Y[%a, %b] : memref<4x4xf32>
      }
    }
  }
  func.return
}

// -----

// Nothing to peel where every guard holds.
// CHECK-LABEL: func.func @exact(%X: memref<32xf32>, %Y: memref<32xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %o = 0 to 4 {
// CHECK-NEXT:      %0 = affine.vector_load %X[%o * 8] : memref<32xf32>, vector<8xf32>
// CHECK-NEXT:      affine.vector_store %0, %Y[%o * 8] : memref<32xf32>, vector<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @exact(%X: memref<32xf32>, %Y: memref<32xf32> {loop.output}) {
  loop.for %o : 4 peel {
    loop.for %i : 8 vectorized {
      loop.block "map0" spatial(%a in 32 = %o * 8 + %i) {
        %x = loop.read %X[%a] : memref<32xf32>
        loop.write %x, %Y[%a] : memref<32xf32>
      }
    }
  }
  func.return
}

// -----

// A guard that stays: a mask over lanes, a bound of a serial loop, a condition of an unrolled one.
// CHECK-LABEL: func.func @mask(%X: memref<30xf32>, %Y: memref<30xf32> {loop.output}) {
// CHECK-NEXT:    %0 = arith.constant dense<0.000000e+00> : vector<8xf32>
// CHECK-NEXT:    affine.for %o = 0 to 4 {
// CHECK-NEXT:      %1 = affine.apply affine_map<(d0) -> (((d0 * -8) + 30))> (%o)
// CHECK-NEXT:      %2 = vector.create_mask %1 : vector<8xi1>
// CHECK-NEXT:      %3 = affine.apply affine_map<(d0) -> ((d0 * 8))> (%o)
// CHECK-NEXT:      %4 = vector.maskedload %X[%3], %2, %0 : memref<30xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
// CHECK-NEXT:      vector.maskedstore %Y[%3], %2, %4 : memref<30xf32>, vector<8xi1>, vector<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    affine.for %o_1 = 0 to 4 {
// CHECK-NEXT:      affine.for %i = 0 to min affine_map<(d0) -> (8, ((d0 * -8) + 30))>(%o_1) {
// CHECK-NEXT:        %5 = affine.load %X[%o_1 * 8 + %i] : memref<30xf32>
// CHECK-NEXT:        affine.store %5, %Y[%o_1 * 8 + %i] : memref<30xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    affine.for %o_2 = 0 to 15 {
// CHECK-NEXT:      %6 = affine.load %X[%o_2 * 2] : memref<30xf32>
// CHECK-NEXT:      affine.store %6, %Y[%o_2 * 2] : memref<30xf32>
// CHECK-NEXT:      "affine.if"(%o_2) <{condition = affine_set<(d0) : (((d0 * -2) + 27) >= 0)>}> ({
// CHECK-NEXT:        %7 = affine.load %X[%o_2 * 2 + 1] : memref<30xf32>
// CHECK-NEXT:        affine.store %7, %Y[%o_2 * 2 + 1] : memref<30xf32>
// CHECK-NEXT:        affine.yield
// CHECK-NEXT:      }, {
// CHECK-NEXT:      }) : (index) -> ()
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @mask(%X: memref<30xf32>, %Y: memref<30xf32> {loop.output}) {
  loop.for %o : 4 {
    loop.for %i : 8 vectorized {
      loop.block "map0" spatial(%a in 30 = %o * 8 + %i) {
        %x = loop.read %X[%a] : memref<30xf32>
        loop.write %x, %Y[%a] : memref<30xf32>
      }
    }
  }
  loop.for %o : 4 {
    loop.for %i : 8 {
      loop.block "map1" spatial(%a in 30 = %o * 8 + %i) {
        %x = loop.read %X[%a] : memref<30xf32>
        loop.write %x, %Y[%a] : memref<30xf32>
      }
    }
  }
  loop.for %o : 15 {
    loop.for %i : 2 unrolled {
      loop.block "map2" spatial(%a in 29 = %o * 2 + %i) {
        %x = loop.read %X[%a] : memref<30xf32>
        loop.write %x, %Y[%a] : memref<30xf32>
      }
    }
  }
  func.return
}

// -----

// A staged buffer shrinks to what one iteration touches; indices lose the common base.
// CHECK-LABEL: func.func @stage(%X: memref<4x8xf32>, %Y: memref<8x4xf32> {loop.output}) {
// CHECK-NEXT:    %L = memref.alloca() {alignment = 64 : i64} : memref<8xf32>
// CHECK-NEXT:    affine.for %i = 0 to 4 {
// CHECK-NEXT:      affine.for %j = 0 to 8 {
// CHECK-NEXT:        %0 = affine.load %X[%i, %j] : memref<4x8xf32>
// CHECK-NEXT:        affine.store %0, %L[%j] : memref<8xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:      affine.for %j_1 = 0 to 8 {
// CHECK-NEXT:        %1 = affine.load %L[%j_1] : memref<8xf32>
// CHECK-NEXT:        affine.store %1, %Y[%j_1, %i] : memref<8x4xf32>
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @stage(%X: memref<4x8xf32>, %Y: memref<8x4xf32> {loop.output}) {
  loop.for %i : 4 {
    %L = loop.alloc "X_local" : memref<4x8xf32, "local">
    loop.for %j : 8 {
      loop.block "copy" spatial(%a in 4 = %i, %b in 8 = %j) {
        %x = loop.read %X[%a, %b] : memref<4x8xf32>
        loop.write %x, %L[%a, %b] : memref<4x8xf32, "local">
      }
    }
    loop.for %j : 8 {
      loop.block "map0" spatial(%a in 4 = %i, %b in 8 = %j) {
        %x = loop.read %L[%a, %b] : memref<4x8xf32, "local">
        loop.write %x, %Y[%b, %a] : memref<8x4xf32>
      }
    }
  }
  func.return
}

// -----

// contract on both ops makes one of them; nothing may be reassociated any more.
// CHECK-LABEL: func.func @fma(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %i = 0 to 8 {
// CHECK-NEXT:      %0 = affine.load %X[%i] : memref<8xf32>
// CHECK-NEXT:      %1 = math.fma %0, %0, %0 : f32
// CHECK-NEXT:      %2 = arith.mulf %1, %1 : f32
// CHECK-NEXT:      %3 = arith.addf %2, %1 fastmath<contract> : f32
// CHECK-NEXT:      affine.store %3, %Y[%i] : memref<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @fma(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" spatial(%a in 8 = %i) {
      %x = loop.read %X[%a] : memref<8xf32>
      %p = arith.mulf %x, %x fastmath<reassoc,contract> : f32
      %y = arith.addf %p, %x fastmath<reassoc,contract> : f32
      %q = arith.mulf %y, %y fastmath<reassoc> : f32
      %z = arith.addf %q, %y fastmath<reassoc,contract> : f32
      loop.write %z, %Y[%a] : memref<8xf32>
    }
  }
  func.return
}

// -----

// CHECK-LABEL: func.func @no_fma(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
// CHECK-NEXT:    affine.for %i = 0 to 8 {
// CHECK-NEXT:      %0 = affine.load %X[%i] : memref<8xf32>
// CHECK-NEXT:      %1 = arith.mulf %0, %0 fastmath<contract> : f32
// CHECK-NEXT:      %2 = arith.addf %1, %0 fastmath<contract> : f32
// CHECK-NEXT:      affine.store %2, %Y[%i] : memref<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu">} {
  func.func @no_fma(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
    loop.for %i : 8 {
      loop.block "map0" spatial(%a in 8 = %i) {
        %x = loop.read %X[%a] : memref<8xf32>
        %p = arith.mulf %x, %x fastmath<contract> : f32
        %y = arith.addf %p, %x fastmath<contract> : f32
        loop.write %y, %Y[%a] : memref<8xf32>
      }
    }
    func.return
  }
}

// -----

// Functions without loops stay.
// CHECK-LABEL: func.func @plain(%x: f32) -> f32 {
// CHECK-NEXT:    func.return %x : f32
// CHECK-NEXT:  }
func.func @plain(%x: f32) -> f32 {
  func.return %x : f32
}

// -----

// Views into bytes are upstream's, also for calls.
// CHECK-LABEL: func.func @views(%X: memref<8xf32>, %W: memref<128xi8> {loop.workspace}, %Y: memref<8xf32> {loop.output}) {
// CHECK-NEXT:    %0 = arith.constant 64 : index
// CHECK-NEXT:    %A = memref.view %W[%0][] : memref<128xi8> to memref<8xf32>
// CHECK-NEXT:    affine.for %i = 0 to 8 {
// CHECK-NEXT:      %1 = affine.load %X[%i] : memref<8xf32>
// CHECK-NEXT:      affine.store %1, %A[%i] : memref<8xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    func.call @views_callee(%A, %Y) : (memref<8xf32>, memref<8xf32>) -> ()
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
func.func @views(%X: memref<8xf32>, %W: memref<128xi8> {loop.workspace}, %Y: memref<8xf32> {loop.output}) {
  %A = loop.view "A" %W[64] : memref<128xi8> to memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%v in 8 = %i) {
      %x = loop.read %X[%v] : memref<8xf32>
      loop.write %x, %A[%v] : memref<8xf32>
    }
  }
  func.call @views_callee(%A, %Y) : (memref<8xf32>, memref<8xf32>) -> ()
  func.return
}
func.func private @views_callee(memref<8xf32>, memref<8xf32>)

// -----

// Where buffers have a place, there they are, and what is private to a thread is at its slot.
// CHECK-LABEL: func.func @places(
// CHECK-NEXT:    %0 = arith.constant 64 : index
// CHECK-NEXT:    %A = memref.view %W[%0][] : memref<1024xi8> to memref<8xf32>
// CHECK-NEXT:    affine.for %i = 0 to 8 {
// CHECK:         cpu.parallel %i_1 : 4 slot %slot of 3 {
// CHECK-NEXT:      %[[offset:.*]] = affine.apply affine_map<(d0) -> (((d0 * 64) + 128))> (%slot)
// CHECK-NEXT:      %B = memref.view %W[%[[offset]]][] : memref<1024xi8> to memref<8xf32>
func.func @places(%X: memref<8xf32>, %W: memref<1024xi8> {loop.workspace}, %Y: memref<4x8xf32> {loop.output}) {
  %A = loop.alloc "A" in %W[64] of memref<1024xi8> : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%v in 8 = %i) {
      %x = loop.read %X[%v] : memref<8xf32>
      loop.write %x, %A[%v] : memref<8xf32>
    }
  }
  loop.for %i : 4 parallel {
    %B = loop.alloc "B" in %W[128] of memref<1024xi8> slots 3 : memref<4x8xf32>
    loop.for %j : 8 {
      loop.block "map1" spatial(%v in 4 = %i, %u in 8 = %j) {
        %x = loop.read %A[%u] : memref<8xf32>
        loop.write %x, %B[%v, %u] : memref<4x8xf32>
      }
    }
    loop.for %j : 8 {
      loop.block "map2" spatial(%v in 4 = %i, %u in 8 = %j) {
        %x = loop.read %B[%v, %u * -1 + 7] : memref<4x8xf32>
        loop.write %x, %Y[%v, %u] : memref<4x8xf32>
      }
    }
  }
  func.return
}
