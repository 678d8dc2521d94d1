"""The features of candidates: physical, relative to the work that is done and to what the target has, so that what is
learned from one kind of kernel is worth something for another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.func import FuncOp

from ...dialects.loop import LoopKind
from ..workload import Workload
from .analysis import AccessCost, Analysis, KernelCost, StatementCost, Target
from .nest import OPERATIONS, VECTORS, Nest, Structure, describe
from .roofline import Estimate, StatementTime, estimate
from .values import Value, choose, is_zero, maximum, product, simplified

Features: TypeAlias = NDArray[np.float32]

LEVELS = 4
"""Loops around the straight-line code of the costliest statement that are looked at one by one."""
READS = 3
"""Reads of it that are looked at one by one."""
SAMPLES = 6
"""Loops at which arithmetic is set against bytes, from the innermost to the outermost one."""

_KERNEL = (
    "roofline_ratio",
    "arithmetic",
    "loads",
    "stores",
    "chain",
    "issue",
    "loops",
    "l2",
    "l3",
    "memory",
    "l1_bytes_per_operation",
    "l2_bytes_per_operation",
    "l3_bytes_per_operation",
    "operations",
    "operations_per_byte",
    "whole_per_l1",
    "whole_per_l2",
    "whole_per_l3",
    "locals_per_l1",
    "locals_per_l2",
    "loop_turns_per_instruction",
    "loop_starts_per_instruction",
    "code",
    "parallel_iterations",
    "vector_length",
    "unrolled_length",
    "gathered",
    "shuffled",
    "spilled",
    "branches",
    "masked",
    "copies",
    "scalars",
    "tail",
    "lane_use",
)
"""Logarithms of totals: cycles relative to those of an ideal core, bytes for an operation, and the like."""

_MAIN = (
    "cycles",
    "arithmetic",
    "loads",
    "stores",
    "chain",
    "issue",
    "loads_per_instruction",
    "stores_per_instruction",
    "gathered_per_instruction",
    "shuffled_per_instruction",
    "accumulators",
    "accumulators_per_latency",
    "registers",
    "lanes",
    "lane_use",
    "useful",
    "needed_per_registers",
    "spilled_per_instruction",
    "copies",
    "steps",
    "inner_trips",
    "in_registers",
    "masked",
    "branches",
    "instructions",
    "reduction",
    "body_code",
)
_ACCESS = (
    "lane_stride",
    "inner_stride",
    "loads",
    "inner_bytes",
    "lines",
    "reuse",
    "reuse_distance",
    "conflicts",
)
_TARGET = ("vector_bytes", "vector_registers", "l1_bytes", "l2_bytes", "l3_bytes", "threads", "fma")


def _names() -> tuple[str, ...]:
    access = [f"{who}.{what}" for who in ("write", *(f"read{i}" for i in range(READS))) for what in _ACCESS]
    levels = [f"level{i}.{what}" for i in range(LEVELS) for what in ("trips", "per_l1", "per_l2", "traffic")]
    return (
        "roofline_log_seconds",
        *_KERNEL,
        *(f"count.{kind}" for kind in (*OPERATIONS, "fused")),
        *(f"main.{name}" for name in _MAIN),
        *(f"main.{name}" for name in levels),
        *(f"main.{name}" for name in access),
        *(f"intensity{i}" for i in range(SAMPLES)),
        "buffers",
        "loops_count",
        "statements",
        *(f"target.{name}" for name in _TARGET),
    )


FEATURES: tuple[str, ...] = _names()
"""The names of the columns. All are logarithms to base 2, but the first one's is natural."""

_LEAST = 2.0**-12
"""What is less counts as much as this: nothing at all has a logarithm, too."""
_TICKS = 32
"""Seconds are counted in units of 2 to the power of minus that, which is below any kernel's time."""


def features(structure: Structure, slots: Sequence[Value] | NDArray[np.int64], target: Target) -> Features:
    """A row for each candidate of a structure. `slots` has a number, or one for each candidate, for each slot; or is an
    array with a row for each candidate."""
    if isinstance(slots, np.ndarray):
        columns = slots.astype(np.float64)
        values: list[Value] = [simplified(np.ascontiguousarray(columns[:, at])) for at in range(columns.shape[1])]
        count = len(columns)
    else:
        values = list(slots)
        count = max((len(value) for value in values if isinstance(value, np.ndarray)), default=1)
    kernel = Analysis(structure, values, target).kernel()
    found = _columns(structure, kernel, estimate(kernel, target), target)
    assert len(found) == len(FEATURES), f"expected {len(FEATURES)} columns, got {len(found)}"
    matrix = np.empty((len(FEATURES), count), np.float32)
    for row, value in zip(matrix, found, strict=True):
        row[...] = value
    np.log2(np.maximum(matrix, np.float32(_LEAST), out=matrix), out=matrix)
    matrix[0] = (matrix[0] - _TICKS) * np.float32(np.log(2.0))
    return np.ascontiguousarray(matrix.T)


def features_of(workload: Workload, func: FuncOp) -> Features:
    """The features of one kernel that was scheduled."""
    return features_of_nest(workload, describe(func))


def features_of_nest(workload: Workload, nest: Nest) -> Features:
    """The same of what it looks like."""
    return features(nest.structure, nest.slots.reshape(1, -1), target_of(workload))[0]


def target_of(workload: Workload) -> Target:
    """What features need to know of a workload's target."""
    return Target.of_attribute(workload.target)


def _columns(structure: Structure, kernel: KernelCost, times: Estimate, target: Target) -> list[Value]:
    main = _costliest(kernel)
    operations: Value = 0.0
    executed: Value = 0.0
    for cost in kernel.statements:
        operations = operations + cost.points * max(cost.operations, 0.25)
        executed = executed + cost.executed * max(cost.instructions, 1.0)
    operations, executed = maximum(operations, 1.0), maximum(executed, 1.0)
    columns: list[Value] = [times.seconds * 2.0**_TICKS]
    columns += _kernel_columns(structure, kernel, times, target, operations, executed)
    columns += _counts(kernel, operations)
    if isinstance(main, int):
        columns += _main_columns(structure, kernel, times, target, main)
    else:
        columns += _mixed(structure, kernel, times, target, main)
    columns += [
        float(len(structure.buffers)),
        float(len(structure.loops)),
        float(len(structure.statements) + structure.prefetches),
    ]
    columns += [maximum(float(getattr(target, name)), 0.5) for name in _TARGET]
    return columns


def _costliest(kernel: KernelCost) -> int | NDArray[np.intp]:
    """The statement with the most work; of some with as much, the first one."""
    work = [cost.points * (cost.instructions + 0.1 * len(cost.accesses)) for cost in kernel.statements]
    if not any(isinstance(each, np.ndarray) for each in work):
        return max(range(len(work)), key=lambda at: (work[at], -at))
    count = next(len(each) for each in work if isinstance(each, np.ndarray))
    found = np.argmax(np.stack([np.broadcast_to(each, count) for each in work]), axis=0)
    return int(found[0]) if (found == found[0]).all() else found


def _mixed(
    structure: Structure, kernel: KernelCost, times: Estimate, target: Target, main: NDArray[np.intp]
) -> list[Value]:
    """The columns of the costliest statement where that is not the same one for all candidates."""
    mixed: list[Value] | None = None
    for number in np.unique(main):
        columns = _main_columns(structure, kernel, times, target, int(number))
        here = main == number
        mixed = (
            columns if mixed is None else [np.where(here, new, old) for new, old in zip(columns, mixed, strict=True)]
        )
    assert mixed is not None
    return mixed


def _kernel_columns(
    structure: Structure, kernel: KernelCost, times: Estimate, target: Target, operations: Value, executed: Value
) -> list[Value]:
    statements, costs, ideal = times.statements, kernel.statements, times.ideal
    local = maximum(kernel.local_bytes, 1.0)
    whole = maximum(kernel.whole, 1.0)
    everything: Value = 0.0
    for cost in costs:
        everything = everything + cost.points

    def part(values: Sequence[Value]) -> Value:
        total: Value = 0.0
        for value in values:
            total = total + value
        return total

    points = maximum(everything, 1.0)
    use = part([cost.points * cost.lane_use for cost in costs]) / points
    return [
        times.total / ideal,
        part([time.arithmetic for time in statements]) / ideal,
        part([time.loads for time in statements]) / ideal,
        part([time.stores for time in statements]) / ideal,
        part([time.chain for time in statements]) / ideal,
        part([time.issue for time in statements]) / ideal,
        times.loops / ideal,
        *(cycles / ideal for cycles in times.memory),
        *(traffic / operations for traffic in kernel.traffic),
        operations,
        operations / whole,
        whole / target.l1_bytes,
        whole / target.l2_bytes,
        whole / target.l3_bytes,
        local / target.l1_bytes,
        local / target.l2_bytes,
        kernel.loop_turns / executed,
        kernel.loop_starts / executed,
        maximum(kernel.code, 1.0),
        product(_lengths(structure, kernel, (LoopKind.PARALLEL,))),
        product(_lengths(structure, kernel, VECTORS)),
        product(_lengths(structure, kernel, (LoopKind.UNROLLED,))),
        part([cost.gathered for cost in costs]) / executed,
        part([cost.shuffled for cost in costs]) / executed,
        part([cost.spilled for cost in costs]) / executed,
        part([cost.branches for cost in costs]) / executed,
        part([cost.masked * cost.executed for cost in costs]) / executed,
        part([cost.points for cost in costs if not cost.operations]) / points,
        part([cost.points for cost in costs if cost.statement.lane < 0]) / points,
        part([cost.points * (1.0 - cost.useful) for cost in costs]) / points,
        use,
    ]


def _lengths(structure: Structure, kernel: KernelCost, kinds: Sequence[LoopKind]) -> list[Value]:
    """Extents of loops of some kinds, of each path of the nest the longest."""
    lengths = [e for loop, e in zip(structure.loops, kernel.extents, strict=True) if loop.kind in kinds]
    if not lengths:
        return []
    longest = lengths[0]
    for each in lengths[1:]:
        longest = maximum(longest, each)
    return [longest]


def _counts(kernel: KernelCost, operations: Value) -> list[Value]:
    """How much of the arithmetic is of each kind."""
    totals: list[Value] = [0.0] * (len(OPERATIONS) + 1)
    for cost in kernel.statements:
        for at, count in enumerate((*cost.statement.operations, cost.fused)):
            if count:
                totals[at] = totals[at] + cost.points * float(count)
    return [total / operations for total in totals]


def _main_columns(
    structure: Structure, kernel: KernelCost, times: Estimate, target: Target, number: int
) -> list[Value]:
    cost, time = kernel.statements[number], times.statements[number]
    serial = _serial_positions(structure, cost)
    return [
        *_statement_columns(cost, time, target),
        *_level_columns(cost, serial, target),
        *_access_columns(structure, cost, serial, target),
        *_intensities(cost),
    ]


def _statement_columns(cost: StatementCost, time: StatementTime, target: Target) -> list[Value]:
    executed = maximum(cost.executed * max(cost.instructions, 1.0), 1e-9)
    ideal = maximum(cost.points * max(cost.operations, 0.25) / (cost.width * (4.0 if cost.fused else 2.0)), 1e-9)
    latency = 4.0 * 2.0
    return [
        time.total / ideal,
        time.arithmetic / ideal,
        time.loads / ideal,
        time.stores / ideal,
        time.chain / ideal,
        time.issue / ideal,
        cost.loads / executed,
        cost.stores / executed,
        cost.gathered / executed,
        cost.shuffled / executed,
        cost.accumulators,
        cost.accumulators / latency,
        cost.registers,
        cost.lanes,
        cost.lane_use,
        cost.useful,
        cost.needed / target.vector_registers,
        cost.spilled / executed,
        cost.copies,
        cost.steps,
        cost.inner_trips,
        1.0 + cost.in_registers,
        1.0 + cost.masked,
        cost.branches / executed,
        max(cost.instructions, 0.5),
        1.0 + any(cost.statement.reduces),
        cost.copies * cost.registers * max(cost.instructions + len(cost.accesses), 1.0),
    ]


def _serial_positions(structure: Structure, cost: StatementCost) -> list[int]:
    """Where its loops are that are neither lanes nor straight-line code, from the innermost one on."""
    kinds = [structure.loops[loop].kind for loop in cost.statement.loops]
    found = [at for at, kind in enumerate(kinds) if kind not in VECTORS and kind is not LoopKind.UNROLLED]
    return found[::-1]


def _touched(cost: StatementCost, position: int) -> Value:
    total: Value = 0.0
    seen: dict[int, Value] = {}
    for access in cost.accesses:
        if access.access.kind != "prefetch":
            bytes = access.footprints[position]
            known = seen.get(access.access.buffer)
            seen[access.access.buffer] = bytes if known is None else maximum(known, bytes)
    for bytes in seen.values():
        total = total + bytes
    return maximum(total, 1.0)


def _level_columns(cost: StatementCost, serial: Sequence[int], target: Target) -> list[Value]:
    columns: list[Value] = []
    for level in range(LEVELS):
        if level < len(serial):
            position = serial[level]
            touched = _touched(cost, position)
            trips = cost.extents[position]
            points = product(cost.extents[position:])
            columns += [trips, touched / target.l1_bytes, touched / target.l2_bytes, touched / points]
        elif columns:
            columns += [1.0, *columns[-3:]]
        else:
            touched = _touched(cost, 0)
            columns += [1.0, touched / target.l1_bytes, touched / target.l2_bytes, touched / product(cost.extents)]
    return columns


def _access_columns(structure: Structure, cost: StatementCost, serial: Sequence[int], target: Target) -> list[Value]:
    writes = [
        access for access in cost.accesses if access.access.kind in ("write", "reduce") and not access.access.init
    ]
    reads = [access for access in cost.accesses if access.access.kind == "read" and not access.access.init]
    # Those that move with the lanes come first.
    reads.sort(key=lambda access: access.broadcast)
    chosen: list[AccessCost | None] = [writes[0] if writes else None, *reads[:READS]]
    chosen += [None] * (1 + READS - len(chosen))
    columns: list[Value] = []
    for access in chosen:
        columns += [1.0] * len(_ACCESS) if access is None else _one_access(structure, cost, access, serial, target)
    return columns


def _one_access(
    structure: Structure, cost: StatementCost, access: AccessCost, serial: Sequence[int], target: Target
) -> list[Value]:
    size = float(structure.buffers[access.access.buffer].bytes)
    position = serial[0] if serial else 0
    executed = maximum(cost.executed, 1e-9)
    inner: Value = 0.0
    for row in access.moves:
        inner = inner + row[position] if not is_zero(row[position]) else inner
    touched = access.footprints[position]
    points = product(cost.extents[position:])
    # The innermost loop along which the same elements come again, and what is touched in between.
    reuse: Value = 1.0
    distance: Value = 0.0
    found: Value = 0.0
    for at in serial:
        # Each candidate for itself: what some move with, others may not.
        moved: Value = 0.0
        for row in access.moves:
            moved = moved if is_zero(row[at]) else maximum(moved, row[at])
        still = choose(moved > 0.0, 0.0, 1.0)
        if not is_zero(still):
            here = choose(cost.extents[at] > 1.0, still, 0.0) * (1.0 - found)
            reuse = reuse + here * (cost.extents[at] - 1.0)
            distance = distance + here * _touched(cost, at + 1)
            found = found + here
    step: Value = 0.0
    for row in access.moves[:-1]:
        for at in serial[:2]:
            if not is_zero(row[at]):
                step = maximum(step, row[at])
    return [
        1.0 + access.lane_stride,
        1.0 + inner,
        access.loads / executed,
        maximum(touched, 1.0) / target.l1_bytes,
        maximum(touched / 64.0, 1.0) / maximum(points / cost.width, 1.0),
        reuse,
        1.0 + distance / target.l1_bytes,
        1.0 + step * size,
    ]


def _intensities(cost: StatementCost) -> list[Value]:
    """Arithmetic for a byte that is touched, at some loops from the innermost to the outermost one."""
    last = len(cost.extents)
    operations = max(cost.operations, 0.25)
    columns: list[Value] = []
    for sample in range(SAMPLES):
        position = last - round(last * (sample + 1) / SAMPLES)
        columns.append(product(cost.extents[position:]) * operations / _touched(cost, position))
    return columns


__all__ = ["FEATURES", "Features", "features", "features_of", "features_of_nest", "target_of"]
