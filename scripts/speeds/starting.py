"""What it costs to begin: an import, many environments in memory, a mode of `beamgym deploy` from its command on."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from beamgym.scripts.speeds.work import SelfTimed

_WORDS = ("deploy", "laue-align-si", "--instrument", "laue_soft_ioc", "--yes", "--confirm", "never")
_NEEDED = ("bluesky", "ophyd_async", "aioca", "caproto")
_LOOK_S = 0.02
_IMPORT = "import time; begun = time.perf_counter(); import beamgym; print(time.perf_counter() - begun)"
_SAMPLES, _STEPS = 1024, 5


def import_s(seed: int) -> SelfTimed:
    """Seconds that `import beamgym` takes in a fresh process."""
    words = [sys.executable, "-c", _IMPORT]
    return SelfTimed(lambda: float(subprocess.run(words, capture_output=True, check=True).stdout))


def memory_1024_mb(seed: int) -> SelfTimed:
    """Memory of 1,024 LaueAlign environments that have been stepped, compiled kernels included, beyond imports."""
    return SelfTimed(lambda: _peak_mb(seed), again=False)


def _peak_mb(seed: int) -> float:
    """Return by how much the largest resident set of this process grows, MiB; of a first call in a fresh process."""
    import resource

    import beamgym.envs.laue_align  # noqa: F401 - what is imported is no part of it
    from beamgym.scripts.speeds.environments import make_vector, turns

    def resident() -> float:
        kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
        return kibibytes / 1024.0

    before = resident()
    env = make_vector("beamgym/LaueAlign-v0", _SAMPLES, seed, 1)
    for action in turns(_SAMPLES, seed)[:_STEPS]:
        env.step(action)
    return resident() - before


def deploy_check_s(seed: int) -> SelfTimed:
    """Seconds until `--check` shows what it has read."""
    return SelfTimed(lambda: _begun_s(seed, "--check"))


def deploy_dry_run_s(seed: int) -> SelfTimed:
    """Seconds until `--dry-run` shows the first command."""
    return SelfTimed(lambda: _begun_s(seed, "--dry-run"))


def deploy_signs_s(seed: int) -> SelfTimed:
    """Seconds until `--signs` sends its first command."""
    return SelfTimed(lambda: _begun_s(seed, "--signs"))


def deploy_run_s(seed: int) -> SelfTimed:
    """Seconds until a run, whose direction check is there, sends its first command."""
    return SelfTimed(lambda: _begun_s(seed))


def _begun_s(seed: int, *mode: str) -> float:
    """Return the seconds from a command to its first line on the screen or its first put, whichever comes first."""
    from beamgym.hardware_bridge.practice import IocProcess

    absent = [module for module in _NEEDED if find_spec(module) is None]
    if absent:
        raise ImportError(f"{' and '.join(absent)} not installed: pip install 'beamgym[hardware,epics,ioc]'")
    with tempfile.TemporaryDirectory() as folder, IocProcess("laue", seed=seed, speed=20.0) as ioc:
        if not mode:
            _finished(ioc, folder, "--signs")
        sent = len(ioc.puts())
        begun = time.monotonic()
        process = _started(ioc, folder, mode)
        said = _first_line(process.stdout)
        try:
            while not said.is_set() and len(ioc.puts()) == sent:
                if process.poll() is not None:
                    raise OSError(f"`beamgym {' '.join([*_WORDS, *mode])}` ended before it began anything")
                time.sleep(_LOOK_S)
            return time.monotonic() - begun
        finally:
            process.wait()


def _finished(ioc: Any, folder: str, *mode: str) -> None:
    process = _started(ioc, folder, mode)
    process.communicate()


def _started(ioc: Any, folder: str, mode: Sequence[str]) -> "subprocess.Popen[str]":
    # a client needs none of the server's variables, and libca complains of them
    client = {name: value for name, value in ioc.environment.items() if not name.startswith("EPICS_CAS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "beamgym.scripts.main", *_WORDS, "--out", str(Path(folder)), *mode],
        env={**os.environ, **client},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _first_line(stream: IO[str] | None) -> threading.Event:
    """Return what is set when a process has said something; the rest is read and dropped, so that it does not stop."""
    said = threading.Event()

    def read() -> None:
        for line in stream or ():
            if line.strip():
                said.set()

    threading.Thread(target=read, daemon=True).start()
    return said
