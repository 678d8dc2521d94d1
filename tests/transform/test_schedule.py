"""Schedules in Python: what they do is what their scripts do, and an error leaves them as they were."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.backends.oracles.random_loop import parse_kernel, random_kernel
from stepwell.dialects.loop import BlockOp, blocks_in
from stepwell.errors import ArgumentError, ScheduleError, ScriptError, StepwellError
from stepwell.tools.schedule import METHODS, Handle, Schedule, methods_text
from stepwell.transform import recorder
from stepwell.transform.interpreter import apply_script
from stepwell.transform.recorder import python_name
from stepwell.transform.sched import PRIMITIVES, Sched
from stepwell.transform.script import parse_script
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.irdl import IRDLOperation, OptOperandDef, VarOperandDef


def matmul(m: int = 16, n: int = 64, k: int = 8) -> Sequence[te.Tensor]:
    a, b = te.placeholder((m, k), "float32", name="A"), te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="r")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")]


def untouched(sch: Schedule, kernel: Any) -> ModuleOp:
    """The kernel that a schedule started with."""
    return Schedule(kernel, target=sch.target).root


def replayed(sch: Schedule, kernel: Any) -> str:
    """What the script of a schedule makes of its kernel."""
    module = untouched(sch, kernel)
    apply_script(parse_script(sch.script(), context=sch.ctx), module, ctx=sch.ctx)
    module.verify()
    return str(module)


def test_the_example() -> None:
    tensors = matmul()
    sch = sw.Schedule(tensors)
    c = sch.match_block("C")
    i, j, k = sch.get_loops(c)
    _, ii = sch.tile(i, 8)
    jo, ji = sch.tile(j, sch.knob("columns", [16, 32], 32))
    sch.reorder(jo, k, ii, ji)
    sch.cache_write(c, jo)
    sch.decompose_reduction(c, at := sch.get_loops(c, of="reduce")[0])
    assert at.ops[0] is k.ops[0]
    sch.vectorize(ji)
    sch.unroll(ii)
    assert str(sch.root) == replayed(sch, tensors)
    assert 'tune.knob<"columns"> = 32 : i64' in sch.script()
    assert "%io, %ii = sched.tile %i tile_sizes [8]" in sch.script()
    a, b = np.random.default_rng(0).integers(-4, 5, (2, 16, 64)).astype(np.float32)
    a, b = a[:, :8].copy(), b[:8].copy()
    expected = a @ b
    assert (sch.compile(threads=1, cache=False)(a, b) == expected).all()
    assert (sw.compile(schedule=sch, threads=1, cache=False)(a, b) == expected).all()
    assert (sw.compile(tensors, schedule=sch, threads=1, cache=False)(a, b) == expected).all()


def test_every_operation_is_a_method() -> None:
    for op in Sched.operations:
        assert python_name(op.name) in METHODS
        assert getattr(Schedule, python_name(op.name)).__doc__
    assert len({python_name(op.name) for op in Sched.operations}) == len(list(Sched.operations))


def test_what_type_checkers_see_is_up_to_date() -> None:
    def methods(text: str) -> dict[str, tuple[str, str]]:
        (found,) = (each for each in ast.parse(text).body if isinstance(each, ast.ClassDef))
        functions = [each for each in found.body if isinstance(each, ast.FunctionDef)]
        return {each.name: (ast.unparse(each.args), ast.unparse(each.returns or each)) for each in functions}

    written = Path(recorder.__file__).with_name("schedule_methods.py").read_text("utf-8")
    assert methods(written) == methods(methods_text()), "run `python -m stepwell.tools.schedule`"


def test_an_error_leaves_everything_as_it_was() -> None:
    sch = Schedule(matmul())
    (c,) = [sch.match_block("C")]
    i, _, k = sch.get_loops(c)
    before, script = sch.ir(), sch.script()
    with pytest.raises(ScheduleError, match=r"test_schedule.py:\d+:1: .*to vectorize loop %r") as refused:
        sch.vectorize(k)
    assert "in script: sched.vectorize %r : !transform.any_op" in str(refused.value)
    assert "^^^^" in str(refused.value)
    with pytest.raises(ScheduleError, match="expected a tile size that divides the extent 16, got 5"):
        sch.tile(i, 5, tail="exact")
    with pytest.raises(ScriptError, match="expected a tail"):
        sch.tile(i, 5, tail="exactly")
    with pytest.raises(ScriptError, match="expected 'block_name' as an argument of sched.match_block, got none"):
        sch.match_block()
    with pytest.raises(ScriptError, match=r"expected an argument of sched.tile \(loops, sizes, tail\), got 'tial'"):
        sch.tile(i, 5, tial="exact")
    with pytest.raises(ScriptError, match="expected arguments of sched.unroll, got one too many"):
        sch.unroll(i, "fast")
    with pytest.raises(ScriptError, match="expected a handle of this schedule as 'loops' of sched.unroll"):
        sch.unroll(Schedule(matmul()).root_handle)
    with pytest.raises(AttributeError, match="did you mean 'tile'"):
        sch.tiel(i, 5)
    assert (sch.ir(), sch.script()) == (before, script)
    sch.tile(i, 4)
    after = sch.ir()
    with pytest.raises(ScriptError, match="op uses a handle invalidated by a previously executed transform op"):
        sch.unroll(i)
    assert sch.ir() == after
    assert "gone" in repr(i)


def test_handles_show_what_they_are() -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    i, *_ = sch.get_loops(c)
    assert repr(i) == "<%i: loop.for %i : 16>"
    assert sch.get_extent(i).number == 16
    assert sch.param("mul", sch.get_extent(i), 2).number == 32
    assert repr(sch.get_reads(c)[0]) == "<%A: %A : memref<16x8xf32>>"
    assert [block.block_name for block in c.ops if isinstance(block, BlockOp)] == ["reduce0"]


def test_functions_and_modules_are_kernels() -> None:
    module = parse_kernel(random_kernel(random.Random(1))[1])
    text = str(module)
    (function,) = (op for op in module.ops if isinstance(op, FuncOp))
    for kernel in (module, function):
        sch = Schedule(kernel)
        sch.unroll(sch.get_loops(sch.match_block(blocks_in(sch.root)[0].block_name))[-1])
        assert "unrolled" in sch.ir()
        assert str(sch.root) == replayed(sch, kernel)
    assert str(module) == text


def test_optional_operands_are_one_handle() -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    _, j, _ = sch.get_loops(c)
    _, b = sch.get_reads(c)
    jo, ji = sch.tile(j, 16)
    sch.cache_read(c, b, jo, ji, "local")
    assert "sched.cache_read %reduce0, %B at %jo along %ji" in sch.script()
    first, rest = sch.split(sch.get_loops(c, of="spatial")[0], 4)
    assert (first.ops, rest.ops) != ([], [])
    sch.parallelize(first, 2)
    assert "grain = 2" in sch.script()
    assert str(sch.root) == replayed(sch, matmul())


def test_maps_are_functions() -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    buffer = sch.get_reads(sch.op("sched.match_block", "C"))[1]
    copy = sch.cache_read(c, buffer, memory_space="")
    staged = sch.get_writes(copy)[0]
    sch.transform_layout(staged, lambda i, j: (j, i))
    assert "affine_map<(d0, d1) -> (d1, d0)>" in sch.script()
    assert str(sch.root) == replayed(sch, matmul())


def test_more_operations() -> None:
    sch = Schedule(matmul())
    c = sch.op("sched.match_block", "C")
    sch.check_structure("contraction", c, element_type="f32")
    (found,) = [sch.match_structure("contraction", rank=2)]
    assert found.ops == c.ops
    f = sch.structured_match(sch.root_handle, ops=["func.func"])
    assert f.ops == sch.get_kernel(c).ops
    sch.annotate("mine", f)
    assert "mine" in sch.ir()
    assert str(sch.root) == replayed(sch, matmul())


PLACE = r"test_schedule.py:\d+:1: "


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s, h: s.reorder(), "sched.reorder: expected at least one loop, got none"),
        (lambda s, h: s.unroll(), "sched.unroll: expected at least one loop, got none"),
        (lambda s, h: s.unroll(i=h.i), "expected an argument of sched.unroll"),
        (lambda s, h: s.tile(h.i, 2**70), f"sched.tile: expected an integer of 64 bits, got {2**70}"),
        (lambda s, h: s.tile(h.i, -(2**63)), f"sched.tile: expected an integer of 64 bits, got -{2**63}"),
        (lambda s, h: s.parallelize(h.i, 2**63), f"sched.parallelize: expected an integer of 64 bits, got {2**63}"),
        (lambda s, h: s.prefetch(h.c, h.b, h.k, 2**63), f"sched.prefetch: expected an integer of 64 bits, got {2**63}"),
        (lambda s, h: s.param("mul", 2**62, 4), f"expected an integer of 64 bits, got {2**64}"),
        (lambda s, h: s.tile(h.i, tail="exact"), "expected 'sizes' as an argument of sched.tile, got none"),
        (lambda s, h: s.tile(h.i, h.k), "expected 'sizes' as an argument of sched.tile, got none"),
        (lambda s, h: s.tile(h.i, []), "expected 1 tile sizes, one for each loop, got 0"),
        (lambda s, h: s.tile(5, 5), "sched.tile: expected at least one loop, got none"),
        (lambda s, h: s.tile("i", 5), "sched.tile: expected at least one loop, got none"),
        (lambda s, h: s.tile(h.i, sizes=[True]), "expected an integer or a handle as 'sizes' of sched.tile, got True"),
        (
            lambda s, h: s.tile(h.i, np.array([4, 4])),
            r"expected arguments of sched.tile, .* wrong type: array\(\[4, 4\]",
        ),
        (lambda s, h: s.tile(h.i, 4, results="x"), "sched.tile: expected a number of results, got 'x'"),
        (lambda s, h: s.tile(h.i, 4, results=2**40), f"sched.tile: expected a number of results, got {2**40}"),
        (lambda s, h: s.tile(h.i, 4, results=-1), "sched.tile: expected a number of results, got -1"),
        (lambda s, h: s.knob("a", []), r"expected options for knob 'a', got \[\]"),
        (lambda s, h: s.knob("a", "xy"), "expected options for knob 'a', got 'xy'"),
        (lambda s, h: s.knob("a", [2.5]), "expected integers, strings or attributes as options of knob 'a', got 2.5"),
        (lambda s, h: s.knob("a", [2, 4], 8), "provided `selected` attribute is not an element of `options`"),
        (lambda s, h: s.knob(5, [2]), "expected a name, got 5"),
        (lambda s, h: s.op(5), "expected a transform operation, got '5'"),
        (lambda s, h: s.op("sched.tail"), "expected a transform operation, got 'sched.tail'; did you mean"),
        (lambda s, h: s.apply_registered_pass(s.root_handle, "csee"), "unknown pass 'csee'; did you mean 'cse'"),
    ],
)
def test_wrong_calls(call: Callable[[Any, Any], object], error: str) -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    i, _, k = sch.get_loops(c)
    handles = SimpleNamespace(c=c, i=i, k=k, b=sch.get_reads(c)[1])
    before, script = sch.ir(), sch.script()
    with pytest.raises(StepwellError, match=PLACE + ".*" + error):
        call(sch, handles)
    assert (sch.ir(), sch.script()) == (before, script)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda i, j: (i, j * j), r"an affine map of \(i, j\), got one that combines them by '\*', '//' or '%'"),
        (lambda i, j: (i // j, j), r"an affine map of \(i, j\), got one that combines them by '\*', '//' or '%'"),
        (lambda i, j: (i / 2, j), r"an affine map of \(i, j\), got unsupported operand type"),
        (lambda i, j: (i // 0, j), "expected a quasi-affine expression"),
        (lambda i, j: "x", r"an affine map of \(i, j\), got 'x'"),
        (lambda i, j: (j, i.far), r"an affine map of \(i, j\), got .* has no attribute 'far'"),
        (lambda *dims: dims, r"expected a function with a parameter for each dimension, got \(dims\)"),
        (lambda i, j: i, "expected a layout that keeps the elements of dimension 1 apart"),
        (int, "expected an affine map, got <class 'int'>"),
    ],
)
def test_functions_that_are_no_maps(function: Callable[..., Any], error: str) -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    staged = sch.get_writes(sch.cache_read(c, sch.get_reads(c)[1], memory_space=""))[0]
    with pytest.raises(StepwellError, match=PLACE + ".*" + error):
        sch.transform_layout(staged, function)


def test_a_single_result_is_a_map() -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    staged = sch.get_writes(sch.cache_read(c, sch.get_reads(c)[1], memory_space=""))[0]
    sch.transform_layout(staged, lambda i, j: j * 8 + i)
    assert "affine_map<(d0, d1) -> (((d1 * 8) + d0))>" in sch.script()
    assert str(sch.root) == replayed(sch, matmul())
    a, b = np.random.default_rng(1).integers(-4, 5, (2, 16, 64)).astype(np.float32)
    a, b = a[:, :8].copy(), b[:8].copy()
    assert (sch.compile(threads=1, cache=False)(a, b) == a @ b).all()


def test_numbers_of_numpy_are_integers() -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    i, j, k = sch.get_loops(c)
    io, *_ = sch.tile([i, j], (np.int8(4), np.uint64(16)))
    sch.tile(loops=k, sizes=np.int32(4))
    sch.parallelize(io, np.int64(2))
    assert sch.knob("n", [np.int32(2), 4], np.int64(4)).number == 4
    assert "sched.tile %i, %j tile_sizes [4, 16]" in sch.script()
    assert str(sch.root) == replayed(sch, matmul())


def test_a_knob_is_its_first_option() -> None:
    sch = Schedule(matmul())
    i, *_ = sch.get_loops(sch.match_block("C"))
    sch.tile(i, sch.knob("rows", [4, 8]))
    assert 'tune.knob<"rows"> = 4 : i64 from options = [4 : i64, 8 : i64]' in sch.script()


@pytest.mark.parametrize(("multiples", "copies"), [([32, 48, 3], 3), ([16, 64, 16], 2), ([32, 64, 8], 2)])
def test_padding_gives_as_many_copies_as_there_are(multiples: list[int], copies: int) -> None:
    sch = Schedule(matmul())
    made = sch.pad(sch.match_block("C"), multiples)
    assert [len(copy.ops) for copy in made] == [1] * copies
    assert str(sch.root) == replayed(sch, matmul())
    other = Schedule(matmul())
    (one,) = other.pad(other.match_block("C"), multiples, results=1)
    assert len(one.ops) == copies


def test_handles_of_any_kind() -> None:
    sch = Schedule(matmul())
    c = sch.match_block("C")
    i, j, _ = sch.get_loops(c)
    a, b = sch.get_reads(c)
    buffers = sch.merge_handles(a, b)
    assert len(buffers.payload) == 2
    assert [list(each.payload) for each in sch.split_handle(buffers)] == [list(a.payload), list(b.payload)]
    again = sch.replicate(sch.merge_handles(i, j), c, a)
    assert [len(each.payload) for each in again] == [2, 2]
    sch.apply_cse(sch.get_kernel(c))
    assert str(sch.root) == replayed(sch, matmul())


def test_passes_are_operations() -> None:
    sch = Schedule(matmul())
    function = sch.get_kernel(sch.match_block("C"))
    after = sch.apply_registered_pass(function, "cse")
    assert [op.name for op in after.ops] == ["func.func"]
    assert 'transform.apply_registered_pass "cse" to %main' in sch.script()
    with pytest.raises(ScriptError, match="op uses a handle invalidated"):
        sch.apply_dce(function)
    a, b = np.random.default_rng(2).integers(-4, 5, (2, 16, 64)).astype(np.float32)
    a, b = a[:, :8].copy(), b[:8].copy()
    assert (sw.compile(schedule=sch, threads=1, cache=False)(a, b) == a @ b).all()
    assert (sw.compile(matmul(), schedule=sch, threads=1, cache=False)(a, b) == a @ b).all()


def test_a_schedule_is_compiled_for_its_target() -> None:
    sch = Schedule(matmul())
    with pytest.raises(ArgumentError, match="expected 'target' where the schedule is made"):
        sch.compile(target="llvm-cpu")
    with pytest.raises(ArgumentError, match="expected 'source' where the schedule is made"):
        sch.compile(source=matmul())


def argument(
    rng: random.Random, sch: Schedule, name: str, handles: dict[str, list[Handle]], op: type[IRDLOperation]
) -> Any:
    """Something for an operand, perhaps of the wrong kind."""
    operand = dict(op.get_irdl_definition().operands)[name]
    kind = "value" if "Value" in str(operand.constr) else "op"
    pool = handles["values"] if kind == "value" else handles[rng.choice(("loops", "loops", "blocks"))]
    if name in ("block", "target", "consumer", "producer"):
        pool = handles["blocks"]
    if not pool:
        return None
    if isinstance(operand, VarOperandDef):
        first = rng.randrange(len(pool))
        return pool[first : first + rng.choice((1, 1, 2, 3))]
    return None if isinstance(operand, OptOperandDef) and rng.random() < 0.5 else rng.choice(pool)


@pytest.mark.parametrize("seed", range(16))
def test_scripts_do_what_random_schedules_did(seed: int) -> None:
    rng = random.Random(seed)
    text = random_kernel(rng)[1]
    sch = Schedule(parse_kernel(text))
    accepted = 0
    for _ in range(12):
        block = sch.match_block(rng.choice(blocks_in(sch.root)).block_name)
        handles = {"blocks": [block], "loops": list(sch.get_loops(block)), "values": list(sch.get_reads(block))}
        op = rng.choice(PRIMITIVES)
        assert issubclass(op, IRDLOperation)
        before, script = str(sch.root), sch.script()
        keywords = {name: argument(rng, sch, name, handles, op) for name, _ in op.get_irdl_definition().operands}
        for name, known in op.get_irdl_definition().properties.items():
            if name.startswith("static_"):
                own = "sizes" if "sizes" in name else name.removeprefix("static_")
                count = len(keywords.get("loops") or [0])
                keywords[own] = [rng.choice((1, 2, 3, 4, 8)) for _ in range(count)] if "sizes" in name else None
            elif name == "permutation":
                count = len(keywords.get("loops") or (0, 1))
                keywords[name] = rng.sample(range(count), count)
            elif known.default_value is None and not type(known).__name__.startswith("Opt"):
                keywords.setdefault(name, rng.choice((1, "x", "local")))
        keywords.pop("operandSegmentSizes", None)
        try:
            getattr(sch, python_name(op.name))(**{name: value for name, value in keywords.items() if value is not None})
            accepted += 1
        except (ScheduleError, ScriptError):
            assert (str(sch.root), sch.script()) == (before, script)
    assert str(sch.root) == replayed(sch, parse_kernel(text))
    sch.root.verify()
    assert accepted or seed
