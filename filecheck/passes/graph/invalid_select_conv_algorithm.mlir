// RUN: not stepwell-opt %s -p graph-select-conv-algorithm{algorithm=winograd} 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not stepwell-opt %s -p "graph-select-conv-algorithm{algorithm=winograd-4 exact}" 2>&1 | filecheck %s --check-prefix=EXACT
// RUN: not stepwell compile %s --emit te --conv-algorithm im2col 2>&1 | filecheck %s --check-prefix=COMPILE
// RUN: not stepwell compile %s --emit te --exact --conv-algorithm winograd-2 2>&1 | filecheck %s --check-prefix=RULED-OUT

// UNKNOWN: expected one of {{.*}}direct{{.*}}, got {{.*}}winograd
// EXACT: expected an exact convolution algorithm (auto, direct or gemm), got 'winograd-4'
// COMPILE: error: expected a convolution algorithm of auto, direct, gemm, winograd-2, winograd-4, got 'im2col'
// RULED-OUT: error: expected an exact convolution algorithm (auto, direct or gemm), got 'winograd-2'
