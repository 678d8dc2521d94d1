"""Executables: what they accept, what they refuse, what they promise."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.registry import make_context
from stepwell.dialects.source import parse_module
from stepwell.errors import ArgumentError, TargetError
from stepwell.runtime.executable import Executable, load


def _matmul(name: str = "main") -> Executable:
    a = te.placeholder((4, 6), "float32", name="A")
    b = te.placeholder((6, 8), "float32", name="B")
    k = te.reduce_axis(6, name="k")
    c = te.compute((4, 8), lambda i, j: te.sum(a[i, k] * b[k, j], axis=k), name="C")
    program = sw.compile([a, b, c])
    assert isinstance(program, Executable)
    return program


@pytest.fixture(scope="module")
def matmul() -> Executable:
    return _matmul()


@pytest.fixture(scope="module")
def two_outputs() -> Executable:
    x = te.placeholder((5,), "int64", name="x")
    double = te.compute((5,), lambda i: x[i] * 2, name="double")
    square = te.compute((5,), lambda i: x[i] * x[i], name="square")
    program = sw.compile([x, double, square])
    assert isinstance(program, Executable)
    return program


A = np.arange(24, dtype=np.float32).reshape(4, 6)
B = np.arange(48, dtype=np.float32).reshape(6, 8)


def test_arrays_in_arrays_out(matmul: Executable) -> None:
    result = matmul(A, B)
    assert isinstance(result, np.ndarray)
    np.testing.assert_array_equal(result, A @ B)


def test_arguments_may_be_named(matmul: Executable) -> None:
    np.testing.assert_array_equal(matmul(A, B=B), A @ B)
    np.testing.assert_array_equal(matmul(B=B, A=A), A @ B)


def test_there_is_something_to_ask(matmul: Executable) -> None:
    assert matmul.input_names == ("A", "B")
    assert matmul.output_names == ("C",)
    assert matmul.input_shapes == ((4, 6), (6, 8))
    assert matmul.output_shapes == ((4, 8),)
    assert matmul.input_dtypes == (np.dtype("float32"),) * 2
    assert matmul.output_dtypes == (np.dtype("float32"),)


def test_several_outputs_are_a_tuple(two_outputs: Executable) -> None:
    x = np.arange(5)
    double, square = two_outputs(x)
    np.testing.assert_array_equal(double, 2 * x)
    np.testing.assert_array_equal(square, x * x)


def test_any_layout_is_accepted(matmul: Executable) -> None:
    transposed = np.asfortranarray(A)
    strided = np.zeros((4, 12), np.float32)[:, ::2]
    strided[...] = A
    unaligned = np.frombuffer(b"\0" + A.tobytes(), np.float32, 24, 1).reshape(4, 6)
    frozen = A.copy()
    frozen.flags.writeable = False
    for array in (transposed, strided, unaligned, frozen):
        np.testing.assert_array_equal(matmul(array, B), A @ B)


def test_dlpack_is_accepted(matmul: Executable) -> None:
    class Foreign:
        def __init__(self, array: Any):
            self.array = array

        def __dlpack__(self, **options: Any) -> Any:
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return self.array.__dlpack_device__()

    np.testing.assert_array_equal(matmul(Foreign(A.copy()), Foreign(B.copy())), A @ B)


def test_dlpack_that_numpy_does_not_take_is_refused(matmul: Executable) -> None:
    class Elsewhere:
        def __dlpack__(self, **options: Any) -> Any:
            raise BufferError("The memory is elsewhere.")

        def __dlpack_device__(self) -> Any:
            return (1, 0)

    with pytest.raises(
        ArgumentError, match=r"^argument 'A': expected .*, got Elsewhere, .* \(The memory is elsewhere\)$"
    ):
        matmul(Elsewhere(), np.zeros((1, 1), np.float32))


def test_contiguous_arguments_are_not_copied(matmul: Executable) -> None:
    """An element that only just is where numpy put it: what is written between two calls is seen."""
    a = A.copy()[:]
    first = matmul(a, B)
    a[0, 0] += 1
    np.testing.assert_array_equal(matmul(a, B) - first, np.outer([1, 0, 0, 0], B[0]))


REFUSALS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((A,), {}, "expected 2 arguments (A, B), got 1"),
    ((A, B, B), {}, "expected 2 arguments (A, B), got 3"),
    ((A.astype("float64"), B), {}, "argument 'A': expected float32[4,6], got float64[4,6]"),
    ((A, B[:5]), {}, "argument 'B': expected float32[6,8], got float32[5,8]"),
    ((A, B.ravel()), {}, "argument 'B': expected float32[6,8], got float32[48]"),
    ((A.astype(">f4"), B), {}, "argument 'A': expected float32[4,6], got >f4[4,6]"),
    ((A.tolist(), B), {}, "argument 'A': expected a numpy array of float32[4,6], got list"),
    ((A,), {"b": B}, "unknown argument 'b'"),
    ((A,), {"A": A}, "argument 'A': expected one value, got two"),
    ((), {"A": A}, "argument 'B' is missing"),
    ((A, B), {"out": A}, "output 'C': expected float32[4,8], got float32[4,6]"),
    ((A, B), {"out": [A]}, "output 'C': expected a numpy array, got list"),
    ((A, B), {"out": (A, B)}, "expected 1 output arrays, got 2"),
    ((A, B), {"out": np.zeros((8, 4), np.float32).T}, "output 'C': expected a contiguous, writable array"),
]


@pytest.mark.parametrize(("arguments", "named", "message"), REFUSALS, ids=[message for _, _, message in REFUSALS])
def test_refusals(matmul: Executable, arguments: tuple[Any, ...], named: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        matmul(*arguments, **named)
    assert str(error.value).startswith(message)


def test_results_may_have_a_place(matmul: Executable, two_outputs: Executable) -> None:
    out = np.empty((4, 8), np.float32)
    assert matmul(A, B, out=out) is out
    np.testing.assert_array_equal(out, A @ B)
    x, double, square = np.arange(5), np.empty(5, np.int64), np.empty(5, np.int64)
    results = two_outputs(x, out=(double, square))
    assert results[0] is double
    assert results[1] is square
    np.testing.assert_array_equal(square, x * x)


def test_bound_calls_read_and_write_the_same_arrays(matmul: Executable, two_outputs: Executable) -> None:
    a, out = A.copy(), np.empty((4, 8), np.float32)
    call = matmul.bind(a, B=B, out=out)
    for _ in range(2):
        a += 1
        call()
        np.testing.assert_array_equal(out, a @ B)
    assert call.results[0] is out
    x = np.arange(5)
    both = two_outputs.bind(x)
    both()
    np.testing.assert_array_equal(both.results[1], x * x)


def test_what_is_bound_is_not_copied(matmul: Executable) -> None:
    with pytest.raises(ArgumentError, match="expected contiguous arrays to bind, got one to copy: float32"):
        matmul.bind(np.asfortranarray(A), B)
    with pytest.raises(ArgumentError, match="expected 2 arguments"):
        matmul.bind(A)


def test_bound_calls_have_memory_of_their_own() -> None:
    n = 200
    x = te.placeholder((n, n), "float32", name="x")
    k, r = te.reduce_axis(n, name="k"), te.reduce_axis(n, name="r")
    y = te.compute((n, n), lambda i, j: te.sum(x[i, k] * x[k, j], axis=k), name="y")
    z = te.compute((n, n), lambda i, j: te.sum(y[r, j] * y[i, r], axis=r), name="z")
    program = sw.compile([x, z])
    assert isinstance(program, Executable)
    assert program.arenas.size > 0
    data = [np.random.default_rng(seed).integers(-1, 2, (n, n)).astype(np.float32) for seed in range(4)]
    calls = [program.bind(each) for each in data]
    threads = [threading.Thread(target=lambda call=call: [call() for _ in range(9)]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for call, each in zip(calls, data, strict=True):
        np.testing.assert_array_equal(call.results[0], (each @ each) @ (each @ each))


def test_outputs_must_lie_apart(two_outputs: Executable) -> None:
    memory = np.arange(15)
    with pytest.raises(ArgumentError, match="output 'double': expected memory that nothing else shares"):
        two_outputs(memory[:5], out=(memory[4:9], memory[10:]))
    with pytest.raises(ArgumentError, match="output 'double': expected memory that nothing else shares"):
        two_outputs(memory[:5], out=(memory[5:10], memory[9:14]))
    two_outputs(memory[:5], out=(memory[5:10], memory[10:]))
    np.testing.assert_array_equal(memory[5:10], 2 * np.arange(5))


def test_calls_at_once(matmul: Executable) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(200):
            a = random.integers(-9, 9, (4, 6)).astype(np.float32)
            if not np.array_equal(matmul(a, B), a @ B):
                wrong.append(seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_the_interpreter_goes_on_meanwhile() -> None:
    x = te.placeholder((1 << 21,), "float64", name="x")
    program = sw.compile([x, te.compute((1 << 21,), lambda i: te.exp(te.sin(x[i])), name="y")], threads=1)
    done = threading.Event()
    argument = np.linspace(0, 1, 1 << 21)

    def work() -> None:
        program(argument)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    turns = 0
    while not done.wait(0):
        turns += 1
    worker.join()
    assert turns > 10


def test_a_call_costs_little(matmul: Executable) -> None:
    """Under 10 µs over the kernel on the machine that this was written for; the bound here is for any machine."""
    fastest = min(_timed(lambda: matmul(A, B)) for _ in range(20))
    assert fastest < 100e-6


def _timed(call: Any) -> float:
    start = time.perf_counter()
    for _ in range(50):
        call()
    return (time.perf_counter() - start) / 50


def test_saved_programs_run(matmul: Executable, two_outputs: Executable, tmp_path: Path) -> None:
    matmul.save(tmp_path / "matmul")
    again = load(tmp_path / "matmul")
    np.testing.assert_array_equal(again(A, B), A @ B)
    assert again.input_names == matmul.input_names
    two_outputs.save(tmp_path / "two")
    np.testing.assert_array_equal(sw.load(tmp_path / "two")(np.arange(5))[1], np.arange(5) ** 2)


def test_saved_programs_keep_their_threads(tmp_path: Path) -> None:
    x = te.placeholder((256, 4096), "float32", name="x")
    program = sw.compile([x, te.compute((256, 4096), lambda i, j: te.exp(x[i, j]), name="y")], threads=1)
    assert isinstance(program, Executable)
    assert program.compiled.has_parallel_loops
    program.save(tmp_path)
    assert load(tmp_path).threads == 1
    assert load(tmp_path, threads=2).threads == 2
    argument = np.zeros((256, 4096), np.float32)
    np.testing.assert_array_equal(load(tmp_path, threads=2)(argument), np.ones((256, 4096), np.float32))


@pytest.mark.parametrize("damage", ["missing", "manifest", "version", "parameters", "object", "truncated"])
def test_what_is_no_saved_program_is_refused(matmul: Executable, tmp_path: Path, damage: str) -> None:
    matmul.save(tmp_path)
    manifest = tmp_path / "manifest.json"
    (code,) = tmp_path.glob("main-*.o")
    if damage == "missing":
        code.unlink()
    elif damage == "manifest":
        manifest.write_text("{")
    elif damage == "object":
        code.write_bytes(b"\x7fELF")
    elif damage == "truncated":
        code.write_bytes(code.read_bytes()[:-1])
    else:
        content = json.loads(manifest.read_text())
        content[damage] = 999
        manifest.write_text(json.dumps(content))
    with pytest.raises(sw.errors.StepwellError):
        load(tmp_path)


@pytest.mark.parametrize(
    ("fact", "value", "message"),
    [
        ("features", "+avx9000", "expected a CPU with avx9000, got "),
        ("triple", "toy-unknown-none", "expected a machine with architecture toy, got "),
    ],
)
def test_programs_of_other_machines_are_refused(
    matmul: Executable, tmp_path: Path, fact: str, value: str, message: str
) -> None:
    matmul.save(tmp_path)
    manifest = tmp_path / "manifest.json"
    content = json.loads(manifest.read_text())
    content["target"][fact] = value
    manifest.write_text(json.dumps(content))
    with pytest.raises(TargetError, match=message):
        load(tmp_path)


def test_threads_are_a_number_that_a_machine_may_have(matmul: Executable) -> None:
    for wrong in (-1, "two", 1.5, True, 9_999_999, 2**31, None):
        with pytest.raises(ArgumentError, match=f"expected a number of threads from 0 to 65536, got {wrong!r}"):
            matmul.threads = wrong  # pyright: ignore[reportAttributeAccessIssue]
    matmul.threads = np.int64(1)  # pyright: ignore[reportAttributeAccessIssue]


def test_constants_lie_at_cache_lines() -> None:
    sizes = (7, 33, 1000)
    body = "\n".join(
        f"  %w{n} = graph.weight @w{n} : tensor<{n}xf32>\n"
        f"  %y{n} = graph.add %x{n}, %w{n} : (tensor<{n}xf32>, tensor<{n}xf32>) -> tensor<{n}xf32>"
        for n in sizes
    )
    arguments = ", ".join(f"%x{n}: tensor<{n}xf32>" for n in sizes)
    results, types = ", ".join(f"%y{n}" for n in sizes), ", ".join(f"tensor<{n}xf32>" for n in sizes)
    data = {n: np.arange(n, dtype=np.float32) for n in sizes}
    values = "\n".join(f"graph.data @w{n} = dense<{data[n].tolist()}> : tensor<{n}xf32>" for n in sizes)
    text = f"func.func @main({arguments}) -> ({types}) {{\n{body}\n  func.return {results} : {types}\n}}\n{values}"
    program = sw.compile(parse_module(make_context(), text), cache=False)
    assert isinstance(program, Executable)
    large = [constant for constant in program.compiled.constants if constant.nbytes >= 64]
    assert len(large) == 2
    assert all(constant.ctypes.data % 64 == 0 for constant in large)
    for result, wanted in zip(program(*data.values()), data.values(), strict=True):
        np.testing.assert_array_equal(result, 2 * wanted)
