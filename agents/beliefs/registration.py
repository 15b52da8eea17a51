"""Estimates the small remaining rotation near the goal by weighted least squares over found and expected spots.

Near the goal the displacement of every spot is linear in the rotation that is missing, so that a weighted least-squares
fit gives that rotation; narrowing the capture width from step to step leaves false and missing spots out.
"""

import numpy as np
import torch
from torch import Tensor, nn

from beamgym.agents.beliefs.geometry import rotate_vectors, small_inverse, squared_distances

_TINY = 1e-9
_PRIOR = 0.05  # spots: added to the inertia, so that a fit on no spot at all gives no rotation


class Registration(nn.Module):
    """Fits the small rotation that brings the observed spots onto the expected ones, over narrowing capture widths.

    Each step is a weighted least-squares fit of a rotation vector: minimise the sum over pairs of w |e - n - r x n|^2
    with w = exp(-|e - n|^2 / 2 width^2), which is linear in r (iterative closest points: Besl & McKay, IEEE Trans.
    Pattern Anal. Mach. Intell. 14, 1992, 239; softly assigned as in Granger & Pennec, ECCV 2002).

    Parameters
    ----------
    widths_deg : standard deviations of the capture, widest first
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
        """Register a batch of spot lists.

        Parameters
        ----------
        spots, expected : (b, p, 5) and (b, q, 5) rows [nx, ny, nz, brightness, present]

        Returns
        -------
        (b, 3) rotation vectors in radians, and (b, 5 * widths) features: at each width the rotation so far in units of
        four widths, the share of the spots that was captured, and their mean squared distance in units of the width
        """
        spots, expected = spots[:, : self.spots], expected[:, : self.expected]
        normals, total = spots[..., :3], torch.zeros_like(spots[:, 0, :3])
        features = []
        for width in self.widths:
            turned = rotate_vectors(normals, total)
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
        inertia = (total[..., None] + _PRIOR) * unit - (weight * normals).transpose(1, 2) @ normals
        return (small_inverse(inertia) @ torque[..., None])[..., 0], share, misfit
