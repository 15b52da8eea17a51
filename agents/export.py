"""Turns a finished training into a shipped bundle: network, figures and a card that says how to make it again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.bundle import Origin, export_bundle
from beamgym.agents.evaluate import PolicyResult
from beamgym.agents.sb3 import Trainer
from beamgym.agents.seeds import STRIDE

_REFERENCES = 256


def export_trained(
    trainer: Trainer, path: str | Path, command: str, result: PolicyResult, overwrite: bool = False
) -> Path:
    """Write the trainer's present policy as a bundle.

    Parameters
    ----------
    trainer : whose model is exported
    path : the bundle's directory; its last part is its name
    command : the command that trains it again
    result : its figures on the selection seeds
    overwrite : replace a bundle that is there

    Returns
    -------
    The bundle's directory
    """
    space = trainer.envs.single_observation_space
    last = trainer.first_seed + STRIDE - 1
    origin = Origin(
        trainer.env_id,
        command,
        (trainer.first_seed, last),
        trainer.model.num_timesteps,
        encoder="spots",
        encoder_parameters={"rows": 64, "fields": 5},
    )
    context = getattr(trainer.envs.loop.task, "context", None)
    observations = reference_observations(trainer)
    card = model_card(Path(path).name, trainer, command, result)
    return export_bundle(
        trainer.model,
        context,
        path,
        origin=origin,
        observations=observations,
        observation_space=space,
        card=card,
        overwrite=overwrite,
    )


def reference_observations(trainer: Trainer) -> dict[str, NDArray[Any]]:
    """Return 256 observations from the middle of episodes, the policy acting."""
    observation, _ = trainer.envs.reset(seed=trainer.first_seed + 2**17)
    parts = []
    while sum(len(next(iter(part.values()))) for part in parts) < _REFERENCES:
        parts.append(observation)
        action = trainer.model.predict(observation, deterministic=True)[0]  # type: ignore[arg-type]
        observation, *_ = trainer.envs.step(action)
    return {name: np.concatenate([part[name] for part in parts])[:_REFERENCES] for name in parts[0]}


def model_card(name: str, trainer: Trainer, command: str, result: PolicyResult) -> str:
    """Return the card's Markdown: what it is for, how it was trained, its figures, its limits."""
    figures = trainer.folder.figures()
    config = json.dumps(trainer.config.env_kwargs)
    warm = figures.get("warm_start")
    rows = [("warm start alone", warm)] if warm else []
    rows.append(("selected", result.as_dict()))
    table = "\n".join(
        f"| {label} | {row['success_rate']:.3f} | {row['exposures_median']:.0f} | {row['misorientation_deg_median']:.3f} |"
        for label, row in rows
    )
    return f"""# {name}

A policy for `{trainer.env_id}` with {config}, trained with seed {trainer.seed} on simulated patterns only.

Train it again ({figures.get("cpu_s", 0) / 60:.0f} CPU minutes, one core):

```
{command}
```

Figures on the {trainer.config.selection_episodes} selection episodes that chose it:

| state | success | exposures, median | final misorientation, median, degrees |
|---|---|---|---|
{table}
"""
