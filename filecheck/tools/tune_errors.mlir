// RUN: not stepwell tune %s --db %t.db 2>&1 | filecheck %s --check-prefix=BUDGET
// RUN: not stepwell tune %s --trials 8 2>&1 | filecheck %s --check-prefix=DATABASE
// RUN: not stepwell tune %s --db %s --trials 8 2>&1 | filecheck %s --check-prefix=FILE
// RUN: not stepwell tune %s --db %t.db --trials many 2>&1 | filecheck %s --check-prefix=TRIALS
// RUN: not stepwell tune %s --db %t.db --seconds -1 2>&1 | filecheck %s --check-prefix=SECONDS
// RUN: not stepwell tune %s --db %t.db --seed x --trials 8 2>&1 | filecheck %s --check-prefix=SEED
// RUN: not stepwell tune %s --db %t.db --trials 8 --search evolutionry 2>&1 | filecheck %s --check-prefix=SEARCH
// RUN: not stepwell tune %s --db %t.db --trials 8 --model bosting 2>&1 | filecheck %s --check-prefix=MODEL
// RUN: not stepwell tune %s --db %t.db --trials 8 --kernel xyz 2>&1 | filecheck %s --check-prefix=KERNEL
// RUN: not stepwell tune %s --db %t.db --trials 8 --space no-such-file.mlir 2>&1 | filecheck %s --check-prefix=SPACE
// RUN: not stepwell tune %s --print-space --space %S/Inputs/schedule.mlir 2>&1 | filecheck %s --check-prefix=KNOBS
// RUN: not stepwell tune %s --db %t.db --trials 8 --space %S/Inputs/space_decided.mlir 2>&1 | filecheck %s --check-prefix=DECIDED
// RUN: not stepwell tune %s --db %t.db --trials 8 --space %S/Inputs/space_of_another_kernel.mlir 2>&1 | filecheck %s --check-prefix=OTHER
// RUN: not stepwell tune %s --db %t.db --trials 8 --space %S/Inputs/space_without_choice.mlir 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: not stepwell tune %s --print-space --reopen 2>&1 | filecheck %s --check-prefix=REOPEN
// RUN: not stepwell tune %s --db %t.db --trials 8 --target no-such-target 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not stepwell tune no-such-file.mlir --db %t.db --trials 8 2>&1 | filecheck %s --check-prefix=SOURCE

// BUDGET: error: expected --trials N, --trials-per-kernel N or --seconds S, got none
// DATABASE: error: expected --db FILE to keep what is found in, got none
// FILE: error: expected a database of trials, got '{{.*}}tune_errors.mlir'
// TRIALS: error: argument --trials: expected a positive number, got 'many'
// SECONDS: error: argument --seconds: expected a positive number of seconds, got '-1'
// SEED: error: argument --seed: expected a number that is not negative, got 'x'
// SEARCH: error: expected a search (evolutionary, annealing, random, grid, genetic), got 'evolutionry'; did you mean 'evolutionary'?
// MODEL: error: expected a model (boosting, linear, roofline, random), got 'bosting'; did you mean 'boosting'?
// KERNEL: error: expected the hash of a kernel of the program, got 'xyz', which none begins with; expected one of {{[0-9a-f]+}}
// SPACE: error: cannot read 'no-such-file.mlir': No such file or directory
// KNOBS: error: expected a script with knobs in '{{.*}}schedule.mlir', got one without any
// DECIDED: error: expected a script with open knobs in '{{.*}}space_decided.mlir', got none: its knobs are decided; --reopen opens them
// OTHER: error: expected a script for this kernel in '{{.*}}', got one that cannot be applied: {{.*}}space_of_another_kernel.mlir:3:5: expected a block named 'conv17', got map0, B
// NOTHING: error: no choice of the knobs keeps the constraints of '{{.*}}space_without_choice.mlir'
// REOPEN: error: expected a database or a script to open knobs of, got neither
// TARGET: error: {{.*}}'no-such-target'
// SOURCE: error: cannot read 'no-such-file.mlir': No such file or directory
func.func @main(%A: tensor<64xf32> {te.name = "A"}) -> tensor<64xf32> {
  %B = te.compute "B" spatial(%i in 64) {
    %a = te.read %A[%i] : tensor<64xf32>
    %b = arith.addf %a, %a : f32
    te.yield %b : f32
  } -> tensor<64xf32>
  func.return %B : tensor<64xf32>
}
