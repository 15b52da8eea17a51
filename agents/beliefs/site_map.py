"""The search network: from the map of measured sites to the probability of every cell, and to a proposed action.

A small network with a bottleneck reads the coarse map and returns, for every cell, how probable it is that the cell is
among the best of the sample. The next site is the unseen cell with the most probability per second of driving and
counting, measured on the fly. When a seen cell is probable enough, or the time for searching is spent, some of the most
probable cells are measured again, longer, and the best of those is driven back to and declared; see ``site_choice``.
"""

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.nn import functional

from beamgym.agents.beliefs.observed import check_observed
from beamgym.agents.beliefs.site_choice import (
    Cells,
    Choices,
    SearchRules,
    choose_cells,
    drive_times_s,
    proposed_action,
    search_decision,
)
from beamgym.envs.arpes_spot import MAP_CELLS, MAP_LAYERS
from beamgym.envs.kinds import require_kind
from beamgym.physics.arpes.score import PAPER_BRACKETS, V2_NODES, V2_PENALTIES

_READS = ("map", "position", "scores", "exposure", "best", "budget")
_CHANNELS = 12
_SUMMARY = 12
_TOTAL, _VISITS, _S, _B, _N, _DWELL = range(MAP_LAYERS)


class SearchEstimates(NamedTuple):
    """Estimates of a SearchExtractor for a batch.

    Parameters
    ----------
    logits : (b, 32, 32) that a cell is among the best
    proposal : (b, 4) the action: site, dwell, declaration
    features : (b, 12) from which the commitment is corrected
    """

    logits: Tensor
    proposal: Tensor
    features: Tensor


class SearchExtractor(BaseFeaturesExtractor):
    """Features of an ArpesSpot observation, led by its own proposal for the action.

    Parameters
    ----------
    observation_space : the Dict of ArpesSpot-v0
    speed_mm_per_s, travel_mm : of the stage; travel from end to end
    look_s, confirm_s : beam time of an exposure beside the drive, while searching (on the fly: dwell and read-out) and
        while comparing (with the wait for the stage to settle)
    beam_time_s : budget
    channels : of the first convolutions
    look, confirm : dwell while searching and while comparing, 0 to 1 on the action's scale; below 0 it stays on
        the fly while actions are explored
    sure : probability of a seen cell at which the search goes over to comparing
    scan_s : beam time after which it does in any case
    candidates : how many cells are then measured longer, none beside another
    doubt : probability below which the best of them is not declared, while there is time
    patience : power of the time that an exposure costs
    estimated : the map's first layer is an estimate of the points that a cell would have at the reference dwell, as in
        ArpesSpot-v1; else points are computed of the components

    Raises
    ------
    ValueError : for an observation without the map
    """

    def __init__(
        self,
        observation_space: gym.spaces.Dict,
        speed_mm_per_s: float = 0.5,
        travel_mm: float = 2.0,
        look_s: float = 0.1,
        confirm_s: float = 0.9,
        beam_time_s: float = 120.0,
        channels: int = 32,
        look: float = -0.1,
        confirm: float = 0.55,
        sure: float = 0.9,
        scan_s: float = 38.0,
        candidates: int = 7,
        doubt: float = 0.5,
        patience: float = 1.0,
        estimated: bool = False,
    ) -> None:
        check_observed(observation_space, _READS, "the search extractor needs ArpesSpot-v0's observation")
        super().__init__(observation_space, features_dim=4 + _SUMMARY)
        self.estimated = estimated
        crossing_s = travel_mm / speed_mm_per_s
        self.rules = SearchRules(
            crossing_s, look_s, confirm_s, beam_time_s, sure, scan_s, candidates, commit=doubt, patience=patience
        )
        c = channels
        self.near = _convolutions(4 * _CHANNELS, c, c)
        self.far = nn.Sequential(nn.Conv2d(c, 2 * c, 3, 2, 1), nn.ReLU(), *_convolutions(2 * c, 2 * c, 2 * c))
        self.whole = nn.Sequential(nn.Linear(2 * c, 2 * c), nn.ReLU())
        self.back = nn.Conv2d(2 * c, c, 1)
        self.head = nn.Sequential(*_convolutions(2 * c, c, c), nn.Conv2d(c, 4, 1))
        self.choose = nn.Sequential(nn.Linear(_SUMMARY, 32), nn.Tanh(), nn.Linear(32, 1))
        self.dwells = nn.Parameter(torch.tensor([2.0 * look - 1.0, 2.0 * confirm - 1.0]))
        centres = (torch.arange(MAP_CELLS, dtype=torch.float32) + 0.5) * 2.0 / MAP_CELLS - 1.0
        self.register_buffer("centres", centres)
        self.register_buffer("nodes", torch.tensor(V2_NODES, dtype=torch.float32))
        self.register_buffer("penalties", torch.tensor(V2_PENALTIES, dtype=torch.float32))
        self.begin()

    centres: Tensor
    nodes: Tensor
    penalties: Tensor

    def begin(self) -> None:
        """Set first weights: the commitment is the plain threshold, and most cells count as bad."""
        for layer in (self.choose[2],):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.constant_(self.head[-1].bias, -3.0)  # type: ignore[arg-type]

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Turn a batch of observations into (b, 16)."""
        found = self.estimates(observations)
        return torch.cat([found.proposal, found.features], dim=1)

    def estimates(self, observations: dict[str, Tensor]) -> SearchEstimates:
        """Return probabilities, proposal and features."""
        logits = self.logits(observations)
        return SearchEstimates(logits, *self.propose(logits.detach(), observations))

    def logits(self, observations: dict[str, Tensor]) -> Tensor:
        """Return (b, 32, 32) logits that each cell is among the best."""
        near = self.near(functional.pixel_unshuffle(self._network_input(observations), 2))
        far = self.far(near)
        far = far + self.whole(far.mean((2, 3)))[:, :, None, None]
        wide = functional.interpolate(self.back(far), scale_factor=2.0, mode="nearest")
        found: Tensor = functional.pixel_shuffle(self.head(torch.cat([near, wide], dim=1)), 2)[:, 0]
        return found

    def propose(self, logits: Tensor, observations: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the action (b, 4) for logits (b, 32, 32), and the features (b, 12) that correct its commitment."""
        cells, budget = self._cells(logits, observations), observations["budget"]
        choices = choose_cells(cells, budget, self.centres, self.rules)
        features = _summary(cells, choices, observations)
        decision = search_decision(choices, cells, budget, self.choose(features), self.rules)
        return proposed_action(choices, decision, self.centres, self.dwells), features

    def _cells(self, logits: Tensor, observations: dict[str, Tensor]) -> Cells:
        """Return what is known of every cell: the network's probabilities, and the observed map (b, 6144)."""
        b, layers = logits.shape[0], _layers(observations)
        seen = (layers[..., _VISITS] > 0.0).reshape(b, -1)
        # An exposure counts as a comparison from a little below the dwell that comparisons are made with.
        long_enough = layers[..., _DWELL].reshape(b, -1) > 0.5 * (self.dwells[1] + 1.0) - 0.03
        return Cells(
            probability=torch.sigmoid(logits).reshape(b, -1),
            seen=seen,
            compared=seen & long_enough,
            points=self._points(layers).reshape(b, -1),
            drive_s=drive_times_s(observations["position"], self.centres, self.rules.crossing_s).reshape(b, -1),
        )

    def _network_input(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the layers that the network reads, (b, 12, 32, 32)."""
        layers = _layers(observations)
        seen = (layers[..., _VISITS] > 0.0).float()
        points = 0.1 * self._points(layers) * seen
        best = points.amax((1, 2), keepdim=True).expand_as(points)
        x, y = self.centres[None, None, :].expand_as(points), self.centres[None, :, None].expand_as(points)
        below_best = (points - best) * seen
        drive_s = drive_times_s(observations["position"], self.centres, self.rules.crossing_s)
        drive = drive_s / self.rules.crossing_s
        read = [seen, layers[..., _S], layers[..., _B], layers[..., _N], points, below_best, best, x, y, drive]
        return torch.stack([*read, layers[..., _VISITS], layers[..., _DWELL]], dim=1)

    def _points(self, layers: Tensor) -> Tensor:
        """Return the points of the cells of observed maps (b, 32, 32, 6)."""
        return 10.0 * layers[..., _TOTAL] if self.estimated else self._composed(*layers[..., _S : _N + 1].unbind(-1))

    def _composed(self, sharpness: Tensor, background: Tensor, counts: Tensor) -> Tensor:
        """Return the ``v2`` total of components, without its feature term; see physics.arpes.score.v2_total."""
        points = 10.0 - sum(
            weight * self._penalty(part)
            for part, weight in zip((sharpness, background, counts), PAPER_BRACKETS.weights, strict=True)
        )
        points = points + ((background - 0.8) / 0.2).clamp(0.0, 1.0) + ((counts - 0.8) / 0.2).clamp(0.0, 1.0)
        points = points - 2.0 * ((0.6 - background - counts) / 0.2).clamp(0.0, 1.0)
        return torch.where(points > 8.0, 4.0 + 0.5 * points, points).clamp(0.0, 10.0)

    def _penalty(self, component: Tensor) -> Tensor:
        """Interpolate the penalties between their nodes, as a sum of ramps."""
        slopes = (self.penalties[1:] - self.penalties[:-1]) / (self.nodes[1:] - self.nodes[:-1])
        bends = torch.cat([slopes[:1], slopes[1:] - slopes[:-1]])
        return self.penalties[0] + (bends * torch.relu(component[..., None] - self.nodes[:-1])).sum(-1)


def _layers(observations: dict[str, Tensor]) -> Tensor:
    """Return the observed map as (b, 32, 32, 6): rows, columns, layers."""
    return observations["map"].reshape(observations["map"].shape[0], MAP_CELLS, MAP_CELLS, MAP_LAYERS)


def _summary(cells: Cells, choices: Choices, observations: dict[str, Tensor]) -> Tensor:
    """Return the features (b, 12) from which the network corrects the commitment."""
    best, compare = choices.best_seen_probability, choices.compare_probability
    unseen = torch.where(cells.seen, torch.zeros_like(cells.probability), cells.probability)
    parts = [
        best,
        choices.next_unseen_rate,
        compare,
        best / (best + compare + 1e-3),
        torch.log1p(unseen.sum(1, keepdim=True)),
        unseen.amax(1, keepdim=True),
        0.1 * choices.compared_count,
        observations["budget"],
        0.02 * cells.seen.float().sum(1, keepdim=True),
        observations["scores"][:, 3:],
        observations["best"][:, :1],
        observations["exposure"][:, :1],
    ]
    return torch.cat(parts, dim=1)


def _convolutions(inputs: int, width: int, outputs: int) -> nn.Sequential:
    first, second = nn.Conv2d(inputs, width, 3, 1, 1), nn.Conv2d(width, outputs, 3, 1, 1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def stage_numbers(context: Any) -> dict[str, float]:
    """Return the extractor's arguments that describe the stage; raises ValueError unless it is ArpesSpot's."""
    wanted = "the search extractor proposes places: it needs ArpesSpot-v0 with action 'absolute'"
    require_kind(context, ("arpes",), wanted)
    if context.action != "absolute":
        raise ValueError(wanted)
    stage = context.stage
    speeds = [axis.speed for axis in stage.motors]
    travel = np.diff(stage.limits_mm, axis=1)[:, 0]
    return {
        "speed_mm_per_s": float(min(speeds)),
        "travel_mm": float(travel.max()),
        "beam_time_s": float(context.beam_time_s),
    }
