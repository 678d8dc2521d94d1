// RUN: stepwell-opt %s -p transform-interpreter --split-input-file | filecheck %s

// A partial result for each iteration of a loop that divides the reduction, and a block that combines them.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x12xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:    %S_partial = loop.alloc "arg1_partial" : memref<8x4xf32, "local">
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %ko : 3 {
// CHECK-NEXT:        loop.for %ki : 4 {
// CHECK-NEXT:          loop.block "reduce0" spatial(%vi in 8 = %i, %vkp in 4 = %ki) reduce(%vk in 3 = %ko) {
// CHECK-NEXT:            loop.init {
// CHECK-NEXT:              %0 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:              loop.write %0, %S_partial[%vi, %vkp] : memref<8x4xf32, "local">
// CHECK-NEXT:            }
// CHECK-NEXT:            %a = loop.read %A[%vi, %vk * 4 + %vkp] : memref<8x12xf32>
// CHECK-NEXT:            loop.reduce (%a) into (%S_partial)[%vi, %vkp] : memref<8x4xf32, "local"> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:              %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:              loop.yield %s : f32
// CHECK-NEXT:            }
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %ki : 4 {
// CHECK-NEXT:        loop.block "reduce0_combine" spatial(%vi in 8 = %i) reduce(%vp in 4 = %ki) attributes {combine} {
// CHECK-NEXT:          loop.init {
// CHECK-NEXT:            %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:            loop.write %z, %S[%vi] : memref<8xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:          %0 = loop.read %S_partial[%vi, %vp] : memref<8x4xf32, "local">
// CHECK-NEXT:          loop.reduce (%0) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:            %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:            loop.yield %s : f32
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.annotate %c "combine" : !op
    transform.yield
  }
}

// -----

// Beyond the end of the reduction, the identity is combined.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x10xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 10 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 10 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x10xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:    %S_partial = loop.alloc "arg1_partial" : memref<8x4xf32, "local">
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %ko : 3 {
// CHECK-NEXT:        loop.for %ki : 4 {
// CHECK-NEXT:          loop.block "reduce0" spatial(%vi in 8 = %i, %vkp in 4 = %ki) reduce(%vk in 3 = %ko) {
// CHECK-NEXT:            loop.init {
// CHECK-NEXT:              %0 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:              loop.write %0, %S_partial[%vi, %vkp] : memref<8x4xf32, "local">
// CHECK-NEXT:            }
// CHECK-NEXT:            %vk_1 = affine.apply affine_map<(d0, d1) -> (((d0 * 4) + d1))> (%vk, %vkp)
// CHECK-NEXT:            %1 = arith.constant 10 : index
// CHECK-NEXT:            %2 = arith.cmpi slt, %vk_1, %1 : index
// CHECK-NEXT:            %3 = scf.if %2 -> (f32) {
// CHECK-NEXT:              %a = loop.read %A[%vi, %vk * 4 + %vkp] : memref<8x10xf32>
// CHECK-NEXT:              scf.yield %a : f32
// CHECK-NEXT:            } else {
// CHECK-NEXT:              %4 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:              scf.yield %4 : f32
// CHECK-NEXT:            }
// CHECK-NEXT:            loop.reduce (%3) into (%S_partial)[%vi, %vkp] : memref<8x4xf32, "local"> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:              %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:              loop.yield %s : f32
// CHECK-NEXT:            }
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %ki : 4 {
// CHECK-NEXT:        loop.block "reduce0_combine" spatial(%vi in 8 = %i) reduce(%vp in 4 = %ki) attributes {combine} {
// CHECK-NEXT:          loop.init {
// CHECK-NEXT:            %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:            loop.write %z, %S[%vi] : memref<8xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:          %0 = loop.read %S_partial[%vi, %vp] : memref<8x4xf32, "local">
// CHECK-NEXT:          loop.reduce (%0) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:            %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:            loop.yield %s : f32
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.annotate %c "combine" : !op
    transform.yield
  }
}

// -----

// One loop over the whole reduction: each partial result is of one element.

!op = !transform.any_op
!value = !transform.any_value

func.func @rows(%A: memref<8x3xf32>, %S: memref<8xf32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 3 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 3 = %k) {
        loop.init {
          %z = arith.constant 0.0 : f32
          loop.write %z, %S[%vi] : memref<8xf32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x3xf32>
        loop.reduce (%a) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc> {
          %s = arith.addf %acc, %x fastmath<reassoc> : f32
          loop.yield %s : f32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @rows(
// CHECK-NEXT:    %S_partial = loop.alloc "arg1_partial" : memref<8x3xf32, "local">
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %k : 3 {
// CHECK-NEXT:        loop.block "reduce0" spatial(%vi in 8 = %i, %vkp in 3 = %k) reduce(%vk in 1 = 0) {
// CHECK-NEXT:          loop.init {
// CHECK-NEXT:            %0 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:            loop.write %0, %S_partial[%vi, %vkp] : memref<8x3xf32, "local">
// CHECK-NEXT:          }
// CHECK-NEXT:          %a = loop.read %A[%vi, %vk * 3 + %vkp] : memref<8x3xf32>
// CHECK-NEXT:          loop.reduce (%a) into (%S_partial)[%vi, %vkp] : memref<8x3xf32, "local"> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:            %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:            loop.yield %s : f32
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %k : 3 {
// CHECK-NEXT:        loop.block "reduce0_combine" spatial(%vi in 8 = %i) reduce(%vp in 3 = %k) {
// CHECK-NEXT:          loop.init {
// CHECK-NEXT:            %z = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:            loop.write %z, %S[%vi] : memref<8xf32>
// CHECK-NEXT:          }
// CHECK-NEXT:          %0 = loop.read %S_partial[%vi, %vp] : memref<8x3xf32, "local">
// CHECK-NEXT:          loop.reduce (%0) into (%S)[%vi] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.000000e+00 : f32] flags [associative, commutative] fastmath<reassoc> {
// CHECK-NEXT:            %s = arith.addf %acc, %x fastmath<reassoc> : f32
// CHECK-NEXT:            loop.yield %s : f32
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %k : (!op, !op) -> !op
    transform.yield
  }
}

// -----

// Several results at a time: partial ones of all of them.

!op = !transform.any_op
!value = !transform.any_value

func.func @pairs(%A: memref<8x12xi32>, %S: memref<8xi32> {loop.output}, %T: memref<8xi32> {loop.output}) {
  loop.for %i : 8 {
    loop.for %k : 12 {
      loop.block "reduce0" spatial(%vi in 8 = %i) reduce(%vk in 12 = %k) {
        loop.init {
          %z = arith.constant 0 : i32
          loop.write %z, %S[%vi] : memref<8xi32>
          loop.write %z, %T[%vi] : memref<8xi32>
        }
        %a = loop.read %A[%vi, %vk] : memref<8x12xi32>
        %q = arith.muli %a, %a : i32
        loop.reduce (%a, %q) into (%S, %T)[%vi] : memref<8xi32>, memref<8xi32> combine(%acc: i32, %acc2: i32, %x: i32, %y: i32) identity [0 : i32, 0 : i32] flags [associative, commutative] {
          %s = arith.addi %acc, %x : i32
          %t = arith.addi %acc2, %y : i32
          loop.yield %s, %t : i32, i32
        }
      }
    }
  }
  func.return
}

// CHECK-LABEL: func.func @pairs(
// CHECK-NEXT:    %S_partial = loop.alloc "arg1_partial" : memref<8x4xi32, "local">
// CHECK-NEXT:    %T_partial = loop.alloc "arg2_partial" : memref<8x4xi32, "local">
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %ko : 3 {
// CHECK-NEXT:        loop.for %ki : 4 {
// CHECK-NEXT:          loop.block "reduce0" spatial(%vi in 8 = %i, %vkp in 4 = %ki) reduce(%vk in 3 = %ko) {
// CHECK-NEXT:            loop.init {
// CHECK-NEXT:              %0 = arith.constant 0 : i32
// CHECK-NEXT:              loop.write %0, %S_partial[%vi, %vkp] : memref<8x4xi32, "local">
// CHECK-NEXT:              %1 = arith.constant 0 : i32
// CHECK-NEXT:              loop.write %1, %T_partial[%vi, %vkp] : memref<8x4xi32, "local">
// CHECK-NEXT:            }
// CHECK-NEXT:            %a = loop.read %A[%vi, %vk * 4 + %vkp] : memref<8x12xi32>
// CHECK-NEXT:            %q = arith.muli %a, %a : i32
// CHECK-NEXT:            loop.reduce (%a, %q) into (%S_partial, %T_partial)[%vi, %vkp] : memref<8x4xi32, "local">, memref<8x4xi32, "local"> combine(%acc: i32, %acc2: i32, %x: i32, %y: i32) identity [0 : i32, 0 : i32] flags [associative, commutative] {
// CHECK-NEXT:              %s = arith.addi %acc, %x : i32
// CHECK-NEXT:              %t = arith.addi %acc2, %y : i32
// CHECK-NEXT:              loop.yield %s, %t : i32, i32
// CHECK-NEXT:            }
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    loop.for %i : 8 {
// CHECK-NEXT:      loop.for %ki : 4 {
// CHECK-NEXT:        loop.block "reduce0_combine" spatial(%vi in 8 = %i) reduce(%vp in 4 = %ki) attributes {combine} {
// CHECK-NEXT:          loop.init {
// CHECK-NEXT:            %z = arith.constant 0 : i32
// CHECK-NEXT:            loop.write %z, %S[%vi] : memref<8xi32>
// CHECK-NEXT:            loop.write %z, %T[%vi] : memref<8xi32>
// CHECK-NEXT:          }
// CHECK-NEXT:          %0 = loop.read %S_partial[%vi, %vp] : memref<8x4xi32, "local">
// CHECK-NEXT:          %1 = loop.read %T_partial[%vi, %vp] : memref<8x4xi32, "local">
// CHECK-NEXT:          loop.reduce (%0, %1) into (%S, %T)[%vi] : memref<8xi32>, memref<8xi32> combine(%acc: i32, %acc2: i32, %x: i32, %y: i32) identity [0 : i32, 0 : i32] flags [associative, commutative] {
// CHECK-NEXT:            %s = arith.addi %acc, %x : i32
// CHECK-NEXT:            %t = arith.addi %acc2, %y : i32
// CHECK-NEXT:            loop.yield %s, %t : i32, i32
// CHECK-NEXT:          }
// CHECK-NEXT:        }
// CHECK-NEXT:      }
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return
// CHECK-NEXT:  }

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !op {transform.readonly}) {
    %b = sched.match_block "reduce0" in %root : (!op) -> !op
    %i, %k = sched.get_loops %b : (!op) -> (!op, !op)
    %ko, %ki = sched.tile %k tile_sizes [4] : (!op) -> (!op, !op)
    %c = sched.split_reduction %b at %ki : (!op, !op) -> !op
    transform.annotate %c "combine" : !op
    transform.yield
  }
}

