"""How a denoiser is trained."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

REGIMES = ("noise2truth", "noise2noise", "split", "noise2void")
"""From what is learnt: the expected counts, a second exposure, the same frame thinned into two, its own neighbours."""


class DenoiserConfig(BaseModel):
    """A denoiser's training; the defaults are those of the shipped ones.

    An epoch is ``steps`` batches of ``batch`` patches, ``side`` pixels wide, cut from ``frames`` frames. Exposures are
    drawn evenly in their logarithm between the two of ``exposures``, in units of the scene's 1×. Pixels of more
    expected counts than ``balance`` weigh less, as one over them: Bragg peaks would else decide what is learnt.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scene: Literal["laue", "diffraction", "sans", "arpes", "own"] = "laue"
    regime: Literal["noise2truth", "noise2noise", "split", "noise2void"] = "noise2truth"
    network: Literal["small", "vdsr", "irunet"] = "small"
    loss: Literal["poisson", "mae-msssim"] = "poisson"
    width: Annotated[int, Field(ge=4, le=128)] = 24
    frames: Annotated[int, Field(ge=1)] = 96
    side: Annotated[int, Field(ge=32, le=512, multiple_of=8)] = 64
    batch: Annotated[int, Field(ge=1)] = 16
    steps: Annotated[int, Field(ge=1)] = 250
    epochs: Annotated[int, Field(ge=1)] = 16
    learning_rate: Annotated[float, Field(gt=0.0)] = 3e-3
    exposures: tuple[float, float] = (0.25, 4.0)
    balance: Annotated[float, Field(gt=0.0)] | None = None

    @model_validator(mode="after")
    def _truth_is_known(self) -> Self:
        if self.balance is not None and self.regime != "noise2truth":
            raise ValueError(
                "balance weighs pixels by their expected counts, which noise2truth alone knows; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _exposures_rise(self) -> Self:
        low, high = self.exposures
        if not 0.0 < low <= high:
            raise ValueError(f"exposures {low:g} to {high:g}: give two above 0, the smaller first")
        return self


SHIPPED: Final[dict[str, dict[str, Any]]] = {
    "denoiser-laue": {"scene": "laue", "frames": 200, "epochs": 25, "steps": 400},
    "denoiser-laue-pairs": {"scene": "laue", "regime": "noise2noise", "frames": 72, "epochs": 8, "steps": 200},
    "denoiser-laue-split": {"scene": "laue", "regime": "split", "frames": 200, "epochs": 12, "steps": 400},
    "denoiser-laue-void": {"scene": "laue", "regime": "noise2void", "frames": 72, "epochs": 8, "steps": 200},
    "denoiser-diffraction": {"scene": "diffraction", "frames": 400, "epochs": 8, "steps": 120},
    "denoiser-sans": {"scene": "sans", "frames": 400, "epochs": 10, "steps": 120},
    "denoiser-arpes": {"scene": "arpes", "frames": 200, "epochs": 5, "steps": 100},
}
"""How each shipped denoiser was trained: what differs from the defaults."""


def load_denoiser_config(name: str, path: str | Path | None = None) -> DenoiserConfig:
    """Return a shipped denoiser's configuration, with the keys of a YAML file in place of its own; raises
    ValueError."""
    return read_config(DenoiserConfig, SHIPPED, name, path)


_Config = TypeVar("_Config", bound=BaseModel)


def read_config(
    kind: type[_Config], known: dict[str, dict[str, Any]], name: str, path: str | Path | None = None
) -> _Config:
    """Return the configuration of a training by its name, with the keys of a YAML file in place of its own.

    Raises
    ------
    ValueError : with one line naming the key that is wrong, the file that cannot be read, or an unknown name
    """
    if name not in known:
        raise ValueError(f"unknown denoiser {name!r}; choose one of {', '.join(known)}")
    try:
        given = {} if path is None else yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        return kind.model_validate({**known[name], **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path or name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from error
