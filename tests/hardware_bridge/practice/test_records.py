"""The records of the practice instrument over a real socket, in this process: fields, completion, refusals."""

import asyncio
import socket
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")

from beamgym.hardware_bridge.practice.client import DirectClient
from beamgym.hardware_bridge.practice.process import HeldPort
from beamgym.hardware_bridge.practice.simulated.faults import FAULTS
from beamgym.hardware_bridge.practice.simulated.hardware import EmulatedHardware
from beamgym.hardware_bridge.practice.simulated.state import StateFile
from beamgym.hardware_bridge.practice.simulated.truth import TruthRecord, read_records
from beamgym.hardware_bridge.practice.soft_ioc import IocOptions, SoftIoc

PATIENCE_S = 60.0

MOTOR_FIELDS = (
    "VAL", "RBV", "DMOV", "MOVN", "STOP", "LLM", "HLM", "DLLM", "DHLM", "DVAL", "DRBV", "VELO", "BDST", "EGU",
    "PREC", "LLS", "HLS", "LVIO", "STAT", "SEVR", "SPMG", "HOMF", "HOMR", "MSTA", "RDBD", "DIR", "OFF", "VMAX",
    "ACCL", "MRES", "ERES", "SREV", "UREV", "FOFF", "SET", "OUT", "TDIR", "DESC", "RLV", "DIFF",
)  # fmt: skip
CAMERA = (
    "Acquire", "AcquireTime", "AcquireTime_RBV", "AcquireBusy", "ImageMode", "DetectorState_RBV",
    "ArrayCounter_RBV",
)  # fmt: skip
ARRAY = (
    "ArrayData", "ArrayCounter_RBV", "UniqueId_RBV", "TimeStamp_RBV", "ArraySize0_RBV", "ArraySize1_RBV",
    "DataType_RBV",
)  # fmt: skip
OTHERS = (
    "shutter:Open", "shutter:Status", "dose:Total_s", "heartbeat", "beam:Current", "vacuum:Pressure", "identity",
    "sim:reset", "sim:fresh", "sim:seed", "sim:truth", "sim:fault:clear",
)  # fmt: skip


class Served:
    """A served instrument: its client, its hardware and what it has recorded."""

    def __init__(self, ioc, record, port):
        self.ioc, self.hardware, self.port = ioc, ioc.hardware, port
        self._record = record
        self._client = DirectClient(port, PATIENCE_S)
        self.others, self.threads = [self._client], list[threading.Thread]()

    def put(self, name, value):
        self._client.put(f"bgym:{name}", value)

    def get(self, name):
        return self._client.get(f"bgym:{name}")

    def put_meanwhile(self, name, value):
        """Put from a second client; returns a thread that ends at the put's completion."""
        client = DirectClient(self.port)
        self.others.append(client)
        thread = threading.Thread(target=client.put, args=(f"bgym:{name}", value))
        thread.start()
        self.threads.append(thread)
        return thread

    def becomes(self, name, value):
        give_up = time.monotonic() + PATIENCE_S
        while self.get(name) != value:
            assert time.monotonic() < give_up, f"{name} is {self.get(name)!r}, not {value!r}"
            time.sleep(0.01)
        return True

    def records(self, kind):
        return [record for record in read_records(self._record) if record["kind"] == kind]


@pytest.fixture(scope="module")
def _loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def served(_loop, paper_sample, tmp_path):
    held = HeldPort()
    record, port = tmp_path / "record.jsonl", held.number
    hardware = EmulatedHardware(paper_sample, TruthRecord(record), StateFile(None), speed=100.0)

    async def start():
        ioc = SoftIoc(IocOptions("laue", port=port), hardware)
        return ioc, asyncio.ensure_future(ioc.run())

    ioc, task = asyncio.run_coroutine_threadsafe(start(), _loop).result(PATIENCE_S)
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            break
        except OSError:
            assert time.monotonic() < give_up
            time.sleep(0.01)
    instrument = Served(ioc, record, port)
    yield instrument
    for thread in instrument.threads:
        thread.join(PATIENCE_S)
    for client in instrument.others:
        client.close()
    _loop.call_soon_threadsafe(task.cancel)
    done = asyncio.run_coroutine_threadsafe(asyncio.wait([task]), _loop)
    done.result(PATIENCE_S)
    hardware.record.close()
    held.close()


def test_every_documented_pv_is_there(served):
    motors = [f"{axis}.{field}" for axis in ("phi", "x") for field in MOTOR_FIELDS]
    camera = [f"cam1:{name}" for name in CAMERA] + [f"image1:{name}" for name in ARRAY]
    faults = [f"sim:fault:{name}" for name in FAULTS]
    names = {f"bgym:{name}" for name in (*motors, *camera, *OTHERS, *faults, "phi", "x")}
    assert names <= set(served.ioc.channels)
    assert served.get("phi") == served.get("phi.VAL")
    assert served.get("x.EGU") == "mm"


def test_small_answers_are_not_held_back(served):
    served.get("identity")
    (circuit, *_) = served.ioc.server.circuits
    assert circuit.client.writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_put_completes_when_the_motor_has_arrived(served):
    served.put("phi", 30.0)
    assert (served.get("phi.RBV"), served.get("phi.DMOV"), served.get("phi.MOVN")) == (30.0, 1, 0)
    assert [record["kind"] for record in read_records(served._record)][-3:] == ["put", "moving", "arrived"]


def test_a_put_does_not_complete_before_and_ends_with_a_stop(served):
    served.put("sim:fault:stall", "phi")
    move = served.put_meanwhile("phi", 30.0)
    assert served.becomes("phi.DMOV", 0)
    move.join(0.3)
    assert move.is_alive()
    assert not served.records("arrived")
    served.put("phi.STOP", 1)
    move.join(PATIENCE_S)
    assert not move.is_alive()
    assert (served.get("phi.DMOV"), served.get("phi.RBV"), served.get("phi.VAL")) == (1, 0.0, 0.0)


def test_targets_outside_the_soft_limits_are_refused_with_lvio(served):
    served.put("phi.HLM", 20.0)
    served.put("phi", 30.0)
    assert (served.get("phi.LVIO"), served.get("phi.VAL"), served.get("phi.RBV")) == (1, 0.0, 0.0)
    assert not served.records("moving")
    served.put("phi", 10.0)
    assert (served.get("phi.LVIO"), served.get("phi.RBV")) == (0, 10.0)


def test_user_and_dial_differ_by_offset_and_direction(served):
    served.put("phi.OFF", 5.0)
    served.put("phi.DIR", 1)
    served.put("phi.DLLM", -100.0)
    served.put("phi", -5.0)
    assert (served.get("phi.DRBV"), served.get("phi.RBV")) == (10.0, -5.0)
    assert served.get("phi.HLM") == 105.0
    served.put("phi.LLM", -20.0)
    assert served.get("phi.DHLM") == 25.0
    assert served.hardware.motors["phi"].position == 10.0


def test_a_speed_of_the_user_is_kept_to(served):
    served.put("phi.VELO", 4.0)
    served.put("phi", 40.0)
    (moving,), (arrived,) = served.records("moving"), served.records("arrived")
    assert arrived["time_s"] - moving["time_s"] == pytest.approx(40.0 / 4.0 / 100.0, abs=1e-6)


def test_pause_holds_a_motor_and_go_lets_it_finish(served):
    served.put("sim:fault:stall", "phi")
    served.put_meanwhile("phi", 30.0)
    served.becomes("phi.DMOV", 0)
    served.put("phi.SPMG", "Pause")
    assert served.get("phi.DMOV") == 1
    served.put("phi", 10.0)
    assert served.records("refused")[0]["why"] == "SPMG"
    served.put("sim:fault:clear", 1)
    served.put("phi.SPMG", "Go")
    assert served.becomes("phi.RBV", 30.0)


def test_homing_sets_the_homed_bit_of_msta(served):
    served.put("sim:fault:unhomed", "phi")
    assert not served.get("phi.MSTA") & 0x4000
    served.put("phi.HOMF", 1)
    assert served.get("phi.MSTA") & 0x4000


def test_limit_switch_and_alarm_show_in_the_record(served):
    served.put("sim:fault:limit_switch", "phi")
    served.put("phi", -30.0)
    assert (served.get("phi.LLS"), served.get("phi.HLS"), served.get("phi.RBV")) == (1, 0, -15.0)
    assert served.get("phi.MSTA") & 0x2000
    served.put("sim:fault:alarm", "phi")
    assert served.get("phi.SEVR") == 2
    assert served.get("x.SEVR") == 0


def test_a_put_of_nan_or_to_a_field_that_is_read_only_fails_and_nothing_moves(served):
    served.put("phi", float("nan"))
    for name, value in (("phi.RBV", 1.0), ("phi.VELO", -1.0), ("sim:fault:stall", "psi"), ("sim:reset", 0.5)):
        with pytest.raises(ValueError, match=name):
            served.put(name, value)
    assert not served.records("moving")
    assert served.get("phi") == 0.0


def test_an_exposure_completes_with_its_frame(served):
    served.put("shutter:Open", "Open")
    served.put("cam1:AcquireTime", 5.0)
    served.put("cam1:Acquire", 1)
    image = served.get("image1:ArrayData").reshape(served.get("image1:ArraySize1_RBV"), -1)
    assert np.array_equal(image, served.hardware.frame.image)
    assert served.get("image1:ArrayCounter_RBV") == served.get("cam1:ArrayCounter_RBV") == 1
    assert served.get("cam1:AcquireBusy") == served.get("cam1:Acquire") == 0
    assert served.get("image1:TimeStamp_RBV") + 631152000 == pytest.approx(served.records("frame")[0]["time_s"])
    assert served.get("dose:Total_s") > 5.0


def test_a_hung_camera_is_busy_until_it_is_told_to_stop(served):
    served.put("sim:fault:hung_camera", "1")
    exposure = served.put_meanwhile("cam1:Acquire", 1)
    served.becomes("cam1:AcquireBusy", 1)
    exposure.join(0.3)
    assert exposure.is_alive()
    served.put("cam1:Acquire", 0)
    exposure.join(PATIENCE_S)
    assert not exposure.is_alive()
    assert served.get("cam1:ArrayCounter_RBV") == 0


def test_the_exposure_time_stays_within_what_the_camera_can(served):
    served.put("cam1:AcquireTime", 1000.0)
    assert served.get("cam1:AcquireTime_RBV") == 100.0


def test_beam_vacuum_and_shutter_show_their_faults(served):
    assert (served.get("beam:Current"), served.get("identity")) == (200.0, "beamgym-simulation")
    for fault in ("beam_loss", "vacuum_loss", "stuck_shutter"):
        served.put(f"sim:fault:{fault}", "1")
    served.put("shutter:Open", 1)
    assert (served.get("beam:Current"), served.get("shutter:Status"), served.get("shutter:Open")) == (0.0, 0, 1)
    assert served.get("vacuum:Pressure") == 1e-5


def test_the_heart_beats_until_it_is_stopped(served):
    first = served.get("heartbeat")
    give_up = time.monotonic() + PATIENCE_S
    while served.get("heartbeat") == first:
        assert time.monotonic() < give_up
    served.put("sim:fault:stopped_heartbeat", "1")
    last = served.get("heartbeat")
    time.sleep(0.35)
    assert served.get("heartbeat") == last


def test_every_put_is_on_record_with_its_client(served):
    served.put("phi", 1.0)
    served.put("cam1:ImageMode", "Single")
    puts = [(record["pv"], record["value"]) for record in served.records("put")]
    assert puts == [("bgym:phi.VAL", 1.0), ("bgym:cam1:ImageMode", 0)]
    assert all(record["client"].startswith("console@127.0.0.1:") for record in served.records("put"))


def test_a_port_that_is_taken_is_told_in_one_line(served):
    with pytest.raises(ValueError, match=f"port {served.port} on 127.0.0.1 cannot be used"):
        asyncio.run(SoftIoc(IocOptions("laue", port=served.port), served.hardware).run())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"port": 0}, "port is 0; choose 1 to 65535"), ({"prefix": "a b"}, "prefix is 'a b'")],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        IocOptions("laue", **options)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is only found free")
def test_a_held_port_is_for_our_server_alone():
    held, another = HeldPort(), HeldPort()
    assert held.number != another.number
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", held.number))
    for _ in range(2):  # it comes and goes, and the port stays ours
        with socket.socket() as server, socket.socket() as stranger:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", held.number))
            server.listen()
            socket.create_connection(("127.0.0.1", held.number), timeout=5.0).close()
            server.accept()[0].close()
            with pytest.raises(OSError, match="in use"):
                stranger.bind(("127.0.0.1", held.number))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", held.number), timeout=5.0)
    for each in (held, another):
        each.close()
