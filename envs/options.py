"""Keyword options of environments: the fields of a dataclass, checked before anything is built."""

from dataclasses import fields
from numbers import Integral, Real
from typing import Any, TypeVar

Options = TypeVar("Options")

_NUMBERS = {float: Real, int: Integral}


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
        raise TypeError(f"unknown option {', '.join(unknown)}; {title} takes {', '.join(sorted(known))}")
    for name, value in given.items():
        number = _NUMBERS.get(known[name])  # type: ignore[arg-type]
        if number is not None and (isinstance(value, bool) or not isinstance(value, number)):
            raise TypeError(f"{name} is {value!r}; give a {'whole ' if number is Integral else ''}number")
    return kind(**given)
