"""The `te` dialect: tensor expressions. A kernel is a function of tensors that says *what* each element is.

`te.compute` gives its results' elements as scalar code over iterators, `te.scan` computes the rows of a state in
order, and `te.read` reads one element. Extents may be symbolic (`#te.shape<n, n + 2>`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TypeAlias, cast

from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AffineMapAttr,
    ArrayAttr,
    IndexType,
    NoneAttr,
    StringAttr,
    TensorType,
    UnitAttr,
)
from xdsl.dialects.scf import IfOp
from xdsl.dialects.utils import AbstractYieldOperation
from xdsl.ir import Attribute, BlockArgument, Data, Dialect, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap
from xdsl.irdl import (
    AttrSizedRegionSegments,
    IRDLOperation,
    base,
    irdl_attr_definition,
    irdl_op_definition,
    lazy_traits_def,
    operand_def,
    opt_prop_def,
    opt_region_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.traits import HasAncestor, HasParent, IsTerminator, NoMemoryEffect, Pure
from xdsl.utils.exceptions import VerifyException

from .affine_syntax import parse_affine_indices, print_affine_indices
from .combiner import parse_optional_combiner, print_combiner, verify_combiner
from .extents import Extent, parse_extent
from .quasi_affine import Interval, Lin, from_affine
from .scalar import (
    OUT_OF_RANGE_MODES,
    Constraints,
    guards_of,
    verify_combiner_body,
    verify_element_type,
    verify_scalar_body,
)

SPATIAL = "spatial"
REDUCE = "reduce"

AnyTensor: TypeAlias = TensorType[Attribute]

CLAMP = StringAttr("clamp")
NO_FASTMATH = FastMathFlagsAttr("none")

UNSIGNED = "te.unsigned"
"""Attribute of a function's arguments and results whose integers have no sign: their types do not say."""

_INDEX = IndexType()


@irdl_attr_definition
class ShapeAttr(Data[tuple[Extent, ...]]):
    """The extents of a tensor or of iterators: `#te.shape<n, 512, n floordiv 2 + 1>`."""

    name = "te.shape"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Extent, ...]:
        return tuple(parser.parse_comma_separated_list(parser.Delimiter.ANGLE, lambda: parse_extent(parser)))

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(self.data, lambda extent: printer.print_string(str(extent)))

    @staticmethod
    def of(extents: Iterable[Extent | int]) -> ShapeAttr:
        """The attribute of these extents."""
        return ShapeAttr(tuple(Extent.of(extent) for extent in extents))


def tensor_type(element_type: Attribute, extents: Iterable[Extent | int]) -> AnyTensor:
    """The tensor type with these extents: encoded by `#te.shape` iff one of them is symbolic."""
    shape = ShapeAttr.of(extents)
    if all(extent.is_constant for extent in shape.data):
        return TensorType(element_type, [extent.constant for extent in shape.data])
    sizes = [extent.constant if extent.is_constant else DYNAMIC_INDEX for extent in shape.data]
    return TensorType(element_type, sizes, shape)


def tensor_extents(type: AnyTensor) -> tuple[Extent, ...]:
    """The extents of a tensor type that `verify_tensor_type` accepts."""
    if isinstance(type.encoding, ShapeAttr):
        return type.encoding.data
    return tuple(Extent.of(size) for size in type.get_shape())


def verify_tensor_type(type: Attribute) -> AnyTensor:
    """The type, as that of a tensor whose extents are known here: static, or named by `#te.shape`.

    Raises:
        VerifyException: for any other type.
    """
    if not isinstance(type, TensorType):
        raise VerifyException(f"expected a ranked tensor, got {type}")
    tensor = cast(AnyTensor, type)
    verify_element_type(tensor.element_type)
    verify_tensor_extents(tensor)
    return tensor


def verify_tensor_extents(type: AnyTensor) -> None:
    """Checks that the extents of a tensor type are known: static, or named by `#te.shape`.

    Raises:
        VerifyException: if they are not.
    """
    sizes = type.get_shape()
    if isinstance(type.encoding, ShapeAttr):
        extents = type.encoding.data
        expected = tuple(extent.constant if extent.is_constant else DYNAMIC_INDEX for extent in extents)
        if expected != sizes:
            raise VerifyException(f"expected #te.shape to agree with the tensor's extents, got {type}")
        if DYNAMIC_INDEX not in sizes:
            raise VerifyException(f"expected no #te.shape on a tensor with static extents, got {type}")
    elif type.encoding != NoneAttr():
        raise VerifyException(f"expected #te.shape as the tensor's encoding, got {type.encoding}")
    elif DYNAMIC_INDEX in sizes:
        raise VerifyException(f"expected #te.shape on a tensor with dynamic extents, got {type}")
    verify_extents(tensor_extents(type))


def verify_extents(extents: Sequence[Extent]) -> None:
    """Checks that no constant extent is less than one."""
    for extent in extents:
        if extent.is_constant and extent.constant < 1:
            raise VerifyException(f"expected positive extents, got {extent}")


@irdl_op_definition
class YieldOp(AbstractYieldOperation[Attribute]):
    """Gives the element values of a `te.compute` body, the results of a combiner, or the rows of a `te.scan` step."""

    name = "te.yield"

    traits = lazy_traits_def(lambda: (IsTerminator(), HasParent(ComputeOp, ScanOp), Pure()))


@irdl_op_definition
class ReadOp(IRDLOperation):
    """Reads one element of a tensor, at an affine function of iterators and data-dependent indices.

    A data-dependent index (an `index` that is not an iterator) stands alone in its dimension; `out_of_range` says what
    happens where it lies outside of it: `clamp` to the nearest index, or `wrap` modulo the extent.

    `%a = te.read %A[%i * 2 + %k, %row] wrap : tensor<9x4xf32>`
    """

    name = "te.read"

    tensor = operand_def(base(TensorType[Attribute]))
    indices = var_operand_def(_INDEX)
    map = prop_def(AffineMapAttr)
    out_of_range_attr = prop_def(StringAttr, prop_name="out_of_range", default_value=CLAMP)
    result = result_def()

    # not speculatable: a read may be in bounds only under the condition that guards it
    traits = lazy_traits_def(lambda: (NoMemoryEffect(), HasAncestor(ComputeOp)))

    def __init__(
        self,
        tensor: SSAValue,
        map: AffineMap,
        indices: Sequence[SSAValue],
        out_of_range: str = "clamp",
    ):
        super().__init__(
            operands=[tensor, indices],
            properties={"map": AffineMapAttr(map), "out_of_range": StringAttr(out_of_range)},
            result_types=[cast(AnyTensor, tensor.type).element_type],
        )

    @property
    def tensor_type(self) -> AnyTensor:
        """The type of the tensor that is read."""
        return cast(AnyTensor, self.tensor.type)

    @property
    def out_of_range(self) -> str:
        """What a data-dependent index outside of its dimension does: `clamp` or `wrap`."""
        return self.out_of_range_attr.data

    def data_dependent(self) -> dict[int, SSAValue]:
        """The dimensions that a data-dependent index selects in, and that index."""
        return {
            dim: self.indices[expr.position]
            for dim, expr in enumerate(self.map.data.results)
            if isinstance(expr, AffineDimExpr) and not is_iterator(self.indices[expr.position])
        }

    def verify_(self) -> None:
        tensor = verify_tensor_type(self.tensor.type)
        if self.result.type != tensor.element_type:
            raise VerifyException(f"expected a result of type {tensor.element_type}, got {self.result.type}")
        _verify_index_map(self.map.data, len(self.indices), tensor)
        for expr in self.map.data.results:
            if not isinstance(expr, AffineDimExpr) and not all(is_iterator(self.indices[d]) for d in expr.used_dims()):
                raise VerifyException("expected a data-dependent index to stand alone in its dimension")
        if self.out_of_range not in OUT_OF_RANGE_MODES:
            raise VerifyException(f"expected out_of_range clamp or wrap, got {self.out_of_range}")
        if self.out_of_range != "clamp" and not self.data_dependent():
            raise VerifyException(f"expected a data-dependent index with {self.out_of_range}, got affine ones only")
        _verify_bounds(self)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.tensor)
        print_affine_indices(printer, self.map.data, self.indices)
        if self.out_of_range != "clamp":
            printer.print_string(f" {self.out_of_range}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.tensor.type)

    @classmethod
    def parse(cls, parser: Parser) -> ReadOp:
        unresolved = parser.parse_unresolved_operand()
        map, indices = parse_affine_indices(parser)
        out_of_range = parser.parse_optional_keyword_in(OUT_OF_RANGE_MODES) or "clamp"
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        type = parser.parse_type()
        if not isinstance(type, TensorType):
            parser.raise_error(f"expected a ranked tensor, got {type}", position)
        op = cls(parser.resolve_operand(unresolved, cast(AnyTensor, type)), map, indices, out_of_range)
        op.attributes |= attributes
        return op


def _verify_index_map(map: AffineMap, num_indices: int, tensor: AnyTensor) -> None:
    if map.num_symbols:
        raise VerifyException(f"expected a map without symbols, got {map}")
    if map.num_dims != num_indices:
        raise VerifyException(f"expected a map of {num_indices} dimensions, got {map}")
    if len(map.results) != tensor.get_num_dims():
        raise VerifyException(f"expected {tensor.get_num_dims()} indices, got {len(map.results)}")
    if map.unused_dims():
        raise VerifyException(f"expected every index operand to be used, got {map}")


def is_iterator(value: SSAValue) -> bool:
    """Whether `value` is an iterator of a `te.compute` or `te.scan`."""
    if not isinstance(value, BlockArgument) or not isinstance(value.type, IndexType):
        return False
    owner = value.block.parent_op()
    # an op that is not verified yet may have too many arguments
    return isinstance(owner, ComputeOp | ScanOp) and value.index < len(owner.extents.data)


def iterator_extent(value: SSAValue) -> Extent:
    """The extent of an iterator: it runs from 0 to it, exclusively."""
    assert isinstance(value, BlockArgument)
    owner = value.block.parent_op()
    assert isinstance(owner, ComputeOp | ScanOp)
    return owner.extents.data[value.index]


@irdl_op_definition
class ComputeOp(IRDLOperation):
    """Gives every element of its results as scalar code over iterators.

    The spatial iterators are the results' dimensions, in order. With reduce iterators, the values that the body
    yields are combined, from `identity` on and in lexicographic order of the reduce iterators (or in any order that
    the flags allow), by the combiner: it takes the accumulators, then the new values, and yields the accumulators.
    """

    name = "te.compute"

    te_name = prop_def(StringAttr)
    extents = prop_def(ShapeAttr)
    iterator_kinds = prop_def(ArrayAttr[StringAttr])
    identity = opt_prop_def(ArrayAttr)
    associative = opt_prop_def(UnitAttr)
    commutative = opt_prop_def(UnitAttr)
    fastmath = prop_def(FastMathFlagsAttr, default_value=NO_FASTMATH)
    body = region_def("single_block")
    combiner = opt_region_def("single_block")
    res = var_result_def(base(TensorType[Attribute]))

    irdl_options = (AttrSizedRegionSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        name: str,
        extents: Sequence[Extent | int],
        num_spatial: int,
        body: Region,
        result_types: Sequence[Attribute],
        *,
        combiner: Region | None = None,
        identity: Sequence[Attribute] = (),
        associative: bool = False,
        commutative: bool = False,
        fastmath: FastMathFlagsAttr = NO_FASTMATH,
    ):
        kinds = [SPATIAL] * num_spatial + [REDUCE] * (len(extents) - num_spatial)
        super().__init__(
            properties={
                "te_name": StringAttr(name),
                "extents": ShapeAttr.of(extents),
                "iterator_kinds": ArrayAttr(StringAttr(kind) for kind in kinds),
                "identity": None if combiner is None else ArrayAttr(identity),
                "associative": UnitAttr() if associative else None,
                "commutative": UnitAttr() if commutative else None,
                "fastmath": fastmath,
            },
            regions=[body, [] if combiner is None else [combiner]],
            result_types=[result_types],
        )

    @property
    def num_spatial(self) -> int:
        """The number of spatial iterators."""
        return sum(kind.data == SPATIAL for kind in self.iterator_kinds)

    @property
    def element_types(self) -> list[Attribute]:
        """The element types of the results."""
        return [result.type.element_type for result in self.res]

    @property
    def iterators(self) -> Sequence[BlockArgument]:
        """The iterators: spatial ones, then reduce ones."""
        return self.body.block.args

    @property
    def terminator(self) -> YieldOp:
        """The body's `te.yield`."""
        op = self.body.block.last_op
        assert isinstance(op, YieldOp)
        return op

    def verify_(self) -> None:
        extents = self.extents.data
        kinds = [kind.data for kind in self.iterator_kinds]
        verify_extents(extents)
        for kind in kinds:
            if kind not in (SPATIAL, REDUCE):
                raise VerifyException(f"expected iterator kind spatial or reduce, got {kind}")
        if kinds != sorted(kinds, key=(SPATIAL, REDUCE).index):
            raise VerifyException("expected spatial iterators before reduce iterators")
        if len(kinds) != len(extents):
            raise VerifyException(f"expected {len(kinds)} iterator extents, got {len(extents)}")
        if len(self.body.block.args) != len(kinds):
            raise VerifyException(f"expected {len(kinds)} iterators, got {len(self.body.block.args)}")
        _verify_iterators(self.body.block.args)
        if not self.res:
            raise VerifyException("expected at least one result, got none")
        for result in self.res:
            tensor = verify_tensor_type(result.type)
            if tensor_extents(tensor) != extents[: self.num_spatial]:
                expected = ", ".join(str(extent) for extent in extents[: self.num_spatial])
                raise VerifyException(f"expected a result of extents ({expected}), got {tensor}")
        self._verify_yield()
        verify_scalar_body(self.body.block, self, (ReadOp, SizeOp), is_iterator)
        self._verify_reduction(kinds)

    def _verify_yield(self) -> None:
        terminator = self.body.block.last_op
        if not isinstance(terminator, YieldOp):
            name = "nothing" if terminator is None else terminator.name
            raise VerifyException(f"expected te.yield at the end of the body, got {name}")
        expected = self.element_types
        if [value.type for value in terminator.arguments] != expected:
            raise VerifyException(f"expected te.yield of {_types(expected)}, got {_types(terminator.operand_types)}")

    def _verify_reduction(self, kinds: Sequence[str]) -> None:
        flags = (self.identity, self.associative, self.commutative)
        if self.combiner is None:
            if REDUCE in kinds:
                raise VerifyException("expected a combiner for reduce iterators, got none")
            if any(flag is not None for flag in flags) or self.fastmath != NO_FASTMATH:
                raise VerifyException("expected identity and flags with a combiner only")
            return
        if REDUCE not in kinds:
            raise VerifyException("expected no combiner without reduce iterators")
        if self.identity is None:
            raise VerifyException("expected an identity with a combiner, got none")
        verify_combiner(self.combiner, self.element_types, self.identity, YieldOp)
        verify_combiner_body(self.combiner.block)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.te_name)
        printer.enter_scope()
        pairs = list(zip(self.iterators, self.extents.data, strict=False))
        _print_iterators(printer, SPATIAL, pairs[: self.num_spatial])
        if len(pairs) > self.num_spatial:
            _print_iterators(printer, REDUCE, pairs[self.num_spatial :])
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        if self.combiner is not None:
            print_combiner(
                printer,
                self.combiner,
                self.identity or ArrayAttr([]),
                associative=self.associative is not None,
                commutative=self.commutative is not None,
                fastmath=self.fastmath,
            )
        printer.exit_scope()
        printer.print_op_attributes(self.attributes, print_keyword=True)
        _print_result_types(printer, self.result_types)

    @classmethod
    def parse(cls, parser: Parser) -> ComputeOp:
        name = parser.parse_str_literal(" as the name of a te.compute")
        parser.parse_keyword(SPATIAL)
        iterators = _parse_iterators(parser)
        num_spatial = len(iterators)
        if parser.parse_optional_keyword(REDUCE):
            iterators += _parse_iterators(parser)
        body = parser.parse_region([argument for argument, _ in iterators])
        combiner = parse_optional_combiner(parser)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        extents = [extent for _, extent in iterators]
        types = _parse_result_types(parser)
        if combiner is None:
            op = cls(name, extents, num_spatial, body, types)
        else:
            op = cls(
                name,
                extents,
                num_spatial,
                body,
                types,
                combiner=combiner.region,
                identity=combiner.identity,
                associative=combiner.associative,
                commutative=combiner.commutative,
                fastmath=combiner.fastmath,
            )
        if attributes is not None:
            op.attributes |= attributes.data
        return op


@irdl_op_definition
class SizeOp(IRDLOperation):
    """The value of an extent: `%n = te.size n + 2`. Specialising makes it a constant."""

    name = "te.size"

    extents = prop_def(ShapeAttr, prop_name="extent")
    result = result_def(_INDEX)

    traits = traits_def(Pure())

    def __init__(self, extent: Extent | int):
        super().__init__(properties={"extent": ShapeAttr.of([extent])}, result_types=[_INDEX])

    @property
    def extent(self) -> Extent:
        """The extent that this is the value of."""
        return self.extents.data[0]

    def verify_(self) -> None:
        if len(self.extents.data) != 1:
            raise VerifyException(f"expected one extent, got {len(self.extents.data)}")

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.extent}")
        printer.print_op_attributes(self.attributes)

    @classmethod
    def parse(cls, parser: Parser) -> SizeOp:
        op = cls(parse_extent(parser))
        op.attributes |= parser.parse_optional_attr_dict()
        return op


@irdl_op_definition
class ScanOp(IRDLOperation):
    """Computes the rows of its states in order of its iterator.

    A state starts with the `p ≥ 1` rows of its initial value. Step `t` computes row `t + p` from what the body
    yields, and may read the `p` rows before it.
    """

    name = "te.scan"

    te_name = prop_def(StringAttr)
    extents = prop_def(ShapeAttr)
    inits = var_operand_def(base(TensorType[Attribute]))
    body = region_def("single_block")
    res = var_result_def(base(TensorType[Attribute]))

    traits = traits_def(Pure())

    def __init__(
        self,
        name: str,
        extent: Extent | int,
        inits: Sequence[SSAValue],
        body: Region,
        result_types: Sequence[Attribute],
    ):
        super().__init__(
            operands=[inits],
            properties={"te_name": StringAttr(name), "extents": ShapeAttr.of([extent])},
            regions=[body],
            result_types=[result_types],
        )

    @property
    def extent(self) -> Extent:
        """The number of steps."""
        return self.extents.data[0]

    @property
    def iterator(self) -> BlockArgument:
        """The step."""
        return self.body.block.args[0]

    @property
    def states(self) -> Sequence[BlockArgument]:
        """The states as the body reads them."""
        return self.body.block.args[1:]

    @property
    def terminator(self) -> YieldOp:
        """The body's `te.yield`."""
        op = self.body.block.last_op
        assert isinstance(op, YieldOp)
        return op

    def verify_(self) -> None:
        if len(self.extents.data) != 1:
            raise VerifyException(f"expected one extent, got {len(self.extents.data)}")
        verify_extents(self.extents.data)
        if not self.res:
            raise VerifyException("expected at least one state, got none")
        if len(self.inits) != len(self.res):
            raise VerifyException(f"expected {len(self.res)} initial values, got {len(self.inits)}")
        arguments = self.body.block.args
        if not arguments:
            raise VerifyException("expected one iterator, got none")
        _verify_iterators(arguments[:1])
        if [arg.type for arg in arguments[1:]] != [result.type for result in self.res]:
            raise VerifyException(
                f"expected states of types {_types(self.result_types)}, got {_types([a.type for a in arguments[1:]])}"
            )
        for op in self.body.block.ops:
            if not isinstance(op, ComputeOp | YieldOp):
                raise VerifyException(f"expected te.compute in the body of te.scan, got {op.name}")
        terminator = self.terminator
        rows = [self._verify_state(init, result) for init, result in zip(self.inits, self.res, strict=True)]
        if [value.type for value in terminator.arguments] != rows:
            raise VerifyException(f"expected te.yield of {_types(rows)}, got {_types(terminator.operand_types)}")
        for value in terminator.arguments:
            if not isinstance(value.owner, ComputeOp) or value.owner.parent is not self.body.block:
                raise VerifyException("expected te.yield of results of te.compute ops in the body of te.scan")

    def _verify_state(self, init: SSAValue, result: SSAValue) -> AnyTensor:
        """Checks the type of one state against its initial value; gives the type of its rows."""
        initial, state = verify_tensor_type(init.type), verify_tensor_type(result.type)
        if not tensor_extents(initial) or not tensor_extents(initial)[0].is_constant:
            raise VerifyException(f"expected a constant number of initial rows, got {initial}")
        rows, *rest = tensor_extents(initial)
        expected = tensor_type(initial.element_type, [self.extent + rows, *rest])
        if state != expected:
            raise VerifyException(f"expected a state of type {expected}, got {state}")
        return tensor_type(initial.element_type, rest)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.te_name)
        printer.enter_scope()
        _print_iterators(printer, "ordered", [(self.iterator, self.extent)])
        printer.print_string(" init")
        with printer.in_parens():
            printer.print_list(
                zip(self.states, self.inits, strict=False), lambda pair: _print_initial(printer, pair[0], pair[1])
            )
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        printer.exit_scope()
        printer.print_op_attributes(self.attributes, print_keyword=True)
        _print_result_types(printer, self.result_types)

    @classmethod
    def parse(cls, parser: Parser) -> ScanOp:
        name = parser.parse_str_literal(" as the name of a te.scan")
        parser.parse_keyword("ordered")
        position = parser.pos
        iterators = _parse_iterators(parser)
        if len(iterators) != 1:
            parser.raise_error(f"expected one iterator, got {len(iterators)}", position)
        ((iterator, extent),) = iterators
        parser.parse_keyword("init")

        def parse_initial() -> tuple[Parser.Argument, SSAValue]:
            argument = parser.parse_argument(expect_type=False)
            parser.parse_punctuation("=")
            operand = parser.parse_unresolved_operand()
            parser.parse_punctuation(":")
            position = parser.pos
            type = parser.parse_type()
            if not isinstance(type, TensorType) or not tensor_extents(tensor := cast(AnyTensor, type)):
                parser.raise_error(f"expected a tensor with rows, got {type}", position)
            rows, *rest = tensor_extents(tensor)
            state = tensor_type(tensor.element_type, [extent + rows, *rest])
            return argument.resolve(state), parser.resolve_operand(operand, tensor)

        states = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_initial)
        body = parser.parse_region([iterator, *(argument for argument, _ in states)])
        attributes = parser.parse_optional_attr_dict_with_keyword()
        types = _parse_result_types(parser)
        op = cls(name, extent, [init for _, init in states], body, types)
        if attributes is not None:
            op.attributes |= attributes.data
        return op


def iterator_bounds(value: SSAValue) -> Interval | None:
    """The interval that an iterator of constant extent lies in."""
    if not is_iterator(value):
        return None
    extent = iterator_extent(value)
    return (0, extent.constant - 1) if extent.is_constant else None


def _verify_bounds(read: ReadOp) -> None:
    """Refuses a read that may be out of bounds; where sizes are symbolic, one that is so for all of them."""
    data_dependent = read.data_dependent()
    operands = [Lin.of(value) for value in read.indices]
    constraints: Constraints | None = None
    for dim, (expr, extent) in enumerate(zip(read.map.data.results, tensor_extents(read.tensor_type), strict=True)):
        if dim in data_dependent:
            continue
        form = from_affine(expr, operands, iterator_bounds)
        state = _scan_state_step(read.tensor) if dim == 0 else None
        known = extent.is_constant and all(iterator_bounds(value) is not None for value in form.values())
        if state is None and not known:
            _verify_symbolic_bounds(read, dim, form, extent)
            continue
        if constraints is None:
            constraints = Constraints(guards_of(read, is_iterator, iterator_bounds), iterator_bounds)
        if known:
            _verify_constant_bounds(read, dim, constraints.range(form), extent)
        if state is not None:
            _verify_scan_row(form, constraints, *state)


def _verify_constant_bounds(read: ReadOp, dim: int, interval: Interval | None, extent: Extent) -> None:
    if interval is None:  # never executed
        return
    low, high = interval
    if low < 0 or high >= extent.constant:
        raise VerifyException(
            f"expected indices of dimension {dim} in 0..{extent.constant - 1}, got {low}..{high} "
            f"in a read of {read.tensor.type}{_reader(read)}"
        )


def _verify_symbolic_bounds(read: ReadOp, dim: int, form: Lin, extent: Extent) -> None:
    """Without a guard, every corner of the domain is reached; one that lies outside for all sizes is an error."""
    if isinstance(read.parent_op(), IfOp):
        return
    low = high = Extent.of(form.const)
    for atom, factor in form.terms.items():
        if not isinstance(atom, SSAValue):
            return
        corner = (iterator_extent(atom) - 1) * factor
        low, high = (low, high + corner) if factor > 0 else (low + corner, high)
    if high.is_at_least(extent) or (-low).is_at_least(1):
        raise VerifyException(
            f"expected indices of dimension {dim} in 0..{extent - 1}, got {low}..{high} "
            f"in a read of {read.tensor.type}{_reader(read)}"
        )


def _reader(read: ReadOp) -> str:
    op = read.parent_op()
    while op is not None and not isinstance(op, ComputeOp):
        op = op.parent_op()
    return "" if op is None else f' by "{op.te_name.data}"'


def _scan_state_step(tensor: SSAValue) -> tuple[BlockArgument, int] | None:
    """The iterator of the scan whose state `tensor` is, and its number of initial rows."""
    if not isinstance(tensor, BlockArgument) or not isinstance(scan := tensor.block.parent_op(), ScanOp):
        return None
    if not 0 < tensor.index <= len(scan.inits):
        return None  # refused when the scan is verified
    initial = tensor_extents(cast(AnyTensor, scan.inits[tensor.index - 1].type))
    return (scan.iterator, initial[0].constant) if initial else None


def _verify_scan_row(form: Lin, constraints: Constraints, step: BlockArgument, rows: int) -> None:
    interval = constraints.range(form - Lin.of(step))
    if interval is None or interval[0] < 0 or interval[1] >= rows:
        raise VerifyException(f"expected a read of one of the {rows} rows before the one that the step computes")


def _verify_iterators(arguments: Sequence[BlockArgument]) -> None:
    for argument in arguments:
        if not isinstance(argument.type, IndexType):
            raise VerifyException(f"expected iterators of type index, got {argument.type}")


def _types(types: Iterable[Attribute]) -> str:
    return f"({', '.join(str(type) for type in types)})"


def _print_iterators(printer: Printer, kind: str, iterators: Sequence[tuple[SSAValue, Extent]]) -> None:
    def print_iterator(iterator: tuple[SSAValue, Extent]) -> None:
        printer.print_ssa_value(iterator[0])
        printer.print_string(f" in {iterator[1]}")

    printer.print_string(f" {kind}")
    with printer.in_parens():
        printer.print_list(iterators, print_iterator)


def _parse_iterators(parser: Parser) -> list[tuple[Parser.Argument, Extent]]:
    def parse_iterator() -> tuple[Parser.Argument, Extent]:
        argument = parser.parse_argument(expect_type=False).resolve(_INDEX)
        parser.parse_keyword("in")
        return argument, parse_extent(parser)

    return parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_iterator)


def _print_initial(printer: Printer, state: SSAValue, init: SSAValue) -> None:
    printer.print_ssa_value(state)
    printer.print_string(" = ")
    printer.print_ssa_value(init)
    printer.print_string(" : ")
    printer.print_attribute(init.type)


def _print_result_types(printer: Printer, types: Sequence[Attribute]) -> None:
    printer.print_string(" -> ")
    if len(types) == 1:
        printer.print_attribute(types[0])
        return
    with printer.in_parens():
        printer.print_list(types, printer.print_attribute)


def _parse_result_types(parser: Parser) -> Sequence[Attribute]:
    parser.parse_punctuation("->")
    types = parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
    return [parser.parse_type()] if types is None else types


# Views


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """The elements of a tensor, in row-major order, in another shape. It stands between the calls of kernels, where it
    moves nothing: `%y = te.reshape %x : tensor<2x6xf32> -> tensor<3x4xf32>`.
    """

    name = "te.reshape"

    operand = operand_def(TensorType)
    result = result_def(TensorType)

    traits = traits_def(Pure())

    assembly_format = "$operand attr-dict `:` type($operand) `->` type($result)"

    def __init__(self, operand: SSAValue, result_type: Attribute) -> None:
        super().__init__(operands=[operand], result_types=[result_type])

    def verify_(self) -> None:
        source, target = verify_tensor_type(self.operand.type), verify_tensor_type(self.result.type)
        if source.element_type != target.element_type:
            raise VerifyException(f"expected elements of type {source.element_type}, got {target.element_type}")
        shapes = source.get_shape(), target.get_shape()
        if not any(DYNAMIC_INDEX in shape for shape in shapes) and prod(shapes[0]) != prod(shapes[1]):
            raise VerifyException(f"expected a shape of {prod(shapes[0])} elements, got {target}")


Te = Dialect("te", [ComputeOp, ReadOp, ReshapeOp, ScanOp, SizeOp, YieldOp], [ShapeAttr])
