"""Training configurations: rl-zoo3's YAML form, checked by pydantic; unknown keys are errors.

A file maps an environment id to its hyperparameters. Where rl-zoo3 would evaluate a string as Python, a plain mapping
stands here (``policy_kwargs: {extractor: align, net_arch: {pi: [], vf: [128]}}``).
"""

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beamgym.physics.messages import one_line

EXTRACTOR_KEYS: dict[str, tuple[str, ...]] = {
    "align": ("width", "entries", "map_pixels", "map_extent", "channels", "max_rotation_deg"),
    "search": (
        "channels",
        "look",
        "confirm",
        "look_s",
        "confirm_s",
        "sure",
        "scan_s",
        "candidates",
        "doubt",
        "patience",
    ),
    "combined": ("cnn_output_dim", "normalized_image"),
}
"""What each extractor can be given, by its name in a configuration."""

_MOST_STARTS = 2**19  # environment seeds that are kept for the dictionary, of the 2**20 that a user's seed has


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyKwargs(_Strict):
    """The network: extractor by name, its arguments, and SB3's own policy arguments."""

    extractor: Literal["align", "search", "combined"] = Field(
        default="combined",
        description="`align` (LaueAlign's spots), `search` (ArpesSpot's map; see below) or SB3's `combined` (a CNN per "
        "image, the rest flat)",
    )
    extractor_kwargs: dict[str, bool | int | float] = Field(
        default_factory=dict,
        description="of `align`: width, entries, map_pixels, map_extent, channels, max_rotation_deg; "
        "of `combined`: cnn_output_dim, normalized_image",
    )
    net_arch: dict[Literal["pi", "vf"], list[int]] | list[int] | None = Field(
        default=None, description="hidden layers of actor and critic; `align` needs `pi: []`"
    )
    log_std_init: float = Field(default=0.0, description="natural logarithm of the actions' first standard deviation")

    @model_validator(mode="after")
    def _known_keys(self) -> "PolicyKwargs":
        known = EXTRACTOR_KEYS[self.extractor]
        unknown = [name for name in self.extractor_kwargs if name not in known]
        if unknown:
            raise ValueError(f"extractor {self.extractor} takes no {', '.join(unknown)}; it takes {', '.join(known)}")
        return self


class AlignPretrainingConfig(_Strict):
    """Hyperparameters of an alignment policy's supervised pretraining; see agents/training/align_pretraining.py."""

    dictionary_samples: int = Field(
        300_000, gt=0, le=_MOST_STARTS, description="random starts for the closed-form dictionary"
    )
    samples: int = Field(1_000_000, gt=0, description="observations to learn from, each used once")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam, at the beginning")
    final_learning_rate: float = Field(3e-5, gt=0, description="of Adam, at the end; a cosine lies between")
    declare_within: float = Field(
        0.75, gt=0, le=1, description="share of the tolerance within which declaring is taught"
    )
    declare_caution: float = Field(2.0, gt=0, description="weight of a wrong declaration against a missed one")
    help: float = Field(
        0.15,
        ge=0,
        le=1,
        description="share of moves that the teacher makes, missing the goal by 0.03 to 16 degrees, "
        "so that every distance is seen",
    )
    abandon: float = Field(0.1, ge=0, lt=1, description="share of steps at which an episode is given up for a new one")


class SearchPretrainingConfig(_Strict):
    """Hyperparameters of a search's supervised pretraining; see agents/training/search_pretraining.py."""

    samples: int = Field(600_000, gt=0, description="environment steps")
    learn_share: float = Field(0.5, gt=0, le=1, description="share of steps that are followed by a gradient step")
    learning_rate: float = Field(1.5e-3, gt=0, description="of Adam, at the beginning")
    final_learning_rate: float = Field(3e-5, gt=0, description="of Adam, at the end; a cosine lies between")
    wander: float = Field(0.1, ge=0, le=1, description="share of steps to anywhere, so that more states are seen")
    abandon: float = Field(0.003, ge=0, lt=1, description="share of steps at which an episode is given up")
    go_on: float = Field(0.3, ge=0, lt=1, description="share of declarations that are put off")


class RecordedConfig(_Strict):
    """Hyperparameters of learning from recorded episodes; see agents/training/imitation.py."""

    runs: list[str] = Field(..., min_length=1, description="folders of runs, or their `training.h5`")
    epochs: int = Field(30, gt=0, description="passes over all their decisions")
    batch_size: int = Field(64, gt=0, description="decisions of a gradient step")
    learning_rate: float = Field(1e-4, gt=0, description="of Adam")
    successes_only: bool = Field(
        True, description="leave out episodes that were no success by what could be seen, or broke off"
    )


class TrainingConfig(_Strict):
    """Hyperparameters of one environment's training, named as in SB3 and rl-zoo3."""

    algo: Literal["ppo"] = Field("ppo", description="SB3's algorithm")
    policy: Literal["MultiInputPolicy"] = Field(
        "MultiInputPolicy", description="SB3's policy for observations in parts, which all of beamgym's are"
    )
    n_envs: int = Field(64, gt=0, description="environments in the native vector")
    threads: int | None = Field(
        None,
        gt=0,
        description="threads that share the environments out; all cores where it is left out; no bit depends on it",
    )
    torch_threads: int = Field(
        1,
        gt=0,
        description="threads of torch; another number changes last digits of gradients, and so the training",
    )
    n_timesteps: int = Field(..., ge=0, description="environment steps of PPO; 0 for the pretraining alone")
    env_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="what `gym.make` is given: crystal, goniometer, target, level, …"
    )
    training_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="what only the environments to learn in are given, such as kept surfaces"
    )
    policy_kwargs: PolicyKwargs = Field(default=PolicyKwargs(), description="the network; see below")
    learning_rate: float = Field(3e-4, gt=0, description="of PPO's Adam")
    n_steps: int = Field(128, gt=0, description="steps of each environment per rollout")
    batch_size: int = Field(256, gt=1, description="of a gradient step; divides n_envs * n_steps")
    n_epochs: int = Field(4, gt=0, description="passes over each rollout")
    gamma: float = Field(0.99, gt=0, le=1, description="discount; the reward's shaping uses 0.99")
    gae_lambda: float = Field(0.95, gt=0, le=1, description="of generalised advantage estimation")
    clip_range: float = Field(0.2, gt=0, description="of PPO's ratio")
    ent_coef: float = Field(0.0, ge=0, description="weight of the entropy")
    vf_coef: float = Field(0.5, ge=0, description="weight of the critic's loss")
    max_grad_norm: float = Field(0.5, gt=0, description="at which gradients are clipped")
    target_kl: float | None = Field(None, gt=0, description="divergence at which a rollout's passes end early")
    critic_first: int = Field(0, ge=0, description="rollouts in which only the critic learns")
    tune: Literal["all", "decisions"] = Field(
        "all",
        description="what PPO changes of an align or search actor: all of it, or when to trust, to commit, to declare",
    )
    warm_start: AlignPretrainingConfig | None = Field(
        None, description="supervised pretraining; none where it is left out"
    )
    search_start: SearchPretrainingConfig | None = Field(None, description="the same for the extractor `search`")
    recorded: RecordedConfig | None = Field(
        None, description="imitate the decisions of recorded runs, after the pretraining and before PPO; see below"
    )
    checkpoint_every: int = Field(100_000, gt=0, description="steps between checkpoints, each with a selection")
    selection_episodes: int = Field(200, gt=0, description="episodes that judge a state, on the selection seeds")

    @model_validator(mode="after")
    def _even_batches(self) -> "TrainingConfig":
        if self.n_envs * self.n_steps % self.batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} does not divide n_envs * n_steps = {self.n_envs * self.n_steps}; "
                "choose a divisor"
            )
        return self


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
        raise ValueError(f"{where} is no YAML: {one_line(error)}") from None
    if not isinstance(table, dict) or env_id not in table:
        known = ", ".join(map(str, table)) if isinstance(table, dict) else "nothing"
        raise ValueError(f"{where} holds hyperparameters for {known}; add a section for {env_id}")
    try:
        return TrainingConfig.model_validate(table[env_id])
    except ValidationError as error:
        raise ValueError(f"{where}, {env_id}: {_mistake(error)}") from None


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


def _mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"there is no key {where}; leave it out or see docs/training.md for the keys{more}"
    found = "" if first["type"] in ("missing", "value_error") else f", found {first['input']!r}"
    return f"{where or 'together'}: {first['msg'].removeprefix('Value error, ')}{found}{more}"
