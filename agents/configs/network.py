"""What a configuration says of the network: extractor, layers, and SB3's own policy arguments."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from beamgym.agents.configs.values import ACTIVATIONS

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
        "estimated",
    ),
    "combined": ("cnn_output_dim", "normalized_image"),
}
"""What each extractor can be given, by its name in a configuration."""

SB3_KEYS = (
    "log_std_init",
    "ortho_init",
    "use_expln",
    "full_std",
    "squash_output",
    "share_features_extractor",
    "normalize_images",
    "n_critics",
    "n_quantiles",
    "lstm_hidden_size",
    "n_lstm_layers",
    "shared_lstm",
    "enable_critic_lstm",
)
"""Fields of PolicyKwargs that SB3's policies are given as they are."""


class Strict(BaseModel):
    """A part of a configuration: unknown keys are errors, and nothing is changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyKwargs(Strict):
    """The network: extractor by name, its arguments, and SB3's own policy arguments."""

    extractor: Literal["align", "search", "combined"] = Field(
        default="combined",
        description="`align` (LaueAlign's spots), `search` (ArpesSpot's map; see below) or SB3's `combined` (a CNN per "
        "image, the rest flat)",
    )
    extractor_kwargs: dict[str, bool | int | float] = Field(
        default_factory=dict,
        description="of `align`: width, entries, map_pixels, map_extent, channels, max_rotation_deg; "
        "of `combined`: cnn_output_dim, normalized_image; rl-zoo3's `features_extractor_kwargs` is the same",
    )
    net_arch: dict[Literal["pi", "vf", "qf"], list[int]] | list[int] | None = Field(
        default=None, description="hidden layers of actor and critic; `align` needs `pi: []`"
    )
    activation_fn: str | None = Field(
        default=None, description="between layers: ReLU, Tanh, ELU and other names of torch.nn, with or without `nn.`"
    )
    log_std_init: float = Field(default=0.0, description="natural logarithm of the actions' first standard deviation")
    ortho_init: bool | None = Field(default=None, description="orthogonal first weights")
    use_expln: bool | None = Field(default=None, description="keep deviations positive by expln, with `use_sde`")
    full_std: bool | None = Field(default=None, description="a deviation for each feature, with `use_sde`")
    squash_output: bool | None = Field(default=None, description="squash actions by tanh, with `use_sde`")
    share_features_extractor: bool | None = Field(default=None, description="one extractor for actor and critic")
    normalize_images: bool | None = Field(default=None, description="divide images by 255")
    n_critics: int | None = Field(default=None, gt=0, description="of sac and tqc")
    n_quantiles: int | None = Field(default=None, gt=0, description="of tqc's critics")
    lstm_hidden_size: int | None = Field(default=None, gt=0, description="of ppo_lstm")
    n_lstm_layers: int | None = Field(default=None, gt=0, description="of ppo_lstm")
    shared_lstm: bool | None = Field(default=None, description="one LSTM for actor and critic")
    enable_critic_lstm: bool | None = Field(default=None, description="an LSTM for the critic")

    @model_validator(mode="before")
    @classmethod
    def _as_sb3_names_it(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "features_extractor_kwargs" not in given:
            return given
        others = {name: value for name, value in given.items() if name != "features_extractor_kwargs"}
        return {**others, "extractor_kwargs": given["features_extractor_kwargs"]}

    @field_validator("net_arch", mode="before")
    @classmethod
    def _no_older_form(cls, given: Any) -> Any:
        if isinstance(given, list) and any(isinstance(each, dict) for each in given):
            raise ValueError("a mapping in a list is SB3's older form; write dict(pi=[…], vf=[…]) without the brackets")
        return given

    @model_validator(mode="after")
    def _known_keys(self) -> "PolicyKwargs":
        known = EXTRACTOR_KEYS[self.extractor]
        unknown = [name for name in self.extractor_kwargs if name not in known]
        if unknown:
            raise ValueError(f"extractor {self.extractor} takes no {', '.join(unknown)}; it takes {', '.join(known)}")
        name = (self.activation_fn or ACTIVATIONS[0]).rpartition(".")[2]
        if name not in ACTIVATIONS:
            raise ValueError(f"unknown activation_fn {self.activation_fn!r}; choose one of {', '.join(ACTIVATIONS)}")
        return self

    def sb3_arguments(self) -> dict[str, Any]:
        """Return SB3's own arguments that are given, without extractor, layers and activation."""
        given = {name: getattr(self, name) for name in SB3_KEYS if name in self.model_fields_set}
        return {name: value for name, value in given.items() if value is not None}


class Normalize(Strict):
    """SB3's VecNormalize around the environments to learn in."""

    norm_obs: bool = Field(default=True, description="normalise observations by their running mean and deviation")
    norm_reward: bool = Field(default=True, description="divide rewards by the deviation of the returns")
    clip_obs: float = Field(default=10.0, gt=0, description="at which normalised observations are clipped")
    clip_reward: float = Field(default=10.0, gt=0, description="at which normalised rewards are clipped")
    epsilon: float = Field(default=1e-8, gt=0, description="added to variances")
    norm_obs_keys: list[str] | None = Field(default=None, description="parts to normalise; all but images")
