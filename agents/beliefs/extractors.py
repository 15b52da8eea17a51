"""Feature extractors for Stable-Baselines3: a spot list as maps and registrations that a network learns from.

A flat list of spots fed to an MLP learns slowly. Two views of the same list learn fast: the spots in a gnomonic map,
under a dictionary of patterns and a small CNN, find the way from anywhere; the registration of the list on the pattern
expected at the goal measures the last few degrees.
"""

from typing import NamedTuple

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from beamgym.agents.beliefs.dictionary import Dictionary
from beamgym.agents.beliefs.geometry import encode_action
from beamgym.agents.beliefs.gnomonic_map import GnomonicMap
from beamgym.agents.beliefs.observed import check_observed
from beamgym.agents.beliefs.registration import Registration
from beamgym.envs.laue_align import SPOT_FIELDS

_READS = ("spots", "expected", "axes", "last_move", "budget")


class AlignExtractor(BaseFeaturesExtractor):
    """Features of a LaueAlign spot observation, led by its own proposal for the action.

    A dictionary of patterns beside a CNN guesses the whole rotation from the gnomonic map ("coarse"), the registration
    measures the last few degrees ("fine"), a gate chooses between them, and a fourth number says whether the goal is
    reached. The first four features are that proposal as an action; the others are for the critic and for what
    reinforcement learning adds to the proposal.

    Parameters
    ----------
    observation_space : the Dict of LaueAlign-v0
    width : features of the fused output
    entries : orientations in the dictionary
    map_pixels, map_extent : of the gnomonic map
    channels : of the first convolution
    max_rotation_deg : of the environment's full action

    Raises
    ------
    ValueError : for an observation without spots
    """

    def __init__(
        self,
        observation_space: gym.spaces.Dict,
        width: int = 192,
        entries: int = 1000,
        map_pixels: int = 28,
        map_extent: float = 0.6,
        channels: int = 16,
        max_rotation_deg: float = 90.0,
    ) -> None:
        check_observed(observation_space, _READS, "the align extractor needs LaueAlign's spot observation")
        registration = Registration()
        axes = int(np.prod(observation_space["axes"].shape or (0,)))
        direct = registration.features_dim + 5
        super().__init__(observation_space, features_dim=4 + width + direct)
        self.max_rotation = float(np.radians(max_rotation_deg))
        self.registration, self.map = registration, GnomonicMap(map_pixels, map_extent)
        self.dictionary = Dictionary(entries, map_pixels)
        self.cnn = _map_cnn(map_pixels, channels, width)
        self.rescore = nn.Linear(width, entries)
        self.fuse = nn.Sequential(nn.Linear(width + direct + axes, width), nn.ReLU())
        self.amend = nn.Sequential(nn.Linear(width + 3, width), nn.ReLU(), nn.Linear(width, 3))
        self.choose = nn.Sequential(nn.Linear(width + direct, 64), nn.ReLU(), nn.Linear(64, 2))
        self.trust_dictionary()

    def trust_dictionary(self) -> None:
        """Set first weights: the proposal is the dictionary's own; nothing is rescored, no entry amended.

        An amendment that begins at random may settle on the branch to a goal that is further than one action goes.
        """
        for layer in (self.rescore, self.amend[2]):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def gnomonic_maps(self, spots: Tensor) -> Tensor:
        """Return the gnomonic maps (b, 3, pixels, pixels) of flat spot lists (b, p * 5)."""
        maps: Tensor = self.map(spots.reshape(spots.shape[0], -1, SPOT_FIELDS))
        return maps

    def estimates(self, observations: dict[str, Tensor]) -> "Estimates":
        """Return the estimates of dictionary, CNN and registration, for the pretraining's losses."""
        spots = observations["spots"].reshape(observations["spots"].shape[0], -1, SPOT_FIELDS)
        expected = observations["expected"].reshape(spots.shape[0], -1, SPOT_FIELDS)
        with torch.no_grad():
            fine, fit = self.registration(spots, expected)
            maps = self.map(spots)
        seen = self.cnn(maps)
        scores = self.dictionary(maps[:, 1:2]) + self.rescore(seen)
        entry = self.dictionary.turns[scores.argmax(dim=1)]
        direct = torch.cat([fit, observations["last_move"], observations["budget"]], dim=-1)
        fused = self.fuse(torch.cat([seen, direct, observations["axes"]], dim=-1))
        coarse = entry + self.amend(torch.cat([fused, entry], dim=-1))
        gate, declare = self.choose(torch.cat([fused, direct], dim=-1)).unbind(-1)
        return Estimates(scores, entry, coarse, fine, gate, declare, torch.cat([fused, direct], dim=-1))

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Turn a batch of observations into (b, features_dim)."""
        found = self.estimates(observations)
        return torch.cat([self.proposal(found), found.features], dim=-1)

    def proposal(self, found: "Estimates") -> Tensor:
        """Compose the action (b, 4): encoded rotation and declaration.

        The gate's sigmoid is stretched over 0..1, so that a sure gate takes one of the two rotations and no mixture.
        """
        share = torch.clamp(1.5 * torch.sigmoid(found.gate) - 0.25, 0.0, 1.0)[:, None]
        rotation = (1.0 - share) * found.coarse + share * found.fine
        return torch.cat([encode_action(rotation, self.max_rotation), torch.tanh(found.declare)[:, None]], dim=-1)


class Estimates(NamedTuple):
    """Estimates of an AlignExtractor for a batch.

    Parameters
    ----------
    scores : (b, k) logits of the dictionary's entries
    entry : (b, 3) rotation vector of the best entry to the goal, radians
    coarse, fine : (b, 3) rotation vectors to the goal, radians, by the amended entry and by the registration
    gate : (b,) logit that fine is the better of the two
    declare : (b,) logit that the goal is reached
    features : (b, f) everything else
    """

    scores: Tensor
    entry: Tensor
    coarse: Tensor
    fine: Tensor
    gate: Tensor
    declare: Tensor
    features: Tensor


def _map_cnn(pixels: int, channels: int, width: int) -> nn.Sequential:
    edge = (pixels + 7) // 8
    return nn.Sequential(
        nn.Conv2d(3, channels, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(2 * channels, 2 * channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * channels * edge * edge, width),
        nn.ReLU(),
    )
