"""What an action asks for: the scan of one episode, inside limits and envelope."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from beamgym.envs.diffractometer_align.belief import Belief, Cone
from beamgym.envs.diffractometer_align.context import MACROS, MOST_CHOICES, DiffractometerContext
from beamgym.envs.diffractometer_align.state import AlignScanState
from beamgym.physics.diffractometer import lattice_of, positions_of, scattering_vectors
from beamgym.physics.diffractometer.scans import AZIMUTH, CENTRE, COUNT, ENVELOPE_DEG, SCAN, room_of
from beamgym.physics.goniometer import travel_time_s
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import rotation_matrix

SCANNED, ALONG, CENTRED, DRIVEN = range(len(MACROS))


@dataclass
class RowCommand:
    """One episode's part of a command.

    Parameters
    ----------
    target : (k,) where the axes go before the scan, degrees
    do : what the instrument does: COUNT, SCAN, AZIMUTH or CENTRE
    axis, width_deg : of a scan
    about : (3,) axis of an azimuth scan
    what : by ``MACROS``; -1 where what was asked for is not there
    choice : which peak, cone or place
    limited : it was shortened, or is not there
    """

    target: Float64Array
    do: int = COUNT
    axis: int = 0
    width_deg: float = 1.0
    about: Float64Array = field(default_factory=lambda: np.zeros(3))
    what: int = -1
    choice: int = 0
    limited: bool = True


def inside(context: DiffractometerContext, target: Float64Array) -> Float64Array:
    """Return positions (k,) inside limits and envelope, the nearest by the halved axis."""
    low, high = context.limits.T
    out = np.clip(target, low, high)
    halved = context.instrument.names.index(context.instrument.halved)
    half = 0.5 * out[-1]
    out[halved] = np.clip(out[halved], half - ENVELOPE_DEG, half + ENVELOPE_DEG)
    return out


def _scan(
    context: DiffractometerContext, state: AlignScanState, row: int, action: Float64Array, width: float
) -> RowCommand:
    k = len(context.instrument.axes)
    wanted = context.degrees(action[1 : 1 + k])
    target = inside(context, wanted)
    axis = _part(action[k + 1], k)
    low, high = room_of(context.instrument, target, axis)
    room = min(width, high - low) * (1.0 - 1e-9)
    middle = float(np.clip(target[axis], low + 0.5 * room, high - 0.5 * room))
    first, room = _nearer_end(middle, room, float(state.positions[row, axis]))
    begin = target.copy()
    begin[axis] = first
    cut = bool(abs(room) < 0.999 * width or abs(middle - wanted[axis]) > 1e-6 or np.abs(target - wanted).max() > 1e-9)
    return RowCommand(begin, SCAN, axis, room, what=SCANNED, limited=cut)


def _along(
    context: DiffractometerContext, state: AlignScanState, row: int, action: Float64Array, width: float
) -> RowCommand:
    belief = state.beliefs[row]
    which = _part(action[len(context.instrument.axes) + 1], MOST_CHOICES)
    if not len(belief.cones):
        return RowCommand(state.positions[row])
    which = min(which, len(belief.cones) - 1)
    cone, wavelength = belief.cones[which], context.beam.wavelength_a
    known = belief.centred[int(np.argmax(belief.intensity))]
    q = scattering_vectors(context.instrument, known[None], wavelength)[0][0]
    axis = q / np.linalg.norm(q)
    side = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    side /= np.linalg.norm(side)
    angle, turn = np.radians(cone.angle_deg), np.radians(np.arange(0.0, 360.0, 30.0))
    ring = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(axis, side)
    starts = cone.length * (np.cos(angle) * axis + np.sin(angle) * ring)
    expected = _expected_on(cone, axis, belief, context)
    width = min(width, 360.0)
    if expected is not None:
        starts = rotation_matrix(-0.5 * width * axis)[None] @ expected
    found = positions_of(context.instrument, starts, wavelength, near=state.positions[row])
    if not found.reachable.any():
        return RowCommand(state.positions[row])
    seconds = travel_time_s(context.instrument.axes, state.positions[row], np.nan_to_num(found.degrees))
    best = int(np.argmin(np.where(found.reachable, seconds, np.inf)))
    return RowCommand(found.degrees[best], AZIMUTH, 0, width, axis, what=ALONG, choice=which, limited=False)


def _centre(
    context: DiffractometerContext, state: AlignScanState, row: int, action: Float64Array, width: float
) -> RowCommand:
    pending = state.beliefs[row].pending
    if not pending:
        return RowCommand(state.positions[row])
    which = min(_part(action[len(context.instrument.axes) + 1], MOST_CHOICES), len(pending) - 1)
    peak = pending[which]
    span = max(2.5 * peak.step_deg, 0.5)
    return RowCommand(peak.positions, CENTRE, peak.axis, span, peak.about, what=CENTRED, choice=which, limited=False)


def _drive(
    context: DiffractometerContext, state: AlignScanState, row: int, action: Float64Array, width: float
) -> RowCommand:
    looks = state.beliefs[row].looks
    if not len(looks):
        return RowCommand(state.positions[row])
    which = min(_part(action[len(context.instrument.axes) + 1], MOST_CHOICES), len(looks) - 1)
    place = inside(context, looks[which])
    axis = context.instrument.names.index(context.instrument.halved)
    low, high = room_of(context.instrument, place, axis)
    room = max(min(width, 2.0 * (place[axis] - low), 2.0 * (high - place[axis])), 1e-3) * (1.0 - 1e-9)
    begin = place.copy()
    begin[axis], room = _nearer_end(float(place[axis]), room, float(state.positions[row, axis]))
    return RowCommand(begin, SCAN, axis, room, what=DRIVEN, choice=which, limited=abs(room) < 0.999 * width)


def _nearer_end(middle: float, width: float, here: float) -> tuple[float, float]:
    """Return at which end a scan begins, the nearer one, and how far it goes from there."""
    up = abs(here - (middle - 0.5 * width)) <= abs(here - (middle + 0.5 * width))
    return (middle - 0.5 * width, width) if up else (middle + 0.5 * width, -width)


def _expected_on(cone: Cone, axis: Float64Array, belief: Belief, context: DiffractometerContext) -> Float64Array | None:
    """Return where on a cone (3,) the orientation that came with the crystal has a reflection; None without one."""
    if belief.prior_u is None or belief.candidates is None or not belief.candidates.found:
        return None
    lattice = lattice_of(context.known, cone.length * 1.02, context.beam.wavelength_a)
    near = np.flatnonzero(np.abs(lattice.length - cone.length) < 0.01 * cone.length)
    vectors = lattice.unit[near] @ belief.candidates.found[0].u.T
    angle = np.degrees(np.arccos(np.clip(vectors @ axis, -1.0, 1.0)))
    away = np.abs(angle - cone.angle_deg)
    if not len(near) or away.min() > 2.0:
        return None
    among = away <= away.min() + 0.5
    best = vectors[among][int(np.argmax(lattice.strength[near][among]))]
    return np.asarray(cone.length * best)


def _part(number: float, parts: int) -> int:
    """Return which of so many equal parts of -1 to 1 a number lies in."""
    return min(int((float(number) + 1.0) * 0.5 * parts), parts - 1)


Maker = Callable[[DiffractometerContext, AlignScanState, int, Float64Array, float], RowCommand]
MAKERS: Final[tuple[Maker, ...]] = (_scan, _along, _centre, _drive)
"""What makes a command of (context, state, row, action, width in degrees), in the order of ``MACROS``."""
