"""Trains a network that tells the ground under a peak, and how far off that may be, from the surroundings."""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from beamgym.agents.denoising.ground.config import GroundConfig
from beamgym.agents.denoising.ground.data import GroundPlaces, draw_places, ground_scenes
from beamgym.agents.training import EpochTraining, Progress, RunFolder
from beamgym.envs.denoising import FEATURES, MOST_RISE

_CHECK_SEED, _CHECK_FRAMES, _CHECK_PLACES = 1_000_003, 600, 4096
_SPREAD_SHARE = 0.2  # of the loss
_LEAST_SPREAD, _MOST_SPREAD = -5.0, 1.0  # logarithms of relative standard deviations


class GroundNet(nn.Module):
    """Three layers; the answer is the logarithm of the ground over the level beside the peak, and that of its relative
    standard deviation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        second, last = 3 * width // 5, nn.Linear(3 * width // 5, 2)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, 0.0)
        self.layers = nn.Sequential(nn.Linear(FEATURES, width), nn.SiLU(), nn.Linear(width, second), nn.SiLU(), last)

    def forward(self, told: Tensor) -> Tensor:
        """Return (n, 2) of (n, FEATURES)."""
        out = self.layers(told)
        rise = MOST_RISE * torch.tanh(out[:, 0:1] / MOST_RISE)
        return torch.cat([rise, torch.clamp(out[:, 1:2] - 2.5, _LEAST_SPREAD, _MOST_SPREAD)], 1)

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(part.numel() for part in self.parameters())


class GroundTrainer(EpochTraining):
    """One training.

    Parameters
    ----------
    config : what to train, and how
    folder : where checkpoints, the best network and the curves go
    seed : of weights, order and noise
    resume : go on from the folder's checkpoint
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training
    """

    figure = "validation/deviance"

    def __init__(
        self,
        config: GroundConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> None:
        super().__init__("ground", config, folder, seed, resume, progress)
        self.config = config
        torch.manual_seed(seed)
        self.begin(GroundNet(config.width), config.steps, weight_decay=1e-3)

    @cached_property
    def checks(self) -> GroundPlaces:
        """Places of the tuning split at 1×, by which networks are selected and calibrated."""
        config = self.config.model_copy(update={"exposures": (1.0, 1.0)})
        scenes = ground_scenes(config, "tune", _CHECK_SEED, min(_CHECK_FRAMES, self.config.frames))
        return draw_places(scenes, config, _CHECK_SEED, 0, min(_CHECK_PLACES, 4 * self.config.frames))

    @torch.no_grad()
    def validated(self) -> dict[str, float]:
        """Return the mean deviance of the ground, in units of a peak's own Poisson variance."""
        self.net.eval()
        return {self.figure: float(2.0 * self._deviance(self.net(torch.from_numpy(self.checks.told)), self.checks))}

    def trained_epoch(self) -> float:
        """Train one epoch, and return the mean loss."""
        self.net.train()
        config, losses = self.config, []
        places = draw_places(self._scenes, config, self.seed, self.epoch, config.steps * config.batch)
        for step in range(config.steps):
            batch = places.of(slice(step * config.batch, (step + 1) * config.batch))
            answer = self.net(torch.from_numpy(batch.told))
            losses.append(self.learnt(self._deviance(answer, batch) + _SPREAD_SHARE * _spread_loss(answer, batch)))
            self.schedule.step()
            self.progress(f"epoch {self.epoch + 1} of {config.epochs}", step + 1, config.steps)
        self.epoch += 1
        return float(np.mean(losses))

    @cached_property
    def _scenes(self) -> list:  # type: ignore[type-arg]
        return ground_scenes(self.config, "train", self.seed, self.config.frames)

    def _deviance(self, answer: Tensor, places: GroundPlaces) -> Tensor:
        """Return half the mean Poisson deviance of the ground over the pixels of a peak, bright ones weighed less."""
        ratio, true = _ratio(answer, places)
        pixels = _tensor(places.pixels)
        weight = pixels / (1.0 + pixels * true / self.config.balance)
        return (weight * true * (ratio - 1.0 - torch.log(ratio))).mean()


def _ratio(answer: Tensor, places: GroundPlaces) -> tuple[Tensor, Tensor]:
    """Return the answered ground over the true one, and the true one."""
    true = _tensor(places.ground)
    return torch.exp(answer[:, 0]) * _tensor(places.level) / true, true


def _spread_loss(answer: Tensor, places: GroundPlaces) -> Tensor:
    """Return minus the log likelihood of the true ground, gamma-distributed about the answer."""
    ratio = 1.0 / _ratio(answer, places)[0].detach()
    size = torch.exp(-2.0 * answer[:, 1])
    return -(size * torch.log(size * ratio) - size * ratio - torch.lgamma(size)).mean()


def _tensor(values: object) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
