"""A measured file as spectra in electrons over E − E_F and angle, with what had to be assumed for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.load.axes import AxisWords, NamedAxes, name_axes
from beamgym.physics.arpes.load.fermi import FermiLevel, fermi_level
from beamgym.physics.arpes.load.files import choose_array, read_arrays
from beamgym.physics.arpes.load.labelled import LabelledArray, LoadError, key_of, number_in
from beamgym.physics.arpes.load.noise import CountNoise, count_noise
from beamgym.physics.arpes.load.scales import energies_ev, energy_scale, slit_degrees
from beamgym.physics.arrays import BoolArray, Float64Array

PHOTON_KEYS: Final = (
    "hv", "photon_energy", "excitation energy", "excitation_energy", "incident_energy", "sf_hv", "bl_e", "mono_e",
    "beamline energy", "mono_energy",
)  # fmt: skip
"""Where files keep the photon energy."""

_WORK_FUNCTION = ("workfunction", "work_function", "eff. workfunction", "sample_workfunction", "wf")
_USUAL_WORK_FUNCTION = 4.4  # eV, of a spectrometer
_SAMPLED = 64  # spectra of a map by which the noise is judged
_ROUNDED = 1e-6  # of the largest value: below, a negative number is arithmetic


@dataclass(frozen=True)
class LoadWords(AxisWords):
    """What a user says of a file that does not say it; see ``AxisWords`` for the axes.

    Parameters
    ----------
    dataset : name or number (from 1) of one of several spectra in the file
    fermi_level_ev : on the file's energy axis
    photon_energy_ev : for momenta, and to find the Fermi level
    gain : units of the file for one electron; "noise" takes it from the noise
    dead_as_zero : whether pixels that are NaN count as 0 electrons
    """

    dataset: str | None = None
    fermi_level_ev: float | None = None
    photon_energy_ev: float | None = None
    gain: float | Literal["noise"] = 1.0
    dead_as_zero: bool = False

    def __post_init__(self) -> None:
        if self.gain != "noise" and not (np.isfinite(self.gain) and self.gain > 0):
            raise LoadError(f"--gain {self.gain} is no size of an electron; give a number above 0, or noise")


@dataclass(frozen=True, eq=False)
class MeasuredSpectra:
    """The spectra of a file.

    Parameters
    ----------
    name : the file, and the data set in it
    counts : (m, e, a) in the file's unit; (m, e, 1) where it has no angles
    energy_ev : (e,) E − E_F at the pixel centres, rising
    slit_deg : (a,) rising; None where the file has no angles
    shape : of the m spectra in the file, such as (y, x); () for one
    sites : coordinates of each spectrum by their names, (m,); empty for one
    alive : (m,) whether a spectrum holds numbers only
    fermi : the Fermi level
    noise : what the noise says of the unit
    gain : units of the file for one electron
    unit : of the values, as the file writes it
    notes : what was assumed, a line each
    about : what else the file says
    """

    name: str
    counts: NDArray[Any]
    energy_ev: Float64Array
    slit_deg: Float64Array | None
    shape: tuple[int, ...]
    sites: Mapping[str, Float64Array]
    alive: BoolArray
    fermi: FermiLevel
    noise: CountNoise
    gain: float
    unit: str = ""
    notes: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


def load(path: str | Path, words: LoadWords | None = None) -> MeasuredSpectra:
    """Read measured spectra.

    Parameters
    ----------
    path : NeXus or other HDF5, netCDF, Igor .ibw .pxt .itx, SPECS .xy, FITS, NumPy, text
    words : what the file does not say

    Returns
    -------
    MeasuredSpectra

    Raises
    ------
    FileNotFoundError : no such file
    LoadError : what cannot be read, or is not certain; the line says what to name
    """
    said = words or LoadWords()
    array = choose_array(read_arrays(Path(path)), said.dataset, Path(path))
    name = Path(path).name if array.name in Path(path).name else f"{Path(path).name}: {array.name}"
    return from_array(array, said, name)


def from_array(array: LabelledArray, words: LoadWords | None = None, name: str = "") -> MeasuredSpectra:
    """Make measured spectra of an array; raises LoadError as ``load``."""
    said = words or LoadWords()
    named = name_axes(array, said)
    values, shape, sites = _ordered(array, named)
    energies, notes = energies_ev(named.axes[named.energy], said)
    slit = None if named.angle is None else named.axes[named.angle]
    values, rows, columns = _without_dead_borders(values)
    values, alive, dead = _checked(values, said.dead_as_zero, array.name)
    profile = values[alive].sum(axis=(0, 2), dtype=np.float64)
    axis, energies = named.axes[named.energy], energies[rows]
    scale, turned, told = energy_scale(axis, energies, profile, said)
    photon = said.photon_energy_ev or number_in(array.about, PHOTON_KEYS)
    function = number_in(array.about, _WORK_FUNCTION) or _USUAL_WORK_FUNCTION
    energies = -energies if turned else energies
    rising = 1 if energies[-1] > energies[0] else -1
    given = said.fermi_level_ev if said.fermi_level_ev is None or not turned else -said.fermi_level_ev
    stated = (scale == "kinetic", given, photon, function, slit is not None)
    fermi = fermi_level(energies[::rising], profile[::rising], *stated)
    values, degrees, angled = values[:, ::rising], None, list[str]()
    if slit is not None:
        at_edge = fermi.value_ev if scale == "kinetic" else None if photon is None else photon - function
        degrees, angled = slit_degrees(slit, said, at_edge, "probe_polarization_theta" in array.about)
        degrees = degrees[columns]
        values, degrees = (values, degrees) if degrees[0] < degrees[-1] else (values[:, :, ::-1], degrees[::-1])
    noise = count_noise(values[alive][:: max(1, int(alive.sum()) // _SAMPLED)])
    return MeasuredSpectra(
        name or array.name,
        values,
        energies[::rising] - fermi.value_ev,
        degrees,
        shape,
        sites,
        alive,
        fermi,
        noise,
        noise.electron if said.gain == "noise" else float(said.gain),
        array.unit,
        (*dead, *notes, *told, *angled),
        dict(array.about),
    )


def _ordered(array: LabelledArray, named: NamedAxes) -> tuple[NDArray[Any], tuple[int, ...], dict[str, Float64Array]]:
    """Return the values as (m, energy, angle), the shape of the m, and the coordinates of each of them."""
    last = [named.energy] if named.angle is None else [named.energy, named.angle]
    leading = [number for number in range(array.values.ndim) if number not in last]
    masked = array.values
    values = np.ma.filled(masked.astype(np.float64), np.nan) if isinstance(masked, np.ma.MaskedArray) else masked
    values = np.transpose(np.asarray(values), [*leading, *last])
    values = values if named.angle is not None else values[..., None]
    sizes = tuple(size for size in values.shape[:-2] if size > 1)
    sites: dict[str, Float64Array] = {}
    shape = tuple(array.values.shape[number] for number in leading)
    for place, number in enumerate(leading):
        axis = named.axes[number]
        if axis.values is not None and axis.values.size > 1:
            grid = [np.arange(size) for size in shape]
            sites[axis.name] = np.asarray(axis.values, np.float64)[np.meshgrid(*grid, indexing="ij")[place].ravel()]
    sites |= {key: np.asarray(item, dtype=np.float64) for key, item in array.sites.items()}
    values = values.reshape(-1, *values.shape[-2:])
    if array.sites and len(sizes) == 1:
        return _gridded(values, sites)
    return values, sizes, sites


def _gridded(
    values: NDArray[Any], sites: dict[str, Float64Array]
) -> tuple[NDArray[Any], tuple[int, ...], dict[str, Float64Array]]:
    """Return a list of sites as a grid (slower, faster) where it is one; else as it is."""
    varied = {name: _levels(item) for name, item in sites.items() if np.ptp(item) > 0}
    if len(varied) != 2:
        return values, (len(values),), sites
    (one, ones), (other, others) = varied.items()
    if len(np.unique(ones + 1j * others)) != len(values) or (ones.max() + 1) * (others.max() + 1) != len(values):
        return values, (len(values),), sites
    slow, fast = (other, one) if key_of(one).startswith("x") or key_of(other).startswith("y") else (one, other)
    order = np.lexsort((varied[fast], varied[slow]))
    shape = (int(varied[slow].max()) + 1, int(varied[fast].max()) + 1)
    return values[order], shape, {name: item[order] for name, item in sites.items()}


def _levels(item: Float64Array) -> NDArray[np.int64]:
    """Return which level each position of a motor belongs to: read-backs scatter about what was set."""
    order = np.argsort(item)
    steps = np.diff(item[order])
    level = np.concatenate([[0], np.cumsum(steps > 0.3 * float(steps.max()))])
    return np.asarray(level[np.argsort(order)], dtype=np.int64)


def _without_dead_borders(values: NDArray[Any]) -> tuple[NDArray[Any], slice, slice]:
    """Return the values without rows and columns at the ends that are NaN throughout, as after a change to momenta."""
    if values.dtype.kind != "f":
        return values, slice(None), slice(None)
    lit = np.isfinite(values).any(axis=0)
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not rows.size:
        raise LoadError("the spectrum holds no number that is finite")
    taken = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return values[:, taken[0], taken[1]], *taken


def _checked(values: NDArray[Any], dead_as_zero: bool, name: str) -> tuple[NDArray[Any], BoolArray, list[str]]:
    """Return values without NaN, which spectra hold numbers only, and what has to be said of the others."""
    if values.dtype.kind not in "iuf":
        raise LoadError(f"{name} holds {values.dtype}, no real numbers; save the intensities")
    dead = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros((len(values), 1, 1), dtype=np.bool_)
    share, whole = dead.mean(axis=(1, 2)), dead.all(axis=(1, 2))
    notes = [f"{int(whole.sum())} of {len(values)} spectra are NaN throughout and have no score"] if whole.any() else []
    part = (share > 0) & ~whole
    if part.any() and dead_as_zero:
        notes.append(f"{int(dead[part].sum())} pixels that are NaN count as 0")
    elif part.any() and len(values) == 1:
        raise LoadError(f"{int(dead.sum())} pixels of {name} are NaN; cut them off, or count them as 0: --dead-as-zero")
    elif part.any():
        notes.append(f"{int(part.sum())} spectra hold NaN in part and have no score (--dead-as-zero counts it as 0)")
    alive = ~whole if dead_as_zero else share == 0
    if not alive.any():
        raise LoadError(f"every spectrum of {name} holds NaN; count such pixels as 0: --dead-as-zero")
    clean = np.where(dead, values.dtype.type(0), values) if dead.any() else values
    lowest, highest = float(clean.min()), float(clean.max())
    if lowest < -_ROUNDED * max(highest, 1e-300):
        negative = 100.0 * float((clean < 0).mean())
        raise LoadError(
            f"{negative:.2g} % of {name} is negative (lowest {lowest:.4g}): a background was subtracted, and what "
            "is left are no counts of electrons; load the file before the subtraction"
        )
    if highest <= 0:
        raise LoadError(f"{name} holds no counts at all; is the shutter open?")
    return np.maximum(clean, 0) if lowest < 0 else clean, np.asarray(alive), notes
