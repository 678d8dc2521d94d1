// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A consumer's loop takes in the producer's, whose body comes first; what they share lives there.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @chain(
// CHECK-NEXT:   loop.for %k : 8 {
// CHECK-NEXT:     %T = loop.alloc "T" : memref<8xf32>
// CHECK-NEXT:     loop.block "map0" spatial(%vi in 8 = %k) {
// CHECK-NEXT:       %a = loop.read %A[%vi] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %T[%vi] : memref<8xf32>
// CHECK:          loop.block "map1" spatial(%vk in 8 = %k) {
// CHECK-NEXT:       %t = loop.read %T[%vk] : memref<8xf32>
// CHECK-NEXT:       loop.write %t, %D[%vk] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %i into %k : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// The later loop moves to the earlier one.

!op = !transform.any_op

func.func @chain(%A: memref<8xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<8xf32>
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %a = loop.read %A[%vi] : memref<8xf32>
      loop.write %a, %T[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %t = loop.read %T[%vk] : memref<8xf32>
      loop.write %t, %D[%vk] : memref<8xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @chain(
// CHECK-NEXT:   loop.for %i : 8 {
// CHECK-NEXT:     %T = loop.alloc "T" : memref<8xf32>
// CHECK-NEXT:     loop.block "map0" spatial(%vi in 8 = %i) {
// CHECK-NEXT:       %a = loop.read %A[%vi] : memref<8xf32>
// CHECK-NEXT:       loop.write %a, %T[%vi] : memref<8xf32>
// CHECK:          loop.block "map1" spatial(%vk in 8 = %i) {
// CHECK-NEXT:       %t = loop.read %T[%vk] : memref<8xf32>
// CHECK-NEXT:       loop.write %t, %D[%vk] : memref<8xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %k into %i : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// What one loop reads and the other one overwrites in an iteration that is not earlier may share a loop.

!op = !transform.any_op

func.func @war(%A: memref<9xf32>, %D: memref<8xf32> {loop.output}) {
  %T = loop.alloc "T" : memref<9xf32>
  loop.for %h : 9 {
    loop.block "map" spatial(%vh in 9 = %h) {
      %a = loop.read %A[%vh] : memref<9xf32>
      loop.write %a, %T[%vh] : memref<9xf32>
    }
  }
  loop.for %i : 8 {
    loop.block "map0" spatial(%vi in 8 = %i) {
      %t = loop.read %T[%vi + 1] : memref<9xf32>
      loop.write %t, %D[%vi] : memref<8xf32>
    }
  }
  loop.for %k : 8 {
    loop.block "map1" spatial(%vk in 8 = %k) {
      %a = loop.read %A[%vk] : memref<9xf32>
      loop.write %a, %T[%vk] : memref<9xf32>
    }
  }
  func.return
}

// CHECK-LABEL: func.func @war(
// CHECK-NEXT:   %T = loop.alloc "T" : memref<9xf32>
// CHECK-NEXT:   loop.for %h : 9 {
// CHECK-NEXT:     loop.block "map" spatial(%vh in 9 = %h) {
// CHECK-NEXT:       %a = loop.read %A[%vh] : memref<9xf32>
// CHECK-NEXT:       loop.write %a, %T[%vh] : memref<9xf32>
// CHECK:        loop.for %k : 8 {
// CHECK-NEXT:     loop.block "map0" spatial(%vi in 8 = %k) {
// CHECK-NEXT:       %t = loop.read %T[%vi + 1] : memref<9xf32>
// CHECK-NEXT:       loop.write %t, %D[%vi] : memref<8xf32>
// CHECK:          loop.block "map1" spatial(%vk in 8 = %k) {
// CHECK-NEXT:       %a = loop.read %A[%vk] : memref<9xf32>
// CHECK-NEXT:       loop.write %a, %T[%vk] : memref<9xf32>

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %p = sched.match_block "map0" in %root : (!op) -> !op
    %c = sched.match_block "map1" in %root : (!op) -> !op
    %i = sched.get_loops %p : (!op) -> (!op)
    %k = sched.get_loops %c : (!op) -> (!op)
    %f = sched.fuse_sibling %i into %k : (!op, !op) -> !op
    transform.yield
  }
}
