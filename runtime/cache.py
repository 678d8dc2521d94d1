"""Compiled code on disk, by what it was compiled from.

An entry is a file: a line that names the format, the checksum of all that follows, a header in JSON, and bytes. It is
written beside its place and moved there, so that there is a whole entry or none, whoever is killed when. What does not
read as an entry is none. The cache as a whole is bounded: what was not used for the longest time goes first.

Whatever cannot be read or written, a folder that is missing or not ours among it, means only that nothing is cached.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

Buffer: TypeAlias = "bytes | bytearray | memoryview | mmap.mmap"

MAGIC = b"stepwell-cache 2\n"
DIGEST_BYTES = 16
LIMIT = 1 << 30
"""How many bytes a cache holds by default."""
STALE_SECONDS = 3600
"""After this time a file that somebody was writing is left over from a process that was stopped."""

_KINDS = ("kernels", "programs", "data")


def checksum(*pieces: Buffer) -> str:
    """The checksum of some bytes, as hexadecimal digits."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def key_of(**facts: Any) -> str:
    """The key of an entry that depends on some facts, which are plain data."""
    return checksum(json.dumps(facts, sort_keys=True, ensure_ascii=True).encode())


@dataclass(frozen=True)
class Entry:
    """What is stored under a key: plain data, and bytes."""

    header: Mapping[str, Any]
    blobs: tuple[bytes, ...] = ()

    def pack(self, place: str = "") -> bytes:
        """The content of the entry's file, which belongs at `place` and nowhere else."""
        header = json.dumps({"header": self.header, "blobs": [len(blob) for blob in self.blobs]}).encode()
        content = b"".join((struct.pack("<I", len(header)), header, *self.blobs))
        return MAGIC + bytes.fromhex(checksum(place.encode(), content)) + content

    @staticmethod
    def unpack(data: bytes, place: str = "") -> Entry | None:
        """The entry in the content of the file at `place`, if it is the one that belongs there."""
        content = memoryview(data)[len(MAGIC) + DIGEST_BYTES :]
        stated = data[len(MAGIC) : len(MAGIC) + DIGEST_BYTES].hex()
        if not data.startswith(MAGIC) or stated != checksum(place.encode(), content):
            return None
        try:
            (length,) = struct.unpack_from("<I", content)
            described = json.loads(bytes(content[4 : 4 + length]))
            blobs: list[bytes] = []
            position = 4 + length
            for size in described["blobs"]:
                blobs.append(bytes(content[position : position + size]))
                position += size
            return Entry(described["header"], tuple(blobs))
        except (ValueError, KeyError, TypeError, struct.error):
            return None


class Cache:
    """A folder of entries, for any number of processes."""

    def __init__(self, folder: str | os.PathLike[str], limit: int = LIMIT):
        self.folder = Path(folder)
        self.limit = limit

    def path(self, kind: str, key: str) -> Path:
        """Where an entry is, if it is there."""
        return self.folder / kind / key

    def get(self, kind: str, key: str) -> Entry | None:
        """The entry of a key."""
        path = self.path(kind, key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        entry = Entry.unpack(data, f"{kind}/{key}")
        if entry is not None:
            _touch(path)
        return entry

    def put(self, kind: str, key: str, entry: Entry) -> bool:
        """Stores an entry, in place of what was there."""
        return self._write(kind, key, (entry.pack(f"{kind}/{key}"),))

    def get_data(self, key: str) -> mmap.mmap | None:
        """Large data whose checksum is the key, mapped into memory."""
        path = self.path("data", key)
        data = map_file(path)
        if data is None or checksum(data) != key:
            return None
        _touch(path)
        return data

    def put_data(self, key: str, pieces: Sequence[Buffer]) -> bool:
        """Stores large data under its checksum, if it is not there."""
        if self.get_data(key) is not None:
            return True
        return self._write("data", key, pieces)

    def discard(self, kind: str, key: str) -> None:
        """Removes an entry."""
        with suppress(OSError):
            self.path(kind, key).unlink()

    def _write(self, kind: str, key: str, pieces: Iterable[Buffer]) -> bool:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path(kind, key), pieces)
        except OSError:
            return False
        return True

    def trim(self) -> None:
        """Removes what was not used for the longest time until the cache is within its limit, and leftovers."""
        entries: list[tuple[float, int, str]] = []
        now = time.time()
        for path, stat in self._files():
            if ".tmp-" in os.path.basename(path):
                if now - stat.st_mtime > STALE_SECONDS:
                    _remove(path)
                continue
            entries.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in entries)
        if total <= self.limit:
            return
        for _, size, path in sorted(entries):
            _remove(path)
            total -= size
            # Room for a while.
            if total <= self.limit * 0.8:
                return

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for kind in _KINDS:
            with suppress(OSError), os.scandir(self.folder / kind) as entries:
                for entry in entries:
                    with suppress(OSError):
                        yield entry.path, entry.stat(follow_symlinks=False)


def _touch(path: Path) -> None:
    with suppress(OSError):
        os.utime(path)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def write_whole(path: Path, pieces: Iterable[Buffer]) -> None:
    """Writes a file such that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # With the permissions of any new file, which tempfile does not give.
    name = f"{path}.tmp-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            for piece in pieces:
                file.write(piece)
        os.replace(name, path)
    except BaseException:
        _remove(name)
        raise


def map_file(path: Path) -> mmap.mmap | None:
    """A file's content in memory, read when it is used."""
    try:
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None


def default_cache() -> Cache | None:
    """The user's own cache; None where there is no home for it."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    return Cache(Path(base) / "stepwell") if os.path.isabs(base) else None


def find_cache(cache: bool | str | os.PathLike[str] | Cache | None) -> Cache | None:
    """The cache that an argument asks for: the user's own, one in a folder, or none."""
    if cache is True:
        return default_cache()
    if cache is False or cache is None:
        return None
    return cache if isinstance(cache, Cache) else Cache(cache)
