"""Spectra of each flake of a surface: bands at its own tilt, twin, work function and width, at four line widths.

A surface is one material. Its flakes differ, and where charging spreads under the beam their spectra are blurred; the
blur is interpolated between spectra rendered at the widths of ``LADDER_EV``, which is exact for the moments.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import logit, ndtr

from beamgym.physics.arpes.bands_models import (
    BI2SE3_BULK,
    WAVENUMBER,
    Geometry,
    coefficients,
    cut_momentum,
    dirac_bands,
    fermi_liquid,
    lattice_code,
    tight_binding,
)
from beamgym.physics.arpes.detection import BOLTZMANN_EV, FWHM_PER_SIGMA, Background, Grid, Response, Scene, render
from beamgym.physics.arpes.surface.levels import MOST_FLAKES, SurfaceNumbers
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.counter_rng import make_keys, normal, uniform

LADDER_EV: Final = np.array([0.0, 0.02, 0.045, 0.1])
"""Widths, FWHM in eV on top of the resolution, at which every flake is rendered."""

LARGEST_SHIFT_EV: Final = 0.12
"""Furthest that charging can push a spectrum; beyond it the shift stays there."""

MATERIALS: Final = ("dirac", "square", "hexagonal")
_TURN_DEG: Final = {"dirac": 60.0, "square": 45.0, "hexagonal": 30.0}
_PAIRS: Final = {"square": (4.0, 4.0), "hexagonal": (6.0, 6.0)}  # sums of 2 cos(k·R) at Γ: nearest, diagonal
_MODULATION: Final = 0.4  # matrix elements vary by this much along the slit


@dataclass(frozen=True)
class Analyser:
    """The spectrometer's settings.

    Parameters
    ----------
    grid : energies and slit angles
    resolution_ev, angle_fwhm_deg : FWHM
    temperature_k : of the sample
    """

    grid: Grid
    resolution_ev: float = 0.02
    angle_fwhm_deg: float = 0.3
    temperature_k: float = 20.0

    @property
    def margin(self) -> int:
        """Rows beyond each end of the window that a shifted spectrum needs."""
        return int(np.ceil(LARGEST_SHIFT_EV / self.grid.energy_step_ev)) + 1

    @property
    def long_grid(self) -> Grid:
        """The grid with those rows."""
        place = np.arange(-self.margin, self.grid.shape[0] + self.margin)
        return Grid(self.grid.energy_ev[0] + self.grid.energy_step_ev * place, self.grid.slit_deg)


@dataclass(frozen=True, eq=False)
class Flakes:
    """The flakes of one surface, padded to f = 12; r rows are those of ``Analyser.long_grid``.

    Parameters
    ----------
    material : its name
    signal : (f, 4, r, a) bands of each flake at each width of the ladder; on average a flake's window sums to 1
    ground : (f, r) background per pixel of the row, which sums to the flake's signal
    holder : (r,) what the sample holder emits, per pixel; sums to 1
    width_ev : (f,) smallest −Im Σ, eV
    direction_inv_a : (f, 2) where the flake's normal points, as momentum along and across the slit, 1/Å
    twin : (f,) rotated by the lattice's half turn
    momentum_fwhm_inv_a : (f,) angular resolution with the flake's mosaic, 1/Å
    photon_ev : photon energy
    momentum_per_deg : 1/Å per degree along the slit, at the Fermi level
    """

    material: str
    signal: Float32Array
    ground: Float32Array
    holder: Float32Array
    width_ev: Float64Array
    direction_inv_a: Float64Array
    twin: NDArray[np.bool_]
    momentum_fwhm_inv_a: Float64Array
    photon_ev: float
    momentum_per_deg: float


@njit(cache=True, nogil=True)
def _draws(key, count):  # type: ignore[no-untyped-def]  # noqa: ANN202
    uniforms, normals = np.empty(count), np.empty(count)
    for i in range(count):
        uniforms[i], normals[i] = uniform(key, i), normal(key, count + i)
    return uniforms, normals


def check_material(material: str | None) -> None:
    """Raise ValueError for a material that is neither None, which draws one, nor known."""
    if material is not None and material not in MATERIALS:
        raise ValueError(f"unknown material {material!r}; choose one of {', '.join(MATERIALS)}, or None to draw one")


def draw_flakes(key: np.uint64, numbers: SurfaceNumbers, analyser: Analyser, material: str | None = None) -> Flakes:
    """Draw a material and its flakes from one key.

    Parameters
    ----------
    key : random key of the surface
    numbers : the level
    analyser : how they are seen
    material : a name in ``MATERIALS``; drawn where none is given

    Raises
    ------
    ValueError : an unknown material
    """
    check_material(material)
    uniforms, normals = _draws(make_keys(key, 0, 0, 2), 8 * MOST_FLAKES)
    name = material or MATERIALS[int(uniforms[0] * len(MATERIALS))]
    photon = 6.2 if name == "dirac" else 15.0 + 25.0 * uniforms[1]
    of_flakes = normals.reshape(8, MOST_FLAKES)
    work = 4.5 + np.clip(numbers.work_function_ev * of_flakes[0], -0.5, 0.5)
    tilt, polar = numbers.tilt_deg * of_flakes[1], numbers.tilt_deg * of_flakes[2]
    twin = uniforms[16 : 16 + MOST_FLAKES] < numbers.twin_fraction
    azimuth = 360.0 * uniforms[2] + _TURN_DEG[name] * twin + 0.5 * of_flakes[3]
    width = numbers.width_ev * np.exp(0.6 * of_flakes[4])
    mosaic = numbers.mosaic_deg * np.exp(0.5 * of_flakes[5])
    per_deg = float(WAVENUMBER * np.sqrt(photon - 4.5) * np.radians(1.0))
    angle_fwhm = np.hypot(analyser.angle_fwhm_deg, mosaic)
    geometry = Geometry(polar_deg=polar, tilt_deg=tilt, azimuth_deg=azimuth)
    signal = _render(name, uniforms, geometry, photon, work, width, angle_fwhm, analyser)
    bright = np.exp(0.2 * of_flakes[6])
    inner = slice(analyser.margin, -analyser.margin)
    total = signal[:, 0, inner].sum(axis=(1, 2), dtype=np.float64)
    signal *= (1.0 / total.mean()) * bright[:, None, None, None]
    return Flakes(
        name,
        signal.astype(np.float32),
        _shirley_rows(signal[:, 0], inner),
        _holder_rows(analyser),
        width,
        per_deg * np.stack([-tilt, polar], axis=1),
        twin,
        per_deg * angle_fwhm,
        photon,
        per_deg,
    )


def _render(
    name: str,
    uniforms: Float64Array,
    geometry: Geometry,
    photon: float,
    work: Float64Array,
    width: Float64Array,
    angle_fwhm: Float64Array,
    analyser: Analyser,
) -> Float32Array:
    """Return the bands' intensity of every flake at every width of the ladder, (f, 4, r, a), in 1/eV."""
    steps, grid = len(LADDER_EV), analyser.long_grid
    window = grid.window(np.hypot(analyser.resolution_ev, LADDER_EV[-1]), angle_fwhm.max())
    momentum = cut_momentum(geometry, window.slit_deg, window.nodes_ev, photon, work)
    bands, weight = _bands(name, uniforms[40:], momentum)
    phase = 2.0 * np.pi * uniforms[64 : 64 + bands.shape[1]]
    modulation = 1.0 + _MODULATION * np.sin(6.0 * np.radians(window.slit_deg) + phase[:, None])
    sigma = fermi_liquid(window.energy_ev, 0.05 + 0.2 * uniforms[3]) - 1j * width[:, None]
    scene = Scene(
        window,
        np.repeat(bands, steps, axis=0),
        np.repeat(np.broadcast_to(weight[:, None] * modulation, (MOST_FLAKES, *modulation.shape)), steps, axis=0),
        np.repeat(sigma.real[:, None].astype(np.float32), steps, axis=0),
        np.repeat(sigma.imag[:, None].astype(np.float32), steps, axis=0),
        temperature_k=analyser.temperature_k,
        energy_fwhm_ev=np.tile(np.hypot(analyser.resolution_ev, LADDER_EV), MOST_FLAKES),
        angle_fwhm_deg=np.repeat(angle_fwhm, steps),
    )
    rendered = render(scene, Background(), Response(), 0.0, np.zeros(MOST_FLAKES * steps, dtype=np.uint64))
    intensity: Float32Array = (rendered.arpes * rendered.peak[:, None, None]).reshape(MOST_FLAKES, steps, *grid.shape)
    return intensity


def _bands(name: str, uniforms: Float64Array, momentum: Float64Array) -> tuple[Float32Array, Float64Array]:
    """Return band energies (f, b, m, w) and each band's weight (b,)."""
    if name == "dirac":
        point, slices = -0.25 - 0.15 * uniforms[0], 3
        surface = np.array([[point, 2.5 + 1.5 * uniforms[1], 5.0, 128.0, 0.0]])
        bulk = np.array([[[part.edge_ev, part.curvature_ev_a2, part.width_ev] for part in BI2SE3_BULK]])
        flat = momentum.reshape(1, -1, 2)
        bands = dirac_bands(surface, bulk, slices, flat).reshape(-1, *momentum.shape[:-1])
        weight = np.concatenate([[1.0, 1.0], np.full(2 * slices, 0.5 / slices)])
        return np.ascontiguousarray(np.moveaxis(bands, 0, 1)), weight
    # A valence band that falls from its top at Γ and a conduction band that rises from its bottom there.
    hopping = np.array([0.12 + 0.2 * uniforms[0], -0.1 - 0.15 * uniforms[1]])
    at_gamma = np.array([-0.2 + 0.25 * uniforms[2], -0.45 + 0.3 * uniforms[3]])
    diagonal = hopping * (0.5 * uniforms[4:6] - 0.25)
    onsite = at_gamma - _PAIRS[name][0] * hopping - _PAIRS[name][1] * diagonal
    terms = coefficients(name, onsite, hopping, diagonal)
    constant = 3.2 + 0.8 * uniforms[6]
    code, flat = np.array([lattice_code(name)]), momentum.reshape(1, -1, 2)
    bands = tight_binding(code, np.array([[constant, constant]]), terms[None], flat)[0]
    return np.ascontiguousarray(np.moveaxis(bands.reshape(2, *momentum.shape[:-1]), 0, 1)), np.ones(2)


def _shirley_rows(signal: Float32Array, inner: slice) -> Float32Array:
    """Return backgrounds per pixel, (f, r): at each energy all that was emitted above it (Shirley 1972)."""
    rows = signal.sum(axis=2, dtype=np.float64)
    above = np.cumsum(rows[:, ::-1], axis=1)[:, ::-1] - 0.5 * rows
    total = above[:, inner].sum(axis=1, keepdims=True)
    wanted = rows[:, inner].sum(axis=1, keepdims=True)
    return np.asarray(above / total * wanted / signal.shape[2], dtype=np.float32)


def _holder_rows(analyser: Analyser) -> Float32Array:
    """Return what a polycrystalline metal emits, (r,): no dispersion, a Fermi edge."""
    grid = analyser.long_grid
    rows = _blurred_edge(grid.energy_ev, analyser.resolution_ev, analyser.temperature_k)
    inner = rows[analyser.margin : -analyser.margin]
    return np.asarray(rows / (inner.sum() * grid.shape[1]), dtype=np.float32)


def _blurred_edge(energy_ev: Float64Array, fwhm_ev: float, temperature_k: float) -> Float64Array:
    """Return Fermi–Dirac occupations convolved with a Gaussian, at energies (r,) from the Fermi level.

    A Fermi function is a sum of steps that are spread as the logistic distribution; a blurred step is Gaussian's Φ.
    """
    steps_ev = BOLTZMANN_EV * temperature_k * logit((np.arange(256) + 0.5) / 256)
    sigma_ev = max(fwhm_ev / FWHM_PER_SIGMA, 1e-9)
    return np.asarray(ndtr((steps_ev - energy_ev[:, None]) / sigma_ev).mean(axis=1))
