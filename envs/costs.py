"""The costs of a step of a task with a camera."""

from typing import Any

from numpy.typing import NDArray

from beamgym.physics.instrument import BoolArray, Float64Array


def camera_costs(
    motor_s: Float64Array, exposed: BoolArray, exposure_s: float, readout_s: float
) -> dict[str, NDArray[Any]]:
    """Return a step's exposures, motor, exposure and instrument seconds, and dose (seconds in the beam), (n,) each.

    Parameters
    ----------
    motor_s : (n,) seconds that the motors ran
    exposed : (n,) whether a frame was taken
    exposure_s, readout_s : of every frame, seconds
    """
    exposure = exposure_s * exposed
    return {
        "exposures": exposed.astype("int64"),
        "motor_s": motor_s.copy(),
        "exposure_s": exposure,
        "dose": exposure.copy(),
        "instrument_s": motor_s + (exposure_s + readout_s) * exposed,
    }


def exposure_costs(motor_s: Float64Array, exposure_s: Float64Array, readout_s: float) -> dict[str, NDArray[Any]]:
    """Return the same costs where every exposure may have its own length.

    Parameters
    ----------
    motor_s : (n,) seconds that the motors ran
    exposure_s : (n,) of the last frame, seconds; 0 where none was taken
    readout_s : of every frame, seconds
    """
    exposed = exposure_s > 0.0
    return {
        "exposures": exposed.astype("int64"),
        "motor_s": motor_s.copy(),
        "exposure_s": exposure_s.copy(),
        "dose": exposure_s.copy(),
        "instrument_s": motor_s + exposure_s + readout_s * exposed,
    }
