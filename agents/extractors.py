"""Feature extractors for Stable-Baselines3: what a spot list has to be turned into before a network can learn from it.

A flat list of spots fed to an MLP learns slowly. Two views of the same list learn fast:

- the spots splatted bilinearly into a gnomonic map of plane normals, under a small CNN: finds the way from anywhere;
- the registration of the list on the pattern expected at the goal: near the goal the displacement of every spot is linear
  in the rotation still needed, so a weighted least-squares fit gives that rotation to a fraction of the spot noise.
"""

from typing import NamedTuple

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from beamgym.agents.dictionary import Dictionary
from beamgym.envs.observations import SPOT_FIELDS

_TINY = 1e-9


def small_inverse(matrix: Tensor) -> Tensor:
    """Invert symmetric positive 3 x 3 matrices (b, 3, 3) by cross products, which every ONNX runtime knows."""
    rows = matrix.unbind(dim=-2)
    adjugate = torch.stack(
        [
            torch.linalg.cross(rows[1], rows[2]),
            torch.linalg.cross(rows[2], rows[0]),
            torch.linalg.cross(rows[0], rows[1]),
        ],
        dim=-1,
    )
    determinant = (rows[0] * adjugate[..., :, 0]).sum(-1)
    return adjugate / (determinant[..., None, None] + 1e-12)


def rotate(vectors: Tensor, rotation: Tensor) -> Tensor:
    """Rotate unit vectors (b, p, 3) by rotation vectors (b, 3) in radians (Rodrigues)."""
    angle = torch.sqrt((rotation**2).sum(-1, keepdim=True) + _TINY**2)
    axis = (rotation / angle)[:, None, :].expand_as(vectors)
    sine, cosine = torch.sin(angle)[..., None], torch.cos(angle)[..., None]
    along = (axis * vectors).sum(-1, keepdim=True)
    return vectors * cosine + torch.linalg.cross(axis, vectors) * sine + axis * along * (1 - cosine)


def encode(rotation: Tensor, max_rotation: float) -> Tensor:
    """Turn rotation vectors (b, 3), radians, into actions by the environment's cube law."""
    angle = torch.sqrt((rotation**2).sum(-1, keepdim=True) + _TINY**2)
    return rotation / angle * torch.clamp(angle / max_rotation, max=1.0) ** (1.0 / 3.0)


class GnomonicMap(nn.Module):
    """Splats spots bilinearly into a square gnomonic map of plane normals around the reversed beam.

    The three channels weigh a spot by its rank in brightness, which intensity noise hardly changes: the 6 brightest or so,
    the 20 brightest, and all alike.

    Parameters
    ----------
    pixels : edge of the map
    extent : half width, as the tangent of the angle from the reversed beam
    rows : spots in the list
    """

    centres: Tensor
    weights: Tensor

    def __init__(self, pixels: int = 28, extent: float = 0.6, rows: int = 64) -> None:
        super().__init__()
        self.pixels, self.extent = pixels, extent
        rank = torch.arange(rows, dtype=torch.float32)
        self.register_buffer("centres", torch.arange(pixels, dtype=torch.float32))
        self.register_buffer("weights", torch.stack([torch.exp(-rank / 6), torch.exp(-rank / 20), torch.ones(rows)]))

    def forward(self, spots: Tensor) -> Tensor:
        """Turn spot rows (b, p, 5), brightest first, into (b, 3, pixels, pixels)."""
        depth = torch.clamp(-spots[..., :1], min=0.05)
        place = (spots[..., 1:3] / depth / self.extent + 1.0) * (0.5 * (self.pixels - 1))
        hat = torch.relu(1.0 - torch.abs(place[..., None] - self.centres))
        weights = spots[:, None, :, 4] * self.weights
        return (hat[:, None, :, 0, :] * weights[..., None]).transpose(2, 3) @ hat[:, None, :, 1, :]


class Registration(nn.Module):
    """Fits the small rotation that brings the observed spots onto the expected ones, over narrowing capture widths.

    Each step is a weighted least-squares fit of a rotation vector: minimise the sum over pairs of w |e - n - r x n|^2 with
    w = exp(-|e - n|^2 / 2 width^2), which is linear in r (iterative closest points: Besl & McKay 1992, softly assigned).

    Parameters
    ----------
    widths_deg : standard deviations of the capture, outermost first
    spots, expected : rows used of either list, brightest first
    """

    def __init__(
        self, widths_deg: tuple[float, ...] = (5.0, 2.2, 0.9, 0.35), spots: int = 48, expected: int = 40
    ) -> None:
        super().__init__()
        self.widths = [float(np.radians(width)) for width in widths_deg]
        self.spots, self.expected = spots, expected
        self.features_dim = 5 * len(widths_deg)

    def forward(self, spots: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rotation (b, 3), radians, and (b, 5 * widths): at each width rotation, captured share and misfit."""
        spots, expected = spots[:, : self.spots], expected[:, : self.expected]
        normals, total = spots[..., :3], torch.zeros_like(spots[:, 0, :3])
        features = []
        for width in self.widths:
            turned = rotate(normals, total)
            step, share, misfit = self._fit(turned, spots[..., 4], expected, width)
            total = total + step
            features += [total / width / 4.0, share, misfit]
        return total, torch.cat(features, dim=-1)

    def _fit(self, normals: Tensor, present: Tensor, expected: Tensor, width: float) -> tuple[Tensor, Tensor, Tensor]:
        goal = expected[..., :3]
        apart = squared_distances(normals, goal)
        held = torch.exp(-0.5 / width**2 * apart) * present[..., None] * expected[:, None, :, 4]
        weight = held.sum(2, keepdim=True)
        total = weight.sum(1)
        share = total / (present.sum(1, keepdim=True) + 1.0)
        misfit = (held * apart).sum((1, 2))[:, None] / (total + _TINY) / width**2
        torque = torch.linalg.cross(normals, held @ goal).sum(1)
        unit = torch.eye(3, device=normals.device)
        inertia = (total[..., None] + 0.05) * unit - (weight * normals).transpose(1, 2) @ normals
        return (small_inverse(inertia) @ torque[..., None])[..., 0], share, misfit


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Return |l - r|^2 of (b, p, 3) and (b, q, 3) as (b, p, q), by differences: 2 - 2 l.r would lose small angles."""
    parts = [(left[:, :, None, i] - right[:, None, :, i]) ** 2 for i in range(3)]
    return parts[0] + parts[1] + parts[2]


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
        for layer in (self.rescore, self.amend[2]):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def spot_maps(self, spots: Tensor) -> Tensor:
        """Return the gnomonic maps (b, 3, pixels, pixels) of flat spot lists (b, p * 5)."""
        maps: Tensor = self.map(spots.reshape(spots.shape[0], -1, SPOT_FIELDS))
        return maps

    def estimates(self, observations: dict[str, Tensor]) -> "Estimates":
        """Return what the ways of looking say, for the warm start's losses."""
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
        """Compose the four numbers of the action: encoded rotation and declaration."""
        share = torch.clamp(1.5 * torch.sigmoid(found.gate) - 0.25, 0.0, 1.0)[:, None]
        rotation = (1.0 - share) * found.coarse + share * found.fine
        return torch.cat([encode(rotation, self.max_rotation), torch.tanh(found.declare)[:, None]], dim=-1)


class Estimates(NamedTuple):
    """What an AlignExtractor makes of a batch.

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
