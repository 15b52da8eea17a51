"""Small-angle neutron scattering: particles in solution and flux-line lattices, on a square detector."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import form_factors
from beamgym.physics.scenes.scene import NO_PEAKS, Scene, generator

SIDE, PIXEL_MM = 128, 5.0
WAVELENGTH_A = 6.0

MODELS = {
    "train": ("spheres", "cylinders", "coils", "flux lines, hexagonal"),
    "tune": ("ellipsoids",),
    "test": ("vesicles", "thin discs", "flux lines, square"),
}
"""What is drawn in each split."""

_UNMARKED, _LEAK = 0.5, (-3.0, -1.0)
"""Share of the frames trained on whose file does not say where the beam stop is, and what passes it, powers of ten."""

_SPREAD_POINTS = 9  # radii across a distribution of sizes
_FINE = 220  # of the table of I(q)

Curve = Callable[[Float64Array, float], Float64Array]


class Scenes:
    """Frames of one sample each."""

    def __init__(self, split: str) -> None:
        self.split = split

    def take(self, seed: int, index: int) -> Scene:
        """Return scene ``index``; the models of the split take turns."""
        draw = generator("sans", self.split, seed, index)
        model = MODELS[self.split][index % len(MODELS[self.split])]
        q, azimuth, radius_px, solid = _geometry(draw)
        signal = _flux_lines(draw, q, azimuth, model) if "flux" in model else _particles(draw, q, model)
        incoherent = 10.0 ** draw.uniform(-3.0, -1.0)
        shape = gaussian_filter((signal / signal.max() + incoherent) * solid, draw.uniform(0.7, 1.3))
        mask = radius_px < draw.uniform(3.5, 7.0)
        total = 10.0 ** draw.uniform(4.3, 6.0)
        unmarked = self.split == "train" and draw.random() < _UNMARKED
        leak = 10.0 ** draw.uniform(*_LEAK) if unmarked else 0.0
        rate = np.where(mask, leak * shape, shape)
        mask = mask & (not unmarked)
        return Scene("sans", model, (rate * (total / rate.sum())).astype(np.float32), mask, NO_PEAKS, q)


def _geometry(draw: np.random.Generator) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Return q in 1/Å, azimuth, distance from the beam in pixels and the solid angle of every pixel (relative)."""
    distance_mm = 1000.0 * draw.uniform(2.0, 10.0)
    centre = 0.5 * (SIDE - 1) + draw.uniform(-4.0, 4.0, 2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down, across = rows - centre[0], columns - centre[1]
    radius_px = np.hypot(down, across)
    angle = np.arctan(radius_px * PIXEL_MM / distance_mm)
    q = 4.0 * np.pi / WAVELENGTH_A * np.sin(0.5 * angle)
    return q, np.arctan2(down, across), radius_px, np.cos(angle) ** 3


def _particles(draw: np.random.Generator, q: Float64Array, model: str) -> Float64Array:
    """Return I(q) of particles of spread size, some with a power law of larger things besides."""
    top = float(q.max())
    size = draw.uniform(3.0, 14.0) / top  # so that its structure lies on the detector
    ratio = draw.uniform(0.15, 0.4)
    curves: dict[str, Curve] = {
        "spheres": form_factors.sphere,
        "cylinders": lambda x, r: form_factors.cylinder(x, ratio * r, 4.0 * r),
        "coils": lambda x, r: form_factors.gaussian_coil(x, r),
        "ellipsoids": lambda x, r: form_factors.ellipsoid(x, 0.6 * r, 1.0 + 8.0 * ratio),
        "vesicles": lambda x, r: form_factors.vesicle(x, r, ratio * r),
        "thin discs": lambda x, r: form_factors.cylinder(x, r, ratio * r),
    }
    fine = np.linspace(0.0, top, _FINE)
    spread = draw.uniform(0.04, 0.25)
    place, weight = np.polynomial.hermite.hermgauss(_SPREAD_POINTS)
    sizes = np.maximum(size * (1.0 + np.sqrt(2.0) * spread * place), 0.1 * size)
    share = weight * sizes**6  # large ones scatter by the square of their volume
    table = sum(part * curves[model](fine, r) for part, r in zip(share, sizes, strict=True)) / share.sum()
    if draw.random() < 0.4:
        table = table + draw.uniform(0.01, 0.3) * (np.maximum(fine, 0.05 * top) / (0.1 * top)) ** -draw.uniform(2, 4)
    return np.asarray(np.interp(q, fine, np.asarray(table)))


def _flux_lines(draw: np.random.Generator, q: Float64Array, azimuth: Float64Array, model: str) -> Float64Array:
    """Return the spots of a flux-line lattice: first order, and a weak second one, over diffuse scattering."""
    fold = 4 if "square" in model else 6
    top = float(q.max())
    first, turn = draw.uniform(0.25, 0.55) * top, draw.uniform(0.0, np.pi)
    radial, mosaic = draw.uniform(0.012, 0.03) * top, np.radians(draw.uniform(2.0, 6.0))
    second = np.sqrt(2.0 if fold == 4 else 3.0)
    out = draw.uniform(0.005, 0.05) / (1.0 + (q / (0.15 * top)) ** 2)
    for order, strength in ((1.0, 1.0), (second, draw.uniform(0.02, 0.15))):
        offset = turn if order == 1.0 else turn + np.pi / fold
        apart = np.angle(np.exp(1j * fold * (azimuth - offset))) / fold
        out = out + strength * np.exp(-0.5 * ((q - order * first) / radial) ** 2 - 0.5 * (apart / mosaic) ** 2)
    return np.asarray(out)
