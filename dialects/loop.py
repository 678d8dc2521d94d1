"""The `loop` dialect: explicit loops around blocks, on buffers with memory scopes (rung 3).

A *block* is a statement with iterators of its own; the loops around it only bind them. Loop primitives touch loops,
block primitives touch blocks, and legality is decided from iterators and regions. TVM's TensorIR calls the same things
`For` and `SBlock`. The exact meaning is on the page `docs/architecture.md`, "Rung 3".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import cast

from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import (
    I64,
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    FixedBitwidthType,
    IndexType,
    IntAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    NoneAttr,
    StringAttr,
    UnitAttr,
    i8,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.dialects.utils import EnumAttribute, FastMathFlag
from xdsl.ir import (
    Attribute,
    Block,
    BlockArgument,
    Dialect,
    Operation,
    ParametrizedAttribute,
    Region,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.ir.affine import AffineConstantExpr, AffineExpr, AffineMap
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    base,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    opt_region_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsTerminator,
    MemoryAllocEffect,
    MemoryReadEffect,
    MemoryWriteEffect,
    NoMemoryEffect,
    NoTerminator,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa
from xdsl.utils.str_enum import StrEnum

from .affine_syntax import (
    AffineOperands,
    parse_affine_expr,
    parse_affine_indices,
    print_affine_expr,
    print_affine_indices,
)
from .combiner import parse_combiner, print_combiner, verify_combiner
from .layout import LayoutAttr, layout_failure
from .quasi_affine import ZERO, Bounds, Interval, Lin, from_affine
from .scalar import Constraints, guards_of, verify_combiner_body, verify_scalar_body

_INDEX = IndexType()

OUTPUT = "loop.output"
"""Argument attribute of a kernel's output buffers."""
CONSTANT = "loop.constant"
"""Argument attribute of kernel parameters that are model constants."""
BACKEND = "loop.backend"
"""Attribute of a module: the backend whose passes lower its kernels, if it is not the first one for its target."""
PIPELINE = "loop.pipeline"
"""Attribute of a module: the passes that lower its kernels from where they are scheduled on, if these are not its
backend's own."""
LAYOUT = "loop.layout"
"""Argument attribute of a constant that is packed: how its callers have to lay it out (`#loop.layout`)."""
WORKSPACE = "loop.workspace"
"""Argument attribute of memory that a function works in: nothing is in it before a call or after. On a declaration, the
types of the workspaces that its definition takes."""
LIVE_BYTES = "loop.live_bytes"
"""Attribute of a function with workspaces: the most bytes of the buffers in them that live at one time."""
LOCAL = StringAttr("local")
"""Memory space of buffers on the stack or in registers."""


class IteratorKind(StrEnum):
    """What distinct values of a block's iterator do to one another."""

    SPATIAL = "spatial"
    REDUCE = "reduce"
    ORDERED = "ordered"


class LoopKind(StrEnum):
    """What becomes of a loop on rung 4a."""

    SERIAL = "serial"
    UNROLLED = "unrolled"
    PIPELINED = "pipelined"
    VECTORIZED = "vectorized"
    PARALLEL = "parallel"
    BOUND = "bound"
    VIRTUAL = "virtual"
    OPAQUE = "opaque"
    TENSORIZED = "tensorized"


class OutOfRange(StrEnum):
    """What a read does with a data-dependent index outside of its dimension."""

    CLAMP = "clamp"
    WRAP = "wrap"


@irdl_attr_definition
class IteratorKindAttr(EnumAttribute[IteratorKind], SpacedOpaqueSyntaxAttribute):
    name = "loop.iterator"


@irdl_attr_definition
class LoopKindAttr(EnumAttribute[LoopKind], SpacedOpaqueSyntaxAttribute):
    name = "loop.kind"


@irdl_attr_definition
class OutOfRangeAttr(EnumAttribute[OutOfRange], SpacedOpaqueSyntaxAttribute):
    name = "loop.out_of_range"


@irdl_attr_definition
class TensorAttr(ParametrizedAttribute):
    """A small buffer that an intrinsic computes on: which access of the nest's block it stands for (in program order),
    and which of its elements each iteration of the nest accesses.

    `#loop.tensor<1, affine_map<(j, k) -> (j, k)> : memref<16x4xi8>>`
    """

    name = "loop.tensor"
    access: IntAttr
    map: AffineMapAttr
    type: MemRefType

    def verify(self) -> None:
        if (
            self.access.data < 0
            or len(self.map.data.results) != len(self.type.get_shape())
            or self.map.data.num_symbols
        ):
            raise VerifyException(f"expected an access and one index for each dimension of {self.type}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            access = IntAttr(parser.parse_integer(allow_boolean=False, allow_negative=False))
            parser.parse_punctuation(",")
            map = parser.parse_attribute()
            parser.parse_punctuation(":")
            type = parser.parse_type()
            if not isinstance(map, AffineMapAttr) or not isa(type, MemRefType[Attribute]):
                parser.raise_error(f"expected an affine map and a memref type, got {map} and {type}")
        return access, map, type

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.access.data}, ")
            printer.print_attribute(self.map)
            printer.print_string(" : ")
            printer.print_attribute(self.type)


SERIAL = LoopKindAttr(LoopKind.SERIAL)
CLAMP = OutOfRangeAttr(OutOfRange.CLAMP)
_KIND_ATTRS = {kind: IteratorKindAttr(kind) for kind in IteratorKind}
_LOOP_KIND_ATTRS = {kind: LoopKindAttr(kind) for kind in LoopKind}


@lru_cache(maxsize=1024)
def _index_attr(value: int) -> IntegerAttr:
    """An integer of type index: making attributes takes long, and most are small."""
    return IntegerAttr(value, _INDEX)


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends a combiner region with the combined values."""

    name = "loop.yield"
    values = var_operand_def()
    traits = traits_def(IsTerminator())
    assembly_format = "attr-dict ($values^ `:` type($values))?"


@irdl_op_definition
class ForOp(IRDLOperation):
    """A loop from 0 to `extent` by 1. `kind` says what it becomes on rung 4a, `peel` that its last iteration is
    emitted on its own there, `grain` how many iterations a thread takes at least.

    `loop.for %i : 512 vectorized { … }`

    A tensorized loop has a second region, which computes on vectors what the nest does: `tensors` says of which
    accesses of the nest's block they are the elements.

    `loop.for %j : 16 tensorized("dot") { … } by [#loop.tensor<0, …>, …] { ^bb0(%a: vector<4xi8>, …): … }`
    """

    # By identity, as all operations are, without a call into Python: analyses have many sets of them.
    __hash__ = object.__hash__

    name = "loop.for"
    extent_attr = prop_def(IntegerAttr, prop_name="extent")
    kind_attr = prop_def(LoopKindAttr, prop_name="kind", default_value=SERIAL)
    peel = opt_prop_def(UnitAttr)
    grain = opt_prop_def(IntegerAttr)
    thread = opt_prop_def(StringAttr)
    intrinsic = opt_prop_def(StringAttr)
    tensors = opt_prop_def(ArrayAttr[TensorAttr])
    body = region_def("single_block")
    implementation = opt_region_def("single_block")
    traits = traits_def(NoTerminator())

    def __init__(self, extent: int, body: Region | None = None, kind: LoopKind = LoopKind.SERIAL) -> None:
        # As the builder does, which takes long to find out that there is nothing to count.
        Operation.__init__(
            self,
            regions=[body if body is not None else Region(Block(arg_types=[_INDEX]))],
            properties={"extent": _index_attr(extent), "kind": _LOOP_KIND_ATTRS[kind]},
        )

    @property
    def extent(self) -> int:
        return self.properties["extent"].value.data  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownVariableType]

    @property
    def kind(self) -> LoopKind:
        return self.properties.get("kind", SERIAL).data  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownVariableType]

    @kind.setter
    def kind(self, kind: LoopKind) -> None:
        self.kind_attr = _LOOP_KIND_ATTRS[kind]

    @property
    def induction_variable(self) -> SSAValue:
        body = self.regions[0]._first_block  # pyright: ignore[reportPrivateUsage]
        assert body is not None, "expected a loop with a body"
        return body.args[0]

    def verify_(self) -> None:
        if self.extent < 1:
            raise VerifyException(f"expected a positive extent, got {self.extent}")
        args = self.body.block.args
        if len(args) != 1 or args[0].type != _INDEX:
            raise VerifyException("expected one induction variable of type index")
        if self.kind is LoopKind.PIPELINED:
            from .pipelining import pipeline_failure  # the proof needs this module

            if (unproven := pipeline_failure(self)) is not None:
                raise VerifyException(unproven[1])
        if self.grain is not None and self.kind is not LoopKind.PARALLEL:
            raise VerifyException(f"expected a grain on a parallel loop only, got kind {self.kind}")
        if (self.thread is not None) != (self.kind is LoopKind.BOUND):
            raise VerifyException("expected a thread name on a bound loop, and only there")
        self._verify_intrinsic()
        for op in self.body.block.ops:
            if not isinstance(op, ForOp | BlockOp | AllocOp):
                raise VerifyException(f"expected loop.for, loop.block or loop.alloc in a loop, got {op.name}")

    def _verify_intrinsic(self) -> None:
        parts = (self.intrinsic, self.tensors, self.implementation)
        if any((part is not None) != (self.kind is LoopKind.TENSORIZED) for part in parts):
            raise VerifyException("expected an intrinsic on a tensorized loop, and only there")
        if self.implementation is None or self.tensors is None:
            return
        from .tensors import tensors_failure  # the check needs this module

        if (failure := tensors_failure(self)) is not None:
            raise VerifyException(failure)

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        induction_variable = parser.parse_argument(expect_type=False).resolve(_INDEX)
        parser.parse_punctuation(":")
        properties: dict[str, Attribute] = {
            "extent": IntegerAttr(parser.parse_integer(allow_boolean=False), _INDEX),
            "kind": SERIAL,
        }
        pos = parser.pos
        if (word := parser.parse_optional_identifier()) is not None and word != "peel":
            kinds = [kind.value for kind in LoopKind]
            if word not in kinds:
                parser.raise_error(f"expected a loop kind ({', '.join(kinds)}), got '{word}'", pos)
            properties["kind"] = LoopKindAttr(LoopKind(word))
            if parser.parse_optional_punctuation("(") is not None:
                if word == LoopKind.BOUND:
                    properties["thread"] = StringAttr(parser.parse_str_literal())
                elif word == LoopKind.TENSORIZED:
                    properties["intrinsic"] = StringAttr(parser.parse_str_literal())
                else:
                    parser.parse_keyword("grain")
                    parser.parse_punctuation("=")
                    properties["grain"] = IntegerAttr(parser.parse_integer(allow_boolean=False), _INDEX)
                parser.parse_punctuation(")")
            word = parser.parse_optional_keyword("peel")
        if word == "peel":
            properties["peel"] = UnitAttr()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        regions = [parser.parse_region((induction_variable,))]
        if parser.parse_optional_keyword("by") is not None:
            pos = parser.pos
            tensors = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_attribute)
            if not isa(tensors, list[TensorAttr]):
                parser.raise_error("expected tensors (#loop.tensor)", pos)
            properties["tensors"] = ArrayAttr(tensors)
            regions.append(parser.parse_region())
        op = cls.create(properties=properties, regions=regions)
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.enter_scope()
        printer.print_block_argument(self.body.block.args[0], print_type=False)
        printer.print_string(f" : {self.extent}")
        if self.kind is not LoopKind.SERIAL:
            printer.print_string(f" {self.kind}")
        if self.grain is not None:
            printer.print_string(f"(grain = {self.grain.value.data})")
        for name in (self.thread, self.intrinsic):
            if name is not None:
                with printer.in_parens():
                    printer.print_string_literal(name.data)
        if self.peel is not None:
            printer.print_string(" peel")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        if self.implementation is not None and self.tensors is not None:
            printer.print_string(" by [")
            printer.print_list(self.tensors, printer.print_attribute)
            printer.print_string("] ")
            printer.print_region(self.implementation)
        printer.exit_scope()


class KnownForms:
    """What the maps of a block say over the induction variables that it is bound to."""

    __slots__ = ("_loops", "_moving", "_source", "bindings", "predicates", "restrictions")

    def __init__(self, block: BlockOp) -> None:
        properties = block.properties
        # Attributes and operands are never changed, only exchanged.
        self._source = (
            block._operands,  # pyright: ignore[reportPrivateUsage]
            properties["bindings"],
            properties.get("predicates"),
            properties.get("limits"),
        )
        self._loops = _loops_and_extents(block.operands)
        operands = [Lin.of(value) for value in block.operands]
        self.bindings = [from_affine(each, operands, loop_bounds) for each in block.bindings.data.results]
        self.predicates: list[tuple[Lin, int]] = []
        if block.predicates is not None and block.limits is not None:
            forms = (from_affine(each, operands, loop_bounds) for each in block.predicates.data.results)
            self.predicates = list(zip(forms, integers_of(block.limits), strict=True))
        self._moving: list[Lin] | None = None
        self.restrictions: tuple[Attribute, list[tuple[Lin, int]]] | None = None
        """What keeps the block from running (`regions.restrictions`), and the extents that this was found for."""

    def still_hold(self, block: BlockOp) -> bool:
        """Whether nothing that the forms depend on was exchanged."""
        operands, bindings, predicates, limits = self._source
        properties = block.properties
        if (
            operands is not block._operands  # pyright: ignore[reportPrivateUsage]
            or bindings is not properties["bindings"]
            or predicates is not properties.get("predicates")
            or limits is not properties.get("limits")
        ):
            return False
        for owner, region, loop, extent in self._loops:
            if owner.parent is not region or region is None or region.parent is not loop:
                return False
            if loop is None or loop.properties.get("extent") is not extent:
                return False
        return True

    @property
    def moving(self) -> Sequence[Lin]:
        """The bindings without the loops that run once."""
        if self._moving is None:
            self._moving = [without_units(form) for form in self.bindings]
        return self._moving


@lru_cache(maxsize=4096)
def _unpacked(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 8}q", data)


def integers_of(array: DenseArrayBase[I64]) -> tuple[int, ...]:
    """The values of an array of `i64`, which is read again and again."""
    return _unpacked(array.data.data)


_BoundTo = tuple[Block, Region | None, Operation | None, Attribute | None]


def _loops_and_extents(values: Sequence[SSAValue]) -> list[_BoundTo]:
    """Where the arguments among some values belong: block, region, loop, and its extent."""
    found: list[_BoundTo] = []
    for value in values:
        if isinstance(value, BlockArgument):
            region = value.block.parent
            loop = None if region is None else region.parent
            found.append((value.block, region, loop, None if loop is None else loop.properties.get("extent")))
    return found


def _collect_accesses(op: Operation, found: list[ReadOp | WriteOp | ReduceOp]) -> None:
    # Every analysis asks, so this goes through the lists themselves.
    for region in op.regions:
        block = region._first_block  # pyright: ignore[reportPrivateUsage]
        while block is not None:
            child = block._first_op  # pyright: ignore[reportPrivateUsage]
            while child is not None:
                kind = type(child)
                if kind is ReadOp or kind is WriteOp or kind is ReduceOp:
                    found.append(child)  # pyright: ignore[reportArgumentType]
                elif child.regions:
                    _collect_accesses(child, found)
                child = child._next_op  # pyright: ignore[reportPrivateUsage]
            block = block._next_block  # pyright: ignore[reportPrivateUsage]


@irdl_op_definition
class BlockOp(IRDLOperation):
    """A statement with iterators: it runs iff each iterator's binding lies in its domain and all predicates hold.

    `loop.block "reduce0" alias "C" spatial(%vi in 510 = %io * 6 + %ii) reduce(%vk in 512 = %k) where(%a * 16 + %b < 9)`
    """

    __hash__ = object.__hash__

    name = "loop.block"
    loops_ = var_operand_def(_INDEX)
    sym_name = prop_def(StringAttr)
    alias = opt_prop_def(StringAttr)
    iterator_kinds = prop_def(ArrayAttr[IteratorKindAttr])
    extents_attr = prop_def(DenseArrayBase.constr(i64), prop_name="extents")
    bindings = prop_def(AffineMapAttr)
    predicates = opt_prop_def(AffineMapAttr)
    limits = opt_prop_def(DenseArrayBase.constr(i64))
    body = region_def("single_block")
    traits = traits_def(NoTerminator())

    def __init__(
        self,
        name: str,
        kinds: Sequence[IteratorKind],
        extents: Sequence[int],
        bindings: AffineMap,
        loops: Sequence[SSAValue],
        body: Region | None = None,
        alias: str | None = None,
        predicates: AffineMap | None = None,
        limits: Sequence[int] = (),
    ) -> None:
        properties: dict[str, Attribute | None] = {
            "sym_name": StringAttr(name),
            "alias": StringAttr(alias) if alias is not None else None,
            "iterator_kinds": ArrayAttr(_KIND_ATTRS[kind] for kind in kinds),
            "extents": DenseArrayBase.from_list(i64, extents),
            "bindings": AffineMapAttr(bindings),
        }
        if predicates is not None and predicates.results:
            properties["predicates"] = AffineMapAttr(predicates)
            properties["limits"] = DenseArrayBase.from_list(i64, limits)
        super().__init__(
            operands=[loops],
            properties=properties,
            regions=[body if body is not None else Region(Block(arg_types=[_INDEX] * len(kinds)))],
        )

    @property
    def block_name(self) -> str:
        return self.sym_name.data

    @property
    def kinds(self) -> list[IteratorKind]:
        return [attr.data for attr in self.iterator_kinds]

    @property
    def extents(self) -> tuple[int, ...]:
        return integers_of(self.extents_attr)

    @property
    def iterators(self) -> Sequence[SSAValue]:
        return self.regions[0].block.args

    @property
    def init(self) -> InitOp | None:
        first = self.regions[0].block.first_op
        return first if type(first) is InitOp else None

    def has_kind(self, kind: IteratorKind) -> bool:
        return any(attr.data is kind for attr in self.iterator_kinds)

    def binding_forms(self, bounds: Bounds | None = None) -> Sequence[Lin]:
        """The bindings as forms over the loops' induction variables."""
        if bounds is None or bounds is loop_bounds:
            return self.known_forms().bindings
        operands = [Lin.of(value) for value in self._operands]
        return [from_affine(e, operands, bounds) for e in self.bindings.data.results]

    def predicate_forms(self, bounds: Bounds | None = None) -> Sequence[tuple[Lin, int]]:
        """The predicates, each `form < limit`."""
        if bounds is None or bounds is loop_bounds:
            return self.known_forms().predicates
        if self.predicates is None or self.limits is None:
            return []
        operands = [Lin.of(value) for value in self._operands]
        forms = [from_affine(e, operands, bounds) for e in self.predicates.data.results]
        return list(zip(forms, integers_of(self.limits), strict=True))

    def known_forms(self) -> KnownForms:
        """What the maps say, computed again when the operation, or the extent of a loop that it is bound to, changed.
        Proofs ask often."""
        known: KnownForms | None = vars(self).get("_known_forms")
        if known is None or not known.still_hold(self):
            known = vars(self)["_known_forms"] = KnownForms(self)
        return known

    def limits_of_predicates(self) -> Sequence[int]:
        return () if self.limits is None else integers_of(self.limits)

    def accesses(self) -> Iterator[ReadOp | WriteOp | ReduceOp]:
        """Every access of the block, in program order, also those in its init and in lazy branches."""
        found: list[ReadOp | WriteOp | ReduceOp] = []
        _collect_accesses(self, found)
        return iter(found)

    def reads(self) -> list[ReadOp]:
        return [op for op in self.accesses() if type(op) is ReadOp]

    def writes(self) -> list[WriteOp | ReduceOp]:
        return cast("list[WriteOp | ReduceOp]", [op for op in self.accesses() if type(op) is not ReadOp])

    def written_buffers(self) -> list[SSAValue]:
        """The buffers that the block writes or reduces into, each once, in program order."""
        return list(dict.fromkeys(buffer for op in self.writes() for buffer in op.buffers))

    def verify_(self) -> None:
        rank = len(self.iterator_kinds.data)
        for what, count in (
            ("extents", len(self.extents)),
            ("bindings", len(self.bindings.data.results)),
            ("iterators", len(self.iterators)),
        ):
            if count != rank:
                raise VerifyException(f"expected {rank} {what}, one for each iterator kind, got {count}")
        if any(extent < 1 for extent in self.extents):
            raise VerifyException(f"expected positive iterator extents, got {list(self.extents)}")
        for map in (self.bindings, self.predicates):
            if map is not None and (map.data.num_dims != len(self.operands) or map.data.num_symbols):
                raise VerifyException(
                    f"expected a map with {len(self.operands)} dimensions, one for each loop, got {map.data}"
                )
        if (self.predicates is None) != (self.limits is None):
            raise VerifyException("expected a limit for each predicate")
        if self.predicates is not None and len(self.predicates.data.results) != len(self.limits_of_predicates()):
            raise VerifyException("expected a limit for each predicate")
        if any(arg.type != _INDEX for arg in self.iterators):
            raise VerifyException("expected iterators of type index")
        for value in self.operands:
            if loop_of(value) is None:
                raise VerifyException("expected bindings over induction variables of enclosing loops")
        for op in self.body.block.ops:
            if isinstance(op, InitOp) and op is not self.body.block.first_op:
                raise VerifyException("expected loop.init as the first op of its block")
        if self.init is not None and not self.has_kind(IteratorKind.REDUCE):
            raise VerifyException("expected a reduce iterator in a block with an init")
        accesses = (ReadOp, WriteOp, ReduceOp, PrefetchOp)
        verify_scalar_body(self.body.block, self, (*accesses, InitOp), is_iterator)
        if self.init is not None:
            verify_scalar_body(self.init.body.block, self, accesses, is_iterator)
        self._verify_writes()
        for buffer in self.written_buffers():
            if is_input(buffer):
                raise VerifyException(
                    f"expected block '{self.block_name}' to write outputs ('{OUTPUT}') and buffers of the kernel, "
                    "got an input"
                )
        from .iteration import coverage_failure  # the proof needs this module

        if (failure := coverage_failure(self)) is not None:
            raise VerifyException(f"block '{self.block_name}': {failure}")

    def _verify_writes(self) -> None:
        """Checks that each run of the block writes, that the init starts what the block goes on with, and that spatial
        iterators are what their kind says."""
        from .separation import inits_what_it_reduces, shared_iterator  # the proofs need this module

        reduced = {v for v, kind in zip(self.iterators, self.kinds, strict=True) if kind is IteratorKind.REDUCE}
        for write in self.writes():
            if not isinstance(write.parent_op(), BlockOp | InitOp):
                raise VerifyException(f"expected {write.name} outside of scf.if, got one in a branch")
            if any(index in reduced for index in write.indices):
                raise VerifyException("expected writes at spatial and ordered iterators, got a reduce iterator")
        if self.init is not None:
            for op in self.init.body.walk():
                if isinstance(op, ReduceOp):
                    raise VerifyException("expected loop.write in an init, got loop.reduce")
                if any(operand in reduced for operand in op.operands):
                    raise VerifyException("expected an init over spatial and ordered iterators, got a reduce iterator")
            if not inits_what_it_reduces(self):
                raise VerifyException(
                    f"expected the init of block '{self.block_name}' to write what the block reduces into"
                )
        if (shared := shared_iterator(self)) is not None:
            raise VerifyException(
                f"expected distinct values of each spatial iterator of block '{self.block_name}' to write distinct "
                f"elements, which is not proven of iterator {list(self.iterators).index(shared)}"
            )

    @classmethod
    def parse(cls, parser: Parser) -> BlockOp:
        name = parser.parse_str_literal("a block name")
        alias = parser.parse_str_literal() if parser.parse_optional_keyword("alias") is not None else None
        operands = AffineOperands(parser)
        kinds: list[IteratorKind] = []
        extents: list[int] = []
        arguments: list[Parser.Argument] = []
        bindings: list[AffineExpr] = []

        def parse_iterator(kind: IteratorKind) -> None:
            arguments.append(parser.parse_argument(expect_type=False).resolve(_INDEX))
            parser.parse_keyword("in")
            extents.append(parser.parse_integer(allow_boolean=False))
            parser.parse_punctuation("=")
            bindings.append(parse_affine_expr(parser, operands))
            kinds.append(kind)

        while (word := parser.parse_optional_keyword_in([kind.value for kind in IteratorKind])) is not None:
            kind = IteratorKind(word)
            parser.parse_comma_separated_list(Parser.Delimiter.PAREN, lambda kind=kind: parse_iterator(kind))
        predicates: list[AffineExpr] = []
        limits: list[int] = []

        def parse_predicate() -> None:
            predicates.append(parse_affine_expr(parser, operands))
            parser.parse_characters("<")
            limits.append(parser.parse_integer(allow_boolean=False))

        if parser.parse_optional_keyword("where") is not None:
            parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parse_predicate)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        dims = len(operands.unresolved)
        loops = operands.resolve()
        body = parser.parse_region(arguments)
        op = cls(
            name,
            kinds,
            extents,
            AffineMap(dims, 0, tuple(bindings)),
            loops,
            body,
            alias,
            AffineMap(dims, 0, tuple(predicates)),
            limits,
        )
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.block_name)
        if self.alias is not None:
            printer.print_string(" alias ")
            printer.print_string_literal(self.alias.data)
        printer.enter_scope()
        previous = None
        kinds = self.kinds
        for i, (kind, extent, iterator, binding) in enumerate(
            zip(kinds, self.extents, self.iterators, self.bindings.data.results, strict=True)
        ):
            printer.print_string(", " if kind is previous else f" {kind}(")
            previous = kind
            printer.print_ssa_value(iterator)
            printer.print_string(f" in {extent} = ")
            print_affine_expr(printer, binding, self.operands)
            if i + 1 == len(kinds) or kinds[i + 1] is not kind:
                printer.print_string(")")
        if self.predicates is not None and self.limits is not None:
            printer.print_string(" where(")
            pairs = zip(self.predicates.data.results, integers_of(self.limits), strict=True)
            for i, (predicate, limit) in enumerate(pairs):
                if i:
                    printer.print_string(", ")
                print_affine_expr(printer, predicate, self.operands)
                printer.print_string(f" < {limit}")
            printer.print_string(")")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        printer.exit_scope()


@irdl_op_definition
class InitOp(IRDLOperation):
    """Runs iff each reduce iterator of its block is 0, before the rest of the block."""

    name = "loop.init"
    body = region_def("single_block")
    traits = traits_def(HasParent(BlockOp), NoTerminator())
    assembly_format = "attr-dict-with-keyword $body"

    def __init__(self, body: Region | None = None) -> None:
        super().__init__(regions=[body if body is not None else Region(Block())])


def _verify_indices(map: AffineMap, indices: Sequence[SSAValue], buffers: Sequence[SSAValue]) -> None:
    if map.num_dims != len(indices) or map.num_symbols:
        raise VerifyException(f"expected a map with {len(indices)} dimensions, one for each index, got {map}")
    for type in [memref_type(buffer) for buffer in buffers]:
        if len(type.shape) != len(map.results):
            raise VerifyException(f"expected {len(type.shape)} indices for {type}, got {len(map.results)}")


def verify_bounds(access: ReadOp | WriteOp | ReduceOp | PrefetchOp) -> None:
    """Checks that an access stays inside of its buffers wherever its block runs and the `scf.if`s around it let it.

    Raises:
        VerifyException: if that is not proven.
    """
    operands = [Lin.of(value) for value in access.indices]
    constraints: Constraints | None = None
    for dim, expr in enumerate(access.map.data.results):
        form = from_affine(expr, operands, loop_bounds)
        if not all(is_iterator(value) for value in form.values()):
            continue  # data: the op says what happens out of range
        interval = form.range(loop_bounds)
        for buffer in access.buffers:
            limit = memref_type(buffer).get_shape()[dim]
            if interval is not None and interval[0] >= 0 and interval[1] < limit:
                continue
            if constraints is None:
                constraints = Constraints(guards_of(access, is_iterator, loop_bounds), loop_bounds)
            guarded = constraints.range(form)
            if guarded is not None and (guarded[0] < 0 or guarded[1] >= limit):
                raise VerifyException(
                    f"expected indices of dimension {dim} in 0..{limit - 1}, got {guarded[0]}..{guarded[1]}"
                )


def lowering_marks(op: Operation | None) -> dict[str, Attribute]:
    """What a module says of how its kernels are lowered: nothing, where that follows from its target."""
    return {} if op is None else {name: op.attributes[name] for name in (BACKEND, PIPELINE) if name in op.attributes}


def memref_type(buffer: SSAValue) -> MemRefType[Attribute]:
    """The type of a buffer."""
    type = buffer.type
    assert isinstance(type, MemRefType)
    return cast("MemRefType[Attribute]", type)


def element_type(buffer: SSAValue) -> Attribute:
    """The element type of a buffer."""
    return memref_type(buffer).element_type


def _parse_memref(parser: Parser) -> MemRefType[Attribute]:
    pos = parser.pos
    type = parser.parse_type()
    if not isa(type, MemRefType[Attribute]):
        parser.raise_error(f"expected a memref type, got {type}", pos)
    return type


@irdl_op_definition
class ReadOp(IRDLOperation):
    """Reads one element: `loop.read %A[%vi, %vk + 1] : memref<…>`.

    An index that is data stands alone in its dimension; `out_of_range` says what happens outside of the dimension.
    """

    __hash__ = object.__hash__

    name = "loop.read"
    buffer = operand_def(MemRefType)
    indices = var_operand_def(_INDEX)
    map = prop_def(AffineMapAttr)
    out_of_range = prop_def(OutOfRangeAttr, default_value=CLAMP)
    result = result_def()
    traits = traits_def(MemoryReadEffect())

    def __init__(
        self,
        buffer: SSAValue,
        map: AffineMap,
        indices: Sequence[SSAValue],
        out_of_range: OutOfRange = OutOfRange.CLAMP,
    ) -> None:
        super().__init__(
            operands=[buffer, indices],
            properties={"map": AffineMapAttr(map), "out_of_range": OutOfRangeAttr(out_of_range)},
            result_types=[element_type(buffer)],
        )

    @property
    def buffers(self) -> tuple[SSAValue, ...]:
        buffer, *_ = self._operands
        return (buffer,)

    def verify_(self) -> None:
        _verify_indices(self.map.data, self.indices, (self.buffer,))
        if self.result.type != element_type(self.buffer):
            raise VerifyException(f"expected a result of type {element_type(self.buffer)}, got {self.result.type}")
        for expr in self.map.data.results:
            used = [self.indices[d] for d in expr.used_dims()]
            if any(not is_iterator(v) for v in used) and (
                len(used) != 1 or expr != AffineExpr.dimension(self.indices.index(used[0]))
            ):
                raise VerifyException("expected a data-dependent index to stand alone in its dimension")
        verify_bounds(self)

    @classmethod
    def parse(cls, parser: Parser) -> ReadOp:
        buffer = parser.parse_unresolved_operand()
        map, indices = parse_affine_indices(parser)
        out_of_range = OutOfRange.CLAMP
        if parser.parse_optional_keyword("wrap") is not None:
            out_of_range = OutOfRange.WRAP
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        op = cls(parser.resolve_operand(buffer, _parse_memref(parser)), map, indices, out_of_range)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.buffer)
        print_affine_indices(printer, self.map.data, self.indices)
        if self.out_of_range.data is not OutOfRange.CLAMP:
            printer.print_string(f" {self.out_of_range.data}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.buffer.type)


@irdl_op_definition
class WriteOp(IRDLOperation):
    """Writes one element: `loop.write %x, %C[%vi, %vj] : memref<…>`."""

    __hash__ = object.__hash__

    name = "loop.write"
    value = operand_def()
    buffer = operand_def(MemRefType)
    indices = var_operand_def(_INDEX)
    map = prop_def(AffineMapAttr)
    traits = traits_def(MemoryWriteEffect())

    def __init__(self, value: SSAValue, buffer: SSAValue, map: AffineMap, indices: Sequence[SSAValue]) -> None:
        super().__init__(operands=[value, buffer, indices], properties={"map": AffineMapAttr(map)})

    @property
    def buffers(self) -> tuple[SSAValue, ...]:
        _, buffer, *_ = self._operands
        return (buffer,)

    def verify_(self) -> None:
        _verify_indices(self.map.data, self.indices, (self.buffer,))
        if self.value.type != element_type(self.buffer):
            raise VerifyException(f"expected a value of type {element_type(self.buffer)}, got {self.value.type}")
        if any(not is_iterator(v) for v in self.indices):
            raise VerifyException("expected writes at affine functions of iterators, got a data-dependent index")
        verify_bounds(self)

    @classmethod
    def parse(cls, parser: Parser) -> WriteOp:
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        buffer = parser.parse_unresolved_operand()
        map, indices = parse_affine_indices(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = _parse_memref(parser)
        op = cls(parser.resolve_operand(value, type.element_type), parser.resolve_operand(buffer, type), map, indices)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(", ")
        printer.print_ssa_value(self.buffer)
        print_affine_indices(printer, self.map.data, self.indices)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.buffer.type)


@irdl_op_definition
class ReduceOp(IRDLOperation):
    """Combines new values into one element of each buffer, by the combiner region.

    `loop.reduce (%p) into (%C)[%vi, %vj] : memref<…> combine(%acc: f32, %x: f32) identity [0.0 : f32]
     flags [associative, commutative] fastmath<reassoc,contract> { … loop.yield %s : f32 }`

    The region takes the accumulators, then the new values, and yields as many.
    """

    __hash__ = object.__hash__

    name = "loop.reduce"
    values = var_operand_def()
    buffers_ = var_operand_def(MemRefType)
    indices = var_operand_def(_INDEX)
    map = prop_def(AffineMapAttr)
    identity = prop_def(ArrayAttr)
    associative = opt_prop_def(UnitAttr)
    commutative = opt_prop_def(UnitAttr)
    fastmath = prop_def(FastMathFlagsAttr, default_value=FastMathFlagsAttr("none"))
    combiner = region_def("single_block")
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        values: Sequence[SSAValue],
        buffers: Sequence[SSAValue],
        map: AffineMap,
        indices: Sequence[SSAValue],
        combiner: Region,
        identity: Sequence[Attribute],
        *,
        associative: bool = False,
        commutative: bool = False,
        fastmath: FastMathFlagsAttr | None = None,
    ) -> None:
        super().__init__(
            operands=[values, buffers, indices],
            properties={
                "map": AffineMapAttr(map),
                "identity": ArrayAttr(identity),
                "associative": UnitAttr() if associative else None,
                "commutative": UnitAttr() if commutative else None,
                "fastmath": fastmath or FastMathFlagsAttr("none"),
            },
            regions=[combiner],
        )

    @property
    def buffers(self) -> tuple[SSAValue, ...]:
        # As many as values, behind them.
        count = len(cast("ArrayAttr[Attribute]", self.properties["identity"]).data)
        return tuple(self._operands[count : 2 * count])

    @property
    def may_reorder(self) -> bool:
        """Whether the order in which values are combined may change: the combiner is associative and commutative, and
        `reassoc` is allowed where floats are involved."""
        if self.associative is None or self.commutative is None:
            return False
        exact = all(not is_float(element_type(buffer)) for buffer in self.buffers)
        return exact or FastMathFlag.REASSOC in self.fastmath.data

    def verify_(self) -> None:
        if not self.values or len(self.values) != len(self.buffers_):
            raise VerifyException(
                f"expected as many buffers as values, at least one, got {len(self.buffers_)} and {len(self.values)}"
            )
        if len(self.identity.data) != len(self.values):  # which says how many operands are buffers
            raise VerifyException(f"expected {len(self.values)} identity values, got {len(self.identity.data)}")
        _verify_indices(self.map.data, self.indices, self.buffers)
        for value, buffer in zip(self.values, self.buffers, strict=True):
            if value.type != element_type(buffer):
                raise VerifyException(f"expected a value of type {element_type(buffer)}, got {value.type}")
        if any(not is_iterator(v) for v in self.indices):
            raise VerifyException("expected writes at affine functions of iterators, got a data-dependent index")
        verify_bounds(self)
        verify_combiner(self.combiner, [value.type for value in self.values], self.identity, YieldOp)
        verify_combiner_body(self.combiner.block)

    @classmethod
    def parse(cls, parser: Parser) -> ReduceOp:
        values = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_unresolved_operand)
        parser.parse_keyword("into")
        buffers = parser.parse_comma_separated_list(Parser.Delimiter.PAREN, parser.parse_unresolved_operand)
        map, indices = parse_affine_indices(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        pos = parser.pos
        types = parser.parse_comma_separated_list(Parser.Delimiter.NONE, lambda: _parse_memref(parser))
        if not len(values) == len(buffers) == len(types):
            parser.raise_error(
                f"expected as many values, buffers and types, got {len(values)}, {len(buffers)} and {len(types)}", pos
            )
        combiner = parse_combiner(parser)
        op = cls(
            parser.resolve_operands(values, [type.element_type for type in types], pos),
            parser.resolve_operands(buffers, types, pos),
            map,
            indices,
            combiner.region,
            combiner.identity,
            associative=combiner.associative,
            commutative=combiner.commutative,
            fastmath=combiner.fastmath,
        )
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        with printer.in_parens():
            printer.print_list(self.values, printer.print_ssa_value)
        printer.print_string(" into ")
        with printer.in_parens():
            printer.print_list(self.buffers_, printer.print_ssa_value)
        print_affine_indices(printer, self.map.data, self.indices)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list(self.buffers_.types, printer.print_attribute)
        print_combiner(
            printer,
            self.combiner,
            self.identity,
            associative=self.associative is not None,
            commutative=self.commutative is not None,
            fastmath=self.fastmath,
        )


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """Asks for the cache line of an element of an argument that is read soon: `loop.prefetch %B[%v, %u] : memref<…>`.

    It is no access: it changes nothing about what a program computes, and needs nothing to be written.
    """

    name = "loop.prefetch"
    buffer = operand_def(MemRefType)
    indices = var_operand_def(_INDEX)
    map = prop_def(AffineMapAttr)

    def __init__(self, buffer: SSAValue, map: AffineMap, indices: Sequence[SSAValue]) -> None:
        super().__init__(operands=[buffer, indices], properties={"map": AffineMapAttr(map)})

    @property
    def buffers(self) -> tuple[SSAValue, ...]:
        return (self.buffer,)

    def verify_(self) -> None:
        _verify_indices(self.map.data, self.indices, (self.buffer,))
        if isinstance(self.buffer.owner, Operation):
            raise VerifyException("expected a prefetch of an argument, got a buffer inside of the kernel")
        if any(not is_iterator(v) for v in self.indices):
            raise VerifyException("expected a prefetch at affine functions of iterators, got a data-dependent index")
        verify_bounds(self)

    @classmethod
    def parse(cls, parser: Parser) -> PrefetchOp:
        buffer = parser.parse_unresolved_operand()
        map, indices = parse_affine_indices(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        op = cls(parser.resolve_operand(buffer, _parse_memref(parser)), map, indices)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.buffer)
        print_affine_indices(printer, self.map.data, self.indices)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.buffer.type)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A buffer that lives for one iteration of the loop it stands in, in full logical coordinates.

    `%b = loop.alloc "C_local" : memref<512x512xf32, "local">`

    With a `layout` its dimensions lie in memory in that order: `{layout = array<i64: 1, 0>}` is column-major; or its
    elements lie where an affine map says: `{layout = affine_map<(i, j) -> (i floordiv 16, j, i mod 16)>}` is tiled.
    `{align = array<i64: 0, 32, 8>}` pads the dimensions inside of dimension 0 (of the layout, if it is tiled) such that
    its neighbours are 8 elements more than a multiple of 32 apart.

    With `{multibuffer = 2 : i64}` there are several copies of it, and iterations of the loop that it lives in take
    turns: where the loop is pipelined, one is filled before another one is read.

    Once memory is planned it may have a place in bytes that the kernel is given, inside of a parallel loop one for each
    of some threads: `loop.alloc "C_local" in %w[4096] of memref<8192xi8> slots 2 : memref<512x512xf32, "local">`
    """

    __hash__ = object.__hash__

    name = "loop.alloc"
    sym_name = prop_def(StringAttr)
    workspace = opt_operand_def(MemRefType)
    offset = opt_prop_def(IntegerAttr.constr(i64))
    slots = opt_prop_def(IntegerAttr.constr(i64))
    multibuffer = opt_prop_def(IntegerAttr.constr(i64))
    layout = opt_prop_def(DenseArrayBase.constr(i64) | base(AffineMapAttr))
    align = opt_prop_def(DenseArrayBase.constr(i64))
    buffer = result_def(MemRefType)
    traits = traits_def(MemoryAllocEffect())

    def __init__(
        self, name: str, type: MemRefType[Attribute], layout: Sequence[int] | AffineMapAttr | None = None
    ) -> None:
        own = layout if layout is None or isinstance(layout, AffineMapAttr) else DenseArrayBase.from_list(i64, layout)
        properties: dict[str, Attribute | None] = {"sym_name": StringAttr(name), "layout": own}
        super().__init__(operands=[None], properties=properties, result_types=[type])

    def place(self, workspace: SSAValue, offset: int, slots: int | None = None) -> None:
        """Says where the buffer lies."""
        self.operands = [workspace]
        self.offset = IntegerAttr(offset, i64)
        self.slots = None if slots is None else IntegerAttr(slots, i64)

    @property
    def order(self) -> tuple[int, ...]:
        """The dimensions in the order in which they lie in memory, the one with neighbours last."""
        if self.layout is None or isinstance(self.layout, AffineMapAttr):
            return tuple(range(len(memref_type(self.buffer).get_shape())))
        return self.layout.get_values()

    @property
    def alignments(self) -> dict[int, tuple[int, int]]:
        """The factor and the offset of each dimension whose stride is aligned."""
        values = () if self.align is None else self.align.get_values()
        return {values[i]: (values[i + 1], values[i + 2]) for i in range(0, len(values) - 2, 3)}

    @property
    def copies(self) -> int:
        """How many copies there are of the buffer."""
        return 1 if self.multibuffer is None else self.multibuffer.value.data

    @property
    def tiling(self) -> AffineMap | None:
        """Where elements lie, if that is more than an order of the dimensions."""
        return self.layout.data if isinstance(self.layout, AffineMapAttr) else None

    def verify_(self) -> None:
        shape = memref_type(self.buffer).get_shape()
        if any(extent < 1 for extent in shape):
            raise VerifyException(f"expected a static shape, got {self.buffer.type}")
        if sorted(self.order) != list(range(len(shape))):
            raise VerifyException(f"expected a layout that permutes {len(shape)} dimensions, got {list(self.order)}")
        if self.tiling is not None and (failure := layout_failure(self.tiling, shape)) is not None:
            raise VerifyException(failure)
        rank = len(shape) if self.tiling is None else len(self.tiling.results)
        if self.align is not None and (
            len(self.align) != 3 * len(self.alignments)
            or any(not 0 <= d < rank or not 0 <= o < f for d, (f, o) in self.alignments.items())
        ):
            raise VerifyException(
                f"expected a dimension below {rank}, a factor and a smaller offset for each alignment, got "
                f"{list(self.align.get_values())}"
            )
        self._verify_place()
        self._verify_copies()
        if any(not self._is_seen_by(use.operation) for use in self.buffer.uses):
            raise VerifyException("expected the uses of a buffer after its alloc, in the loop it lives in")
        from .iteration import uncovered_read  # the proof needs this module

        if (uncovered := uncovered_read(self.buffer)) is not None:
            raise VerifyException(uncovered[1])
        if isinstance(memref_type(self.buffer).memory_space, StringAttr):
            from .scopes import overflow_at  # the analysis needs this module

            if (overflow := overflow_at(self)) is not None:
                raise VerifyException(str(overflow))

    def _verify_copies(self) -> None:
        if self.multibuffer is None:
            return
        if self.copies < 2:
            raise VerifyException(f"expected at least 2 copies, got {self.copies}")
        if not isinstance(self.parent_op(), ForOp):
            raise VerifyException("expected copies of a buffer that lives in a loop only")

    def _verify_place(self) -> None:
        if self.workspace is None:
            if self.offset is not None or self.slots is not None:
                raise VerifyException("expected an offset and slots of a buffer in a workspace only")
            return
        if not is_bytes(self.workspace):
            raise VerifyException(f"expected a place in bytes (memref<…xi8>), got {self.workspace.type}")
        if self.offset is None or self.offset.value.data < 0 or self.offset.value.data % BUFFER_ALIGNMENT:
            raise VerifyException(f"expected an offset that is a multiple of {BUFFER_ALIGNMENT}")
        if self.slots is not None and self.slots.value.data < 1:
            raise VerifyException(f"expected a positive number of slots, got {self.slots.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> AllocOp:
        name = parser.parse_str_literal("a name")
        operands: list[SSAValue] = []
        properties: dict[str, Attribute] = {"sym_name": StringAttr(name)}
        if parser.parse_optional_keyword("in") is not None:
            workspace = parser.parse_unresolved_operand()
            with parser.in_square_brackets():
                properties["offset"] = IntegerAttr(parser.parse_integer(allow_boolean=False), i64)
            parser.parse_keyword("of")
            operands.append(parser.resolve_operand(workspace, _parse_memref(parser)))
            if parser.parse_optional_keyword("slots") is not None:
                properties["slots"] = IntegerAttr(parser.parse_integer(allow_boolean=False), i64)
        attributes = parser.parse_optional_attr_dict()
        for known in ("layout", "align", "multibuffer"):
            if known in attributes:
                properties[known] = attributes.pop(known)
        parser.parse_punctuation(":")
        type = _parse_memref(parser)
        return cls.create(operands=operands, result_types=[type], properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.sym_name.data)
        if self.workspace is not None and self.offset is not None:
            printer.print_string(" in ")
            printer.print_ssa_value(self.workspace)
            printer.print_string(f"[{self.offset.value.data}] of ")
            printer.print_attribute(self.workspace.type)
        if self.slots is not None:
            printer.print_string(f" slots {self.slots.value.data}")
        known = {"layout": self.layout, "align": self.align, "multibuffer": self.multibuffer}
        own = {name: value for name, value in known.items() if value is not None}
        printer.print_op_attributes({**own, **self.attributes})
        printer.print_string(" : ")
        printer.print_attribute(self.buffer.type)

    def _is_seen_by(self, op: Operation) -> bool:
        current: Operation | None = op
        while current is not None and current.parent is not self.parent:
            current = current.parent_op()
        return current is not None and self.is_before_in_block(current)


@irdl_op_definition
class ViewOp(IRDLOperation):
    """A buffer that lies in some bytes, from an offset on. What is written to one view is lost where another one that
    overlaps is written.

    `%b = loop.view "C" %w[4096] : memref<8192xi8> to memref<32x32xf32>`
    """

    name = "loop.view"
    sym_name = prop_def(StringAttr)
    source = operand_def(MemRefType)
    offset_attr = prop_def(IntegerAttr.constr(IntegerType(64)), prop_name="offset")
    buffer = result_def(MemRefType)
    traits = traits_def(NoMemoryEffect())

    def __init__(self, name: str, source: SSAValue, offset: int, type: MemRefType[Attribute]) -> None:
        super().__init__(
            operands=[source],
            properties={"sym_name": StringAttr(name), "offset": IntegerAttr(offset, i64)},
            result_types=[type],
        )

    @property
    def offset(self) -> int:
        return self.offset_attr.value.data

    def verify_(self) -> None:
        source, type = memref_type(self.source), memref_type(self.buffer)
        if not is_bytes(self.source):
            raise VerifyException(f"expected a view into bytes (memref<…xi8>), got {source}")
        if any(extent < 1 for extent in type.get_shape()):
            raise VerifyException(f"expected a static shape, got {type}")
        if any(not isinstance(each.layout, NoneAttr) for each in (source, type)):
            raise VerifyException("expected memrefs without a layout")
        end = self.offset + byte_count(type)
        if self.offset < 0 or end > source.get_shape()[0]:
            raise VerifyException(f"expected a view inside of {source}, got bytes {self.offset} to {end}")
        if self.offset % byte_size(type.element_type):
            raise VerifyException(
                f"expected an offset that is a multiple of the size of {type.element_type}, got {self.offset}"
            )

    @classmethod
    def parse(cls, parser: Parser) -> ViewOp:
        name = parser.parse_str_literal("a name")
        source = parser.parse_unresolved_operand()
        with parser.in_square_brackets():
            offset = parser.parse_integer(allow_boolean=False)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        operand = parser.resolve_operand(source, _parse_memref(parser))
        parser.parse_keyword("to")
        op = cls(name, operand, offset, _parse_memref(parser))
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_string_literal(self.sym_name.data)
        printer.print_string(" ")
        printer.print_ssa_value(self.source)
        printer.print_string(f"[{self.offset}]")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.source.type)
        printer.print_string(" to ")
        printer.print_attribute(self.buffer.type)


@irdl_op_definition
class PackOp(IRDLOperation):
    """A copy of a buffer in another layout, whose other elements are zeros. It lives as long as its function runs.

    `%p = loop.pack %w by affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : memref<40x9xf32> to memref<3x9x16xf32>`
    """

    name = "loop.pack"
    source = operand_def(MemRefType)
    layout = prop_def(AffineMapAttr)
    packed = result_def(MemRefType)
    traits = traits_def(MemoryAllocEffect())

    def __init__(self, source: SSAValue, layout: AffineMap, type: MemRefType[Attribute]) -> None:
        super().__init__(operands=[source], properties={"layout": AffineMapAttr(layout)}, result_types=[type])

    def verify_(self) -> None:
        source, packed = memref_type(self.source), memref_type(self.packed)
        if source.element_type != packed.element_type:
            raise VerifyException(f"expected a packed buffer of {source.element_type}, got {packed}")
        if any(extent < 1 for type in (source, packed) for extent in type.get_shape()):
            raise VerifyException(f"expected static shapes, got {source} and {packed}")
        if len(self.layout.data.results) != len(packed.get_shape()):
            raise VerifyException(f"expected {len(self.layout.data.results)} dimensions, got {packed}")
        if (failure := layout_failure(self.layout.data, source.get_shape(), packed.get_shape())) is not None:
            raise VerifyException(failure)

    @classmethod
    def parse(cls, parser: Parser) -> PackOp:
        source = parser.parse_unresolved_operand()
        parser.parse_keyword("by")
        pos = parser.pos
        layout = parser.parse_attribute()
        if not isinstance(layout, AffineMapAttr):
            parser.raise_error(f"expected an affine map, got {layout}", pos)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        operand = parser.resolve_operand(source, _parse_memref(parser))
        parser.parse_keyword("to")
        op = cls(operand, layout.data, _parse_memref(parser))
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.source)
        printer.print_string(" by ")
        printer.print_attribute(self.layout)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.source.type)
        printer.print_string(" to ")
        printer.print_attribute(self.packed.type)


BUFFER_ALIGNMENT = 64
"""Where buffers start in bytes that they share: a cache line, and the widest vector."""


def is_bytes(value: SSAValue) -> bool:
    """Whether a value is a buffer of some bytes."""
    type = memref_type(value)
    return type.element_type == i8 and len(type.get_shape()) == 1 and type.get_shape()[0] >= 0


def byte_size(type: Attribute) -> int:
    """How many bytes a scalar takes in memory."""
    return max(1, type.size) if isinstance(type, FixedBitwidthType) else 8


def byte_count(type: MemRefType[Attribute]) -> int:
    """How many bytes a buffer of a static shape takes."""
    return prod(type.get_shape()) * byte_size(type.element_type)


def is_input(buffer: SSAValue) -> bool:
    """Whether a buffer is an argument of a kernel that is marked neither as an output nor as a workspace."""
    function = buffer.owner.parent_op() if isinstance(buffer, BlockArgument) else None
    if not isinstance(function, FuncOp) or not isinstance(buffer, BlockArgument):
        return False
    if function.arg_attrs is None:
        return True
    marks = function.arg_attrs.data[buffer.index].data
    return OUTPUT not in marks and WORKSPACE not in marks


def is_float(type: Attribute) -> bool:
    """Whether a scalar type is a floating-point type."""
    from xdsl.dialects.builtin import AnyFloat

    return isinstance(type, AnyFloat)


def loop_of(value: SSAValue) -> ForOp | None:
    """The loop whose induction variable `value` is, if any."""
    owner = value.owner
    if type(owner) is Block:
        parent = owner.parent_op()
        if type(parent) is ForOp:
            return parent
    return None


def is_iterator(value: SSAValue) -> bool:
    """Whether a value is an iterator of a block."""
    owner = value.owner
    return isinstance(owner, Block) and isinstance(owner.parent_op(), BlockOp)


def loop_bounds(value: SSAValue) -> Interval | None:
    """Bounds of induction variables and of iterators inside their block: `0..extent-1`."""
    owner = value.owner
    if type(owner) is not Block:
        return None
    parent = owner.parent_op()
    # Classes of operations are abstract to Python, which makes `isinstance` slow where the answer is no.
    if type(parent) is ForOp:
        return 0, parent.extent - 1
    if type(parent) is BlockOp:
        position = owner.args.index(value)  # pyright: ignore[reportArgumentType]
        return 0, parent.extents[position] - 1
    return None


def without_units(form: Lin, bounds: Bounds = loop_bounds) -> Lin:
    """A form without the values that are always 0: the loops that run once."""
    units = {value: ZERO for value in form.values() if bounds(value) == (0, 0)}
    return form.substitute(units, bounds) if units else form


def enclosing_loops(op: Operation) -> list[ForOp]:
    """The loops around an op, outermost first."""
    loops: list[ForOp] = []
    block = op.parent
    while block is not None and (region := block.parent) is not None and (parent := region.parent) is not None:
        if type(parent) is ForOp:
            loops.append(parent)
        block = parent.parent
    loops.reverse()
    return loops


def kernel_of(op: Operation) -> FuncOp | None:
    """The function that an op is in."""
    parent: Operation | None = op
    while parent is not None and type(parent) is not FuncOp:
        block = parent.parent
        region = None if block is None else block.parent
        parent = None if region is None else region.parent
    return parent


def blocks_in(op: Operation) -> list[BlockOp]:
    """The blocks inside of an op, in program order (the op itself, if it is one)."""
    found: list[BlockOp] = []
    _collect_blocks(op, found)
    return found


def _collect_blocks(op: Operation, found: list[BlockOp]) -> None:
    if type(op) is BlockOp:
        found.append(op)
        return
    # As for accesses, through the lists themselves.
    for region in op.regions:
        block = region._first_block  # pyright: ignore[reportPrivateUsage]
        while block is not None:
            child = block._first_op  # pyright: ignore[reportPrivateUsage]
            while child is not None:
                if child.regions:
                    _collect_blocks(child, found)
                child = child._next_op  # pyright: ignore[reportPrivateUsage]
            block = block._next_block  # pyright: ignore[reportPrivateUsage]


def nest_ops(op: Operation) -> list[Operation]:
    """The loops, blocks and buffers inside of an op, in program order, without what is in the blocks."""
    found: list[Operation] = []
    if type(op) is not BlockOp:
        for child in op.regions[0].block.ops:
            found.append(child)
            if type(child) is ForOp:
                found += nest_ops(child)
    return found


def zero_map(rank: int) -> AffineMap:
    """The map without dimensions whose results are `rank` zeros."""
    return AffineMap(0, 0, (AffineConstantExpr(0),) * rank)


Loop = Dialect(
    "loop",
    [AllocOp, BlockOp, ForOp, InitOp, PackOp, PrefetchOp, ReadOp, ReduceOp, ViewOp, WriteOp, YieldOp],
    [IteratorKindAttr, LayoutAttr, LoopKindAttr, OutOfRangeAttr, TensorAttr],
)
