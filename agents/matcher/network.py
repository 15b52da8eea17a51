"""The matcher: attention from spots to the rays of a candidate, a dustbin for false spots, and a weighted adjustment.

Each round gives every spot's probabilities over its nearest rays (Sinkhorn and Knopp 1967, with a dustbin as in
SuperGlue, Sarlin et al. 2020), solves for turn, panel and axial ratios by least squares with these weights (Wahba 1965,
linearised), and moves the rays. Nothing of a crystal enters but where its rays land, how bright they are and how they
move: the same network serves every crystal and every number of frames.
"""

import torch
from torch import nn

from beamgym.agents.matcher.features import COLUMNS

WIDTH, SINKHORN = 32, 2
START_MM = (2.0, 0.8, 0.4)
"""What a spot's place is trusted to in each round, at first; learned."""
ABSENT = -30.0
FIXED_MM, FIXED_DUST = (2.0, 1.2, 0.8, 0.5, 0.4), -2.0
"""The same without learning: what places are trusted to, and from where on a spot is a false one."""


class Matcher(nn.Module):
    """From b candidates of n spots and k rays to the log odds of each being right."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        inputs = COLUMNS + 4
        self.weights = nn.ModuleList(_layers(inputs + width, width, 1) for _ in START_MM)
        self.context = nn.ModuleList(_layers(inputs, width, width) for _ in START_MM)
        self.dust = nn.Parameter(torch.zeros(len(START_MM)))
        self.ln_mm = nn.Parameter(torch.log(torch.tensor(START_MM)))
        self.spot = _layers(inputs + 1 + width, width, width)
        self.judge = _layers(2 * width + 3, width, 1)

    def forward(
        self, features: torch.Tensor, off_mm: torch.Tensor, by: torch.Tensor, ray: torch.Tensor, there: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return log odds (b,), log weights (b, n, k + 1), the dustbin last, and the change (b, 8) in units.

        Parameters
        ----------
        features, off_mm, by, ray : as ``Sight``, (b, n, k, …); rays counted from 0 in each candidate
        there : (b, n) True where a row is a spot
        """
        exists = (features[..., -1] > 0) & there[..., None]
        change = torch.zeros(len(features), by.shape[-1])
        for k in range(len(START_MM)):
            left = off_mm - torch.einsum("bnkip,bp->bnki", by, change)
            seen = _seen(features, left)
            around = self._around(k, seen, exists)
            logit = self.weights[k](torch.cat([seen, around], -1))[..., 0].masked_fill(~exists, ABSENT)
            log = _sinkhorn(logit, self.dust[k], ray)
            own = log[..., :-1].exp() * exists
            change = change + _step(own * torch.exp(-2.0 * self.ln_mm[k]), by, left, change)
        left = off_mm - torch.einsum("bnkip,bp->bnki", by, change)
        seen = torch.cat([_seen(features, left), log[..., :-1, None].clamp(min=-8.0) / 4.0, around], -1)
        total, number = (self.spot(seen) * own[..., None]).sum((1, 2)), there.sum(1, keepdim=True).float()
        explained = own.sum((1, 2))[:, None]
        sums = torch.cat([total / 10.0, total / number, number / 100.0, explained / 10.0, explained / number], -1)
        return self.judge(sums)[:, 0], log, change

    def _around(self, k: int, seen: torch.Tensor, exists: torch.Tensor) -> torch.Tensor:
        """Return the mean over all spots and rays of a candidate, for each of them."""
        total = (self.context[k](seen) * exists[..., None]).sum((1, 2))
        mean = total / exists.sum((1, 2)).clamp(min=1)[:, None]
        return mean[:, None, None].expand(*seen.shape[:3], -1)


def fixed(
    features: torch.Tensor, off_mm: torch.Tensor, by: torch.Tensor, ray: torch.Tensor, there: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how many spots a candidate explains (b,) and its change (b, 8), by weights of which nothing is learned."""
    exists = (features[..., -1] > 0) & there[..., None]
    change = torch.zeros(len(features), by.shape[-1])
    for mm in FIXED_MM:
        left = off_mm - torch.einsum("bnkip,bp->bnki", by, change)
        logit = (-left.square().sum(-1) / (2.0 * mm**2)).masked_fill(~exists, ABSENT)
        log = torch.cat([logit, torch.full((*logit.shape[:2], 1), FIXED_DUST)], -1).log_softmax(-1)
        change = change + _step(log[..., :-1].exp() * exists / mm**2, by, left, change)
    left = off_mm - torch.einsum("bnkip,bp->bnki", by, change)
    nearest = left.square().sum(-1).masked_fill(~exists, 1e3).amin(-1)
    return torch.exp(-nearest / (2.0 * FIXED_MM[-1] ** 2)).sum(1), change


def _step(weight: torch.Tensor, by: torch.Tensor, left: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """Return the change that takes away what is left (mm); each is expected to be one unit or less."""
    matrix = torch.einsum("bnk,bnkip,bnkiq->bpq", weight, by, by) + torch.eye(by.shape[-1])
    pull = torch.einsum("bnk,bnkip,bnki->bp", weight, by, left) - change
    return torch.linalg.solve(matrix, pull)


def _seen(features: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    size = left.norm(dim=-1, keepdim=True)
    return torch.cat([features, left / 3.0, size / 3.0, torch.log(size + 0.1)], -1)


def _layers(inputs: int, width: int, outputs: int) -> nn.Sequential:
    inner = nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
    return nn.Sequential(*inner, nn.Linear(width, outputs))


def _sinkhorn(logit: torch.Tensor, dust: torch.Tensor, ray: torch.Tensor) -> torch.Tensor:
    """Scale rows, with the dustbin, to 1; what a ray gives in all, to 1 at most."""
    log = torch.cat([logit, dust.expand(*logit.shape[:2], 1)], -1)
    flat = ray.flatten(1)
    for _ in range(SINKHORN):
        log = log.log_softmax(-1)
        total = torch.zeros(len(log), int(ray.max()) + 1).scatter_add(1, flat, log[..., :-1].exp().flatten(1))
        over = total.clamp(min=1.0).log().gather(1, flat).view(ray.shape)
        log = torch.cat([log[..., :-1] - over, log[..., -1:]], -1)
    return log.log_softmax(-1)
