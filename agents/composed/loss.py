"""What the composed scorer is trained to: the components of single spectra, and the differences within pairs."""

import torch
from torch import nn

from beamgym.agents.composed.net import SPREAD, v2_points

_TOTAL = 0.3  # points: how far off the difference of two totals costs as much as one scale of a component
_APART = (0.04, 0.05, 0.04, 0.05, 0.2)
"""As ``SPREAD``, of differences within pairs: of log F less, since its penalty of four points rises within 0.4."""

_LEAST = 0.01  # points by which the better of a pair must be better for their order to matter
_SURE = 0.1  # points from which on their order matters in full


def single_loss(means: torch.Tensor, scales: torch.Tensor, labels: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return the mean negative log likelihood of Laplace distributions (m, 5), where labels are known."""
    spread = torch.tensor(SPREAD)
    each = ((means - labels).abs() / scales + (scales / spread).log()) * known
    return each.sum() / len(labels)


def pair_loss(
    means: torch.Tensor, counts: torch.Tensor, labels: torch.Tensor, known: torch.Tensor, pairs: int
) -> torch.Tensor:
    """Return what is wrong with the order of pairs and with how far apart they are.

    Parameters
    ----------
    means, labels, known : (m, 5), the better ones of the pairs first, then the worse, in the same order
    counts : (m,) N
    pairs : how many
    """
    better, worse = slice(0, pairs), slice(pairs, 2 * pairs)
    sure = known[better, 2]
    told = _totals(means, counts, better) - _totals(means, counts, worse)
    true = _totals(labels, counts, better) - _totals(labels, counts, worse)
    distance = ((told - true).abs() / _TOTAL * sure).clamp(max=6.0)
    matters = torch.where(sure > 0.0, (true / _SURE).clamp(0.0, 1.0) * (true > _LEAST), torch.ones_like(true) * 0.5)
    order = nn.functional.softplus((0.05 - told) / 0.1) * 0.5 * matters
    parts = (means[better] - means[worse] - labels[better] + labels[worse]).abs() / torch.tensor(_APART)
    apart = (parts * known[better]).sum(1)
    return (distance + order.clamp(max=10.0) + 0.5 * apart).mean()


def _totals(components: torch.Tensor, counts: torch.Tensor, rows: slice) -> torch.Tensor:
    return v2_points(components[rows, 2], components[rows, 3], counts[rows], components[rows, 4])
