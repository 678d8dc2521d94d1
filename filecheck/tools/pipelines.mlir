// RUN: stepwell-opt --show-pipeline -p "cse,canonicalize" | filecheck %s --check-prefix=BARE
// RUN: stepwell-opt --show-pipeline -p "builtin.module( func.func( cse , canonicalize ), symbol-dce )" | filecheck %s --check-prefix=NESTED
// RUN: stepwell-opt --show-pipeline --pass-pipeline "func.func(cse), func.func(canonicalize), transform-interpreter{entry_point=a}" | filecheck %s --check-prefix=OPTIONS
// RUN: stepwell-opt --show-pipeline | filecheck %s --check-prefix=EMPTY
// RUN: stepwell-opt %s -p "builtin.module()" | filecheck %s --check-prefix=IR

// BARE: builtin.module(cse, canonicalize)
// NESTED: builtin.module(func.func(cse, canonicalize), symbol-dce)
// OPTIONS: builtin.module(func.func(cse, canonicalize), transform-interpreter{entry-point=a})
// EMPTY: builtin.module()
// IR: func.func private @f()
func.func private @f()
