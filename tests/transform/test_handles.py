"""Which handles each operation kills: exactly those to what it erased, or what upstream's rule says."""

import pytest
from stepwell.backends.registry import make_context, pass_registry
from stepwell.errors import ScriptError
from stepwell.passes.pass_manager import PassRunner
from stepwell.transform.interpreter import apply_script

from .kernels import CHAIN, CHAIN_HANDLES, MATMUL, MATMUL_HANDLES, parse, run, script

USE = {
    "!op": 'transform.annotate %{} "used" : !op',
    "!value": "%u = transform.get_type %{} : (!value) -> !transform.type",
}
CHAIN_TYPES = {"p": "!op", "c": "!op", "i": "!op", "j": "!op", "k": "!op", "l": "!op", "f": "!op", "B": "!value"}
MATMUL_TYPES = {"c": "!op", "i": "!op", "j": "!op", "k": "!op", "f": "!op", "A": "!value", "B": "!value", "C": "!value"}

TABLE = [
    ("tile", MATMUL, "%0:4 = sched.tile %i, %j tile_sizes [2, 4] : (!op, !op) -> (!op, !op, !op, !op)", "ij"),
    ("tile one", MATMUL, "%0:2 = sched.tile %k tile_sizes [3] : (!op) -> (!op, !op)", "k"),
    ("interchange", MATMUL, "sched.interchange %i, %j, %k permutation = [2, 0, 1] : (!op, !op, !op) -> ()", ""),
    ("reorder", MATMUL, "sched.reorder %k, %j, %i : !op, !op, !op", ""),
    ("coalesce", MATMUL, "%0 = sched.coalesce %i, %j : (!op, !op) -> !op", "ij"),
    ("coalesce one", MATMUL, "%0 = sched.coalesce %i : (!op) -> !op", ""),
    ("unroll", MATMUL, "sched.unroll %k : !op", ""),
    ("vectorize", MATMUL, "sched.vectorize %j : !op", ""),
    ("parallelize", MATMUL, "sched.parallelize %i : !op", ""),
    ("peel", MATMUL, "sched.peel %i, %j : !op, !op", ""),
    ("cache_read", MATMUL, "%0 = sched.cache_read %c, %B at %i : (!op, !value, !op) -> !op", ""),
    ("cache_write", MATMUL, "%0 = sched.cache_write %c at %j : (!op, !op) -> !op", ""),
    ("decompose_reduction", MATMUL, "%0 = sched.decompose_reduction %c at %k : (!op, !op) -> !op", ""),
    ("compute_at", CHAIN, "sched.compute_at %p into %k : !op, !op", "ij"),
    ("reverse_compute_at", CHAIN, "sched.reverse_compute_at %c into %i : !op, !op", "kl"),
    ("compute_inline", CHAIN, "sched.compute_inline %p : !op", "pijB"),
    ("annotate", CHAIN, 'transform.annotate %i "x" : !op', ""),
    ("print", CHAIN, "transform.print %f {skip_regions} : !op", ""),
    ("pass", CHAIN, '%0 = transform.apply_registered_pass "cse" to %f : (!op) -> !op', "pcijklfB"),
    (
        "pass on a loop's function",
        MATMUL,
        '%0 = transform.apply_registered_pass "cse" to %f : (!op) -> !op',
        "cijkfABC",
    ),
    ("alternatives", CHAIN, "transform.alternatives %f : !op {\n^bb0(%s: !op):\n}", "pcijklfB"),
]


@pytest.mark.parametrize(("name", "payload", "step", "dead"), TABLE, ids=[row[0] for row in TABLE])
def test_exactly_these_handles_die(name: str, payload: str, step: str, dead: str) -> None:
    handles, types = (CHAIN_HANDLES, CHAIN_TYPES) if payload is CHAIN else (MATMUL_HANDLES, MATMUL_TYPES)
    survivors = ""
    messages: set[str] = set()
    for handle, type_ in types.items():
        module = parse(payload)
        text = f"{handles}\n{step}\n{USE[type_].format(handle)}"
        try:
            apply_script(script(text), module, passes=PassRunner(make_context(), pass_registry()))
            survivors += handle
        except ScriptError as error:
            messages.add(error.args[0])
        module.verify()
    assert messages <= {"op uses a handle invalidated by a previously executed transform op"}
    assert survivors == "".join(handle for handle in types if handle not in dead)


def test_a_dead_handle_may_stay_unused() -> None:
    run(parse(MATMUL), MATMUL_HANDLES + "%0:2 = sched.tile %k tile_sizes [3] : (!op) -> (!op, !op)")


def test_a_message_names_the_lines_and_the_payload() -> None:
    body = MATMUL_HANDLES + "%0:2 = sched.tile %k tile_sizes [3] : (!op) -> (!op, !op)\nsched.unroll %k : !op"
    with pytest.raises(ScriptError) as caught:
        run(parse(MATMUL), body)
    lines = str(caught.value).splitlines()
    assert lines[0] == "script.mlir:14:1: op uses a handle invalidated by a previously executed transform op"
    assert lines[1] == "  in script: sched.unroll %k : !transform.any_op"
    assert lines[2].startswith("  note: handle to invalidated ops: script.mlir:9:1: %i, %j, %k = sched.get_loops %c")
    assert "which erased the payload op: script.mlir:13:1: %0, %1 = sched.tile" in lines[3]
    assert lines[4] == "  note: erased payload op: payload.mlir:6:7: loop.for %k : 8"


@pytest.mark.parametrize("handle", ["%both", "%i, %i"])
def test_a_handle_lists_what_it_erases_once(handle: str) -> None:
    both = "%both = transform.merge_handles %i, %i : !op\n" if handle == "%both" else ""
    count = handle.count("%")
    types = ", ".join(["!op"] * count)
    payload = parse(MATMUL)
    before = str(payload)
    with pytest.raises(Exception, match="more than once|once"):
        run(payload, MATMUL_HANDLES + both + f"%0 = sched.coalesce {handle} : ({types}) -> !op")
    assert str(payload) == before


def test_blocks_live_through_a_whole_schedule() -> None:
    payload = parse(MATMUL)
    run(
        payload,
        MATMUL_HANDLES
        + """
        %io, %jo, %ii, %ji = sched.tile %i, %j tile_sizes [2, 8] : (!op, !op) -> (!op, !op, !op, !op)
        sched.reorder %k, %ii, %ji : !op, !op, !op
        %out = sched.cache_write %c at %jo : (!op, !op) -> !op
        %init = sched.decompose_reduction %c at %k : (!op, !op) -> !op
        sched.vectorize %ji : !op
        sched.unroll %ii : !op
        sched.parallelize %io grain = 2 : !op
        sched.peel %jo : !op
        transform.annotate %c "alive" : !op
        transform.annotate %out "alive" : !op
        transform.annotate %init "alive" : !op
        """,
    )
    assert str(payload).count("alive") == 3
