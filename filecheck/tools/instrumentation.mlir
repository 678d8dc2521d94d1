// RUN: stepwell-opt %s -p "canonicalize, func.func(cse)" --print-ir-after-all 2>&1 >/dev/null | filecheck %s --check-prefix=ALL
// RUN: stepwell-opt %s -p "canonicalize, func.func(cse)" --print-ir-after=cse --print-ir-before=canonicalize 2>&1 >/dev/null | filecheck %s --check-prefix=SOME
// RUN: stepwell-opt %s -p "canonicalize, func.func(cse)" --timing --verify-each 2>&1 >/dev/null | filecheck %s --check-prefix=TIMING

// ALL:      // -----// IR Dump After canonicalize //----- //
// ALL-NEXT: builtin.module {
// ALL-NOT:  arith.subf
// ALL:      // -----// IR Dump After cse //----- //
// ALL-NEXT: builtin.module {

// SOME:      // -----// IR Dump Before canonicalize //----- //
// SOME:      arith.subf
// SOME-NOT:  After canonicalize
// SOME:      // -----// IR Dump After cse //----- //

// TIMING:      Execution time report
// TIMING:      Total Execution Time
// TIMING:      parse
// TIMING:      canonicalize
// TIMING-NEXT: cse
// TIMING:      Total
func.func @f(%a: f32) -> f32 {
  %dead = arith.subf %a, %a : f32
  %b = arith.mulf %a, %a : f32
  %c = arith.mulf %a, %a : f32
  %d = arith.addf %b, %c : f32
  func.return %d : f32
}
