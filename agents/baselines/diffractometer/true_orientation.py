"""An oracle of diffractometers: it knows how the crystal stands."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.diffractometer.acting import (
    CENTRE,
    DRIVE,
    SCAN,
    action_of,
    declaration,
    need_diffractometer,
    told_of,
)
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.diffractometer import first_reflections
from beamgym.physics.instrument import Float64Array

_LEAST, _MOST, _SURE_DEG = 4, 12, 0.035


@dataclass(frozen=True, eq=False)
class _Going:
    context: Any
    places: Float64Array | None = None
    next: int = 0


class TrueOrientation:
    """Drives to strong reflections of the true orientation and centres them; then goes on as the others do."""

    name = "true-orientation"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where there is no diffractometer."""
        need_diffractometer(context)
        return [_Going(context) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return an action for each row, by the truth; raises CannotPlay without it."""
        if truth is None:
            raise CannotPlay("the oracle needs the truth, which no real instrument knows")
        done = [self._one(observation, row, going, truth) for row, going in enumerate(state)]
        return np.array([action for action, _ in done], dtype=np.float32), [going for _, going in done]

    def _one(
        self, observation: Observation, row: int, going: _Going, truth: Truth
    ) -> tuple[NDArray[np.float32], _Going]:
        context, now = going.context, told_of(observation, row, going.context)
        if going.places is None:
            first = first_reflections(
                context.instrument, context.known, truth["u"][row], context.beam.wavelength_a, _MOST
            )
            going = replace(going, places=first.degrees)
        assert going.places is not None
        if now.decided and now.centred >= _LEAST and now.error_deg <= _SURE_DEG:
            return declaration(context), going
        if now.waiting:
            return action_of(context, CENTRE), going
        if now.decided and len(now.looks):
            return action_of(context, DRIVE), going
        if going.next >= len(going.places):
            return declaration(context), going
        names = context.instrument.names
        place, axis = going.places[going.next], names.index(context.instrument.halved)
        return action_of(context, SCAN, place, axis, len(names), 2.0), replace(going, next=going.next + 1)
