"""The two practice instruments, each as one ophyd-async device with its motors, shutter and detector as children."""

from typing import Any

from beamgym.hardware_bridge.practice.devices.bench import Bench, PartOfBench
from beamgym.hardware_bridge.practice.devices.motor import PracticeMotor
from beamgym.hardware_bridge.practice.devices.optics import (
    Numbers,
    PracticeDetector,
    PracticeShutter,
    analyser_numbers,
    camera_numbers,
)


class PracticeInstrument(PartOfBench):
    """A simulated instrument.

    Its children are the motors by the names of their axes, ``shutter``, and ``camera`` (Laue) or ``analyser`` (ARPES).
    As a whole it reads as its motors and its shutter.

    Parameters
    ----------
    kind : "laue" or "arpes"
    detector : what its detector is called
    numbers : what is made of a frame
    options : of the environment whose instrument it is
    name, seed, speed : see ``laue_goniometer``
    """

    def __init__(
        self,
        kind: str,
        detector: str,
        numbers: Numbers,
        options: dict[str, Any],
        name: str = "",
        seed: int = 0,
        speed: float = 1.0,
    ) -> None:
        bench, self._detector = Bench(kind, options, seed, speed), detector
        self._axes = [axis.name for axis in bench.axes]
        for axis in bench.axes:
            setattr(self, axis.name, PracticeMotor(bench, axis))
        self.shutter = PracticeShutter(bench)
        setattr(self, detector, PracticeDetector(bench, numbers))
        self.add_readables([*self.motors.values(), self.shutter])
        super().__init__(bench, name)

    @property
    def motors(self) -> dict[str, PracticeMotor]:
        """The motors by the names of their axes, outermost first."""
        return {name: getattr(self, name) for name in self._axes}

    @property
    def detector(self) -> PracticeDetector:
        """The camera or the analyser."""
        found: PracticeDetector = getattr(self, self._detector)
        return found

    def parts(self) -> dict[str, Any]:
        """Return every device by its plain name, as a file for ``--devices`` returns them."""
        return {**self.motors, "shutter": self.shutter, self._detector: self.detector}

    def mount(self, seed: int) -> None:
        """Mount the sample of a seed, with the motors at home, as `gym.make(...).reset(seed=seed)` does."""
        with self._bench.hardware() as hardware:
            hardware.reset(seed)

    def set_fault(self, name: str, text: str) -> None:
        """Set a fault of the practice instrument (docs/practice_instrument.md), or clear it with ""."""
        with self._bench.hardware() as hardware:
            hardware.set_fault(name, text)

    def truth(self) -> dict[str, Any]:
        """Return what is really so, which no real instrument can say: see `{P}sim:truth` of `beamgym ioc`."""
        with self._bench.hardware() as hardware:
            return hardware.truth()


def laue_goniometer(
    name: str = "goniometer", seed: int = 0, level: str = "real", speed: float = 1.0, **options: Any
) -> PracticeInstrument:
    """Return a simulated crystal on a goniometer in front of a Laue camera.

    Children: the motors ("j1" to "j6" of the default arm, degrees), ``camera`` and ``shutter``. Behind a closed shutter
    frames are dark. The first one on a computer compiles for some minutes.

    Parameters
    ----------
    name : of the device; children are "NAME-j1" and so on
    seed : of the crystal; the same seed is the same instrument, and the one of ``LaueAlign-v0`` with that seed
    level : of the imperfections: "easy", "real", "hard", …
    speed : motors and exposures are that many times faster than real ones
    options : further ones of ``LaueAlign-v0``, such as crystal, goniometer, target

    Raises
    ------
    ValueError, TypeError : an unknown option or level, a speed that is not positive
    """
    return PracticeInstrument("laue", "camera", camera_numbers, {"level": level, **options}, name, seed, speed)


def arpes_stage(
    name: str = "stage", seed: int = 0, level: str = "real", speed: float = 1.0, **options: Any
) -> PracticeInstrument:
    """Return a simulated cleaved surface on a stage before an ARPES analyser.

    Children: the motors "x" and "y" (mm), ``analyser``, whose ``acquire_time`` is the dwell, and ``shutter``.

    Parameters
    ----------
    name, seed, level, speed : as for ``laue_goniometer``
    options : further ones of ``ArpesSpot-v0``, such as size, stage

    Raises
    ------
    ValueError, TypeError : as ``laue_goniometer``
    """
    return PracticeInstrument("arpes", "analyser", analyser_numbers, {"level": level, **options}, name, seed, speed)
