"""Disjoint ranges of seeds for training, model selection, the benchmark and the tuning of rivals.

A person gives small numbers (``--seed 0``) for each purpose. They are moved into that purpose's range, so that seed 0
of the benchmark is another set of episodes than seed 0 of training.
"""

from typing import Literal, get_args

Purpose = Literal["training", "selection", "benchmark", "tuning"]

RANGE = 2**56
"""Environment seeds per purpose. Training starts at 0, so a plain ``env.reset(seed=3)`` is a training episode."""

STRIDE = 2**20
"""Environment seeds per user's seed: two seeds share no episode below a million of them."""


def seed_range(purpose: Purpose) -> range:
    """Return the environment seeds of a purpose; raises ValueError for an unknown one."""
    names = get_args(Purpose)
    if purpose not in names:
        raise ValueError(f"unknown purpose {purpose!r}; choose one of {', '.join(names)}")
    start = names.index(purpose) * RANGE
    return range(start, start + RANGE)


def first_seed(purpose: Purpose, seed: int) -> int:
    """Return the environment seed of episode 0; episode i runs on that seed + i.

    Parameters
    ----------
    purpose : "training", "selection", "benchmark" or "tuning"
    seed : the user's number, 0 to 2**36 - 1

    Raises
    ------
    ValueError : when the seed is negative or too large
    """
    if not 0 <= seed < RANGE // STRIDE:
        raise ValueError(f"the seed is {seed}; it must lie between 0 and {RANGE // STRIDE - 1}")
    return seed_range(purpose).start + seed * STRIDE


def check_disjoint(trained: tuple[int, int], used: range) -> None:
    """Raise ValueError for an evaluation on seeds that a policy was trained on.

    Parameters
    ----------
    trained : first and last environment seed of the training
    used : environment seeds of the evaluation

    Raises
    ------
    ValueError : when they meet
    """
    if trained[0] < used.stop and used.start <= trained[1]:
        raise ValueError(
            f"the evaluation's seeds {used.start}..{used.stop - 1} meet the training's {trained[0]}..{trained[1]}; "
            "choose another seed or purpose"
        )
