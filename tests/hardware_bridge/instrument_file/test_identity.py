"""A simulation commands nothing but the practice instrument, and hardware is not the practice instrument."""

import asyncio
from types import SimpleNamespace

import pytest
import yaml

from beamgym.hardware_bridge.adapters.connect import connect
from beamgym.hardware_bridge.ca_loops import forget_channels
from beamgym.hardware_bridge.instrument_file import identity as instrument_identity
from beamgym.hardware_bridge.instrument_file.identity import identity_names, pvs_of, simulation_beside, strangers
from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument


def soft(own=()):
    """Return the practice instrument's file with some devices of the user's own."""
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    for name in own:
        content["devices"][name] = {"adapter": "object", "address": name}
    return parse_instrument(content)


def ophyd_async_motor(prefix):
    return pytest.importorskip("ophyd_async.epics.motor").Motor(f"ca://{prefix}j1", name="j1")


def classic_motor(prefix):
    return pytest.importorskip("ophyd").EpicsMotor(f"{prefix}j1", name="j1")


class PlainMotor:
    name, parent = "j1", None

    def set(self, value):
        return None

    def read(self):
        return {}


@pytest.mark.parametrize("make", [ophyd_async_motor, classic_motor])
def test_own_devices_of_a_simulation_are_taken_where_every_pv_is_the_practice_instruments(make):
    pytest.importorskip("aioca", reason="the adapter epics needs its extra")
    motor = make("bgym:")
    assert {pv.partition(".")[0] for pv in pvs_of(motor)} == {"bgym:j1"}
    assert connect(soft(["j1"]), {"j1": motor}).axes["j1"] is motor
    with pytest.raises(ValueError, match=r"axis 'j1' is at 'XF:j1[.A-Z]*', outside 'bgym:'"):
        connect(soft(["j1"]), {"j1": make("XF:")})


def test_an_own_device_of_which_no_pv_can_be_seen_is_no_simulation():
    pytest.importorskip("aioca", reason="the adapter epics needs its extra")
    with pytest.raises(ValueError, match=r"no PV can be seen: it may be real; give simulation: false"):
        connect(soft(["j1"]), {"j1": PlainMotor()})


def test_a_source_of_another_protocol_counts_as_elsewhere_and_one_within_the_program_as_none():
    device = SimpleNamespace(
        children=lambda: [
            ("a", SimpleNamespace(source="tango://sys/motor/1")),
            ("b", SimpleNamespace(source="soft://b")),
            ("c", SimpleNamespace(source="pva://bgym:c")),
        ]
    )
    assert list(pvs_of(device)) == ["tango://sys/motor/1", "bgym:c"]


def test_a_practice_instrument_would_be_found_under_any_prefix_of_its_pvs():
    assert "bgym:identity" in identity_names(["bgym:j1.RBV", "bgym:shutter:Status"])
    assert "XF:LAUE{Gon:identity" in identity_names(["XF:LAUE{Gon:1-Ax:Rot}Mtr.RBV"])
    assert "XF:LAUE{Gon:identity" in identity_names(["XF:LAUE{Gon:1-Ax:Rot}Mtr.RBV"])
    assert "testidentity" in identity_names(["testj1.RBV", "testj2.RBV"])
    assert identity_names([]) == []


def as_hardware():
    content = yaml.safe_load(shipped_instrument("laue_soft_ioc").read_text(encoding="utf-8"))
    content["simulation"] = False
    del content["identity"], content["devices"]["identity"]
    return parse_instrument(content)


def test_hardware_that_is_the_practice_instrument_is_found_out_without_being_told_where_to_ask(laue_ioc, monkeypatch):
    monkeypatch.setattr(instrument_identity, "ASK_S", 60.0)  # it returns as soon as one answers
    file = as_hardware()

    async def ask():
        try:
            return await simulation_beside(file, connect(file))
        finally:
            forget_channels(asyncio.get_running_loop())

    assert asyncio.run(ask()) == "beamgym-simulation"


def test_a_motor_under_the_practice_prefix_that_another_server_serves_is_a_stranger(laue_ioc, side_server):
    side_server()
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    devices = connect(file)
    elsewhere = SimpleNamespace(describe=lambda: {"j2": {"source": "ca://side:current"}})

    async def ask():
        try:
            home = await strangers(file, devices)
            devices.axes["j2"] = elsewhere
            return home, await strangers(file, devices)
        finally:
            forget_channels(asyncio.get_running_loop())

    home, found = asyncio.run(ask())
    assert home == []
    assert len(found) == 1
    assert found[0].startswith("side:current at ")
