"""Two processes on one computer do not command the same device."""

import subprocess
import sys

import pytest

from beamgym.hardware_bridge.deployment.session.claim import claimed
from beamgym.hardware_bridge.devices import DeviceError

PV = "TEST:claim:m1.VAL"

HOLDER = f"""
import sys
from beamgym.hardware_bridge.deployment.session.claim import claimed

with claimed(["{PV}"]):
    print("held", flush=True)
    sys.stdin.readline()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that no crash leaves behind")


@pytest.fixture
def holder():
    """Another process that has claimed the PV; it is killed at the end, where it has not ended."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_what_another_process_commands_is_refused_until_it_is_killed(holder):
    with pytest.raises(DeviceError, match=f"{PV} is commanded by another program"), claimed(["TEST:other.VAL", PV]):
        pass
    # what was claimed before the refusal is let go
    with claimed(["TEST:other.VAL"]):
        pass
    holder.kill()
    holder.wait()
    with claimed([PV]):
        pass


def test_the_same_name_on_another_network_is_another_device(holder, monkeypatch):
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", "192.0.2.7")
    with claimed([PV]):
        assert holder.poll() is None


def test_one_process_may_claim_a_device_twice():
    with claimed([PV]):
        with claimed([PV]):
            pass
        assert subprocess.run([sys.executable, "-c", HOLDER], capture_output=True, input="").returncode == 1
    assert subprocess.run([sys.executable, "-c", HOLDER], capture_output=True, input=b"\n").returncode == 0
