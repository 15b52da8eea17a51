"""Scans by rule: one fixed exposure each, the rules of ``physics.mosaic.scan``, and the same with short exposures."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.plate.acting import action_of, looks, need_plate, place_of, seen, settled
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth


class ScanRules:
    """The scan's own rules: three places in every crystal, and two longer looks at one that does not index.

    Goes on where a frame shows several grains, and gives up what does not index after the longer looks.
    """

    name = "scan"
    oracle = False
    exposure_s: ClassVar[float] = 10.0
    places: ClassVar[int] = 3
    longer: ClassVar[float] = 4.0
    more_looks: ClassVar[int] = 2

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where no plate is scanned."""
        need_plate(context)
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Look again or go on."""
        taken = looks(observation)
        shows_grains = seen(observation, "present", "several") > 0.0
        known = settled(observation)
        first_places = (taken > 0) & (taken < self.places) & ~shows_grains
        longer = (taken >= self.places) & (taken < self.places + self.more_looks) & ~known
        again = first_places | longer
        look = np.where(longer, taken - self.places, np.where(again, taken, 0))
        exposure = np.where(longer, self.longer, 1.0) * self.exposure_s
        quits = (taken > 0) & ~again & ~known
        toward = np.stack([seen(observation, "next", "x"), seen(observation, "next", "y")], axis=1)
        return action_of(state[0], again, place_of(look), exposure, quits, toward), state


class Serpentine(ScanRules):
    """One frame of ten seconds in the middle of every crystal, whatever it shows."""

    name = "serpentine"
    places = 1
    more_looks = 0


class QuickScan(ScanRules):
    """The scan's rules with first exposures of a second, at two places."""

    name = "quick-scan"
    exposure_s = 1.0
    places = 2


class TunedScan(ScanRules):
    """The scan's rules with the settings that do best on tuning plates (``scripts/tune/plate_rivals.py``)."""

    name = "tuned-scan"
    exposure_s = 1.0
    places = 4
    more_looks = 1
