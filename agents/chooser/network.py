"""The network that chooses: every candidate by itself, and beside what all of them are like."""

import torch
from torch import nn

from beamgym.agents.baselines.choosing import COLUMNS

THERE = 0
"""Column that says whether there is a candidate."""


class ChooserNet(nn.Module):
    """Judges candidates, in any order.

    Parameters
    ----------
    width : of its layers
    dropout : share of its numbers left out in training
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, width: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(COLUMNS))
        self.register_buffer("scale", torch.ones(COLUMNS))
        self.own = nn.Sequential(
            nn.Linear(COLUMNS, width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, width), nn.SiLU()
        )
        self.beside = nn.Sequential(nn.Linear(3 * width, width), nn.SiLU(), nn.Dropout(dropout))
        self.head = nn.Linear(width, 2)

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(part.numel() for part in self.parameters())

    def fit_scale(self, shown: torch.Tensor) -> None:
        """Take mean and spread of every column from looks (m, k, COLUMNS), so that inputs are of the order of 1."""
        there = shown[shown[..., THERE] > 0.0]
        self.mean.copy_(there.mean(0))
        self.scale.copy_(there.std(0).clamp(min=1e-3))

    def judged(self, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return of looks (b, k, COLUMNS) the log odds of each candidate (b, k), and its points beyond (b, k)."""
        there = shown[..., :1]
        own = self.own(((shown - self.mean) / self.scale).clamp(-6.0, 6.0)) * there
        mean = own.sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp(min=1.0)
        most = own.amax(1, keepdim=True)
        answer = self.head(self.beside(torch.cat([own, mean.expand_as(own), most.expand_as(own)], -1)))
        return answer[..., 0], answer[..., 1]

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        """Return the log odds of each candidate, (b, k)."""
        return self.judged(shown)[0].clamp(-30.0, 30.0)
