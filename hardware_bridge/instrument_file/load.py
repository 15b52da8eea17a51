"""Reads instrument.yaml and checks it as a whole.

Everything is checked before anything connects. A mistake is one ValueError with one line: the file, the place in it,
what was found and what would be right.
"""

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beamgym.hardware_bridge.instrument_file.checks import check_together
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile, file_class
from beamgym.hardware_bridge.instrument_file.outputs import check_outputs
from beamgym.hardware_bridge.instrument_file.ranges import check_ranges
from beamgym.hardware_bridge.instrument_file.text import first_mistake, read_yaml

UNDECIDED = "DECIDE"
"""Stands in a new instrument file where no record can tell the value."""

_TOLD = 3  # further places that one message names


def load_instrument(path: str | PathLike[str]) -> InstrumentFile:
    """Read and check an instrument file.

    Parameters
    ----------
    path : a YAML file

    Raises
    ------
    ValueError : in one line, for a file that cannot be read, is no YAML, or holds a mistake
    """
    return parse_instrument(read_yaml(Path(path)), str(path), Path(path).parent)


def parse_instrument(
    content: Mapping[str, Any], source: str = "the instrument", folder: Path = Path()
) -> InstrumentFile:
    """Check an instrument given as a mapping.

    Parameters
    ----------
    content : what a file would hold
    source : names it in messages
    folder : where the files that it names are looked for

    Raises
    ------
    ValueError : as ``load_instrument``
    """
    try:
        check_decided(content)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    model = file_class(content.get("kind") if isinstance(content, Mapping) else None)
    try:
        file = model.model_validate(content).beside(folder)
    except ValidationError as error:
        raise ValueError(f"{source}: {first_mistake(error, model, content)}") from None
    try:
        check_together(file)
        check_outputs(file)
        check_ranges(file)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return file


def shipped_instrument(name: str) -> Path:
    """Return the path of a shipped file, such as "laue_soft_ioc"; raises ValueError for an unknown name."""
    folder = Path(__file__).parents[1] / "instruments"
    known = sorted(entry.stem for entry in folder.glob("*.yaml"))
    if name not in known:
        raise ValueError(f"no instrument file {name!r} is shipped; there are {', '.join(known)}")
    return folder / f"{name}.yaml"


def check_decided(content: Any) -> None:
    """Refuse a file in which something is left open; raises ValueError in one line that names the place."""
    places = list(dict.fromkeys(_undecided(content, "")))
    if not places:
        return
    first, *more = places
    others = "" if not more else f"; so are {', '.join(more[:_TOLD])}"
    others += f" and {len(more) - _TOLD} more" if len(more) > _TOLD else ""
    raise ValueError(
        f"{first} is not decided: no record can tell it; write its value in the place of {UNDECIDED}, the comment "
        f"beside it says which{others}"
    )


def _undecided(content: Any, place: str) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _undecided(value, f"{place}: {key}" if place else str(key))
    elif isinstance(content, list):
        for i, value in enumerate(content):
            name = value.get("name") if isinstance(value, dict) else None
            # A list of numbers is one value; a list of parts is many.
            inside = f"{place}[{i}]" + (f" ({name})" if isinstance(name, str) else "")
            yield from _undecided(value, inside if isinstance(value, dict) else place)
    elif isinstance(content, str) and content.strip() == UNDECIDED:
        yield place
