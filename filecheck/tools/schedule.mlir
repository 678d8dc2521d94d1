// RUN: stepwell-opt %s --schedule %S/Inputs/schedule.mlir | filecheck %s
// RUN: stepwell-opt %s -p "convert-te-to-loop, transform-interpreter{script=%S/Inputs/schedule.mlir}" | filecheck %s
// RUN: stepwell-opt %s --schedule %S/Inputs/schedule.mlir --show-pipeline -p cse | filecheck %s --check-prefix=TEXT
// RUN: sed s/map0/map1/ %s > %t.mlir && not stepwell-opt %t.mlir --schedule %S/Inputs/schedule.mlir --no-reproducer 2>&1 | filecheck %s --check-prefix=REFUSED

// A script runs on the input, before any pass; as a pass it runs wherever it stands.

// CHECK: loop.for %i : 8 parallel {
// TEXT: builtin.module(transform-interpreter{script={{.*}}schedule.mlir}, cse)
// REFUSED: error: {{.*}}schedule.mlir:3:5: {{.*}}map0
// REFUSED: in script: %{{.*}} = sched.match_block
func.func @copy(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map0" alias "B" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      loop.write %a, %B[%v] : memref<8xf32>
    }
  }
  func.return
}
