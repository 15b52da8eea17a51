"""Weak satellites of La2-xSrxCuO4 at signal to noise 1: told from empty places, and measured.

Places are told apart by how far they stand out: counts over the ground, in units of the square root of the ground's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    rows: list[Row] = []
    by_counts: list[Row] = []
    for denoiser in denoisers:
        asked.told(denoiser.name)
        said, counted = _of_network(denoiser, scenes, asked.seed)
        rows.append(said.row(denoiser.name, "bundle", asked.seed))
        by_counts.append(counted.row("counts", f"box; ground by {denoiser.name}", asked.seed))
    for rival in tuned(USUAL, partial(_told_auc, tuning, asked)).values():
        asked.told(rival.name)
        rows.append(_of_method(rival, scenes, asked.seed).row(rival.name, rival.setting, asked.seed))
    rows.append(by_counts[0])
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
    return _of_method(rival, tuning, asked.seed).auc


@dataclass
class Places:
    """What was found at the places of satellites: their counts, the true ones, whether the interval of 68 % held these
    (where there is one), and how far each place stands out, of those with a satellite and of those without."""

    found: list[float] = field(default_factory=list)
    true: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    present: list[float] = field(default_factory=list)
    absent: list[float] = field(default_factory=list)

    def add(self, scene: Scene, peak: Float64Array, counts: float, ground: float, spread: float | None = None) -> None:
        """Add one place: its counts over the ground, the counts of that in its box, and the uncertainty."""
        stands_out = counts / np.sqrt(max(ground, 1.0))
        if peak[2] == 0.0:
            self.absent.append(stands_out)
            return
        true = excess(scene.rate.astype(np.float64), peak).counts
        self.found.append(counts)
        self.true.append(true)
        self.present.append(stands_out)
        if spread is not None:
            self.held.append(abs(counts - true) <= spread)

    @property
    def auc(self) -> float:
        """The chance that a place with a satellite stands out more than one without."""
        return area_under_curve(np.array(self.present), np.array(self.absent))

    def row(self, name: str, setting: str, seed: int) -> Row:
        """Return the table's row."""
        draw, present, absent = np.random.default_rng([seed, _STREAM]), np.array(self.present), np.array(self.absent)
        chosen = draw.integers(0, len(present), (_RESAMPLED, len(present)))
        low, high = np.quantile([area_under_curve(present[each], absent[each]) for each in chosen], [0.025, 0.975])
        bias = float(np.mean(self.found) / np.mean(self.true) - 1.0)
        held = float(np.mean(self.held)) if self.held else None
        return Row(name, setting, self.auc, (float(low), float(high)), bias, held)


def _of_method(rival: Rival, scenes: Sequence[Scene], seed: int) -> Places:
    places = Places()
    for i, scene in enumerate(scenes):
        image = rival.method(_counted(scene, seed, i), scene.mask)
        for peak in scene.peaks:
            found = excess(image, peak)
            places.add(scene, peak, found.counts, image[found.box].sum() - found.counts)
    return places


def _of_network(denoiser: FrameDenoiser, scenes: Sequence[Scene], seed: int) -> tuple[Places, Places]:
    """Return what a network says, with its own uncertainty of the box, and what a denoised frame may be used for: the
    box of the counts less the rate beside it, with the counts' Poisson uncertainty and the network's of the ground."""
    said, counted = Places(), Places()
    for i, scene in enumerate(scenes):
        counts = _counted(scene, seed, i)
        made = denoiser(counts)
        for peak in scene.peaks:
            found = excess(made.rate, peak)
            ground, seen = made.rate[found.box].sum() - found.counts, counts[found.box].sum()
            said.add(scene, peak, found.counts, ground, denoiser.sum_uncertainty(made.uncertainty[found.box]))
            beside = np.concatenate([made.uncertainty[side].ravel() for side in found.beside])
            apart = denoiser.sum_uncertainty(beside) * found.share
            counted.add(scene, peak, seen - ground, ground, float(np.hypot(np.sqrt(max(seen, 1.0)), apart)))
    return said, counted


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
