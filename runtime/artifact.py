"""Compiled programs as plain data: in a folder that `Executable.save` writes, and in the cache.

A folder holds a manifest, an object file for each kernel and one for the rest, and the weights in one file that is
mapped into memory, each at a multiple of 64 bytes. File names carry the checksum of their content, and the manifest is
written last: a folder is the program that was saved before or the one that is saved now, at any moment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

try:
    import fcntl
except ModuleNotFoundError:  # not on Windows
    fcntl = None

from ..errors import ArgumentError, StepwellError
from .cache import Buffer, Cache, Entry, checksum, map_file, write_whole
from .loader import check_host
from .signature import Parameter, Signature

FORMAT = "stepwell program"
FORMAT_VERSION = 3
MANIFEST = "manifest.json"
ALIGNMENT = 64
"""What weights start at multiples of."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Kernel:
    """A kernel of a program."""

    name: str
    """The symbol of its code."""
    hash: str
    """What is equal for equal kernels, before they are scheduled."""
    calls: int
    """How often the program calls it."""
    description: str
    """Its operators, and the shapes of what it takes and gives."""
    schedule: str = ""
    """Whose script scheduled it, if there was a database: `tuned`, `nearest` and a hash, `shipped` or `given`."""

    def __str__(self) -> str:
        return f"{self.hash}  {self.calls:3} x  {self.description}"


@dataclass(frozen=True)
class CompiledCode:
    """Native code and what has to be known to call it."""

    objects: Mapping[str, bytes]
    """Object files by name, to be linked with each other."""
    signature: Signature
    target: Mapping[str, str] = field(default_factory=dict[str, str])
    """The triple, CPU and features that the code was compiled for."""
    has_parallel_loops: bool = False
    constants: tuple[Array, ...] = ()
    """The data of the parameters that are constants, in their order."""
    kernels: tuple[Kernel, ...] = ()
    weights_checksum: str = ""
    """The checksum of the file of the constants, where it is known."""


# programs as plain data


def describe(compiled: CompiledCode) -> dict[str, Any]:
    """All that is to know of a program but its code and weights."""
    return {
        **describe_signature(compiled.signature),
        "target": dict(compiled.target),
        "has_parallel_loops": compiled.has_parallel_loops,
        "kernels": [asdict(kernel) for kernel in compiled.kernels],
    }


def describe_signature(signature: Signature) -> dict[str, Any]:
    """A signature as plain data."""
    return {
        "entry": signature.entry,
        "parameters": [asdict(parameter) for parameter in signature.parameters],
        "live_bytes": signature.live_bytes,
    }


def from_description(
    described: Mapping[str, Any], objects: Mapping[str, bytes], constants: Sequence[Array], weights_checksum: str
) -> CompiledCode:
    """The program that a description is of."""
    return CompiledCode(
        objects,
        signature_of(described),
        dict(described["target"]),
        bool(described["has_parallel_loops"]),
        tuple(constants),
        tuple(Kernel(k["name"], k["hash"], k["calls"], k["description"], k["schedule"]) for k in described["kernels"]),
        weights_checksum,
    )


def signature_of(described: Mapping[str, Any]) -> Signature:
    """The signature in a description."""
    parameters = tuple(Parameter(p["name"], p["dtype"], tuple(p["shape"]), p["role"]) for p in described["parameters"])
    return Signature(parameters, described["entry"], int(described["live_bytes"]))


# weights


def weight_pieces(arrays: Sequence[Array]) -> tuple[list[Buffer], list[int]]:
    """Arrays as the pieces of a file, and where each starts."""
    pieces: list[Buffer] = []
    offsets: list[int] = []
    position = 0
    for array in arrays:
        offsets.append(position)
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        padding = -len(data) % ALIGNMENT
        pieces += (data, bytes(padding))
        position += len(data) + padding
    return pieces, offsets


def read_weights(data: Buffer, offsets: Sequence[int], parameters: Sequence[Parameter]) -> list[Array]:
    """The arrays in a file of weights. They are read only and share its memory."""
    arrays: list[Array] = []
    for offset, parameter in zip(offsets, parameters, strict=True):
        count = parameter.byte_size // parameter.numpy_dtype.itemsize
        arrays.append(np.frombuffer(data, parameter.numpy_dtype, count, offset).reshape(parameter.shape))
    return arrays


# folders


def save_program(compiled: CompiledCode, directory: str | os.PathLike[str], threads: int) -> None:
    """Writes a program into a folder. Of several that are saved there at the same time, the last one stays."""
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, exclusive=True):
            _write_program(compiled, folder, threads)
    except OSError as error:
        raise ArgumentError(f"cannot write '{folder}': {error.strerror or error}") from None


@contextmanager
def _locked(folder: Path, *, exclusive: bool) -> Generator[None]:
    """Keeps writers out of a folder, and readers if `exclusive`; the system ends the lock of one that is killed."""
    try:
        descriptor = None if fcntl is None else os.open(folder, os.O_RDONLY)
    except OSError:  # what is not there or cannot be read is found out by what follows
        descriptor = None
    if fcntl is None or descriptor is None:
        yield
        return
    try:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _write_program(compiled: CompiledCode, folder: Path, threads: int) -> None:
    old = _files_of(folder)
    objects: list[dict[str, Any]] = []
    for name, code in compiled.objects.items():
        objects.append({"name": name, **_write_file(folder, name, ".o", (code,))})
    pieces, offsets = weight_pieces(compiled.constants)
    weights: dict[str, Any] = {
        **_write_file(folder, "weights", ".bin", pieces, compiled.weights_checksum),
        "offsets": offsets,
    }
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **describe(compiled),
        "threads": threads,
        "objects": objects,
        "weights": weights,
    }
    manifest["checksum"] = _manifest_checksum(manifest)
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=2).encode(), b"\n"))
    for name in old - {file["file"] for file in (*objects, weights)}:
        with suppress(OSError):
            (folder / name).unlink()


def _write_file(
    folder: Path, stem: str, suffix: str, pieces: Sequence[Buffer], known_checksum: str = ""
) -> dict[str, Any]:
    """Writes a file that is named after its content, unless it is there already."""
    digest = known_checksum or checksum(*pieces)
    name = f"{stem}-{digest[:8]}{suffix}"
    present = map_file(folder / name)
    if present is None or checksum(present) != digest:
        write_whole(folder / name, pieces)
    return {"file": name, "checksum": digest}


def _files_of(folder: Path) -> set[str]:
    """The files that the manifest of a folder names, if there is one of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["format"] != FORMAT:
            return set()
        names = {str(file["file"]) for file in (*manifest["objects"], manifest["weights"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if os.path.basename(name) == name}


def _manifest_checksum(manifest: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return checksum(json.dumps(rest, sort_keys=True).encode())


def read_program(directory: str | os.PathLike[str]) -> tuple[CompiledCode, int]:
    """The program in a folder, and for how many threads it was saved. One that is saved there at the same time is read
    as it was before, or as it is then."""
    folder = Path(directory)
    with _locked(folder, exclusive=False):
        return _read_program(folder)


def _read_program(folder: Path) -> tuple[CompiledCode, int]:
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_bytes())
        if manifest["version"] != FORMAT_VERSION:
            raise ArgumentError(f"'{folder}': expected format version {FORMAT_VERSION}, got {manifest['version']}")
        check_host(manifest["target"])
        if manifest["checksum"] != _manifest_checksum(manifest):
            raise ValueError(f"{MANIFEST} is not as it was written")
        objects = {each["name"]: bytes(_read_file(folder, each)) for each in manifest["objects"]}
        signature = signature_of(manifest)
        described = manifest["weights"]
        parameters = signature.role("constant")
        weights = read_weights(_read_file(folder, described), described["offsets"], parameters)
        return from_description(manifest, objects, weights, described["checksum"]), int(manifest["threads"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, StepwellError):
            raise
        raise ArgumentError(f"'{folder}' is not a saved program: {_reason(error)}") from None


def _read_file(folder: Path, described: Mapping[str, Any]) -> Buffer:
    name = described["file"]
    if os.path.basename(name) != name:
        raise ValueError(f"expected the name of a file in the folder, got '{name}'")
    # An empty file cannot be mapped.
    data: Buffer = map_file(folder / name) or (folder / name).read_bytes()
    if checksum(data) != described["checksum"]:
        raise ValueError(f"{name} is not as it was written")
    return data


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the manifest lacks {error}"
    if isinstance(error, OSError):
        return f"cannot read '{error.filename}': {error.strerror}"
    return str(error) or type(error).__name__


# the cache


def store_program(cache: Cache, key: str, compiled: CompiledCode, files: Mapping[str, str]) -> CompiledCode:
    """Stores a program, and gives it with what is known of it now. It counts where further files beside the source have
    the checksums that are given."""
    pieces, offsets = weight_pieces(compiled.constants)
    if sum(len(piece) for piece in pieces) > cache.limit // 4:
        # It would leave no room for others; its kernels are there.
        return compiled
    digest = checksum(*pieces) if pieces else ""
    known = replace(compiled, weights_checksum=digest)
    if pieces and not cache.put_data(digest, pieces):
        return known
    header = {
        **describe(compiled),
        "objects": list(compiled.objects),
        "weights": digest,
        "offsets": offsets,
        "files": dict(files),
    }
    cache.put("programs", key, Entry(header, tuple(compiled.objects.values())))
    return known


def find_program(cache: Cache, key: str, folder: str | os.PathLike[str]) -> CompiledCode | None:
    """The program that was stored under a key, if all of it is there, and the files in the source's folder that it was
    compiled from are as they were."""
    entry = cache.get("programs", key)
    if entry is None:
        return None
    header = entry.header
    try:
        if any(file_checksum(Path(folder, path)) != expected for path, expected in header["files"].items()):
            return None
        signature = signature_of(header)
        data: Buffer | None = cache.get_data(header["weights"]) if header["weights"] else b""
        if data is None:
            return None
        weights = read_weights(data, header["offsets"], signature.role("constant"))
        objects = dict(zip(header["objects"], entry.blobs, strict=True))
        return from_description(header, objects, weights, header["weights"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def file_checksum(path: str | os.PathLike[str]) -> str:
    """The checksum of a file's content."""
    return checksum(*_chunks(path))


def _chunks(path: str | os.PathLike[str]) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            yield chunk
