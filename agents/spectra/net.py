"""The scoring network: a picture's branch beside an intensity branch, as of Na et al. (arXiv 2508.15983).

Two backbones see the picture: ``small`` trains on a CPU, ``resnet50`` is the paper's, trained from scratch. N and what
it takes off the totals are counted, so the network learns the rest. Every score comes with the scale of a Laplace
distribution, which is its expected absolute error, and all of them with how unlike the training a spectrum is.
"""

import torch
from torch import nn

from beamgym.agents.spectra.ood import classifier_of_spectra
from beamgym.envs.arpes_spot import FEATURES
from beamgym.physics.arpes.score import PAPER_BRACKETS

HIDDEN = 128
OOD_DIRECTIONS = 32
"""Directions of the last features in which the distance from the training's spectra is measured."""

_B_OFFSET = 1.0  # points that a background of 0.85 costs in ``paper``: see envs.arpes_spot.scorer_input
_COUNTED = 1e-3  # uncertainty of N, which is counted
_N = 1  # column of the intensity features


def _conv(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class SmallBackbone(nn.Sequential):
    """Seven convolutions, (m, 1, 64, 64) to (m, 128, 4, 4)."""

    outputs = 128

    def __init__(self) -> None:
        layers = ((1, 16, 5, 2), (16, 32, 3, 2), (32, 32, 3, 1), (32, 64, 3, 2), (64, 64, 3, 1), (64, 128, 3, 2))
        super().__init__(*(_conv(*layer) for layer in layers), _conv(128, 128, 3, 1))


class Bottleneck(nn.Module):
    """A residual block of three convolutions (He, Zhang, Ren, Sun 2016, Fig. 5)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        last = nn.Sequential(nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.path = nn.Sequential(_conv(inputs, width, 1, 1), _conv(width, width, 3, stride), last)
        same = inputs == outputs and stride == 1
        skip = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.skip = nn.Identity() if same else skip

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        return torch.relu(self.path(image) + self.skip(image))


class ResNet50(nn.Sequential):
    """The paper's backbone (He et al. 2016, Table 1), (m, 1, 64, 64) to (m, 2048, 2, 2)."""

    outputs = 2048

    def __init__(self) -> None:
        layers: list[nn.Module] = [_conv(1, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
        inputs = 64
        for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for block in range(blocks):
                layers.append(Bottleneck(inputs, width, stride if block == 0 else 1))
                inputs = 4 * width
        super().__init__(*layers)


BACKBONES: dict[str, type[SmallBackbone] | type[ResNet50]] = {"small": SmallBackbone, "resnet50": ResNet50}


def paper_steps(components: torch.Tensor) -> torch.Tensor:
    """Return the ``paper`` total (m, 1) of S, B and N (m, 3), ample features taken for granted; see paper_total."""
    thresholds, weights = torch.tensor(PAPER_BRACKETS.thresholds), torch.tensor(PAPER_BRACKETS.weights)
    jumps = torch.tensor(PAPER_BRACKETS.penalties) - torch.tensor((0.0, *PAPER_BRACKETS.penalties[:-1]))
    below = (components[:, :, None] < thresholds[:-1]).float()
    penalty = (below * jumps).sum(2) @ weights
    background, counts = components[:, 1], components[:, 2]
    bonus = (background > 0.9).float() + (counts >= 1.0).float()
    total = 10.0 - penalty + bonus - 2.0 * (background + counts <= 0.5).float()
    return total.clamp(0.0, 10.0)[:, None]


class ScorerNet(nn.Module):
    """Scores by both definitions, their uncertainties, and how far out of distribution a spectrum is.

    Parameters
    ----------
    backbone : "small" or "resnet50"
    dropout : share of the last features left out in training

    Raises
    ------
    ValueError : an unknown backbone
    """

    centre: torch.Tensor
    whitening: torch.Tensor

    def __init__(self, backbone: str = "small", dropout: float = 0.0) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"unknown backbone {backbone!r}; choose one of {', '.join(BACKBONES)}")
        self.backbone = BACKBONES[backbone]()
        width = self.backbone.outputs
        self.intensity = nn.Sequential(nn.Linear(FEATURES, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
        self.trunk = nn.Sequential(
            nn.Linear(2 * width + 64, 256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, HIDDEN), nn.ReLU()
        )
        self.means, self.scales = nn.Linear(HIDDEN, 6), nn.Linear(HIDDEN, 6)
        self.register_buffer("centre", torch.zeros(HIDDEN))
        self.register_buffer("whitening", torch.zeros(OOD_DIRECTIONS, HIDDEN))
        with torch.random.fork_rng(devices=[]):
            self.doubt = classifier_of_spectra()  # trained networks hold its weights under this name

    @property
    def size(self) -> int:
        """Number of trained parameters."""
        return sum(weights.numel() for weights in self.parameters())

    def features(self, image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        """Return the last features (m, 128) of pictures (m, 64, 64) and numbers (m, 22)."""
        seen = self.backbone(image.unsqueeze(1) - 1.0)
        parts = [seen.mean((2, 3)), seen.amax((2, 3)), self.intensity(intensity)]
        last: torch.Tensor = self.trunk(torch.cat(parts, dim=1))
        return last

    def heads(self, last: torch.Tensor, intensity: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores (m, 8) — S, B, N, total of ``paper``, then of ``v2`` — and their scales (m, 8)."""
        mean, scale = self.means(last), 1e-3 + nn.functional.softplus(self.scales(last))
        shares = torch.sigmoid(mean[:, :4])
        counted = intensity[:, _N : _N + 1]
        left = 10.0 * intensity[:, 2:4] + _B_OFFSET + mean[:, 4:]
        sure = torch.full_like(counted, _COUNTED)
        scores = [shares[:, :2], counted, left[:, :1], shares[:, 2:], counted, left[:, 1:]]
        scales = [0.1 * scale[:, :2], sure, scale[:, 4:5], 0.1 * scale[:, 2:4], sure, scale[:, 5:]]
        return torch.cat(scores, dim=1), torch.cat(scales, dim=1)

    def forward(self, image: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        """Return scores, uncertainties and ood value (m, 17), as shipped: totals within 0 to 10.

        The ``paper`` total is a staircase of its components, which a regression rounds off: it is composed of them.
        The ood value is the larger of two: the distance of the last features from the training's, and the classifier's.
        """
        last = self.features(image, intensity)
        scores, scales = self.heads(last, intensity)
        far = ((last - self.centre) @ self.whitening.T).square().sum(1, keepdim=True).clamp(min=1e-12).sqrt()
        far = torch.maximum(far, self.doubt(image, intensity))
        steps = paper_steps(scores[:, :3])
        scores = torch.cat([scores[:, :3], steps, scores[:, 4:7], scores[:, 7:]], dim=1).clamp(min=0.0)
        scores = torch.minimum(scores, torch.tensor([1.0, 1.0, 1.0, 10.0, 1.0, 1.0, 1.0, 10.0]))
        return torch.cat([scores, (scales * far.clamp(min=1.0)).clamp(max=10.0), far.clamp(max=10.0)], dim=1)

    @torch.no_grad()
    def calibrate_ood(self, last: torch.Tensor, quantile: float = 0.999) -> None:
        """Set centre and scale of that distance from the last features (k, 128) of spectra like the training's.

        There must be some thousands of them.
        Distances are Mahalanobis's in the directions that vary most, and 1 at ``quantile`` of them.
        """
        centre = last.mean(0)
        _, spread, directions = torch.linalg.svd(last - centre, full_matrices=False)
        deviation = spread[:OOD_DIRECTIONS] / len(last) ** 0.5
        whitening = directions[:OOD_DIRECTIONS] / deviation.clamp(min=1e-6)[:, None]
        far = ((last - centre) @ whitening.T).square().sum(1).sqrt()
        self.centre.copy_(centre)
        self.whitening.copy_(whitening / torch.quantile(far, quantile))
