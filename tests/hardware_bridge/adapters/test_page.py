"""docs/adapters.md shows every adapter and every option, as the code has them."""

from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("aioca", reason="the page needs every adapter's library")
pytest.importorskip("tango", reason="the page needs every adapter's library")
pytest.importorskip("pyvisa", reason="the page needs every adapter's library")

from beamgym.hardware_bridge.adapters.page import as_markdown, described
from beamgym.hardware_bridge.adapters.table import BUILDERS, OPTIONS
from beamgym.hardware_bridge.instrument_file.entries import ADAPTERS

PAGE = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text(encoding="utf-8")


def test_the_page_shows_the_options_as_they_are_printed():
    assert as_markdown().strip() in PAGE


@pytest.mark.parametrize("part", OPTIONS, ids=" ".join)
def test_every_option_is_described_where_it_is_defined(part):
    module, name = OPTIONS[part]
    options = getattr(import_module(f"beamgym.hardware_bridge.{module}"), name)
    assert [each for names, _ in described(options) for each in names] == list(options.model_fields)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_page_names_every_adapter_and_what_it_can_be(adapter):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{adapter}` |")]
    words = {"axis": "axis", "detector": "detector", "shutter": "shutter", "signal": "reading"}
    can_be = row.split("|")[3]
    for role, builders in BUILDERS.items():
        if adapter in builders and "anything" not in can_be:
            assert words[role] in can_be
