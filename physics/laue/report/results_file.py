"""Indexing results as HDF5 with NeXus names."""

import os
from collections.abc import Sequence
from importlib.metadata import version

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.crystal import Crystal, ub_matrix
from beamgym.physics.files import replacing
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexed


def write_results(
    path: str | os.PathLike[str],
    crystal: Crystal,
    detector: Detector,
    peaks: Peaks,
    indexed: Indexed,
    image: ArrayLike | None = None,
    row: int = 0,
    others: Sequence[Indexed] = (),
) -> None:
    """Write one indexed pattern; the file appears whole or not at all.

    Parameters
    ----------
    path : the file to write, replaced where it exists
    crystal, detector : what was indexed, and with which geometry
    peaks : found peaks; ``row`` says which frame of theirs
    indexed : the answer
    image : (slow, fast) counts to store beside it
    others : the answers of further grains

    Notes
    -----
    NXentry with NXsample (unit_cell, orientation_matrix, ub_matrix), NXinstrument/NXdetector, NXdata, and an NXprocess
    with the figures; of several grains, all of them in the NXcollection grains, and the first elsewhere. Directions are
    in the lab frame, x along the beam and z up, which the root's attribute says.
    """
    with replacing(path) as draft, h5py.File(draft, "w") as out:
        out.attrs["default"] = "entry"
        out.attrs["lab_frame"] = "right-handed, x along the beam, z up, sample at the origin"
        entry = _group(out, "entry", "NXentry")
        _write_sample(entry, crystal, indexed)
        _write_detector(entry, detector)
        _write_peaks(entry, peaks, indexed, row)
        _write_process(entry, indexed)
        if others:
            _write_grains(entry, crystal, [indexed, *others])
        if image is not None:
            _write_image(entry, np.asarray(image))


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _put(group: h5py.Group, name: str, value: ArrayLike, units: str | None = None) -> None:
    group[name] = value
    if units is not None:
        group[name].attrs["units"] = units


def _write_sample(entry: h5py.Group, crystal: Crystal, indexed: Indexed) -> None:
    sample = _group(entry, "sample", "NXsample")
    _put(sample, "name", crystal.name)
    _put(sample, "unit_cell", crystal.cell)
    _put(sample, "unit_cell_abc", crystal.cell[:3], "angstrom")
    _put(sample, "unit_cell_alphabetagamma", crystal.cell[3:], "degree")
    _put(sample, "point_group", crystal.laue_class)
    _put(sample, "orientation_matrix", indexed.orientation[None])
    _put(sample, "ub_matrix", ub_matrix(indexed.orientation, crystal)[None], "1/angstrom")
    sample["ub_matrix"].attrs["convention"] = "Busing & Levy (1967) without 2 pi"
    if indexed.ambiguous:
        _put(sample, "ambiguous_orientations", np.array(indexed.ambiguous))


def _write_detector(entry: h5py.Group, detector: Detector) -> None:
    group = _group(_group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
    _put(group, "distance", detector.distance_mm, "mm")
    _put(group, "x_pixel_size", detector.pixel_mm, "mm")
    _put(group, "y_pixel_size", detector.pixel_mm, "mm")
    _put(group, "origin", detector.origin_mm, "mm")
    _put(group, "fast", detector.fast)
    _put(group, "slow", detector.slow)
    _put(group, "shape", np.array(detector.shape))


def _write_peaks(entry: h5py.Group, peaks: Peaks, indexed: Indexed, row: int) -> None:
    count = int(peaks.count[row])
    group = _group(entry, "peaks", "NXcollection")
    _put(group, "position", peaks.position_px[row, :count], "pixel")
    _put(group, "intensity", peaks.intensity[row, :count])
    _put(group, "saturated", peaks.saturated[row, :count])
    _put(group, "indexed", indexed.assigned)
    _put(group, "hkl", indexed.hkl)
    _put(group, "energy", indexed.energy_kev, "keV")


def _write_process(entry: h5py.Group, indexed: Indexed) -> None:
    process = _group(entry, "indexing", "NXprocess")
    _put(process, "program", "beamgym")
    _put(process, "version", version("beamgym"))
    _put(process, "matched", indexed.matched)
    _put(process, "figure_of_merit", indexed.figure_of_merit)
    _put(process, "mean_residual_pixel", indexed.residual_px, "pixel")
    _put(process, "mean_residual_angle", indexed.residual_deg, "degree")


def _write_grains(entry: h5py.Group, crystal: Crystal, grains: Sequence[Indexed]) -> None:
    group = _group(entry, "grains", "NXcollection")
    _put(group, "orientation_matrix", np.array([grain.orientation for grain in grains]))
    _put(group, "ub_matrix", np.array([ub_matrix(grain.orientation, crystal) for grain in grains]), "1/angstrom")
    _put(group, "matched", np.array([grain.matched for grain in grains]))
    _put(group, "figure_of_merit", np.array([grain.figure_of_merit for grain in grains]))
    _put(group, "mean_residual_pixel", np.array([grain.residual_px for grain in grains]), "pixel")
    _put(group, "indexed", np.array([grain.assigned for grain in grains]))
    _put(group, "hkl", np.array([grain.hkl for grain in grains]))


def _write_image(entry: h5py.Group, image: NDArray[np.generic]) -> None:
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    entry.attrs["default"] = "data"
    data.create_dataset("data", data=image, compression="gzip", compression_opts=1)
