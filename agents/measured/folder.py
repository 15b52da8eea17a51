"""Files of a folder that a running scan writes: which are new, and which have settled."""

from pathlib import Path

from beamgym.physics.arpes.load import SUFFIXES

FileState = dict[Path, tuple[int, int]]
"""Size and time of change of each file."""


def changed_files(folder: Path) -> FileState:
    """Return every file that could hold spectra, with its size and time of change; files that vanish are left out."""
    found: FileState = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        found[path] = (state.st_size, state.st_mtime_ns)
    return found


def settled_files(before: FileState, now: FileState, done: FileState) -> list[Path]:
    """Return the files to score: as they were at the last look, and not scored as they are now; the eldest first."""
    ready = [path for path, state in now.items() if before.get(path) == state and done.get(path) != state]
    return sorted(ready, key=lambda path: now[path][1])
