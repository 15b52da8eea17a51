"""Looks an HDF5 file through in a process of its own, before it is opened in this one.

libhdf5 runs in circles, or ends the process, on some damaged files, where nothing in the same process can stop it. Of
small files with a few bytes changed that is one in two hundred; a deployment must not hang on a frame that a full disk
cut short. The look costs a tenth of a second.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

LONGEST_CPU_S = 2
"""Seconds of computing, not of waiting for a slow disk; a master file of 1,000 links takes less than one."""
LONGEST_S = 120
MOST_MEMORY = 2**31
_SMALL = 100
_ENVIRONMENT = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def look_through(file: Path) -> None:
    """Return when everything in the file but its data can be read; errors that can be caught are left to the reader.

    Raises
    ------
    ValueError : libhdf5 does not come to an end, or ends the process that looks
    """
    if not sys.executable:
        return
    command = [sys.executable, "-P", __file__, str(file)]
    environment = {**os.environ, **dict.fromkeys(_ENVIRONMENT, "1")}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(
            f"{file.name} cannot be looked through in {LONGEST_S} s: it is damaged, or its disk slow"
        ) from None
    except OSError:  # no process to be had: the reader has to do without
        return
    if done.returncode < 0:
        raise ValueError(f"{file.name} is damaged: HDF5 does not come to an end on it; copy it again")


def _look(path: str) -> None:
    """Read every attribute and where every dataset lies, behind links as well."""
    import h5py

    with h5py.File(path, "r") as handle:
        links: list[tuple[h5py.Group, str]] = []

        def visit(_: str, item: object) -> None:
            with suppress(Exception):
                dict(item.attrs)  # type: ignore[attr-defined]
            if isinstance(item, h5py.Dataset):
                with suppress(Exception):
                    item.id.get_storage_size()
                    if item.chunks:
                        item.id.get_num_chunks()
                    if item.size is not None and item.size < _SMALL:
                        item[()]
            elif isinstance(item, h5py.Group):
                links.extend((item, key) for key in item if isinstance(item.get(key, getlink=True), h5py.ExternalLink))

        visit("/", handle)
        handle.visititems(visit)
        for group, key in links:
            with suppress(Exception):
                visit(key, group[key])


def _limit() -> None:
    """Bound what this process may take."""
    with suppress(ImportError, ValueError, OSError):  # no such limits on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_CPU_S, LONGEST_CPU_S + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit()
    with suppress(Exception):
        _look(sys.argv[1])
