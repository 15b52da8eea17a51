"""ARPES spectra: the error of the rate, and how far the brightest band of a row is from where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.table import Table
from scipy.ndimage import gaussian_filter1d

from beamgym.agents.denoising import Rival
from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import Scene, scene_source
from beamgym.scripts.denoise_suite.methods import USUAL, Asked, tuned
from beamgym.scripts.rates import Bar

_TUNING, _RESAMPLED, _STREAM = 12, 400, 83
_RIDGE_PX, _CLEAR = 2.0, 1.3  # smoothing along the slit, and how far a summit must stand above its row's mean


@dataclass(frozen=True)
class Row:
    """How one method did: relative error of the rate, and median distance of the brightest band of a row in pixels,
    with intervals of 95 %."""

    name: str
    setting: str
    error: float
    error_interval: tuple[float, float]
    ridge_px: float
    ridge_interval: tuple[float, float]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    tuning = [scene_source("arpes", "tune").take(asked.seed, i) for i in range(_TUNING)]
    scenes = [scene_source("arpes", "test").take(asked.seed, i) for i in range(asked.frames)]

    def score(rival: Rival) -> float:
        asked.told(f"tuning {rival.name}, {rival.setting}")
        return -float(np.mean([_judge(rival, scene, asked.seed, i)[0] for i, scene in enumerate(tuning)]))

    networks = asked.networks("arpes")
    rows = []
    for rival in [*networks, *tuned(USUAL, score).values()]:
        asked.told(rival.name)
        rows.append(_row(rival, scenes, asked.seed))
    own = rows[0]
    best = min(rows[len(networks) :], key=lambda row: row.error)
    near = min(rows[len(networks) :], key=lambda row: row.ridge_px)
    bars = [
        Bar(
            f"{own.name}: error of the rate",
            f"below {100 * best.error:.1f} % of {best.name}",
            f"{100 * own.error:.1f} % ({100 * own.error_interval[0]:.1f}–{100 * own.error_interval[1]:.1f})",
            own.error < best.error,
        ),
        Bar(
            f"{own.name}: distance of the brightest band",
            f"below {near.ridge_px:.2f} px of {near.name}",
            f"{own.ridge_px:.2f} px ({own.ridge_interval[0]:.2f}–{own.ridge_interval[1]:.2f})",
            own.ridge_px < near.ridge_px,
        ),
    ]
    return {"rows": [row.as_dict() for row in rows]}, bars, [_table(rows)]


def _judge(rival: Rival, scene: Scene, seed: int, number: int) -> tuple[float, float]:
    """Return the relative root mean square error of the rate, and the mean distance of the brightest band, pixels."""
    rate = scene.rate.astype(np.float64)
    counts = np.random.default_rng([seed, number, _STREAM]).poisson(rate).astype(np.float64)
    found = rival.method(counts, scene.mask)
    error = float(np.sqrt(np.mean((found - rate) ** 2)) / rate.mean())
    true = rate.argmax(1)
    clear = rate.max(1) > np.maximum(_CLEAR * rate.mean(1), 0.2 * rate.max())
    off = np.abs(gaussian_filter1d(found, _RIDGE_PX, axis=1).argmax(1) - true)[clear]
    return error, float(off.mean()) if len(off) else np.nan


def _row(rival: Rival, scenes: Sequence[Scene], seed: int) -> Row:
    each = np.array([_judge(rival, scene, seed, i) for i, scene in enumerate(scenes)])
    draw = np.random.default_rng([seed, _STREAM + 1])
    chosen = draw.integers(0, len(each), (_RESAMPLED, len(each)))
    errors, ridges = each[chosen, 0].mean(1), np.nanmean(each[chosen, 1], axis=1)
    return Row(
        rival.name,
        rival.setting,
        float(each[:, 0].mean()),
        _interval(errors),
        float(np.nanmean(each[:, 1])),
        _interval(ridges),
    )


def _interval(values: Float64Array) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _table(rows: Sequence[Row]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("method", "setting", "error of the rate (95 %)", "brightest band off by"):
        out.add_column(heading)
    for row in rows:
        low, high = row.error_interval
        near, far = row.ridge_interval
        out.add_row(
            row.name,
            row.setting,
            f"{100 * row.error:.1f} % ({100 * low:.1f}–{100 * high:.1f})",
            f"{row.ridge_px:.2f} px ({near:.2f}–{far:.2f})",
        )
    return out
