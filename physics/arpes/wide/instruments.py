"""What instruments and samples add to bands: backgrounds of many kinds, uneven detectors, windows that end early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from beamgym.physics.arpes.wide.clean import CleanSpectra
from beamgym.physics.arpes.wide.worse import blur_matrices, buried
from beamgym.physics.arrays import Float32Array, Float64Array


def with_background(clean: CleanSpectra, draw: np.random.Generator) -> CleanSpectra:
    """Return spectra with a random background beside their own, 0.02 to 3 electrons for each of theirs.

    It is a mixture of inelastic tails, which follow the bands or do not, electrons scattered along the slit, a
    secondary edge or the tail of a core level at the bottom, a step at the Fermi level, smooth hills, and a flat floor.
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
    shapes = profile.astype(np.float32)[:, :, None] * hills
    follow = np.flatnonzero(draw.random(m) < 0.3)
    shapes[follow] += _following_tail(clean.bands[follow], draw) * shapes[follow].mean((1, 2), keepdims=True)
    return np.asarray(shapes, dtype=np.float32)


def _following_tail(bands: Float32Array, draw: np.random.Generator) -> Float32Array:
    """Return electrons that lost energy but little momentum: below every band, smeared along the slit; mean 0 to 3."""
    smear = blur_matrices(bands.shape[2], 2.0 * 20.0 ** draw.random(len(bands))).swapaxes(1, 2)
    tail = np.cumsum(bands[:, ::-1], axis=1)[:, ::-1] @ smear
    strength = draw.uniform(0.3, 3.0, (len(bands), 1, 1)).astype(np.float32)
    return np.asarray(strength * tail / np.maximum(tail.mean((1, 2), keepdims=True), 1e-9), dtype=np.float32)


def seen_by(clean: CleanSpectra, draw: np.random.Generator) -> CleanSpectra:
    """Return spectra behind another uneven detector: vignetting, stripes, ripple, grain, and windows that end early."""
    m, rows, columns = clean.bands.shape
    gain = _smooth(draw, m, rows, columns, np.asarray(0.3 * draw.random(m) ** 2))
    x, y = np.linspace(-1.0, 1.0, columns)[None, None, :], np.linspace(-1.0, 1.0, rows)[None, :, None]
    loss = _some(draw, m, 0.4) * draw.uniform(0.1, 0.9, (m, 1, 1))
    gain *= (1.0 - loss * (x - draw.uniform(-0.3, 0.3, (m, 1, 1))) ** 2 / 1.7).astype(np.float32)
    stripes = 1.0 + _some(draw, m, 0.3) * draw.uniform(0.0, 0.06, (m, 1, 1)) * draw.normal(size=(m, 1, columns))
    lines = 1.0 + _some(draw, m, 0.15) * draw.uniform(0.0, 0.05, (m, 1, 1)) * draw.normal(size=(m, rows, 1))
    waves, turn = draw.uniform(4.0, 40.0, (m, 1, 1)), draw.uniform(0.0, np.pi, (m, 1, 1))
    phase = draw.uniform(0.0, 6.3, (m, 1, 1))
    gain *= np.maximum(stripes, 0.0).astype(np.float32)
    gain *= np.maximum(lines, 0.0).astype(np.float32)
    wavy = np.flatnonzero(draw.random(m) < 0.25)
    along = np.pi * waves[wavy] * np.cos(turn[wavy]) * x + phase[wavy]
    across = np.pi * waves[wavy] * np.sin(turn[wavy]) * y
    ripple = np.cos(along) * np.cos(across) - np.sin(along) * np.sin(across)
    gain[wavy] *= (1.0 + draw.uniform(0.0, 0.15, (len(wavy), 1, 1)) * ripple).astype(np.float32)
    grained = np.flatnonzero(draw.random(m) < 0.4)
    gain[grained] *= _grain(clean[grained], draw)
    rimmed = np.flatnonzero(draw.random(m) < 0.25)
    gain[rimmed] *= _acceptance(draw, len(rimmed), x, y)
    return replace(clean, gain=np.asarray(clean.gain * gain, dtype=np.float32))


def _grain(clean: CleanSpectra, draw: np.random.Generator) -> Float32Array:
    """Return sensitivities (m, e, a) that vary from place to place, by one to three pixels.

    Half are of the detector; half are what is left of the noise of a spectrum that was measured and smoothed before,
    strongest where it is dark.
    """
    m, rows, columns = clean.bands.shape
    step = 1 + int(draw.integers(3))
    noise = draw.standard_normal((m, -(-rows // step), -(-columns // step)), np.float32)
    noise = noise.repeat(step, axis=1).repeat(step, axis=2)[:, :rows, :columns]
    strength = (0.08 * draw.random((m, 1, 1))).astype(np.float32)
    rate = clean.bands + clean.ground
    dim = np.sqrt(rate / np.maximum(rate.mean((1, 2), keepdims=True), np.float32(1e-9)))
    left_over = (draw.random((m, 1, 1)) < 0.5) / np.maximum(dim, np.float32(0.2))
    uneven = 1.0 + strength * noise * np.where(left_over > 0.0, left_over, 1.0).astype(np.float32)
    return np.asarray(np.maximum(uneven, 0.0), dtype=np.float32)


def _acceptance(draw: np.random.Generator, m: int, x: Float64Array, y: Float64Array) -> Float32Array:
    """Return 1 within a trapezoid or circle and little beyond it, soft at its rim."""
    half, lean = draw.uniform(0.6, 1.1, (m, 1, 1)), draw.uniform(-0.25, 0.25, (m, 1, 1))
    shift = draw.uniform(-0.15, 0.15, (m, 1, 1))
    sides = half + lean * y - np.abs(x - shift)
    circle = draw.uniform(1.05, 1.4, (m, 1, 1)) - np.hypot(x - shift, y)
    away = np.where(draw.random((m, 1, 1)) < 0.7, sides, circle) / draw.uniform(0.005, 0.06, (m, 1, 1))
    dark = draw.uniform(0.0, 0.3, (m, 1, 1)) * (draw.random((m, 1, 1)) < 0.5)
    return np.asarray(dark + (1.0 - dark) / (1.0 + np.exp(-np.clip(away, -40.0, 40.0))), dtype=np.float32)


def rows_seen(draw: np.random.Generator, m: int, rows: int, share: float = 0.25) -> Float32Array:
    """Return which rows (m, rows) are seen, 1 or 0: a share of spectra lacks the bottom or the top of the window."""
    bottom = np.where(draw.random(m) < 0.8, draw.uniform(0.0, 0.6, m), 0.0) * (draw.random(m) < share)
    top = np.where(draw.random(m) < 0.5, draw.uniform(0.0, 0.17, m), 0.0) * (draw.random(m) < share)
    row = np.arange(rows)
    seen = (row >= np.floor(bottom * rows)[:, None]) & (row < rows - np.floor(top * rows)[:, None])
    return np.asarray(seen, dtype=np.float32)


def cut_short(clean: CleanSpectra, seen: Float32Array) -> CleanSpectra:
    """Return spectra of which only some rows (m, e) are seen: the others hold nothing, and the sensitivity is 0."""
    if seen.all():
        return clean
    part = seen[:, :, None]
    return replace(clean, bands=clean.bands * part, ground=clean.ground * part, gain=clean.gain * part)


def _smooth(
    draw: np.random.Generator, m: int, rows: int, columns: int, strength: Float64Array, waves: int = 3
) -> Float32Array:
    """Return hills and valleys (m, rows, columns), positive, about 1."""
    x, y = np.linspace(0.0, np.pi, columns), np.linspace(0.0, np.pi, rows)
    number = np.arange(waves + 1)
    coefficient = draw.normal(size=(m, waves + 1, waves + 1)) / (1.0 + number[:, None] + number)
    coefficient[:, 0, 0] = 0.0
    coefficient *= strength[:, None, None]
    along, across = np.cos(y[:, None] * number).astype(np.float32), np.cos(number[:, None] * x).astype(np.float32)
    return np.asarray(np.exp(along @ coefficient.astype(np.float32) @ across))


def _some(draw: np.random.Generator, m: int, share: float) -> Float64Array:
    return (draw.random((m, 1, 1)) < share).astype(np.float64)
