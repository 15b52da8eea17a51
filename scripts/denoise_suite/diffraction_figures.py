"""Weak satellites of La2-xSrxCuO4 at signal to noise 1: told from empty places, and measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from beamgym.agents.denoising import Rival, area_under_curve, excess
from beamgym.envs.denoising import FrameDenoiser
from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import DiffractionScenes, Scene
from beamgym.scripts.denoise_suite.methods import USUAL, Asked, tuned
from beamgym.scripts.rates import Bar

SIGNAL_TO_NOISE = 1.0
_SCENES_A_FRAME = 10
"""A frame is small: as many scenes are judged for every frame asked for."""

_TUNING, _RESAMPLED, _STREAM = 80, 400, 73


@dataclass(frozen=True)
class Row:
    """How one method did: the area under the curve with its interval of 95 %, the mean of the satellites' counts over
    their true ones, less 1, and the share of intervals of 68 % that hold the true counts."""

    name: str
    setting: str
    auc: float
    auc_interval: tuple[float, float]
    bias: float
    held: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    tuning = [DiffractionScenes("tune").at(asked.seed, i, SIGNAL_TO_NOISE) for i in range(_TUNING)]
    number = asked.frames * _SCENES_A_FRAME
    scenes = [DiffractionScenes("test").at(asked.seed, i, SIGNAL_TO_NOISE) for i in range(number)]
    denoisers = asked.denoisers("diffraction")
    rows = []
    for denoiser in denoisers:
        asked.told(denoiser.name)
        rows.append(_row_of(denoiser, scenes, asked.seed))
    for rival in tuned(USUAL, partial(_told_auc, tuning, asked)).values():
        asked.told(rival.name)
        rows.append(_row(rival, scenes, asked.seed))
    rows.append(_counts_row(scenes, denoisers[0], asked.seed))
    own = rows[0]
    best = max((row for row in rows[len(denoisers) : -1]), key=lambda row: row.auc)
    bars = [
        Bar(
            f"{own.name}: satellites told from empty places (AUC)",
            f"above {best.auc:.3f} of {best.name}",
            f"{own.auc:.3f} ({own.auc_interval[0]:.3f}–{own.auc_interval[1]:.3f})",
            own.auc > best.auc,
        ),
        Bar(f"{own.name}: bias of the intensity", "≤ 5 %", f"{100 * own.bias:+.1f} %", abs(own.bias) <= 0.05),
        Bar(
            "intensity from the counts, background by the network",
            "≤ 5 %",
            f"{100 * rows[-1].bias:+.1f} %",
            abs(rows[-1].bias) <= 0.05,
        ),
        *_held_bars(own, rows[-1]),
    ]
    figures = {"rows": [row.as_dict() for row in rows], "signal_to_noise": SIGNAL_TO_NOISE, "scenes": number}
    return figures, bars, [_table(rows)]


def _held_bars(*rows: Row) -> list[Bar]:
    return [
        Bar(
            f"{row.name}: intervals of 68 % that hold the truth",
            "60–76 %",
            f"{100 * row.held:.0f} %",
            0.60 <= row.held <= 0.76,
        )
        for row in rows
        if row.held is not None
    ]


def _told_auc(tuning: Sequence[Scene], asked: Asked, rival: Rival) -> float:
    asked.told(f"tuning {rival.name}, {rival.setting}")
    present, absent, _ = _statistics(rival, tuning, asked.seed)
    return area_under_curve(present, absent)


def _statistics(rival: Rival, scenes: Sequence[Scene], seed: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the counts at places with a satellite, at those without, and the true ones of the first."""
    with_one, without, true = [], [], []
    for i, scene in enumerate(scenes):
        image = rival.method(_counted(scene, seed, i), scene.mask)
        for peak in scene.peaks:
            found = excess(image, peak)
            if peak[2] > 0.0:
                with_one.append(found.counts)
                true.append(excess(scene.rate.astype(np.float64), peak).counts)
            else:
                without.append(found.counts)
    return np.array(with_one), np.array(without), np.array(true)


def _row(rival: Rival, scenes: Sequence[Scene], seed: int) -> Row:
    return _judged(rival.name, rival.setting, *_statistics(rival, scenes, seed), None, seed)


def _row_of(denoiser: FrameDenoiser, scenes: Sequence[Scene], seed: int) -> Row:
    """Return the row of a network: its own uncertainty, of the box and of the background beside it."""
    with_one, without, true, held = [], [], [], []
    for i, scene in enumerate(scenes):
        made = denoiser(_counted(scene, seed, i))
        for peak in scene.peaks:
            found = excess(made.rate, peak)
            if peak[2] == 0.0:
                without.append(found.counts)
                continue
            spread = denoiser.sum_uncertainty(made.uncertainty[found.box])
            with_one.append(found.counts)
            true.append(excess(scene.rate.astype(np.float64), peak).counts)
            held.append(abs(found.counts - true[-1]) <= spread)
    return _judged(
        denoiser.name,
        f"bundle {denoiser.name}",
        np.array(with_one),
        np.array(without),
        np.array(true),
        float(np.mean(held)),
        seed,
    )


def _counts_row(scenes: Sequence[Scene], denoiser: FrameDenoiser, seed: int) -> Row:
    """Return the row of what a denoised frame may be used for: the counts of the box less the rate beside it, and their
    Poisson uncertainty."""
    with_one, without, true, held = [], [], [], []
    for i, scene in enumerate(scenes):
        counts = _counted(scene, seed, i)
        rate = denoiser(counts).rate
        for peak in scene.peaks:
            smooth, seen = excess(rate, peak), counts[excess(rate, peak).box].sum()
            ground = rate[smooth.box].sum() - smooth.counts
            if peak[2] == 0.0:
                without.append(seen - ground)
                continue
            with_one.append(seen - ground)
            true.append(excess(scene.rate.astype(np.float64), peak).counts)
            spread = np.sqrt(max(seen, 1.0) + ground * smooth.share)
            held.append(abs(with_one[-1] - true[-1]) <= spread)
    parts = np.array(with_one), np.array(without), np.array(true)
    return _judged("counts", "box of the counts, background by the network", *parts, float(np.mean(held)), seed)


def _judged(
    name: str,
    setting: str,
    present: Float64Array,
    absent: Float64Array,
    true: Float64Array,
    held: float | None,
    seed: int,
) -> Row:
    draw, areas = np.random.default_rng([seed, _STREAM]), []
    for _ in range(_RESAMPLED):
        chosen = draw.integers(0, len(present), len(present))
        areas.append(area_under_curve(present[chosen], absent[chosen]))
    low, high = np.quantile(areas, [0.025, 0.975])
    bias = float(present.mean() / true.mean() - 1.0)
    return Row(name, setting, area_under_curve(present, absent), (float(low), float(high)), bias, held)


def _counted(scene: Scene, seed: int, number: int) -> Float64Array:
    draw = np.random.default_rng([seed, number, _STREAM + 1])
    return draw.poisson(scene.rate.astype(np.float64)).astype(np.float64)


def _table(rows: Sequence[Row]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("method", "setting", "AUC (95 %)", "bias", "68 % holds"):
        out.add_column(heading)
    for row in rows:
        low, high = row.auc_interval
        held = "–" if row.held is None else f"{100 * row.held:.0f} %"
        out.add_row(row.name, row.setting, f"{row.auc:.3f} ({low:.3f}–{high:.3f})", f"{100 * row.bias:+.1f} %", held)
    return out
