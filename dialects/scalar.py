"""Scalar bodies: the straight-line code inside of `te.compute` and `loop.block`, which both rungs share.

Bodies are `arith` and `math` ops on scalars, `affine.apply` for index arithmetic, `scf.if` with results for lazy
choice, the rung's own read, and ops of other dialects that are `ElementwiseMappable`. Combiners are scalar code over
their own arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from xdsl.dialects import affine, scf
from xdsl.dialects.arith import AddiOp, AndIOp, CmpiOp, ConstantOp, MuliOp, OrIOp, SubiOp, XOrIOp
from xdsl.dialects.builtin import (
    IndexType,
    IntegerAttr,
    ShapedType,
    VectorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.traits import IsTerminator, OpTrait, Pure
from xdsl.utils.exceptions import VerifyException

from .quasi_affine import Atom, Bounds, Digit, Interval, Lin, atom_range, from_affine

OUT_OF_RANGE_MODES = ("clamp", "wrap")
"""What a data-dependent index outside of its dimension may do."""

_DIALECTS = ("arith.", "math.")
_ELEMENT_TYPES = frozenset((bf16, f16, f32, f64, i1, i8, i16, i32, i64))


def is_element_type(type: Attribute) -> bool:
    """Whether tensors may hold elements of this type."""
    return type in _ELEMENT_TYPES


def verify_element_type(type: Attribute) -> None:
    """Checks that tensors may hold elements of this type."""
    if not is_element_type(type):
        raise VerifyException(f"expected an element type of bf16, f16, f32, f64, i1, i8, i16, i32 or i64, got {type}")


class ElementwiseMappable(OpTrait):
    """Lets an op of another dialect stand in a scalar body, as MLIR's trait of that name does.

    The op has one result and is `Pure`. Given vectors of one shape, it computes each element from the operands'
    elements at the same place: where lanes differ, `loop-expand` emits the same op, with its properties, on vectors.
    """

    def verify(self, op: Operation) -> None:
        if len(op.results) != 1 or op.regions:
            raise VerifyException("expected an elementwise op with one result and no region")
        if not op.has_trait(Pure):
            raise VerifyException("expected an elementwise op to be pure")
        if len({_vector_shape(value.type) for value in (*op.operands, *op.results)}) > 1:
            raise VerifyException("expected scalars, or vectors of one shape")


def _vector_shape(type: Attribute) -> tuple[int, ...] | None:
    return cast("VectorType[Attribute]", type).get_shape() if isinstance(type, VectorType) else None


def is_scalar_op(op: Operation) -> bool:
    """Whether a scalar body may hold this op, reads and terminators aside."""
    return (
        op.name.startswith(_DIALECTS)
        or isinstance(op, affine.ApplyOp | scf.IfOp)
        or op.has_trait(ElementwiseMappable, value_if_unregistered=False)
    )


def walk_scalar_ops(block: Block) -> Iterator[Operation]:
    """The ops of a scalar body in order, those in the branches of `scf.if` too."""
    for op in block.ops:
        yield op
        if isinstance(op, scf.IfOp):
            for region in op.regions:
                for inner in region.blocks:
                    yield from walk_scalar_ops(inner)


def verify_scalar_body(
    block: Block,
    owner: Operation,
    read: type[Operation] | tuple[type[Operation], ...],
    is_iterator: Callable[[SSAValue], bool],
) -> None:
    """Checks the ops of a scalar body, and that its scalars come from the body itself or are iterators."""
    last = block.last_op
    terminator = last if last is not None and last.has_trait(IsTerminator) else None
    for op in walk_scalar_ops(block):
        if isinstance(op, read):
            _verify_operands(op, [v for v in op.operands if not isinstance(v.type, ShapedType)], owner, is_iterator)
            continue
        if op is terminator or isinstance(op, scf.YieldOp):
            pass
        elif not is_scalar_op(op):
            raise VerifyException(f"expected scalar arith, math, affine.apply or scf.if in a body, got {op.name}")
        _verify_operands(op, op.operands, owner, is_iterator)
        for result in op.results:
            _verify_scalar(op, result)
        if isinstance(op, scf.IfOp):
            _verify_if(op)


def _verify_operands(
    op: Operation, operands: Sequence[SSAValue], owner: Operation, is_iterator: Callable[[SSAValue], bool]
) -> None:
    for operand in operands:
        _verify_scalar(op, operand)
        scope = operand.owner if isinstance(operand.owner, Operation) else operand.owner.parent_op()
        if scope is not owner and (scope is None or not owner.is_ancestor(scope)) and not is_iterator(operand):
            raise VerifyException(
                f"expected operands of {op.name} from the body or its iterators, got one from outside"
            )


def _verify_scalar(op: Operation, value: SSAValue) -> None:
    if not isinstance(value.type, IndexType) and not is_element_type(value.type):
        raise VerifyException(f"expected scalars in a body, got {value.type} at {op.name}")


def _verify_if(op: scf.IfOp) -> None:
    if not op.output:
        raise VerifyException("expected scf.if with results in a body, got none")
    if not op.false_region.blocks:
        raise VerifyException("expected scf.if with an else branch in a body, got none")
    expected = [result.type for result in op.output]
    for region in op.regions:
        terminator = region.block.last_op
        actual = [] if terminator is None else [operand.type for operand in terminator.operands]
        if actual != expected:
            raise VerifyException("expected both branches of scf.if to yield its result types")


def verify_combiner_body(block: Block) -> None:
    """Checks that a combiner is scalar code over its own arguments."""
    owner = block.parent
    for op in walk_scalar_ops(block):
        if op is block.last_op or isinstance(op, scf.YieldOp):
            pass
        elif not is_scalar_op(op):
            raise VerifyException(f"expected scalar arith, math or scf.if in a combiner, got {op.name}")
        for operand in op.operands:
            _verify_scalar(op, operand)
            scope = operand.owner.parent if isinstance(operand.owner, Block) else operand.owner.parent_region()
            if owner is None or scope is None or not (scope is owner or _inside(scope, owner)):
                raise VerifyException("expected the combiner to use its own arguments only, got a value from outside")
        if isinstance(op, scf.IfOp):
            _verify_if(op)


def _inside(region: Region, outer: Region) -> bool:
    parent = region.parent
    while parent is not None:
        if parent.parent_region() is outer:
            return True
        parent = parent.parent_op()
    return False


# Conditions: what is known where a guarded op runs


def affine_form(value: SSAValue, is_iterator: Callable[[SSAValue], bool], bounds: Bounds) -> Lin | None:
    """The quasi-affine form over iterators of an `index` value; None where it depends on data."""
    if is_iterator(value):
        return Lin.of(value)
    match value.owner:
        case ConstantOp(value=IntegerAttr(value=constant)):
            return Lin(constant.data)
        case affine.ApplyOp(map=map, mapOperands=operands):
            forms = [affine_form(operand, is_iterator, bounds) for operand in operands]
            known = [form for form in forms if form is not None]
            if len(known) != len(forms):
                return None
            try:
                return from_affine(map.data.results[0], known, bounds, map.data.num_dims)
            except ValueError:
                return None
        case AddiOp() | SubiOp() | MuliOp():
            return _arithmetic_form(value.owner, is_iterator, bounds)
        case _:
            return None


def _arithmetic_form(
    op: AddiOp | SubiOp | MuliOp, is_iterator: Callable[[SSAValue], bool], bounds: Bounds
) -> Lin | None:
    if not isinstance(op.result.type, IndexType):
        return None
    lhs, rhs = affine_form(op.lhs, is_iterator, bounds), affine_form(op.rhs, is_iterator, bounds)
    if lhs is None or rhs is None:
        return None
    if isinstance(op, AddiOp):
        return lhs + rhs
    if isinstance(op, SubiOp):
        return lhs - rhs
    if rhs.is_const:
        return lhs * rhs.const
    return rhs * lhs.const if lhs.is_const else None


def affine_conjuncts(
    condition: SSAValue, is_iterator: Callable[[SSAValue], bool], bounds: Bounds, *, negated: bool = False
) -> list[Lin]:
    """Forms that are all `>= 0` where `condition` holds (with `negated`: where it does not).

    They need not say all that the condition says: what is not an affine fact about iterators is left out.
    """

    def conjuncts(value: SSAValue, negated: bool) -> list[Lin]:
        match value.owner:
            case AndIOp(lhs=lhs, rhs=rhs) if not negated:
                return conjuncts(lhs, False) + conjuncts(rhs, False)
            case OrIOp(lhs=lhs, rhs=rhs) if negated:
                return conjuncts(lhs, True) + conjuncts(rhs, True)
            case XOrIOp(lhs=lhs, rhs=rhs) if _constant(rhs):
                return conjuncts(lhs, not negated)
            case ConstantOp():
                return [] if bool(_constant(value)) != negated else [Lin(-1)]
            case CmpiOp(lhs=lhs, rhs=rhs, predicate=predicate) if isinstance(lhs.type, IndexType):
                left, right = affine_form(lhs, is_iterator, bounds), affine_form(rhs, is_iterator, bounds)
                if left is None or right is None:
                    return []
                name = _PREDICATES[predicate.value.data]
                return _comparison(_NEGATION[name] if negated else name, left, right, bounds)
            case _:
                return []

    return conjuncts(condition, negated)


_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_NEGATION = {
    "eq": "ne",
    "ne": "eq",
    "slt": "sge",
    "sle": "sgt",
    "sgt": "sle",
    "sge": "slt",
    "ult": "uge",
    "ule": "ugt",
    "ugt": "ule",
    "uge": "ult",
}


def _constant(value: SSAValue) -> int | None:
    owner = value.owner
    if isinstance(owner, ConstantOp) and isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    return None


def _comparison(predicate: str, lhs: Lin, rhs: Lin, bounds: Bounds) -> list[Lin]:
    match predicate:
        case "eq":
            return [lhs - rhs, rhs - lhs]
        case "slt":
            return [rhs - lhs - 1]
        case "sle":
            return [rhs - lhs]
        case "sgt":
            return [lhs - rhs - 1]
        case "sge":
            return [lhs - rhs]
        case "ult" | "ule" if (interval := rhs.range(bounds)) is not None and interval[0] >= 0:
            return [lhs, rhs - lhs - (predicate == "ult")]
        case _:
            return []


def guards_of(op: Operation, is_iterator: Callable[[SSAValue], bool], bounds: Bounds) -> list[Lin]:
    """Forms that are all `>= 0` where `op` runs: the affine conjuncts of the `scf.if`s around it."""
    forms: list[Lin] = []
    region = op.parent_region()
    while region is not None and isinstance(parent := region.parent, scf.IfOp):
        forms += affine_conjuncts(parent.cond, is_iterator, bounds, negated=region is parent.false_region)
        region = parent.parent_region()
    return forms


class Constraints:
    """Quasi-affine facts (forms that are `>= 0`) over bounded values, and the intervals that follow from them.

    The proofs are sound and quick, not complete: bounds are propagated to atoms, and each fact, or two of them,
    is used to cancel an atom of the form that is asked about.
    """

    _ROUNDS = 3
    _DEPTH = 2

    def __init__(self, facts: Sequence[Lin], bounds: Bounds) -> None:
        self.facts = tuple(dict.fromkeys(facts))
        self.feasible = True
        self._bounds = bounds
        self._intervals: dict[Atom, Interval] = {}
        self._pending: set[Atom] = set()
        if facts:
            self._propagate()

    def range(self, form: Lin) -> Interval | None:
        """An interval that `form` lies in wherever all facts hold; None if they cannot all hold.

        Every value that the form depends on must be bounded, unless it cancels.
        """
        if not self.feasible:
            return None
        low, high = self._lower(form, self._DEPTH), self._lower(-form, self._DEPTH)
        return (_LEAST if low is None else low), (-_LEAST if high is None else -high)

    def bounds(self, value: SSAValue) -> Interval | None:
        """The interval that follows for one value."""
        return self._intervals.get(value) or self._bounds(value)

    def _atom_interval(self, atom: Atom) -> Interval | None:
        interval = self._intervals.get(atom)
        if interval is not None:
            return interval
        interval = atom_range(atom, self.bounds)
        # what the facts say of a quotient's dividend may depend on the quotient itself
        if isinstance(atom, Digit) and atom.modulus is None and self.facts and atom not in self._pending:
            self._pending.add(atom)
            interval = self._quotient_interval(atom, interval)
            self._pending.discard(atom)
        if interval is not None and atom not in self._pending:
            self._intervals[atom] = interval
        return interval

    def _quotient_interval(self, atom: Digit, interval: Interval | None) -> Interval | None:
        low, high = self._lower(atom.inner, 1), self._lower(-atom.inner, 1)
        if low is None or high is None:
            return interval
        low, high = low // atom.divisor, -high // atom.divisor
        return (low, high) if interval is None else (max(low, interval[0]), min(high, interval[1]))

    def _lower(self, form: Lin, depth: int) -> int | None:
        """The best lower bound of `form` found with at most `depth` facts."""
        best = self._plain_lower(form)
        if depth == 0:
            return best
        for atom, factor in form.terms.items():
            if isinstance(atom, Digit) and atom.modulus is None:
                best = _greater(best, self._quotient_lower(form, atom, factor, depth))
        for fact in self.facts:
            for factor in _cancelling_factors(form, fact):
                best = _greater(best, self._lower(form - fact * factor, depth - 1))
        return best

    def _quotient_lower(self, form: Lin, atom: Digit, factor: int, depth: int) -> int | None:
        """That of `form` from that of `divisor * form`, in which the quotient is its dividend less a rest."""
        multiple = (form - Lin(0, {atom: factor})) * atom.divisor + atom.inner * factor
        bound = self._lower(multiple, depth)
        if bound is None:
            return None
        rest = max(factor, 0) * (atom.divisor - 1)
        return -(-(bound - rest) // atom.divisor)

    def _plain_lower(self, form: Lin) -> int | None:
        total = form.const
        for atom, factor in form.terms.items():
            interval = self._atom_interval(atom)
            if interval is None:
                return None
            total += factor * interval[0 if factor > 0 else 1]
        return total

    def _propagate(self) -> None:
        """Tightens the intervals of atoms: `c * a + rest >= 0` bounds `a` by the greatest value of `rest`."""
        for _ in range(self._ROUNDS):
            before = dict(self._intervals)
            for fact in self.facts:
                self._tighten(fact)
                if not self.feasible:
                    return
            if before == self._intervals:
                return

    def _tighten(self, fact: Lin) -> None:
        for atom, factor in fact.terms.items():
            least = self._plain_lower(Lin(0, {atom: factor}) - fact)
            interval = self._atom_interval(atom)
            if least is None:
                continue
            # factor * atom >= least
            low, high = interval if interval is not None else (_LEAST, -_LEAST)
            if factor > 0:
                low = max(low, -(-least // factor))
            else:
                high = min(high, least // factor)
            if low > high:
                self.feasible = False
                return
            if interval is not None or (low > _LEAST and high < -_LEAST):
                self._intervals[atom] = (low, high)
        if not fact.terms and fact.const < 0:
            self.feasible = False


_LEAST = -(2**62)


def _greater(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)


def _cancelling_factors(form: Lin, fact: Lin) -> set[int]:
    """Positive factors with which subtracting `fact` removes an atom of `form`."""
    factors: set[int] = set()
    for atom, factor in fact.terms.items():
        other = form.terms.get(atom)
        if other is not None and other % factor == 0 and other // factor > 0:
            factors.add(other // factor)
    return factors
