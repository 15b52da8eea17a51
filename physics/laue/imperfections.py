"""Imperfections of a real camera and sample: the levels of the Laue environments, and files with levels."""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from os import PathLike, fspath
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from beamgym.physics.files import write_text
from beamgym.physics.instrument import Float64Array, UInt64Array
from beamgym.physics.laue.cylinder import radius_of
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import draw_normals
from beamgym.physics.messages import one_line
from beamgym.physics.orientation import rotation_matrix

LEAST_SECOND_GRAIN = 0.3
"""Smallest volume of a second grain over that of the larger one: fainter ones hardly show beside it."""

MOST_AXIAL_RATIO = 0.2
"""Largest share by which an axial ratio may be off: further away it is another crystal."""


NEEDS_A_KNOWN_CRYSTAL = ("distance_range_mm", "axial_ratio_fraction", "second_grain", "true_spots")
"""Numbers that only a world with a given crystal and a given camera takes; 0 everywhere else."""


@dataclass(frozen=True)
class Imperfections:
    """One level's numbers.

    Parameters
    ----------
    centroid_noise_mm : standard deviation of a found spot's position on the detector, each direction, mm
    missing_fraction : share of the spots that are not found, drawn anew for every frame
    false_spots : mean number of false spots a frame (Poisson)
    intensity_noise : standard deviation of ln(intensity)
    detector_shift_mm : standard deviation of the detector's centre (both directions) and distance, hidden, mm
    detector_tilt_deg : standard deviation of each of the detector's two tilts, hidden, degrees
    backlash_deg : lost motion of every rotation axis, degrees; an axis that says more of itself keeps its own
    zero_error_deg : standard deviation of each rotation axis's hidden zero error, degrees
    readback_noise_deg : standard deviation of every reading of a rotation axis, degrees
    eccentricity_mm : standard deviation by which each axis misses the sample (the sphere of confusion), mm
    counts_scale : counts relative to the level "real"
    distance_range_mm : how far the detector stands from its nominal distance at most, either way, drawn evenly, mm
    axial_ratio_fraction : how far each axial ratio that symmetry leaves free (c/a; b/a and c/a) is from the crystal's
        file at most, either way, drawn evenly; nothing changes for a cubic crystal
    second_grain : volume of a second grain over that of the larger one, at most; drawn evenly from 0.3, its
        orientation from all; 0 for none
    true_spots : mean number of the larger grain's spots that a frame shows, chosen anew among those bright enough,
        each frame's number drawn evenly within a fifth of it; 0 for all
    """

    centroid_noise_mm: float = 0.1
    missing_fraction: float = 0.2
    false_spots: float = 3.0
    intensity_noise: float = 0.2
    detector_shift_mm: float = 0.1
    detector_tilt_deg: float = 0.1
    backlash_deg: float = 0.05
    zero_error_deg: float = 0.0
    readback_noise_deg: float = 0.0
    eccentricity_mm: float = 0.0
    counts_scale: float = 1.0
    distance_range_mm: float = 0.0
    axial_ratio_fraction: float = 0.0
    second_grain: float = 0.0
    true_spots: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{item.name} is {value}; it must be a finite number, 0 or more")
        if self.missing_fraction >= 1:
            raise ValueError(
                f"missing_fraction is {self.missing_fraction}; it must be below 1, or no spot is ever found"
            )
        if self.axial_ratio_fraction > MOST_AXIAL_RATIO:
            raise ValueError(f"axial_ratio_fraction is {self.axial_ratio_fraction}; choose 0 to {MOST_AXIAL_RATIO}")
        if self.second_grain and not LEAST_SECOND_GRAIN <= self.second_grain < 1:
            raise ValueError(
                f"second_grain is {self.second_grain}; it must be 0 for none, or from {LEAST_SECOND_GRAIN} to below 1"
            )


LAUE_LEVELS: dict[str, Imperfections] = {
    "easy": Imperfections(
        centroid_noise_mm=0.05,
        missing_fraction=0.1,
        false_spots=1.5,
        intensity_noise=0.1,
        detector_shift_mm=0.0,
        detector_tilt_deg=0.0,
        backlash_deg=0.0,
    ),
    "real": Imperfections(),
    "hard": Imperfections(
        missing_fraction=0.5,
        false_spots=15.0,
        detector_shift_mm=0.5,
        detector_tilt_deg=0.3,
        backlash_deg=0.2,
        counts_scale=0.25,
    ),
    "harsh": Imperfections(
        missing_fraction=0.0,
        false_spots=40.0,
        detector_shift_mm=0.5,
        detector_tilt_deg=0.3,
        backlash_deg=0.3,
        zero_error_deg=0.1,
        readback_noise_deg=0.02,
        eccentricity_mm=0.05,
        counts_scale=0.25,
        distance_range_mm=10.0,
        axial_ratio_fraction=0.03,
        second_grain=0.7,
        true_spots=10.0,
    ),
    "dim": Imperfections(counts_scale=0.1),
}


LEVEL_SUFFIXES = (".yaml", ".yml")
"""How the name of a file with a level of one's own ends."""
AS_IN_A_FILE = "imperfections: {missing_fraction: 0.2}"
"""The shortest file with a level of one's own."""


class LevelFile(BaseModel):
    """A level in a file: its numbers, and where they come from.

    Parameters
    ----------
    imperfections : numbers by the names of ``Imperfections``; one that is left out is the level "real"'s
    intervals : (low, high) by the same names, between which 95 of 100 such fits have the true number
    source : what they were measured on, in words and numbers
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    imperfections: dict[str, float]
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    source: dict[str, str | float] = Field(default_factory=dict)

    @field_validator("imperfections")
    @classmethod
    def _possible(cls, numbers: dict[str, float]) -> dict[str, float]:
        known = [item.name for item in fields(Imperfections)]
        unknown = [name for name in numbers if name not in known]
        if unknown:
            raise ValueError(f"unknown key {', '.join(unknown)}; the keys are {', '.join(known)}")
        Imperfections(**numbers)
        return numbers

    @property
    def level(self) -> Imperfections:
        """The numbers as the simulation takes them."""
        return Imperfections(**self.imperfections)


def imperfections(level: str | PathLike[str] | Imperfections) -> Imperfections:
    """Return a level by name or from a file, or the given numbers themselves.

    Raises
    ------
    ValueError : in one line, for an unknown name, or a file that is not there or holds no level
    """
    if isinstance(level, Imperfections):
        return level
    if isinstance(level, PathLike) or str(level).endswith(LEVEL_SUFFIXES):
        return read_level(level).level
    if level not in LAUE_LEVELS:
        raise ValueError(f"unknown level {level!r}; choose one of {', '.join(LAUE_LEVELS)}, or a level's .yaml file")
    return LAUE_LEVELS[level]


def read_level(path: str | PathLike[str]) -> LevelFile:
    """Read a level's file; raises ValueError, in one line, for a file that is not there or holds no level."""
    name = fspath(path)
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return LevelFile.model_validate(raw)
    except OSError as error:
        raise ValueError(f"cannot read the level's file {name}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is not YAML: {one_line(error)}") from None
    except ValidationError as error:
        raise ValueError(f"{name}: {_mistake(error)}") from None


def write_level(
    path: str | PathLike[str],
    level: Imperfections,
    intervals: dict[str, tuple[float, float]],
    source: dict[str, str | float],
) -> None:
    """Write a level's file, whole or not at all; see :class:`LevelFile`."""
    content = {
        "imperfections": asdict(level),
        "intervals": {name: list(ends) for name, ends in intervals.items()},
        "source": source,
    }
    head = "# The imperfections of one instrument: give this file as a level, as in --level FILE or level=FILE.\n"
    write_text(path, head + yaml.safe_dump(content, sort_keys=False))


def _mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "top level"
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown key; the keys are {', '.join(LevelFile.model_fields)}"
    if first["type"] == "missing":
        return f"{place} is missing; a level's file holds its numbers as {AS_IN_A_FILE}"
    if first["type"] == "model_type":
        return f"{place}: found {first['input']!r}; give numbers by name, as {AS_IN_A_FILE}"
    found = "" if first["type"] == "value_error" else f", found {first['input']!r}"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{found}"


def miscalibrated_detectors(nominal: Detector, level: Imperfections, keys: UInt64Array) -> Float64Array:
    """Draw the true position of the detector for each of n samples.

    Parameters
    ----------
    nominal : where everybody believes it to be
    level : gives the standard deviations
    keys : (n,) one per sample

    Returns
    -------
    (n, 9) origin_mm, fast and slow of each sample's detector
    """
    draws = draw_normals(keys, 5)
    return displaced_panels(nominal, draws, level.detector_shift_mm, level.detector_tilt_deg)


def displaced_panels(
    nominal: Detector, amounts: Float64Array, unit_mm: float = 1.0, unit_deg: float = 1.0
) -> Float64Array:
    """Return panels that stand a little elsewhere than the nominal one.

    Parameters
    ----------
    nominal : the panel
    amounts : (n, 5) shifts of its centre along fast, slow and their cross product, tilts about fast and slow
    unit_mm, unit_deg : what an amount of 1 is

    Returns
    -------
    (n, 9) origin_mm, fast and slow
    """
    axes, to_centre = _axes_and_centre(nominal)
    fast, slow = axes[0], axes[1]
    tilt = rotation_matrix(unit_deg * (amounts[:, 3:4] * fast + amounts[:, 4:5] * slow))
    shift = unit_mm * (amounts[:, :1] * axes[0] + amounts[:, 1:2] * axes[1] + amounts[:, 2:3] * axes[2])
    origin = np.asarray(nominal.origin_mm) + to_centre + shift - tilt @ to_centre  # turned about the pivot
    return np.concatenate([origin, tilt @ fast, tilt @ slow], axis=1)


@lru_cache(maxsize=8)
def _axes_and_centre(nominal: Detector) -> tuple[Float64Array, Float64Array]:
    """Return fast, slow and their cross product (3, 3), and the way (3,) from the first pixel to the pivot, mm."""
    fast, slow = np.asarray(nominal.fast), np.asarray(nominal.slow)
    to_centre = 0.5 * nominal.pixel_mm * ((nominal.shape[1] - 1) * fast + (nominal.shape[0] - 1) * slow)
    to_centre = to_centre - radius_of(nominal) * nominal.normal if radius_of(nominal) else to_centre
    return np.stack([fast, slow, np.cross(fast, slow)]), to_centre
