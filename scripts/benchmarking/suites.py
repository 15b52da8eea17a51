"""The suites of `beamgym benchmark`, named in an environment's place: who runs each, and which options are for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from rich.console import Console

from beamgym.scripts.engine import PLACES

_EVERYWHERE = ("seed", "json")


@dataclass(frozen=True)
class Suite:
    """One suite.

    Parameters
    ----------
    module : where ``run_suite(options, seed, console)`` stands, which prints tables and returns figures; imported when
        it is called
    options : names of the options that are for it, beside --seed and --json
    """

    module: str
    options: tuple[str, ...]

    @property
    def takes(self) -> str:
        """The options in words."""
        *others, last = (f"--{name}" for name in (*self.options, *_EVERYWHERE))
        return f"{', '.join(others)} and {last}"


SUITES = {
    "arpes-domains": Suite("beamgym.scripts.domains_suite.suite", ("part", "episodes")),
    "arpes-gap": Suite("beamgym.scripts.gap_suite.suite", ("part", "spectra", "curves")),
    "arpes-measured": Suite("beamgym.scripts.arpes_suites.measured", ("episodes", "policy", "level", "maps")),
    "arpes-scorer": Suite("beamgym.scripts.scorer.benchmark", ("spectra", "source", "policy", "ladders")),
    "bands": Suite("beamgym.scripts.bands_suite.suite", ("part",)),
    "denoise": Suite("beamgym.scripts.denoise_suite.suite", ("scene", "pictures", "policy")),
    "engine": Suite("beamgym.scripts.engine_suite.suite", ("part",)),
    "index": Suite("beamgym.scripts.index_suite.suite", ("part", "pictures", *PLACES)),
    "laue-levels": Suite("beamgym.scripts.laue_suites.levels", ("episodes", "policy", "level", "page", *PLACES)),
    "laue-image": Suite("beamgym.scripts.laue_suites.images", ("episodes", "policy", "level", "page", *PLACES)),
    "laue-crystals": Suite(
        "beamgym.scripts.laue_suites.crystals", ("episodes", "policy", "crystal", "level", "page", *PLACES)
    ),
    "laue-harsh": Suite("beamgym.scripts.laue_suites.harsh", ("episodes", "policy", "crystal", "page", *PLACES)),
    "laue-zone": Suite("beamgym.scripts.laue_suites.zones", ("episodes", "policy", "level", "page", *PLACES)),
    "mosaic": Suite("beamgym.scripts.mosaic_suite.suite", ("crystals", "part", "level")),
    "ub": Suite("beamgym.scripts.ub_suite.suite", ("episodes", "part")),
    "learn": Suite("beamgym.scripts.learning.suite", ("part", "workers", "ray", "page", "logdir")),
}
"""Every suite by the word that stands in an environment's place."""

_OF_POLICIES_TOO = ("policy", "episodes", "level", "crystal", "logdir", "curves", *PLACES)
"""Options that are for environments too, where policies are compared."""


def given_options(context: typer.Context) -> dict[str, Any]:
    """Return the options that stand on the command line, by their names there without the dashes."""
    given = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.param_type_name == "option" and source is not None and source.name == "COMMANDLINE":
            given[parameter.opts[0].removeprefix("--")] = context.params[parameter.name or ""]
    return given


def check_rungs(what: str, words: Sequence[str] | None) -> None:
    """Raise ValueError for words behind anything but the ladder."""
    if words and what != "learn":
        raise ValueError(f"{words[0]!r} is one word too many; {what} takes options alone, only learn takes rungs")


def check_options(what: str, given: dict[str, Any]) -> None:
    """Check that every given option means something here.

    Parameters
    ----------
    what : a suite or an environment
    given : as of ``given_options``

    Raises
    ------
    ValueError : for the first one that does not
    """
    suite = SUITES.get(what)
    instead = f"{what} takes {suite.takes if suite else '--episodes and --policy'}"
    for name in given:
        owners = [other for other in SUITES if name in SUITES[other].options]
        for_environments = not owners or name in _OF_POLICIES_TOO
        if name in _EVERYWHERE or (name in suite.options if suite else for_environments):
            continue
        raise ValueError(f"--{name} {_belongs(name, suite, owners, for_environments)}; {instead}")


def _belongs(name: str, suite: Suite | None, owners: list[str], for_environments: bool) -> str:
    """Return, in words, what an option is for that does not belong to the suite or environment asked for."""
    if for_environments and name not in PLACES and suite is not None and "episodes" not in suite.options:
        return "compares policies"
    *others, last = (*(["environments"] if for_environments else []), *owners)
    return f"is for {', '.join(others)} and {last}" if others else f"is for {last}"


def run_suite(name: str, given: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run a suite with the given options, print its tables and return its figures.

    Raises
    ------
    ValueError : what the suite cannot do
    """
    suite = SUITES[name]
    options = {option: given[option] for option in suite.options if option in given}
    figures: dict[str, Any] = import_module(suite.module).run_suite(options, seed, console)
    return figures
