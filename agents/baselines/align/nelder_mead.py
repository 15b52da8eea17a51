"""Nelder-Mead on the pattern mismatch, online: every evaluation is a move and an exposure."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, positions_of, rotating_action
from beamgym.agents.baselines.simplex import Points, nelder_mead
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import rotation_matrix

FIRST_STEP_DEG = 20.0
"""Edge of the first simplex: a third of the largest misorientation of a cubic crystal."""

WIDTHS_DEG = (16.0, 4.0, 1.0, 0.25)
"""Widths at which a spot counts as found; several, so that the mismatch falls from afar and still tells at the end."""

SMALL = 0.3
"""Share of the tolerance at which the simplex is small enough to declare."""


@dataclass
class _Search:
    """One episode: the simplex over rotation vectors (degrees, lab frame) from the pose at the start."""

    context: Any
    start: Float64Array | None = None
    points: Points | None = None
    asked: Float64Array = field(default_factory=lambda: np.zeros(3))
    best: Float64Array = field(default_factory=lambda: np.zeros(3))
    lowest: float = np.inf
    finished: bool = False


class NelderMead:
    """Walks a simplex of rotations downhill, returns to the best pose seen and declares there."""

    name = "nelder-mead"
    oracle = False

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n searches that have not begun."""
        return [_Search(context) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Evaluate the mismatch of the last pose, and move to the next."""
        value = mismatch(observation)
        context = state[0].context
        positions = positions_of(observation, context)
        here, left = context.goniometer.rotation(positions), exposures_left(observation, context)
        for i, search in enumerate(state):
            _advance(search, float(value[i]), here[i], int(left[i]))
        start = np.array([search.start for search in state])
        wanted = rotation_matrix(np.array([search.asked for search in state])) @ start
        done = np.array([search.finished for search in state])
        return declared(rotating_action(wanted @ np.swapaxes(here, -1, -2), positions, context), done), state


def mismatch(observation: Observation) -> Float64Array:
    """Return the mismatch (n,) of found and expected spots: 0 when all are met, 1 when none is near.

    Each expected spot looks for the nearest found one; its share is 1 - exp(-d^2 / 2 w^2), the mean over the widths w,
    weighted by its expected brightness.

    Raises
    ------
    CannotPlay : for an environment that observes no spots
    """
    if "spots" not in observation:
        raise CannotPlay("nelder-mead needs spot observations; use an environment with 'spots', such as LaueAlign-v0")
    n = len(observation["spots"])
    found, expected = observation["spots"].reshape(n, -1, 5), observation["expected"].reshape(n, -1, 5)
    apart = expected[:, :, None, :3].astype(np.float64) - found[:, None, :, :3]
    chord = np.sqrt((apart**2).sum(axis=3))  # an arc cosine of float32 normals is blind below 0.03 degrees
    nearest = np.where(found[:, None, :, 4] > 0.5, chord, 2.0).min(axis=2)
    angle = np.degrees(2.0 * np.arcsin(np.minimum(0.5 * nearest, 1.0)))
    share = np.mean([1.0 - np.exp(-0.5 * (angle / width) ** 2) for width in WIDTHS_DEG], axis=0)
    weight = expected[..., 3] * expected[..., 4]
    mean: Float64Array = (share * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    return mean


def _advance(search: _Search, value: float, here: Float64Array, left: int) -> None:
    if search.points is None or search.start is None:
        search.start = here
        search.points = nelder_mead(_first_simplex(), SMALL * search.context.tolerance_deg)
        next(search.points)
    if value < search.lowest:
        search.best, search.lowest = search.asked, value
    at_best = np.array_equal(search.asked, search.best)
    if left == 0:
        search.finished = True
    elif left == 1 or search.finished:
        search.finished, search.asked = at_best, search.best
    else:
        try:
            search.asked = search.points.send(value)
        except StopIteration:
            search.finished, search.asked = at_best, search.best


def _first_simplex() -> Float64Array:
    return np.vstack([np.zeros(3), FIRST_STEP_DEG * np.eye(3)])
