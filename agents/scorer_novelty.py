"""How unlike the spectra of its training a spectrum is, learnt against pictures that are none.

A network's last features say little of this: pictures that no band makes often end among those that bands make. So a
small classifier looks at a coarse picture, the brightness and the noise, and is taught with strange pictures beside
spectra (outlier exposure: Hendrycks, Mazeika, Dietterich, ICLR 2019). It weighs nothing beside the network itself.
"""

from typing import Final

import numpy as np
import torch
from torch import nn

from beamgym.agents.scorer_data import Examples
from beamgym.agents.scorer_strange import strange
from beamgym.envs.scoring_kernels import FEATURES, SIDE

COARSE: Final = 16
USUAL: Final = 0.995
"""Share of spectra like the training's that are not flagged for their looks."""

_ELECTRONS, _WHITE, _EMPTY, _QUANTILES = 0, 4, 5, 6  # columns of the intensity features
_MOST: Final = {_ELECTRONS: 8.0 / 6.0, _WHITE: 4.0, _EMPTY: 1.0}
_WIDTH: Final = COARSE * COARSE + len(_MOST) + (FEATURES - _QUANTILES) + 3
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
            nn.Linear(_WIDTH, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)
        )
        self.register_buffer("centre", torch.zeros(_WIDTH))
        self.register_buffer("spread", torch.ones(_WIDTH))
        self.register_buffer("usual", torch.tensor(1e3))

    def answer(self, image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        """Return the classifier's answer (m, 1), the larger the stranger."""
        looks = (outline(image, intensity) - self.centre) / self.spread
        told: torch.Tensor = self.layers(looks.clamp(-8.0, 8.0))
        return told

    def forward(self, image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        """Return the novelty (m, 1) of pictures (m, 64, 64) and numbers (m, 22)."""
        return (_SLOPE * (self.answer(image, intensity) - self.usual)).clamp(-10.0, 3.0).exp()


def outline(image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
    """Return the looks (m, 278): a 16 x 16 picture, brightness, its distribution, and the noise, alone and for counts.

    The noise is the mean square of I(i, j) − I(i, j + 1) − I(i + 1, j) + I(i + 1, j + 1), in which bands and edges
    leave little; of counts it is 1 / mean.
    """
    coarse = nn.functional.avg_pool2d(image.unsqueeze(1), SIDE // COARSE).flatten(1)
    rough = image[:, 1:, 1:] - image[:, 1:, :-1] - image[:, :-1, 1:] + image[:, :-1, :-1]
    noise = rough.square().mean((1, 2)).unsqueeze(1)
    mean = ((6.0 * np.log(10.0) * intensity[:, _ELECTRONS : _ELECTRONS + 1]).exp() - 1.0) / (SIDE * SIDE)
    peaked = image.square().square().mean((1, 2)).unsqueeze(1).clamp(max=100.0).sqrt()
    numbers = [intensity[:, column : column + 1].clamp(max=_MOST[column]) for column in _MOST]
    noises = [(1e-3 + noise * mean.clamp(max=1e3)).log(), (1e-3 + noise).log(), peaked]
    return torch.cat([coarse, *numbers, intensity[:, _QUANTILES:], *noises], dim=1)


def learn_doubt(doubt: Doubt, examples: Examples, seed: int) -> None:
    """Teach a classifier on spectra, some thousands, and as many strange pictures made of them."""
    seen, odd = _and_mirrored(examples), strange(examples, seed)
    held = torch.arange(2 * len(examples)) % len(examples) % _HELD_OUT == 0
    with torch.no_grad():
        usual, other = outline(*seen), outline(*map(torch.from_numpy, odd.values()))
        doubt.centre.copy_(usual.mean(0))
        doubt.spread.copy_(usual.std(0) + 1e-3)
        looks = ((torch.cat([usual[~held], other]) - doubt.centre) / doubt.spread).clamp(-8.0, 8.0)
    wanted = torch.cat([torch.zeros(int((~held).sum())), torch.ones(len(other))])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _fit(doubt.layers, looks, wanted)
    with torch.no_grad():
        doubt.eval()
        answers = doubt.answer(*(part[held] for part in seen))
        doubt.usual.copy_(torch.quantile(answers, USUAL))


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


def _and_mirrored(examples: Examples) -> tuple[torch.Tensor, torch.Tensor]:
    pictures = np.concatenate([examples.image, examples.image[:, :, ::-1]])
    return torch.from_numpy(pictures), torch.from_numpy(np.concatenate([examples.intensity] * 2))
