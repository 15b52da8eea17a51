"""What an instrument file says to a task: crystal, goniometer and target, or stage and spectrum. No truth is in it."""

from beamgym.envs.kinds import resolve
from beamgym.envs.task import Context
from beamgym.hardware_bridge.instrument_file.entries import MotorLimits
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind, instrument_kinds
from beamgym.physics.instrument import AcquireSettings

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
    if file.experiment is None:
        parts = " or ".join(f"'{name}:'" for name in instrument_kinds())
        raise ValueError(f"instrument {file.name!r} holds no experiment; add a part {parts}")
    context: Context = resolve(bridge_kind(file.kind).context)(file, motor_limits)
    return context


def check_experiment(file: InstrumentFile) -> Context:
    """Check what an experiment names, such as its crystal, before anything connects.

    Returns
    -------
    The task's context, in which axes whose limits only their motors know go anywhere

    Raises
    ------
    ValueError : an unknown crystal, beam or target, or a spectrum that is not described
    """
    # Motors that have limits of their own are asked for them when they are there.
    return context_of(file, {axis.name: _ANYWHERE[axis.kind] for axis in file.axes if axis.limits is None})


def planned_exposure_s(file: InstrumentFile, settings: AcquireSettings | None) -> float:
    """Return the exposure that a task's settings ask for, or else that of the file's experiment, seconds."""
    seconds: float = file.experiment.exposure_s if settings is None else settings.of_all
    return seconds


def planned_readout_s(file: InstrumentFile) -> float:
    """Return the read-out of the file's experiment, seconds; 0 where its part has no ``readout_s``."""
    part = {} if file.experiment is None else file.experiment.model_dump()
    return float(part.get("readout_s", 0.0))
