"""Records what users see of the environments, the bundles and the command line, for ``compare.py`` and the fixtures.

    python tests/recorded/record.py OUT_DIR      everything, to the bit
    python tests/recorded/record.py --fixtures   the committed fixtures, shorter and coarser

Uses nothing of beamgym but what never moves: its import, environment ids and options, bundle files and verbs.
"""

import hashlib
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from cases import Case, cases
from numpy.typing import NDArray

import beamgym

Record = dict[str, NDArray[Any]]
Row = dict[str, Any]

STEPS = 24
"""Steps of a trajectory that is compared to the bit."""

KEPT_STEPS = 8
"""Steps of a committed one."""

DECLARES = 0.12
"""Share of the actions that declare."""

SEED = 1729

LOST = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0], [1.0, 1.0, 1.0]]) / np.sqrt([[2.0], [6.0], [3.0]])
"""A mount with [111] upwards, from which two arcs bring no cube axis to the beam."""


def play(case: Case, steps: int) -> Record:
    """Return a trajectory: every array that reset and step returned, rows in their order; see ``stacked``."""
    if case.envs:
        env: Any = gym.make_vec(
            case.env_id,
            num_envs=case.envs,
            vectorization_mode="vector_entry_point",
            autoreset_mode=gym.vector.AutoresetMode(case.reset),
            **case.options,
        )
    else:
        env = gym.make(case.env_id, **case.options)
    record = stacked(list(_rows(env, case, steps)))
    env.close()
    return record


def _rows(env: Any, case: Case, steps: int) -> Iterator[Row]:
    """Yield what every reset and step returned."""
    observation, info = env.reset(seed=SEED)
    if case.mount:
        goal = observation["target"][:9].reshape(3, 3).astype(np.float64)
        observation, info = env.reset(options={"mount": goal if case.mount == "goal" else LOST})
    yield flat({"observation": observation, "info": info})
    draw = np.random.default_rng(zlib.crc32(case.name.encode()))
    for number in range(steps):
        action = _action(env.action_space, draw)
        action = np.eye(action.size)[-1] if case.mount == "goal" and not number else action
        observation, reward, terminated, truncated, info = env.step(action)
        step = {"action": action, "reward": reward, "terminated": terminated, "truncated": truncated}
        yield flat({**step, "observation": observation, "info": _with_every_last(info, observation)})
        ended = np.logical_or(terminated, truncated)
        if ended.any() and (not case.envs or case.reset == "Disabled"):
            observation, info = env.reset(options={"reset_mask": ended} if case.envs else None)
            yield flat({"observation": observation, "info": info})


def _with_every_last(info: dict[str, Any], observation: dict[str, Any]) -> dict[str, Any]:
    """Return an info whose last observations are those of every row, as arrays, as the first version gave them.

    Of an episode that goes on it is the present one.
    """
    last = info.get("final_obs")
    if not isinstance(last, np.ndarray):
        return info
    rows = [
        {name: values[i] for name, values in observation.items()} if each is None else each
        for i, each in enumerate(last)
    ]
    return {**info, "final_obs": {name: np.stack([row[name] for row in rows]) for name in observation}}


def _action(space: gym.spaces.Box, draw: np.random.Generator) -> NDArray[np.float32]:
    """Return an action over the whole space, of which a few declare."""
    action = draw.uniform(space.low, space.high).astype(np.float32)
    size, declares = np.abs(action[..., -1]), draw.random(action.shape[:-1]) < DECLARES
    action[..., -1] = np.where(declares, size, -size)
    return action


def flat(values: dict[str, Any], head: str = "") -> Row:
    """Return nested mappings as one, names joined by a slash."""
    row: Row = {}
    for name, value in values.items():
        row |= flat(value, f"{head}{name}/") if isinstance(value, dict) else {f"{head}{name}": value}
    return row


def stacked(rows: list[Row]) -> Record:
    """Return arrays over the rows by name.

    A name that some rows lack has an array ``NAME@rows`` of those that have it. ``types`` says what Python types there
    were.
    """
    record: Record = {}
    types: dict[str, list[str]] = {}
    for name in {name: None for row in rows for name in row}:
        have = [number for number, row in enumerate(rows) if name in row]
        record[name] = np.stack([np.asarray(rows[number][name]) for number in have])
        types[name] = sorted({type(rows[number][name]).__name__ for number in have})
        if len(have) < len(rows):
            record[f"{name}@rows"] = np.array(have)
    return record | {"types": np.array(json.dumps(types))}


def spaces_of(env_id: str) -> Record:
    """Return an environment's spaces, and a picture of its first state."""
    env = gym.make(env_id, render_mode="rgb_array")
    env.reset(seed=SEED)
    boxes = {f"observation/{name}": box for name, box in env.observation_space.items()} | {"action": env.action_space}
    record = {f"{name}/{end}": getattr(box, end) for name, box in boxes.items() for end in ("low", "high")}
    return record | {"picture": np.asarray(env.render()), "metadata": np.array(json.dumps(env.metadata))}


def sums(record: Record) -> dict[str, str]:
    """Return the dtype, shape and SHA-256 of every array by its name."""
    return {
        name: f"{values.dtype} {values.shape} {hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()}"
        for name, values in record.items()
    }


def everything() -> dict[str, Callable[[], Record]]:
    """Return what is compared to the bit, by name, as functions that make the records."""
    from others import bundles, verbs

    made: dict[str, Callable[[], Record]] = {
        case.name: lambda case=case: play(case, STEPS)  # type: ignore[misc]
        for case in cases()
    }
    ids = sorted({case.env_id for case in cases()})
    made |= {f"spaces {env_id}": lambda env_id=env_id: spaces_of(env_id) for env_id in ids}  # type: ignore[misc]
    return {**made, **bundles(), **verbs()}


def write_everything(folder: Path) -> None:
    """Write every record into a folder: ``NUMBER.npz``, and their sums by name in ``sums.json``."""
    folder.mkdir(parents=True)
    found: dict[str, Any] = {"beamgym": str(Path(beamgym.__file__).parent), "records": {}}
    for number, (name, make) in enumerate(everything().items()):
        record = make()
        np.savez(folder / f"{number}.npz", allow_pickle=False, **record)  # type: ignore[arg-type]
        found["records"][name] = {"file": f"{number}.npz", "sums": sums(record)}
        print(f"{number:4} {name}", flush=True)
    (folder / "sums.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--fixtures"]:
        from kept import write_fixtures

        write_fixtures()
    elif len(sys.argv) == 2:
        write_everything(Path(sys.argv[1]))
    else:
        sys.exit(__doc__)
