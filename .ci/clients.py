"""Builds an environment for each library of docs/libraries.md beside the project's own, and runs its program there.

python .ci/clients.py [NAME …]

CleanRL's file is fetched; where there is no network, BEAMGYM_CLEANRL names a copy of it.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".venv-clients"

CLIENTS = {
    "sb3": [],
    "contrib": [],
    "rl_zoo3": ["rl_zoo3==2.9.2"],
    "cleanrl": ["tyro==1.0.17"],
    "rllib": ["ray[rllib]==2.60.0"],
    "torchrl": ["torchrl==0.14.1"],
    "tianshou": ["tianshou[eval]==2.0.1"],
    "minari": ["minari[create,hdf5]==0.5.4"],
}
"""What each environment holds besides the project's own packages."""

CLEANRL = "https://raw.githubusercontent.com/vwxyzjn/cleanrl/fe8d8a03c41a7ef5b523e2e354bd01c363e786bb/cleanrl/"
CLEANRL_FILE = "ppo_continuous_action.py"
CLEANRL_SHA256 = "326dd8678bf9cc51abec833eb551ef2409a3804d604b689e1f0a084eca41f655"


def main(names: list[str]) -> int:
    """Build and run the named clients, or all; return how many failed."""
    unknown = [name for name in names if name not in CLIENTS]
    if unknown:
        print(f"unknown client {unknown[0]!r}; there are {', '.join(CLIENTS)}", file=sys.stderr)
        return 2
    failed = [name for name in names or CLIENTS if not ran(name)]
    print(f"failed: {', '.join(failed)}" if failed else "every client ran its program")
    return len(failed)


def ran(name: str) -> bool:
    """Return whether a client's program ran to its end."""
    print(f"== {name}", flush=True)
    try:
        python = built(name)
        more = {"BEAMGYM_CLEANRL": str(fetched())} if name == "cleanrl" else {}
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    words = [str(python), "-m", "pytest", "-q", "-rs", "-m", "", "-k", name, "tests/test_libraries.py"]
    return subprocess.run(words, cwd=ROOT, env={**os.environ, **more}, check=False).returncode == 0


def built(name: str) -> Path:
    """Return the Python of a client's environment, which sees the project's packages behind its own."""
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        (own,) = folder.glob("lib/python*/site-packages")
        (own / "project.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    if CLIENTS[name]:
        subprocess.run([str(python), "-m", "pip", "install", "-q", *CLIENTS[name]], check=True)
    return python


def fetched() -> Path:
    """Return CleanRL's file, fetched once unless BEAMGYM_CLEANRL names it; raises ValueError for another one."""
    path = Path(os.environ.get("BEAMGYM_CLEANRL") or FOLDER / CLEANRL_FILE).resolve()
    if path.exists():
        content = path.read_bytes()
    else:
        with urlopen(CLEANRL + CLEANRL_FILE) as answer:
            content = answer.read()
    if hashlib.sha256(content).hexdigest() != CLEANRL_SHA256:
        raise ValueError(f"{CLEANRL_FILE} is not the one that was tried, {CLEANRL}{CLEANRL_FILE}")
    if not path.exists():
        path.write_bytes(content)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
