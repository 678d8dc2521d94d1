// RUN: stepwell-opt %s -p loop-plan-memory --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p loop-plan-memory --split-input-file --print-op-generic | stepwell-opt --split-input-file | filecheck %s
// RUN: stepwell-opt %s -p "loop-plan-memory, loop-plan-memory" --split-input-file | filecheck %s

// What a function that calls kernels allocates lies in one arena. A buffer that is done makes room for another one.
// CHECK-LABEL: func.func @main(%x: memref<32xf32>, %y: memref<32xf32> {loop.output}, %arena: memref<256xi8> {loop.workspace}) attributes {loop.live_bytes = 256 : i64} {
// CHECK-NEXT:    %a = loop.view "a" %arena[0] : memref<256xi8> to memref<32xf32>
// CHECK-NEXT:    func.call @kernel(%x, %a)
// CHECK-NEXT:    %b = loop.view "b" %arena[128] : memref<256xi8> to memref<32xf32>
// CHECK-NEXT:    func.call @kernel(%a, %b)
// CHECK-NEXT:    %c = loop.view "c" %arena[0] : memref<256xi8> to memref<32xf32>
// CHECK-NEXT:    func.call @kernel(%b, %c)
// CHECK-NEXT:    func.call @kernel(%c, %y)
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
// CHECK-NEXT:  func.func private @kernel(memref<32xf32>, memref<32xf32>) -> ()
func.func @main(%x: memref<32xf32>, %y: memref<32xf32> {loop.output}) {
  %a = memref.alloc() : memref<32xf32>
  func.call @kernel(%x, %a) : (memref<32xf32>, memref<32xf32>) -> ()
  %b = memref.alloc() : memref<32xf32>
  func.call @kernel(%a, %b) : (memref<32xf32>, memref<32xf32>) -> ()
  %c = memref.alloc() : memref<32xf32>
  func.call @kernel(%b, %c) : (memref<32xf32>, memref<32xf32>) -> ()
  func.call @kernel(%c, %y) : (memref<32xf32>, memref<32xf32>) -> ()
  memref.dealloc %a : memref<32xf32>
  memref.dealloc %b : memref<32xf32>
  memref.dealloc %c : memref<32xf32>
  func.return
}
func.func private @kernel(memref<32xf32>, memref<32xf32> {loop.output})

// -----

// A large buffer of a kernel lies in bytes that it is given, and its caller's arena has room for them. A small one stays.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %arena: memref<8192xi8> {loop.workspace}) attributes {loop.live_bytes = 8192 : i64} {
// CHECK-NEXT:    %a = loop.view "a" %arena[0] : memref<8192xi8> to memref<1024xf32>
// CHECK-NEXT:    %workspace = loop.view "workspace" %arena[4096] : memref<8192xi8> to memref<4096xi8>
// CHECK-NEXT:    func.call @kernel(%x, %a, %workspace) : (memref<1024xf32>, memref<1024xf32>, memref<4096xi8>) -> ()
// CHECK-NEXT:    %[[next:.*]] = loop.view "workspace" %arena[4096] : memref<8192xi8> to memref<4096xi8>
// CHECK-NEXT:    func.call @kernel(%a, %y, %[[next]])
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }
// CHECK:       func.func private @kernel(%x: memref<1024xf32>, %y: memref<1024xf32> {loop.output}, %workspace: memref<4096xi8> {loop.workspace}) attributes {loop.live_bytes = 4096 : i64} {
// CHECK-NEXT:    %large = loop.alloc "large" in %workspace[0] of memref<4096xi8> : memref<1024xf32>
// CHECK-NEXT:    %small = loop.alloc "small" : memref<8xf32>
func.func @main(%x: memref<1024xf32>, %y: memref<1024xf32> {loop.output}) {
  %a = memref.alloc() : memref<1024xf32>
  func.call @kernel(%x, %a) : (memref<1024xf32>, memref<1024xf32>) -> ()
  func.call @kernel(%a, %y) : (memref<1024xf32>, memref<1024xf32>) -> ()
  memref.dealloc %a : memref<1024xf32>
  func.return
}
func.func private @kernel(%x: memref<1024xf32>, %y: memref<1024xf32> {loop.output}) {
  %large = loop.alloc "large" : memref<1024xf32>
  %small = loop.alloc "small" : memref<8xf32>
  loop.for %i : 1024 {
    loop.block "map0" spatial(%v in 1024 = %i) {
      %0 = loop.read %x[%v] : memref<1024xf32>
      loop.write %0, %large[%v] : memref<1024xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "map1" spatial(%v in 8 = %i) {
      %0 = loop.read %large[%v * 4] : memref<1024xf32>
      loop.write %0, %small[%v] : memref<8xf32>
    }
  }
  loop.for %i : 1024 {
    loop.block "map2" spatial(%v in 1024 = %i) {
      %0 = loop.read %small[%v floordiv 128] : memref<8xf32>
      loop.write %0, %y[%v] : memref<1024xf32>
    }
  }
  func.return
}

// -----

// Buffers of a kernel that live at different times share memory; what is in another argument is known to be apart. The
// only public function is the entry, whatever it is called.
// CHECK-LABEL: func.func @kernel(%x: memref<1024xf32>, %y: memref<1024xf32> {loop.output}, %workspace: memref<4096xi8> {loop.workspace}, %{{[a-z_0-9]+}}: memref<8192xi8> {loop.workspace}) attributes {loop.live_bytes = 12288 : i64} {
// CHECK-NEXT:    %a = loop.alloc "a" in %workspace[0] of memref<4096xi8> : memref<1024xf32>
// CHECK-NEXT:    %b = loop.alloc "b" in %{{[a-z_0-9]+}}[0] of memref<8192xi8> : memref<2048xi32>
// CHECK-NEXT:    %c = loop.alloc "c" in %workspace[0] of memref<4096xi8> : memref<1024xf32>
func.func @kernel(%x: memref<1024xf32>, %y: memref<1024xf32> {loop.output}) {
  %a = loop.alloc "a" : memref<1024xf32>
  %b = loop.alloc "b" : memref<2048xi32>
  %c = loop.alloc "c" : memref<1024xf32>
  loop.for %i : 1024 {
    loop.block "map0" spatial(%v in 1024 = %i) {
      %0 = loop.read %x[%v] : memref<1024xf32>
      loop.write %0, %a[%v] : memref<1024xf32>
    }
  }
  loop.for %i : 2048 {
    loop.block "map1" spatial(%v in 2048 = %i) {
      %0 = loop.read %a[%v floordiv 2] : memref<1024xf32>
      %1 = arith.fptosi %0 : f32 to i32
      loop.write %1, %b[%v] : memref<2048xi32>
    }
  }
  loop.for %i : 1024 {
    loop.block "map2" spatial(%v in 1024 = %i) {
      %0 = loop.read %b[%v] : memref<2048xi32>
      %1 = arith.sitofp %0 : i32 to f32
      loop.write %1, %c[%v] : memref<1024xf32>
    }
  }
  loop.for %i : 1024 {
    loop.block "map3" spatial(%v in 1024 = %i) {
      %0 = loop.read %c[%v] : memref<1024xf32>
      %1 = loop.read %b[%v + 1024] : memref<2048xi32>
      %2 = arith.sitofp %1 : i32 to f32
      %3 = arith.addf %0, %2 : f32
      loop.write %3, %y[%v] : memref<1024xf32>
    }
  }
  func.return
}

// -----

// A declared kernel says what its definition works in.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %arena: memref<6144xi8> {loop.workspace}) attributes {loop.live_bytes = 5000 : i64} {
// CHECK-NEXT:    %workspace = loop.view "workspace" %arena[{{.*}}] : memref<6144xi8> to memref<1024xf32>
// CHECK-NEXT:    %[[second:.*]] = loop.view "workspace" %arena[{{.*}}] : memref<6144xi8> to memref<2048xi8>
// CHECK-NEXT:    func.call @kernel(%x, %y, %workspace, %[[second]])
// CHECK:       func.func private @kernel(memref<8xf32>, memref<8xf32>, memref<1024xf32>, memref<2048xi8>) -> () attributes {loop.live_bytes = 5000 : i64}
func.func @main(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
  func.call @kernel(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  func.return
}
func.func private @kernel(memref<8xf32>, memref<8xf32> {loop.output}) attributes {loop.workspace = [memref<1024xf32>, memref<2048xi8>], loop.live_bytes = 5000 : i64}

// -----

// Who calls a public function that is not the entry is not known: it goes on to allocate, for its callees too.
// CHECK-LABEL: func.func @one(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
// CHECK-NEXT:    %a = memref.alloc() : memref<8xf32>
// CHECK-NEXT:    %workspace = memref.alloc() : memref<1024xf32>
// CHECK-NEXT:    func.call @kernel(%x, %a, %workspace)
// CHECK-NEXT:    memref.dealloc %a : memref<8xf32>
// CHECK-NEXT:    memref.dealloc %workspace : memref<1024xf32>
func.func @one(%x: memref<8xf32>, %y: memref<8xf32> {loop.output}) {
  %a = memref.alloc() : memref<8xf32>
  func.call @kernel(%x, %a) : (memref<8xf32>, memref<8xf32>) -> ()
  memref.dealloc %a : memref<8xf32>
  func.return
}
func.func @two() {
  func.return
}
func.func private @kernel(memref<8xf32>, memref<8xf32> {loop.output}) attributes {loop.workspace = [memref<1024xf32>], loop.live_bytes = 4096 : i64}

// -----

// A name for the elements of a buffer keeps it alive; what escapes stays.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %arena: memref<256xi8> {loop.workspace})
// CHECK-NEXT:    %a = loop.view "a" %arena[0]
// CHECK-NEXT:    func.call @kernel(%x, %a)
// CHECK-NEXT:    %r = memref.reinterpret_cast %a
// CHECK-NEXT:    %b = loop.view "b" %arena[128]
// CHECK:         %e = memref.alloc() : memref<32xf32>
// CHECK:         func.return %e : memref<32xf32>
func.func @main(%x: memref<32xf32>, %y: memref<4x8xf32> {loop.output}) -> memref<32xf32> {
  %a = memref.alloc() : memref<32xf32>
  func.call @kernel(%x, %a) : (memref<32xf32>, memref<32xf32>) -> ()
  %r = memref.reinterpret_cast %a to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<32xf32> to memref<4x8xf32>
  %b = memref.alloc() : memref<32xf32>
  func.call @kernel(%x, %b) : (memref<32xf32>, memref<32xf32>) -> ()
  func.call @other(%b, %r, %y) : (memref<32xf32>, memref<4x8xf32>, memref<4x8xf32>) -> ()
  %e = memref.alloc() : memref<32xf32>
  func.call @kernel(%x, %e) : (memref<32xf32>, memref<32xf32>) -> ()
  func.return %e : memref<32xf32>
}
func.func private @kernel(memref<32xf32>, memref<32xf32> {loop.output})
func.func private @other(memref<32xf32>, memref<4x8xf32>, memref<4x8xf32> {loop.output})

// -----

// What a loop stages takes what one iteration touches, in whatever layout. In a parallel loop there is one for each thread.
// CHECK-LABEL: func.func @staged(
// CHECK-SAME:    %workspace: memref<393216xi8> {loop.workspace}) attributes {loop.live_bytes = 393216 : i64} {
// CHECK:         %a = loop.alloc "a" in %workspace[0] of memref<393216xi8> {layout = array<i64: 1, 0>} : memref<512x32768xf32, "local">
// CHECK:         %b = loop.alloc "b" in %workspace[0] of memref<393216xi8> slots 3 : memref<512x32768xf32, "local">
module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", threads = 3>} {
  func.func @staged(%x: memref<512x32768xf32>, %y: memref<512x32768xf32> {loop.output}, %z: memref<512x32768xf32> {loop.output}) {
    loop.for %i : 512 {
      %a = loop.alloc "a" {layout = array<i64: 1, 0>} : memref<512x32768xf32, "local">
      loop.for %j : 32768 {
        loop.block "map0" spatial(%v in 512 = %i, %u in 32768 = %j) {
          %0 = loop.read %x[%v, %u] : memref<512x32768xf32>
          loop.write %0, %a[%v, %u] : memref<512x32768xf32, "local">
        }
      }
      loop.for %j : 32768 {
        loop.block "map1" spatial(%v in 512 = %i, %u in 32768 = %j) {
          %0 = loop.read %a[%v, %u * -1 + 32767] : memref<512x32768xf32, "local">
          loop.write %0, %y[%v, %u] : memref<512x32768xf32>
        }
      }
    }
    loop.for %i : 512 parallel {
      %b = loop.alloc "b" : memref<512x32768xf32, "local">
      loop.for %j : 32768 {
        loop.block "map2" spatial(%v in 512 = %i, %u in 32768 = %j) {
          %0 = loop.read %x[%v, %u] : memref<512x32768xf32>
          loop.write %0, %b[%v, %u] : memref<512x32768xf32, "local">
        }
      }
      loop.for %j : 32768 {
        loop.block "map3" spatial(%v in 512 = %i, %u in 32768 = %j) {
          %0 = loop.read %b[%v, %u] : memref<512x32768xf32, "local">
          loop.write %0, %z[%v, %u] : memref<512x32768xf32>
        }
      }
    }
    func.return
  }
}

// -----

// No more slots than there is work for threads.
// CHECK-LABEL: func.func @few(
// CHECK-SAME:    %workspace: memref<262144xi8> {loop.workspace}) attributes {loop.live_bytes = 262144 : i64} {
// CHECK:         %b = loop.alloc "b" in %workspace[0] of memref<262144xi8> slots 2 : memref<3x32768xf32, "local">
module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu", threads = 8>} {
  func.func @few(%x: memref<3x32768xf32>, %y: memref<3x32768xf32> {loop.output}) {
    loop.for %i : 3 parallel(grain = 2) {
      %b = loop.alloc "b" : memref<3x32768xf32, "local">
      loop.for %j : 32768 {
        loop.block "map0" spatial(%v in 3 = %i, %u in 32768 = %j) {
          %0 = loop.read %x[%v, %u] : memref<3x32768xf32>
          loop.write %0, %b[%v, %u] : memref<3x32768xf32, "local">
        }
      }
      loop.for %j : 32768 {
        loop.block "map1" spatial(%v in 3 = %i, %u in 32768 = %j) {
          %0 = loop.read %b[%v, %u * -1 + 32767] : memref<3x32768xf32, "local">
          loop.write %0, %y[%v, %u] : memref<3x32768xf32>
        }
      }
    }
    func.return
  }
}
