"""Arithmetic on tensors as Python expressions, for converters that compose operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import AnyFloat
from xdsl.ir import Attribute, Operation, SSAValue

from ...errors import ImportModelError
from ...operators import elementwise as ops
from ...operators import logic
from .node import Node, type_of


@dataclass(frozen=True, eq=False)
class Term:
    """A value that a node is made of. Beside it, a number is a tensor of that number, of the value's element type.

    Example: `(Term(node, x) * 0.5 + 1).max(0).value` adds `graph.mul`, `graph.add` and `graph.max` to the program.
    """

    node: Node
    value: SSAValue

    @property
    def element_type(self) -> Attribute:
        """The type of the elements."""
        return type_of(self.value).element_type

    @property
    def is_float(self) -> bool:
        """Whether the elements are floats."""
        return isinstance(self.element_type, AnyFloat)

    def number(self, number: float) -> Term:
        """A number of this value's element type."""
        return Term(self.node, self._operand(number))

    def _operand(self, other: TermLike) -> SSAValue:
        if isinstance(other, Term):
            return other.value
        if not self.is_float and not float(other).is_integer():
            raise ImportModelError(f"expected floating-point elements beside {other}, got {self.element_type}")
        return self.node.splat(other, self.value)

    def _add(self, op: Operation) -> Term:
        return Term(self.node, self.node.add(op))

    def __add__(self, other: TermLike) -> Term:
        return self._add(ops.AddOp(self.value, self._operand(other)))

    def __radd__(self, other: float) -> Term:
        return self._add(ops.AddOp(self._operand(other), self.value))

    def __sub__(self, other: TermLike) -> Term:
        return self._add(ops.SubOp(self.value, self._operand(other)))

    def __rsub__(self, other: float) -> Term:
        return self._add(ops.SubOp(self._operand(other), self.value))

    def __mul__(self, other: TermLike) -> Term:
        return self._add(ops.MulOp(self.value, self._operand(other)))

    def __rmul__(self, other: float) -> Term:
        return self._add(ops.MulOp(self._operand(other), self.value))

    def __truediv__(self, other: TermLike) -> Term:
        return self._add(ops.DivOp(self.value, self._operand(other)))

    def __rtruediv__(self, other: float) -> Term:
        return self._add(ops.DivOp(self._operand(other), self.value))

    def __neg__(self) -> Term:
        return self._add(ops.NegOp(self.value))

    def __lt__(self, other: TermLike) -> Term:
        return self._add(logic.LessOp(self.value, self._operand(other)))

    def __le__(self, other: TermLike) -> Term:
        return self._add(logic.LessOrEqualOp(self.value, self._operand(other)))

    def __gt__(self, other: TermLike) -> Term:
        return self._add(logic.LessOp(self._operand(other), self.value))

    def __ge__(self, other: TermLike) -> Term:
        return self._add(logic.LessOrEqualOp(self._operand(other), self.value))

    def equals(self, other: TermLike) -> Term:
        """Whether both are equal."""
        return self._add(logic.EqualOp(self.value, self._operand(other)))

    def __and__(self, other: Term) -> Term:
        return self._add(logic.AndOp(self.value, other.value))

    def __or__(self, other: Term) -> Term:
        return self._add(logic.OrOp(self.value, other.value))

    def __invert__(self) -> Term:
        return self._add(logic.NotOp(self.value))

    def max(self, other: TermLike) -> Term:
        """The greater of both."""
        return self._add(ops.MaxOp(self.value, self._operand(other)))

    def min(self, other: TermLike) -> Term:
        """The lesser of both."""
        return self._add(ops.MinOp(self.value, self._operand(other)))

    def apply(self, op: type[ops.UnaryElementwiseOp]) -> Term:
        """A function of this value."""
        return self._add(op(self.value))

    def cast(self, element_type: Attribute) -> Term:
        """This value in another element type."""
        return self if self.element_type == element_type else self._add(ops.CastOp(self.value, element_type))

    def select(self, true: Term, false: Term) -> Term:
        """`true` where this truth value holds, else `false`."""
        return self._add(ops.SelectOp(self.value, true.value, false.value))


TermLike: TypeAlias = Term | float
"""A value, or a number beside one."""
