"""Which hyperparameters are tried: ranges and choices by the names that they have in a configuration."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from beamgym.agents.training import TrainingConfig
from beamgym.physics.messages import one_line


class Range(BaseModel):
    """Numbers from ``low`` to ``high``, whole ones where both are; spread over their logarithms with ``log``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _rising(self) -> "Range":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"low {self.low} has to be below high {self.high}, and above 0 with log")
        return self


Space = dict[str, Range | list[Any]]
"""By key of a configuration ("policy_kwargs.net_arch" for one within another), a range or the choices."""

_OF_ALL: Space = {
    "learning_rate": Range(low=1e-5, high=3e-3, log=True),
    "gamma": [0.95, 0.98, 0.99, 0.995],
    "policy_kwargs.net_arch": [[64, 64], [128, 128], [256, 256]],
}
_ON_POLICY: Space = {
    **_OF_ALL,
    "n_steps": [16, 32, 64, 128],
    "batch_size": [128, 256, 512],
    "n_epochs": [2, 4, 8],
    "gae_lambda": [0.9, 0.95, 0.98],
    "clip_range": [0.1, 0.2, 0.3],
    "ent_coef": Range(low=1e-6, high=3e-2, log=True),
}
_OFF_POLICY: Space = {**_OF_ALL, "batch_size": [128, 256, 512], "train_freq": [1, 4, 16]}
DEFAULT: dict[str, Space] = {
    "ppo": _ON_POLICY,
    "ppo_lstm": _ON_POLICY,
    "sac": {**_OFF_POLICY, "tau": [0.005, 0.01, 0.02]},
    "tqc": {**_OFF_POLICY, "tau": [0.005, 0.01, 0.02]},
    "dqn": {**_OFF_POLICY, "exploration_fraction": Range(low=0.05, high=0.5)},
}
"""What is tried where nothing is given, after rl-zoo3's ranges."""


def read_space(path: str | Path | None, algo: str) -> Space:
    """Return what is to be tried.

    Parameters
    ----------
    path : a YAML file of ranges and choices; the default for the algorithm where there is none
    algo : as in a configuration

    Raises
    ------
    ValueError : in one line, for a file that is none
    """
    if path is None:
        return DEFAULT[algo]
    if not Path(path).is_file():
        raise ValueError(f"there is no search space {path}; give the path of a YAML file")
    try:
        table = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {one_line(error)}") from None
    if not isinstance(table, dict) or not table:
        raise ValueError(f"{path} holds no search space; write lines such as learning_rate: {{low: 1e-5, high: 1e-3}}")
    return {str(name): _part(path, str(name), value) for name, value in table.items()}


def suggested(trial: Any, space: Space) -> dict[str, Any]:
    """Return a value for every key, as an Optuna trial suggests it."""
    values = {}
    for name, part in space.items():
        if isinstance(part, list):
            values[name] = json.loads(trial.suggest_categorical(name, [json.dumps(choice) for choice in part]))
        elif isinstance(part.low, int) and isinstance(part.high, int):
            values[name] = trial.suggest_int(name, part.low, part.high, log=part.log)
        else:
            values[name] = trial.suggest_float(name, part.low, part.high, log=part.log)
    return values


def applied(config: TrainingConfig, values: dict[str, Any]) -> TrainingConfig:
    """Return a configuration with some keys changed.

    Raises
    ------
    ValueError : in one line, for a key that is none, and for values that do not go together
    """
    table = config.model_dump(mode="json", exclude_defaults=True)
    for name, value in values.items():
        *parents, last = name.split(".")
        place = table
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    try:
        return TrainingConfig.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where or 'together'}: {one_line(first['msg'].removeprefix('Value error, '))}") from None


def _part(path: str | Path, name: str, value: Any) -> Range | list[Any]:
    if isinstance(value, list) and value:
        return value
    try:
        return Range.model_validate(_numbers(value))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{path}, {name}: give a list of choices, or low, high and log: {one_line(message)}") from None


def _numbers(value: Any) -> Any:
    """Return a table whose words are numbers where they can be: YAML takes 1e-5 for a word."""
    if not isinstance(value, dict):
        return value
    return {key: float(each) if isinstance(each, str) and _is_number(each) else each for key, each in value.items()}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
