"""Measured cuts, made worse step by step: the same ladders on spectra of which nobody knows the true score.

They are for the judgement only: nothing is trained or selected by them. That a score falls when a cut is blurred,
doubled, buried or thinned is certain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, zoom

from beamgym.agents.composed.ladders import ELECTRONS, LADDERS, RUNGS, WIDEST_SHIFT, ranks
from beamgym.envs.arpes_spot import SIDE, WINDOW_EV
from beamgym.physics.arrays import Float64Array

CUTS: Final = ("bi2se3", "cenisn", "graphene", "smb6")
"""The files NAME_cut.npz in the folder ``arpes`` of measured data."""

BI2SE3_EV: Final = (-0.4255814, 2.325581e-3)
"""First energy and step of the Bi2Se3 cut, eV from E_F.

They are TRVAL3 and TDELT3 in the header of PyARPES' example file cut.fits (the step: two pixels of 1/860 eV), whose
counts bi2se3_cut.npz holds without them."""

FAR: Final[dict[str, NDArray[np.float64]]] = {
    "energy blur": np.linspace(0.0, 0.3, RUNGS),
    "background": np.linspace(0.0, 3.0, RUNGS),
}
"""Rungs of the same ladders carried on, to see where a scorer stops following."""

_FWHM, _STREAM = 2.354820045, 113
_SMOOTH: Final = 160.0  # a cut is smoothed by its smaller size over this, in pixels
Totals = Callable[[NDArray[np.float64], Float64Array], NDArray[np.floating]]
"""Counts (m, e, a) and the energies of their rows (e,) to totals (m,)."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A measured cut: an estimate of the rate (e, a) behind its counts, and the energies of its rows, eV from E_F."""

    name: str
    rate: Float64Array
    energy_ev: Float64Array

    @property
    def step_ev(self) -> float:
        """Energy between rows."""
        return float(self.energy_ev[1] - self.energy_ev[0])

    def within(self, low: float, high: float) -> "Cut":
        """Return the rows within a window, with 64 pixels along each axis or more."""
        rows = (self.energy_ev >= low) & (self.energy_ev <= high)
        rate, energy = self.rate[rows], self.energy_ev[rows]
        scale = [max(1.0, SIDE / size) for size in rate.shape]
        if max(scale) > 1.0:
            rate = np.maximum(zoom(rate, scale, order=1, mode="nearest", grid_mode=True), 0.0)
            half = 0.5 * self.step_ev
            edges = np.linspace(energy[0] - half, energy[-1] + half, len(rate) + 1)
            energy = 0.5 * (edges[1:] + edges[:-1])
        return Cut(self.name, rate, energy)


def load_cuts(folder: Path) -> list[Cut]:
    """Read the measured cuts that the folder of measured data holds, smoothed to an estimate of their rates.

    Raises
    ------
    FileNotFoundError : where there is none
    """
    found = [name for name in CUTS if (folder / "arpes" / f"{name}_cut.npz").is_file()]
    if not found:
        raise FileNotFoundError(
            f"no measured cuts in {folder / 'arpes'}; set BEAMGYM_DATA to the folder of measured data"
        )
    return [_read(folder / "arpes" / f"{name}_cut.npz", name) for name in found]


def counted_cut(cut: Cut, draws: int, electrons: float = ELECTRONS, seed: int = 0) -> tuple[Float64Array, Float64Array]:
    """Return a cut counted again, (draws, e, a), in the window that scores are about, and its rows' energies (e,)."""
    part = cut.within(*WINDOW_EV)
    mean = part.rate * (electrons / part.rate.sum())
    draw = np.random.default_rng([seed, _STREAM])
    return draw.poisson(np.broadcast_to(mean, (draws, *mean.shape))).astype(np.float64), part.energy_ev


def score_rungs(
    cut: Cut, kind: str, totals: Totals, draws: int = 8, seed: int = 0, steps: NDArray[np.float64] | None = None
) -> Float64Array:
    """Return totals (r, draws) on the rungs of a ladder of a cut, in the window that scores are about.

    Parameters
    ----------
    cut, kind : which
    totals : of the scorer
    draws, seed : of the counting noise on each rung
    steps : (r,) rungs in the ladder's unit; those of ``LADDERS`` where none are given
    """
    draw = np.random.default_rng([seed, _STREAM, list(LADDERS).index(kind)])
    rungs = []
    used = LADDERS[kind] if steps is None else steps
    for i, rung in enumerate(used):
        rate, electrons = _worse(cut, kind, float(rung), i / (len(used) - 1))
        part = Cut(cut.name, rate, cut.energy_ev).within(*WINDOW_EV)
        mean = part.rate * (electrons / part.rate.sum())
        counts = draw.poisson(np.broadcast_to(mean, (draws, *mean.shape))).astype(np.float64)
        rungs.append(totals(counts, part.energy_ev))
    return np.asarray(rungs, dtype=np.float64)


def judge_cut(
    cut: Cut,
    totals: Totals,
    draws: int = 8,
    seed: int = 0,
    ladders: Mapping[str, NDArray[np.float64]] = LADDERS,
) -> dict[str, dict[str, float]]:
    """Return, for each kind of ladder, the rank correlation of the mean over draws, and the totals at both ends."""
    found = {}
    for kind, steps in ladders.items():
        mean = score_rungs(cut, kind, totals, draws, seed, steps).mean(1)
        found[kind] = {"spearman": float(ranks(mean[:, None])[0]), "first": float(mean[0]), "last": float(mean[-1])}
    return found


def _worse(cut: Cut, kind: str, rung: float, share: float) -> tuple[Float64Array, float]:
    if kind == "energy blur" and rung > 0.0:
        return gaussian_filter1d(cut.rate, rung / _FWHM / cut.step_ev, axis=0, mode="nearest"), ELECTRONS
    if kind == "two domains":
        columns = np.arange(cut.rate.shape[1])
        from_column = np.clip(columns - share * WIDEST_SHIFT * len(columns), 0, len(columns) - 1)
        moved = np.stack([np.interp(from_column, columns, row) for row in cut.rate])
        return 0.5 * (cut.rate + moved), ELECTRONS
    if kind == "background":
        inside = (cut.energy_ev >= WINDOW_EV[0]) & (cut.energy_ev <= WINDOW_EV[1])
        return cut.rate + rung * cut.rate[inside].mean(), ELECTRONS
    return cut.rate, rung if kind == "thinning" else ELECTRONS


def _read(path: Path, name: str) -> Cut:
    with np.load(path, allow_pickle=False) as content:
        counts = np.asarray(content["I"], np.float64)
        energy = np.asarray(content["E"], np.float64) if "E" in content else np.zeros(0)
    if not energy.size:  # rows are angles in that file
        if name != "bi2se3":
            raise ValueError(f"{path} holds no E; it must hold the energies of its rows in eV")
        counts = counts.T
        energy = np.asarray(BI2SE3_EV[0] + BI2SE3_EV[1] * np.arange(len(counts)), np.float64)
    rate = gaussian_filter(np.maximum(counts, 0.0), min(counts.shape) / _SMOOTH, mode="nearest")
    return Cut(name, rate, energy)
