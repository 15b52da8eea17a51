"""What an off-policy learner has in its replay buffer, as tensors of a checkpoint."""

from typing import Any, Final

import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import DictReplayBuffer, ReplayBuffer

MOST_BYTES: Final = 200_000_000
"""Largest buffer that is written every minute; a larger one is filled anew when a training is resumed."""

_COLUMNS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def replay_state(model: Any) -> dict[str, Any]:
    """Return the filled part of a model's replay buffer; empty where there is none, or it is too large."""
    buffer: Any = getattr(model, "replay_buffer", None)
    if type(buffer) not in (ReplayBuffer, DictReplayBuffer) or getattr(buffer, "optimize_memory_usage", False):
        return {}
    rows = buffer.size()
    kept = {name: values[:rows] for name, values in _arrays(buffer).items()}
    if rows == 0 or sum(values.nbytes for values in kept.values()) > MOST_BYTES:
        return {}
    columns = {name: torch.from_numpy(values) for name, values in kept.items()}
    return {"columns": columns, "pos": buffer.pos, "full": buffer.full}


def put_replay(model: Any, state: dict[str, Any]) -> None:
    """Fill a model's replay buffer with what :func:`replay_state` returned of one like it.

    Without it the learner begins by collecting again: as many steps as it did before it first learned.
    """
    buffer: Any = getattr(model, "replay_buffer", None)
    if buffer is None:
        return
    if not state:
        model.learning_starts += model.num_timesteps
        return
    for name, values in _arrays(buffer).items():
        given = state["columns"][name].numpy()
        values[: len(given)] = given
    buffer.pos, buffer.full = state["pos"], state["full"]


def _arrays(buffer: Any) -> dict[str, NDArray[Any]]:
    """Return a buffer's arrays by name, those of a Dict as "observations/NAME"."""
    found: dict[str, NDArray[Any]] = {}
    for name in _COLUMNS:
        column = getattr(buffer, name)
        parts = {f"/{key}": values for key, values in column.items()} if isinstance(column, dict) else {"": column}
        found |= {name + part: values for part, values in parts.items()}
    return found
