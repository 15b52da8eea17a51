"""A network that gives the components of a score, each as a distribution; the total is composed of them outside.

S and B by both definitions and F come with the scale of a Laplace distribution. What shares of errors lie within how
many scales is measured after the training, and the network's answer are values at fixed levels of each distribution.
"""

from typing import Final

import torch
from torch import nn

from beamgym.agents.composed.ood import classifier_of_windows
from beamgym.envs.arpes_spot import LEVELS, NUMBERS, SIDE
from beamgym.physics.arpes.score import PAPER_BRACKETS, V2_NODES, V2_PENALTIES

OUTPUTS: Final = 5
"""S and B of ``paper``, S and B of ``v2``, and the natural logarithm of F of ``v2``."""

SPREAD: Final = (0.05, 0.2, 0.05, 0.2, 0.5)
"""How much each output varies: it makes them count alike."""

_PROFILES, _BLOCK = 6, 4  # kinds of profiles; columns or rows that are added up for them
_AMPLE: Final = 6.5  # F of ``v2`` about which its penalty sets in


def _conv(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class ComposedNet(nn.Module):
    """Distributions of the components, and how far out of distribution a spectrum is.

    Parameters
    ----------
    widths : channels of the four stages of convolutions
    """

    quantiles: torch.Tensor
    place: torch.Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        a, b, c, d = widths
        layers = ((3, a, 5, 2), (a, b, 3, 2), (b, b, 3, 1), (b, c, 3, 2), (c, c, 3, 1), (c, d, 3, 2), (d, d, 3, 1))
        self.backbone = nn.Sequential(*(_conv(*layer) for layer in layers))
        self.numbers = nn.Sequential(nn.Linear(NUMBERS, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())
        self.profiles = nn.Sequential(nn.Linear(_PROFILES * SIDE, 160), nn.ReLU(), nn.Linear(160, 96), nn.ReLU())
        self.trunk = nn.Sequential(nn.Linear(2 * d + 160, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
        self.means, self.scales = nn.Linear(128, OUTPUTS), nn.Linear(128, OUTPUTS)
        self.register_buffer("quantiles", torch.zeros(OUTPUTS, len(LEVELS)))
        self.register_buffer("place", torch.linspace(-1.0, 1.0, SIDE)[:, None].expand(SIDE, SIDE).contiguous())
        self.ood = classifier_of_windows()

    @property
    def size(self) -> int:
        """Number of trained parameters."""
        return sum(weights.numel() for weights in self.parameters())

    def heads(
        self, image: torch.Tensor, seen: torch.Tensor, numbers: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return medians and scales (m, 5) of pictures (m, 64, 64), rows seen (m, 64) and numbers (m, 22)."""
        mask = seen[:, :, None].expand(-1, -1, SIDE)
        picture = torch.stack([(image - 1.0) * mask, mask, self.place.expand(image.shape[0], -1, -1)], dim=1)
        found = self._backbone(picture)
        beside = [self.numbers(numbers), self.profiles(profiles(image * mask))]
        last = self.trunk(torch.cat([found.mean((2, 3)), found.amax((2, 3)), *beside], dim=1))
        mean, scale = self.means(last), 1e-3 + nn.functional.softplus(self.scales(last))
        spread = torch.tensor(SPREAD, device=image.device)
        return torch.cat([torch.sigmoid(mean[:, :4]), 2.0 + mean[:, 4:]], dim=1), scale * spread

    def _backbone(self, picture: torch.Tensor) -> torch.Tensor:
        """Return what the convolutions make of pictures; in training they multiply in half precision."""
        if not self.training:
            found: torch.Tensor = self.backbone(picture)
            return found
        with torch.autocast("cpu", torch.bfloat16):
            return self.backbone(picture.contiguous(memory_format=torch.channels_last)).float()

    def forward(self, image: torch.Tensor, seen: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """Return the values at ``LEVELS`` of each output, one after another, and the ood value: (m, 5 · 9 + 1)."""
        mean, scale = self.heads(image, seen, numbers)
        values = mean[:, :, None] + scale[:, :, None] * self.quantiles
        shares, features = values[:, :4].clamp(0.0, 1.0), values[:, 4:].clamp(-3.0, 6.0)
        return torch.cat(
            [shares.flatten(1), features.flatten(1), self._ood(image, seen, numbers, mean, scale).clamp(max=10.0)],
            dim=1,
        )

    def told(self, image: torch.Tensor, seen: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """Return what the ood classifier is told of the components, (m, 10)."""
        mean, scale = self.heads(image, seen, numbers)
        return torch.cat([mean, scale.log()], dim=1)

    def _ood(self, *given: torch.Tensor) -> torch.Tensor:
        image, seen, numbers, mean, scale = given
        value: torch.Tensor = self.ood(image, seen, numbers, torch.cat([mean, scale.log()], dim=1))
        return value


def profiles(image: torch.Tensor) -> torch.Tensor:
    """Return what rows and columns of pictures (m, 64, 64) hold, roots of brightness side by side (m, 6 · 64).

    Of each row, over 16 blocks of four columns: mean, most, least, and mean step from block to block; of each column,
    over 16 blocks of four rows: mean and most. B is read off most and least, S off how steep the rows fall.
    """
    bright = image.square().unsqueeze(1)
    rows = nn.functional.avg_pool2d(bright, (1, _BLOCK))[:, 0]
    columns = nn.functional.avg_pool2d(bright, (_BLOCK, 1))[:, 0]
    steps = (rows[:, :, 1:] - rows[:, :, :-1]).abs().mean(2)
    parts = [rows.mean(2), rows.amax(2), rows.amin(2), steps, columns.mean(1), columns.amax(1)]
    return (torch.cat(parts, dim=1) + 1e-6).sqrt()


def v2_points(s: torch.Tensor, b: torch.Tensor, n: torch.Tensor, log_f: torch.Tensor) -> torch.Tensor:
    """Return the ``v2`` total (m,) of components (m,); see ``physics.arpes.score.v2_total``."""
    weights = PAPER_BRACKETS.weights
    points = 10.0 - weights[0] * _penalty(s) - weights[1] * _penalty(b) - weights[2] * _penalty(n)
    points = points + ((b - 0.8) / 0.2).clamp(0.0, 1.0) + ((n - 0.8) / 0.2).clamp(0.0, 1.0)
    points = points - 4.0 * ((1.2 - log_f.exp() / _AMPLE) / 0.4).clamp(0.0, 1.0)
    points = points - 2.0 * ((0.6 - b - n) / 0.2).clamp(0.0, 1.0)
    return torch.where(points > 8.0, 4.0 + points / 2.0, points).clamp(0.0, 10.0)


def _penalty(x: torch.Tensor) -> torch.Tensor:
    """Return the penalty between nodes, as a sum of bends."""
    nodes, values = torch.tensor(V2_NODES).float(), torch.tensor(V2_PENALTIES).float()
    slopes = torch.diff(values) / torch.diff(nodes)
    bends = torch.diff(slopes, prepend=torch.zeros(1))
    inside = x.clamp(0.0, 1.0)
    total = values[0] + sum(bend * (inside - node).clamp(min=0.0) for bend, node in zip(bends, nodes, strict=False))
    return torch.as_tensor(total)
