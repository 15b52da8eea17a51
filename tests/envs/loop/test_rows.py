"""Rows of batches are taken and put alike, whatever holds the arrays."""

from dataclasses import dataclass

import numpy as np

from beamgym.envs.loop.rows import blank_rows, put_rows, take_rows


@dataclass(frozen=True)
class Inner:
    values: np.ndarray
    finder: object = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    named: dict
    seen: tuple = ()
    nothing: None = None


def outer(n, first=0):
    values = np.arange(first, first + n)
    return Outer(Inner(values * 1.0, print), {"squares": (values**2)[:, None]}, (first,))


def test_what_is_taken_and_put_back_is_what_was_there():
    whole, rows = outer(5), np.array([3, 1])
    part = take_rows(whole, rows)
    assert part.inner.values.tolist() == [3, 1]
    assert part.named["squares"].tolist() == [[9], [1]]
    again = put_rows(blank_rows(part, 5), rows, part)
    assert again.inner.values.tolist() == [0, 1, 0, 3, 0]
    assert again.inner.finder is print
    assert again.nothing is None


def test_putting_rows_leaves_the_batch_as_it_was():
    whole = outer(3)
    put_rows(whole, np.array([0]), take_rows(outer(3, 7), np.array([0])))
    assert whole.inner.values.tolist() == [0, 1, 2]
