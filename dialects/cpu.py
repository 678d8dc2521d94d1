"""The `cpu` dialect: what rung 4a needs beside upstream's dialects. The target, the parallel loop, prefetch, and where
registers are free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import (
    AffineMapAttr,
    BoolAttr,
    IndexType,
    IntAttr,
    IntegerAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    i64,
)
from xdsl.ir import Attribute, Block, Dialect, ParametrizedAttribute, Region, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator
from xdsl.utils.exceptions import VerifyException

from .affine_syntax import parse_affine_indices, print_affine_indices

_INDEX = IndexType()

TARGET = "cpu.target"
"""Attribute of a module: the `#cpu.target` that it is compiled for."""

_TEXT_FACTS = ("triple", "cpu", "features")
_NUMBER_FACTS = (
    "vector_bytes",
    "vector_registers",
    "l1_bytes",
    "l2_bytes",
    "l3_bytes",
    "threads",
)


@irdl_attr_definition
class TargetAttr(ParametrizedAttribute):
    """A CPU: what LLVM is told about it, and the facts that schedules ask for.

    `#cpu.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4", features = "", vector_bytes = 64,
    vector_registers = 32, l1_bytes = 32768, l2_bytes = 1048576, l3_bytes = 33554432, threads = 2, fma = 1>`
    """

    name = "cpu.target"

    triple: StringAttr
    cpu: StringAttr
    features: StringAttr
    vector_bytes: IntAttr
    vector_registers: IntAttr
    l1_bytes: IntAttr
    l2_bytes: IntAttr
    l3_bytes: IntAttr
    threads: IntAttr
    fma: IntAttr

    @classmethod
    def get(
        cls,
        triple: str,
        cpu: str = "",
        features: str = "",
        *,
        vector_bytes: int = 16,
        vector_registers: int = 16,
        l1_bytes: int = 32 << 10,
        l2_bytes: int = 512 << 10,
        l3_bytes: int = 8 << 20,
        threads: int = 1,
        fma: bool = False,
    ) -> TargetAttr:
        """A target with the facts that are given, and modest ones for the rest."""
        numbers = (vector_bytes, vector_registers, l1_bytes, l2_bytes, l3_bytes, threads, int(fma))
        return cls(StringAttr(triple), StringAttr(cpu), StringAttr(features), *map(IntAttr, numbers))

    def with_threads(self, threads: int) -> TargetAttr:
        """The same CPU with so many threads."""
        return TargetAttr.new([IntAttr(threads) if each is self.threads else each for each in self.parameters])

    def facts(self) -> Mapping[str, int]:
        """The facts that schedules may ask for, by name."""
        return {name: getattr(self, name).data for name in (*_NUMBER_FACTS, "fma")}

    def scopes(self) -> Mapping[str, int | None]:
        """The memory scopes that buffers of kernels may be in, each with the bytes of one core that are there."""
        registers = self.vector_bytes.data * self.vector_registers.data
        return {"local": None, "registers": registers, "l1": self.l1_bytes.data, "l2": self.l2_bytes.data}

    def verify(self) -> None:
        if self.vector_bytes.data <= 0 or self.vector_bytes.data & (self.vector_bytes.data - 1):
            raise VerifyException(f"expected vector_bytes to be a power of two, got {self.vector_bytes.data}")
        for name in _NUMBER_FACTS:
            if (value := getattr(self, name).data) <= 0:
                raise VerifyException(f"expected {name} to be positive, got {value}")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            for i, name in enumerate((*_TEXT_FACTS, *_NUMBER_FACTS, "fma")):
                value = getattr(self, name)
                printer.print_string(f"{', ' if i else ''}{name} = ")
                if isinstance(value, StringAttr):
                    printer.print_string_literal(value.data)
                else:
                    printer.print_string(str(value.data))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        default = TargetAttr.get("")
        given: set[str] = set()
        facts: dict[str, Attribute] = {name: getattr(default, name) for name in (*_TEXT_FACTS, *_NUMBER_FACTS, "fma")}

        def parse_fact() -> None:
            pos = parser.pos
            name = parser.parse_identifier()
            if name not in facts or name in given:
                parser.raise_error(f"expected a fact of a CPU that is not given yet, got '{name}'", pos)
            given.add(name)
            parser.parse_punctuation("=")
            if name in _TEXT_FACTS:
                facts[name] = StringAttr(parser.parse_str_literal())
            else:
                facts[name] = IntAttr(parser.parse_integer(allow_boolean=False))

        parser.parse_comma_separated_list(AttrParser.Delimiter.ANGLE, parse_fact)
        if "triple" not in given:
            parser.raise_error("expected a target to have a triple")
        return list(facts.values())


def target_of(module: ModuleOp) -> TargetAttr | None:
    """The CPU that a module is compiled for."""
    target = module.attributes.get(TARGET)
    return target if isinstance(target, TargetAttr) else None


@irdl_op_definition
class ParallelOp(IRDLOperation):
    """A loop from 0 to `extent` whose iterations are independent: any of them may run at once, in any order.

    A thread gets a contiguous range of iterations whose bounds are multiples of `grain`. With slots there are at most
    as many threads, and a second argument says which of them runs an iteration.

    `cpu.parallel %i : 128 grain 4 slot %t of 2 { … }`
    """

    name = "cpu.parallel"

    extent = prop_def(IntegerAttr[IndexType])
    grain = opt_prop_def(IntegerAttr[IndexType])
    slots = opt_prop_def(IntegerAttr[IndexType])
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(self, extent: int, body: Region | None = None, grain: int | None = None, slots: int | None = None):
        super().__init__(
            properties={
                "extent": IntegerAttr(extent, _INDEX),
                "grain": None if grain is None else IntegerAttr(grain, _INDEX),
                "slots": None if slots is None else IntegerAttr(slots, _INDEX),
            },
            regions=[Region(Block(arg_types=(_INDEX,))) if body is None else body],
        )

    @property
    def induction_variable(self) -> SSAValue:
        """The number of the iteration."""
        return self.body.block.args[0]

    @property
    def slot(self) -> SSAValue | None:
        """The number of the thread, where there are slots."""
        return None if self.slots is None else self.body.block.args[1]

    def verify_(self) -> None:
        if tuple(self.body.block.arg_types) != (_INDEX,) * (1 if self.slots is None else 2):
            expected = "one argument" if self.slots is None else "two arguments"
            raise VerifyException(f"expected {expected} of type index")
        if self.slots is not None and self.slots.value.data <= 0:
            raise VerifyException(f"expected a positive number of slots, got {self.slots.value.data}")
        if self.extent.value.data < 0:
            raise VerifyException(f"expected an extent that is not negative, got {self.extent.value.data}")
        if self.grain is not None and self.grain.value.data <= 0:
            raise VerifyException(f"expected a positive grain, got {self.grain.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> ParallelOp:
        argument = parser.parse_argument(expect_type=False).resolve(_INDEX)
        parser.parse_punctuation(":")
        extent = parser.parse_integer(allow_boolean=False)
        grain = None
        if parser.parse_optional_keyword("grain") is not None:
            grain = parser.parse_integer(allow_boolean=False)
        arguments, slots = [argument], None
        if parser.parse_optional_keyword("slot") is not None:
            arguments.append(parser.parse_argument(expect_type=False).resolve(_INDEX))
            parser.parse_keyword("of")
            slots = parser.parse_integer(allow_boolean=False)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(extent, parser.parse_region(arguments), grain, slots)
        if attributes is not None:
            op.attributes.update(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.enter_scope()
        printer.print_block_argument(self.body.block.args[0], print_type=False)
        printer.print_string(f" : {self.extent.value.data}")
        if self.grain is not None:
            printer.print_string(f" grain {self.grain.value.data}")
        if self.slots is not None:
            printer.print_string(" slot ")
            printer.print_block_argument(self.body.block.args[1], print_type=False)
            printer.print_string(f" of {self.slots.value.data}")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        printer.exit_scope()


@irdl_op_definition
class PrefetchOp(IRDLOperation):
    """Asks for the cache line of an element. The element may lie outside of the buffer: nothing is accessed then.

    Locality goes from 0 (used once) to 3 (keep in all caches). It says nothing about its effects: what only reads and
    gives nothing would be erased.

    `cpu.prefetch read %B[%k + 8, %j] locality 3 : memref<512x512xf32>`
    """

    name = "cpu.prefetch"

    memref = operand_def(MemRefType)
    indices = var_operand_def(_INDEX)
    map = prop_def(AffineMapAttr)
    write = prop_def(BoolAttr)
    locality = prop_def(IntegerAttr[i64])

    def __init__(
        self, memref: SSAValue, map: AffineMap, indices: Sequence[SSAValue], *, write: bool = False, locality: int = 3
    ):
        super().__init__(
            operands=[memref, indices],
            properties={
                "map": AffineMapAttr(map),
                "write": BoolAttr.from_bool(write),
                "locality": IntegerAttr(locality, i64),
            },
        )

    def verify_(self) -> None:
        map = self.map.data
        if map.num_dims + map.num_symbols != len(self.indices):
            raise VerifyException(f"expected {map.num_dims + map.num_symbols} indices, got {len(self.indices)}")
        rank = len(cast("MemRefType[Attribute]", self.memref.type).get_shape())
        if len(map.results) != rank:
            raise VerifyException(f"expected {rank} map results, got {len(map.results)}")
        if not 0 <= self.locality.value.data <= 3:
            raise VerifyException(f"expected a locality from 0 to 3, got {self.locality.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> PrefetchOp:
        write = parser.parse_optional_keyword("write") is not None
        if not write:
            parser.parse_keyword("read")
        memref = parser.parse_unresolved_operand()
        map, indices = parse_affine_indices(parser)
        parser.parse_keyword("locality")
        locality = parser.parse_integer(allow_boolean=False)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        op = cls(parser.resolve_operand(memref, parser.parse_type()), map, indices, write=write, locality=locality)
        op.attributes.update(attributes)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" write " if self.write else " read ")
        printer.print_ssa_value(self.memref)
        print_affine_indices(printer, self.map.data, self.indices)
        printer.print_string(f" locality {self.locality.value.data}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.memref.type)


@irdl_op_definition
class FreeRegistersOp(IRDLOperation):
    """Nothing is in vector registers here: what follows, a sum that takes most of them, has them all.

    Allocators of registers would keep constants of what comes before and after in some of them, and spill the sum. It
    says nothing about its effects: it stays where it is.

    `cpu.free_registers`
    """

    name = "cpu.free_registers"

    assembly_format = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


Cpu = Dialect("cpu", [FreeRegistersOp, ParallelOp, PrefetchOp], [TargetAttr])
