"""How unlike the spectra of its training a spectrum is, learnt against pictures that are none.

A network's last features say little of this: pictures that no band makes often end among those that bands make. So a
small classifier looks at a coarse picture, the brightness and the noise, and is taught with strange pictures beside
spectra (outlier exposure: Hendrycks, Mazeika, Dietterich, ICLR 2019). It weighs nothing beside the network itself.
"""

from typing import Final

import numpy as np
import torch
from torch import nn

from beamgym.agents.spectra.data import Examples
from beamgym.agents.spectra.ood_spectra import strange
from beamgym.envs.arpes_spot import FEATURES, SIDE
from beamgym.physics.instrument import Float32Array

COARSE: Final = 16
ODD: Final = 2
"""Strange pictures made of each usual spectrum."""

USUAL: Final = 0.995
"""Share of spectra like the training's that are not flagged for their looks."""

_ELECTRONS, _WHITE, _EMPTY, _QUANTILES = 0, 4, 5, 6  # columns of the intensity features
_MOST: Final = {_ELECTRONS: 8.0 / 6.0, _WHITE: 4.0, _EMPTY: 1.0}
_SCALES: Final = (1, 2, 4)  # cells along each axis over which noise is measured
_WIDTH: Final = COARSE * COARSE + len(_MOST) + (FEATURES - _QUANTILES) + len(_SCALES) + 3
_SLOPE = 0.1  # of the novelty's logarithm per unit of the classifier's answer
_EPOCHS, _BATCH, _RATE, _DECAY = 24, 256, 2e-3, 0.05
_HELD_OUT = 4  # one in so many spectra says where 1 is


class Doubt(nn.Module):
    """Says how little a spectrum looks like one: 1 for the strangest of the training's, more for what is none."""

    centre: torch.Tensor
    spread: torch.Tensor
    usual: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(_WIDTH, 192), nn.ReLU(), nn.Dropout(0.2), nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 1)
        )
        self.register_buffer("centre", torch.zeros(_WIDTH))
        self.register_buffer("spread", torch.ones(_WIDTH))
        self.register_buffer("usual", torch.tensor(1e3))

    def answer(self, image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        """Return the classifier's answer (m, 1), the larger the stranger."""
        told: torch.Tensor = self.layers(self.scaled(outline(image, intensity)))
        return told

    def scaled(self, looks: torch.Tensor) -> torch.Tensor:
        """Return looks (m, 281) as the classifier takes them: in units of how much they vary among usual spectra."""
        return ((looks - self.centre) / self.spread).clamp(-8.0, 8.0)

    def forward(self, image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        """Return the novelty (m, 1) of pictures (m, 64, 64) and numbers (m, 22)."""
        return (_SLOPE * (self.answer(image, intensity) - self.usual)).clamp(-10.0, 3.0).exp()


def outline(image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
    """Return the looks (m, 281): a 16 x 16 picture, brightness, its distribution, and the noise, alone and for counts.

    The noise is the mean square of I(i, j) − I(i, j + 1) − I(i + 1, j) + I(i + 1, j + 1), in which bands and edges
    leave little; of counts it is 1 / mean. Where electrons are clouds of charge it grows with the scale, in counts of
    a wrong unit it does not.
    """
    coarse = nn.functional.avg_pool2d(image.unsqueeze(1), SIDE // COARSE).flatten(1)
    mean = ((6.0 * np.log(10.0) * intensity[:, _ELECTRONS : _ELECTRONS + 1]).exp() - 1.0) / (SIDE * SIDE)
    electrons = mean.clamp(max=1e3)
    squares = image.square().unsqueeze(1)
    noises = []
    for scale in _SCALES:
        rough = roughness(nn.functional.avg_pool2d(squares, scale)[:, 0].sqrt() if scale > 1 else image)
        noises.append((1e-3 + rough.square().mean((1, 2)).unsqueeze(1) * scale * scale * electrons).log())
    rough = roughness(image)
    typical = rough.abs().mean((1, 2)).unsqueeze(1).square()
    peaked = image.square().square().mean((1, 2)).unsqueeze(1).clamp(max=100.0).sqrt()
    numbers = [intensity[:, column : column + 1].clamp(max=_MOST[column]) for column in _MOST]
    noises += [(1e-3 + typical * electrons).log(), (1e-3 + rough.square().mean((1, 2)).unsqueeze(1)).log(), peaked]
    return torch.cat([coarse, *numbers, intensity[:, _QUANTILES:], *noises], dim=1)


def roughness(image: torch.Tensor) -> torch.Tensor:
    """Return I(i, j) − I(i, j + 1) − I(i + 1, j) + I(i + 1, j + 1) of pictures (m, e, a)."""
    return image[:, 1:, 1:] - image[:, 1:, :-1] - image[:, :-1, 1:] + image[:, :-1, :-1]


def learn_doubt(doubt: Doubt, usual: Examples, cut: Examples, seed: int) -> None:
    """Teach a classifier: usual spectra, some thousands, against cut ones and two strange pictures made of each."""
    held = torch.arange(len(usual)) % _HELD_OUT == 0
    with torch.no_grad():
        known = _looks(usual.image, usual.intensity)
        odd = [_looks(**strange(usual, 2 * seed + part)) for part in range(ODD)]
        other = torch.cat([*odd, _looks(cut.image, cut.intensity)])
        doubt.centre.copy_(known.mean(0))
        doubt.spread.copy_(known.std(0) + 1e-3)
        taught, kept, other = (doubt.scaled(_and_mirrored(part)) for part in (known[~held], known[held], other))
    wanted = torch.cat([torch.zeros(len(taught)), torch.ones(len(other))])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _fit(doubt.layers, torch.cat([taught, other]), wanted)
    with torch.no_grad():
        doubt.eval()
        doubt.usual.copy_(torch.quantile(doubt.layers(kept), USUAL))


def _fit(layers: nn.Module, looks: torch.Tensor, wanted: torch.Tensor) -> None:
    layers.train()
    optimiser = torch.optim.AdamW(layers.parameters(), lr=_RATE, weight_decay=_DECAY)
    steps = _EPOCHS * -(-len(looks) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, steps + 1)
    for _ in range(_EPOCHS):
        for rows in torch.randperm(len(looks)).split(_BATCH):
            told = layers(looks[rows])[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(told, wanted[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def _looks(image: Float32Array, intensity: Float32Array) -> torch.Tensor:
    parts = (torch.from_numpy(part).split(_BATCH) for part in (image, intensity))
    return torch.cat([outline(*part) for part in zip(*parts, strict=True)])


def _and_mirrored(looks: torch.Tensor) -> torch.Tensor:
    """Return looks (m, 281) and those of the mirror images, whose coarse pictures alone are others."""
    other = looks.clone()
    coarse = looks[:, : COARSE * COARSE].unflatten(1, (COARSE, COARSE))
    other[:, : COARSE * COARSE] = coarse.flip(2).flatten(1)
    return torch.cat([looks, other])
