"""Steps of random schedules as a transform script, which gets at loops and blocks by handles old and new."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation

from ...dialects.loop import BlockOp, ForOp, enclosing_loops, kernel_of
from .random_schedule import Step, block_called, buffer_of, loops_of, place_of, read_buffers

_OP = "!transform.any_op"
_PARAM = "!transform.any_param"
_VALUE = "!transform.any_value"


@dataclass
class ScriptWriter:
    """Writes a script while its steps are applied to a kernel: a handle is good as long as its op is in the kernel."""

    rng: random.Random
    lines: list[str] = field(default_factory=list[str])
    handles: dict[Operation, str] = field(default_factory=dict[Operation, str])
    count: int = 0
    _results: list[str] = field(default_factory=list[str])
    """The handles that the step written last makes."""

    def text(self) -> str:
        """The script."""
        body = "".join(f"    {line}\n" for line in self.lines)
        return (
            "module attributes {transform.with_named_sequence} {\n"
            f"  transform.named_sequence @__transform_main(%root: {_OP} {{transform.consumed}}) {{\n"
            f"{body}    transform.yield\n  }}\n}}\n"
        )

    def write(self, kernel: FuncOp, step: Step) -> None:
        """Writes a step that is about to be applied; it must name what is there."""
        block = block_called(kernel, step.block)
        loops = loops_of(kernel, step)
        at = place_of(kernel, step)
        names = [self._loop(loop, block) for loop in loops]
        match step.primitive:
            case "tile":
                self._tile(step, names)
            case "interchange":
                results = self._fresh(len(names)) if self.rng.random() < 0.5 else []
                self._results = results
                order = list(step.sizes)
                self._op(results, f"sched.interchange {', '.join(names)} permutation = {order}", [_OP] * len(names))
            case "coalesce":
                self._made(1, f"sched.coalesce {', '.join(names)}", [_OP] * len(names))
            case "unroll" | "vectorize" | "peel":
                self._plain(f"sched.{step.primitive} {', '.join(names)}", len(names))
            case "parallelize":
                grain = f" grain = {step.grain}" if step.grain is not None else ""
                self._plain(f"sched.parallelize {names[0]}{grain}", 1)
            case _:
                self._on_block(kernel, step, block, at)

    def made(self, ops: Sequence[Operation]) -> None:
        """Tells what the step just written has made."""
        for op, name in zip(ops, self._results, strict=False):
            self.handles[op] = name
        for op in [op for op in self.handles if kernel_of(op) is None or op.parent is None]:
            del self.handles[op]

    def _tile(self, step: Step, names: list[str]) -> None:
        sizes: list[str] = []
        params = 0
        for size in step.sizes:
            if self.rng.random() < 0.8:
                sizes.append(str(size))
                continue
            (param,) = self._fresh(1)
            params += 1
            sizes.append(param)
            if self.rng.random() < 0.5:
                self.lines.append(f"{param} = transform.param.constant {size} : i64 -> {_PARAM}")
            else:
                options = sorted({size, size + 1, 2 * size})
                name = f"size{param.removeprefix('%h')}"
                self.lines.append(
                    f'{param} = transform.tune.knob<"{name}"> = {size} from options = {options} -> {_PARAM}'
                )
        tail = "" if step.tail == "guard" else f' {{tail = "{step.tail}"}}'
        types = [_OP] * len(names) + [_PARAM] * params
        self._made(2 * len(names), f"sched.tile {', '.join(names)} tile_sizes [{', '.join(sizes)}]{tail}", types)

    def _on_block(self, kernel: FuncOp, step: Step, block: BlockOp, at: ForOp | None) -> None:
        name = self._block(block)
        where = None if at is None else self._loop(at, block_called(kernel, step.around))
        place = "" if where is None else f" at {where}"
        types = [_OP] * (1 if where is None else 2)
        space = "" if step.memory_space == "local" else f' {{memory_space = "{step.memory_space}"}}'
        match step.primitive:
            case "cache_read":
                buffers = read_buffers(block)
                reads = self._fresh(len(buffers))
                listed = ", ".join([_VALUE] * len(buffers))
                self.lines.append(f"{', '.join(reads)} = sched.get_reads {name} : ({_OP}) -> ({listed})")
                buffer = reads[buffers.index(buffer_of(kernel, step))]
                along = "" if step.along is None else f" along {self._loop(enclosing_loops(block)[step.along], block)}"
                types += [] if step.along is None else [_OP]
                self._made(1, f"sched.cache_read {name}, {buffer}{place}{along}{space}", [_OP, _VALUE, *types[1:]])
            case "cache_write":
                self._made(1, f"sched.cache_write {name}{place}{space}", types)
            case "decompose_reduction" | "split_reduction":
                self._made(1, f"sched.{step.primitive} {name}{place}", types)
            case "compute_inline":
                self._plain(f"sched.compute_inline {name}", 1)
            case _:
                self._plain(f"sched.{step.primitive} {name} into {where}", 2)

    # Handles

    def _loop(self, loop: ForOp, block: BlockOp) -> str:
        """A handle to a loop around a block: an old one, or one of new ones to all loops around it."""
        if loop in self.handles and self.rng.random() < 0.7:
            return self.handles[loop]
        name = self._block(block)
        loops = enclosing_loops(block)
        new = self._fresh(len(loops))
        types = ", ".join([_OP] * len(new))
        self.lines.append(f"{', '.join(new)} = sched.get_loops {name} : ({_OP}) -> ({types})")
        self.handles.update(zip(loops, new, strict=True))
        return self.handles[loop]

    def _block(self, block: BlockOp) -> str:
        if block in self.handles and self.rng.random() < 0.7:
            return self.handles[block]
        (new,) = self._fresh(1)
        self.lines.append(f'{new} = sched.match_block "{block.block_name}" in %root : ({_OP}) -> {_OP}')
        self.handles[block] = new
        return new

    def _fresh(self, count: int) -> list[str]:
        self.count += count
        return [f"%h{number}" for number in range(self.count - count, self.count)]

    def _made(self, count: int, text: str, types: Iterable[str]) -> None:
        self._results = self._fresh(count)
        self._op(self._results, text, types)

    def _op(self, results: Sequence[str], text: str, types: Iterable[str]) -> None:
        given = f"{', '.join(results)} = " if results else ""
        made = ", ".join([_OP] * len(results))
        made = made if len(results) == 1 else f"({made})"
        self.lines.append(f"{given}{text} : ({', '.join(types)}) -> {made}")

    def _plain(self, text: str, operands: int) -> None:
        self._results = []
        self.lines.append(f"{text} : {', '.join([_OP] * operands)}")
