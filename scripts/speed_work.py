"""A piece of work that `beamgym speed` times."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """Something to time.

    Parameters
    ----------
    once : does the work
    amount : how many units that is
    """

    once: Callable[[], Any]
    amount: int
