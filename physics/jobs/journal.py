"""What is finished, line by line: a file that any kill leaves readable, and that belongs to one set of settings."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "beamgym journal 1"


class Journal:
    """Rows of finished jobs by their numbers; made by ``open_journal``.

    Attributes
    ----------
    rows : by number
    """

    def __init__(self, handle: int, path: Path, rows: dict[int, Any]) -> None:
        self.rows, self._handle, self._path = rows, handle, path

    def add(self, number: int, row: Any) -> None:
        """Keep a row; it is in the file when this returns.

        Raises
        ------
        OSError : a full disk; the file is then as it was before
        """
        if number not in self.rows:
            append(self._handle, {"number": number, "row": row}, self._path)
            self.rows[number] = row


@contextmanager
def open_journal(path: Path, settings: Mapping[str, Any], others: str = "other settings") -> Iterator[Journal]:
    """Open a journal, new or begun by the same settings, for this process alone.

    Parameters
    ----------
    path : the file; made if missing
    settings : what its rows depend on, as JSON has it
    others : what it is called in an error that it belongs to

    Raises
    ------
    ValueError : another process writes it, it is no journal, or a setting is another one, which is named
    OSError : the file cannot be written
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"another command writes {path}; wait for its end") from None
        yield Journal(handle, path, _read(handle, path, as_json(settings), others))
    finally:
        os.close(handle)


def as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as they come back from a file: tuples are lists."""
    back: dict[str, Any] = json.loads(json.dumps(settings))
    return back


def check_settings(place: Path, found: Mapping[str, Any], wanted: Mapping[str, Any], others: str) -> None:
    """Raise ValueError for the first setting that differs, naming it and what ``place`` belongs to."""
    for name in (*wanted, *found):
        if found.get(name) != wanted.get(name):
            raise ValueError(
                f"{place} belongs to {others}: its {name} is {found.get(name)!r}, not {wanted.get(name)!r}; "
                "choose another place"
            )


def _read(handle: int, path: Path, settings: dict[str, Any], others: str) -> dict[int, Any]:
    """Return the rows, and cut off a line that a kill has left unfinished."""
    with os.fdopen(os.dup(handle), "rb") as file:
        lines = file.read().split(b"\n")
    whole = sum(len(line) + 1 for line in lines[:-1])
    first = {"format": FORMAT, "settings": settings}
    if len(lines) == 1 and json.dumps(first).encode().startswith(lines[0]):
        os.ftruncate(handle, 0)
        append(handle, first, path)
        return {}
    try:
        head, *entries = [json.loads(line) for line in lines[:-1]]
        known, rows = head["format"], {int(entry["number"]): entry["row"] for entry in entries}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged or no journal of this program; delete it or give another file") from None
    if known != FORMAT:
        raise ValueError(f"{path} is a journal of another form, {known!r}; give another file")
    check_settings(path, head["settings"], settings, others)
    os.ftruncate(handle, whole)
    return rows


def append(handle: int, entry: Mapping[str, Any], path: Path) -> None:
    """Write an entry behind the others, whole or not at all; raises OSError, which names the file."""
    line = json.dumps(entry).encode() + b"\n"
    end = os.lseek(handle, 0, os.SEEK_END)
    try:
        written = 0
        while written < len(line):
            written += os.write(handle, line[written:])
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(handle, end)
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
