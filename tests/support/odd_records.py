"""Records as odd as asked, served over Channel Access by caproto: motors and cameras as other people's IOCs have them.

``motor`` and ``camera`` return the PVs of one; ``OddServer`` serves any number of them in a process of its own, and
says what was written to it.
"""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GO = ["Stop", "Pause", "Move", "Go"]
SEVERITIES = ["NO_ALARM", "MINOR", "MAJOR", "INVALID"]
TYPES = ["Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Float32", "Float64"]
COLORS = ["Mono", "Bayer", "RGB1", "RGB2", "RGB3"]
MODES = ["Single", "Multiple", "Continuous"]


def motor(name, absent=(), **fields):
    """PVs of a motor record: numbers are double or long, a pair (word, words) an enumeration."""
    record = {
        **{"VAL": 0.0, "RBV": 0.0, "DMOV": 1, "STOP": 0, "LLM": -10.0, "HLM": 10.0, "DLLM": -10.0, "DHLM": 10.0},
        **{"DIR": ("Pos", ["Pos", "Neg"]), "OFF": 0.0, "VELO": 1.0, "VMAX": 0.0, "BDST": 0.0, "BVEL": 1.0},
        **{"MRES": 0.001, "RDBD": 0.001, "EGU": "deg", "MSTA": 0x4002, "SPMG": ("Go", GO), "HLS": 0, "LLS": 0},
        **{"LVIO": 0, "SEVR": ("NO_ALARM", SEVERITIES), "STAT": ("NO_ALARM", ["NO_ALARM", "COMM"])},
        **{"DESC": "an axis", "RTYP": "motor", "NAME": name, "OUT": "@asyn(MC,0)", "FLNK": "", "PREC": 4},
        **{"DVAL": 0.0, "DRBV": 0.0, "SET": 0, "FOFF": 0},
        **fields,
    }
    return {f"{name}.{field}": value for field, value in record.items() if field not in absent}


def camera(prefix, shape=(8, 6), absent=(), **fields):
    """PVs of an areaDetector camera and its array plugin; ``fields`` are named cam_… and image_…, without _RBV."""
    rows, columns = shape
    records = {
        **{"cam1:MaxSizeX_RBV": columns, "cam1:MaxSizeY_RBV": rows},
        **{"cam1:ArraySizeX_RBV": columns, "cam1:ArraySizeY_RBV": rows, "cam1:ArrayCounter_RBV": 7},
        **{"cam1:DataType_RBV": ("UInt16", TYPES), "cam1:ColorMode_RBV": ("Mono", COLORS)},
        **{"cam1:AcquireTime": 0.2, "cam1:AcquireTime_RBV": 0.2, "cam1:Acquire": 0, "cam1:AcquireBusy": 0},
        **{"cam1:ImageMode": ("Single", MODES), "cam1:DetectorState_RBV": ("Idle", ["Idle", "Acquire", "Error"])},
        **{"cam1:Manufacturer_RBV": "Acme", "cam1:Model_RBV": "Pixel 3", "cam1:NumImages": 1},
        **{"image1:ArraySize0_RBV": columns, "image1:ArraySize1_RBV": rows, "image1:ArraySize2_RBV": 0},
        **{"image1:NDimensions_RBV": 2, "image1:DataType_RBV": ("UInt16", TYPES)},
        **{"image1:ColorMode_RBV": ("Mono", COLORS), "image1:UniqueId_RBV": 7, "image1:ArrayCounter_RBV": 7},
        **{"image1:TimeStamp_RBV": time.time() - 631152000.0, "image1:ArrayData": list(range(rows * columns))},
        **fields,
    }
    return {prefix + name: value for name, value in records.items() if name not in absent}


def shutter(name, absent=(), **fields):
    """PVs of a shutter: a bo record told by ``Open``, and its ``Status``."""
    words = ["Closed", "Open"]
    record = {"NAME": f"{name}Open", "RTYP": "bo", "DESC": "fast shutter", "OUT": "@asyn(DIO,3)", "FLNK": "", **fields}
    told = {f"{name}Open": ("Closed", words), f"{name}Status": ("Closed", words)}
    return told | {f"{name}Open.{field}": value for field, value in record.items() if field not in absent}


def instrument(axes=("odd:phi", "odd:chi"), **changes):
    """An instrument file's content that fits ``motor``, ``camera("odd:")`` and ``shutter("odd:shutter:")``."""
    names = [address.rpartition(":")[2].lower() for address in axes]
    vectors = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    devices = {name: {"adapter": "epics", "address": address} for name, address in zip(names, axes, strict=True)}
    devices["camera"] = {"adapter": "epics", "address": "odd:"}
    devices["shutter"] = {"adapter": "epics", "address": "odd:shutter:"}
    axis = {"unit": "deg", "limits": [-5, 5], "step": 0.001, "speed": 1.0, "tolerance": 0.01, "max_step": 5}
    return {
        "name": "odd",
        "kind": "laue",
        "devices": devices,
        "axes": [{"name": name, "device": name, "vector": vectors[i], **axis} for i, name in enumerate(names)],
        "detector": {
            **{"device": "camera", "shape": [8, 6], "origin_mm": [-50, 0, 0], "fast": [0, 1, 0], "slow": [0, 0, -1]},
            **{"pixel_mm": 10, "exposure_s": [0.1, 10], "saturation": 65535},
        },
        "shutter": {"device": "shutter"},
        "dose": {"budget_s": 100},
        "laue": {"crystal": "Si", "target": "axis [001] x", "exposure_s": 1.0},
        **changes,
    }


class OddServer:
    """Serves PVs on a loopback port until it is closed.

    Parameters
    ----------
    pvs : values by name; a number, a text, (word, words) for an enumeration, a list for a waveform
    port, repeater_port : of the loopback address
    """

    def __init__(self, pvs, port, repeater_port):
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self._written = folder / "written"
        (folder / "pvs.json").write_text(json.dumps(pvs))
        words = [sys.executable, __file__, str(folder), str(port), str(repeater_port)]
        self._process = subprocess.Popen(words)
        give_up = time.monotonic() + 240.0
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
                return
            assert self._process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)

    def written(self):
        """What clients wrote: [PV, value] each."""
        return [json.loads(line) for line in self._written.read_text().splitlines()] if self._written.exists() else []

    def close(self):
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def channels(pvs, written):
    """caproto's channels for PVs; every put is noted in the file ``written``."""
    import numpy as np
    from caproto import ChannelDouble, ChannelEnum, ChannelInteger, ChannelString

    def noting(kind, name, **more):
        class Noting(kind):
            async def auth_write(self, *args, **named):
                found = await super().auth_write(*args, **named)
                with written.open("a") as file:
                    file.write(json.dumps([name, np.ravel(self.value)[0].item()]) + "\n")
                return found

        return Noting(**more)

    made = {}
    for name, value in pvs.items():
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], list):
            made[name] = noting(ChannelEnum, name, value=value[0], enum_strings=value[1])
        elif isinstance(value, str):
            made[name] = ChannelString(value=value)
        elif isinstance(value, list):
            made[name] = ChannelInteger(value=value, max_length=len(value))
        else:
            made[name] = noting(ChannelDouble if isinstance(value, float) else ChannelInteger, name, value=value)
    return made


def main(folder, port, repeater_port):
    import asyncio

    from beamgym.hardware_bridge.practice.server import LoopbackServer

    pvs = json.loads((folder / "pvs.json").read_text())

    async def serve():
        await LoopbackServer(channels(pvs, folder / "written"), "127.0.0.1", port, repeater_port).run()

    asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
