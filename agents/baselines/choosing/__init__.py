"""Searches for the best site of a sample in which a network chooses."""

from functools import partial

from beamgym.agents.baselines.choosing.chooser import ENCODER, INPUT, SHIPPED, SiteChooser, shipped_chooser
from beamgym.agents.baselines.choosing.looks import CANDIDATES, COLUMNS, Looks
from beamgym.agents.baselines.choosing.search import CHOOSING, ChoosingSettings, Judge, choosing_survey
from beamgym.agents.baselines.spot import BASELINES as _PLAIN
from beamgym.agents.baselines.spot import SearchPolicy

NAME = "choosing-survey"

BASELINES = {NAME: partial(SearchPolicy, NAME, choosing_survey), **_PLAIN}
"""Every baseline of searches for a spot by the name it has in tables."""

__all__ = [
    "BASELINES",
    "CANDIDATES",
    "CHOOSING",
    "COLUMNS",
    "ENCODER",
    "INPUT",
    "NAME",
    "SHIPPED",
    "ChoosingSettings",
    "Judge",
    "Looks",
    "SiteChooser",
    "choosing_survey",
    "shipped_chooser",
]
