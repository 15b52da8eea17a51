"""Trains the scorer: fresh spectra, validation on others, early stopping, TensorBoard, and going on after a cut."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from beamgym.agents.spectra.config import ScorerConfig
from beamgym.agents.spectra.data import Examples, example_stream, join_examples, make_examples
from beamgym.agents.spectra.net import ScorerNet
from beamgym.agents.spectra.ood import train_ood_classifier
from beamgym.agents.spectra.windows import Progress, usual_and_cut
from beamgym.agents.training import BEST, RunFolder, restore_training, training_state
from beamgym.physics.instrument import Float32Array

_VALIDATION_SEED = 1_000_003  # what is validated on is none of the training's
_SPREAD = torch.tensor([0.05, 0.2, 1.0, 2.0, 0.05, 0.2, 1.0, 2.0])
"""How much each label varies: it makes them count alike."""


@dataclass(frozen=True)
class Validation:
    """Errors of a network on validation spectra.

    Parameters
    ----------
    mae : (8,) mean absolute error of each label, where it is known
    """

    mae: Float32Array

    @property
    def paper(self) -> float:
        """Mean absolute error of the published total, points."""
        return float(self.mae[3])

    @property
    def v2(self) -> float:
        """Mean absolute error of the ``v2`` total, points."""
        return float(self.mae[7])


class ScorerTrainer:
    """One training.

    Parameters
    ----------
    config : what to train, and how
    folder : where checkpoints, the best network and the curves go
    seed : of weights, order and spectra
    resume : go on from the folder's checkpoint
    workers : processes that make spectra; 0 makes them in between
    device : "cpu", or a GPU where there is one
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training; see RunFolder.check
    """

    def __init__(
        self,
        config: ScorerConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        workers: int = 1,
        device: str = "cpu",
        progress: Progress | None = None,
    ) -> None:
        folder.check("arpes-scorer", config, seed, resume)
        folder.begin("arpes-scorer", config, seed)
        self.config, self.folder, self.seed, self.workers = config, folder, seed, workers
        self.device, self._progress = torch.device(device), progress or (lambda phase, done, total: None)
        torch.manual_seed(seed)
        self.net = ScorerNet(config.backbone, config.dropout).to(self.device)
        self.optimiser = torch.optim.Adam(
            self.net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = _schedule(self.optimiser, config)
        self.epoch, self.best, self.since_best, self.cpu_s = 0, float("inf"), 0, 0.0
        restore_training(self, folder.load())

    def run(self) -> Validation:
        """Train to the end, or until the validation has not improved for ``patience`` epochs; return the best's."""
        examples = join_examples(
            [make_examples(_VALIDATION_SEED, i, 256, self.config.mixture) for i in range(self._checks())]
        )
        batches = self._batches()
        writer = SummaryWriter(str(self.folder.path / "tensorboard"))
        while self.epoch < self.config.epochs and self.since_best < self.config.patience:
            begun = time.process_time()
            loss = self._train_epoch(batches)
            found = self.validate(examples)
            self.cpu_s += time.process_time() - begun
            self._note(writer, loss, found)
        writer.close()
        self.net.load_state_dict(self._best_weights())
        self.net.calibrate_ood(self.last_features(examples))
        self.net.cpu()
        train_ood_classifier(self.net.doubt, *self._usual_and_cut(), self.seed)
        self.net.to(self.device)
        best: Validation = self.validate(examples)
        return best

    @torch.no_grad()
    def validate(self, examples: Examples) -> Validation:
        """Return the errors on examples."""
        self.net.eval()
        out = np.concatenate([self.net(*self._inputs(part)).cpu().numpy() for part in _parts(examples)])[:, :8]
        error = np.where(examples.known, np.abs(out - examples.labels), 0.0)
        return Validation((error.sum(0) / examples.known.sum(0)).astype(np.float32))

    @torch.no_grad()
    def last_features(self, examples: Examples) -> torch.Tensor:
        """Return the last features (k, 128) of examples."""
        self.net.eval()
        return torch.cat([self.net.features(*self._inputs(part)) for part in _parts(examples)])

    def _train_epoch(self, batches: Iterator[Examples]) -> float:
        self.net.train()
        losses = []
        for i in range(self.config.batches_per_epoch):
            examples = next(batches)
            losses.append(self._train_batch(examples))
            self._progress(f"epoch {self.epoch + 1}", i + 1, self.config.batches_per_epoch)
            if self.config.schedule == "cosine":
                self.schedule.step()
        self.epoch += 1
        return float(np.mean(losses))

    def _train_batch(self, examples: Examples) -> float:
        image, intensity = self._inputs(examples)
        image = _changed(image, self.config.changes)
        scores, scales = self.net.heads(self.net.features(image, intensity), intensity)
        labels, known = (torch.from_numpy(values).to(self.device) for values in (examples.labels, examples.known))
        off = (scores - labels).abs() / _SPREAD.to(self.device)
        scale = scales / _SPREAD.to(self.device)
        each = (
            off / scale + scale.log() if self.config.loss == "laplace" else off.square() + (scale - off.detach()).abs()
        )
        loss = (each * known)[:, [0, 1, 3, 4, 5, 7]].sum() / len(labels)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimiser.step()
        return float(loss.detach())

    def _batches(self) -> Iterator[Examples]:
        """Yield the batches from the present epoch on; the same ones in every epoch where their number is fixed."""
        config = self.config
        each, first = config.batches_per_epoch, self.epoch * config.batches_per_epoch
        if config.fixed is None:
            rest = each * config.epochs - first
            return example_stream(self.seed, first, rest, config.batch, config.mixture, self.workers)
        kept = list(
            example_stream(self.seed, 0, config.fixed // config.batch, config.batch, config.mixture, self.workers)
        )
        return _again(join_examples(kept), config.batch, self.seed, first)

    def _inputs(self, examples: Examples) -> tuple[torch.Tensor, torch.Tensor]:
        return tuple(torch.from_numpy(part).to(self.device) for part in (examples.image, examples.intensity))  # type: ignore[return-value]

    def _usual_and_cut(self) -> tuple[Examples, Examples]:
        return usual_and_cut(self.config.novelty, self.config.usual, self._progress)

    def _checks(self) -> int:
        return self.config.validation // 256

    def _note(self, writer: SummaryWriter, loss: float, found: Validation) -> None:
        if self.config.schedule == "plateau":
            self.schedule.step(found.paper)
        better = found.paper + found.v2 * (not self.config.published_only) < self.best
        self.since_best = 0 if better else self.since_best + 1
        figures = {"loss": loss, "validation/paper": found.paper, "validation/v2": found.v2}
        figures["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        for name, value in figures.items():
            writer.add_scalar(name, value, self.epoch)
        if better:
            self.best = found.paper + found.v2 * (not self.config.published_only)
            self.folder.save({"net": self.net.state_dict()}, BEST)
        self.folder.note("epochs", [*self.folder.figures().get("epochs", []), figures])
        self.folder.save(training_state(self))

    def _best_weights(self) -> dict[str, torch.Tensor]:
        found = self.folder.load(BEST)
        if found is None:
            raise ValueError(f"{self.folder.path} holds no trained network; the validation gave no number")
        weights: dict[str, torch.Tensor] = found["net"]
        return weights


def _schedule(optimiser: torch.optim.Optimizer, config: ScorerConfig) -> Any:
    if config.schedule == "plateau":
        patience, factor = config.plateau
        return torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=patience, factor=factor)
    steps = config.epochs * config.batches_per_epoch
    return torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, steps + 1, pct_start=0.1)


def _parts(examples: Examples, size: int = 512) -> Iterator[Examples]:
    for first in range(0, len(examples), size):
        part = slice(first, first + size)
        yield Examples(examples.image[part], examples.intensity[part], examples.labels[part], examples.known[part])


def _again(examples: Examples, size: int, seed: int, first: int) -> Iterator[Examples]:
    """Yield batches of the same examples without end, in a new order each time round."""
    each, number = len(examples) // size, first
    while True:
        order: NDArray[np.int64] = np.random.default_rng([seed, number // each]).permutation(len(examples))
        rows = order[(number % each) * size : (number % each + 1) * size]
        yield Examples(examples.image[rows], examples.intensity[rows], examples.labels[rows], examples.known[rows])
        number += 1


def _changed(image: torch.Tensor, changes: tuple[str, ...]) -> torch.Tensor:
    """Change pictures (m, 64, 64) at random, as Na et al. do: mirror, speckle, shift along both axes, contrast."""
    m, device = len(image), image.device
    if "flip" in changes:
        flipped = torch.rand(m, 1, 1, device=device) < 0.5
        image = torch.where(flipped, image.flip(2), image)
    if "speckle" in changes:
        image = image * (1.0 + 0.1 * torch.randn_like(image))
    if "shift" in changes:
        rows, columns = (int(torch.randint(-3, 4, (1,))) for _ in range(2))
        image = torch.roll(image, (rows, columns), (1, 2))
    if "contrast" in changes:
        image = 1.0 + (image - 1.0) * (0.9 + 0.2 * torch.rand(m, 1, 1, device=device))
    return image
