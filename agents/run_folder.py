"""A training's own folder: configuration, checkpoint and figures, written whole or not at all.

Checkpoints are tensors and plain numbers, read back with ``weights_only``: resuming executes nothing.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from beamgym.agents.training_config import TrainingConfig

CONFIG, CHECKPOINT, BEST, FIGURES = "config.json", "checkpoint.pt", "best.pt", "figures.json"


class RunFolder:
    """One training's files.

    Parameters
    ----------
    path : the folder
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def begun(self) -> bool:
        """Whether a training was begun here."""
        return (self.path / CONFIG).is_file()

    def begin(self, env_id: str, config: TrainingConfig, seed: int, resume: bool) -> None:
        """Write what is trained, or check that a resumed training is the same one.

        Raises
        ------
        ValueError : a training is here and ``resume`` is False, none is here and it is True, or it is another one
        """
        wanted = {"env": env_id, "seed": seed, "config": config.model_dump(mode="json")}
        if resume:
            if not self.begun:
                raise ValueError(f"there is no training to resume in {self.path}; leave out --resume to begin one")
            found = json.loads((self.path / CONFIG).read_text(encoding="utf-8"))
            if found != wanted:
                raise ValueError(
                    f"{self.path} holds a training with another configuration or seed; choose another folder"
                )
            return
        if self.begun:
            raise ValueError(f"{self.path} holds a training already; add --resume to go on, or choose another folder")
        self.path.mkdir(parents=True, exist_ok=True)
        self._write_text(CONFIG, json.dumps(wanted, indent=1))

    def save(self, state: dict[str, Any], name: str = CHECKPOINT) -> None:
        """Save a checkpoint of tensors and numbers, replacing the last one in one step."""
        handle, draft = tempfile.mkstemp(dir=self.path, suffix=".part")
        os.close(handle)
        torch.save(state, draft)
        os.replace(draft, self.path / name)

    def load(self, name: str = CHECKPOINT) -> dict[str, Any] | None:
        """Return the last checkpoint, or None."""
        path = self.path / name
        if not path.is_file():
            return None
        state: dict[str, Any] = torch.load(path, weights_only=True)
        return state

    def figures(self) -> dict[str, Any]:
        """Return the figures noted so far."""
        path = self.path / FIGURES
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return found

    def note(self, name: str, value: Any) -> None:
        """Add one figure to the log of figures."""
        self._write_text(FIGURES, json.dumps({**self.figures(), name: value}, indent=1))

    def _write_text(self, name: str, text: str) -> None:
        draft = self.path / f"{name}.part"
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, self.path / name)
