"""What sets one version of an environment apart: when a declaration counts, what moves beside it, what is paid."""

from dataclasses import dataclass, field

from beamgym.envs.laue_align.context import RewardModel
from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.physics.laue.simulator import Draws

TENTH = 0.1


@dataclass(frozen=True)
class Rules:
    """How an episode of one version ends and is paid.

    Parameters
    ----------
    declares_within : tolerances; a declaration counts beside a commanded turn that is smaller, and smaller than a tenth
        of the largest turn; that turn is made without an exposure; 0: every declaration counts, and nothing moves
    keeps_progress : whether the potential stays at the end; else it is paid back there
    reward : the numbers of the reward, of its dense kind
    max_rotation_deg : of a full action, where nobody names another
    draws : how the noise of found peaks is drawn
    """

    declares_within: float = 0.0
    keeps_progress: bool = False
    reward: RewardModel = field(default_factory=RewardModel)
    max_rotation_deg: float = 90.0
    draws: Draws = "box-muller"

    def declares(self, asked: BoolArray, turn_deg: Float64Array, tolerance_deg: float, most_deg: float) -> BoolArray:
        """Return which rows (n,) declare, of those that ask to, by how far each is to turn at the same time (n,)."""
        if self.declares_within == 0.0:
            return asked
        within: BoolArray = turn_deg < min(self.declares_within * tolerance_deg, TENTH * most_deg)
        return asked & within


_PAID = RewardModel(gamma=1.0, shaping=2.0, time_cost=0.0002, success=2.0, price=0.2)
# 45 degrees, as far as most starts are from their goal: under the noise of a fresh policy nearly every action is a full
# one, and of a full turn too far the direction tells nothing.
_RULES = {0: Rules(), 1: Rules(4.0, True, _PAID, 45.0, "ziggurat")}


def rules(version: int) -> Rules:
    """Return the rules of a version of an environment; raises ValueError for one that does not exist."""
    if version not in _RULES:
        raise ValueError(f"there is no version {version}; there are {', '.join(map(str, _RULES))}")
    return _RULES[version]
