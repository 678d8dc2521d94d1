// Matrix products of small numbers, by instructions that sum a few products at once: four of bytes, two of bfloat16.
//
// Each intrinsic is a pair: what it computes, on buffers of one instruction's size, and the instruction, on vectors.
module attributes {transform.with_named_sequence} {
  // Sums of four products of unsigned and signed bytes. They wrap around, as i32 does.
  func.func @dot_u8s8_16(%a: memref<4xi8>, %b: memref<16x4xi8>, %c: memref<16xi32> {loop.output})
      attributes {sched.implementation = @vpdpbusd_512, sched.features = "avx512vnni"} {
    loop.for %j : 16 {
      loop.for %k : 4 {
        loop.block "dot" spatial(%vj in 16 = %j) reduce(%vk in 4 = %k) {
          %left = loop.read %a[%vk] : memref<4xi8>
          %left_wide = arith.extui %left : i8 to i32
          %right = loop.read %b[%vj, %vk] : memref<16x4xi8>
          %right_wide = arith.extsi %right : i8 to i32
          %product = arith.muli %left_wide, %right_wide : i32
          loop.reduce (%product) into (%c)[%vj] : memref<16xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative, commutative] {
            %sum = arith.addi %acc, %x : i32
            loop.yield %sum : i32
          }
        }
      }
    }
    func.return
  }
  func.func @vpdpbusd_512(%a: vector<4xi8>, %b: vector<64xi8>, %c: vector<16xi32>) -> vector<16xi32> {
    %four = vector.bitcast %a : vector<4xi8> to vector<1xi32>
    %left = vector.broadcast %four : vector<1xi32> to vector<16xi32>
    %right = vector.bitcast %b : vector<64xi8> to vector<16xi32>
    %sum = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%c, %left, %right) : (vector<16xi32>, vector<16xi32>, vector<16xi32>) -> vector<16xi32>
    func.return %sum : vector<16xi32>
  }
  func.func @dot_u8s8_8(%a: memref<4xi8>, %b: memref<8x4xi8>, %c: memref<8xi32> {loop.output})
      attributes {sched.implementation = @vpdpbusd_256, sched.features = "avxvnni|avx512vnni"} {
    loop.for %j : 8 {
      loop.for %k : 4 {
        loop.block "dot" spatial(%vj in 8 = %j) reduce(%vk in 4 = %k) {
          %left = loop.read %a[%vk] : memref<4xi8>
          %left_wide = arith.extui %left : i8 to i32
          %right = loop.read %b[%vj, %vk] : memref<8x4xi8>
          %right_wide = arith.extsi %right : i8 to i32
          %product = arith.muli %left_wide, %right_wide : i32
          loop.reduce (%product) into (%c)[%vj] : memref<8xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative, commutative] {
            %sum = arith.addi %acc, %x : i32
            loop.yield %sum : i32
          }
        }
      }
    }
    func.return
  }
  func.func @vpdpbusd_256(%a: vector<4xi8>, %b: vector<32xi8>, %c: vector<8xi32>) -> vector<8xi32> {
    %four = vector.bitcast %a : vector<4xi8> to vector<1xi32>
    %left = vector.broadcast %four : vector<1xi32> to vector<8xi32>
    %right = vector.bitcast %b : vector<32xi8> to vector<8xi32>
    %sum = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%c, %left, %right) : (vector<8xi32>, vector<8xi32>, vector<8xi32>) -> vector<8xi32>
    func.return %sum : vector<8xi32>
  }

  // Sums of two products of bfloat16, in f32: in no order that a program could ask for, and without denormal numbers.
  func.func @dot_bf16_16(%a: memref<2xbf16>, %b: memref<16x2xbf16>, %c: memref<16xf32> {loop.output})
      attributes {sched.implementation = @vdpbf16ps_512, sched.features = "avx512bf16"} {
    loop.for %j : 16 {
      loop.for %k : 2 {
        loop.block "dot" spatial(%vj in 16 = %j) reduce(%vk in 2 = %k) {
          %left = loop.read %a[%vk] : memref<2xbf16>
          %left_wide = arith.extf %left : bf16 to f32
          %right = loop.read %b[%vj, %vk] : memref<16x2xbf16>
          %right_wide = arith.extf %right : bf16 to f32
          %product = arith.mulf %left_wide, %right_wide fastmath<contract> : f32
          loop.reduce (%product) into (%c)[%vj] : memref<16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
            %sum = arith.addf %acc, %x fastmath<reassoc,contract> : f32
            loop.yield %sum : f32
          }
        }
      }
    }
    func.return
  }
  func.func @vdpbf16ps_512(%a: vector<2xbf16>, %b: vector<32xbf16>, %c: vector<16xf32>) -> vector<16xf32> {
    %two = vector.bitcast %a : vector<2xbf16> to vector<1xi32>
    %pairs = vector.broadcast %two : vector<1xi32> to vector<16xi32>
    %left = vector.bitcast %pairs : vector<16xi32> to vector<32xbf16>
    %sum = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%c, %left, %b) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
    func.return %sum : vector<16xf32>
  }
  func.func @dot_bf16_8(%a: memref<2xbf16>, %b: memref<8x2xbf16>, %c: memref<8xf32> {loop.output})
      attributes {sched.implementation = @vdpbf16ps_256, sched.features = "avx512bf16,avx512vl"} {
    loop.for %j : 8 {
      loop.for %k : 2 {
        loop.block "dot" spatial(%vj in 8 = %j) reduce(%vk in 2 = %k) {
          %left = loop.read %a[%vk] : memref<2xbf16>
          %left_wide = arith.extf %left : bf16 to f32
          %right = loop.read %b[%vj, %vk] : memref<8x2xbf16>
          %right_wide = arith.extf %right : bf16 to f32
          %product = arith.mulf %left_wide, %right_wide fastmath<contract> : f32
          loop.reduce (%product) into (%c)[%vj] : memref<8xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
            %sum = arith.addf %acc, %x fastmath<reassoc,contract> : f32
            loop.yield %sum : f32
          }
        }
      }
    }
    func.return
  }
  func.func @vdpbf16ps_256(%a: vector<2xbf16>, %b: vector<16xbf16>, %c: vector<8xf32>) -> vector<8xf32> {
    %two = vector.bitcast %a : vector<2xbf16> to vector<1xi32>
    %pairs = vector.broadcast %two : vector<1xi32> to vector<8xi32>
    %left = vector.bitcast %pairs : vector<8xi32> to vector<16xbf16>
    %sum = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.256"(%c, %left, %b) : (vector<8xf32>, vector<16xbf16>, vector<16xbf16>) -> vector<8xf32>
    func.return %sum : vector<8xf32>
  }

  // Sums of 64 products of unsigned and signed bytes, for a tile of 16 rows and 16 columns, in AMX's registers.
  func.func @tile_u8s8(%a: memref<16x64xi8>, %b: memref<16x16x4xi8>, %c: memref<16x16xi32> {loop.output})
      attributes {sched.implementation = @tdpbusd, sched.features = "amx-int8"} {
    loop.for %i : 16 {
      loop.for %j : 16 {
        loop.for %ko : 16 {
          loop.for %ki : 4 {
            loop.block "dot" spatial(%vi in 16 = %i, %vj in 16 = %j) reduce(%vk in 64 = %ko * 4 + %ki) {
              %left = loop.read %a[%vi, %vk] : memref<16x64xi8>
              %left_wide = arith.extui %left : i8 to i32
              %right = loop.read %b[%vk floordiv 4, %vj, %vk mod 4] : memref<16x16x4xi8>
              %right_wide = arith.extsi %right : i8 to i32
              %product = arith.muli %left_wide, %right_wide : i32
              loop.reduce (%product) into (%c)[%vi, %vj] : memref<16x16xi32> combine(%acc: i32, %x: i32) identity [0 : i32] flags [associative, commutative] {
                %sum = arith.addi %acc, %x : i32
                loop.yield %sum : i32
              }
            }
          }
        }
      }
    }
    func.return
  }
  func.func @tdpbusd(%a: vector<1024xi8>, %b: vector<1024xi8>, %c: vector<256xi32>) -> vector<256xi32> {
    %rows = arith.constant 16 : i16
    %bytes = arith.constant 64 : i16
    %left = vector.bitcast %a : vector<1024xi8> to vector<256xi32>
    %right = vector.bitcast %b : vector<1024xi8> to vector<256xi32>
    %left_tile = llvm.call_intrinsic "llvm.x86.cast.vector.to.tile.v256i32"(%left) : (vector<256xi32>) -> !llvm.x86_amx
    %right_tile = llvm.call_intrinsic "llvm.x86.cast.vector.to.tile.v256i32"(%right) : (vector<256xi32>) -> !llvm.x86_amx
    %tile = llvm.call_intrinsic "llvm.x86.cast.vector.to.tile.v256i32"(%c) : (vector<256xi32>) -> !llvm.x86_amx
    %sum = llvm.call_intrinsic "llvm.x86.tdpbusd.internal"(%rows, %bytes, %bytes, %tile, %left_tile, %right_tile) : (i16, i16, i16, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx) -> !llvm.x86_amx
    %result = llvm.call_intrinsic "llvm.x86.cast.tile.to.vector.v256i32"(%sum) : (!llvm.x86_amx) -> vector<256xi32>
    func.return %result : vector<256xi32>
  }
  func.func @zero_tile_i32(%c: memref<16x16xi32> {loop.output}) attributes {sched.implementation = @zeros_i32} {
    loop.for %i : 16 {
      loop.for %j : 16 {
        loop.block "zero" spatial(%vi in 16 = %i, %vj in 16 = %j) {
          %zero = arith.constant 0 : i32
          loop.write %zero, %c[%vi, %vj] : memref<16x16xi32>
        }
      }
    }
    func.return
  }
  func.func @zeros_i32() -> vector<256xi32> {
    %zeros = arith.constant dense<0> : vector<256xi32>
    func.return %zeros : vector<256xi32>
  }

  // Sums of 32 products of bfloat16, in f32, for a tile of 16 rows and 16 columns.
  func.func @tile_bf16(%a: memref<16x32xbf16>, %b: memref<16x16x2xbf16>, %c: memref<16x16xf32> {loop.output})
      attributes {sched.implementation = @tdpbf16ps, sched.features = "amx-bf16"} {
    loop.for %i : 16 {
      loop.for %j : 16 {
        loop.for %ko : 16 {
          loop.for %ki : 2 {
            loop.block "dot" spatial(%vi in 16 = %i, %vj in 16 = %j) reduce(%vk in 32 = %ko * 2 + %ki) {
              %left = loop.read %a[%vi, %vk] : memref<16x32xbf16>
              %left_wide = arith.extf %left : bf16 to f32
              %right = loop.read %b[%vk floordiv 2, %vj, %vk mod 2] : memref<16x16x2xbf16>
              %right_wide = arith.extf %right : bf16 to f32
              %product = arith.mulf %left_wide, %right_wide fastmath<contract> : f32
              loop.reduce (%product) into (%c)[%vi, %vj] : memref<16x16xf32> combine(%acc: f32, %x: f32) identity [0.0 : f32] flags [associative, commutative] fastmath<reassoc,contract> {
                %sum = arith.addf %acc, %x fastmath<reassoc,contract> : f32
                loop.yield %sum : f32
              }
            }
          }
        }
      }
    }
    func.return
  }
  func.func @tdpbf16ps(%a: vector<512xbf16>, %b: vector<512xbf16>, %c: vector<256xf32>) -> vector<256xf32> {
    %rows = arith.constant 16 : i16
    %bytes = arith.constant 64 : i16
    %left = vector.bitcast %a : vector<512xbf16> to vector<256xi32>
    %right = vector.bitcast %b : vector<512xbf16> to vector<256xi32>
    %bits = vector.bitcast %c : vector<256xf32> to vector<256xi32>
    %left_tile = llvm.call_intrinsic "llvm.x86.cast.vector.to.tile.v256i32"(%left) : (vector<256xi32>) -> !llvm.x86_amx
    %right_tile = llvm.call_intrinsic "llvm.x86.cast.vector.to.tile.v256i32"(%right) : (vector<256xi32>) -> !llvm.x86_amx
    %tile = llvm.call_intrinsic "llvm.x86.cast.vector.to.tile.v256i32"(%bits) : (vector<256xi32>) -> !llvm.x86_amx
    %sum = llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"(%rows, %bytes, %bytes, %tile, %left_tile, %right_tile) : (i16, i16, i16, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx) -> !llvm.x86_amx
    %sum_bits = llvm.call_intrinsic "llvm.x86.cast.tile.to.vector.v256i32"(%sum) : (!llvm.x86_amx) -> vector<256xi32>
    %result = vector.bitcast %sum_bits : vector<256xi32> to vector<256xf32>
    func.return %result : vector<256xf32>
  }
  func.func @zero_tile_f32(%c: memref<16x16xf32> {loop.output}) attributes {sched.implementation = @zeros_f32} {
    loop.for %i : 16 {
      loop.for %j : 16 {
        loop.block "zero" spatial(%vi in 16 = %i, %vj in 16 = %j) {
          %zero = arith.constant 0.0 : f32
          loop.write %zero, %c[%vi, %vj] : memref<16x16xf32>
        }
      }
    }
    func.return
  }
  func.func @zeros_f32() -> vector<256xf32> {
    %zeros = arith.constant dense<0.0> : vector<256xf32>
    func.return %zeros : vector<256xf32>
  }

  func.func @copy_tile_i32(%c: memref<16x16xi32>, %d: memref<16x16xi32> {loop.output}) attributes {sched.implementation = @copied_i32} {
    loop.for %i : 16 {
      loop.for %j : 16 {
        loop.block "copy" spatial(%vi in 16 = %i, %vj in 16 = %j) {
          %x = loop.read %c[%vi, %vj] : memref<16x16xi32>
          loop.write %x, %d[%vi, %vj] : memref<16x16xi32>
        }
      }
    }
    func.return
  }
  func.func @copied_i32(%c: vector<256xi32>) -> vector<256xi32> {
    func.return %c : vector<256xi32>
  }
  func.func @copy_tile_f32(%c: memref<16x16xf32>, %d: memref<16x16xf32> {loop.output}) attributes {sched.implementation = @copied_f32} {
    loop.for %i : 16 {
      loop.for %j : 16 {
        loop.block "copy" spatial(%vi in 16 = %i, %vj in 16 = %j) {
          %x = loop.read %c[%vi, %vj] : memref<16x16xf32>
          loop.write %x, %d[%vi, %vj] : memref<16x16xf32>
        }
      }
    }
    func.return
  }
  func.func @copied_f32(%c: vector<256xf32>) -> vector<256xf32> {
    func.return %c : vector<256xf32>
  }

  // Rows of the right input, element by element in turn: what an instruction takes at once lies side by side.
  func.func @interleave_4x16(%rows: memref<4x16xi8>, %packed: memref<16x4xi8> {loop.output})
      attributes {sched.implementation = @interleave_bytes_16} {
    loop.for %k : 4 {
      loop.for %j : 16 {
        loop.block "interleave" spatial(%vk in 4 = %k, %vj in 16 = %j) {
          %x = loop.read %rows[%vk, %vj] : memref<4x16xi8>
          loop.write %x, %packed[%vj, %vk] : memref<16x4xi8>
        }
      }
    }
    func.return
  }
  func.func @interleave_bytes_16(%r0: vector<16xi8>, %r1: vector<16xi8>, %r2: vector<16xi8>, %r3: vector<16xi8>) -> vector<64xi8> {
    %low = vector.shuffle %r0, %r1 [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31] : vector<16xi8>, vector<16xi8>
    %high = vector.shuffle %r2, %r3 [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31] : vector<16xi8>, vector<16xi8>
    %low_pairs = vector.bitcast %low : vector<32xi8> to vector<16xi16>
    %high_pairs = vector.bitcast %high : vector<32xi8> to vector<16xi16>
    %fours = vector.shuffle %low_pairs, %high_pairs [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31] : vector<16xi16>, vector<16xi16>
    %packed = vector.bitcast %fours : vector<32xi16> to vector<64xi8>
    func.return %packed : vector<64xi8>
  }
  func.func @interleave_4x8(%rows: memref<4x8xi8>, %packed: memref<8x4xi8> {loop.output})
      attributes {sched.implementation = @interleave_bytes_8} {
    loop.for %k : 4 {
      loop.for %j : 8 {
        loop.block "interleave" spatial(%vk in 4 = %k, %vj in 8 = %j) {
          %x = loop.read %rows[%vk, %vj] : memref<4x8xi8>
          loop.write %x, %packed[%vj, %vk] : memref<8x4xi8>
        }
      }
    }
    func.return
  }
  func.func @interleave_bytes_8(%r0: vector<8xi8>, %r1: vector<8xi8>, %r2: vector<8xi8>, %r3: vector<8xi8>) -> vector<32xi8> {
    %low = vector.shuffle %r0, %r1 [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15] : vector<8xi8>, vector<8xi8>
    %high = vector.shuffle %r2, %r3 [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15] : vector<8xi8>, vector<8xi8>
    %low_pairs = vector.bitcast %low : vector<16xi8> to vector<8xi16>
    %high_pairs = vector.bitcast %high : vector<16xi8> to vector<8xi16>
    %fours = vector.shuffle %low_pairs, %high_pairs [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15] : vector<8xi16>, vector<8xi16>
    %packed = vector.bitcast %fours : vector<16xi16> to vector<32xi8>
    func.return %packed : vector<32xi8>
  }
  func.func @interleave_2x16(%rows: memref<2x16xbf16>, %packed: memref<16x2xbf16> {loop.output})
      attributes {sched.implementation = @interleave_bf16_16} {
    loop.for %k : 2 {
      loop.for %j : 16 {
        loop.block "interleave" spatial(%vk in 2 = %k, %vj in 16 = %j) {
          %x = loop.read %rows[%vk, %vj] : memref<2x16xbf16>
          loop.write %x, %packed[%vj, %vk] : memref<16x2xbf16>
        }
      }
    }
    func.return
  }
  func.func @interleave_bf16_16(%r0: vector<16xbf16>, %r1: vector<16xbf16>) -> vector<32xbf16> {
    %packed = vector.shuffle %r0, %r1 [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31] : vector<16xbf16>, vector<16xbf16>
    func.return %packed : vector<32xbf16>
  }
  func.func @interleave_2x8(%rows: memref<2x8xbf16>, %packed: memref<8x2xbf16> {loop.output})
      attributes {sched.implementation = @interleave_bf16_8} {
    loop.for %k : 2 {
      loop.for %j : 8 {
        loop.block "interleave" spatial(%vk in 2 = %k, %vj in 8 = %j) {
          %x = loop.read %rows[%vk, %vj] : memref<2x8xbf16>
          loop.write %x, %packed[%vj, %vk] : memref<8x2xbf16>
        }
      }
    }
    func.return
  }
  func.func @interleave_bf16_8(%r0: vector<8xbf16>, %r1: vector<8xbf16>) -> vector<16xbf16> {
    %packed = vector.shuffle %r0, %r1 [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15] : vector<8xbf16>, vector<8xbf16>
    func.return %packed : vector<16xbf16>
  }

  // One product, and maps before and after it.
  transform.named_sequence @schedule_products_of_bytes(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @tiles_of_bytes failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @schedule_maps failures(suppress) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %step = transform.param.constant 64 : i64 -> !transform.any_param
      transform.include @pad_sums failures(propagate) (%c, %step) : (!transform.any_op, !transform.any_param) -> ()
      transform.include @tiles_of_bytes failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @schedule_maps failures(suppress) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @dot_of_bytes failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @schedule_maps failures(suppress) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_contraction failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  transform.named_sequence @schedule_products_of_bf16(%kernel: !transform.any_op {transform.consumed}) {
    transform.alternatives %kernel : !transform.any_op {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @tiles_of_bf16 failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @schedule_maps failures(suppress) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      %step = transform.param.constant 32 : i64 -> !transform.any_param
      transform.include @pad_sums failures(propagate) (%c, %step) : (!transform.any_op, !transform.any_param) -> ()
      transform.include @tiles_of_bf16 failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @schedule_maps failures(suppress) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      %c = sched.match_structure "contraction" in %scope : (!transform.any_op) -> !transform.any_op
      transform.include @dot_of_bf16 failures(propagate) (%c) : (!transform.any_op) -> ()
      transform.include @schedule_maps failures(suppress) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }, {
    ^bb0(%scope: !transform.any_op):
      transform.include @schedule_contraction failures(propagate) (%scope) : (!transform.any_op) -> ()
      transform.yield
    }
    transform.yield
  }

  transform.named_sequence @dot_of_bytes(%sum: !transform.any_op {transform.consumed}) {
    %four = transform.param.constant 4 : i64 -> !transform.any_param
    %jo, %j, %lanes, %columns = transform.include @dot_tile failures(propagate) (%sum, %four) : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param)
    %packed = transform.foreach_match restrict_root in %sum, %jo, %four, %lanes, %columns
        @has_constant -> @pack_constant,
        @has_variables -> @pack_panel : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) -> (!transform.any_op)
    sched.tensorize %j with [@dot_u8s8_16, @dot_u8s8_8] : !transform.any_op
    transform.yield
  }

  transform.named_sequence @dot_of_bf16(%sum: !transform.any_op {transform.consumed}) {
    %two = transform.param.constant 2 : i64 -> !transform.any_param
    %jo, %j, %lanes, %columns = transform.include @dot_tile failures(propagate) (%sum, %two) : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param)
    %packed = transform.foreach_match restrict_root in %sum, %jo, %two, %lanes, %columns
        @has_constant -> @pack_constant,
        @has_variables -> @pack_panel : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) -> (!transform.any_op)
    sched.tensorize %j with [@dot_bf16_16, @dot_bf16_8] : !transform.any_op
    transform.yield
  }

  // Tiles of 16 rows and 16 columns, two by two: four of sums, two of each input fill AMX's eight registers.
  transform.named_sequence @tiles_of_bytes(%sum: !transform.any_op {transform.consumed}) {
    %feature = sched.target_query "feature.amx-int8" : !transform.any_param
    sched.constrain %feature eq 1 : !transform.any_param
    %four = transform.param.constant 4 : i64 -> !transform.any_param
    transform.include @tile_pairs failures(propagate) (%sum, %four) : (!transform.any_op, !transform.any_param) -> ()
    transform.yield
  }

  transform.named_sequence @tiles_of_bf16(%sum: !transform.any_op {transform.consumed}) {
    %feature = sched.target_query "feature.amx-bf16" : !transform.any_param
    sched.constrain %feature eq 1 : !transform.any_param
    %two = transform.param.constant 2 : i64 -> !transform.any_param
    transform.include @tile_pairs failures(propagate) (%sum, %two) : (!transform.any_op, !transform.any_param) -> ()
    transform.yield
  }

  // A reduction that fills no registers goes on with zeros, if there are not too many of them.
  transform.named_sequence @pad_sums(%sum: !transform.any_op {transform.readonly}, %step: !transform.any_param {transform.readonly}) {
    %feature = sched.target_query "feature.amx-tile" : !transform.any_param
    sched.constrain %feature eq 1 : !transform.any_param
    %k = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %extent = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %padded = sched.param round_up %extent, %step : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.constrain %padded gt %extent : !transform.any_param, !transform.any_param
    %more = sched.param mul %extent, 5 : (!transform.any_param) -> !transform.any_param
    %most = sched.param mul %padded, 4 : (!transform.any_param) -> !transform.any_param
    sched.constrain %more ge %most : !transform.any_param, !transform.any_param
    %copies = sched.pad %sum to_multiples [1, 1, %step] : (!transform.any_op, !transform.any_param) -> !transform.any_op
    transform.yield
  }

  transform.named_sequence @tile_pairs(%sum: !transform.any_op {transform.consumed}, %depth: !transform.any_param {transform.readonly}) {
    %batch, %ms, %ns, %i, %j = sched.get_tile_loops %sum in %sum : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %k : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    // What a register of the inputs holds of the reduction; there are no zeros to fill it with.
    %extent = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %step = sched.param mul %depth, 16 : (!transform.any_param) -> !transform.any_param
    sched.constrain %step divides %extent : !transform.any_param, !transform.any_param
    sched.reorder %batch, %ms, %ns, %i, %j, %k : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [32, 32] : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %iv, %jv, %it, %jt = sched.tile %ii, %ji tile_sizes [16, 16] : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %ko, %ks = sched.tile %k tile_sizes [%step] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %kq, %kd = sched.tile %ks tile_sizes [%depth] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %jo, %ms, %io, %ko, %iv, %jv, %it, %jt, %kq, %kd : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_write %sum at %io : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %tiles = sched.get_writes %sum : (!transform.any_op) -> !transform.any_value
    sched.transform_layout %tiles outer_dims_perm = [0, 1] inner_dims_pos = [0, 1] inner_tiles = [16, 16] : !transform.any_value
    transform.include @consume_tiles failures(suppress) (%copy, %io) : (!transform.any_op, !transform.any_op) -> ()
    sched.unroll %iv : !transform.any_op
    sched.unroll %jv : !transform.any_op
    %init = sched.decompose_reduction %sum at %ko : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %around, %zi, %zj, %z_rows, %z_columns = sched.get_loops %init {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    // Tiles are stored as they are; rows are taken from memory.
    %stored = sched.cache_read %copy, %tiles at %io : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %memory = sched.get_writes %stored : (!transform.any_op) -> !transform.any_value
    sched.transform_layout %memory outer_dims_perm = [0, 1] inner_dims_pos = [0, 1] inner_tiles = [16, 16] : !transform.any_value
    %s_around, %si, %sj = sched.get_loops %stored {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %s_io, %s_jo, %s_ii, %s_ji = sched.tile %si, %sj tile_sizes [16, 16] : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.unroll %s_io : !transform.any_op
    sched.unroll %s_jo : !transform.any_op
    %c_around, %ci, %cj = sched.get_loops %copy {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %cv, %cl = sched.tile %cj tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.unroll %cv : !transform.any_op
    sched.vectorize %cl : !transform.any_op
    // The left input is copied to tiles once.
    %rows = sched.cache_read %sum, %left : (!transform.any_op, !transform.any_value) -> !transform.any_op
    %row_tiles = sched.get_writes %rows : (!transform.any_op) -> !transform.any_value
    sched.transform_layout %row_tiles outer_dims_perm = [0, 1] inner_dims_pos = [0, 1] inner_tiles = [16, %step] : !transform.any_value, !transform.any_param
    %r_i, %r_k = sched.get_loops %rows : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %r_io, %r_ko, %r_ii, %r_ki = sched.tile %r_i, %r_k tile_sizes [16, %step] : (!transform.any_op, !transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %r_ki : !transform.any_op
    transform.include @parallelize_sums failures(suppress) (%rows) : (!transform.any_op) -> ()
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    %lanes = transform.param.constant 16 : i64 -> !transform.any_param
    %packed = transform.foreach_match restrict_root in %sum, %jo, %depth, %lanes, %step
        @has_constant -> @pack_tiles,
        @has_variables -> @pack_tile_panel : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) -> (!transform.any_op)
    sched.tensorize %z_rows with [@zero_tile_i32, @zero_tile_f32] : !transform.any_op
    sched.tensorize %s_ii with [@copy_tile_i32, @copy_tile_f32] : !transform.any_op
    sched.tensorize %it with [@tile_u8s8, @tile_bf16] : !transform.any_op
    transform.yield
  }

  // A tile of accumulators whose columns are registers, around as many steps of the reduction as an instruction takes.
  transform.named_sequence @dot_tile(%sum: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}) -> (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) {
    %batch, %ms, %ns, %i, %j = sched.get_tile_loops %sum in %sum : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %k = sched.get_loops %sum {of = "reduce", moving} : (!transform.any_op) -> !transform.any_op
    %count = transform.num_associations %k : (!transform.any_op) -> !transform.any_param
    sched.constrain %count eq 1 : !transform.any_param
    %m = sched.get_extent %i : (!transform.any_op) -> !transform.any_param
    %n = sched.get_extent %j : (!transform.any_op) -> !transform.any_param
    %extent = sched.get_extent %k : (!transform.any_op) -> !transform.any_param
    %lanes = transform.include @lanes failures(propagate) (%sum) : (!transform.any_op) -> !transform.any_param
    %rows, %vectors = transform.include @dot_shape failures(propagate) (%m, %n, %lanes) : (!transform.any_param, !transform.any_param, !transform.any_param) -> (!transform.any_param, !transform.any_param)
    %columns = sched.param mul %vectors, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    sched.reorder %batch, %ms, %ns, %i, %j, %k : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [%rows, %columns] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %jv, %jl = sched.tile %ji tile_sizes [%lanes] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    %ko, %ki = sched.tile %k tile_sizes [%depth] : (!transform.any_op, !transform.any_param) -> (!transform.any_op, !transform.any_op)
    sched.reorder %jo, %ms, %io, %ko, %ii, %jv, %jl, %ki : !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op
    %copy = sched.cache_write %sum at %io : (!transform.any_op, !transform.any_op) -> !transform.any_op
    transform.include @consume_tiles failures(suppress) (%copy, %io) : (!transform.any_op, !transform.any_op) -> ()
    %b_, %m_, %n_, %ci, %cj = sched.get_tile_loops %sum in %copy : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.vectorize %cj : !transform.any_op
    sched.unroll %ci : !transform.any_op
    sched.unroll %ii : !transform.any_op
    sched.unroll %jv : !transform.any_op
    %init = sched.decompose_reduction %sum at %ko : (!transform.any_op, !transform.any_op) -> !transform.any_op
    %around, %il = sched.get_loops %init {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    sched.vectorize %il : !transform.any_op
    transform.include @parallelize_sums failures(suppress) (%sum) : (!transform.any_op) -> ()
    transform.include @peel_tail failures(suppress) (%io, %m, %rows) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%jo, %n, %columns) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.include @peel_tail failures(suppress) (%ko, %extent, %depth) : (!transform.any_op, !transform.any_param, !transform.any_param) -> ()
    transform.yield %jo, %jl, %lanes, %columns : !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param
  }

  // How many rows and registers of columns: as of other products, but that one more register holds what is broadcast.
  transform.named_sequence @dot_shape(%m: !transform.any_param {transform.readonly}, %n: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}) -> (!transform.any_param, !transform.any_param) {
    %registers = sched.target_query "vector_registers" : !transform.any_param
    %most = sched.param floordiv %registers, 8 : (!transform.any_param) -> !transform.any_param
    %needed = sched.param ceildiv %n, %lanes : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %vectors = sched.param min %most, %needed : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %left = sched.param sub %registers, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %free = sched.param sub %left, 1 : (!transform.any_param) -> !transform.any_param
    %fit = sched.param floordiv %free, %vectors : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %upto = sched.param min %fit, 12 : (!transform.any_param) -> !transform.any_param
    %even = sched.param largest_divisor %m, %upto : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %five = sched.param mul %even, 5 : (!transform.any_param) -> !transform.any_param
    %four = sched.param mul %upto, 4 : (!transform.any_param) -> !transform.any_param
    %near = sched.param ge %five, %four : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %less = sched.param sub %upto, %even : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %spared = sched.param mul %less, %near : (!transform.any_param, !transform.any_param) -> !transform.any_param
    %rows = sched.param sub %upto, %spared : (!transform.any_param, !transform.any_param) -> !transform.any_param
    transform.yield %rows, %vectors : !transform.any_param, !transform.any_param
  }

  // A right input that does not change is packed once and for all, another one panel by panel.
  transform.named_sequence @has_constant(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}, %columns: !transform.any_param {transform.readonly}) -> (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) {
    sched.match.structure "contraction", %sum {constant = array<i64: 1>} : !transform.any_op
    transform.yield %sum, %panel, %depth, %lanes, %columns : !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param
  }

  transform.named_sequence @has_variables(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}, %columns: !transform.any_param {transform.readonly}) -> (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param) {
    transform.yield %sum, %panel, %depth, %lanes, %columns : !transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param, !transform.any_param
  }

  transform.named_sequence @pack_constant(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}, %columns: !transform.any_param {transform.readonly}) {
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    sched.transform_layout %right outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [%columns, %depth] : !transform.any_value, !transform.any_param, !transform.any_param
    transform.yield
  }

  transform.named_sequence @pack_panel(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}, %columns: !transform.any_param {transform.readonly}) {
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %sum, %right at %panel : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %packed = sched.get_writes %copy : (!transform.any_op) -> !transform.any_value
    sched.transform_layout %packed outer_dims_perm = [0, 1] inner_dims_pos = [0] inner_tiles = [%depth] : !transform.any_value, !transform.any_param
    %around, %k, %n = sched.get_loops %copy {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %ko, %no, %ki, %ni = sched.tile %k, %n tile_sizes [%depth, %lanes] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.unroll %no : !transform.any_op
    transform.include @interleave failures(suppress) (%ki) : (!transform.any_op) -> ()
    transform.yield
  }

  transform.named_sequence @interleave(%k: !transform.any_op {transform.readonly}) {
    sched.tensorize %k with [@interleave_4x16, @interleave_4x8, @interleave_2x16, @interleave_2x8] : !transform.any_op
    transform.yield
  }

  transform.named_sequence @pack_tiles(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}, %step: !transform.any_param {transform.readonly}) {
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    sched.transform_layout %right outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [%lanes, %depth] : !transform.any_value, !transform.any_param, !transform.any_param
    transform.yield
  }

  transform.named_sequence @pack_tile_panel(%sum: !transform.any_op {transform.readonly}, %panel: !transform.any_op {transform.readonly}, %depth: !transform.any_param {transform.readonly}, %lanes: !transform.any_param {transform.readonly}, %step: !transform.any_param {transform.readonly}) {
    %left, %right = sched.get_contraction_inputs %sum : (!transform.any_op) -> (!transform.any_value, !transform.any_value)
    %copy = sched.cache_read %sum, %right at %panel : (!transform.any_op, !transform.any_value, !transform.any_op) -> !transform.any_op
    %packed = sched.get_writes %copy : (!transform.any_op) -> !transform.any_value
    sched.transform_layout %packed outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [%lanes, %depth] : !transform.any_value, !transform.any_param, !transform.any_param
    %around, %k, %n = sched.get_loops %copy {rest = 0} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %ko, %no, %ki, %ni = sched.tile %k, %n tile_sizes [%depth, %lanes] : (!transform.any_op, !transform.any_op, !transform.any_param, !transform.any_param) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    sched.unroll %no : !transform.any_op
    transform.include @interleave failures(suppress) (%ki) : (!transform.any_op) -> ()
    transform.yield
  }

  // In the other files of this folder.
  transform.named_sequence private @schedule_contraction(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @consume_tiles(%copy: !transform.any_op {transform.readonly}, %at: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_sums(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
}
