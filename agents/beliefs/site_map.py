"""The search extractor: from the map of what was scored where to the place to look at next.

A small network with a bottleneck reads the coarse map and answers, for every cell, how probable it is that the cell is
among the best of the sample. The next place is the unseen cell with the most probability per second of driving and
counting, as in optimal search for a hidden target (Stone, Theory of Optimal Search, 1975), looked at on the fly. When a
seen cell is probable enough, or the time for it is spent, some of the most probable cells are looked at again, longer,
and the best of those is driven back to and declared.
"""

from typing import NamedTuple

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn
from torch.nn import functional

from beamgym.envs.arpes_spot import MAP_CELLS, MAP_LAYERS
from beamgym.physics.arpes.score import PAPER, V2_NODES, V2_PENALTIES

_READS = ("map", "position", "scores", "exposure", "best", "budget")
_CHANNELS = 12
_SUMMARY = 12
_HOPELESS = 0.05  # probability of a cell below which it is not worth a longer look
_TOTAL, _VISITS, _S, _B, _N, _DWELL = range(MAP_LAYERS)


class SearchEstimates(NamedTuple):
    """What a SearchExtractor makes of a batch.

    Parameters
    ----------
    logits : (b, 32, 32) that a cell is among the best
    proposal : (b, 4) the action: place, dwell, declaration
    features : (b, 12) what the commitment is decided by
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
    look_s, confirm_s : what a look costs beside the drive while searching (on the fly: dwell and read-out), and before
        declaring (with the wait for the stage to settle)
    beam_time_s : budget
    channels : of the first convolutions
    look, confirm : dwell while searching and while comparing, 0 to 1 on the action's scale; below 0 it stays on
        the fly while actions are explored
    sure : probability of a seen cell at which the search goes over to comparing
    scan_s : beam time after which it does in any case
    candidates : places that are then looked at longer, apart from each other
    doubt : probability below which the best of them is not taken, while there is time
    patience : power of the time a look costs

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
    ) -> None:
        missing = [name for name in _READS if name not in observation_space.spaces]
        if missing:
            raise ValueError(
                f"the search extractor needs ArpesSpot-v0's observation, without {', '.join(missing)} here: "
                "set extractor: combined"
            )
        super().__init__(observation_space, features_dim=4 + _SUMMARY)
        self.look_s, self.confirm_s, self.beam_time_s = look_s, confirm_s, beam_time_s
        self.patience, self.sure, self.crossing_s = patience, sure, travel_mm / speed_mm_per_s
        self.scan_s, self.candidates, self.doubt = scan_s, candidates, doubt
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
        """Let the commitment begin as the plain threshold, and most cells as bad."""
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
        near = self.near(functional.pixel_unshuffle(self._picture(observations), 2))
        far = self.far(near)
        far = far + self.whole(far.mean((2, 3)))[:, :, None, None]
        wide = functional.interpolate(self.back(far), scale_factor=2.0, mode="nearest")
        found: Tensor = functional.pixel_shuffle(self.head(torch.cat([near, wide], dim=1)), 2)[:, 0]
        return found

    def propose(self, logits: Tensor, observations: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the action (b, 4) and what it is decided by (b, 12)."""
        b = logits.shape[0]
        chart = observations["map"].reshape(b, MAP_CELLS, MAP_CELLS, MAP_LAYERS)
        likely = torch.sigmoid(logits).reshape(b, -1)
        seen = (chart[..., _VISITS] > 0.0).reshape(b, -1)
        sharp = seen & (chart[..., _DWELL].reshape(b, -1) > 0.5 * (self.dwells[1] + 1.0) - 0.03)
        drive = self._drive_s(observations["position"]).reshape(b, -1)
        points = self._points(chart[..., _S], chart[..., _B], chart[..., _N]).reshape(b, -1)
        home = torch.where(sharp, points, torch.where(seen, 0.5 * likely - 1.0, -5.0 - drive)).argmax(1, keepdim=True)
        there = drive.gather(1, home) < 1.01 * self.crossing_s / MAP_CELLS / 2.0
        left_s = observations["budget"] * self.beam_time_s - 1.5 * self.confirm_s - self._return_s(home)
        ahead, hope = _most(likely / (drive + self.look_s) ** self.patience, ~seen & (drive + self.look_s < left_s))
        apart = ~_around(sharp) & (drive + self.confirm_s < left_s)
        again, worth = _most(likely, seen & apart)
        looked = sharp.float().sum(1, keepdim=True)
        features = self._summary(observations, likely, seen, likely.gather(1, home), hope, worth, looked)
        spent_s = self.beam_time_s * (1.0 - observations["budget"])
        best = torch.where(seen, likely, torch.zeros_like(likely)).amax(1, keepdim=True)
        chosen = (best >= self.sure) | (spent_s > self.scan_s) | (looked > 0.0)
        compare = chosen & (looked < self.candidates) & (worth > _HOPELESS)
        commit = 4.0 * (likely.gather(1, home) - self.doubt) + self.choose(features)
        commit = torch.where(spent_s > 2.0 * self.scan_s, commit.abs(), commit)
        over = hope <= 0.0
        home_now = over | (chosen & ~compare & (commit > 0.0) & (looked > 0.0))
        look_again = ~home_now & (compare | (chosen & (worth > self.doubt)))
        declare = torch.where(home_now & there, torch.where(over, torch.ones_like(commit), commit), -1.0)
        cell = torch.where(home_now, home, torch.where(look_again, again, ahead))
        column, row = cell % MAP_CELLS, torch.div(cell, MAP_CELLS, rounding_mode="floor")
        dwell = torch.where(home_now | look_again, self.dwells[1], self.dwells[0])
        return torch.cat([self.centres[column], self.centres[row], dwell, torch.tanh(declare)], dim=1), features

    def _return_s(self, home: Tensor) -> Tensor:
        """Return the time to drive from every cell to the cell ``home`` (b, 1), (b, 1024) s."""
        column, row = home % MAP_CELLS, torch.div(home, MAP_CELLS, rounding_mode="floor")
        place = torch.cat([self.centres[column], self.centres[row]], dim=1)
        return self._drive_s(place).reshape(home.shape[0], -1)

    def _picture(self, observations: dict[str, Tensor]) -> Tensor:
        """Return what the network sees, (b, 12, 32, 32)."""
        b = observations["map"].shape[0]
        chart = observations["map"].reshape(b, MAP_CELLS, MAP_CELLS, MAP_LAYERS)
        seen = (chart[..., _VISITS] > 0.0).float()
        points = 0.1 * self._points(chart[..., _S], chart[..., _B], chart[..., _N]) * seen
        best = points.amax((1, 2), keepdim=True).expand_as(points)
        x, y = self.centres[None, None, :].expand_as(points), self.centres[None, :, None].expand_as(points)
        short = (points - best) * seen
        drive = self._drive_s(observations["position"]) / self.crossing_s
        layers = [seen, chart[..., _S], chart[..., _B], chart[..., _N], points, short, best, x, y, drive]
        layers += [chart[..., _VISITS], chart[..., _DWELL]]
        return torch.stack(layers, dim=1)

    def _points(self, sharpness: Tensor, background: Tensor, counts: Tensor) -> Tensor:
        """Return the ``v2`` total of components, without its feature term; see physics.arpes.quality.v2_total."""
        points = 10.0 - sum(
            weight * self._penalty(part)
            for part, weight in zip((sharpness, background, counts), PAPER.weights, strict=True)
        )
        points = points + ((background - 0.8) / 0.2).clamp(0.0, 1.0) + ((counts - 0.8) / 0.2).clamp(0.0, 1.0)
        points = points - 2.0 * ((0.6 - background - counts) / 0.2).clamp(0.0, 1.0)
        return torch.where(points > 8.0, 4.0 + 0.5 * points, points).clamp(0.0, 10.0)

    def _penalty(self, component: Tensor) -> Tensor:
        """Interpolate the penalties between their nodes, as a sum of ramps."""
        slopes = (self.penalties[1:] - self.penalties[:-1]) / (self.nodes[1:] - self.nodes[:-1])
        bends = torch.cat([slopes[:1], slopes[1:] - slopes[:-1]])
        return self.penalties[0] + (bends * torch.relu(component[..., None] - self.nodes[:-1])).sum(-1)

    def _drive_s(self, position: Tensor) -> Tensor:
        """Return the time to drive to every cell, (b, 32, 32) s: both axes at once."""
        along = (self.centres[None, None, :] - position[:, 0, None, None]).abs()
        across = (self.centres[None, :, None] - position[:, 1, None, None]).abs()
        return torch.maximum(along.expand(-1, MAP_CELLS, -1), across.expand(-1, -1, MAP_CELLS)) * 0.5 * self.crossing_s

    def _summary(
        self,
        observations: dict[str, Tensor],
        likely: Tensor,
        seen: Tensor,
        best: Tensor,
        hope: Tensor,
        worth: Tensor,
        looked: Tensor,
    ) -> Tensor:
        """Return what the commitment is decided by, (b, 12)."""
        rest = torch.where(seen, torch.zeros_like(likely), likely)
        parts = [
            best,
            hope,
            worth,
            best / (best + worth + 1e-3),
            torch.log1p(rest.sum(1, keepdim=True)),
            rest.amax(1, keepdim=True),
            0.1 * looked,
            observations["budget"],
            0.02 * seen.float().sum(1, keepdim=True),
            observations["scores"][:, 3:],
            observations["best"][:, :1],
            observations["exposure"][:, :1],
        ]
        return torch.cat(parts, dim=1)


def _most(values: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return where (b, 1) the largest of values (b, k) is, and it (b, 1); 0 where there is none to choose among."""
    kept = torch.where(among, values, torch.zeros_like(values))
    at = kept.argmax(1, keepdim=True)
    return at, kept.gather(1, at)


def _around(cells: Tensor) -> Tensor:
    """Return the cells (b, 1024) and their neighbours."""
    grid = cells.float().reshape(-1, 1, MAP_CELLS, MAP_CELLS)
    return functional.max_pool2d(grid, 3, 1, 1).reshape(cells.shape[0], -1) > 0.0


def _convolutions(inputs: int, width: int, outputs: int) -> nn.Sequential:
    first, second = nn.Conv2d(inputs, width, 3, 1, 1), nn.Conv2d(width, outputs, 3, 1, 1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def stage_numbers(context: object) -> dict[str, float]:
    """Return what the extractor must know of a SpotContext's stage; raises ValueError for another environment."""
    stage = getattr(context, "stage", None)
    if stage is None or getattr(context, "action", "") != "absolute":
        raise ValueError("the search extractor proposes places: it needs ArpesSpot-v0 with action 'absolute'")
    speeds = [axis.speed for axis in stage.motors]
    travel = np.diff(stage.limits_mm, axis=1)[:, 0]
    return {
        "speed_mm_per_s": float(min(speeds)),
        "travel_mm": float(travel.max()),
        "beam_time_s": float(context.beam_time_s),  # type: ignore[attr-defined]
    }
