"""The files that a model is made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ImportModelError

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from onnx import ModelProto


def external_files(model: ModelProto, folder: Path) -> list[Path]:
    """The files that hold data of a model, each once."""
    from onnx import TensorProto

    found: dict[Path, None] = {}
    for tensor in _tensors(model):
        if isinstance(tensor, TensorProto) and tensor.data_location == TensorProto.EXTERNAL:
            for entry in tensor.external_data:
                if entry.key == "location":
                    found[folder / entry.value] = None
    return list(found)


def _tensors(message: Message) -> Iterator[Message]:
    """All tensors inside of a message."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in value if field.is_repeated else (value,):
            if field.message_type.name == "TensorProto":
                yield each
            else:
                yield from _tensors(each)


def files_of(path: Path) -> list[Path]:
    """The files beside a model's own that it is made of."""
    from .importer import read_model

    # The key of each entry that says where; most models have none.
    if b"location" not in path.read_bytes():
        return []
    try:
        model, folder = read_model(path)
    except ImportModelError:
        return []
    return external_files(model, folder or path.parent)
