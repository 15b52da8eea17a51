"""Rows of batches: arrays with the batch first, and mappings and dataclasses of them, taken and put alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Batch = TypeVar("Batch")
Indices = NDArray[np.int64]


def take_rows(batch: Batch, rows: Indices) -> Batch:
    """Return some rows of a batch; what is no array stays as it is."""
    taken: Batch = _mapped(lambda values: values[0][rows], [batch])
    return taken


def row_of(observation: Any, row: int) -> Any:
    """Return one environment's observation out of a batch's: of a mapping of arrays, or of one array."""
    return (
        {name: values[row] for name, values in observation.items()}
        if isinstance(observation, Mapping)
        else (observation[row])
    )


def blank_rows(batch: Batch, n: int) -> Batch:
    """Return a batch of n rows like the rows of another, with zeros everywhere."""
    blank: Batch = _mapped(lambda values: np.zeros((n, *values[0].shape[1:]), values[0].dtype), [batch])
    return blank


def put_rows(whole: Batch, rows: Indices, part: Batch) -> Batch:
    """Return a batch in which some rows are those of another batch."""

    def put(values: list[NDArray[Any]]) -> NDArray[Any]:
        changed = values[0].copy()
        changed[rows] = values[1]
        return changed

    after: Batch = _mapped(put, [whole, part])
    return after


def _mapped(change: Callable[[list[NDArray[Any]]], NDArray[Any]], batches: Sequence[Any]) -> Any:
    first = batches[0]
    if isinstance(first, np.ndarray):
        return change(list(batches))
    if isinstance(first, Mapping):
        return {name: _mapped(change, [batch[name] for batch in batches]) for name in first}
    if is_dataclass(first) and not isinstance(first, type):
        parts = ([getattr(batch, item.name) for batch in batches] for item in fields(first))
        return type(first)(*(_mapped(change, part) for part in parts))
    return first
