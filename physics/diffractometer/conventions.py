"""UB in the frames of other programs.

All of them write q = UB·hkl in a frame that turns with the innermost axis and coincides with the lab when every axis is
at zero. They differ in the lab axes, in 2π, and in whether the matrix is transposed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer.presets import Diffractometer

LAB = np.eye(3)
YOU = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
NICOS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Convention:
    """How a program writes UB.

    Parameters
    ----------
    name : of the program
    scale : 2π or 1
    rows : True where it prints a*, b*, c* as rows and not as columns
    frame : its x, y, z in words
    source : where that is written
    """

    name: str
    scale: float
    rows: bool
    frame: str
    source: str


CONVENTIONS = {
    "beamgym": Convention("beamgym", 1.0, False, "x along the beam, z up", "this project"),
    "hklpy2": Convention("hklpy2", 2.0 * np.pi, False, "x along the beam, z up", "libhkl, hkl-geometry.c"),
    "spec": Convention(
        "spec",
        2.0 * np.pi,
        False,
        "y along the beam, x to where the arm first goes, z = x × y, about which omega, phi and 2θ are left-handed",
        "Busing & Levy 1967, fig. 1; SPEC's fourc, psic and kappa",
    ),
    "diffcalc": Convention("diffcalc", 2.0 * np.pi, False, "x up, y along the beam", "You 1999, fig. 1"),
    "nicos": Convention("nicos", 1.0, True, "x to the source, z up", "nicos/devices/sxtal/xtal/sxtalcell.py"),
}
"""Every program by its name."""


def frame_of(program: str, instrument: Diffractometer) -> Float64Array:
    """Return the rotation (3, 3) from this project's lab axes to those of a program.

    Raises
    ------
    ValueError : for an unknown program
    """
    if program not in CONVENTIONS:
        raise ValueError(f"unknown program {program!r}; there are {', '.join(CONVENTIONS)}")
    if program == "spec":
        return _busing_levy(instrument)
    return {"beamgym": LAB, "hklpy2": LAB, "diffcalc": YOU, "nicos": NICOS}[program]


def ub_for(program: str, ub: ArrayLike, instrument: Diffractometer) -> Float64Array:
    """Return UB (3, 3) as a program writes it.

    Parameters
    ----------
    program : one of ``CONVENTIONS``
    ub : (3, 3) this project's, 1/Å without 2π, hkl to the mount frame
    instrument : whose mount frame that is
    """
    convention = CONVENTIONS.get(program)
    turned = frame_of(program, instrument) @ np.asarray(ub, dtype=np.float64)
    assert convention is not None
    return convention.scale * (turned.T if convention.rows else turned)


def ub_from(program: str, matrix: ArrayLike, instrument: Diffractometer) -> Float64Array:
    """Return this project's UB (3, 3) of one that a program has written; the inverse of ``ub_for``."""
    frame = frame_of(program, instrument)
    convention = CONVENTIONS[program]
    given = np.asarray(matrix, dtype=np.float64) / convention.scale
    return np.asarray(frame.T @ (given.T if convention.rows else given))


def _busing_levy(instrument: Diffractometer) -> Float64Array:
    """Rows x, y, z: y along the beam, x where the last axis of the arm begins to lead it."""
    last = instrument.arm.axes[-1]
    beam = np.array([1.0, 0.0, 0.0])
    towards = np.cross(np.array(last.vector) * last.sign, beam)
    return np.array([towards, beam, np.cross(towards, beam)])
