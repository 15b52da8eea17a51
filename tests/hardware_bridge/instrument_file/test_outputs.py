"""What is commanded is no protected name and no other field of a record; what is only read may be anything."""

import copy
import shutil

import pytest
import yaml

from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument


def _content(name="laue_epics"):
    return yaml.safe_load(shipped_instrument(name).read_text(encoding="utf-8"))


def _with(device, **entry):
    content = copy.deepcopy(_content())
    content["devices"][device] = {"adapter": "epics", **entry}
    return content


REFUSED = {
    "an axis that is an undulator's gap": (
        _with("rotation", address="SR07I-MO-SERVC-01:BLGAPMTR"),
        "axis 'rotation' would command 'SR07I-MO-SERVC-01:BLGAPMTR', which is an insertion device",
    ),
    "a Tango axis in the front end": (
        _with("rotation", adapter="tango", address="//orion:10000/fe/master/id42"),
        "axis 'rotation' would command '//orion:10000/fe/master/id42', which is a front end",
    ),
    "a shutter of the front end": (
        _with("shutter", address="FE07I-PS-SHTR-02:"),
        "the shutter would command 'FE07I-PS-SHTR-02:', which is personnel protection",
    ),
    "a shutter's button elsewhere": (
        _with("shutter", address="", options={"open": "29id:BLEPS:GV10:OPEN", "status": "x"}),
        "devices: shutter: its address is empty",
    ),
    "a shutter that is a valve by its options": (
        _with("shutter", address="29id:", options={"open": "BLEPS:GV10:OPEN", "status": "x"}),
        "the shutter would command '29id:BLEPS:GV10:OPEN', which is a vacuum valve",
    ),
    "a shutter closed by a valve": (
        _with("shutter", address="29id:", options={"open": "Fast", "close": "VALVE3:close", "status": "x"}),
        "the shutter would command '29id:VALVE3:close', which is a vacuum valve",
    ),
    "a camera behind a valve": (
        _with("camera", address="BL07I-VA-VALVE-01:"),
        "the detector would command 'BL07I-VA-VALVE-01:', which is a vacuum valve",
    ),
    "an axis that is a field": (
        _with("rotation", address="BL:m1.VAL"),
        "an axis is a whole motor record: give 'BL:m1'",
    ),
    "a shutter by a field that changes a record": (
        _with("shutter", address="BL:shutter.", options={"open": "OUT"}),
        "'BL:shutter.OUT' names a field that changes the record itself",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_protected_is_refused_in_one_line_with_its_place(name):
    content, said = REFUSED[name]
    with pytest.raises(ValueError, match="mine") as caught:
        parse_instrument(content, "mine.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["BL:shutter", "BL:shutter.VAL", "BL:shutter.PROC"])
def test_a_shutter_may_be_told_by_the_output_of_its_record(field):
    assert parse_instrument(_with("shutter", address=field, options={"open": "", "status": ".RVAL"}))


def test_a_front_end_may_be_watched():
    content = _with("current", address="FE07I-PS-SHTR-02:STA")
    assert parse_instrument(content).devices["current"].address == "FE07I-PS-SHTR-02:STA"


def test_an_instrument_names_further_protected_names_beside_itself(tmp_path):
    shutil.copyfile(shipped_instrument("laue_epics"), tmp_path / "mine.yaml")
    with (tmp_path / "mine.yaml").open("a") as file:
        file.write("protected_names: [ours.yaml]\n")
    (tmp_path / "ours.yaml").write_text(r"protected: [{what: the other hutch, names: ['^XF:LAUE\{Gon:1-Ax:Low']}]")
    with pytest.raises(ValueError, match=r"axis 'lower_arc' would command .* which is the other hutch") as caught:
        load_instrument(tmp_path / "mine.yaml")
    assert "ours.yaml" in str(caught.value)
    (tmp_path / "ours.yaml").unlink()
    with pytest.raises(ValueError, match="cannot read the protected names"):
        load_instrument(tmp_path / "mine.yaml")
