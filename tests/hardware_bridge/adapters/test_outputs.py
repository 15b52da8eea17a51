"""Behind a harmless name: aliases, descriptions and links of records, as an independent server gives them."""

import asyncio
from types import SimpleNamespace

import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

from odd_records import camera, instrument, motor, shutter
from ophyd_async.core import Device
from ophyd_async.epics.core import epics_signal_r, epics_signal_rw

from beamgym.hardware_bridge.adapters.connect import connect
from beamgym.hardware_bridge.adapters.epics.channels import Channels
from beamgym.hardware_bridge.adapters.epics.motor import EpicsMotor
from beamgym.hardware_bridge.adapters.outputs import check_outputs, written_by
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.instrument_file.load import parse_instrument

REST = motor("odd:chi") | camera("odd:") | shutter("odd:shutter:")
LINKED = {"odd:step.NAME": "odd:step", "odd:step.RTYP": "dfanout", "odd:step.OUTB": "BL07I-VA-VALVE-01:CON PP"}
SILENT = ("NAME", "RTYP", "DESC", "OUT", "FLNK")

AXES = {
    "odd:alias": (
        {"NAME": "SR07I-MO-SERVC-01:MTR"},
        "axis 'alias' would command 'odd:alias', an alias of 'SR07I-MO-SERVC-01:MTR', which is an insertion device",
    ),
    "odd:told": (
        {"DESC": "undulator gap"},
        "axis 'told' would command 'odd:told', whose DESC 'undulator gap' says that it is an insertion device",
    ),
    "odd:soft": (
        {"OUT": "ID08:Gap.VAL CA"},
        "axis 'soft' would command 'odd:soft', which writes to 'ID08:Gap.VAL', which is an insertion device",
    ),
    "odd:ao": ({"RTYP": "ao"}, "axis 'ao': odd:ao is a record of the type 'ao'; an axis is a motor record"),
    "odd:again": (
        {"NAME": "odd:chi"},
        "axis 'chi' and axis 'again' command the same record 'odd:chi', named 'odd:chi' and 'odd:again'; give each its",
    ),
    "odd:pseudo": (
        {"OUT": "odd:chi.VAL CA"},
        "axis 'pseudo' would command 'odd:pseudo', by which 'odd:chi.VAL' is written, and that is axis 'chi'; name a",
    ),
    "odd:ordinary": ({}, ""),
    "odd:silent": ({"absent": SILENT}, ""),
}
"""Motor records: their odd fields, and what is said of them."""

SHUTTERS = {
    "odd:front:": (
        {"OUT": "FE07I-PS-SHTR-02:CON PP"},
        "the shutter would command 'odd:front:Open', which writes to 'FE07I-PS-SHTR-02:CON'",
    ),
    "odd:second:": (
        {"OUT": "odd:step PP"},
        "which writes to 'odd:step', which writes to 'BL07I-VA-VALVE-01:CON', which is a vacuum valve",
    ),
    "odd:m4:": (
        {"RTYP": "motor"},
        "the shutter: odd:m4:Open is a record of the type 'motor', which moves something, past every rule for axes",
    ),
    "odd:m5:": (
        {"absent": SILENT, "DMOV": 1},
        "the shutter: odd:m5:Open is a record of the type 'motor', which moves something, past every rule for axes",
    ),
    "odd:camera:": (
        {"NAME": "odd:cam1:Acquire"},
        "the shutter and the detector command the same record 'odd:cam1:Acquire', named 'odd:camera:Open' and",
    ),
    "odd:jog:": (
        {"OUT": "odd:ordinary.JOGF PP"},
        "command 'odd:jog:Open', by which 'odd:ordinary.JOGF' is written, and that is axis 'ordinary'; name a record",
    ),
    "odd:usual:": ({}, ""),
}


def refusal(content):
    """What is said when an instrument connects; "" where it does."""
    try:
        asyncio.run(connect(parse_instrument(content)).connect(20.0))
    except DeviceError as error:
        return str(error)
    return ""


def test_what_stands_behind_a_name_is_looked_at_when_it_connects(odd_server):
    axes = [motor(name, **fields) for name, (fields, _) in AXES.items()]
    shutters = [shutter(name, **fields) for name, (fields, _) in SHUTTERS.items()]
    server = odd_server({name: value for pvs in (REST, LINKED, *axes, *shutters) for name, value in pvs.items()})
    told = {name: refusal(instrument((name, "odd:chi"))) for name in AXES}
    for name in SHUTTERS:
        content = instrument(("odd:ordinary", "odd:chi"))
        content["devices"]["shutter"]["address"] = name
        told[name] = refusal(content)
    for name, (_, said) in {**AXES, **SHUTTERS}.items():
        assert said in told[name]
        assert bool(told[name]) == bool(said)
        assert "\n" not in told[name]
    assert server.written() == []


class Stage(Device):
    """A motor of ophyd-async that reads a front end and moves something else."""

    def __init__(self, pv, name=""):
        self.readback = epics_signal_r(float, f"ca://{pv}.RBV")
        self.front_end = epics_signal_r(float, "ca://FE07I-PS-SHTR-02:STA")
        self.setpoint = epics_signal_rw(float, f"ca://{pv}.VAL")
        super().__init__(name)

    def set(self, value):
        return self.setpoint.set(value)

    def read(self):
        return self.readback.read()


def test_of_an_object_what_it_writes_is_looked_at_and_what_it_reads_is_not():
    assert list(written_by(Stage("odd:phi"))) == ["odd:phi.VAL"]


def test_an_object_that_writes_what_is_protected_is_refused_before_it_is_connected():
    content = instrument()
    content["devices"]["phi"] = {"adapter": "object", "address": "mine"}
    devices = connect(parse_instrument(content), {"mine": Stage("ID08:Gap", "mine")})
    with pytest.raises(DeviceError, match=r"axis 'phi' would command 'ID08:Gap\.VAL', which is an insertion device"):
        asyncio.run(devices.check_outputs())


class Aliased:
    """A Tango device that was named by an alias of its data base."""

    async def real_name(self):
        return "fe/master/id42"


class TwoMotors(Device):
    """An axis of ophyd-async that drives a second motor besides."""

    def __init__(self, pv, other, name=""):
        self.readback = epics_signal_r(float, f"ca://{pv}.RBV")
        self.setpoint = epics_signal_rw(float, f"ca://{pv}.VAL")
        self.other = epics_signal_rw(float, f"ca://{other}.VAL")
        super().__init__(name)

    def set(self, value):
        return self.setpoint.set(value)

    def read(self):
        return self.readback.read()


def test_an_object_that_drives_another_axis_besides_is_refused(odd_server):
    odd_server(motor("odd:phi") | REST)
    content = instrument()
    content["devices"]["phi"] = {"adapter": "object", "address": "mine"}
    devices = connect(parse_instrument(content), {"mine": TwoMotors("odd:phi", "odd:chi", "mine")})
    with pytest.raises(DeviceError, match="axis 'chi' and axis 'phi' command the same record 'odd:chi'"):
        asyncio.run(devices.check_outputs())


def test_a_tango_alias_of_what_is_protected_is_refused():
    content = instrument(("odd:phi",))
    content["devices"]["phi"] = {"adapter": "tango", "address": "my_motor"}
    file = parse_instrument(content)
    devices = SimpleNamespace(axes={"phi": Aliased()}, detector=None, shutter=SimpleNamespace(outputs=()))
    with pytest.raises(DeviceError, match="'my_motor', an alias of 'fe/master/id42', which is a front end"):
        asyncio.run(check_outputs(file, devices))


def test_a_device_puts_to_its_declared_outputs_only(odd_server):
    server = odd_server(motor("odd:phi"))

    async def run() -> None:
        phi = EpicsMotor("phi", "odd:phi", "deg", 5.0)
        await phi.connect(20.0)
        assert phi.outputs == ("odd:phi.VAL", "odd:phi.STOP")
        for put in (phi._pv.put, phi._pv.send):
            for field in ("OFF", "VELO", "HLM", "nothing"):
                with pytest.raises(DeviceError, match="is no declared output; nothing was written"):
                    await put(field, 1.0)
        await phi._pv.put("STOP", 1)

    asyncio.run(run())
    assert server.written() == [["odd:phi.STOP", 1]]


def test_channels_declare_no_output_unless_they_are_told(odd_server):
    server = odd_server(motor("odd:phi"))

    async def run() -> None:
        signal = Channels("beam", {"value": "odd:phi.VAL"}, 5.0)
        await signal.connect(20.0)
        with pytest.raises(DeviceError, match=r"beam: PV odd:phi\.VAL is no declared output"):
            await signal.put("value", 1.0)

    asyncio.run(run())
    assert server.written() == []
