"""The four regimes on noise that they were trained on and on noise that they were not: one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from beamgym.agents.denoising import Judged, Rival, candidates, f1, judge
from beamgym.envs.denoising import FrameDenoiser
from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import Scene, scene_source
from beamgym.scripts.denoise_suite.laue import (
    BLANKS_A_SCENE,
    TUNING,
    Finder,
    blank_of,
    finder_and_f1,
    finder_of,
    quarter,
)
from beamgym.scripts.denoise_suite.methods import Asked, as_method, tuned
from beamgym.scripts.denoise_suite.noises import NOISES
from beamgym.scripts.rates import Bar

REGIMES = {
    "denoiser-laue": "noise2truth",
    "denoiser-laue-pairs": "noise2noise",
    "denoiser-laue-split": "splitting",
    "denoiser-laue-void": "noise2void",
}
"""The shipped networks of the four regimes."""

_RESAMPLED, _STREAM = 400, 83
_USUAL = "Poisson"
_SHIPPED = next(iter(REGIMES))
_FLAGGED, _NOT_FLAGGED = 0.9, 0.25
_UNUSUAL = ("gain 1.3", "afterpulses", "1 % dead")


@dataclass(frozen=True)
class Cell:
    """One method on one noise: F1 with its interval of 95 %; of networks the share of frames that were flagged, and the
    share of pixels whose rate ± its uncertainty holds the true one."""

    name: str
    noise: str
    f1: float
    interval: tuple[float, float]
    flagged: float | None = None
    held: float | None = None


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    networks = asked.named(tuple(REGIMES))
    tuning = [quarter(scene_source("laue", "tune").take(asked.seed, i), i) for i in range(TUNING)]
    blanks = [blank_of(scene) for scene in tuning] * BLANKS_A_SCENE

    def score(rival: Rival) -> float:
        return finder_and_f1(rival, tuning, blanks[:TUNING], asked.seed, 1.0)[1]

    rivals = tuned(["gaussian", "raw"], score)
    scenes = [quarter(scene_source("laue", "test").take(asked.seed, i), i) for i in range(asked.frames)]
    cells: list[Cell] = []
    for method, network in [*((as_method(one), one) for one in networks), *((one, None) for one in rivals.values())]:
        asked.told(method.name)
        finder = finder_of(method, tuning, blanks, asked.seed, 1.0)
        cells += [_cell(finder, network, noise, scenes, asked.seed) for noise in NOISES]
    return {"cells": [dict(vars(cell)) for cell in cells]}, _bars(cells), [_f1_table(cells), _flag_table(cells)]


def _cell(finder: Finder, network: FrameDenoiser | None, noise: str, scenes: Sequence[Scene], seed: int) -> Cell:
    factor, drawn = NOISES[noise]
    found: list[Judged] = []
    flagged, held = [], []
    for i, scene in enumerate(scenes):
        rate = scene.rate.astype(np.float64)
        counts = drawn(rate, np.random.default_rng([seed, i, list(NOISES).index(noise), _STREAM]))
        counts[scene.mask] = 0.0
        if network is None:
            image = finder.rival.method(counts, scene.mask)
        else:
            made = network(counts, scene.mask)
            image = np.nan_to_num(made.rate)
            flagged.append(bool(made.flags))
            held.append(_held(made.rate, made.uncertainty, factor * rate))
        found.append(judge(candidates(image, scene.mask, finder.power), scene.peaks))
    draw = np.random.default_rng([seed, _STREAM])
    chosen = draw.integers(0, len(found), (_RESAMPLED, len(found)))
    low, high = np.quantile([f1([found[i] for i in row], finder.threshold) for row in chosen], [0.025, 0.975])
    cell = Cell(finder.rival.name, noise, f1(found, finder.threshold), (float(low), float(high)))
    return replace(cell, flagged=float(np.mean(flagged)), held=float(np.mean(held))) if flagged else cell


def _held(rate: Float64Array, uncertainty: Float64Array, true: Float64Array) -> float:
    """Return the share of pixels whose interval of 68 % holds the true rate."""
    seen = np.isfinite(rate)
    return float(np.mean(np.abs(rate - true)[seen] <= uncertainty[seen]))


def _bars(cells: Sequence[Cell]) -> list[Bar]:
    own = {cell.noise: cell for cell in cells if cell.name == _SHIPPED}
    usual = own[_USUAL].flagged or 0.0
    return [
        *(
            Bar(
                f"{_SHIPPED}: frames with {noise} flagged",
                f"≥ {100 * _FLAGGED:.0f} %",
                f"{100 * (own[noise].flagged or 0.0):.0f} %",
                (own[noise].flagged or 0.0) >= _FLAGGED,
            )
            for noise in _UNUSUAL
        ),
        Bar(
            f"{_SHIPPED}: frames of Poisson counts flagged",
            f"≤ {100 * _NOT_FLAGGED:.0f} %",
            f"{100 * usual:.0f} %",
            usual <= _NOT_FLAGGED,
        ),
    ]


def _f1_table(cells: Sequence[Cell]) -> Table:
    return _table(
        cells,
        "F1 of spots (± half of 95 %), thresholds tuned on Poisson counts",
        lambda cell: f"{cell.f1:.3f} ±{0.5 * (cell.interval[1] - cell.interval[0]):.3f}",
    )


def _flag_table(cells: Sequence[Cell]) -> Table:
    networks = [cell for cell in cells if cell.flagged is not None]
    return _table(
        networks,
        "frames flagged, pixels whose 68 % interval holds the true rate; in %",
        lambda cell: f"{100 * (cell.flagged or 0.0):.0f}, {100 * (cell.held or 0.0):.0f}",
    )


def _table(cells: Sequence[Cell], title: str, told: Callable[[Cell], str]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0), title=title)
    out.add_column("method", no_wrap=True)
    for noise in NOISES:
        out.add_column(noise)
    for name in dict.fromkeys(cell.name for cell in cells):
        out.add_row(REGIMES.get(name, name), *(told(cell) for cell in cells if cell.name == name))
    return out
