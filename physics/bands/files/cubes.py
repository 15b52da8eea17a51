"""Band-mapping files: cubes and lines of momenta, in any layout whose axes can be told; angles become momenta."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from beamgym.physics.arpes.bands_models import Geometry, kinetic_energy_ev
from beamgym.physics.arpes.load import LabelledArray, LabelledAxis, number_in, read_arrays, role_of
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.bands.cube import BandCube

_KINETIC_EV = 3.0
"""Energies that all lie above this are kinetic: no band is that far above the Fermi level."""
_WIDEST_EV = 60.0
"""Energies over more are in another unit: no map of bands is that deep."""
_EDGE_EV, _BRIGHTER = 0.1, 1.5
"""About the Fermi level that says nothing of the sign; how much brighter the occupied side is at the least."""
_UNITS_EV = {"mev": 1e-3, "kev": 1e3}
_USUAL_LENGTH = 3.5


@dataclass(frozen=True)
class CubeWords:
    """What the user says of a file.

    Parameters
    ----------
    dataset : its name, where the file holds several
    fermi_ev : energy of the Fermi level on the file's axis, which becomes zero
    photon_energy_ev, work_function_ev : for angles, where the file does not say them
    length : of a line of momenta without values, 1/Å
    window_ev : energies to keep, after the Fermi level is subtracted
    every : of momenta, so many are binned into one, along kx and ky
    """

    dataset: str | None = None
    fermi_ev: float | None = None
    photon_energy_ev: float | None = None
    work_function_ev: float | None = None
    length: float | None = None
    window_ev: tuple[float, float] | None = None
    every: int = 1


def read_cube(path: Path, words: CubeWords = CubeWords()) -> BandCube:
    """Read a cube (energy and two momenta or angles, in any order) or a line (energy and one momentum).

    Parameters
    ----------
    path : HDF5 (NeXus, xarray's, plain with data sets E, kx, ky), npz, Igor …, as ``arpes.load`` reads them
    words : what the file does not say

    Raises
    ------
    FileNotFoundError : no such file
    ValueError : nothing with an energy axis, an energy without Fermi level, angles without photon energy or work
        function, energies over more than 60 eV, and what ``BandCube.of`` refuses
    """
    array, place, energy = _chosen(read_arrays(path), words.dataset, path)
    values = np.moveaxis(np.ma.filled(np.ma.asarray(array.values, dtype=float), np.nan), place, -1).astype(np.float32)
    axes = [axis for number, axis in enumerate(array.axes) if number != place]
    notes: list[str] = []
    profile = np.nan_to_num(values.reshape(-1, values.shape[-1])).mean(axis=0)
    level = _about_fermi(energy, array.axes[place], words, path, notes)
    notes += _doubted_sign(level, profile)
    values, axes = _binned(values, axes, words.every, notes)
    if values.ndim == 2:
        way = _way(axes[0], values.shape[0], array, words, path, notes)
        cube = BandCube.of(level, way, [0.0], values[:, None, :], notes=tuple(notes))
    elif any(role_of(axis) == "angle" for axis in axes):
        cube = _from_angles(level, axes, values, array, words, path, notes)
    else:
        first, second = _momenta(axes, values, array, path)
        cube = BandCube.of(level, first, second, values, notes=tuple(notes))
    return cube if words.window_ev is None else cube.window(*words.window_ev)


def _chosen(arrays: list[LabelledArray], dataset: str | None, path: Path) -> tuple[LabelledArray, int, Float64Array]:
    """Return the array that is meant, which of its axes is the energy, and the energies."""
    found = []
    for array in arrays:
        if dataset is not None and dataset not in (array.name, array.name.rpartition("/")[2]):
            continue
        if array.values.ndim in (2, 3) and (energy := _energy_of(array)) is not None:
            found.append((array, *energy))
    if not found:
        names = ", ".join(array.name for array in arrays[:8]) or "no array"
        asked = f"{dataset!r} is no" if dataset else "there is no"
        raise ValueError(
            f"{path.name}: {asked} data set of 2 or 3 dimensions with an energy axis (E, eV, energy); it holds {names}"
        )
    found.sort(key=lambda one: (one[0].values.ndim, one[0].values.size), reverse=True)
    if dataset is None and len(found) > 1 and found[1][0].values.shape == found[0][0].values.shape:
        parts = [one[0].name for one in found]
        if "counts" not in [name.rpartition("/")[2] for name in parts]:
            raise ValueError(f"{path.name} holds several cubes: {', '.join(parts)}; choose one by --dataset")
        return next(one for one in found if one[0].name.endswith("counts"))
    return found[0]


def _energy_of(array: LabelledArray) -> tuple[int, Float64Array] | None:
    for number, axis in enumerate(array.axes):
        if role_of(axis) == "energy" and axis.values is not None:
            return number, np.asarray(axis.values, dtype=np.float64) * _UNITS_EV.get(axis.unit.strip().lower(), 1.0)
    return None


def _about_fermi(
    energy: Float64Array, axis: LabelledAxis, words: CubeWords, path: Path, notes: list[str]
) -> Float64Array:
    span = np.ptp(energy[np.isfinite(energy)]) if np.isfinite(energy).any() else 0.0
    if span > _WIDEST_EV and words.window_ev is None:
        raise ValueError(
            f"{path.name}: energies span {span:.4g} eV, too many for bands; if they are in meV, write units = meV on "
            "the energy axis, or divide them by 1,000; of a survey, keep a part: --window LOW HIGH"
        )
    if axis.unit.strip().lower() in _UNITS_EV:
        notes.append(f"energies in {axis.unit.strip()} became eV")
    if words.fermi_ev is not None:
        notes.append(f"energies are about the stated Fermi level, {words.fermi_ev:g} eV")
        energy = energy - words.fermi_ev
    elif energy.min() > _KINETIC_EV:
        raise ValueError(
            f"{path.name}: energies run from {energy.min():.4g} to {energy.max():.4g} eV and no Fermi level is stated; "
            "say where it lies on this axis by --fermi"
        )
    if axis.kind == "binding":
        notes.append("binding energies were turned into energies about the Fermi level")
        energy = -energy
    return energy


def _doubted_sign(energy: Float64Array, profile: Float64Array) -> list[str]:
    """Return a warning where what lies above the Fermi level is longer, or brighter, than what lies below."""
    above, below = profile[energy > _EDGE_EV], profile[energy < -_EDGE_EV]
    longer = energy.max() > max(1.0, -energy.min())
    brighter = above.size > 4 and above.mean() > _BRIGHTER * (below.mean() if below.size else 0.0)
    if not (longer or brighter):
        return []
    what = "most energies lie" if longer else "most of the intensity lies"
    return [f"WARNING: {what} above the Fermi level; if they are binding energies, turn their sign"]


def _binned(
    values: Float32Array, axes: list[LabelledAxis], every: int, notes: list[str]
) -> tuple[Float32Array, list[LabelledAxis]]:
    if every < 1:
        raise ValueError(f"--every must be at least 1, not {every}")
    if every == 1:
        return values, axes
    new = []
    for place, axis in enumerate(axes):
        count = values.shape[place] // every
        if count < 3:
            raise ValueError(
                f"--every {every} leaves {count} momenta of {values.shape[place]}; choose a smaller number"
            )
        cut = np.take(values, np.arange(count * every), place)
        values = cut.reshape(*cut.shape[:place], count, every, *cut.shape[place + 1 :]).mean(axis=place + 1)
        line = None if axis.values is None else axis.values[: count * every].reshape(count, every).mean(axis=1)
        new.append(LabelledAxis(axis.name, line, axis.unit, axis.kind))
    notes.append(f"momenta were binned by {every} along each axis")
    return values, new


def _way(
    axis: LabelledAxis, size: int, array: LabelledArray, words: CubeWords, path: Path, notes: list[str]
) -> Float64Array:
    if axis.values is not None and role_of(axis) == "angle":
        kinetic, _ = _kinetic(np.zeros(1), array, words, path)
        k = Geometry().momentum(np.asarray(axis.values, dtype=np.float64), kinetic[0])[..., 1]
        notes.append("angles became momenta at the Fermi level")
        return np.asarray(k)
    if axis.values is not None:
        return np.asarray(axis.values, dtype=np.float64)
    if words.length is None:
        notes.append(f"the line's momenta have no values: taken as {_USUAL_LENGTH:g} 1/Å long in all; state --length")
    return np.linspace(0.0, words.length if words.length is not None else _USUAL_LENGTH, size)


def _momenta(
    axes: list[LabelledAxis], values: Float32Array, array: LabelledArray, path: Path
) -> tuple[Float64Array, Float64Array]:
    """Return both momentum axes: by their own values, else by lists kx and ky beside the data."""
    lists = {name.lower(): np.asarray(one, dtype=np.float64) for name, one in array.lists.items()}
    found = []
    for place, (axis, name) in enumerate(zip(axes, ("kx", "ky"), strict=True)):
        own = axis.values if axis.values is not None else lists.get(name)
        if own is None or own.size != values.shape[place]:
            raise ValueError(
                f"{path.name}: the {values.shape[place]} momenta along {axis.name} have no values; write {name} beside "
                "the data, 1/Å"
            )
        found.append(np.asarray(own, dtype=np.float64))
    return found[0], found[1]


def _kinetic(energy: Float64Array, array: LabelledArray, words: CubeWords, path: Path) -> tuple[Float64Array, float]:
    photon = words.photon_energy_ev or number_in(array.about, ("hv", "photon_energy", "photonenergy"))
    work = words.work_function_ev or number_in(array.about, ("work_function_ev", "work_function", "workfunction"))
    if photon is None or work is None:
        missing = "--photon-energy" if photon is None else "--work-function"
        raise ValueError(
            f"{path.name} is measured over angles: momenta need {missing} in eV, which the file does not say"
        )
    return kinetic_energy_ev(energy, photon, work), float(work)


def _from_angles(
    energy: Float64Array,
    axes: list[LabelledAxis],
    values: Float32Array,
    array: LabelledArray,
    words: CubeWords,
    path: Path,
    notes: list[str],
) -> BandCube:
    """Return a cube over momenta from one over slit angle and deflection: each energy is interpolated."""
    from scipy.ndimage import map_coordinates

    slit, deflection = (_degrees(axis, path) for axis in axes)
    kinetic, _ = _kinetic(energy, array, words, path)
    polar, tilt, azimuth = (number_in(array.about, (name,)) or 0.0 for name in ("polar_deg", "tilt_deg", "azimuth_deg"))
    geometry = Geometry(polar, tilt, azimuth, "horizontal" if array.about.get("slit") == "horizontal" else "vertical")
    corners = geometry.momentum(slit[:, None], kinetic.min(), deflection[None, :])
    swap = geometry.slit == "vertical"  # the slit then runs along ky
    counts = (deflection.size, slit.size) if swap else (slit.size, deflection.size)
    kx = np.linspace(corners[..., 0].min(), corners[..., 0].max(), counts[0])
    ky = np.linspace(corners[..., 1].min(), corners[..., 1].max(), counts[1])
    k = np.stack(np.meshgrid(kx, ky, indexing="ij"), axis=-1)
    out = np.empty((*k.shape[:2], energy.size), dtype=np.float32)
    used = np.ones(k.shape[:2], dtype=bool)
    for e, one in enumerate(kinetic):
        there = geometry.angles(k, one)
        index = [(a - axis[0]) / (axis[1] - axis[0]) for a, axis in zip(there, (slit, deflection), strict=True)]
        used &= (index[0] >= 0) & (index[0] <= slit.size - 1) & (index[1] >= 0) & (index[1] <= deflection.size - 1)
        out[..., e] = map_coordinates(values[..., e], index, order=1, mode="nearest")
    notes.append(f"angles became momenta, {kx[0]:.3g} to {kx[-1]:.3g} and {ky[0]:.3g} to {ky[-1]:.3g} 1/Å")
    if not used.any():
        raise ValueError(f"{path.name}: no momentum is seen at every energy; cut the energies by --window")
    return BandCube.of(energy, kx, ky, out, used, tuple(notes))


def _degrees(axis: LabelledAxis, path: Path) -> Float64Array:
    if axis.values is None:
        raise ValueError(
            f"{path.name}: the angles along {axis.name} have no values; write them beside the data, degrees"
        )
    values = np.asarray(axis.values, dtype=np.float64)
    return np.degrees(values) if axis.unit.lower().startswith("rad") else values
