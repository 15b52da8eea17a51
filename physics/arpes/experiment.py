"""One sample in one instrument: cuts, constant-energy maps and cubes in a few words.

The recipes fill tables for thousands of samples at once; this builds the same tables for one, from any bands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.background import Background, shirley
from beamgym.physics.arpes.bands import Bands
from beamgym.physics.arpes.gaps import GAP_KINDS
from beamgym.physics.arpes.kernels_blur import REACH
from beamgym.physics.arpes.kinematics import Geometry, cut_momentum, kinetic_energy_ev
from beamgym.physics.arpes.kz import KzBroadening
from beamgym.physics.arpes.noise import count, read_adc
from beamgym.physics.arpes.resolution import FWHM_PER_SIGMA, blur
from beamgym.physics.arpes.response import Response
from beamgym.physics.arpes.self_energy import impurity
from beamgym.physics.arpes.spectrum import Grid, Scene, Window, band_intensity, detected, render
from beamgym.physics.counter_rng import make_keys

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
SelfEnergy = Callable[[Float64Array], NDArray[np.complex128]]
MatrixElement = Callable[[Float64Array], Float64Array]


@dataclass(frozen=True)
class Domain:
    """A part of the illuminated sample that is turned against the rest.

    Parameters
    ----------
    share : of the intensity, ≥ 0
    polar_deg, tilt_deg, azimuth_deg : added to the experiment's angles
    """

    share: float = 1.0
    polar_deg: float = 0.0
    tilt_deg: float = 0.0
    azimuth_deg: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and self.share >= 0):
            raise ValueError(f"a domain's share must be a number ≥ 0, not {self.share!r}")


def _constant_width(omega_ev: Float64Array) -> NDArray[np.complex128]:
    return impurity(omega_ev, 0.02)


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
        if not self.pair_breaking_ev >= 0:
            raise ValueError(f"pair_breaking_ev must not be negative; found {self.pair_breaking_ev!r}")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A measured-looking spectrum with everything it was made from.

    ``counts`` (energy, slit) for a cut, (energy, slit, deflection) for a cube, (slit, deflection) for a map;
    ``axes`` maps the dimensions' names, in order, to their values; ``arpes`` and ``background`` are noise-free and of
    the same shape; ``attributes`` holds parameters and labels, numbers or text.
    """

    counts: Float32Array
    axes: dict[str, Float64Array]
    arpes: Float32Array
    background: Float32Array
    attributes: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Experiment:
    """A sample in an instrument.

    Parameters
    ----------
    bands : TightBinding, DiracSurface, TabulatedBands, or anything with ``energies(momentum)``
    photon_energy_ev, work_function_ev : eV; the work function is the sample's
    geometry : slit and manipulator angles
    temperature_k : of the electrons
    energy_fwhm_ev, angle_fwhm_deg : resolution, full width at half maximum
    self_energy : complex Σ of energies (h,), eV
    matrix_element : |M|² of momenta (..., 2), shape (..., b) or (...,); default 1
    band_weights : (b,) further weights; default the bands' own ``weights()`` where they have them, else 1
    domains : what the beam illuminates
    gap, kz : optional
    charging_ev : shift of the whole spectrum
    background, response : as for ``spectrum.render``, one sample

    Raises
    ------
    ValueError : when used: photon energy below the work function, windows outside the photoelectron cone, negative
        widths, temperatures or counts
    """

    bands: Bands
    photon_energy_ev: float = 21.2
    work_function_ev: float = 4.5
    geometry: Geometry = field(default_factory=Geometry)
    temperature_k: float = 20.0
    energy_fwhm_ev: float = 0.01
    angle_fwhm_deg: float = 0.2
    self_energy: SelfEnergy = _constant_width
    matrix_element: MatrixElement | None = None
    band_weights: ArrayLike | None = None
    domains: tuple[Domain, ...] = (Domain(),)
    gap: Gap | None = None
    kz: KzBroadening | None = None
    charging_ev: float = 0.0
    background: Background = field(default_factory=Background)
    response: Response = field(default_factory=Response)

    def scene(self, grid: Grid, deflection_deg: ArrayLike = 0.0) -> Scene:
        """Tabulate the bands along cuts at (d,) deflections: a scene of d samples on ``grid``."""
        deflection = np.atleast_1d(np.asarray(deflection_deg, dtype=np.float64))
        kinetic_energy_ev(grid.energy_ev[0], self.photon_energy_ev, self.work_function_ev)
        window = grid.window(self.energy_fwhm_ev, self.angle_fwhm_deg, nodes=5)
        parts = [self._domain(domain, window, deflection) for domain in self.domains]
        energy, weight, broadening, gap, partner = (np.concatenate(group, axis=1) for group in zip(*parts, strict=True))
        n = deflection.size
        sigma = np.broadcast_to(self.self_energy(window.energy_ev - self.charging_ev), (n, 1, window.energy_ev.size))
        return Scene(
            window,
            energy,
            weight,
            np.ascontiguousarray(sigma.real, dtype=np.float32),
            np.ascontiguousarray(sigma.imag, dtype=np.float32),
            temperature_k=self.temperature_k,
            energy_fwhm_ev=self.energy_fwhm_ev,
            angle_fwhm_deg=self.angle_fwhm_deg,
            fermi_ev=self.charging_ev,
            broadening_ev=broadening if self.kz else np.zeros((0, 0, 0), dtype=np.float32),
            gap_kind=np.full(n, GAP_KINDS[self.gap.kind]) if self.gap else np.zeros(0, dtype=np.int64),
            gap_ev=gap,
            partner_ev=partner,
            pair_breaking_ev=self.gap.pair_breaking_ev if self.gap else 0.0,
        )

    def cut(self, grid: Grid, events: float = 1e5, seed: int = 0, deflection_deg: float = 0.0) -> Spectrum:
        """Measure intensity over (energy, slit) with ``events`` electrons."""
        made = render(
            self.scene(grid, deflection_deg), self.background, self.response, events, make_keys(np.array([seed]))
        )
        axes = {"eV": grid.energy_ev, "alpha": grid.slit_deg}
        return Spectrum(made.counts[0], axes, made.arpes[0], made.background[0], self._attributes(events, seed))

    def cube(self, grid: Grid, deflection_deg: ArrayLike, events: float = 1e6, seed: int = 0) -> Spectrum:
        """Measure intensity over (energy, slit, deflection); ``deflection_deg`` (d,) uniform, rising."""
        deflection = np.asarray(deflection_deg, dtype=np.float64)
        signal, rest, seen = self._expected_cube(grid, deflection)
        counts = self._count(np.moveaxis(seen, 0, -1), events, seed)
        axes = {"eV": grid.energy_ev, "alpha": grid.slit_deg, "beta": deflection}
        attributes = self._attributes(events, seed)
        return Spectrum(counts, axes, np.moveaxis(signal, 0, -1), np.moveaxis(rest, 0, -1), attributes)

    def map(
        self,
        slit_deg: ArrayLike,
        deflection_deg: ArrayLike,
        energy_ev: float = 0.0,
        window_ev: float = 0.02,
        events: float = 1e6,
        seed: int = 0,
    ) -> Spectrum:
        """Measure a constant-energy map over (slit, deflection), summed over ``window_ev`` about ``energy_ev``.

        Without a Shirley background, which would need the energies above; sum slices of a ``cube`` to have it.
        """
        if not window_ev > 0:
            raise ValueError(f"window_ev must be a positive energy, not {window_ev!r}")
        energies = np.linspace(energy_ev - 0.5 * window_ev, energy_ev + 0.5 * window_ev, 5)
        deflection = np.asarray(deflection_deg, dtype=np.float64)
        grid = Grid(energies, np.asarray(slit_deg, dtype=np.float64))
        bare = replace(self, background=replace(self.background, shirley=0.0))
        signal, rest, seen = (np.sum(part, axis=1).T for part in bare._expected_cube(grid, deflection))
        counts = self._count(seen, events, seed)
        attributes = {**self._attributes(events, seed), "eV": energy_ev, "window_ev": window_ev}
        return Spectrum(counts, {"alpha": grid.slit_deg, "beta": deflection}, signal, rest, attributes)

    def _count(self, seen: Float32Array, events: float, seed: int) -> Float32Array:
        keys = make_keys(np.array([seed]))
        counts = count(np.ascontiguousarray(seen)[None], events, keys)
        if self.response.adc and counts.ndim == 3:
            counts = read_adc(counts, keys, self.response)
        return np.asarray(counts[0])

    def _expected_cube(self, grid: Grid, deflection: Float64Array) -> tuple[Float32Array, Float32Array, Float32Array]:
        """Signal, background and both behind the detector, (d, e, a), blurred along the deflection too."""
        step = Grid(np.array([0.0, 1.0]), deflection).slit_step_deg
        sigma = self.angle_fwhm_deg / FWHM_PER_SIGMA / step
        margin = math.ceil(REACH * sigma)
        padded = deflection[0] + step * np.arange(-margin, deflection.size + margin)
        signal = band_intensity(self.scene(grid, padded))
        if sigma > 0:
            signal = np.moveaxis(blur(np.moveaxis(signal, 1, 0), sigma * FWHM_PER_SIGMA, 0.0), 0, 1)
        signal = np.ascontiguousarray(signal[margin : margin + deflection.size])
        signal /= max(float(np.max(signal)), 1e-30)
        # an electron that lost energy has forgotten both angles: Shirley's sum is over the slit and the deflection
        losses = float(np.max(np.asarray(self.background.shirley))) * shirley(np.mean(signal, axis=(0, 2))[:, None])
        flat, _, _ = detected(np.zeros_like(signal), replace(self.background, shirley=0.0), Response())
        rest = flat + losses
        _, seen, _ = detected(signal + rest, Background(), self.response)
        return signal, rest, seen

    def _domain(self, domain: Domain, window: Window, deflection: Float64Array) -> tuple[Float32Array, ...]:
        turned = Geometry(
            float(np.asarray(self.geometry.polar_deg)) + domain.polar_deg,
            float(np.asarray(self.geometry.tilt_deg)) + domain.tilt_deg,
            float(np.asarray(self.geometry.azimuth_deg)) + domain.azimuth_deg,
            self.geometry.slit,
        )
        momentum = cut_momentum(
            turned, window.slit_deg, window.nodes_ev, self.photon_energy_ev, self.work_function_ev, deflection
        )
        middle = momentum[:, window.nodes // 2]
        energy = np.moveaxis(self.bands.energies(momentum), -1, 1)
        weight = np.moveaxis(self._weights(middle, energy.shape[1]), -1, 1) * domain.share
        broadening = np.zeros_like(weight)
        if self.kz is not None:
            energy, weight, broadening = self._spread(energy, weight, momentum, window)
        gap, partner = self._gap(momentum, middle, energy)
        return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in (energy, weight, broadening, gap, partner))

    def _weights(self, momentum: Float64Array, bands: int) -> Float64Array:
        own = getattr(self.bands, "weights", None)
        weights = self.band_weights if self.band_weights is not None else (own() if own else np.ones(bands))
        weight = np.broadcast_to(np.asarray(weights, dtype=np.float64), (*momentum.shape[:-1], bands))
        if self.matrix_element is not None:
            factor = np.asarray(self.matrix_element(momentum), dtype=np.float64)
            weight = weight * (factor[..., None] if factor.ndim == momentum.ndim - 1 else factor)
        if not (np.all(np.isfinite(weight)) and np.all(weight >= 0)):
            raise ValueError("matrix elements and band weights must be finite and ≥ 0")
        return np.asarray(weight)

    def _spread(
        self, energy: Float64Array, weight: Float64Array, momentum: Float64Array, window: Window
    ) -> tuple[Float64Array, Float64Array, Float64Array]:
        assert self.kz is not None
        kinetic = kinetic_energy_ev(window.nodes_ev, self.photon_energy_ev, self.work_function_ev)[:, None]
        shift, width = self.kz.shifts(momentum, kinetic)
        points = self.kz.points
        spread = energy[:, None] + np.moveaxis(shift, 0, 1)[:, :, None]
        wide = np.repeat(np.moveaxis(width[:, :, window.nodes // 2], 0, 1), energy.shape[1], axis=1)
        heavy = np.tile(weight / points, (1, points, 1))
        return spread.reshape(energy.shape[0], -1, *energy.shape[2:]), heavy, wide

    def _gap(
        self, momentum: Float64Array, middle: Float64Array, energy: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        if self.gap is None:
            return np.zeros((0, 0, 0)), np.zeros((0, 0, 0, 0))
        if self.kz is not None:
            raise ValueError("a gap and kz broadening cannot be combined in one experiment; leave one out")
        gap = np.broadcast_to(self.gap.gap_ev(middle)[:, None], (*energy.shape[:2], energy.shape[3]))
        if self.gap.kind != "density wave":
            return gap, np.zeros((0, 0, 0, 0))
        other = np.moveaxis(self.bands.energies(momentum + np.asarray(self.gap.wave_vector)), -1, 1)
        return gap, other

    def _attributes(self, events: float, seed: int) -> dict[str, float | int | str]:
        return {
            "hv": self.photon_energy_ev,
            "work_function_ev": self.work_function_ev,
            "polar_deg": float(np.asarray(self.geometry.polar_deg)),
            "tilt_deg": float(np.asarray(self.geometry.tilt_deg)),
            "azimuth_deg": float(np.asarray(self.geometry.azimuth_deg)),
            "slit": self.geometry.slit,
            "sample_temp": self.temperature_k,
            "energy_fwhm_ev": self.energy_fwhm_ev,
            "angle_fwhm_deg": self.angle_fwhm_deg,
            "charging_ev": self.charging_ev,
            "bands": type(self.bands).__name__,
            "domains": len(self.domains),
            "events": events,
            "seed": seed,
        }
