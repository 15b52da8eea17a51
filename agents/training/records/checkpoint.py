"""What a supervised training keeps in a checkpoint, and how it goes on from one to the same weights."""

from typing import Any, Protocol

import torch


class Checkpointed(Protocol):
    """A training that can be cut between two epochs."""

    net: Any
    optimiser: torch.optim.Optimizer
    schedule: Any
    epoch: int
    best: float
    since_best: int
    cpu_s: float


def training_state(training: Checkpointed) -> dict[str, Any]:
    """Return what a checkpoint holds: weights, optimiser, schedule, progress, and torch's random numbers."""
    return {
        "net": training.net.state_dict(),
        "optimiser": training.optimiser.state_dict(),
        "schedule": training.schedule.state_dict(),
        "epoch": training.epoch,
        "best": training.best,
        "since_best": training.since_best,
        "cpu_s": training.cpu_s,
        "random": torch.get_rng_state(),
    }


def restore_training(training: Checkpointed, state: dict[str, Any] | None) -> None:
    """Go on from what ``training_state`` gave; nothing changes where there is none."""
    if state is None:
        return
    training.net.load_state_dict(state["net"])
    training.optimiser.load_state_dict(state["optimiser"])
    training.schedule.load_state_dict(state["schedule"])
    training.epoch, training.best, training.since_best = state["epoch"], state["best"], state["since_best"]
    training.cpu_s = state["cpu_s"]
    torch.set_rng_state(state["random"].cpu())
