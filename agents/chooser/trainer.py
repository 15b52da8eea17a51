"""Trains a chooser: flights flown once and kept, then epochs over their looks."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from beamgym.agents.chooser.config import ChooserConfig
from beamgym.agents.chooser.flights import SIDE_BY_SIDE, Looked, fly, joined
from beamgym.agents.chooser.network import THERE, ChooserNet
from beamgym.agents.training import EpochTraining, Progress, RunFolder
from beamgym.physics.files import replacing
from beamgym.physics.instrument import BoolArray, Float64Array

FLIGHTS: Final = "flights"
"""Folder of a training in which its flights are kept."""

_SURFACES: Final = 0  # the set of surfaces of either purpose, whatever the seed
_BEYOND: Final = (-2.0, 1.0)
_BEYOND_WEIGHT: Final = 0.5


class ChooserTrainer(EpochTraining):
    """One training.

    Parameters
    ----------
    config : what to train, and how
    folder : where flights, checkpoints, the best network and the curves go; flights that are there are not flown again
    seed : of weights and order
    resume : go on from the folder's checkpoint
    progress : called with phase, done and total

    Raises
    ------
    ValueError : a folder that holds another training
    """

    figure = "selection/loss"

    def __init__(
        self,
        config: ChooserConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> None:
        super().__init__("spot-chooser", config, folder, seed, resume, progress)
        self.config = config
        self.looked = flights(folder.path / FLIGHTS, "training", config.flights, self.progress)
        self.held = flights(folder.path / FLIGHTS, "selection", config.selection_flights, self.progress)
        torch.manual_seed(seed)
        net = ChooserNet(config.width, config.dropout)
        net.fit_scale(torch.from_numpy(self.looked.shown))
        self.begin(net, -(-len(self.looked.shown) // config.batch), config.weight_decay)

    def trained_epoch(self) -> float:
        """Train one epoch, and return the mean loss."""
        self.net.train()
        looked, losses = _tensors(self.looked), []
        for rows in torch.randperm(len(looked[0])).split(self.config.batch):
            losses.append(self.learnt(chooser_loss(self.net, *(part[rows] for part in looked))))
            self.schedule.step()
        self.epoch += 1
        self.progress("epochs", self.epoch, self.config.epochs)
        return float(np.mean(losses))

    @torch.no_grad()
    def validated(self) -> dict[str, float]:
        """Return of the flights of selection the cross entropy, and how often the choice at their ends is right."""
        self.net.eval()
        shown, beyond = _tensors(self.held)
        logits, there = self.net(shown), shown[..., THERE] > 0.0
        loss = float(cross_entropy(logits[there], (beyond >= 0.0).float()[there]))
        chances = torch.where(there, torch.sigmoid(logits), 0.0).numpy().astype(np.float64)
        return {"selection/loss": loss, **choices(chances, self.held)}


def chooser_loss(net: ChooserNet, shown: torch.Tensor, beyond: torch.Tensor) -> torch.Tensor:
    """Return the loss of a batch: of each candidate's probability, and of its points."""
    there = shown[..., THERE]
    logits, points = net.judged(shown)
    good, count = (beyond >= 0.0).float(), there.sum()
    single = (cross_entropy(logits, good, reduction="none") * there).sum() / count
    off = ((points - beyond.clamp(*_BEYOND)).abs() * there).sum() / count
    return single + _BEYOND_WEIGHT * off


def choices(chances: Float64Array, looked: Looked) -> dict[str, float]:
    """Return the shares of flights whose last look has what is among the best first, and at all.

    "right" by the chances (m, CANDIDATES), "estimate" by the largest estimate, "any" by whoever knows, "told" the mean
    probability that the chances give to their own choice.
    """

    def first(values: Float64Array) -> BoolArray:
        picked = looked.good[np.arange(len(values)), values.argmax(axis=1)]
        return np.asarray(picked[looked.last], dtype=np.bool_)

    estimate = np.where(looked.shown[..., THERE] > 0.0, looked.shown[..., 1].astype(np.float64), -np.inf)
    return {
        "selection/right": float(first(chances).mean()),
        "selection/estimate": float(first(estimate).mean()),
        "selection/any": float(looked.good[looked.last].any(axis=1).mean()),
        "selection/told": float(chances.max(axis=1)[looked.last].mean()),
    }


def flights(
    folder: Path, purpose: Literal["training", "selection"], count: int, progress: Callable[[str, int, int], None]
) -> Looked:
    """Return the looks of so many flights; those that are in the folder are read, the others flown and written."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for first in range(0, count, SIDE_BY_SIDE):
        size = min(SIDE_BY_SIDE, count - first)
        path = folder / f"{purpose}-{first:05d}-{size}.npz"
        if not path.is_file():
            flown = fly(purpose, _SURFACES, first, size)
            with replacing(path, durable=False) as draft, draft.open("wb") as file:
                np.savez_compressed(file, shown=flown.shown, beyond=flown.beyond, last=flown.last, allow_pickle=False)
        with np.load(path, allow_pickle=False) as kept:
            parts.append(Looked(kept["shown"], kept["beyond"], kept["last"]))
        progress(f"flights of {purpose}", first + size, count)
    return joined(parts)


def _tensors(looked: Looked) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(looked.shown), torch.from_numpy(looked.beyond)
