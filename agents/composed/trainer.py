"""Trains the composed scorer: fresh pairs, validation on others, selection by ladders, and going on after a cut."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from beamgym.agents.composed.config import ComposedConfig
from beamgym.agents.composed.data import Pairs, make_pairs, mixed, pair_stream
from beamgym.agents.composed.ladders import LADDER_SOURCES, ladders, ranks
from beamgym.agents.composed.loss import pair_loss, single_loss
from beamgym.agents.composed.net import ComposedNet, v2_points
from beamgym.agents.training import BEST, RunFolder, restore_training, training_state
from beamgym.envs.arpes_spot import window_input

VALIDATION_SEED = 2_000_003
"""What is validated on is none of the training's, nor of the benchmark's."""

Progress = Callable[[str, int, int], None]
_N = 1  # column of the numbers


@dataclass(frozen=True)
class EncodedRungs:
    """Encoded rungs of ladders that count: image, seen, numbers (r, m, ...)."""

    image: NDArray[np.float16]
    seen: NDArray[np.float32]
    numbers: NDArray[np.float32]


class ComposedTrainer:
    """One training.

    Parameters
    ----------
    config : what to train, and how
    folder : where checkpoints, the best network and the curves go
    seed : of weights, order and spectra
    resume : go on from the folder's checkpoint
    workers : processes that make spectra; 0 makes them in between
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training; see RunFolder.check
    """

    def __init__(
        self,
        config: ComposedConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> None:
        folder.check("arpes-scorer-composed", config, seed, resume)
        folder.begin("arpes-scorer-composed", config, seed)
        self.config, self.folder, self.seed, self.workers = config, folder, seed, workers
        self.progress: Progress = progress or (lambda phase, done, total: None)
        torch.manual_seed(seed)
        self.net = ComposedNet(config.widths)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        steps = config.epochs * config.batches_per_epoch * config.looks
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.learning_rate, steps + 1, pct_start=0.1
        )
        self.epoch, self.best, self.since_best, self.cpu_s = 0, float("inf"), 0, 0.0
        restore_training(self, folder.load())

    def run(self) -> None:
        """Train to the end, or until the ladders have not improved for ``patience`` epochs; keep the best network."""
        if self._goes_on:
            self._train()
        found = self.folder.load(BEST)
        if found is None:
            raise ValueError(f"{self.folder.path} holds no trained network; the validation gave no number")
        self.net.load_state_dict(found["net"])
        self.net.eval()

    @property
    def _goes_on(self) -> bool:
        return self.epoch < self.config.epochs and self.since_best < self.config.patience

    def _train(self) -> None:
        config = self.config
        examples = [make_pairs(VALIDATION_SEED, i, config.batch) for i in range(config.validation // config.batch)]
        rungs_kept = self._encoded_rungs()
        first = self.epoch * config.batches_per_epoch
        rest = config.epochs * config.batches_per_epoch - first
        batches = pair_stream(self.seed, first, rest, config.batch, self.workers, config.batches_per_epoch)
        writer = SummaryWriter(str(self.folder.path / "tensorboard"))
        while self._goes_on:
            begun = time.process_time()
            losses = self._train_epoch(batches)
            figures = {**losses, **self.validate(examples, rungs_kept)}
            self.cpu_s += time.process_time() - begun
            self._note(writer, figures)
        writer.close()

    @torch.no_grad()
    def validate(self, examples: list[Pairs], rungs_kept: list[EncodedRungs]) -> dict[str, float]:
        """Return errors of the components and of the ``v2`` total, and how well ladders are followed."""
        self.net.eval()
        off, total = [], []
        for part in examples:
            means, _ = self.net.heads(*inputs(part))
            labels, known = torch.from_numpy(part.labels), torch.from_numpy(part.known)
            off.append(torch.where(known, (means - labels).abs(), torch.nan))
            n = torch.from_numpy(part.numbers[:, _N])
            apart = v2_points(means[:, 2], means[:, 3], n, means[:, 4]) - v2_points(
                labels[:, 2], labels[:, 3], n, labels[:, 4]
            )
            total.append(torch.where(known[:, 2], apart.abs(), torch.nan))
        mae = torch.cat(off).nanmean(0).tolist()
        rho = [ranks(self._totals(one)) for one in rungs_kept]
        every = np.concatenate(rho)
        names = ("paper_s", "paper_b", "v2_s", "v2_b", "log_f")
        return {
            **dict(zip((f"validation/{name}" for name in names), mae, strict=True)),
            "validation/v2": float(torch.cat(total).nanmean()),
            "ladders/mean": float(every.mean()),
            "ladders/backwards": float((every < 0.0).mean()),
            "ladders/p5": float(np.quantile(every, 0.05)),
        }

    @staticmethod
    def figure(figures: dict[str, float]) -> float:
        """Return what networks are selected by, smaller for better: ladders first, errors of the total after them."""
        return 1.0 - figures["ladders/mean"] + figures["ladders/backwards"] + 0.2 * figures["validation/v2"]

    def _totals(self, rungs_kept: EncodedRungs) -> NDArray[np.float32]:
        rungs = []
        for image, seen, numbers in zip(rungs_kept.image, rungs_kept.seen, rungs_kept.numbers, strict=True):
            means, _ = self.net.heads(
                torch.from_numpy(image).float(), torch.from_numpy(seen), torch.from_numpy(numbers)
            )
            n = torch.from_numpy(numbers[:, _N])
            rungs.append(v2_points(means[:, 2], means[:, 3], n, means[:, 4]).numpy())
        return np.stack(rungs)

    def _encoded_rungs(self) -> list[EncodedRungs]:
        kept = []
        for source in LADDER_SOURCES:
            for rungs in ladders(source, self.config.ladder_spectra, VALIDATION_SEED):
                made = [window_input(counts[rungs.counted]) for counts in rungs.counts if rungs.counted.any()]
                if made:
                    image, seen, numbers = (np.stack([one[name] for one in made]) for name in made[0])
                    kept.append(EncodedRungs(image.astype(np.float16), seen, numbers))
            self.progress("ladders", LADDER_SOURCES.index(source) + 1, len(LADDER_SOURCES))
        return kept

    def _train_epoch(self, batches: Iterator[Pairs]) -> dict[str, float]:
        self.net.train()
        singles, pairs, number = [], [], self.config.batches_per_epoch
        for i, batch in enumerate(self._looks(batches)):
            one, two = self._train_batch(batch)
            singles.append(one)
            pairs.append(two)
            self.schedule.step()
            self.progress(f"epoch {self.epoch + 1}", i + 1, number * self.config.looks)
        self.epoch += 1
        return {"loss/single": float(np.mean(singles)), "loss/pairs": float(np.mean(pairs))}

    def _looks(self, batches: Iterator[Pairs]) -> Iterator[Pairs]:
        """Yield the fresh batches of an epoch, then the same spectra again and again, in other batches."""
        kept = []
        for _ in range(self.config.batches_per_epoch):
            fresh = next(batches)
            kept.append(replace(fresh, image=fresh.image.astype(np.float16)))
            yield fresh
        for look in range(1, self.config.looks):
            for batch in mixed(kept, self.seed, self.epoch, look):
                yield replace(batch, image=batch.image.astype(np.float32))

    def _train_batch(self, batch: Pairs) -> tuple[float, float]:
        image, seen, numbers = inputs(batch)
        flipped = torch.rand(batch.pairs, 1, 1) < 0.5  # both of a pair, or none
        flipped = torch.cat([flipped, flipped, torch.rand(len(image) - 2 * batch.pairs, 1, 1) < 0.5])
        image = torch.where(flipped, image.flip(2), image)
        means, scales = self.net.heads(image, seen, numbers)
        labels, known = torch.from_numpy(batch.labels), torch.from_numpy(batch.known).float()
        alone = single_loss(means, scales, labels, known)
        together = pair_loss(means, numbers[:, _N], labels, known, batch.pairs)
        loss = alone + self.config.pairs * together
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimiser.step()
        return float(alone.detach()), float(together.detach())

    def _note(self, writer: SummaryWriter, figures: dict[str, float]) -> None:
        figure = self.figure(figures)
        better = figure < self.best
        self.since_best = 0 if better else self.since_best + 1
        figures["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        for name, value in figures.items():
            writer.add_scalar(name, value, self.epoch)
        if better:
            self.best = figure
            self.folder.save({"net": self.net.state_dict()}, BEST)
        self.folder.note("epochs", [*self.folder.figures().get("epochs", []), figures])
        self.folder.save(training_state(self))


def inputs(batch: Pairs) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return pictures, rows seen and numbers of a batch as tensors."""
    return torch.from_numpy(batch.image), torch.from_numpy(batch.seen), torch.from_numpy(batch.numbers)
