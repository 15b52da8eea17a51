"""The network of domains: what it makes of a cut, how copies show in it, and what it answers.

A true domain copies all bands by one angle. So features of the cut are laid over themselves, shifted along the slit,
at every energy apart: of a copied spectrum the agreement stands at one shift at all energies, between two bands of one
domain it moves with energy. Two layers of convolutions make the features; sums over shifts are taken by Fourier sums.
"""

import math

import torch
from torch import Tensor, nn

from beamgym.envs.domains import BINS, NUMBERS
from beamgym.physics.arpes.domains import CANVAS

_WAVES = 64  # of the Fourier sums: nothing narrower than 0.7° is told from noise
_FEATURES = 12
_OVERLAP = 6.0  # columns: what fewer say of a shift counts for less


class DomainNet(nn.Module):
    """From counts to log odds of one, two and three domains, histograms of offsets, and weights.

    Parameters
    ----------
    width : channels behind the overlaying
    """

    cosine: Tensor
    inverse_cosine: Tensor
    inverse_sine: Tensor

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        kept = _FEATURES + _FEATURES // 2 + 1
        self.first = nn.Conv2d(2, 16, (5, 9), stride=(2, 1), padding=(2, 4))
        self.calm = nn.BatchNorm2d(16)
        self.features = nn.Conv2d(16, _FEATURES, (3, 5), stride=(2, 1), padding=(1, 2))
        self.shifts = nn.Sequential(
            nn.Conv2d(kept, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=(2, 1), padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        )  # fmt: skip
        self.along = nn.Sequential(
            nn.Conv1d(2 * width, 64, 5, padding=2), nn.ReLU(), nn.Conv1d(64, 48, 5, padding=2), nn.ReLU()
        )
        self.bins = nn.Conv1d(48, 5, 3, padding=1)
        self.whole = nn.Sequential(nn.Linear(96 + 2 * _FEATURES, 64), nn.ReLU(), nn.Linear(64, NUMBERS))
        columns = CANVAS.shape[1]
        around = columns + BINS
        wave = torch.arange(_WAVES) * (2.0 * math.pi / around)
        place, shift = torch.arange(columns)[:, None] * wave, wave[:, None] * torch.arange(BINS)
        share = (torch.where(wave > 0, 2.0, 1.0) / around)[:, None]
        for name, table in (
            ("cosine", torch.cat([torch.cos(place), torch.sin(place)], 1)),
            ("inverse_cosine", share * torch.cos(shift)),
            ("inverse_sine", share * torch.sin(shift)),
        ):
            self.register_buffer(name, table, persistent=False)

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(weights.numel() for weights in self.parameters())

    def forward(self, counts: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return what is said of cuts.

        Parameters
        ----------
        counts : (n, 48, 120); rows : (n, 48) and columns : (n, 120), 1 where measured

        Returns
        -------
        (n, 7 + 5 · 48): log odds of one, two, three domains; logits of three weights and the logarithm of their
        error; histograms of the offset of two domains, of the second and of the third of three (logits), and the
        lower weight of two, less a half, with the logarithm of its error, by offset
        """
        seen = torch.relu(self.calm(self.first(_prepared(counts, rows, columns))))
        features = self.features(seen).float()
        overlaid, strength = self._overlaid(features, columns)
        shifts = self.shifts(overlaid)
        along = self.along(torch.cat([shifts.mean(2), shifts.amax(2)], 1))
        whole = torch.cat([along.mean(2), along.amax(2), strength.mean(2), strength.amax(2)], 1)
        return torch.cat([self.whole(whole).float(), self.bins(along).float().flatten(1)], 1)

    def _overlaid(self, features: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Return agreements (n, c, energies, shifts), and the logarithm of the features' variance (n, c, energies)."""
        with torch.autocast("cpu", enabled=False):
            measured = columns[:, None, None].float()
            number = measured.sum(3, keepdim=True)
            features = (features - (features * measured).sum(3, keepdim=True) / number) * measured
            variance = (features * features).sum(3, keepdim=True) / number + 1e-3
            real, imaginary = self._waves(features / variance.sqrt())
            half = _FEATURES // 2
            crossed = real[:, :half] * imaginary[:, half:] - imaginary[:, :half] * real[:, half:]
            real_m, imaginary_m = self._waves(measured)
            overlap = ((real_m**2 + imaginary_m**2) @ self.inverse_cosine).clamp_min(_OVERLAP)
            same, unlike = (real**2 + imaginary**2) @ self.inverse_cosine, crossed @ self.inverse_sine
            strength = torch.log(variance)
            flat = strength.mean(1, keepdim=True).expand(-1, 1, -1, BINS)
            return torch.cat([torch.cat([same, unlike], 1) / overlap, flat], 1), strength[..., 0]

    def _waves(self, values: Tensor) -> tuple[Tensor, Tensor]:
        both = values @ self.cosine
        return both[..., :_WAVES], both[..., _WAVES:]


def _prepared(counts: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return two pictures of counts (n, 2, 48, 120): logarithms, and deviations from each energy's mean over noise."""
    measured = rows[:, :, None] * columns[:, None]
    counts = counts * measured
    mean = counts.sum((1, 2), keepdim=True) / measured.sum((1, 2), keepdim=True)
    level = counts.sum(2, keepdim=True) / columns.sum(1)[:, None, None]
    logarithm = torch.log1p(counts) - torch.log1p(mean)
    beyond = ((counts - level) / (level + 0.5).sqrt() / 3.0).clamp(-4.0, 8.0)
    return torch.stack([logarithm * measured, beyond * measured], 1)
