"""The campaign's server: a stranger's soft IOC over the hall, and what goes wrong in it, at its moments."""

import asyncio
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caproto.asyncio.server import Context

from beamgym.hardware_bridge.instrument_file.load import parse_instrument
from campaign.bench import PREFIX, Bench
from campaign.camera import CAM, Camera
from campaign.channels import Channels
from campaign.faults import FAULTS
from campaign.hall import Hall, Story, read_story
from campaign.motor import TICK_S, Motor
from campaign.sample import Crystal, Surface

BEAM_MA, PRESSURE_MBAR = 250.0, 3e-10


@dataclass(frozen=True)
class Plan:
    """What a server is to be.

    Parameters
    ----------
    bench : the instrument
    seed : of crystal and noise
    faults : what goes wrong, each with "what", its numbers, and its moment: "at" is "start", or {"move": n} or
        {"exposure": n} or {"arrival": n} with "after_s"; "for_s" ends it
    settings : records' fields that a facility had set otherwise, by axis and field
    """

    bench: Bench
    seed: int
    faults: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


def sample_of(plan: Plan) -> Any:
    """Return what is mounted."""
    file = parse_instrument(plan.bench.content)
    return Crystal(file, plan.seed) if plan.bench.kind == "laue" else Surface(file, plan.seed)


class Ioc:
    """Records over one hall.

    Parameters
    ----------
    plan : what it is to be
    story : the truth, read first where an earlier server has begun it
    sample : what is mounted
    """

    def __init__(self, plan: Plan, story: Story, sample: Any) -> None:
        self.plan, self.story = plan, story
        earlier = read_story(story.path)
        self.hall = Hall(story, {name: shaft.start for name, shaft in plan.bench.shafts.items()})
        self.hall.restore(earlier)
        self.channels = Channels(PREFIX, story, self.happened)
        shafts = plan.bench.shafts.items()
        self.motors = {name: Motor(self.hall, name, shaft, self.channels, plan.seed) for name, shaft in shafts}
        # a driver counts anew when its server does; ids that go on are the plugin's own affair
        self.camera = Camera(self.hall, plan.bench, sample, self.channels, 1 if earlier else 100 + plan.seed)
        self.beating, self.current, self.pressure = True, BEAM_MA, PRESSURE_MBAR
        self.latency_s = 0.0
        self.counts: dict[str, int] = {}
        self.shutter: dict[str, dict[str, Any]] = {}
        self._travel_s = 0.06
        self._beats = 0
        self._again = bool(earlier)
        self._tasks: set[Any] = set()
        self._serve()

    async def run(self, port_holder: Any = None) -> None:
        """Serve until the process ends."""
        context = Context(self.channels.pvdb, ["127.0.0.1"])
        self.story.add("server", again=self._again)
        for name, settings in self.plan.settings.items():
            for axis in self.motors if name == "*" else [name]:
                for key, value in settings.items():
                    await self.set_field(axis, key, value)
        if not self._again:
            for fault in self.plan.faults:
                if fault.get("at", "start") == "start":
                    self._later(fault)
        parts = (context.run(), self._tick(), self._beat(), self.camera.run())
        await asyncio.gather(*parts)

    async def set_field(self, name: str, key: str, value: Any) -> None:
        """Set a record's field as an operator's screen would; limits, DIR and OFF move what depends on them."""
        motor = self.motors[name]
        if key == "BDST":
            # scenarios say it in the words of the instrument file, the record has it in the dial's
            value = motor.sign * value
        channel = self.channels._by[(name, key)]
        made = await channel.on_put(value) if channel.on_put is not None and key != "VAL" else value
        await self.channels.show(name, key, made)
        if key == "BDST":
            motor.bdst = float(value)

    async def happened(self, what: str, whom: str) -> None:
        """Count something that has happened, and let go wrong what was to go wrong then."""
        for key in (what, f"{what} of {whom}"):
            self.counts[key] = self.counts.get(key, 0) + 1
        if self._again:
            return
        for fault in self.plan.faults:
            at, axis = fault.get("at", "start"), fault.get("axis", "*")
            # faults of an axis count its own moves; exposures are everybody's
            key = what if axis == "*" or not whom else f"{what} of {axis}"
            whose = key == what or axis == whom
            if whose and isinstance(at, dict) and at.get(what) == self.counts.get(key, 0):
                if fault.get("after_s", 0.0) or fault.get("after"):
                    self._later(fault)
                else:
                    await self.apply(fault)

    def _later(self, fault: dict[str, Any]) -> None:
        async def wait() -> None:
            await asyncio.sleep(fault.get("after_s", 0.0))
            await self.apply(fault)

        self._keep(wait())

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def apply(self, fault: dict[str, Any]) -> None:
        """Let one thing go wrong now; after ``for_s`` seconds it is well again."""
        self.story.add("fault", what=fault["what"], numbers={k: v for k, v in fault.items() if k != "what"})
        undo = await FAULTS[fault["what"]](self, fault)
        if undo is not None and "for_s" in fault:

            async def end() -> None:
                await asyncio.sleep(fault["for_s"])
                self.story.add("fault_ends", what=fault["what"])
                await undo()

            self._keep(end())

    async def _tick(self) -> None:
        while True:
            for motor in self.motors.values():
                await motor.tick()
            await asyncio.sleep(TICK_S)
            if self.latency_s:
                time.sleep(self.latency_s)  # the whole server is slow, not this task alone

    async def _beat(self) -> None:
        while True:
            if self.beating:
                self._beats += 1
                await self.channels.tell("ioc:Heartbeat", self._beats)
            await self.channels.show("ring:Current", "", self.current)
            await self.channels.show("vac:Pressure", "", self.pressure)
            self.camera.lit = self.current > 1.0
            await asyncio.sleep(0.1)

    async def put_shutter(self, value: Any) -> Any:
        """Open or close; complete at once, the status follows when the blade has travelled."""
        wanted = bool(value if isinstance(value, int | float) else value == "Open")
        self.story.add("shutter_told", open=wanted)
        await self.channels.happened("shutter", "")
        broken = self.shutter
        if "stuck" in broken or ("stuck_open" in broken and not wanted) or ("stuck_closed" in broken and wanted):
            return int(wanted)
        self._keep(self._move_blade(wanted))
        return int(wanted)

    async def _move_blade(self, wanted: bool) -> None:
        travel_s = self.shutter.get("slow", {}).get("seconds", self._travel_s)
        if wanted:
            self.hall.blade(True)  # light passes from the first moment on
        await self.channels.show("psh:Status", "", "Moving")
        await asyncio.sleep(travel_s)
        bounces = self.shutter.get("bounces", {})
        for _ in range(int(bounces.get("times", 0))):
            await self.channels.show("psh:Status", "", "Open" if wanted else "Closed")
            await asyncio.sleep(bounces["seconds"])
            await self.channels.show("psh:Status", "", "Moving")
            await asyncio.sleep(bounces["seconds"])
        if not wanted:
            self.hall.blade(False)
        says = self.shutter.get("says", {}).get("word", "Open" if wanted else "Closed")
        await self.channels.show("psh:Status", "", says)

    def _serve(self) -> None:
        plain = self.channels.plain
        plain("psh:Open", int(self.hall.open), self.put_shutter)
        plain("psh:Status", "Open" if self.hall.open else "Closed", words=("Closed", "Open", "Moving", "Fault"))
        plain("ioc:Heartbeat", 0)
        plain("ring:Current", BEAM_MA)
        plain("vac:Pressure", PRESSURE_MBAR)


def serve(plan: Plan, story: Path, sample: Any, port: int) -> None:
    """Serve in this process until it is killed; the port is that of searches."""
    logging.getLogger("caproto").setLevel(logging.ERROR)
    logging.getLogger("caproto.ctx").setLevel(logging.CRITICAL + 1)  # beacons that nobody listens to
    os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"] = str(port)
    os.environ.update(EPICS_CAS_AUTO_BEACON_ADDR_LIST="NO", EPICS_CAS_BEACON_ADDR_LIST="127.0.0.1")

    async def run() -> None:
        await Ioc(plan, Story(story), sample).run()

    asyncio.run(run())


__all__ = ["CAM", "Ioc", "Plan", "sample_of", "serve"]
