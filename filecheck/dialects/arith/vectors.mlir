// RUN: stepwell-opt %s | filecheck %s
// RUN: stepwell-opt %s --print-op-generic | stepwell-opt | filecheck %s

// CHECK-LABEL: func.func @vectors
func.func @vectors(%a: vector<4xf32>, %b: vector<4xi8>, %n: vector<4xi64>, %c: i1, %s: f32) {
  // CHECK-NEXT: %m = arith.cmpf ogt, %a, %a : vector<4xf32>
  %m = arith.cmpf ogt, %a, %a : vector<4xf32>
  // CHECK-NEXT: %k = arith.cmpi slt, %b, %b : vector<4xi8>
  %k = arith.cmpi slt, %b, %b : vector<4xi8>
  // CHECK-NEXT: %each = arith.select %m, %a, %a : vector<4xi1>, vector<4xf32>
  %each = arith.select %m, %a, %a : vector<4xi1>, vector<4xf32>
  // CHECK-NEXT: %all = arith.select %c, %a, %a : vector<4xf32>
  %all = arith.select %c, %a, %a : vector<4xf32>
  // CHECK-NEXT: %one = arith.select %c, %s, %s : f32
  %one = arith.select %c, %s, %s : f32
  // CHECK-NEXT: %w = arith.extsi %b : vector<4xi8> to vector<4xi32>
  %w = arith.extsi %b : vector<4xi8> to vector<4xi32>
  // CHECK-NEXT: %u = arith.extui %b : vector<4xi8> to vector<4xi32>
  %u = arith.extui %b : vector<4xi8> to vector<4xi32>
  // CHECK-NEXT: %t = arith.trunci %w : vector<4xi32> to vector<4xi8>
  %t = arith.trunci %w : vector<4xi32> to vector<4xi8>
  // CHECK-NEXT: %f = arith.sitofp %w : vector<4xi32> to vector<4xf32>
  %f = arith.sitofp %w : vector<4xi32> to vector<4xf32>
  // CHECK-NEXT: %g = arith.uitofp %w : vector<4xi32> to vector<4xf32>
  %g = arith.uitofp %w : vector<4xi32> to vector<4xf32>
  // CHECK-NEXT: %h = arith.fptosi %f : vector<4xf32> to vector<4xi32>
  %h = arith.fptosi %f : vector<4xf32> to vector<4xi32>
  // CHECK-NEXT: %l = arith.fptoui %f : vector<4xf32> to vector<4xi32>
  %l = arith.fptoui %f : vector<4xf32> to vector<4xi32>
  // CHECK-NEXT: %i = arith.index_cast %n : vector<4xi64> to vector<4xindex>
  %i = arith.index_cast %n : vector<4xi64> to vector<4xindex>
  // CHECK-NEXT: %r = arith.remf %f, %g fastmath<nnan> : vector<4xf32>
  %r = arith.remf %f, %g fastmath<nnan> : vector<4xf32>
  func.return
}
