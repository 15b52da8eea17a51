"""A bundle in another version of its task: the same turns, where a full action means another angle."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.policies.bundle import BundlePolicy
from beamgym.envs.actions import decode_rotation, encode_rotation
from beamgym.envs.kinds import find_kind
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth


class OtherVersion(BundlePolicy):
    """Plays a bundle by the rules of another version than it was trained for.

    Its turns are told in the other version's unit, and cut off where they are longer than a full action there. Where it
    declares it does not move, as in version 0: in version 1 a declaration counts beside small turns only.
    """

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n empty memories.

        Raises CannotPlay where actions are no rotations, no setting says of what, or what is observed has a unit too.
        """
        if self.model.manifest.encoder.name == "estimate":
            raise CannotPlay(
                f"bundle {self.name} observes the estimated turn in the unit of {self.model.manifest.env_id}; "
                "play it there"
            )
        kind = find_kind(context)
        setting = None if kind is None else self.model.manifest.setting_of(kind)
        scale = () if kind is None or setting is None else kind.action_scale
        found = {field: getattr(context, field) for field in scale}
        trained = {field: getattr(setting, field) for field in scale}
        if not found.get("action") == trained.get("action") == "rotation":
            raise CannotPlay(
                f"bundle {self.name} was made for {self.model.manifest.env_id}, and plays another version where both "
                f"turn by action='rotation'; here it is {found.get('action')!r}"
            )
        memory = self.model.start(n)
        rows = [{key: values[i] for key, values in memory.items()} for i in range(n)] if memory else [None] * n
        return [(row, trained["max_rotation_deg"], found["max_rotation_deg"]) for row in rows]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[Any], PolicyState]:
        """Return the network's actions in this version's unit, and what it remembers."""
        actions, after = super().act(observation, [row for row, _, _ in state], truth)
        told = actions.copy()
        for i, (_, trained_deg, here_deg) in enumerate(state):
            turn = decode_rotation(actions[i : i + 1, :3].astype(np.float64), trained_deg)
            told[i, :3] = encode_rotation(turn, here_deg)[0]
        told[actions[:, -1] > 0.0, :3] = 0.0
        return told, [(row, trained, here) for row, (_, trained, here) in zip(after, state, strict=True)]
