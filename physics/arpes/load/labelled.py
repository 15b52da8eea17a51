"""An array as a file holds it: values and named axes with units; and which axis is which, by its name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray


class LoadError(ValueError):
    """A measured file that cannot be read as it is; the one line names the remedy."""


@dataclass(frozen=True, eq=False)
class LabelledAxis:
    """One axis of an array.

    Parameters
    ----------
    name : as the file calls it, or "axis 0"
    values : (size,) at the pixel centres; None where the file holds none
    unit : as the file writes it; "" where it says nothing
    kind : "kinetic" or "binding" where the file says so, else ""
    """

    name: str
    values: NDArray[Any] | None = None
    unit: str = ""
    kind: str = ""


@dataclass(frozen=True, eq=False)
class LabelledArray:
    """One data set of a file.

    Parameters
    ----------
    name : of the data set in its file
    values : (…) numbers; may be a masked array
    axes : one for each dimension
    about : numbers and words that the file says beside it, by keys in small letters, such as "hv"
    unit : of the values; "" where the file says nothing
    sites : coordinates of the first axis' entries where the file lists them, such as {"X": (m,)}
    lists : other lists of numbers in the file, which may turn out to be axes
    """

    name: str
    values: NDArray[Any]
    axes: tuple[LabelledAxis, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    sites: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    lists: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim != len(self.axes):
            raise LoadError(f"{self.name} has {self.values.ndim} dimensions but names {len(self.axes)} axes")
        for axis, size in zip(self.axes, self.values.shape, strict=True):
            if axis.values is not None and axis.values.shape != (size,):
                found = " x ".join(map(str, axis.values.shape))
                raise LoadError(
                    f"axis {axis.name!r} of {self.name} holds {found} numbers for {size} pixels; "
                    f"write the file again, or give the axis: --energy-axis {axis.name}=FIRST:LAST"
                )

    @property
    def shape_words(self) -> str:
        """Names and sizes, such as "eV 240 x phi 160"."""
        return " x ".join(f"{axis.name} {size}" for axis, size in zip(self.axes, self.values.shape, strict=True))


def unnamed_axes(count: int) -> tuple[LabelledAxis, ...]:
    """Return axes of which nothing is known."""
    return tuple(LabelledAxis(f"axis {number}") for number in range(count))


def key_of(name: str) -> str:
    """Return a name without case, blanks, dashes and underscores, by which names are compared."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def number_in(about: Mapping[str, Any], keys: Iterable[str]) -> float | None:
    """Return the first finite number that a file says under one of some keys (compared by ``key_of``)."""
    known = {key_of(name): value for name, value in about.items()}
    for key in keys:
        try:
            number = float(np.asarray(known[key_of(key)]).ravel()[0])
        except (KeyError, IndexError, TypeError, ValueError):
            continue
        if np.isfinite(number):
            return number
    return None


def from_xarray(data: Any) -> LabelledArray:
    """Return an xarray.DataArray, or what looks like one (dims, coords, values, attrs), as a labelled array."""
    axes = []
    for name in data.dims:
        known = name in data.coords
        unit = str(data.coords[name].attrs.get("units", "")) if known else ""
        axes.append(LabelledAxis(str(name), np.asarray(data.coords[name].values) if known else None, unit))
    about = {str(key).lower(): value for key, value in data.attrs.items()}
    about |= {str(key).lower(): item.item() for key, item in data.coords.items() if item.ndim == 0}
    return LabelledArray(str(data.name or ""), np.asarray(data.values), tuple(axes), about, str(about.get("units", "")))


ENERGIES: Final = (
    "ev", "energy", "energies", "energyev", "e", "ekin", "ebin", "eb", "ek", "be", "ke", "eef", "eminusef",
    "kineticenergy", "bindingenergy", "kineticenergyev", "bindingenergyev", "energyaxis", "escale", "emef", "kinetic",
    "binding",
)  # fmt: skip
"""Names of the energy axis (by ``key_of``): xarray's users write eV, NXmpes energy, NXarpes energies."""

SLITS: Final = (
    "alpha", "phi", "angle", "angles", "angledeg", "slit", "slitangle", "slitdeg", "thetay", "nonenergyordinate",
    "angular0", "angulardispersion", "yscale", "ordinate", "thetapar", "emissionangle", "deg", "theta", "ang",
    "angular1", "pixels", "pixel", "channel", "slice", "slices",
)  # fmt: skip
"""Names of the angle along the slit, the likeliest first: erlab writes alpha, PyARPES phi, NXmpes angular0."""

DEFLECTIONS: Final = ("beta", "psi", "chi", "polar", "tilt", "azimuth", "thetax", "deflection", "deflector", "perp")
"""Names of angles that a scan turns; each of their steps is a spectrum of its own."""

ANGLES: Final = (*SLITS, *DEFLECTIONS)

MOMENTA: Final = ("kp", "kpar", "kparallel", "k", "kx", "ky", "kn", "kparl", "momentum", "kparallelx")
"""Names of the momentum along the slit, the likeliest first."""

POSITIONS: Final = (
    "x", "y", "z", "sx", "sy", "xmm", "ymm", "samplex", "sampley", "scanx", "scany", "posx", "posy", "stagex", "stagey",
    "smx", "smy", "xpos", "ypos", "zpos", "opticsstage", "xum", "yum", "positionx", "positiony",
)  # fmt: skip
"""Names of a site's coordinates."""

PYARPES_RADIANS: Final = ("phi", "theta", "psi", "beta", "chi", "alpha")
"""Axes that PyARPES keeps in radians without saying so."""


def role_of(axis: LabelledAxis) -> str:
    """Return what an axis is by its name and unit: "energy", "angle", "momentum", "position", or "" for neither."""
    name, unit = key_of(axis.name), axis.unit.lower()
    if axis.kind or name in ENERGIES or ("energy" in name.replace("nonenergy", "") and "photon" not in name):
        return "energy"
    if name in MOMENTA or "1/a" in unit or "å" in unit or unit.replace(" ", "") in ("a^-1", "ang^-1", "angstrom^-1"):
        return "momentum"
    if name in ANGLES or unit.startswith(("deg", "°", "rad", "mrad")):
        return "angle"
    if name in POSITIONS or unit in ("mm", "um", "µm", "μm", "nm", "m"):
        return "position"
    return "energy" if unit.startswith(("ev", "mev", "kev")) and name not in ("hv", "photonenergy") else ""
