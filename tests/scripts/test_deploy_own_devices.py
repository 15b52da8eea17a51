"""Somebody's own devices, plain Python ones, through all of `beamgym deploy`: check, direction check, run."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.scripts import main

pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")

from beamgym.hardware_bridge.deployment import Deployment, Options, open_instrument
from beamgym.scripts.deploying.policy import read_policy

DEVICES = (Path(__file__).parents[1] / "hardware_bridge" / "deployment" / "plain_devices.py").read_text("utf-8")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return a function that writes the two files, with motors that turn the wrong way round where asked."""
    monkeypatch.chdir(tmp_path)

    def write(flipped=()):
        content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
        for part in ("shutter", "identity", "heartbeats", "suspenders", "envelopes"):
            content.pop(part)
        names = [axis["name"] for axis in content["axes"]]
        content["devices"] = {name: {"adapter": "object", "address": f"my_{name}"} for name in (*names, "camera")}
        content |= {"name": "mine", "simulation": False}
        Path("mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        signs = [-1.0 if name in flipped else 1.0 for name in names]
        Path("mine.py").write_text(DEVICES + f"\n\nSIGNS[:] = {signs}\n", encoding="utf-8")

    write()
    return write


def deploy(*words):
    given = ["deploy", "index-and-move", "-i", "mine.yaml", "--devices", "mine.py", *words]
    return CliRunner().invoke(main.app, given, input="yes\n" * 9)


def test_own_devices_are_checked_signed_and_driven(mine):
    check = deploy("--check")
    assert check.exit_code == 0, check.output
    assert "the file's; the motor has none" in check.output
    assert "NOT GUARDED: no shutter" in check.output
    refused = deploy("--confirm", "first")
    assert refused.exit_code == 1
    assert "no direction check was made with mine.yaml" in refused.output
    signs = deploy("--signs", "--confirm", "first")
    assert signs.exit_code == 0, signs.output
    assert signs.output.count("[yes/no]") == 1
    run = deploy("--confirm", "first", "--json", "result.json")
    assert run.exit_code == 0, run.output
    assert run.output.count("[yes/no]") == 1
    report = json.loads(Path("result.json").read_text())
    assert report["success"]
    assert report["metrics"]["misorientation_estimate_deg"] < 0.25
    assert verify_log(report["files"]["log"]).ok


def test_a_motor_that_turns_the_wrong_way_round_is_found_and_nothing_runs(mine):
    mine(flipped=("j3",))
    signs = deploy("--signs", "--confirm", "first")
    assert signs.exit_code == 1
    assert "j3 moves the wrong way round; give the opposite sign" in signs.output.splitlines()[-1]
    run = deploy("--confirm", "first")
    assert run.exit_code == 1
    assert "was not passed" in run.output


def test_a_file_without_devices_is_told_in_one_line(mine):
    Path("mine.py").write_text("answer = 42\n")
    result = deploy("--check")
    assert result.exit_code == 1
    assert "has no function devices()" in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def devices(:\n", "mine.py, line 1: SyntaxError (invalid syntax); mend the file"),
        ("\nx = 1 / 0\n", "mine.py, line 2: ZeroDivisionError (division by zero); mend the file"),
        ("def devices():\n    return {}['m']\n", "mine.py, line 2: KeyError ('m'); mend the file"),
        ("raise SystemExit(3)\n", "mine.py, line 1: SystemExit (3); mend the file"),
        (
            "import no_such_beamline\n",
            "mine.py, line 1: ModuleNotFoundError (No module named 'no_such_beamline'); mend",
        ),
    ],
)
def test_a_file_of_devices_that_fails_is_told_in_one_line_with_its_place_and_leaves_nothing(mine, text, says):
    Path("mine.py").write_text(text)
    result = deploy("--check")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert f"--devices: {says}" in line
    assert not Path("out").exists()


def test_a_file_of_devices_that_is_not_there_is_told_in_one_line(mine):
    Path("mine.py").unlink()
    result = deploy("--check")
    assert result.exit_code == 1
    assert "--devices: cannot read mine.py: No such file" in result.output


def test_the_sign_test_is_bound_to_the_file_that_makes_the_devices(mine):
    assert deploy("--signs", "--confirm", "first").exit_code == 0
    mine(flipped=("j3",))
    run = deploy("--confirm", "first")
    assert run.exit_code == 1
    assert "was made with other devices (--devices) than these" in run.output


def test_a_yes_is_bound_to_the_devices_the_token_the_homed_axes_and_the_catalogue(mine):
    Path("token").touch()
    Path("other.py").write_text(Path("mine.py").read_text() + "# other\n")
    file = load_instrument("mine.yaml")
    changes = (
        {},
        {"devices": Path("other.py")},
        {"token": Path("token")},
        {"homed": ("j1",)},
        {"tiled": "http://localhost"},
        {"max_steps": 3},
    )
    opened = open_instrument("mine.yaml")
    policy, plans = read_policy("index-and-move", opened.file), set()
    for change in changes:
        deployment = Deployment(policy, opened, Options(**{"devices": Path("mine.py"), **change}))
        plans.add(deployment.confirmation({axis.name: None for axis in file.axes}, input).bound.plan)
    assert len(plans) == len(changes)
