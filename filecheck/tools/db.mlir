// A database that is imported from lines of JSON, looked into, and used to compile.
// RUN: rm -rf %t && mkdir %t
// RUN: stepwell db import %t/a.db %S/Inputs/trials.jsonl | filecheck %s --check-prefix=IMPORT
// RUN: stepwell db list %t/a.db | filecheck %s --check-prefix=LIST
// RUN: stepwell db list %t/a.db da927e | filecheck %s --check-prefix=TRIALS
// RUN: stepwell db best %t/a.db da927e -o %t/best.mlir
// RUN: filecheck %s --check-prefix=BEST --input-file %t/best.mlir
// RUN: stepwell compile %s --emit apply-schedules --schedule %t/best.mlir | filecheck %s --check-prefix=TILED
// RUN: stepwell compile %s --emit apply-schedules --db %t/a.db | filecheck %s --check-prefix=TILED
// RUN: stepwell compile %s -o %t/out --db %t/a.db --no-cache -v 2>&1 | filecheck %s --check-prefix=TUNED
// RUN: stepwell db export %t/a.db -o %t/b.jsonl
// RUN: stepwell db import %t/b.db %t/b.jsonl %t/b.jsonl | filecheck %s --check-prefix=AGAIN
// RUN: stepwell db merge %t/b.db %t/a.db | filecheck %s --check-prefix=MERGE
// RUN: stepwell db prune %t/b.db --keep 1 --failures | filecheck %s --check-prefix=PRUNE
// RUN: stepwell db list %t/b.db | filecheck %s --check-prefix=PRUNED

// IMPORT: trials.jsonl: 3 new trials

// LIST:      hash          trials  right      best  kernel
// LIST-NEXT: da927e7b02ec       3      2  2.000 us  B (20xf32) -> 20xf32
// LIST-NEXT: 1 kernels, 3 scripts, 3 trials: 2 ok, 1 wrong

// TRIALS:      da927e7b02ec{{.*}}  B (20xf32) -> 20xf32
// TRIALS-NEXT:     time  status  sketch      choices
// TRIALS-NEXT: 2.000 us  ok      maps/tiled  size=5
// TRIALS-NEXT: 1.000 ms  ok      maps/tiled  size=2
// TRIALS-NEXT:        -  wrong   maps/tiled  1 of 10 elements is off

// BEST:      // da927e7b02ec{{.*}}  B (20xf32) -> 20xf32
// BEST-NEXT: // 2.000 us on host
// BEST-NEXT: // sketch maps/tiled
// BEST:      sched.tile %i tile_sizes [5]

// TILED:      loop.for %io : 4 {
// TILED-NEXT:   loop.for %ii : 5 {

// TUNED: main: tuned

// AGAIN:      b.jsonl: 3 new trials
// AGAIN-NEXT: b.jsonl: 0 new trials
// MERGE:      a.db: 0 new trials
// PRUNE:      2 trials removed, 1 left
// PRUNED:     1 kernels, 1 scripts, 1 trials: 1 ok

module attributes {cpu.target = #cpu.target<triple = "x86_64-unknown-linux-gnu">} {
  func.func @main(%A: memref<20xf32>, %B: memref<20xf32> {loop.output}) {
    loop.for %i : 20 {
      loop.block "map0" alias "B" spatial(%vi in 20 = %i) {
        %a = loop.read %A[%vi] : memref<20xf32>
        %s = arith.addf %a, %a : f32
        loop.write %s, %B[%vi] : memref<20xf32>
      }
    }
    func.return
  }
}
