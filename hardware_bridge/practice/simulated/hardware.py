"""The emulated hardware: motors, shutter and camera whose state goes on while no server runs.

Nothing here knows Channel Access. Time is the wall clock's; what has happened since the last call is caught up at the
next one, so that a server that was killed finds its motors where they have gone meanwhile. Every change is recorded
and kept.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from beamgym.hardware_bridge.practice.simulated.beam_state import BeamState, Exposure, ServedFrame
from beamgym.hardware_bridge.practice.simulated.faults import (
    AXIS_FAULTS,
    FOREIGN_STEP,
    ONCE_FAULTS,
    OVERSHOOT,
    read_value,
)
from beamgym.hardware_bridge.practice.simulated.frame_faults import OTHER_EXPOSURE, FrameFaults
from beamgym.hardware_bridge.practice.simulated.motion import Motion, Motor, on_step, within_switches
from beamgym.hardware_bridge.practice.simulated.sample import EmulatedSample
from beamgym.hardware_bridge.practice.simulated.state import StateFile, check_kind, motors_again, plain_state
from beamgym.hardware_bridge.practice.simulated.truth import TruthRecord

LAG_S = 1.0
"""So far behind is the readback of the fault "slow_readback", seconds of the wall clock."""

_TURN = 360.0


class EmulatedHardware:
    """Motors, shutter, dose and camera over a simulated sample.

    Parameters
    ----------
    sample : what is moved and exposed
    record : the truth record, written at every event
    state : kept at every change; where it holds a state, that is what the hardware is in
    seed : of the first sample, where no state is kept
    speed : motors and exposures are that many times faster than the axes and the exposure time say
    clock : gives the unix time

    Raises
    ------
    ValueError : a speed that is not positive, or a kept state of another instrument
    """

    def __init__(
        self,
        sample: EmulatedSample,
        record: TruthRecord,
        state: StateFile,
        seed: int = 0,
        speed: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not (math.isfinite(speed) and speed > 0.0):
            raise ValueError(f"speed is {speed}; choose a finite factor above 0, 1 for real time")
        self.sample, self.record, self.speed, self.clock = sample, record, speed, clock
        self._state = state
        self.motors: dict[str, Motor] = {}
        # Each motor's last motion and when it ended: what a slow readback still shows.
        self._last: dict[str, tuple[Motion, float]] = {}
        self.beam_state, self.exposure_s, self.counter = BeamState(), sample.exposure_s, 0
        self.exposure: Exposure | None = None
        self.faults: dict[str, str] = {}
        # A camera has an array before its first frame, with the counter 0.
        self.frame = ServedFrame(sample.dark(0), 0, clock())
        self._frame_faults, self.dropped = FrameFaults(self.has_fault, self.frame), 0
        kept = state.load()
        if kept is None:
            self.fresh(seed)
        else:
            self._restore(kept)

    def fresh(self, seed: int) -> None:
        """Begin anew: a new sample, motors at home with their first settings, shutter closed, no faults."""
        now = self.clock()
        self.sample.reset(seed)
        self.motors = {
            axis.name: Motor.fresh(axis, float(home))
            for axis, home in zip(self.sample.axes, self.sample.home, strict=True)
        }
        self._last.clear()
        self.beam_state, self.exposure, self.counter, self.faults = BeamState(since=now), None, 0, {}
        self.exposure_s = self.sample.exposure_s
        self.frame = ServedFrame(self.sample.dark(0), 0, now)
        self._frame_faults, self.dropped = FrameFaults(self.has_fault, self.frame), 0
        self._changed("fresh", now, seed=seed)

    def reset(self, seed: int) -> None:
        """Mount the sample of a seed with its motors at home; settings, faults and the frame counter stay."""
        # What was due before comes first.
        now = self.advance()
        # The frame of an exposure that spans two samples would show neither.
        self._end_exposure(now)
        self.sample.reset(seed)
        for motor, home in zip(self.motors.values(), self.sample.home, strict=True):
            motor.position = motor.target = float(home)
            motor.motion = motor.paused = None
            self._last.clear()
            motor.switch, motor.violated = 0, False
        self.beam_state.dose_s, self.beam_state.since = 0.0, now
        self.exposure_s = self.sample.exposure_s
        self._changed("reset", now, seed=seed)

    def advance(self) -> float:
        """Let happen what should have happened by now; returns the unix time."""
        now = self.clock()
        # In the order in which things end: a read-out sees motors where they are at that moment.
        while True:
            when, who = self._due()
            if when > now:
                return now
            if who:
                self._arrive(who, when)
            else:
                self._read_out(when)

    def next_event(self) -> float:
        """Return the unix time of the next arrival or read-out; infinite where nothing is under way."""
        return self._due()[0]

    def move(self, name: str, dial: float, source: str = "client") -> bool:
        """Send a motor to a dial position; returns whether it was accepted."""
        now, motor = self.advance(), self.motors[name]
        start = motor.place(now)
        # Rounded to the motor's step, so that emulated and simulated motors end alike.
        path = motor.path(start, on_step(motor.axis, dial)) if math.isfinite(dial) else (start, dial)
        motor.violated = not motor.allows(path)
        if motor.violated or not math.isfinite(dial) or motor.go != Motor.GO:
            why = "outside the soft limits" if motor.violated else "not finite" if motor.go == Motor.GO else "SPMG"
            self._changed("refused", now, axis=name, target=dial, why=why, source=source)
            return False
        motor.target = dial
        if self.has_fault("fake_arrival", name) or self.has_fault("jumping_readback", name):
            motor.frozen = dial
        # Accepted and target set, as by a driver that lost its controller.
        if self.has_fault("ignored_put", name) or self.has_fault("fake_arrival", name):
            self._changed("ignored", now, axis=name, target=dial, source=source)
            return True
        # A new target in the middle of a move starts from where the motor is.
        self._stand(name, now)
        motor.switch, motor.homing = 0, False
        self._set_off(name, path, now, source)
        return True

    def _set_off(self, name: str, path: tuple[float, ...], now: float, source: str) -> None:
        motor = self.motors[name]
        # After the limits were judged: the fault is beyond what the record knows.
        if self.has_fault("overshoot", name) and path[-1] != path[-2]:
            path = (*path[:-1], path[-1] + math.copysign(OVERSHOOT[motor.axis.kind], path[-1] - path[-2]))
        if path[-1] != path[0] and (self.has_fault("runaway", name) or self.has_fault("wrong_way", name)):
            ahead = path[-1] > path[0]
            # Beyond the switch, which ends it.
            path = path[0], math.inf if ahead != self.has_fault("wrong_way", name) else -math.inf
        path, switch = within_switches(motor.axis, path)
        if self.has_fault("limit_switch", name) and path[-1] != path[0]:
            path, switch = (path[0], 0.5 * (path[0] + path[-1])), 1 if path[-1] > path[0] else -1
        stalled = self.has_fault("stall", name)
        # Nothing settles that has not moved.
        settle_s = motor.axis.settle_s / self.speed if path[-1] != path[0] else 0.0
        motor.motion = Motion(path, now, motor.velocity * self.speed, settle_s, switch, stalled)
        self._changed("moving", now, axis=name, path=list(path), source=source)

    def stop(self, name: str, source: str = "client") -> None:
        """Stop a motor where it is; nothing happens to one that rests."""
        now, motor = self.advance(), self.motors[name]
        if self.has_fault("deaf_motor", name):
            return
        motor.paused, motor.homing = None, False
        # A stop of a motor at rest is no event, and must not look like one in the record.
        if motor.motion is not None:
            self._stand(name, now)
            motor.target = motor.position
            self._changed("stopped", now, axis=name, position=motor.position, source=source)

    def find_home(self, name: str) -> None:
        """Drive a motor to zero, or as near as its travel goes; having arrived, it knows its zero."""
        low, high = self.motors[name].axis.limits
        # A motor that cannot move does not find its zero either.
        self.motors[name].homing = self.move(name, min(max(0.0, low), high))
        self.keep()

    def readback(self, name: str) -> float:
        """Return the dial position that a motor reports."""
        if self.has_fault("nan_readback", name):
            return math.nan
        frozen = self.motors[name].frozen
        if frozen is not None:
            return frozen
        read = self._reading(name, self.clock() - (LAG_S if self.has_fault("slow_readback", name) else 0.0))
        return read % _TURN if self.has_fault("modulo_readback", name) else read

    def _reading(self, name: str, now: float) -> float:
        motor = self.motors[name]
        last, ended = self._last.get(name, (None, -math.inf))
        # Asked for a moment before the motor came to rest.
        if motor.motion is None and last is not None and now < ended:
            return last.position(now)
        # Without noise while it moves: it is drawn once for each place where the sample stands.
        if motor.motion is not None and now < motor.motion.ends:
            return motor.place(now)
        return motor.place(now) + float(self.sample.readback_noise()[list(self.motors).index(name)])

    def command_shutter(self, opened: bool) -> None:
        """Open or close the shutter."""
        now = self.advance()
        # Up to now with the old state of the shutter; from here on with the new one.
        self._count_dose(now)
        self.beam_state.commanded = opened
        if not self.has_fault("stuck_shutter"):
            self.beam_state.opened = opened
        self._changed("shutter", now, commanded=opened, opened=self.beam_state.opened)

    @property
    def beam(self) -> bool:
        """Whether there is beam."""
        return not self.has_fault("beam_loss")

    def dose_s(self) -> float:
        """Return the seconds of beam that the sample has had."""
        return self.beam_state.dose_at(self.clock(), *self._burning())

    def expose(self, frames: int = 1) -> None:
        """Begin an exposure of ``exposure_s`` and so many frames in a row (-1: until stopped), unless one is on."""
        now = self.advance()
        # A second Acquire while it exposes does nothing, as at a camera.
        if self.exposure is not None:
            return
        if self.has_fault("other_exposure"):
            self.exposure_s = min(OTHER_EXPOSURE * self.exposure_s, self.sample.exposure_limits_s[1])
        if self.has_fault("two_frames"):
            frames = 2
        self._count_dose(now)
        self._begin(now, frames - 1 if frames > 0 else -1)

    def abort_exposure(self) -> None:
        """End an exposure without its frame, where the camera listens."""
        now = self.advance()
        if not self.has_fault("deaf_camera"):
            self._end_exposure(now)

    def set_fault(self, name: str, text: str) -> None:
        """Set a fault, or clear it with ""; raises ValueError for an unknown fault or axis."""
        value = read_value(name, text, self.motors)
        now = self.advance()
        self._count_dose(now)
        # Noted as a fault and then done; there is no state to clear.
        if name in ONCE_FAULTS:
            self.record.write("fault", now, name=name, value=value)
            self._happen(name, value)
            return
        self.faults[name] = value
        if name in AXIS_FAULTS:
            self._apply(name, now)
        self._changed("fault", now, name=name, value=value)

    def clear_faults(self) -> None:
        """Clear every fault; what has gone wrong meanwhile stays wrong."""
        # A list, since setting one changes the dictionary.
        for name in [name for name, value in self.faults.items() if value]:
            self.set_fault(name, "")

    def faulty(self, name: str) -> tuple[str, ...]:
        """Return the axes that have a fault."""
        return tuple(filter(None, self.faults.get(name, "").split(",")))

    def has_fault(self, name: str, axis: str | None = None) -> bool:
        """Return whether a fault is set, of an axis where one is named."""
        return bool(self.faults.get(name)) if axis is None else axis in self.faulty(name)

    def truth(self) -> dict[str, Any]:
        """Return everything that is really so, as plain numbers and lists."""
        now = self.advance()
        return {
            "seed": self.sample.seed,
            "time_s": now,
            "positions": {name: motor.place(now) for name, motor in self.motors.items()},
            "moving": [name for name, motor in self.motors.items() if motor.motion is not None],
            "shutter_open": self.beam_state.opened,
            "beam": self.beam,
            "dose_s": self.dose_s(),
            "exposing": self.exposure is not None,
            "frames": self.counter,
            "faults": {name: value for name, value in self.faults.items() if value},
            # Its dose is the world's exposures; the one above is what fell on the sample, dark frames and open shutter
            # included.
            **{name: value for name, value in self.sample.truth().items() if name != "dose"},
        }

    def keep(self) -> None:
        """Write the state file."""
        self._state.save(
            plain_state(
                self.sample,
                self.motors,
                self.beam_state,
                self.exposure,
                self.counter,
                self.exposure_s,
                self.faults,
            )
        )

    def _due(self) -> tuple[float, str]:
        ends = [(motor.motion.ends, name) for name, motor in self.motors.items() if motor.motion is not None]
        if self.exposure is not None:
            ends.append((self.exposure.until, ""))
        return min(ends, default=(math.inf, ""))

    def _stand(self, name: str, now: float) -> float:
        """Let a motor rest where it now is, and tell the sample where it has been."""
        motor, index = self.motors[name], list(self.motors).index(name)
        if motor.motion is not None:
            self._last[name] = motor.motion, min(now, self.clock())
            for point in motor.motion.walked(now):
                motor.position = on_step(motor.axis, point)
                self.sample.carry(index, motor.position)
            motor.motion = None
        return motor.position

    def _arrive(self, name: str, when: float) -> None:
        motor = self.motors[name]
        motor.switch = motor.motion.switch if motor.motion is not None else 0
        motor.homed, motor.homing = motor.homed or (motor.homing and not motor.switch), False
        # All of its way, whatever the clock says: rounding must not leave it short of its end.
        self._stand(name, math.inf)
        self._changed("limit_switch" if motor.switch else "arrived", when, axis=name, position=motor.position)
        self.read_out_if_full(when)

    def _begin(self, now: float, left: int) -> None:
        # The instrument's seconds; the wall clock's are fewer at a higher speed.
        lasts = (self.exposure_s + self.sample.readout_s) / self.speed
        self.sample.begin()
        until = math.inf if self.has_fault("hung_camera") or self.sample.sweeps else now + lasts
        self.exposure = Exposure(self.exposure_s, until, left)
        self._changed("exposing", now, exposure_s=self.exposure_s, shutter_open=self.beam_state.opened, beam=self.beam)

    def _read_out(self, when: float) -> None:
        exposure = self.exposure
        if exposure is None:
            return
        self._count_dose(when)
        lit = self.beam_state.opened and self.beam
        for name, motor in self.motors.items():
            if motor.motion is not None and motor.place(when) != motor.position:
                # The sample is told where a moving motor is, and it goes on from there.
                onward = motor.motion.going(when, motor.motion.stalled)
                self._stand(name, when)
                motor.motion = onward
        image = self._image(exposure.seconds, lit)
        self.exposure = None
        self._serve(image, when)
        self._changed("frame", when, counter=self.counter, exposure_s=exposure.seconds, lit=lit)
        if exposure.left:
            self._begin(when, exposure.left - 1 if exposure.left > 0 else -1)

    def _image(self, seconds: float, lit: bool) -> Any:
        # A dark frame does not advance the sample: it had no beam. Nor does one beside it.
        if not lit:
            return self.sample.dark(self.counter + 1)
        if self.has_fault("no_crystal"):
            return self.sample.bare(self.counter + 1, seconds)
        return self.sample.expose(seconds)

    def read_out_if_full(self, when: float) -> None:
        """End an exposure that counts while axes move, where it has all that it was to count."""
        if self.exposure is not None and self.sample.full and not self.has_fault("hung_camera"):
            self._read_out(when)

    def _end_exposure(self, now: float) -> None:
        if self.exposure is not None:
            self._count_dose(now)
            self.exposure = None
            self.sample.disarm()
            self._changed("exposure_aborted", now)

    def _serve(self, image: Any, when: float) -> None:
        # Image, counter and time stay: nothing new is served.
        if self.has_fault("repeated_frame"):
            return
        self.counter += 1
        # The driver has counted it; the plugin shows what it showed.
        if self.has_fault("dropped_frame"):
            self.dropped += 1
            return
        self.frame = self._frame_faults.handed_over(self.frame, ServedFrame(image, self.counter, when))

    def _burning(self) -> tuple[bool, float]:
        """Return whether beam falls on the sample, and how fast its time runs."""
        # A sweep lasts as long as its moves, whose clock is the wall's.
        timed = self.exposure is not None and not self.sample.sweeps
        return self.beam_state.opened and self.beam, self.speed if timed else 1.0

    def _count_dose(self, now: float) -> None:
        self.beam_state.count(now, *self._burning())

    def _apply(self, name: str, now: float) -> None:
        """Let a fault that was set or cleared act on motors under way."""
        for axis, motor in self.motors.items():
            has = self.has_fault(name, axis)
            if name == "frozen_readback":
                # Frozen at what it read when the fault was set; setting it twice does not thaw it.
                motor.frozen = None if not has else self._reading(axis, now) if motor.frozen is None else motor.frozen
            if name in ("fake_arrival", "jumping_readback") and not has:
                motor.frozen = None
            if name == "unhomed" and has:
                motor.homed = False
            if name == "stall" and motor.motion is not None and motor.motion.stalled != has:
                motor.motion = motor.motion.going(now, has)

    def _happen(self, name: str, value: str) -> None:
        for part in filter(None, value.split(",")):
            axis, _, place = part.partition("=")
            motor = self.motors[axis]
            if name == "foreign_stop":
                # As another client would: the record says by whom.
                self.stop(axis, "foreign")
            else:
                goal = float(place) if place else motor.place(self.clock()) + FOREIGN_STEP[motor.axis.kind]
                self.move(axis, goal, "foreign")

    def _changed(self, kind: str, when: float, **facts: Any) -> None:
        # First the record: a kill between the two leaves an event too many, none too few.
        self.record.write(kind, when, **facts)
        self.keep()

    def _restore(self, kept: dict[str, Any]) -> None:
        check_kind(kept, self.sample.kind, self.sample.axes)
        now = self.clock()
        self.sample.restore(kept["seed"], kept["history"], dict(kept["moved"]))
        self.motors = motors_again(self.sample.axes, kept["motors"])
        self.beam_state, self.counter, self.exposure_s = BeamState(**kept["light"]), kept["counter"], kept["exposure_s"]
        self.faults = dict(kept["faults"])
        # An exposure does not live on with its server: the camera's program is gone.
        lost = None if kept["exposure"] is None else Exposure(**kept["exposure"])
        if lost is not None:
            self.exposure = lost
            # The shutter stood open meanwhile; dose counts on until the exposure would have ended at its own pace.
            self._count_dose(min(now, lost.until))
        self.exposure, self.frame = None, ServedFrame(self.sample.dark(0), self.counter, self.beam_state.since)
        moving = [name for name, motor in self.motors.items() if motor.motion is not None]
        self.record.write("restarted", now, moving=moving, exposure_lost=lost is not None)
        self.advance()
        self.keep()
