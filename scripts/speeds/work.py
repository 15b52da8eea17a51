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
    amount : how many units that is, a whole number or not
    shared : (threads) → how the same is done by several threads; None where there is no such option
    """

    once: Callable[[], Any]
    amount: float
    shared: Callable[[int], Callable[[], Any]] | None = None


@dataclass(frozen=True)
class SelfTimed:
    """Something that measures itself; the row shows the median of what ``read`` returns.

    Parameters
    ----------
    read : measures
    again : whether it can be read again in the same process
    """

    read: Callable[[], float]
    again: bool = True


def stepping(env: Any, actions: list[Any]) -> Callable[[], None]:
    """Return how to step a vector environment once, with the next of some actions, over and over."""
    turns = iter(range(2**62))

    def once() -> None:
        env.step(actions[next(turns) % len(actions)])

    return once
