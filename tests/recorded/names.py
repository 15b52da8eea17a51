"""The names and numbers that are never changed, as the code has them now.

Audit logs name rules and their inputs, records on disk have keys, seeds hang on stream numbers and on the order of a
level's fields, and configurations and commands name environments, options and policies.
"""

import ast
import asyncio
import inspect
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import gymnasium as gym
from others import bundle_folders

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.baselines.align import BASELINES
from beamgym.agents.baselines.spot import BASELINES as SPOT_BASELINES
from beamgym.envs.arpes_spot import ArpesSpotOptions
from beamgym.envs.bundles import Manifest
from beamgym.envs.laue_align.factory import BEAMS, DETECTORS, LaueAlignOptions
from beamgym.envs.laue_zone import LaueZoneOptions
from beamgym.hardware_bridge.direction_check.record import direction_record_path, report_seen, write_direction_record
from beamgym.hardware_bridge.guard.rules.table import RULES, decide
from beamgym.hardware_bridge.instrument_file import InstrumentFile, load_instrument
from beamgym.hardware_bridge.records import AuditLog, Confirmation, store_of, subject
from beamgym.physics.arpes.surface import SURFACE_LEVELS
from beamgym.physics.crystal import crystal_names
from beamgym.physics.goniometer.presets import PRESETS
from beamgym.physics.laue.imperfections import LAUE_LEVELS
from beamgym.physics.laue.zone.world import PERFECT

DATA = Path(__file__).with_name("data")
FLOORS = ("physics", "envs", "agents", "hardware_bridge", "scripts")


def environments() -> dict[str, dict[str, Any]]:
    """Return the ids with the options they are registered with; the row of the table of kinds is none of a user's."""
    return {
        name: {key: value for key, value in spec.kwargs.items() if key != "kind"}
        for name, spec in gym.registry.items()
        if name.startswith("beamgym/")
    }


def names() -> dict[str, Any]:
    """Return all of them, as JSON has them."""
    found = {
        "environments": environments(),
        "options": {kind.__name__: options(kind) for kind in (LaueAlignOptions, LaueZoneOptions, ArpesSpotOptions)},
        "policies": {"align": list(BASELINES), "spot": list(SPOT_BASELINES)},
        "goniometers": list(PRESETS),
        "crystals": list(crystal_names()),
        "beams": list(BEAMS),
        "detectors": list(DETECTORS),
        "streams": streams(),
        "levels": levels(),
        "rules": {name: list(inspect.signature(rule).parameters) for name, rule in RULES.items()},
        "audit lines": audit_lines(),
        "confirmation": confirmation(),
        "direction record": direction_record(),
        "manifest": list(Manifest.model_fields),
        "bundles": {name: bundle(folder) for name, folder in bundle_folders().items()},
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def options(kind: Any) -> list[list[str]]:
    """Return the name and default of every option, in order."""
    return [[item.name, repr(item.default)] for item in fields(kind)]


def levels() -> dict[str, dict[str, list[list[Any]]]]:
    """Return every level's fields in order, with their values."""
    tables: dict[str, Mapping[str, Any]] = {
        "laue": LAUE_LEVELS,
        "zone": {"published": PERFECT},
        "arpes": SURFACE_LEVELS,
    }
    return {
        kind: {name: [list(pair) for pair in asdict(level).items()] for name, level in table.items()}
        for kind, table in tables.items()
    }


def streams() -> list[list[str]]:
    """Return the names and numbers of ``counter_rng``'s streams, sorted, whichever module they are in."""
    homes = [Path(str(files(f"beamgym.{floor}"))) for floor in FLOORS]
    return sorted(pair for home in homes for path in home.rglob("*.py") for pair in _streams(path))


def _streams(path: Path) -> Iterator[list[str]]:
    """Yield what a file calls a stream, and every number that it hands to ``make_keys`` as one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if "STREAM" in ast.unparse(target):
                yield from _named(target, node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("make_keys"):
            yield from (
                ["make_keys", ast.unparse(stream)] for stream in node.args[3:] if isinstance(stream, ast.Constant)
            )


def _named(target: ast.expr, value: ast.expr) -> Iterator[list[str]]:
    for name, number in zip(_parts(target), _parts(value), strict=True):
        yield [name.strip("_"), number]


def _parts(node: ast.expr) -> list[str]:
    """Return the parts of a tuple or a range, in words, or the one thing that it is."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
        return [str(number) for number in range(int(ast.unparse(node.args[0])))]
    return [ast.unparse(part) for part in (node.elts if isinstance(node, ast.Tuple) else [node])]


def audit_lines() -> dict[str, list[str]]:
    """Return the keys of an audit log's lines by their kind, as they are written now."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "audit.jsonl"
        log = AuditLog(path)
        log.after(log.before("set", device="j1"), "done")
        path_of_crash = path.with_name("crashed.jsonl")
        path_of_crash.write_bytes(path.read_bytes()[:-9])
        log.close()
        with AuditLog(path_of_crash) as again:
            again.event("armed")
            inputs = {"what": "j1", "lost": False}
            again.decision("connection", inputs, decide("connection", inputs))
        lines = [*path.read_bytes().splitlines(), *path_of_crash.read_bytes().splitlines()]
    return keys_by_kind(json.loads(line) for line in lines if not line.endswith(b"<cut short>"))


def keys_by_kind(lines: Iterator[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the keys of lines by their kind, and of decisions; lines of a kind have the same keys."""
    found: dict[str, list[str]] = {}
    for line in lines:
        kind = "decision" if line.get("event") == "decision" else line["kind"]
        assert found.setdefault(kind, list(line)) == list(line), f"lines of kind {kind} differ in their keys"
        for entry in [line["data"]] if kind == "decision" else line.get("data", {}).get("decisions", []):
            found.setdefault("what was decided", list(entry))
    return dict(sorted(found.items()))


def laue_file() -> InstrumentFile:
    """Return the instrument of the records."""
    return load_instrument(DATA / "laue" / "laue.yaml")


def confirmation() -> dict[str, Any]:
    """Return how a confirmation's file is called, and its keys, as it is written now."""
    with tempfile.TemporaryDirectory() as name:
        store = store_of(Path(name) / "mine.yaml")
        bound = subject("0" * 64, {"max_steps": 1}, laue_file())
        asyncio.run(Confirmation(bound, "first", laue_file(), store, lambda question: True).start())
        content = json.loads(store.read_text(encoding="utf-8"))
        return {"name": store.name, "keys": list(content), "entry": list(content["confirmed"][0])}


def direction_record() -> dict[str, Any]:
    """Return how a direction record's file is called, and its keys, as it is written now."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mine.yaml"
        write_direction_record(path, laue_file(), report_seen({"j1": "right"}))
        return {
            "name": direction_record_path(path).name,
            "keys": list(json.loads(direction_record_path(path).read_text(encoding="utf-8"))),
        }


def bundle(folder: Path) -> dict[str, Any]:
    """Return the names of a bundle's files, and the keys of its manifest, those within it joined by a dot."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {"files": sorted(path.name for path in folder.iterdir()), "keys": list(_keys(manifest))}


def _keys(content: Any, head: str = "") -> Iterator[str]:
    for name, value in content.items() if isinstance(content, dict) else ():
        yield f"{head}{name}"
        yield from _keys(value, f"{head}{name}.")
