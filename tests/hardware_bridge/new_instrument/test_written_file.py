"""`beamgym deploy --new` over the practice instrument: the file, what is left to decide, and the check after it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

from typer.testing import CliRunner

from beamgym.hardware_bridge.instrument_file import UNDECIDED
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.scripts import main

READINGS = (
    *("--camera", "bgym:", "--shutter", "bgym:shutter:", "--beam", "bgym:beam:Current"),
    *("--suspend", "vacuum=bgym:vacuum:Pressure", "--heartbeat", "bgym:heartbeat", "--identity", "bgym:identity"),
)
LAUE = ("--kind", "laue", "--axes", " ".join(f"bgym:j{i}" for i in range(1, 7)), *READINGS)
ARPES = ("--kind", "arpes", "--axes", "bgym:x", "--axes", "bgym:y", *READINGS)

DECISIONS = {
    **{"sign": "1", "zero": "0", "max_step": "180", "transpose": "false", "flip_fast": "false", "flip_slow": "false"},
    **{"origin_mm": "[-70, -81.76, 81.76]", "fast": "[0, 1, 0]", "slow": "[0, 0, -1]", "pixel_mm": "0.32"},
    **{"budget_s": "600", "envelopes": "[]", "crystal": "Si", "target": '"pose [001] [110]"', "beam": "tube-W"},
    **{"low": "0", "high": "1000", "energy_ev": "[-0.55, 0.15]", "slit_deg": "[-15, 15]", "saturation": "1.0e+9"},
}
"""What a human writes in the place of each open value, by its key."""


def deploy(*words):
    return CliRunner().invoke(main.app, ["deploy", *(str(word) for word in words)])


def decide(path, decisions):
    """Write a human's decisions into a new file: by key, or by the number of the line."""
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines):
        if f": {UNDECIDED}" in line:
            key = line.partition(":")[0].strip(" -")
            lines[i] = line.replace(UNDECIDED, decisions.get(i + 1, decisions.get(key, UNDECIDED)), 1)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_laue_file_is_written_from_the_records_decided_by_a_human_and_passes_the_check(laue_ioc, here):
    laue_ioc.put("j2.HLM", 40.0)
    laue_ioc.put("j3.BDST", -0.25)
    begun = len(laue_ioc.puts())
    result = deploy("--new", "mine.yaml", *LAUE, "--goniometer", "six-axis", "--json", "new.json")
    assert result.exit_code == 0, result.output
    text = Path("mine.yaml").read_text()
    # Every open value is told, with its line.
    told = json.loads(Path("new.json").read_text())["undecided"]
    assert [number for number, _ in told] == [
        i for i, line in enumerate(text.splitlines(), start=1) if f": {UNDECIDED} " in line
    ]
    assert all(said in result.output for _, said in told)
    # What a zero is; and of a suspender the side that it is most likely about, the other beside it.
    assert text.count("position at which the axis does not act: with all axes there the vectors hold") == 6
    assert [line.split(":")[0].strip() for line in text.splitlines() if "the run waits" in line] == [
        *("low", "# high"),
        *("high", "# low"),
    ]
    result = deploy("index-and-move", "-i", "mine.yaml", "--check")
    assert result.exit_code == 1
    assert "mine.yaml: axes[0] (j1): sign is not decided" in result.output
    decide(Path("mine.yaml"), DECISIONS)
    file, shipped = load_instrument("mine.yaml"), load_instrument(shipped_instrument("laue_soft_ioc"))
    for mine, theirs in zip(file.axes, shipped.axes, strict=True):
        assert (mine.name, mine.kind, mine.unit, mine.speed) == (theirs.name, theirs.kind, theirs.unit, theirs.speed)
        assert mine.vector == pytest.approx(theirs.vector, abs=1e-9)
        assert mine.point_mm == theirs.point_mm
        assert mine.limits == ((-60.0, 40.0) if mine.name == "j2" else theirs.limits)
        assert mine.backlash == (0.25 if mine.name == "j3" else 0.0)
    assert file.detector.shape == (512, 512)
    assert file.detector.saturation == 65535
    assert file.simulation
    assert [(entry.low, entry.high) for entry in file.suspenders] == [(0.0, None), (None, 1000.0)]
    assert {entry.heartbeat for entry in file.suspenders} == {"server"}
    result = deploy("index-and-move", "-i", "mine.yaml", "--check")
    assert result.exit_code == 0, result.output
    assert "no device contradicts the file" in result.output
    assert "WOULD BE REFUSED" not in result.output
    assert len(laue_ioc.puts()) == begun


def test_an_arpes_file_is_written_from_the_records_decided_by_a_human_and_passes_the_check(arpes_ioc, here):
    result = deploy("--new", "stage.yaml", *ARPES)
    assert result.exit_code == 0, result.output
    assert Path("stage.yaml").read_text().count("its middle in the beam; an ARPES stage without nozzles takes any") == 2
    decisions = DECISIONS | {"max_step": "2", "vector": "[1, 0, 0]"}
    second = [i for i, line in enumerate(Path("stage.yaml").read_text().splitlines(), 1) if "vector: DECIDE" in line][1]
    decide(Path("stage.yaml"), decisions | {second: "[0, 1, 0]"})
    file = load_instrument("stage.yaml")
    assert [(axis.name, axis.unit) for axis in file.axes] == [("x", "mm"), ("y", "mm"), ("dwell", "s")]
    assert file.axes[2].limits == file.detector.exposure_s == (0.05, 5.0)
    # A search makes about three exposures of 0.05 s a second, each at another site.
    assert file.axes[0].max_moves_per_min > 3 * 60
    result = deploy("raster", "-i", "stage.yaml", "--check")
    assert result.exit_code == 0, result.output
    assert arpes_ioc.puts() == []


def test_a_file_that_is_there_is_never_written_over_and_nothing_is_connected_for_it(here, monkeypatch):
    def read(request):
        raise AssertionError("it must not be read")

    monkeypatch.setattr("beamgym.hardware_bridge.new_instrument.write.read_records", read)
    Path("mine.yaml").write_text("mine")
    result = deploy("--new", "mine.yaml", *LAUE)
    assert result.exit_code == 1
    assert "mine.yaml is there already, and nothing is written over it" in result.output
    assert Path("mine.yaml").read_text() == "mine"
    assert "there is no folder nowhere" in deploy("--new", "nowhere/mine.yaml", *LAUE).output


def test_options_of_a_new_file_are_refused_without_it():
    for words in (("--axes", "A:m1"), ("--heartbeat", "A:b"), ("--option", "camera.image=x")):
        result = deploy("index-and-move", "-i", "laue_soft_ioc", *words)
        assert result.exit_code == 1
        assert f"{words[0]} belongs to --new" in result.output
    assert "--kind laue or --kind arpes" in deploy("--new", "x.yaml", "--axes", "A:m1").output
