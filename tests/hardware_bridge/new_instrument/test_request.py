"""What a user may name for a new instrument file; what cannot be is refused before anything is connected."""

import re

import pytest

from beamgym.hardware_bridge.new_instrument import new_instrument


def test_axes_are_named_by_the_user_by_their_goniometer_or_by_their_record():
    named = new_instrument("laue", ["spindle=XF:m1 XF:LAUE{Gon:1-Ax:Rot}Mtr", "IOC:17"], "XF:")
    assert dict(named.axes) == {"spindle": "XF:m1", "rot": "XF:LAUE{Gon:1-Ax:Rot}Mtr", "axis_17": "IOC:17"}
    stack = new_instrument("laue", ["A:m1 A:m2 A:m3"], "A:", goniometer_name="two-arc")
    assert list(stack.axes) == ["rotation", "lower_arc", "upper_arc"]
    assert list(new_instrument("arpes", ["A:m1", "A:m2"], "A:").axes) == ["x", "y"]


def test_readings_and_options_are_named():
    found = new_instrument(
        "laue",
        ["A:m1"],
        "A:",
        beam="SR:Current",
        suspenders=["FE07I-PS-SHTR-02:STA", "cold=A:T"],
        heartbeats=["A:beat", "ring=SR:beat"],
        options=["camera.image=image2:", "shutter.opened=OUT"],
    )
    assert dict(found.suspenders) == {"beam": "SR:Current", "sta": "FE07I-PS-SHTR-02:STA", "cold": "A:T"}
    assert dict(found.heartbeats) == {"server": "A:beat", "ring": "SR:beat"}
    assert found.option("camera", "image", "image1:") == "image2:"
    assert found.option("camera", "camera", "cam1:") == "cam1:"


REFUSED = {
    "another kind": (("zone", ["A:m1"], "A:"), {}, "--kind is 'zone'; choose laue or arpes"),
    "no axes": (("laue", [], "A:"), {}, "--new needs the motor records and the camera"),
    "no camera": (("laue", ["A:m1"], None), {}, "--new needs the motor records and the camera"),
    "a Tango device": (("laue", ["sys/tg_test/1"], "A:"), {}, "reads EPICS records only: for Tango"),
    "a folder": (("laue", ["A:m1"], "/data/frames"), {}, "reads EPICS records only"),
    "an undulator": (("laue", ["ID08:Gap"], "A:"), {}, "'ID08:Gap' is an insertion device"),
    "a front end": (("laue", ["A:m1"], "A:"), {"shutter": "FE07I-PS-SHTR-02:"}, "is personnel protection"),
    "three motors of a stage": (
        ("arpes", ["A:m1 A:m2 A:m3"], "A:"),
        {},
        "has the motors x, y; --axes names 3",
    ),
    "too few for the goniometer": (
        ("laue", ["A:m1"], "A:"),
        {"goniometer_name": "psic"},
        "psic has the axes mu, eta, chi, phi; --axes names 1 records",
    ),
    "an unknown goniometer": (("laue", ["A:m1"], "A:"), {"goniometer_name": "nope"}, "nope"),
    "one record twice": (("laue", ["a=A:m1 b=A:m1"], "A:"), {}, "A:m1 is named for two axes"),
    "one name twice": (("laue", ["A:m1 B:m1"], "A:"), {}, "would both be named 'm1'; name them: NAME=B:m1"),
    "a broken option": (("laue", ["A:m1"], "A:"), {"options": ["image2:"]}, "give DEVICE.OPTION=VALUE"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(name):
    given, more, said = REFUSED[name]
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        new_instrument(*given, **more)
    assert "\n" not in str(caught.value)
