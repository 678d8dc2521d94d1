"""What a nest makes a core do: instructions, dependent chains, bytes from each level of memory.

Everything is computed from a structure once, and from slots for as many candidates as there are at the same time.
Loops that are vectorized or unrolled inside of all others are straight-line code; accesses that do not move with the
loop around that are loaded before it; tiles of accumulators with constant indices are registers, as LLVM makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from xdsl.ir import Attribute

from ...dialects.loop import LoopKind
from ...transform.target import TargetFacts
from .nest import OPERATIONS, VECTORS, Access, Statement, Structure
from .values import Array, Test, Value, both, ceildiv, choose, is_zero, maximum, minimum, ones, power_of_two, product

LINE = 64.0
"""Bytes of a cache line."""

MOST_STRIDE = 8.0
"""How far apart lanes may be that are loaded together."""
WINDOW = 256.0
"""Instructions that a core has under way at the same time."""

WEIGHTS: Mapping[str, float] = {
    "add": 1.0,
    "multiply": 1.0,
    "divide": 8.0,
    "special": 28.0,
    "choose": 1.0,
    "convert": 1.5,
    "integer": 1.0,
    "integer_multiply": 1.5,
}
"""How many simple instructions one of each kind is worth."""

LATENCIES: Mapping[str, float] = {
    "add": 4.0,
    "multiply": 4.0,
    "divide": 16.0,
    "special": 80.0,
    "choose": 3.0,
    "convert": 5.0,
    "integer": 1.0,
    "integer_multiply": 6.0,
}
"""Cycles until what comes of one of each kind can be used."""
LOADED = 7.0
"""Cycles until what is loaded can be used, from the first cache."""


@dataclass(frozen=True)
class Target:
    """What is known about the CPU."""

    vector_bytes: float
    vector_registers: float
    l1_bytes: float
    l2_bytes: float
    l3_bytes: float
    threads: float
    fma: float

    @staticmethod
    def of(facts: Mapping[str, int]) -> Target:
        """The target with these facts; modest ones where it says nothing."""
        modest = {
            "vector_bytes": 16,
            "vector_registers": 16,
            "l1_bytes": 32 << 10,
            "l2_bytes": 512 << 10,
            "l3_bytes": 8 << 20,
            "threads": 1,
            "fma": 0,
        }
        return Target(**{name: float(facts.get(name, number)) for name, number in modest.items()})

    @staticmethod
    def of_attribute(target: Attribute | None) -> Target:
        """The same of a target's attribute, which may have no facts."""
        return Target.of(target.facts() if isinstance(target, TargetFacts) else {})

    @property
    def caches(self) -> tuple[float, float, float]:
        """Their sizes, from the first one on."""
        return self.l1_bytes, self.l2_bytes, self.l3_bytes


@dataclass
class AccessCost:
    """What one access of a statement does."""

    access: Access
    moves: list[list[Value]]
    """How far it moves, for each dimension and loop."""
    footprints: list[Value]
    """Bytes of lines that are touched while the loops from a position on run; the last one is a point's."""
    lane_stride: Value = 0.0
    loads: Value = 0.0
    """Instructions that load or store, in all."""
    gathered: Value = 0.0
    """Instructions of these that handle one lane at a time."""
    shuffled: Value = 0.0
    """Instructions that transpose squares in registers."""
    broadcast: bool = False

    def moves_with(self, position: int) -> bool:
        """Whether it may move with a loop."""
        return any(not is_zero(row[position]) for row in self.moves)


@dataclass
class StatementCost:
    """What a statement does in a call of the kernel."""

    statement: Statement
    extents: list[Value]
    straight: list[Test]
    """For each loop, whether all that is inside is straight-line code."""
    accesses: list[AccessCost] = field(default_factory=list[AccessCost])
    points: Value = 0.0
    """How often it runs."""
    useful: Value = 1.0
    """The part of the iterations at which it runs."""
    lanes: Value = 1.0
    width: float = 1.0
    """How many elements a register has."""
    registers: Value = 1.0
    """How many registers its lanes fill."""
    lane_use: Value = 1.0
    """The part of the lanes of these registers that compute something."""
    masked: Value = 0.0
    executed: Value = 0.0
    """How often its instructions run, one for each register."""
    bodies: Value = 0.0
    """How often its straight-line code runs."""
    copies: Value = 1.0
    """How many copies of it straight-line code has."""
    operations: float = 0.0
    """Arithmetic of a point, a fused multiply-add as two."""
    instructions: float = 0.0
    """Simple instructions that it takes."""
    fused: float = 0.0
    arithmetic: Value = 0.0
    """Cycles of an arithmetic port, in all."""
    loads: Value = 0.0
    stores: Value = 0.0
    gathered: Value = 0.0
    shuffled: Value = 0.0
    chain: Value = 0.0
    """Cycles of dependent additions, one after another."""
    accumulators: Value = 1.0
    """How many sums are added to independently of one another, in registers."""
    steps: Value = 1.0
    """How many additions to one sum straight-line code has."""
    in_registers: Value = 0.0
    """Whether sums stay in registers."""
    needed: Value = 1.0
    """How many registers straight-line code needs."""
    spilled: Value = 0.0
    branches: Value = 0.0
    inner_trips: Value = 1.0
    """How often the loop around straight-line code runs."""


@dataclass
class KernelCost:
    """What a kernel does in a call."""

    statements: list[StatementCost]
    iterations: list[Value]
    """For each loop, how often its body runs."""
    extents: list[Value]
    loop_turns: Value
    loop_starts: Value
    working_sets: list[Value]
    """For each loop, bytes that one iteration touches."""
    whole: Value
    """Bytes that a call touches."""
    traffic: tuple[Value, Value, Value]
    """Bytes that come from behind each cache."""
    local_bytes: Value
    code: Value
    """Instructions of straight-line code."""
    parallel: Value
    """The speed-up by threads that the parallel loop allows."""


class Analysis:
    """What candidates of one structure do. `slots` has a number for all, or an array, for each slot."""

    def __init__(self, structure: Structure, slots: Sequence[Value], target: Target) -> None:
        self.structure = structure
        self.layout = structure.layout
        self.slots = slots
        self.target = target
        self.extents = [slots[at] for at in self.layout.extent]
        self.iterations: list[Value] = []
        for loop, extent in zip(structure.loops, self.extents, strict=True):
            around = self.iterations[loop.parent] if loop.parent >= 0 else 1.0
            self.iterations.append(around * extent)
        self.shapes = [[slots[at] for at in shape] for shape in self.layout.shape]
        self.strides = [_strides(shape) for shape in self.shapes]
        self.promoted = self._promoted()

    def kernel(self) -> KernelCost:
        """All of it."""
        statements = [self._statement(number) for number in range(len(self.structure.statements))]
        turns: Value = 0.0
        starts: Value = 0.0
        for number, loop in enumerate(self.structure.loops):
            if _is_serial(loop.kind) and not _is_one(self.extents[number]):
                around = self.iterations[loop.parent] if loop.parent >= 0 else 1.0
                runs = choose(self.extents[number] > 1.0, 1.0, 0.0)
                turns = turns + self.iterations[number] * runs
                starts = starts + around * runs
        working_sets, whole, traffic = self._traffic(statements)
        local: Value = 0.0
        for buffer, shape in zip(self.structure.buffers, self.shapes, strict=True):
            if buffer.role == "local":
                local = local + product(shape) * buffer.bytes
        code: Value = 0.0
        for cost in statements:
            code = code + cost.copies * cost.registers * (cost.instructions + len(cost.accesses))
        return KernelCost(
            statements,
            self.iterations,
            self.extents,
            turns,
            starts,
            working_sets,
            whole,
            traffic,
            local,
            code,
            self._parallel(),
        )

    def _parallel(self) -> Value:
        speed: Value = 1.0
        if self.target.threads > 1.0:
            for loop, extent in zip(self.structure.loops, self.extents, strict=True):
                if loop.kind is LoopKind.PARALLEL:
                    speed = maximum(speed, extent / ceildiv(extent, self.target.threads))
        return speed

    def _promoted(self) -> list[Value]:
        """For each buffer, 1 where it becomes registers: all accesses have constant indices in its lifetime."""
        found: list[Value] = [1.0 if buffer.role == "local" else 0.0 for buffer in self.structure.buffers]
        for number, statement in enumerate(self.structure.statements):
            for at, access in enumerate(statement.accesses):
                if is_zero(found[access.buffer]):
                    continue
                if any(access.data):
                    found[access.buffer] = 0.0
                    continue
                home = self.structure.buffers[access.buffer].home
                rows = self.layout.moves[number][at]
                for position, loop in enumerate(statement.loops):
                    if loop > home and _is_serial(self.structure.loops[loop].kind):
                        for row in rows:
                            if not is_zero(move := self.slots[row[position]]):
                                found[access.buffer] = found[access.buffer] * choose(move > 0.0, 0.0, 1.0)
        return found

    def _statement(self, number: int) -> StatementCost:
        structure = self.structure
        statement = structure.statements[number]
        kinds = [structure.loops[loop].kind for loop in statement.loops]
        extents = [self.extents[loop] for loop in statement.loops]
        straight = _straight(kinds, extents)
        cost = StatementCost(statement, extents, straight)
        cost.width = max(1.0, self.target.vector_bytes / statement.bytes)
        useful, in_lanes, in_registers, guarded = self._guards(number, cost, kinds)
        cost.useful = useful
        iterations = self.iterations[statement.loops[-1]] if statement.loops else 1.0
        cost.points = iterations * useful
        run = useful
        if statement.lane >= 0:
            cost.lanes = product(e for e, kind in zip(extents, kinds, strict=True) if kind in VECTORS)
            padded = power_of_two(cost.lanes)
            cost.registers = maximum(ceildiv(padded, cost.width), 1.0)
            cost.lane_use = cost.lanes / (cost.registers * cost.width) * in_lanes / in_registers
            run = useful / in_lanes
        blocks = iterations / cost.lanes * run
        cost.executed = blocks * cost.registers * in_registers
        for position, kind in enumerate(kinds):
            if kind is LoopKind.UNROLLED:
                cost.copies = cost.copies * choose(straight[position], extents[position], 1.0)
        cost.bodies = blocks / cost.copies
        for position, kind in enumerate(kinds):
            if _is_serial(kind):
                here = straight[position]
                if here is not False:
                    cost.inner_trips = cost.inner_trips * choose(here, extents[position], 1.0)
        self._arithmetic(cost)
        for at, access in enumerate(statement.accesses):
            found = self._access(number, at, access, cost, run * in_registers, kinds)
            cost.accesses.append(found)
            if access.init or access.kind == "prefetch":
                continue
            if access.kind in ("read", "reduce"):
                cost.loads = cost.loads + found.loads
            if access.kind in ("write", "reduce"):
                cost.stores = cost.stores + found.loads
            cost.gathered = cost.gathered + found.gathered
            cost.shuffled = cost.shuffled + found.shuffled
        self._wait(cost)
        self._chain(cost, kinds)
        cost.branches = cost.executed * guarded
        if statement.branches:
            cost.branches = cost.branches + cost.executed * float(statement.branches)
        return cost

    def _guards(self, number: int, cost: StatementCost, kinds: Sequence[LoopKind]) -> tuple[Value, Value, Value, Value]:
        """The part of the iterations, of the lanes, and of registers that are not guarded off, and whether unrolled
        iterations ask one by one. Registers that are known to have no lane that runs are left out by LLVM."""
        slots, layout, statement = self.slots, self.layout, cost.statement
        useful: Value = 1.0
        in_lanes: Value = 1.0
        in_registers: Value = 1.0
        guarded: Value = 0.0
        for position, loop in enumerate(statement.loops):
            if is_zero(waste := slots[layout.waste[number][position]]):
                continue
            kept = maximum(1.0 - waste / maximum(slots[layout.span[number][position]], 1.0), 1e-6)
            useful = useful * kept
            unpeeled = choose(waste > 0.0, 1.0, 0.0) * (1.0 - slots[layout.peeled[loop]])
            if not is_zero(lanes := slots[layout.in_lanes[number][position]]):
                in_lanes = in_lanes * choose(lanes > 0.0, kept, 1.0)
                cost.masked = maximum(cost.masked, unpeeled * lanes)
            guarded = maximum(guarded, unpeeled * slots[layout.in_branches[number][position]])
        for iterator in range(statement.iterators):
            reach = [slots[at] for at in layout.reach[number][iterator]]
            moves = [(at, step) for at, step in enumerate(reach) if not is_zero(step)]
            span = slots[layout.width[number][iterator]] - slots[layout.cut[number][iterator]] + 1.0
            for position, step in moves:
                span = span + step * (cost.extents[position] - 1.0)
            below, domain = slots[layout.below[number][iterator]], slots[layout.domain[number][iterator]]
            waste = maximum(span - below - domain, 0.0) + maximum(below, 0.0)
            if is_zero(waste):
                continue
            kept = maximum(1.0 - waste / maximum(span, 1.0), 1e-6)
            useful = useful * kept
            open_: Value = choose(waste > 0.0, 1.0, 0.0)
            # Where no loop is left that moves it, it is known while compiling.
            is_asked: Value = 0.0
            for position, step in moves:
                if _is_serial(kinds[position]):
                    runs = choose(both(step > 0.0, cost.extents[position] > 1.0), 1.0, 0.0)
                    is_asked = maximum(is_asked, runs)
                    open_ = open_ * (
                        1.0 - slots[layout.peeled[statement.loops[position]]] * choose(step > 0.0, 1.0, 0.0)
                    )
            if statement.lane >= 0 and not is_zero(step := reach[statement.lane]):
                in_lanes = in_lanes * choose(step > 0.0, kept, 1.0)
                cost.masked = maximum(cost.masked, open_ * choose(step > 0.0, 1.0, 0.0))
                known = both(open_ * is_asked == 0.0, step == 1.0)
                whole = minimum(ceildiv(domain, cost.width) * cost.width / maximum(span, 1.0), 1.0)
                in_registers = in_registers * choose(known, whole, 1.0)
            open_ = open_ * is_asked
            for position, step in moves:
                if kinds[position] is LoopKind.UNROLLED and not _is_one(cost.extents[position]):
                    guarded = maximum(guarded, open_ * choose(both(step > 0.0, cost.extents[position] > 1.0), 1.0, 0.0))
        return useful, in_lanes, in_registers, guarded

    def _arithmetic(self, cost: StatementCost) -> None:
        statement = cost.statement
        counts = dict(zip(OPERATIONS, statement.operations, strict=True))
        cost.operations = float(sum(counts.values()))
        if statement.contracted and self.target.fma:
            cost.fused = float(min(counts["add"], counts["multiply"]))
        cost.instructions = sum(WEIGHTS[kind] * count for kind, count in counts.items()) - cost.fused
        if statement.intrinsic:
            cost.arithmetic = cost.bodies * cost.copies * float(statement.intrinsic)
        else:
            cost.arithmetic = cost.executed * cost.instructions

    def _access(
        self, number: int, at: int, access: Access, cost: StatementCost, run: Value, kinds: Sequence[LoopKind]
    ) -> AccessCost:
        buffer = self.structure.buffers[access.buffer]
        shape, strides = self.shapes[access.buffer], self.strides[access.buffer]
        rows = self.layout.moves[number][at]
        moves = [[self.slots[place] for place in row] for row in rows]
        found = AccessCost(access, moves, _footprints(access, moves, shape, buffer.bytes, cost.extents))
        count: Value = run
        written = any(other.buffer == access.buffer and other.kind != "read" for other in cost.statement.accesses)
        lane = cost.statement.lane
        transposed: Value = 0.0
        for position, kind in enumerate(kinds):
            extent = cost.extents[position]
            if kind in VECTORS or _is_one(extent):
                continue
            here = cost.straight[position]
            still: Value = extent
            # Own sums whose place does not move with the innermost loop are in registers while that runs.
            sums = access.kind == "reduce" and buffer.role == "local"
            if here is not False and (kind is LoopKind.UNROLLED or not written or sums):
                still = choose(here, 1.0, extent)
            moving = [row[position] for row in moves if not is_zero(row[position])]
            if any(access.data):
                count = count * extent
            elif not moving:
                count = count * still
            elif len(moving) == 1 and isinstance(moving[0], np.ndarray):
                count = count * choose(moving[0] > 0.0, extent, still)
            else:
                count = count * extent
            if kind is LoopKind.UNROLLED and moves and not is_zero(moves[-1][position]):
                neighbours = both(both(moves[-1][position] == 1.0, here), extent >= 4.0)
                transposed = maximum(transposed, choose(neighbours, extent, 0.0))
        if lane >= 0:
            stride: Value = 0.0
            for position, kind in enumerate(kinds):
                if kind in VECTORS:
                    # Where loops were fused, lanes move in several dimensions, but next to each other in the last one.
                    own: Value = 0.0
                    for row, step in zip(moves, strides, strict=True):
                        if not is_zero(row[position]):
                            own = choose(row[position] > 0.0, row[position] * step, own)
                    stride = stride + own
            if any(access.data):
                stride = 2.0
            found.lane_stride = stride
            found.broadcast = is_zero(stride)
            if not found.broadcast:
                whole = maximum(ceildiv(power_of_two(cost.lanes) * buffer.bytes, self.target.vector_bytes), 1.0)
                near = choose(stride == 1.0, 1.0, choose(stride == 0.0, 0.0, 2.0))
                if cost.statement.intrinsic:
                    near = choose(stride > 0.0, 1.0, 0.0)
                far = stride > 1.0 if not cost.statement.intrinsic else False
                if far is not False:
                    # Lanes that are near come with a vector load for each step between them, and as many shuffles.
                    near_by = choose(both(stride <= MOST_STRIDE, cost.lanes >= 2.0 * stride), 1.0, 0.0)
                    if access.kind != "read":
                        near_by = 0.0
                    chunks = choose(both(far, near_by > 0.5), stride, 1.0)
                    far = both(far, near_by < 0.5)
                    squares = both(transposed > 0.5, far)
                    alone = both(transposed < 0.5, far)
                    found.gathered = count * choose(alone, cost.lanes, 0.0)
                    rounds = float(max(1, int(cost.width).bit_length() - 1))
                    # Rows are loaded a power of two of their columns at a time, of vectors of several registers in as
                    # many parts.
                    pieces = cost.lanes * (transposed // cost.width + ones(transposed % cost.width))
                    rows = pieces / maximum(transposed, 1.0)
                    shuffles = whole * whole * rounds
                    found.shuffled = count * (choose(squares, shuffles, 0.0) + whole * (chunks - 1.0))
                    each = choose(squares, rows, choose(alone, cost.lanes, whole * chunks))
                    count = count * choose(near == 0.0, 1.0, each)
                else:
                    count = count * choose(near == 0.0, 1.0, whole)
        promoted = self.promoted[access.buffer]
        if not is_zero(promoted):
            remaining = 1.0 - promoted
            count, found.gathered = count * remaining, found.gathered * remaining
            found.shuffled = found.shuffled * remaining
        found.loads = count
        return found

    def _wait(self, cost: StatementCost) -> None:
        """What has to wait in each point: one operation for another one. Points overlap as far as instructions are
        seen together, and the registers of a vector take turns."""
        deep = zip(OPERATIONS, cost.statement.depth, strict=True)
        latency = LOADED + sum(LATENCIES[kind] * count for kind, count in deep)
        together = WINDOW / (cost.instructions + len(cost.accesses)) + cost.registers - 1.0
        cost.chain = cost.executed * latency / maximum(together, 1.0)

    def _chain(self, cost: StatementCost, kinds: Sequence[LoopKind]) -> None:
        """What has to wait: sums, and registers that are not there."""
        statement = cost.statement
        sums = next((each for each in cost.accesses if each.access.kind == "reduce"), None)
        if sums is None:
            return
        kept: Value = self.promoted[sums.access.buffer]
        home = self.structure.buffers[sums.access.buffer].home
        apart: Value = 1.0
        trips: Value = 1.0
        ended: Value = 0.0
        for position in reversed(range(len(kinds))):
            kind, extent, here = kinds[position], cost.extents[position], cost.straight[position]
            outside = statement.loops[position] <= home
            moving = sums.moves_with(position)
            if kind in VECTORS:
                if moving:
                    cost.accumulators = cost.accumulators * cost.registers
            elif kind is LoopKind.UNROLLED:
                if here is not False:
                    inside = choose(here, extent, 1.0)
                    if outside:
                        apart = apart * inside
                    elif moving:
                        cost.accumulators = cost.accumulators * inside
                    else:
                        cost.steps = cost.steps * inside
            elif moving or outside:
                ended = maximum(ended, choose(extent > 1.0, 1.0, 0.0))
            else:
                trips = trips * choose(ended > 0.5, 1.0, extent)
                if here is not False and self.structure.buffers[sums.access.buffer].role == "local":
                    kept = maximum(kept, choose(both(here, extent > 1.0), 1.0, 0.0))
        cost.in_registers = kept
        lane_moves = statement.lane < 0 or sums.moves_with(statement.lane)
        steps = cost.steps if lane_moves else cost.steps * cost.registers
        latency = (4.0 if statement.is_float else 1.0) + (1.0 - cost.in_registers) * 5.0
        # Chains one after another overlap, as far as instructions are seen together.
        chained = cost.copies / apart * cost.registers * (cost.instructions + len(cost.accesses)) * trips
        waited = cost.bodies * steps * apart * latency / (WINDOW / chained + 1.0)
        cost.chain = maximum(cost.chain, waited)
        needed: Value = cost.accumulators + 1.0
        for read in cost.accesses:
            if read.access.kind != "read" or read.access.init or statement.lane < 0:
                continue
            if read.broadcast:
                needed = needed + self._held(cost, kinds, read, sums)
                continue
            live: Value = cost.registers
            for position, kind in enumerate(kinds):
                if kind is LoopKind.UNROLLED and read.moves_with(position) and sums.moves_with(position):
                    live = live * choose(cost.straight[position], cost.extents[position], 1.0)
            needed = needed + live
        cost.needed = needed
        lacking = maximum(needed - self.target.vector_registers, 0.0) * cost.in_registers
        cost.spilled = cost.bodies * cost.steps * apart * lacking

    def _held(self, cost: StatementCost, kinds: Sequence[LoopKind], read: AccessCost, sums: AccessCost) -> Value:
        """How many elements that are the same in all lanes stay in registers, since unrolled iterations read them
        again: where a window moves over them, an element is another tap's a step later, and LLVM loads it once."""
        unrolled = [at for at, kind in enumerate(kinds) if kind is LoopKind.UNROLLED]
        held: Value = 0.0
        for outer, inner in combinations(unrolled, 2):
            if sums.moves_with(outer) == sums.moves_with(inner):
                continue
            inside = product(
                choose(cost.straight[at], cost.extents[at], 1.0)
                for at in unrolled
                if outer < at != inner and read.moves_with(at)
            )
            for row in read.moves:
                far, near = row[outer], row[inner]
                if is_zero(far) or is_zero(near):
                    continue
                # So many steps of the inner loop are as far as so many of the outer one.
                shift = maximum(far / maximum(near, 1.0), 1.0)
                steps = maximum(near / maximum(far, 1.0), 1.0)
                meet = both(shift % 1.0 == 0.0, steps % 1.0 == 0.0)
                meet = both(both(meet, both(far > 0.0, near > 0.0)), steps < cost.extents[outer])
                straight = both(cost.straight[outer], cost.straight[inner])
                again = maximum(cost.extents[inner] - shift, 0.0) * inside
                held = maximum(held, choose(both(meet, straight), again, 0.0))
        return held

    def _traffic(self, costs: Sequence[StatementCost]) -> tuple[list[Value], Value, tuple[Value, Value, Value]]:
        """Bytes that come from behind each cache in a call that finds what fits there: what one iteration of a loop
        touches stays until the next one if all of it fits."""
        structure = self.structure
        loops = len(structure.loops)
        inside: list[dict[int, list[tuple[AccessCost, int]]]] = [{} for _ in range(loops + 1)]
        direct: list[list[AccessCost]] = [[] for _ in range(loops + 1)]
        for cost in costs:
            for access in cost.accesses:
                buffer = access.access.buffer
                if access.access.kind == "prefetch" or (
                    not isinstance(self.promoted[buffer], np.ndarray) and self.promoted[buffer] == 1.0
                ):
                    continue
                direct[cost.statement.loops[-1] if cost.statement.loops else -1].append(access)
                inside[-1].setdefault(buffer, []).append((access, -1))
                for position, loop in enumerate(cost.statement.loops):
                    inside[loop].setdefault(buffer, []).append((access, position))
        sets: list[Value] = [0.0] * loops
        whole: Value = 0.0
        bodies: list[dict[int, Value]] = [{} for _ in range(loops + 1)]
        for loop in range(-1, loops):
            total: Value = 0.0
            for buffer, accesses in inside[loop].items():
                touched = _largest([access.footprints[position + 1] for access, position in accesses])
                bodies[loop][buffer] = touched
                total = total + touched * (1.0 - self.promoted[buffer])
            if loop >= 0:
                sets[loop] = total
            else:
                whole = total
        children: list[list[int]] = [[] for _ in range(loops + 1)]
        for number, loop in enumerate(structure.loops):
            children[loop.parent].append(number)
        written = {access.access.buffer for cost in costs for access in cost.accesses if access.access.kind != "read"}
        traffic = [
            self._behind(cache, sets, whole, inside, bodies, direct, children, written) for cache in self.target.caches
        ]
        return sets, whole, (traffic[0], traffic[1], traffic[2])

    def _behind(
        self,
        cache: float,
        sets: Sequence[Value],
        whole: Value,
        inside: Sequence[Mapping[int, Sequence[tuple[AccessCost, int]]]],
        bodies: Sequence[Mapping[int, Value]],
        direct: Sequence[Sequence[AccessCost]],
        children: Sequence[Sequence[int]],
        written: set[int],
    ) -> Value:
        cold = 1.0 - _fits(whole, cache)
        if is_zero(cold) or (isinstance(cold, np.ndarray) and not cold.any()):
            return 0.0
        moved: list[dict[int, Value]] = [{} for _ in sets]

        def of_body(loop: int) -> dict[int, Value]:
            sums: dict[int, Value] = {}
            for child in children[loop]:
                for buffer, value in moved[child].items():
                    sums[buffer] = sums[buffer] + value if buffer in sums else value
            for access in direct[loop]:
                buffer = access.access.buffer
                value = access.footprints[-1]
                sums[buffer] = sums[buffer] + value if buffer in sums else value
            return sums

        for loop in range(len(sets) - 1, -1, -1):
            fits = _fits(sets[loop], cache)
            all_fit = bool(np.all(np.equal(fits, 1.0)))
            sums = {} if all_fit else of_body(loop)
            extent = self.extents[loop]
            for buffer, accesses in inside[loop].items():
                once = _largest([access.footprints[position] for access, position in accesses])
                if all_fit:
                    moved[loop][buffer] = once
                elif is_zero(fits):
                    moved[loop][buffer] = extent * sums[buffer]
                else:
                    moved[loop][buffer] = fits * once + (1.0 - fits) * (extent * sums[buffer])
        total: Value = 0.0
        for buffer, value in of_body(-1).items():
            twice = 1.5 if buffer in written else 1.0
            total = total + value * twice * (1.0 - self.promoted[buffer])
        return total * cold


def _fits(size: Value, cache: float) -> Value:
    """How much of what is touched is there the next time: all up to three quarters of a cache, nothing from five on."""
    return maximum(minimum((1.25 * cache - size) / (0.5 * cache), 1.0), 0.0)


def _largest(values: Sequence[Value]) -> Value:
    largest = values[0]
    for value in values[1:]:
        if value is not largest:
            largest = maximum(largest, value)
    return largest


def _is_serial(kind: LoopKind) -> bool:
    return kind not in VECTORS and kind is not LoopKind.UNROLLED


def _is_one(extent: Value) -> bool:
    return not isinstance(extent, np.ndarray) and extent == 1.0


def _straight(kinds: Sequence[LoopKind], extents: Sequence[Value]) -> list[Test]:
    """For each loop, whether no loop inside of it is one when it runs."""
    found: list[Test] = []
    here: Test = True
    for kind, extent in zip(reversed(kinds), reversed(extents), strict=True):
        found.append(here)
        if _is_serial(kind):
            here = both(here, extent <= 1.0)
            if isinstance(here, np.ndarray):
                here = False if not here.any() else True if here.all() else here
            else:
                here = bool(here)
    found.reverse()
    return found


def _strides(shape: Sequence[Value]) -> list[Value]:
    strides: list[Value] = [1.0] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        strides[d] = strides[d + 1] * shape[d + 1]
    return strides


def _footprints(
    access: Access, moves: Sequence[Sequence[Value]], shape: Sequence[Value], size: int, extents: Sequence[Value]
) -> list[Value]:
    """Bytes of the lines that an access touches while the loops from each position on run; at last those of a point."""
    if not shape:
        return [float(size)] * (len(extents) + 1)
    spans: list[Value] = [extent if data else 1.0 for extent, data in zip(shape, access.data, strict=True)]
    least = minimum(shape[-1] * size, LINE)
    parts: list[Value] = [minimum(span, extent) for span, extent in zip(spans, shape, strict=True)]
    parts[-1] = maximum(parts[-1] * size, least)
    found = [product(parts)]
    for position in range(len(extents) - 1, -1, -1):
        moved = False
        if not _is_one(extents[position]):
            for d, row in enumerate(moves):
                if not is_zero(row[position]) and not access.data[d]:
                    spans[d] = spans[d] + row[position] * (extents[position] - 1.0)
                    parts[d] = minimum(spans[d], shape[d])
                    if d == len(moves) - 1:
                        parts[d] = maximum(parts[d] * size, least)
                    moved = True
        found.append(product(parts) if moved else found[-1])
    found.reverse()
    return found


__all__ = ["LINE", "WEIGHTS", "AccessCost", "Analysis", "Array", "KernelCost", "StatementCost", "Target"]
