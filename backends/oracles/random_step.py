"""One call of a schedule primitive as data: it can be called as a Python function, be written as a line of a script,
be sent to another process, and be tried again when steps before it are dropped.

What a step is about is named, not pointed at: a `Loop` by its place around a block, a `Buffer` by its place in what a
block reads. References stand in the step's text as they stand in its arguments, so that both say the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from ...dialects.loop import BlockOp, ForOp, blocks_in, enclosing_loops
from ...dialects.source import parse_module
from ...errors import ScheduleError
from ...transform import primitives
from ...transform.primitives import read_intrinsic
from ...transform.primitives.tensorize import IMPLEMENTATION, Intrinsic
from ...transform.script import script_context


class Missing(ScheduleError):
    """A step names a block, a loop or a buffer that is not there (any more)."""


@dataclass(frozen=True)
class Block:
    """The block that has a name."""

    name: str

    def __str__(self) -> str:
        return f"<block:{self.name}>"

    def find(self, kernel: FuncOp) -> BlockOp:
        """The block in a kernel."""
        for block in blocks_in(kernel):
            if block.block_name == self.name:
                return block
        raise Missing(f"expected a block '{self.name}', got none", kernel)


@dataclass(frozen=True)
class Loop:
    """A loop around a block; place 0 is the outermost."""

    block: str
    place: int

    def __str__(self) -> str:
        return f"<loop:{self.block}:{self.place}>"

    def find(self, kernel: FuncOp) -> ForOp:
        """The loop in a kernel."""
        loops = enclosing_loops(Block(self.block).find(kernel))
        if self.place >= len(loops):
            raise Missing(f"expected {self.place + 1} loops around '{self.block}', got {len(loops)}")
        return loops[self.place]


@dataclass(frozen=True)
class Buffer:
    """A buffer that a block reads, or one that it writes; each counts once, in program order."""

    block: str
    place: int
    written: bool = False

    def __str__(self) -> str:
        return f"<{'written' if self.written else 'read'}:{self.block}:{self.place}>"

    def find(self, kernel: FuncOp) -> SSAValue:
        """The buffer in a kernel."""
        block = Block(self.block).find(kernel)
        buffers = written_buffers(block) if self.written else read_buffers(block)
        if self.place >= len(buffers):
            raise Missing(f"expected {self.place + 1} buffers of '{self.block}', got {len(buffers)}")
        return buffers[self.place]


@dataclass(frozen=True)
class Size:
    """An integer that the script may also give as a param."""

    value: int

    def __str__(self) -> str:
        return f"<size:{self.value}>"

    def find(self, kernel: FuncOp) -> int:
        """The integer."""
        return self.value


@dataclass(frozen=True)
class IntrinsicText:
    """An intrinsic: the name of its description, and the text of both of its functions, the step's prelude."""

    name: str
    text: str

    def find(self, kernel: FuncOp) -> Intrinsic:
        """The intrinsic, read."""
        return _read_intrinsic(self.name, self.text)


@lru_cache(maxsize=64)
def _read_intrinsic(name: str, text: str) -> Intrinsic:
    module = parse_module(script_context(), text, "intrinsic")
    functions = {op.sym_name.data: op for op in module.ops if isinstance(op, FuncOp)}
    symbol = functions[name].attributes[IMPLEMENTATION]
    assert isinstance(symbol, SymbolRefAttr), "expected a description to name its implementation"
    return read_intrinsic(functions[name], functions[symbol.string_value()])


Reference = Block | Loop | Buffer | Size

_REFERENCE = re.compile(r"<(block|loop|read|written|size):([^:<>]*)(?::(\d+))?>")


def split_text(text: str) -> list[str | Reference]:
    """The references in a text, and what stands between them."""
    parts: list[str | Reference] = []
    end = 0
    for match in _REFERENCE.finditer(text):
        kind, name, place = match.groups()
        parts.append(text[end : match.start()])
        end = match.end()
        match kind:
            case "block":
                parts.append(Block(name))
            case "loop":
                parts.append(Loop(name, int(place)))
            case "size":
                parts.append(Size(int(name)))
            case _:
                parts.append(Buffer(name, int(place), kind == "written"))
    return [*parts, text[end:]]


@dataclass(frozen=True)
class Step:
    """One call of a primitive.

    `arguments` and `keywords` go to the function in `transform.primitives`, with references instead of operations
    (tuples may hold references), and `text` is what stands behind the name of the transform operation, up to its types:

        Step("tile", (loops, sizes), f"{commas(loops)} tile_sizes {brackets(sizes)}", results=2 * len(loops))
    """

    primitive: str
    """The transform operation, without `sched.`"""
    arguments: tuple[object, ...]
    text: str
    results: int = 0
    """How many handles the operation makes: the function's operations, in its order."""
    functional: bool = False
    """Whether types are written as a function's also where there are no results."""
    function: str = ""
    """The function's name, where it isn't the operation's."""
    forgets: bool = False
    """Whether the operation consumes operands, so that handles made before it may be dead."""
    prelude: str = ""
    """What the script has beside its main sequence: functions that the operation names."""
    keywords: Mapping[str, object] = field(default_factory=dict[str, object], hash=False)

    def __str__(self) -> str:
        text = f"{self.primitive} {self.text}"
        return _REFERENCE.sub(lambda match: ":".join(each for each in match.groups()[1:] if each is not None), text)


def commas(references: Sequence[object]) -> str:
    """Operands in a row."""
    return ", ".join(map(str, references))


def brackets(elements: Sequence[object]) -> str:
    """A list."""
    return f"[{commas(elements)}]"


def read_buffers(block: BlockOp) -> list[SSAValue]:
    """The buffers that a block reads, each once, in program order."""
    return list(dict.fromkeys(read.buffer for read in block.reads()))


def written_buffers(block: BlockOp) -> list[SSAValue]:
    """The buffers that a block writes, each once, in program order."""
    return list(dict.fromkeys(block.written_buffers()))


def resolve(kernel: FuncOp, argument: object) -> object:
    """An argument with what its references name in a kernel."""
    match argument:
        case Block() | Loop() | Buffer() | Size() | IntrinsicText():
            return argument.find(kernel)
        case tuple():
            return [resolve(kernel, each) for each in cast("tuple[object, ...]", argument)]
        case _:
            return argument


def apply_step(kernel: FuncOp, step: Step) -> list[Operation]:
    """Calls a step's primitive; gives the loops and blocks it made, in the order of the transform op's results.

    Raises:
        ScheduleError: if the primitive refuses.
    """
    arguments = [resolve(kernel, argument) for argument in step.arguments]
    keywords = {name: resolve(kernel, argument) for name, argument in step.keywords.items()}
    made = getattr(primitives, step.function or step.primitive)(*arguments, **keywords)
    if not step.results:
        return []
    return [made] if isinstance(made, Operation) else list(cast("Sequence[Operation]", made))
