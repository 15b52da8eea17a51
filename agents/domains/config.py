"""How the network of domains is trained."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class DomainsConfig(BaseModel):
    """A training; the defaults are those of the shipped network.

    It learns from ``usual`` and ``wide`` simulated cuts, counted anew in every batch with ``events`` electrons (evenly
    in the logarithm). Of an offset it is told with a spread of ``blur_deg``, since its answer is a histogram.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    usual: Annotated[int, Field(ge=0)] = 24_000
    wide: Annotated[int, Field(ge=0)] = 8_000
    events: tuple[float, float] = (1e4, 3e5)
    smallest_deg: Annotated[float, Field(gt=0.0, le=4.0)] = 1.0
    blur_deg: Annotated[float, Field(gt=0.0)] = 0.15
    width: Annotated[int, Field(ge=4, le=256)] = 32
    batch: Annotated[int, Field(ge=2)] = 64
    steps: Annotated[int, Field(ge=1)] = 400
    epochs: Annotated[int, Field(ge=1)] = 6
    learning_rate: Annotated[float, Field(gt=0.0)] = 4e-3
    checks: Annotated[int, Field(ge=1)] = 600


def load_domains_config(path: str | Path | None = None) -> DomainsConfig:
    """Return the configuration, with the keys of a YAML file in place of its own.

    Raises
    ------
    ValueError : with one line naming the key that is wrong, or the file that cannot be read
    """
    try:
        given = {} if path is None else yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        return DomainsConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from error
