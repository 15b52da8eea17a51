"""How a check fails: one line that names the call, what came back, and what to return instead."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

import numpy as np

from beamgym.physics.messages import named_line

T = TypeVar("T")


class CheckFailed(ValueError):
    """Something that others build on does not keep its contract; one line says which call, what, and what to do."""


def failed(call: str, found: str, remedy: str) -> NoReturn:
    """Raise CheckFailed: ``call`` as one would write it, what was ``found``, and the ``remedy``."""
    raise CheckFailed(f"{call}: {found}; {remedy}")


def demand(condition: Any, call: str, found: str, remedy: str) -> None:
    """Raise CheckFailed where the condition is false."""
    if not condition:
        failed(call, found, remedy)


def demand_names(thing: object, names: Iterable[str], protocol: str) -> None:
    """Raise CheckFailed where attributes or methods of a protocol are missing."""
    missing = [name for name in names if not hasattr(thing, name)]
    demand(not missing, type(thing).__name__, f"has no {', '.join(missing)}", f"{protocol} asks for them all")


def answer(call: str, work: Callable[[], T], remedy: str, allowed: tuple[type[Exception], ...] = ()) -> T:
    """Return what ``work`` returns; an exception that is not ``allowed`` fails the check with its own line."""
    try:
        return work()
    except Exception as error:
        if isinstance(error, (CheckFailed, *allowed)):
            raise
        raise CheckFailed(f"{call}: raised {named_line(error)}; {remedy}") from error


def demand_array(call: str, value: Any, shape: tuple[int, ...], kinds: str = "f", remedy: str = "") -> None:
    """Raise CheckFailed where a value is no array of this shape and one of these kinds.

    Parameters
    ----------
    call : what is being looked at, such as "positions()"
    value : what came back
    shape : wanted; -1 stands for any length
    kinds : letters of numpy's kinds that will do: f float, i and u integer, b bool
    remedy : what to return; by default the array that is wanted
    """
    names = {"f": "float", "i": "integer", "u": "integer", "b": "bool"}
    wanted = " or ".join(dict.fromkeys(names[kind] for kind in kinds))
    text = f"({', '.join('any' if length < 0 else str(length) for length in shape)}{',' if len(shape) == 1 else ''})"
    article = "an" if wanted.startswith("i") else "a"
    remedy = remedy or f"return {article} {wanted} array of shape {text}, the batch dimension first"
    demand(isinstance(value, np.ndarray), call, f"is a {type(value).__name__}", remedy)
    fits = value.ndim == len(shape) and all(want in (-1, have) for want, have in zip(shape, value.shape, strict=True))
    demand(fits, call, f"has shape {value.shape}", remedy)
    demand(value.dtype.kind in kinds, call, f"holds {value.dtype}", remedy)
