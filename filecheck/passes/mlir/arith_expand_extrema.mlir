// RUN: stepwell-opt %s -p arith-expand --split-input-file | filecheck %s

// x86 has no instruction for maxima that propagate NaN.

builtin.module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu"} {
  // CHECK-LABEL: func.func @relu
  // CHECK-NEXT:    [[ZERO:%.*]] = arith.constant dense<0.000000e+00> : vector<8xf32>
  // CHECK-NEXT:    [[BEYOND:%.*]] = arith.cmpf ugt, %x, [[ZERO]] : vector<8xf32>
  // CHECK-NEXT:    arith.select [[BEYOND]], %x, [[ZERO]]
  // CHECK-NEXT:    func.return
  func.func @relu(%x: vector<8xf32>) -> vector<8xf32> {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    %y = arith.maximumf %x, %zero : vector<8xf32>
    func.return %y : vector<8xf32>
  }

  // Where zeros are the same, x86 has one instruction for that: of equal ones, and beside NaN, it gives %x.
  // CHECK-LABEL: func.func @relu_of_any_zero
  // CHECK-NEXT:    [[ZERO:%.*]] = arith.constant dense<0.000000e+00> : vector<8xf32>
  // CHECK-NEXT:    [[AS_FAR:%.*]] = arith.cmpf uge, %x, [[ZERO]] : vector<8xf32>
  // CHECK-NEXT:    arith.select [[AS_FAR]], %x, [[ZERO]]
  // CHECK-NEXT:    func.return
  func.func @relu_of_any_zero(%x: vector<8xf32>) -> vector<8xf32> {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    %y = arith.maximumf %x, %zero fastmath<nsz> : vector<8xf32>
    func.return %y : vector<8xf32>
  }

  // CHECK-LABEL: func.func @larger_of_any_zero
  // CHECK-NEXT:    [[MORE:%.*]] = arith.cmpf ogt, %b, %a : f32
  // CHECK-NEXT:    [[BEYOND:%.*]] = arith.select [[MORE]], %b, %a : f32
  // CHECK-NEXT:    [[NUMBER:%.*]] = arith.cmpf ord, %b, %b : f32
  // CHECK-NEXT:    arith.select [[NUMBER]], [[BEYOND]], %b : f32
  // CHECK-NEXT:    func.return
  func.func @larger_of_any_zero(%a: f32, %b: f32) -> f32 {
    %y = arith.maximumf %a, %b fastmath<nsz> : f32
    func.return %y : f32
  }

  // The larger of -0 and +0 is +0, which no comparison tells from the constant.
  // CHECK-LABEL: func.func @other_zero
  // CHECK:         arith.andi {{.*}} : i32
  func.func @other_zero(%x: f32) -> f32 {
    %zero = arith.constant -0.0 : f32
    %y = arith.maximumf %x, %zero : f32
    func.return %y : f32
  }

  // CHECK-LABEL: func.func @smaller
  // CHECK-NEXT:    [[LESS:%.*]] = arith.cmpf olt, %b, %a : f64
  // CHECK-NEXT:    [[BEYOND:%.*]] = arith.select [[LESS]], %b, %a : f64
  // CHECK-NEXT:    [[A:%.*]] = arith.bitcast %a : f64 to i64
  // CHECK-NEXT:    [[B:%.*]] = arith.bitcast %b : f64 to i64
  // CHECK-NEXT:    [[BITS:%.*]] = arith.ori [[A]], [[B]] : i64
  // CHECK-NEXT:    [[SAME:%.*]] = arith.cmpf oeq, %a, %b : f64
  // CHECK-NEXT:    [[SHARED:%.*]] = arith.bitcast [[BITS]] : i64 to f64
  // CHECK-NEXT:    [[EQUAL:%.*]] = arith.select [[SAME]], [[SHARED]], [[BEYOND]] : f64
  // CHECK-NEXT:    [[NUMBER:%.*]] = arith.cmpf ord, %b, %b : f64
  // CHECK-NEXT:    arith.select [[NUMBER]], [[EQUAL]], %b : f64
  func.func @smaller(%a: f64, %b: f64) -> f64 {
    %y = arith.minimumf %a, %b : f64
    func.return %y : f64
  }
}

// -----

// CHECK-LABEL: func.func @any_machine
// CHECK-NEXT:    arith.maximumf %a, %b : f32
func.func @any_machine(%a: f32, %b: f32) -> f32 {
  %y = arith.maximumf %a, %b : f32
  func.return %y : f32
}
