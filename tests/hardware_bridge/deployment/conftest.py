"""A deployment on plain Python devices of a simulated crystal, in this process, with a recorder as its sink."""

from pathlib import Path

import pytest
import yaml

from beamgym.hardware_bridge.deployment.events.sinks import Recorder
from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import devices_digest, write_direction_record
from beamgym.hardware_bridge.instrument_file import load_instrument, shipped_instrument

DEVICES = (Path(__file__).parent / "plain_devices.py").read_text(encoding="utf-8")
SIMULATED = ("shutter", "identity", "heartbeats", "suspenders", "envelopes")
"""Parts of the practice instrument's file that these devices do not have."""


def write_files(flipped=(), faults=(), checked=True, more=""):
    """Write mine.yaml and mine.py, with more at its end, and a passed direction check beside them."""
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    for part in SIMULATED:
        content.pop(part)
    names = [axis["name"] for axis in content["axes"]]
    content["devices"] = {name: {"adapter": "object", "address": f"my_{name}"} for name in (*names, "camera")}
    content |= {"name": "mine", "simulation": False}
    Path("mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    signs = [-1.0 if name in flipped else 1.0 for name in names]
    Path("mine.py").write_text(f"{DEVICES}\n\nSIGNS[:] = {signs}\nFAULTS[:] = {list(faults)}\n{more}", encoding="utf-8")
    if checked:
        report = DirectionReport(dict.fromkeys(names, "right"), ImageFlags(), (), True, ("as the file says",))
        write_direction_record("mine.yaml", load_instrument("mine.yaml"), report, devices_digest("mine.py"))


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Call it for a deployment of index-and-move on one's own devices; ``answer`` says what a human answers."""
    pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")
    from beamgym.agents.policies import find_policy
    from beamgym.hardware_bridge.deployment.deployment import Deployment
    from beamgym.hardware_bridge.deployment.terms import Options

    monkeypatch.chdir(tmp_path)

    def make(answer=lambda question: "yes", sink=None, flipped=(), faults=(), checked=True, more="", **options):
        write_files(flipped, faults, checked, more)
        given = Options(**{"devices": Path("mine.py"), "confirm": "first", **options})
        policy = find_policy("index-and-move", "beamgym/LaueAlign-v0")
        return Deployment(policy, "mine.yaml", given, sink or Recorder(answer))

    return make


@pytest.fixture
def silent(capfd):
    """Fail where the test, or what it deploys, has printed anything."""
    yield
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
