"""The instrument that a deployment drives: its file, read and checked before anything connects."""

from dataclasses import dataclass
from pathlib import Path

from beamgym.hardware_bridge.adapters import check_options
from beamgym.hardware_bridge.instrument_file import (
    InstrumentFile,
    check_experiment,
    load_instrument,
    shipped_instrument,
)


@dataclass(frozen=True)
class OpenedInstrument:
    """An instrument file that was read and found sound.

    Parameters
    ----------
    source : where it was read
    path : beside it lie direction record and confirmations; for a shipped file a copy that the session makes
    file : its content
    """

    source: Path
    path: Path
    file: InstrumentFile


def open_instrument(name: str | Path, out: Path = Path("out")) -> OpenedInstrument:
    """Read an instrument file.

    Parameters
    ----------
    name : the file's path, or the name of a shipped one, such as "laue_soft_ioc"
    out : folder in which a copy of a shipped one will lie

    Raises
    ------
    ValueError : in one line, for a file that is not there or holds a mistake
    """
    source, path = instrument_path(str(name), out)
    file = load_instrument(source)
    check_options(file)
    check_experiment(file)
    return OpenedInstrument(source, path, file)


def instrument_path(name: str, out: Path) -> tuple[Path, Path]:
    """Return where an instrument file is read, and beside what its direction check and confirmations lie.

    Both are the file itself; for a shipped one the second is a copy in ``out``, made when the session begins.

    Raises
    ------
    ValueError : neither a file nor a shipped instrument
    """
    path = Path(name)
    if path.is_file():
        return path, path
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise ValueError(f"there is no instrument file {path}; copy one of the shipped ones and fill it in")
    shipped = shipped_instrument(name)
    return shipped, out / shipped.name
