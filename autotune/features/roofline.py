"""An analytic estimate of a kernel's time: what ports, dependent chains, and levels of memory allow at most.

The core is one that runs instructions out of order, with two ports for arithmetic on vectors, two or three for loads,
and one for stores. How wide vectors are and how large caches comes from the target.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from ...transform.target import target_of
from .analysis import Analysis, KernelCost, StatementCost, Target
from .nest import describe
from .values import Value, choose, maximum, minimum

PORTS = 2.0
"""Vector instructions that start in a cycle."""
LOADS = 2.0
"""Loads that start in a cycle."""
STORES = 1.0
WIDTH = 5.0
"""Instructions of any kind in a cycle."""
BYTES = (48.0, 8.0, 4.0)
"""What comes from behind each cache in a cycle, from the first one on."""
BESIDES = 0.1
"""The part of what other resources take that does not overlap with the one that takes longest."""
TURN, START = 0.5, 6.0
"""Cycles of a loop's iteration, and of its start and its end, which is often predicted wrong."""
SPILL = 1.0
"""How many times a register that is not there is stored and loaded, where it is just counted as not there."""
BRANCH, ASKED = 0.1, 0.5
"""Cycles of arithmetic and instructions of a condition: most become masks, or are known for many iterations."""
SECONDS = 1.0 / 3.5e9
"""Of a cycle. What is compared does not depend on it."""


@dataclass
class StatementTime:
    """Cycles that each resource of the core needs for a statement, and what is left when they overlap."""

    arithmetic: Value
    loads: Value
    stores: Value
    chain: Value
    issue: Value
    total: Value


@dataclass
class Estimate:
    """Cycles of a kernel."""

    statements: list[StatementTime]
    core: Value
    loops: Value
    memory: tuple[Value, Value, Value]
    total: Value
    ideal: Value
    """If all lanes of all ports did nothing but the arithmetic that is needed."""

    @property
    def seconds(self) -> Value:
        """The time of a call."""
        return self.total * SECONDS


def statement_time(cost: StatementCost) -> StatementTime:
    """What a statement takes in a core."""
    spilled = cost.spilled * SPILL
    arithmetic = (cost.arithmetic + cost.shuffled + spilled * 0.5) / PORTS
    arithmetic = arithmetic + cost.branches * BRANCH
    lanes_alone = cost.gathered * 0.5
    loads = (cost.loads + spilled) / LOADS
    stores = (cost.stores + spilled * 0.5) / STORES
    masks = cost.masked * cost.executed * 0.5
    instructions = cost.arithmetic + cost.shuffled + cost.loads + cost.stores + spilled * 2.0 + masks
    issue = (instructions + cost.gathered + cost.branches * ASKED) / WIDTH
    busy = maximum(maximum(arithmetic, loads), maximum(maximum(stores, cost.chain), issue))
    busy = busy + BESIDES * (arithmetic + loads + stores + cost.chain + issue - busy)
    return StatementTime(arithmetic, loads, stores, cost.chain, issue, busy + lanes_alone)


def estimate(kernel: KernelCost, target: Target) -> Estimate:
    """The time of a kernel."""
    statements = [statement_time(cost) for cost in kernel.statements]
    core: Value = 0.0
    ideal: Value = 0.0
    for cost, time in zip(kernel.statements, statements, strict=True):
        core = core + time.total
        ideal = ideal + cost.points * max(cost.operations, 0.25) * ((1.0 - 0.5 * (cost.fused > 0.0)) / cost.width)
    ideal = ideal / PORTS
    loops = kernel.loop_turns * TURN + kernel.loop_starts * START
    first, second, third = (kernel.traffic[level] / BYTES[level] for level in range(3))
    memory = first + second + third
    busy = core + loops
    total = maximum(busy, memory) + 0.4 * minimum(busy, memory)
    if target.threads > 1.0:
        total = total / kernel.parallel + choose(kernel.parallel > 1.0, 4000.0, 0.0)
    return Estimate(statements, core, loops, (first, second, third), maximum(total, 1.0), maximum(ideal, 1.0))


def seconds_of(func: FuncOp) -> float:
    """The estimate for a call of a scheduled kernel, in a module with a target."""
    target = Target.of_attribute(target_of(func))
    nest = describe(func)
    slots: list[Value] = [float(slot) for slot in nest.slots]
    return float(estimate(Analysis(nest.structure, slots, target).kernel(), target).seconds)
