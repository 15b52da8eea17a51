"""Shutter, dose, heartbeat, beam, vacuum, identity, and the PVs with which the simulation itself is steered."""

import json
import math
from typing import Any

from beamgym.hardware_bridge.practice.channels import Channels, Double, Enum, Long, Note, String, Text
from beamgym.hardware_bridge.practice.motor import Act
from beamgym.hardware_bridge.practice.simulated import FAULTS, EmulatedHardware

IDENTITY = "beamgym-simulation"
"""What ``{P}identity`` says: no real instrument says this."""

BEAM_MA = 200.0
TRANSMISSION = 0.02
"""What the attenuator before the shutter lets through."""
VACUUM_MBAR = 2e-10
BAD_VACUUM_MBAR = 1e-5
HEARTBEAT_S = 0.1
_LONGEST_TRUTH = 16384
_SHUTTER = ("Closed", "Open")


class Utilities:
    """The channels beside motors and camera.

    Parameters
    ----------
    hardware : what they show and steer
    prefix : of the instrument
    act : does something to the hardware and publishes what has changed
    note : takes note of what clients put
    """

    def __init__(self, hardware: EmulatedHardware, prefix: str, act: Act, note: Note) -> None:
        self.channels = Channels(prefix, note)
        self._hardware, self._act, self._beats = hardware, act, 0
        add = self.channels.add
        add("shutter:Open", Enum, "Closed", self._open, enum_strings=_SHUTTER)
        # What clients ask a record that they are to command: its own name, and what it writes to.
        looks = {"NAME": f"{self.channels.prefix}shutter:Open", "RTYP": "bo", "DESC": "simulated shutter"}
        for field, text in {**looks, "OUT": "@beamgym", "FLNK": ""}.items():
            add(f"shutter:Open.{field}", String, text)
        add("shutter:Status", Enum, "Closed", enum_strings=_SHUTTER)
        add("dose:Total_s", Double, 0.0, units="s", precision=3)
        add("heartbeat", Long, 0)
        add("beam:Current", Double, BEAM_MA, units="mA", precision=2)
        add("beam:Transmission", Double, TRANSMISSION, precision=3)
        add("vacuum:Pressure", Double, VACUUM_MBAR, units="mbar", precision=12)
        add("identity", String, IDENTITY)
        add("sim:reset", Double, 0.0, self._reset)
        add("sim:fresh", Double, 0.0, self._fresh)
        add("sim:seed", Double, 0.0)
        add("sim:truth", Text, "{}", max_length=_LONGEST_TRUTH)
        for name in FAULTS:
            add(f"sim:fault:{name}", String, "", self._fault_setter(name))
        add("sim:fault:clear", Long, 0, self._clear)
        truth: Any = self.channels.pvdb[prefix + "sim:truth"]
        # Made when it is asked for: it holds the moment, and nobody asks often.
        truth.read = self._read_truth

    async def publish(self) -> None:
        """Publish what has changed."""
        hardware = self._hardware
        # 39 characters: what a Channel Access string holds.
        faults = {f"sim:fault:{name}": hardware.faults.get(name, "")[:39] for name in FAULTS}
        await self.channels.show(
            {
                "shutter:Open": _SHUTTER[hardware.beam_state.commanded],
                "shutter:Status": _SHUTTER[hardware.beam_state.opened],
                "dose:Total_s": hardware.dose_s(),
                "beam:Current": BEAM_MA if hardware.beam else 0.0,
                "beam:Transmission": 1.0 if hardware.has_fault("bright_beam") else TRANSMISSION,
                "vacuum:Pressure": BAD_VACUUM_MBAR if hardware.has_fault("vacuum_loss") else VACUUM_MBAR,
                "sim:seed": float(hardware.sample.seed),
                **faults,
            }
        )

    async def beat(self) -> None:
        """Count the heartbeat one on."""
        # A hung server that still answers: the value stays, the connection too.
        if not self._hardware.has_fault("stopped_heartbeat"):
            self._beats += 1
            await self.channels.show({"heartbeat": self._beats})

    async def _read_truth(self, data_type: Any) -> Any:
        channel: Any = self.channels.pvdb[self.channels.prefix + "sim:truth"]
        text = json.dumps(await self._act(self._hardware.truth))
        await channel.write(text, verify_value=False)
        return await channel._read(data_type)

    async def _open(self, value: int) -> None:
        await self._act(lambda: self._hardware.command_shutter(bool(value)))

    async def _reset(self, value: float) -> None:
        await self._act(lambda: self._hardware.reset(_seed(value)))

    async def _fresh(self, value: float) -> None:
        await self._act(lambda: self._hardware.fresh(_seed(value)))

    async def _clear(self, value: int) -> None:
        await self._act(self._hardware.clear_faults)

    def _fault_setter(self, name: str) -> Any:
        async def put(value: Any) -> None:
            # Clients put texts as bytes or, by number, as floats.
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            await self._act(lambda: self._hardware.set_fault(name, text))

        return put


def _seed(value: float) -> int:
    # Seeds travel as doubles, which hold whole numbers up to 2^53 exactly.
    if not (math.isfinite(value) and value == math.floor(value) and 0 <= value < 2**53):
        raise ValueError(f"the seed is {value:g}; give a whole number from 0 to 2^53 - 1")
    return int(value)
