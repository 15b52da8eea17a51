"""Diffractometers: a goniometer that carries the sample and an arm that carries the detector, and the known ones.

Lab frame: x along the beam, z up, y to the left of who looks along the beam. Positions are those of the sample's axes,
outermost first, followed by the arm's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.goniometer import Goniometer, goniometer
from beamgym.physics.instrument import Axis

_UP, _DOWN = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
_RIGHT = (0.0, -1.0, 0.0)
_BEAM = (1.0, 0.0, 0.0)
_ARM_LIMITS = (-5.0, 150.0)


@dataclass(frozen=True)
class Diffractometer:
    """A monochromatic diffractometer.

    Parameters
    ----------
    name : for tables and messages
    sample : the axes that carry the sample
    arm : the axes that carry the detector, which looks along the beam when all of them are at zero
    halved : the sample axis that stands at half of the arm's first axis in the bisecting position; empty where there
        is none
    about : a line for people

    Raises
    ------
    ValueError : an axis of the arm is called as one of the sample's
    """

    name: str
    sample: Goniometer
    arm: Goniometer
    halved: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        both = set(self.sample.names) & set(self.arm.names)
        if both:
            raise ValueError(
                f"{self.name}: {', '.join(sorted(both))} is an axis of the sample and of the arm; rename one"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all axes: the sample's, outermost first, then the arm's."""
        return (*self.sample.names, *self.arm.names)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes in that order."""
        return (*self.sample.axes, *self.arm.axes)

    def split(self, positions: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Return the sample's (..., k) and the arm's (..., m) part of positions (..., k + m).

        Raises
        ------
        ValueError : for another number of positions
        """
        given = np.asarray(positions, dtype=np.float64)
        if given.ndim == 0 or given.shape[-1] != len(self.names):
            raise ValueError(
                f"{self.name} has {len(self.names)} axes {self.names}; got positions of shape {given.shape}"
            )
        k = len(self.sample.axes)
        return given[..., :k], given[..., k:]


def diffractometer(name: "str | Diffractometer") -> Diffractometer:
    """Return a diffractometer by the name of its preset, in any case.

    Raises
    ------
    ValueError : for an unknown name
    """
    if isinstance(name, Diffractometer):
        return name
    wanted = str(name).lower()
    if wanted not in _MAKERS:
        raise ValueError(f"unknown diffractometer {name!r}; there are {', '.join(_MAKERS)}")
    return _MAKERS[wanted]()


def diffractometer_names() -> tuple[str, ...]:
    """Return the names of the presets."""
    return tuple(_MAKERS)


def _e4cv() -> Diffractometer:
    arm = Goniometer("e4cv arm", (Axis("tth", _RIGHT, limits=_ARM_LIMITS),))
    return Diffractometer(
        "e4cv", goniometer("e4cv"), arm, "omega", "four circles, vertical plane (libhkl E4CV, SPEC fourc)"
    )


def _e4ch() -> Diffractometer:
    sample = Goniometer("e4ch", (Axis("omega", _UP), Axis("chi", _BEAM), Axis("phi", _UP)))
    arm = Goniometer("e4ch arm", (Axis("tth", _UP, limits=_ARM_LIMITS),))
    return Diffractometer("e4ch", sample, arm, "omega", "four circles, horizontal plane, to the left (libhkl E4CH)")


def _neutron() -> Diffractometer:
    sample = Goniometer("neutron-4c", (Axis("omega", _DOWN), Axis("chi", _BEAM), Axis("phi", _DOWN)))
    arm = Goniometer("neutron-4c arm", (Axis("tth", _DOWN, limits=_ARM_LIMITS),))
    about = "four circles, horizontal plane, to the right (NICOS 'Euler', Busing & Levy 1967)"
    return Diffractometer("neutron-4c", sample, arm, "omega", about)


def _kappa() -> Diffractometer:
    arm = Goniometer("kappa arm", (Axis("tth", _RIGHT, limits=_ARM_LIMITS),))
    return Diffractometer("kappa", goniometer("kappa"), arm, "", "kappa, vertical plane (libhkl K4CV, α = 50°)")


def _psic() -> Diffractometer:
    arm = Goniometer("psic arm", (Axis("nu", _UP, limits=(-5.0, 120.0)), Axis("delta", _RIGHT, limits=_ARM_LIMITS)))
    return Diffractometer("psic", goniometer("psic"), arm, "eta", "4S+2D six circles (You 1999, diffcalc, SPEC psic)")


def _triple_axis() -> Diffractometer:
    arcs = (-20.0, 20.0)
    sample = Goniometer(
        "tas", (Axis("a3", _UP), Axis("lower_arc", _BEAM, limits=arcs), Axis("upper_arc", (0.0, 1.0, 0.0), limits=arcs))
    )
    arm = Goniometer("tas arm", (Axis("a4", _UP, limits=(-130.0, 130.0)),))
    return Diffractometer("tas", sample, arm, "", "triple axis: one rotation and two arcs, elastic, horizontal plane")


_MAKERS = {
    "e4cv": _e4cv,
    "e4ch": _e4ch,
    "neutron-4c": _neutron,
    "kappa": _kappa,
    "psic": _psic,
    "tas": _triple_axis,
}
