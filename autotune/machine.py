"""What a machine can do at most, measured: multiply and add on registers, and pass data through.

Both are native code of our own, so that they may take turns with what is compared with them: clocks rise and fall, and
others use the machine.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends.llvm_cpu.codegen import MachineSpec, NativeModule
from ..dialects.cpu import TargetAttr
from ..runtime.loader import LoadedObject


def best_seconds(run: Callable[[], object], seconds: float = 0.25) -> float:
    """The shortest time of a call, out of as many as fit the time."""
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def _load(target: TargetAttr, text: str, name: str) -> LoadedObject:
    spec = MachineSpec(target.triple.data, target.cpu.data, target.features.data)
    return LoadedObject(NativeModule(text, spec).object(), [name])


class Limit:
    """A loop of independent fused multiply-adds of `f32` on registers, on one core."""

    accumulators = 24

    def __init__(self, target: TargetAttr, iterations: int = 50_000) -> None:
        self.iterations = iterations
        self.lanes = target.vector_bytes.data // 4
        self.loaded = _load(target, self._ir(), "limit")
        self.function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.loaded.address("limit"))
        self.memory = np.zeros(self.lanes * (self.accumulators + 2), np.float32)

    @property
    def operations(self) -> int:
        """Multiplications and additions of a call."""
        return 2 * self.lanes * self.accumulators * self.iterations

    def __call__(self) -> None:
        self.function(self.memory.ctypes.data)

    def gflops(self) -> float:
        """What one core can do."""
        return self.operations / best_seconds(self) / 1e9

    def _ir(self) -> str:
        vector = f"<{self.lanes} x float>"
        numbers = range(self.accumulators)
        phis = [f"%a{i} = phi {vector} [ zeroinitializer, %entry ], [ %b{i}, %loop ]" for i in numbers]
        steps = [f"%b{i} = call {vector} @fma({vector} %x, {vector} %y, {vector} %a{i})" for i in numbers]
        stores: list[str] = []
        for i in numbers:
            stores.append(f"%p{i} = getelementptr float, ptr %m, i64 {(i + 2) * self.lanes}")
            stores.append(f"store {vector} %b{i}, ptr %p{i}, align 4")
        lines = [
            "define void @limit(ptr %m) {",
            "entry:",
            f"%x = load {vector}, ptr %m, align 4",
            f"%q = getelementptr float, ptr %m, i64 {self.lanes}",
            f"%y = load {vector}, ptr %q, align 4",
            "br label %loop",
            "loop:",
            "%n = phi i64 [ 0, %entry ], [ %next, %loop ]",
            *phis,
            *steps,
            "%next = add i64 %n, 1",
            f"%more = icmp ult i64 %next, {self.iterations}",
            "br i1 %more, label %loop, label %exit",
            "exit:",
            *stores,
            "ret void",
            "}",
            f"declare {vector} @fma({vector}, {vector}, {vector})",
        ]
        return "\n".join(lines).replace("@fma(", f"@llvm.fma.v{self.lanes}f32(")


class Everyday:
    """A loop of independent fused multiply-adds of `f32` whose factors come from the first cache, on one core: needs
    what most kernels need of it, and so takes longer when another hardware thread of the core does anything."""

    accumulators = 12
    turns = 8
    """After so many iterations the same factors come again."""

    def __init__(self, target: TargetAttr, iterations: int) -> None:
        self.iterations = iterations
        self.lanes = target.vector_bytes.data // 4
        self.loaded = _load(target, self._ir(), "everyday")
        self.function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.loaded.address("everyday"))
        self.memory = _aligned((self.turns + 1) * self.accumulators * target.vector_bytes.data)
        self.memory[:] = 0

    def __call__(self) -> None:
        self.function(self.memory.ctypes.data)

    def _ir(self) -> str:
        vector, numbers = f"<{self.lanes} x float>", range(self.accumulators)
        step = self.accumulators * self.lanes
        lines = [
            "define void @everyday(ptr %m) {",
            "entry:",
            f"%to = getelementptr float, ptr %m, i64 {self.turns * step}",
            f"%y = load {vector}, ptr %to, align 4",
            "br label %loop",
            "loop:",
            "%n = phi i64 [ 0, %entry ], [ %next, %loop ]",
            *(f"%a{i} = phi {vector} [ zeroinitializer, %entry ], [ %b{i}, %loop ]" for i in numbers),
            f"%turn = and i64 %n, {self.turns - 1}",
            f"%at = mul i64 %turn, {step}",
            "%from = getelementptr float, ptr %m, i64 %at",
        ]
        for i in numbers:
            lines.append(f"%p{i} = getelementptr float, ptr %from, i64 {i * self.lanes}")
            lines.append(f"%x{i} = load {vector}, ptr %p{i}, align 4")
            lines.append(f"%b{i} = call {vector} @fma({vector} %x{i}, {vector} %y, {vector} %a{i})")
        lines += [
            "%next = add i64 %n, 1",
            f"%more = icmp ult i64 %next, {self.iterations}",
            "br i1 %more, label %loop, label %exit",
            "exit:",
        ]
        for i in numbers:
            lines.append(f"%q{i} = getelementptr float, ptr %to, i64 {i * self.lanes}")
            lines.append(f"store {vector} %b{i}, ptr %q{i}, align 4")
        lines += ["ret void", "}", f"declare {vector} @fma({vector}, {vector}, {vector})"]
        return "\n".join(lines).replace("@fma(", f"@llvm.fma.v{self.lanes}f32(")


class Passage:
    """Reads some bytes and writes some others, in order and in whole vectors, again and again the same: as fast as the
    level of memory that both fit is. One core."""

    UNROLLED = 8
    """Vectors of a step of each loop."""
    TURN = 16 << 10
    """About how many bytes are read and written before reading goes on."""
    CALL = 1 << 20
    """How many bytes a call passes at least."""

    def __init__(self, target: TargetAttr, read_bytes: int, written_bytes: int) -> None:
        self.vector_bytes = target.vector_bytes.data
        self.loaded = _load(target, self._ir(), "passage")
        step = self.UNROLLED * self.vector_bytes
        self.turns = max(1, round((read_bytes + written_bytes) / self.TURN))
        self.steps = tuple(-(-each // (self.turns * step)) for each in (read_bytes, written_bytes))
        self.memory = tuple(_aligned(max(1, self.turns * steps * step)) for steps in self.steps)
        passing = sum(self.turns * steps * step for steps in self.steps)
        # Those asked for were rounded up to whole steps; a call is nothing beside what it does.
        self.times = max(1, self.CALL // max(1, passing))
        self.share = (read_bytes + written_bytes) / (passing * self.times) if passing else 0.0
        """Which part of a call's time is that of the bytes that were asked for, once."""
        pointers = [ctypes.c_void_p] * 2
        self.function = ctypes.CFUNCTYPE(None, *pointers, *[ctypes.c_int64] * 4)(self.loaded.address("passage"))
        self.arguments = (*(each.ctypes.data for each in self.memory), self.times, self.turns, *self.steps)

    def __call__(self) -> None:
        self.function(*self.arguments)

    def _ir(self) -> str:
        lanes = self.vector_bytes // 4
        vector, numbers = f"<{lanes} x i32>", range(self.UNROLLED)
        size = self.UNROLLED * self.vector_bytes
        lines = [
            "define void @passage(ptr %in, ptr %out, i64 %times, i64 %turns, i64 %reads, i64 %writes) {",
            "entry:",
            "br label %again",
            "again:",
            "%a = phi i64 [ 0, %entry ], [ %a_next, %passed ]",
            "br label %turn",
            "turn:",
            "%t = phi i64 [ 0, %again ], [ %t_next, %turned ]",
            "%from = phi ptr [ %in, %again ], [ %from_next, %turned ]",
            "%to = phi ptr [ %out, %again ], [ %to_next, %turned ]",
            "%any = icmp ne i64 %reads, 0",
            "br i1 %any, label %read, label %was_read",
            "read:",
            "%r = phi i64 [ 0, %turn ], [ %r_next, %read ]",
            "%p = phi ptr [ %from, %turn ], [ %p_next, %read ]",
            *(f"%s{i} = phi {vector} [ zeroinitializer, %turn ], [ %u{i}, %read ]" for i in numbers),
        ]
        for i in numbers:
            lines.append(f"%q{i} = getelementptr i8, ptr %p, i64 {i * self.vector_bytes}")
            lines.append(f"%l{i} = load {vector}, ptr %q{i}, align {self.vector_bytes}")
            lines.append(f"%u{i} = or {vector} %s{i}, %l{i}")
        lines += [
            f"%p_next = getelementptr i8, ptr %p, i64 {size}",
            "%r_next = add i64 %r, 1",
            "%r_more = icmp ult i64 %r_next, %reads",
            "br i1 %r_more, label %read, label %was_read",
            "was_read:",
            "%from_next = phi ptr [ %from, %turn ], [ %p_next, %read ]",
            *(f"%v{i} = phi {vector} [ zeroinitializer, %turn ], [ %u{i}, %read ]" for i in numbers),
            "%some = icmp ne i64 %writes, 0",
            "br i1 %some, label %write, label %kept",
            "write:",
            "%w = phi i64 [ 0, %was_read ], [ %w_next, %write ]",
            "%o = phi ptr [ %to, %was_read ], [ %o_next, %write ]",
        ]
        for i in numbers:
            lines.append(f"%x{i} = getelementptr i8, ptr %o, i64 {i * self.vector_bytes}")
            lines.append(f"store {vector} %v{i}, ptr %x{i}, align {self.vector_bytes}")
        lines += [
            f"%o_next = getelementptr i8, ptr %o, i64 {size}",
            "%w_next = add i64 %w, 1",
            "%w_more = icmp ult i64 %w_next, %writes",
            "br i1 %w_more, label %write, label %turned",
            # What is read has to go somewhere.
            "kept:",
            *(f'call void asm sideeffect "", "x"({vector} %v{i})' for i in numbers),
            "br label %turned",
            "turned:",
            "%to_next = phi ptr [ %o_next, %write ], [ %to, %kept ]",
            "%t_next = add i64 %t, 1",
            "%t_more = icmp ult i64 %t_next, %turns",
            "br i1 %t_more, label %turn, label %passed",
            "passed:",
            "%a_next = add i64 %a, 1",
            "%a_more = icmp ult i64 %a_next, %times",
            "br i1 %a_more, label %again, label %exit",
            "exit:",
            "ret void",
            "}",
        ]
        return "\n".join(lines)


def _aligned(size: int, alignment: int = 4096) -> np.ndarray[Any, Any]:
    """Bytes whose address is a multiple of a page's size, all of them touched."""
    memory = np.zeros(size + alignment, np.uint8)
    start = -memory.ctypes.data % alignment
    memory[:] = 1
    return memory[start : start + size]
