"""Layers that photons cross: filters and air before the sample, and what stops them in the detector."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array

PHOSPHOR_MM, PHOSPHOR_DENSITY = 0.04, 3.7
"""Thickness in mm and density in g/cm³ of the phosphor that is assumed where none is stated: Gd2O2S powder at half of
its bulk density (7.3 g/cm³), 14.8 mg/cm², as screens of fine resolution have."""

SILICON_MM = 0.32
"""Thickness of the sensor of a counting detector, mm."""

UNIT_KEV = 10.0
"""Energy that makes one count where a layer integrates energy, keV."""

_AIR = "N1.562O.42C.0003Ar.0094"
_AIR_DENSITY = 0.001205  # g/cm³ at 20 °C and 1013 hPa


@dataclass(frozen=True)
class SensitiveLayer:
    """What stops photons in a detector, and what it counts of them.

    Parameters
    ----------
    material : formula or name that xraydb knows; a dopant after a colon is left out, as in "Gd2O2S:Tb"
    thickness_mm : of the layer, mm
    density : g/cm³ as it lies there, binder and gaps included; None for the tabulated one
    integrates : True where a photon counts by its energy (phosphor, film), False where it counts once

    Raises
    ------
    ValueError : a thickness or density that is none, or an unknown material

    Notes
    -----
    A ray at an angle α to the normal crosses thickness/cos α: the share 1 − exp(−µ(E) t / cos α) of its photons is
    stopped (µ by xraydb). What becomes of it is left out: K-fluorescence that escapes, light lost in the screen,
    a flat field that took out part of the oblique path.
    """

    material: str
    thickness_mm: float
    density: float | None = None
    integrates: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.thickness_mm) and self.thickness_mm > 0):
            raise ValueError(f"the thickness of {self.material!r} must be above 0 mm, not {self.thickness_mm!r}")
        if self.density is not None and not (math.isfinite(self.density) and self.density > 0):
            raise ValueError(f"the density of {self.material!r} must be positive, in g/cm³, not {self.density!r}")
        self.depth(np.array([10.0]))

    @classmethod
    def phosphor(
        cls, thickness_mm: float = PHOSPHOR_MM, density: float = PHOSPHOR_DENSITY, material: str = "Gd2O2S:Tb"
    ) -> SensitiveLayer:
        """Return a phosphor screen; what counts is thickness times density, in mg/cm² 100 · mm · g/cm³."""
        return cls(material, thickness_mm, density)

    @classmethod
    def counter(cls, thickness_mm: float = SILICON_MM, material: str = "Si") -> SensitiveLayer:
        """Return the sensor of a counting detector."""
        return cls(material, thickness_mm, integrates=False)

    def depth(self, energy_kev: ArrayLike) -> Float64Array:
        """Return µ(E) times the thickness, (g,), for photons that cross it at right angles."""
        return optical_depth(self._formula, self.thickness_mm, energy_kev, self.density)

    def efficiency(self, energy_kev: ArrayLike) -> Float64Array:
        """Return counts per photon, (g,), at right angles; in units of one 10 keV photon where energy is integrated."""
        energy = np.asarray(energy_kev, dtype=np.float64)
        stopped = 1.0 - transmission(self._formula, self.thickness_mm, energy, self.density)
        return stopped * energy / UNIT_KEV if self.integrates else stopped

    @property
    def _formula(self) -> str:
        return self.material.partition(":")[0]


def transmission(
    material: str, thickness_mm: float, energy_kev: ArrayLike, density: float | None = None
) -> Float64Array:
    """Return the share of photons that passes ``thickness_mm`` of a material (xraydb name or formula, or "air")."""
    share: Float64Array = np.exp(-optical_depth(material, thickness_mm, energy_kev, density))
    return share


def optical_depth(
    material: str, thickness_mm: float, energy_kev: ArrayLike, density: float | None = None
) -> Float64Array:
    """Return µ(E) times ``thickness_mm``; what passes is exp of minus it. Otherwise as ``transmission``."""
    import xraydb

    if not (math.isfinite(thickness_mm) and thickness_mm >= 0):
        raise ValueError(f"the thickness of {material!r} must be a length ≥ 0 in mm, not {thickness_mm!r}")
    energy_ev = 1000.0 * np.asarray(energy_kev, dtype=np.float64)
    formula, density = (_AIR, _AIR_DENSITY) if material == "air" else (material, density)
    if density is None and re.fullmatch("[A-Z][a-z]?", formula):
        density = xraydb.atomic_density(formula)
    try:
        mu_per_cm = xraydb.material_mu(formula, energy_ev, density=density)
    except Exception as error:
        raise ValueError(
            f"xraydb knows no material {material!r}; use a name it lists, or a chemical formula"
        ) from error
    depth: Float64Array = 0.1 * thickness_mm * np.asarray(mu_per_cm, dtype=np.float64)
    return depth
