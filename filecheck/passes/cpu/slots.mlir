// RUN: stepwell-opt %s -p "cpu-outline-parallel" --split-input-file --verify-diagnostics | filecheck %s

// The body is told which thread it is; alone it is the first. There are no more threads than slots.
// CHECK: func.func private @f_par0(%lo: index, %hi: index, %t: index, %W: memref<64xi8>) {
// CHECK:   %a = memref.view %W[%t][] : memref<64xi8> to memref<4xi8>
// CHECK: llvm.func internal @f_par0_thunk(
// CHECK:   func.call @f_par0(%lo, %hi, %thread, %{{.*}}) : (index, index, index, memref<64xi8>) -> ()
// CHECK: func.func @f(
// CHECK:   %[[zero:.*]] = arith.constant 0 : index
// CHECK:   %[[most:.*]] = arith.constant 3 : i32
// CHECK:   func.call @stepwell_team_size(%[[most]]) : (i32) -> i32
// CHECK:   func.call @f_par0(%[[zero]], %{{.*}}, %[[zero]], %W)
func.func @f(%W: memref<64xi8>) {
  cpu.parallel %i : 8 slot %t of 3 {
    %a = memref.view %W[%t][] : memref<64xi8> to memref<4xi8>
  }
  func.return
}

// -----

// CHECK: expected no slots of a parallel loop inside of another one, got some
func.func @nested(%W: memref<64xi8>) {
  cpu.parallel %i : 8 {
    cpu.parallel %j : 8 slot %t of 3 {
    }
  }
  func.return
}
