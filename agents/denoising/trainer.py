"""Trains a denoiser: patches of any regime, validation apart, TensorBoard, and going on after a cut."""

from functools import cached_property

import numpy as np
import torch
from scipy.special import xlogy

from beamgym.agents.denoising.config import DenoiserConfig
from beamgym.agents.denoising.data import Batch, Frames, make_batch
from beamgym.agents.denoising.losses import poisson_loss, published_loss
from beamgym.agents.denoising.nets import make_network
from beamgym.agents.training import EpochTraining, Progress, RunFolder

_VALIDATION_SEED, _VALIDATION_BATCHES, _VALIDATION_SCENES = 1_000_003, 6, 12


class DenoiserTrainer(EpochTraining):
    """One training.

    Parameters
    ----------
    config : what to train, and how
    folder : where checkpoints, the best network and the curves go
    seed : of weights, order and noise
    resume : go on from the folder's checkpoint
    frames : what to learn from; by default frames of the configuration's scene. Frames of one's own are judged by
        counts that were thinned away, as nobody knows their truth
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training, frames smaller than a patch, or a scene "own" without frames
    """

    figure = "validation/deviance"

    def __init__(
        self,
        config: DenoiserConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        frames: Frames | None = None,
        progress: Progress | None = None,
    ) -> None:
        if frames is None and config.scene == "own":
            raise ValueError("a training on frames of one's own needs them; give frames, or name a scene")
        super().__init__("denoiser", config, folder, seed, resume, progress)
        self.config = config
        self.frames = frames or Frames.of_scenes(config, seed)
        _check_frames(self.frames, config)
        torch.manual_seed(seed)
        self.begin(make_network(config.network, config.width), config.steps, weight_decay=1e-4)

    def validated(self) -> dict[str, float]:
        """Return the deviance of what was not shown."""
        return {self.figure: self.validate(self._checks)}

    @torch.no_grad()
    def validate(self, checks: list[Batch]) -> float:
        """Return the Poisson deviance a pixel of what was not shown to the network."""
        self.net.eval()
        each = []
        for batch in checks:
            log_rate = self.net(torch.from_numpy(batch.given))[:, 0].numpy().astype(np.float64)
            mean = np.exp(log_rate) * batch.scale
            target = batch.target.astype(np.float64)
            deviance = 2.0 * (xlogy(target, target) - target * np.log(mean) - target + mean)
            each.append((batch.weight * deviance).sum() / max(1.0, batch.weight.sum()))
        return float(np.mean(each))

    @cached_property
    def _checks(self) -> list[Batch]:
        """Return batches of the tuning split with their truth; of one's own frames, other thinnings of them."""
        config, frames = self.config, self.frames
        if config.scene != "own":
            config = replace_regime(config)
            frames = Frames.of_scenes(config, _VALIDATION_SEED, "tune", _VALIDATION_SCENES)
        return [make_batch(frames, config, _VALIDATION_SEED, step) for step in range(_VALIDATION_BATCHES)]

    def trained_epoch(self) -> float:
        """Train one epoch, and return the mean loss."""
        self.net.train()
        losses, config = [], self.config
        for step in range(config.steps):
            batch = make_batch(self.frames, config, self.seed, self.epoch * config.steps + step)
            losses.append(self._train_batch(batch))
            self.schedule.step()
            self.progress(f"epoch {self.epoch + 1} of {config.epochs}", step + 1, config.steps)
        self.epoch += 1
        return float(np.mean(losses))

    def _train_batch(self, batch: Batch) -> float:
        parts = [torch.from_numpy(each) for each in (batch.given, batch.target, batch.scale, batch.weight)]
        given, target, scale, weight = parts
        answer = self.net(given)
        if self.config.loss == "poisson":
            loss = poisson_loss(answer, target, scale, weight, truth=self.config.regime == "noise2truth")
        else:
            loss = published_loss(answer, target, scale, weight)
        return self.learnt(loss)


def replace_regime(config: DenoiserConfig) -> DenoiserConfig:
    """Return the configuration with the regime whose targets are expected counts."""
    return config.model_copy(update={"regime": "noise2truth"})


def _check_frames(frames: Frames, config: DenoiserConfig) -> None:
    for frame in frames.first:
        if min(frame.shape) < config.side:
            raise ValueError(
                f"a frame of {frame.shape[0]} × {frame.shape[1]} pixels is smaller than the patches that are learnt "
                f"from, {config.side}; give larger frames"
            )
