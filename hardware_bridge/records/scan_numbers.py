"""The scan_id of start documents: a number that grows from run to run, kept beside the instrument file."""

import fcntl
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_state_path


class ScanNumbers:
    """Gives each run the next number; give it to a RunEngine as its ``scan_id_source``.

    Parameters
    ----------
    path : a text file with the last number, made where it is missing
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, metadata: Mapping[str, Any]) -> int:
        """Return the next number and keep it; several programs may ask at once.

        Raises
        ------
        ValueError : the file holds something else, or cannot be written
        """
        try:
            return self._next()
        except OSError as error:
            raise ValueError(f"cannot count runs in {self.path}: {error.strerror}; let this user write there") from None

    def _next(self) -> int:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o664)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            # Two programs at one instrument must not give one number twice.
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read().strip()
            if text and not text.isdecimal():
                raise ValueError(f"{self.path} holds {text[:40]!r}, no number of a run; remove it, and 1 is the next")
            number = int(text or 0) + 1
            file.seek(0)
            file.write(f"{number}\n")
            file.truncate()
        return number


def scan_numbers_of(instrument: str | Path) -> Path:
    """Return where the last scan_id of an instrument file is kept: beside it, or in this user's state folder.

    The second is for a file in a folder where this user cannot write.
    """
    path = Path(instrument).absolute()
    beside = path.with_name(f"{path.name}.scan_id")
    folder = next(parent for parent in beside.parents if parent.exists())
    if os.access(beside if beside.exists() else folder, os.W_OK):
        return beside
    told_apart = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return user_state_path("beamgym", ensure_exists=True) / f"{path.stem}-{told_apart}.scan_id"
