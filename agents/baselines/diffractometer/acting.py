"""What the rivals at a diffractometer share: the observation by name, and the action of what is meant."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import need_kind, part_of
from beamgym.envs.diffractometer_align import COUNTS_S, MACROS, MOST_CHOICES, WIDTHS_DEG
from beamgym.envs.task import Observation
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import Float64Array

SCAN, AZIMUTH, CENTRE, DRIVE = range(len(MACROS))


def need_diffractometer(context: Any) -> None:
    """Raise CannotPlay where there is no diffractometer."""
    need_kind(context, ("diffractometer",), "this rival scans a diffractometer's axes; play DiffractometerAlign")


@dataclass(frozen=True)
class Told:
    """What one row observes.

    Parameters
    ----------
    last : the macro before, -1 for none
    waiting : peaks that wait to be centred
    centred : reflections
    decided : whether one orientation is certain
    error_deg : stated; 1 where there is none, or more
    cones : (c, 2) to look along: chance, and seconds that it takes
    given : an orientation came with the crystal
    looks : (p, k) places to look at, degrees; bits (p,) that each is expected to give
    positions : (k,) degrees
    left_s : beam time
    """

    last: int
    waiting: int
    centred: int
    decided: bool
    error_deg: float
    cones: Float64Array
    given: bool
    looks: Float64Array
    bits: Float64Array
    positions: Float64Array
    left_s: float


def told_of(observation: Observation, row: int, context: Any) -> Told:
    """Return what a row of an observation says."""
    last = part_of(observation, "last")[row]
    told = part_of(observation, "candidates")[row]
    k = len(context.instrument_axes)
    looks = part_of(observation, "looks")[row].reshape(MOST_CHOICES, k + 2)
    looks = looks[looks[:, 0] > 0.5]
    cones = part_of(observation, "cones")[row].reshape(MOST_CHOICES, 2).astype(np.float64)
    macro = last[: len(MACROS)]
    return Told(
        last=int(macro.argmax()) if macro.max() > 0.5 else -1,
        waiting=round(float(last[-1]) * MOST_CHOICES),
        centred=round(float(told[-3]) * 16.0),
        decided=bool(told[-5] > 0.5),
        error_deg=float(told[-4]),
        cones=cones[cones[:, 0] > 0.0] * [1.0, 1000.0],
        given=bool(told[-1] > 0.5),
        looks=context.degrees(looks[:, 1:-1].astype(np.float64)),
        bits=looks[:, -1].astype(np.float64),
        positions=context.degrees(part_of(observation, "axes")[row].astype(np.float64)),
        left_s=float(part_of(observation, "budget")[row, 0]) * context.beam_time_s,
    )


def travel_s(context: Any, now: Told) -> Float64Array:
    """Return how long the axes take to each place to look at, (p,) seconds."""
    return travel_time_s(context.instrument_axes, np.broadcast_to(now.positions, now.looks.shape), now.looks)


def action_of(
    context: Any,
    what: int,
    positions: Float64Array | None = None,
    choice: int = 0,
    parts: int = MOST_CHOICES,
    width_deg: float = 3.0,
    count_s: float = 0.1,
    brief: bool = False,
) -> NDArray[np.float32]:
    """Return the action (a,) of what is meant.

    Parameters
    ----------
    what : SCAN, AZIMUTH, CENTRE or DRIVE
    positions : (k,) degrees, of a scan's middle
    choice, parts : which of so many: axis, cone, peak or place
    width_deg, count_s : of the scan, and per point
    brief : a scan ends behind its first peak
    """
    k = len(context.instrument_axes)
    out = np.zeros(context.action_size)
    out[0] = (what + 0.5) / len(MACROS) * 2.0 - 1.0
    if positions is not None:
        out[1 : 1 + k] = context.fractions(positions)
    out[k + 1] = (choice + 0.5) / parts * 2.0 - 1.0
    out[k + 2] = WIDTHS_DEG.number(np.asarray(width_deg))
    out[k + 3] = COUNTS_S.number(np.asarray(count_s))
    out[k + 4] = 1.0 if brief else -1.0
    return out.astype(np.float32)


def declaration(context: Any) -> NDArray[np.float32]:
    """Return the action (a,) that declares."""
    out = np.zeros(context.action_size, np.float32)
    out[-1] = 1.0
    return out


def bisecting(context: Any, two_theta_deg: float, chi_deg: float, phi_deg: float = 0.0) -> Float64Array:
    """Return positions (k,) in the bisecting position."""
    names = context.instrument.names
    out = np.zeros(len(names))
    out[names.index(context.instrument.halved)] = 0.5 * two_theta_deg
    out[names.index("chi")], out[names.index("phi")] = chi_deg, phi_deg
    out[-1] = two_theta_deg
    return out


def row_action(
    context: Any,
    two_theta_deg: float,
    chi_deg: float,
    phi_deg: float = 0.0,
    width_deg: float = 360.0,
    brief: bool = False,
) -> NDArray[np.float32]:
    """Return the action of a row: phi is swept at full speed with the others standing."""
    names = context.instrument.names
    return action_of(
        context,
        SCAN,
        bisecting(context, two_theta_deg, chi_deg, phi_deg),
        names.index("phi"),
        len(names),
        width_deg,
        COUNTS_S.least_s,
        brief,
    )
