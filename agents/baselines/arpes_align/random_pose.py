"""A baseline that goes anywhere at random."""

from typing import Any

from beamgym.agents.baselines.arpes_align.acting import aligning_context
from beamgym.agents.baselines.even_actions import EvenActions


class RandomPoses(EvenActions):
    """Even actions, drawn from the episode's seed and the number of the step."""

    def check(self, context: Any) -> None:
        """Raise CannotPlay for another task."""
        aligning_context(context, self.name)
