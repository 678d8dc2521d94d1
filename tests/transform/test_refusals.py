"""A refusal leaves the payload bit for bit as it was, and says why."""

import pytest
from stepwell.errors import ScheduleError
from stepwell.transform.diagnostics import Refusal
from stepwell.transform.script import parse_script
from xdsl.utils.exceptions import VerifyException

from .kernels import CHAIN, CHAIN_HANDLES, MATMUL, MATMUL_HANDLES, parse, run

REFUSED = [
    (MATMUL, '%x = sched.match_block "D" in %root : (!op) -> !op', "expected a block named 'D', got reduce0, C"),
    (CHAIN, '%x = sched.match_block "sqare" in %root : (!op) -> !op', "did you mean 'square'?"),
    (CHAIN, '%x = sched.match_kernel "chian" in %root : (!op) -> !op', "got chain; did you mean 'chain'?"),
    (MATMUL, "%x, %y = sched.get_loops %c : (!op) -> (!op, !op)", "expected 3 results, one for each loop, or a single"),
    (MATMUL, "%x:5 = sched.get_loops %c {rest = 0} : (!op) -> (!op, !op, !op, !op, !op)", "at least 4 loops, got 3"),
    (CHAIN, "%x:4 = sched.get_contraction_loops %p : (!op) -> (!op, !op, !op, !op)", "got block 'map0'"),
    (CHAIN, "%x:2 = sched.get_contraction_inputs %p : (!op) -> (!value, !value)", "got block 'map0'"),
    (
        CHAIN,
        f"%x:5 = sched.get_tile_loops %p in %c : (!op, !op) -> ({', '.join(['!op'] * 5)})",
        "two dimensions to tile",
    ),
    (
        MATMUL,
        "%k2 = sched.get_consumers %c : (!op) -> !op\n"
        f"%x:5 = sched.get_tile_loops %c in %k2 : (!op, !op) -> ({', '.join(['!op'] * 5)})",
        "expected a handle to exactly one loop.block, got 0",
    ),
    (
        MATMUL,
        "%none = sched.get_consumers %c : (!op) -> !op\n"
        "%x:3 = sched.get_row_loops %none in %c : (!op, !op) -> (!op, !op, !op)",
        "expected a reduction before 'reduce0', got none",
    ),
    (CHAIN, "%x = sched.get_stride %c, %B along %p : (!op, !value, !op) -> !param", "expected a handle to loop.for"),
    (MATMUL, "%x = sched.split_reduction %c at %i : (!op, !op) -> !op", "expected a loop of a reduce iterator"),
    (CHAIN, 'sched.match.structure "contraction", %p : !op', "expected a contraction, got block 'map0'"),
    (CHAIN, 'sched.match.structure "any", %p {reduce = 1} : !op', "expected 1 reduce iterators, got 0"),
    (CHAIN, 'sched.match.structure "any", %p {rank = 3} : !op', "expected to write a buffer of rank 3, got 2"),
    (CHAIN, 'sched.match.structure "any", %p {element_type = f16} : !op', "expected to write f16, got f32"),
    (MATMUL, 'sched.match.structure "any", %c {constant = array<i64: 0>} : !op', "expected input #0 to be a constant"),
    (MATMUL, 'sched.match.structure "any", %i : !op', "expected loop.block, got loop.for"),
    (MATMUL, "sched.match.contiguous %k : !op", "expected accesses that move by 0 or 1 element an iteration"),
    (MATMUL, '%x = sched.target_query "vector_byte" : !param', "did you mean 'vector_bytes'?"),
    (
        CHAIN,
        '%x = sched.target_query "threads" : !param',
        "expected a module with a target to ask for 'threads', got none",
    ),
    (MATMUL, "%x = sched.get_extent %c : (!op) -> !param", "expected a handle to loop.for, got loop.block"),
    (MATMUL, "%n = sched.get_extent %i : (!op) -> !param\nsched.constrain %n gt 6 : !param", "expected 6 gt 6"),
    (
        MATMUL,
        "%n = sched.get_extent %i : (!op) -> !param\nsched.constrain 4 divides %n : !param",
        "expected 4 divides 6",
    ),
    (
        MATMUL,
        "%n = sched.get_extent %i : (!op) -> !param\n%m = sched.param mod %n, 0 : (!param) -> !param",
        "a positive",
    ),
    (MATMUL, "%x:2 = sched.tile %i tile_sizes [0] : (!op) -> (!op, !op)", "expected a positive tile size, got 0"),
    (
        MATMUL,
        '%x:2 = sched.tile %i tile_sizes [4] {tail = "exact"} : (!op) -> (!op, !op)',
        "divides the extent 6, got 4",
    ),
    (
        MATMUL,
        "%x:2 = sched.tile %i, %j tile_sizes [4] : (!op, !op) -> (!op, !op)",
        "expected 2 tile sizes, one for each loop",
    ),
    (
        MATMUL,
        "sched.interchange %i, %j permutation = [2, 1, 0] : (!op, !op) -> ()",
        "expected 3 loops to permute, got 2",
    ),
    (MATMUL, "sched.vectorize %k : !op", "vectorize"),
    (MATMUL, "sched.parallelize %k : !op", "parallelize"),
    (MATMUL, "sched.parallelize %i grain = 0 : !op", "expected a positive grain, got 0"),
    (MATMUL, "sched.unroll %i, %j, %i : !op, !op, !op", "expected a serial loop"),
    (MATMUL, "sched.compute_inline %c : !op", "inline"),
    (
        MATMUL,
        "%b = transform.merge_handles %A, %B : !value\n%x = sched.cache_read %c, %b : (!op, !value) -> !op",
        "exactly one",
    ),
    (
        MATMUL,
        "%x = sched.decompose_reduction %c at %j : (!op, !op) -> !op\n"
        '%y = transform.cast %x : !op to !transform.op<"x">',
        "incompatible payload operation name",
    ),
    (CHAIN, "sched.compute_at %p into %i : !op, !op", "expected a loop that 'map0' is not in"),
    (CHAIN, "sched.reverse_compute_at %c into %k : !op, !op", "map1"),
    (
        MATMUL,
        "%x = sched.param add 1, 2 : () -> !param\n%y = transform.merge_handles %x, %x : !param\n"
        "%n:2 = sched.tile %i tile_sizes [%y] : (!op, !param) -> (!op, !op)",
        "expected a param with exactly one value, got 2",
    ),
]


@pytest.mark.parametrize(("payload", "step", "message"), REFUSED, ids=[row[1][:40] for row in REFUSED])
def test_refused(payload: str, step: str, message: str) -> None:
    module = parse(payload)
    handles = CHAIN_HANDLES if payload is CHAIN else MATMUL_HANDLES
    guarded = "decompose" not in step
    before = str(module)
    with pytest.raises(ScheduleError) as caught:
        run(module, handles + step)
    assert isinstance(caught.value, Refusal)
    assert message in str(caught.value)
    assert str(caught.value).startswith("script.mlir:")
    if guarded:
        assert str(module) == before
    module.verify()


def test_a_refusal_underlines_the_payload() -> None:
    with pytest.raises(ScheduleError) as caught:
        run(parse(MATMUL), MATMUL_HANDLES + "sched.vectorize %k : !op")
    lines = str(caught.value).splitlines()
    mark = next(i for i, line in enumerate(lines) if line.lstrip().startswith("^"))
    assert lines[mark - 1].strip() == "loop.for %k : 8 {"
    assert lines[mark + 1].strip() == "| payload op at payload.mlir:6:7"


def test_suppressed_refusals_end_the_sequence() -> None:
    module = parse(MATMUL)
    run(
        module,
        MATMUL_HANDLES
        + """
        transform.sequence %j : !op failures(suppress) {
        ^bb0(%loop: !op):
          sched.unroll %loop : !op
          sched.vectorize %loop : !op
          transform.annotate %loop "reached" : !op
        }
        """,
    )
    assert "16 unrolled" in str(module)
    assert "reached" not in str(module)


def test_alternatives_that_change_nothing_leave_the_payload_alone() -> None:
    module = parse(MATMUL)
    before = list(module.walk())
    run(
        module,
        MATMUL_HANDLES
        + """
        %n = sched.get_extent %i : (!op) -> !param
        transform.alternatives %f : !op {
        ^bb0(%scope: !op):
          sched.constrain %n gt 6 : !param
        }, {
        ^bb0(%scope: !op):
        }
        """,
    )
    assert all(a is b for a, b in zip(before, module.walk(), strict=True))


def test_alternatives_undo_what_was_done() -> None:
    module = parse(MATMUL)
    run(
        module,
        MATMUL_HANDLES
        + """
        %new = transform.alternatives %f : !op -> !op {
        ^bb0(%scope: !op):
          %block = sched.match_block "C" in %scope : (!op) -> !op
          %ls:3 = sched.get_loops %block : (!op) -> (!op, !op, !op)
          %t:2 = sched.tile %ls#0 tile_sizes [4] : (!op) -> (!op, !op)
          sched.vectorize %ls#2 : !op
          transform.yield %scope : !op
        }, {
        ^bb0(%scope: !op):
          transform.yield %scope : !op
        }
        """,
    )
    expected = parse(MATMUL)
    for func in (op for op in module.walk() if op.name == "func.func"):
        func.attributes.clear()
    assert str(module) == str(expected)


SCRIPT = """transform.named_sequence @s(%r: !transform.any_op {{transform.readonly}}) {{
  {0}
}}
"""

INVALID = [
    (
        "%x = sched.cache_read %r, %r : (!transform.any_op, !transform.any_op) -> !transform.any_op",
        "3:8: 'sched.cache_read' op: expected a handle to values such as buffers (!transform.any_value) as operand "
        "'buffer', got !transform.any_op",
    ),
    ("sched.unroll %r : !transform.any_param", "3:3: 'sched.unroll' op: expected a handle to operations"),
    ("sched.unroll :", "3:3: 'sched.unroll' op: expected at least one loop, got none"),
    ('"sched.unroll"() : () -> ()', "3:3: 'sched.unroll' op: expected at least one loop, got none"),
]


@pytest.mark.parametrize(("step", "message"), INVALID)
def test_a_script_that_does_not_verify_is_underlined(step: str, message: str) -> None:
    with pytest.raises(VerifyException) as caught:
        parse_script("\n" + SCRIPT.format(step), "wrong.mlir")
    place, _, what = message.partition(" ")
    lines = str(caught.value).splitlines()
    assert lines[0] == f"wrong.mlir:{place.removesuffix(':')}"
    assert lines[1] == f"  {step}"
    assert what in lines[3]
    column = int(place.split(":")[1]) - 1
    assert lines[2].index("^") == column
    assert lines[1][column:].strip('"').startswith("sched.")
