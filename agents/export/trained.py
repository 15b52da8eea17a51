"""Turns a finished training into a shipped bundle: network, figures and a card that says how to make it again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.agents.decisions import ModelPolicy
from beamgym.agents.evaluation import STRIDE, MetricSet, PolicyResult, context_of
from beamgym.agents.export.bundle import Origin, export_bundle
from beamgym.agents.policies import bundle_name
from beamgym.agents.training import RunFolder, Trainer
from beamgym.envs.arpes_spot import MAP_CELLS, MAP_LAYERS
from beamgym.envs.laue_align import SPOT_FIELDS

REFERENCES = 256
"""Observations a bundle carries with the actions it gave for them."""

_BEFORE = {
    "warm_start": "supervised pretraining",
    "search_start": "supervised pretraining",
    "recorded": "behaviour cloning of recorded episodes",
}
"""What comes before reinforcement learning, by the name of its figures."""

_ROUNDS = 4  # steps of the same episodes that they are taken from, at least
_REFERENCE_SEEDS = 2**17  # offset of their environment seeds from the training's first one


def export_trained(
    trainer: Trainer,
    path: str | Path,
    command: str,
    result: PolicyResult,
    overwrite: bool = False,
    beside: Sequence[RunFolder] = (),
) -> Path:
    """Write the trainer's present policy as a bundle.

    Parameters
    ----------
    trainer : whose model is exported
    path : the bundle's directory; its last part is its name
    command : the command that trains it again
    result : its figures on the selection seeds
    overwrite : replace a bundle that is there
    beside : finished trainings with other seeds, whose figures the card reports too

    Returns
    -------
    The bundle's directory

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the model
    """
    space = trainer.envs.single_observation_space
    encoder, parameters = encoder_of(space)
    origin = Origin(
        trainer.env_id,
        command,
        (trainer.first_seed, trainer.first_seed + STRIDE - 1),
        trainer.samples,
        encoder=encoder,
        encoder_parameters=parameters,
        algorithm=trained_by(trainer),
    )
    return export_bundle(
        trainer.model,
        context_of(trainer.envs),
        path,
        origin=origin,
        observations=reference_observations(trainer),
        observation_space=space,
        card=model_card(bundle_name(path), trainer, command, result, beside),
        overwrite=overwrite,
    )


def trained_by(trainer: Trainer) -> str:
    """Return what trained the state that was kept: the algorithm, or the phase before it that selection preferred."""
    kept = str(trainer.folder.figures().get("best_state", ""))
    return _BEFORE.get(kept, type(trainer.model).__name__)


def account(trainer: Trainer) -> str:
    """Return in one sentence which phases a training had, and which state was kept."""
    config, figures = trainer.config, trainer.folder.figures()
    phases = [_BEFORE[name] for name in _BEFORE if name in figures]
    name = type(trainer.model).__name__
    if trainer.model.num_timesteps > 0:
        phases.append(f"{trainer.model.num_timesteps} steps of {name}")
    kept = str(figures.get("best_state", ""))
    state = {**{key: f"the {words} alone" for key, words in _BEFORE.items()}, "ppo": f"the end of {name}"}
    where = state.get(kept, f"{kept.rpartition('_')[2]} steps of {name}" if kept else "the last phase")
    seen = [] if getattr(config, "normalize", None) is None else ["normalised observations"]
    seen += [] if not getattr(config, "frame_stack", None) else [f"the last {config.frame_stack} observations"]
    through = f" It sees {' and '.join(seen)}, which the graph makes itself." if seen else ""
    return f"Done: {', then '.join(phases) or 'nothing'}. Selection kept the state after {where}.{through}"


def encoder_of(space: spaces.Space[Any]) -> tuple[str, dict[str, int]]:
    """Return name and parameters of the encoder that gives such an observation: "spots", "image", "map" or "plain"."""
    parts = space.spaces if isinstance(space, spaces.Dict) else {}
    if "map" in parts and parts["map"].dtype != np.uint8:  # of numbers: not the picture of plane normals
        return "map", {"cells": MAP_CELLS, "layers": MAP_LAYERS}
    if "image" in parts:
        return "image", {"size": (parts["image"].shape or (0,))[0]}
    if "spots" not in parts:
        return "plain", {}
    return "spots", {"rows": (parts["spots"].shape or (0,))[0] // SPOT_FIELDS, "fields": SPOT_FIELDS}


def reference_observations(trainer: Trainer) -> dict[str, NDArray[Any]]:
    """Return 256 observations (256, ...) by name on training seeds: starts, and what follows the policy's own moves."""
    count, policy = trainer.envs.num_envs, ModelPolicy(trainer.model)
    rounds = max(_ROUNDS, -(-REFERENCES // count))
    observation, _ = trainer.envs.reset(seed=trainer.first_seed + _REFERENCE_SEEDS)
    memory = policy.start(context_of(trainer.envs), count)
    parts = [named_parts(observation)]
    while len(parts) < rounds:
        action, memory = policy.act(parts[-1], memory)
        observation, *_ = trainer.envs.step(action)
        parts.append(named_parts(observation))
    rows = -(-REFERENCES // rounds)
    return {name: np.concatenate([part[name][:rows] for part in parts])[:REFERENCES] for name in parts[0]}


def named_parts(observation: Any) -> dict[str, NDArray[Any]]:
    """Return the parts of an observation by name; one that has no parts is named "observation"."""
    return dict(observation) if isinstance(observation, Mapping) else {"observation": observation}


def model_card(
    name: str, trainer: Trainer, command: str, result: PolicyResult, beside: Sequence[RunFolder] = ()
) -> str:
    """Return the card's Markdown: what it is for, how it was trained, its figures beside those of other seeds."""
    figures = trainer.folder.figures()
    rows = _card_rows(trainer.seed, {**figures, "selected": result.as_dict()}, result.metric_set)
    for folder in beside:
        rows += _card_rows(folder.seed(), folder.figures(), result.metric_set)
    return f"""# {name}

A policy for `{trainer.env_id}` with {json.dumps(trainer.config.env_kwargs)},
trained with seed {trainer.seed} in simulation only.

{account(trainer)}

Train it again ({figures.get("cpu_s", 0) / 60:.0f} CPU minutes, one core):

```
{command}
```

Figures of each training seed on its own {trainer.config.selection_episodes} selection episodes, which also chose the
state; those of the benchmark's seeds, which chose nothing, are printed by `beamgym benchmark {trainer.env_id}`:

| training seed | state | success | {" | ".join(f"{metric.heading}, median" for metric in result.metric_set.metrics)} |
|---|---|---|{"---|" * len(result.metric_set.metrics)}
{chr(10).join(rows)}
"""


def _card_rows(seed: int, figures: Mapping[str, Any], metric_set: MetricSet) -> list[str]:
    states = (
        ("warm_start", "warm start alone"),
        ("search_start", "supervised start alone"),
        ("recorded", "after imitating recorded episodes"),
        ("ppo", "after PPO"),
        ("selected", "selected"),
    )
    return [f"| {seed} | {label} {_card_row(figures[key], metric_set)}" for key, label in states if key in figures]


def _card_row(row: Mapping[str, Any], metric_set: MetricSet) -> str:
    values = [(row.get(metric.name), metric.form) for metric in metric_set.metrics]
    cells = ["unknown" if value is None else format(value, form) for value, form in values]
    return f"| {row['success_rate']:.3f} | {' | '.join(cells)} |"
