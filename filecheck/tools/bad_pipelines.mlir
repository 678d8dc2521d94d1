// RUN: not stepwell-opt %s -p "builtin.module(func.func(canonicalise))" 2>&1 | filecheck %s --check-prefix=PASS
// RUN: not stepwell-opt %s -p "transform-interpreter{entry-pont=a}" 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not stepwell-opt %s -p "scf-for-loop-unroll,cse{x}" 2>&1 | filecheck %s --check-prefix=NO-OPTIONS
// RUN: not stepwell-opt %s -p "func.func(symbol-dce)" 2>&1 | filecheck %s --check-prefix=ANCHOR
// RUN: not stepwell-opt %s -p "func.func(builtin.module(cse))" 2>&1 | filecheck %s --check-prefix=INNER
// RUN: not stepwell-opt %s -p "cse," 2>&1 | filecheck %s --check-prefix=SYNTAX
// RUN: not stepwell-opt %s -p cse --pipeline x.mlir 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not stepwell-opt %s --pipeline no-such-file.mlir 2>&1 | filecheck %s --check-prefix=FILE
// RUN: not stepwell-opt %s --print-ir-after=canonicalise 2>&1 | filecheck %s --check-prefix=PRINT
// RUN: not stepwell-opt %s --no-such-flag 2>&1 | filecheck %s --check-prefix=FLAG
// RUN: not stepwell-opt no-such-file.mlir 2>&1 | filecheck %s --check-prefix=INPUT
// RUN: stepwell-opt %s -p canonicalise --verify-diagnostics | filecheck %s --check-prefix=DIAGNOSTIC
// RUN: not stepwell-opt %s -t no-such-target 2>&1 | filecheck %s --check-prefix=TARGET

// PASS:      error: unknown pass 'canonicalise'; did you mean 'canonicalize'?
// PASS-NEXT:   builtin.module(func.func(canonicalise))
// PASS-NEXT:                           ^^^^^^^^^^^^
// PASS-NOT:  {{.}}
// OPTION: error: pass 'transform-interpreter' has no option 'entry-pont'; did you mean 'entry-point'?
// NO-OPTIONS: error: pass 'cse' has no option 'x'; it has none
// ANCHOR: error: expected a pass that runs on 'func.func', got module pass 'symbol-dce'
// INNER: error: expected a pass inside 'func.func', got 'builtin.module'
// SYNTAX: error: expected the name of a pass, got end of pipeline
// BOTH: error: expected one of --passes and --pipeline, got both
// FILE: error: cannot read script 'no-such-file.mlir': No such file or directory
// PRINT: error: unknown pass 'canonicalise'; did you mean 'canonicalize'?
// FLAG: error: unrecognized arguments: --no-such-flag
// INPUT: error: cannot open 'no-such-file.mlir': No such file or directory
// DIAGNOSTIC: unknown pass 'canonicalise'; did you mean 'canonicalize'?
// TARGET: invalid choice: 'no-such-target'
func.func private @f()
