"""What an instrument file says to a task: crystal, goniometer and target, or stage and spectrum. No truth is in it."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeVar

from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.laue_align import BEAMS, AlignContext
from beamgym.hardware_bridge.instrument_file.entries import ArpesTaskEntry, LaueTaskEntry
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.crystal import Crystal, Radiation, load_crystal
from beamgym.physics.goniometer import parse_target
from beamgym.physics.laue.beam import Beam
from beamgym.physics.messages import one_line

T = TypeVar("T")
Context = AlignContext | SpotContext
MotorLimits = Mapping[str, tuple[float, float] | None]

_ANYWHERE = {"rotation": (-180.0, 180.0), "linear": (-1000.0, 1000.0)}


def context_of(file: InstrumentFile, motor_limits: MotorLimits | None = None) -> Context:
    """Return the public side of the task that an instrument stands for.

    Parameters
    ----------
    file : the instrument
    motor_limits : the motors' own limits by axis; the tighter of these and the file's hold. ``bundle_limits`` of a
        policy may be given here too, so that it sees the travel it was trained with

    Raises
    ------
    ValueError : an axis without limits, an unknown crystal, beam or target
    """
    if file.laue is not None:
        return _align_context(file, file.laue, motor_limits)
    if file.arpes is not None:
        return _spot_context(file, file.arpes, motor_limits)
    raise ValueError(f"instrument {file.name!r} holds no experiment; add a part 'laue:' or 'arpes:'")


def check_experiment(file: InstrumentFile) -> None:
    """Check what an experiment names, such as its crystal, before anything connects.

    Raises
    ------
    ValueError : an unknown crystal, beam or target, or a spectrum that is not described
    """
    # Motors that have limits of their own are asked for them when they are there.
    context_of(file, {axis.name: _ANYWHERE[axis.kind] for axis in file.axes if axis.limits is None})


def _align_context(file: InstrumentFile, task: LaueTaskEntry, motor_limits: MotorLimits | None) -> AlignContext:
    beam = _beam(task.beam)
    crystal = _named("crystal", lambda: _crystal(task.crystal, beam.radiation))
    return AlignContext(
        crystal,
        file.build_goniometer(motor_limits),
        file.detector_geometry(),
        beam,
        _named("target", lambda: parse_target(crystal, task.target)),
        task.tolerance_deg,
        task.max_rotation_deg,
        task.action,
        task.exposures,
        task.exposure_s,
        task.readout_s,
    )


def _spot_context(file: InstrumentFile, task: ArpesTaskEntry, motor_limits: MotorLimits | None) -> SpotContext:
    energy_ev, slit_deg = file.detector.energy_ev, file.detector.slit_deg
    if energy_ev is None or slit_deg is None:
        raise ValueError(f"instrument {file.name!r}: detector: energy_ev and slit_deg are missing; add both")
    grid = Grid.uniform(energy_ev, slit_deg, file.detector.shape)
    stage = file.build_stage(motor_limits)
    return SpotContext(stage, grid, task.beam_time_s, task.action, task.max_step_mm, task.readout_s)


def _named(what: str, build: Callable[[], T]) -> T:
    try:
        return build()
    except ValueError as error:
        raise ValueError(f"laue: {what}: {one_line(error)}") from None


@cache
def _crystal(spec: str, radiation: Radiation) -> Crystal:
    """Load a crystal once: its space group takes a second."""
    return load_crystal(spec, radiation)


@cache
def _beam(name: str) -> Beam:
    if name not in BEAMS:
        raise ValueError(f"laue: unknown beam {name!r}; choose one of {', '.join(BEAMS)}")
    return BEAMS[name]()
