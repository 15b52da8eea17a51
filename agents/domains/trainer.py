"""Trains the network of domains: batches counted anew, validation apart, and going on after a cut."""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from beamgym.agents.domains.config import DomainsConfig
from beamgym.agents.domains.data import CutBatch, checked_cuts, make_batch, training_cuts
from beamgym.agents.domains.net import DomainNet
from beamgym.agents.training import EpochTraining, Progress, RunFolder
from beamgym.envs.domains import BINS, NUMBERS
from beamgym.physics.arpes.domains import CANVAS

_VALIDATION_SEED = 1_000_003
_LEAST_LOG = -4.0  # of the error of a weight: 2 %
_PAIR, _THREE, _WEIGHT = 0.5, 0.15, 0.2  # of the loss: offsets of two and of three domains, weights


class DomainsTrainer(EpochTraining):
    """One training; parameters as of ``EpochTraining``.

    Parameters
    ----------
    config : what to train, and how
    folder : where checkpoints, the best network and the curves go
    seed : of cuts, weights, order and noise
    resume : go on from the folder's checkpoint
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training
    """

    figure = "validation/loss"

    def __init__(
        self,
        config: DomainsConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> None:
        super().__init__("domains", config, folder, seed, resume, progress)
        self.config = config
        torch.manual_seed(seed)
        self.begin(DomainNet(config.width), config.steps, weight_decay=1e-3)

    @cached_property
    def cuts(self) -> list:  # type: ignore[type-arg]
        """The cuts that are learnt from."""
        return training_cuts(self.config, self.seed)

    @cached_property
    def _checks(self) -> CutBatch:
        return checked_cuts(_VALIDATION_SEED, self.config.checks)

    @torch.no_grad()
    def validated(self) -> dict[str, float]:
        """Return the loss and the share of right numbers on cuts of 5·10⁴ electrons."""
        self.net.eval()
        answer, truth = answers(self.net, self._checks), self._checks
        right = answer[:, :3].argmax(1).numpy() + 1 == truth.number
        return {self.figure: float(domain_loss(answer, truth, self.config.blur_deg)), "validation/right": right.mean()}

    def trained_epoch(self) -> float:
        """Train one epoch, and return the mean loss."""
        cuts, losses = self.cuts, []
        self.net.train()
        for step in range(self.config.steps):
            batch = make_batch(cuts, self.config, self.seed, self.epoch * self.config.steps + step)
            with torch.autocast("cpu", torch.bfloat16):
                answer = self.net(*map(torch.from_numpy, (batch.counts, batch.rows, batch.columns)))
            losses.append(self.learnt(domain_loss(answer.float(), batch, self.config.blur_deg)))
            self.schedule.step()
            self.progress(f"epoch {self.epoch + 1} of {self.config.epochs}", step + 1, self.config.steps)
        self.epoch += 1
        return float(np.mean(losses))


@torch.no_grad()
def answers(net: DomainNet, batch: CutBatch, rows: int = 100) -> Tensor:
    """Return what a network says of a batch, a few cuts at a time."""
    given = [torch.from_numpy(part) for part in (batch.counts, batch.rows, batch.columns)]
    return torch.cat([net(*(part[i : i + rows] for part in given)) for i in range(0, len(batch.counts), rows)])


def domain_loss(answer: Tensor, batch: CutBatch, blur_deg: float) -> Tensor:
    """Return the loss of answers (n, …): cross entropies of numbers and offsets, and normal errors of weights."""
    number, offset, weight = (torch.from_numpy(part) for part in (batch.number, batch.offset_deg, batch.weight))
    loss = functional.cross_entropy(answer[:, :3], number - 1)
    two, three = number == 2, number == 3
    bins = answer[:, NUMBERS:].reshape(len(answer), 5, BINS)
    if bool(two.any()):
        loss = loss + _PAIR * _histogram_loss(bins[two, 0], offset[two, 1], blur_deg)
        at = torch.softmax(bins[two, 0].detach(), 1)
        mean, log_error = (bins[two, 3] * at).sum(1) + 0.5, (bins[two, 4] * at).sum(1)
        loss = loss + _WEIGHT * _normal_loss(mean, log_error, weight[two, 0])
    if bool(three.any()):
        both = [_histogram_loss(bins[three, j], offset[three, j], blur_deg) for j in (1, 2)]
        shares = torch.softmax(answer[three, 3:6], 1)
        loss = loss + _THREE * (both[0] + both[1])
        loss = loss + 0.3 * _WEIGHT * _normal_loss(shares, answer[three, 6:7], weight[three])
    return loss


def _histogram_loss(logits: Tensor, offset_deg: Tensor, blur_deg: float) -> Tensor:
    place = torch.arange(BINS, dtype=torch.float32) * CANVAS.slit_step_deg
    told = torch.softmax(-0.5 * ((place - offset_deg[:, None]) / blur_deg) ** 2, 1)
    return -(told * functional.log_softmax(logits, 1)).sum(1).mean()


def _normal_loss(mean: Tensor, log_error: Tensor, truth: Tensor) -> Tensor:
    bounded = log_error.clamp(_LEAST_LOG, 0.0)
    return (0.5 * ((truth - mean) / bounded.exp()) ** 2 + bounded).mean()
