"""A file that `beamgym deploy --new` wrote does not load before a human has decided what no record can tell."""

from collections.abc import Iterator
from typing import Any

UNDECIDED = "DECIDE"
"""Stands in a new instrument file where no record can tell the value."""

_TOLD = 3  # further places that one message names


def check_decided(content: Any) -> None:
    """Refuse a file in which something is left open; raises ValueError in one line that names the place."""
    places = list(dict.fromkeys(_undecided(content, "")))
    if not places:
        return
    first, *more = places
    others = "" if not more else f"; so are {', '.join(more[:_TOLD])}"
    others += f" and {len(more) - _TOLD} more" if len(more) > _TOLD else ""
    raise ValueError(
        f"{first} is not decided: no record can tell it; write its value in the place of {UNDECIDED}, the comment "
        f"beside it says which{others}"
    )


def _undecided(content: Any, place: str) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _undecided(value, f"{place}: {key}" if place else str(key))
    elif isinstance(content, list):
        for i, value in enumerate(content):
            name = value.get("name") if isinstance(value, dict) else None
            # A list of numbers is one value; a list of parts is many.
            inside = f"{place}[{i}]" + (f" ({name})" if isinstance(name, str) else "")
            yield from _undecided(value, inside if isinstance(value, dict) else place)
    elif isinstance(content, str) and content.strip() == UNDECIDED:
        yield place
