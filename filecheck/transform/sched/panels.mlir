// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// Loops of a contraction by what moves with them.

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @panels(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @panels
// CHECK-NEXT:    loop.for %i : 6 attributes {row} {
// CHECK-NEXT:      loop.for %j : 40 attributes {lane, longest} {
// CHECK-NEXT:        loop.for %k : 9 attributes {innermost} {

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %weights = sched.get_constant_inputs %c : (!op) -> !value
    %shared, %rows, %row, %lanes, %lane = sched.get_panel_loops %c, %weights in %c : (!op, !value, !op) -> (!op, !op, !op, !op, !op)
    transform.annotate %row "row" : !op
    transform.annotate %lane "lane" : !op
    %all = sched.get_loops %c : (!op) -> !op
    %longest, %others = sched.get_longest %all : (!op) -> (!op, !op)
    transform.annotate %longest "longest" : !op
    %innermost, %outer = sched.get_innermost %all : (!op) -> (!op, !op)
    transform.annotate %innermost "innermost" : !op
    transform.yield
  }
}

// -----

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected a loop in which only the other input of 'sum' moves, got none
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %shared, %rows, %row, %lanes, %lane = sched.get_panel_loops %c, %W in %c inside %j : (!op, !value, !op, !op) -> (!op, !op, !op, !op, !op)
    transform.yield
  }
}

// -----

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected an input of block 'sum', got another buffer
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %C = sched.get_writes %c : (!op) -> !value
    %shared, %rows, %row, %lanes, %lane = sched.get_panel_loops %c, %C in %c : (!op, !value, !op) -> (!op, !op, !op, !op, !op)
    transform.yield
  }
}

// -----

!op = !transform.any_op
!value = !transform.any_value
!param = !transform.any_param

func.func @k(%A: memref<6x9xf32>, %W: memref<40x9xf32> {loop.constant}, %C: memref<6x40xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 40 {
      loop.for %k : 9 {
        loop.block "sum" spatial(%vi in 6 = %i, %vj in 40 = %j) reduce(%vk in 9 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %C[%vi, %vj] : memref<6x40xf32>
          }
          %a = loop.read %A[%vi, %vk] : memref<6x9xf32>
          %w = loop.read %W[%vj, %vk] : memref<40x9xf32>
          %p = arith.mulf %a, %w : f32
          loop.reduce (%p) into (%C)[%vi, %vj] : memref<6x40xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %x fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
  }
  func.return
}
// CHECK: expected at least one loop, got none
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "sum" in %root : (!op) -> !op
    %i, %j, %k = sched.get_loops %c : (!op) -> (!op, !op, !op)
    %A, %W = sched.get_reads %c : (!op) -> (!value, !value)
    %none = sched.get_loops %c {of = "ordered"} : (!op) -> !op
    %longest, %others = sched.get_longest %none : (!op) -> (!op, !op)
    transform.yield
  }
}

// -----

// A transpose reads neighbours along another loop than its innermost one.

!op = !transform.any_op

func.func @transpose(%A: memref<6x9xf32>, %B: memref<9x6xf32> {loop.output}) {
  loop.for %i : 9 {
    loop.for %j : 6 {
      loop.block "map0" spatial(%vi in 9 = %i, %vj in 6 = %j) {
        %a = loop.read %A[%vj, %vi] : memref<6x9xf32>
        loop.write %a, %B[%vi, %vj] : memref<9x6xf32>
      }
    }
  }
  func.return
}
// CHECK-LABEL: func.func @transpose
// CHECK-NEXT:    loop.for %i : 9 attributes {crossing} {
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i = sched.get_crossing_loop %c : (!op) -> !op
    transform.annotate %i "crossing" : !op
    transform.yield
  }
}

// -----

!op = !transform.any_op

func.func @copy(%A: memref<6x9xf32>, %B: memref<6x9xf32> {loop.output}) {
  loop.for %i : 6 {
    loop.for %j : 9 {
      loop.block "map0" spatial(%vi in 6 = %i, %vj in 9 = %j) {
        %a = loop.read %A[%vi, %vj] : memref<6x9xf32>
        loop.write %a, %B[%vi, %vj] : memref<6x9xf32>
      }
    }
  }
  func.return
}
// CHECK: expected a loop along which 'map0' reads neighbours that it does not read along its innermost one, got none
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map0" in %root : (!op) -> !op
    %i = sched.get_crossing_loop %c : (!op) -> !op
    transform.yield
  }
}
