"""The practice instrument's own record: what it received and what really happened, one JSON line an event."""

import json
import os
from pathlib import Path
from typing import Any


class TruthRecord:
    """An append-only file of JSON lines; every line is whole, whatever happens to the process.

    Parameters
    ----------
    path : the file, appended to; None records nothing
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, kind: str, time_s: float, **facts: Any) -> None:
        """Append one event: its kind, its unix time in seconds, and what belongs to it."""
        if self._file is not None:
            line = json.dumps({"kind": kind, "time_s": time_s, **facts}, default=str)
            # One write a line, unbuffered: a server that is killed leaves whole lines, and all of them.
            os.write(self._file, line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_records(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the events of a truth record, in the order in which they were written; a line half written waits."""
    # What is behind the last newline is still being written.
    *lines, _ = Path(path).read_bytes().split(b"\n")
    return [json.loads(line) for line in lines if line]
