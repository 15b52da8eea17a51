"""Monochromatic frames of a single crystal: Bragg peaks, diffuse background, and satellites that may be there or not.

The frame is the plane (h, 0, l) about two Bragg peaks, columns along h and rows along l. The satellites of charge order
lie at h = H ± q, half-way between two l; in La2-xSrxCuO4 with x = 0.12 at q = (0.231, 0, 0.5) (N. B. Christensen et
al., arXiv:1404.3192), short-range along c, as T. P. Croft et al., Phys. Rev. B 89 (2014) 224513, see them too. Training
and tuning draw satellites anywhere between the Bragg peaks, each side's on its own, but never there: a range of h left
out altogether would be learnt as one where no satellite ever is.
"""

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes.scene import Scene, generator

SIDE = 128
PX_PER_RLU = 80.0
"""Pixels in a reciprocal lattice unit, along h and along l."""

CHARGE_ORDER = (0.231, 0.5)
"""Of La2-xSrxCuO4, x = 0.12: h and l of the wave vector."""

BOX_SIGMAS = 2.0
"""Half edges of the box in which a satellite's counts are taken, in its standard deviations."""

LEFT_OUT = (0.02, 0.03)
"""Reciprocal lattice units along h and l about the test's wave vector in which no training scene has a satellite."""

_TRAINED_H, _TRAINED_L = (0.08, 0.44), (0.12, 0.88)


WaveVectors = tuple[tuple[float, float], tuple[float, float]]
"""h and l of the satellites at the left and at the right."""


class Scenes:
    """Frames about a pair of Bragg peaks; the test split is La2-xSrxCuO4's wave vector, which no other draws."""

    def __init__(self, split: str) -> None:
        self.split = split

    def take(self, seed: int, index: int) -> Scene:
        """Return scene ``index``; a satellite is 0.3 to 8 standard deviations of its background, or nothing."""
        draw = generator("diffraction", self.split, seed, index)
        places = self._wave_vectors(draw)
        strength = 0.0 if draw.random() < 0.3 else 10.0 ** draw.uniform(-0.5, 0.9)
        return _scene(draw, places, strength, 10.0 ** draw.uniform(-0.7, 1.0), self._model(places))

    def at(self, seed: int, index: int, signal_to_noise: float) -> Scene:
        """Return scene ``index`` with one satellite of a stated signal to noise, the other side's place empty."""
        draw = generator("diffraction", self.split, seed, index)
        places = self._wave_vectors(draw)
        level = 10.0 ** draw.uniform(-0.3, 0.7)
        return _scene(draw, places, signal_to_noise, level, self._model(places), one=True)

    def _wave_vectors(self, draw: np.random.Generator) -> WaveVectors:
        if self.split == "test":
            return CHARGE_ORDER, CHARGE_ORDER
        one, two = _elsewhere(draw), _elsewhere(draw)
        return one, two

    def _model(self, places: WaveVectors) -> str:
        near = ", ".join(f"({h:.3f}, 0, {along:.3f})" for h, along in places)
        return "La2-xSrxCuO4, x = 0.12" if self.split == "test" else f"satellites at {near}"


def _elsewhere(draw: np.random.Generator) -> tuple[float, float]:
    """Return h and l of a satellite that is not where the test's are."""
    while True:
        h, along = float(draw.uniform(*_TRAINED_H)), float(draw.uniform(*_TRAINED_L))
        if abs(h - CHARGE_ORDER[0]) > LEFT_OUT[0] or abs(along - CHARGE_ORDER[1]) > LEFT_OUT[1]:
            return h, along


def _scene(
    draw: np.random.Generator, places: WaveVectors, strength: float, level: float, model: str, one: bool = False
) -> Scene:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    middle = 0.5 * SIDE + draw.uniform(-6.0, 6.0)
    bottom = 0.5 * SIDE - 0.5 * PX_PER_RLU + draw.uniform(-6.0, 6.0)
    rate = _background(draw, rows, columns, level)
    for row in (bottom, bottom + PX_PER_RLU):
        rate += _bragg(draw, rows, columns, row, middle, level)
    width = draw.uniform(1.6, 3.2), draw.uniform(3.0, 8.0)  # along h and l: short-range along c
    empty = int(draw.integers(2)) if one else -1
    peaks = []
    for side, (sign, (h, along)) in enumerate(zip((-1.0, 1.0), places, strict=True)):
        column, row = middle + sign * h * PX_PER_RLU, bottom + along * PX_PER_RLU
        counts = 0.0 if side == empty else strength * np.sqrt(_in_box(rate, column, row, *width))
        peaks.append((column, row, counts, *width))
    for column, row, counts, *_ in peaks:
        rate += counts * _gaussian(columns, column, width[0]) * _gaussian(rows, row, width[1])
    mask = np.zeros(rate.shape, dtype=np.bool_)
    return Scene("diffraction", model, rate.astype(np.float32), mask, np.array(peaks))


def _background(draw: np.random.Generator, rows: Float64Array, columns: Float64Array, level: float) -> Float64Array:
    """Return a smooth level with a slope, and often a weak ring of the cryostat's aluminium."""
    slope, tilt = draw.uniform(-0.4, 0.4, 2)
    found = level * (1.0 + slope * (rows / SIDE - 0.5) + tilt * (columns / SIDE - 0.5))
    if draw.random() < 0.5:
        centre, radius = draw.uniform(-300.0, -100.0), draw.uniform(150.0, 400.0)
        distance = np.hypot(rows - centre, columns - draw.uniform(0.0, SIDE))
        found += level * draw.uniform(0.1, 0.8) * np.exp(-0.5 * ((distance - radius) / draw.uniform(2.0, 5.0)) ** 2)
    return np.asarray(found)


def _bragg(
    draw: np.random.Generator,
    rows: Float64Array,
    columns: Float64Array,
    row: float,
    column: float,
    level: float,
) -> Float64Array:
    """Return a Bragg peak with thermal diffuse scattering, ∝ 1/q² near it, and a streak along l."""
    narrow, height = draw.uniform(0.8, 1.8), level * 10.0 ** draw.uniform(1.5, 3.5)
    squared = (rows - row) ** 2 + (columns - column) ** 2
    peak = height * np.exp(-0.5 * squared / narrow**2)
    diffuse = level * draw.uniform(2.0, 30.0) / (1.0 + squared / draw.uniform(2.0, 6.0) ** 2)
    streak = level * draw.uniform(0.0, 0.5) * np.exp(-0.5 * ((columns - column) / narrow) ** 2)
    return np.asarray(peak + diffuse + streak)


def _gaussian(place: Float64Array, middle: float, width: float) -> Float64Array:
    return np.asarray(np.exp(-0.5 * ((place - middle) / width) ** 2) / (width * np.sqrt(2.0 * np.pi)))


def box_of(column: float, row: float, across: float, along: float) -> tuple[slice, slice]:
    """Return the pixels (rows, columns) of a peak's box, of ``BOX_SIGMAS`` standard deviations to each side."""
    return (
        slice(round(row - BOX_SIGMAS * along), round(row + BOX_SIGMAS * along) + 1),
        slice(round(column - BOX_SIGMAS * across), round(column + BOX_SIGMAS * across) + 1),
    )


def _in_box(rate: Float64Array, column: float, row: float, across: float, along: float) -> float:
    return float(rate[box_of(column, row, across, along)].sum())
