"""The incident beam: photons per second and keV on the sample, polarisation, and the detector's efficiency.

All on one uniform grid of energies. ``energy_kev`` always means hc/λ with hc = 12.398420 keV Å; for neutrons too, where
it merely names the wavelength. Presets give relative spectra and are scaled to a stated flux in the band.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.layers import SensitiveLayer, transmission
from beamgym.physics.laue.wavelengths import NEUTRON_BAND_A, band_of_wavelengths

GRID_STEP_KEV = 0.005
_LOWEST_KEV, _HIGHEST_KEV = 0.1, 500.0  # where the tables of absorption are good
DEFAULT_FLUX_PER_S = 1e9  # photons per second in the band on the sample: a collimated sealed tube
LINE_FWHM_KEV = 0.04  # natural width and the beam's divergence together, as a stationary crystal sees a line
_FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))

# Energy in keV and strength relative to the family's strongest: X-ray Data Booklet, table 1-3.
_LINES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "W": ((8.398, 1.0), (8.335, 0.11), (9.672, 0.67), (9.962, 0.21), (11.286, 0.13)),
    "Mo": ((17.479, 1.0), (17.374, 0.52), (19.608, 0.15), (19.590, 0.08), (19.965, 0.03)),
    "Cu": ((8.047, 1.0), (8.027, 0.51), (8.905, 0.17)),
}
# Photons in the strongest line at 1.7 times the edge's voltage, over the continuum's photons per keV there, in keV.
# Orders of magnitude of published tube spectra; a calibrated tube comes in by Beam.from_table.
_LINE_SHARE_KEV: Mapping[str, float] = {"W": 1.5, "Mo": 5.0, "Cu": 8.0}
_LINE_EDGE_KEV: Mapping[str, float] = {"W": 10.207, "Mo": 20.000, "Cu": 8.979}
_LAYERS: Mapping[str, Callable[[], SensitiveLayer]] = {
    "counting": SensitiveLayer.counter,
    "phosphor": SensitiveLayer.phosphor,
}


@dataclass(frozen=True, eq=False)
class Beam:
    """A polychromatic beam on a uniform grid of energies.

    Parameters
    ----------
    energy_kev : (g,) uniform, rising
    spectrum : (g,) photons (neutrons) per second and keV on the sample
    efficiency : (g,) what the detector counts for one of them; 1 for an ideal counter
    polarisation : (horizontal − vertical)/(horizontal + vertical); 0 for a tube, 1 in a synchrotron's plane
    radiation : "xray" or "neutron"
    name : for reports
    layer : what stops photons in the detector, where rays that cross it obliquely are stopped more; None where
        ``efficiency`` holds at every angle

    Raises
    ------
    ValueError : a grid that is not uniform and rising, an unphysical spectrum or polarisation
    """

    energy_kev: Float64Array
    spectrum: Float64Array
    efficiency: Float64Array
    polarisation: float = 0.0
    radiation: Literal["xray", "neutron"] = "xray"
    name: str = "beam"
    layer: SensitiveLayer | None = None

    def __post_init__(self) -> None:
        energy = np.asarray(self.energy_kev, dtype=np.float64)
        if energy.ndim != 1 or energy.size < 2 or not np.all(np.isfinite(energy)) or energy[0] <= 0:
            raise ValueError(f"energy_kev must be a grid of at least two positive energies; found shape {energy.shape}")
        steps = np.diff(energy)
        if steps[0] <= 0 or np.ptp(steps) > 1e-6 * steps[0] * energy.size:
            raise ValueError("energy_kev must rise in equal steps; resample the spectrum with Beam.from_table")
        for name in ("spectrum", "efficiency"):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape != energy.shape or not np.all(np.isfinite(value)) or np.any(value < 0):
                raise ValueError(
                    f"{name} must hold {energy.size} finite numbers ≥ 0, one per energy; found {value.shape}"
                )
            object.__setattr__(self, name, value)
        if not -1.0 <= self.polarisation <= 1.0:
            raise ValueError(
                f"polarisation must lie between −1 (vertical) and 1 (horizontal), not {self.polarisation!r}"
            )
        if self.radiation not in ("xray", "neutron"):
            raise ValueError(f'radiation must be "xray" or "neutron", not {self.radiation!r}')
        if not np.any(self.spectrum * self.efficiency > 0):
            raise ValueError("nothing of this beam is ever counted: spectrum times efficiency is zero everywhere")
        object.__setattr__(self, "energy_kev", energy)

    @property
    def band_kev(self) -> tuple[float, float]:
        """Lowest and highest energy, keV."""
        return float(self.energy_kev[0]), float(self.energy_kev[-1])

    @property
    def flux_per_s(self) -> float:
        """Photons (neutrons) per second on the sample, integrated over the band."""
        return float(np.trapezoid(self.spectrum, self.energy_kev))

    def with_flux(self, flux_per_s: float) -> Beam:
        """Return this beam scaled to ``flux_per_s`` photons per second in the band."""
        if not (math.isfinite(flux_per_s) and flux_per_s > 0):
            raise ValueError(f"flux_per_s must be a positive number of photons per second, not {flux_per_s!r}")
        return replace(self, spectrum=self.spectrum * (flux_per_s / self.flux_per_s))

    def filtered(self, materials: Mapping[str, float]) -> Beam:
        """Return the beam behind filters, {material: thickness in mm}; xraydb's names, formulas, or "air"."""
        spectrum = self.spectrum.copy()
        for material, thickness_mm in materials.items():
            spectrum *= transmission(material, thickness_mm, self.energy_kev)
        return replace(self, spectrum=spectrum)

    def detected_by(self, kind: Literal["ideal", "counting", "phosphor"] | SensitiveLayer) -> Beam:
        """Return the beam with a detector's response.

        Parameters
        ----------
        kind : a ``SensitiveLayer`` with its own thickness, such as ``SensitiveLayer.phosphor(0.1)``; "phosphor" for
            40 µm of Gd2O2S at half its bulk density, which integrates energy (counts are in units of one 10 keV
            photon); "counting" for 0.32 mm of silicon; "ideal" to count every photon

        Raises
        ------
        ValueError : another word
        """
        if isinstance(kind, SensitiveLayer):
            return replace(self, efficiency=kind.efficiency(self.energy_kev), layer=kind)
        if kind == "ideal":
            return replace(self, efficiency=np.ones_like(self.energy_kev), layer=None)
        if kind not in _LAYERS:
            raise ValueError(
                f'a detector response is "ideal", "counting", "phosphor" or a SensitiveLayer, not {kind!r}'
            )
        return self.detected_by(_LAYERS[kind]())

    def at_normal_incidence(self) -> Beam:
        """Return the beam for a detector that counts oblique rays like those at right angles."""
        return replace(self, layer=None)

    @classmethod
    def from_table(
        cls,
        energy_kev: ArrayLike,
        spectrum: ArrayLike,
        band_kev: tuple[float, float] | None = None,
        polarisation: float = 0.0,
        flux_per_s: float = DEFAULT_FLUX_PER_S,
        radiation: Literal["xray", "neutron"] = "xray",
        name: str = "table",
    ) -> Beam:
        """Resample a measured spectrum, per unit energy, onto a uniform grid over ``band_kev`` (default: all of it).

        For neutrons ``energy_kev`` is hc/λ and not their kinetic energy: ``from_wavelengths`` takes their table.
        """
        known, value = np.asarray(energy_kev, dtype=np.float64), np.asarray(spectrum, dtype=np.float64)
        if known.ndim != 1 or known.shape != value.shape or known.size < 2 or np.any(np.diff(known) <= 0):
            raise ValueError(
                "a spectrum's table needs rising energies and one value for each; sort it and drop duplicates"
            )
        grid = energy_grid(band_kev or (float(known[0]), float(known[-1])))
        sampled = np.interp(grid, known, value, left=0.0, right=0.0)
        return cls(grid, sampled, np.ones_like(grid), polarisation, radiation, name).with_flux(flux_per_s)

    @classmethod
    def from_wavelengths(
        cls,
        wavelength_a: ArrayLike,
        spectrum: ArrayLike,
        band_a: tuple[float, float] | None = None,
        flux_per_s: float = DEFAULT_FLUX_PER_S,
        radiation: Literal["xray", "neutron"] = "neutron",
        polarisation: float = 0.0,
        name: str = "table",
    ) -> Beam:
        """Return the beam of a measured spectrum per unit wavelength, as neutron sources state it.

        Parameters
        ----------
        wavelength_a : (k,) rising, Å
        spectrum : (k,) particles per second and Å, on any scale
        band_a : shortest and longest wavelength used, Å; None for all of the table
        flux_per_s, radiation, polarisation, name : as in ``from_table``

        Raises
        ------
        ValueError : a table that does not rise, or wavelengths that are none

        Notes
        -----
        Φ_E = Φ_λ λ²/hc, with E = hc/λ.
        """
        known, value = np.asarray(wavelength_a, dtype=np.float64), np.asarray(spectrum, dtype=np.float64)
        if known.ndim != 1 or known.shape != value.shape or known.size < 2 or np.any(np.diff(known) <= 0):
            raise ValueError("a spectrum's table needs rising wavelengths and one value for each")
        grid = energy_grid(band_of_wavelengths(band_a or (float(known[0]), float(known[-1])), radiation))
        wavelength = HC_KEV_A / grid
        sampled = np.interp(wavelength, known, value, left=0.0, right=0.0) * wavelength**2 / HC_KEV_A
        return cls(grid, sampled, np.ones_like(grid), polarisation, radiation, name).with_flux(flux_per_s)

    @classmethod
    def flat(cls, band_kev: tuple[float, float] = (5.0, 25.0), flux_per_s: float = DEFAULT_FLUX_PER_S) -> Beam:
        """Return an unpolarised beam with the same number of photons per keV everywhere in the band."""
        grid = energy_grid(band_kev)
        return cls(grid, np.ones_like(grid), np.ones_like(grid), name="flat").with_flux(flux_per_s)

    @classmethod
    def tube(
        cls,
        anode: str = "W",
        voltage_kv: float = 35.0,
        band_kev: tuple[float, float] = (5.0, 25.0),
        flux_per_s: float = DEFAULT_FLUX_PER_S,
        take_off_deg: float = 6.0,
        window_be_mm: float = 0.3,
        air_mm: float = 200.0,
        line_fwhm_kev: float = LINE_FWHM_KEV,
    ) -> Beam:
        """X-ray tube: Kramers' continuum with the target's own absorption, window, air and the anode's lines.

        Parameters
        ----------
        anode : "W", "Mo" or "Cu"
        voltage_kv : accelerating voltage, kV; no photon is harder than this in keV
        band_kev : lowest and highest energy, keV; ends at the voltage where that is lower
        flux_per_s : photons per second in the band on the sample
        take_off_deg : angle between the anode's surface and the beam
        window_be_mm, air_mm : beryllium window and air path, mm
        line_fwhm_kev : width of a characteristic line, keV

        Notes
        -----
        Kramers (1923): photons per energy ∝ E0/E − 1. Self-absorption by the electrons' mean depth of emission,
        taken as a quarter of the Thomson–Whiddington range E0²/(0.77·10⁶ keV² cm² g⁻¹). Lines grow as (U − 1)^1.63
        (Green & Cosslett 1968).
        """
        if anode not in _LINES:
            raise ValueError(f"no lines are known for an anode of {anode!r}; choose one of {', '.join(sorted(_LINES))}")
        if not 0 < voltage_kv <= _HIGHEST_KEV:
            raise ValueError(f"voltage_kv must be above 0 and at most {_HIGHEST_KEV:g} kV, not {voltage_kv!r}")
        if not (0 < take_off_deg <= 90 and line_fwhm_kev >= GRID_STEP_KEV):
            raise ValueError(
                f"take_off_deg must be above 0 and at most 90, and line_fwhm_kev at least {GRID_STEP_KEV:g}; "
                f"found {take_off_deg!r} and {line_fwhm_kev!r}"
            )
        grid = energy_grid(band_kev)
        photons = np.maximum(voltage_kv / grid - 1.0, 0.0) + _line_photons(anode, voltage_kv, grid, line_fwhm_kev)
        photons *= _self_absorption(anode, voltage_kv, take_off_deg, grid)
        photons[grid > voltage_kv] = 0.0
        if not np.any(photons > 0):
            raise ValueError(
                f"a tube at {voltage_kv} kV gives nothing from {band_kev[0]} to {band_kev[1]} keV: raise the voltage"
            )
        beam = cls(grid, photons, np.ones_like(grid), name=f"{anode} tube, {voltage_kv:g} kV")
        return beam.filtered({"beryllium": window_be_mm, "air": air_mm}).with_flux(flux_per_s)

    @classmethod
    def bending_magnet(
        cls,
        critical_kev: float = 20.0,
        band_kev: tuple[float, float] = (5.0, 23.0),
        flux_per_s: float = 1e11,
        polarisation: float = 0.95,
        window_be_mm: float = 0.5,
    ) -> Beam:
        """Bending magnet, integrated over the vertical angle: photons per energy ∝ G1(E/Ec)/E.

        G1(y) = y ∫_y^∞ K5/3 (X-ray Data Booklet, section 2.1); behind a beryllium window.
        """
        if not (math.isfinite(critical_kev) and critical_kev > 0):
            raise ValueError(f"critical_kev must be a positive energy in keV, not {critical_kev!r}")
        grid = energy_grid(band_kev)
        photons = synchrotron_g1(grid / critical_kev) / grid
        beam = cls(grid, photons, np.ones_like(grid), polarisation, name=f"bending magnet, Ec {critical_kev:g} keV")
        return beam.filtered({"beryllium": window_be_mm}).with_flux(flux_per_s)

    @classmethod
    def neutron(
        cls,
        temperature_k: float = 300.0,
        wavelength_a: tuple[float, float] = NEUTRON_BAND_A,
        flux_per_s: float = 1e8,
    ) -> Beam:
        """Thermal neutrons: flux per wavelength ∝ λ⁻⁵ exp(−(λ_T/λ)²) with λ_T = h/√(2 m k T).

        ``wavelength_a`` is (shortest, longest) in Å; the spectrum is turned into one per unit of hc/λ.
        """
        from scipy.constants import h, k, m_n

        if not (math.isfinite(temperature_k) and temperature_k > 0):
            raise ValueError(f"temperature_k must be a positive temperature in K, not {temperature_k!r}")
        grid = energy_grid(band_of_wavelengths(wavelength_a))
        wavelength = HC_KEV_A / grid
        thermal_a = 1e10 * h / math.sqrt(2.0 * m_n * k * temperature_k)
        per_wavelength = wavelength**-5.0 * np.exp(-((thermal_a / wavelength) ** 2))
        photons = per_wavelength * wavelength**2 / HC_KEV_A
        return cls(grid, photons, np.ones_like(grid), 0.0, "neutron", f"neutrons, {temperature_k:g} K").with_flux(
            flux_per_s
        )


def energy_grid(band_kev: tuple[float, float], step_kev: float = GRID_STEP_KEV) -> Float64Array:
    """Return the uniform grid over a band (lowest, highest) in keV, both ends on it, in steps of about ``step_kev``."""
    try:
        low, high = (float(value) for value in band_kev)
    except (TypeError, ValueError):
        raise ValueError(f"band_kev must be two energies in keV, (lowest, highest); found {band_kev!r}") from None
    if not (math.isfinite(low) and math.isfinite(high) and low > 0):
        raise ValueError(f"band_kev must be two positive energies in keV; found {band_kev!r}")
    if low >= high:
        raise ValueError(f"band_kev is upside down or empty: {low:g} to {high:g} keV; give the lowest energy first")
    if low < _LOWEST_KEV or high > _HIGHEST_KEV:
        raise ValueError(f"band_kev must lie within {_LOWEST_KEV:g} to {_HIGHEST_KEV:g} keV; found {low:g} to {high:g}")
    return np.linspace(low, high, math.ceil((high - low) / step_kev - 1e-9) + 1)


def synchrotron_g1(y: ArrayLike) -> Float64Array:
    """Return G1(y) = y ∫_y^∞ K5/3(t) dt, by quadrature on a logarithmic grid; 0 < y."""
    from scipy.integrate import cumulative_simpson
    from scipy.special import kv

    value = np.asarray(y, dtype=np.float64)
    log_t = np.linspace(math.log(1e-5), math.log(60.0), 4001)
    t = np.exp(log_t)
    below = cumulative_simpson(kv(5.0 / 3.0, t) * t, x=log_t, initial=0.0)
    g1: Float64Array = value * np.interp(np.log(value), log_t, below[-1] - below)
    return g1


def _line_photons(anode: str, voltage_kv: float, grid: Float64Array, fwhm_kev: float) -> Float64Array:
    over = voltage_kv / _LINE_EDGE_KEV[anode] - 1.0
    photons = np.zeros_like(grid)
    if over <= 0:
        return photons
    sigma = fwhm_kev / _FWHM_PER_SIGMA
    strongest = _LINES[anode][0][0]
    area = _LINE_SHARE_KEV[anode] * (voltage_kv / strongest - 1.0) * (over / 0.7) ** 0.63
    for energy, strength in _LINES[anode]:
        photons += strength * area / (sigma * math.sqrt(2 * math.pi)) * np.exp(-0.5 * ((grid - energy) / sigma) ** 2)
    return photons


def _self_absorption(anode: str, voltage_kv: float, take_off_deg: float, grid: Float64Array) -> Float64Array:
    import xraydb

    mass_depth = 0.25 * voltage_kv**2 / 0.77e6
    path = mass_depth / math.sin(math.radians(take_off_deg))
    share: Float64Array = np.exp(-path * np.asarray(xraydb.mu_elam(anode, 1000.0 * grid), dtype=np.float64))
    return share
