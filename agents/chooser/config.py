"""How a chooser is trained."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ChooserConfig(BaseModel):
    """A chooser's training; the defaults are those of the shipped one.

    ``flights`` are flown over surfaces of training, ``selection_flights`` over surfaces of selection, the same ones
    whatever the seed, which is that of weights and order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flights: Annotated[int, Field(ge=10)] = 2000
    selection_flights: Annotated[int, Field(ge=10)] = 300
    width: Annotated[int, Field(ge=4, le=512)] = 64
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    epochs: Annotated[int, Field(ge=1)] = 15
    batch: Annotated[int, Field(ge=1)] = 128
    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2


def load_chooser_config(path: str | Path | None = None) -> ChooserConfig:
    """Return the shipped chooser's configuration, with the keys of a YAML file in place of its own.

    Raises
    ------
    ValueError : with one line naming the key that is wrong, or the file that cannot be read
    """
    try:
        given = {} if path is None else yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        return ChooserConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from error
