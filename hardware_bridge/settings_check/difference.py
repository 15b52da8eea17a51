"""One difference between an instrument file and a device."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """What differs, and what would mend it.

    Parameters
    ----------
    place : of the file, such as "axis 'j1'"
    text : what was found on both sides, and the remedy, in one line
    refused : a run would be refused or broken off by it; otherwise it is only worth knowing
    """

    place: str
    text: str
    refused: bool


def refused(differences: Iterable[Any]) -> str:
    """Return the first difference that would refuse a run, and how many more there are; "" where there is none.

    Parameters
    ----------
    differences : with ``place``, ``text`` and ``refused``, as a Difference has them
    """
    first, *more = [f"{each.place}: {each.text}" for each in differences if each.refused] or [""]
    return first + (f" (and {len(more)} more that a run would be refused for)" if more else "")
