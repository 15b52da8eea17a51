"""A baseline that scans at random."""

from typing import Any

from beamgym.agents.baselines.even_actions import EvenActions
from beamgym.agents.baselines.plate.acting import need_plate


class RandomScan(EvenActions):
    """Even actions, drawn from the episode's seed and the number of the step."""

    def check(self, context: Any) -> None:
        """Raise CannotPlay where there is no plate."""
        need_plate(context)
