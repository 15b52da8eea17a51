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


def _told(**options):
    """The shutter of laue_epics, told by other PVs."""
    return _with("shutter", address="XF:LAUE", options={"status": "{Sh:1}Status", **options})


def _second(adapter, *addresses, **options):
    """Two axes of another adapter, by their addresses."""
    content = copy.deepcopy(_content())
    for name, address in zip(("rotation", "lower_arc"), addresses, strict=True):
        content["devices"][name] = {"adapter": adapter, "address": address, "options": options}
    return content


SHARED = {
    "a shutter opened by a motor": (
        _told(open="{Gon:1-Ax:Rot}Mtr.VAL"),
        "devices: shutter and the axis rotation have the same address 'XF:LAUE{Gon:1-Ax:Rot}Mtr'; correct one",
    ),
    "a shutter opened by a motor without a field": (
        _told(open="{Gon:1-Ax:Rot}Mtr"),
        "devices: shutter and the axis rotation have the same address",
    ),
    "a shutter opened by a jog": (
        _told(open="{Gon:1-Ax:Rot}Mtr.JOGF"),
        "devices: shutter and the axis rotation have the same address",
    ),
    "a shutter closed by a relative move": (
        _told(open="{Sh:1}Open", close="{Gon:1-Ax:Low}Mtr.RLV"),
        "devices: shutter and the axis lower_arc have the same address",
    ),
    "a shutter whose blade an axis moves": (
        _told(open="{Sh:1}Open", status="{Gon:1-Ax:Low}Mtr.RBV"),
        "devices: shutter and the axis lower_arc have the same address",
    ),
    "a shutter that starts the camera": (
        _told(open="{Det:1}cam1:Acquire"),
        "devices: shutter: 'XF:LAUE{Det:1}cam1:Acquire' starts or sets an exposure of the detector",
    ),
    "a shutter that sets the exposure": (
        _told(open="{Sh:1}Open", close="{Det:1}cam1:AcquireTime.VAL"),
        "cam1:AcquireTime.VAL' starts or sets an exposure of the detector",
    ),
    "a shutter that sets the camera": (
        _told(open="{Det:1}cam1:ImageMode"),
        "'XF:LAUE{Det:1}cam1:ImageMode' is a setting of the detector",
    ),
    "a shutter that sets the array plugin": (
        _told(open="{Det:1}image1:EnableCallbacks"),
        "is a setting of the detector",
    ),
    "a shutter that writes what a suspender reads": (
        _with("shutter", address="SR:", options={"open": "Current-I", "status": "x"}),
        "devices: shutter: 'SR:Current-I' is what the suspender 'beam' reads",
    ),
    "a shutter that beats a heart": (
        _told(open="{IOC:1}Heartbeat.PROC"),
        "Heartbeat.PROC' is what the heartbeat 'motors' reads",
    ),
    "a shutter that is closed by what opens it": (
        _told(open="{Sh:1}Cmd", close="{Sh:1}Cmd.PROC"),
        "its options open and close name the same record 'XF:LAUE{Sh:1}Cmd', in which a 1 opens",
    ),
    "an axis that is the shutter's button": (
        _with("rotation", address="XF:LAUE{Sh:1}Open"),
        "devices: shutter and the axis rotation have the same address 'XF:LAUE{Sh:1}Open'; correct one",
    ),
    "an axis that is the camera's button": (
        _with("rotation", address="XF:LAUE{Det:1}cam1:Acquire"),
        "devices: camera and the axis rotation have the same address 'XF:LAUE{Det:1}cam1:Acquire'; correct one",
    ),
    "an axis in another case": (
        _with("lower_arc", address="xf:laue{Gon:1-Ax:Rot}Mtr"),
        "devices: lower_arc and rotation have the same address 'xf:laue{Gon:1-Ax:Rot}Mtr', written "
        "'XF:LAUE{Gon:1-Ax:Rot}Mtr' there; correct one",
    ),
    "an axis by its field": (
        _with("lower_arc", address="XF:LAUE{Gon:1-Ax:Rot}Mtr.VAL"),
        "devices: lower_arc and rotation have the same address 'XF:LAUE{Gon:1-Ax:Rot}Mtr'; correct one",
    ),
    "a Tango axis with and without its data base": (
        _second("tango", "tango://lid11:20000/id11/motor/phi", "ID11/motor/phi"),
        "devices: lower_arc and rotation have the same address 'ID11/motor/phi', written 'tango://lid11",
    ),
    "a VISA axis by another spelling": (
        _second("visa", "TCPIP::10.0.0.7::5025::SOCKET", "TCPIP0::10.0.0.7::5025::socket", axis="1"),
        "devices: lower_arc and rotation have the same address",
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_what_two_devices_would_command_is_refused_in_one_line_with_both(name):
    content, said = SHARED[name]
    with pytest.raises(ValueError, match="mine") as caught:
        parse_instrument(content, "mine.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_attenuator_is_read_and_the_shutter_does_not_write_to_it():
    content = _told(open="{Att:1}Trans")
    content["devices"]["transmission"] = {"adapter": "epics", "address": "XF:LAUE{Att:1}Trans.RVAL"}
    content["attenuator"] = {"device": "transmission", "high": 0.1}
    with pytest.raises(ValueError, match=r"'XF:LAUE\{Att:1\}Trans' is what the attenuator reads"):
        parse_instrument(content)
    content["devices"]["transmission"]["address"] = "XF:LAUE{Att:2}Trans"
    assert parse_instrument(content).attenuator.high == 0.1


def test_the_shutter_that_a_camera_drives_is_no_setting_of_it():
    shutter = {"open": "{Det:1}cam1:ShutterControl", "status": "{Det:1}cam1:ShutterStatus_RBV"}
    assert parse_instrument(_told(**shutter)).devices["shutter"].options == shutter


def test_two_channels_of_one_controller_and_two_data_bases_are_two_axes():
    content = _second("visa", "TCPIP::10.0.0.7::5025::SOCKET", "TCPIP::10.0.0.7::5025::SOCKET")
    for name, axis in (("rotation", "1"), ("lower_arc", "2")):
        content["devices"][name]["options"] = {"axis": axis}
    assert len(parse_instrument(content).axes) == 3
    assert parse_instrument(_second("tango", "id11/motor/phi", "id11/motor/chi"))


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
