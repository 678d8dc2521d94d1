// RUN: stepwell-opt %s -p "loop-expand{max-ops=50}" --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected at most 50 ops of an unrolled loop, got more of loop %i of extent 64 around block 'map0': unroll less
func.func @much(%X: memref<64xf32>, %Y: memref<64xf32> {loop.output}) {
  loop.for %i : 64 unrolled {
    loop.block "map0" spatial(%a in 64 = %i) {
      %x = loop.read %X[%a] : memref<64xf32>
      loop.write %x, %Y[%a] : memref<64xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected loops that a CPU can run, got loop %i of extent 8 bound to 'thread.x'
func.func @bound(%X: memref<8xf32>, %Y: memref<8xf32> {loop.output}) {
  loop.for %i : 8 bound("thread.x") {
    loop.block "map0" spatial(%a in 8 = %i) {
      %x = loop.read %X[%a] : memref<8xf32>
      loop.write %x, %Y[%a] : memref<8xf32>
    }
  }
  func.return
}

// -----

// CHECK: expected one vectorized loop in a nest, got loop %j of extent 4 inside of another
func.func @nested(%X: memref<16xf32>, %Y: memref<16xf32> {loop.output}) {
  loop.for %i : 4 vectorized {
    loop.for %j : 4 vectorized {
      loop.block "map0" spatial(%a in 16 = %i * 4 + %j) {
        %x = loop.read %X[%a] : memref<16xf32>
        loop.write %x, %Y[%a] : memref<16xf32>
      }
    }
  }
  func.return
}

// -----

// CHECK: expected no parallel loop inside of a vectorized one, got loop %j of extent 4
func.func @parallel(%X: memref<16xf32>, %Y: memref<16xf32> {loop.output}) {
  loop.for %i : 4 vectorized {
    loop.for %j : 4 parallel {
      loop.block "map0" spatial(%a in 16 = %i * 4 + %j) {
        %x = loop.read %X[%a] : memref<16xf32>
        loop.write %x, %Y[%a] : memref<16xf32>
      }
    }
  }
  func.return
}

// -----

// CHECK: block 'reduce0': expected a decomposed reduction below the vectorized reduce loop %i of extent 16, got an init
func.func @init(%X: memref<16xf32>, %Y: memref<1xf32> {loop.output}) {
  loop.for %i : 16 vectorized {
    loop.block "reduce0" spatial(%a in 1 = 0) reduce(%b in 16 = %i) {
      loop.init {
        %z = arith.constant 0.0 : f32
        loop.write %z, %Y[%a] : memref<1xf32>
      }
      %x = loop.read %X[%b] : memref<16xf32>
      loop.reduce (%x) into (%Y)[%a] : memref<1xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] {
        %s = arith.addf %acc, %n : f32
        loop.yield %s : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: block 'reduce0': expected vector lanes to write different elements, got one element for all of them
func.func @accumulate(%X: memref<16xf32>, %Y: memref<1xf32> {loop.output}) {
  loop.block "zero" spatial(%a in 1 = 0) {
    %z = arith.constant 0.0 : f32
    loop.write %z, %Y[%a] : memref<1xf32>
  }
  loop.for %i : 16 vectorized {
    loop.block "reduce0" spatial(%a in 1 = 0) reduce(%b in 16 = %i) {
      %x = loop.read %X[%b] : memref<16xf32>
      loop.reduce (%x) into (%Y)[%a] : memref<1xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] {
        %s = arith.addf %acc, %n : f32
        loop.yield %s : f32
      }
    }
  }
  func.return
}

// -----

// CHECK: buffer 'B': expected a workspace of 96 bytes, got 64
func.func @place(%X: memref<8xf32>, %W: memref<64xi8> {loop.workspace}, %Y: memref<8xf32> {loop.output}) {
  loop.for %i : 4 parallel {
    %B = loop.alloc "B" in %W[0] of memref<64xi8> slots 2 : memref<8xf32>
    loop.for %j : 8 {
      loop.block "map0" spatial(%u in 8 = %j) {
        %x = loop.read %X[%u] : memref<8xf32>
        loop.write %x, %B[%u] : memref<8xf32>
      }
    }
  }
  func.return
}
