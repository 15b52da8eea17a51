"""From the numbers of an axis to eV and degrees; what is not certain of unit, sign and scale is said or refused."""

from dataclasses import replace
from typing import Literal

import numpy as np

from beamgym.physics.arpes.load.axes import AxisWords
from beamgym.physics.arpes.load.labelled import PYARPES_RADIANS, LabelledAxis, LoadError, key_of, role_of
from beamgym.physics.arrays import Float64Array

_PER_K = 0.512316722  # √(2 m) / ħ in 1/(Å √eV)
_LOPSIDED = 2.0  # how much longer the occupied side must be for the lengths alone to tell it
_EMPTIER = 1.5  # how much emptier the unoccupied side must be for the counts alone to tell it
_LEAST_KINETIC = 0.5


def energies_ev(axis: LabelledAxis, words: AxisWords) -> tuple[Float64Array, list[str]]:
    """Return an axis' numbers in eV, in the file's order and sign, and what has to be said of its unit."""
    unit = next((u for u in words.units if u.lower() in ("ev", "mev", "kev")), axis.unit).lower()
    factor = next((f for start, f in (("mev", 1e-3), ("kev", 1e3), ("ev", 1.0)) if unit.startswith(start)), None)
    values = _rising_or_falling(axis, "energies")
    if factor is not None:
        return values * factor, []
    if unit and unit not in ("arb", "arb.", "a.u."):
        raise LoadError(f"energies in {axis.unit!r}; say what they are: --unit eV, --unit meV or --unit keV")
    if np.ptp(values) > 60.0 and key_of(axis.name) != "ev":
        return values, [
            f"the energies span {np.ptp(values):.4g} and have no unit; taken for eV (--unit meV says otherwise)"
        ]
    return values, []


def energy_scale(
    axis: LabelledAxis, values: Float64Array, profile: Float64Array, words: AxisWords
) -> tuple[Literal["kinetic", "relative"], bool, list[str]]:
    """Tell kinetic energies from those relative to the Fermi level, and which way the latter run.

    Parameters
    ----------
    axis : as in the file
    values : (e,) its numbers, eV
    profile : (e,) counts at each, summed over everything else
    words : what the user says

    Returns
    -------
    "kinetic" or "relative"; whether the sign has to be turned (binding energies, positive below the Fermi level); and
    what has to be said

    Raises
    ------
    LoadError : relative energies whose occupied side neither lengths nor counts tell
    """
    told = words.scale or axis.kind or _scale_in(axis)
    low, high = float(values.min()), float(values.max())
    if told == "kinetic":
        return "kinetic", False, []
    if not told and low > _LEAST_KINETIC:
        return (
            "kinetic",
            False,
            [f"{low:.4g} to {high:.4g} eV are taken for kinetic energies (--binding says otherwise)"],
        )
    turned, sure = _turned(values, profile)
    if turned is None:
        if not told:
            raise LoadError("energies run both ways from 0 and neither side is empty; say --binding or --kinetic")
        turned = told == "binding"
    notes = ["the occupied side is told by the counts alone"] if not sure else []
    return "relative", turned, notes


def _scale_in(axis: LabelledAxis) -> str:
    name = key_of(axis.name) + axis.unit.lower()
    kinetic = "kinetic" in name or key_of(axis.name) in ("ekin", "ke", "ek")
    return "kinetic" if kinetic else "binding" if "binding" in name or key_of(axis.name) in ("ebin", "eb", "be") else ""


def _turned(values: Float64Array, profile: Float64Array) -> tuple[bool | None, bool]:
    """Return whether positive energies are the occupied ones, None where it cannot be told; and whether it is sure."""
    above, below = float(values.max()), float(-values.min())
    if above <= 0.0 or below <= 0.0 or max(above, below) > _LOPSIDED * min(above, below):
        return above > below, True
    order = np.argsort(values)
    quarter = max(values.size // 4, 1)
    first, last = profile[order][:quarter].mean(), profile[order][-quarter:].mean()
    if max(first, last) < _EMPTIER * max(min(first, last), 1e-9):
        return None, False
    return bool(last > first), False


def slit_degrees(
    axis: LabelledAxis, words: AxisWords, kinetic_ev: float | None, pyarpes: bool
) -> tuple[Float64Array, list[str]]:
    """Return angles in degrees, in the file's order, from angles or momenta, and what has to be said.

    Parameters
    ----------
    axis : angles (degrees, rad, mrad) or momenta (1/Å)
    words : what the user says
    kinetic_ev : of electrons at the Fermi level, by which momenta become angles: k = √(2 m E) sin θ / ħ
    pyarpes : whether PyARPES wrote the file, which keeps its angles in radians and does not say so

    Raises
    ------
    LoadError : a unit that is not known, momenta without a kinetic energy or larger than it allows
    """
    values = _rising_or_falling(axis, "angles")
    unit = next((u for u in words.units if not u.lower().endswith("ev")), axis.unit).lower().replace(" ", "")
    if role_of(replace(axis, unit=unit)) == "momentum" and not unit.startswith(("deg", "°", "rad", "mrad")):
        return _from_momenta(axis, values, kinetic_ev)
    if unit.startswith("mrad"):
        return np.degrees(values * 1e-3), []
    if unit.startswith("rad"):
        return np.degrees(values), []
    if unit.startswith(("deg", "°")):
        return values, []
    if unit and unit not in ("arb", "arb."):
        raise LoadError(f"angles in {axis.unit!r}; say what they are: --unit deg, rad, mrad or 1/A")
    if pyarpes and axis.name in PYARPES_RADIANS:
        return np.degrees(values), [
            f"{axis.name} is taken for radians, as PyARPES keeps it (--unit deg says otherwise)"
        ]
    if key_of(axis.name) in ("pixels", "pixel", "channel", "slice"):
        raise LoadError(
            f"axis {axis.name!r} counts pixels; give its angles: --angle-axis {axis.name}=FIRST:LAST, degrees"
        )
    if np.ptp(values) < 1.0:
        raise LoadError(
            f"{axis.name} spans {np.ptp(values):.3g} and has no unit; say --unit rad, --unit deg or --unit 1/A"
        )
    if np.ptp(values) > 90.0:
        raise LoadError(
            f"{axis.name} spans {np.ptp(values):.3g} and has no unit; say --unit mrad, or give --angle-axis"
        )
    return values, [f"{axis.name} has no unit; taken for degrees (--unit rad says otherwise)"]


def _from_momenta(axis: LabelledAxis, values: Float64Array, kinetic_ev: float | None) -> tuple[Float64Array, list[str]]:
    if kinetic_ev is None or kinetic_ev <= 0.0:
        raise LoadError(f"{axis.name} is a momentum; its angle needs --photon-energy (eV), which the file does not say")
    sine = values / (_PER_K * np.sqrt(kinetic_ev))
    if np.abs(sine).max() >= 1.0:
        raise LoadError(f"{axis.name} reaches {np.abs(values).max():.3g} 1/Å, more than {kinetic_ev:.4g} eV carry")
    note = f"{axis.name} became angles at the Fermi level, {kinetic_ev:.4g} eV; a file in momenta has been interpolated"
    return np.degrees(np.arcsin(sine)), [note]


def _rising_or_falling(axis: LabelledAxis, what: str) -> Float64Array:
    values = np.asarray(axis.values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise LoadError(
            f"axis {axis.name!r} holds {what} that are not finite; write the file again, or give FIRST:LAST"
        )
    steps = np.diff(values)
    if values.size < 2 or not (np.all(steps > 0) or np.all(steps < 0)):
        raise LoadError(
            f"axis {axis.name!r}: the {what} neither rise nor fall throughout; sort them, or give FIRST:LAST"
        )
    return values
