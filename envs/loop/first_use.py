"""Says once, on stderr, that kernels are about to be compiled: without a word the first step seems to hang."""

import os
import sys
from pathlib import Path
from typing import Any

QUIET = "BEAMGYM_QUIET"
"""Environment variable under which nothing is said."""

_SEEN = 3  # kernels with a file from which on this is no first use: one task compiles a part of what it imports

_told: list[str] = []


def tell_of_compiling() -> None:
    """Print one line where hardly any of the loaded kernels has ever been compiled; once in a process."""
    if _told or os.environ.get(QUIET):
        return
    files = _cache_files()
    if not files or sum(path.exists() for path in files) >= _SEEN:
        return
    _told.append("told")
    print(
        f"beamgym: first use, kernels are compiled as they are called: up to three minutes of one core in all, kept in "
        f"{_root(files)}; `beamgym warm-up` does it beforehand, {QUIET}=1 leaves this line out",
        file=sys.stderr,
        flush=True,
    )


def _root(files: list[Path]) -> Path:
    """Return the folder under which all of them lie."""
    return Path(os.path.commonpath([file.parent for file in files]))


def _cache_files() -> list[Path]:
    """Return where numba keeps the index of each loaded kernel; none where this numba has it elsewhere."""
    found = []
    for name, module in list(sys.modules.items()):
        if not name.startswith("beamgym.") or not name.endswith("kernels"):
            continue
        for kernel in vars(module).values():
            cache: Any = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
            path = getattr(cache, "_index_path", None)
            if path is not None:
                found.append(Path(path))
    return found
