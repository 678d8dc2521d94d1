"""Steps of random schedules as a transform script, which gets at loops and blocks by handles old and new."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from ...dialects.loop import BlockOp, ForOp, enclosing_loops, kernel_of
from .random_step import Block, Buffer, Loop, Size, Step, read_buffers, split_text, written_buffers

_OP = "!transform.any_op"
_PARAM = "!transform.any_param"
_VALUE = "!transform.any_value"


@dataclass
class ScriptWriter:
    """Writes a script while its steps are applied to a kernel: a handle is good as long as its op is in the kernel."""

    rng: random.Random
    lines: list[str] = field(default_factory=list[str])
    preludes: list[str] = field(default_factory=list[str])
    handles: dict[Operation, str] = field(default_factory=dict[Operation, str])
    count: int = 0
    _results: list[str] = field(default_factory=list[str])
    """The handles that the step written last makes."""
    _forgets: bool = False

    def text(self) -> str:
        """The script."""
        body = "".join(f"    {line}\n" for line in self.lines)
        return (
            f"module attributes {{transform.with_named_sequence}} {{\n{''.join(dict.fromkeys(self.preludes))}"
            f"  transform.named_sequence @__transform_main(%root: {_OP} {{transform.consumed}}) {{\n"
            f"{body}    transform.yield\n  }}\n}}\n"
        )

    def write(self, kernel: FuncOp, step: Step) -> None:
        """Writes a step that is about to be applied; it must name what is there."""
        line: list[str] = []
        types: list[str] = []
        for part in split_text(step.text):
            match part:
                case str():
                    line.append(part)
                    continue
                case Loop():
                    name, type = self._loop(part.find(kernel), Block(part.block).find(kernel)), _OP
                case Block():
                    name, type = self._block(part.find(kernel)), _OP
                case Buffer():
                    name, type = self._buffer(kernel, part), _VALUE
                case Size():
                    name, type = self._size(part.value), _PARAM
            line.append(name)
            if name.startswith("%"):
                types.append(type)
        self._results = self._fresh(step.results)
        self._forgets = step.forgets
        given = f"{', '.join(self._results)} = " if step.results else ""
        functional = step.functional or step.results > 0
        made = ", ".join([_OP] * step.results)
        made = made if step.results == 1 else f"({made})"
        signature = f"({', '.join(types)}) -> {made}" if functional else ", ".join(types)
        self.lines.append(f"{given}sched.{step.primitive} {''.join(line)} : {signature}")
        if step.prelude:
            self.preludes.append(step.prelude)

    def made(self, ops: Sequence[Operation]) -> None:
        """Tells what the step just written has made."""
        if self._forgets:
            self.handles.clear()
        for op, name in zip(ops, self._results, strict=False):
            self.handles[op] = name
        for op in [op for op in self.handles if kernel_of(op) is None or op.parent is None]:
            del self.handles[op]

    # Handles

    def _loop(self, loop: ForOp, block: BlockOp) -> str:
        """A handle to a loop around a block: an old one, or one of new ones to all loops around it."""
        if loop in self.handles and self.rng.random() < 0.85:
            return self.handles[loop]
        name = self._block(block)
        loops = enclosing_loops(block)
        new = self._fresh(len(loops))
        types = ", ".join([_OP] * len(new))
        self.lines.append(f"{', '.join(new)} = sched.get_loops {name} : ({_OP}) -> ({types})")
        self.handles.update(zip(loops, new, strict=True))
        return self.handles[loop]

    def _block(self, block: BlockOp) -> str:
        if block in self.handles and self.rng.random() < 0.85:
            return self.handles[block]
        (new,) = self._fresh(1)
        self.lines.append(f'{new} = sched.match_block "{block.block_name}" in %root : ({_OP}) -> {_OP}')
        self.handles[block] = new
        return new

    def _buffer(self, kernel: FuncOp, buffer: Buffer) -> str:
        block = Block(buffer.block).find(kernel)
        name = self._block(block)
        buffers = written_buffers(block) if buffer.written else read_buffers(block)
        new = self._fresh(len(buffers))
        types = ", ".join([_VALUE] * len(buffers))
        op = "get_writes" if buffer.written else "get_reads"
        self.lines.append(f"{', '.join(new)} = sched.{op} {name} : ({_OP}) -> ({types})")
        return new[buffers.index(buffer.find(kernel))]

    def _size(self, size: int) -> str:
        """An integer, or a param with its value."""
        if self.rng.random() < 0.8:
            return str(size)
        (param,) = self._fresh(1)
        if self.rng.random() < 0.5:
            self.lines.append(f"{param} = transform.param.constant {size} : i64 -> {_PARAM}")
        else:
            options = sorted({size, size + 1, 2 * size})
            name = f"size{param.removeprefix('%h')}"
            self.lines.append(f'{param} = transform.tune.knob<"{name}"> = {size} from options = {options} -> {_PARAM}')
        return param

    def _fresh(self, count: int) -> list[str]:
        self.count += count
        return [f"%h{number}" for number in range(self.count - count, self.count)]
