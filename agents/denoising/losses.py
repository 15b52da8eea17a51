"""What a denoiser's answer is judged by while it learns.

The rate by the Poisson likelihood of counts that the network did not see; how far off it may be by the likelihood of
the same counts when the true rate is gamma-distributed about the answer: they are then negative-binomial.
"""

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 1e-4
_SSIM_SIDE, _SSIM_SCALES = 7, (0.3, 0.3, 0.4)
_C1, _C2 = 0.01**2, 0.03**2


def poisson_loss(answer: Tensor, target: Tensor, scale: Tensor, weight: Tensor, truth: bool) -> Tensor:
    """Return the loss of log rates and their spreads.

    Parameters
    ----------
    answer : (n, 2, rows, columns) of a Denoiser
    target : (n, rows, columns) counts, or expected ones where ``truth``
    scale : (n, 1, 1) exposure of the target over that of the input
    weight : (n, rows, columns) 0 where there is nothing to learn from
    truth : whether the targets are expected counts
    """
    log_mean = answer[:, 0] + torch.log(scale)
    mean = torch.exp(log_mean)
    rate = mean - target * log_mean
    spread = _gamma(answer[:, 1], mean.detach(), target) if truth else _binomial(answer[:, 1], mean.detach(), target)
    return (weight * (rate + 0.2 * spread)).sum() / weight.sum().clamp(min=1.0)


def published_loss(answer: Tensor, target: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
    """Return 0.3 MAE + 0.7 (1 − MS-SSIM) of frames cut off at 1 (Oppliger et al. 2024), 1 being the target's 99th
    percentile."""
    full = torch.quantile(target.flatten(1), 0.99, dim=1).clamp(min=1.0)[:, None, None]
    found = (torch.exp(answer[:, 0]) * scale / full).clamp(0.0, 1.0) * weight
    wanted = (target / full).clamp(0.0, 1.0) * weight
    return 0.3 * (found - wanted).abs().mean() + 0.7 * (1.0 - _ms_ssim(found[:, None], wanted[:, None]))


def _binomial(log_spread: Tensor, mean: Tensor, target: Tensor) -> Tensor:
    size = torch.exp(-2.0 * log_spread)
    ways = torch.lgamma(target + size) - torch.lgamma(size)
    return -(ways + size * torch.log(size / (size + mean)) + target * torch.log(mean / (size + mean) + 1e-12))


def _gamma(log_spread: Tensor, mean: Tensor, target: Tensor) -> Tensor:
    size, true = torch.exp(-2.0 * log_spread), target.clamp(min=_LEAST)
    ratio = true / mean
    return -(size * torch.log(size * ratio) - size * ratio - torch.lgamma(size))


def _ms_ssim(one: Tensor, two: Tensor) -> Tensor:
    total = torch.ones((), dtype=one.dtype)
    for number, power in enumerate(_SSIM_SCALES):
        if number:
            one, two = functional.avg_pool2d(one, 2), functional.avg_pool2d(two, 2)
        total = total * _ssim(one, two).clamp(min=1e-3) ** power
    return total


def _ssim(one: Tensor, two: Tensor) -> Tensor:
    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, _SSIM_SIDE, 1)

    a, b = mean(one), mean(two)
    aa, bb, ab = mean(one * one) - a * a, mean(two * two) - b * b, mean(one * two) - a * b
    return (((2 * a * b + _C1) * (2 * ab + _C2)) / ((a * a + b * b + _C1) * (aa + bb + _C2))).mean()
