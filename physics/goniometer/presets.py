"""Preset goniometers as plain data: axes outermost first, and which of them the inverse kinematics turns.

Lab frame: x along the beam, z up. Conventions: E4CV after Busing & Levy, Acta Cryst. 22 (1967) 457, in the orientation
that libhkl calls E4CV; psic after You, J. Appl. Cryst. 32 (1999) 614, whose (x, y, z) is (up, along the beam, sideways)
and reads (z, x, y) here; kappa as libhkl's K4CV with α = 50°. The six-axis arm is a design of this project.
"""

import math
from dataclasses import dataclass

from beamgym.physics.instrument import Axis

_KAPPA_ALPHA_DEG = 50.0
_Y_LEFT_HANDED = (0.0, -1.0, 0.0)
_BEAM = (1.0, 0.0, 0.0)
_UP = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Preset:
    """A goniometer known by name; ``solve_with`` names the axes of the inverse, None for the innermost three."""

    axes: tuple[Axis, ...]
    solve_with: tuple[str, str, str] | None = None
    wrist_mm: tuple[float, float, float] | None = None
    about: str = ""


def _two_arc() -> Preset:
    arcs = (-20.0, 20.0)
    return Preset(
        (
            Axis("rotation", _UP),
            Axis("lower_arc", _BEAM, limits=arcs),
            Axis("upper_arc", (0.0, 1.0, 0.0), limits=arcs),
        ),
        about="full rotation about the vertical carrying two crossed arcs of ±20°",
    )


def _e4cv() -> Preset:
    return Preset(
        (Axis("omega", _Y_LEFT_HANDED), Axis("chi", _BEAM), Axis("phi", _Y_LEFT_HANDED)),
        about="four-circle diffractometer, vertical scattering plane; the detector arm is left out",
    )


def _e4ch() -> Preset:
    return Preset(
        (Axis("omega", _UP), Axis("chi", _BEAM), Axis("phi", _UP)),
        about="four-circle Euler cradle of neutron sources, omega vertical; the detector arm is left out",
    )


def _psic() -> Preset:
    return Preset(
        (
            Axis("mu", _UP, limits=(-5.0, 95.0)),
            Axis("eta", _Y_LEFT_HANDED, limits=(-90.0, 90.0)),
            Axis("chi", _BEAM, limits=(-95.0, 95.0)),
            Axis("phi", _Y_LEFT_HANDED),
        ),
        ("eta", "chi", "phi"),
        about="You's 4S+2D six-circle, sample axes; the inverse holds mu where it stands",
    )


def _kappa() -> Preset:
    alpha = math.radians(_KAPPA_ALPHA_DEG)
    return Preset(
        (
            Axis("komega", _Y_LEFT_HANDED),
            Axis("kappa", (0.0, -math.cos(alpha), -math.sin(alpha))),
            Axis("kphi", _Y_LEFT_HANDED),
        ),
        about="kappa goniometer, α = 50°: every orientation with |chi| <= 100° twice, none beyond",
    )


def _six_axis() -> Preset:
    """Build the arm: it hangs its forearm 65° below the horizontal, so that the tool stays clear of the forearm's line.

    At home j5 is bent by 65° (limits −45° to 140° of bend), which puts the wrist's singular direction on the rim of the
    cone of 65° around home. With these limits every rotation up to 70° about any axis is reachable.
    """
    shoulder, elbow, wrist = (370.0, 0.0, 20.0), (206.0, 0.0, 227.0), (100.0, 0.0, 0.0)
    forearm = tuple(e - w for e, w in zip(elbow, wrist, strict=True))
    length = math.hypot(*forearm)
    along = (forearm[0] / length, forearm[1] / length, forearm[2] / length)
    sideways = (0.0, 1.0, 0.0)
    return Preset(
        (
            Axis("j1", _UP, limits=(-90.0, 90.0), point_mm=shoulder),
            Axis("j2", sideways, limits=(-60.0, 60.0), point_mm=shoulder),
            Axis("j3", sideways, limits=(-90.0, 90.0), point_mm=elbow),
            Axis("j4", along, limits=(-150.0, 150.0), point_mm=wrist),
            Axis("j5", sideways, limits=(-110.0, 75.0), point_mm=wrist),
            Axis("j6", _BEAM, limits=(-360.0, 360.0), point_mm=wrist),
        ),
        wrist_mm=wrist,
        about="six-axis arm with a spherical wrist, standing downstream; the sample stays in the beam",
    )


PRESETS: dict[str, Preset] = {
    "two-arc": _two_arc(),
    "e4cv": _e4cv(),
    "psic": _psic(),
    "kappa": _kappa(),
    "six-axis": _six_axis(),
    "e4ch": _e4ch(),
}
