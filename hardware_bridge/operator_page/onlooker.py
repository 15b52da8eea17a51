"""What a frame shows of how the sample stands, worked out beside the run: for the eye, and no decision rests on it."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.physics.instrument import Float64Array

Limits = dict[str, tuple[float, float] | None]


@dataclass(frozen=True)
class Predicted:
    """What one frame shows by itself, by the nominal camera.

    Parameters
    ----------
    line : in words
    predicted_px : (s, 2) along fast and slow, where the spots of what was found belong
    goal_px : (s, 2) where they belong at the nearest goal in reach
    turn : by how much each axis would move there, by name in its unit
    values : what is known now, by name with the unit at its end
    """

    line: str
    predicted_px: Float64Array | None = None
    goal_px: Float64Array | None = None
    turn: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)


class Onlooker(Protocol):
    """Sees how a sample stands."""

    def look(self, spots_px: Float64Array, positions: Float64Array) -> Predicted:
        """Return what found spots (s, 2) show, taken where the axes read ``positions`` (k,)."""
        ...

    def ahead(self, positions: Float64Array) -> Predicted | None:
        """Return what a frame would show with the axes elsewhere; None while none has told how the sample stands."""
        ...


class Looking:
    """Looks at frames in a thread of its own, the last one first, and tells what it sees.

    Parameters
    ----------
    file : the instrument, whose kind says how its frames are looked at
    tell : called with a frame's number and what it shows
    """

    def __init__(self, file: InstrumentFile, tell: Callable[[int, Predicted], object]) -> None:
        self._file, self._tell, self._maker = file, tell, bridge_kind(file.kind).onlooker
        self._turn, self._using = threading.Condition(), threading.Lock()
        self._next: tuple[int, NDArray[Any], Float64Array, Limits] | None = None
        self._thread: threading.Thread | None = None
        self._onlooker: Onlooker | None = None

    def look(self, number: int, spots_px: NDArray[Any], positions: Float64Array, limits: Limits) -> None:
        """Have a frame looked at, soon; one that has not been looked at until then is left out."""
        if self._maker is None:
            return
        with self._turn:
            self._next = number, spots_px, positions, limits
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="page looks", daemon=True)
                self._thread.start()
            self._turn.notify_all()

    def ahead(self, positions: Float64Array) -> Predicted | None:
        """Return what a frame would show with the axes elsewhere; None where that is not known."""
        with self._using:
            return None if self._onlooker is None else self._onlooker.ahead(positions)

    def _look(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._next is not None)
                assert self._next is not None
                (number, spots_px, positions, limits), self._next = self._next, None
            try:
                with self._using:
                    if self._onlooker is None:
                        assert self._maker is not None
                        self._onlooker = resolve(self._maker)(self._file, limits)
                    seen = self._onlooker.look(spots_px, positions)
            except Exception:
                logging.getLogger("beamgym.hardware_bridge").warning("a frame was not looked at", exc_info=True)
                seen = Predicted("the page could not look at this frame")
            self._tell(number, seen)
