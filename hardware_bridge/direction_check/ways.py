"""The two ways to find out whether every axis moves as the file says: by frames, and by a human's eye."""

from collections.abc import Callable

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.direction_check.check import DirectionReport, judge_directions
from beamgym.hardware_bridge.direction_check.record import make_known_moves, make_seen_moves
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.physics.instrument import Instrument

Ask = Callable[[str], bool]
Tell = Callable[[str], object]


def check_directions(instrument: Instrument, file: InstrumentFile, ask: Ask, tell: Tell) -> DirectionReport:
    """Find out, in the way of its kind, whether every axis of an instrument moves as its file says.

    Parameters
    ----------
    instrument : guarded, or simulated, n = 1
    file : its file
    ask : puts a question to the human who watches; True is yes
    tell : is told each move before it is made

    Raises
    ------
    ValueError : an axis without room for a move that can be seen; nothing has moved then
    MoveFailed, FrameFailed : the instrument did not do it; it is left where it stands
    """
    report: DirectionReport = resolve(bridge_kind(file.kind).check_directions)(instrument, file, ask, tell)
    return report


def check_by_frames(instrument: Instrument, file: InstrumentFile, ask: Ask, tell: Tell) -> DirectionReport:
    """Turn every axis and judge by the spots; a human is asked where they cannot tell a mirror image."""
    moves = make_known_moves(instrument, file, tell)
    report = judge_directions(file, moves)
    undecided = not report.passed and report.explanations and report.explanations[0].faults == 0
    if undecided and ask(f"{report.lines[-1]}. Did you look, and is the image the right way round?"):
        return judge_directions(file, moves, image_seen=True)
    return report


def check_by_eye(instrument: Instrument, file: InstrumentFile, ask: Ask, tell: Tell) -> DirectionReport:
    """Move every axis a little and take a human's word; see ``make_seen_moves``."""
    return make_seen_moves(instrument, file, ask, tell)
