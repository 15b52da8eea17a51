"""Training configurations: rl-zoo3's YAML form, checked by pydantic; unknown keys are errors.

A file maps an environment id to its hyperparameters. Where rl-zoo3 would evaluate a string as Python, a plain mapping
stands here (``policy_kwargs: {extractor: spots, net_arch: {pi: [], vf: [128]}}``).
"""

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyKwargs(_Strict):
    """The network: extractor by name, its arguments, and SB3's own policy arguments."""

    extractor: Literal["align", "combined"] = "combined"
    extractor_kwargs: dict[str, int | float] = Field(default_factory=dict)
    net_arch: dict[str, list[int]] | list[int] | None = None
    log_std_init: float = 0.0


class WarmStartConfig(_Strict):
    """Hyperparameters of the supervised warm start; see agents/warm_start.py for their meaning."""

    dictionary_samples: int = Field(300_000, gt=0)
    samples: int = Field(1_000_000, gt=0)
    learning_rate: float = Field(1e-3, gt=0)
    final_learning_rate: float = Field(3e-5, gt=0)
    declare_within: float = Field(0.75, gt=0, le=1)
    declare_caution: float = Field(2.0, gt=0)
    help: float = Field(0.15, ge=0, le=1)
    abandon: float = Field(0.1, ge=0, lt=1)


class TrainingConfig(_Strict):
    """Hyperparameters of one environment's training, named as in SB3 and rl-zoo3."""

    algo: Literal["ppo"] = "ppo"
    policy: str = "MultiInputPolicy"
    n_envs: int = Field(64, gt=0)
    n_timesteps: int = Field(..., ge=0)
    env_kwargs: dict[str, Any] = Field(default_factory=dict)
    policy_kwargs: PolicyKwargs = Field(default_factory=PolicyKwargs)
    learning_rate: float = Field(3e-4, gt=0)
    n_steps: int = Field(128, gt=0)
    batch_size: int = Field(256, gt=0)
    n_epochs: int = Field(4, gt=0)
    gamma: float = Field(0.99, gt=0, le=1)
    gae_lambda: float = Field(0.95, gt=0, le=1)
    clip_range: float = Field(0.2, gt=0)
    ent_coef: float = Field(0.0, ge=0)
    vf_coef: float = Field(0.5, ge=0)
    max_grad_norm: float = Field(0.5, gt=0)
    target_kl: float | None = None
    critic_first: int = Field(0, ge=0, description="rollouts in which only the critic learns")
    warm_start: WarmStartConfig | None = None
    checkpoint_every: int = Field(100_000, gt=0)
    selection_episodes: int = Field(200, gt=0)


def load_config(env_id: str, path: str | Path | None = None) -> TrainingConfig:
    """Read the hyperparameters of an environment.

    Parameters
    ----------
    env_id : such as "beamgym/LaueAlign-v0"
    path : a YAML file; the shipped one by default

    Raises
    ------
    ValueError : no such file, no such environment in it, or a key or value that is wrong, named in one line
    """
    text, where = _read(env_id, path)
    try:
        table = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(table, dict) or env_id not in table:
        known = ", ".join(table) if isinstance(table, dict) else "nothing"
        raise ValueError(f"{where} holds hyperparameters for {known}; add a section for {env_id}")
    try:
        return TrainingConfig.model_validate(table[env_id])
    except ValidationError as error:
        raise ValueError(f"{where}, {env_id}: {_one_line(error)}") from None


def _read(env_id: str, path: str | Path | None) -> tuple[str, str]:
    if path is not None:
        if not Path(path).is_file():
            raise ValueError(f"there is no training configuration {path}; give the path of a YAML file")
        return Path(path).read_text(encoding="utf-8"), str(path)
    name = env_id.rsplit("/", maxsplit=1)[-1] + ".yml"
    shipped = resources.files("beamgym.agents.configs").joinpath(name)
    if not shipped.is_file():
        raise ValueError(f"no configuration is shipped for {env_id}; give one with --config")
    return shipped.read_text(encoding="utf-8"), f"the shipped {name}"


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}, found {first['input']!r}{more}"
