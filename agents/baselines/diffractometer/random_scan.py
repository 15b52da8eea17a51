"""A baseline that scans anything at random."""

from typing import Any

from beamgym.agents.baselines.diffractometer.acting import need_diffractometer
from beamgym.agents.baselines.even_actions import EvenActions


class RandomAngles(EvenActions):
    """Even actions, drawn from the episode's seed and the number of the step."""

    def check(self, context: Any) -> None:
        """Raise CannotPlay where there is no diffractometer."""
        need_diffractometer(context)
