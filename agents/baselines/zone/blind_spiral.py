"""A baseline that never looks: a square spiral of full steps about the start."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, need_kind, positions_of, step_to
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array


class BlindSpiral:
    """Steps along a square spiral, whatever the images show; declares when the budget is spent.

    What it solves where the truth ends an episode needs no estimate at all: no figure stands without it.
    """

    name = "blind-spiral"
    oracle = False

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where no symmetry axis is looked for."""
        need_kind(context, ("zone",), "the blind spiral looks for a symmetry axis of an unknown crystal; play LaueZone")
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Go to the spiral's next place."""
        context = state[0]
        left = exposures_left(observation, context)
        places = spiral(context.exposures + 1) * context.max_rotation_deg
        actions = step_to(places[context.exposures - left], positions_of(observation, context), context)
        return declared(actions, left == 0), state


def spiral(count: int) -> Float64Array:
    """Return the first places (count, 2) of a square spiral in unit steps, the centre first."""
    steps = _steps()
    places = np.zeros((count, 2))
    for i in range(1, count):
        places[i] = places[i - 1] + next(steps)
    return places


def _steps() -> Iterator[tuple[int, int]]:
    """One step right, one up, two left, two down, three right, and so on."""
    length = 1
    while True:
        for step in ((1, 0), (0, 1)):
            yield from [step] * length
        for step in ((-1, 0), (0, -1)):
            yield from [step] * (length + 1)
        length += 2
