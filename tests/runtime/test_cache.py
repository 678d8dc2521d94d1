"""The cache on disk: what it gives back is what was put there, or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stepwell.runtime.cache import STALE_SECONDS, Cache, Entry, checksum, default_cache, find_cache, key_of, write_whole

ENTRY = Entry({"answer": 42, "names": ["a", "b"]}, (b"code", b"", bytes(range(256))))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_entries_are_found_again(cache: Cache) -> None:
    assert cache.get("kernels", "k") is None
    assert cache.put("kernels", "k", ENTRY)
    assert cache.get("kernels", "k") == ENTRY
    assert cache.get("programs", "k") is None
    assert cache.put("kernels", "k", Entry({}))
    assert cache.get("kernels", "k") == Entry({})


def test_data_is_mapped(cache: Cache) -> None:
    key = checksum(b"some", b"data")
    assert cache.get_data(key) is None
    assert cache.put_data(key, (b"some", b"data"))
    found = cache.get_data(key)
    assert found is not None
    assert found[:] == b"somedata"
    cache.path("data", key).write_bytes(b"somedat_")
    assert cache.get_data(key) is None


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    packed = ENTRY.pack()
    assert Entry.unpack(packed) == ENTRY
    kind = data.draw(st.sampled_from(["cut", "flip", "insert"]))
    place = data.draw(st.integers(0, len(packed) - 1))
    if kind == "cut":
        damaged = packed[:place]
    elif kind == "flip":
        damaged = packed[:place] + bytes([packed[place] ^ data.draw(st.integers(1, 255))]) + packed[place + 1 :]
    else:
        damaged = packed[:place] + data.draw(st.binary(min_size=1, max_size=9)) + packed[place:]
        if damaged == packed:
            return
    assert Entry.unpack(damaged) is None


@pytest.mark.parametrize("content", [b"", b"hello", b"stepwell-cache 1\n", b"stepwell-cache 2\n" + bytes(64)])
def test_what_is_no_entry_is_replaced(cache: Cache, content: bytes) -> None:
    cache.put("kernels", "k", ENTRY)
    cache.path("kernels", "k").write_bytes(content)
    assert cache.get("kernels", "k") is None
    cache.put("kernels", "k", ENTRY)
    assert cache.get("kernels", "k") == ENTRY


def test_a_folder_where_an_entry_should_be_is_none(cache: Cache) -> None:
    cache.path("kernels", "k").mkdir(parents=True)
    assert cache.get("kernels", "k") is None
    assert not cache.put("kernels", "k", ENTRY)


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=10_000)
    for number in range(10):
        cache.put("kernels", str(number), Entry({}, (bytes(1500),)))
        os.utime(cache.path("kernels", str(number)), (number, number))
    # It is used now.
    assert cache.get("kernels", "0") is not None
    cache.trim()
    left = sorted(path.name for path in (tmp_path / "kernels").iterdir())
    assert left == ["0", "6", "7", "8", "9"]
    assert sum(path.stat().st_size for path in (tmp_path / "kernels").iterdir()) <= 10_000


def test_leftovers_go(cache: Cache) -> None:
    cache.put("kernels", "k", ENTRY)
    old, new = (cache.folder / "kernels" / f"k.tmp-{name}" for name in ("old", "new"))
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    past = time.time() - STALE_SECONDS - 10
    os.utime(old, (past, past))
    cache.trim()
    assert not old.exists()
    assert new.exists()
    assert cache.get("kernels", "k") == ENTRY


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, (b"old",))

    def pieces():
        yield b"new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(path, pieces())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_folder_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache("/dev/null/cache")
    assert not cache.put("kernels", "k", ENTRY)
    assert not cache.put_data("k", (b"data",))
    assert cache.get("kernels", "k") is None
    cache.trim()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment is asked when a cache is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    found = default_cache()
    assert found is not None
    assert found.folder == tmp_path / "xdg" / "stepwell"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = find_cache(True)
    assert found is not None
    assert found.folder == tmp_path / ".cache" / "stepwell"
    assert find_cache(False) is None
    given = find_cache(tmp_path)
    assert given is not None
    assert given.folder == tmp_path
    assert find_cache(given) is given


def test_keys_tell_facts_apart() -> None:
    keys = {key_of(), key_of(a=1), key_of(a="1"), key_of(b=1), key_of(a=[1, 2]), key_of(a=[12]), key_of(a={"b": 1})}
    assert len(keys) == 7
    assert key_of(a=1, b=2) == key_of(b=2, a=1)


WRITER = """
import sys
from stepwell.runtime.cache import Cache, Entry
cache = Cache(sys.argv[1])
while True:
    for number in range(4):
        cache.put("kernels", str(number), Entry({"number": number}, (bytes([number]) * 300_000,)))
"""


def test_writers_that_are_killed_leave_whole_entries(cache: Cache) -> None:
    for delay in (0.15, 0.22, 0.31):
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(cache.folder)]) for _ in range(2)]
        deadline = time.monotonic() + 20
        while not cache.path("kernels", "3").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        end = time.monotonic() + delay
        while time.monotonic() < end:
            for number in range(4):
                entry = cache.get("kernels", str(number))
                assert entry is None or entry.blobs == (bytes([number]) * 300_000,)
        for writer in writers:
            writer.kill()
            writer.wait()
        for number in range(4):
            entry = cache.get("kernels", str(number))
            assert entry == Entry({"number": number}, (bytes([number]) * 300_000,))


def test_an_entry_belongs_to_its_key(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.put("kernels", "one", ENTRY)
    shutil.copy(cache.path("kernels", "one"), cache.path("kernels", "other"))
    assert cache.get("kernels", "one") == ENTRY
    assert cache.get("kernels", "other") is None


def test_damaged_data_is_replaced(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    key = checksum(b"weights")
    assert cache.put_data(key, [b"weights"])
    cache.path("data", key).write_bytes(b"Weights")
    assert cache.get_data(key) is None
    assert cache.put_data(key, [b"wei", b"ghts"])
    data = cache.get_data(key)
    assert data is not None and data[:] == b"weights"
