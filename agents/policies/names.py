"""What policies are called in tables, files and curves: each by its own name, however it was given."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

_USUAL = "bundle"


def bundle_name(path: str | Path) -> str:
    """Return what a bundle is called: its folder, or the folder above where it has the name that training gives."""
    folder = Path(path).resolve()
    return folder.parent.name or folder.name if folder.name == _USUAL else folder.name


def distinct_names(names: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return one name for each policy, no two the same.

    Parameters
    ----------
    names : of the policies themselves
    given : what the user wrote for each; it takes the name's place where several have the same

    Returns
    -------
    As many names; where even what was written is the same, the later ones bear a number
    """
    count = Counter(names)
    chosen = [name if count[name] == 1 else written for name, written in zip(names, given, strict=True)]
    met: Counter[str] = Counter()
    out = []
    for name in chosen:
        met[name] += 1
        out.append(name if met[name] == 1 else f"{name} ({met[name]})")
    return out
