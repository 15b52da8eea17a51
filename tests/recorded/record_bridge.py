"""Makes the records of the bridge and the bundle under ``data``, by running the code as it is.

    python tests/recorded/record_bridge.py

A new record is made only for something new: those that are there were written by the code of their day, and that they
are still read, verified and replayed is what they are for. Runs in a temporary folder with relative paths; nothing of
this machine goes into a record.
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import onnx
import torch
from caproto.sync.client import write
from names import names
from stable_baselines3 import PPO

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.export import Origin, export_bundle
from beamgym.hardware_bridge.guard.rules.table import decide
from beamgym.hardware_bridge.records import AuditLog

DATA = Path(__file__).with_name("data")
SPEED = "50"
MAIN = [sys.executable, "-m", "beamgym.scripts.main"]
YES = ("--yes", "--confirm", "first")

RUNS: dict[str, dict[str, tuple[str, ...]]] = {
    "laue": {
        "signs": ("bundle", "--signs", *YES),
        "check": ("bundle", "--check"),
        "dry-run": ("bundle", "--dry-run"),
        "run": ("bundle", "--max-steps", "3", *YES),
        "declared": ("index-and-move", "--yes", "--confirm", "every", "--return", "--dose", "300"),
        "saturated_frame": ("bundle", "--max-steps", "3", *YES),
        "limit_switch": ("bundle", "--max-steps", "3", *YES),
        "beam_loss": ("bundle", "--max-steps", "3", *YES),
        "stall": ("bundle", "--max-steps", "3", *YES),
    },
    "arpes": {
        "signs": ("arpes-spot", "--signs", *YES),
        "run": ("arpes-spot", "--max-steps", "4", *YES),
    },
}
"""What is deployed on each kind of instrument, in this order; a name that is a fault is put first, and then cleared."""

FAULTS = {"saturated_frame": "1", "limit_switch": "j1,j2,j3,j4,j5,j6", "beam_loss": "1", "stall": "1"}
BROKEN_OFF_S = 40.0
"""A run that would wait for the beam, or for a motor that hums, is ended by Ctrl-C after so long."""


def main() -> None:
    """Make every record that is not there."""
    DATA.mkdir(exist_ok=True)
    if not (DATA / "bundle").exists():
        make_bundle(DATA / "bundle")
    for kind in RUNS:
        if not (DATA / kind).exists():
            record_instrument(kind, DATA / kind)
    if not (DATA / "torn.jsonl").exists():
        record_torn(DATA / "torn.jsonl")
    if not (DATA / "logs.json").exists():
        _write_json(DATA / "logs.json", {name: verified(DATA / name) for name in log_names()})
    if not (DATA / "names.json").exists():
        _write_json(DATA / "names.json", names())


def log_names() -> list[str]:
    """Return the recorded audit logs, as paths below ``data``."""
    return [*(f"{kind}/{run}.jsonl" for kind, runs in RUNS.items() for run in runs), "torn.jsonl"]


def verified(log: Path) -> dict[str, Any]:
    """Return what `beamgym deploy --verify` writes about a log."""
    with tempfile.TemporaryDirectory() as name:
        words = ["deploy", "--verify", str(log), "--json", f"{name}/result.json"]
        subprocess.run([*MAIN, *words], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(Path(name, "result.json").read_text(encoding="utf-8"))
        return found


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def make_bundle(folder: Path) -> None:
    """Export an untrained policy that turns the crystal by some 20 degrees a step and never declares."""
    env = gym.make("beamgym/LaueAlign-v0")
    torch.manual_seed(0)
    model = PPO("MultiInputPolicy", env, seed=0, device="cpu", policy_kwargs={"net_arch": [4]})
    with torch.no_grad():
        model.policy.action_net.bias[:] = torch.tensor([0.5, -0.3, 0.2, -1.0])
    context: Any = env.unwrapped
    origin = Origin(env_id="beamgym/LaueAlign-v0", command="python tests/recorded/record_bridge.py", seeds=(0, 9))
    export_bundle(
        model,
        context.loop.task.context,
        folder,
        origin=origin,
        observations=_few_observations(env),
        observation_space=env.observation_space,
    )
    _forget_places(folder)


def _forget_places(folder: Path) -> None:
    """Take out of the graph where on this machine the exporter's source lay, and list the graph's new SHA-256."""
    path, manifest = folder / "policy.onnx", folder / "manifest.json"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    graph = onnx.load(path)
    for node in graph.graph.node:
        del node.metadata_props[:]
    onnx.save(graph, path)
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def _few_observations(env: gym.Env[Any, Any]) -> dict[str, Any]:
    """Return 200 observations of which ten differ, so that the file stays small."""
    seen = [env.reset(seed=seed)[0] for seed in range(10)]
    return {name: np.tile(np.stack([one[name] for one in seen]), (20, 1)) for name in seen[0]}


def record_instrument(kind: str, folder: Path) -> None:
    """Deploy on a practice instrument, and keep the instrument file, its records and the runs' logs."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        shutil.copytree(DATA / "bundle", here / "bundle")
        shipped = Path(str(files("beamgym.hardware_bridge.instruments"))) / f"{kind}_soft_ioc.yaml"
        shutil.copyfile(shipped, here / f"{kind}.yaml")
        with practice_instrument(kind, here) as environment:
            for run, words in RUNS[kind].items():
                _deploy(kind, run, words, here, environment)
        folder.mkdir()
        for path in sorted(here.glob(f"{kind}.yaml*")):
            shutil.copyfile(path, folder / path.name)
        for run in RUNS[kind]:
            (found,) = (here / run).glob("deploy-*")
            shutil.copyfile(found / "audit.jsonl", folder / f"{run}.jsonl")
        (found,) = (here / "run").glob("deploy-*")
        documents = (found / "documents.jsonl").read_text(encoding="utf-8")
        (folder / "documents.jsonl").write_text(documents.replace(str(here), "/here"), encoding="utf-8")
        received = _received(here / "received.jsonl", folder / "run.jsonl")
        (folder / "received.jsonl").write_text(received, encoding="utf-8")


def _deploy(kind: str, run: str, words: tuple[str, ...], here: Path, environment: Mapping[str, str]) -> None:
    fault = f"bgym:sim:fault:{run}" if run in FAULTS else ""
    if fault:
        write(fault, FAULTS[run], notify=True, repeater=False)
    (here / run).mkdir()
    command = [*MAIN, "deploy", words[0], "-i", f"{kind}.yaml", *words[1:], "--out", run]
    process = subprocess.Popen(command, cwd=here, env=environment)
    try:
        process.wait(BROKEN_OFF_S if fault else None)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait()
    print(f"{kind} {run}: exit code {process.returncode}", flush=True)
    if fault:
        write("bgym:sim:fault:clear", 1, notify=True, repeater=False)
        write("bgym:sim:reset", 0.0, notify=True, repeater=False)


@contextmanager
def practice_instrument(kind: str, here: Path) -> Iterator[dict[str, str]]:
    """Serve a practice instrument on loopback; yields the variables with which a client finds it."""
    port, repeater = _free_ports()
    client = {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_SERVER_PORT": str(port)}
    client |= {"EPICS_CA_REPEATER_PORT": str(repeater), "EPICS_CA_MAX_ARRAY_BYTES": "67108864"}
    os.environ.update(client)
    words = ["ioc", kind, "--port", str(port), "--repeater-port", str(repeater), "--speed", SPEED]
    process = subprocess.Popen([*MAIN, *words, "--record", "received.jsonl"], cwd=here)
    try:
        _wait_for(port, process)
        yield {**os.environ}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30.0)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the practice instrument did not start")


def _received(path: Path, log: Path) -> str:
    """Return what the practice instrument received while a log was written, with neither user nor host."""
    lines = log.read_bytes().splitlines()
    begun, ended = (json.loads(line)["time_s"] for line in (lines[0], lines[-1]))
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    here = [event for event in events if event["kind"] == "put" and begun <= event["time_s"] <= ended]
    return "".join(json.dumps({**event, "client": "user@host"}) + "\n" for event in here)


def record_torn(path: Path) -> None:
    """Write a log that a crash cut short within a line, and that the next session went on with."""
    log = AuditLog(path)
    log.before("set", device="j1", value=2.0)
    torn = path.read_bytes()[:-20]
    log.close()
    path.write_bytes(torn)
    with AuditLog(path) as again:
        again.event("armed", simulation=True)
        again.decision("connection", inputs := {"what": "j1", "lost": True}, decide("connection", inputs))
        again.after(again.before("stop", device="j1"), "done", readback=float("nan"))


if __name__ == "__main__":
    main()
