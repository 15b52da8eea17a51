"""The table of scenarios: data, one row each, decided before anything is played; numbers are drawn for every seed."""

import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from campaign.bench import Bench, arpes, laue

TABLE = Path(__file__).with_name("scenarios.yaml")
_DRAWN = ("uniform", "integer", "choose", "either_sign", "from_start")


@cache
def scenarios() -> list[dict[str, Any]]:
    """Return every row of the table, as it is written; read once, so that a campaign under way keeps its table."""
    rows: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return rows


def row(name: str) -> dict[str, Any]:
    """Return one row; raises ValueError where there is none of this name."""
    for each in scenarios():
        if each["name"] == name:
            return each
    raise ValueError(f"there is no scenario {name!r}; see {TABLE.name}")


def drawn(template: dict[str, Any], seed: int) -> tuple[dict[str, Any], Bench]:
    """Return a row with its numbers of a seed, and the instrument on which it is played.

    Numbers are written as {uniform: [low, high]}, {integer: [low, high]} (both ends), {choose: [...]} or
    {either_sign: [low, high]}; AXIS and OTHER are two of the instrument's axes, the same all over a row, and
    {from_start: by} is a place seen from where AXIS stands at first.
    """
    draw = np.random.default_rng([seed, zlib.crc32(template["name"].encode())])
    kind = template.get("bench", ["kappa", "euler", "arcs"])
    name = str(draw.choice(kind)) if isinstance(kind, list) else kind
    bench = arpes(seed) if name == "arpes" else laue(name, seed)
    axes = [str(each) for each in draw.permutation(list(bench.shafts))]
    made = _with_numbers(template, draw, axes, bench.shafts[axes[0]].start)
    changes = made.get("file", {})
    made["bench"] = name
    array = made.get("array", "")
    bench = arpes(seed, changes) if name == "arpes" else laue(name, seed, changes)
    if array:
        bench = Bench(bench.content, bench.shafts, bench.kind, array, bench.stamp)
    return made, bench


def _with_numbers(value: Any, draw: np.random.Generator, axes: list[str], start: float) -> Any:
    if isinstance(value, list):
        return [_with_numbers(each, draw, axes, start) for each in value]
    if not isinstance(value, dict):
        return {"AXIS": axes[0], "OTHER": axes[1]}.get(value, value) if isinstance(value, str) else value
    if len(value) == 1 and (word := next(iter(value))) in _DRAWN:
        return start + value[word] if word == "from_start" else _number(word, value[word], draw)
    return {
        {"AXIS": axes[0], "OTHER": axes[1]}.get(key, key): _with_numbers(each, draw, axes, start)
        for key, each in value.items()
    }


def _number(word: str, given: Any, draw: np.random.Generator) -> Any:
    if word == "choose":
        return given[int(draw.integers(len(given)))]
    if word == "integer":
        return int(draw.integers(given[0], given[1] + 1))
    number = float(draw.uniform(given[0], given[1]))
    sign = float(draw.choice([-1.0, 1.0])) if word == "either_sign" else 1.0
    return round(sign * number, 5)
