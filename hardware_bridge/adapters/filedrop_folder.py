"""A folder into which a camera's own program drops frames: which file is next, and is it finished?"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

# The last run of digits: names such as "scan3_0007.tif" count in their last number.
_DIGITS = r"(\d+)(?=\D*$)"


@dataclass(frozen=True)
class DroppedFile:
    """One file as it was seen.

    Parameters
    ----------
    path : where it is
    counter : the number in its name
    size : bytes
    modified_s : when it was last written, unix s
    """

    path: Path
    counter: int
    size: int
    modified_s: float


class DropFolder:
    """Looks at a folder; never opens a file.

    Parameters
    ----------
    folder : where the frames appear
    pattern : glob of their names, e.g. "laue_*.tif"
    counter : regular expression with one group, the frame's number; by default the last run of digits before the ending

    Raises
    ------
    ValueError : no such folder, or an expression without exactly one group
    """

    def __init__(self, folder: str | os.PathLike[str], pattern: str, counter: str | None = None) -> None:
        self.folder = Path(folder)
        self.pattern = pattern
        self._counter = _expression(counter or _DIGITS)

    def check(self) -> None:
        """Raise ValueError unless the folder can be listed."""
        listed = os.access(self.folder, os.R_OK | os.X_OK)  # asked first: the folder may go away between two questions
        if not self.folder.is_dir():
            raise ValueError(f"no folder {str(self.folder)!r} to watch for frames; create it or mount it")
        if not listed:
            raise ValueError(f"the folder {str(self.folder)!r} cannot be listed; give this user the right to read it")

    def files(self) -> list[DroppedFile]:
        """Return the files that carry a number, lowest number first; of two with one number, the later written."""
        found: dict[int, DroppedFile] = {}
        for path in self.folder.glob(self.pattern):
            seen = self.status_of(path)
            if seen is not None:
                other = found.get(seen.counter)
                if other is None or other.modified_s < seen.modified_s:
                    found[seen.counter] = seen
        return [found[counter] for counter in sorted(found)]

    def status_of(self, path: Path) -> DroppedFile | None:
        """Return how the file stands now, or None where it has no number, is no file or has gone."""
        match = self._counter.search(path.stem)
        if match is None:
            return None
        try:
            status = path.stat()
        except OSError:
            # Temporary files of cameras come and go between the listing and this.
            return None
        if not path.is_file():
            return None
        return DroppedFile(path, int(match.group(1)), status.st_size, status.st_mtime)


class Settling:
    """Tells whether a file has stopped changing: same size and time of writing for ``settle_s``, and not empty."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._last: DroppedFile | None = None
        self._since = 0.0

    def unchanged_s(self, seen: DroppedFile) -> float:
        """Return for how long the file has looked as it does now, seconds of the monotonic clock."""
        now = time.monotonic()
        if seen != self._last:
            self._last, self._since = seen, now
        return now - self._since

    def settled(self, seen: DroppedFile) -> bool:
        """Look once more and say whether the file may be opened."""
        # An empty file is one that has been opened for writing.
        return self.unchanged_s(seen) >= self._settle_s and seen.size > 0


def _expression(counter: str) -> re.Pattern[str]:
    try:
        expression = re.compile(counter)
    except re.error as error:
        raise ValueError(f"counter {counter!r} is no regular expression: {error}") from None
    if expression.groups != 1:
        raise ValueError(f"counter {counter!r} has {expression.groups} groups; put the frame's number into one: (\\d+)")
    return expression
