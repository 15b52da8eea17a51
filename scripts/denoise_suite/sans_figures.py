"""Small-angle frames: I(q) at a tenth of the counts, and the measured frame thinned exactly."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.table import Table
from scipy.stats import chi2

from beamgym.agents.denoising import Rings, Rival, smooth_profile
from beamgym.envs.denoising import FrameDenoiser
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.counts import thin
from beamgym.physics.scenes import SansFile, Scene, read_sans, scene_source
from beamgym.scripts.denoise_suite.methods import USUAL, Asked, as_method, tuned
from beamgym.scripts.rates import Bar

SHARE = 0.1
SHARES = (0.5, 0.25, 0.125, 1 / 16, 1 / 32, 1 / 64)
"""Of the measured frame's counts."""

PROCESS = "process"
_LENGTHS = (1.0, 1.5, 2.0, 3.0, 4.5, 7.0)
_TUNING, _RESAMPLED, _STREAM = 12, 400, 79

Profile = Callable[[Float64Array, BoolArray, Rings], Float64Array]
"""From counts to I(q) (b,)."""


@dataclass(frozen=True)
class Row:
    """How one method did: mean relative error of I(q), with its interval of 95 %, and the error of each frame."""

    name: str
    setting: str
    error: float
    interval: tuple[float, float]
    each: Float64Array

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**vars(self), "each": self.each.tolist()}


@dataclass(frozen=True)
class Thinned:
    """The measured frame at one share, by one method: relative error of the rate of the whole frame, by the counts that
    were thinned away, and of networks χ² of I(q) over its rings, with the chance of a larger one."""

    name: str
    share: float
    error: float
    chi2: float | None = None
    chance: float | None = None


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    tuning = [scene_source("sans", "tune").take(asked.seed, i) for i in range(_TUNING)]
    scenes = [scene_source("sans", "test").take(asked.seed, i) for i in range(asked.frames)]
    denoisers = asked.denoisers("sans")

    def score(rival: Rival) -> float:
        asked.told(f"tuning {rival.name}, {rival.setting}")
        return -float(np.mean(_errors(_profile_of(rival), tuning, asked.seed)))

    rivals = tuned(USUAL, score)
    length = min(_LENGTHS, key=lambda each: float(np.mean(_errors(_process(each), tuning, asked.seed))))
    profiles: list[tuple[str, str, Profile]] = [
        *((one.name, "bundle", _profile_of(as_method(one))) for one in denoisers),
        *((one.name, one.setting, _profile_of(one)) for one in rivals.values()),
        (PROCESS, f"length {length:g} rings", _process(length)),
    ]
    rows = []
    for name, setting, profile in profiles:
        asked.told(name)
        rows.append(_row(name, setting, _errors(profile, scenes, asked.seed), asked.seed))
    bars, tables, figures = [_bar(rows, name) for name in ("raw", "gaussian", PROCESS)], [_table(rows)], {}
    figures["rows"] = [row.as_dict() for row in rows]
    measured = _measured_frame()
    if measured is None:
        asked.told("the measured frame is left out: BEAMGYM_DATA names no folder with sans/*.DAT")
    else:
        found = _thinned(measured, denoisers, list(rivals.values()), asked)
        figures["measured"] = [dict(vars(one)) for one in found]
        bars += _measured_bars(found, denoisers[0].name)
        tables.append(_measured_table(found))
    return figures, bars, tables


def _profile_of(rival: Rival) -> Profile:
    return lambda counts, mask, rings: rings.means(rival.method(counts, mask))


def _process(length: float) -> Profile:
    return lambda counts, mask, rings: smooth_profile(rings.sums(counts), rings.pixels, length)


def _errors(profile: Profile, scenes: Sequence[Scene], seed: int) -> Float64Array:
    """Return the mean relative error of I(q) of every scene, counted for a tenth of 1×."""
    out = []
    for i, scene in enumerate(scenes):
        assert scene.q_inv_a is not None
        rings = Rings.of(scene.q_inv_a, scene.mask)
        rate = scene.rate.astype(np.float64)
        counts = np.random.default_rng([seed, i, _STREAM]).poisson(SHARE * rate).astype(np.float64)
        true = rings.means(rate)
        out.append(float(np.mean(np.abs(profile(counts, scene.mask, rings) / SHARE - true) / true)))
    return np.array(out)


def _row(name: str, setting: str, each: Float64Array, seed: int) -> Row:
    low, high = _interval(each, seed)
    return Row(name, setting, float(each.mean()), (low, high), each)


def _interval(each: Float64Array, seed: int) -> tuple[float, float]:
    draw = np.random.default_rng([seed, _STREAM + 1])
    means = each[draw.integers(0, len(each), (_RESAMPLED, len(each)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _bar(rows: Sequence[Row], name: str) -> Bar:
    own, other = rows[0], next(row for row in rows if row.name == name)
    low, high = _interval(own.each - other.each, 0)
    return Bar(
        f"{own.name}: error of I(q) at a tenth of the counts",
        f"below {100 * other.error:.2f} % of {name}",
        f"{100 * own.error:.2f} % (difference {100 * low:+.2f} to {100 * high:+.2f})",
        own.error < other.error,
    )


def _measured_frame() -> SansFile | None:
    folder = Path(os.environ.get("BEAMGYM_DATA", "")) / "sans"
    files = sorted(folder.glob("*.DAT")) if os.environ.get("BEAMGYM_DATA") else []
    return read_sans(files[0]) if files else None


def _thinned(
    frame: SansFile, denoisers: Sequence[FrameDenoiser], rivals: Sequence[Rival], asked: Asked
) -> list[Thinned]:
    """Judge every method on parts of the measured frame by the rest of it, which is independent of them."""
    rings, seen = Rings.of(frame.q_inv_a, frame.mask), ~frame.mask
    counts = np.where(frame.mask, 0.0, frame.counts)
    out = []
    for share in SHARES:
        asked.told(f"the measured frame, {share:.4g} of its counts")
        part, rest = thin(counts, share, np.random.default_rng([asked.seed, round(1e4 * share), _STREAM]))
        for rival in [*map(as_method, denoisers), *rivals]:
            rate = rival.method(part, frame.mask)
            out.append(Thinned(rival.name, share, _error_by_rest(rate / share, rest, share, seen)))
        for denoiser in denoisers:
            made = denoiser(part, frame.mask)
            over = (1.0 - share) / share
            spread = np.array(
                [denoiser.sum_uncertainty(made.uncertainty[rings.number == i]) for i in range(len(rings.pixels))]
            )
            expected = over * rings.sums(np.nan_to_num(made.rate))
            total = float(np.sum((rings.sums(rest) - expected) ** 2 / (expected + (over * spread) ** 2)))
            at = next(i for i, one in enumerate(out) if one.name == denoiser.name and one.share == share)
            chance = float(chi2.sf(total, len(spread)))
            out[at] = Thinned(denoiser.name, share, out[at].error, total / len(spread), chance)
    return out


def _error_by_rest(rate: Float64Array, rest: Float64Array, share: float, seen: BoolArray) -> float:
    """Return the root mean square error of a rate of the whole exposure, relative to its mean, without bias.

    (rest / (1 − share) − rate)² holds the noise of the rest besides, which its own counts give.
    """
    over = 1.0 / (1.0 - share)
    squared = (rest[seen] * over - rate[seen]) ** 2 - over**2 * rest[seen]
    return float(np.sqrt(max(0.0, squared.mean())) / (rest[seen].mean() * over))


def _measured_bars(found: Sequence[Thinned], name: str) -> list[Bar]:
    own = [one for one in found if one.name == name]
    errors = [one.error for one in own]
    worst = min(own, key=lambda one: one.chance or 0.0)
    ahead = [min((each for each in found if each.share == one.share), key=lambda each: each.error).name for one in own]
    return [
        Bar(
            "measured frame: I(q) agrees with the counts thinned away (χ²)",
            "chance ≥ 1 %",
            f"{100 * (worst.chance or 0.0):.2g} % at 1/{1 / worst.share:.0f}, χ² {worst.chi2:.2f} a ring",
            (worst.chance or 0.0) >= 0.01,
        ),
        Bar(
            "measured frame: error grows as counts are thinned away",
            "at every share",
            " ".join(f"{100 * each:.1f}" for each in errors) + " %",
            all(one <= two for one, two in pairwise(errors)),
        ),
        Bar(
            "measured frame: error below all rivals",
            "at every share",
            f"{sum(each == name for each in ahead)} of {len(ahead)}; else {', '.join(sorted(set(ahead) - {name}))}",
            all(each == name for each in ahead),
        ),
    ]


def _table(rows: Sequence[Row]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("method", "setting", "error of I(q) at 1/10 (95 %)"):
        out.add_column(heading)
    for row in rows:
        low, high = row.interval
        out.add_row(row.name, row.setting, f"{100 * row.error:.2f} % ({100 * low:.2f}–{100 * high:.2f})")
    return out


def _measured_table(found: Sequence[Thinned]) -> Table:
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0), title="measured frame: error of the rate by the counts thinned away")
    out.add_column("method")
    for share in SHARES:
        out.add_column(f"1/{1 / share:.0f}")
    for name in dict.fromkeys(one.name for one in found):
        own = {one.share: one for one in found if one.name == name}
        out.add_row(name, *(f"{100 * own[share].error:.1f} %" for share in SHARES))
    return out
