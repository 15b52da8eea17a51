"""A file as EDCs over E − E_F in electrons, each with its place: read, its Fermi level set, cut to the window."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from beamgym.physics.arpes.gaps import GoldEdge, fit_gold
from beamgym.physics.arpes.load import (
    LabelledArray,
    LabelledAxis,
    LoadError,
    LoadWords,
    MeasuredSpectra,
    choose_array,
    from_array,
    read_arrays,
    role_of,
    unit_doubts,
)
from beamgym.physics.arrays import Float64Array

UNSTATED_EV = 0.001
"""One standard deviation of a Fermi level that nobody has stated: the file's own zero of energy."""
_WIDEST_EV = 20.0
_GOLD_WINDOW_EV = (-0.25, 0.15)
_OPTIONS = (
    ("--fermi-level EV", "--fermi EV+-EV"),
    ("--fermi-level", "--fermi"),
    (", or count them as 0: --dead-as-zero", ""),
    (" (--dead-as-zero counts it as 0)", ""),
    ("count such pixels as 0: --dead-as-zero", "cut those pixels off"),
    ("there is nothing to score", "there is no spectrum"),
)
"""Words of the reader, which speaks of ``beamgym score``, and this verb's."""
_VALUE = re.compile(r"^\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?:(?:\+-|\+/-|±)\s*([\d.]+(?:[eE][-+]?\d+)?))?\s*$")


@dataclass(frozen=True, eq=False)
class Columns:
    """The spectra of a file on one energy axis.

    Parameters
    ----------
    energy_ev : (n,) E − E_F
    counts : (m, n, a) electrons
    slit : (a,) places along the slit; None of EDCs
    slit_name : of these places, with their unit
    fermi_error_ev : one standard deviation of the Fermi level
    measured : as read
    gold : the metal's edge; None where none was given
    notes : what was assumed
    """

    energy_ev: Float64Array
    counts: Float64Array
    slit: Float64Array | None
    slit_name: str
    fermi_error_ev: float
    measured: MeasuredSpectra
    gold: GoldEdge | None
    notes: tuple[str, ...]


def with_error(option: str, words: str) -> tuple[float, float]:
    """Return the numbers of "20+-2", "20±2" or "20", whose error is 0.

    Raises
    ------
    ValueError : no such words
    """
    match = _VALUE.match(words)
    if match is None:
        raise ValueError(f"{option} {words!r}: write a number, or a number and its error, as 20+-2")
    return float(match.group(1)), float(match.group(2) or 0.0)


def read_columns(
    path: Path,
    words: LoadWords,
    fermi: tuple[float, float] | None,
    gold: GoldEdge | None,
    window_ev: tuple[float, float],
    every: int,
) -> Columns:
    """Read a file.

    Parameters
    ----------
    path : as ``beamgym score`` reads it, or text of two columns, energy and counts
    words : what the file does not say
    fermi : level and its error on the file's axis, eV; None where it is not stated
    gold : a metal's edge on the same axis
    window_ev : of E − E_F that is kept
    every : so many energies are added up to one

    Raises
    ------
    LoadError, ValueError : in one line, with the remedy
    """
    level = gold.fermi_ev if gold is not None else fermi[0] if fermi is not None else None
    array, slit_name = _array(path, words)
    if gold is not None and _turned(array, _measured(array, replace(words, fermi_level_ev=0.0), path.name)):
        level = -gold.fermi_ev
    measured = _measured(array, replace(words, fermi_level_ev=level), path.name)
    notes = [
        *measured.notes,
        *map(_here, measured.fermi.doubts),
        *unit_doubts(measured.noise, measured.gain, measured.unit),
    ]
    if level is None and measured.fermi.source != "file":
        raise LoadError("kinetic energies need a Fermi level that is known: --gold FILE, or --fermi EV+-EV")
    error = gold.fermi_error_ev if gold is not None else fermi[1] if fermi is not None else UNSTATED_EV
    if level is None:
        notes.append("the file's zero of energy is taken for the Fermi level, ± 1 meV; --gold or --fermi says better")
    energy, counts = _cut(measured, window_ev, every)
    return Columns(energy, counts / measured.gain, measured.slit_deg, slit_name, error, measured, gold, tuple(notes))


def read_gold(path: Path, words: LoadWords, temperature_k: float) -> GoldEdge:
    """Fit a metal's edge in a file on the same energy axis; all its angles are added up."""
    array, _ = _array(path, replace(words, dataset=None))
    measured = _measured(array, replace(words, dataset=None, fermi_level_ev=None), path.name)
    energy = measured.energy_ev + measured.fermi.value_ev
    counts = measured.counts.sum(axis=(0, 2)).astype(np.float64)
    guess = fit_gold(energy, counts, temperature_k)
    near = (energy > guess.fermi_ev + _GOLD_WINDOW_EV[0]) & (energy < guess.fermi_ev + _GOLD_WINDOW_EV[1])
    return fit_gold(energy[near], counts[near], temperature_k)


def _measured(array: LabelledArray, words: LoadWords, name: str) -> MeasuredSpectra:
    """Return the spectra of an array; what is at odds is said in this verb's words."""
    try:
        return from_array(array, words, name)
    except LoadError as problem:
        raise LoadError(_here(str(problem))) from None


def _here(said: str) -> str:
    """Return a line of the reader's with the options of this verb."""
    for theirs, ours in _OPTIONS:
        said = said.replace(theirs, ours)
    return said


def _turned(array: LabelledArray, measured: MeasuredSpectra) -> bool:
    """Return whether energies were binding energies, positive below the Fermi level, and so got the other sign."""
    energy = measured.energy_ev + measured.fermi.value_ev
    raw = next(np.sort(axis.values) for axis in array.axes if axis.values is not None and role_of(axis) == "energy")
    return bool((raw[-1] > -raw[0]) != (energy[-1] > -energy[0]))


def _array(path: Path, words: LoadWords) -> tuple[LabelledArray, str]:
    """Return the spectra that are meant, momenta standing in for angles, and the name of what runs along the slit."""
    arrays = [_edc(array) for array in read_arrays(path)]
    array = arrays[0] if len(arrays) == 1 and arrays[0].values.ndim == 1 else choose_array(arrays, words.dataset, path)
    for axis in array.axes:
        if axis.values is not None and not np.isfinite(np.asarray(axis.values, dtype=np.float64)).all():
            raise LoadError(f"{path}: axis {axis.name!r} holds NaN; write the file again with its energies")
    momenta = [axis for axis in array.axes if role_of(axis) == "momentum"]
    if len(momenta) != 1:
        return array, "angle"
    axes = tuple(LabelledAxis("angle", axis.values, "deg") if axis is momenta[0] else axis for axis in array.axes)
    return replace(array, axes=axes), momenta[0].name


def _edc(array: LabelledArray) -> LabelledArray:
    """Return a matrix of two columns without names as an EDC; anything else as it is."""
    values = array.values
    if values.ndim != 2 or values.shape[1] != 2 or any(axis.values is not None for axis in array.axes):
        return array
    order = np.argsort(values[:, 0])
    return replace(array, values=values[order, 1], axes=(LabelledAxis("energy", values[order, 0]),))


def _cut(measured: MeasuredSpectra, window_ev: tuple[float, float], every: int) -> tuple[Float64Array, Float64Array]:
    energy = measured.energy_ev
    if float(np.ptp(energy)) > _WIDEST_EV:
        raise LoadError(f"energies over {np.ptp(energy):.4g} eV are none of a gap; are they meV? say --unit meV")
    inside = (energy >= window_ev[0]) & (energy <= window_ev[1])
    if not energy[0] < 0.0 < energy[-1]:
        raise LoadError(
            f"the Fermi level lies outside the file's energies, {energy[0]:.4g} to {energy[-1]:.4g} eV from it; "
            "give it on the file's axis: --fermi EV+-EV"
        )
    if inside.sum() // every < 2:
        raise LoadError(f"no energies of {measured.name} lie within {window_ev[0]:g} to {window_ev[1]:g} eV: --window")
    counts, kept = measured.counts[:, inside].astype(np.float64), energy[inside]
    whole = kept.size // every * every
    binned = counts[:, :whole].reshape(len(counts), -1, every, counts.shape[2]).sum(axis=2)
    return kept[:whole].reshape(-1, every).mean(axis=1), binned
