"""How a scorer is trained: agents/configs/arpes-scorer*.yml, validated so that an unknown key is an error."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamgym.agents.spectra.data import MIXTURE, USUAL_SOURCES, Source

Change = Literal["flip", "speckle", "shift", "contrast"]


class ScorerConfig(BaseModel):
    """A scorer's training; the defaults are those of the shipped one.

    ``fixed`` trains on that many spectra again and again, as an alternative to fresh ones. ``published_only`` leaves
    out surfaces and the recipe ``full``. An epoch is ``spectra_per_epoch`` of them. The ood classifier is
    trained on ``novelty`` spectra.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: Literal["small", "resnet50"] = "small"
    epochs: Annotated[int, Field(ge=1)] = 40
    spectra_per_epoch: Annotated[int, Field(ge=256)] = 32768
    fixed: Annotated[int, Field(ge=256)] | None = None
    published_only: bool = False
    batch: Annotated[int, Field(ge=16)] = 256
    learning_rate: Annotated[float, Field(gt=0.0)] = 1.5e-3
    schedule: Literal["cosine", "plateau"] = "cosine"
    plateau: tuple[int, float] = (5, 0.2)
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-4
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    loss: Literal["laplace", "mse"] = "laplace"
    changes: tuple[Change, ...] = ("flip",)
    patience: Annotated[int, Field(ge=1)] = 10
    validation: Annotated[int, Field(ge=256)] = 4096
    novelty: Annotated[int, Field(ge=256)] = 24576

    @property
    def mixture(self) -> tuple[Source, ...]:
        """Where spectra come from."""
        return (Source("published", 224, 1.0),) if self.published_only else MIXTURE

    @property
    def usual(self) -> tuple[Source, ...]:
        """Where spectra come from that are not to be flagged."""
        return self.mixture if self.published_only else USUAL_SOURCES

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return self.spectra_per_epoch // self.batch


def load_scorer_config(path: str | Path | None = None) -> ScorerConfig:
    """Return the configuration of a YAML file, or the shipped one's.

    Raises
    ------
    ValueError : with one line naming the key that is wrong, or the file that cannot be read
    """
    chosen = Path(path) if path is not None else Path(str(files("beamgym.agents.configs"))) / "arpes-scorer.yml"
    try:
        values = yaml.safe_load(chosen.read_text(encoding="utf-8")) or {}
        return ScorerConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{chosen.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{chosen} cannot be read as YAML: {str(error).splitlines()[0]}") from error
