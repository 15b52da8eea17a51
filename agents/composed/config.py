"""How a composed scorer is trained: agents/configs/arpes-scorer-composed.yml, an unknown key being an error."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ComposedConfig(BaseModel):
    """A composed scorer's training; the defaults are those of the shipped one.

    An epoch is ``spectra_per_epoch`` fresh spectra, each of them learnt from ``looks`` times. ``pairs`` weighs what is
    learnt of pairs against what is learnt of single spectra. It is selected by ladders of ``ladder_spectra`` spectra of
    each source.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    epochs: Annotated[int, Field(ge=1)] = 22
    spectra_per_epoch: Annotated[int, Field(ge=256)] = 20480
    looks: Annotated[int, Field(ge=1)] = 3
    batch: Annotated[int, Field(ge=32)] = 256
    learning_rate: Annotated[float, Field(gt=0.0)] = 3e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-4
    pairs: Annotated[float, Field(ge=0.0)] = 1.0
    patience: Annotated[int, Field(ge=1)] = 8
    validation: Annotated[int, Field(ge=256)] = 2048
    ladder_spectra: Annotated[int, Field(ge=2)] = 40
    calibration: Annotated[int, Field(ge=256)] = 8192
    ood_spectra: Annotated[int, Field(ge=256)] = 12288

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return self.spectra_per_epoch // self.batch


def load_composed_config(path: str | Path | None = None) -> ComposedConfig:
    """Return the configuration of a YAML file, or the shipped one's.

    Raises
    ------
    ValueError : with one line naming the key that is wrong, or the file that cannot be read
    """
    chosen = (
        Path(path) if path is not None else Path(str(files("beamgym.agents.configs"))) / "arpes-scorer-composed.yml"
    )
    try:
        return ComposedConfig.model_validate(yaml.safe_load(chosen.read_text(encoding="utf-8")) or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{chosen.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{chosen} cannot be read as YAML: {str(error).splitlines()[0]}") from error
