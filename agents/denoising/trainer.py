"""Trains a denoiser: patches of any regime, validation apart, TensorBoard, and going on after a cut."""

import time
from collections.abc import Callable

import numpy as np
import torch
from scipy.special import xlogy
from torch.utils.tensorboard import SummaryWriter

from beamgym.agents.denoising.config import DenoiserConfig
from beamgym.agents.denoising.data import Batch, Frames, make_batch
from beamgym.agents.denoising.losses import poisson_loss, published_loss
from beamgym.agents.denoising.nets import make_network
from beamgym.agents.training import BEST, RunFolder, restore_training, training_state

Progress = Callable[[str, int, int], None]
_VALIDATION_SEED, _VALIDATION_BATCHES, _VALIDATION_SCENES = 1_000_003, 6, 12


class DenoiserTrainer:
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
        folder.check("denoiser", config, seed, resume)
        folder.begin("denoiser", config, seed)
        self.config, self.folder, self.seed = config, folder, seed
        self.progress: Progress = progress or (lambda phase, done, total: None)
        self.frames = frames or Frames.of_scenes(config, seed)
        _check_frames(self.frames, config)
        torch.manual_seed(seed)
        self.net = make_network(config.network, config.width)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=config.learning_rate, weight_decay=1e-4)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.learning_rate, config.epochs * config.steps + 1, pct_start=0.1
        )
        self.epoch, self.best, self.since_best, self.cpu_s = 0, float("inf"), 0, 0.0
        restore_training(self, folder.load())

    def run(self) -> None:
        """Train to the end, and keep the network that was best in validation."""
        checks = self._checks()
        writer = SummaryWriter(str(self.folder.path / "tensorboard"))
        while self.epoch < self.config.epochs:
            begun = time.process_time()
            figures = {"loss": self._train_epoch(), "validation/deviance": self.validate(checks)}
            self.cpu_s += time.process_time() - begun
            self._note(writer, figures)
        writer.close()
        found = self.folder.load(BEST)
        if found is None:
            raise ValueError(f"{self.folder.path} holds no trained network; the validation gave no number")
        self.net.load_state_dict(found["net"])
        self.net.eval()

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

    def _checks(self) -> list[Batch]:
        """Return batches of the tuning split with their truth; of one's own frames, other thinnings of them."""
        config, frames = self.config, self.frames
        if config.scene != "own":
            config = replace_regime(config)
            frames = Frames.of_scenes(config, _VALIDATION_SEED, "tune", _VALIDATION_SCENES)
        return [make_batch(frames, config, _VALIDATION_SEED, step) for step in range(_VALIDATION_BATCHES)]

    def _train_epoch(self) -> float:
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
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())

    def _note(self, writer: SummaryWriter, figures: dict[str, float]) -> None:
        figures["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        for name, value in figures.items():
            writer.add_scalar(name, value, self.epoch)
        better = figures["validation/deviance"] < self.best
        self.since_best = 0 if better else self.since_best + 1
        if better:
            self.best = figures["validation/deviance"]
            self.folder.save({"net": self.net.state_dict()}, BEST)
        self.folder.note("epochs", [*self.folder.figures().get("epochs", []), figures])
        self.folder.save(training_state(self))


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
