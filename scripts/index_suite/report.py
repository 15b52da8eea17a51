"""What a part of the suite has to show: tables, bars, and figures for JSON."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from rich.box import SIMPLE
from rich.table import Table

from beamgym.scripts.rates import Bar


class OfACrystal(Protocol):
    """Whatever was found of one crystal."""

    @property
    def drawn(self) -> str:
        """The crystal in the beam."""


Found = TypeVar("Found", bound=OfACrystal)


@dataclass(frozen=True)
class PartResult:
    """What a part has found.

    Parameters
    ----------
    tables : for reading
    bars : what is to be reached, and what was
    figures : for JSON
    """

    tables: tuple[Table, ...]
    bars: tuple[Bar, ...]
    figures: dict[str, Any]


def by_crystal(found: Iterable[Found], names: Sequence[str]) -> dict[str, list[Found]]:
    """Return what was found of each crystal that there is, and "all"."""
    every = list(found)
    groups = {name: [one for one in every if one.drawn == name] for name in names}
    return {name: group for name, group in groups.items() if group} | {"all": every}


def table_of(title: str, columns: dict[str, Callable[[list[Found]], object]], groups: dict[str, list[Found]]) -> Table:
    """Return a table with a row for each group; the last one is the total.

    Parameters
    ----------
    title : above it
    columns : headings, and what stands below them
    groups : as of ``by_crystal``
    """
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for number, heading in enumerate(("crystal", *columns)):
        out.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for name, group in groups.items():
        if name == "all":
            out.add_section()
        out.add_row(name, *(str(cell(group)) for cell in columns.values()))
    return out
