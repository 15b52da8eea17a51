"""Options of environments: the fields of a dataclass, as keywords or in words, checked before anything is built."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from difflib import get_close_matches
from numbers import Integral, Real
from os import PathLike
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

Options = TypeVar("Options")

_NUMBERS: dict[Any, Any] = {float: Real, float | None: Real, int: Integral, int | None: Integral}
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
_NAMES: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number"}


def read_options(kind: type[Options], given: dict[str, Any]) -> Options:
    """Make the options of an environment from keywords.

    Parameters
    ----------
    kind : a dataclass named after its environment, such as LaueAlignOptions
    given : the keywords

    Raises
    ------
    TypeError : an unknown name, or something else where a number, or True or False, belongs; ranges are checked by who
        uses the number
    """
    known = {item.name: item.type for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(given) - set(known))
    if unknown:
        everything = f"; {kind.__name__.removesuffix('Options')} takes {', '.join(sorted(known))}"
        hint = _nearest(unknown[0], known) if len(unknown) == 1 else ""
        raise TypeError(
            f"unknown option {', '.join(unknown)}{hint or everything}"
            # The words that libraries look for, which try what an environment takes: TorchRL's frameskip.
            f" (unexpected keyword argument {', '.join(map(repr, unknown))})"
        )
    for name, value in given.items():
        if known[name] is bool and not isinstance(value, bool | np.bool_):
            raise TypeError(f"{name} is {value!r}; give True or False")
        number = _NUMBERS.get(known[name])  # type: ignore[arg-type]
        if value is None and known[name] in (float | None, int | None):
            continue
        if number is not None and (isinstance(value, bool) or not isinstance(value, number)):
            raise TypeError(f"{name} is {value!r}; give a {'whole ' if number is Integral else ''}number")
    return kind(**given)


def words_as_options(kind: type[Any], words: Sequence[str]) -> dict[str, Any]:
    """Return options that are given in words, each as its field's type says.

    Parameters
    ----------
    kind : the dataclass of the environment's options
    words : each "name=value"; a list is written [Si, quartz], nothing is none

    Raises
    ------
    TypeError : an unknown name, told with the nearest
    ValueError : words without "=", a name that is given twice, or a value that its field cannot be
    """
    types, found = get_type_hints(kind), dict[str, Any]()
    for each in words:
        name, equals, text = (part.strip() for part in each.partition("="))
        if not equals or not name or not text:
            raise ValueError(f"{each!r} says nothing; write NAME=VALUE, such as level=hard")
        if name in found:
            raise ValueError(f"{name} is given twice; give it once")
        if name not in types:
            hint = _nearest(name, types) or f"; there are {', '.join(sorted(types))}"
            raise TypeError(f"unknown option {name}{hint}")
        found[name] = _value(name, text, types[name])
    return found


def _value(name: str, text: str, wanted: Any) -> Any:
    kinds = set(get_args(wanted)) if get_origin(wanted) in (Union, UnionType) else {wanted}
    if type(None) in kinds and text.lower() == "none":
        return None
    if bool in kinds and text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    for number in (int, float):
        if number in kinds:
            try:
                return number(text)
            except ValueError:
                continue
    if kinds & {str, PathLike[str], Any} or any(get_origin(each) is Literal for each in kinds):
        return [part.strip() for part in text[1:-1].split(",")] if text.startswith("[") and Any in kinds else text
    if kinds & {bool, int, float}:
        names = " or ".join(_NAMES[each] for each in (bool, int, float) if each in kinds)
        raise ValueError(f"{name}={text}: give {names}")
    raise ValueError(f"{name} cannot be given in words; make the environment in Python, by gym.make(…, {name}=…)")


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
