"""The machine that `beamgym speed` runs on: its name, and what one core of it can do at best."""

import platform
from pathlib import Path

import numpy as np

from beamgym.envs.loop import cores
from beamgym.scripts.speeds.machine_kernels import CHAIN, multiply_add, triad
from beamgym.scripts.speeds.work import Work

SMALL, ROUNDS = 4096, 2000
"""float32 numbers that fit into the first cache, and passes over them."""

LARGE = 2**24
"""float32 numbers of each array of the triad, 64 MiB: more than a core's caches hold."""


def machine_name() -> str:
    """Return processor, cores, system and the versions that matter for speed, in one line."""
    import numba

    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{_processor()}, {cores()} cores, {system}, numpy {np.__version__}, numba {numba.__version__}"


def core_gflops(seed: int) -> Work:
    """Multiply-adds of one core in single precision, two operations each, as fast as a kernel of numba has them."""
    x = np.random.default_rng(seed).random(SMALL, dtype=np.float32)
    a, b = np.float32(0.5), np.float32(0.25)
    return Work(lambda: multiply_add(x, a, b, ROUNDS), 2e-9 * CHAIN * SMALL * ROUNDS)


def core_gbytes(seed: int) -> Work:
    """Bytes that one core reads and writes in large arrays: z = x + a y, twelve bytes an element."""
    x, y = np.random.default_rng(seed).random((2, LARGE), dtype=np.float32)
    z = np.zeros_like(x)
    return Work(lambda: triad(x, y, z, np.float32(3.0)), 12e-9 * LARGE)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "a processor without a name"
