// A kernel that was not tuned is scheduled as the one that is most like it, where that is legal.
// RUN: rm -rf %t && mkdir %t
// RUN: stepwell db import %t/a.db %S/Inputs/trials.jsonl
// RUN: stepwell compile %s --emit apply-schedules --db %t/a.db | filecheck %s

// CHECK:      loop.for %io : 5 {
// CHECK-NEXT:   loop.for %ii : 5 {
// CHECK-NEXT:     loop.block "map0" alias "B" spatial(%vi in 21 = %io * 5 + %ii) {
module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu">} {
  func.func @main(%A: memref<21xf32>, %B: memref<21xf32> {loop.output}) {
    loop.for %i : 21 {
      loop.block "map0" alias "B" spatial(%vi in 21 = %i) {
        %a = loop.read %A[%vi] : memref<21xf32>
        %s = arith.addf %a, %a : f32
        loop.write %s, %B[%vi] : memref<21xf32>
      }
    }
    func.return
  }
}
