"""How a network that tells the ground under peaks is trained."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from beamgym.agents.denoising import read_config


class GroundConfig(BaseModel):
    """The training; the defaults are those of the shipped one.

    An epoch is ``steps`` batches of ``batch`` places in ``frames`` frames. Exposures are drawn evenly in their
    logarithm between the two of ``exposures``, in units of the scene's 1×. Places of more expected counts than
    ``balance`` weigh less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scene: Literal["diffraction"] = "diffraction"
    frames: Annotated[int, Field(ge=1)] = 6000
    places: Annotated[int, Field(ge=0)] = 6
    batch: Annotated[int, Field(ge=1)] = 256
    steps: Annotated[int, Field(ge=1)] = 160
    epochs: Annotated[int, Field(ge=1)] = 16
    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-3
    exposures: tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]] = (0.25, 4.0)
    balance: Annotated[float, Field(gt=0.0)] = 1500.0
    width: Annotated[int, Field(ge=4, le=1024)] = 160


GROUNDS: Final[dict[str, dict[str, Any]]] = {"ground-diffraction": {}}
"""How each shipped one was trained: what differs from the defaults."""


def load_ground_config(name: str, path: str | Path | None = None) -> GroundConfig:
    """Return a shipped one's configuration, with the keys of a YAML file in place of its own; raises ValueError."""
    return read_config(GroundConfig, GROUNDS, name, path)
