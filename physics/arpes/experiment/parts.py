"""The parts of an experiment: domains and gaps, and the spectra that it gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from beamgym.physics.arpes.bands_models import GAP_KINDS
from beamgym.physics.arrays import Float32Array, Float64Array

Value = float | int | str | NDArray[Any]


@dataclass(frozen=True)
class Domain:
    """A domain of the illuminated sample, rotated against the others.

    Parameters
    ----------
    share : of the intensity, ≥ 0
    polar_deg, tilt_deg, azimuth_deg : added to the experiment's angles

    Raises
    ------
    ValueError : a negative share, numbers that are not finite
    """

    share: float = 1.0
    polar_deg: float = 0.0
    tilt_deg: float = 0.0
    azimuth_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and self.share >= 0):
            raise ValueError(f"a domain's share must be a number ≥ 0, not {self.share!r}")
        for name in ("polar_deg", "tilt_deg", "azimuth_deg"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"a domain's {name} must be a finite angle, not {getattr(self, name)!r}")


@dataclass(frozen=True, eq=False)
class Gap:
    """A gap: kind "pairing" or "density wave"; ``gap_ev`` Δ(k) of momenta (..., 2); Γ0; Q in 1/Å for density waves."""

    kind: str
    gap_ev: Callable[[Float64Array], Float64Array]
    pair_breaking_ev: float = 0.002
    wave_vector: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.kind not in GAP_KINDS:
            raise ValueError(f"unknown kind of gap {self.kind!r}; choose one of {', '.join(GAP_KINDS)}")
        if not (math.isfinite(self.pair_breaking_ev) and self.pair_breaking_ev >= 0):
            raise ValueError(f"pair_breaking_ev must be a finite energy, not negative; found {self.pair_breaking_ev!r}")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A simulated measurement with the noise-free parts and parameters it was made from.

    ``counts`` (energy, slit) for a cut, (energy, slit, deflection) for a cube, (slit, deflection) for a map;
    ``axes`` maps the dimensions' names, in order, to their values; ``arpes`` and ``background`` are noise-free, in
    front of the detector and of the same shape; ``attributes`` holds parameters and labels: numbers, text, arrays.
    """

    counts: Float32Array
    axes: dict[str, Float64Array]
    arpes: Float32Array
    background: Float32Array
    attributes: dict[str, Value] = field(default_factory=dict)
