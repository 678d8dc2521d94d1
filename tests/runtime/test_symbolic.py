"""Programs for any size: one kernel for each set of sizes, found from the shapes of the arguments."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.errors import ArgumentError, CompileError
from stepwell.runtime.symbolic import SymbolicExecutable


def _outer() -> SymbolicExecutable:
    n, m = te.var("n"), te.var("m")
    a = te.placeholder((n, m), "float32", name="A")
    b = te.placeholder((m,), "float32", name="B")
    program = sw.compile([a, b, te.compute((n, m), lambda i, j: a[i, j] + b[j], name="C")])
    assert isinstance(program, SymbolicExecutable)
    return program


@pytest.fixture(scope="module")
def program() -> SymbolicExecutable:
    return _outer()


def test_any_size(program: SymbolicExecutable) -> None:
    for n, m in ((1, 1), (3, 17), (8, 64), (3, 17)):
        a, b = np.full((n, m), 2, np.float32), np.arange(m, dtype=np.float32)
        np.testing.assert_array_equal(program(a, b), a + b)


def test_sizes_must_agree(program: SymbolicExecutable) -> None:
    with pytest.raises(ArgumentError) as error:
        program(np.zeros((3, 4), np.float32), np.zeros(5, np.float32))
    assert str(error.value) == "argument 'B': expected float32[m] with m = 4, n = 3, got float32[5]"
    with pytest.raises(ArgumentError, match="expected float32"):
        program(np.zeros((3, 4)), np.zeros(4, np.float32))
    with pytest.raises(ArgumentError, match="argument 'A'"):
        program(np.zeros(4, np.float32), np.zeros(4, np.float32))
    with pytest.raises(ArgumentError, match=r"expected 2 arguments \(A, B\), got 1"):
        program(np.zeros((3, 4), np.float32))


def test_sizes_may_be_given() -> None:
    n = te.var("n")
    a = te.placeholder((n,), "float32", name="A")
    fixed = sw.compile([a, te.compute((n,), lambda i: a[i] * 2.0, name="C")], sizes={"n": 5})
    np.testing.assert_array_equal(fixed(np.ones(5, np.float32)), np.full(5, 2, np.float32))
    with pytest.raises(ArgumentError, match=r"expected float32\[5\]"):
        fixed(np.ones(6, np.float32))


def test_what_only_programs_for_some_sizes_have_is_told(program: SymbolicExecutable) -> None:
    message = (
        r"^expected an attribute of a program for any sizes, got 'kernels'; it is different for each set of sizes: "
    )
    with pytest.raises(AttributeError, match=message + r"`specialized\(\{…\}\)\.kernels` has it$"):
        program.kernels  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    assert program.specialized({"n": 3, "m": 4}).kernels is not None
    for name in ("outputs", "bind", "save", "threads", "memory"):
        with pytest.raises(AttributeError, match=f"specialized.*{name}"):
            getattr(program, name)
    with pytest.raises(AttributeError, match="got 'kernel'$"):
        program.kernel  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


class _Dim:
    """A bare name, or twice one."""

    def __init__(self, name: str, factor: int = 1):
        self.name, self.factor = name, factor
        self.is_name = factor == 1

    def symbols(self) -> Any:
        yield self.name

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        return self.factor * sizes[self.name]

    def __str__(self) -> str:
        return self.name if self.factor == 1 else f"{self.factor} * {self.name}"


class _Counting:
    """Stands for a compiler: counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, int]] = []

    def __call__(self, sizes: Mapping[str, int]) -> Any:
        self.asked.append(dict(sizes))
        return lambda *arguments, out=None: sizes["n"]


def _symbolic(compiler: Any, cache_size: int = 64) -> SymbolicExecutable:
    from stepwell.runtime.symbolic import SymbolicParameter

    return SymbolicExecutable([SymbolicParameter("A", "float32", (_Dim("n"),))], compiler, cache_size)


def test_each_size_is_compiled_once() -> None:
    compiler = _Counting()
    program = _symbolic(compiler)
    results: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for n in (3, 4, 3, 4):
            results.append(program(np.zeros(n, np.float32)))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(sizes["n"] for sizes in compiler.asked) == [3, 4]
    assert sorted(results) == [3] * 8 + [4] * 8


def test_the_cache_is_bounded() -> None:
    compiler = _Counting()
    program = _symbolic(compiler, cache_size=2)
    for n in (1, 2, 1, 3, 1, 2):
        assert program(np.zeros(n, np.float32)) == n
    assert [sizes["n"] for sizes in compiler.asked] == [1, 2, 3, 2]


def test_a_failed_compilation_is_tried_again() -> None:
    attempts: list[int] = []

    def compiler(sizes: Mapping[str, int]) -> Any:
        attempts.append(sizes["n"])
        raise CompileError("expected less, got more")

    program = _symbolic(compiler)
    for _ in range(2):
        with pytest.raises(CompileError, match="expected less, got more"):
            program(np.zeros(3, np.float32))
    assert attempts == [3, 3]


def test_sizes_that_no_shape_decides_are_refused() -> None:
    from stepwell.runtime.symbolic import SymbolicParameter

    with pytest.raises(CompileError, match="expected size 'n' to be the extent of an input"):
        SymbolicExecutable([SymbolicParameter("A", "float32", (_Dim("n", 2),))], _Counting())
