"""A bundle that observes found spots, where the camera's image is observed: the peak finder stands between."""

from typing import Any

from numpy.typing import NDArray

from beamgym.agents.baselines.align import image_finder
from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.envs.laue_views import spot_rows
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth

_ROWS = 64  # of found spots, as LaueAlign observes them


class FoundSpots:
    """Plays LaueAlignImage by a bundle for LaueAlign.

    Parameters
    ----------
    policy : plays a bundle that observes "spots"
    """

    oracle = False

    def __init__(self, policy: BundlePolicy) -> None:
        self.policy, self.name = policy, policy.name

    @property
    def training_seeds(self) -> tuple[int, int]:
        """First and last environment seed that the bundle was trained on."""
        return self.policy.training_seeds

    def start(self, context: Any, n: int) -> PolicyState:
        """Return what the policy begins with, beside the context, of which the panel is needed."""
        return [(context, each) for each in self.policy.start(context, n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[Any], PolicyState]:
        """Return what the policy does by the spots of the images; raises CannotPlay where there is not one image."""
        images = observation.get("image")
        if images is None or images.shape[-1] != 1:
            raise CannotPlay(f"{self.name} finds spots in the camera's last image; leave out history")
        context = state[0][0]
        finder = image_finder(context.detector, images.shape[1])
        rows = spot_rows(finder.find(images), finder.panel, _ROWS)
        seen = {name: part for name, part in observation.items() if name != "image"}
        seen["spots"] = rows.reshape(len(rows), -1)
        actions, after = self.policy.act(seen, [each for _, each in state], truth)
        return actions, [(context, each) for each in after]
