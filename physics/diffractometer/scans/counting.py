"""Expected and drawn counts of a scan."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer import Diffractometer
from beamgym.physics.diffractometer.scans.beams import FWHM, MonoBeam, SlitCounter
from beamgym.physics.diffractometer.scans.count_kernels import draw, expected
from beamgym.physics.diffractometer.scans.paths import ScanPath, slit_frames
from beamgym.physics.diffractometer.scans.reflecting import Reflecting

_SAMPLING = 1.4
"""Standard deviations of the rocking curve between the places at which a point on the fly is worked out: the sum of a
Gaussian at that spacing is its integral to 1e-4."""
_HOLDER: Final = (
    (2.338, 1.0),
    (2.024, 0.47),
    (1.431, 0.22),
    (1.221, 0.24),
    (1.169, 0.07),
    (1.0124, 0.02),
    (0.929, 0.08),
)
"""Powder lines of aluminium: spacing in Å and intensity relative to the strongest (PDF 4-787)."""


@dataclass(frozen=True, eq=False)
class ScanSample:
    """What stands on a diffractometer, as it is.

    Parameters
    ----------
    reflecting : its reflections, at the true wavelength
    us : (g, 3, 3) of each grain, crystal to mount frame
    shares : (g,) volume of each over that of the beam's usual crystal
    offset_mm : (3,) from the axes' common point, in the mount frame
    zero_deg : (k,) true positions minus read ones
    wavelength_a : true, Å
    """

    reflecting: Reflecting
    us: Float64Array
    shares: Float64Array
    offset_mm: Float64Array
    zero_deg: Float64Array
    wavelength_a: float


def widths_of(beam: MonoBeam, detector: SlitCounter) -> Float64Array:
    """Return mosaic, horizontal and vertical divergence, Δλ/λ and the crystal's extent: σ, (5,) radians."""
    horizontal, vertical = beam.divergence_deg
    extent = beam.crystal_mm3 ** (1.0 / 3.0) / np.sqrt(12.0) / detector.distance_mm
    angles = np.radians([beam.mosaic_deg, horizontal, vertical]) / FWHM
    return np.array([*angles, beam.spread / FWHM, extent])


def rates(
    instrument: Diffractometer, sample: ScanSample, beam: MonoBeam, detector: SlitCounter, degrees: Float64Array
) -> Float64Array:
    """Return expected count rates at read positions (s, k), background included, counts per second, (s,)."""
    frames, two_theta, rotation, slit = slit_frames(instrument, degrees + sample.zero_deg)
    shifts = np.zeros((len(degrees), 2))
    if sample.offset_mm.any():
        shifts = np.einsum("sai,si->sa", slit, rotation @ sample.offset_mm) / detector.distance_mm
    rate = np.empty(len(degrees))
    half = np.radians([0.5 * detector.in_plane_deg, 0.5 * detector.across_deg])
    one = sample.reflecting
    polarised = beam.polarised if beam.radiation == "xray" else -1.0
    expected(
        frames,
        shifts,
        two_theta,
        one.q,
        one.bragg,
        one.strength,
        sample.us,
        sample.shares,
        widths_of(beam, detector),
        half,
        polarised,
        rate,
    )
    return rate + background(beam, detector, two_theta, sample.wavelength_a)


def background(beam: MonoBeam, detector: SlitCounter, two_theta: Float64Array, wavelength_a: float) -> Float64Array:
    """Return the background (s,) of scattering angles (s,), radians, counts per second: flat, air, and the holder."""
    degrees = np.degrees(two_theta)
    total = beam.flat_cps + beam.air_cps * np.exp(-degrees / beam.air_deg)
    spread = np.hypot(detector.in_plane_deg / np.sqrt(12.0), beam.divergence_deg[1] / FWHM)
    for spacing, share in _HOLDER:
        sine = 0.5 * wavelength_a / spacing
        if sine < 1.0:
            line = 2.0 * np.degrees(np.arcsin(sine))
            total = total + beam.holder_cps * share * np.exp(-0.5 * ((degrees - line) / spread) ** 2)
    return np.asarray(total)


def counted(
    instrument: Diffractometer,
    sample: ScanSample,
    beam: MonoBeam,
    detector: SlitCounter,
    path: ScanPath,
    spikes_per_s: float,
    key: np.uint64,
) -> Float64Array:
    """Return drawn counts (p,) of a scan; where the attenuator was in they are multiplied by its factor."""
    counts, weaker = drawn(instrument, sample, beam, detector, path, spikes_per_s, key)
    return counts * weaker


def drawn(
    instrument: Diffractometer,
    sample: ScanSample,
    beam: MonoBeam,
    detector: SlitCounter,
    path: ScanPath,
    spikes_per_s: float,
    key: np.uint64,
) -> tuple[Float64Array, Float64Array]:
    """Return drawn counts (p,) of a scan as the counter gives them, and the attenuator's factor (p,), 1 without it.

    Parameters
    ----------
    instrument, sample, beam, detector : what is scanned
    path : its way
    spikes_per_s : bursts
    key : of the counts
    """
    good = np.flatnonzero(path.count_s > 0.0)
    mean = np.zeros(len(path.count_s))
    if not len(good):
        return mean, np.ones(len(mean))
    edges = path.edges[good]
    longest = float(np.abs(edges[:, 1] - edges[:, 0]).max())
    widths = widths_of(beam, detector)
    finest = np.degrees(np.hypot(widths[0], min(widths[1], widths[2])))
    parts = max(int(np.ceil(longest / (_SAMPLING * finest))), 1)
    share = (np.arange(parts) + 0.5) / parts
    places = edges[:, None, 0] + share[None, :, None] * (edges[:, None, 1] - edges[:, None, 0])
    rate = rates(instrument, sample, beam, detector, places.reshape(-1, edges.shape[2])).reshape(len(good), parts)
    strong = rate.max(axis=1) > beam.most_cps
    weak = np.ones(len(mean))
    weak[good[strong]] = detector.filter_factor
    mean[good] = rate.mean(axis=1) * path.count_s[good] / weak[good]
    out = np.empty(len(mean))
    draw(mean, path.count_s, detector.dead_time_s, spikes_per_s, key, out)
    return out, weak
