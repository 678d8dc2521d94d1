// A kernel that was not tuned is scheduled as the one that is most like it, where that is legal, and not estimated to be
// clearly slower than what we ship.
// RUN: rm -rf %t && mkdir %t
// RUN: stepwell db import %t/a.db %S/Inputs/trials_in_lanes.jsonl
// RUN: stepwell compile %s --emit apply-schedules --db %t/a.db | filecheck %s
// RUN: stepwell compile %s -o %t/out --db %t/a.db --no-cache -v 2>&1 | filecheck %s --check-prefix=NEAREST
// RUN: stepwell db import %t/b.db %S/Inputs/trials.jsonl
// RUN: stepwell compile %s -o %t/out --db %t/b.db --no-cache -v 2>&1 | filecheck %s --check-prefix=SHIPPED

// CHECK:      loop.for %io : 600 {
// CHECK-NEXT:   loop.for %ii : 4 vectorized {
// CHECK-NEXT:     loop.block "map0" alias "B" spatial(%vi in 2400 = %io * 4 + %ii) {

// NEAREST: main: nearest da927e7b02ec9f499dd12847935ac25c
// SHIPPED: main: shipped
module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu">} {
  func.func @main(%A: memref<2400xf32>, %B: memref<2400xf32> {loop.output}) {
    loop.for %i : 2400 {
      loop.block "map0" alias "B" spatial(%vi in 2400 = %i) {
        %a = loop.read %A[%vi] : memref<2400xf32>
        %s = arith.addf %a, %a : f32
        loop.write %s, %B[%vi] : memref<2400xf32>
      }
    }
    func.return
  }
}
