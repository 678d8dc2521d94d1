"""Layouts: where the elements of a buffer lie, as an affine map from its indices to those of a larger, packed one.

`affine_map<(o, c) -> (o floordiv 16, c, o mod 16)>` is what MLIR calls a tiled layout: blocks of 16 rows, and in each
of them neighbours are elements of one column. What elements fall on no index of the packed buffer is padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import AffineMapAttr, ArrayAttr, IndexType, IntAttr
from xdsl.ir import Attribute, Block, ParametrizedAttribute, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .quasi_affine import Atom, Bounds, Digit, Interval, Lin, atom_range, from_affine

_INDEX = IndexType()


@irdl_attr_definition
class LayoutAttr(ParametrizedAttribute):
    """How an argument is packed: the shape that its elements had, and where each lies now; padding is zeros.

    `#loop.layout<[64, 32], affine_map<(d0, d1) -> (d0 floordiv 16, d1, d0 mod 16)>>`
    """

    name = "loop.layout"
    shape: ArrayAttr[IntAttr]
    map: AffineMapAttr

    @staticmethod
    def of(shape: Sequence[int], map: AffineMap) -> LayoutAttr:
        """The layout of a buffer of some shape."""
        return LayoutAttr(ArrayAttr(IntAttr(extent) for extent in shape), AffineMapAttr(map))

    @property
    def extents(self) -> tuple[int, ...]:
        """The shape before packing."""
        return tuple(extent.data for extent in self.shape)

    def verify(self) -> None:
        if any(extent < 1 for extent in self.extents):
            raise VerifyException(f"expected positive extents, got {list(self.extents)}")
        if (failure := layout_failure(self.map.data, self.extents)) is not None:
            raise VerifyException(failure)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            shape = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, lambda: IntAttr(parser.parse_integer(allow_boolean=False))
            )
            parser.parse_punctuation(",")
            map = parser.parse_attribute()
            if not isinstance(map, AffineMapAttr):
                parser.raise_error(f"expected an affine map, got {map}")
        return ArrayAttr(shape), map

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{list(self.extents)}, ")
            printer.print_attribute(self.map)


def packed_shape(map: AffineMap, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of what a buffer is packed into: a dimension `… mod m` has `m` elements, also if less of them are
    used."""
    return tuple(_interval(expr, shape)[1] + 1 for expr in map.results)


def _interval(expr: AffineExpr, shape: Sequence[int]) -> Interval:
    match expr:
        case AffineConstantExpr(value=value):
            return value, value
        case AffineDimExpr(position=position):
            return 0, shape[position] - 1
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            (a, b), (c, d) = _interval(lhs, shape), _interval(rhs, shape)
            match kind:
                case AffineBinaryOpKind.Add:
                    return a + c, b + d
                case AffineBinaryOpKind.Mul:
                    corners = a * c, a * d, b * c, b * d
                    return min(corners), max(corners)
                case AffineBinaryOpKind.FloorDiv:
                    return a // c, b // c
                case AffineBinaryOpKind.CeilDiv:
                    return -(-a // c), -(-b // c)
                case AffineBinaryOpKind.Mod:
                    return 0, c - 1
        case _:
            pass
    raise ValueError(f"expected an affine expression over dimensions, got {expr}")


def layout_failure(map: AffineMap, shape: Sequence[int], packed: Sequence[int] | None = None) -> str | None:
    """Why a map is not proven to give each element of a buffer a place of its own; None if it is.

    `packed`: the shape that they must lie in; the map's own if there is none.
    """
    if map.num_dims != len(shape) or map.num_symbols:
        return f"expected a layout of {len(shape)} dimensions, got {map}"
    values: list[SSAValue] = list(Block(arg_types=[_INDEX] * len(shape)).args)
    extents = dict(zip(values, shape, strict=True))

    def bounds(value: SSAValue) -> Interval | None:
        return 0, extents[value] - 1

    digits: dict[Atom, list[tuple[int, int]]] = {value: [] for value in values}
    for position, expr in enumerate(map.results):
        try:
            form = from_affine(expr, [Lin.of(value) for value in values], bounds)
        except ValueError as error:
            return str(error)
        spread = form.range(bounds)
        if spread is None or spread[0] < 0 or (packed is not None and spread[1] >= packed[position]):
            limit = "above" if packed is None else f"in 0..{packed[position] - 1}"
            return f"expected result {position} of the layout {'not below 0' if packed is None else limit}, got {expr}"
        reached = 1
        for scale, _, atom in sorted(((c, i, a) for i, (a, c) in enumerate(form.terms.items())), key=lambda t: t[:2]):
            interval = atom_range(atom, bounds)
            digit = _digit_of(atom)
            if digit is None or interval is None or scale < reached:
                return f"expected result {position} of the layout to tell what it is made of apart, got {expr}"
            _note_digit(digits, digit, bounds)
            reached = scale * interval[1] + reached
    # Digits of digits first: one that is known by its own digits is one that is there.
    for part in reversed([each for each in digits if isinstance(each, Digit)]):
        interval = atom_range(part, bounds)
        digit = _digit_of(part)
        if digit is not None and interval is not None and _covered(digits[part]) > interval[1]:
            _note_digit(digits, digit, bounds)
    for dimension, value in enumerate(values):
        if _covered(digits[value]) < extents[value]:
            return f"expected a layout that keeps the elements of dimension {dimension} apart, got {map}"
    return None


def _note_digit(digits: dict[Atom, list[tuple[int, int]]], digit: tuple[Atom, int, int | None], bounds: Bounds) -> None:
    """Notes a digit of a dimension, or of a digit, with all that it is a digit of."""
    whole, divisor, modulus = digit
    if whole not in digits:
        outer = _digit_of(whole)
        if isinstance(whole, Digit) and outer is not None and outer[0] not in digits:
            digits[outer[0]] = []
        digits[whole] = []
    interval = atom_range(whole, bounds)
    assert interval is not None, "expected bounded dimensions"
    digits[whole].append((divisor, modulus or -(-(interval[1] + 1) // divisor)))


def _covered(digits: Sequence[tuple[int, int]]) -> int:
    """How many numbers their low digits tell apart."""
    covered = 1
    for divisor, size in sorted(digits):
        if divisor == covered:
            covered *= size
    return covered


def _digit_of(atom: Atom) -> tuple[Atom, int, int | None] | None:
    """A dimension (or a digit of one), a divisor and a modulus: `(dimension floordiv divisor) mod modulus`."""
    if not isinstance(atom, Digit):
        return atom, 1, None
    if len(atom.inner.terms) != 1 or atom.inner.const:
        return None
    ((value, scale),) = atom.inner.terms.items()
    return (value, atom.divisor, atom.modulus) if scale == 1 else None


def tiled_layout(rank: int, outer: Sequence[int], positions: Sequence[int], tiles: Sequence[int]) -> AffineMap:
    """The layout that upstream's `linalg.pack` describes: some dimensions split by tiles; first what is outside of
    them, in the order `outer`, then the tiles' insides."""
    sizes = dict(zip(positions, tiles, strict=True))
    dims = [AffineExpr.dimension(d) for d in range(rank)]
    results = [dims[d] // sizes[d] if d in sizes else dims[d] for d in outer]
    return AffineMap(rank, 0, (*results, *(dims[d] % size for d, size in sizes.items())))


def aligned_shape(
    shape: Sequence[int], dimensions: Sequence[int], alignments: Mapping[int, tuple[int, int]]
) -> list[int] | None:
    """A shape with dimensions that are long enough for the stride of each one that is aligned; `dimensions` says which
    these are, the outermost first. None if there is no such length."""
    padded = list(shape)
    stride = 1
    for place in range(len(shape) - 1, 0, -1):
        factor, offset = alignments.get(dimensions[place - 1], (1, 0))
        lengths = range(padded[place], padded[place] + factor)
        length = next((each for each in lengths if each * stride % factor == offset), None)
        if length is None:
            return None
        padded[place] = length
        stride *= length
    return padded


def passes_through(map: AffineMap, dimension: int) -> bool:
    """Whether a dimension is one of the packed buffer as it is, and in no other."""
    users = [expr for expr in map.results if dimension in {e.position for e in _dims(expr)}]
    return users == [AffineDimExpr(dimension)]


def _dims(expr: AffineExpr) -> list[AffineDimExpr]:
    return [each for each in expr.dfs() if isinstance(each, AffineDimExpr)]


__all__ = ["LayoutAttr", "aligned_shape", "layout_failure", "packed_shape", "passes_through", "tiled_layout"]
