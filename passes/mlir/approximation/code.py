"""Arithmetic on scalars or vectors of one shape, as it is written in front of an operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, IntegerType, f32, f64, i1, i32, i64
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Operation, SSAValue

from ....dialects import arith as wide
from ..llvm_conversion import dense, vector_type

_CONTRACT = arith.FastMathFlagsAttr([FastMathFlag.ALLOW_CONTRACT])
NO_FLAGS = arith.FastMathFlagsAttr("none")


@dataclass(frozen=True)
class Shape:
    """A scalar or a vector of f32, or of f64, and the types that go with it."""

    lanes: int | None
    double: bool = False

    def _of(self, element: Attribute) -> Attribute:
        return element if self.lanes is None else vector_type(self.lanes, element)

    @property
    def float_element(self) -> AnyFloat:
        return f64 if self.double else f32

    @property
    def float(self) -> Attribute:
        return self._of(self.float_element)

    @property
    def integer_element(self) -> IntegerType:
        return i64 if self.double else i32

    @property
    def integer(self) -> Attribute:
        return self._of(self.integer_element)

    @property
    def boolean(self) -> Attribute:
        return self._of(i1)


@dataclass
class Constants:
    """The constants of a function, one operation for each value and type, where the function starts."""

    entry: Block
    known: dict[tuple[str, Shape], SSAValue] = field(default_factory=dict[tuple[str, "Shape"], SSAValue])
    last: Operation | None = None

    def get(self, value: float, is_float: bool, shape: Shape) -> SSAValue:
        key = (repr(value), shape)  # whose text tells -0.0 from 0.0, and 1.0 from 1
        found = self.known.get(key)
        if found is None:
            type = shape.float if is_float else shape.integer
            number = (
                FloatAttr(value, shape.float_element) if is_float else IntegerAttr(int(value), shape.integer_element)
            )
            attribute: Attribute = number
            if shape.lanes is not None:
                attribute = dense(type, [value])
            op = arith.ConstantOp.create(result_types=(type,), properties={"value": attribute})
            if self.last is None:
                assert self.entry.first_op is not None
                self.entry.insert_op_before(op, self.entry.first_op)
            else:
                self.entry.insert_op_after(op, self.last)
            self.last = op
            found = self.known[key] = op.results[0]
        return found


@dataclass
class Code:
    """Arithmetic on scalars or vectors of one shape, to stand before an operation."""

    constants: Constants
    shape: Shape
    ops: list[Operation] = field(default_factory=list[Operation])

    def in_double(self) -> Code:
        """The same place for arithmetic on f64."""
        return Code(self.constants, Shape(self.shape.lanes, True), self.ops)

    def in_single(self) -> Code:
        """The same place for arithmetic on f32."""
        return Code(self.constants, Shape(self.shape.lanes), self.ops)

    def narrowed(self, x: SSAValue) -> SSAValue:
        """The lower bits of longer integers."""
        return self.emit(wide.TruncIOp, self.shape.integer, (x,))

    def square_root(self, x: SSAValue) -> SSAValue:
        return self.emit(math.SqrtOp, self.shape.float, (x,), {"fastmath": NO_FLAGS})

    def converted(
        self, kind: type[Operation], type: Attribute, x: SSAValue, properties: Mapping[str, Attribute] = {}
    ) -> SSAValue:
        """A value in another type."""
        return self.emit(kind, type, (x,), properties)

    def emit(
        self,
        kind: type[Operation],
        type: Attribute,
        operands: Sequence[SSAValue],
        properties: Mapping[str, Attribute] = {},
    ) -> SSAValue:
        op = kind.create(operands=operands, result_types=(type,), properties=properties)
        self.ops.append(op)
        return op.results[0]

    def number(self, value: float) -> SSAValue:
        return self.constants.get(value, True, self.shape)

    def integer(self, value: int) -> SSAValue:
        return self.constants.get(value, False, self.shape)

    def add(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.AddfOp, self.shape.float, (lhs, rhs), {"fastmath": NO_FLAGS})

    def sub(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.SubfOp, self.shape.float, (lhs, rhs), {"fastmath": NO_FLAGS})

    def mul(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.MulfOp, self.shape.float, (lhs, rhs), {"fastmath": NO_FLAGS})

    def div(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.DivfOp, self.shape.float, (lhs, rhs), {"fastmath": NO_FLAGS})

    def fma(self, a: SSAValue, b: SSAValue, c: SSAValue) -> SSAValue:
        """`a * b + c`, fused where the target can: an `fma` operation would be a library call where it cannot."""
        product = self.emit(arith.MulfOp, self.shape.float, (a, b), {"fastmath": _CONTRACT})
        return self.emit(arith.AddfOp, self.shape.float, (product, c), {"fastmath": _CONTRACT})

    def polynomial(self, x: SSAValue, coefficients: Sequence[float]) -> SSAValue:
        """Horner's rule; coefficients go from the constant up."""
        *rest, last = coefficients
        value = self.number(last)
        for coefficient in reversed(rest):
            value = self.fma(value, x, self.number(coefficient))
        return value

    def abs(self, x: SSAValue) -> SSAValue:
        return self.emit(math.AbsFOp, self.shape.float, (x,), {"fastmath": NO_FLAGS})

    def copysign(self, magnitude: SSAValue, sign: SSAValue) -> SSAValue:
        return self.emit(math.CopySignOp, self.shape.float, (magnitude, sign), {"fastmath": NO_FLAGS})

    def compare(self, predicate: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        number = arith.CMPF_COMPARISON_OPERATIONS.index(predicate)
        properties = {"predicate": IntegerAttr(number, i64), "fastmath": NO_FLAGS}
        return self.emit(wide.CmpfOp, self.shape.boolean, (lhs, rhs), properties)

    def compare_integers(self, predicate: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        number = arith.CMPI_COMPARISON_OPERATIONS.index(predicate)
        return self.emit(wide.CmpiOp, self.shape.boolean, (lhs, rhs), {"predicate": IntegerAttr(number, i64)})

    def both(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(arith.AndIOp, lhs.type, (lhs, rhs))

    def truncated(self, x: SSAValue) -> SSAValue:
        return self.emit(math.TruncOp, self.shape.float, (x,), {"fastmath": NO_FLAGS})

    def select(self, condition: SSAValue, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        return self.emit(wide.SelectOp, lhs.type, (condition, lhs, rhs))

    def at_most(self, x: SSAValue, limit: float) -> SSAValue:
        """`min(x, limit)`, or NaN where `x` is."""
        bound = self.number(limit)
        return self.select(self.compare("olt", bound, x), bound, x)

    def at_least(self, x: SSAValue, limit: float) -> SSAValue:
        """`max(x, limit)`, or NaN where `x` is."""
        bound = self.number(limit)
        return self.select(self.compare("ogt", bound, x), bound, x)

    def bits(self, x: SSAValue) -> SSAValue:
        return self.emit(arith.BitcastOp, self.shape.integer, (x,))

    def from_bits(self, x: SSAValue) -> SSAValue:
        return self.emit(arith.BitcastOp, self.shape.float, (x,))

    def on_integers(self, kind: type[Operation], lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        properties = {"overflowFlags": arith.IntegerOverflowAttr("none")} if kind in _WRAPPING else {}
        return self.emit(kind, self.shape.integer, (lhs, rhs), properties)

    def to_float(self, x: SSAValue) -> SSAValue:
        return self.emit(wide.SIToFPOp, self.shape.float, (x,))


_WRAPPING = (arith.AddiOp, arith.SubiOp, arith.ShLIOp)
