"""Noise-free spectra in parts, bands, background and sensitivity, so that they can be made worse and scored again.

A score is a formula of these parts. Whatever is done to them, blur, a second domain, more background, is a spectrum
whose score is known without drawing its parameters anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.bands_models import WAVENUMBER
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.recipes import generate
from beamgym.physics.arpes.score import REFERENCE_COUNTS, Scores, paper_total, v2_feature, v2_total
from beamgym.physics.arpes.wide.responses import recipe_response
from beamgym.physics.arrays import Float32Array, Float64Array


@dataclass(frozen=True, eq=False)
class CleanSpectra:
    """m noise-free spectra.

    Parameters
    ----------
    bands, ground : (m, e, a) emission of the bands, at their resolution, and background, in front of the detector
    gain : (m, e, a) the detector's sensitivity
    width_paper_ev, width_v2_ev : (m,) total width, 1 eV · (1 − S), by each definition
    step_ev : (m,) energy between rows
    step_inv_a : (m,) momentum between columns, 1/Å
    """

    bands: Float32Array
    ground: Float32Array
    gain: Float32Array
    width_paper_ev: Float64Array
    width_v2_ev: Float64Array
    step_ev: Float64Array
    step_inv_a: Float64Array

    def __len__(self) -> int:
        return len(self.bands)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> CleanSpectra:
        return CleanSpectra(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def rate(self) -> Float32Array:
        """(m, e, a) what the detector counts, in any unit."""
        return np.asarray((self.bands + self.ground) * self.gain)

    def scores(self, electrons: ArrayLike) -> tuple[Scores, Scores]:
        """Return the scores by ``paper`` and ``v2`` of so many electrons (m,), counted as asked for."""
        n = np.minimum(1.0, np.broadcast_to(np.asarray(electrons, np.float64), (len(self),)) / REFERENCE_COUNTS)
        seen, rest = self.rate.astype(np.float64), (self.ground * self.gain).astype(np.float64)
        signal = seen - rest
        share = np.divide(signal, seen, out=np.zeros_like(seen), where=seen > 0.0)
        v2_b = _over((signal * share).sum((1, 2)), signal.sum((1, 2)))
        paper_b = 1.0 - _over(rest.max((1, 2)), seen.max((1, 2)))
        bands = self.bands.astype(np.float64)
        paper_f = _over(np.abs(np.diff(bands, axis=2)).sum((1, 2)), bands.sum((1, 2)))
        v2_f = v2_feature(bands)
        paper_s, v2_s = (np.maximum(0.0, 1.0 - width) for width in (self.width_paper_ev, self.width_v2_ev))
        paper = Scores(paper_f, paper_s, paper_b, n, paper_total(paper_f, paper_s, paper_b, n))
        return paper, Scores(v2_f, v2_s, v2_b, n, v2_total(v2_f, v2_s, v2_b, n))


def clean_spectra(recipe: str, keys: NDArray[np.uint64], grid: Grid) -> CleanSpectra:
    """Return spectra of a recipe before they are counted.

    Parameters
    ----------
    recipe : "published" or "full"
    keys : (m,) random keys, as of ``counter_rng.make_keys``
    grid : energies and angles
    """
    batch = generate(recipe, keys, grid, clean=True)
    p = batch.parameters
    slit_step = (batch.slit_deg[:, -1] - batch.slit_deg[:, 0]) / (grid.shape[1] - 1)
    per_degree = np.radians(1.0) * WAVENUMBER * np.sqrt(p.photon_ev - p.work_function_ev)
    return CleanSpectra(
        batch.arpes,
        batch.background,
        recipe_response(p, grid),
        1.0 - batch.paper.sharpness,
        1.0 - batch.v2.sharpness,
        np.full(len(keys), grid.energy_step_ev),
        per_degree * np.abs(slit_step),
    )


def _over(part: Float64Array, whole: Float64Array) -> Float64Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
