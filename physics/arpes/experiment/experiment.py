"""One sample in one instrument: cuts, constant-energy maps and cubes in a few words.

The recipes fill tables for thousands of samples at once; this builds the same tables for one, from any bands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.detection import (
    Background,
    Grid,
    Response,
    Scene,
    count,
    detected,
    read_adc,
    render,
)
from beamgym.physics.arpes.experiment.checks import check_experiment
from beamgym.physics.arpes.experiment.conditions import Conditions
from beamgym.physics.arpes.experiment.images import cube_signal, deflections, map_signal, shirley_losses, slices_ev
from beamgym.physics.arpes.experiment.labels import cube_labels, cut_labels
from beamgym.physics.arpes.experiment.parts import Domain, Gap, Spectrum, Value
from beamgym.physics.arpes.experiment.record import experiment_record
from beamgym.physics.arpes.experiment.tables import tabulated
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.counter_rng import make_keys

__all__ = ["Domain", "Experiment", "Gap", "Spectrum"]


@dataclass(frozen=True, eq=False)
class Experiment(Conditions):
    """A sample in an instrument.

    Parameters
    ----------
    bands : TightBinding, DiracSurface, TabulatedBands, or anything with ``energies(momentum)``
    photon_energy_ev, work_function_ev : eV; the work function is the sample's
    geometry : slit and manipulator angles
    temperature_k : of the electrons
    energy_fwhm_ev, angle_fwhm_deg : resolution, full width at half maximum
    self_energy : complex Σ of energies (h,), eV
    matrix_element : |M|² of momenta (..., 2), shape (..., b) or (...,); default 1
    band_weights : (b,) further weights; default the bands' own ``weights()`` where they have them, else 1
    domains : what the beam illuminates
    gap, kz : optional
    charging_ev : shift of the whole spectrum
    background, response : as for ``spectrum.render``, one sample. Rows and columns of an image are energies and slit
        angles in cuts and in the slices of cubes, slit angles and deflections in maps
    space_charge, electrons_per_pulse, spot_mm : shift and broadening by the electrons' own cloud; none at 0 electrons

    Raises
    ------
    ValueError : negative widths, temperatures or pulses, numbers that are not finite, several orientations, no domain
        with a share; when used: photon energy below the work function, windows outside the photoelectron cone or behind
        the surface, band weights that do not fit the bands, negative counts
    TypeError : domains that are not ``Domain``
    """

    def __post_init__(self) -> None:
        check_experiment(self)

    def scene(self, grid: Grid, deflection_deg: ArrayLike = 0.0) -> Scene:
        """Tabulate the bands along cuts at (d,) deflections: a scene of d samples on ``grid``."""
        return tabulated(self, grid, deflection_deg)

    def cut(self, grid: Grid, events: float = 1e5, seed: int = 0, deflection_deg: float = 0.0) -> Spectrum:
        """Measure intensity over (energy, slit) with ``events`` electrons."""
        made = render(
            self.scene(grid, deflection_deg), self.background, self.response, events, make_keys(np.array([seed]))
        )
        axes = {"eV": grid.energy_ev, "alpha": grid.slit_deg}
        attributes = self._attributes(events, seed, axes, {"deflection_deg": deflection_deg})
        spectrum = Spectrum(made.counts[0], axes, made.arpes[0], made.background[0], attributes)
        attributes.update(cut_labels(self, spectrum, events))
        return spectrum

    def cube(self, grid: Grid, deflection_deg: ArrayLike, events: float = 1e6, seed: int = 0) -> Spectrum:
        """Measure intensity over (energy, slit, deflection); ``deflection_deg`` (d,) uniform, rising.

        Each deflection is an exposure: dead time and the ADC act on (energy, slit).
        """
        deflection, step = deflections(deflection_deg)
        signal = cube_signal(self, grid, deflection, step)
        local = bool(np.any(self.background.shirley_local))
        losses = shirley_losses(signal, float(np.max(np.asarray(self.background.shirley))), local)
        flat, _, _ = detected(np.zeros_like(signal), replace(self.background, shirley=0.0), Response())
        rest = flat + losses
        _, seen, _ = detected(signal + rest, Background(), self.response)
        counts = self._count(np.moveaxis(seen, 0, -1), events, seed)
        if np.any(self.response.adc):
            keys = make_keys(seed, np.arange(deflection.size), 0, 1)
            counts = np.moveaxis(read_adc(np.moveaxis(counts, -1, 0), keys, self.response), 0, -1)
        axes = {"eV": grid.energy_ev, "alpha": grid.slit_deg, "beta": deflection}
        attributes = self._attributes(events, seed, axes)
        spectrum = Spectrum(counts, axes, np.moveaxis(signal, 0, -1), np.moveaxis(rest, 0, -1), attributes)
        attributes.update(cube_labels(self, spectrum, events))
        return spectrum

    def map(
        self,
        slit_deg: ArrayLike,
        deflection_deg: ArrayLike,
        energy_ev: float = 0.0,
        window_ev: float = 0.02,
        events: float = 1e6,
        seed: int = 0,
    ) -> Spectrum:
        """Measure a constant-energy map over (slit, deflection), integrated over ``window_ev`` about ``energy_ev``.

        A map is one image: background, response, dead time and ADC act on (slit, deflection). It has no Shirley
        background, which would need the energies above, and no scores; sum slices of a ``cube`` to have the first.
        """
        if not (math.isfinite(window_ev) and window_ev > 0 and math.isfinite(energy_ev)):
            raise ValueError(
                f"window_ev must be a positive energy, energy_ev a finite one; not {window_ev!r}, {energy_ev!r}"
            )
        deflection, step = deflections(deflection_deg)
        grid = Grid(slices_ev(self, energy_ev, window_ev), np.asarray(slit_deg, dtype=np.float64))
        signal = map_signal(self, grid, deflection, step)
        rest, seen, _ = detected(signal[None], replace(self.background, shirley=0.0), self.response)
        counts = self._count(seen[0], events, seed)
        if np.any(self.response.adc):
            counts = read_adc(counts[None], make_keys(np.array([seed])), self.response)[0]
        axes = {"alpha": grid.slit_deg, "beta": deflection}
        more = {"eV": energy_ev, "window_ev": window_ev, "slices": grid.shape[0]}
        attributes = self._attributes(events, seed, {"eV": grid.energy_ev, **axes}, more)
        return Spectrum(counts, axes, signal, rest[0], attributes)

    def _count(self, seen: Float32Array, events: float, seed: int) -> Float32Array:
        keys = make_keys(np.array([seed]))
        return np.asarray(count(seen[None], events, keys, dead_time=self.response.dead_time)[0])

    def _attributes(
        self, events: float, seed: int, axes: dict[str, Float64Array], more: dict[str, float] | None = None
    ) -> dict[str, Value]:
        return {**experiment_record(self, axes), "events": events, "seed": seed, **(more or {})}
