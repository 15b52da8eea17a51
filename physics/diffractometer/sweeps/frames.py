"""Simulated frames of a sweep: a mosaic crystal before an area detector while one axis turns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.diffractometer.scans import MonoBeam, ScanSample
from beamgym.physics.diffractometer.sweeps.geometry import BEAM, SweepGeometry

_FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
_REACH = 4.5  # standard deviations to which a spot is drawn, in angle and on the panel
_BROADEST = 25.0  # Lorentz factor over that of the bisecting position: nearer to the axis it is not drawn
_PIXEL_SPREAD = 0.5  # of a counting pixel, standard deviation, for what light and charge do


@dataclass(frozen=True)
class FrameSettings:
    """How the frames of a sweep are exposed.

    Parameters
    ----------
    frames : how many
    seconds : each
    background : counts per pixel and second
    """

    frames: int
    seconds: float
    background: float


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Spots to draw, (m,) each."""

    position_px: Float64Array
    middle: Float64Array
    width: Float64Array
    counts: Float64Array
    radial: Float64Array
    sigma_px: Float64Array


def sweep_frames(
    sample: ScanSample, beam: MonoBeam, geometry: SweepGeometry, settings: FrameSettings, seed: int = 0
) -> Iterator[NDArray[np.int32]]:
    """Yield the frames (slow, fast) of a sweep, Poisson counts.

    Parameters
    ----------
    sample : what stands on the instrument, as it is; zeros are those of the sample's axes, the arm's left out
    beam : its widths and polarisation
    geometry : as it is believed to be: axes as they read, nominal wavelength
    settings : how the frames are exposed
    seed : of the counts

    Notes
    -----
    Each reflection passes the Ewald sphere at two positions of the axis, if at all, with the Lorentz factor of the turn
    (Milch & Minor 1974), and is spread over positions by mosaic, divergence and Δλ/λ, over the panel besides by the
    crystal's size: Gaussians, to first order. Absorption, extinction and thermal diffuse scattering are left out.
    """
    spots = _spots(sample, beam, geometry, settings)
    rng = np.random.default_rng(seed)
    shape = geometry.panel.shape
    for frame in range(settings.frames):
        mean = np.full(shape, settings.background * settings.seconds)
        shares = ndtr((frame + 1.0 - spots.middle) / spots.width) - ndtr((frame - spots.middle) / spots.width)
        for i in np.flatnonzero(shares * spots.counts > 1e-3):
            _draw(mean, spots, int(i), float(shares[i]))
        yield rng.poisson(mean).astype(np.int32)


def _spots(sample: ScanSample, beam: MonoBeam, geometry: SweepGeometry, settings: FrameSettings) -> _Drawn:
    """Return where, when and how strongly reflections appear."""
    inner = len(geometry.instrument.sample.axes)
    index = geometry.instrument.sample.names.index(geometry.axis)
    zero = sample.zero_deg[:inner]
    at = geometry.at_deg + zero
    at[index] = geometry.start_deg + zero[index]
    rotation = geometry.instrument.sample.rotation(at[None])[0]
    axis = geometry.axis_in_lab()
    parts = []
    for u, share in zip(sample.us, sample.shares, strict=True):
        if share > 0.0:
            q = sample.reflecting.q @ (rotation @ u).T
            parts.append(_of_grain(q, share * sample.reflecting.strength, beam, geometry, settings, axis))
    q, turn, counts, width = (np.concatenate(one) for one in zip(*parts, strict=True))
    out = BEAM + q * beam.wavelength_a
    out = out / np.linalg.norm(out, axis=1)[:, None]
    pixel = _landing(geometry, rotation @ sample.offset_mm, out)
    radial, sigma = _footprint(beam, geometry, out)
    shape = geometry.panel.shape
    margin = 10.0
    on = (pixel > -margin).all(1) & (pixel[:, 0] < shape[1] + margin) & (pixel[:, 1] < shape[0] + margin)
    on &= out @ geometry.panel.normal > 0.0
    step = np.radians(geometry.step_deg)
    return _Drawn(
        pixel[on], turn[on] / abs(step), np.maximum(width[on] / abs(step), 1e-3), counts[on], radial[on], sigma[on]
    )


def _of_grain(
    q0: Float64Array,
    strength: Float64Array,
    beam: MonoBeam,
    geometry: SweepGeometry,
    settings: FrameSettings,
    axis: Float64Array,
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Return vectors in the lab where they reflect, turns from the start (radians), counts and widths (radians)."""
    sense = float(np.sign(geometry.step_deg))
    axis = axis * sense
    length = np.linalg.norm(q0, axis=1)
    along = (q0 @ axis) * axis[0]
    cosine, sine = q0[:, 0] - along, np.cross(axis, q0)[:, 0]
    reach = np.hypot(cosine, sine)
    ratio = (-0.5 * beam.wavelength_a * length**2 - along) / np.maximum(reach, 1e-12)
    meets = np.flatnonzero(np.abs(ratio) < 1.0)
    middle, spread = np.arctan2(sine, cosine)[meets], np.arccos(ratio[meets])
    span = settings.frames * abs(np.radians(geometry.step_deg))
    pieces = []
    for sign in (1.0, -1.0):
        for whole in (-1.0, 0.0, 1.0, 2.0):
            turn = np.mod(middle + sign * spread, 2.0 * np.pi) + 2.0 * np.pi * (whole - 0.0)
            near = (turn > -0.3) & (turn < span + 0.3)
            pieces.append((meets[near], turn[near]))
    which = np.concatenate([one for one, _ in pieces])
    turn = np.concatenate([one for _, one in pieces])
    q = _turned(q0[which], axis, turn)
    out = BEAM + q * beam.wavelength_a
    out = out / np.linalg.norm(out, axis=1)[:, None]
    across = np.cross(out, BEAM)
    sine_2theta = np.maximum(np.linalg.norm(across, axis=1), 1e-9)
    lorentz = 1.0 / np.maximum(np.abs(across @ axis), 1e-9)
    broad = lorentz * sine_2theta
    tangent = np.tan(0.5 * np.arcsin(np.minimum(sine_2theta, 1.0)))
    angles = np.radians([beam.mosaic_deg, beam.divergence_deg[0]]) / _FWHM
    width = np.sqrt((angles**2).sum() + (beam.spread / _FWHM * tangent) ** 2) * broad
    if beam.radiation == "xray":
        polarised = beam.polarised * (1.0 - out[:, 1] ** 2) + (1.0 - beam.polarised) * (1.0 - out[:, 2] ** 2)
    else:
        polarised = np.ones(len(out))
    speed = abs(np.radians(geometry.step_deg)) / settings.seconds
    counts = strength[which] * lorentz * polarised / speed
    good = (broad < _BROADEST) & (counts > 0.3)
    return q[good], turn[good], counts[good], width[good]


def _turned(vectors: Float64Array, axis: Float64Array, angle: Float64Array) -> Float64Array:
    """Return vectors (m, 3) turned about an axis by angles (m,), radians."""
    along = (vectors @ axis)[:, None] * axis
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.asarray(along + cosine * (vectors - along) + sine * np.cross(axis, vectors))


def _landing(geometry: SweepGeometry, start_mm: Float64Array, out: Float64Array) -> Float64Array:
    """Return the pixels (m, 2) where rays from a point beside the axes land."""
    panel = geometry.panel
    way = ((panel.origin_mm - start_mm) @ panel.normal) / np.where(
        np.abs(out @ panel.normal) > 1e-9, out @ panel.normal, 1e-9
    )
    away = start_mm + way[:, None] * out - panel.origin_mm
    return np.stack([away @ panel.fast, away @ panel.slow], axis=1) / panel.pixel_mm


def _footprint(beam: MonoBeam, geometry: SweepGeometry, out: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return unit vectors (m, 2) away from the beam on the panel, and standard deviations (m, 2) along and across."""
    panel = geometry.panel
    lateral = out - (out @ BEAM)[:, None] * BEAM
    radial = np.stack([lateral @ panel.fast, lateral @ panel.slow], axis=1)
    radial = radial / np.maximum(np.linalg.norm(radial, axis=1), 1e-9)[:, None]
    cosine = np.clip(out @ BEAM, -1.0, 1.0)
    sine_theta = np.sqrt(0.5 * (1.0 - cosine))
    tangent = sine_theta / np.sqrt(np.maximum(0.5 * (1.0 + cosine), 1e-6))
    horizontal, vertical = np.radians(beam.divergence_deg) / _FWHM
    mosaic = np.radians(beam.mosaic_deg) / _FWHM
    size = beam.crystal_mm3 ** (1.0 / 3.0) / np.sqrt(12.0)
    distance = panel.distance_mm
    along = np.sqrt((distance * np.hypot(horizontal, 2.0 * tangent * beam.spread / _FWHM)) ** 2 + size**2)
    across = np.sqrt((distance * np.hypot(vertical, 2.0 * sine_theta * mosaic)) ** 2 + size**2)
    sigma = np.stack([along, across], axis=1) / panel.pixel_mm
    return radial, np.hypot(sigma, _PIXEL_SPREAD)


def _draw(mean: Float64Array, spots: _Drawn, i: int, share: float) -> None:
    """Add one spot's share to a frame's expected counts."""
    (x, y), sigma = spots.position_px[i], spots.sigma_px[i]
    reach = int(np.ceil(_REACH * sigma.max()))
    rows: Int64Array = np.arange(max(int(y) - reach, 0), min(int(y) + reach + 1, mean.shape[0]))
    columns: Int64Array = np.arange(max(int(x) - reach, 0), min(int(x) + reach + 1, mean.shape[1]))
    if not len(rows) or not len(columns):
        return
    dx, dy = columns[None, :] - x, rows[:, None] - y
    ux, uy = spots.radial[i]
    along, across = dx * ux + dy * uy, dy * ux - dx * uy
    shape = np.exp(-0.5 * ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2)) / (2.0 * np.pi * sigma[0] * sigma[1])
    mean[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += share * spots.counts[i] * shape
