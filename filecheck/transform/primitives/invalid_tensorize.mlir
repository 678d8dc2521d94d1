// RUN: stepwell-opt %s -p transform-interpreter --split-input-file --verify-diagnostics | filecheck %s

// The loops have the description's extents.

!op = !transform.any_op

func.func @k(%A: memref<8xf32>, %B: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.block "map" spatial(%v in 8 = %i) {
      %a = loop.read %A[%v] : memref<8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<8xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a loop of extent 4, got loop %i of extent 8, to tensorize loop %i of extent 8 with 'twice'

// -----

// The nest has as many loops.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4x4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.for %k : 4 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
          %x = loop.read %a[%v, %r] : memref<4x4xf32>
          loop.reduce (%x) into (%b)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %n fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<16xf32>, %b: vector<4xf32>) -> vector<4xf32> {
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected 2 loops, got 1 around block 'map', to tensorize loop %i of extent 4 with 'twice'

// -----

// No more of them.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %S: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 4 {
      loop.block "map" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %r] : memref<4x4xf32>
        loop.reduce (%a) into (%S)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a block in 1 loops, got loop %k of extent 4, to tensorize loop %i of extent 4 with 'twice'

// -----

// Nothing else is in the nest.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}, %C: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
    loop.block "other" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      loop.write %a, %C[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected one loop or block in loop %i of extent 4, got 2 ops, to tensorize loop %i of extent 4 with 'twice'

// -----

// The same operations.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.mulf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected 'arith.addf', got 'arith.mulf', to tensorize loop %i of extent 4 with 'twice'

// -----

// On the same values.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %one = arith.constant 1.0 : f32
      %b = arith.addf %a, %one : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %one = arith.constant 1.0 : f32
        %y = arith.addf %one, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected operand 0 of 'arith.addf' to be the description's, got another value, to tensorize loop %i of extent 4 with 'twice'

// -----

// Of the same types.

!op = !transform.any_op

func.func @k(%A: memref<4xf64>, %B: memref<4xf64> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf64>
      %b = arith.addf %a, %a : f64
      loop.write %b, %B[%v] : memref<4xf64>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected 'loop.read' to give f32, got f64, to tensorize loop %i of extent 4 with 'twice'

// -----

// With the same numbers.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %one = arith.constant 1.0 : f32
      %b = arith.addf %a, %one : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %two = arith.constant 2.0 : f32
        %y = arith.addf %x, %two : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected value of 'arith.constant' to be 2.000000e+00 : f32, got 1.000000e+00 : f32, to tensorize loop %i of extent 4 with 'twice'

// -----

// And no more of them.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %c = arith.addf %a, %a : f32
      %b = arith.addf %a, %a : f32
      loop.write %c, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected 'loop.write', got 'arith.addf', to tensorize loop %i of extent 4 with 'twice'

// -----

// Nor fewer.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected one access of each buffer in @twice, got several of one

// -----

// Indices are those of accesses.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %n = arith.index_cast %v : index to i32
      %f = arith.sitofp %n : i32 to f32
      %b = arith.addf %a, %f : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %n = arith.index_cast %v : index to i32
        %f = arith.sitofp %n : i32 to f32
        %y = arith.addf %x, %f : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected no index but in accesses, got one in 'arith.index_cast', to tensorize loop %i of extent 4 with 'twice'

// -----

// With at least the freedom that the description asks for.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %S: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 4 {
      loop.block "map" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %r] : memref<4x4xf32>
        loop.reduce (%a) into (%S)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] {
          %s = arith.addf %acc, %x : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4x4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.for %k : 4 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
          %x = loop.read %a[%v, %r] : memref<4x4xf32>
          loop.reduce (%x) into (%b)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %n fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<16xf32>, %b: vector<4xf32>) -> vector<4xf32> {
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    %init = sched.decompose_reduction %c at %i : (!op, !op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected 'loop.reduce' to allow reassoc, to tensorize loop %i of extent 4 with 'twice'

// -----

// A reduction starts elsewhere.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %S: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.for %k : 4 {
      loop.block "map" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%v] : memref<4xf32>
        }
        %a = loop.read %A[%v, %r] : memref<4x4xf32>
        loop.reduce (%a) into (%S)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4x4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.for %k : 4 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
          %x = loop.read %a[%v, %r] : memref<4x4xf32>
          loop.reduce (%x) into (%b)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %n fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<16xf32>, %b: vector<4xf32>) -> vector<4xf32> {
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i, %k = sched.get_loops %c : (!op) -> (!op, !op)
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a reduction whose init is a block of its own, got 'map' with an init, to tensorize loop %i of extent 4 with 'twice'

// -----

// A loop that moves an access of the description moves the nest's.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[0] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected 'loop.read' to access another element in each iteration of the loop of extent 4, to tensorize loop %i of extent 4 with 'twice'

// -----

// Along the kinds of iterators of the description.

!op = !transform.any_op

func.func @k(%A: memref<4x4xf32>, %S: memref<4xf32> {loop.output}) {
  loop.for %k : 4 {
    loop.for %i : 4 {
      loop.block "map" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
        %a = loop.read %A[%v, %r] : memref<4x4xf32>
        loop.reduce (%a) into (%S)[%v] : memref<4xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4x4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.for %k : 4 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
          %x = loop.read %a[%v, %r] : memref<4x4xf32>
          loop.reduce (%x) into (%b)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %n fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<16xf32>, %b: vector<4xf32>) -> vector<4xf32> {
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %k, %i = sched.get_loops %c : (!op) -> (!op, !op)
    sched.tensorize %k with @twice : !op
    transform.yield
  }
}
// CHECK: expected a spatial iterator along the loop of extent 4, got reduce, to tensorize loop %k of extent 4 with 'twice'

// -----

// Elements of a vector are neighbours.

!op = !transform.any_op

func.func @k(%A: memref<4x8xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v, 0] : memref<4x8xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected steps along loop %i of extent 4 to be 1 elements long in memory, got 8 in 'loop.read', to tensorize loop %i of extent 4 with 'twice'

// -----

// The loops around are not lanes of vectors.

!op = !transform.any_op

func.func @k(%A: memref<8x4xf32>, %B: memref<8x4xf32> {loop.output}) {
  loop.for %j : 8 {
    loop.for %i : 4 {
      loop.block "map" spatial(%w in 8 = %j, %v in 4 = %i) {
        %a = loop.read %A[%w, %v] : memref<8x4xf32>
        %b = arith.addf %a, %a : f32
        loop.write %b, %B[%w, %v] : memref<8x4xf32>
      }
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %j, %i = sched.get_loops %c : (!op) -> (!op, !op)
    sched.vectorize %j : !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected loops around the nest to be plain ones, got vectorized loop %j of extent 8

// -----

// The target has what the implementation needs.

!op = !transform.any_op

module attributes {cpu.target = #cpu.target<triple = "x86_64", features = "+avx2">} {
func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors, sched.features = "sse2|avx512f"} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a target with sse2 or avx512f for @twice, got one without

// -----

// One of several has to fit.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.mulf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with [@twice, @twice] : !op
    transform.yield
  }
}
// CHECK: expected one of 2 intrinsics to fit loop %i of extent 4: expected 'arith.addf', got 'arith.mulf', to tensorize loop %i of extent 4 with 'twice'; expected 'arith.addf', got 'arith.mulf', to tensorize loop %i of extent 4 with 'twice'

// -----

// A symbol that nothing has.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twize : !op
    transform.yield
  }
}
// CHECK: expected a function with a body, got unknown symbol @twize; did you mean 'twice'?

// -----

// A description has an implementation.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a description with an implementation (attribute 'sched.implementation'), got @twice

// -----

// It is one nest.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected one nest in the description @twice, got 0 ops

// -----

// A perfect one.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}, %c: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "fill" spatial(%v in 4 = %i) {
        %z = arith.constant 0.0 : f32
        loop.write %z, %c[%v] : memref<4xf32>
      }
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a perfect nest around one block in the description @twice

// -----

// Without an init.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4x4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.for %k : 4 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
          loop.init {
            %z = arith.constant 0.0 : f32
            loop.write %z, %b[%v] : memref<4xf32>
          }
          %x = loop.read %a[%v, %r] : memref<4x4xf32>
          loop.reduce (%x) into (%b)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %n fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<16xf32>, %b: vector<4xf32>) -> vector<4xf32> {
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a block without init, predicates and ordered iterators in @twice

// -----

// Of serial loops.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 unrolled {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected serial loops in the description @twice

// -----

// Without branches.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %yes = arith.constant true
        %x = scf.if %yes -> (f32) {
          %inner = loop.read %a[%v] : memref<4xf32>
          scf.yield %inner : f32
        } else {
          %zero = arith.constant 0.0 : f32
          scf.yield %zero : f32
        }
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected no branch in the description @twice

// -----

// Without several accesses of a buffer.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %x2 = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x2 : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected one access of each buffer in @twice, got several of one

// -----

// Without reductions into several.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<1xf32> {loop.output}, %c: memref<1xf32> {loop.output})
      attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "sums" reduce(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        loop.reduce (%x, %x) into (%b, %c)[0] : memref<1xf32>, memref<1xf32>
            combine(%s: f32, %t: f32, %x1: f32, %x2: f32) identity [0.0 : f32, 0.0 : f32] {
          %s1 = arith.addf %s, %x1 : f32
          %t1 = arith.addf %t, %x2 : f32
          loop.yield %s1, %t1 : f32, f32
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected reductions into one buffer in @twice, got 2

// -----

// A nest that reads what it writes.

!op = !transform.any_op

func.func @k(%B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %B[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected a nest that reads no buffer that it writes, got one in 'map', to tensorize loop %i of extent 4 with 'twice'

// -----

// That accesses all of its arguments.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%unused: memref<4xf32>, %a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected the description @twice to access all of its arguments, and nothing else

// -----

// And all of their elements.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<5xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<5xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected @twice to access whole buffers, got a part of memref<5xf32>

// -----

// From the first one on.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<5xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v + 1] : memref<5xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected sums of loops as indices in the description @twice

// -----

// The implementation takes what is read.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<4xf32>, %more: vector<4xf32>) -> vector<4xf32> {
    %b = arith.addf %a, %a : vector<4xf32>
    func.return %b : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected @twice_on_vectors to take the elements that @twice reads, got vector<4xf32>, vector<4xf32>

// -----

// In vectors of its elements.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.block "twice" spatial(%v in 4 = %i) {
        %x = loop.read %a[%v] : memref<4xf32>
        %y = arith.addf %x, %x : f32
        loop.write %y, %b[%v] : memref<4xf32>
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<3xf32>) -> vector<4xf32> {
    %z = arith.constant dense<0.0> : vector<4xf32>
    func.return %z : vector<4xf32>
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected @twice_on_vectors to take or give vectors of the elements of memref<4xf32> of @twice, got vector<3xf32>

// -----

// And gives what is written.

!op = !transform.any_op

func.func @k(%A: memref<4xf32>, %B: memref<4xf32> {loop.output}) {
  loop.for %i : 4 {
    loop.block "map" spatial(%v in 4 = %i) {
      %a = loop.read %A[%v] : memref<4xf32>
      %b = arith.addf %a, %a : f32
      loop.write %b, %B[%v] : memref<4xf32>
    }
  }
  func.return
}

module attributes {transform.with_named_sequence} {
  func.func @twice(%a: memref<4x4xf32>, %b: memref<4xf32> {loop.output}) attributes {sched.implementation = @twice_on_vectors} {
    loop.for %i : 4 {
      loop.for %k : 4 {
        loop.block "sum" spatial(%v in 4 = %i) reduce(%r in 4 = %k) {
          %x = loop.read %a[%v, %r] : memref<4x4xf32>
          loop.reduce (%x) into (%b)[%v] : memref<4xf32> combine(%acc: f32, %n: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
            %s = arith.addf %acc, %n fastmath<reassoc> : f32
            loop.yield %s : f32
          }
        }
      }
    }
    func.return
  }
  func.func @twice_on_vectors(%a: vector<16xf32>, %b: vector<4xf32>) {
    func.return
  }
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %c = sched.match_block "map" in %root : (!op) -> !op
    %i = sched.get_loops %c : (!op) -> !op
    sched.tensorize %i with @twice : !op
    transform.yield
  }
}
// CHECK: expected @twice_on_vectors to give what @twice writes (vector<4xf32>), got nothing
