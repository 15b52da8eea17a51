"""A camera's words as they stand in its file."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

Stated = TypeVar("Stated")


def from_words(stated: type[Stated], values: Mapping[str, Any], needed: int) -> Stated:
    """Return a stated camera, a dataclass, of the words of its file.

    Parameters
    ----------
    stated : the dataclass
    values : of its fields by name
    needed : how many of its first fields have to be there

    Raises
    ------
    ValueError : an unknown or missing key, or a value that none can have
    """
    known = tuple(field.name for field in fields(stated))  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    missing = [name for name in known[:needed] if name not in values]
    if unknown or missing:
        raise ValueError(f"unknown keys {unknown}, missing keys {missing}; wanted {', '.join(known)}")
    try:
        return stated(**values)
    except TypeError as error:
        raise ValueError(f"a value is of the wrong kind: {error}") from None
