"""The description of a goniometer in YAML or as a dict, checked by pydantic."""

from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from beamgym.physics.instrument import Axis
from beamgym.physics.messages import one_line

Triple = tuple[float, float, float]


class AxisSpec(BaseModel):
    """One axis; the fields are those of ``Axis``, the vector may have any length."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1)
    vector: Triple
    kind: Literal["rotation", "linear"] = "rotation"
    sign: Literal[1, -1] = 1
    zero: float = 0.0
    limits: tuple[float, float] = (-180.0, 180.0)
    step: float = Field(default=0.0, ge=0)
    speed: float = Field(default=2.0, gt=0)
    settle_s: float = Field(default=0.0, ge=0)
    backlash: float = Field(default=0.0, ge=0)
    point_mm: Triple = (0.0, 0.0, 0.0)

    @field_validator("vector")
    @classmethod
    def _unit(cls, vector: Triple) -> Triple:
        length = sum(v * v for v in vector) ** 0.5
        if length == 0:
            raise ValueError("must not be zero; give the axis' direction in the lab frame")
        return (vector[0] / length, vector[1] / length, vector[2] / length)

    @field_validator("limits")
    @classmethod
    def _ordered(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] > limits[1]:
            raise ValueError(f"must go from low to high, found {limits[0]:g} to {limits[1]:g}; swap them")
        return limits


class GoniometerSpec(BaseModel):
    """A goniometer: its axes, outermost first."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = "custom"
    axes: list[AxisSpec] = Field(min_length=1)
    solve_with: tuple[str, str, str] | None = None
    wrist_mm: Triple | None = None


def read_spec(spec: str | PathLike[str] | dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``Goniometer`` from a YAML file or a dict.

    Raises
    ------
    ValueError : in one line, for a file that is not there or not YAML, an unknown key, or a value out of range
    """
    source, raw = ("the goniometer's dict", spec) if isinstance(spec, dict) else (fspath(spec), _load(Path(spec)))
    try:
        model = GoniometerSpec.model_validate(raw)
    except ValidationError as error:
        raise ValueError(f"{source}: {_first_mistake(error)}") from None
    axes = tuple(Axis(**axis.model_dump()) for axis in model.axes)
    return {"name": model.name, "axes": axes, "solve_with": model.solve_with, "wrist_mm": model.wrist_mm}


def _first_mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "top level"
    if first["type"] == "extra_forbidden":
        spec = AxisSpec if len(first["loc"]) > 1 else GoniometerSpec
        return f"{place}: unknown key; the keys are {', '.join(spec.model_fields)}"
    if first["type"] == "model_type":
        return f"{place}: found {first['input']!r}; give keys and values, such as name: phi"
    return f"{place}: {first['msg']}"


def nearest_name(name: str, names: tuple[str, ...]) -> str:
    """Return the known name most like ``name``."""
    lowered = {known.lower(): known for known in names}
    return lowered[(get_close_matches(name.lower(), lowered, n=1, cutoff=0.0) or [names[0].lower()])[0]]


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read the goniometer file {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not YAML: {one_line(error)}") from None
