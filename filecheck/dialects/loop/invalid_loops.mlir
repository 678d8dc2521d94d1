// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected a positive extent, got 0
loop.for %i : 0 {}

// -----

// CHECK: expected one induction variable of type index
"loop.for"() <{extent = 4 : index, kind = #loop<kind serial>}> ({
^bb0(%i: i64):
}) : () -> ()

// -----

// CHECK: expected a grain on a parallel loop only, got kind serial
"loop.for"() <{extent = 4 : index, kind = #loop<kind serial>, grain = 2 : index}> ({
^bb0(%i: index):
}) : () -> ()

// -----

// CHECK: expected a thread name on a bound loop, and only there
loop.for %i : 4 bound {}

// -----

// CHECK: expected a thread name on a bound loop, and only there
"loop.for"() <{extent = 4 : index, kind = #loop<kind virtual>, thread = "thread.x"}> ({
^bb0(%i: index):
}) : () -> ()

// -----

// CHECK: expected loop.for, loop.block or loop.alloc in a loop, got arith.constant
loop.for %i : 4 {
  %c = arith.constant 0 : index
}
