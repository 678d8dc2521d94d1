"""Operations that say where the elements of buffers lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, StringAttr, i64
from xdsl.dialects.transform import TransformOpHandleType, TransformParamHandleType, TransformValueHandleType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import AffineMap
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ...dialects.layout import tiled_layout
from ...dialects.loop import BlockOp
from ...dialects.regions import buffer_shape
from ...errors import ScheduleError
from .. import primitives
from ..interfaces import Effect, Results
from ..upstream import syntax
from .navigation import typed_op
from .params import mixed_integers
from .primitives import PrimitiveOp

if TYPE_CHECKING:
    from ..interpreter import Interpreter
    from ..state import TransformState


def only_buffer(state: TransformState, handle: SSAValue) -> SSAValue:
    """The one buffer that a value handle stands for."""
    buffers = state.values(handle)
    if len(buffers) != 1:
        raise ScheduleError(f"expected a handle to exactly one buffer, got {len(buffers)}")
    return buffers[0]


@irdl_op_definition
class TransformLayoutOp(PrimitiveOp):
    """Lets the elements of a buffer of the kernel's own, or of a constant, lie in another order: an affine map says
    where, or tiles, as in `linalg.pack`.

    `sched.transform_layout %w affine_map<(o, c) -> (o floordiv 16, c, o mod 16)> : !transform.any_value`
    `sched.transform_layout %w inner_dims_pos = [0] inner_tiles = [%lanes] : !transform.any_value, !transform.any_param`
    """

    name = "sched.transform_layout"
    buffer = operand_def(TransformValueHandleType)
    sizes = var_operand_def(TransformParamHandleType)
    layout = opt_prop_def(AffineMapAttr)
    outer_dims_perm = opt_prop_def(DenseArrayBase.constr(i64))
    inner_dims_pos = opt_prop_def(DenseArrayBase.constr(i64))
    static_inner_tiles = opt_prop_def(DenseArrayBase.constr(i64))

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS)

    def verify_(self) -> None:
        tiled = (self.outer_dims_perm, self.inner_dims_pos, self.static_inner_tiles)
        if self.layout is not None:
            if any(part is not None for part in tiled) or self.sizes:
                raise VerifyException("expected an affine map or tiles, got both")
            return
        positions = () if self.inner_dims_pos is None else self.inner_dims_pos.get_values()
        tiles = () if self.static_inner_tiles is None else self.static_inner_tiles.get_values()
        if len(positions) != len(tiles):
            raise VerifyException(f"expected {len(positions)} inner tiles, one for each dimension, got {len(tiles)}")
        if len(set(positions)) != len(positions) or any(position < 0 for position in positions):
            raise VerifyException(f"expected dimensions, each once, got {list(positions)}")
        if tiles.count(syntax.STATIC_OR_PARAM) != len(self.sizes):
            count = tiles.count(syntax.STATIC_OR_PARAM)
            raise VerifyException(f"expected {count} params among the tiles, got {len(self.sizes)}")
        if self.outer_dims_perm is not None:
            outer = self.outer_dims_perm.get_values()
            if sorted(outer) != list(range(len(outer))):
                raise VerifyException(f"expected a permutation of 0..{len(outer) - 1}, got {list(outer)}")
        elif not positions:
            raise VerifyException("expected an affine map, 'outer_dims_perm' or 'inner_dims_pos'")

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        buffer = only_buffer(state, self.buffer)
        primitives.transform_layout(buffer, self._layout(state, len(buffer_shape(buffer))))
        return []

    def _layout(self, state: TransformState, rank: int) -> AffineMap:
        if self.layout is not None:
            return self.layout.data
        positions = () if self.inner_dims_pos is None else self.inner_dims_pos.get_values()
        static = () if self.static_inner_tiles is None else self.static_inner_tiles.get_values()
        tiles = mixed_integers(state, static, self.sizes)
        outer = range(rank) if self.outer_dims_perm is None else self.outer_dims_perm.get_values()
        if len(outer) != rank or any(position >= rank for position in positions):
            wrong = list(outer) if len(outer) != rank else list(positions)
            raise ScheduleError(f"expected dimensions of a buffer with {rank}, got {wrong}")
        if any(tile < 1 for tile in tiles):
            raise ScheduleError(f"expected positive tiles, got {tiles}")
        return tiled_layout(rank, outer, positions, tiles)

    @classmethod
    def parse(cls, parser: Parser) -> TransformLayoutOp:
        operands = [parser.parse_unresolved_operand()]
        properties: dict[str, Attribute] = {}
        layout = parser.parse_optional_attribute()
        if layout is not None:
            properties["layout"] = layout
        for word in ("outer_dims_perm", "inner_dims_pos"):
            if parser.parse_optional_keyword(word) is not None:
                parser.parse_punctuation("=")
                values = parser.parse_comma_separated_list(
                    parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False, allow_negative=False)
                )
                properties[word] = DenseArrayBase.from_list(i64, values)
        if parser.parse_optional_keyword("inner_tiles") is not None:
            parser.parse_punctuation("=")
            static, params = syntax.split_mixed(syntax.parse_mixed(parser))
            properties["static_inner_tiles"] = DenseArrayBase.from_list(i64, static)
            operands += params
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, operands, syntax.parse_types(parser), pos)
        return cls.create(operands=values, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.buffer)
        if self.layout is not None:
            printer.print_string(" ")
            printer.print_attribute(self.layout)
        for word, values in (("outer_dims_perm", self.outer_dims_perm), ("inner_dims_pos", self.inner_dims_pos)):
            if values is not None:
                printer.print_string(f" {word} = {list(values.get_values())}")
        if self.static_inner_tiles is not None:
            printer.print_string(" inner_tiles = [")
            syntax.print_mixed(printer, self.static_inner_tiles.get_values(), self.sizes)
            printer.print_string("]")
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


@irdl_op_definition
class SetMemorySpaceOp(PrimitiveOp):
    """Puts a buffer of the kernel's own into a memory scope of the target; `""` is global memory.

    `sched.set_memory_space %b "l1" : !transform.any_value`
    """

    name = "sched.set_memory_space"
    buffer = operand_def(TransformValueHandleType)
    scope = prop_def(StringAttr)
    assembly_format = "$buffer $scope attr-dict `:` type($buffer)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS,)

    def schedule(self, interpreter: Interpreter) -> Results:
        primitives.set_memory_space(only_buffer(interpreter.state, self.buffer), self.scope.data)
        return []


_ALIGNMENT = ("dimension", "factor", "offset")


@irdl_op_definition
class StorageAlignOp(PrimitiveOp):
    """Pads a buffer of the kernel's own: neighbours in a dimension are `offset` more than a multiple of `factor` apart.

    `sched.storage_align %b dimension = 0 factor = %lanes offset = 8 : !transform.any_value, !transform.any_param`
    """

    name = "sched.storage_align"
    buffer = operand_def(TransformValueHandleType)
    sizes = var_operand_def(TransformParamHandleType)
    static_sizes = prop_def(DenseArrayBase.constr(i64))

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS)

    def verify_(self) -> None:
        static = self.static_sizes.get_values()
        if len(static) != len(_ALIGNMENT) or static.count(syntax.STATIC_OR_PARAM) != len(self.sizes):
            raise VerifyException("expected a dimension, a factor and an offset, each an integer or a param")

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        dimension, factor, offset = mixed_integers(state, self.static_sizes.get_values(), self.sizes)
        primitives.storage_align(only_buffer(state, self.buffer), dimension, factor, offset)
        return []

    @classmethod
    def parse(cls, parser: Parser) -> StorageAlignOp:
        buffer = parser.parse_unresolved_operand()
        given: list[int | UnresolvedOperand] = []
        for word in _ALIGNMENT:
            if word == "offset" and parser.parse_optional_keyword(word) is None:
                given.append(0)
                continue
            if word != "offset":
                parser.parse_keyword(word)
            parser.parse_punctuation("=")
            given.append(syntax.parse_integer_or_param(parser))
        static, params = syntax.split_mixed(given)
        attributes = parser.parse_optional_attr_dict()
        pos = parser.pos
        parser.parse_punctuation(":")
        values = syntax.resolve(parser, [buffer, *params], syntax.parse_types(parser), pos)
        properties = {"static_sizes": DenseArrayBase.from_list(i64, static)}
        return cls.create(operands=values, properties=properties, attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.buffer)
        remaining = iter(self.sizes)
        for word, value in zip(_ALIGNMENT, self.static_sizes.get_values(), strict=True):
            if word == "offset" and value == 0:
                continue
            printer.print_string(f" {word} = ")
            syntax.print_mixed(printer, [value], [next(remaining)] if value == syntax.STATIC_OR_PARAM else [])
        syntax.print_attr_dict(printer, self.attributes)
        syntax.print_types(printer, self.operands)


_GLOBAL = StringAttr("")


@irdl_op_definition
class ReindexOp(PrimitiveOp):
    """Copies what a block reads of a buffer into one with a dimension for each iterator that the read depends on.

    `%copy = sched.reindex %c, %X {memory_space = "local"} : (…) -> !transform.any_op`
    """

    name = "sched.reindex"
    block = operand_def(TransformOpHandleType)
    buffer = operand_def(TransformValueHandleType)
    memory_space = prop_def(StringAttr, default_value=_GLOBAL)
    copy = result_def(TransformOpHandleType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$block `,` $buffer attr-dict `:` functional-type(operands, results)"

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.FORWARDS, Effect.READS)

    def schedule(self, interpreter: Interpreter) -> Results:
        state = interpreter.state
        block = typed_op(state, self.block, BlockOp)
        return [[primitives.reindex(block, only_buffer(state, self.buffer), self.memory_space.data)]]


LAYOUT_OPS: list[type[Operation]] = [ReindexOp, SetMemorySpaceOp, StorageAlignOp, TransformLayoutOp]
