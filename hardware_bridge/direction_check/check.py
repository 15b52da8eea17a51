"""Judges from one known turn of every axis whether motors and image have the directions that the file says.

A mirrored image indexes perfectly and gives a wrong orientation; no single frame shows it. A turn does: seen in a
flipped image, the turns about two of the three directions go the wrong way, a flipped motor does so about one. So every
axis is turned by a small known angle, and the explanation with the fewest faults is taken. Two motors that are both
the wrong way round look exactly as one flipped image; the report says so, and one look at a motor decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.hardware_bridge.direction_check.motion import ImageFlags, agreement, image_flags, median_shift
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import Float64Array, Peaks
from beamgym.physics.laue.detector import Detector

Direction = Literal["right", "flipped", "still", "unclear"]

AS_IT_IS = ImageFlags()
"""An image that is the right way round."""
MERIT = 5.0
"""−log10 of the odds of chance that an explanation needs; a pattern of 20 spots brings 20 and more."""
LEAD = 3.0
"""By how much it must be better than the same turn the other way round, and than none at all."""
LEAST_SPOTS = 8
"""Fewer spots in a frame decide nothing."""
SHIFT_DEG, LEAST_DEG, LARGEST_DEG = 2.0, 3.0, 15.0
"""A known turn moves the median spot's plane normal by so much, and is itself between so much and so much."""


@dataclass(frozen=True)
class KnownMove:
    """Two frames with one axis turned between them.

    Parameters
    ----------
    axis : its name
    before, after : (k,) readbacks of all axes, in the file's order and units
    spots_before, spots_after : the peaks found (n = 1), in images as the file orients them
    """

    axis: str
    before: Float64Array
    after: Float64Array
    spots_before: Peaks
    spots_after: Peaks


@dataclass(frozen=True)
class Explanation:
    """One way in which image and motors can be, and what it takes.

    Parameters
    ----------
    image : what must be done to the image as it is now; nothing where it is right
    axes : how each axis moves, given that image
    """

    image: ImageFlags
    axes: Mapping[str, Direction]

    @property
    def flipped(self) -> list[str]:
        """The axes that move the wrong way round."""
        return [name for name, direction in self.axes.items() if direction == "flipped"]

    @property
    def faults(self) -> int:
        """How many things are wrong: the image counts as one, every flipped motor as one."""
        return int(self.image != AS_IT_IS) + len(self.flipped)


@dataclass(frozen=True)
class DirectionReport:
    """What the direction check found.

    Parameters
    ----------
    axes : how every axis moves, by the best explanation
    flags : what transpose, flip_fast and flip_slow of the detector must be
    explanations : those that explain every move, fewest faults first
    passed : everything is the way round that the file says, and nothing else explains it as simply
    lines : the result in words, with remedies
    """

    axes: Mapping[str, Direction]
    flags: ImageFlags
    explanations: tuple[Explanation, ...]
    passed: bool
    lines: tuple[str, ...]


def known_turn_deg(file: InstrumentFile, axis: str, positions: Float64Array) -> float:
    """Return by how many degrees to turn an axis for the test: enough to see, towards the side with more room.

    Parameters
    ----------
    file : the instrument
    axis : a rotation axis
    positions : (k,) where all axes stand

    Raises
    ------
    ValueError : the axis's limits or max_step leave no room for a turn that can be seen
    """
    entry, index = file.axis(axis), file.axis_names.index(axis)
    low, high = entry.limits or (-np.inf, np.inf)
    present = float(positions[index])
    vector = _lab_vector(_free_goniometer(file), positions, index)
    seen = max(median_shift(file.detector_geometry(), vector), 1e-9)
    # An axis that is nearly parallel to most plane normals moves them little, and is turned further for that.
    turn = float(np.clip(SHIFT_DEG / seen, LEAST_DEG, LARGEST_DEG))
    # Towards the side with more room, and no longer than one move may be.
    room = min(max(high - present, present - low), entry.max_step)
    if room < LEAST_DEG:
        raise ValueError(
            f"axis {axis!r} has room for {max(room, 0.0):.3g} deg from where it stands, the direction check needs "
            f"{LEAST_DEG:g}; move it to the middle of its travel, or allow a larger max_step"
        )
    return min(turn, room) if high - present >= present - low else -min(turn, room)


def judge_directions(file: InstrumentFile, moves: Sequence[KnownMove], image_seen: bool = False) -> DirectionReport:
    """Say from known moves whether every motor and the image are the way round that the file says.

    Parameters
    ----------
    file : the instrument, Laue
    moves : one for every rotation axis
    image_seen : a human vouches that the image is no mirror image, for instruments whose axes cannot tell

    Raises
    ------
    ValueError : a move of an unknown axis, with other axes moving too, too small, or frames with too few spots
    """
    detector, gonio = file.detector_geometry(), _free_goniometer(file)
    turns = {move.axis: _checked_turn(file, gonio, move) for move in moves}
    missing = [axis.name for axis in file.axes if axis.kind == "rotation" and axis.name not in turns]
    if missing:
        raise ValueError(f"the direction check lacks {', '.join(missing)}; make a known move of every rotation axis")
    # Every way the image can be turned over is tried with every axis: only together do they tell image from motor.
    tried = [
        Explanation(flags, {move.axis: _direction(detector, turns[move.axis], move, flags) for move in moves})
        for flags in image_flags(detector.shape)
    ]
    whole = [
        one
        for one in tried
        if all(way in ("right", "flipped") for way in one.axes.values()) and (not image_seen or one.image == AS_IT_IS)
    ]
    return _report(file, sorted(whole, key=lambda one: (one.faults, one.image)), tried[0], image_seen)


def _direction(detector: Detector, turn: Float64Array, move: KnownMove, flags: ImageFlags) -> Direction:
    """Say how an axis moved, were the image turned over by ``flags``."""
    before, after = (flags.positions(_found(peaks), detector.shape) for peaks in (move.spots_before, move.spots_after))
    merit: dict[Direction, float] = {
        "right": agreement(detector, turn, before, after),
        "flipped": agreement(detector, turn.T, before, after),
        "still": agreement(detector, np.eye(3), before, after),
    }
    # Better than the other explanations by a lead, so that a few chance matches decide nothing.
    best, second = sorted(merit, key=lambda way: merit[way], reverse=True)[:2]
    return best if merit[best] >= MERIT and merit[best] - merit[second] >= LEAD else "unclear"


def _report(file: InstrumentFile, whole: list[Explanation], as_is: Explanation, image_seen: bool) -> DirectionReport:
    present = ImageFlags(file.detector.transpose, file.detector.flip_fast, file.detector.flip_slow)
    if not whole:
        return DirectionReport(as_is.axes, present, (), False, _unexplained(as_is))
    best = whole[0]
    # Some sets of axes explain a mirrored image as well, without a flipped motor.
    mirrored = [one for one in whole[1:] if not one.flipped]
    certain = image_seen or not mirrored
    lines = [_words(best, present)]
    if best.faults == 0 and not certain:
        lines.append(
            f"these axes cannot tell it from an image that needs {_either(mirrored, present)}; look whether the image "
            "is mirrored, by something of known shape before the detector, and confirm it"
        )
    elif best.faults:
        others = [one for one in whole[1:] if one.faults == best.faults or one.image == AS_IT_IS]
        lines += [f"or else: {_words(other, present)}" for other in others]
        lines += ["look which way one of these motors turns to decide between them"] if others else []
    return DirectionReport(
        best.axes, best.image.after(present), tuple(whole), best.faults == 0 and certain, tuple(lines)
    )


def _words(one: Explanation, present: ImageFlags) -> str:
    if one.faults == 0:
        return "every axis and the image are the way round that the file says"
    parts = []
    if one.image != AS_IT_IS:
        parts.append(f"the image is turned over; set detector: {one.image.after(present)}")
    if one.flipped:
        what = "moves" if len(one.flipped) == 1 else "move"
        parts.append(f"{', '.join(one.flipped)} {what} the wrong way round; give the opposite sign")
    return ", and ".join(parts)


def _either(ones: list[Explanation], present: ImageFlags) -> str:
    return " or ".join(f"({one.image.after(present)})" for one in ones)


def _unexplained(as_is: Explanation) -> tuple[str, ...]:
    still = [name for name, way in as_is.axes.items() if way == "still"]
    if still:
        return (
            f"{', '.join(still)} moved no spots although the readback changed; check that the axis carries the sample, "
            "that the address is this axis's and that the frame is a new one",
        )
    unclear = [name for name, way in as_is.axes.items() if way == "unclear"]
    return (
        f"the spots did not move as any turn of {', '.join(unclear) or 'these axes'} moves them; check vector, "
        "origin_mm and the axes' order and addresses, and expose longer where spots are few",
    )


def _checked_turn(file: InstrumentFile, gonio: Goniometer, move: KnownMove) -> Float64Array:
    """Return the rotation (3, 3) of the crystal in the lab that the readbacks stand for."""
    if move.axis not in file.axis_names:
        raise ValueError(f"no axis {move.axis!r}; the axes are {', '.join(file.axis_names)}")
    index = file.axis_names.index(move.axis)
    step = np.asarray(move.after, dtype=np.float64) - np.asarray(move.before, dtype=np.float64)
    if not np.isfinite(step).all():
        raise ValueError(f"the readbacks around the move of {move.axis} are not finite; read them again")
    for other, entry in enumerate(file.axes):
        # Twice the tolerance: two readbacks may each be off by one.
        if other != index and abs(step[other]) > 2.0 * entry.tolerance:
            raise ValueError(f"{entry.name} moved by {step[other]:.3g} while {move.axis} was tested; move one only")
    # Half of what was asked for, since motors round and fall short.
    if abs(step[index]) < 0.5 * LEAST_DEG:
        raise ValueError(f"{move.axis} moved by {step[index]:.3g} deg only; turn it by {LEAST_DEG:g} or more")
    for when, peaks in (("before", move.spots_before), ("after", move.spots_after)):
        if int(peaks.count[0]) < LEAST_SPOTS:
            raise ValueError(
                f"the frame {when} the move of {move.axis} has {int(peaks.count[0])} spots, {LEAST_SPOTS} are needed; "
                "expose longer or turn the crystal"
            )
    rotations: Float64Array = gonio.rotation(np.stack([move.before, move.after]))
    turn: Float64Array = rotations[1] @ rotations[0].T
    return turn


def _found(peaks: Peaks) -> Float64Array:
    return np.asarray(peaks.position_px[0, : int(peaks.count[0])], dtype=np.float64)


def _free_goniometer(file: InstrumentFile) -> Goniometer:
    """Return the goniometer; limits that only the motors know do not matter here."""
    # Only the axes' directions are needed, and motors' limits may not be known yet.
    return file.build_goniometer({axis.name: (-1e9, 1e9) for axis in file.axes})


def _lab_vector(gonio: Goniometer, positions: Float64Array, index: int) -> Float64Array:
    """Return the direction about which a growing position turns the sample in the lab, (3,)."""
    column: Float64Array = gonio.jacobian(np.asarray(positions, dtype=np.float64))[:, index]
    return column
