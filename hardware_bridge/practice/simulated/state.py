"""Saves and loads the emulated hardware's state, so that a server that was killed goes on from it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge.practice.simulated.beam_state import BeamState, Exposure
from beamgym.hardware_bridge.practice.simulated.motion import Motion, Motor
from beamgym.hardware_bridge.practice.simulated.sample import EmulatedSample
from beamgym.physics.files import write_text
from beamgym.physics.instrument import Axis


class StateFile:
    """The emulated hardware's state on disk, replaced as a whole at every change.

    Parameters
    ----------
    path : the file; None keeps nothing
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._path = None if path is None else Path(path)

    def load(self) -> dict[str, Any] | None:
        """Return the state that was kept; None where there is none; raises ValueError for what cannot be read."""
        if self._path is None or not self._path.exists():
            return None
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError:
            state = None
        # Refused, not overwritten: it may be somebody's other file.
        if not isinstance(state, dict) or state.get("format") != 1:
            raise ValueError(f"{self._path} is no state file of `beamgym ioc`; name another, or delete it")
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Keep a state; the file is the old one or the new one at every moment."""
        if self._path is not None:
            write_text(self._path, json.dumps({"format": 1, **state}), durable=True)


def plain_state(
    sample: EmulatedSample,
    motors: Mapping[str, Motor],
    beam_state: BeamState,
    exposure: Exposure | None,
    counter: int,
    exposure_s: float,
    faults: Mapping[str, str],
) -> dict[str, Any]:
    """Return the whole state as plain numbers and lists.

    Parameters
    ----------
    sample : its seed, all moves and exposures since that, and the moves not yet exposed
    motors : by axis name
    beam_state : shutter and dose
    exposure : the one under way
    counter : frames so far
    exposure_s : the exposure time that is set, seconds
    faults : by name; "" where one is not set
    """
    return {
        "kind": sample.kind,
        "seed": sample.seed,
        "history": sample.history,
        "moved": list(sample.moved.items()),
        "motors": {
            name: {key: value for key, value in asdict(motor).items() if key != "axis"}
            for name, motor in motors.items()
        },
        # The key is older than the class's name; state files keep it.
        "light": asdict(beam_state),
        "exposure": None if exposure is None else asdict(exposure),
        "counter": counter,
        "exposure_s": exposure_s,
        "faults": dict(faults),
    }


def motors_again(axes: tuple[Axis, ...], plain: Mapping[str, Any]) -> dict[str, Motor]:
    """Return motors from ``plain_state``; one that was moving still is."""
    motors = {}
    for axis in axes:
        numbers = dict(plain[axis.name])
        motion = numbers.pop("motion")
        if motion is not None:
            # JSON has no tuples.
            motion = Motion(**{**motion, "points": tuple(motion["points"])})
        motors[axis.name] = Motor(axis=axis, motion=motion, **numbers)
    return motors


def check_kind(kept: Mapping[str, Any], kind: str, axes: tuple[Axis, ...]) -> None:
    """Raise ValueError where a kept state is another instrument's."""
    names = [axis.name for axis in axes]
    if kept["kind"] != kind or list(kept["motors"]) != names:
        raise ValueError(
            f"the state kept is of a {kept['kind']} instrument with axes {', '.join(kept['motors'])}; this one is "
            f"{kind} with {', '.join(names)}: name another state file"
        )
