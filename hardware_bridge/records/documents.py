"""Where an episode's documents go: JSON lines always, a NeXus file, and a Tiled catalogue where one is named."""

import importlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from beamgym.physics.messages import one_line

Document = dict[str, Any]
Consumer = Callable[[str, Document], object]


class JsonLines:
    """Writes every document as one line ``[name, document]``, on the disk before the next one comes.

    Parameters
    ----------
    path : a file that is not there yet

    Raises
    ------
    ValueError : when the file is there
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # "x": documents of another run are never overwritten.
            self._file = path.open("x", encoding="utf-8")
        except FileExistsError:
            raise ValueError(f"{path} exists; documents are never overwritten, give another folder") from None

    def __call__(self, name: str, doc: Document) -> None:
        """Write one document."""
        self._file.write(json.dumps([name, doc], default=_plain, allow_nan=False, ensure_ascii=False) + "\n")
        self._file.flush()
        # One step takes seconds; a disk that is asked for each keeps all but the last after a power cut.
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class DocumentCollector:
    """Keeps the documents of a run in memory, for the writers that need them all."""

    def __init__(self) -> None:
        self.documents: list[tuple[str, Document]] = []

    def __call__(self, name: str, doc: Document) -> None:
        """Keep one document."""
        self.documents.append((name, doc))


def read_documents(path: str | Path) -> Iterator[tuple[str, Document]]:
    """Yield the documents of a JSON-lines file; a last line that a crash cut short is left out.

    Raises
    ------
    ValueError : for a line before the last that is no document
    """
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines):
        if not line:
            continue
        try:
            name, doc = json.loads(line)
        except ValueError as error:
            # Only the last line can be half written.
            if number == len(lines) - 1:
                return
            raise ValueError(f"{path}, line {number + 1}: no document: {error}") from None
        yield str(name), doc


def tiled_consumer(uri: str) -> Consumer:
    """Return what writes documents into a Tiled catalogue.

    Parameters
    ----------
    uri : of the server, with its API key where it wants one

    Raises
    ------
    ImportError : without the tiled client
    ValueError : when the server does not answer
    """
    try:
        client = importlib.import_module("tiled.client")
        writer = importlib.import_module("bluesky.callbacks.tiled_writer")
    except ImportError as error:
        raise ImportError(f"a Tiled catalogue needs {error.name}; run: pip install 'tiled[client]'") from None
    try:
        consumer: Consumer = writer.TiledWriter(client.from_uri(uri))
    except Exception as error:
        raise ValueError(f"the Tiled server at {uri} cannot be used: {one_line(error, 200)}") from error
    return consumer


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path | set | frozenset):
        return str(value) if isinstance(value, Path) else sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a document")
