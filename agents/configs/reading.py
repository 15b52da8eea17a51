"""Configurations out of files: the two files of an environment, and what is wrong with them in one line."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from beamgym.agents.configs.algorithms import arguments_of, takers_of
from beamgym.physics.messages import one_line

OWN = ".beamgym.yml"
"""How the file with beamgym's own keys ends, beside the one that ends in .yml."""

_LEFT_OUT = {
    "callback": "callbacks are code; train with rl_zoo3.train",
    "vec_env_wrapper": "a bundle would lack it; train with rl_zoo3.train",
    "monitor_kwargs": "episodes are counted without a monitor",
}
"""Keys of rl-zoo3 that are not taken over, and why."""


def read_tables(env_id: str, path: str | Path | None) -> tuple[dict[str, Any], str]:
    """Return what the two files say of an environment, and how the first one is to be named.

    Parameters
    ----------
    env_id : such as "beamgym/LaueAlign-v0"
    path : of the first file; the shipped one by default

    Raises
    ------
    ValueError : no such file, no YAML, or no section for the environment
    """
    file: Path | Traversable
    if path is not None:
        file, where = Path(path), str(path)
        if not file.is_file():
            raise ValueError(f"there is no training configuration {path}; give the path of a YAML file")
        own: Path | Traversable = file.with_name(file.stem + OWN)
    else:
        name = env_id.rsplit("/", maxsplit=1)[-1]
        folder = resources.files("beamgym.agents.configs")
        file, own, where = folder.joinpath(f"{name}.yml"), folder.joinpath(name + OWN), f"the shipped {name}.yml"
        if not file.is_file():
            known = ", ".join(
                sorted(each.name.removesuffix(OWN) for each in folder.iterdir() if each.name.endswith(OWN))
            )
            raise ValueError(f"no configuration is shipped for {env_id}, only for {known}; give one with --config")
    section = _section(file, where, env_id)
    if own.is_file():
        section |= _section(own, where.removesuffix(".yml") + OWN, env_id)
    return section, where


def _section(file: Path | Traversable, where: str, env_id: str) -> dict[str, Any]:
    try:
        table = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is no YAML: {one_line(error)}") from None
    if not isinstance(table, dict) or env_id not in table:
        known = ", ".join(map(str, table)) if isinstance(table, dict) else "nothing"
        raise ValueError(f"{where} holds hyperparameters for {known}; add a section for {env_id}")
    if not isinstance(table[env_id], dict):
        raise ValueError(f"{where}, {env_id}: {table[env_id]!r} is no table of hyperparameters")
    return dict(table[env_id])


def mistake_in(error: ValidationError, model: type[BaseModel], algo: str) -> str:
    """Return the first thing that is wrong, in one line with its remedy.

    Parameters
    ----------
    error : pydantic's
    model : of the whole configuration
    algo : whose arguments may stand in it
    """
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"there is no key {where}; {_remedy(first['loc'], model, algo)}{more}"
    found = "" if first["type"] in ("missing", "value_error") else f", found {first['input']!r}"
    if first["type"] == "literal_error":
        near = get_close_matches(str(first["input"]), re.findall(r"'([^']*)'", first["ctx"]["expected"]), n=1)
        found += f"; did you mean {near[0]!r}?" if near else ""
    place = f"{where}: " if where else ""
    return f"{place}{first['msg'].removeprefix('Value error, ')}{found}{more}"


def _remedy(loc: tuple[int | str, ...], whole: type[BaseModel], algo: str) -> str:
    """Return what to do about an unknown key: who takes it, which was meant, or where they are listed."""
    *parents, name = (str(part) for part in loc)
    if not parents and name in _LEFT_OUT:
        return _LEFT_OUT[name]
    others = [] if parents else takers_of(name)
    if others:
        return f"it is for {', '.join(others)}, not for {algo}"
    close = get_close_matches(name, _known(parents, whole, algo), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "leave it out or see docs/training.md for the keys"


def _known(parents: Iterable[str], whole: type[BaseModel], algo: str) -> list[str]:
    """Return the keys that may stand in a part of a configuration."""
    model = whole
    for part in parents:
        field = model.model_fields[part].annotation
        parts = [each for each in (field, *get_args(field)) if isinstance(each, type)]
        model = next(each for each in parts if issubclass(each, BaseModel))
    return [*model.model_fields, *(arguments_of(algo) if model is whole else ())]
