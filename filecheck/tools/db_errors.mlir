// RUN: rm -rf %t && mkdir %t
// RUN: not stepwell db list %t/none.db 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not stepwell compile %s -o %t/out --db %t/none.db 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not stepwell db list %s 2>&1 | filecheck %s --check-prefix=OTHER
// RUN: not stepwell db import %t/a.db %S/Inputs/damaged_trials.jsonl 2>&1 | filecheck %s --check-prefix=DAMAGED
// RUN: not stepwell db merge %t/a.db %t/none.db 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not stepwell db list %t/a.db 2>&1 | filecheck %s --check-prefix=NOTHING
// RUN: head -n 1 %S/Inputs/damaged_trials.jsonl > %t/header.jsonl
// RUN: stepwell db import %t/a.db %t/header.jsonl
// RUN: stepwell db list %t/a.db | filecheck %s --check-prefix=EMPTY
// RUN: not stepwell db best %t/a.db da92 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not stepwell db best %t/a.db '' 2>&1 | filecheck %s --check-prefix=NO-HASH
// RUN: not stepwell db prune %t/a.db 2>&1 | filecheck %s --check-prefix=PRUNE
// RUN: not stepwell db prune %t/a.db --keep=-1 2>&1 | filecheck %s --check-prefix=COUNT
// RUN: not stepwell db merge %t/a.db %t/a.db 2>&1 | filecheck %s --check-prefix=ITSELF

// NONE:    error: expected a database of trials, got no file '{{.*}}none.db'
// OTHER:   error: expected a database of trials, got '{{.*}}db_errors.mlir', which is none or damaged
// DAMAGED: error: {{.*}}damaged_trials.jsonl:3: expected the times of a trial that is ok, got none
// NOTHING: error: expected a database of trials, got no file '{{.*}}a.db'
// EMPTY:   0 kernels, 0 scripts, 0 trials: none
// UNKNOWN: error: expected the hash of a workload in '{{.*}}a.db', got 'da92', which none begins with
// NO-HASH: error: expected the hash of a workload in '{{.*}}a.db', or how it begins, got ''
// PRUNE:   error: expected something to prune (--keep N, --failures, --features, --empty), got none
// COUNT:   error: argument --keep: expected a number, got '-1'
// ITSELF:  error: expected another database to merge, got '{{.*}}a.db' itself
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = graph.relu %x : tensor<4xf32>
  func.return %y : tensor<4xf32>
}
