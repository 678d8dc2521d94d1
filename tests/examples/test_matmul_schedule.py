"""The example's script fits any matmul, and each prefix of it is a schedule."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from stepwell import te
from stepwell.te.tensors import Tensor
from stepwell.tools import driver

SCHEDULE = Path(__file__).parents[2] / "examples" / "schedules" / "matmul.mlir"


def matmul(m: int, n: int, k: int) -> list[Tensor]:
    a = te.placeholder((m, k), "float32", name="A")
    b = te.placeholder((k, n), "float32", name="B")
    r = te.reduce_axis(k, name="k")
    return [a, b, te.compute((m, n), lambda i, j: te.sum(a[i, r] * b[r, j], axis=r), name="C")]


def check(m: int, n: int, k: int, schedule: Path) -> None:
    exe = driver.compile(matmul(m, n, k), schedule=schedule, threads=1)
    generator = np.random.default_rng(0)
    a = generator.integers(-4, 5, (m, k)).astype(np.float32)
    b = generator.integers(-4, 5, (k, n)).astype(np.float32)
    np.testing.assert_array_equal(exe(a, b), a @ b)


def test_it_is_short() -> None:
    assert len(SCHEDULE.read_text("utf-8").splitlines()) <= 40


@pytest.mark.parametrize(
    "size", [(64, 64, 64), (6, 64, 1), (1, 1, 1), (5, 7, 3), (127, 109, 51), (12, 128, 30), (13, 65, 9), (7, 700, 600)]
)
def test_it_fits_any_size(size: tuple[int, int, int]) -> None:
    check(*size, SCHEDULE)


@pytest.mark.parametrize("step", ["tile", "reorder", "vectorize", "unroll", "cache_write", "pack"])
def test_prefixes_are_schedules(step: str, tmp_path: Path) -> None:
    before, main, body = SCHEDULE.read_text("utf-8").partition("@__transform_main")
    head, step_name, rest = body.partition(f".{step} ")
    script = tmp_path / "prefix.mlir"
    script.write_text(
        before + main + head + step_name + rest.splitlines()[0] + "\n transform.yield\n }\n}\n", encoding="utf-8"
    )
    check(13, 70, 9, script)


def test_no_guard_is_left() -> None:
    text = str(driver.lower(matmul(127, 509, 51), schedule=SCHEDULE, until="loop-expand"))
    assert "vector.fma" in text
    for guard in ("affine.if", "scf.if", "min "):
        assert guard not in text
    # The columns that are left of a tile are lanes that are known to run: nothing decides it.
    lanes = set(re.findall(r"vector.create_mask (%\w+)", text))
    assert [re.findall(rf"{lane} = (.*)", text) for lane in lanes] == [[f"arith.constant {509 % 32} : index"]]


def test_no_mask_is_left_where_tiles_are_full() -> None:
    text = str(driver.lower(matmul(126, 512, 51), schedule=SCHEDULE, until="loop-expand"))
    for guard in ("affine.if", "scf.if", "min ", "mask"):
        assert guard not in text
