"""A supervised training, epoch by epoch: checkpoints, curves, the best network kept, and going on after a cut."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import torch
from pydantic import BaseModel
from torch.utils.tensorboard import SummaryWriter

from beamgym.agents.training.records.checkpoint import restore_training, training_state
from beamgym.agents.training.records.run_folder import BEST, RunFolder

Progress = Callable[[str, int, int], None]


class EpochConfig(Protocol):
    """What the configuration of such a training says."""

    @property
    def epochs(self) -> int:
        """How many there are."""
        ...

    @property
    def learning_rate(self) -> float:
        """The largest of the cycle."""
        ...


class EpochTraining(ABC):
    """One training by AdamW and one cycle of learning rates.

    Parameters
    ----------
    what : is trained, as the folder notes it
    config : what to train, and how; a BaseModel with ``epochs`` and ``learning_rate``
    folder : where checkpoints, the best network and the curves go
    seed : of weights, order and noise
    resume : go on from the folder's checkpoint
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training
    """

    figure: str
    """The figure of ``validated`` that is made small."""

    def __init__(
        self, what: str, config: Any, folder: RunFolder, seed: int, resume: bool, progress: Progress | None
    ) -> None:
        given: BaseModel = config
        folder.check(what, given, seed, resume)
        folder.begin(what, given, seed)
        self.folder, self.seed = folder, seed
        self.progress: Progress = progress or (lambda phase, done, total: None)
        self._pace: EpochConfig = config
        self.epoch, self.best, self.since_best, self.cpu_s = 0, float("inf"), 0, 0.0

    def begin(self, net: torch.nn.Module, steps: int, weight_decay: float) -> None:
        """Take the network to train, and the steps of an epoch; goes on where the folder has a checkpoint."""
        self.net: Any = net
        rate = self._pace.learning_rate
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=weight_decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, self._pace.epochs * steps + 1, pct_start=0.1
        )
        restore_training(self, self.folder.load())

    @abstractmethod
    def trained_epoch(self) -> float:
        """Train one epoch, count it in ``epoch``, and return the mean loss."""

    @abstractmethod
    def validated(self) -> dict[str, float]:
        """Return the figures of the network as it is."""

    def run(self) -> None:
        """Train to the end, and keep the network that was best in validation."""
        writer = SummaryWriter(str(self.folder.path / "tensorboard"))
        while self.epoch < self._pace.epochs:
            begun = time.process_time()
            figures = {"loss": self.trained_epoch(), **self.validated()}
            self.cpu_s += time.process_time() - begun
            self.note(writer, figures)
        writer.close()
        found = self.folder.load(BEST)
        if found is None:
            raise ValueError(f"{self.folder.path} holds no trained network; the validation gave no number")
        self.net.load_state_dict(found["net"])
        self.net.eval()

    def note(self, writer: Any, figures: dict[str, float]) -> None:
        """Keep an epoch's figures, the network where it is the best so far, and a checkpoint."""
        figures["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        for name, value in figures.items():
            writer.add_scalar(name, value, self.epoch)
        better = figures[self.figure] < self.best
        self.since_best = 0 if better else self.since_best + 1
        if better:
            self.best = figures[self.figure]
            self.folder.save({"net": self.net.state_dict()}, BEST)
        self.folder.note("epochs", [*self.folder.figures().get("epochs", []), figures])
        self.folder.save(training_state(self))

    def learnt(self, loss: torch.Tensor) -> float:
        """Make one step down a loss, and return it."""
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())
