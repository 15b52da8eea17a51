"""Every difference between file and device is one line with its remedy, and weighs what it would do to a run."""

import re
from dataclasses import replace

import pytest
import yaml

from beamgym.hardware_bridge.instrument_file.load import parse_instrument, shipped_instrument
from beamgym.hardware_bridge.settings import AxisSettings, DetectorSettings
from beamgym.hardware_bridge.settings_check import Difference, refused
from beamgym.hardware_bridge.settings_check.axes import compare_axis
from beamgym.hardware_bridge.settings_check.detector import compare_detector

TRAVEL = (-170.0, 170.0)
ROTATION = AxisSettings(
    "XF:m1",
    unit="deg",
    position=0.0,
    limits=TRAVEL,
    dial_limits=TRAVEL,
    direction=1,
    offset=0.0,
    speed=2.0,
    backlash=0.05,
    step=0.001,
    deadband=0.001,
    homed=True,
)
CAMERA = DetectorSettings(
    "XF:cam1:",
    shape=(1043, 981),
    largest_shape=(1043, 981),
    data_type="UInt32",
    color_mode="Mono",
    image_mode="Single",
    exposure_limits_s=(0.001, 100.0),
    counts_frames=True,
)


def _file(**changes):
    content = yaml.safe_load(shipped_instrument("laue_epics").read_text(encoding="utf-8"))
    for path, value in changes.items():
        here = content
        *steps, last = path.split("__")
        for step in steps:
            here = here[int(step) if step.isdigit() else step]
        here[last] = value
    return parse_instrument(content)


def _axis(changed, travel=TRAVEL, **file):
    return compare_axis(_file(**file).axes[0], replace(ROTATION, **changed), travel)


def test_a_motor_that_is_as_the_file_says_has_no_difference():
    assert _axis({}) == []


AXES = {
    "another unit": ({"unit": "mm"}, TRAVEL, True, "counts in 'mm', the file in 'deg'; correct one"),
    "no unit": ({"unit": ""}, TRAVEL, True, "says no unit.*write deg there.*or give the axis egu: ''"),
    "tighter limits of the motor": ({}, (-10.0, 90.0), False, r"-170 to 170 go beyond.*-10 to 90.*limits: \[-10, 90\]"),
    "one tighter limit": ({}, (-200.0, 90.0), False, r"give limits: \[-170, 90\]"),
    "no limits of the motor": ({}, None, False, "only this program holds it; set them there too"),
    "standing outside": ({"position": 171.0}, TRAVEL, False, "stands at 171, outside.*bring it back by hand"),
    "faster than allowed": ({"speed": 6.0}, TRAVEL, True, "set to the speed 6, max_speed is 5; set it slower"),
    "another speed": ({"speed": 3.0}, TRAVEL, False, "speed is 2 in the file and 3.*give speed: 3"),
    "too slow for its time": (
        {"speed": 0.5},
        TRAVEL,
        True,
        "takes 180 s and is stopped after 75 s; give speed: 0.5",
    ),
    "no speed": ({"speed": 0.0}, TRAVEL, True, "never arrives; set another one"),
    "speed nan": ({"speed": float("nan")}, TRAVEL, True, "never arrives; set another one"),
    "backlash": ({"backlash": -0.5}, TRAVEL, False, r"0.05 in the file.*runs 0.5 past.*BDST -0.5.*give backlash: 0.5"),
    "limits that exclude each other": ({"limits": (180.0, 190.0)}, (180.0, 190.0), True, "exclude each other; correct"),
    "a backlash that is none": ({"backlash": float("nan")}, TRAVEL, True, "backlash is nan .BDST.; set it to a number"),
    "no backlash": ({"backlash": 0.0}, TRAVEL, False, "give backlash: 0"),
    "direction": ({"direction": -1}, TRAVEL, False, "direction is Neg, against the dial.*direction check again"),
    "offset": ({"offset": -3.5}, TRAVEL, False, "offset is -3.5, against the dial"),
    "direction and offset": ({"direction": -1, "offset": 2.0}, TRAVEL, False, "is Neg and its offset is 2"),
    "another step": ({"step": 0.01}, TRAVEL, False, r"step is 0.001 in the file and 0.01 in the motor \(MRES\)"),
    "a step too coarse": ({"step": 0.05}, TRAVEL, True, "tolerance 0.01 can not be kept; give a larger"),
    "a wide deadband": ({"deadband": 0.1}, TRAVEL, False, "content 0.1 off its target.*tolerance is 0.01"),
}


@pytest.mark.parametrize("name", AXES)
def test_a_motor_that_differs_is_one_line_with_its_remedy(name):
    changed, travel, is_refused, said = AXES[name]
    (found,) = _axis(changed, travel)
    assert found.place == "axis 'rotation'"
    assert found.refused is is_refused
    assert re.search(said, found.text)
    assert "\n" not in found.text


@pytest.mark.parametrize(
    ("said", "egu", "weights", "text"),
    [
        ("", "", [False], "nothing but egu: '' shows that it counts in deg"),
        ("Winkelgrad", "winkelgrad", [], ""),
        ("mm", "", [True], "says the unit 'mm', egu is ''"),
        ("deg", "grad", [True], "says the unit 'deg', egu is 'grad'"),
    ],
)
def test_a_file_may_say_what_the_motor_says_for_its_unit(said, egu, weights, text):
    found = _axis({"unit": said}, axes__0__egu=egu)
    assert [each.refused for each in found] == weights
    assert all(text in each.text for each in found)


def test_what_a_motor_does_not_say_is_no_difference_but_for_missing_limits():
    (found,) = compare_axis(_file().axes[0], AxisSettings("x"), None)
    assert "no limits of its own" in found.text


def test_speeds_and_steps_that_are_rounded_are_no_difference():
    assert _axis({"speed": 2.02, "step": 0.00099999, "backlash": 0.0501, "unit": "Degrees"}) == []


def _detector(changed, **file):
    return compare_detector(_file(**file), replace(CAMERA, **changed))


def test_a_camera_that_is_as_the_file_says_has_no_difference():
    assert _detector({}) == []
    assert _detector({"shape": None, "largest_shape": None}) == []


FRAMES = {
    "another shape": (
        {"shape": (1043, 512), "largest_shape": None},
        {},
        True,
        r"1043 × 512 .*asks for 1043 × 981.*\[1043, 512\]",
    ),
    "a turned shape": (
        {"shape": (981, 1043), "largest_shape": None},
        {},
        True,
        r"give shape: \[981, 1043\], or transpose: true",
    ),
    "a turned shape of a file that turns": (
        {"shape": (1043, 981)},
        {"detector__transpose": True},
        True,
        r"asks for 981 × 1043; give shape: \[981, 1043\], or transpose: false",
    ),
    "a region": (
        {"largest_shape": (2086, 1962)},
        {},
        False,
        "2086 × 1962 pixels and gives 1043 × 981",
    ),
    "pixels that never fill": (
        {"data_type": "UInt16"},
        {},
        True,
        "no pixel of UInt16.*1048575.*65535 or less",
    ),
    "signed pixels": ({"data_type": "Int16"}, {"detector__saturation": 65535}, True, "saturation: 32767 or less"),
    "colours": ({"color_mode": "RGB1"}, {}, True, "gives colours .RGB1.*set ColorMode to Mono"),
    "many frames a trigger": ({"image_mode": "Continuous"}, {}, True, "set it to Single"),
    "trouble": ({"state": "Error"}, {}, True, "the state of XF:cam1: is Error; clear it"),
    "no counter": ({"counts_frames": False}, {}, True, "carry no number"),
    "a planned exposure beyond it": (
        {"exposure_limits_s": (0.001, 0.5)},
        {},
        True,
        "0.001 to 0.5 s, 1 s is planned",
    ),
    "a range beyond its own": ({"exposure_limits_s": (0.1, 5.0)}, {}, False, r"give exposure_s: \[0.1, 5\]"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_camera_that_differs_is_one_line_with_its_remedy(name):
    changed, file, is_refused, said = FRAMES[name]
    (found,) = _detector(changed, **file)
    assert found.place == "detector"
    assert found.refused is is_refused
    assert re.search(said, found.text)
    assert "\n" not in found.text


@pytest.mark.parametrize("changed", [{"data_type": "UInt16"}, {"data_type": "Float32"}, {"counts_frames": False}])
def test_what_the_file_does_not_ask_for_is_no_difference(changed):
    assert _detector(changed, detector__saturation=65535, detector__counter_required=False) == []


def test_the_first_difference_that_refuses_a_run_is_told_with_the_number_of_the_others():
    note, first, second = Difference("a", "x", False), Difference("b", "y", True), Difference("c", "z", True)
    assert refused([note]) == ""
    assert refused([note, first]) == "b: y"
    assert refused([note, first, second]) == "b: y (and 1 more that a run would be refused for)"
