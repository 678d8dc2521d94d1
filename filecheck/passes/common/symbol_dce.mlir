// RUN: stepwell-opt %s -p symbol-dce --split-input-file | filecheck %s

// What is public stays, with what it needs, however indirectly.

// CHECK-NOT:   @unused
// CHECK:       func.func private @leaf()
// CHECK:       func.func private @inner()
// CHECK:       func.func @outer()
func.func private @unused() {
  func.call @also_unused() : () -> ()
  func.return
}
func.func private @also_unused() {
  func.call @unused() : () -> ()
  func.return
}
func.func private @leaf() {
  func.return
}
func.func private @inner() {
  func.call @leaf() : () -> ()
  func.return
}
func.func @outer() {
  func.call @inner() : () -> ()
  func.return
}

// -----

// A symbol of visibility "nested" is erased like a private one.

// CHECK:     builtin.module {
// CHECK-NOT: @nested
"func.func"() <{sym_name = "nested", function_type = () -> (), sym_visibility = "nested"}> ({
  func.return
}) : () -> ()

// -----

// A reference through a module keeps the module and what it names inside.

// CHECK:      builtin.module @holder attributes {sym_visibility = "private"} {
// CHECK-NEXT:   func.func private @used()
// CHECK-NOT:    @unused
// CHECK-NOT:  builtin.module @other
builtin.module @holder attributes {sym_visibility = "private"} {
  func.func private @used() {
    func.return
  }
  func.func private @unused() {
    func.return
  }
}
builtin.module @other attributes {sym_visibility = "private"} {
  func.func @public_but_unreachable() {
    func.return
  }
}
"test.op"() {callee = @holder::@used} : () -> ()

// -----

// References count wherever an attribute holds them.

// CHECK: func.func private @in_array
// CHECK: func.func private @in_dictionary
func.func private @in_array() {
  func.return
}
func.func private @in_dictionary() {
  func.return
}
"test.op"() {a = [@in_array], d = {k = [1 : i64, @in_dictionary]}} : () -> ()
