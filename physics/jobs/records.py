"""Dataclasses of plain values and arrays as JSON has them, and back to the last bit."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from beamgym.physics.jobs.executor import Found


def row_of(found: Any) -> dict[str, Any]:
    """Return a dataclass for JSON; floats keep every bit, NaN included.

    Raises
    ------
    TypeError : it is no dataclass
    """
    if not is_dataclass(found):
        raise TypeError(f"{type(found).__name__} is no dataclass; rows that are kept must be")
    return {field.name: _plain(getattr(found, field.name)) for field in fields(found)}


def of_row(kind: type[Found]) -> Callable[[dict[str, Any]], Found]:
    """Return the function that makes a dataclass of what ``row_of`` has returned; sequences become tuples."""
    return lambda row: kind(**{name: _back(value) for name, value in row.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "shape": list(value.shape), "values": value.ravel().tolist()}
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _back(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"dtype", "shape", "values"}:
        return np.array(value["values"], dtype=value["dtype"]).reshape(value["shape"])
    return tuple(_back(one) for one in value) if isinstance(value, list) else value
