"""What instruments and samples add to bands: backgrounds of many kinds, uneven detectors, windows that end early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from beamgym.physics.arpes.wide.clean import CleanSpectra
from beamgym.physics.arpes.wide.worse import blur_matrices, buried
from beamgym.physics.arrays import Float32Array, Float64Array


def with_background(clean: CleanSpectra, draw: np.random.Generator) -> CleanSpectra:
    """Return spectra with a random background beside their own, 0.02 to 3 electrons for each of theirs.

    It is a mixture of inelastic tails, electrons scattered along the slit, a secondary edge or the tail of a core level
    at the bottom, a step at the Fermi level, smooth hills, and a flat floor.
    """
    m = len(clean)
    share = 0.02 * 150.0 ** draw.random(m) * (draw.random(m) < 0.9)
    return buried(clean, share, background_shapes(clean, draw))


def background_shapes(clean: CleanSpectra, draw: np.random.Generator) -> Float32Array:
    """Return shapes (m, e, a) of backgrounds, of the kinds that ``with_background`` names, mixed at random."""
    m, rows, columns = clean.bands.shape
    low = np.linspace(1.0, 0.0, rows)[None, :]  # 1 at the bottom
    mean = clean.bands.mean(2, dtype=np.float64)
    tail = np.cumsum(mean[:, ::-1], axis=1)[:, ::-1]
    step = np.asarray(mean > 0.15 * mean.max(1, keepdims=True), np.float64)
    step = np.maximum.accumulate(step[:, ::-1], axis=1)[:, ::-1]  # all below the topmost bright row
    soft = blur_matrices(rows, np.asarray(draw.uniform(0.3, 5.0, m)))
    step = np.asarray((soft @ step[:, :, None].astype(np.float32))[:, :, 0], np.float64)
    cut = np.exp(-(1.0 - low) / (0.03 * 40.0 ** draw.random((m, 1))))
    depth = draw.uniform(0.02, 0.6, (m, 1))
    core = 1.0 / (1.0 + ((1.0 - low + depth) / (0.05 + 0.4 * draw.random((m, 1)))) ** 2)
    along = [tail, mean, cut, core, step * (1.0 + draw.uniform(-0.5, 2.0, (m, 1)) * low), np.ones((m, rows))]
    along[2 + int(draw.integers(2))] *= step if draw.random() < 0.3 else 1.0
    weight = np.exp(draw.normal(0.0, 1.0, (len(along), m, 1))) * (draw.random((len(along), m, 1)) < 0.45)
    weight[-1] += 0.02
    profile = sum(w * p / np.maximum(p.mean(1, keepdims=True), 1e-9) for w, p in zip(weight, along, strict=True))
    hills = _smooth(draw, m, rows, columns, np.asarray(0.5 * draw.random(m) ** 2))
    return np.asarray(profile[:, :, None] * hills, dtype=np.float32)


def seen_by(clean: CleanSpectra, draw: np.random.Generator) -> CleanSpectra:
    """Return spectra behind another uneven detector: vignetting, stripes, ripple, grain, and windows that end early."""
    m, rows, columns = clean.bands.shape
    gain = _smooth(draw, m, rows, columns, np.asarray(0.3 * draw.random(m) ** 2)).astype(np.float32)
    x, y = np.linspace(-1.0, 1.0, columns)[None, None, :], np.linspace(-1.0, 1.0, rows)[None, :, None]
    loss = _some(draw, m, 0.4) * draw.uniform(0.1, 0.9, (m, 1, 1))
    gain *= 1.0 - loss * (x - draw.uniform(-0.3, 0.3, (m, 1, 1))) ** 2 / 1.7
    stripes = 1.0 + _some(draw, m, 0.3) * draw.uniform(0.0, 0.06, (m, 1, 1)) * draw.normal(size=(m, 1, columns))
    lines = 1.0 + _some(draw, m, 0.15) * draw.uniform(0.0, 0.05, (m, 1, 1)) * draw.normal(size=(m, rows, 1))
    waves, turn = draw.uniform(4.0, 40.0, (m, 1, 1)), draw.uniform(0.0, np.pi, (m, 1, 1))
    phase = waves * (np.cos(turn) * x + np.sin(turn) * y) * np.pi + draw.uniform(0.0, 6.3, (m, 1, 1))
    ripple = 1.0 + _some(draw, m, 0.25) * draw.uniform(0.0, 0.15, (m, 1, 1)) * np.cos(phase)
    step = 1 + int(draw.integers(2))
    noise = draw.standard_normal((m, rows // step, columns // step), np.float32)
    noise = noise.repeat(step, axis=1).repeat(step, axis=2)
    grain = 1.0 + (0.08 * draw.random((m, 1, 1)) * _some(draw, m, 0.3)).astype(np.float32) * noise
    gain = gain * (np.maximum(stripes * lines, 0.0) * ripple).astype(np.float32) * np.maximum(grain, 0.0)
    return replace(clean, gain=np.asarray(clean.gain * gain * _acceptance(draw, m, x, y), dtype=np.float32))


def _acceptance(draw: np.random.Generator, m: int, x: Float64Array, y: Float64Array) -> Float32Array:
    """Return 1 within a trapezoid or circle and little beyond it, soft at its rim, for one in four spectra."""
    half, lean = draw.uniform(0.6, 1.1, (m, 1, 1)), draw.uniform(-0.25, 0.25, (m, 1, 1))
    shift = draw.uniform(-0.15, 0.15, (m, 1, 1))
    sides = half + lean * y - np.abs(x - shift)
    circle = draw.uniform(1.05, 1.4, (m, 1, 1)) - np.hypot(x - shift, y)
    away = np.where(draw.random((m, 1, 1)) < 0.7, sides, circle) / draw.uniform(0.005, 0.06, (m, 1, 1))
    dark = draw.uniform(0.0, 0.3, (m, 1, 1)) * (draw.random((m, 1, 1)) < 0.5)
    inside = dark + (1.0 - dark) / (1.0 + np.exp(-np.clip(away, -40.0, 40.0)))
    used = _some(draw, m, 0.25)
    return np.asarray(used * inside + (1.0 - used), dtype=np.float32)


def rows_seen(draw: np.random.Generator, m: int, rows: int, share: float = 0.25) -> Float32Array:
    """Return which rows (m, rows) are seen, 1 or 0: a share of spectra lacks the bottom or the top of the window."""
    bottom = np.where(draw.random(m) < 0.8, draw.uniform(0.0, 0.6, m), 0.0) * (draw.random(m) < share)
    top = np.where(draw.random(m) < 0.5, draw.uniform(0.0, 0.17, m), 0.0) * (draw.random(m) < share)
    row = np.arange(rows)
    seen = (row >= np.floor(bottom * rows)[:, None]) & (row < rows - np.floor(top * rows)[:, None])
    return np.asarray(seen, dtype=np.float32)


def cut_short(clean: CleanSpectra, seen: Float32Array) -> CleanSpectra:
    """Return spectra of which only some rows (m, e) are seen: the others hold nothing, and the sensitivity is 0."""
    part = seen[:, :, None]
    return replace(clean, bands=clean.bands * part, ground=clean.ground * part, gain=clean.gain * part)


def _smooth(
    draw: np.random.Generator, m: int, rows: int, columns: int, strength: Float64Array, waves: int = 3
) -> Float64Array:
    """Return hills and valleys (m, rows, columns), positive, about 1."""
    x, y = np.linspace(0.0, np.pi, columns), np.linspace(0.0, np.pi, rows)
    number = np.arange(waves + 1)
    coefficient = draw.normal(size=(m, waves + 1, waves + 1)) / (1.0 + number[:, None] + number)
    coefficient[:, 0, 0] = 0.0
    hill = np.cos(y[:, None] * number) @ coefficient @ np.cos(number[:, None] * x)
    return np.asarray(np.exp(strength[:, None, None] * hill))


def _some(draw: np.random.Generator, m: int, share: float) -> Float64Array:
    return (draw.random((m, 1, 1)) < share).astype(np.float64)
