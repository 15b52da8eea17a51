"""What both suites share: options checked, rows played, tables printed, figures and page written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from beamgym.agents.evaluation import first_seed
from beamgym.physics.files import write_text
from beamgym.scripts.command_line import check_output
from beamgym.scripts.engine import Place, place_of
from beamgym.scripts.laue_suites.measured import episode_records
from beamgym.scripts.laue_suites.page import command_line, page_of
from beamgym.scripts.laue_suites.playing import PlayedRow, check_policies, play_row
from beamgym.scripts.laue_suites.rows import SuiteRow
from beamgym.scripts.laue_suites.summaries import over_all_rows
from beamgym.scripts.laue_suites.tables import LEGEND, bars_of, terminal_table
from beamgym.scripts.laue_suites.worst import told_again, worst_failures
from beamgym.scripts.rates import bars_table

MOST_EPISODES = 1_000_000


@dataclass(frozen=True)
class AskedSuite:
    """A suite as it was asked for.

    Parameters
    ----------
    name : on the command line
    title : of table and page
    rows : what is played
    episodes : of each policy on each row
    usual : episodes that the bars are meant for
    seed : the user's number
    options : as given on the command line
    """

    name: str
    title: str
    rows: Sequence[SuiteRow]
    episodes: int
    usual: int
    seed: int
    options: Mapping[str, Any]

    @property
    def policies(self) -> list[str]:
        """Policies besides the usual ones."""
        return list(self.options.get("policy") or ())

    @property
    def page(self) -> Path | None:
        """Where the page goes."""
        return self.options.get("page")

    @property
    def remarks(self) -> list[str]:
        """Sentences that belong to the figures."""
        said = [f"{self.episodes} episodes of each policy on each row, all on the same starts."]
        if self.episodes < self.usual:
            said.append(f"The bars are meant for {self.usual} episodes: these figures are a first impression.")
        return said


def run_rows(asked: AskedSuite, console: Console) -> dict[str, Any]:
    """Play every row, print table and bars, write the page, and return the figures.

    Returns
    -------
    "suite", "seed", "episodes", "rows" by name, "bars" and "over_all_rows"

    Raises
    ------
    ValueError : numbers that make no sense, a policy that is none, or a page that could not be written
    """
    if not 1 <= asked.episodes <= MOST_EPISODES:
        raise ValueError(f"episodes is {asked.episodes}; it must lie between 1 and {MOST_EPISODES}")
    first = first_seed("benchmark", asked.seed)
    check_output(asked.page)
    check_policies(asked.policies, asked.rows[0])
    place = place_of(asked.options)
    played = [_told(row, asked, place) for row in asked.rows]
    measured = [one for each in played for one in each.measured]
    remarks = [*asked.remarks, *_left_out(played)]
    console.print(terminal_table(f"{asked.title}, {asked.episodes} episodes, seed {asked.seed}", measured))
    if bars := bars_of(measured):
        console.print(bars_table(bars))
    console.print("\n".join((LEGEND, *remarks)), style="dim", highlight=False, markup=False)
    if asked.page is not None:
        command = command_line(asked.name, asked.options, asked.episodes, asked.seed)
        worst = list(told_again(worst_failures(measured), first, asked.page.with_name(f"{asked.page.stem}_worst")))
        write_text(asked.page, page_of(asked.title, command, measured, remarks, worst))
    return figures_of(asked, played, first)


def figures_of(asked: AskedSuite, played: Sequence[PlayedRow], first: int) -> dict[str, Any]:
    """Return everything for JSON."""
    measured = [one for each in played for one in each.measured]
    return {
        "suite": asked.name,
        "seed": asked.seed,
        "episodes": asked.episodes,
        "rows": {each.row.name: _row_figures(each, first) for each in played},
        "bars": [bar.as_dict() for bar in bars_of(measured)],
        "over_all_rows": {
            name: {"success": mean, "ci95": [low, high]} for name, (mean, low, high) in over_all_rows(measured).items()
        },
    }


def _row_figures(played: PlayedRow, first: int) -> dict[str, Any]:
    figures = {one.result.name: one.as_dict() | {"failed": episode_records(one, first)} for one in played.measured}
    return {"policies": figures, "curves": played.curves, "excluded_share": played.excluded}


def _left_out(played: Sequence[PlayedRow]) -> list[str]:
    """Say which starts and which policies are left out."""
    said = [
        f"{each.row.name}: {100 * each.excluded:.1f} % of random starts are left out, since no target can be reached."
        for each in played
        if each.excluded > 0.0
    ]
    for name in dict.fromkeys(name for each in played for name in each.absent):
        rows = "; ".join(each.row.name for each in played if name in each.absent)
        said.append(f"{name} is left out where it cannot play: {rows}.")
    return said


def _told(row: SuiteRow, asked: AskedSuite, place: Place | None) -> PlayedRow:
    """Play a row; where stderr is no terminal, a line in the log tells of it."""
    played = play_row(row, asked.policies, asked.episodes, asked.seed, place)
    console = Console(stderr=True)
    if not console.is_terminal:
        number = list(asked.rows).index(row) + 1
        console.print(f"{row.name}: row {number} of {len(asked.rows)} done", highlight=False)
    return played
