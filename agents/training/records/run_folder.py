"""A training's own folder: configuration, checkpoint and figures, written whole or not at all.

Checkpoints are tensors and plain numbers, read back with ``weights_only``: resuming executes nothing.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ValidationError

from beamgym.physics.files import replacing, write_text

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

    def check(self, env_id: str, config: BaseModel, seed: int, resume: bool, may_change: Collection[str] = ()) -> None:
        """Raise ValueError for a training that does not belong into this folder, before anything is written.

        Parameters
        ----------
        env_id, config, seed : what is to be trained
        resume : go on with the training that is here
        may_change : keys of the configuration that may be others than those it was begun with

        Raises
        ------
        ValueError : a training is here and ``resume`` is False, none is here and it is True, or it is another one
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"{self.path} is a file; give the path of a folder for the training")
        if not resume and self.begun:
            raise ValueError(f"{self.path} holds a training already; add --resume to go on, or choose another folder")
        if not resume:
            return
        if not self.begun:
            raise ValueError(f"there is no training to resume in {self.path}; leave out --resume to begin one")
        found = json.loads((self.path / CONFIG).read_text(encoding="utf-8"))
        known = {"env": env_id, "seed": seed}
        differs = [name for name, value in known.items() if found.get(name) != value]
        differs += _differences(found.get("config"), config, may_change)
        if differs:
            raise ValueError(
                f"{self.path} holds a training with another configuration or seed ({', '.join(differs)}); "
                "choose another folder"
            )

    def begin(self, env_id: str, config: BaseModel, seed: int) -> None:
        """Write environment, configuration and seed, where they are not written yet, or are other ones."""
        wanted = {"env": env_id, "seed": seed, "config": config.model_dump(mode="json")}
        if self.begun and json.loads((self.path / CONFIG).read_text(encoding="utf-8")) == wanted:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        self._write_text(CONFIG, json.dumps(wanted, indent=1))

    def save(self, state: dict[str, Any], name: str = CHECKPOINT) -> None:
        """Save a checkpoint of tensors and numbers, replacing the last one in one step."""
        with replacing(self.path / name, durable=True) as draft:
            torch.save(state, draft)

    def load(self, name: str = CHECKPOINT) -> dict[str, Any] | None:
        """Return the last checkpoint, or None; raises ValueError for one that is damaged or holds more than tensors."""
        path = self.path / name
        if not path.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True)
        except Exception as error:  # torch raises whatever the broken bytes lead to
            raise ValueError(
                f"{path} is no checkpoint of tensors and numbers; remove {self.path} and train anew"
            ) from error
        return state

    def figures(self) -> dict[str, Any]:
        """Return the numbers in figures.json so far."""
        path = self.path / FIGURES
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return found

    def seed(self) -> int:
        """Return the seed of the training that was begun here; raises ValueError where none was."""
        if not self.begun:
            raise ValueError(f"there is no training in {self.path}; give the folder of a finished one")
        return int(json.loads((self.path / CONFIG).read_text(encoding="utf-8"))["seed"])

    def check_finished(self) -> None:
        """Raise ValueError where no training is, or one that was cut."""
        seed = self.seed()
        if "selected" not in self.figures():
            raise ValueError(f"the training of seed {seed} in {self.path} was cut; finish it with --resume first")

    def note(self, name: str, value: Any) -> None:
        """Write a number under a name to figures.json, replacing an earlier one."""
        self._write_text(FIGURES, json.dumps({**self.figures(), name: value}, indent=1))

    def _write_text(self, name: str, text: str) -> None:
        write_text(self.path / name, text + "\n", durable=True)


def _differences(found: Any, config: BaseModel, may_change: Collection[str]) -> list[str]:
    """Return the keys that a stored configuration has otherwise; a key that did not exist then has its default."""
    try:
        stored = type(config).model_validate(found)
    except ValidationError:
        return ["config"]
    names = (name for name in type(config).model_fields if name not in may_change)
    return [name for name in names if getattr(stored, name) != getattr(config, name)]
