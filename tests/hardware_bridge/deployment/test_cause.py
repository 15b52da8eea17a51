"""What broke an episode off is what was refused first, and not what its abort refuses then."""

from types import SimpleNamespace

import pytest

from beamgym.hardware_bridge.deployment.run import Attempt
from beamgym.hardware_bridge.deployment.session import Stopped
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.latch import Latch
from beamgym.hardware_bridge.guard.rules import GuardRefused

BLADE = GuardRefused(10, "the shutter was to be closed and is unknown")
LATCHED = GuardRefused(11, "the guard is latched: chi: SPMG was changed")
SHUT = DeviceError("shutter: shutter has not opened within 3 s of its command")
SLIP = ZeroDivisionError("a slip")
STOP = Stopped("stopped by SIGINT")


@pytest.mark.parametrize(
    ("reason", "item", "error", "told"),
    [
        ("chi: SPMG was changed", 17, BLADE, "chi: SPMG was changed"),
        ("chi: SPMG was changed", 17, LATCHED, "chi: SPMG was changed"),
        ("suspended 4 times within a minute", 9, SHUT, "suspended 4 times"),
        ("phi: no answer within 5 s", 0, SHUT, "has not opened"),
        ("the episode broke off", 0, BLADE, "the shutter was to be closed"),
        ("the episode broke off", 0, SLIP, "a slip"),
        ("stopped by SIGINT", 11, STOP, "stopped by SIGINT"),
        ("", 0, BLADE, "the shutter was to be closed"),
    ],
)
def test_the_first_refusal_is_why(reason, item, error, told):
    latch = Latch()
    if reason:
        latch.latch(reason, item)
    attempt = SimpleNamespace(instrument=SimpleNamespace(guard=SimpleNamespace(latch=latch)))
    assert told in str(Attempt._cause(attempt, error))
