"""Records as other people's IOCs have them: what --new writes of them, or the one line with which it refuses."""

import re

import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

import yaml
from odd_records import camera, motor

from beamgym.hardware_bridge.instrument_file import UNDECIDED
from beamgym.hardware_bridge.new_instrument import new_instrument, write_instrument

NAN, INF = float("nan"), float("inf")
NO_LIMITS = {"LLM": 0.0, "HLM": 0.0, "DLLM": 0.0, "DHLM": 0.0}

MOTORS = {
    "plain": ({}, {"limits": [-10, 10], "unit": "deg", "kind": "rotation", "backlash": 0, "step": 0.001}),
    "bare": (
        {"absent": ("MRES", "RDBD", "DESC", "RTYP", "NAME", "OUT", "FLNK", "BDST", "BVEL", "VMAX", "MSTA")},
        {"step": UNDECIDED, "backlash": UNDECIDED, "tolerance": UNDECIDED, "home_required": False, "speed": 1},
    ),
    "unlimited": (NO_LIMITS, {"limits": UNDECIDED}),
    "unlimited with an offset": (NO_LIMITS | {"OFF": 5.0, "LLM": 5.0, "HLM": 5.0}, {"limits": UNDECIDED}),
    "dial limits only": (NO_LIMITS | {"DLLM": -3.0, "DHLM": 4.0}, {"limits": [-3, 4]}),
    "turned and shifted": (
        {"DIR": ("Neg", ["Pos", "Neg"]), "OFF": 10.0, "DLLM": -2.0, "DHLM": 30.0, "LLM": -50.0, "HLM": 50.0},
        {"limits": [-20, 12]},
    ),
    "turned by a number": (
        {"DIR": 1, "OFF": 10.0, "DLLM": -2.0, "DHLM": 30.0, "LLM": -50.0, "HLM": 50.0},
        {"limits": [-20, 12]},
    ),
    "no unit": ({"EGU": ""}, {"unit": UNDECIDED, "kind": UNDECIDED, "egu": ""}),
    "a long unit": ({"EGU": "Degrees"}, {"unit": "deg"}),
    "a linear axis": ({"EGU": "mm"}, {"unit": "mm", "kind": "linear"}),
    "micrometres": ({"EGU": "um"}, "odd:m.EGU is 'um'; axes are in deg or mm: set the record's unit and resolution"),
    "milliradians": ({"EGU": "mrad"}, "odd:m.EGU is 'mrad'; axes are in deg or mm"),
    "no speed": ({"VELO": 0.0}, {"speed": UNDECIDED, "max_speed": None}),
    "a speed that is none": ({"VELO": NAN}, {"speed": UNDECIDED}),
    "a position that is none": ({"RBV": NAN}, {"zero": UNDECIDED, "limits": [-10, 10]}),
    "limits the wrong way round": ({"LLM": 10.0, "HLM": -10.0}, "the motor's limits exclude every position"),
    "limits that are none": ({"HLM": NAN}, "are not all finite"),
    "endless limits": ({"HLM": INF, "DHLM": INF}, "are not all finite"),
    "a negative step": ({"MRES": -0.002}, {"step": 0.002, "tolerance": 0.02}),
    "no step": ({"MRES": 0.0, "RDBD": 0.0}, {"step": UNDECIDED, "tolerance": UNDECIDED}),
    "a wide deadband": ({"RDBD": 0.5}, {"tolerance": 0.5}),
    "play from the other side": ({"BDST": -0.4}, {"backlash": 0.4}),
    "not homed": ({"MSTA": 0x2}, {"home_required": False}),
    "homed": ({"MSTA": 0x4002}, {"home_required": True}),
    "no motor record": ({"RTYP": "ao"}, "odd:m is a record of the type 'ao'; name a motor record"),
    "words in its description": ({"DESC": 'a "b": {c} # d'}, {"sign": UNDECIDED}),
    "lines in its description": ({"DESC": "x\nkind: arpes\n#"}, {"sign": UNDECIDED}),
    "lines in its unit": ({"EGU": "deg\nsign: 1"}, "axes are in deg or mm"),
}
"""Odd fields, and what stands in the axis's part of the file, or the refusal."""

CAMERAS = {
    "plain": ({}, {"shape": [8, 6], "saturation": 65535, "exposure_s": UNDECIDED, "counter_required": True}),
    "no frame yet": ({"image1:ArraySize0_RBV": 0, "image1:ArraySize1_RBV": 0}, {"shape": [8, 6]}),
    "no sizes": (
        {"absent": ("image1:ArraySize0_RBV", "cam1:ArraySizeX_RBV", "cam1:MaxSizeX_RBV")},
        {"shape": UNDECIDED},
    ),
    "wide counts": ({"image1:DataType_RBV": ("UInt32", ["UInt16", "UInt32"])}, {"saturation": UNDECIDED}),
    "signed counts": ({"image1:DataType_RBV": ("Int16", ["Int16"])}, {"saturation": 32767}),
    "a type as text": ({"image1:DataType_RBV": "UInt8"}, {"saturation": 255}),
    "no type": ({"absent": ("image1:DataType_RBV", "cam1:DataType_RBV")}, {"saturation": UNDECIDED}),
    "no counter": ({"absent": ("image1:UniqueId_RBV", "cam1:ArrayCounter_RBV")}, {"counter_required": False}),
    "lines in its model": ({"cam1:Model_RBV": "x\nkind: arpes"}, {"shape": [8, 6]}),
}
"""Odd records, and what stands in the detector's part of the file."""


def _prefix(i):
    return f"odd{i}:"


@pytest.fixture
def written(odd_server, tmp_path):
    """Return a function that writes a file of a motor and a camera, and returns its content or the refusal."""
    pvs = {}
    for i, (fields, _) in enumerate(MOTORS.values()):
        pvs |= motor(f"{_prefix(i)}m", **fields)
    for i, (fields, _) in enumerate(CAMERAS.values()):
        pvs |= camera(_prefix(i), **fields)
    server = odd_server(pvs)

    def write(axis, eye):
        path = tmp_path / f"{axis}-{eye}.yaml"
        path.unlink(missing_ok=True)
        try:
            found = write_instrument(path, new_instrument("laue", [f"axis={_prefix(axis)}m"], _prefix(eye)))
        except ValueError as error:
            said = str(error).replace(_prefix(axis), "odd:")
        else:
            assert found.undecided
            return yaml.safe_load(path.read_text())
        assert not path.exists()
        assert "\n" not in said
        return said

    yield write
    assert server.written() == []


def test_odd_records_are_written_rightly_left_open_or_refused_in_one_line(written):
    for i, (name, (_, expected)) in enumerate(MOTORS.items()):
        content = written(i, 0)
        if isinstance(expected, str):
            assert expected in content, name
            continue
        assert content["kind"] == "laue"
        (axis,) = content["axes"]
        assert {key: axis.get(key) for key in expected} == expected, name
        # No record can tell these, whatever else it says.
        assert [axis[key] for key in ("vector", "sign", "zero", "max_step")] == [UNDECIDED] * 4, name
    for i, (name, (_, expected)) in enumerate(CAMERAS.items()):
        detector = written(0, i)["detector"]
        assert {key: detector.get(key) for key in expected} == expected, name
        assert detector["origin_mm"] == detector["pixel_mm"] == detector["transpose"] == UNDECIDED, name


def test_records_that_do_not_answer_are_named(written, monkeypatch):
    monkeypatch.setattr("beamgym.hardware_bridge.new_instrument.read._CONNECT_S", 2.0)
    said = written(99, 0)
    assert re.match(r"no answer from PV odd:m\.RBV within 2 s; check its name, the IOC and EPICS_CA_ADDR_LIST", said)
