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

  // In the other files of this folder.
  transform.named_sequence private @schedule_contraction(%kernel: !transform.any_op {transform.consumed})
  transform.named_sequence private @schedule_maps(%kernel: !transform.any_op {transform.readonly})
  transform.named_sequence private @lanes(%block: !transform.any_op {transform.readonly}) -> !transform.any_param
  transform.named_sequence private @consume_tiles(%copy: !transform.any_op {transform.readonly}, %at: !transform.any_op {transform.readonly})
  transform.named_sequence private @parallelize_sums(%block: !transform.any_op {transform.readonly})
  transform.named_sequence private @peel_tail(%loop: !transform.any_op {transform.readonly}, %extent: !transform.any_param {transform.readonly}, %size: !transform.any_param {transform.readonly})
}
