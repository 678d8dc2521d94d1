"""`loop-expand`: from rung 3 to rung 4a, in one partial-evaluation walk.

Serial loops become `affine.for`, parallel ones `cpu.parallel`, pipelined ones an `affine.for` over the times at which
all their parts run, between those at which some do; the induction variables of unrolled loops become constants, those
of vectorized loops lane numbers. What remains of a block's guards is decided by intervals: proven, so
nothing; never true, so no code; a bound on all that a loop runs, so fewer iterations or lanes; per lane, so a
mask; else an `affine.if`. A loop marked `peel` emits its last iteration on its own where that proves guards
in the others.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation

from ...dialects.cpu import FreeRegistersOp, target_of
from ...dialects.lanes import vectorization_failure
from ...dialects.loop import AllocOp, BlockOp, ForOp, LoopKind, ViewOp
from ...dialects.pipelining import parts_of
from ...dialects.quasi_affine import Lin
from ...errors import CompileError
from ..function_pass import FunctionPass
from .expansion.body import BodyExpansion
from .expansion.emitter import INDEX, Emitter, affine_map
from .expansion.environment import Environment
from .expansion.plan import Guard, KernelPlan, describe, is_summed_up, lanes_of, loop_around
from .expansion.tensors import TensorExpansion

MOST_REGISTERS = 0.625
"""Sums that take such a part of all registers, or more, leave few for what is constant."""
MAX_OPS = 16384
"""The most ops that an unrolled loop may become."""
STACK_BYTES = 64 * 1024
"""How much of the stack the buffers of a kernel may take; the others are allocated."""

Pending = Mapping[BlockOp, tuple[Guard, ...]]
"""The guards of blocks that nothing has proven yet; blocks that are not in it run whenever their loops do."""


class Expansion:
    """The walk over a kernel."""

    def __init__(self, plan: KernelPlan, emitter: Emitter, max_ops: int) -> None:
        self.plan = plan
        self.env = Environment(plan.ranges)
        self.emitter = emitter
        self.max_ops = max_ops
        self.parallel = False

    def ops(self, ops: Iterable[Operation], pending: Pending) -> None:
        """Emits loops, blocks and buffers, in order."""
        for op in ops:
            match op:
                case ForOp():
                    self.loop(op, pending)
                case BlockOp():
                    self.block(op, pending.get(op, ()))
                case AllocOp():
                    self.emitter.allocate(op.buffer, self.plan.storage[op.buffer])
                    self._free_registers(op)
                case ViewOp():
                    self.emitter.view(op)
                case _:
                    op.detach()
                    op.operands = [self.emitter.buffer(operand) for operand in op.operands]
                    self.emitter.add(op)

    def _free_registers(self, alloc: AllocOp) -> None:
        """Where sums are begun again and again that take most registers, all of these are free."""
        size, room = self.plan.storage[alloc.buffer].byte_size, self.plan.register_bytes
        is_again = loop_around(alloc) is not None and self.emitter.is_on_stack(alloc.buffer)
        if is_again and MOST_REGISTERS * room <= size <= room and is_summed_up(alloc):
            self.emitter.add(FreeRegistersOp())

    # blocks

    def block(self, block: BlockOp, guards: Sequence[Guard]) -> None:
        """Emits a copy of a block under what is left of its guards."""
        conditions: list[Lin] = []
        masked: list[Guard] = []
        for guard in guards:
            form = self.env.evaluate(guard.form)
            lo, hi = self.env.interval(form)
            if lo >= guard.limit:
                return
            if hi < guard.limit:
                continue
            if self.env.in_lanes(form):
                masked.append(guard)
            else:
                conditions.append(-form + (guard.limit - 1))
        body = BodyExpansion(self.plan, block, self.env, self.emitter)
        if not conditions:
            body.run(masked)
            return
        inner = Block()
        with self.emitter.inside(inner):
            body.run(masked)
        self.emitter.add_if(conditions, inner)

    # loops

    def loop(self, loop: ForOp, pending: Pending) -> None:
        """Emits a loop as its kind says, with as many iterations as any block below may run."""
        blocks = self.plan.blocks_below[loop]
        if not blocks:
            return
        pending = self._unproven(blocks, pending)
        if loop.kind in (LoopKind.OPAQUE, LoopKind.TENSORIZED) and self.env.lane is None:
            self._whole(loop, pending)
            return
        self._steps(loop, blocks, pending)

    def _steps(self, loop: ForOp, blocks: Sequence[BlockOp], pending: Pending) -> None:
        if len(pending) == len(blocks):
            shared = self._shared_conditions(loop, blocks, pending)
            if shared:
                self._under(shared, loop, pending)
                return
        extent = self._trip_count(loop, blocks, pending)
        if extent <= 0:
            return
        if extent == 1:
            self._iteration(loop, 0, pending)
            return
        match loop.kind:
            case LoopKind.UNROLLED:
                self._unrolled(loop, extent, pending)
            case LoopKind.VECTORIZED:
                self._lanes(loop, extent, pending)
            case LoopKind.PARALLEL if not self.parallel:
                self._parallel(loop, extent, pending)
            case LoopKind.PIPELINED:
                self._pipelined(loop, extent, pending)
            case LoopKind.TENSORIZED if self._may_be_lanes(loop):
                self._lanes(loop, extent, pending)
            case LoopKind.SERIAL | LoopKind.VIRTUAL | LoopKind.PARALLEL | LoopKind.OPAQUE | LoopKind.TENSORIZED:
                self._serial(loop, extent, pending)
            case LoopKind.BOUND:
                thread = loop.thread.data if loop.thread is not None else ""
                raise CompileError(f"expected loops that a CPU can run, got {describe(loop)} bound to '{thread}'")

    # nests that run as a whole

    def _whole(self, loop: ForOp, pending: Pending) -> None:
        """Emits a nest as one piece of code where all that it runs is known to run, else step by step."""
        nest = [op for op in loop.walk() if isinstance(op, ForOp)]
        blocks = self.plan.blocks_below[loop]
        tensors = None
        if loop.kind is LoopKind.TENSORIZED:
            tensors = TensorExpansion(self.plan, loop, self.env, self.emitter)
        with self._standing(nest):
            conditions = self._conditions_of_all(nest, blocks, pending, tensors)
        if conditions is None:
            self._steps(loop, blocks, pending)
            return
        if not conditions:
            self._unguarded(loop, nest, tensors)
            return
        main, rest = Block(), Block()
        with self.emitter.inside(main):
            self._unguarded(loop, nest, tensors)
        with self.emitter.inside(rest):
            self._steps(loop, blocks, pending)
        self.emitter.add_if(conditions, main, rest)

    def _conditions_of_all(
        self, nest: Sequence[ForOp], blocks: Sequence[BlockOp], pending: Pending, tensors: TensorExpansion | None
    ) -> list[Lin] | None:
        """What has to be at least 0 for a whole nest to run; None if it never does, or may not be emitted as one."""
        inside = {each.induction_variable for each in nest}
        if tensors is not None and not tensors.fits():
            return None
        conditions: list[Lin] = []
        for guard in dict.fromkeys(guard for block in blocks for guard in pending.get(block, ())):
            if tensors is not None and tensors.may_ignore(guard):
                continue
            parts = self.env.evaluate(guard.form).split(lambda value: value in inside)
            if parts is None:
                return None
            last = parts[0] + self.env.interval(parts[1])[1]
            lo, hi = self.env.interval(last)
            if lo >= guard.limit:
                return None
            if hi >= guard.limit:
                conditions.append(-last + (guard.limit - 1))
        return conditions

    def _unguarded(self, loop: ForOp, nest: Sequence[ForOp], tensors: TensorExpansion | None) -> None:
        if tensors is None:
            self._steps(loop, self.plan.blocks_below[loop], {})
            return
        with self._standing(nest):
            tensors.run()

    def _may_be_lanes(self, loop: ForOp) -> bool:
        """Whether the iterations of a tensorized loop may be lanes where its nest is emitted step by step: each writes
        elements of its own, and reads none that another one writes."""
        blocks = self.plan.blocks_below[loop]
        written = {buffer for block in blocks for buffer in block.written_buffers()}
        apart = all(read.buffer not in written for block in blocks for read in block.reads())
        return apart and self.env.lane is None and vectorization_failure(loop) is None

    @contextmanager
    def _standing(self, loops: Sequence[ForOp]) -> Generator[None]:
        """Lets the induction variables of a nest stand for themselves."""
        with ExitStack() as stack:
            for loop in loops:
                variable = loop.induction_variable
                stack.enter_context(self.env.bind(variable, Lin.of(variable), (0, loop.extent - 1)))
            yield

    def _unproven(self, blocks: Sequence[BlockOp], pending: Pending) -> Pending:
        """What intervals do not prove of the guards of some blocks."""
        if not pending:
            return pending
        left: dict[BlockOp, tuple[Guard, ...]] = {}
        for block in blocks:
            guards = pending.get(block)
            if guards is not None:
                open = tuple(guard for guard in guards if self.env.interval(guard.form)[1] >= guard.limit)
                if open:
                    left[block] = open
        return left

    def _trip_count(self, loop: ForOp, blocks: Sequence[BlockOp], pending: Pending) -> int:
        """How many iterations run at most: in later ones, every block has a guard that fails."""
        variable = loop.induction_variable
        most = 0
        for block in blocks:
            trips = loop.extent
            for guard in pending.get(block, ()):
                lo, _ = self.env.interval(guard.form)
                if lo >= guard.limit:
                    trips = 0
                    break
                coefficient = guard.form.coefficient(variable)
                if coefficient is not None and coefficient > 0:
                    trips = min(trips, -((lo - guard.limit) // coefficient))
            most = max(most, trips)
            if most == loop.extent:
                break
        return most

    def _iteration(self, loop: ForOp, number: int, pending: Pending) -> None:
        """Emits one iteration with a constant induction variable."""
        with self.env.bind(loop.induction_variable, Lin(number), (number, number)):
            self._body(loop, pending)

    def _unrolled(self, loop: ForOp, extent: int, pending: Pending) -> None:
        before = self.emitter.count
        for number in range(extent):
            self._iteration(loop, number, pending)
            if self.emitter.count - before > self.max_ops:
                names = ", ".join(f"'{block.block_name}'" for block in self.plan.blocks_below[loop])
                raise CompileError(
                    f"expected at most {self.max_ops} ops of an unrolled loop, got more of {describe(loop)} around "
                    f"block{'s' if ',' in names else ''} {names}: unroll less"
                )

    def _body(self, loop: ForOp, pending: Pending) -> None:
        self.ops(loop.body.block.ops, self._unproven(self.plan.blocks_below[loop], pending))

    def _lanes(self, loop: ForOp, extent: int, pending: Pending) -> None:
        if self.env.lane is not None:
            raise CompileError(f"expected one vectorized loop in a nest, got {describe(loop)} inside of another")
        width = lanes_of(extent)
        if width > loop.extent:
            # Lanes that fill a register run nothing.
            guard = Guard(Lin.of(loop.induction_variable), loop.extent)
            pending = {block: (*pending.get(block, ()), guard) for block in self.plan.blocks_below[loop]}
        with self.env.bind_lanes(loop.induction_variable, width):
            self._body(loop, pending)

    def _serial(self, loop: ForOp, extent: int, pending: Pending) -> None:
        if loop.peel is not None and self._peeling_helps(loop, extent, pending):
            self._for(loop, extent - 1, pending)
            self._iteration(loop, extent - 1, pending)
        else:
            self._for(loop, extent, pending)

    def _pipelined(self, loop: ForOp, extent: int, pending: Pending) -> None:
        """Emits a loop whose parts run at times of their own: those before all of them run, a loop over the times at
        which they do, and those after that."""
        parts = parts_of(loop)
        most = max(distance for _, distance in parts)
        if most == 0:
            self._for(loop, extent, pending)
            return
        self.ops([op for op in loop.body.block.ops if isinstance(op, AllocOp)], {})
        steady = max(0, extent - most)
        for time in range(-most, 0):
            self._time(loop, parts, time, extent, pending)
        if steady == 1:
            self._time(loop, parts, 0, extent, pending)
        elif steady:
            body = Block(arg_types=(INDEX,))
            variable = body.args[0]
            variable.name_hint = loop.induction_variable.name_hint
            self.env.ranges[variable] = (0, steady - 1)
            with self.emitter.inside(body):
                for part, distance in parts:
                    form, interval = Lin.of(variable) + distance, (distance, steady - 1 + distance)
                    with self.env.bind(loop.induction_variable, form, interval):
                        self.ops([part], self._unproven(self.plan.blocks_below[loop], pending))
            if body.first_op is not None:
                upper, operands = affine_map([Lin(steady)])
                self.emitter.add_for(upper, operands, body)
        for time in range(steady, extent):
            self._time(loop, parts, time, extent, pending)

    def _time(
        self, loop: ForOp, parts: Sequence[tuple[Operation, int]], time: int, extent: int, pending: Pending
    ) -> None:
        """Emits what the parts of a pipelined loop do at one time, each in an iteration of its own if there is one."""
        for part, distance in parts:
            number = time + distance
            if 0 <= number < extent:
                with self.env.bind(loop.induction_variable, Lin(number), (number, number)):
                    self.ops([part], self._unproven(self.plan.blocks_below[loop], pending))

    def _peeling_helps(self, loop: ForOp, extent: int, pending: Pending) -> bool:
        """Whether some guard or condition below holds in all iterations but the last."""
        variable = loop.induction_variable
        known = self.env.ranges[variable]
        blocks = self.plan.blocks_below[loop]
        open = [guard for block in blocks for guard in (*pending.get(block, ()), *self.plan.blocks[block].choices)]
        self.env.ranges[variable] = (0, extent - 1)
        open = [guard for guard in open if self.env.interval(guard.form)[1] >= guard.limit]
        self.env.ranges[variable] = (0, extent - 2)
        helps = any(self.env.interval(guard.form)[1] < guard.limit for guard in open)
        self.env.ranges[variable] = known
        return helps

    def _for(self, loop: ForOp, extent: int, pending: Pending) -> None:
        if extent == 1:
            self._iteration(loop, 0, pending)
            return
        bounds, pending = self._bounds(loop, extent, pending)
        body = Block(arg_types=(INDEX,))
        variable = body.args[0]
        variable.name_hint = loop.induction_variable.name_hint
        self.env.ranges[variable] = (0, extent - 1)
        with self.env.bind(loop.induction_variable, Lin.of(variable), (0, extent - 1)), self.emitter.inside(body):
            self._body(loop, pending)
        if body.first_op is None:
            return
        upper, operands = affine_map([Lin(extent), *bounds])
        self.emitter.add_for(upper, operands, body)

    def _bounds(self, loop: ForOp, extent: int, pending: Pending) -> tuple[list[Lin], Pending]:
        """Guards of all blocks below that say how many iterations run, as bounds of the loop, and the guards left."""
        blocks = self.plan.blocks_below[loop]
        if len(pending) < len(blocks):
            return [], pending
        variable = loop.induction_variable
        bounds: list[Lin] = []
        taken: set[Guard] = set()
        for guard in pending[blocks[0]]:
            coefficient = guard.form.coefficient(variable)
            if not coefficient or coefficient < 0 or any(guard not in pending[block] for block in blocks):
                continue
            rest = guard.form - Lin(0, {variable: coefficient})
            if not self._is_bound(rest):
                continue
            rest = self.env.evaluate(rest)
            if self.env.in_lanes(rest):
                continue
            bounds.append((Lin(guard.limit + coefficient - 1) - rest).floordiv(coefficient, self.env.bounds))
            taken.add(guard)
        if not taken:
            return [], pending
        return bounds, _without(pending, taken)

    def _is_bound(self, form: Lin) -> bool:
        """Whether a form depends only on loops around the place of emission."""
        return all(value in self.env.values for value in form.values())

    def _shared_conditions(self, loop: ForOp, blocks: Sequence[BlockOp], pending: Pending) -> list[Guard]:
        """Guards of all blocks below that stay as they are in the loop."""
        shared: list[Guard] = []
        for guard in pending[blocks[0]]:
            if all(guard in pending[block] for block in blocks[1:]) and self._is_bound(guard.form):
                form = self.env.evaluate(guard.form)
                if not self.env.in_lanes(form):
                    shared.append(guard)
        return shared

    def _under(self, shared: Sequence[Guard], loop: ForOp, pending: Pending) -> None:
        conditions: list[Lin] = []
        for guard in shared:
            form = self.env.evaluate(guard.form)
            lo, _ = self.env.interval(form)
            if lo >= guard.limit:
                return
            conditions.append(-form + (guard.limit - 1))
        inner = Block()
        with self.emitter.inside(inner):
            self.loop(loop, _without(pending, shared))
        self.emitter.add_if(conditions, inner)

    def _parallel(self, loop: ForOp, extent: int, pending: Pending) -> None:
        if self.env.lane is not None:
            raise CompileError(f"expected no parallel loop inside of a vectorized one, got {describe(loop)}")
        body = Block(arg_types=(INDEX,))
        variable = body.args[0]
        variable.name_hint = loop.induction_variable.name_hint
        self.parallel = True
        self.env.ranges[variable] = (0, extent - 1)
        peel = loop.peel is not None and self._peeling_helps(loop, extent, pending)
        with self.emitter.new_scope(body):
            if peel:
                self._peeled_parallel(loop, extent, pending, Lin.of(variable))
            else:
                with self.env.bind(loop.induction_variable, Lin.of(variable), (0, extent - 1)):
                    self._body(loop, pending)
        self.parallel = False
        if body.first_op is not None:
            self.emitter.add_parallel(extent, loop.grain, body)

    def _peeled_parallel(self, loop: ForOp, extent: int, pending: Pending, value: Lin) -> None:
        """The last iteration has code of its own inside of the parallel loop: it runs beside the others."""
        main, last = Block(), Block()
        with self.env.bind(loop.induction_variable, value, (0, extent - 2)), self.emitter.inside(main):
            (variable,) = value.values()
            self.env.ranges[variable] = (0, extent - 2)
            self._body(loop, pending)
        with self.emitter.inside(last):
            self._iteration(loop, extent - 1, pending)
        self.emitter.add_if([-value + (extent - 2)], main, last)


def _without(pending: Pending, guards: Collection[Guard]) -> Pending:
    left = {block: tuple(guard for guard in known if guard not in guards) for block, known in pending.items()}
    return {block: known for block, known in left.items() if known}


def expand_loops(
    func: FuncOp, *, fma: bool = True, vector_bytes: int = 0, vector_registers: int = 0, max_ops: int = MAX_OPS
) -> None:
    """Expands the loops and blocks of a kernel, in place. A function without any is left as it is.

    `vector_bytes` is how large the target's vector registers are, `vector_registers` how many; 0 if nobody knows.

    Raises:
        CompileError: if a loop's kind cannot be expanded, or the result would be too large.
    """
    entry = func.body.block
    if not any(isinstance(op, ForOp | BlockOp | AllocOp | ViewOp) for op in entry.ops):
        return
    plan = KernelPlan(func, fma=fma, vector_bytes=vector_bytes, vector_registers=vector_registers)
    pending = {block: known.guards for block, known in plan.blocks.items() if known.guards}
    new = Block()
    emitter = Emitter(new, plan.stack_buffers(STACK_BYTES))
    Expansion(plan, emitter, max_ops).ops(tuple(entry.ops), pending)
    for op in reversed(tuple(entry.ops)):
        entry.erase_op(op, safe_erase=False)
    emitter.close_scope(new, new.last_op)
    for op in tuple(new.ops):
        op.detach()
        entry.add_op(op)


@dataclass(frozen=True)
class LoopExpandPass(FunctionPass):
    """Expands loop kinds and blocks into `affine`, `vector`, `memref`, `arith`, `math`, `scf` and `cpu`."""

    name = "loop-expand"

    max_ops: int = MAX_OPS
    """The most ops that an unrolled loop may become."""

    def apply_to_function(self, ctx: Context, func: FuncOp) -> None:
        module = func.parent_op()
        target = target_of(module) if isinstance(module, ModuleOp) else None
        if target is None:
            expand_loops(func, max_ops=self.max_ops)
        else:
            fma, size, count = bool(target.fma.data), target.vector_bytes.data, target.vector_registers.data
            expand_loops(func, fma=fma, vector_bytes=size, vector_registers=count, max_ops=self.max_ops)
