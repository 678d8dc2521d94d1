// RUN: stepwell-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: expected 1 dynamic indices, got 0
llvm.func @indices(%p: !llvm.ptr) {
  %0 = "llvm.getelementptr"(%p) <{elem_type = f32, noWrapFlags = 0 : i32, rawConstantIndices = array<i32: -2147483648>}>
    : (!llvm.ptr) -> !llvm.ptr
  llvm.return
}

// -----

// CHECK: expected a dense array of indices, got 3 : i32
llvm.func @array(%p: !llvm.ptr) {
  %0 = "llvm.getelementptr"(%p) <{elem_type = f32, noWrapFlags = 0 : i32, rawConstantIndices = 3 : i32}>
    : (!llvm.ptr) -> !llvm.ptr
  llvm.return
}

// -----

// CHECK: expected a predicate, got 'lt'
llvm.func @predicate(%x: f32) {
  %0 = llvm.fcmp "lt" %x, %x : f32
  llvm.return
}
