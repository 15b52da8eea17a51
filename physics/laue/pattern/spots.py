"""The Laue pattern of a crystal as a list of spots: where, how bright, at which energy and from which planes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.cylinder import radius_of
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.absorption import Slab, slab_mode
from beamgym.physics.laue.pattern.intensity import Extinction, energy_table
from beamgym.physics.laue.pattern.lists import (
    WINDOW_MARGIN,
    Panel,
    Physics,
    brightest_lists,
    first_bad_panel,
    first_bad_rotation,
    pad_lists,
    ranked,
    ray_tables,
    whole_lists,
)
from beamgym.physics.laue.pattern.memory import SpotArrays, keep_rooms, spot_arrays, take_room
from beamgym.physics.laue.pattern.reach import check_reach
from beamgym.physics.orientation import ROTATION_TOLERANCE, check_rotation
from beamgym.physics.row_threads import over_rows

if TYPE_CHECKING:
    from beamgym.physics.crystal import Crystal, ReflectionTable


_CHUNK = 256  # samples whose lists are held twice, for a moment

_LEAST_SHARED = 16  # lists of the brightest for which it pays to wake another thread

_RANKING_PAYS = 200  # lists of the brightest: to rank the rays takes as long as these save


@dataclass(frozen=True, eq=False)
class Spots:
    """Lists of spots of n patterns, padded with zeros to the longest.

    Parameters
    ----------
    count : (n,) int64, how many of the s rows are real
    position_px : (n, s, 2) float32, [..., 0] along fast and [..., 1] along slow; pixel centres at integers, 0-based
    intensity : (n, s) float32, counts per second of exposure
    energy_kev : (n, s) float32, energy of the strongest harmonic, keV
    ray : (n, s) int32, row i of the reflection table, or −i − 1 where −hkl diffracts
    """

    count: Int64Array
    position_px: Float32Array
    intensity: Float32Array
    energy_kev: Float32Array
    ray: Int32Array

    @property
    def mask(self) -> BoolArray:
        """(n, s) True where a row is a spot."""
        present: BoolArray = np.arange(self.intensity.shape[1])[None, :] < self.count[:, None]
        return present


class LaueModel:
    """Simulates Laue spots of one crystal, beam and detector.

    Parameters
    ----------
    crystal : what scatters; its radiation must be the beam's
    beam : spectrum, polarisation, detector response
    detector : nominal panel
    slab : the sample's face; None for a thick crystal whose absorption depends on energy alone (A = 1/2µ)
    extinction : "none" for kinematic intensities, "full" for a perfect crystal
    brightest : keep this many spots, brightest first; None keeps all, in the table's order
    table : the reflection table, where it is at hand; it must reach the beam's highest energy

    Raises
    ------
    ValueError : no reflection in the band can reach the detector at any orientation, or the parts do not fit
    """

    def __init__(
        self,
        crystal: Crystal,
        beam: Beam,
        detector: Detector,
        slab: Slab | None = None,
        extinction: Extinction = "none",
        brightest: int | None = None,
        table: ReflectionTable | None = None,
    ) -> None:
        if crystal.radiation != beam.radiation:
            raise ValueError(
                f"the crystal was loaded for {crystal.radiation}s and the beam is of {beam.radiation}s: "
                f'load_crystal(…, radiation="{beam.radiation}")'
            )
        if brightest is not None and brightest < 1:
            raise ValueError(f"brightest must be a positive number of spots, or None for all; not {brightest!r}")
        self.crystal, self.beam, self.detector = crystal, beam, detector
        self.slab, self.extinction, self.brightest = slab, extinction, brightest
        self.table = crystal.reflections(beam.band_kev[1]) if table is None else table
        if self.table.energy_kev[-1] < beam.band_kev[1] * (1.0 - WINDOW_MARGIN):
            raise ValueError(
                f"the table ends at {self.table.energy_kev[-1]:g} keV, the beam at {beam.band_kev[1]:g}: "
                f"make it by crystal.reflections({beam.band_kev[1]:g})"
            )
        check_reach(self.table, beam, detector)
        self._panel = Panel(detector.pixel_mm, *detector.shape, radius_of(detector))
        self._rays, self._weights = ray_tables(self.table, beam.band_kev), self._physics()
        self._asked = 0

    def spots(self, orientation: ArrayLike, detectors: ArrayLike | None = None) -> Spots:
        """Simulate the patterns of n orientations.

        Parameters
        ----------
        orientation : (n, 3, 3) or (3, 3) rotation matrices, crystal Cartesian to lab
        detectors : (n, 9) each sample's own origin_mm, fast and slow; None for the nominal panel

        Returns
        -------
        Spots with n rows; a row's values do not depend on the other rows

        Raises
        ------
        ValueError : wrong shapes, values not finite, matrices that are not rotations
        """
        u = check_orientations(orientation)
        panels = self._panels(detectors, len(u))
        if self.brightest is None:
            return self._whole_lists(u, panels)
        self._rank_in_time(len(u))
        count, parts = np.empty(len(u), dtype=np.int64), spot_arrays(len(u), self.brightest)
        over_rows(len(u), lambda rows: self._brightest(u[rows], _own(panels, rows), parts, count, rows), _LEAST_SHARED)
        longest = int(count.max(initial=0))
        if longest == self.brightest:
            return Spots(count, *parts)
        position, intensity, energy, ray = parts
        return Spots(
            count,
            np.ascontiguousarray(position[:, :longest]),
            np.ascontiguousarray(intensity[:, :longest]),
            np.ascontiguousarray(energy[:, :longest]),
            np.ascontiguousarray(ray[:, :longest]),
        )

    def _brightest(
        self, u: Float64Array, panels: Float64Array, parts: SpotArrays, count: Int64Array, rows: slice
    ) -> None:
        """Write the lists of some rows."""
        own = (part[rows] for part in parts)
        brightest_lists(u, panels, self._panel, self._rays, self._weights, self.brightest, *own, count[rows])

    def _whole_lists(self, u: Float64Array, panels: Float64Array) -> Spots:
        count = np.empty(len(u), dtype=np.int64)
        rooms: list[SpotArrays] = []
        most = len(self.table.hkl)
        for start in range(0, len(u), _CHUNK):
            rows = slice(start, start + _CHUNK)
            rooms.append(take_room(most * min(len(u), _CHUNK)))
            whole_lists(u[rows], _own(panels, rows), self._panel, self._rays, self._weights, *rooms[-1], count[rows])
        padded = _padded(count, rooms, most)
        keep_rooms(rooms)
        return padded

    def with_table(self, table: ReflectionTable) -> LaueModel:
        """Return the model with another table of the same reflections, as of a lattice that is a little stretched.

        Places and energies follow the table; the cell's volume and absorption stay those of the crystal.
        """
        changed = copy.copy(self)
        changed.table = table
        changed._rays, changed._asked = ray_tables(table, self.beam.band_kev), 0
        return changed

    def _rank_in_time(self, lists: int) -> None:
        """Rank the rays once enough lists of the brightest have been asked for; the lists stay the same."""
        before, self._asked = self._asked, self._asked + lists
        if self.brightest is not None and before < _RANKING_PAYS <= self._asked:
            self._rays = ranked(self._rays, self._weights, self.detector.as_vector(), self._panel)

    def _physics(self) -> Physics:
        energy = self.beam.energy_kev
        mode, thickness, normal, whole = slab_mode(self.slab)
        return Physics(
            low_kev=float(energy[0]),
            per_kev=float((energy.size - 1) / (energy[-1] - energy[0])),
            grid=energy_table(self.crystal, self.table, self.beam, self.extinction, self.slab is not None),
            polarised=self.beam.radiation == "xray",
            polarisation=float(self.beam.polarisation),
            perfect=self.extinction == "full",
            mode=mode,
            thickness_mm=float(thickness),
            surface=normal,
            whole=whole,
            layered=self.beam.layer is not None,
            depth=np.ones(1) if self.beam.layer is None else self.beam.layer.depth(energy),
        )

    def _panels(self, detectors: ArrayLike | None, n: int) -> Float64Array:
        if detectors is None:
            return self.detector.as_vector()[None, :]
        panels = np.ascontiguousarray(detectors, dtype=np.float64)
        if panels.shape != (n, 9):
            raise ValueError(f"detectors must have shape ({n}, 9), origin_mm then fast then slow; found {panels.shape}")
        bad = first_bad_panel(panels)
        if bad >= 0:
            raise ValueError(
                f"detectors row {bad} is no panel: fast and slow must be perpendicular unit vectors, their plane away "
                f"from the sample; found {np.round(panels[bad], 6).tolist()}"
            )
        return panels


def check_orientations(orientation: ArrayLike) -> Float64Array:
    """Return orientations as (n, 3, 3); raises ValueError for a wrong shape or what is not a rotation to 1e-6."""
    u = np.ascontiguousarray(orientation, dtype=np.float64)
    if u.shape == (3, 3):
        u = u[None]
    if u.ndim != 3 or u.shape[1:] != (3, 3):
        raise ValueError(f"orientations must have shape (n, 3, 3); found {u.shape}")
    bad = first_bad_rotation(u, ROTATION_TOLERANCE)
    if bad >= 0:
        check_rotation(u[bad], f"orientation {bad}")
    return u


def _own(panels: Float64Array, rows: slice) -> Float64Array:
    """Return the panels of some rows, or the one that all share."""
    return panels if len(panels) == 1 else panels[rows]


def _padded(count: Int64Array, rooms: list[SpotArrays], most: int) -> Spots:
    parts = spot_arrays(len(count), int(count.max(initial=0)))
    for item, room in enumerate(rooms):
        rows = slice(item * _CHUNK, (item + 1) * _CHUNK)
        pad_lists(count[rows], most, *room, *(part[rows] for part in parts))
    return Spots(count, *parts)
