"""Training configurations: rl-zoo3's YAML form, checked by pydantic; unknown keys are errors, told with the nearest.

A file maps an environment id to its hyperparameters. Beside ``NAME.yml``, which rl-zoo3 reads too, ``NAME.beamgym.yml``
holds what is beamgym's own; what stands there comes before what stands in the first.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from beamgym.agents.configs import (
    ALGORITHMS,
    EXTRACTOR_KEYS,
    PPO_KEYS,
    SCHEDULES,
    AlignPretrainingConfig,
    Normalize,
    PolicyKwargs,
    RecordedConfig,
    SearchPretrainingConfig,
    Strict,
    arguments_of,
    linear,
    mistake_in,
    python_value,
    read_tables,
    takers_of,
)

__all__ = [
    "EXTRACTOR_KEYS",
    "AlignPretrainingConfig",
    "Normalize",
    "PolicyKwargs",
    "RecordedConfig",
    "SearchPretrainingConfig",
    "TrainingConfig",
    "load_config",
]

FLATTEN = "FlattenObservation"
"""The one wrapper of single environments that bundles know."""

PolicyName = Literal[
    "MultiInputPolicy", "MlpPolicy", "CnnPolicy", "MultiInputLstmPolicy", "MlpLstmPolicy", "CnnLstmPolicy"
]


def _entropy(value: float | str) -> float | str:
    if isinstance(value, str) and (value == "auto" or value.startswith("auto_")):
        return value
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not number >= 0:
        raise ValueError(f"give a number of 0 or more, or auto, found {value}")
    return number


Scheduled = Annotated[float | str, AfterValidator(linear)]
Entropy = Annotated[float | str, AfterValidator(_entropy)]


class TrainingConfig(Strict):
    """Hyperparameters of one environment's training, named as in SB3 and rl-zoo3."""

    algo: Literal["ppo", "sac", "dqn", "tqc", "ppo_lstm"] = Field(
        "ppo", description="the algorithm, as rl-zoo3 names it; tqc and ppo_lstm are sb3-contrib's"
    )
    policy: PolicyName = Field(
        "MultiInputPolicy", description="SB3's policy for observations in parts; MlpPolicy or CnnPolicy for one array"
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
    normalize: Normalize | None = Field(None, description="VecNormalize: true, or what it is given; see below")
    frame_stack: int | None = Field(None, gt=0, description="last observations beside each other, by VecFrameStack")
    env_wrapper: list[str] | None = Field(
        None, description="gymnasium.wrappers.FlattenObservation; other wrappers are refused, since no bundle has them"
    )
    learning_rate: Scheduled = Field(3e-4, description="of Adam; `lin_3e-4` falls to zero, as rl-zoo3 writes it")
    n_steps: int = Field(128, gt=0, description="steps of each environment per rollout")
    batch_size: int = Field(256, gt=1, description="of a gradient step; divides n_envs * n_steps")
    n_epochs: int = Field(4, gt=0, description="passes over each rollout")
    gamma: float = Field(
        0.99, gt=0, le=1, description="discount; the shaping of version 0 uses 0.99, that of version 1 uses 1"
    )
    gae_lambda: float = Field(0.95, gt=0, le=1, description="of generalised advantage estimation")
    clip_range: Scheduled = Field(0.2, description="of PPO's ratio; a number, or `lin_0.2`")
    ent_coef: Entropy = Field(0.0, description="weight of the entropy; of sac and tqc also `auto` or `auto_0.1`")
    vf_coef: float = Field(0.5, ge=0, description="weight of the critic's loss")
    max_grad_norm: float = Field(0.5, gt=0, description="at which gradients are clipped")
    target_kl: float | None = Field(None, gt=0, description="divergence at which a rollout's passes end early")
    algorithm_kwargs: dict[str, Any] = Field(
        default_factory=dict,
        description="what else the algorithm's class takes; such keys may stand beside the others, as for rl-zoo3",
    )
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

    def defaults_in_words(self) -> str:
        """Return which sizes were left out, each with what is taken for it; "" where none was."""
        sizes = ("n_envs", "n_steps", "batch_size", "n_epochs") if self.algo == "ppo" else ("n_envs",)
        left_out = [name for name in sizes if name not in self.model_fields_set]
        return ", ".join(f"{name} (taken is {getattr(self, name)})" for name in left_out)

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, given: Any) -> Any:
        """Put what is no field under ``algorithm_kwargs``; of other algorithms than PPO PPO's fields too."""
        if not isinstance(given, Mapping) or (algo := given.get("algo", "ppo")) not in ALGORITHMS:
            return given
        ours = set(cls.model_fields) - (set() if algo == "ppo" else set(PPO_KEYS))
        taken = arguments_of(algo) | set(PPO_KEYS)
        loose = {name: value for name, value in given.items() if name not in ours and name in taken}
        others = {name: value for name, value in given.items() if name not in loose}
        return {**others, "algorithm_kwargs": {**(given.get("algorithm_kwargs") or {}), **loose}} if loose else given

    @model_serializer(mode="wrap")
    def _without_fields_of_ppo(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave PPO's fields out where they mean nothing, so that what is written reads as the same again."""
        every: dict[str, Any] = written(self)
        return {name: value for name, value in every.items() if self.algo == "ppo" or name not in PPO_KEYS}

    @field_validator("policy_kwargs", "normalize", mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        value = python_value(value) if isinstance(value, str) else value
        return ({} if value else None) if isinstance(value, bool) else value

    @field_validator("algorithm_kwargs", mode="after")
    @classmethod
    def _plain(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: _plain_value(name, value) for name, value in given.items()}

    @field_validator("env_wrapper", mode="before")
    @classmethod
    def _known_wrappers(cls, value: Any) -> Any:
        wanted = [value] if isinstance(value, str | dict) else value
        for each in wanted or []:
            name = next(iter(each), "") if isinstance(each, dict) else str(each)
            if name.rpartition(".")[2] != FLATTEN:
                raise ValueError(
                    f"a bundle would lack the wrapper {name}; leave it out, or train with rl_zoo3.train. "
                    f"Known is gymnasium.wrappers.{FLATTEN}"
                )
        return wanted

    @model_validator(mode="after")
    def _taken_by_the_algorithm(self) -> "TrainingConfig":
        for name in self.algorithm_kwargs:
            if name not in arguments_of(self.algo):
                raise ValueError(not_taken(self.algo, name))
        entropy = self.algorithm_kwargs.get("ent_coef", self.ent_coef)
        if isinstance(entropy, str) and self.algo not in ("sac", "tqc"):
            raise ValueError(f"ent_coef: {self.algo} takes a number, found {entropy}")
        ours = [name for name in ("warm_start", "search_start", "recorded") if getattr(self, name) is not None]
        if self.algo != "ppo" and (ours or self.policy_kwargs.extractor != "combined"):
            what = ours[0] if ours else f"extractor {self.policy_kwargs.extractor}"
            raise ValueError(f"{what} goes with algo ppo only, found {self.algo}")
        return self

    @model_validator(mode="after")
    def _stacks_what_it_may(self) -> "TrainingConfig":
        if self.algo not in ("ppo", "ppo_lstm") and self.normalize is not None and self.frame_stack is not None:
            raise ValueError(
                f"normalize and frame_stack do not go together with {self.algo}: SB3's replay buffer takes the stacked "
                "observation for a single one; leave one out, or take env_kwargs: history in place of frame_stack"
            )
        return self

    @model_validator(mode="after")
    def _even_batches(self) -> "TrainingConfig":
        if self.algo == "ppo" and self.n_envs * self.n_steps % self.batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} does not divide n_envs * n_steps = {self.n_envs * self.n_steps}; "
                "choose a divisor"
            )
        return self


def _plain_value(name: str, value: Any) -> Any:
    """Return an argument that SB3 takes or a schedule by its words: nothing stays that would have to be run."""
    if name in SCHEDULES and value is not None:
        return linear(value)
    if name == "ent_coef":
        return _entropy(value)
    return python_value(value) if isinstance(value, str) and value.lstrip().startswith("dict(") else value


def not_taken(algo: str, name: str) -> str:
    """Return, in one line, that an algorithm takes no such argument, and who does or which was probably meant."""
    others = takers_of(name)
    close = get_close_matches(name, arguments_of(algo), n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{algo} takes no {name}" + (f"; {', '.join(others)} does" if others else hint)


def load_config(env_id: str, path: str | Path | None = None, algo: str | None = None) -> TrainingConfig:
    """Read the hyperparameters of an environment.

    Parameters
    ----------
    env_id : such as "beamgym/LaueAlign-v0"
    path : a YAML file, in rl-zoo3's form; the shipped one by default. What stands in the file of that name that ends
        in .beamgym.yml comes first
    algo : the algorithm, which rl-zoo3's files do not name; the file's by default, else ppo

    Raises
    ------
    ValueError : no such file, no such environment in it, or a key or value that is wrong, named in one line
    """
    found, where = read_tables(env_id, path)
    given = {**found, **({} if algo is None else {"algo": algo})}
    try:
        return TrainingConfig.model_validate(given)
    except ValidationError as error:
        mistake = mistake_in(error, TrainingConfig, str(given.get("algo", "ppo")))
        raise ValueError(f"{where}, {env_id}: {mistake}") from None
