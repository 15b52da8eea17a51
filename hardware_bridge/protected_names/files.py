"""Where protected names are read from: the package's own list, the facility's files, and the instrument's."""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from beamgym.hardware_bridge.protected_names.names import NamesFile, ProtectedNames
from beamgym.physics.messages import one_line

VARIABLE = "BEAMGYM_PROTECTED_NAMES"
"""Names files, or folders of them, of a facility, separated as PATH is."""

FOLDERS = (Path("/etc/beamgym/protected_names"), Path.home() / ".config" / "beamgym" / "protected_names")
"""Folders whose YAML files always hold: of the computer, and of the user."""

_MAX_BYTES = 200_000


def read_protected_names(paths: Iterable[Path] = ()) -> ProtectedNames:
    """Return the patterns of the package, of the facility and of an instrument.

    Parameters
    ----------
    paths : files that the instrument names, beside those of ``VARIABLE`` and ``FOLDERS``

    Raises
    ------
    ValueError : in one line, a file that cannot be read, or holds a mistake: without it less would be protected
    """
    found = [("the package", _read(Path(__file__).with_name("patterns.yaml"), 0))]
    for path in (*_of_facility(), *paths):
        found.append((path.name, _read(path, _changed(path))))
    return ProtectedNames(found)


def _of_facility() -> Iterator[Path]:
    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    for path in (*named, *(folder for folder in FOLDERS if folder.is_dir())):
        if path.is_dir():
            yield from sorted((*path.glob("*.yaml"), *path.glob("*.yml")))
        else:
            yield path


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise ValueError(f"cannot read the protected names in {path}: {error.strerror}; check its path") from None


@cache
def _read(path: Path, changed_ns: int) -> NamesFile:
    """Read one file; ``changed_ns`` is its time of writing, so that a changed file is read anew."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return NamesFile.model_validate(content if content is not None else {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"protected names in {path}: {place}: {_said(first)}; see docs/deploying.md") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"protected names in {path}: {one_line(error, 200)}; see docs/deploying.md") from None


def _said(first: object) -> str:
    assert isinstance(first, dict)
    context = first.get("ctx", {})
    return one_line(context.get("error", first["msg"]) if first["type"] == "value_error" else first["msg"])
