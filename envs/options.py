"""Keyword options of environments: the fields of a dataclass, checked before anything is built."""

from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, TypeVar

Options = TypeVar("Options")

_NUMBERS: dict[Any, Any] = {float: Real, float | None: Real, int: Integral, int | None: Integral}


def read_options(kind: type[Options], given: dict[str, Any]) -> Options:
    """Make the options of an environment from keywords.

    Parameters
    ----------
    kind : a dataclass named after its environment, such as LaueAlignOptions
    given : the keywords

    Raises
    ------
    TypeError : an unknown name, or something else where a number belongs; ranges are checked by who uses the number
    """
    known = {item.name: item.type for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(given) - set(known))
    if unknown:
        title = kind.__name__.removesuffix("Options")
        hint = _nearest(unknown[0], known)
        raise TypeError(
            f"unknown option {', '.join(unknown)}; {title} takes {', '.join(sorted(known))}{hint}"
            # The words that libraries look for, which try what an environment takes: TorchRL's frameskip.
            f" (unexpected keyword argument {', '.join(map(repr, unknown))})"
        )
    for name, value in given.items():
        number = _NUMBERS.get(known[name])  # type: ignore[arg-type]
        if value is None and known[name] in (float | None, int | None):
            continue
        if number is not None and (isinstance(value, bool) or not isinstance(value, number)):
            raise TypeError(f"{name} is {value!r}; give a {'whole ' if number is Integral else ''}number")
    return kind(**given)


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
