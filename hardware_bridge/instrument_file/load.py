"""Reads instrument.yaml and checks it as a whole.

Everything is checked before anything connects. A mistake is one ValueError with one line: the file, the place in it,
what was found and what would be right.
"""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beamgym.hardware_bridge.instrument_file.checks import check_together
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile, file_class
from beamgym.hardware_bridge.instrument_file.outputs import check_outputs
from beamgym.hardware_bridge.instrument_file.text import first_mistake, read_yaml
from beamgym.hardware_bridge.instrument_file.undecided import check_decided


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
