"""Files that a run writes are its own: through a link something else would be written, or by somebody else."""

import os
import stat
from pathlib import Path


def refuse_link(path: str | os.PathLike[str], owned: bool = False) -> None:
    """Refuse to write a file that is not this run's alone; nothing is written.

    Parameters
    ----------
    path : of the file, which need not be there yet
    owned : refuse one of another user too; not where it was just made, since some file servers give all to one user

    Raises
    ------
    ValueError : the file or its folder is a symbolic link, the file has a second name, is no file at all, or another
        user's; in one line, with the remedy
    """
    place = Path(path)
    folder = place.absolute().parent
    if folder.is_symlink():
        raise ValueError(f"{folder} is a link, what is written there goes elsewhere; give {folder.resolve()} itself")
    try:
        found = place.lstat()
    except OSError:
        # Not there, or not to be seen: whoever opens it says so.
        return
    why = _why(found)
    if owned and not why and found.st_uid != os.geteuid():
        why = "belongs to another user, who can change it"
    if why:
        raise ValueError(f"{place} {why}; move it away, or give another folder")


def _why(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "is a link, and what is written into it goes elsewhere"
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    names = found.st_nlink
    return f"has {names} names (hard links), so that it can be changed under another one" if names > 1 else ""
