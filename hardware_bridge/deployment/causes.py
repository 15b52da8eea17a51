"""Why a deployment ended, in one line."""

import traceback
from pathlib import Path

from beamgym.hardware_bridge.guard.rules import refusal
from beamgym.physics.messages import named_line, one_line


class DeployFailed(ValueError):
    """What ended a deployment, in one line."""


def why_ended(error: BaseException) -> str:
    """Return why something ended: the guard's refusal where one lies behind it."""
    behind = refusal(error)
    cause = behind if behind is not None else error
    if type(cause).__name__ == "FailedStatus" and cause.__cause__ is not None:
        cause = cause.__cause__
    return f"{named_line(cause)} ({_place(cause)})" if _is_slip(cause) else one_line(cause)


def _is_slip(error: BaseException) -> bool:
    """Whether an error is a slip of the program that raised it, a policy or a sink, whose own text says too little."""
    slips = (LookupError, AttributeError, TypeError, NameError, ArithmeticError, AssertionError)
    return isinstance(error, slips) or type(error) in (RuntimeError, Exception)


def _place(error: BaseException) -> str:
    """Return file and line that raised an error."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
