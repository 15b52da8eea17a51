"""Out-of-distribution detection of the composed scorer: a small classifier, trained with pictures that are no spectra.

As of the older scorer (outlier exposure: Hendrycks, Mazeika, Dietterich, ICLR 2019), with rows that were not measured
left out of the noise, with bandless films and wrong windows among what is flagged, and with what the network says of
the components beside the picture.
"""

from typing import Final

import torch
from torch import nn

from beamgym.agents.spectra import OodClassifier, roughness
from beamgym.envs.arpes_spot import NUMBERS, SIDE

PIXELS: Final = 16
_SCALES: Final = (1, 2, 4)  # cells along each axis over which noise is measured
TOLD: Final = 10
"""Medians and logarithms of the scales of the network's five outputs."""

_WIDTH: Final = PIXELS * PIXELS + PIXELS + 4 + (NUMBERS - 6) + 2 * len(_SCALES) + 3 + TOLD
_ELECTRONS, _SHARE, _WHITE, _EMPTY, _QUANTILES = 0, 2, 3, 4, 6  # columns of the numbers


def classifier_of_windows() -> OodClassifier:
    """Return an untrained classifier of what ``ood_features`` takes."""
    return OodClassifier(ood_features, _WIDTH, (256, 48))


def ood_features(image: torch.Tensor, seen: torch.Tensor, numbers: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
    """Return the classifier's features: a 16 x 16 picture, rows seen, brightness, its distribution, the noise, and what
    the network told of the components.

    Noise is the mean square of the second mixed difference of the picture, in which bands leave little; of counts it
    is 1 / mean. It is given alone and relative to that of counts, over one, two and four cells.
    """
    coarse = nn.functional.avg_pool2d(image.unsqueeze(1), SIDE // PIXELS).flatten(1)
    rows = nn.functional.avg_pool1d(seen.unsqueeze(1), SIDE // PIXELS).flatten(1)
    share = numbers[:, _SHARE : _SHARE + 1]
    total = (6.0 * 2.302585 * numbers[:, _ELECTRONS : _ELECTRONS + 1]).exp() - 1.0
    electrons = (total / (SIDE * SIDE * share)).clamp(max=1e3)
    squares = image.square().unsqueeze(1)
    mask = seen[:, :, None].expand(-1, -1, SIDE).unsqueeze(1)
    noises = []
    for scale in _SCALES:
        pool = nn.functional.avg_pool2d
        picture = pool(squares, scale)[:, 0].clamp(min=1e-12).sqrt() if scale > 1 else image
        inside = (pool(mask, scale)[:, 0] if scale > 1 else mask[:, 0]) > 0.99
        both = (inside[:, 1:, 1:] & inside[:, :-1, 1:]).float()
        rough = roughness(picture) * both
        number = both.sum((1, 2)).clamp(min=1.0).unsqueeze(1)
        mean, typical = rough.square().sum((1, 2)).unsqueeze(1) / number, rough.abs().sum((1, 2)).unsqueeze(1) / number
        noises += [
            (1e-3 + mean * scale * scale * electrons).log(),
            (1e-3 + typical.square() * scale * scale * electrons).log(),
        ]
    noises.append((1e-3 + mean).log())
    peaked = squares.square().mean((1, 2, 3)).unsqueeze(1).clamp(max=100.0).sqrt()
    log_electrons = numbers[:, _ELECTRONS : _ELECTRONS + 1].clamp(max=8.0 / 6.0)
    kept = [share, numbers[:, _WHITE : _WHITE + 1].clamp(max=4.0), numbers[:, _EMPTY : _EMPTY + 1], numbers[:, 5:6]]
    return torch.cat([coarse, rows, *kept, numbers[:, _QUANTILES:], *noises, peaked, log_electrons, told], dim=1)
