"""Programs as plain data: weights of every type, folders that are complete or refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import stepwell as sw
from stepwell import te
from stepwell.errors import ArgumentError
from stepwell.runtime.artifact import ALIGNMENT, Array, read_weights, weight_pieces
from stepwell.runtime.executable import Executable
from stepwell.runtime.signature import Parameter
from stepwell.tools.driver import compile

DTYPES = [
    "float16",
    "float32",
    "float64",
    "bool",
    *(f"{sign}int{width}" for sign in ("u", "") for width in (8, 16, 32, 64)),
]


def arrays(dtype: str) -> list[Array]:
    return [
        np.arange(7).astype(dtype),
        np.ones((), dtype),
        np.ones((0, 3), dtype),
        np.asfortranarray(np.arange(12).reshape(3, 4).astype(dtype)),
        np.zeros((0,), dtype),
    ]


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_weights_are_read_as_they_were(dtype: str) -> None:
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
        given = [np.arange(6, dtype=np.float32).astype(Parameter("w", dtype, ()).numpy_dtype)]
    else:
        given = arrays(dtype)
    pieces, offsets = weight_pieces(given)
    data = b"".join(pieces)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    parameters = [Parameter(f"w{i}", dtype, array.shape, "constant") for i, array in enumerate(given)]
    for array, found in zip(given, read_weights(data, offsets, parameters), strict=True):
        assert found.dtype == array.dtype
        assert found.shape == array.shape
        np.testing.assert_array_equal(found, array)


def test_weights_of_another_size_are_refused() -> None:
    pieces, offsets = weight_pieces([np.zeros(4, np.float32)])
    with pytest.raises(ValueError, match="buffer"):
        read_weights(b"".join(pieces), offsets, [Parameter("w", "float32", (1000,), "constant")])


def program(factor: float, size: int = 8) -> Executable:
    x = te.placeholder((size,), "float32", name="x")
    found = compile([x, te.compute((size,), lambda i: x[i] * factor, name="y")])
    assert isinstance(found, Executable)
    return found


def test_a_folder_is_written_again(tmp_path: Path) -> None:
    x = np.arange(8, dtype=np.float32)
    (tmp_path / "mine.txt").write_text("not yours")
    for factor in (2.0, 3.0, 3.0):
        program(factor).save(tmp_path)
        np.testing.assert_array_equal(sw.load(tmp_path)(x), factor * x)
    # Nothing of the first is left, and nothing else is touched.
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".bin", ".json", ".o", ".txt"]


def test_a_program_that_is_loaded_is_there_when_its_folder_is_not(tmp_path: Path) -> None:
    x = np.arange(8, dtype=np.float32)
    program(2.0).save(tmp_path / "out")
    loaded = sw.load(tmp_path / "out")
    program(3.0).save(tmp_path / "out")
    np.testing.assert_array_equal(loaded(x), 2 * x)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "is not a saved program"),
        ("{}", "the manifest lacks 'version'"),
        ('{"version": 1}', "expected format version 3, got 1"),
        ('{"version": 3}', "the manifest lacks 'target'"),
        ("\x00", "is not a saved program"),
    ],
)
def test_manifests_that_are_none(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ArgumentError, match=message):
        sw.load(tmp_path)


def test_every_change_of_a_manifest_is_noticed(tmp_path: Path) -> None:
    """What the code relies on, such as shapes, is what it was compiled for."""
    program(2.0).save(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    for key in manifest.keys() - {"version", "target"}:
        changed = {**manifest, key: None}
        path.write_text(json.dumps(changed))
        with pytest.raises(ArgumentError):
            sw.load(tmp_path)
    manifest["parameters"][0]["shape"] = [800]
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArgumentError, match="manifest.json is not as it was written"):
        sw.load(tmp_path)


def test_files_stay_in_the_folder(tmp_path: Path) -> None:
    from stepwell.runtime.artifact import _manifest_checksum  # pyright: ignore[reportPrivateUsage]

    program(2.0).save(tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    (tmp_path / "outside.o").write_bytes((tmp_path / "out" / manifest["objects"][0]["file"]).read_bytes())
    manifest["objects"][0]["file"] = "../outside.o"
    manifest["checksum"] = _manifest_checksum(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArgumentError, match="expected the name of a file in the folder"):
        sw.load(tmp_path / "out")


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "out", Path("/dev/null/out")):
        with pytest.raises(ArgumentError, match="cannot write"):
            program(2.0).save(place)


def test_a_place_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"cannot read '.*manifest.json': No such file or directory"):
        sw.load(tmp_path / "nowhere")


def test_saves_and_loads_at_the_same_time_do_not_meet(tmp_path: Path) -> None:
    programs = [program(2.0), program(3.0, size=16)]
    programs[0].save(tmp_path / "out")

    def work(number: int) -> None:
        for _ in range(20):
            if number < 2:
                programs[number].save(tmp_path / "out")
            else:
                assert len(sw.load(tmp_path / "out").input_names) == 1

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(4)]:
            done.result()
    sw.load(tmp_path / "out")
