"""The names that the glossary has replaced do not come back into the code, and the page is linked."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "glossary.md"
FLOORS = ("physics", "envs", "agents", "hardware_bridge", "scripts")

STAY = {
    "Light": {"physics/laue/zone/kernels.py"},  # name in numba's cached indices
    "warm_start": {
        f"agents/training/{name}.py" for name in ("config", "sb3", "shares")
    },  # key of a training configuration
    "search_start": {f"agents/training/{name}.py" for name in ("config", "sb3", "shares")},  # the same
    "novelty": {  # key of a scorer's configuration
        "agents/spectra/config.py",
        "agents/spectra/refit.py",
        "agents/spectra/card.py",
        "agents/spectra/scorer.py",
    },
    "doubt": {
        "agents/beliefs/site_map.py",  # key of a training configuration
        "agents/spectra/net.py",  # trained networks hold weights under this name
        "agents/spectra/refit.py",
        "agents/spectra/scorer.py",
    },
}
"""Where an old name is the name of something in files, which does not change."""


def rows():
    """The glossary's rows: term, meaning, and the names that are not used."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("term", "---"):
            yield cells[0], cells[1], re.findall(r"`(\w+)`", cells[2])


def identifiers(path):
    text = path.read_text(encoding="utf-8")
    return {
        token.string.lstrip("_")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME
    }


@pytest.fixture(scope="module")
def used():
    """Every identifier of the code without leading underscores, with the files that it stands in."""
    found = {}
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            for name in identifiers(path):
                found.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_term_has_a_meaning_and_is_explained_once():
    terms = [term for term, _, _ in rows()]
    assert len(terms) > 30
    assert len(set(terms)) == len(terms)
    assert all(len(meaning) > 10 for _, meaning, _ in rows())


@pytest.mark.parametrize("name", sorted({name for _, _, names in rows() for name in names}))
def test_a_replaced_name_is_not_used(name, used):
    assert used.get(name, set()) - STAY.get(name, set()) == set(), "write the glossary's term instead"


def test_what_stays_is_still_there(used):
    for name, places in STAY.items():
        assert places <= used.get(name, set()), f"{name} is gone: take it out of STAY"


def test_the_page_is_linked():
    assert "(glossary.md)" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
