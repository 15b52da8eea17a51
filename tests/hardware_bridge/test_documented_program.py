"""The program that docs/deploying.md shows for somebody's own devices runs as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import devices_digest, write_direction_record
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit_check import verify_log

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")
pytest.importorskip("aioca", reason="the documented devices need the extra 'epics'")

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
LIMIT_S = 900.0


def printed(part):
    (found,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S) if part in block]
    return found


@pytest.mark.slow
def test_the_printed_program_aligns_the_crystal_in_a_folder_where_nothing_was_run(laue_ioc, tmp_path):
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    for name in (*(f"j{i}" for i in range(1, 7)), "camera", "shutter"):
        content["devices"][name] = {"adapter": "object", "address": f"my_{name}"}
    path = tmp_path / "instrument.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    (tmp_path / "my_devices.py").write_text(printed("from ophyd_async.core"))
    (tmp_path / "mine.py").write_text(printed("session.guarded"))
    file = load_instrument(path)
    passed = DirectionReport({axis.name: "right" for axis in file.axes}, ImageFlags(), (), True, ("as the file says",))
    write_direction_record(path, file, passed, devices_digest(tmp_path / "my_devices.py"))
    client = {name: value for name, value in os.environ.items() if not name.startswith("EPICS_CAS_")}
    done = subprocess.run(
        [sys.executable, "mine.py"],
        **{"cwd": tmp_path, "env": client, "input": "yes\n" * 40, "capture_output": True},
        **{"text": True, "check": False, "timeout": LIMIT_S},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert laue_ioc.truth()["inside"]
    assert verify_log(tmp_path / "run-1" / "audit.jsonl").ok


def test_the_printed_screen_of_ones_own_lets_a_run_pass_and_shows_it(tmp_path):
    devices = Path(__file__).parent / "deployment" / "plain_devices.py"
    (tmp_path / "my_devices.py").write_text(devices.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "mine.py").write_text(printed("class Watcher"))
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    for part in ("shutter", "identity", "heartbeats", "suspenders", "envelopes"):
        content.pop(part)
    names = [axis["name"] for axis in content["axes"]]
    content["devices"] = {name: {"adapter": "object", "address": f"my_{name}"} for name in (*names, "camera")}
    path = tmp_path / "instrument.yaml"
    path.write_text(yaml.safe_dump({**content, "simulation": False}), encoding="utf-8")
    passed = DirectionReport(dict.fromkeys(names, "right"), ImageFlags(), (), True, ("as the file says",))
    write_direction_record(path, load_instrument(path), passed, devices_digest(tmp_path / "my_devices.py"))
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "declared True"
    assert "next: {'j1': " in done.stdout
    assert "estimate: {'misorientation_estimate_deg': " in done.stdout
