"""Which dimension of an array is the energy and which the angle: by names, units and what the user says."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.physics.arpes.load.labelled import (
    DEFLECTIONS,
    MOMENTA,
    SLITS,
    LabelledArray,
    LabelledAxis,
    LoadError,
    key_of,
    role_of,
)

_RANGE = re.compile(r"^\s*([-+.\deE]+)\s*:\s*([-+.\deE]+)\s*(?::\s*(.+))?$")


@dataclass(frozen=True)
class AxisWords:
    """What a user says of a file's axes.

    Parameters
    ----------
    energy_axis, angle_axis : NAME or number of the dimension, and after a "=" its FIRST:LAST pixel centre, with :UNIT
        where need be, or the name of a list in the file; such as "0", "Energy", "1=-12:12", "0=15.2:16.9:eV", "1=theta"
    scale : "kinetic" or "binding"
    units : of the axes: eV, meV, keV; deg, rad, mrad, 1/A
    """

    energy_axis: str | None = None
    angle_axis: str | None = None
    scale: Literal["kinetic", "binding"] | None = None
    units: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class NamedAxes:
    """Which dimension of an array is which, with the axes that are then known.

    Parameters
    ----------
    energy : number of its dimension
    angle : number of its dimension; None where the file has no angles
    axes : all of them, with what the user has said
    """

    energy: int
    angle: int | None
    axes: tuple[LabelledAxis, ...]


def name_axes(array: LabelledArray, words: AxisWords) -> NamedAxes:
    """Find the energy and the angle among an array's axes.

    Raises
    ------
    LoadError : no energy axis, several that could be it, a name that no axis has; says how to name it
    """
    axes = list(array.axes)
    energy = _told(array, axes, words.energy_axis, "--energy-axis")
    angle = _told(array, axes, words.angle_axis, "--angle-axis")
    if energy is not None and energy == angle:
        raise LoadError(f"--energy-axis and --angle-axis both name axis {axes[energy].name!r}; name two")
    left = [number for number in range(len(axes)) if number not in (energy, angle)]
    roles = {number: role_of(axes[number]) for number in left if array.values.shape[number] > 1}
    if energy is None:
        found = [number for number, role in roles.items() if role == "energy"]
        if len(found) != 1:
            raise LoadError(_no_energy(array, len(found)))
        energy = found[0]
    if angle is None:
        angle = _angle(array, {n: role for n, role in roles.items() if n != energy}, words)
    for number, option in ((energy, "--energy-axis"), (angle, "--angle-axis")):
        if number is not None and axes[number].values is None:
            raise LoadError(f"axis {axes[number].name!r} has no numbers; give them: {option} {number}=FIRST:LAST")
    return NamedAxes(energy, angle, tuple(axes))


def _told(array: LabelledArray, axes: list[LabelledAxis], said: str | None, option: str) -> int | None:
    """Return the dimension that a user names, and put what is said of its numbers into ``axes``."""
    if said is None:
        return None
    which, given, what = said.partition("=")
    names = [key_of(axis.name) for axis in axes]
    number = int(which) if which.isdigit() else names.index(key_of(which)) if key_of(which) in names else -1
    if not 0 <= number < len(axes):
        raise LoadError(
            f"{option} {which}: {array.name} has the axes {array.shape_words}; name one of them, or 0, 1, …"
        )
    if not given:
        return number
    size = array.values.shape[number]
    if ends := _RANGE.match(what):
        places, unit = np.linspace(float(ends.group(1)), float(ends.group(2)), size), ends.group(3) or ""
        axes[number] = LabelledAxis(axes[number].name, places, unit.strip() or axes[number].unit, axes[number].kind)
    elif what in array.lists and array.lists[what].shape == (size,):
        axes[number] = LabelledAxis(what, array.lists[what])
    else:
        lists = ", ".join(f"{name} ({len(item)})" for name, item in array.lists.items()) or "none"
        raise LoadError(f"{option} {said}: give FIRST:LAST, or a list of {size} numbers in the file; it holds {lists}")
    return number


def _no_energy(array: LabelledArray, count: int) -> str:
    if array.lists and count == 0 and len(set(array.values.shape)) < array.values.ndim:
        names = list(array.lists)
        return (
            f"{array.name} is {array.shape_words}: lists of equal length fit more than one axis; say which is which: "
            f"--energy-axis 0={names[0]} --angle-axis 1={names[-1]}"
        )
    several = "several axes that could be energies" if count else "no axis that is known as energies"
    return (
        f"{array.name} ({array.shape_words}) has {several}; name it: --energy-axis NAME, or --energy-axis 0=FIRST:LAST"
    )


def _angle(array: LabelledArray, roles: dict[int, str], words: AxisWords) -> int | None:
    """Return the dimension along the slit; None where there is neither angle nor momentum."""
    named = {number: key_of(array.axes[number].name) for number, role in roles.items() if role in ("angle", "momentum")}
    if len(named) < 2:
        return next(iter(named), None)
    momenta = [number for number, name in named.items() if name in MOMENTA]
    if len(momenta) > 1:
        raise LoadError(f"{array.name} has two momenta ({array.shape_words}); name the slit's: --angle-axis kx")
    likely = sorted(named, key=lambda n: (SLITS.index(named[n]) if named[n] in SLITS else 99, named[n] in DEFLECTIONS))
    return likely[0]
