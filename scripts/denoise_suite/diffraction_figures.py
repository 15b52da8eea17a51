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

from beamgym.agents.denoising import Rival, area_under_curve, excess, profile_fit
from beamgym.envs.denoising import FrameDenoiser, GroundNetwork, profile, shipped_ground
from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import DiffractionScenes, Scene
from beamgym.scripts.denoise_suite.methods import USUAL, Asked, tuned
from beamgym.scripts.rates import Bar

SIGNAL_TO_NOISE = 1.0
_SCENES_A_FRAME = 10
"""A frame is small: as many scenes are judged for every frame asked for."""

_TUNING, _RESAMPLED, _STREAM = 80, 400, 73


_FITS = tuple((reach, degree) for reach in (2.5, 3.0, 4.0, 5.0) for degree in (0, 1, 2))
"""Half windows in standard deviations, and degrees of the ground, that the fit of a profile is tuned over."""


@dataclass(frozen=True)
class Row:
    """How one method did: the area under the curve with its interval of 95 %, the mean of the satellites' counts over
    their true ones, less 1, with its own, and the share of intervals of 68 % that hold the true counts."""

    name: str
    setting: str
    auc: float
    auc_interval: tuple[float, float]
    bias: float
    bias_interval: tuple[float, float]
    held: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


def run(asked: Asked) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return figures, bars and tables."""
    tuning = [DiffractionScenes("tune").at(asked.seed, i, SIGNAL_TO_NOISE) for i in range(_TUNING)]
    number = asked.frames * _SCENES_A_FRAME
    scenes = [DiffractionScenes("test").at(asked.seed, i, SIGNAL_TO_NOISE) for i in range(number)]
    ground = shipped_ground()
    asked.told(ground.name)
    own = _of_ground(ground, scenes, asked.seed).row("peaks at known places", ground.name, asked.seed)
    rivals: list[Row] = []
    for rival in tuned(USUAL, partial(_told_auc, tuning, asked)).values():
        asked.told(rival.name)
        rivals.append(_of_method(rival, scenes, asked.seed).row(rival.name, rival.setting, asked.seed))
    reach, degree = max(_FITS, key=lambda fit: _of_fit(fit[0], fit[1], tuning, asked.seed).auc)
    words = f"± {reach:g} σ, degree {degree}"
    rivals.append(_of_fit(reach, degree, scenes, asked.seed).row("profile fit", words, asked.seed))
    denoised: list[Row] = []
    for denoiser in asked.denoisers("diffraction"):
        asked.told(denoiser.name)
        said, counted = _of_network(denoiser, scenes, asked.seed)
        denoised.append(said.row(denoiser.name, "its rate alone", asked.seed))
        denoised.append(counted.row("counts", f"box; ground by {denoiser.name}", asked.seed))
    ceiling = _of_truth(scenes, asked.seed).row("ceiling", "the true ground is known", asked.seed)
    rows = [own, *rivals, *denoised, ceiling]
    figures = {"rows": [row.as_dict() for row in rows], "signal_to_noise": SIGNAL_TO_NOISE, "scenes": number}
    return figures, _bars(own, max(rivals + denoised, key=lambda row: row.auc)), [_table(rows)]


def _bars(own: Row, best: Row) -> list[Bar]:
    held = own.held or 0.0
    return [
        Bar(
            "satellites told from empty places (AUC)",
            f"above {best.auc:.3f} of {best.name}",
            f"{own.auc:.3f} ({own.auc_interval[0]:.3f}–{own.auc_interval[1]:.3f})",
            own.auc > best.auc,
        ),
        Bar(
            "bias of their intensity",
            "≤ 5 %",
            f"{100 * own.bias:+.1f} % ({100 * own.bias_interval[0]:+.1f} to {100 * own.bias_interval[1]:+.1f})",
            abs(own.bias) <= 0.05,
        ),
        Bar("intervals of 68 % that hold the truth", "60–76 %", f"{100 * held:.0f} %", 0.60 <= held <= 0.76),
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
        """Add one place: its counts over the ground in its box, the counts of that, and the uncertainty.

        The true ones are what the same box holds of the expected counts over those beside it.
        """
        stands_out = counts / np.sqrt(max(ground, 1.0))
        true = excess(scene.rate.astype(np.float64), peak).counts if peak[2] > 0.0 else 0.0
        self.note(peak, counts, true, stands_out, spread)

    def note(
        self, peak: Float64Array, counts: float, true: float, stands_out: float, spread: float | None = None
    ) -> None:
        """Add one place: its counts, the true ones, how far it stands out, and the uncertainty of the counts."""
        if peak[2] == 0.0:
            self.absent.append(stands_out)
            return
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
        found, true = np.array(self.found), np.array(self.true)
        chosen = draw.integers(0, len(present), (_RESAMPLED, len(present)))
        low, high = np.quantile([area_under_curve(present[each], absent[each]) for each in chosen], [0.025, 0.975])
        biases = np.quantile([found[each].mean() / true[each].mean() - 1.0 for each in chosen], [0.025, 0.975])
        bias = float(found.mean() / true.mean() - 1.0)
        held = float(np.mean(self.held)) if self.held else None
        return Row(name, setting, self.auc, (float(low), float(high)), bias, (float(biases[0]), float(biases[1])), held)


def _of_ground(network: GroundNetwork, scenes: Sequence[Scene], seed: int) -> Places:
    """Return what `beamgym denoise --peaks-at` answers."""
    places = Places()
    for i, scene in enumerate(scenes):
        measured = network.measure(_counted(scene, seed, i), scene.peaks[:, [0, 1, 3, 4]])
        for peak, one in zip(scene.peaks, measured, strict=True):
            places.note(peak, one.counts, peak[2], one.significance, one.uncertainty)
    return places


def _of_fit(reach: float, degree: int, scenes: Sequence[Scene], seed: int) -> Places:
    places = Places()
    for i, scene in enumerate(scenes):
        counts = _counted(scene, seed, i)
        for peak in scene.peaks:
            one = profile_fit(counts, peak, reach, degree)
            places.note(peak, one.counts, peak[2], one.counts / one.uncertainty, one.uncertainty)
    return places


def _of_truth(scenes: Sequence[Scene], seed: int) -> Places:
    """Return what nothing can be better than: the profile's counts over the ground as it was simulated."""
    places = Places()
    everywhere = np.s_[0 : scenes[0].rate.shape[0], 0 : scenes[0].rate.shape[1]]
    for i, scene in enumerate(scenes):
        shares = [profile(peak[[0, 1, 3, 4]], everywhere) for peak in scene.peaks]
        ground = scene.rate - sum(peak[2] * each for peak, each in zip(scene.peaks, shares, strict=True))
        over = _counted(scene, seed, i) - ground
        for peak, each in zip(scene.peaks, shares, strict=True):
            known = float((each**2 / ground).sum())
            found = float((each * over / ground).sum()) / known
            spread = np.sqrt(1.0 / known + max(found, 0.0) * float((each**3 / ground**2).sum()) / known**2)
            places.note(peak, found, peak[2], found * np.sqrt(known), float(spread))
    return places


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
    for heading in ("method", "setting", "AUC (95 %)", "bias, %", "68 % holds"):
        out.add_column(heading)
    for row in rows:
        low, high = row.auc_interval
        held = "–" if row.held is None else f"{100 * row.held:.0f} %"
        bias = f"{100 * row.bias:+.1f} ({100 * row.bias_interval[0]:+.1f} to {100 * row.bias_interval[1]:+.1f})"
        out.add_row(row.name, row.setting, f"{row.auc:.3f} ({low:.3f}–{high:.3f})", bias, held)
    return out
