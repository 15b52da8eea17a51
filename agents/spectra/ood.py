"""Out-of-distribution (ood) detection: how unlike the spectra of its training a spectrum is.

A scorer's last features say little of this: pictures that no band makes often end among those that bands make. So a
small classifier of its own reads a coarse picture, the brightness and the noise, and is trained with pictures that are
no spectra beside spectra (outlier exposure: Hendrycks, Mazeika, Dietterich, ICLR 2019). Its size is negligible beside
the scorer's.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import nn

from beamgym.agents.spectra.data import Examples
from beamgym.agents.spectra.ood_spectra import ood_inputs
from beamgym.envs.arpes_spot import FEATURES, SIDE
from beamgym.physics.instrument import Float32Array

OOD_PIXELS: Final = 16
OOD_PER_SPECTRUM: Final = 2
"""Out-of-distribution pictures made of each usual spectrum."""

USUAL_SHARE: Final = 0.995
"""Share of spectra like the training's that the classifier does not flag."""

_ELECTRONS, _WHITE, _EMPTY, _QUANTILES = 0, 4, 5, 6  # columns of the intensity features
_MOST: Final = {_ELECTRONS: 8.0 / 6.0, _WHITE: 4.0, _EMPTY: 1.0}
_SCALES: Final = (1, 2, 4)  # cells along each axis over which noise is measured
_WIDTH: Final = OOD_PIXELS * OOD_PIXELS + len(_MOST) + (FEATURES - _QUANTILES) + len(_SCALES) + 3
_SLOPE = 0.1  # of the ood value's logarithm per unit of the classifier's answer
_EPOCHS, _BATCH, _RATE, _DECAY = 24, 256, 2e-3, 0.05
_HELD_OUT = 4  # one in so many spectra is held out, to set the ood value 1


class OodClassifier(nn.Module):
    """Estimates how far a spectrum is out of the training's distribution; above 1 it is flagged.

    Parameters
    ----------
    features : what a network is given, (m, ...) each, to the classifier's features (m, width)
    width : number of features
    hidden : sizes of the two layers
    """

    centre: torch.Tensor
    spread: torch.Tensor
    usual: torch.Tensor

    def __init__(self, features: Callable[..., torch.Tensor], width: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        self._features, (first, second) = features, hidden
        self.layers = nn.Sequential(
            nn.Linear(width, first),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, 1),
        )
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("usual", torch.tensor(1e3))

    def scaled(self, features: torch.Tensor) -> torch.Tensor:
        """Return features standardised by their mean and spread among usual spectra, cut at 8 either way."""
        return ((features - self.centre) / self.spread).clamp(-8.0, 8.0)

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        """Return the ood value (m, 1) of what a network is given."""
        odd = self.layers(self.scaled(self._features(*given)))
        return (_SLOPE * (odd - self.usual)).clamp(-10.0, 3.0).exp()


def classifier_of_spectra() -> OodClassifier:
    """Return an untrained classifier of pictures (m, 64, 64) and numbers (m, 22), as ``scorer_input`` gives them."""
    return OodClassifier(ood_features, _WIDTH, (192, 32))


def ood_features(image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
    """Return the classifier's features (m, 281): a 16 x 16 picture, brightness, its distribution, and the noise.

    Noise is given alone and relative to that of counts. It is the mean square of the image's ``roughness``, in which
    bands and edges leave little; of counts it is 1 / mean. Where electrons are clouds of charge it grows with the
    scale, in counts of a wrong unit it does not.
    """
    coarse = nn.functional.avg_pool2d(image.unsqueeze(1), SIDE // OOD_PIXELS).flatten(1)
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


def train_ood_classifier(classifier: OodClassifier, usual: Examples, cut: Examples, seed: int) -> None:
    """Train the classifier on some thousands of usual spectra against cut ones and two ood pictures made of each."""
    held = torch.arange(len(usual)) % _HELD_OUT == 0
    with torch.no_grad():
        known = _features_of(usual.image, usual.intensity)
        odd = [_features_of(**ood_inputs(usual, 2 * seed + part)) for part in range(OOD_PER_SPECTRUM)]
        other = torch.cat([*odd, _features_of(cut.image, cut.intensity)])
        classifier.centre.copy_(known.mean(0))
        classifier.spread.copy_(known.std(0) + 1e-3)
        taught, kept, other = (classifier.scaled(_and_mirrored(part)) for part in (known[~held], known[held], other))
    wanted = torch.cat([torch.zeros(len(taught)), torch.ones(len(other))])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fit_classifier(classifier, torch.cat([taught, other]), wanted, _EPOCHS)
    with torch.no_grad():
        classifier.eval()
        classifier.usual.copy_(torch.quantile(classifier.layers(kept), USUAL_SHARE))


def fit_classifier(
    classifier: OodClassifier, features: torch.Tensor, wanted: torch.Tensor, epochs: int, usual: float = 1.0
) -> None:
    """Fit a classifier's layers by cross entropy.

    Parameters
    ----------
    classifier : whose layers are fitted; torch's random numbers order the rows
    features : (k, width) standardised
    wanted : (k,) 1 where a spectrum is to be flagged
    epochs : times that each row is looked at
    usual : weight of a usual spectrum against one of the others
    """
    layers = classifier.layers.train()
    optimiser = torch.optim.AdamW(layers.parameters(), lr=_RATE, weight_decay=_DECAY)
    steps = epochs * -(-len(features) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, steps + 1)
    weight = torch.where(wanted > 0.5, 1.0, usual)
    for _ in range(epochs):
        for rows in torch.randperm(len(features)).split(_BATCH):
            told = layers(features[rows])[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(told, wanted[rows], weight[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def _features_of(image: Float32Array, intensity: Float32Array) -> torch.Tensor:
    parts = (torch.from_numpy(part).split(_BATCH) for part in (image, intensity))
    return torch.cat([ood_features(*part) for part in zip(*parts, strict=True)])


def _and_mirrored(features: torch.Tensor) -> torch.Tensor:
    """Return features (m, 281) and those of the mirror images, which differ in the coarse picture only."""
    other = features.clone()
    coarse = features[:, : OOD_PIXELS * OOD_PIXELS].unflatten(1, (OOD_PIXELS, OOD_PIXELS))
    other[:, : OOD_PIXELS * OOD_PIXELS] = coarse.flip(2).flatten(1)
    return torch.cat([features, other])
