"""Runs `beamgym ioc` as a subprocess, for tests and demonstrations."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from beamgym.hardware_bridge.practice.simulated import read_records

if TYPE_CHECKING:
    from beamgym.hardware_bridge.practice.client import DirectClient

_LOOPBACK = "127.0.0.1"
_PORTS = (20000, 30000)  # below what systems hand out by themselves
_PATIENCE_S = 900.0  # where kernels are compiled on a busy machine; else it takes seconds


class HeldPort:
    """A port of the loopback address that nobody else gets, for a server of ours to listen on; ``close`` gives it back.

    A port that is only found free can be taken by another process before the server binds it, or while the server is
    restarted. This one stays bound. The socket does not listen and lets others reuse its address, so that a server
    which sets SO_REUSEADDR, as ours does, can bind the same port and listen; whoever looks for a free one cannot.

    Attributes
    ----------
    number : of the port, free for TCP and UDP when it was taken
    """

    def __init__(self) -> None:
        self.number, self._socket = _bound()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after bind, which would share a port else
        if sys.platform != "linux":
            self._socket.close()  # BSD and macOS let nobody bind beside it

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _bound() -> tuple[int, socket.socket]:
    # By process and time: two test processes must not try the same ports in the same order.
    for port in random.Random(f"{os.getpid()} {time.time_ns()}").sample(range(*_PORTS), 200):
        stream = socket.socket()
        try:
            stream.bind((_LOOPBACK, port))
            # Both kinds: Channel Access searches by UDP and talks by TCP on one number.
            with socket.socket(type=socket.SOCK_DGRAM) as packets:
                packets.bind((_LOOPBACK, port))
        except OSError:
            stream.close()
            continue
        return port, stream
    raise OSError(f"no free port on {_LOOPBACK} from {_PORTS[0]} to {_PORTS[1]}")


def loopback_environment(port: int, repeater_port: int) -> dict[str, str]:
    """Return the EPICS variables with which a client finds this port on loopback, and nothing else."""
    return {
        "EPICS_CA_ADDR_LIST": _LOOPBACK,
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(port),
        "EPICS_CA_REPEATER_PORT": str(repeater_port),
        # An image is larger than the 16 kB that old clients allow.
        "EPICS_CA_MAX_ARRAY_BYTES": "67108864",
        "EPICS_CA_CONN_TMO": "5.0",
        "EPICS_CA_MAX_SEARCH_PERIOD": "60",
        "EPICS_CAS_INTF_ADDR_LIST": _LOOPBACK,
        "EPICS_CAS_BEACON_ADDR_LIST": _LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    }


class IocProcess:
    """`beamgym ioc` as a subprocess; enters when it answers, and ends it on leaving.

    Parameters
    ----------
    kind : of instrument, such as "laue" or "arpes"
    port : one that is held for it by default
    repeater_port : one that is held for it by default
    prefix, seed, level, speed : as the command's options
    record, state : files; by default in a temporary folder of its own
    options : of the environment, such as {"goniometer": "psic"}
    imports : modules that register kinds of one's own

    Attributes
    ----------
    environment : the EPICS variables that a client needs; nothing is set here
    """

    def __init__(
        self,
        kind: str,
        port: int | None = None,
        *,
        repeater_port: int | None = None,
        prefix: str = "bgym:",
        seed: int = 0,
        level: str = "real",
        speed: float = 1.0,
        record: str | os.PathLike[str] | None = None,
        state: str | os.PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
        imports: Sequence[str] = (),
    ) -> None:
        self.kind, self.prefix = kind, prefix
        self._held = [HeldPort() for given in (port, repeater_port) if given is None]
        numbers = iter([held.number for held in self._held])
        self.port = next(numbers) if port is None else port
        # Its own folder, so that two instruments never share a state.
        self._folder = tempfile.TemporaryDirectory(prefix="beamgym-ioc-")
        self.record = Path(record or Path(self._folder.name) / "record.jsonl")
        self.state = Path(state or Path(self._folder.name) / "state.json")
        repeater = next(numbers) if repeater_port is None else repeater_port
        self.environment = loopback_environment(self.port, repeater)
        words: dict[str, Any] = {
            "prefix": prefix,
            "port": self.port,
            "repeater-port": repeater,
            "seed": seed,
            "level": level,
            "speed": speed,
            "record": self.record,
            "state": self.state,
        }
        # This very interpreter: another one on the path may lack the package.
        self._command = [sys.executable, "-m", "beamgym.scripts.main"]
        self._command += [f"--import={name}" for name in imports] + ["ioc", kind]
        self._command += [f"--{name}={value}" for name, value in words.items()]
        self._command += [f"--option={name}={json.dumps(value)}" for name, value in (options or {}).items()]
        self._process: subprocess.Popen[str] | None = None
        self._consoles: dict[int, DirectClient] = {}  # by thread

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it, remove its temporary folder, and give its ports back."""
        self.stop()
        self._folder.cleanup()
        for held in self._held:
            held.close()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it answers; raises ChildProcessError with its words where it does not."""
        # To a file and not to a pipe, which would fill up and stop it.
        with open(self._folder.name + "/words.txt", "w", encoding="utf-8") as words:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                text=True,
            )
        give_up = time.monotonic() + _PATIENCE_S
        # Asked by connecting: its port is the first thing that cannot be there before it is ready.
        while not self._answers():
            if not self.running or time.monotonic() > give_up:
                said = self.words().strip() or f"no answer within {_PATIENCE_S:g} s; try again: it compiles only once"
                self.kill()
                raise ChildProcessError(f"`beamgym ioc` did not start: {said}")
            time.sleep(0.02)

    def stop(self) -> int:
        """End it as Ctrl-C would; returns its exit code."""
        return self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same port; the emulated hardware has lived on meanwhile."""
        if self.running:
            self.kill()
        self.start()

    def fresh(self, seed: int = 0) -> None:
        """Make it as new: a seed's sample, motors at home with their first settings, shutter closed, no faults.

        It is started where it does not run. ``records`` begins anew.
        """
        if not self.running:
            # Without it the new process would go on from the old state.
            self.state.unlink(missing_ok=True)
            self.start()
        self.put("sim:fresh", float(seed))

    def put(self, name: str, value: float | str) -> None:
        """Put a PV, named without the prefix, past the control system under test; returns at its completion."""
        self._client().put(self.prefix + name, value)

    def get(self, name: str) -> Any:
        """Return the value of a PV, named without the prefix; asked again over a new connection where none comes."""
        try:
            return self._client().get(self.prefix + name)
        except TimeoutError:
            self._consoles.pop(threading.get_ident()).close()
            return self._client().get(self.prefix + name)

    def truth(self) -> dict[str, Any]:
        """Return what is really so; see ``sim:truth`` in docs/practice_instrument.md."""
        truth: dict[str, Any] = json.loads(self.get("sim:truth"))
        return truth

    def records(self) -> list[dict[str, Any]]:
        """Return everything that it has received and that has happened since it was new."""
        found = read_records(self.record) if self.record.exists() else []
        fresh = [number for number, record in enumerate(found) if record["kind"] == "fresh"]
        return found[fresh[-1] :] if fresh else found

    def puts(self) -> list[dict[str, Any]]:
        """Return the records of what clients have put, the simulation's own PVs and this console left out."""
        return [
            record
            for record in self.records()
            if record["kind"] == "put" and not record["client"].startswith("console@") and ":sim:" not in record["pv"]
        ]

    def words(self) -> str:
        """Return what it has printed since it was last started."""
        return Path(self._folder.name, "words.txt").read_text(encoding="utf-8", errors="replace")

    def _end(self, number: signal.Signals) -> int:
        # Forgotten first: whatever happens below, it is not ended twice.
        process, self._process = self._process, None
        self._hang_up()
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            # Its end writes the state and closes sockets; one that hangs in it is killed.
            return process.wait(timeout=10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _hang_up(self) -> None:
        for console in self._consoles.values():
            console.close()
        self._consoles.clear()

    def _client(self) -> "DirectClient":
        """Return the connection of the thread that asks: two at one connection would take each other's answers."""
        here = threading.get_ident()
        if here not in self._consoles:
            # Here, so that free ports and the like can be had without caproto.
            from beamgym.hardware_bridge.practice.client import DirectClient

            self._consoles[here] = DirectClient(self.port)
        return self._consoles[here]

    def _answers(self) -> bool:
        try:
            with socket.create_connection((_LOOPBACK, self.port), timeout=1.0):
                return True
        except OSError:
            return False
